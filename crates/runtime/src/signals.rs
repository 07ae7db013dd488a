//! SIGINT and SIGTERM: the first asks for a stop, the second does not wait for it.

use std::{io, process};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Cancels `stop` at the first signal and ends the process at the second.
pub(crate) fn listen(stop: CancellationToken) -> io::Result<JoinHandle<()>> {
    let mut signals =
        Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? };
    Ok(tokio::spawn(async move {
        let name = signals.next().await;
        tracing::info!(signal = name, "stopping; a second signal ends the process at once");
        stop.cancel();
        let name = signals.next().await;
        tracing::error!(signal = name, "ended by a second signal");
        process::exit(1);
    }))
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
