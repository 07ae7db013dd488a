//! Runs controllers together: caches first, then workers; one stop for all.
//!
//! ```text
//! listen ─→ watches ─→ (in sync) ─→ workers …… stop ─→ no new keys ─→ running reconciles end ─→ events are sent
//!                                                  └──────────────── within the deadline ────────────────────┘
//! ```

use std::{fmt, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use kube::Client;
use kubewright_cache::{CacheError, CacheOptions, Caches};
use rand::{TryRng, rngs::SysRng};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Controller, Error, Handle, Key,
    clock::{Clock, SystemClock},
    endpoints::{self, Endpoints},
    events,
    metrics::Metrics,
    parts::Parts,
    start::{Runner, Start, Started},
    writes,
};

/// What a manager can be told.
#[derive(Debug, Clone)]
pub struct ManagerOptions {
    /// Where `/metrics`, `/healthz` and `/readyz` are served. Default: a free port on 127.0.0.1, which is logged and
    /// which [`Handle::address`] tells. In a Pod use `0.0.0.0:8080`, as probes come from outside; whoever can reach it
    /// reads the metrics. `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// How long a stop may take: running reconciles are waited for and events are sent. What still runs then is
    /// dropped and named in the error. Default: 30 s, the grace period that a Pod has.
    pub shutdown_deadline: Duration,
    /// What time stamps in objects are made of. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Seed for the jitter of retries. Replicas should differ in it. Default: a random one.
    pub seed: u64,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            shutdown_deadline: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
            // Without a source of randomness replicas share their jitter, which costs little.
            seed: SysRng.try_next_u64().unwrap_or_default(),
        }
    }
}

/// Runs controllers on one client and one set of caches.
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
    client: Client,
    options: ManagerOptions,
    metrics: Metrics,
    controllers: Vec<Box<dyn Runner>>,
    tasks: Vec<Task>,
    handle: Handle,
}

struct Task {
    name: String,
    run: Box<dyn FnOnce(TaskContext) -> BoxFuture<'static, Result<(), Error>> + Send>,
}

/// What a task of a manager works with.
#[derive(Clone)]
pub struct TaskContext {
    /// The manager's client.
    pub client: Client,
    /// The manager's caches. What a task adds to them is shared with the controllers.
    pub caches: Caches,
    /// Cancelled when the manager stops.
    pub stop: CancellationToken,
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext").field("caches", &self.caches).finish_non_exhaustive()
    }
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
    /// The signal handlers could not be installed.
    #[error("signals can't be handled: {0}")]
    Signals(#[source] io::Error),
}

impl Manager {
    /// A manager without controllers.
    pub fn new(client: Client, options: ManagerOptions) -> Self {
        let metrics = Metrics::new();
        let client = writes::observed(client, metrics.client());
        Self { client, options, metrics, controllers: Vec::new(), tasks: Vec::new(), handle: Handle::default() }
    }

    /// Adds a controller.
    pub fn controller<K: Key>(mut self, controller: Controller<K>) -> Self {
        self.handle.add(controller.idle());
        self.controllers.push(Box::new(controller));
        self
    }

    /// Adds a task that runs beside the controllers, from start to stop: a source of keys for a
    /// [`Trigger`](crate::Trigger), say. It ends when [`TaskContext::stop`] is cancelled, or earlier; if it fails, the
    /// manager stops with its error.
    pub fn task<F, T>(mut self, name: impl Into<String>, task: F) -> Self
    where
        F: FnOnce(TaskContext) -> T + Send + 'static,
        T: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.tasks.push(Task { name: name.into(), run: Box::new(|context| Box::pin(task(context))) });
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
        // Whatever ends the manager, if only that it is dropped, its parts see a stop and its handles keep nothing alive.
        let _freeze = self.handle().freeze_on_drop();
        let stop = stop.child_token();
        let _stop = stop.clone().drop_guard();
        self.run_parts(&stop).await
    }

    async fn run_parts(self, stop: &CancellationToken) -> Result<(), ManagerError> {
        let Self { client, options, metrics, controllers, tasks, handle } = self;
        let mut serving = JoinSet::new();
        if let Some(address) = options.listen {
            let bound = endpoints::bind(address).await.map_err(|source| ManagerError::Listen { address, source })?;
            let (listener, address) = bound;
            handle.set_address(address);
            tracing::info!(%address, "serving /metrics, /healthz and /readyz");
            let checks = handle.clone();
            let endpoints = Endpoints { metrics: metrics.clone(), ready: Box::new(move || checks.checks()) };
            serving.spawn(endpoints::serve(listener, Arc::new(endpoints)));
        }

        let (recorder, writer) = events::recorder(client.clone(), options.clock.clone());
        let stop_events = CancellationToken::new();
        let mut events = JoinSet::new();
        events.spawn(writer.run(stop_events.clone()));
        let caches = caches(&client, &options, &controllers);
        metrics.caches(caches.clone());
        let mut parts = Parts::default();
        let mut statuses = Vec::new();
        let start =
            Start { client: &client, caches: &caches, metrics: &metrics, recorder: &recorder, options: &options, stop };
        for controller in controllers {
            let name = controller.name().to_string();
            let Started { run, status, running } =
                controller.start(&start).map_err(|source| ManagerError::Watch { controller: name.clone(), source })?;
            statuses.push(status);
            parts.spawn(format!("controller {name}"), run, running);
        }
        for Task { name, run } in tasks {
            let run = run(TaskContext { client: client.clone(), caches: caches.clone(), stop: stop.clone() });
            let task = name.clone();
            let run = async move { run.await.map_err(|error| ManagerError::Task { name: task, error }) };
            parts.spawn(name, Box::pin(run), Box::new(Vec::new));
        }
        handle.start(statuses);

        let mut result = parts.run_until(stop).await;
        tracing::info!("stopping");
        stop.cancel();
        let deadline = Instant::now() + options.shutdown_deadline;
        let running = parts.join(deadline).await;
        if !running.is_empty() && result.is_ok() {
            result = Err(ManagerError::Deadline { deadline: options.shutdown_deadline, running });
        }
        stop_events.cancel();
        if timeout_at(deadline, events.join_next()).await.is_err() {
            tracing::warn!("events were dropped at the shutdown deadline");
        }
        serving.shutdown().await;
        caches.shut_down();
        result
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.controllers.iter().map(|controller| controller.name()).collect();
        f.debug_struct("Manager").field("options", &self.options).field("controllers", &names).finish_non_exhaustive()
    }
}

fn caches(client: &Client, options: &ManagerOptions, controllers: &[Box<dyn Runner>]) -> Caches {
    let keep_fields_of = controllers.iter().map(|controller| controller.field_manager().to_string()).collect();
    Caches::new(client.clone(), CacheOptions { keep_fields_of, seed: options.seed, ..CacheOptions::default() })
}
