//! Warnings on a Service: fields that are ignored or on their way out.

use serde_json::Value;

use crate::kinds::tree::Tree;

/// Warnings on a new or changed Service.
pub(super) fn service(service: &Value) -> Vec<String> {
    let spec = service.at("spec");
    let mut list = Vec::new();
    let mut warn = |applies: bool, text: &str| {
        if applies {
            list.push(text.to_string());
        }
    };
    let hints = "service.kubernetes.io/topology-aware-hints";
    warn(
        service.at("metadata.annotations").get(hints).is_some(),
        &format!("annotation {hints} is deprecated, please use service.kubernetes.io/topology-mode instead"),
    );
    let kind = spec.text("type");
    let headless = kind == "ClusterIP" && spec.text("clusterIP") == "None";
    let external = kind == "ExternalName";
    let addresses = !spec.list("externalIPs").is_empty();
    if headless {
        warn(!spec.text("loadBalancerIP").is_empty(), "spec.loadBalancerIP is ignored for headless services");
        warn(addresses, "spec.externalIPs is ignored for headless services");
        warn(spec.text("sessionAffinity") != "None", "spec.SessionAffinity is ignored for headless services");
    }
    warn(
        addresses && !headless && !external,
        "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
    );
    warn(addresses && external, "spec.externalIPs is ignored when spec.type is \"ExternalName\"");
    warn(
        !external && !spec.text("externalName").is_empty(),
        "spec.externalName is ignored when spec.type is not \"ExternalName\"",
    );
    warn(
        spec.text("trafficDistribution") == "PreferClose",
        "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"",
    );
    list
}
