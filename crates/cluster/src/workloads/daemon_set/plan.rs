//! Which pods of a DaemonSet come and go.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;

use super::pod::{HASH_LABEL, node_of, tolerations};
use crate::nodes::placement::{selected, untolerated};
use crate::workloads::intstr::scaled;
use crate::workloads::pods::{self, Availability};

/// What to do now.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    /// Names of the nodes that get a pod.
    pub(super) create: Vec<String>,
    pub(super) delete: Vec<&'a Pod>,
}

/// Whether the node should have a pod, and whether one that it has may stay.
pub(super) fn fits(set: &DaemonSet, node: &Node) -> (bool, bool) {
    let Some(spec) = set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()) else { return (false, false) };
    let named = spec.node_name.as_deref().is_none_or(|name| name.is_empty() || name == node.name_any());
    if !named || !selected(spec, node) {
        return (false, false);
    }
    let mut tolerated = spec.tolerations.clone().unwrap_or_default();
    tolerated.extend(tolerations(spec.host_network == Some(true)));
    let stays = untolerated(&tolerated, node, &["NoExecute"]).is_none();
    (stays && untolerated(&tolerated, node, &["NoSchedule"]).is_none(), stays)
}

/// What to do so that each node that fits has one pod of the template with this hash.
pub(super) fn plan<'a>(set: &DaemonSet, nodes: &[Node], pods: &'a [Pod], hash: &str, now: Timestamp) -> Plan<'a> {
    let Some(spec) = &set.spec else { return Plan::default() };
    let mut plan = Plan::default();
    let ending = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
    let min_ready = spec.min_ready_seconds.unwrap_or_default();
    let is_available = |pod: &Pod| matches!(pods::availability(pod, min_ready, now), Availability::Yes);
    let is_new = |pod: &Pod| pod.labels().get(HASH_LABEL).map(String::as_str) == Some(hash);

    let rolling = spec.update_strategy.as_ref();
    let by_hand = rolling.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete");
    let bounds = rolling.and_then(|strategy| strategy.rolling_update.as_ref());
    let desired = nodes.iter().filter(|node| fits(set, node).0).count();
    let desired_number = i32::try_from(desired).unwrap_or(i32::MAX);
    let surge =
        bounds.and_then(|bounds| bounds.max_surge.as_ref()).map_or(0, |most| scaled(most, desired_number, true));
    let unavailable =
        bounds.and_then(|bounds| bounds.max_unavailable.as_ref()).map_or(1, |most| scaled(most, desired_number, true));
    let unavailable = if surge == 0 { unavailable.max(1) } else { unavailable };

    // Nodes whose pod is of an old template.
    let mut outdated: Vec<(&Node, &Pod)> = Vec::new();
    let (mut down, mut surging) = (0, 0);
    for node in nodes {
        let name = node.name_any();
        let mut here: Vec<&Pod> = pods.iter().filter(|pod| node_of(pod) == Some(&name)).collect();
        let (should, stays) = fits(set, node);
        if !stays {
            plan.delete.extend(here.into_iter().filter(|pod| !ending(pod)));
            continue;
        }
        if !should {
            continue;
        }
        // One that has ended is replaced.
        let (over, alive): (Vec<&Pod>, Vec<&Pod>) =
            here.drain(..).partition(|pod| matches!(pods::phase(pod), "Succeeded" | "Failed"));
        plan.delete.extend(over.iter().copied().filter(|pod| !ending(pod)));
        let mut alive: Vec<&Pod> = alive.into_iter().filter(|pod| !ending(pod)).collect();
        alive.sort_by_key(|pod| (pod.creation_timestamp().map(|time| time.0), pod.name_any()));
        let new = alive.iter().copied().find(|pod| is_new(pod));
        let old = alive.iter().copied().find(|pod| !is_new(pod));
        match (old, new) {
            (None, None) => {
                // While the last one is on its way out there is no room.
                let leaving = pods.iter().any(|pod| node_of(pod) == Some(&name) && ending(pod));
                down += 1;
                if !leaving && over.is_empty() {
                    plan.create.push(name);
                }
            }
            (None, Some(new)) => {
                down += i32::from(!is_available(new));
                plan.delete.extend(alive.iter().copied().filter(|pod| pod.metadata.uid != new.metadata.uid));
            }
            (Some(old), None) => {
                down += i32::from(!is_available(old));
                outdated.push((node, old));
            }
            (Some(old), Some(new)) if by_hand || surge == 0 => {
                // Two where one should be: the old one goes.
                plan.delete.push(old);
                down += i32::from(!is_available(new));
            }
            (Some(old), Some(new)) => {
                surging += 1;
                if is_available(new) {
                    plan.delete.push(old);
                }
            }
        }
    }
    // One that waits for a node which is gone would wait for ever.
    let waits = |pod: &&Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).is_none_or(str::is_empty);
    let lost = |pod: &&Pod| !nodes.iter().any(|node| Some(node.name_any().as_str()) == node_of(pod));
    plan.delete.extend(pods.iter().filter(waits).filter(lost).filter(|pod| !ending(pod)));
    if by_hand {
        return plan;
    }
    if surge > 0 {
        let room = usize::try_from(surge - surging).unwrap_or_default();
        // Where the old one does not work there is nothing to wait for.
        outdated.sort_by_key(|(_, pod)| is_available(pod));
        plan.create.extend(outdated.into_iter().take(room).map(|(node, _)| node.name_any()));
        return plan;
    }
    let (broken, working): (Vec<_>, Vec<_>) = outdated.into_iter().partition(|(_, pod)| !is_available(pod));
    plan.delete.extend(broken.into_iter().map(|(_, pod)| pod));
    let room = usize::try_from(unavailable - down).unwrap_or_default();
    plan.delete.extend(working.into_iter().take(room).map(|(_, pod)| pod));
    plan
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::pod::pod;
    use super::*;

    fn set(strategy: Value) -> DaemonSet {
        let template = json!({
            "metadata": {"labels": {"app": "d"}}, "spec": {"containers": [], "nodeSelector": {"disk": "ssd"}},
        });
        let spec = json!({
            "selector": {"matchLabels": {"app": "d"}}, "template": template, "updateStrategy": strategy,
        });
        serde_json::from_value(json!({"metadata": {"name": "d", "uid": "s"}, "spec": spec})).unwrap()
    }

    fn node(name: &str, disk: &str, taint: Option<&str>) -> Node {
        let taints: Vec<Value> = taint.iter().map(|effect| json!({"key": "t", "effect": effect})).collect();
        let metadata = json!({"name": name, "labels": {"disk": disk}});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"taints": taints}})).unwrap()
    }

    fn running(set: &DaemonSet, node: &str, hash: &str, ready: bool) -> Pod {
        let mut pod = pod(set, hash, node);
        pod.metadata.name = Some(format!("{node}-{hash}"));
        pod.metadata.uid = pod.metadata.name.clone();
        let status = if ready { "True" } else { "False" };
        let condition = json!({"type": "Ready", "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z"});
        pod.status = serde_json::from_value(json!({"phase": "Running", "conditions": [condition]})).unwrap();
        pod
    }

    fn steps(set: &DaemonSet, nodes: &[Node], pods: &[Pod]) -> (Vec<String>, Vec<String>) {
        let plan = plan(set, nodes, pods, "new", "2026-01-02T00:00:00Z".parse().unwrap());
        let mut deleted: Vec<String> = plan.delete.iter().map(|pod| pod.name_any()).collect();
        deleted.sort();
        (plan.create, deleted)
    }

    #[test]
    fn each_node_that_fits_gets_one() {
        let set = set(json!({}));
        let nodes = [node("a", "ssd", None), node("b", "hdd", None), node("c", "ssd", Some("NoSchedule"))];
        assert_eq!(steps(&set, &nodes, &[]), (vec!["a".into()], vec![]));
    }

    #[test]
    fn one_that_waits_for_a_node_that_is_gone_goes() {
        let set = set(json!({}));
        assert_eq!(steps(&set, &[], &[running(&set, "a", "new", false)]).1, ["a-new"]);
    }

    #[test]
    fn a_taint_keeps_new_ones_away_or_drives_them_out() {
        let set = set(json!({}));
        let pods = [running(&set, "a", "new", true)];
        assert_eq!(steps(&set, &[node("a", "ssd", Some("NoSchedule"))], &pods), (vec![], vec![]));
        assert_eq!(steps(&set, &[node("a", "ssd", Some("NoExecute"))], &pods), (vec![], vec!["a-new".into()]));
    }

    #[test]
    fn a_new_template_replaces_one_at_a_time() {
        let set = set(json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}));
        let nodes = [node("a", "ssd", None), node("b", "ssd", None)];
        let pods = [running(&set, "a", "old", true), running(&set, "b", "old", true)];
        assert_eq!(steps(&set, &nodes, &pods).1, ["a-old"]);
        let pods = [running(&set, "a", "new", false), running(&set, "b", "old", true)];
        assert_eq!(steps(&set, &nodes, &pods), (vec![], vec![]));
        let pods = [running(&set, "a", "old", false), running(&set, "b", "old", true)];
        assert_eq!(steps(&set, &nodes, &pods).1, ["a-old"], "the one that does not work first");
    }

    #[test]
    fn with_a_surge_the_old_one_stays_until_the_new_one_works() {
        let set = set(json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}));
        let nodes = [node("a", "ssd", None), node("b", "ssd", None)];
        let (a, b) = (running(&set, "a", "old", true), running(&set, "b", "old", true));
        assert_eq!(steps(&set, &nodes, &[a.clone(), b.clone()]), (vec!["a".into()], vec![]));
        let starting = running(&set, "a", "new", false);
        assert_eq!(steps(&set, &nodes, &[a.clone(), b.clone(), starting]), (vec![], vec![]));
        let working = running(&set, "a", "new", true);
        assert_eq!(steps(&set, &nodes, &[a, b, working]), (vec![], vec!["a-old".into()]));
    }

    #[test]
    fn on_delete_replaces_only_what_was_deleted() {
        let set = set(json!({"type": "OnDelete"}));
        let nodes = [node("a", "ssd", None), node("b", "ssd", None)];
        assert_eq!(steps(&set, &nodes, &[running(&set, "a", "old", true)]), (vec!["b".into()], vec![]));
    }
}
