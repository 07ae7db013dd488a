//! Whether a pod may go to a node, and if not, why not, in the scheduler's words.

use k8s_openapi::api::core::v1::{Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, Taint, Toleration};
use kube::ResourceExt;

use super::usage::{Amounts, amounts, requests};

/// Why not. The texts are those of kube-scheduler.
pub(super) fn refusal(pod: &Pod, node: &Node, used: &Amounts) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let unschedulable = node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true);
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    let cordon =
        Taint { key: "node.kubernetes.io/unschedulable".into(), effect: "NoSchedule".into(), ..Taint::default() };
    if unschedulable && !tolerations.iter().any(|toleration| tolerates(toleration, &cordon)) {
        return Some("node(s) were unschedulable".into());
    }
    if !selected(spec, node) {
        return Some("node(s) didn't match Pod's node affinity/selector".into());
    }
    if let Some(taint) = untolerated(tolerations, node, &["NoSchedule", "NoExecute"]) {
        let value = taint.value.as_deref().unwrap_or_default();
        return Some(format!("node(s) had untolerated taint(s) {{{}: {value}}}", taint.key));
    }
    let room = amounts(node.status.as_ref().and_then(|status| status.allocatable.as_ref()));
    let mut asked: Vec<(String, i128)> = requests(spec).into_iter().filter(|(_, amount)| *amount > 0).collect();
    asked.sort();
    let short = asked.into_iter().find(|(name, amount)| {
        let used = used.get(name).copied().unwrap_or_default();
        used + amount > room.get(name).copied().unwrap_or_default()
    });
    short.map(|(name, _)| if name == "pods" { "Too many pods".into() } else { format!("Insufficient {name}") })
}

/// A taint of the node with one of these effects that none of the tolerations is for.
pub(crate) fn untolerated<'a>(tolerations: &[Toleration], node: &'a Node, effects: &[&str]) -> Option<&'a Taint> {
    let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints.find(|taint| {
        effects.contains(&taint.effect.as_str()) && !tolerations.iter().any(|toleration| tolerates(toleration, taint))
    })
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let same =
        |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == has);
    if !same(&toleration.effect, &taint.effect) || !same(&toleration.key, &taint.key) {
        return false;
    }
    match toleration.operator.as_deref() {
        Some("Exists") => true,
        _ => toleration.value.as_deref().unwrap_or_default() == taint.value.as_deref().unwrap_or_default(),
    }
}

/// Whether the node selector and the node affinity of the pod let it go there.
pub(crate) fn selected(spec: &PodSpec, node: &Node) -> bool {
    let labels = node.labels();
    let mut wanted = spec.node_selector.iter().flatten();
    if !wanted.all(|(name, value)| labels.get(name) == Some(value)) {
        return false;
    }
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required = affinity.and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    required.is_none_or(|selector| selector.node_selector_terms.iter().any(|term| matches(term, node)))
}

fn matches(term: &NodeSelectorTerm, node: &Node) -> bool {
    let (labels, name) = (node.labels(), node.name_any());
    let expressions = term.match_expressions.iter().flatten();
    let fields = term.match_fields.iter().flatten();
    let empty = expressions.clone().next().is_none() && fields.clone().next().is_none();
    let label = |wanted: &NodeSelectorRequirement| holds(wanted, labels.get(&wanted.key).map(String::as_str));
    let field =
        |wanted: &NodeSelectorRequirement| holds(wanted, (wanted.key == "metadata.name").then_some(name.as_str()));
    !empty && expressions.into_iter().all(label) && fields.into_iter().all(field)
}

fn holds(wanted: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let values = wanted.values.as_deref().unwrap_or_default();
    let listed = || value.is_some_and(|value| values.iter().any(|one| one == value));
    let compared = |larger: bool| {
        let (Some(has), Some(bound)) = (value.and_then(|value| value.parse::<i64>().ok()), values.first()) else {
            return false;
        };
        bound.parse::<i64>().is_ok_and(|bound| if larger { has > bound } else { has < bound })
    };
    match wanted.operator.as_str() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared(true),
        "Lt" => compared(false),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refused(pod: Value, node: Value) -> Option<String> {
        let (pod, node): (Pod, Node) = (serde_json::from_value(pod).unwrap(), serde_json::from_value(node).unwrap());
        refusal(&pod, &node, &Amounts::from([("cpu".to_string(), 500)]))
    }

    fn node(spec: Value) -> Value {
        json!({
            "metadata": {"name": "n", "labels": {"zone": "a", "size": "5"}}, "spec": spec,
            "status": {"allocatable": {"cpu": "1", "pods": "10"}},
        })
    }

    fn pod(spec: Value) -> Value {
        let mut spec = spec;
        spec["containers"] = json!([]);
        json!({"metadata": {"name": "p"}, "spec": spec})
    }

    #[test]
    fn selectors_and_affinity_count() {
        assert_eq!(refused(pod(json!({"nodeSelector": {"zone": "a"}})), node(json!({}))), None);
        let no = Some("node(s) didn't match Pod's node affinity/selector".to_string());
        assert_eq!(refused(pod(json!({"nodeSelector": {"zone": "b"}})), node(json!({}))), no);
        let affinity = |operator: &str, key: &str, values: Value| {
            let term = json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
            let required = json!({"nodeSelectorTerms": [term]});
            pod(json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}))
        };
        assert_eq!(refused(affinity("In", "zone", json!(["a", "b"])), node(json!({}))), None);
        assert_eq!(refused(affinity("NotIn", "zone", json!(["a"])), node(json!({}))), no);
        assert_eq!(refused(affinity("Gt", "size", json!(["4"])), node(json!({}))), None);
        assert_eq!(refused(affinity("Lt", "size", json!(["4"])), node(json!({}))), no);
        assert_eq!(refused(affinity("DoesNotExist", "gpu", json!([])), node(json!({}))), None);
    }

    #[test]
    fn taints_want_tolerations() {
        let tainted = node(json!({"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]}));
        let no = Some("node(s) had untolerated taint(s) {gpu: yes}".to_string());
        assert_eq!(refused(pod(json!({})), tainted.clone()), no);
        let tolerant = |toleration: Value| pod(json!({"tolerations": [toleration]}));
        assert_eq!(refused(tolerant(json!({"key": "gpu", "operator": "Exists"})), tainted.clone()), None);
        assert_eq!(refused(tolerant(json!({"key": "gpu", "value": "yes"})), tainted.clone()), None);
        assert_eq!(refused(tolerant(json!({"key": "gpu", "value": "no"})), tainted.clone()), no);
        assert_eq!(refused(tolerant(json!({"operator": "Exists"})), tainted), None);
        let cordoned = node(json!({"unschedulable": true}));
        assert_eq!(refused(pod(json!({})), cordoned), Some("node(s) were unschedulable".into()));
    }

    #[test]
    fn a_full_node_is_refused() {
        let asking =
            |cpu: &str| json!({"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}});
        assert_eq!(refused(asking("500m"), node(json!({}))), None);
        assert_eq!(refused(asking("501m"), node(json!({}))), Some("Insufficient cpu".into()));
    }
}
