//! The ledger on PostgreSQL.

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection, Pool, Postgres};

use super::{PoolOptions, sql::Dialect};

/// What is particular to it.
pub(super) const DIALECT: Dialect = Dialect {
    begin: "BEGIN",
    lock: "SELECT balance, entries FROM kubewright_account WHERE owner = $1 FOR UPDATE",
    passes,
};

/// Opens the pool, if the database answers.
pub(super) async fn open(options: PgConnectOptions, pool: &PoolOptions) -> Result<Pool<Postgres>, sqlx::Error> {
    let options = options.application_name("kubewright-account");
    // The pool itself would try until its time is over, and not say why.
    let first = tokio::time::timeout(pool.wait, PgConnection::connect_with(&options));
    first.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))?.close().await?;
    let pool = PgPoolOptions::new().max_connections(pool.connections).acquire_timeout(pool.wait);
    Ok(pool.connect_lazy_with(options))
}

/// By the classes of <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
fn passes(code: &str) -> bool {
    // 08: the connection broke. 40: it was rolled back for another's sake. 53: disk, memory or connections are used up.
    // 55: somebody holds what is wanted. 57: an operator stepped in, such as by a restart. 58: the system failed. 25006: for
    // the moment the server only reads, as a standby does before it takes over.
    ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class)) || code == "25006"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_restarts_or_is_full_passes_and_a_missing_right_does_not() {
        for code in ["08006", "40001", "40P01", "53100", "53300", "55P03", "57P01", "57P03", "58030", "25006"] {
            assert!(passes(code), "{code}");
        }
        for code in ["42501", "42P01", "23505", "22003", "28P01", "25001"] {
            assert!(!passes(code), "{code}");
        }
    }
}
