//! Keeps accounts and their transactions in a database.
//!
//! ```text
//! AccountTransaction ─→ transaction: once ─→ Ledger::record ─→ row + balance, in one database transaction
//!                                                  │
//! Account ─→ account: balance of the row ─→ status, and the mark on the owner's ObjectStorageUsers
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`api`] | [`Account`] and [`AccountTransaction`] |
//! | [`ledger`] | the database behind a trait |
//! | `account` | the status of Accounts |
//! | `suspension` | what a suspended account does to the owner's object storage |
//! | `transaction` | transactions, each applied exactly once |
//! | `health` | whether the database answers, for readiness |
//!
//! Amounts are integers in millionths of the currency, see [`Amount`].

mod account;
mod amount;
pub mod api;
mod health;
pub mod ledger;
mod operator;
mod options;
mod suspension;
mod transaction;

pub use amount::Amount;
pub use api::{
    Account, AccountSpec, AccountStatus, AccountTransaction, AccountTransactionSpec, AccountTransactionStatus,
    Direction, Phase, crds,
};
pub use operator::{add_ledger_to, add_to};
pub use options::Options;
pub use suspension::SUSPENDED;

/// Accounts and transactions that show what the operator does; `kubewright up` applies them.
pub const EXAMPLES: &str = include_str!("../examples/accounts.yaml");
