//! Manifests of an operator → the files of a bundle.
//!
//! | module | what it holds |
//! |---|---|
//! | `collect` | the manifests, by what becomes of them |
//! | `base` | the ClusterServiceVersion to begin with |
//! | `owned` | definitions → what the ClusterServiceVersion tells of them |
//! | `rights` | roles and bindings → permissions, and what is left of them |
//! | `webhooks` | webhook configurations → what the ClusterServiceVersion tells of them |
//! | `images` | images that the operator needs |

mod base;
mod collect;
mod images;
mod owned;
mod rights;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

pub use collect::Manifests;

use crate::checks;
use crate::csv::{ClusterServiceVersion, Gvk, items, name, text};
use crate::finding::{Finding, Level};
use crate::metadata::{BundleMetadata, annotations, dockerfile};

/// What the namespaces that the operator watches are read from, in a Pod that the Operator Lifecycle Manager makes.
const TARGETS: &str = "metadata.annotations['olm.targetNamespaces']";

/// How a bundle is wanted.
#[derive(Debug, Clone)]
pub struct GenerateOptions {
    /// Package and channels.
    pub metadata: BundleMetadata,
    /// The version of the bundle. Default: that of the base.
    pub version: Option<String>,
    /// The ClusterServiceVersion to begin with: what people read, install modes. What is in the manifests replaces the
    /// rest. Default: one among the manifests whose name begins with the package's, else one made of the package's name.
    pub base: Option<Value>,
    /// ServiceAccounts besides those of the Deployments whose rights belong to the operator. Default: none.
    pub extra_service_accounts: Vec<String>,
    /// Whether the operator tells the API server of its webhooks itself: then the ClusterServiceVersion does not.
    /// Default: no.
    pub registers_webhooks: bool,
    /// Whether the images of the operator's containers are listed as images that it needs, which clusters without a way to
    /// their registries take copies of. Default: no, only those of variables `RELATED_IMAGE_<NAME>`.
    pub relate_images: bool,
    /// The time of making, as in `2026-01-31T12:00:00Z`, for an annotation. Default: none.
    pub created_at: Option<String>,
    /// The ClusterServiceVersion that was there before: if nothing else is new, its time of making stays. Default: none.
    pub previous: Option<Value>,
    /// The folder of the bundle, seen from bundle.Dockerfile. Default: `bundle`.
    pub folder: String,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            metadata: BundleMetadata::default(),
            version: None,
            base: None,
            extra_service_accounts: Vec::new(),
            registers_webhooks: false,
            relate_images: false,
            created_at: None,
            previous: None,
            folder: "bundle".into(),
        }
    }
}

/// A bundle that was made.
#[derive(Debug, Clone)]
pub struct Generated {
    /// Its files, by their paths in the folder of the bundle.
    pub files: BTreeMap<String, String>,
    /// `bundle.Dockerfile`.
    pub dockerfile: String,
    /// What could be better.
    pub warnings: Vec<Finding>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A manifest can't be read.
    #[error("{source_name}: {cause}")]
    Manifest {
        /// Where it is.
        source_name: String,
        /// What the parser says.
        cause: String,
    },
    /// The version can't be.
    #[error("{0:?} is no version; write three numbers, such as 0.1.0")]
    Version(String),
    /// There is no version.
    #[error("the bundle has no version: give one with --version, since there is no ClusterServiceVersion that has one")]
    NoVersion,
    /// A manifest can't be used.
    #[error("{0}")]
    Unusable(String),
    /// The ClusterServiceVersion would not be valid.
    #[error("the ClusterServiceVersion would not be valid: {}", .0.join("; "))]
    Invalid(Vec<String>),
    /// An object can't be written as YAML.
    #[error("{what} can't be written as YAML: {cause}")]
    Yaml {
        /// Which.
        what: String,
        /// Why.
        cause: String,
    },
}

