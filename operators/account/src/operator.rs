//! The operator: its controllers and its readiness check, on one ledger.

use std::sync::Arc;

use kubewright::prelude::*;

use crate::{Options, OptionsError, account, health, ledger::Ledger, transaction};

/// Adds the operator to a manager. All of it works on this one ledger, and so on one pool of connections.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use kubewright::prelude::*;
/// use kubewright_account::{Options, add_to, ledger::{PoolOptions, connect as connect_ledger}};
///
/// let ledger = connect_ledger("sqlite:accounts.db", &PoolOptions::default()).await?;
/// let manager = Manager::new(connect(None, None).await?, ManagerOptions::default());
/// add_to(manager, ledger, &Options::default())?.run_until_signal().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// An option that can't be used.
pub fn add_to(manager: Manager, ledger: Arc<dyn Ledger>, options: &Options) -> Result<Manager, OptionsError> {
    options.validate()?;
    let manager = manager
        .controller(account::controller(ledger.clone(), options))
        .controller(transaction::controller(ledger.clone(), options));
    Ok(health::add_to(manager, ledger, options.check))
}
