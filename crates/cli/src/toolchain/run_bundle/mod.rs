//! `kubewright run bundle` and `run bundle-upgrade`: an operator that the Operator Lifecycle Manager of a cluster installs out of
//! a bundle's image.
//!
//! ```text
//! image ─pulled→ bundle ─→ Catalog ─ConfigMaps, Pod→ CatalogSource ←Subscription ─ manager ─→ InstallPlan ─approved→ operator
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `args` | flags and help |
//! | `modes` | which namespaces an operator watches |
//! | `catalog` | the catalog in the cluster |
//! | `install` | what tells the manager to install, and waits |
//!
//! Objects have the names, annotations and contents that operator-sdk gives them, so that either program goes on with what the
//! other has begun.

mod args;
mod catalog;
mod install;
mod modes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kubewright::k8s_openapi::api::core::v1::Secret;
use kubewright::kube::api::{Api, DynamicObject, ListParams};
use kubewright::kube::{self, Client, ResourceExt};
use kubewright_bundle::{Bundle, Catalog, CatalogError, Finding};
use kubewright_image::Reference;
use kubewright_image::registry::{Registry, RegistryOptions, files};
use tokio::time::Instant;

pub(crate) use args::RunCommand;
use args::{CatalogArgs, OPM, RunBundleArgs, RunBundleUpgradeArgs};
use catalog::Injected;
use install::Wanted;

use super::ToolchainError;
use super::bundle::{ARCHITECTURE, BundleError, pulled};
use super::deploy::client;
use super::olm::{OlmError, api, refused};
use super::push::options;

/// The channel that bundles are in, whatever channels they name.
const CHANNEL: &str = "operator-sdk-run-bundle";
/// The label of an image with the folder of its file-based catalog, and that of the kind of catalog that was before.
const CONFIGS: &str = "operators.operatorframework.io.index.configs.v1";
const DATABASE: &str = "operators.operatorframework.io.index.database.v1";
/// What a file-based catalog leaves out.
const IGNORE: &str = ".indexignore";
/// The most that the files of an index image may have, in bytes.
const MOST_BYTES: usize = 2 << 30;

/// Why an operator was not installed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunBundleError {
    #[error(transparent)]
    Olm(#[from] OlmError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("the bundle {bundle}: {cause}")]
    Mode { bundle: String, cause: String },
    #[error(
        "{what} is there: package {package} is installed in namespace {namespace}, or was to be; kubewright run bundle-upgrade \
         brings another version of it, kubewright cleanup {package} takes it away"
    )]
    There { what: String, package: String, namespace: String },
    #[error(
        "package {package} is not installed in namespace {namespace}: it has no Subscription; kubewright run bundle installs it"
    )]
    Absent { package: String, namespace: String },
    #[error(
        "namespace {namespace} has {} OperatorGroups, {}; the Operator Lifecycle Manager installs nothing in it until it has one",
        names.len(), names.join(", ")
    )]
    Groups { namespace: String, names: Vec<String> },
    #[error("operatorgroup/{name} is for {has}, not for {wanted}: leave out --install-mode, or use another namespace")]
    Group { name: String, has: String, wanted: String },
    #[error("{image} can't be an index image: {cause}")]
    Index { image: String, cause: String },
    #[error("secret/{name}: {cause}")]
    Secret { name: String, cause: String },
    #[error("catalogsource/{name} can't be upgraded: {cause}")]
    Source { name: String, cause: String },
    #[error("{what}; what was made stays to be looked at, and kubewright cleanup {package} takes it away")]
    Failed { what: String, package: String },
    #[error(
        "{what} after {} s; {}; what was made stays to be looked at, and kubewright cleanup {package} takes it away",
        waited.as_secs(), said.join("; ")
    )]
    Late { what: String, waited: Duration, said: Vec<String>, package: String },
}

/// Runs the command.
pub(crate) async fn run(command: &RunCommand) -> Result<(), ToolchainError> {
    let args = match command {
        RunCommand::Bundle(args) => &args.catalog,
        RunCommand::BundleUpgrade(args) => &args.catalog,
    };
    let deadline = Instant::now() + args.timeout;
    let client = client(&args.cluster).await.map_err(OlmError::from)?;
    let namespace = args.namespace.clone().unwrap_or_else(|| client.default_namespace().to_string());
    let mut runner = Runner { client, namespace, deadline, args, told: BTreeMap::new(), package: String::new() };
    let subscriptions = runner.subscriptions().await.map_err(RunBundleError::from)?;
    let options = runner.options().await?;
    match command {
        RunCommand::Bundle(args) => runner.install(args, &subscriptions, &options).await,
        RunCommand::BundleUpgrade(args) => runner.upgrade(args, &subscriptions, &options).await,
    }
}

