//! The pod of a DaemonSet for a node.

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, Toleration};
use kube::ResourceExt;

use crate::workloads::pods;

/// The label of a pod with the hash of its template.
pub(super) const HASH_LABEL: &str = "controller-revision-hash";
const GENERATION_LABEL: &str = "pod-template-generation";
/// Counted up by the API server.
const GENERATION: &str = "deprecated.daemonset.template.generation";

/// The pod for a node: the scheduler has no choice.
pub(super) fn pod(set: &DaemonSet, hash: &str, node: &str) -> Pod {
    let template = set.spec.as_ref().map(|spec| spec.template.clone()).unwrap_or_default();
    let mut pod = pods::from_template(&template, set);
    pod.metadata.generate_name = Some(pods::name_prefix(&set.name_any()));
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(HASH_LABEL.into(), hash.into());
    let generation = set.annotations().get(GENERATION).cloned();
    labels.insert(GENERATION_LABEL.into(), generation.unwrap_or_else(|| "1".into()));
    let spec = pod.spec.get_or_insert_default();
    spec.tolerations.get_or_insert_default().extend(tolerations(spec.host_network == Some(true)));
    only_on(spec, node);
    pod
}

/// Daemons run whatever state a node is in.
pub(super) fn tolerations(host_network: bool) -> Vec<Toleration> {
    let mut tolerated = vec![
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    ];
    if host_network {
        tolerated.push(("network-unavailable", "NoSchedule"));
    }
    let toleration = |(key, effect): (&str, &str)| Toleration {
        key: Some(format!("node.kubernetes.io/{key}")),
        operator: Some("Exists".into()),
        effect: Some(effect.into()),
        ..Toleration::default()
    };
    tolerated.into_iter().map(toleration).collect()
}

fn only_on(spec: &mut PodSpec, node: &str) {
    let requirement =
        NodeSelectorRequirement { key: "metadata.name".into(), operator: "In".into(), values: Some(vec![node.into()]) };
    let affinity = spec.affinity.get_or_insert_default().node_affinity.get_or_insert_default();
    let required = affinity
        .required_during_scheduling_ignored_during_execution
        .get_or_insert_with(|| NodeSelector { node_selector_terms: Vec::new() });
    // Whatever else was required of the node has been looked at.
    required.node_selector_terms =
        vec![NodeSelectorTerm { match_fields: Some(vec![requirement]), match_expressions: None }];
}

/// The node that a pod is on, or is for.
pub(super) fn node_of(pod: &Pod) -> Option<&str> {
    let spec = pod.spec.as_ref()?;
    if let Some(node) = spec.node_name.as_deref().filter(|node| !node.is_empty()) {
        return Some(node);
    }
    let affinity = spec.affinity.as_ref()?.node_affinity.as_ref()?;
    let required = affinity.required_during_scheduling_ignored_during_execution.as_ref()?;
    let fields = required.node_selector_terms.iter().flat_map(|term| term.match_fields.iter().flatten());
    let named = fields.into_iter().find(|field| field.key == "metadata.name")?;
    named.values.as_ref()?.first().map(String::as_str)
}
