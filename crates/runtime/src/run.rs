//! The life of a manager.
//!
//! ```text
//! listen ─→ election ─→ servers ─→ (ready) ─→ watches ─→ (in sync) ─→ workers, while there is work for this replica
//! stop ─→ no new keys ─→ the queues are drained ─→ running reconciles end ─→ servers stop ─→ events are sent ─→ the Lease is given back
//!         └────────────────────────────────────── within the deadline ─────────────────────────────────┘
//! ```

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use futures::{TryFutureExt, future};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinError, JoinSet},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Handle, Manager, ManagerError, ManagerOptions, OWN_CLUSTER,
    clusters::{Cluster, Joined},
    debug::Debug,
    endpoints::{self, Endpoints},
    events,
    handle::Command,
    leadership::{duty::Duty, elector::Herald},
    metrics::Metrics,
    parts::Parts,
    rights::{self, Rights, RightsCheck},
    sources::web::Routes,
    start::{Runner, Start, Started},
    tasks::{Ready, Task, TaskContext, TaskWork},
};

/// For the last requests of a stop whose deadline has been used up by others.
const LAST: Duration = Duration::from_secs(1);

/// Runs until `stop` is cancelled or a part fails.
pub(crate) async fn run(manager: Manager, stop: &CancellationToken) -> Result<(), ManagerError> {
    let rights = manager.own_rights();
    let Manager { own, clusters, options, metrics, controllers, servers, tasks, duty, handle, mut commands, .. } =
        manager;
    let (log_filter, serves_metrics) = (manager.log_filter, manager.serves_metrics);
    let mut serving = JoinSet::new();
    let routes = Routes::new(own.bare.clone());
    if let Some(address) = options.listen {
        let bound = endpoints::bind(address).await.map_err(|source| ManagerError::Listen { address, source })?;
        let (listener, address) = bound;
        handle.set_address(address);
        tracing::info!(%address, "serving /metrics, /healthz, /readyz and /debug");
        let checks = handle.clone();
        let endpoints = Endpoints {
            metrics: serves_metrics.then(|| metrics.clone()),
            ready: Box::new(move || checks.checks()),
            routes: routes.clone(),
            debug: Debug { handle: handle.clone(), filter: log_filter },
        };
        serving.spawn(endpoints::serve(listener, Arc::new(endpoints)));
    }

    let stop_events = CancellationToken::new();
    let mut events = JoinSet::new();
    let (own, clusters) = {
        let mut join = |cluster: Cluster| {
            let (recorder, writer) = events::recorder(cluster.client.clone(), options.clock.clone());
            events.spawn(writer.run(stop_events.clone()));
            let at_home = controllers.iter().filter(|controller| controller.home() == cluster.name);
            let keep_fields_of = at_home.map(|controller| controller.field_manager().to_string()).collect();
            let joined = Joined::new(cluster, recorder, keep_fields_of, &options);
            metrics.caches(&joined.cluster.name, joined.caches.clone());
            handle.add_caches(joined.caches.clone());
            joined
        };
        let own = join(own);
        (own, clusters.into_iter().map(join).map(|joined| (joined.cluster.name.clone(), joined)).collect())
    };

    let stop_election = CancellationToken::new();
    let mut election = JoinSet::new();
    let herald = Herald { handle: handle.clone(), recorder: own.recorder.clone(), metrics: metrics.clone() };
    if let Some(elects) = options.replicas.elect(&own.cluster.bare, &options, &duty, herald, stop_election.clone())? {
        election.spawn(elects);
    }

    let mut running = Running {
        own,
        clusters,
        options,
        metrics,
        duty,
        handle,
        routes,
        servers: Parts::default(),
        parts: Parts::default(),
        stop: stop.clone(),
    };
    let (checks, ended) = (running.check_rights(&running.own.cluster, "manager", rights), stop.clone());
    let check = async move { ended.run_until_cancelled_owned(checks).await.unwrap_or(Ok(())) };
    running.parts.spawn("the check of rights".into(), Box::pin(check), Box::new(Vec::new), stop.clone());
    let stop_servers = CancellationToken::new();
    let _stop_servers = stop_servers.clone().drop_guard();
    let mut result = running.serve(servers, &stop_servers, &mut election).await;
    if result.is_ok() && !stop.is_cancelled() {
        for controller in controllers {
            running.start(controller)?;
        }
        for task in tasks {
            running.start_task(task);
        }
    }
    running.handle.start();

    if result.is_ok() {
        result = running.run(&mut commands, &mut election).await;
    }
    tracing::info!("stopping");
    commands.close();
    stop.cancel();
    let Running { options, mut servers, mut parts, own, clusters, .. } = running;
    let deadline = Instant::now() + options.shutdown_deadline;
    let mut left = parts.join(deadline).await;
    // Reconciles may have needed them up to now.
    stop_servers.cancel();
    left.extend(servers.join(deadline).await);
    if !left.is_empty() && result.is_ok() {
        result = Err(ManagerError::Deadline { deadline: options.shutdown_deadline, running: left });
    }
    stop_events.cancel();
    let all_sent = async { while events.join_next().await.is_some() {} };
    if timeout_at(deadline, all_sent).await.is_err() {
        tracing::warn!("events were dropped at the shutdown deadline");
    }
    stop_election.cancel();
    if timeout_at(deadline.max(Instant::now() + LAST), election.join_next()).await.is_err() {
        tracing::warn!("the Lease was not given back in time; it expires");
    }
    serving.shutdown().await;
    clusters.into_values().chain([own]).for_each(Joined::shut_down);
    result
}