/// What both commands work with.
struct Runner<'a> {
    client: Client,
    /// That of the operator.
    namespace: String,
    deadline: Instant,
    args: &'a CatalogArgs,
    /// What was told of each object, which is not told again.
    told: BTreeMap<String, String>,
    /// The package, once the bundle is read.
    package: String,
}

impl Runner<'_> {
    async fn install(
        &mut self,
        args: &RunBundleArgs,
        subscriptions: &[DynamicObject],
        options: &RegistryOptions,
    ) -> Result<(), ToolchainError> {
        let (bundle, _folder) = self.bundle(&args.image, options).await?;
        if let Some(there) = self.subscribed(subscriptions) {
            return Err(self.there(format!("subscription/{}", there.name_any())).into());
        }
        let supported = &bundle.csv.spec.install_modes;
        let mode = |cause| RunBundleError::Mode { bundle: bundle.name().into(), cause };
        let targets = modes::targets(supported, args.install_mode.as_ref(), &self.namespace).map_err(mode)?;
        let grouped = self.grouped(args.install_mode.is_some().then_some(&targets)).await?;
        let mut catalog = index(&args.index_image, options).await?;
        catalog.add(&bundle, &args.image, CHANNEL).map_err(RunBundleError::from)?;

        let source = self.create_source().await?;
        let injected = vec![Injected::new(&args.image, &args.index_image)];
        self.serve(&source, &catalog, &args.index_image, &injected).await?;
        if !grouped {
            self.create_group(&targets).await?;
        }
        let wanted = Wanted::new(&bundle, &source);
        let subscription = self.subscribe(&wanted).await?;
        self.installed(&subscription, &wanted).await?;
        Ok(())
    }

    async fn upgrade(
        &mut self,
        args: &RunBundleUpgradeArgs,
        subscriptions: &[DynamicObject],
        options: &RegistryOptions,
    ) -> Result<(), ToolchainError> {
        let (bundle, _folder) = self.bundle(&args.image, options).await?;
        let Some(subscription) = self.subscribed(subscriptions) else {
            let (package, namespace) = (self.package.clone(), self.namespace.clone());
            return Err(RunBundleError::Absent { package, namespace }.into());
        };
        let source = self.source_of(subscription).await?;
        let (index_image, mut injected) = catalog::annotated(&source)?;
        let wanted = Wanted::new(&bundle, &source);
        // An earlier upgrade may have got as far as this.
        if injected.last().is_some_and(|last| last.image == args.image) {
            println!("catalogsource/{} has the bundle", source.name_any());
        } else {
            let channel = subscription.data["spec"]["channel"].as_str().unwrap_or(CHANNEL).to_string();
            let mut catalog = index(&index_image, options).await?;
            for earlier in &injected {
                let (earlier_bundle, _folder) = read(&earlier.image, options).await?;
                catalog.add(&earlier_bundle, &earlier.image, &channel).map_err(RunBundleError::from)?;
            }
            catalog.add(&bundle, &args.image, &channel).map_err(RunBundleError::from)?;
            injected.push(Injected::new(&args.image, &index_image));
            self.serve(&source, &catalog, &index_image, &injected).await?;
        }
        self.installed(&subscription.name_any(), &wanted).await?;
        Ok(())
    }

    /// Whether the manager is there, and the namespace's Subscriptions.
    async fn subscriptions(&self) -> Result<Vec<DynamicObject>, OlmError> {
        match self.olm("v1alpha1", "Subscription").list(&ListParams::default()).await {
            Ok(all) => Ok(all.items),
            Err(kube::Error::Api(status)) if status.code == 404 => Err(OlmError::None),
            Err(error) => Err(refused("subscriptions", error)),
        }
    }

    /// The Subscription to the package.
    fn subscribed<'b>(&self, subscriptions: &'b [DynamicObject]) -> Option<&'b DynamicObject> {
        subscriptions.iter().find(|one| one.data["spec"]["name"] == *self.package)
    }

    fn there(&self, what: String) -> RunBundleError {
        RunBundleError::There { what, package: self.package.clone(), namespace: self.namespace.clone() }
    }

    /// How registries are reached, with the authorities out of the cluster.
    async fn options(&self) -> Result<RegistryOptions, ToolchainError> {
        let mut options = options(&self.args.registry)?;
        if let Some(name) = &self.args.ca_secret_name {
            let failed = |cause: &str| RunBundleError::Secret { name: name.clone(), cause: cause.into() };
            let secret = self.secret(name).await?;
            let authorities = secret.data.and_then(|mut data| data.remove("cert.pem"));
            options.authorities = authorities.ok_or_else(|| failed("it has no key cert.pem"))?.0;
        }
        if let Some(name) = &self.args.pull_secret_name {
            let secret = self.secret(name).await?;
            let wanted = "kubernetes.io/dockerconfigjson";
            if secret.type_.as_deref() != Some(wanted) {
                let cause = format!("it is not of type {wanted}; kubectl create secret docker-registry makes one");
                return Err(RunBundleError::Secret { name: name.clone(), cause }.into());
            }
        }
        Ok(options)
    }

    async fn secret(&self, name: &str) -> Result<Secret, RunBundleError> {
        let api = Api::<Secret>::namespaced(self.client.clone(), &self.namespace);
        let found = api.get_opt(name).await.map_err(|error| refused(&format!("secret/{name}"), error))?;
        found.ok_or_else(|| RunBundleError::Secret {
            name: name.into(),
            cause: format!("it is not in namespace {}", self.namespace),
        })
    }

    async fn bundle(
        &mut self,
        image: &str,
        options: &RegistryOptions,
    ) -> Result<(Bundle, tempfile::TempDir), ToolchainError> {
        let (bundle, folder) = read(image, options).await?;
        self.package = bundle.package().into();
        println!("pulled {image}: {} of package {}", bundle.name(), self.package);
        Ok((bundle, folder))
    }

    /// Objects of the manager in the operator's namespace.
    fn olm(&self, version: &str, kind: &str) -> Api<DynamicObject> {
        api(&self.client, &self.namespace, version, kind)
    }

    /// Tells how an object is, if that is new.
    fn tell(&mut self, object: &str, state: &str) {
        if !state.is_empty() && self.told.get(object).is_none_or(|told| told != state) {
            println!("{object}: {state}");
            self.told.insert(object.into(), state.into());
        }
    }

    fn late(&self, what: String, said: Vec<String>) -> RunBundleError {
        RunBundleError::Late { what, waited: self.args.timeout, said, package: self.package.clone() }
    }

    fn failed(&self, what: String) -> RunBundleError {
        RunBundleError::Failed { what, package: self.package.clone() }
    }
}

