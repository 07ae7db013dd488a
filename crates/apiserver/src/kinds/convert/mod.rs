//! Kinds that are served in several versions, or groups, and stored in one.
//!
//! | served | stored |
//! |---|---|
//! | `events.k8s.io/v1` Event | `v1` Event |
//! | `autoscaling/v1` HorizontalPodAutoscaler | `autoscaling/v2` HorizontalPodAutoscaler |
//!
//! A write is decoded and defaulted in the version that was sent, then converted; strategies prepare and check the
//! stored form. What Go would always write (`source: {}`) is for [`crate::schema::normalise`] to add afterwards.

mod autoscaler;
mod event;

use serde_json::Value;

use super::tree::Tree;

/// Group and version that a kind is stored in.
pub fn storage_version<'a>(group: &'a str, version: &'a str, kind: &str) -> (&'a str, &'a str) {
    match (group, version, kind) {
        ("events.k8s.io", "v1", "Event") => ("", "v1"),
        ("autoscaling", "v1", "HorizontalPodAutoscaler") => ("autoscaling", "v2"),
        _ => (group, version),
    }
}

/// Turns an object that is in a served version into the stored one. Other kinds stay as they are.
pub fn to_storage(group: &str, version: &str, kind: &str, object: &mut Value) {
    match (group, version, kind) {
        ("events.k8s.io", "v1", "Event") => event::to_core(object),
        ("autoscaling", "v1", "HorizontalPodAutoscaler") => autoscaler::to_v2(object),
        ("autoscaling", "v2", "HorizontalPodAutoscaler") => autoscaler::drop_annotations(object),
        _ => {}
    }
}

/// Turns a stored object into a served version.
pub fn from_storage(group: &str, version: &str, kind: &str, object: &mut Value) {
    match (group, version, kind) {
        ("events.k8s.io", "v1", "Event") => event::from_core(object),
        ("autoscaling", "v1", "HorizontalPodAutoscaler") => autoscaler::from_v2(object),
        _ => {}
    }
}

/// The name under which a field selector's field is found in the stored object; none when the served version has no
/// such field.
pub fn stored_field<'a>(group: &str, kind: &str, field: &'a str) -> Option<std::borrow::Cow<'a, str>> {
    match (group, kind) {
        ("events.k8s.io", "Event") => event::stored_field(field),
        _ => Some(field.into()),
    }
}

/// Gives fields other names. A field that is absent takes none with it.
fn rename(object: &mut Value, names: &[(&str, &str)]) {
    for (from, to) in names {
        if let Some(value) = object.field_mut(from).map(Value::take) {
            object.drop_field(from);
            object.set(to, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::{BuiltinSchemas, normalise};

    fn normalised(group: &str, version: &str, kind: &str, mut object: Value) -> Value {
        let ty = BuiltinSchemas::get().kind(group, version, kind).unwrap();
        normalise(&ty, &mut object);
        object
    }

    /// Pairs of the same object, read from a real server in its two versions.
    #[test]
    fn objects_convert_as_on_the_real_server() {
        let pairs: Vec<Value> = serde_json::from_str(include_str!("fixtures.json")).unwrap();
        for pair in &pairs {
            let (served, stored) = (&pair["served"], &pair["stored"]);
            let kind = served.text("kind");
            let (group, version) = served.text("apiVersion").split_once('/').unwrap();
            let name = served.text("metadata.name");

            let mut ours = stored.clone();
            from_storage(group, version, kind, &mut ours);
            assert_eq!(normalised(group, version, kind, ours), *served, "{kind} {name} from storage");

            let (stored_group, stored_version) = storage_version(group, version, kind);
            let mut ours = served.clone();
            to_storage(group, version, kind, &mut ours);
            let ours = normalised(stored_group, stored_version, kind, ours);
            assert_eq!(ours, *stored, "{kind} {name} to storage");
        }
        assert!(pairs.len() >= 5);
    }

    #[test]
    fn a_v1_autoscaler_without_target_gets_the_default_metric() {
        let mut object = json!({"apiVersion": "autoscaling/v1", "spec": {"maxReplicas": 3}});
        to_storage("autoscaling", "v1", "HorizontalPodAutoscaler", &mut object);
        assert_eq!(object["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 80);
        assert_eq!(object["apiVersion"], "autoscaling/v2");
    }

    #[test]
    fn broken_annotations_are_dropped() {
        let annotations = json!({"autoscaling.alpha.kubernetes.io/metrics": "nonsense", "a": "b"});
        let mut object = json!({"metadata": {"annotations": annotations}, "spec": {}});
        to_storage("autoscaling", "v1", "HorizontalPodAutoscaler", &mut object);
        assert_eq!(object["metadata"]["annotations"], json!({"a": "b"}));
    }

    #[test]
    fn event_fields_go_by_the_names_of_their_group() {
        assert_eq!(stored_field("events.k8s.io", "Event", "regarding.kind").as_deref(), Some("involvedObject.kind"));
        assert_eq!(stored_field("events.k8s.io", "Event", "involvedObject.kind"), None);
        assert_eq!(stored_field("", "Event", "involvedObject.kind").as_deref(), Some("involvedObject.kind"));
    }
}
