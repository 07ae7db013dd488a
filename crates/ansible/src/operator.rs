//! The controllers, put together.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use kubewright::discovery::{Discovery, DiscoveryError, DiscoveryOptions, ServedResource};
use kubewright::prelude::*;
use kubewright::queue::Backoff;
use kubewright_operator_sdk::Gateway;
use parking_lot::Mutex;

use crate::directory;
use crate::event::LogEvents;
use crate::program::{Program, RunnerError};
use crate::reconcile::Runs;
use crate::watches;

/// How the operator works. What watches.yaml or a custom resource says goes first.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often Ansible runs when nothing changes. Default: 10 hours, as operator-sdk.
    pub reconcile_period: Duration,
    /// How many custom resources of a kind are worked on at the same time. Default: as many as there are processors.
    pub concurrency: usize,
    /// How much Ansible tells, 0 to 7. Default: 2, as operator-sdk.
    pub verbosity: u8,
    /// Arguments for ansible-playbook, as a command line has them. Default: none.
    pub arguments: String,
    /// Which events get into the log. Default: tasks.
    pub log: LogEvents,
    /// Whether all that Ansible printed gets into the log after each run. Default: no.
    pub print_all: bool,
    /// Whether what is created gets its owner, and is watched. Default: yes.
    pub inject_owner_references: bool,
    /// The namespaces of the custom resources; none: all. Default: none. operator-sdk has them in `WATCH_NAMESPACE`.
    pub namespaces: Vec<String>,
    /// The folder of the runs' files. They hold all that is in custom resources. Default: `ansible-operator/runner` in the
    /// system's folder for temporary files.
    pub folder: PathBuf,
    /// Variables of the environment of runs, besides those of the operator. Default: none.
    pub environment: Vec<(OsString, OsString)>,
    /// How long to wait after a first failure; doubled with each. Default: 1 second.
    pub retry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reconcile_period: Duration::from_secs(10 * 3600),
            concurrency: std::thread::available_parallelism().map_or(1, Into::into),
            verbosity: 2,
            arguments: String::new(),
            log: LogEvents::Tasks,
            print_all: false,
            inject_owner_references: true,
            namespaces: Vec::new(),
            folder: std::env::temp_dir().join("ansible-operator/runner"),
            environment: Vec::new(),
            retry: Duration::from_secs(1),
        }
    }
}

/// Why an operator could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// ansible-runner can't be used.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The server does not have a kind of watches.yaml.
    #[error("watches.yaml, {watch}: {cause}; install its definition with kubectl apply -k config/crd")]
    Kind {
        /// Which entry.
        watch: String,
        /// What the server says.
        cause: DiscoveryError,
    },
    /// There is no port on the loopback interface.
    #[error("there is no port for Ansible on 127.0.0.1: {0}")]
    Port(std::io::Error),
    /// There is no place for the files of runs.
    #[error("{} can't hold the files of runs: {cause}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
}

/// An Ansible operator: what watches.yaml says, checked against ansible-runner and the server.
///
/// ```no_run
/// use kubewright::prelude::*;
/// use kubewright_ansible::{AnsibleOperator, Options, Program, Search, Watch};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let variable = |name: &str| std::env::var(name).ok();
/// let search = Search::new(".".as_ref(), variable);
/// let watches = Watch::load("watches.yaml".as_ref(), &search, variable)?;
/// let client = connect(None, None).await?;
/// let operator = AnsibleOperator::new(client.clone(), watches, Program::new("ansible-runner")).await?;
/// let manager = Manager::new(client, ManagerOptions::default());
/// operator.add_to(manager, &Options::default())?.run_until_signal().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AnsibleOperator {
    program: Program,
    entries: Vec<(watches::Watch, ServedResource)>,
}

