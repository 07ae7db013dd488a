//! Readiness: whether the database answers.

use std::{sync::Arc, time::Duration};

use kubewright::prelude::*;
use parking_lot::Mutex;

use crate::ledger::Ledger;

/// Asks the database each time that `period` is over; readiness fails with its last error. Liveness does not: a restart of the
/// operator mends no database.
pub(crate) fn add_to(manager: Manager, ledger: Arc<dyn Ledger>, period: Duration) -> Manager {
    let last = Arc::new(Mutex::new(Ok(())));
    let told = last.clone();
    manager.check("account-database", move || told.lock().clone()).task("account-database", move |context| async move {
        let asking = async {
            loop {
                let answer = ledger.check().await.map_err(|error| error.to_string());
                let before = std::mem::replace(&mut *last.lock(), answer.clone());
                match (before, answer) {
                    (Ok(()), Err(error)) => tracing::warn!(error, "accounts are not ready"),
                    (Err(_), Ok(())) => tracing::info!("the database of the accounts answers again"),
                    _ => {}
                }
                tokio::time::sleep(period).await;
            }
        };
        tokio::select! {
            () = asking => {}
            () = context.stop.cancelled() => {}
        }
        Ok(())
    })
}
