//! Whether an apply would change anything, decided from the live object alone.
//!
//! A live object lists in `metadata.managedFields` which fields our last apply owned. That list (FieldsV1) describes
//! itself: it says which lists are keyed and by what, and which values are atomic. So no schema is needed to decide:
//! an apply changes nothing if the fields that we own are exactly those that we want, and each has the value that we
//! want.
//!
//! The server may store another form of a value (`1000m` becomes `1`); such an object never compares equal. See
//! [`memory`](super::memory) for how that is settled.
//!
//! Source: KEP-555 (server-side apply), FieldsV1 in structured-merge-diff.

use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

/// The FieldsV1 tree that `manager` owns by apply, in the object or in its `status` subresource. Fields that it owns in
/// another version of the kind can't be compared and do not count.
pub(crate) fn owned_fields<'a>(
    live: &'a Value,
    api_version: &str,
    manager: &str,
    subresource: &str,
) -> Option<&'a Map<String, Value>> {
    let text = |entry: &'a Value, key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    live.pointer("/metadata/managedFields")?
        .as_array()?
        .iter()
        .find(|entry| {
            text(entry, "manager") == manager
                && text(entry, "operation") == "Apply"
                && text(entry, "subresource") == subresource
                && text(entry, "apiVersion") == api_version
        })?
        .get("fieldsV1")?
        .as_object()
}

/// The object as FieldsV1 sees it: without what identifies it and without what only the server writes.
pub(crate) fn comparable(desired: &Value) -> Value {
    const IDENTITY: [&str; 2] = ["apiVersion", "kind"];
    const METADATA: [&str; 9] = [
        "name",
        "namespace",
        "generateName",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "selfLink",
        "managedFields",
    ];
    let mut out = desired.clone();
    if let Some(object) = out.as_object_mut() {
        object.retain(|key, _| !IDENTITY.contains(&key.as_str()));
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| !METADATA.contains(&key.as_str()));
            if metadata.is_empty() {
                object.remove("metadata");
            }
        }
    }
    out
}

/// Whether the owned fields are exactly those of `desired` (see [`comparable`]) and have its values in `live`.
pub(crate) fn settled(desired: &Value, live: &Value, fields: &Map<String, Value>) -> bool {
    let mut members = fields.iter().filter(|(key, _)| *key != ".").peekable();
    if members.peek().is_none() {
        // Nothing below is owned one by one. With a dot the container itself is owned and others may fill it.
        return desired == live || (fields.contains_key(".") && is_empty(desired));
    }
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => {
            let mut owned = 0;
            for (key, below) in members {
                let Some(name) = key.strip_prefix("f:") else { return false };
                let (Some(desired), Some(live), Some(below)) = (desired.get(name), live.get(name), below.as_object())
                else {
                    return false;
                };
                if !settled(desired, live, below) {
                    return false;
                }
                owned += 1;
            }
            owned == desired.len()
        }
        (Value::Array(desired), Value::Array(live)) => list_settled(desired, live, members),
        _ => false,
    }
}

