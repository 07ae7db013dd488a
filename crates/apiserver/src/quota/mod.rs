//! What objects use of the resources that a ResourceQuota limits.
//!
//! Admission counts what a write adds ([`usage`]), the controller of quotas counts what is there ([`used`]). Both ask the
//! same functions, so that they can't disagree.
//!
//! | file | what it holds |
//! |---|---|
//! | `amounts` | lists of amounts by resource |
//! | `pod` | what a Pod requests and is limited to |
//! | `scope` | which objects a quota is about |

mod amounts;
mod pod;
mod scope;

use serde_json::Value;

use crate::kinds::tree::Tree;
use crate::schema::quantity::Quantity;
pub use amounts::Amounts;
pub(crate) use pod::{constraints, pod_amounts};
pub use scope::matches;

/// Kinds whose number can be limited by their plain name.
const PLAIN: [&str; 4] = ["configmaps", "resourcequotas", "replicationcontrollers", "secrets"];
const BY_CLASS: &str = ".storageclass.storage.k8s.io/";

/// The name under which the objects of a resource are counted: `count/deployments.apps`.
fn count_name(group: &str, plural: &str) -> String {
    if group.is_empty() { format!("count/{plural}") } else { format!("count/{plural}.{group}") }
}

/// Whether objects of a resource can use what `name` limits.
pub fn is_used_by(name: &str, group: &str, plural: &str) -> bool {
    if name == count_name(group, plural) {
        return true;
    }
    match (group, plural) {
        ("", "pods") => pod::is_resource(name),
        ("", "services") => matches!(name, "services" | "services.nodeports" | "services.loadbalancers"),
        ("", "persistentvolumeclaims") => {
            let name = name.split_once(BY_CLASS).map_or(name, |(_, name)| name);
            matches!(name, "persistentvolumeclaims" | "requests.storage")
        }
        ("", plural) => PLAIN.contains(&plural) && name == plural,
        _ => false,
    }
}

/// The resources, as group and plural, of which a quota limits something.
pub fn limited_resources(hard: &Value) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, _) in hard.as_object().into_iter().flatten() {
        let counted = name.strip_prefix("count/").map(|rest| rest.split_once('.').unwrap_or((rest, "")));
        let core = ["pods", "services", "persistentvolumeclaims"].iter().chain(&PLAIN);
        let core =
            core.filter(|plural| is_used_by(name, "", plural)).map(|plural| (String::new(), (*plural).to_owned()));
        found.extend(core.chain(counted.map(|(plural, group)| (group.to_owned(), plural.to_owned()))));
    }
    found.sort();
    found.dedup();
    found
}

/// What one object uses. `now`: RFC 3339, for Pods that should have ended.
pub fn usage(group: &str, plural: &str, object: &Value, now: &str) -> Amounts {
    let one = || Quantity::parse("1").unwrap_or_else(|_| Quantity::zero());
    let mut used = Amounts::default();
    used.set(&count_name(group, plural), one());
    match (group, plural) {
        ("", "pods") => pod::usage(object, now, &mut used),
        ("", "services") => {
            used.set("services", one());
            let ports = object.list("spec.ports");
            let kind = object.text("spec.type");
            let all = kind == "NodePort"
                || kind == "LoadBalancer" && object.at("spec.allocateLoadBalancerNodePorts") != &Value::Bool(false);
            let given = ports.iter().filter(|port| port.int("nodePort").unwrap_or_default() != 0).count();
            let count = match kind {
                "NodePort" | "LoadBalancer" if all => ports.len(),
                "LoadBalancer" => given,
                _ => 0,
            };
            used.set("services.nodeports", whole(count));
            used.set("services.loadbalancers", whole(usize::from(kind == "LoadBalancer")));
        }
        ("", "persistentvolumeclaims") => {
            used.set("persistentvolumeclaims", one());
            let annotated = object.at("metadata.annotations").get("volume.beta.kubernetes.io/storage-class");
            let class = annotated.and_then(Value::as_str).unwrap_or(object.text("spec.storageClassName"));
            let amount = |path: &str| Quantity::parse(object.at(path).get("storage")?.as_str()?).ok();
            let requested = amount("spec.resources.requests").map(|requested| {
                amount("status.allocatedResources").filter(|more| more.compare(&requested).is_gt()).unwrap_or(requested)
            });
            if !class.is_empty() {
                used.set(&format!("{class}{BY_CLASS}persistentvolumeclaims"), one());
            }
            if let Some(requested) = requested.map(|requested| requested.whole()) {
                if !class.is_empty() {
                    used.set(&format!("{class}{BY_CLASS}requests.storage"), requested.clone());
                }
                used.set("requests.storage", requested);
            }
        }
        ("", plural) if PLAIN.contains(&plural) => used.set(plural, one()),
        _ => {}
    }
    used
}

/// What all `objects` of a resource use of what a quota limits, if they are those that it is about. Nothing is given for
/// names that the resource does not use.
pub fn used<'a>(
    quota: &Value,
    (group, plural): (&str, &str),
    objects: impl IntoIterator<Item = &'a Value>,
    now: &str,
) -> Amounts {
    let names: Vec<&str> = quota
        .entries("spec.hard")
        .map(|(name, _)| name.as_str())
        .filter(|name| is_used_by(name, group, plural))
        .collect();
    let mut sum = Amounts::default();
    for name in &names {
        sum.set(name, Quantity::zero());
    }
    for object in objects {
        if matches(quota, group, plural, object) {
            sum = sum.plus(&usage(group, plural, object, now).only(|name| names.contains(&name)));
        }
    }
    sum
}

fn whole(count: usize) -> Quantity {
    Quantity::parse(&count.to_string()).unwrap_or_else(|_| Quantity::zero())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_quota_says_which_objects_it_needs_to_count() {
        let hard = json!({"pods": "1", "limits.cpu": "1", "count/widgets.example.com": "1", "count/secrets": "2",
            "gold.storageclass.storage.k8s.io/requests.storage": "1Gi"});
        let found: Vec<String> =
            limited_resources(&hard).into_iter().map(|(group, plural)| format!("{plural}.{group}")).collect();
        assert_eq!(found, ["persistentvolumeclaims.", "pods.", "secrets.", "widgets.example.com"]);
    }

    #[test]
    fn claims_count_for_their_class_too() {
        let claim = json!({"spec": {"storageClassName": "gold", "resources": {"requests": {"storage": "1500m"}}}});
        let used = usage("", "persistentvolumeclaims", &claim, "");
        assert_eq!(
            used.to_value(),
            json!({
                "count/persistentvolumeclaims": "1", "persistentvolumeclaims": "1", "requests.storage": "2",
                "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
                "gold.storageclass.storage.k8s.io/requests.storage": "2",
            })
        );
    }

    #[test]
    fn all_objects_in_scope_are_summed_up() {
        let quota = json!({"spec": {"hard": {"pods": "9", "requests.cpu": "9"}, "scopes": ["NotBestEffort"]}});
        let pod =
            |requests: Value| json!({"spec": {"containers": [{"name": "c", "resources": {"requests": requests}}]}});
        let pods = [pod(json!({"cpu": "250m"})), pod(json!({"cpu": "1"})), pod(json!({}))];
        assert_eq!(used(&quota, ("", "pods"), &pods, "").to_value(), json!({"pods": "2", "requests.cpu": "1250m"}));
        assert_eq!(used(&quota, ("", "secrets"), &pods, "").to_value(), json!({}));
    }
}
