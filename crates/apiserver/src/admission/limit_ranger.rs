//! LimitRanger: containers, Pods and claims keep to the LimitRanges of their namespace; containers that say nothing get the
//! defaults.

use serde_json::Value;

use super::attributes::{Attributes, Operation};
use crate::kinds::tree::Tree;
use crate::quota::{Amounts, pod_amounts};
use crate::schema::quantity::Quantity;
use crate::status::{ApiError, ApiResult};
use crate::store::RangeRequest;

/// Says what was filled in.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Fills in what containers request and are limited to.
pub(super) fn admit(attributes: &Attributes, pod: &mut Value, old: Option<&Value>) {
    if !attributes.is("", "pods") || !concerns(attributes, old) {
        return;
    }
    for range in ranges(attributes) {
        fill_in(&range, pod);
    }
}

/// Refuses what is beyond the limits.
pub(super) fn validate(attributes: &Attributes, object: &Value, old: Option<&Value>) -> ApiResult<()> {
    if !concerns(attributes, old) {
        return Ok(());
    }
    for range in ranges(attributes) {
        let mut wrong = Vec::new();
        for limit in range.list("spec.limits") {
            if attributes.is("", "pods") {
                check_pod(limit, object, &mut wrong);
            } else if limit.text("type") == "PersistentVolumeClaim" {
                check_claim(limit, object, &mut wrong);
            }
        }
        wrong.dedup();
        let why = match wrong.as_slice() {
            [] => continue,
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        return Err(attributes.forbidden(Some(object), why));
    }
    Ok(())
}

fn concerns(attributes: &Attributes, old: Option<&Value>) -> bool {
    let (pod, claim) = (attributes.is("", "pods"), attributes.is("", "persistentvolumeclaims"));
    let update = attributes.operation == Operation::Update;
    let concerned = match attributes.subresource.as_str() {
        "resize" => pod && update,
        "" => claim || pod && !update,
        _ => false,
    };
    concerned
        && attributes.operation != Operation::Delete
        && old.is_none_or(|old| !old.has("metadata.deletionTimestamp"))
}

fn ranges(attributes: &Attributes) -> Vec<Value> {
    let range = RangeRequest { namespace: Some(&attributes.namespace), ..RangeRequest::default() };
    // The newest state is always there.
    let found = attributes.core.store.collection("", "limitranges").range(range);
    found.map(|range| range.items.iter().map(|stored| stored.tree()).collect()).unwrap_or_default()
}

fn fill_in(range: &Value, pod: &mut Value) {
    let limits = || range.list("spec.limits").iter().filter(|limit| limit.text("type") == "Container");
    let mut told = Vec::new();
    for (list, word) in [("containers", "container"), ("initContainers", "init container")] {
        for container in pod.ensure("spec").each_mut(list) {
            let name = container.text("name").to_owned();
            // What is set is told with the requests first.
            let mut set = |field: &str, from: &str| {
                let mut names = Vec::new();
                for limit in limits() {
                    for (resource, amount) in limit.entries(from) {
                        let target = container.ensure("resources").ensure(field);
                        if target.get(resource).is_none() {
                            target.set(resource, amount.clone());
                            names.push(resource.clone());
                        }
                    }
                }
                names.sort();
                names.join(", ")
            };
            let limits = set("limits", "default");
            let requests = set("requests", "defaultRequest");
            for (names, field) in [(requests, "request"), (limits, "limit")] {
                if !names.is_empty() {
                    told.push(format!("{names} {field} for {word} {name}"));
                }
            }
        }
    }
    if !told.is_empty() {
        let text = format!("LimitRanger plugin set: {}", told.join("; "));
        pod.ensure("metadata").ensure("annotations").set(ANNOTATION, text);
    }
}

fn check_pod(limit: &Value, pod: &Value, wrong: &mut Vec<String>) {
    match limit.text("type") {
        "Container" => {
            for container in pod.list("spec.containers").iter().chain(pod.list("spec.initContainers")) {
                let of = |field: &str| Amounts::read(container.at("resources").at(field));
                check(limit, &of("requests"), &of("limits"), wrong);
            }
        }
        "Pod" => check(limit, &pod_amounts(pod, "requests"), &pod_amounts(pod, "limits"), wrong),
        _ => {}
    }
}

fn check(limit: &Value, requests: &Amounts, limits: &Amounts, wrong: &mut Vec<String>) {
    let kind = limit.text("type");
    for (name, least) in Amounts::read(limit.at("min")).iter() {
        wrong.extend(below(kind, name, least, requests.get(name), limits.get(name)));
    }
    for (name, most) in Amounts::read(limit.at("max")).iter() {
        let told = format!("maximum {name} usage per {kind} is {}", most.canonical());
        let above = |amount: Option<&Quantity>| amount.filter(|amount| amount.compare(most).is_gt()).cloned();
        match (limits.get(name), above(limits.get(name)), above(requests.get(name))) {
            (None, ..) => wrong.push(format!("{told}.  No limit is specified")),
            (_, Some(limit), _) => wrong.push(format!("{told}, but limit is {}", limit.canonical())),
            (_, _, Some(request)) => wrong.push(format!("{told}, but request is {}", request.canonical())),
            _ => {}
        }
    }
    for (name, ratio) in Amounts::read(limit.at("maxLimitRequestRatio")).iter() {
        let told = format!("{name} max limit to request ratio per {kind} is {}", ratio.canonical());
        let some = |amounts: &Amounts| amounts.get(name).filter(|amount| !amount.is_zero()).map(Quantity::billionths);
        match (some(requests), some(limits)) {
            (None, _) => wrong.push(format!("{told}, but no request is specified or request is 0")),
            (_, None) => wrong.push(format!("{told}, but no limit is specified or limit is 0")),
            (Some(request), Some(limit)) => {
                let given = limit as f64 / request as f64;
                if given * 1e9 > ratio.billionths() as f64 {
                    wrong.push(format!("{told}, but provided ratio is {given:.6}"));
                }
            }
        }
    }
}

fn below(
    kind: &str,
    name: &str,
    least: &Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) -> Option<String> {
    let told = format!("minimum {name} usage per {kind} is {}", least.canonical());
    let below = |amount: Option<&Quantity>| amount.filter(|amount| amount.compare(least).is_lt()).cloned();
    match (request, below(request), below(limit)) {
        (None, ..) => Some(format!("{told}.  No request is specified")),
        (_, Some(request), _) => Some(format!("{told}, but request is {}", request.canonical())),
        (_, _, Some(limit)) => Some(format!("{told}, but limit is {}", limit.canonical())),
        _ => None,
    }
}

fn check_claim(limit: &Value, claim: &Value, wrong: &mut Vec<String>) {
    let kind = limit.text("type");
    let requests = Amounts::read(claim.at("spec.resources.requests"));
    for (name, least) in Amounts::read(limit.at("min")).iter() {
        wrong.extend(below(kind, name, least, requests.get(name), None));
    }
    for (name, most) in Amounts::read(limit.at("max")).iter() {
        let told = format!("maximum {name} usage per {kind} is {}", most.canonical());
        match requests.get(name) {
            None => wrong.push(format!("{told}.  No request is specified")),
            Some(request) if request.compare(most).is_gt() => {
                wrong.push(format!("{told}, but request is {}", request.canonical()));
            }
            Some(_) => {}
        }
    }
}

/// Growing a claim: only one that is bound, of a class that allows it.
pub(super) fn validate_resize(attributes: &Attributes, claim: &Value, old: Option<&Value>) -> ApiResult<()> {
    let Some(old) = old else { return Ok(()) };
    if !attributes.is("", "persistentvolumeclaims") || !attributes.subresource.is_empty() {
        return Ok(());
    }
    let size = |claim: &Value| {
        let requests = Amounts::read(claim.at("spec.resources.requests"));
        requests.get("storage").cloned().unwrap_or_else(Quantity::zero)
    };
    if !size(claim).compare(&size(old)).is_gt() {
        return Ok(());
    }
    let refuse = |why: &str| -> ApiResult<()> { Err::<(), ApiError>(attributes.forbidden(Some(claim), why)) };
    if old.text("status.phase") != "Bound" {
        return refuse("Only bound persistent volume claims can be expanded");
    }
    let class = |claim: &Value| {
        let annotated = claim.at("metadata.annotations").get("volume.beta.kubernetes.io/storage-class");
        annotated.and_then(Value::as_str).unwrap_or(claim.text("spec.storageClassName")).to_owned()
    };
    let (name, before) = (class(claim), class(old));
    let classes = attributes.core.store.collection("storage.k8s.io", "storageclasses");
    let found = classes.get(&crate::store::ObjectKey::new("", &name));
    if name != before || !found.is_some_and(|class| class.tree().flag("allowVolumeExpansion")) {
        return refuse(
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support \
             resize",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containers_get_the_defaults_and_the_pod_says_so() {
        let range = json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1", "memory": "1Gi"},
            "defaultRequest": {"cpu": "500m"}}]}});
        let mut pod = json!({"metadata": {}, "spec": {"containers": [
            {"name": "a"}, {"name": "b", "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}}}]}});
        fill_in(&range, &mut pod);
        let resources = json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}});
        assert_eq!(pod["spec"]["containers"][0]["resources"], resources);
        assert_eq!(
            pod["metadata"]["annotations"][ANNOTATION],
            "LimitRanger plugin set: cpu request for container a; cpu, memory limit for container a; memory limit for \
             container b"
        );
    }

    #[test]
    fn what_is_beyond_a_limit_is_told() {
        let limit = json!({"type": "Container", "min": {"cpu": "100m"}, "max": {"memory": "1Gi"},
            "maxLimitRequestRatio": {"cpu": "2"}});
        let pod = json!({"spec": {"containers": [{"name": "a", "resources": {
            "requests": {"cpu": "50m"}, "limits": {"cpu": "200m", "memory": "2Gi"}}}]}});
        let mut wrong = Vec::new();
        check_pod(&limit, &pod, &mut wrong);
        assert_eq!(
            wrong,
            [
                "minimum cpu usage per Container is 100m, but request is 50m",
                "maximum memory usage per Container is 1Gi, but limit is 2Gi",
                "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
            ]
        );
    }
}
