//! Updates that nobody asked for: what the server itself writes into an object.

use std::sync::Arc;

use serde_json::Value;

use super::write;
use crate::apply::{self, Writer};
use crate::registry::Resource;
use crate::server::Core;
use crate::store::{Stored, Write, WriteError};

/// Stores `new` in place of `old`, which is what `stored` holds as it is served. The fields that differ are the server's, by way
/// of the subresource.
pub(crate) async fn update_own(
    core: &Core,
    resource: &Resource,
    subresource: &str,
    stored: &Stored,
    old: &Value,
    mut new: Value,
) -> Result<Arc<Stored>, WriteError> {
    if let Some(ty) = resource.ty() {
        let writer = Writer {
            ty,
            api_version: &resource.api_version,
            kind: &resource.kind,
            manager: "kube-apiserver",
            subresource,
            reset: None,
            versions: None,
            now: core.env.clock.now(),
        };
        apply::track_update(&writer, Some(old), &mut new);
    }
    let write = Write::Update {
        collection: resource.collection().clone(),
        key: stored.key().clone(),
        expected: stored.revision(),
        object: write::storage_form(resource, new),
    };
    core.store.write(write).await
}
