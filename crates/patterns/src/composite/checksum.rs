//! Checksums of configuration, which roll the pods that read it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::plan::Component;

/// The annotation of pod templates that holds it.
pub(super) const ANNOTATION: &str = "kubewright.dev/config-checksum";

/// The checksum of the ConfigMaps and Secrets among the children of a component, and of `others`, which it requires; `None`
/// if there are none.
pub(super) fn of(component: &Component, others: &[Value]) -> Option<String> {
    let own = component
        .children
        .iter()
        .filter(|child| child.in_checksum)
        .filter_map(|child| child.tree.as_ref().ok().map(|tree| (&*child.resource.kind, tree)));
    let others = component.reads.iter().chain(others).map(|tree| (tree["kind"].as_str().unwrap_or_default(), tree));
    let mut configs: Vec<Value> = own
        .chain(others)
        .filter(|(kind, _)| matches!(*kind, "ConfigMap" | "Secret"))
        // What is absent counts as null, which is the same for all.
        .map(|(kind, tree)| {
            json!([kind, tree["metadata"]["name"], tree["data"], tree["binaryData"], tree["stringData"]])
        })
        .collect();
    if configs.is_empty() {
        return None;
    }
    configs.sort_by_cached_key(Value::to_string);
    // Maps are in the order of their keys, so the text is the same for the same content.
    let digest = Sha256::digest(Value::Array(configs).to_string());
    Some(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

/// Where the annotation of a workload's pod template goes; `None` for kinds that have none or can't change it.
pub(super) fn place<'a>(group: &str, kind: &str, tree: &'a mut Value) -> Option<&'a mut Value> {
    let workload = matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet");
    if group != "apps" || !workload || !tree["spec"]["template"].is_object() {
        return None;
    }
    let template = &mut tree["spec"]["template"];
    for field in ["metadata", "annotations"] {
        let parent = if field == "metadata" { &mut *template } else { &mut template["metadata"] };
        if parent[field].is_null() {
            parent[field] = json!({});
        }
    }
    Some(&mut template["metadata"]["annotations"][ANNOTATION])
}

/// The one that a live workload carries.
pub(super) fn carried(tree: &Value) -> Option<&str> {
    tree["spec"]["template"]["metadata"]["annotations"][ANNOTATION].as_str()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ConfigMap, Service};

    use super::*;

    fn config(value: &str) -> ConfigMap {
        serde_json::from_value(json!({"metadata": {"name": "c"}, "data": {"k": value}})).unwrap()
    }

    #[test]
    fn the_checksum_changes_with_the_content_and_with_nothing_else() {
        let one = of(&Component::new("x").child(&config("1")), &[]);
        assert_eq!(one.as_ref().map(String::len), Some(16));
        let labelled: ConfigMap =
            serde_json::from_value(json!({"metadata": {"name": "c", "labels": {"a": "b"}}, "data": {"k": "1"}}))
                .unwrap();
        assert_eq!(one, of(&Component::new("x").child(&Service::default()).child(&labelled), &[]));
        assert_ne!(one, of(&Component::new("x").child(&config("2")), &[]));
        assert_eq!(of(&Component::new("x").child(&Service::default()), &[]), None);
        assert_eq!(of(&Component::new("x").live_config(&config("1")), &[]), None);
        let secret =
            json!({"kind": "Secret", "metadata": {"name": "s", "resourceVersion": "7"}, "data": {"p": "eA=="}});
        let with_secret = of(&Component::new("x").child(&config("1")), &[secret]);
        assert!(with_secret.is_some() && with_secret != one);
    }

    #[test]
    fn only_pod_templates_that_can_change_get_it() {
        let mut deployment = json!({"spec": {"template": {"spec": {}}}});
        *place("apps", "Deployment", &mut deployment).unwrap() = json!("abc");
        assert_eq!(carried(&deployment), Some("abc"));
        assert!(place("batch", "Job", &mut json!({"spec": {"template": {}}})).is_none());
        assert!(place("apps", "Deployment", &mut json!({"spec": {}})).is_none());
    }
}
