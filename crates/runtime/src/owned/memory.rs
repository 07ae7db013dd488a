//! What was applied to objects that the server stores in another form than they were sent in.
//!
//! For those [`compare`](super::compare) never says that nothing would change. So after an apply the pair is remembered:
//! what was wanted, and what our fields were in the answer. As long as both stay, an apply would change nothing. It is
//! lost at a restart, which costs one apply for each such object.

use std::hash::{DefaultHasher, Hash, Hasher};

use kube::api::ApiResource;
use kubewright_cache::ObjectRef;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::compare::{comparable, owned_fields, owned_values, settled};

/// Answers whether an apply would change anything.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<FxHashMap<Target, Applied>>);

/// An object, or its `status` subresource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) object: ObjectRef,
    pub(crate) subresource: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
struct Applied {
    uid: String,
    desired: u64,
    live: u64,
}

impl Target {
    pub(crate) fn new(resource: &ApiResource, object: ObjectRef, subresource: &'static str) -> Self {
        Self { group: resource.group.clone(), plural: resource.plural.clone(), object, subresource }
    }
}

impl Memory {
    /// Whether applying `desired` would leave `live` as it is.
    pub(crate) fn settled(&self, target: &Target, desired: &Value, live: &Value, manager: &str) -> bool {
        let Some(fields) = owned_fields(live, api_version(desired), manager, target.subresource) else { return false };
        let wanted = comparable(desired);
        settled(&wanted, live, fields)
            || self.0.lock().get(target).is_some_and(|applied| *applied == Applied::of(&wanted, live, fields))
    }

    /// Remembers what the server made of `desired`, where that differs.
    pub(crate) fn applied(&self, target: Target, desired: &Value, answer: &Value, manager: &str) {
        let fields = owned_fields(answer, api_version(desired), manager, target.subresource);
        let wanted = comparable(desired);
        match fields.filter(|fields| !settled(&wanted, answer, fields)) {
            Some(fields) => self.0.lock().insert(target, Applied::of(&wanted, answer, fields)),
            None => self.0.lock().remove(&target),
        };
    }

    /// The object is gone.
    pub(crate) fn forget(&self, target: &Target) {
        let mut applied = self.0.lock();
        if !applied.is_empty() {
            applied.remove(target);
        }
    }
}

impl Applied {
    fn of(wanted: &Value, live: &Value, fields: &Map<String, Value>) -> Self {
        let mut desired = DefaultHasher::new();
        wanted.hash(&mut desired);
        let mut values = DefaultHasher::new();
        owned_values(live, fields, &mut values);
        let uid = live.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_string();
        Self { uid, desired: desired.finish(), live: values.finish() }
    }
}

fn api_version(desired: &Value) -> &str {
    desired.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live(uid: &str, cpu: &str, replicas: u32) -> Value {
        let entry =
            json!({"manager": "m", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:spec": {"f:cpu": {}}}});
        json!({"apiVersion": "v1", "metadata": {"uid": uid, "managedFields": [entry]}, "spec": {"cpu": cpu}, "status": replicas})
    }

    fn target() -> Target {
        Target { group: String::new(), plural: "pods".into(), object: ObjectRef::new(Some("a"), "p"), subresource: "" }
    }

    #[test]
    fn a_value_that_the_server_stores_in_another_form_is_applied_once() {
        let memory = Memory::default();
        let desired = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"cpu": "1000m"}});
        assert!(!memory.settled(&target(), &desired, &live("u", "1", 0), "m"));
        memory.applied(target(), &desired, &live("u", "1", 0), "m");
        assert!(memory.settled(&target(), &desired, &live("u", "1", 0), "m"));
        assert!(memory.settled(&target(), &desired, &live("u", "1", 7), "m"), "foreign fields do not matter");
        assert!(!memory.settled(&target(), &desired, &live("u", "2", 0), "m"), "drift");
        assert!(!memory.settled(&target(), &desired, &live("new", "1", 0), "m"), "another object of the name");
        let other = json!({"apiVersion": "v1", "spec": {"cpu": "2000m"}});
        assert!(!memory.settled(&target(), &other, &live("u", "1", 0), "m"), "another wish");
        memory.forget(&target());
        assert!(!memory.settled(&target(), &desired, &live("u", "1", 0), "m"));
    }
}
