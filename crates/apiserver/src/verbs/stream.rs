//! What only the node of a Pod could answer: logs, exec, attach, port forwarding, proxies.
//!
//! What can be said without a node is said as a real server does; beyond that there is no kubelet to ask.

use serde_json::Value;

use super::call::{Call, Content, Reply};
use crate::kinds::tree::Tree;
use crate::status::{ApiError, ApiResult};
use crate::store::ObjectKey;

/// Whether a subresource is one of these.
pub(super) fn is_stream(subresource: &str) -> bool {
    crate::authorization::is_stream(subresource)
}

/// Answers as far as that can be done without a node.
pub(super) fn answer(call: &Call) -> ApiResult<Reply> {
    let key = ObjectKey::new(&call.namespace, &call.name);
    let resource = &call.resource;
    let Some(stored) = resource.collection().get(&key) else {
        return Err(ApiError::not_found(&resource.group, &resource.plural, &call.name));
    };
    let object = stored.tree();
    match (resource.plural.as_str(), call.subresource.as_str()) {
        ("services", _) => Err(service_proxy(call)),
        ("nodes", _) => Err(node(call, &object)),
        (_, "proxy") if object.text("status.podIP").is_empty() => Err(ApiError::bad_request("address not allowed")),
        (_, "proxy") => Err(no_kubelet(call)),
        (_, subresource) => pod(call, &object, subresource),
    }
}

fn pod(call: &Call, pod: &Value, subresource: &str) -> ApiResult<Reply> {
    if subresource != "portforward" {
        check_container(pod, call.query.get("container").unwrap_or_default())?;
    }
    let name = pod.text("spec.nodeName");
    if name.is_empty() {
        if subresource == "log" {
            let content = Content::Other { media_type: "", bytes: Vec::new().into() };
            return Ok(Reply { code: 204, content, headers: Vec::new() });
        }
        return Err(ApiError::bad_request(format!("pod {} does not have a host assigned", call.name)));
    }
    let nodes = call.core.store.collection("", "nodes");
    match nodes.get(&ObjectKey::new("", name)) {
        // The real server names the resource of the request here.
        None => Err(ApiError::not_found("", &call.resource.plural, name)),
        Some(stored) => {
            let refused = node(call, &stored.tree());
            let upgrade = call.headers.contains_key(http::header::UPGRADE);
            if refused.code == 501 && subresource != "log" && !upgrade {
                return Err(ApiError::bad_request("Upgrade request required"));
            }
            Err(refused)
        }
    }
}

/// The container of the request, or the only one, must be there.
fn check_container(pod: &Value, container: &str) -> ApiResult<()> {
    let names = |list: &str| -> Vec<&str> { pod.at("spec").list(list).iter().map(|one| one.text("name")).collect() };
    let all = [names("initContainers"), names("containers"), names("ephemeralContainers")].concat();
    let several = pod.at("spec").list("containers").len() > 1;
    let pod = pod.text("metadata.name");
    Err(ApiError::bad_request(match container {
        "" if several => {
            format!("a container name must be specified for pod {pod}, choose one of: [{}]", all.join(" "))
        }
        container if container.is_empty() || all.contains(&container) => return Ok(()),
        container => format!("container {container} is not valid for pod {pod}"),
    }))
}

fn node(call: &Call, node: &Value) -> ApiError {
    if node.list("status.addresses").is_empty() {
        return ApiError::new(500, "", "no preferred addresses found; known addresses: []");
    }
    no_kubelet(call)
}

fn service_proxy(call: &Call) -> ApiError {
    let endpoints = call.core.store.collection("", "endpoints").get(&ObjectKey::new(&call.namespace, &call.name));
    let ready = |subset: &Value| !subset.list("addresses").is_empty();
    if endpoints.is_some_and(|stored| stored.tree().list("subsets").iter().any(ready)) {
        return no_kubelet(call);
    }
    let why = format!("no endpoints available for service {:?}", call.name);
    ApiError::new(503, "ServiceUnavailable", why)
}

fn no_kubelet(call: &Call) -> ApiError {
    let why = format!(
        "{}/{} of {:?} needs a node that runs containers, which this control plane has not; use a cluster that has",
        call.resource.plural, call.subresource, call.name
    );
    ApiError::new(501, "NotImplemented", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_container_is_chosen_or_the_only_one() {
        let pod = |containers: &[&str], init: &[&str]| {
            let list = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
            json!({"metadata": {"name": "p"}, "spec": {"containers": list(containers), "initContainers": list(init)}})
        };
        let why = |pod: &Value, container: &str| check_container(pod, container).map_err(|error| error.message);
        assert_eq!(why(&pod(&["a"], &["i"]), ""), Ok(()));
        assert_eq!(why(&pod(&["a", "b"], &["i"]), "i"), Ok(()));
        assert_eq!(why(&pod(&["a"], &[]), "x"), Err("container x is not valid for pod p".into()));
        let text = "a container name must be specified for pod p, choose one of: [i a b]";
        assert_eq!(why(&pod(&["a", "b"], &["i"]), ""), Err(text.into()));
    }
}
