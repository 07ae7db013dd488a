//! The life of a manager.
//!
//! ```text
//! listen ─→ election ─→ servers ─→ (ready) ─→ watches ─→ (in sync) ─→ workers, while there is work for this replica
//! stop ─→ no new keys ─→ the queues are drained ─→ running reconciles end ─→ servers stop ─→ events are sent ─→ the Lease is given back
//!         └────────────────────────────────────── within the deadline ─────────────────────────────────┘
//! ```

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use kube::Client;
use kubewright_cache::{CacheOptions, Caches};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinError, JoinSet},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Handle, Manager, ManagerError, ManagerOptions,
    debug::Debug,
    endpoints::{self, Endpoints},
    events::{self, Recorder},
    handle::Command,
    leadership::{duty::Duty, elector::Herald},
    metrics::Metrics,
    parts::Parts,
    rights::{self, Ledger, Rights, RightsCheck},
    sources::web::Routes,
    start::{Runner, Start, Started},
    tasks::{Ready, Task, TaskContext, TaskWork},
};

/// For the last requests of a stop whose deadline has been used up by others.
const LAST: Duration = Duration::from_secs(1);

/// Runs until `stop` is cancelled or a part fails.
pub(crate) async fn run(manager: Manager, stop: &CancellationToken) -> Result<(), ManagerError> {
    let rights = manager.own_rights();
    let Manager { bare, client, options, metrics, controllers, servers, tasks, duty, handle, mut commands, .. } =
        manager;
    let (log_filter, ledger) = (manager.log_filter, manager.ledger);
    let mut serving = JoinSet::new();
    let routes = Routes::new(bare.clone());
    if let Some(address) = options.listen {
        let bound = endpoints::bind(address).await.map_err(|source| ManagerError::Listen { address, source })?;
        let (listener, address) = bound;
        handle.set_address(address);
        tracing::info!(%address, "serving /metrics, /healthz, /readyz and /debug");
        let checks = handle.clone();
        let endpoints = Endpoints {
            metrics: metrics.clone(),
            ready: Box::new(move || checks.checks()),
            routes: routes.clone(),
            debug: Debug { handle: handle.clone(), filter: log_filter },
        };
        serving.spawn(endpoints::serve(listener, Arc::new(endpoints)));
    }

    let (recorder, writer) = events::recorder(client.clone(), options.clock.clone());
    let stop_events = CancellationToken::new();
    let mut events = JoinSet::new();
    events.spawn(writer.run(stop_events.clone()));

    let stop_election = CancellationToken::new();
    let mut election = JoinSet::new();
    let herald = Herald { handle: handle.clone(), recorder: recorder.clone(), metrics: metrics.clone() };
    if let Some(elects) = options.replicas.elect(&bare, &options, &duty, herald, stop_election.clone())? {
        election.spawn(elects);
    }

    let keep_fields_of = controllers.iter().map(|controller| controller.field_manager().to_string()).collect();
    let caches = caches(&client, &options, &keep_fields_of);
    metrics.caches(caches.clone());
    handle.add_caches(caches.clone());
    let mut running = Running {
        bare,
        client,
        options,
        metrics,
        recorder,
        duty,
        handle,
        routes,
        caches,
        keep_fields_of,
        others: Vec::new(),
        servers: Parts::default(),
        parts: Parts::default(),
        ledger,
        stop: stop.clone(),
    };
    let (checks, ended) = (running.check_rights("manager", rights), stop.clone());
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
    let Running { options, mut servers, mut parts, caches, others, .. } = running;
    let deadline = Instant::now() + options.shutdown_deadline;
    let mut left = parts.join(deadline).await;
    // Reconciles may have needed them up to now.
    stop_servers.cancel();
    left.extend(servers.join(deadline).await);
    if !left.is_empty() && result.is_ok() {
        result = Err(ManagerError::Deadline { deadline: options.shutdown_deadline, running: left });
    }
    stop_events.cancel();
    if timeout_at(deadline, events.join_next()).await.is_err() {
        tracing::warn!("events were dropped at the shutdown deadline");
    }
    stop_election.cancel();
    if timeout_at(deadline.max(Instant::now() + LAST), election.join_next()).await.is_err() {
        tracing::warn!("the Lease was not given back in time; it expires");
    }
    serving.shutdown().await;
    for caches in others.into_iter().chain([caches]) {
        caches.shut_down();
    }
    result
}

/// A manager at work.
struct Running {
    /// As it was given to the manager.
    bare: Client,
    client: Client,
    options: ManagerOptions,
    metrics: Metrics,
    recorder: Recorder,
    duty: Duty,
    handle: Handle,
    routes: Routes,
    caches: Caches,
    /// Field managers whose fields the caches keep.
    keep_fields_of: BTreeSet<String>,
    /// Caches of controllers that came later and whose fields the first do not keep.
    others: Vec<Caches>,
    /// What comes first and goes last.
    servers: Parts,
    parts: Parts,
    ledger: Ledger,
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
        let stop = self.stop.child_token();
        let caches = self.caches_for(controller.field_manager());
        let (routes, rights) = (controller.routes(), controller.rights());
        let start = Start {
            client: &self.client,
            caches: &caches,
            metrics: &self.metrics,
            recorder: &self.recorder,
            options: &self.options,
            duty: &self.duty,
            journal: self.handle.journal(),
            stop: &stop,
        };
        let Started { run, status, running } =
            controller.start(&start).map_err(|source| ManagerError::Watch { controller: name.clone(), source })?;
        self.handle.set(&name, status);
        self.routes.add(routes);
        let check = self.check_rights(&part(&name), rights);
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

    /// Finds out whether the rights are there, and has requests compared with them.
    fn check_rights(&self, whose: &str, rights: Rights) -> impl Future<Output = Result<(), ManagerError>> + use<> {
        if self.options.rights != RightsCheck::Off {
            self.ledger.declare(rights.clone());
        }
        rights::check::run(self.bare.clone(), whose.to_string(), rights, self.options.rights, self.ledger.clone())
    }

    /// What a cache keeps of managedFields is decided when it is made.
    fn caches_for(&mut self, field_manager: &str) -> Caches {
        if self.keep_fields_of.contains(field_manager) {
            return self.caches.clone();
        }
        let caches = caches(&self.client, &self.options, &BTreeSet::from([field_manager.to_string()]));
        self.others.push(caches.clone());
        self.handle.add_caches(caches.clone());
        caches
    }

    fn remove(&mut self, name: &str, ended: oneshot::Sender<()>) {
        if self.parts.stop(&part(name), ended) {
            self.handle.forget(name);
            self.ledger.set_missing(&part(name), Vec::new());
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
        let (client, caches) = (self.client.clone(), self.caches.clone());
        let work = TaskWork::default();
        self.handle.add_task(&name, work.clone());
        let run = run(TaskContext { client, caches, stop, work, ready });
        async move { run.await.map_err(|error| ManagerError::Task { name, error }) }
    }
}

/// What the part of a controller is called.
fn part(controller: &str) -> String {
    format!("controller {controller}")
}

fn caches(client: &Client, options: &ManagerOptions, keep_fields_of: &BTreeSet<String>) -> Caches {
    let (keep_fields_of, seed) = (keep_fields_of.clone(), options.seed);
    Caches::new(client.clone(), CacheOptions { keep_fields_of, seed, ..CacheOptions::default() })
}

/// Elections end before the stop only when the process is to end, or when they panic.
fn election_ended(ended: Result<Result<(), ManagerError>, JoinError>) -> Result<(), ManagerError> {
    ended.unwrap_or_else(|_| Err(ManagerError::Panicked { name: "the election".into() }))
}
