//! What was changed behind helm's back: whether an object still is what its release says, and the patch that makes it so.
//!
//! What the release says of an object is put over what is there, as operator-sdk does: fields that the release does not name
//! stay. For kinds of Kubernetes that is a strategic merge patch, whose effect is worked out here first, so that an object which
//! is right costs no request. Custom resources have no such patches: their lists are put over each other item by item.

use kubewright::kube::api::{Patch, PatchParams};
use kubewright_apiserver::patch::strategic;
use kubewright_apiserver::schema::{BuiltinSchemas, TypeRef, normalise};
use serde_json::{Map, Value, json};

/// What it takes to make an object what its release says.
#[derive(Debug, Clone, PartialEq)]
pub enum Repair {
    /// A strategic merge patch.
    Strategic(Value),
    /// A merge patch, for the version that was looked at.
    Merge(Value),
}

impl Repair {
    /// The patch as a request has it.
    pub fn patch(&self) -> (PatchParams, Patch<&Value>) {
        match self {
            Self::Strategic(patch) => (PatchParams::default(), Patch::Strategic(patch)),
            Self::Merge(patch) => (PatchParams::default(), Patch::Merge(patch)),
        }
    }
}

/// What it takes to make `live` what `wanted` says; `None`: nothing. `wanted` has no nulls, see [`without_nulls`].
pub fn repair(live: &Value, wanted: &Value) -> Option<Repair> {
    match schema(wanted) {
        Some(schema) => {
            let patch = || Repair::Strategic(wanted.clone());
            let mut before = live.clone();
            // A server that is newer than the schemas here may know fields that they don't: it is to say what it does.
            let Ok(mut after) = strategic(&schema, live, wanted) else { return Some(patch()) };
            normalise(&schema, &mut before);
            normalise(&schema, &mut after);
            (before != after).then(patch)
        }
        None => {
            let after = over(live, wanted);
            let mut patch = difference(live, &after)?;
            // Lists are sent whole, so they must not have changed meanwhile.
            patch["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
            Some(Repair::Merge(patch))
        }
    }
}

/// The value without members that are null, which charts leave behind and which would remove what the server has filled in.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// The type of a kind of Kubernetes that has strategic merge patches.
fn schema(object: &Value) -> Option<TypeRef> {
    let version = object["apiVersion"].as_str()?;
    let kind = object["kind"].as_str()?;
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    // Definitions of custom resources have strategic merge patches too, but operator-sdk's Helm does not use them.
    if group == "apiextensions.k8s.io" {
        return None;
    }
    BuiltinSchemas::get().kind(group, version, kind)
}

/// `wanted` put over `live`: members and items of `live` that `wanted` does not have stay.
fn over(live: &Value, wanted: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            let mut out = live.clone();
            for (key, wanted) in wanted {
                let value = live.get(key).map_or_else(|| wanted.clone(), |live| over(live, wanted));
                out.insert(key.clone(), value);
            }
            Value::Object(out)
        }
        (Value::Array(live), Value::Array(wanted)) => {
            let both = wanted.iter().enumerate().map(|(at, wanted)| match live.get(at) {
                Some(live) => over(live, wanted),
                None => wanted.clone(),
            });
            Value::Array(both.chain(live.iter().skip(wanted.len()).cloned()).collect())
        }
        (_, wanted) => wanted.clone(),
    }
}

/// The merge patch from one value to another that has no less members.
fn difference(from: &Value, to: &Value) -> Option<Value> {
    if from == to {
        return None;
    }
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return Some(to.clone()) };
    let mut patch = Map::new();
    for (key, to) in to {
        if let Some(part) = difference(from.get(key).unwrap_or(&json!(null)), to) {
            patch.insert(key.clone(), part);
        }
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deployment() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "uid": "1", "resourceVersion": "5", "labels": {"app": "a", "added": "later"}},
            "spec": {
                "replicas": 2, "selector": {"matchLabels": {"app": "a"}}, "revisionHistoryLimit": 10,
                "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [
                    {"name": "sidecar", "image": "s"},
                    {"name": "a", "image": "i:1", "imagePullPolicy": "IfNotPresent",
                     "resources": {"requests": {"cpu": "1"}},
                     "ports": [{"containerPort": 80, "protocol": "TCP"}]},
                ], "dnsPolicy": "ClusterFirst"}},
            },
        })
    }

    fn wanted(replicas: u32) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "labels": {"app": "a"}},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": "a"}},
                "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [
                    {"name": "a", "image": "i:1", "resources": {"requests": {"cpu": "1000m"}},
                     "ports": [{"containerPort": 80}]},
                ]}},
            },
        })
    }

    #[test]
    fn what_the_server_filled_in_and_others_added_is_no_drift() {
        assert_eq!(repair(&deployment(), &wanted(2)), None);
    }

    #[test]
    fn a_changed_field_is_put_right() {
        assert_eq!(repair(&deployment(), &wanted(3)), Some(Repair::Strategic(wanted(3))));
    }

    #[test]
    fn fields_that_a_newer_server_may_know_are_left_to_it() {
        let mut wanted = wanted(2);
        wanted["spec"]["ofTheFuture"] = json!({"a": [1]});
        assert_eq!(repair(&deployment(), &wanted), Some(Repair::Strategic(wanted.clone())));
    }

    #[test]
    fn custom_resources_are_put_over_item_by_item() {
        let live = json!({
            "apiVersion": "example.com/v1", "kind": "Site", "metadata": {"name": "a", "resourceVersion": "7"},
            "spec": {"hosts": [{"name": "a", "tls": true}, {"name": "b"}], "title": "x"},
        });
        let wanted = |title: &str| {
            json!({"apiVersion": "example.com/v1", "kind": "Site", "metadata": {"name": "a"},
                   "spec": {"hosts": [{"name": "a"}], "title": title}})
        };
        assert_eq!(repair(&live, &wanted("x")), None);
        let patch = json!({"metadata": {"resourceVersion": "7"}, "spec": {"title": "y"}});
        assert_eq!(repair(&live, &wanted("y")), Some(Repair::Merge(patch)));
    }

    #[test]
    fn nulls_of_charts_remove_nothing() {
        let cleaned = without_nulls(&json!({"metadata": {"creationTimestamp": null}, "spec": {"a": [{"b": null}]}}));
        assert_eq!(cleaned, json!({"metadata": {}, "spec": {"a": [{}]}}));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..5).prop_map(Value::from),
            "[a-c]".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// After the repair there is nothing to repair.
        #[test]
        fn a_repair_settles(live in value(), wanted in value()) {
            let object = |spec: &Value| json!({"apiVersion": "example.com/v1", "kind": "X", "metadata": {"resourceVersion": "1"}, "spec": spec});
            let (live, wanted) = (object(&live), object(&wanted));
            if let Some(Repair::Merge(patch)) = repair(&live, &wanted) {
                let after = kubewright_apiserver::patch::merge_patch(&live, &patch).unwrap();
                prop_assert_eq!(repair(&after, &wanted), None);
            }
        }
    }
}
