//! An operator under test: a manager that can be stopped and started again, and that tells what it did when a test fails.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use kube::Client;
use kubewright_runtime::{
    ControllerStatus, Convergence, Handle, Manager, ManagerError, ManagerOptions, Record, Right, Unsettled,
};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::eventually::eventually;

type Add = dyn Fn(Manager) -> Manager + Send + Sync;

/// The reconciles that are kept of each controller.
const RECORDS: usize = 200;

/// An operator under test.
///
/// It looks for reconcilers that never settle (see [`Convergence`]): [`idle`](Self::idle) and [`stop`](Self::stop) panic if
/// there is one, with the fields that it writes again and again. It also looks for rights that are used and that
/// [`Manager::rbac`] does not name, with which the operator would fail in a cluster: [`stop`](Self::stop) panics with them.
/// When a test fails, the last reconciles are printed: why each ran, what it read and wrote, how it ended.
pub struct Operator {
    client: Client,
    add: Box<Add>,
    running: Mutex<Option<Running>>,
    /// The manager that runs, or ran last.
    handle: Mutex<Handle>,
    may_not_settle: AtomicBool,
    may_use_more: AtomicBool,
}

struct Running {
    handle: Handle,
    stop: CancellationToken,
    task: JoinHandle<Result<(), ManagerError>>,
}

impl Operator {
    pub(crate) fn start(client: Client, add: Box<Add>) -> Self {
        let running = run(&client, &*add);
        let handle = Mutex::new(running.handle.clone());
        let (may_not_settle, may_use_more) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { client, add, running: Mutex::new(Some(running)), handle, may_not_settle, may_use_more }
    }

    /// Lets reconcilers never settle, in a test that is about that.
    pub fn allow_unsettled(&self) {
        self.may_not_settle.store(true, Ordering::Relaxed);
    }

    /// Lets it use rights that it does not declare, in a test that is about something else.
    pub fn allow_undeclared(&self) {
        self.may_use_more.store(true, Ordering::Relaxed);
    }

    /// Waits until its caches are in sync and no key is queued, worked on or waiting for a retry or a look within seconds.
    ///
    /// # Panics
    /// After a minute, and if a reconciler never settles.
    pub async fn idle(&self) {
        eventually("an idle operator", async || {
            self.check();
            let handle = self.handle().await;
            let delayed = |status: &ControllerStatus| status.delayed.saturating_sub(status.scheduled);
            let busy = |status: &ControllerStatus| status.queued + delayed(status) + status.active > 0;
            (handle.ready().is_ok() && !handle.status().iter().any(busy)).then_some(())
        })
        .await;
    }

    /// The state of one of its controllers.
    pub async fn status(&self, controller: &str) -> Option<ControllerStatus> {
        self.handle().await.status().into_iter().find(|status| status.name == controller)
    }

    /// Whether it is ready; otherwise the reasons why not.
    pub async fn ready(&self) -> Result<(), Vec<String>> {
        self.handle().await.ready()
    }

    /// The last reconciles of each controller, the oldest first.
    pub fn records(&self) -> Vec<std::sync::Arc<Record>> {
        self.handle.lock().records()
    }

    /// The reconcilers that never settle.
    pub fn unsettled(&self) -> Vec<Unsettled> {
        self.handle.lock().unsettled()
    }

    /// Rights that it used and that [`Manager::rbac`] does not name, see [`Handle::undeclared`].
    pub fn undeclared(&self) -> Vec<Right> {
        self.handle.lock().undeclared()
    }

    /// Stops it.
    ///
    /// # Errors
    /// What the manager ended with.
    ///
    /// # Panics
    /// If a reconciler never settles, or the operator used a right that it does not declare.
    pub async fn stop(&self) -> Result<(), ManagerError> {
        self.end().await?;
        self.check();
        let undeclared = self.undeclared();
        if !undeclared.is_empty() && !self.may_use_more.load(Ordering::Relaxed) {
            let rights: Vec<String> = undeclared.iter().map(ToString::to_string).collect();
            panic!(
                "the operator used rights that Manager::rbac does not name: {}; declare them with Controller::may or \
                 Manager::may (Operator::allow_undeclared lets it)",
                rights.join(", ")
            );
        }
        Ok(())
    }

    /// Stops it, if it runs, and starts it anew with empty caches.
    ///
    /// # Errors
    /// What the manager ended with.
    pub async fn restart(&self) -> Result<(), ManagerError> {
        self.stop().await?;
        let running = run(&self.client, &*self.add);
        *self.handle.lock() = running.handle.clone();
        *self.running.lock() = Some(running);
        Ok(())
    }

    /// Ends it where it stands, as a crash would.
    pub(crate) async fn kill(&self) {
        let Some(running) = self.running.lock().take() else { return };
        running.task.abort();
        // It was cancelled, or had ended by itself: either way it is gone.
        _ = running.task.await;
    }

    /// Whether no key is queued or worked on; some may wait for their time.
    pub(crate) fn is_quiet(&self) -> bool {
        self.handle.lock().status().iter().all(|status| status.queued + status.active == 0)
    }

    async fn end(&self) -> Result<(), ManagerError> {
        let Some(running) = self.running.lock().take() else { return Ok(()) };
        running.stop.cancel();
        running.task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn check(&self) {
        if self.may_not_settle.load(Ordering::Relaxed) {
            return;
        }
        let unsettled = self.unsettled();
        if let Some(first) = unsettled.first() {
            panic!("{first} (Operator::allow_unsettled lets it)");
        }
    }

    async fn handle(&self) -> Handle {
        match &*self.running.lock() {
            Some(running) => running.handle.clone(),
            None => panic!("the operator was stopped; restart it first"),
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let handle = self.handle.lock();
        let mut text = String::from("what the operator did before the test failed:\n");
        for record in handle.records() {
            // Writing into a String does not fail.
            _ = writeln!(text, "{record}");
        }
        for fault in handle.ready().err().unwrap_or_default() {
            _ = writeln!(text, "not ready: {fault}");
        }
        eprintln!("{text}");
    }
}

fn run(client: &Client, add: &Add) -> Running {
    let convergence = Some(Convergence::default());
    let options = ManagerOptions { listen: None, records: RECORDS, convergence, ..ManagerOptions::default() };
    let manager = add(Manager::new(client.clone(), options));
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let task = tokio::spawn(manager.run(stop.clone()));
    Running { handle, stop, task }
}
