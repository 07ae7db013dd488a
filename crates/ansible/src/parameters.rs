//! The extra vars of a run: what a role or playbook knows of the custom resource.
//!
//! | variable | what it is |
//! |---|---|
//! | `size`, `max_items`, … | the fields of `spec`, in snake case unless watches.yaml says otherwise |
//! | `ansible_operator_meta` | `name` and `namespace` of the custom resource |
//! | `_cache_example_com_memcached` | the custom resource as it is |
//! | `_cache_example_com_memcached_spec` | its `spec` as it is |
//! | `vars` of watches.yaml, then those of the finalizer | win over the others |

use serde_json::{Map, Value, json};

use crate::snake;
use crate::watches::Watch;

/// The extra vars for a custom resource. `finalizing`: it is about to go.
pub fn parameters(watch: &Watch, object: &Value, finalizing: bool) -> Map<String, Value> {
    let none = Map::new();
    let spec = object["spec"].as_object().unwrap_or(&none);
    let safe = |value: Value| if watch.mark_unsafe { marked(value) } else { value };
    let fields = if watch.snake_case_parameters { snake::members(spec) } else { spec.clone() };
    let mut out: Map<String, Value> = fields.into_iter().map(|(name, value)| (name, safe(value))).collect();
    let metadata = &object["metadata"];
    let text = |name: &str| metadata[name].as_str().unwrap_or_default();
    out.insert("ansible_operator_meta".into(), json!({"name": text("name"), "namespace": text("namespace")}));
    let name = format!("_{}_{}", watch.group, watch.kind.to_lowercase()).replace(['.', '-'], "_");
    let mut whole = object.clone();
    if let Some(members) = whole.as_object_mut()
        && !members.get("spec").is_some_and(Value::is_object)
    {
        members.insert("spec".into(), json!({}));
    }
    out.insert(format!("{name}_spec"), safe(Value::Object(spec.clone())));
    out.insert(name, safe(whole));
    out.extend(watch.vars.clone());
    if let Some(finalizer) = watch.finalizer.as_ref().filter(|_| finalizing) {
        out.extend(finalizer.vars.clone());
    }
    out
}

/// The value with all texts marked as none of Ansible's templates.
fn marked(value: Value) -> Value {
    match value {
        Value::String(text) => json!({ "__ansible_unsafe": text }),
        Value::Array(items) => items.into_iter().map(marked).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, marked(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watches::{Content, Finalizer};

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn watch() -> Watch {
        Watch {
            group: "my-cache.example.com".into(),
            version: "v1".into(),
            kind: "Memcached".into(),
            content: Content::Role("/roles/memcached".into()),
            vars: map(&json!({"state": "present"})),
            reconcile_period: None,
            manage_status: true,
            watch_dependent_resources: true,
            watch_cluster_scoped_resources: false,
            watch_annotations_changes: false,
            snake_case_parameters: true,
            mark_unsafe: false,
            selector: None,
            blacklist: Vec::new(),
            finalizer: Some(Finalizer { name: "a/b".into(), content: None, vars: map(&json!({"state": "absent"})) }),
            max_runner_artifacts: 20,
            max_concurrent_reconciles: None,
            verbosity: None,
        }
    }

    fn object() -> Value {
        json!({"metadata": {"name": "one", "namespace": "shop"}, "spec": {"maxItems": 3, "state": "x", "note": "{{ a }}"}})
    }

    #[test]
    fn a_role_knows_the_custom_resource_and_the_vars_of_watches_yaml() {
        let out = Value::Object(parameters(&watch(), &object(), false));
        let expected = json!({
            "max_items": 3, "note": "{{ a }}", "state": "present",
            "ansible_operator_meta": {"name": "one", "namespace": "shop"},
            "_my_cache_example_com_memcached": object(),
            "_my_cache_example_com_memcached_spec": object()["spec"],
        });
        assert_eq!(out, expected);
    }

    #[test]
    fn the_vars_of_the_finalizer_win() {
        assert_eq!(parameters(&watch(), &object(), true)["state"], "absent");
    }

    #[test]
    fn names_stay_and_texts_are_no_templates_if_watches_yaml_says_so() {
        let watch = Watch { snake_case_parameters: false, mark_unsafe: true, ..watch() };
        let out = parameters(&watch, &object(), false);
        assert_eq!((&out["maxItems"], &out["note"]), (&json!(3), &json!({"__ansible_unsafe": "{{ a }}"})));
        assert_eq!(out["_my_cache_example_com_memcached"]["metadata"]["name"], json!({"__ansible_unsafe": "one"}));
        assert_eq!(out["ansible_operator_meta"]["name"], "one", "DNS names hold no templates");
    }

    #[test]
    fn an_object_without_a_spec_has_an_empty_one() {
        let watch = Watch { group: String::new(), kind: "Secret".into(), ..watch() };
        let out = parameters(&watch, &json!({"metadata": {"name": "one"}}), false);
        assert_eq!((&out["__secret"]["spec"], &out["__secret_spec"]), (&json!({}), &json!({})));
    }
}
