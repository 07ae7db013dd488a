//! Owners of a `Scale`, which are the owners of its parent's replicas.
//!
//! A write through `/scale` sees only who owns `spec.replicas` of the Scale; what it makes of that goes back to the field
//! of the parent that the Scale shows.

use serde_json::Value;

use super::managed::{Managers, Owned};
use super::set::FieldSet;

const SCALE_VERSION: &str = "autoscaling/v1";

/// Where each version of a kind keeps its replicas.
pub struct ReplicasPaths<'a>(
    /// Versions (`apps/v1`) with the field names on the way to the replicas, none for a version without a scale. Entries
    /// of other versions are dropped.
    pub &'a [(&'a str, &'a [&'a str])],
);

impl ReplicasPaths<'_> {
    fn of(&self, api_version: &str) -> Option<FieldSet> {
        let (_, path) = self.0.iter().find(|(version, _)| *version == api_version)?;
        Some(if path.is_empty() { FieldSet::default() } else { FieldSet::of_fields(&[path]) })
    }
}

/// Gives a Scale the managers of its parent's replicas, so that [`track_update`](super::track_update) or
/// [`apply`](super::apply) can go on from there (with kind `Scale`, version `autoscaling/v1`, subresource `scale`).
pub fn managers_to_scale(parent: &Value, scale: &mut Value, paths: &ReplicasPaths<'_>) {
    let mut managers = Managers::of(parent).unwrap_or_default();
    managers.entries.retain(|_, owned| {
        let replicas = paths.of(&owned.api_version).unwrap_or_default();
        let is_owner = !replicas.is_empty() && replicas.is_subset(&owned.fields);
        owned.api_version = SCALE_VERSION.into();
        owned.fields = replicas_of_scale();
        is_owner
    });
    managers.store(scale);
}

/// Gives the managers of a written Scale back to its parent, whose own managers are still those from before.
///
/// `api_version` is the parent's. As on the real server new owners have no time.
pub fn managers_from_scale(scale: &Value, parent: &mut Value, api_version: &str, paths: &ReplicasPaths<'_>) {
    let before = Managers::of(parent).unwrap_or_default();
    let mut scaled = Managers::of(scale).unwrap_or_default();
    let mut after = Managers::default();
    let mut times = Vec::new();
    for (id, mut owned) in before.entries {
        times.push((id.clone(), owned.time));
        let Some(replicas) = paths.of(&owned.api_version) else { continue };
        if !replicas.is_empty() && replicas.is_subset(&owned.fields) && scaled.entries.remove(&id).is_none() {
            owned.fields.subtract(&replicas);
        }
        if !owned.fields.is_empty() {
            after.entries.insert(id, owned);
        }
    }
    let fields = paths.of(api_version).unwrap_or_default();
    for (id, owned) in scaled.entries {
        if fields.is_empty() || !replicas_of_scale().is_subset(&owned.fields) {
            continue;
        }
        let time = times.iter().find(|(known, _)| *known == id).and_then(|(_, time)| *time);
        after.entries.insert(id, Owned { api_version: api_version.into(), fields: fields.clone(), time });
    }
    after.store(parent);
}

fn replicas_of_scale() -> FieldSet {
    FieldSet::of_fields(&[&["spec", "replicas"]])
}
