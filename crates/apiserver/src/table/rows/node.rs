//! Nodes.

use serde_json::Value;

use super::Row;
use crate::kinds::tree::Tree;

pub(super) fn node(row: Row<'_>) -> Vec<Value> {
    let info = row.object.at("status.nodeInfo");
    let known = |field: &str| match info.text(field) {
        "" => "<unknown>".to_string(),
        text => text.to_string(),
    };
    let mut kernel = known("kernelVersion");
    if !info.text("architecture").is_empty() {
        kernel = format!("{kernel} ({})", info.text("architecture"));
    }
    let address = |kind: &str| {
        let found = row.object.list("status.addresses").iter().find(|address| address.text("type") == kind);
        Value::from(found.map_or("<none>", |address| address.text("address")))
    };
    vec![
        row.name().into(),
        status(row.object).into(),
        roles(row.object).into(),
        row.age().into(),
        info.text("kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        known("osImage").into(),
        kernel.into(),
        known("containerRuntimeVersion").into(),
    ]
}

fn status(node: &Value) -> String {
    let ready = node.list("status.conditions").iter().rfind(|condition| condition.text("type") == "Ready");
    let mut status = match ready.map(|condition| condition.text("status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_string();
    if node.flag("spec.unschedulable") {
        status.push_str(",SchedulingDisabled");
    }
    status
}

fn roles(node: &Value) -> String {
    let mut roles: Vec<&str> = node
        .entries("metadata.labels")
        .filter_map(|(label, value)| match label.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if label == "kubernetes.io/role" => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() { "<none>".into() } else { roles.join(",") }
}