/// A hash of the values that the owned fields have in `live`.
pub(crate) fn owned_values(live: &Value, fields: &Map<String, Value>, hasher: &mut impl Hasher) {
    let mut members = fields.iter().filter(|(key, _)| *key != ".").peekable();
    if members.peek().is_none() {
        if !fields.contains_key(".") {
            live.hash(hasher);
        }
        return;
    }
    for (key, below) in members {
        key.hash(hasher);
        let value = match (key.strip_prefix("f:"), live) {
            (Some(name), _) => live.get(name),
            (None, Value::Array(items)) => {
                Element::parse(key).and_then(|element| items.iter().find(|item| element.is(item)))
            }
            _ => None,
        };
        match (value, below.as_object()) {
            (Some(value), Some(below)) => owned_values(value, below, hasher),
            _ => hasher.write_u8(0),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn list_settled<'a>(desired: &[Value], live: &[Value], members: impl Iterator<Item = (&'a String, &'a Value)>) -> bool {
    // Where each desired item lies in the live list, to compare the order.
    let mut places: Vec<Option<usize>> = vec![None; desired.len()];
    let mut owned = 0;
    for (key, below) in members {
        let (Some(element), Some(below)) = (Element::parse(key), below.as_object()) else { return false };
        let free = |at: &usize| places[*at].is_none();
        let wanted = (0..desired.len())
            .filter(free)
            .find(|at| element.is(&desired[*at]))
            .or_else(|| (0..desired.len()).filter(free).find(|at| element.may_be(&desired[*at])));
        let (Some(wanted), Some(found)) = (wanted, live.iter().position(|item| element.is(item))) else {
            return false;
        };
        if !settled(&desired[wanted], &live[found], below) {
            return false;
        }
        places[wanted] = Some(found);
        owned += 1;
    }
    owned == desired.len() && places.is_sorted()
}

/// A list element as FieldsV1 names it.
enum Element {
    /// `k:{"name":"web"}`: by the values of its key fields.
    Keyed(Map<String, Value>),
    /// `v:"x"`: by its value.
    Value(Value),
}

impl Element {
    fn parse(key: &str) -> Option<Self> {
        if let Some(keys) = key.strip_prefix("k:") {
            return serde_json::from_str(keys).ok().map(Self::Keyed);
        }
        serde_json::from_str(key.strip_prefix("v:")?).ok().map(Self::Value)
    }

    fn is(&self, item: &Value) -> bool {
        match self {
            Self::Keyed(keys) => keys.iter().all(|(key, value)| item.get(key) == Some(value)),
            Self::Value(value) => value == item,
        }
    }

    /// Like [`Element::is`], for an item that leaves key fields to their defaults (`protocol: TCP`).
    fn may_be(&self, item: &Value) -> bool {
        match self {
            Self::Keyed(keys) => keys.iter().all(|(key, value)| item.get(key).is_none_or(|own| own == value)),
            Self::Value(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn is_settled(desired: Value, live: Value, fields: Value) -> bool {
        settled(&comparable(&desired), &live, fields.as_object().unwrap())
    }

    #[test]
    fn equal_values_of_exactly_the_owned_fields_are_settled() {
        let desired = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "1"}}, "data": {"k": "v"}});
        let fields = json!({"f:metadata": {"f:labels": {"f:x": {}}}, "f:data": {"f:k": {}}});
        let live = json!({"metadata": {"name": "a", "uid": "u", "labels": {"x": "1", "foreign": "2"}}, "data": {"k": "v", "other": "o"}});
        assert!(is_settled(desired, live, fields));
    }

    #[test]
    fn a_drifted_value_is_not_settled() {
        let fields = json!({"f:data": {"f:k": {}}});
        assert!(!is_settled(json!({"data": {"k": "v"}}), json!({"data": {"k": "changed"}}), fields.clone()));
        assert!(!is_settled(json!({"data": {"k": "v"}}), json!({"data": {}}), fields));
    }

    #[test]
    fn a_field_that_is_no_longer_wanted_is_not_settled() {
        let live = json!({"data": {"k": "v", "old": "x"}});
        let fields = json!({"f:data": {"f:k": {}, "f:old": {}}});
        assert!(!is_settled(json!({"data": {"k": "v"}}), live, fields));
    }

    #[test]
    fn a_right_value_that_somebody_else_owns_is_not_settled() {
        let live = json!({"data": {"k": "v", "new": "x"}});
        assert!(!is_settled(json!({"data": {"k": "v", "new": "x"}}), live, json!({"f:data": {"f:k": {}}})));
    }

    #[test]
    fn keyed_lists_compare_by_key_and_leave_foreign_elements_alone() {
        let desired = json!({"ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]});
        let live = json!({"ports": [
            {"containerPort": 53, "protocol": "TCP"}, {"containerPort": 9, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}
        ]});
        let fields = json!({"f:ports": {
            "k:{\"containerPort\":53,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}},
            "k:{\"containerPort\":53,\"protocol\":\"UDP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}},
        }});
        assert!(is_settled(desired.clone(), live.clone(), fields.clone()));
        let one = json!({"ports": [{"containerPort": 53}]});
        assert!(!is_settled(one, live, fields.clone()), "an element that is no longer wanted");
        let swapped =
            json!({"ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}]});
        assert!(!is_settled(desired, swapped, fields), "another order");
    }

    #[test]
    fn sets_and_atomic_values_compare() {
        let fields = json!({"f:metadata": {"f:finalizers": {".": {}, "v:\"a/b\"": {}}}, "f:rules": {}});
        let desired = json!({"metadata": {"finalizers": ["a/b"]}, "rules": [{"host": "x"}]});
        let live = json!({"metadata": {"finalizers": ["foreign", "a/b"]}, "rules": [{"host": "x"}]});
        assert!(is_settled(desired.clone(), live.clone(), fields.clone()));
        let longer = json!({"metadata": {"finalizers": ["a/b"]}, "rules": [{"host": "x"}, {"host": "y"}]});
        assert!(!is_settled(desired, longer.clone(), fields.clone()));
        assert!(!is_settled(longer, live, fields));
    }

    #[test]
    fn an_owned_empty_map_may_be_filled_by_others() {
        let fields = json!({"f:data": {".": {}}});
        assert!(is_settled(json!({"data": {}}), json!({"data": {"foreign": "x"}}), fields));
        assert!(is_settled(json!({"emptyDir": {}}), json!({"emptyDir": {}}), json!({"f:emptyDir": {}})));
    }

    #[test]
    fn the_entry_is_found_by_manager_operation_subresource_and_version() {
        let entry = |manager: &str, operation: &str, subresource: &str, version: &str| json!({"manager": manager, "operation": operation, "subresource": subresource, "apiVersion": version, "fieldsV1": {"f:hit": {}}});
        let live = |entry: Value| json!({"metadata": {"managedFields": [entry]}});
        assert!(owned_fields(&live(entry("me", "Apply", "", "v1")), "v1", "me", "").is_some());
        assert!(owned_fields(&live(entry("me", "Apply", "status", "v1")), "v1", "me", "status").is_some());
        for other in [
            entry("you", "Apply", "", "v1"),
            entry("me", "Update", "", "v1"),
            entry("me", "Apply", "status", "v1"),
            entry("me", "Apply", "", "v2"),
        ] {
            assert!(owned_fields(&live(other), "v1", "me", "").is_none());
        }
    }

    #[test]
    fn the_hash_of_owned_values_ignores_foreign_fields_and_sees_drift() {
        let hash = |live: Value| {
            let mut hasher = DefaultHasher::new();
            let fields = json!({"f:cpu": {}, "f:ports": {"k:{\"port\":1}": {"f:name": {}}}});
            owned_values(&live, fields.as_object().unwrap(), &mut hasher);
            hasher.finish()
        };
        let live = json!({"cpu": "1", "ports": [{"port": 1, "name": "a"}]});
        let foreign = json!({"cpu": "1", "status": 3, "ports": [{"port": 2}, {"port": 1, "name": "a", "nodePort": 7}]});
        assert_eq!(hash(live.clone()), hash(foreign));
        assert_ne!(hash(live), hash(json!({"cpu": "2", "ports": [{"port": 1, "name": "a"}]})));
    }

    /// FieldsV1 of an object whose lists are all atomic.
    fn fields_of(value: &Value) -> Value {
        match value {
            Value::Object(map) if !map.is_empty() => {
                map.iter().map(|(key, value)| (format!("f:{key}"), fields_of(value))).collect()
            }
            _ => json!({}),
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..4).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    fn object() -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[a-d]", tree(), 1..4).prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_was_applied_alone_is_settled(desired in object()) {
            let fields = fields_of(&desired);
            prop_assert!(settled(&desired, &desired, fields.as_object().unwrap()));
        }

        #[test]
        fn two_different_wishes_are_never_both_settled(one in object(), other in object()) {
            prop_assume!(one != other);
            let fields = fields_of(&one);
            prop_assert!(!settled(&other, &one, fields.as_object().unwrap()));
        }
    }
}
