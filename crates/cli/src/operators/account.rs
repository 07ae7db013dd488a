//! The account operator on the command line.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use kubewright::kube::core::ApiResource;
use kubewright_account::ledger::{ConnectError, PoolOptions};
use kubewright_account::{Account, AccountTransaction, Options, add_to};

use super::{Operator, OperatorError};
use crate::args::duration;

/// Its flags.
#[derive(Debug, Clone, Args)]
pub(crate) struct AccountArgs {
    /// Database of the accounts: postgres://USER:PASSWORD@HOST/DATABASE or sqlite:FILE. Needed by `run`; `up` keeps them
    /// beside its data, or in memory.
    #[arg(long = "account-database-uri", value_name = "URI", env = "DATABASE_URI", hide_env_values = true)]
    database_uri: Option<String>,

    /// How many connections to the database there are at most.
    #[arg(long = "account-database-connections", value_name = "N", default_value_t = PoolOptions::default().connections)]
    connections: u32,

    /// How many transactions are worked on at once.
    #[arg(long = "account-workers", value_name = "N", default_value_t = Options::default().workers)]
    workers: usize,

    /// How long a transaction stays after it is done; the database keeps it for ever.
    #[arg(long = "account-transaction-ttl", value_name = "DURATION", default_value = "1h", value_parser = duration)]
    ttl: Duration,
}

impl AccountArgs {
    /// Names a database if none is named, for one that is only asked what it is.
    pub(super) fn stand_in(&mut self) {
        self.database_uri = Some("sqlite::memory:".into());
    }

    /// Whether a flag names a database.
    pub(super) fn names_database(&self) -> bool {
        self.database_uri.is_some()
    }

    /// Names a database if none is named: a file in `data_dir`, or one in memory. Tells people where their accounts are.
    pub(crate) fn keep_in(&mut self, data_dir: Option<&Path>) -> Option<String> {
        if self.database_uri.as_ref().is_some_and(|uri| !uri.trim().is_empty()) {
            return None;
        }
        let (uri, told) = match data_dir {
            Some(dir) => {
                let file = dir.join("accounts.db");
                (format!("sqlite:{}", file.display()), format!("accounts are kept in {}", file.display()))
            }
            None => ("sqlite::memory:".into(), "accounts are kept in memory; DATABASE_URI names a database".into()),
        };
        self.database_uri = Some(uri);
        Some(told)
    }
}

/// The operator as its flags set it up.
pub(super) fn operator(args: &AccountArgs) -> Result<Operator, OperatorError> {
    let options = Options { workers: args.workers, ttl: args.ttl, ..Options::default() };
    options.validate().map_err(|error| OperatorError::Option { cause: error.into(), flags: "--account-" })?;
    let Some(uri) = args.database_uri.clone().filter(|uri| !uri.trim().is_empty()) else {
        return Err(OperatorError::NotSetUp { name: "account", missing: ConnectError::Missing.to_string() });
    };
    let pool = PoolOptions { connections: args.connections.max(1), ..PoolOptions::default() };
    Ok(Operator {
        name: "account",
        examples: kubewright_account::EXAMPLES.into(),
        crds: kubewright_account::crds(),
        shows: vec![ApiResource::erase::<Account>(&()), ApiResource::erase::<AccountTransaction>(&())],
        needs_nodes: false,
        add_to: Box::new(move |manager| Ok(add_to(manager, uri, pool, &options)?)),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: AccountArgs,
    }

    #[test]
    fn without_a_database_that_is_named_accounts_are_kept_beside_the_data_or_in_memory() {
        let mut args = Line::parse_from(["test", "--account-database-uri", "sqlite:mine.db"]).args;
        assert_eq!(args.keep_in(None), None);
        assert_eq!(args.database_uri.as_deref(), Some("sqlite:mine.db"));
        args.database_uri = None;
        assert!(args.keep_in(Some(Path::new("data"))).unwrap().contains("data/accounts.db"));
        assert_eq!(args.database_uri.as_deref(), Some("sqlite:data/accounts.db"));
        args.database_uri = None;
        assert!(args.keep_in(None).unwrap().contains("in memory"));
        assert_eq!(args.database_uri.as_deref(), Some("sqlite::memory:"));
    }
}
