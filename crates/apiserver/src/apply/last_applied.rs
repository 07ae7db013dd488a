//! Migration from client-side apply.
//!
//! Client-side apply wrote its configuration into an annotation. Server-side apply by `kubectl` may take over the fields
//! that this annotation still describes truthfully, without a conflict, and keeps the annotation up to date.

use serde_json::Value;

use super::Writer;
use super::compare::compare;
use super::field_set::field_set;
use super::set::FieldSet;
use super::types::Ty;
use super::validate::{Duplicates, validate};
use crate::go_text::go_json;

/// The only manager for whom the annotation counts.
pub(super) const MANAGER: &str = "kubectl";

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Most bytes that all annotations of an object may have together.
const MAX_ANNOTATIONS_SIZE: usize = 256 * 1024;

/// The fields in which the live object is as the annotation says.
pub(super) fn owned_fields(writer: &Writer<'_>, live: &Value) -> Option<FieldSet> {
    let annotation = live.get("metadata")?.get("annotations")?.get(ANNOTATION)?.as_str()?;
    let last_applied: Value = serde_json::from_str(annotation).ok()?;
    if last_applied.get("apiVersion")?.as_str()? != writer.api_version {
        return None;
    }
    let ty = Ty::of(writer.ty);
    validate(ty, live, Duplicates::Refused).ok()?;
    validate(ty, &last_applied, Duplicates::Refused).ok()?;
    let comparison = compare(ty, &last_applied, live).ok()?;
    let fields = field_set(ty, &last_applied);
    Some(fields.difference(&comparison.modified).difference(&comparison.added).difference(&comparison.removed))
}

/// Writes the applied configuration into the annotation, if the object has it.
pub(super) fn refresh(object: &mut Value, config: &Value) {
    let annotations = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    let Some(Value::Object(annotations)) = annotations else { return };
    if annotations.get(ANNOTATION).and_then(Value::as_str).is_none_or(str::is_empty) {
        return;
    }
    let mut config = config.clone();
    if let Some(Value::Object(own)) = config.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations")) {
        own.remove(ANNOTATION);
    }
    // The real server's encoder ends the text with a newline.
    annotations.insert(ANNOTATION.into(), format!("{}\n", go_json(&config)).into());
    let size: usize = annotations.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
    if size > MAX_ANNOTATIONS_SIZE {
        annotations.remove(ANNOTATION);
    }
}
