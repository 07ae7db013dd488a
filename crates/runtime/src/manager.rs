//! Controllers that run together, as their author puts them together. How they run is in `run`.

use std::{collections::BTreeSet, fmt, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use kube::Client;
use kubewright_cache::CacheError;
use rand::{TryRng, rngs::SysRng};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    Controller, Convergence, Error, Handle, Key, OWN_CLUSTER, ReplicaError, Replicas,
    clock::{Clock, SystemClock},
    clusters::Cluster,
    debug::SetFilter,
    handle::Command,
    journal::Journal,
    leadership::duty::Duty,
    metrics::Metrics,
    rights::{Right, Rights, RightsCheck},
    start::Runner,
    tasks::{Task, TaskContext},
};

/// What a manager can be told.
#[derive(Debug, Clone)]
pub struct ManagerOptions {
    /// Where `/metrics`, `/healthz`, `/readyz`, `/sources/…` ([`Controller::endpoint`]) and, to callers on the same machine,
    /// `/debug` are served. `/debug` shows queues, caches and the last reconciles (`?format=json`); what is put to
    /// `/debug/log` becomes the log filter, see [`Manager::log_filter`]. Default: a free port on 127.0.0.1, which is logged and
    /// which [`Handle::address`] tells. In a Pod use `0.0.0.0:8080`, as probes come from outside; whoever can reach it
    /// reads the metrics. `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// How long a stop may take: running reconciles are waited for and events are sent. What still runs then is
    /// dropped and named in the error. Default: 30 s, the grace period that a Pod has.
    pub shutdown_deadline: Duration,
    /// How much of that may be spent on keys that are queued when the stop comes; what is left of them then is left to the
    /// next start, which lists everything anew. Default: 5 s.
    pub drain: Duration,
    /// How this process shares the work with others that run the same controllers. Default: [`Replicas::Single`].
    pub replicas: Replicas,
    /// What time stamps in objects are made of, and leases are measured with. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
    /// How many of the last reconciles of each controller are kept, for [`Handle::records`] and `/debug`. Each costs about
    /// a kilobyte. Default: 50. 0: none.
    pub records: usize,
    /// Whether to look for reconcilers that never settle: those that write again and again on the same input, and those that
    /// set a field back and forth with another. They are told in the log and by [`Handle::unsettled`]. It costs a comparison
    /// of the whole object for each write, so it is for tests and for finding out. Default: `None`; `TestEnv` turns it on.
    pub convergence: Option<Convergence>,
    /// What to do at start about rights that are missing. They are asked for with SelfSubjectAccessReviews, beside the first
    /// lists. Default: [`RightsCheck::Report`].
    pub rights: RightsCheck,
    /// Seed for the jitter of retries. Replicas should differ in it. Default: a random one.
    pub seed: u64,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            shutdown_deadline: Duration::from_secs(30),
            drain: Duration::from_secs(5),
            replicas: Replicas::default(),
            clock: Arc::new(SystemClock),
            records: 50,
            convergence: None,
            rights: RightsCheck::default(),
            // Without a source of randomness replicas share their jitter, which costs little.
            seed: SysRng.try_next_u64().unwrap_or_default(),
        }
    }
}

/// Runs controllers on one client and one set of caches, or on those of several [clusters](Self::cluster).
///
/// ```no_run
/// # use std::sync::Arc;
/// # use k8s_openapi::api::core::v1::ConfigMap;
/// # use kubewright_runtime::{Context, Controller, Error, Manager, ManagerOptions, Outcome, Reconciler, Watch, connect};
/// # struct Mine;
/// # impl Reconciler for Mine {
/// #     type Object = ConfigMap;
/// #     async fn reconcile(&self, _: Arc<ConfigMap>, _: &Context) -> Result<Outcome, Error> { Ok(Outcome::Settled) }
/// # }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = connect(None, None).await?;
/// Manager::new(client, ManagerOptions::default())
///     .controller(Controller::new("mine", Watch::all(), Mine))
///     .run_until_signal()
///     .await?;
/// # Ok(())
/// # }
/// ```
pub struct Manager {
    /// Leases are in it, and what is no controller works in it.
    pub(crate) own: Cluster,
    /// Those that were added.
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) options: ManagerOptions,
    pub(crate) metrics: Metrics,
    pub(crate) controllers: Vec<Box<dyn Runner>>,
    pub(crate) servers: Vec<Task>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) duty: Duty,
    pub(crate) handle: Handle,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) log_filter: Option<Arc<SetFilter>>,
    /// Rights of what is no controller.
    pub(crate) rights: Rights,
    /// Whether `/metrics` is among what is served at [`ManagerOptions::listen`].
    pub(crate) serves_metrics: bool,
}

