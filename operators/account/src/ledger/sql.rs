//! The ledger on any database that sqlx knows. What differs between them is in [`Dialect`].

use futures::future::BoxFuture;
use jiff::Timestamp;
use sqlx::{ColumnIndex, Database, Decode, Encode, Executor, IntoArguments, Pool, Row, Type};

use super::{Balance, Entry, Ledger, LedgerError, Page, Recorded, decide};
use crate::{Amount, api::Direction};

/// What differs between databases.
pub(super) struct Dialect {
    /// Begins a transaction that is going to write.
    pub(super) begin: &'static str,
    /// Reads a balance and keeps others from it until the transaction ends.
    pub(super) lock: &'static str,
    /// Whether an error of the database passes by itself, by its code.
    pub(super) passes: fn(&str) -> bool,
}

/// A ledger on a pool of connections.
pub(super) struct SqlLedger<DB: Database> {
    pub(super) pool: Pool<DB>,
    pub(super) dialect: Dialect,
}

const OPEN: &str =
    "INSERT INTO kubewright_account (owner, balance, entries) VALUES ($1, 0, 0) ON CONFLICT (owner) DO NOTHING";
const BALANCE: &str = "SELECT balance, entries FROM kubewright_account WHERE owner = $1";
const SET: &str = "UPDATE kubewright_account SET balance = $2, entries = $3 WHERE owner = $1";
const ADD: &str = "INSERT INTO kubewright_account_entry \
    (id, owner, sequence, direction, amount, refused, balance, reference, description, recorded_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const FIND: &str = "SELECT id, owner, sequence, direction, amount, refused, balance, reference, description, recorded_at \
    FROM kubewright_account_entry WHERE id = $1";
const HISTORY: &str = "SELECT id, owner, sequence, direction, amount, refused, balance, reference, description, recorded_at \
    FROM kubewright_account_entry WHERE owner = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3";
const CHECK: &str = "SELECT entries FROM kubewright_account WHERE owner = ''";

