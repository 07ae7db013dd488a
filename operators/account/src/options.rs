//! What an operator's administrator may set.

use std::time::Duration;

use kubewright::OptionsError;
use kubewright::prelude::{Resource, Watch};

/// How the account operator works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The only namespace whose Accounts and transactions are looked at. Default: `None`, all.
    pub namespace: Option<String>,
    /// How many Accounts, and how many transactions, are worked on at once. Default: 5. More than the database has connections
    /// gains nothing.
    pub workers: usize,
    /// How often each Account is compared with its row, for what others change in the database. Default: 5 minutes. Nothing is
    /// written if nothing has changed.
    pub resync: Duration,
    /// How often readiness asks the database. Default: 10 s.
    pub check: Duration,
    /// How long a transaction stays after it was completed or failed. The ledger keeps it for ever. Default: 1 hour.
    pub ttl: Duration,
    /// How long a transaction waits for an Account that does not exist before it fails. Default: 1 minute.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            namespace: None,
            workers: 5,
            resync: seconds(300),
            check: seconds(10),
            ttl: seconds(3600),
            patience: seconds(60),
        }
    }
}

impl Options {
    /// A watch of what the operator looks at.
    pub(crate) fn watch<K>(&self) -> Watch<K>
    where
        K: Resource<DynamicType = ()>,
        K::Scope: 'static,
    {
        match &self.namespace {
            Some(namespace) => Watch::all().namespace(namespace),
            None => Watch::all(),
        }
    }

    /// Checks them.
    ///
    /// # Errors
    /// The first one that can't be used.
    pub fn validate(&self) -> Result<(), OptionsError> {
        let wrong = |option, value: String, right| Err(OptionsError { operator: "account", option, value, right });
        if self.workers == 0 {
            return wrong("workers", "0".into(), "use at least 1");
        }
        if self.namespace.as_ref().is_some_and(String::is_empty) {
            return wrong("namespace", "\"\"".into(), "name one, or leave it out for all");
        }
        for (option, period) in [("resync", self.resync), ("check", self.check)] {
            if period < Duration::from_secs(1) {
                return wrong(option, format!("{period:?}"), "use at least 1s");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_option_is_named_with_what_would_be_right() {
        assert_eq!(Options::default().validate(), Ok(()));
        let error = Options { workers: 0, ..Options::default() }.validate().unwrap_err().to_string();
        assert_eq!(error, "account operator: option workers: \"0\" is not valid: use at least 1");
        assert!(Options { check: Duration::ZERO, ..Options::default() }.validate().is_err());
    }
}
