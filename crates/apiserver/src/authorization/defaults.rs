//! Brings the roles and bindings that every server has up to date, without taking away what was added to them.

use serde_json::{Map, Value};

use crate::kinds::tree::{Tree, same};

/// Objects with this annotation set to `false` are left as they are.
const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

/// What a stored role or binding becomes, if it lacks something that it has by default.
pub(crate) fn reconcile(stored: &Value, default: &Value) -> Option<Value> {
    let annotations = |object: &Value| object.at("metadata.annotations").get(AUTOUPDATE).cloned();
    if annotations(stored).is_some_and(|update| update == "false") {
        return None;
    }
    let mut new = stored.clone();
    for field in ["labels", "annotations"] {
        let wanted = default["metadata"].get(field).and_then(Value::as_object);
        add_missing(&mut new["metadata"], field, wanted);
    }
    add_rules(&mut new, default);
    if default.has("aggregationRule") {
        add_entries(new.ensure("aggregationRule"), default.at("aggregationRule"), "clusterRoleSelectors");
    }
    if default.has("roleRef") {
        // What a binding binds can't be changed: it is made anew.
        if !same(new.at("roleRef"), default.at("roleRef")) {
            return Some(default.clone());
        }
        add_entries(&mut new, default, "subjects");
    }
    (new != *stored).then_some(new)
}

fn add_missing(metadata: &mut Value, field: &str, wanted: Option<&Map<String, Value>>) {
    for (key, value) in wanted.into_iter().flatten() {
        metadata.ensure(field).default_to(key, value.clone());
    }
}

fn add_rules(role: &mut Value, default: &Value) {
    let held = super::PolicyRule::of_role(role);
    let missing: Vec<Value> = default
        .list("rules")
        .iter()
        .filter(|rule| {
            let rule = serde_json::json!({ "rules": [rule] });
            !super::rule::missing(&held, &super::PolicyRule::of_role(&rule)).is_empty()
        })
        .cloned()
        .collect();
    if !missing.is_empty() {
        let mut rules = role.list("rules").to_vec();
        rules.extend(missing);
        role["rules"] = rules.into();
    }
}

fn add_entries(object: &mut Value, default: &Value, field: &str) {
    let mut entries = object.list(field).to_vec();
    let before = entries.len();
    for wanted in default.list(field) {
        if !entries.iter().any(|entry| same(entry, wanted)) {
            entries.push(wanted.clone());
        }
    }
    if entries.len() > before {
        object[field] = entries.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_is_added_and_what_was_added_stays() {
        let default = json!({
            "metadata": {"name": "r", "labels": {"l": "1"}, "annotations": {AUTOUPDATE: "true"}},
            "rules": [
                {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
                {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]},
            ],
        });
        let mut stored = json!({
            "metadata": {"name": "r", "labels": {"own": "x"}},
            "rules": [{"verbs": ["get", "delete"], "apiGroups": [""], "resources": ["pods"]}],
        });
        let new = reconcile(&stored, &default).unwrap();
        assert_eq!(new["metadata"]["labels"], json!({"own": "x", "l": "1"}));
        assert_eq!(new["rules"], json!([stored["rules"][0], default["rules"][1]]));
        assert_eq!(reconcile(&new, &default), None);
        stored["metadata"]["annotations"] = json!({AUTOUPDATE: "false"});
        assert_eq!(reconcile(&stored, &default), None);
    }

    #[test]
    fn a_binding_gets_its_subjects_back_and_keeps_its_role() {
        let subject = |name: &str| json!({"kind": "User", "name": name});
        let binding = |role: &str, subjects: &[&str]| {
            let subjects: Vec<Value> = subjects.iter().map(|name| subject(name)).collect();
            json!({"metadata": {"name": "b"}, "roleRef": {"name": role}, "subjects": subjects})
        };
        let default = binding("r", &["a", "b"]);
        assert_eq!(reconcile(&binding("r", &["b", "c"]), &default).unwrap(), binding("r", &["b", "c", "a"]));
        assert_eq!(reconcile(&binding("other", &["a"]), &default).unwrap(), default);
    }
}
