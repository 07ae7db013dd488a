//! Event of both groups. Objects are in the core form; events.k8s.io/v1 asks for more.

use serde_json::Value;

use super::names::{self, NameRule};
use super::strategy::Strategy;
use super::tree::{Tree, same};
use crate::field::FieldError;
use crate::go_text::{Absent::Text, internal_json};

/// Events as `v1` takes them.
pub(super) struct CoreEvent;

/// Events as `events.k8s.io/v1` takes them.
pub(super) struct Event;

const FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

impl Strategy for CoreEvent {
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        validate_common(object, "reportingComponent")
    }

    fn standard_finalizers(&self) -> bool {
        false
    }

    fn validates_metadata(&self) -> bool {
        false
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        FIELDS
    }

    fn field_value(&self, name: &str, object: &Value) -> String {
        field_value(name, object)
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

impl Strategy for Event {
    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = validate_common(object, "reportingController");
        errors.extend(validate_series(object));
        if !object.has("eventTime") {
            errors.push(FieldError::required("eventTime", ""));
        }
        let kind = object.text("type");
        if kind != "Normal" && kind != "Warning" {
            errors.push(FieldError::invalid("type", "", format!("has invalid value: {kind}")));
        }
        for field in ["firstTimestamp", "lastTimestamp", "count", "source"] {
            if !is_unset(object.at(field)) {
                errors.push(FieldError::invalid(field, "", "needs to be unset"));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = validate_common(new, "reportingController");
        if !same(new.at("series"), old.at("series")) {
            errors.extend(validate_series(new));
        }
        for (field, shown) in [
            ("involvedObject", "involvedObject"),
            ("reason", "reason"),
            ("message", "message"),
            ("source", "source"),
            ("firstTimestamp", "firstTimestamp"),
            ("lastTimestamp", "lastTimestamp"),
            ("count", "count"),
            ("reason", "reason"),
            ("type", "type"),
            ("eventTime", "eventTime"),
            ("action", "action"),
            ("related", "related"),
            ("reportingComponent", "reportingController"),
            ("reportingInstance", "reportingInstance"),
        ] {
            if !same(new.at(field), old.at(field)) {
                errors.push(immutable(shown, new.at(field)));
            }
        }
        errors
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        FIELDS
    }

    fn field_value(&self, name: &str, object: &Value) -> String {
        field_value(name, object)
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

fn immutable(field: &str, value: &Value) -> FieldError {
    let reference = [
        ("Kind", "kind", Text),
        ("Namespace", "namespace", Text),
        ("Name", "name", Text),
        ("UID", "uid", Text),
        ("APIVersion", "apiVersion", Text),
        ("ResourceVersion", "resourceVersion", Text),
        ("FieldPath", "fieldPath", Text),
    ];
    let error = FieldError::invalid(field, value.clone(), "field is immutable");
    match field {
        "involvedObject" => error.showing(internal_json(value, &reference)),
        "related" if value.is_object() => error.showing(internal_json(value, &reference)),
        "source" => error.showing(internal_json(value, &[("Component", "component", Text), ("Host", "host", Text)])),
        "count" if value.is_null() => error.showing("0".to_owned()),
        "related" | "count" | "firstTimestamp" | "lastTimestamp" | "eventTime" => error,
        _ if value.is_null() => error.showing("\"\"".to_owned()),
        _ => error,
    }
}

fn field_value(name: &str, object: &Value) -> String {
    match name {
        "source" if !object.text("source.component").is_empty() => object.text("source.component"),
        "source" => object.text("reportingComponent"),
        _ => object.text(name),
    }
    .to_string()
}

fn is_unset(value: &Value) -> bool {
    same(value, &Value::Null) || value.as_i64() == Some(0)
}

fn validate_series(object: &Value) -> Vec<FieldError> {
    let series = object.at("series");
    let mut errors = Vec::new();
    if series.is_object() {
        if series.int("count").unwrap_or_default() < 2 {
            errors.push(FieldError::invalid("series.count", "", "should be at least 2"));
        }
        if !series.has("lastObservedTime") {
            errors.push(FieldError::required("series.lastObservedTime", ""));
        }
    }
    errors
}

fn validate_common(object: &Value, controller_field: &'static str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let namespace = object.text("metadata.namespace");
    let involved = object.text("involvedObject.namespace");
    let stray = || FieldError::invalid("involvedObject.namespace", involved, "does not match event.namespace");
    if !object.has("eventTime") {
        let fits = if involved.is_empty() { matches!(namespace, "" | "default") } else { namespace == involved };
        if !fits {
            errors.push(stray());
        }
    } else {
        if involved.is_empty() && !matches!(namespace, "default" | "kube-system") {
            errors.push(stray());
        }
        let controller = object.text("reportingComponent");
        if controller.is_empty() {
            errors.push(FieldError::required(controller_field, ""));
        }
        for message in names::qualified_name(controller) {
            errors.push(FieldError::invalid(controller_field, controller, message));
        }
        for field in ["reportingInstance", "action", "reason"] {
            let text = object.text(field);
            if text.is_empty() {
                errors.push(FieldError::required(field, ""));
            }
            if text.len() > 128 {
                errors.push(FieldError::invalid(field, "", "can have at most 128 characters"));
            }
        }
        if object.text("message").len() > 1024 {
            errors.push(FieldError::invalid("message", "", "can have at most 1024 characters"));
        }
    }
    for message in names::dns_subdomain(namespace) {
        errors.push(FieldError::invalid("namespace", namespace, message));
    }
    errors
}