/// Makes a bundle of the manifests of an operator. The same manifests make the same bundle.
///
/// ```
/// use kubewright_bundle::{BundleMetadata, GenerateOptions, Manifests, generate};
///
/// let manifests = Manifests::read("deploy.yaml", "
/// apiVersion: apps/v1
/// kind: Deployment
/// metadata: {name: site-operator}
/// spec:
///   selector: {matchLabels: {app: site}}
///   template:
///     metadata: {labels: {app: site}}
///     spec: {serviceAccountName: site, containers: [{name: manager, image: site:1}]}
/// ").unwrap();
/// let metadata = BundleMetadata { package: "site".into(), ..BundleMetadata::default() };
/// let options = GenerateOptions { metadata, version: Some("0.1.0".into()), ..GenerateOptions::default() };
/// let bundle = generate(&manifests, &options).unwrap();
/// assert!(bundle.files["manifests/site.clusterserviceversion.yaml"].contains("name: site.v0.1.0"));
/// assert!(bundle.files.contains_key("metadata/annotations.yaml"));
/// ```
///
/// # Errors
/// If a manifest can't be used, or the ClusterServiceVersion would not be valid.
pub fn generate(manifests: &Manifests, options: &GenerateOptions) -> Result<Generated, GenerateError> {
    let package = &options.metadata.package;
    let mut warnings = Vec::new();
    let mut csv = base::begin(manifests, options)?;
    let accounts: BTreeSet<String> = manifests
        .deployments
        .iter()
        .map(|deployment| account(deployment).to_string())
        .chain(options.extra_service_accounts.iter().cloned())
        .collect();
    let rights = rights::split(manifests, &accounts);

    let spec = object(&mut csv, "spec");
    spec.insert(
        "install".into(),
        json!({
            "strategy": "deployment",
            "spec": {
                "deployments": manifests.deployments.iter().map(deployment).collect::<Vec<_>>(),
                "permissions": rights.permissions,
                "clusterPermissions": rights.cluster_permissions,
            },
        }),
    );
    let known = spec.get("customresourcedefinitions").cloned().unwrap_or_default();
    let definitions = spec.entry("customresourcedefinitions").or_insert_with(|| json!({}));
    if !definitions.is_object() {
        *definitions = json!({});
    }
    definitions["owned"] = owned::owned(&manifests.definitions, items(&known["owned"])).into();
    let webhooks = match options.registers_webhooks {
        true => Vec::new(),
        false => webhooks::webhooks(manifests, &mut warnings),
    };
    let related = images::related(&manifests.deployments, options.relate_images).map_err(GenerateError::Unusable)?;
    for (key, list) in [("webhookdefinitions", webhooks), ("relatedImages", related)] {
        match list.is_empty() {
            true => drop(spec.remove(key)),
            false => drop(spec.insert(key.into(), list.into())),
        }
    }
    let examples = serde_json::to_string_pretty(&manifests.examples()).unwrap_or_default();
    annotations_of(&mut csv).insert("alm-examples".into(), examples.into());
    stamp(&mut csv, options);

    let typed: ClusterServiceVersion = serde_json::from_value(csv.clone())
        .map_err(|error| GenerateError::Unusable(format!("the ClusterServiceVersion can't be read: {error}")))?;
    let (errors, more): (Vec<Finding>, Vec<Finding>) =
        checks::csv(&typed, &csv).into_iter().partition(|finding| finding.level == Level::Error);
    if !errors.is_empty() {
        return Err(GenerateError::Invalid(errors.into_iter().map(|finding| finding.message).collect()));
    }
    warnings.extend(more);

    let mut files = BTreeMap::new();
    files.insert(format!("manifests/{}.clusterserviceversion.yaml", package.to_lowercase()), yaml("the CSV", &csv)?);
    for object in manifests.shipped().chain(&rights.left) {
        let file = free_name(&files, &file_name(object));
        files.insert(file, yaml(name(object), &without_namespace(object))?);
    }
    let mut metadata = options.metadata.clone();
    if let Some(scorecard) = &manifests.scorecard {
        files.insert("tests/scorecard/config.yaml".into(), yaml("the configuration of the scorecard", scorecard)?);
        metadata.scorecard = true;
    }
    files.insert("metadata/annotations.yaml".into(), annotations(&metadata));
    Ok(Generated { files, dockerfile: dockerfile(&metadata, &options.folder), warnings })
}

