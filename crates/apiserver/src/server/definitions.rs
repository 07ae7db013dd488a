//! The life of CustomResourceDefinitions: what is written is served at once; what is deleted takes its objects along.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::core::Core;
use crate::crd::{self, Definition};
use crate::discovery::Discovery;
use crate::http::DeleteOptions;
use crate::kinds::metadata::time_text;
use crate::kinds::tree::Tree;
use crate::registry::{self, Resource};
use crate::store::{ObjectKey, RangeRequest, Stored, Write, WriteError};
use crate::verbs;

/// Finalizer of definitions that stay until the objects of their kind are deleted.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Called after every write of an object.
pub(crate) async fn object_written(core: &Arc<Core>, resource: &Resource, stored: &Arc<Stored>) {
    if !resource.is_definitions() {
        return;
    }
    settle(core).await;
    let object = stored.tree();
    if object.at("metadata.deletionTimestamp").is_string() {
        core.tasks.spawn(clean_up(core.clone(), object));
    }
}

/// Called after every deletion of an object.
pub(crate) async fn object_deleted(core: &Arc<Core>, resource: &Resource) {
    if resource.is_definitions() {
        settle(core).await;
    }
}

/// Accepts the names of the definitions that nobody stands in the way of, and serves what is established. Called at the
/// start, and when a definition has changed: the names of one may have waited for those of another.
pub(super) async fn settle(core: &Arc<Core>) {
    let _one_at_a_time = core.definitions.lock().await;
    let Some(resource) = core.registry.resolve("apiextensions.k8s.io", "v1", "customresourcedefinitions") else {
        return;
    };
    loop {
        let objects = stored(core);
        let definitions: Vec<Definition> = objects.iter().filter_map(|(_, object)| read(object)).collect();
        let mut changes = Vec::new();
        for (stored, object) in &objects {
            let name = object.text("metadata.name");
            let others: Vec<Definition> =
                definitions.iter().filter(|other| other_name(other) != name).cloned().collect();
            let now = time_text(core.env.clock.now());
            let mut new = object.clone();
            if crd::update_status(&mut new, &others, &now) {
                changes.push((stored.clone(), object.clone(), new));
            }
        }
        if changes.is_empty() {
            serve(core, definitions);
            return;
        }
        // One at a time: the next may depend on it.
        let (stored, old, new) = changes.swap_remove(0);
        if !write_status(core, &resource, &stored, &old, new).await {
            serve(core, definitions);
            return;
        }
    }
}

/// Writes a status. False: it can't be written, which the store will say to the next client too.
async fn write_status(core: &Core, resource: &Resource, stored: &Stored, old: &Value, new: Value) -> bool {
    match verbs::update_own(core, resource, "status", stored, old, new).await {
        // Changed meanwhile, or gone: looked at again.
        Ok(_) | Err(WriteError::Changed { .. } | WriteError::NotFound) => true,
        Err(error) => {
            tracing::error!(name = stored.key().name(), %error, "the status of a definition can't be written");
            false
        }
    }
}

fn other_name(definition: &Definition) -> String {
    format!("{}.{}", definition.spec.names.plural, definition.spec.group)
}

fn stored(core: &Core) -> Vec<(Arc<Stored>, Value)> {
    let collection = core.store.collection("apiextensions.k8s.io", "customresourcedefinitions");
    // The newest state is always there.
    let items = collection.range(RangeRequest::default()).map(|range| range.items).unwrap_or_default();
    items.into_iter().map(|stored| (stored.clone(), stored.tree())).collect()
}

fn read(object: &Value) -> Option<Definition> {
    match Definition::read(object) {
        Ok(definition) => Some(definition),
        Err(error) => {
            tracing::error!(name = object.text("metadata.name"), %error, "a stored definition can't be read");
            None
        }
    }
}

fn serve(core: &Core, definitions: Vec<Definition>) {
    let established = definitions.iter().filter(|definition| definition.is("Established"));
    core.registry.serve_custom(established.flat_map(|definition| registry::from_definition(&core.store, definition)));
    core.discovery.store(Arc::new(Discovery::new(definitions)));
}

/// Goes on with the deletions that an earlier run did not finish.
pub(super) fn resume(core: &Arc<Core>) {
    for (_, object) in stored(core) {
        if object.at("metadata.deletionTimestamp").is_string() {
            core.tasks.spawn(clean_up(core.clone(), object));
        }
    }
}

/// Deletes all objects of a definition's kind, waits until they are gone, and lets the definition go.
fn clean_up(core: Arc<Core>, definition: Value) -> BoxFuture<'static, ()> {
    // Boxed: deletions lead here, and from here to deletions.
    async move { delete_instances(core, definition).await }.boxed()
}

async fn delete_instances(core: Arc<Core>, definition: Value) {
    let held = definition.at("metadata.finalizers").as_array().is_some_and(|list| list.iter().any(|f| f == CLEANUP));
    if !held {
        return;
    }
    let (group, plural) = (definition.text("spec.group"), definition.text("spec.names.plural"));
    let collection = core.store.collection(group, plural);
    let served = core.registry.resources();
    // In the stored version nothing needs to be converted.
    let own = served.iter().filter(|r| r.is_custom() && r.group == group && r.plural == plural);
    if let Some(resource) = own.max_by_key(|r| r.api_version == r.storage_api_version) {
        loop {
            let Ok(range) = collection.range(RangeRequest::default()) else { return };
            let Ok(mut watch) = collection.watch(range.revision) else { continue };
            for stored in &range.items {
                let (options, now) = (DeleteOptions::default(), core.env.clock.now());
                // Not found: it is gone already, which is what is wanted. Whatever else is seen again below.
                let _ = verbs::delete_object(&core, resource, stored.key(), &options, now, None).await;
            }
            if collection.count(None) == 0 {
                break;
            }
            // Objects with finalizers of their own go when their controllers let them.
            tokio::select! {
                () = core.shutdown.cancelled() => return,
                _ = watch.next() => {}
            }
        }
    }
    release(&core, definition.text("metadata.name")).await;
}

/// Takes the finalizer out, and with it, mostly, the definition.
async fn release(core: &Arc<Core>, name: &str) {
    let Some(resource) = core.registry.resolve("apiextensions.k8s.io", "v1", "customresourcedefinitions") else {
        return;
    };
    let key = ObjectKey::new("", name);
    loop {
        let Some(stored) = resource.collection().get(&key) else { return };
        let mut object = stored.tree();
        let mut finalizers = object.at("metadata.finalizers").as_array().cloned().unwrap_or_default();
        finalizers.retain(|finalizer| finalizer != CLEANUP);
        let (collection, expected) = (resource.collection().clone(), stored.revision());
        let last = finalizers.is_empty();
        if last {
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("finalizers");
            }
        } else {
            object["metadata"]["finalizers"] = finalizers.into();
        }
        let object = verbs::storage_form(&resource, object);
        let write = if last {
            Write::Delete { collection, key: key.clone(), expected, last: object }
        } else {
            Write::Update { collection, key: key.clone(), expected, object }
        };
        match core.store.write(write).await {
            Ok(_) => return settle(core).await,
            Err(WriteError::Changed { .. }) => {}
            Err(error) => {
                tracing::error!(name, %error, "a deleted definition can't be let go; the next start tries again");
                return;
            }
        }
    }
}