/// Why a manager ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManagerError {
    /// The address for the HTTP endpoints can't be used.
    #[error("the health endpoints can't listen on {address}: {source}; choose another ManagerOptions::listen, or None")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Two controllers have the same name.
    #[error(
        "two controllers are called {name}: names are unique in a manager, as metrics and field managers go by them"
    )]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// Two clusters have the same name, or one is called like the manager's own.
    #[error("two clusters are called {name}: give each Manager::cluster a name of its own, and none {OWN_CLUSTER:?}")]
    DuplicateCluster {
        /// The name.
        name: String,
    },
    /// A controller watches a cluster that the manager does not have.
    #[error(
        "controller {controller} watches the cluster {cluster:?}, which the manager does not have: add it with Manager::cluster"
    )]
    UnknownCluster {
        /// The controller.
        controller: String,
        /// The cluster.
        cluster: String,
    },
    /// A controller owns children in another cluster than their owner, where no owner reference can tie them to it.
    #[error(
        "controller {controller} owns {kind} in another cluster: owner references end at the cluster; use .watches(…) and \
         write with ctx.cluster(…), with a finalizer to clean up"
    )]
    StrayChildren {
        /// The controller.
        controller: String,
        /// The kind.
        kind: String,
    },
    /// A controller owns a kind of which its caches have only a part: whether a child is right can't be seen then.
    #[error("controller {controller} owns {kind} and keeps only a part of each: leave .keep(…) out for what it owns")]
    PartialChildren {
        /// The controller.
        controller: String,
        /// The kind.
        kind: String,
    },
    /// A watch of a controller can't be made.
    #[error("controller {controller}: {source}")]
    Watch {
        /// The controller.
        controller: String,
        /// What is wrong with it.
        source: CacheError,
    },
    /// A controller could not start, because a cache did not get in sync.
    #[error("controller {controller} did not start: {watches} not in sync after {after:?}")]
    NotSynced {
        /// The controller.
        controller: String,
        /// The watches that are behind, each with its last error.
        watches: String,
        /// How long they had: [`ControllerOptions::sync_timeout`](crate::ControllerOptions::sync_timeout).
        after: Duration,
    },
    /// The server says that the manager may not do what it has to.
    #[error("missing rights: {}; `kubewright rbac` and Manager::rbac() print the roles that have them", missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    MissingRights {
        /// What it may not do.
        missing: Vec<Right>,
    },
    /// A task of the manager failed.
    #[error("{name} failed: {error}")]
    Task {
        /// Its name.
        name: String,
        /// Its error.
        error: Error,
    },
    /// A part of the manager panicked, outside of a reconcile.
    #[error("{name} panicked")]
    Panicked {
        /// Which part.
        name: String,
    },
    /// The stop took longer than it may.
    #[error("dropped at the shutdown deadline of {deadline:?}: {}", running.join(", "))]
    Deadline {
        /// [`ManagerOptions::shutdown_deadline`].
        deadline: Duration,
        /// The reconciles and tasks that still ran.
        running: Vec<String>,
    },
    /// The replicas can't work together as they are told to.
    #[error("ManagerOptions::replicas: {0}")]
    Replicas(#[from] ReplicaError),
    /// The Lease could not be renewed in time, with [`OnLoss::Exit`](crate::OnLoss::Exit).
    #[error("leadership by Lease {lease} was lost: it could not be renewed in time, or another has it")]
    LeadershipLost {
        /// The name of the Lease.
        lease: String,
    },
    /// The manager that was asked for something has ended, or is stopping.
    #[error("the manager has ended")]
    Ended,
    /// The signal handlers could not be installed.
    #[error("signals can't be handled: {0}")]
    Signals(#[source] io::Error),
}

impl Manager {
    /// A manager without controllers.
    pub fn new(client: Client, options: ManagerOptions) -> Self {
        let metrics = Metrics::new();
        let duty = options.replicas.duty(&options.clock);
        let own = Cluster::new(OWN_CLUSTER, client, &metrics, &duty);
        let journal = Journal::new(options.records, options.convergence.clone());
        let (handle, commands) = Handle::new(journal);
        handle.add_ledger(own.ledger.clone());
        let (controllers, servers, tasks) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            own,
            clusters: Vec::new(),
            options,
            metrics,
            controllers,
            servers,
            tasks,
            duty,
            handle,
            commands,
            log_filter: None,
            rights: Rights::default(),
            serves_metrics: true,
        }
    }

    /// Adds a cluster that controllers watch ([`Watch::cluster`](crate::Watch::cluster)), read and write
    /// ([`Context::cluster`](crate::Context::cluster)) besides the manager's own. Its caches are shared, its watches are in the
    /// readiness report, its rights are checked and its writes are guarded by the leadership as in the manager's own, where all
    /// Leases are. A cluster that is away keeps controllers that watch it from starting, and those that have started go on with
    /// what they know of it.
    ///
    /// ```
    /// # use k8s_openapi::api::core::v1::Secret;
    /// # use kubewright_runtime::{Controller, Manager, ManagerOptions, ObjectRef, Watch};
    /// # fn example(home: kube::Client, edge: kube::Client, controller: Controller) -> Manager {
    /// // Each Secret of the cluster at the edge wakes the key of its name.
    /// let controller = controller.watches(Watch::<Secret>::all().cluster("edge"), |secret| Some(secret.reference().clone()));
    /// Manager::new(home, ManagerOptions::default()).cluster("edge", edge).controller(controller)
    /// # }
    /// ```
    pub fn cluster(mut self, name: impl AsRef<str>, client: Client) -> Self {
        let cluster = Cluster::new(name.as_ref(), client, &self.metrics, &self.duty);
        self.handle.add_ledger(cluster.ledger.clone());
        self.clusters.push(cluster);
        self
    }

    /// Adds a controller.
    pub fn controller<K: Key>(mut self, controller: Controller<K>) -> Self {
        self.handle.add(controller.idle());
        self.controllers.push(Box::new(controller));
        self
    }

    /// Adds a task that runs beside the controllers, from start to stop: a source of keys for a
    /// [`Trigger`](crate::Trigger), say. With several replicas it runs on each. It ends
    /// when [`TaskContext::stop`] is cancelled, or earlier; if it fails, the manager stops with its error.
    pub fn task<F, T>(mut self, name: impl Into<String>, task: F) -> Self
    where
        F: FnOnce(TaskContext) -> T + Send + 'static,
        T: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.tasks.push(Task { name: name.into(), run: Box::new(|context| Box::pin(task(context))) });
        self
    }

    /// The client that its controllers and tasks work with in its own cluster.
    pub fn client(&self) -> &Client {
        &self.own.client
    }

    /// Adds a task that comes before the caches and the controllers, and is stopped after them: a server whose answers lists and
    /// writes need, such as conversion webhooks, or something that must be there before work begins. Controllers start when
    /// all servers have called [`TaskContext::ready`], or have ended well; until then the readiness endpoint names those that
    /// have not. If one fails, the manager ends with its error. With several replicas it runs on each.
    ///
    /// ```
    /// # use kubewright_runtime::{Error, Manager};
    /// # struct Database;
    /// # impl Database { async fn check(&self) -> Result<(), std::io::Error> { Ok(()) } }
    /// # fn example(manager: Manager, database: Database) -> Manager {
    /// manager.server("database", |_| async move {
    ///     // Without it the operator does not start.
    ///     database.check().await.map_err(Error::terminal)
    /// })
    /// # }
    /// ```
    pub fn server<F, T>(mut self, name: impl Into<String>, server: F) -> Self
    where
        F: FnOnce(TaskContext) -> T + Send + 'static,
        T: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.servers.push(Task { name: name.into(), run: Box::new(|context| Box::pin(server(context))) });
        self
    }

    /// Says that something in the manager which is no controller needs rights: a task, a webhook.
    pub fn may(mut self, rights: Rights) -> Self {
        self.rights.extend(rights);
        self
    }

    /// The rights that the manager needs in its own cluster, derived from its controllers and its options; see
    /// [`Rights::to_yaml`] for roles and [`rights`](crate::rights) for how they are derived.
    pub fn rbac(&self) -> Rights {
        let mut rights = self.own_rights();
        rights.extend(self.rbac_in(OWN_CLUSTER));
        rights.simplified()
    }

    /// The rights that its controllers need in a cluster that was [added](Self::cluster).
    pub fn rbac_in(&self, cluster: &str) -> Rights {
        self.controllers.iter().flat_map(|controller| controller.rights(cluster)).collect::<Rights>().simplified()
    }

    /// The rights of what is no controller.
    pub(crate) fn own_rights(&self) -> Rights {
        let mut rights = self.rights.clone();
        let (namespace, verbs): (_, &[&str]) = match &self.options.replicas {
            Replicas::Single => return rights,
            Replicas::Leader(election) => (&election.namespace, &["get", "create", "update"]),
            Replicas::Shards(sharding) => {
                (&sharding.namespace, &["get", "list", "watch", "create", "update", "delete"])
            }
        };
        let namespace = namespace.clone().unwrap_or_else(|| self.own.bare.default_namespace().to_string());
        let right = |group: &str, resource: &str, verb: &str| Right {
            namespace: Some(namespace.clone()),
            group: group.into(),
            resource: resource.into(),
            verb: verb.into(),
        };
        rights.extend(verbs.iter().map(|verb| right("coordination.k8s.io", "leases", verb)));
        rights.extend(["create", "patch"].map(|verb| right("", "events", verb)));
        rights
    }

    /// Lets `PUT /debug/log` change what is logged while the manager runs: `set` takes a filter in the syntax of the
    /// process, or tells what is wrong with it.
    pub fn log_filter(mut self, set: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.log_filter = Some(Arc::new(set));
        self
    }

    /// Adds a line to the readiness report: `/readyz` fails with what `check` tells, under this name.
    pub fn check(
        self,
        name: impl Into<String>,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.handle.add_check(name.into(), Box::new(check));
        self
    }

    /// Leaves `/metrics` out of what is served at [`ManagerOptions::listen`], as a server of its own has them
    /// ([`TaskContext::metrics`](crate::TaskContext::metrics)).
    pub fn metrics_elsewhere(mut self) -> Self {
        self.serves_metrics = false;
        self
    }

    /// Adds metrics of one's own to what `/metrics` tells.
    pub fn metrics(self, register: impl FnOnce(&mut prometheus_client::registry::Registry)) -> Self {
        self.metrics.add(register);
        self
    }

    /// A handle to look at the manager while it runs.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs until SIGINT or SIGTERM comes, or a part fails. A second signal ends the process at once, with exit code 1.
    pub async fn run_until_signal(self) -> Result<(), ManagerError> {
        let stop = CancellationToken::new();
        let signals = crate::signals::listen(stop.clone()).map_err(ManagerError::Signals)?;
        let result = self.run(stop).await;
        signals.abort();
        result
    }

    /// Runs until `stop` is cancelled or a part fails. No signal handlers are installed.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ManagerError> {
        let names: Vec<&str> = self.controllers.iter().map(|controller| controller.name()).collect();
        if let Some(twice) = names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name))
        {
            return Err(ManagerError::DuplicateName { name: (*twice).to_string() });
        }
        let mut clusters = BTreeSet::from([OWN_CLUSTER]);
        if let Some(twice) = self.clusters.iter().find(|cluster| !clusters.insert(&cluster.name)) {
            return Err(ManagerError::DuplicateCluster { name: twice.name.to_string() });
        }
        // Whatever ends the manager, if only that it is dropped, its parts see a stop and its handles keep nothing alive.
        let _freeze = self.handle().freeze_on_drop();
        let stop = stop.child_token();
        let _stop = stop.clone().drop_guard();
        crate::run::run(self, &stop).await
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.controllers.iter().map(|controller| controller.name()).collect();
        f.debug_struct("Manager").field("options", &self.options).field("controllers", &names).finish_non_exhaustive()
    }
}
