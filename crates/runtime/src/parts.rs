//! The parts of a manager: started together, ended together.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::{
    sync::oneshot,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::ManagerError;

/// The parts that run side by side, with what they can tell of their work.
#[derive(Default)]
pub(crate) struct Parts {
    set: JoinSet<Result<(), ManagerError>>,
    parts: Vec<Part>,
}

/// Tells what a part is at.
pub(crate) type ReadRunning = Box<dyn Fn() -> Vec<String> + Send + Sync>;

struct Part {
    id: Id,
    name: String,
    running: ReadRunning,
    stop: CancellationToken,
    /// Who waits for its end.
    awaited: Vec<oneshot::Sender<()>>,
}

impl Parts {
    pub(crate) fn spawn(
        &mut self,
        name: String,
        run: BoxFuture<'static, Result<(), ManagerError>>,
        running: ReadRunning,
        stop: CancellationToken,
    ) {
        let id = self.set.spawn(run).id();
        self.parts.push(Part { id, name, running, stop, awaited: Vec::new() });
    }

    /// Waits for the next part to end; its error, if it failed. Never returns while there are no parts.
    pub(crate) async fn next(&mut self) -> Result<(), ManagerError> {
        match self.set.join_next_with_id().await {
            Some(ended) => self.ended(ended),
            None => std::future::pending().await,
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.name == name)
    }

    /// Stops one part; `ended` hears of its end. `false` if there is no such part.
    pub(crate) fn stop(&mut self, name: &str, ended: oneshot::Sender<()>) -> bool {
        let Some(part) = self.parts.iter_mut().find(|part| part.name == name) else { return false };
        part.stop.cancel();
        part.awaited.push(ended);
        true
    }

    /// Waits for all parts, and drops those that still run at the deadline. Tells what those were at.
    pub(crate) async fn join(&mut self, deadline: Instant) -> Vec<String> {
        loop {
            tokio::select! {
                biased;
                ended = self.set.join_next_with_id() => match ended {
                    Some(ended) => if let Err(error) = self.ended(ended) {
                        tracing::error!(%error, "failed while stopping");
                    },
                    None => return Vec::new(),
                },
                () = sleep_until(deadline) => break,
            }
        }
        let mut running = Vec::new();
        for Part { name, running: keys, .. } in &self.parts {
            let keys = keys();
            if keys.is_empty() {
                running.push(name.clone());
            }
            running.extend(keys.into_iter().map(|key| format!("{name}: {key}")));
        }
        // One that blocks its thread can't be dropped and is not waited for.
        let _ = timeout_at(Instant::now() + Duration::from_secs(1), self.set.shutdown()).await;
        running
    }

    fn ended(&mut self, ended: Result<(Id, Result<(), ManagerError>), JoinError>) -> Result<(), ManagerError> {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let at = self.parts.iter().position(|part| part.id == id);
        let (name, awaited) =
            at.map(|at| self.parts.remove(at)).map(|part| (part.name, part.awaited)).unwrap_or_default();
        for awaits in awaited {
            // Who has gone need not know.
            let _ = awaits.send(());
        }
        match ended {
            Ok((_, result)) => result,
            Err(error) if error.is_panic() => Err(ManagerError::Panicked { name }),
            Err(_) => Ok(()),
        }
    }
}