/// A manager at work.
struct Running {
    own: Joined,
    clusters: BTreeMap<Arc<str>, Joined>,
    options: ManagerOptions,
    metrics: Metrics,
    duty: Duty,
    handle: Handle,
    routes: Routes,
    /// What comes first and goes last.
    servers: Parts,
    parts: Parts,
    stop: CancellationToken,
}

impl Running {
    /// Works until the stop, or until a part fails.
    async fn run(
        &mut self,
        commands: &mut mpsc::UnboundedReceiver<Command>,
        election: &mut JoinSet<Result<(), ManagerError>>,
    ) -> Result<(), ManagerError> {
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                Some(ended) = election.join_next() => return election_ended(ended),
                ended = self.servers.next() => ended?,
                ended = self.parts.next() => ended?,
                Some(command) = commands.recv() => self.obey(command),
            }
        }
    }

    /// Starts the servers and waits until all are ready, or for the stop.
    async fn serve(
        &mut self,
        servers: Vec<Task>,
        stop: &CancellationToken,
        election: &mut JoinSet<Result<(), ManagerError>>,
    ) -> Result<(), ManagerError> {
        let mut all = Vec::new();
        for server in servers {
            let (name, ready) = (server.name.clone(), Ready::new());
            let seen = ready.clone();
            let told = move || if seen.is_set() { Ok(()) } else { Err("not ready yet".to_string()) };
            self.handle.add_check(format!("server {name}"), Box::new(told));
            let run = self.task(server, stop.clone(), ready.clone());
            all.push(ready.clone());
            let run = async move {
                run.await?;
                ready.set();
                Ok(())
            };
            self.servers.spawn(name, Box::pin(run), Box::new(Vec::new), stop.clone());
        }
        let mut all_ready = pin!(async {
            for ready in &all {
                ready.wait().await;
            }
        });
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                Some(ended) = election.join_next() => return election_ended(ended),
                ended = self.servers.next() => ended?,
                () = &mut all_ready => return Ok(()),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        // Who asked may have stopped waiting.
        match command {
            Command::Add(controller, answer) => _ = answer.send(self.add(controller)),
            Command::Remove(name, ended) => self.remove(&name, ended),
        }
    }

    fn add(&mut self, controller: Box<dyn Runner>) -> Result<(), ManagerError> {
        let name = controller.name().to_string();
        if self.parts.has(&part(&name)) {
            return Err(ManagerError::DuplicateName { name });
        }
        self.handle.add(controller.idle());
        self.start(controller)
    }

    fn start(&mut self, controller: Box<dyn Runner>) -> Result<(), ManagerError> {
        let name = controller.name().to_string();
        if let Some(kind) = controller.partial_child() {
            return Err(ManagerError::PartialChildren { kind: kind.to_string(), controller: name });
        }
        if let Some(kind) = controller.stray_child() {
            return Err(ManagerError::StrayChildren { kind: kind.to_string(), controller: name });
        }
        let (home, watched) = (controller.home(), controller.clusters());
        if let Some(unknown) = watched.iter().find(|cluster| self.cluster(cluster).is_none()) {
            return Err(ManagerError::UnknownCluster { controller: name, cluster: unknown.to_string() });
        }
        let (stop, options) = (self.stop.child_token(), &self.options);
        let joined = if *home == *OWN_CLUSTER { Some(&mut self.own) } else { self.clusters.get_mut(&home) };
        // All that it watches are known.
        let Some(joined) = joined else { return Err(ManagerError::Ended) };
        let (caches, made) = joined.caches_for(controller.field_manager(), options);
        if made {
            self.handle.add_caches(caches.clone());
            self.metrics.caches(&home, caches.clone());
        }
        let routes = controller.routes();
        let rights: Vec<_> = watched
            .iter()
            .filter_map(|name| {
                let cluster = &self.cluster(name)?.cluster;
                Some(self.check_rights(cluster, &cluster.part(&part(controller.name())), controller.rights(name)))
            })
            .collect();
        let check = future::try_join_all(rights).map_ok(drop);
        let others = self.clusters.values().chain([&self.own]).filter(|joined| joined.cluster.name != home);
        let others = others.map(|joined| (joined.cluster.name.clone(), (&joined.cluster.client, &joined.caches)));
        let Some(joined) = self.cluster(&home) else { return Err(ManagerError::Ended) };
        let start = Start {
            client: &joined.cluster.client,
            caches: &caches,
            recorder: &joined.recorder,
            others: others.collect(),
            metrics: &self.metrics,
            options: &self.options,
            duty: &self.duty,
            journal: self.handle.journal(),
            stop: &stop,
        };
        let Started { run, status, running } =
            controller.start(&start).map_err(|source| ManagerError::Watch { controller: name.clone(), source })?;
        self.handle.set(&name, status);
        self.routes.add(routes);
        let run = async move {
            let mut run = run;
            tokio::select! {
                ended = &mut run => return ended,
                checked = check => checked?,
            }
            run.await
        };
        self.parts.spawn(part(&name), Box::pin(run), running, stop);
        Ok(())
    }

    fn cluster(&self, name: &str) -> Option<&Joined> {
        if name == OWN_CLUSTER { Some(&self.own) } else { self.clusters.get(name) }
    }

    /// Finds out whether the rights are there, and has requests compared with them.
    fn check_rights(
        &self,
        cluster: &Cluster,
        whose: &str,
        rights: Rights,
    ) -> impl Future<Output = Result<(), ManagerError>> + use<> {
        if self.options.rights != RightsCheck::Off {
            cluster.ledger.declare(rights.clone());
        }
        let (client, ledger) = (cluster.bare.clone(), cluster.ledger.clone());
        rights::check::run(client, whose.to_string(), rights, self.options.rights, ledger)
    }

    fn remove(&mut self, name: &str, ended: oneshot::Sender<()>) {
        if self.parts.stop(&part(name), ended) {
            self.handle.forget(name);
            for joined in self.clusters.values().chain([&self.own]) {
                let cluster = &joined.cluster;
                cluster.ledger.set_missing(&cluster.part(&part(name)), Vec::new());
            }
            self.routes.remove(name);
            self.metrics.remove_queue(name);
        }
    }

    fn start_task(&mut self, task: Task) {
        let (name, stop) = (task.name.clone(), self.stop.clone());
        let run = self.task(task, stop.clone(), Ready::new());
        self.parts.spawn(name, Box::pin(run), Box::new(Vec::new), stop);
    }

    fn task(
        &self,
        Task { name, run }: Task,
        stop: CancellationToken,
        ready: Ready,
    ) -> impl Future<Output = Result<(), ManagerError>> + Send + use<> {
        let (client, caches) = (self.own.cluster.client.clone(), self.own.caches.clone());
        let work = TaskWork::default();
        self.handle.add_task(&name, work.clone());
        let (duty, metrics, handle) = (self.duty.clone(), self.metrics.clone(), self.handle.clone());
        let run = run(TaskContext { client, caches, stop, work, ready, duty, metrics, handle });
        async move { run.await.map_err(|error| ManagerError::Task { name, error }) }
    }
}

/// What the part of a controller is called.
fn part(controller: &str) -> String {
    format!("controller {controller}")
}

/// Elections end before the stop only when the process is to end, or when they panic.
fn election_ended(ended: Result<Result<(), ManagerError>, JoinError>) -> Result<(), ManagerError> {
    ended.unwrap_or_else(|_| Err(ManagerError::Panicked { name: "the election".into() }))
}
