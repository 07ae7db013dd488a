//! The controllers, put together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use kubewright::cache::Keep;
use kubewright::discovery::{Discovery, DiscoveryError, DiscoveryOptions, ServedResource};
use kubewright::k8s_openapi::api::core::v1::Secret;
use kubewright::prelude::*;
use kubewright::queue::Backoff;
use kubewright::runtime::Rights;
use kubewright_operator_sdk::Gateway;
use parking_lot::Mutex;

use crate::chart::{Chart, ChartError};
use crate::marks::CHART_LABEL;
use crate::program::{Helm, HelmError};
use crate::reconcile::Releases;
use crate::watches;

/// How the operator works.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often a release is looked at when nothing changes, where neither watches.yaml nor the custom resource says
    /// otherwise. Default: 1 minute, as operator-sdk.
    pub reconcile_period: Duration,
    /// How many custom resources of a kind are worked on at the same time. Default: as many as there are processors.
    pub concurrency: usize,
    /// The namespaces of the custom resources; none: all. Default: none. operator-sdk has them in `WATCH_NAMESPACE`.
    pub namespaces: Vec<String>,
    /// Keep the values of watches.yaml that win over those of custom resources out of events. Default: no.
    pub suppress_override_values: bool,
    /// How long to wait after a first failure; doubled with each. Default: 1 second.
    pub retry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reconcile_period: Duration::from_secs(60),
            concurrency: std::thread::available_parallelism().map_or(1, Into::into),
            namespaces: Vec::new(),
            suppress_override_values: false,
            retry: Duration::from_secs(1),
        }
    }
}

impl Options {
    fn within<K>(&self, watch: Watch<K>) -> Watch<K> {
        self.namespaces.iter().fold(watch, |watch, namespace| watch.namespace(namespace))
    }
}

/// Why an operator could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// helm can't be used.
    #[error(transparent)]
    Helm(#[from] HelmError),
    /// A chart can't be used.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// A value of watches.yaml is a template that helm can't render.
    #[error("watches.yaml, {watch}: overrideValues {path}: {cause}")]
    Override {
        /// Which entry.
        watch: String,
        /// The path of the value.
        path: String,
        /// What helm says.
        cause: HelmError,
    },
    /// The server does not have a kind of watches.yaml.
    #[error("watches.yaml, {watch}: {cause}; install its definition with kubectl apply -k config/crd")]
    Kind {
        /// Which entry.
        watch: String,
        /// What the server says.
        cause: DiscoveryError,
    },
    /// Releases are in namespaces.
    #[error("watches.yaml, {watch}: the kind is of the cluster; releases are in namespaces, so set scope: Namespaced")]
    ClusterScoped {
        /// Which entry.
        watch: String,
    },
    /// There is no port on the loopback interface.
    #[error("there is no port for helm on 127.0.0.1: {0}")]
    Port(std::io::Error),
}

/// A Helm operator: what watches.yaml says, checked against helm, the charts and the server.
///
/// ```no_run
/// use kubewright::prelude::*;
/// use kubewright_helm::{HelmOperator, Options, Program, Watch};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = connect(None, None).await?;
/// let watches = Watch::load("watches.yaml".as_ref(), |name| std::env::var(name).ok())?;
/// let operator = HelmOperator::new(client.clone(), watches, Program::new("helm")).await?;
/// let manager = Manager::new(client, ManagerOptions::default());
/// operator.add_to(manager, &Options::default())?.run_until_signal().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HelmOperator<H> {
    helm: Arc<H>,
    helm_version: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    watch: watches::Watch,
    kind: ServedResource,
    overrides: BTreeMap<String, String>,
}

impl<H: Helm> HelmOperator<H> {
    /// Checks all that watches.yaml needs.
    ///
    /// # Errors
    /// If helm, a chart or a kind can't be used: nothing would ever work then.
    pub async fn new(client: Client, watches: Vec<watches::Watch>, helm: H) -> Result<Self, SetUpError> {
        let helm_version = helm.version().await?;
        let discovery = Discovery::new(client, DiscoveryOptions::default());
        let mut entries = Vec::new();
        for watch in watches {
            let contents = Chart::new(&watch.chart).contents()?;
            if let Some(why) = &contents.unsteady {
                let chart = &contents.name;
                tracing::info!(chart, why, "it can render differently from the same values: helm runs each period");
            }
            let found = discovery.of_kind(&watch.group, &watch.kind, Some(&watch.version)).await;
            let kind = found.map_err(|cause| SetUpError::Kind { watch: watch.name(), cause })?;
            if !kind.namespaced {
                return Err(SetUpError::ClusterScoped { watch: watch.name() });
            }
            let overrides = rendered(&watch, &helm).await?;
            entries.push(Entry { watch, kind, overrides });
        }
        Ok(Self { helm: Arc::new(helm), helm_version, entries })
    }

