//! The checks that each bundle must pass: those of operator-framework's default validators.
//!
//! | module | what is checked |
//! |---|---|
//! | `format` | folders, annotations, dependencies |
//! | `objects` | kinds that bundles may have, metadata of objects |
//! | `bundle` | definitions that are owned, ServiceAccounts, size, images |
//! | `csv` | the ClusterServiceVersion |
//! | `definitions` | the definitions of custom resources |

mod bundle;
mod csv;
mod definitions;
mod format;
mod objects;

pub(crate) use bundle::bundle;
pub(crate) use csv::{csv, kube_version};
pub(crate) use definitions::{definitions, newer};
pub(crate) use format::format;
pub(crate) use objects::{is_supported, objects};

use crate::csv::KIND;
use crate::finding::Finding;
use crate::read::{Bundle, MediaType};

/// What the default checks find in the content of a bundle.
pub(crate) fn content(bundle: &Bundle) -> Vec<Finding> {
    if bundle.media_type == MediaType::Helm {
        return Vec::new();
    }
    let mut found = core(bundle);
    found.extend(objects(bundle));
    found
}

/// What they find in the ClusterServiceVersion, in the definitions and in how they fit each other.
pub(crate) fn core(bundle: &Bundle) -> Vec<Finding> {
    let mut found = self::bundle(bundle);
    let raw = bundle.objects.iter().find(|object| object.value["kind"] == KIND);
    if let Some(raw) = raw {
        found.extend(csv(&bundle.csv, &raw.value));
    }
    found.extend(definitions(bundle));
    found
}
