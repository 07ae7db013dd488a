//! A ledger for a `DATABASE_URI`.

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{postgres::PgConnectOptions, sqlite::SqliteConnectOptions};

use super::{Ledger, migrations::migrator, postgres, sql::SqlLedger, sqlite};

/// The environment variable that names the database.
pub const DATABASE_URI: &str = "DATABASE_URI";

/// How the pool of connections is set up, of which there is one in a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOptions {
    /// How many connections there are at most. Default: 10. SQLite has one always.
    pub connections: u32,
    /// How long to wait for one, or for the database to answer at the start. Default: 5 s.
    pub wait: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self { connections: 10, wait: Duration::from_secs(5) }
    }
}

/// Why there is no ledger. Messages never hold the password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No database is named.
    #[error("{DATABASE_URI} is required: write postgres://USER:PASSWORD@HOST/DATABASE, or sqlite:FILE")]
    Missing,
    /// It names something else than a database.
    #[error("{DATABASE_URI} is not valid: {why}; write postgres://USER:PASSWORD@HOST/DATABASE, or sqlite:FILE")]
    Invalid {
        /// What is wrong with it.
        why: String,
    },
    /// The database does not answer, or does not let us in.
    #[error("{DATABASE_URI}: no connection to {database}: {cause}; check that it runs, and the user and password")]
    Refused {
        /// Which database.
        database: String,
        /// What it says.
        cause: sqlx::Error,
    },
    /// The tables could not be made or brought up to date.
    #[error("{DATABASE_URI}: the tables in {database} could not be brought up to date: {cause}")]
    Tables {
        /// Which database.
        database: String,
        /// What went wrong.
        cause: sqlx::migrate::MigrateError,
    },
}

/// Connects to a database and brings its tables up to date.
///
/// | uri | database |
/// |---|---|
/// | `postgres://USER:PASSWORD@HOST:PORT/DATABASE` | PostgreSQL; `?sslmode=verify-full&sslrootcert=FILE` for TLS that is checked, as with libpq |
/// | `sqlite:FILE` | a file, which is made if there is none |
/// | `sqlite::memory:` | memory: nothing is kept |
///
/// PostgreSQL speaks TLS where the server does, and checks its certificate only with `sslmode=verify-ca` or `verify-full`
/// (the default `prefer` keeps nobody from reading along who can stand in between).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use kubewright_account::ledger::{PoolOptions, connect};
///
/// let ledger = connect("sqlite::memory:", &PoolOptions::default()).await.unwrap();
/// assert_eq!(ledger.open("jane").await.unwrap().entries, 0);
/// # }
/// ```
///
/// # Errors
/// A database that does not answer is an error at once, so that a mistake is seen at the start.
pub async fn connect(uri: &str, pool: &PoolOptions) -> Result<Arc<dyn Ledger>, ConnectError> {
    let uri = uri.trim();
    let invalid = |error: sqlx::Error| ConnectError::Invalid { why: error.to_string() };
    if uri.is_empty() {
        Err(ConnectError::Missing)
    } else if uri.starts_with("postgres://") || uri.starts_with("postgresql://") {
        let options = PgConnectOptions::from_str(uri).map_err(invalid)?;
        let database = format!(
            "postgres://{}@{}:{}/{}",
            options.get_username(),
            options.get_host(),
            options.get_port(),
            options.get_database().unwrap_or_default()
        );
        let failed = |cause| ConnectError::Refused { database: database.clone(), cause };
        let pool = postgres::open(options, pool).await.map_err(failed)?;
        migrator().run(&pool).await.map_err(|cause| ConnectError::Tables { database: database.clone(), cause })?;
        Ok(Arc::new(SqlLedger { pool, dialect: postgres::DIALECT }))
    } else if uri.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(uri).map_err(invalid)?;
        let failed = |cause| ConnectError::Refused { database: uri.to_string(), cause };
        let pool = sqlite::open(options, pool).await.map_err(failed)?;
        migrator().run(&pool).await.map_err(|cause| ConnectError::Tables { database: uri.to_string(), cause })?;
        Ok(Arc::new(SqlLedger { pool, dialect: sqlite::DIALECT }))
    } else {
        let scheme = uri.split_once(':').map_or("none", |(scheme, _)| scheme);
        Err(ConnectError::Invalid { why: format!("its scheme is {scheme}, and databases are postgres: and sqlite:") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn error(uri: &str) -> String {
        let pool = PoolOptions { wait: Duration::from_millis(500), ..PoolOptions::default() };
        match connect(uri, &pool).await {
            Ok(_) => panic!("{uri} is a database"),
            Err(error) => error.to_string(),
        }
    }

    // A-38
    #[tokio::test]
    async fn a_missing_uri_is_asked_for_by_its_name() {
        assert!(error("").await.starts_with("DATABASE_URI is required"));
        assert!(error("  ").await.starts_with("DATABASE_URI is required"));
    }

    #[tokio::test]
    async fn what_is_no_database_is_refused_with_what_would_be_right() {
        for uri in ["mysql://root:secret@localhost/x", "accounts.db", "http://x", "postgres://host:port/x"] {
            let error = error(uri).await;
            assert!(error.starts_with("DATABASE_URI is not valid") && error.contains("sqlite:FILE"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    // A-39
    #[tokio::test]
    async fn a_database_that_is_not_there_is_an_error_with_its_cause_and_without_the_password() {
        // Port 1 of loopback has no listener.
        let error = error("postgres://jane:secret@127.0.0.1:1/accounts").await;
        assert!(error.contains("postgres://jane@127.0.0.1:1/accounts"), "{error}");
        assert!(error.contains("refused") && !error.contains("secret"), "{error}");
    }

    // A-39
    #[tokio::test]
    async fn a_file_that_can_not_be_made_is_an_error_that_names_it() {
        let error = error("sqlite:/nowhere/at/all/accounts.db").await;
        assert!(error.contains("/nowhere/at/all/accounts.db"), "{error}");
    }
}
