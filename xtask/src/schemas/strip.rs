//! Takes out of the fetched documents what differs from one run, or one machine, to the next.

use serde_json::{Value, json};

/// What the server sets on every object, anew on every start.
const SERVER_SET: [&str; 4] = ["uid", "resourceVersion", "creationTimestamp", "managedFields"];
/// What `/version` tells of how the server was built and not of what it is.
const BUILD: [&str; 4] = ["buildDate", "gitCommit", "goVersion", "platform"];

/// An object without what the server sets. Status goes too, as its conditions have times, except that of a Namespace,
/// which has its phase only.
pub(super) fn object(resource: &str, object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !SERVER_SET.contains(&key.as_str()));
    }
    if resource != "namespaces"
        && let Some(object) = object.as_object_mut()
    {
        object.remove("status");
    }
}

/// The answer to `/version` without what depends on the machine.
pub(super) fn version(version: &mut Value) {
    for name in BUILD {
        version[name] = json!("");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_lose_what_the_server_sets() {
        let full = json!({"metadata": {"name": "a", "uid": "1", "resourceVersion": "2"}, "status": {"x": 1}});
        let mut namespace = full.clone();
        object("namespaces", &mut namespace);
        assert_eq!(namespace, json!({"metadata": {"name": "a"}, "status": {"x": 1}}));
        let mut schema = full;
        object("flowschemas", &mut schema);
        assert_eq!(schema, json!({"metadata": {"name": "a"}}));
    }
}
