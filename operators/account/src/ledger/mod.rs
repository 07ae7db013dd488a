//! Where balances are kept: a database behind a trait.
//!
//! ```text
//! Entry (id, owner, amount) ─→ Ledger::record ─one database transaction→ decide ─→ entry row + balance
//!                                     └─ the id is there already: what was recorded then
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`connect`] | a ledger for a `DATABASE_URI` |
//! | `decide` | what an entry does to a balance: a pure function |
//! | `sql` | the ledger on any database of sqlx |
//! | `postgres`, `sqlite` | how each is connected to, and which of their errors pass |
//! | `migrations` | the tables |
//! | `late` | stands for a ledger that is connected to later |

mod connect;
mod decide;
mod late;
mod migrations;
mod postgres;
mod sql;
mod sqlite;

use std::{error::Error, fmt};

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;

use crate::{Amount, api::Direction};

pub use self::{
    connect::{ConnectError, DATABASE_URI, PoolOptions, connect},
    decide::{Limit, decide},
};
pub(crate) use late::LateLedger;

/// Keeps balances, and applies each entry exactly once.
///
/// Implementations are shared by all controllers and are called by many at once. A call that failed may have done its work
/// all the same (the answer can get lost on the way): whoever calls [`record`](Self::record) again with the same entry gets
/// what was recorded.
pub trait Ledger: Send + Sync + 'static {
    /// The balance of an owner, who gets one of zero if there is none yet.
    fn open<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Balance, LedgerError>>;

    /// Applies an entry or refuses it, and records which, in one transaction. An id that is recorded already changes nothing:
    /// the answer is what was recorded first.
    fn record<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Recorded, LedgerError>>;

    /// What was recorded under an id.
    fn recorded<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Recorded>, LedgerError>>;

    /// The balance of an owner; `None` for one who never had an account.
    fn balance<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Option<Balance>, LedgerError>>;

    /// A page of what was recorded for an owner, the newest first. `before`: only what has a smaller sequence, for the next
    /// page. `limit`: at most so many, at least 1.
    fn history<'a>(
        &'a self,
        owner: &'a str,
        before: Option<i64>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page, LedgerError>>;

    /// Whether the database answers.
    fn check(&self) -> BoxFuture<'_, Result<(), LedgerError>>;

    /// Ends its connections. Calls after that fail.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// By what it is told from all others, for ever: the uid of the object that asks for it.
    pub id: String,
    /// Whose balance it changes.
    pub owner: String,
    /// Which way.
    pub direction: Direction,
    /// By how much; more than zero.
    pub amount: Amount,
    /// How low the balance may get.
    pub limit: Limit,
    /// `namespace/name` of the object that asks for it.
    pub reference: String,
    /// What people are told about it.
    pub description: String,
    /// When it was first looked at.
    pub at: Timestamp,
}

/// What has been recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// The place among the entries of its owner, from 1 and without gaps.
    pub sequence: i64,
    /// See [`Entry::id`].
    pub id: String,
    /// See [`Entry::owner`].
    pub owner: String,
    /// See [`Entry::direction`].
    #[serde(rename = "type")]
    pub direction: Direction,
    /// See [`Entry::amount`].
    pub amount: Amount,
    /// Why it was refused; `None` if it was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The balance after it; of a refused one, as it stayed.
    pub balance: Amount,
    /// See [`Entry::reference`].
    pub reference: String,
    /// See [`Entry::description`].
    pub description: String,
    /// When it was recorded.
    pub at: Timestamp,
}

/// How much an owner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// How much.
    pub amount: Amount,
    /// How many entries were recorded, the refused ones too.
    pub entries: i64,
}

/// A page of the history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The newest first.
    pub entries: Vec<Recorded>,
    /// What to give as `before` for the next page; `None`: this is the last.
    pub next: Option<i64>,
}

/// What the ledger could not do.
#[derive(Debug)]
pub struct LedgerError {
    temporary: bool,
    doing: &'static str,
    cause: Box<dyn Error + Send + Sync>,
}

impl LedgerError {
    /// It may work later: the database is away, busy or full.
    pub fn temporary(doing: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { temporary: true, doing, cause: cause.into() }
    }

    /// It will not work until somebody mends something. Nothing was recorded.
    pub fn permanent(doing: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { temporary: false, doing, cause: cause.into() }
    }

    /// Whether trying again can help.
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database could not {}: {}", self.doing, self.cause)
    }
}

impl Error for LedgerError {}
