//! The operator: its controllers and its readiness check, on one ledger.

use std::sync::Arc;

use kubewright::OptionsError;
use kubewright::prelude::*;

use crate::ledger::{LateLedger, Ledger, PoolOptions, connect};
use crate::{Options, account, health, transaction};

/// Adds the operator to a manager, with the database of a URI (see [`connect`](crate::ledger::connect())). It is connected to
/// when the manager starts, before any controller works: if it does not answer then, the manager ends with the cause. Its
/// connections are closed when the controllers have stopped.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use kubewright::prelude::*;
/// use kubewright_account::{Options, add_to, ledger::PoolOptions};
///
/// let manager = Manager::new(connect(None, None).await?, ManagerOptions::default());
/// add_to(manager, "sqlite:accounts.db", PoolOptions::default(), &Options::default())?.run_until_signal().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// An option that can't be used.
pub fn add_to(
    manager: Manager,
    database: impl Into<String>,
    pool: PoolOptions,
    options: &Options,
) -> Result<Manager, OptionsError> {
    let (ledger, database) = (Arc::new(LateLedger::default()), database.into());
    let late = ledger.clone();
    let manager = add_ledger_to(manager, ledger, options)?;
    Ok(manager.server("the database of the accounts", move |context| async move {
        late.set(connect(&database, &pool).await.map_err(Error::terminal)?);
        context.ready();
        context.stop.cancelled().await;
        late.close().await;
        Ok(())
    }))
}

/// Adds the operator to a manager, with a ledger of one's own. All of it works on this one, and so on one pool of connections.
///
/// # Errors
/// An option that can't be used.
pub fn add_ledger_to(manager: Manager, ledger: Arc<dyn Ledger>, options: &Options) -> Result<Manager, OptionsError> {
    options.validate()?;
    let manager = manager
        .controller(account::controller(ledger.clone(), options))
        .controller(transaction::controller(ledger.clone(), options));
    Ok(health::add_to(manager, ledger, options.check))
}