impl<DB> Ledger for SqlLedger<DB>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'v> &'v str: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v str>: Encode<'v, DB> + Type<DB>,
    for<'v> i64: Encode<'v, DB> + Decode<'v, DB> + Type<DB>,
    for<'v> String: Decode<'v, DB> + Type<DB>,
    for<'v> Option<String>: Decode<'v, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn open<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Balance, LedgerError>> {
        Box::pin(async move {
            let failed = self.failed("open the account");
            let mut connection = self.pool.acquire().await.map_err(&failed)?;
            if let Some(row) =
                sqlx::query(BALANCE).bind(owner).fetch_optional(&mut *connection).await.map_err(&failed)?
            {
                return balance(&row).map_err(&failed);
            }
            sqlx::query(OPEN).bind(owner).execute(&mut *connection).await.map_err(&failed)?;
            let row = sqlx::query(BALANCE).bind(owner).fetch_one(&mut *connection).await.map_err(&failed)?;
            balance(&row).map_err(&failed)
        })
    }

    fn record<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Recorded, LedgerError>> {
        Box::pin(async move {
            const DOING: &str = "record the transaction";
            if entry.amount <= Amount::ZERO {
                return Err(LedgerError::permanent(DOING, format!("amount {}: must be more than zero", entry.amount)));
            }
            let failed = self.failed(DOING);
            let mut work = self.pool.begin_with(self.dialect.begin).await.map_err(&failed)?;
            // Who holds the row of the account is alone with it: what is read from here on stays so until the commit.
            let lock = async |work: &mut DB::Connection| {
                sqlx::query(self.dialect.lock).bind(&*entry.owner).fetch_optional(work).await
            };
            let mut row = lock(&mut work).await.map_err(&failed)?;
            if row.is_none() {
                sqlx::query(OPEN).bind(&*entry.owner).execute(&mut *work).await.map_err(&failed)?;
                row = lock(&mut work).await.map_err(&failed)?;
            }
            let row = row.ok_or_else(|| failed(sqlx::Error::RowNotFound))?;
            let Balance { amount, entries } = balance(&row).map_err(&failed)?;
            if let Some(row) = sqlx::query(FIND).bind(&*entry.id).fetch_optional(&mut *work).await.map_err(&failed)? {
                let before = recorded(&row).map_err(&failed)?;
                return if same(&before, entry) { Ok(before) } else { Err(reused(DOING, &before)) };
            }

            let (after, refused) = match decide(amount, entry.direction, entry.amount, entry.limit) {
                Ok(after) => (after, None),
                Err(why) => (amount, Some(why)),
            };
            let sequence = entries + 1;
            sqlx::query(ADD)
                .bind(&*entry.id)
                .bind(&*entry.owner)
                .bind(sequence)
                .bind(entry.direction.as_str())
                .bind(entry.amount.0)
                .bind(refused.as_deref())
                .bind(after.0)
                .bind(&*entry.reference)
                .bind(&*entry.description)
                .bind(entry.at.as_microsecond())
                .execute(&mut *work)
                .await
                .map_err(&failed)?;
            let set = sqlx::query(SET).bind(&*entry.owner).bind(after.0).bind(sequence);
            set.execute(&mut *work).await.map_err(&failed)?;
            // An error here leaves open whether it was done: it counts as temporary, and the next try finds out.
            work.commit().await.map_err(|error| LedgerError::temporary(DOING, error))?;
            Ok(Recorded {
                sequence,
                id: entry.id.clone(),
                owner: entry.owner.clone(),
                direction: entry.direction,
                amount: entry.amount,
                refused,
                balance: after,
                reference: entry.reference.clone(),
                description: entry.description.clone(),
                at: Timestamp::from_microsecond(entry.at.as_microsecond()).unwrap_or(entry.at),
            })
        })
    }

    fn recorded<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Recorded>, LedgerError>> {
        Box::pin(async move {
            let failed = self.failed("look for the transaction");
            let mut connection = self.pool.acquire().await.map_err(&failed)?;
            let row = sqlx::query(FIND).bind(id).fetch_optional(&mut *connection).await.map_err(&failed)?;
            row.map(|row| recorded(&row)).transpose().map_err(&failed)
        })
    }

    fn balance<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Option<Balance>, LedgerError>> {
        Box::pin(async move {
            let failed = self.failed("read the balance");
            let mut connection = self.pool.acquire().await.map_err(&failed)?;
            let row = sqlx::query(BALANCE).bind(owner).fetch_optional(&mut *connection).await.map_err(&failed)?;
            row.map(|row| balance(&row)).transpose().map_err(&failed)
        })
    }

    fn history<'a>(
        &'a self,
        owner: &'a str,
        before: Option<i64>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page, LedgerError>> {
        Box::pin(async move {
            let failed = self.failed("read the history");
            let limit = limit.max(1);
            let mut connection = self.pool.acquire().await.map_err(&failed)?;
            // One more than asked for tells whether there is another page.
            let rows = sqlx::query(HISTORY)
                .bind(owner)
                .bind(before.unwrap_or(i64::MAX))
                .bind(i64::from(limit) + 1)
                .fetch_all(&mut *connection)
                .await
                .map_err(&failed)?;
            let mut entries = rows.iter().map(recorded).collect::<Result<Vec<_>, _>>().map_err(&failed)?;
            let more = entries.len() > limit as usize;
            entries.truncate(limit as usize);
            let next = if more { entries.last().map(|last| last.sequence) } else { None };
            Ok(Page { entries, next })
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            let failed = self.failed("answer");
            let mut connection = self.pool.acquire().await.map_err(&failed)?;
            sqlx::query(CHECK).fetch_optional(&mut *connection).await.map_err(&failed)?;
            Ok(())
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}

impl<DB: Database> SqlLedger<DB> {
    /// Makes errors of the driver errors of the ledger.
    fn failed(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> LedgerError {
        let passes = self.dialect.passes;
        move |error| {
            let temporary = match &error {
                sqlx::Error::Database(error) => error.code().is_some_and(|code| passes(&code)),
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed => true,
                _ => false,
            };
            if temporary { LedgerError::temporary(doing, error) } else { LedgerError::permanent(doing, error) }
        }
    }
}

fn balance<R>(row: &R) -> Result<Balance, sqlx::Error>
where
    R: Row,
    for<'v> i64: Decode<'v, R::Database> + Type<R::Database>,
    usize: ColumnIndex<R>,
{
    Ok(Balance { amount: Amount(row.try_get(0)?), entries: row.try_get(1)? })
}

fn recorded<R>(row: &R) -> Result<Recorded, sqlx::Error>
where
    R: Row,
    for<'v> i64: Decode<'v, R::Database> + Type<R::Database>,
    for<'v> String: Decode<'v, R::Database> + Type<R::Database>,
    for<'v> Option<String>: Decode<'v, R::Database> + Type<R::Database>,
    usize: ColumnIndex<R>,
{
    let direction: String = row.try_get(3)?;
    let at: i64 = row.try_get(9)?;
    Ok(Recorded {
        id: row.try_get(0)?,
        owner: row.try_get(1)?,
        sequence: row.try_get(2)?,
        direction: Direction::named(&direction)
            .ok_or_else(|| sqlx::Error::Decode(format!("direction {direction:?} is not known").into()))?,
        amount: Amount(row.try_get(4)?),
        refused: row.try_get(5)?,
        balance: Amount(row.try_get(6)?),
        reference: row.try_get(7)?,
        description: row.try_get(8)?,
        at: Timestamp::from_microsecond(at).map_err(|error| sqlx::Error::Decode(error.into()))?,
    })
}

/// Whether what was recorded is what is asked for.
fn same(recorded: &Recorded, entry: &Entry) -> bool {
    let Recorded { owner, direction, amount, .. } = recorded;
    (owner, *direction, *amount) == (&entry.owner, entry.direction, entry.amount)
}

fn reused(doing: &'static str, before: &Recorded) -> LedgerError {
    let Recorded { id, direction, amount, owner, reference, .. } = before;
    let what = format!("id {id} is taken by another: {} of {amount} for {owner} by {reference}", direction.as_str());
    LedgerError::permanent(doing, what)
}