/// The ServiceAccount of a Deployment.
fn account(deployment: &Value) -> &str {
    match text(&deployment["spec"]["template"]["spec"], "serviceAccountName") {
        "" => "default",
        account => account,
    }
}

/// A Deployment as the ClusterServiceVersion has it.
fn deployment(object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    for container in spec["template"]["spec"]["containers"].as_array_mut().into_iter().flatten() {
        for variable in container["env"].as_array_mut().into_iter().flatten() {
            if variable["name"] == "WATCH_NAMESPACE" {
                *variable = json!({"name": "WATCH_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": TARGETS}}});
            }
        }
        // Looking for variables must not have left an empty key.
        if let Some(container) = container.as_object_mut()
            && container.get("env").is_some_and(Value::is_null)
        {
            container.remove("env");
        }
    }
    let mut deployment = json!({"name": name(object), "spec": spec});
    if object["metadata"]["labels"].is_object() {
        deployment["label"] = object["metadata"]["labels"].clone();
    }
    deployment
}

/// Says when it was made, if it differs from what was there before.
fn stamp(csv: &mut Value, options: &GenerateOptions) {
    // It was read from a disk, where anything may be.
    let previous = options.previous.as_ref().filter(|previous| previous["metadata"].is_object());
    let before = previous.and_then(|csv| csv["metadata"]["annotations"].get("createdAt")).cloned();
    annotations_of(csv).remove("createdAt");
    let same = previous.cloned().is_some_and(|mut previous| {
        annotations_of(&mut previous).remove("createdAt");
        previous == *csv
    });
    let time = match (same, before, &options.created_at) {
        (true, Some(before), _) => Some(before),
        (_, _, now) => now.clone().map(Value::from),
    };
    if let Some(time) = time {
        annotations_of(csv).insert("createdAt".into(), time);
    }
}

fn annotations_of(csv: &mut Value) -> &mut Map<String, Value> {
    object(&mut csv["metadata"], "annotations")
}

/// The object at a key; what is there and no object is replaced.
fn object<'a>(value: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    let below = &mut value[key];
    if !below.is_object() {
        *below = json!({});
    }
    #[expect(clippy::expect_used, reason = "it was made an object right before")]
    below.as_object_mut().expect("an object")
}

/// The file of an object, named as operator-sdk names it.
fn file_name(object: &Value) -> String {
    let gvk = Gvk::of(object);
    let spec = &object["spec"];
    let (group, plural) = (text(spec, "group"), text(&spec["names"], "plural"));
    let file = match gvk.kind.as_str() {
        "CustomResourceDefinition" if !group.is_empty() && !plural.is_empty() => format!("{group}_{plural}.yaml"),
        kind => {
            let group = if gvk.group.is_empty() { String::new() } else { format!("{}_", gvk.group) };
            format!("{}_{group}{}_{}.yaml", name(object), gvk.version, kind.to_lowercase())
        }
    };
    // Names of roles may have colons, and no slashes.
    format!("manifests/{}", file.replace('/', "-"))
}

fn free_name(files: &BTreeMap<String, String>, wanted: &str) -> String {
    let (folder, file) = wanted.rsplit_once('/').unwrap_or(("", wanted));
    let mut names = std::iter::once(wanted.to_string()).chain((0..).map(|n| format!("{folder}/dup{n}_{file}")));
    names.find(|name| !files.contains_key(name)).unwrap_or_default()
}

/// Objects get into the namespace that the operator is installed in.
fn without_namespace(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("namespace");
        metadata.remove("creationTimestamp");
    }
    object
}

fn yaml(what: &str, value: &Value) -> Result<String, GenerateError> {
    let text = serde_saphyr::to_string(value)
        .map_err(|error| GenerateError::Yaml { what: what.into(), cause: error.to_string() })?;
    Ok(format!("{}\n", text.trim_end()))
}
