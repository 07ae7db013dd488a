//! What an operator is given to do.

use std::net::SocketAddr;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::prelude::Manager;
use serde_json::{Value, json};

use crate::Error;
use crate::operators::{access, account, dataservice, objectstorage};

/// Account transactions on PostgreSQL.
pub(crate) const POSTGRES: &str = "account-postgres";
/// Buckets on MinIO.
pub(crate) const MINIO: &str = "objectstorage";

/// The parts by name.
pub(crate) const NAMES: [&str; 5] = ["dataservice", "access", MINIO, "account", POSTGRES];

/// Objects for an operator, and the operator.
pub(crate) struct Part {
    /// What the objects are, for the report.
    pub(crate) objects: &'static str,
    pub(crate) crds: Vec<CustomResourceDefinition>,
    /// How many simulated nodes there are.
    pub(crate) nodes: usize,
    /// What has to be there before, such as accounts, in its order.
    pub(crate) before: Vec<Value>,
    /// What is counted.
    pub(crate) counted: Vec<Value>,
    /// Puts the operator into a manager.
    pub(crate) add: Box<dyn Fn(Manager) -> Result<Manager, Error>>,
    /// Whether one of those that are counted has come to its end.
    pub(crate) done: fn(&Value) -> bool,
}

/// Servers that parts need.
#[derive(Default)]
pub(crate) struct Servers {
    /// The URI of a database.
    pub(crate) database: Option<String>,
    /// A MinIO with the keys of `kubewright_real`.
    pub(crate) minio: Option<SocketAddr>,
}

/// The part of this name.
pub(crate) async fn named(name: &str, percent: u64, servers: &Servers) -> Result<Part, Error> {
    let Servers { database, minio } = servers;
    match name {
        "dataservice" => dataservice::part(percent).await,
        "access" => access::part(percent),
        "account" => account::part("account transactions on SQLite", percent, "sqlite::memory:").await,
        POSTGRES => {
            let database = database.as_deref().unwrap_or_default();
            account::part("account transactions on PostgreSQL", percent, database).await
        }
        MINIO => match minio {
            Some(address) => objectstorage::part(percent, *address),
            None => Err(Error::Host("was given no MinIO".to_owned())),
        },
        _ => Err(Error::Host(format!("was asked for {name:?}, which is no part"))),
    }
}

/// How many of what is usual; at least one.
pub(crate) fn count(usual: u64, percent: u64) -> u64 {
    (usual * percent / 100).max(1)
}

/// An object; without a namespace if that is empty.
pub(crate) fn object(api_version: &str, kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec});
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

/// Whether a condition of this kind is True.
pub(crate) fn is_true(object: &Value, kind: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.is_some_and(|list| list.iter().any(|it| it["type"] == kind && it["status"] == "True"))
}
