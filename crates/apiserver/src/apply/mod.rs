//! Server-side apply: who owns which field, and merging of what managers declare.
//!
//! ```text
//! apply(config): config ─validate─→ its fields ─┐
//!                live ──merge(config)──→ merged ─┴─prune what the manager gave up─→ compare with live
//!                       ─→ conflicts with other owners? ─→ their fields taken (force) ─→ managedFields
//! track_update:  compare(old, new) ─→ what changed belongs to the writer, what is gone to nobody ─→ managedFields
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `path`, `set`, `fields_v1` | path elements, sets of paths, and their form in `managedFields` |
//! | `types` | the schema as merging sees it: forms, leaves, keys of lists |
//! | `validate`, `field_set`, `merge`, `compare`, `remove`, `reconcile` | walkers over a value and its type |
//! | `managed` | decoding, order, capping and encoding of `managedFields` |
//! | `apply`, `update` | the two operations |
//! | `configure` | what admission policies declare, which has no owners |
//! | `conflict`, `last_applied` | conflicts as clients see them; migration from client-side apply |
//! | `scale` | owners of replicas, as the `/scale` subresource sees them |
//!
//! All of it is pure: objects in, objects out; the time is passed in. Source of the semantics: KEP-555.

#[expect(clippy::module_inception, reason = "the operation has the name of the room")]
mod apply;
mod compare;
mod configure;
mod conflict;
mod field_set;
mod fields_v1;
mod last_applied;
mod managed;
mod merge;
mod path;
mod reconcile;
mod remove;
mod scale;
mod set;
mod types;
mod update;
mod validate;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::Value;

use crate::schema::TypeRef;

pub use apply::apply;
pub(crate) use configure::configure;
pub use fields_v1::FieldsV1Error;
pub(crate) use managed::check as check_managers;
pub use path::PathElement;
pub use scale::{ReplicasPaths, managers_from_scale, managers_to_scale};
pub use set::FieldSet;
pub use update::{keep_times_of_no_op, track_update};

/// Who writes what, and when.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    /// Type of the object in the version of the request.
    pub ty: &'a TypeRef,
    /// Version of the request: `v1`, `apps/v1`.
    pub api_version: &'a str,
    /// Kind of the object.
    pub kind: &'a str,
    /// Field manager; empty counts as `unknown`.
    pub manager: &'a str,
    /// Subresource written through, empty for the object itself.
    pub subresource: &'a str,
    /// Fields that this endpoint puts back, with all below them: `status` for the object itself, `metadata` and `spec` for
    /// `/status`. Nobody comes to own them here.
    pub reset: Option<&'a FieldSet>,
    /// The kind's other versions; `None`: it has the same type in all.
    pub versions: Option<&'a dyn Versions>,
    /// Time of the request; kept in whole seconds.
    pub now: Timestamp,
}

/// Conversion between the versions of a kind.
pub trait Versions {
    /// The type of the kind in a version; `None` when that version is not served, which ends the ownership of managers that
    /// used it.
    fn ty(&self, api_version: &str) -> Option<TypeRef>;

    /// `object`, of whatever version, in `api_version`.
    fn convert(&self, object: &Value, api_version: &str) -> Option<Value>;
}

impl Writer<'_> {
    /// The type in the version of a manager.
    fn ty_in(&self, api_version: &str) -> Option<TypeRef> {
        match self.versions {
            Some(versions) if api_version != self.api_version => versions.ty(api_version),
            _ => Some(self.ty.clone()),
        }
    }

    /// An object in the version of a manager.
    fn convert(&self, object: &Value, api_version: &str) -> Option<Value> {
        match self.versions {
            Some(versions) => versions.convert(object, api_version),
            None => Some(object.clone()),
        }
    }

    fn manager(&self) -> &str {
        if self.manager.is_empty() { "unknown" } else { self.manager }
    }

    fn now_in_seconds(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.now.as_second()).ok()
    }

    /// Whether a manager's paths mean the type of this request.
    fn is_own_version(&self, api_version: &str) -> bool {
        self.versions.is_none() || api_version == self.api_version
    }
}

/// Fields that are nobody's: they name the object, or the server sets them.
fn without_identity(fields: &mut FieldSet) {
    thread_local! {
        static IDENTITY: FieldSet = FieldSet::of_fields(&[
            &["apiVersion"],
            &["kind"],
            &["metadata"],
            &["metadata", "name"],
            &["metadata", "namespace"],
            &["metadata", "creationTimestamp"],
            &["metadata", "selfLink"],
            &["metadata", "uid"],
            &["metadata", "clusterName"],
            &["metadata", "generation"],
            &["metadata", "managedFields"],
            &["metadata", "resourceVersion"],
        ]);
    }
    IDENTITY.with(|identity| fields.subtract(identity));
}
