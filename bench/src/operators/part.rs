//! What an operator is given to do.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::prelude::Manager;
use serde_json::Value;

use crate::Error;
use crate::operators::account;

/// Account transactions on PostgreSQL.
pub(crate) const POSTGRES: &str = "account-postgres";

/// The parts by name.
pub(crate) const NAMES: [&str; 2] = ["account", POSTGRES];

/// Objects for an operator, and the operator.
pub(crate) struct Part {
    /// What the objects are, for the report.
    pub(crate) objects: &'static str,
    pub(crate) crds: Vec<CustomResourceDefinition>,
    /// What has to be there before, such as accounts.
    pub(crate) before: Vec<Value>,
    /// What is counted.
    pub(crate) counted: Vec<Value>,
    /// Puts the operator into a manager.
    pub(crate) add: Box<dyn Fn(Manager) -> Result<Manager, Error>>,
    /// Whether one of those that are counted has come to its end.
    pub(crate) done: fn(&Value) -> bool,
}

/// The part of this name.
pub(crate) async fn named(name: &str, percent: u64, database: Option<&str>) -> Result<Part, Error> {
    match name {
        "account" => account::part("account transactions on SQLite", percent, "sqlite::memory:").await,
        POSTGRES => account::part("account transactions on PostgreSQL", percent, database.unwrap_or_default()).await,
        _ => Err(Error::Host(format!("was asked for {name:?}, which is no part"))),
    }
}
