//! Services and what leads to them.

use serde_json::Value;

use super::{Row, text};
use crate::kinds::tree::Tree;

/// Hosts, addresses and ports shown before a list is cut short.
const SHOWN: usize = 3;

pub(super) fn service(row: Row<'_>) -> Vec<Value> {
    let spec = row.object.at("spec");
    let ports: Vec<String> = spec
        .list("ports")
        .iter()
        .map(|port| {
            let (number, protocol) = (port.int("port").unwrap_or_default(), port.text("protocol"));
            match port.int("nodePort").filter(|node_port| *node_port > 0) {
                Some(node_port) => format!("{number}:{node_port}/{protocol}"),
                None => format!("{number}/{protocol}"),
            }
        })
        .collect();
    let ports = if ports.is_empty() { "<none>".into() } else { ports.join(",") };
    vec![
        row.name().into(),
        row.text("spec.type").into(),
        spec.list("clusterIPs").first().cloned().unwrap_or_else(|| "<none>".into()),
        external_ip(row).into(),
        ports.into(),
        row.age().into(),
        text::labels(spec.at("selector")).into(),
    ]
}

pub(super) fn endpoints(row: Row<'_>) -> Vec<Value> {
    let subsets = row.object.list("subsets");
    let mut texts = Vec::new();
    for subset in subsets {
        let ips = || subset.list("addresses").iter().map(|address| address.text("ip"));
        if subset.list("ports").is_empty() {
            texts.extend(ips().map(String::from));
        }
        for port in subset.list("ports") {
            let port = port.int("port").unwrap_or_default();
            texts.extend(
                ips().map(|ip| if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }),
            );
        }
    }
    let text = if subsets.is_empty() { "<none>".into() } else { text::shortened(&texts, SHOWN, texts.len()) };
    vec![row.name().into(), text.into(), row.age().into()]
}

pub(super) fn endpoint_slice(row: Row<'_>) -> Vec<Value> {
    let ports: Vec<String> = row
        .object
        .list("ports")
        .iter()
        .map(|port| match (port.int("port"), port.at("name").as_str()) {
            (Some(number), _) => number.to_string(),
            (None, Some(name)) => name.into(),
            (None, None) => "*".into(),
        })
        .collect();
    let addresses: Vec<String> = row
        .object
        .list("endpoints")
        .iter()
        .flat_map(|endpoint| endpoint.list("addresses"))
        .filter_map(Value::as_str)
        .map(String::from)
        .collect();
    let shown = |texts: &[String]| match text::shortened(texts, SHOWN, texts.len()) {
        text if text.is_empty() => "<unset>".to_string(),
        text => text,
    };
    vec![
        row.name().into(),
        row.text("addressType").into(),
        shown(&ports).into(),
        shown(&addresses).into(),
        row.age().into(),
    ]
}

pub(super) fn ingress(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name().into(),
        row.object.at("spec.ingressClassName").as_str().unwrap_or("<none>").into(),
        hosts(row.object.list("spec.rules")).into(),
        text::load_balancer(row.object.list("status.loadBalancer.ingress")).into(),
        if row.object.list("spec.tls").is_empty() { "80".into() } else { "80, 443".into() },
        row.age().into(),
    ]
}

pub(super) fn ingress_class(row: Row<'_>) -> Vec<Value> {
    let parameters = row.object.at("spec.parameters");
    let shown = if parameters.is_object() {
        let group = parameters.at("apiGroup").as_str().map_or(String::new(), |group| format!(".{group}"));
        format!("{}{group}/{}", parameters.text("kind"), parameters.text("name"))
    } else {
        "<none>".into()
    };
    vec![
        default_name(row, &["ingressclass.kubernetes.io/is-default-class"]).into(),
        row.text("spec.controller").into(),
        shown.into(),
        row.age().into(),
    ]
}

/// The name, marked when an annotation makes the object the default of its kind.
pub(super) fn default_name(row: Row<'_>, annotations: &[&str]) -> String {
    let marked = |annotation: &&str| {
        row.object.at("metadata.annotations").get(*annotation).and_then(Value::as_str) == Some("true")
    };
    let name = row.name();
    if annotations.iter().any(marked) { format!("{name} (default)") } else { name.into() }
}

pub(super) fn network_policy(row: Row<'_>) -> Vec<Value> {
    let selector = row.object.at("spec.podSelector");
    let text = if selector.is_null() { "<none>".into() } else { text::selector(selector, "<none>") };
    vec![row.name().into(), text.into(), row.age().into()]
}

pub(super) fn service_cidr(row: Row<'_>) -> Vec<Value> {
    let ranges: Vec<&str> = row.object.list("spec.cidrs").iter().filter_map(Value::as_str).collect();
    vec![row.name().into(), ranges.join(",").into(), row.age().into()]
}

pub(super) fn ip_address(row: Row<'_>) -> Vec<Value> {
    let parent = row.object.at("spec.parentRef");
    let mut shown = "<none>".to_string();
    if parent.is_object() {
        shown = parent.text("resource").to_lowercase();
        if !parent.text("group").is_empty() {
            shown = format!("{shown}.{}", parent.text("group").to_lowercase());
        }
        for part in ["namespace", "name"] {
            if part == "name" || !parent.text(part).is_empty() {
                shown = format!("{shown}/{}", parent.text(part));
            }
        }
    }
    // The real server sends an age for which it defines no column.
    vec![row.name().into(), shown.into(), row.age().into()]
}

fn external_ip(row: Row<'_>) -> String {
    let mut addresses: Vec<String> = Vec::new();
    let given = row.object.list("spec.externalIPs").iter().filter_map(Value::as_str).map(String::from);
    match row.text("spec.type") {
        "ExternalName" => row.text("spec.externalName").into(),
        "LoadBalancer" => {
            let balancer = text::load_balancer(row.object.list("status.loadBalancer.ingress"));
            addresses.extend((!balancer.is_empty()).then_some(balancer));
            addresses.extend(given);
            if addresses.is_empty() { "<pending>".into() } else { addresses.join(",") }
        }
        "ClusterIP" | "NodePort" => {
            addresses.extend(given);
            if addresses.is_empty() { "<none>".into() } else { addresses.join(",") }
        }
        _ => "<unknown>".into(),
    }
}

fn hosts(rules: &[Value]) -> String {
    let mut named: Vec<&str> = Vec::new();
    let mut more = false;
    for rule in rules {
        more |= named.len() == SHOWN;
        if !more && !rule.text("host").is_empty() {
            named.push(rule.text("host"));
        }
    }
    match named.join(",") {
        _ if named.is_empty() => "*".into(),
        text if more => format!("{text} + {} more...", rules.len() - SHOWN),
        text => text,
    }
}
