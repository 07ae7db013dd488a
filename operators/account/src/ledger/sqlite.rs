//! The ledger on SQLite, which is built in.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Pool, Sqlite};

use super::{PoolOptions, sql::Dialect};

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// What is particular to it.
pub(super) const DIALECT: Dialect = Dialect {
    // It takes the right to write at once: one that begins by reading may find that it can't get it any more.
    begin: "BEGIN IMMEDIATE",
    lock: "SELECT balance, entries FROM kubewright_account WHERE owner = $1",
    passes,
};

/// Opens the database, which is made if there is none.
pub(super) async fn open(options: SqliteConnectOptions, pool: &PoolOptions) -> Result<Pool<Sqlite>, sqlx::Error> {
    let options = options
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .journal_mode(SqliteJournalMode::Wal)
        // What was answered is on disk, also after a loss of power.
        .synchronous(SqliteSynchronous::Full);
    SqlitePoolOptions::new()
        // It has one writer at a time anyway, and callers queue more fairly here than there. One in memory goes with its
        // last connection, so that one stays.
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(pool.wait)
        .connect_with(options)
        .await
}

/// By the primary part of <https://www.sqlite.org/rescode.html>: busy, locked, no memory, interrupted, a failing or full
/// disk, a file that can't be opened now, a protocol of locks that gave up.
fn passes(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 7 | 9 | 10 | 13 | 14 | 15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_or_full_file_passes_and_a_broken_one_does_not() {
        for code in ["5", "261", "6", "10", "13", "14"] {
            assert!(passes(code), "{code}");
        }
        for code in ["1", "8", "11", "19", "26", "1555", "", "x"] {
            assert!(!passes(code), "{code}");
        }
    }
}
