//! What a Pod requests and is limited to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Amounts;
use crate::kinds::tree::Tree;
use crate::schema::quantity::Quantity;

/// Of these every container has to say what it needs, where a quota limits them.
const REQUIRED: [&str; 6] = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

/// Whether Pods use what a quota limits by this name.
pub(super) fn is_resource(name: &str) -> bool {
    let request = name.strip_prefix("requests.");
    REQUIRED.contains(&name)
        || matches!(name, "pods" | "ephemeral-storage" | "requests.ephemeral-storage" | "limits.ephemeral-storage")
        || request.unwrap_or(name).starts_with("hugepages-")
        || request.is_some_and(|name| name.contains('/') && !name.contains("storageclass.storage.k8s.io/"))
}

/// What all containers of a Pod need together: `field` is `requests` or `limits`. Init containers run before the others, one
/// after another, unless they are restarted always and so run beside them.
pub(crate) fn pod_amounts(pod: &Value, field: &str) -> Amounts {
    let spec = pod.at("spec");
    let of = |holder: &Value| Amounts::read(holder.at("resources").at(field));
    let mut sum = spec.list("containers").iter().fold(Amounts::default(), |sum, container| sum.plus(&of(container)));
    let (mut beside, mut first) = (Amounts::default(), Amounts::default());
    for container in spec.list("initContainers") {
        if container.text("restartPolicy") == "Always" {
            sum = sum.plus(&of(container));
            beside = beside.plus(&of(container));
            first = first.max(&beside);
        } else {
            first = first.max(&of(container).plus(&beside));
        }
    }
    sum = sum.max(&first);
    // What is said of the whole Pod counts instead.
    for (name, amount) in of(spec).iter() {
        sum.set(name, amount.clone());
    }
    let overhead = Amounts::read(spec.at("overhead"));
    let limited = |name: &str| field == "requests" || sum.get(name).is_some_and(|amount| !amount.is_zero());
    let overhead = overhead.only(limited);
    sum.plus(&overhead)
}

/// Adds what a Pod uses. One that has ended, or should have, uses nothing but its place in the store.
pub(super) fn usage(pod: &Value, now: &str, used: &mut Amounts) {
    let ended = matches!(pod.text("status.phase"), "Failed" | "Succeeded");
    // Texts of equal form order as times do. The grace period is part of the time of the deletion already; the real server
    // adds it once more.
    let grace = pod.int("metadata.deletionGracePeriodSeconds");
    let end = pod.text("metadata.deletionTimestamp").parse::<jiff::Timestamp>().ok().zip(grace);
    let end = end.and_then(|(time, grace)| time.checked_add(jiff::SignedDuration::from_secs(grace)).ok());
    let overdue = end.zip(now.parse::<jiff::Timestamp>().ok()).is_some_and(|(end, now)| now > end);
    if !ended && !overdue {
        *used = std::mem::take(used).plus(&named(&pod_amounts(pod, "requests"), &pod_amounts(pod, "limits")));
    }
}

/// Requests and limits by the names that quotas use.
fn named(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut out = Amounts::default();
    out.set("pods", Quantity::parse("1").unwrap_or_else(|_| Quantity::zero()));
    for (name, amount) in requests.iter() {
        if matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-") {
            out.set(name, amount.clone());
            out.set(&format!("requests.{name}"), amount.clone());
        } else if name.contains('/') {
            out.set(&format!("requests.{name}"), amount.clone());
        }
    }
    for (name, amount) in limits.iter() {
        if matches!(name, "cpu" | "memory" | "ephemeral-storage") {
            out.set(&format!("limits.{name}"), amount.clone());
        }
    }
    out
}

/// Why a Pod can't be counted: its containers have to say what they need of `names`.
pub(crate) fn constraints(pod: &Value, names: &[&str]) -> Result<(), String> {
    let spec = pod.at("spec");
    if ["requests", "limits"].iter().any(|field| spec.at("resources").entries(field).next().is_some()) {
        return Ok(());
    }
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for container in spec.list("containers").iter().chain(spec.list("initContainers")) {
        let of = |field: &str| Amounts::read(container.at("resources").at(field));
        let said = named(&of("requests"), &of("limits"));
        for name in names.iter().filter(|name| REQUIRED.contains(name) && said.get(name).is_none()) {
            missing.entry(name).or_default().insert(container.text("name"));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(",");
    let parts: Vec<String> = missing.into_iter().map(|(name, of)| format!("{name} for: {}", list(of))).collect();
    Err(format!("must specify {}", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn init_containers_count_where_they_need_more() {
        let of = |name: &str, cpu: &str| json!({"name": name, "resources": {"requests": {"cpu": cpu}}});
        let mut always = of("s", "100m");
        always["restartPolicy"] = "Always".into();
        let pod = json!({"spec": {"containers": [of("a", "1"), of("b", "500m")],
            "initContainers": [always, of("i", "2")], "overhead": {"cpu": "50m"}}});
        assert_eq!(pod_amounts(&pod, "requests").to_value(), json!({"cpu": "2150m"}));
        assert_eq!(pod_amounts(&pod, "limits").to_value(), json!({}));
    }

    #[test]
    fn containers_have_to_say_what_is_limited() {
        let pod = json!({"spec": {"containers": [
            {"name": "b", "resources": {"requests": {"cpu": "1"}}}, {"name": "a"}]}});
        let told = constraints(&pod, &["requests.cpu", "limits.memory", "pods"]);
        assert_eq!(told, Err("must specify limits.memory for: a,b; requests.cpu for: a".into()));
    }
}
