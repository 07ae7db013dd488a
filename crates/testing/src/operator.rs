//! An operator under test: a manager that can be stopped and started again.

use kube::Client;
use kubewright_runtime::{ControllerStatus, Handle, Manager, ManagerError, ManagerOptions};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::eventually::eventually;

type Add = dyn Fn(Manager) -> Manager + Send + Sync;

/// An operator under test.
pub struct Operator {
    client: Client,
    add: Box<Add>,
    running: Mutex<Option<Running>>,
}

struct Running {
    handle: Handle,
    stop: CancellationToken,
    task: JoinHandle<Result<(), ManagerError>>,
}

impl Operator {
    pub(crate) fn start(client: Client, add: Box<Add>) -> Self {
        let running = Mutex::new(Some(run(&client, &*add)));
        Self { client, add, running }
    }

    /// Waits until its caches are in sync and no key is queued, worked on or waiting for a retry.
    pub async fn idle(&self) {
        let handle = self.handle().await;
        eventually("an idle operator", async || {
            let busy = |status: &ControllerStatus| status.queued + status.delayed + status.active > 0;
            (handle.ready().is_ok() && !handle.status().iter().any(busy)).then_some(())
        })
        .await;
    }

    /// The state of one of its controllers.
    pub async fn status(&self, controller: &str) -> Option<ControllerStatus> {
        self.handle().await.status().into_iter().find(|status| status.name == controller)
    }

    /// Stops it.
    ///
    /// # Errors
    /// What the manager ended with.
    pub async fn stop(&self) -> Result<(), ManagerError> {
        let Some(running) = self.running.lock().await.take() else { return Ok(()) };
        running.stop.cancel();
        running.task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Stops it, if it runs, and starts it anew with empty caches.
    ///
    /// # Errors
    /// What the manager ended with.
    pub async fn restart(&self) -> Result<(), ManagerError> {
        self.stop().await?;
        *self.running.lock().await = Some(run(&self.client, &*self.add));
        Ok(())
    }

    async fn handle(&self) -> Handle {
        match &*self.running.lock().await {
            Some(running) => running.handle.clone(),
            None => panic!("the operator was stopped; restart it first"),
        }
    }
}

fn run(client: &Client, add: &Add) -> Running {
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    let manager = add(Manager::new(client.clone(), options));
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let task = tokio::spawn(manager.run(stop.clone()));
    Running { handle, stop, task }
}