impl AnsibleOperator {
    /// Checks all that watches.yaml needs.
    ///
    /// # Errors
    /// If ansible-runner or a kind can't be used: nothing would ever work then.
    pub async fn new(client: Client, watches: Vec<watches::Watch>, program: Program) -> Result<Self, SetUpError> {
        let version = program.version().await?;
        tracing::debug!(version, "ansible-runner");
        let discovery = Discovery::new(client, DiscoveryOptions::default());
        let mut entries = Vec::new();
        for watch in watches {
            let found = discovery.of_kind(&watch.group, &watch.kind, Some(&watch.version)).await;
            let kind = found.map_err(|cause| SetUpError::Kind { watch: watch.name(), cause })?;
            entries.push((watch, kind));
        }
        Ok(Self { program, entries })
    }

    /// Adds a controller for each entry of watches.yaml to a manager, and the server that Ansible talks to.
    ///
    /// # Errors
    /// If there is no port for that on the loopback interface, or no folder for the files of runs.
    pub fn add_to(&self, mut manager: Manager, options: &Options) -> Result<Manager, SetUpError> {
        let folder = &options.folder;
        directory::prepare(folder).map_err(|cause| SetUpError::Folder { folder: folder.clone(), cause })?;
        let client = manager.client().clone();
        let (gateway, listener) = Gateway::bind(client.clone()).map_err(SetUpError::Port)?;
        let discovery = Discovery::new(client, DiscoveryOptions::default());
        let serving = gateway.clone();
        manager = manager.server("gateway for Ansible", move |task| async move {
            task.ready();
            tokio::select! {
                ended = serving.serve(listener) => ended.map_err(Error::terminal),
                () = task.stop.cancelled() => Ok(()),
            }
        });
        let mut names = BTreeSet::new();
        for (watch, kind) in &self.entries {
            // As operator-sdk names it; kinds of one name in several groups have theirs behind it.
            let mut name = format!("{}-{}-controller", watch.kind.to_lowercase(), watch.version.to_lowercase());
            if !names.insert(name.clone()) {
                name = format!("{name}.{}", watch.group);
            }
            manager = manager.controller(self.controller(name, watch, kind, &gateway, &discovery, options));
        }
        Ok(manager)
    }

    fn controller(
        &self,
        name: String,
        watch: &watches::Watch,
        kind: &ServedResource,
        gateway: &Gateway,
        discovery: &Discovery,
        options: &Options,
    ) -> Controller {
        let mut main = Watch::kind(kind.api_resource(), kind.namespaced).when(|change| {
            predicates::generation_changed(change)
                || predicates::annotations_changed(change)
                || predicates::finalizers_changed(change)
        });
        if let Some(selector) = &watch.selector {
            main = main.labels(selector);
        }
        if kind.namespaced {
            main = options.namespaces.iter().fold(main, |main, namespace| main.namespace(namespace));
        }
        let runs = Runs {
            program: self.program.clone(),
            gateway: gateway.clone(),
            discovery: discovery.clone(),
            kind: kind.clone(),
            watch: watch.clone(),
            period: watch.reconcile_period.unwrap_or(options.reconcile_period),
            verbosity: watch.verbosity.unwrap_or(options.verbosity),
            arguments: options.arguments.clone(),
            log: options.log,
            print_all: options.print_all,
            inject: options.inject_owner_references,
            namespaces: options.namespaces.clone(),
            base: options.folder.clone(),
            environment: options.environment.clone(),
            retry: options.retry,
            known: Mutex::new(HashMap::new()),
        };
        let mut controller = Controller::new(name, main, runs);
        if watch.manage_status {
            controller = controller.writes_status();
        }
        if watch.finalizer.is_some() {
            controller = controller.writes_finalizers();
        }
        controller.options(ControllerOptions {
            concurrency: watch.max_concurrent_reconciles.unwrap_or(options.concurrency),
            // A run of Ansible costs: one that fails is not tried again within milliseconds.
            backoff: Backoff { base: options.retry, ..Backoff::default() },
            // A playbook takes the time that it takes.
            timeout: None,
            ..ControllerOptions::default()
        })
    }
}