    /// Adds a controller for each entry of watches.yaml to a manager, and the server that helm talks to.
    ///
    /// # Errors
    /// If there is no port for that on the loopback interface.
    pub fn add_to(&self, mut manager: Manager, options: &Options) -> Result<Manager, SetUpError> {
        let client = manager.client().clone();
        let (gateway, listener) = Gateway::bind(client.clone()).map_err(SetUpError::Port)?;
        let discovery = Discovery::new(client, DiscoveryOptions::default());
        let serving = gateway.clone();
        manager = manager.server("gateway for helm", move |task| async move {
            task.ready();
            tokio::select! {
                ended = serving.serve(listener) => ended.map_err(Error::terminal),
                () = task.stop.cancelled() => Ok(()),
            }
        });
        let mut names = BTreeSet::new();
        for entry in &self.entries {
            // As operator-sdk names it; kinds of one name in several groups have theirs behind it.
            let mut name = format!("{}-controller", entry.watch.kind.to_lowercase());
            if !names.insert(name.clone()) {
                name = format!("{name}.{}.{}", entry.watch.version, entry.watch.group);
            }
            manager = manager.controller(self.controller(name, entry, &gateway, &discovery, options));
        }
        Ok(manager)
    }

    fn controller(
        &self,
        name: String,
        entry: &Entry,
        gateway: &Gateway,
        discovery: &Discovery,
        options: &Options,
    ) -> Controller {
        let Entry { watch, kind, overrides } = entry;
        let mut main = Watch::kind(kind.api_resource(), true).when(|change| {
            predicates::generation_changed(change)
                || predicates::annotations_changed(change)
                || predicates::finalizers_changed(change)
        });
        if let Some(selector) = &watch.selector {
            main = main.labels(selector);
        }
        let releases = Releases {
            helm: self.helm.clone(),
            helm_version: self.helm_version.clone(),
            gateway: gateway.clone(),
            discovery: discovery.clone(),
            kind: kind.clone(),
            chart: Chart::new(&watch.chart),
            overrides: overrides.clone(),
            dry_run_on_server: watch.dry_run_on_server,
            watch_dependents: watch.watch_dependent_resources,
            namespaces: options.namespaces.clone(),
            period: watch.reconcile_period.unwrap_or(options.reconcile_period),
            secret_overrides: options.suppress_override_values,
            known: Mutex::new(HashMap::new()),
        };
        Controller::new(name, options.within(main), releases)
            .reads(options.within(Watch::<Secret>::all().labels("owner=helm").keep(Keep::Metadata)))
            .reads(options.within(Watch::<Secret>::all().labels(CHART_LABEL)))
            .writes_status()
            .writes_finalizers()
            .may(Rights::on::<Secret>(["get", "create", "update", "patch", "delete"]))
            .options(ControllerOptions {
                concurrency: options.concurrency,
                // A run of helm costs: one that fails is not tried again within milliseconds.
                backoff: Backoff { base: options.retry, ..Backoff::default() },
                // helm has a limit of its own for each operation.
                timeout: None,
                on_demand_labels: Some(CHART_LABEL.into()),
                ..ControllerOptions::default()
            })
    }
}

/// Values of watches.yaml with their templates rendered.
async fn rendered<H: Helm>(watch: &watches::Watch, helm: &H) -> Result<BTreeMap<String, String>, SetUpError> {
    let mut out = BTreeMap::new();
    for (path, value) in &watch.override_values {
        let value = if value.contains("{{") {
            let failed = |cause| SetUpError::Override { watch: watch.name(), path: path.clone(), cause };
            helm.render(value).await.map_err(failed)?
        } else {
            value.clone()
        };
        out.insert(path.clone(), value);
    }
    Ok(out)
}
