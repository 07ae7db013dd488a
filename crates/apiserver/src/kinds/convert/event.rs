//! Event: `events.k8s.io/v1` and `v1`.

use std::borrow::Cow;

use serde_json::Value;

use super::rename;
use crate::kinds::tree::Tree;

/// Name in `events.k8s.io/v1`, name in `v1`.
const NAMES: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

pub(super) fn to_core(event: &mut Value) {
    rename(event, &NAMES);
    event.set("apiVersion", "v1");
}

pub(super) fn from_core(event: &mut Value) {
    rename(event, &NAMES.map(|(new, core)| (core, new)));
    event.set("apiVersion", "events.k8s.io/v1");
}

pub(super) fn stored_field(field: &str) -> Option<Cow<'_, str>> {
    match field {
        "reason" | "type" | "metadata.name" | "metadata.namespace" => Some(field.into()),
        "reportingController" => Some("reportingComponent".into()),
        _ => match field.strip_prefix("regarding.")? {
            part @ ("kind" | "namespace" | "name" | "uid" | "apiVersion" | "resourceVersion" | "fieldPath") => {
                Some(format!("involvedObject.{part}").into())
            }
            _ => None,
        },
    }
}
