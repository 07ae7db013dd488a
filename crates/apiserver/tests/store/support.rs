//! Short ways to write to a store.

use std::sync::Arc;

use kubewright_apiserver::store::{
    Collection, Encoded, Fields, ObjectKey, Store, StoreOptions, Stored, Write, WriteError,
};
use serde_json::{Value, json};

/// A store in memory.
pub(crate) fn memory() -> Store {
    Store::open(StoreOptions::default()).unwrap()
}

/// A store in memory that keeps few events.
pub(crate) fn short_history(events: usize) -> Store {
    Store::open(StoreOptions { history: events, ..Default::default() }).unwrap()
}

/// A ConfigMap with one value and a label of the same value.
pub(crate) fn object(key: &ObjectKey, value: &str) -> Encoded {
    let tree = json!({
        "kind": "ConfigMap", "apiVersion": "v1", "data": {"value": value},
        "metadata": {"namespace": key.namespace(), "name": key.name(), "labels": {"value": value}},
    });
    Encoded::from_tree(tree.as_object().unwrap(), Fields::default())
}

/// The value of such a ConfigMap.
pub(crate) fn value(stored: &Stored) -> String {
    stored.tree()["data"]["value"].as_str().unwrap().to_string()
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::new("default", name)
}

pub(crate) type WriteResult = Result<Arc<Stored>, WriteError>;

pub(crate) async fn create(store: &Store, collection: &Arc<Collection>, key: &ObjectKey, value: &str) -> WriteResult {
    let object = object(key, value);
    store.write(Write::Create { collection: collection.clone(), key: key.clone(), object }).await
}

pub(crate) async fn update(
    store: &Store,
    collection: &Arc<Collection>,
    key: &ObjectKey,
    expected: u64,
    value: &str,
) -> WriteResult {
    let object = object(key, value);
    store.write(Write::Update { collection: collection.clone(), key: key.clone(), expected, object }).await
}

pub(crate) async fn delete(store: &Store, collection: &Arc<Collection>, key: &ObjectKey, expected: u64) -> WriteResult {
    let last = object(key, "last");
    store.write(Write::Delete { collection: collection.clone(), key: key.clone(), expected, last }).await
}

/// The resourceVersion in the JSON of an object.
pub(crate) fn resource_version(tree: &Value) -> u64 {
    tree["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}