/// The bundle in an image, with the folder that its files are in: catalogs look at them again.
async fn read(image: &str, options: &RegistryOptions) -> Result<(Bundle, tempfile::TempDir), ToolchainError> {
    let folder = pulled(image, options).await?;
    let told = |found: Vec<Finding>| BundleError::Invalid(found.into_iter().map(|finding| finding.message).collect());
    let (bundle, _) = Bundle::read(folder.path()).map_err(told)?;
    Ok((bundle, folder))
}

/// The catalog in an index image.
async fn index(image: &str, options: &RegistryOptions) -> Result<Catalog, ToolchainError> {
    let mut catalog = Catalog::default();
    if image == OPM {
        return Ok(catalog);
    }
    let failed = |cause: String| RunBundleError::Index { image: image.into(), cause };
    let reference = Reference::parse(image).map_err(|cause| BundleError::Name { image: image.into(), cause })?;
    let registry = Registry::connect(&reference, options).await.map_err(BundleError::from)?;
    let config = registry.config(&reference, ARCHITECTURE).await.map_err(BundleError::from)?;
    let labels = &config["config"]["Labels"];
    let Some(folder) = labels[CONFIGS].as_str() else {
        if labels[DATABASE].is_string() {
            let cause =
                "it is a database in SQLite, which opm no longer serves; opm migrate makes a file-based catalog of it";
            return Err(failed(cause.into()).into());
        }
        // As the image of opm is, and copies of it: a program without a catalog.
        return Ok(catalog);
    };
    let folder = format!("{}/", folder.trim_matches('/'));
    let pulled = registry.pull(&reference, ARCHITECTURE).await.map_err(BundleError::from)?;
    for (path, content) in files(&pulled, MOST_BYTES).map_err(BundleError::from)? {
        let Some(below) = path.strip_prefix(&folder) else { continue };
        if below.rsplit('/').next() == Some(IGNORE) {
            return Err(failed(format!("it has a {IGNORE}, which is not known here: remove what it names")).into());
        }
        let text = String::from_utf8(content).map_err(|_| failed(format!("{path} is no UTF-8")))?;
        catalog.add_file(&path, &text).map_err(RunBundleError::from)?;
    }
    println!("pulled {image}: {} blobs", catalog.blobs().len());
    Ok(catalog)
}

/// What a name can be called as a DNS label, as operator-sdk does it; it may be too long for one.
fn label(name: &str) -> String {
    let parts: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_lowercase()
}

/// Names for people.
fn listed(names: &BTreeSet<String>) -> String {
    match names.len() {
        0 => "all namespaces".into(),
        _ => names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}
