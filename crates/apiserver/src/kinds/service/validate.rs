//! Checks of a Service.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{externally_accessible, is_headless, is_load_balancer, needs_health_check};
use crate::field::FieldError;
use crate::go_text::{Absent, internal_json};
use crate::kinds::addresses;
use crate::kinds::metadata::validate_labels;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::tree::{Tree, same};

const SPEC: Path<'static> = Path::new("spec");

/// Checks a whole Service.
pub(super) fn service(object: &Value) -> Vec<FieldError> {
    let spec = object.at("spec");
    let kind = spec.text("type");
    let ports = spec.list("ports");
    let mut errors = Vec::new();
    if ports.is_empty() && !is_headless(spec) && kind != "ExternalName" {
        errors.push(FieldError::required(SPEC.child("ports"), ""));
    }
    match kind {
        "LoadBalancer" | "NodePort" if is_headless(spec) => {
            let detail = format!("may not be set to 'None' for {kind} services");
            errors.push(FieldError::invalid(SPEC.child("clusterIPs").index(0), "None", detail));
        }
        "ExternalName" => errors.extend(external_name(spec)),
        _ => {}
    }
    errors.extend(each_port(spec));
    errors.extend(validate_labels(spec.at("selector"), &SPEC.child("selector")));
    errors.extend(session_affinity(spec));
    errors.extend(cluster_ip_fields(spec));
    for (index, ip) in spec.list("externalIPs").iter().filter_map(Value::as_str).enumerate() {
        let path = SPEC.child("externalIPs");
        errors.extend(addresses::endpoint_ip(ip, path.index(index)));
    }
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !kinds.contains(&kind) {
        errors.push(FieldError::not_supported(SPEC.child("type"), kind, &kinds));
    }
    errors.extend(node_ports(spec));
    errors.extend(source_ranges(object));
    if spec.has("allocateLoadBalancerNodePorts") && !is_load_balancer(spec) {
        let detail = "may only be used when `type` is 'LoadBalancer'";
        errors.push(FieldError::forbidden(SPEC.child("allocateLoadBalancerNodePorts"), detail));
    }
    errors.extend(load_balancer_class(spec));
    errors.extend(traffic_policies(spec));
    errors
}

/// Checks an update.
pub(super) fn update(new: &Value, old: &Value) -> Vec<FieldError> {
    let (spec, old) = (new.at("spec"), old.at("spec"));
    let mut errors = Vec::new();
    let both_addressed = spec.text("type") != "ExternalName" && old.text("type") != "ExternalName";
    if both_addressed && !(is_headless(spec) && is_headless(old)) {
        let (ips, old_ips) = (spec.list("clusterIPs"), old.list("clusterIPs"));
        let path = SPEC.child("clusterIPs");
        let value = || spec.at("clusterIPs").clone();
        if ips.len() == old_ips.len() {
            for index in (0..ips.len()).filter(|index| ips[*index] != old_ips[*index]) {
                errors.push(FieldError::invalid(path.index(index), value(), "may not change once set"));
            }
        } else if ips.is_empty() {
            errors.push(FieldError::invalid(path.index(0), value(), "primary clusterIP can not be unset"));
        } else if !old_ips.is_empty() && ips[0] != old_ips[0] {
            errors.push(FieldError::invalid(path.index(0), value(), "may not change once set"));
        }
        let (families, old_families) = (spec.list("ipFamilies"), old.list("ipFamilies"));
        if is_headless(spec) == is_headless(old)
            && families.first().is_some_and(|family| old_families.first().is_some_and(|first| first != family))
        {
            let path = SPEC.child("ipFamilies");
            let detail = "may not change once set";
            errors.push(FieldError::invalid(path.index(0), spec.at("ipFamilies").clone(), detail));
        }
    }
    if is_load_balancer(spec)
        && is_load_balancer(old)
        && !same(spec.at("loadBalancerClass"), old.at("loadBalancerClass"))
    {
        let value = spec.at("loadBalancerClass").clone();
        errors.push(FieldError::invalid(SPEC.child("loadBalancerClass"), value, "may not change once set"));
    }
    errors.extend(load_balancer_class(spec));
    if needs_health_check(spec)
        && needs_health_check(old)
        && spec.int("healthCheckNodePort") != old.int("healthCheckNodePort")
    {
        errors.push(FieldError::forbidden(SPEC.child("healthCheckNodePort"), "field is immutable"));
    }
    errors.extend(service(new));
    errors
}

/// Checks `status.loadBalancer`.
pub(super) fn load_balancer_status(object: &Value) -> Vec<FieldError> {
    let path = Path::new("status.loadBalancer.ingress");
    let ingress = object.list("status.loadBalancer.ingress");
    let mut errors = Vec::new();
    if !is_load_balancer(object.at("spec")) && !ingress.is_empty() {
        errors.push(FieldError::forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'"));
        return errors;
    }
    for (index, one) in ingress.iter().enumerate() {
        let path = path.index(index);
        let (ip, host) = (one.text("ip"), one.text("hostname"));
        if !ip.is_empty() {
            errors.extend(addresses::ip(ip, path.child("ip")));
        }
        match one.at("ipMode") {
            Value::Null if !ip.is_empty() => {
                errors.push(FieldError::required(path.child("ipMode"), "must be specified when `ip` is set"));
            }
            Value::Null => {}
            _ if ip.is_empty() => {
                errors.push(FieldError::forbidden(path.child("ipMode"), "may not be specified when `ip` is not set"));
            }
            mode if !["Proxy", "VIP"].contains(&mode.as_str().unwrap_or_default()) => {
                errors.push(FieldError::not_supported(path.child("ipMode"), mode.clone(), &["Proxy", "VIP"]));
            }
            _ => {}
        }
        if !host.is_empty() {
            for message in names::dns_subdomain(host) {
                errors.push(FieldError::invalid(path.child("hostname"), host, message));
            }
            if host.parse::<IpAddr>().is_ok() {
                let detail = "must be a DNS name, not an IP address";
                errors.push(FieldError::invalid(path.child("hostname"), host, detail));
            }
        }
    }
    errors
}

/// Checks clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy against each other.
pub(super) fn cluster_ip_fields(spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.text("type") == "ExternalName" {
        return errors;
    }
    let (ip, ips) = (spec.text("clusterIP"), spec.list("clusterIPs"));
    let path = SPEC.child("clusterIPs");
    let value = || spec.at("clusterIPs").clone();
    if ip.is_empty() {
        if !ips.is_empty() {
            errors.push(FieldError::invalid(path, value(), "must be empty when `clusterIP` is not specified"));
        }
    } else if ips.is_empty() {
        errors.push(FieldError::required(path, ""));
    } else if ips[0] != ip {
        errors.push(FieldError::invalid(path, value(), "first value must match `clusterIP`"));
    }
    let families = spec.list("ipFamilies");
    let family_path = SPEC.child("ipFamilies");
    for (index, family) in families.iter().enumerate() {
        if family != "IPv4" && family != "IPv6" {
            let path = family_path.index(index);
            errors.push(FieldError::not_supported(path, family.clone(), &["IPv4", "IPv6"]));
        }
        if families[..index].contains(family) {
            errors.push(FieldError::duplicate(family_path.index(index), family.clone()));
        }
    }
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    let policy = spec.text("ipFamilyPolicy");
    if spec.has("ipFamilyPolicy") && !policies.contains(&policy) {
        errors.push(FieldError::not_supported(SPEC.child("ipFamilyPolicy"), policy, &policies));
    }
    let mut broken = false;
    for (index, ip) in ips.iter().filter_map(Value::as_str).enumerate() {
        if index == 0 && ip == "None" {
            if ips.len() > 1 {
                broken = true;
                errors.push(FieldError::invalid(path, value(), "'None' must be the first and only value"));
            }
            continue;
        }
        let wrong = addresses::ip(ip, path.index(index));
        broken |= !wrong.is_empty();
        errors.extend(wrong);
    }
    if ips.len() > 2 {
        errors.push(FieldError::invalid(path, value(), "may only hold up to 2 values"));
    }
    if broken || is_headless(spec) {
        return errors;
    }
    let is_v6 = |ip: &Value| ip.as_str().is_some_and(|ip| ip.contains(':'));
    if ips.len() > 1 && ips.iter().all(is_v6) == ips.iter().any(is_v6) {
        errors.push(FieldError::invalid(path, value(), "may specify no more than one IP for each IP family"));
    }
    for (index, (ip, family)) in ips.iter().zip(families).enumerate() {
        let wrong = if is_v6(ip) { family == "IPv4" } else { family == "IPv6" };
        if wrong {
            let family = family.as_str().unwrap_or_default();
            let detail = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            errors.push(FieldError::invalid(path.index(index), ip.clone(), detail));
        }
    }
    errors
}

fn external_name(spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if !same(spec.at(field), &Value::Null) {
            errors.push(FieldError::forbidden(SPEC.child(field), "may not be set for ExternalName services"));
        }
    }
    let path = SPEC.child("externalName");
    let name = spec.text("externalName");
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        errors.push(FieldError::required(path, ""));
    } else {
        errors.extend(names::dns_subdomain(name).into_iter().map(|message| FieldError::invalid(path, name, message)));
    }
    errors
}

fn each_port(spec: &Value) -> Vec<FieldError> {
    let ports = spec.list("ports");
    let list = SPEC.child("ports");
    let mut errors = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let path = list.index(index);
        let name = port.text("name");
        if name.is_empty() {
            if ports.len() > 1 {
                errors.push(FieldError::required(path.child("name"), ""));
            }
        } else {
            for message in names::dns_label(name) {
                errors.push(FieldError::invalid(path.child("name"), name, message));
            }
            if ports[..index].iter().any(|other| other.text("name") == name) {
                errors.push(FieldError::duplicate(path.child("name"), name));
            }
        }
        errors.extend(addresses::port(port.int("port").unwrap_or_default(), path.child("port")));
        errors.extend(addresses::protocol(port.text("protocol"), path.child("protocol")));
        errors.extend(addresses::port_or_name(port.at("targetPort"), path.child("targetPort")));
        if port.has("appProtocol") {
            let protocol = port.text("appProtocol");
            for message in names::qualified_name(protocol) {
                errors.push(FieldError::invalid(path.child("appProtocol"), protocol, message));
            }
        }
    }
    errors
}

fn node_ports(spec: &Value) -> Vec<FieldError> {
    let ports = spec.list("ports");
    let list = SPEC.child("ports");
    let node_port = |port: &Value| port.int("nodePort").filter(|number| *number != 0);
    let mut errors = Vec::new();
    if spec.text("type") == "ClusterIP" {
        for index in (0..ports.len()).filter(|index| node_port(&ports[*index]).is_some()) {
            let detail = "may not be used when `type` is 'ClusterIP'";
            errors.push(FieldError::forbidden(list.index(index).child("nodePort"), detail));
        }
    }
    let twice = |index: usize, field: &str| {
        let here = (ports[index].text("protocol"), ports[index].int(field));
        ports[..index].iter().any(|other| (other.text("protocol"), other.int(field)) == here)
    };
    for (index, port) in ports.iter().enumerate() {
        if let Some(number) = node_port(port)
            && twice(index, "nodePort")
        {
            errors.push(FieldError::duplicate(list.index(index).child("nodePort"), number));
        }
    }
    for index in (0..ports.len()).filter(|index| twice(*index, "port")) {
        // Of the port the real server shows only these two; all else of its internal struct is empty.
        let value = json!({"port": ports[index].at("port"), "protocol": ports[index].at("protocol")});
        let fields = [
            ("Name", "", Absent::Text),
            ("Protocol", "protocol", Absent::Text),
            ("AppProtocol", "", Absent::Nil),
            ("Port", "port", Absent::Number),
            ("TargetPort", "", Absent::Number),
            ("NodePort", "", Absent::Number),
        ];
        let text = internal_json(&value, &fields);
        errors.push(FieldError::duplicate(list.index(index), value).showing(text));
    }
    errors
}

fn session_affinity(spec: &Value) -> Vec<FieldError> {
    let path = SPEC.child("sessionAffinity");
    match spec.text("sessionAffinity") {
        "None" => Vec::new(),
        "ClientIP" => {
            let path = SPEC.child("sessionAffinityConfig");
            let path = path.child("clientIP");
            let seconds = spec.int("sessionAffinityConfig.clientIP.timeoutSeconds").unwrap_or_default();
            if (1..=86400).contains(&seconds) {
                return Vec::new();
            }
            let detail = "must be greater than 0 and less than 86400";
            vec![FieldError::invalid(path.child("timeoutSeconds"), seconds, detail)]
        }
        other => vec![FieldError::not_supported(path, other, &["ClientIP", "None"])],
    }
}

fn source_ranges(object: &Value) -> Vec<FieldError> {
    const ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let spec = object.at("spec");
    let ranges = spec.list("loadBalancerSourceRanges");
    let path = SPEC.child("LoadBalancerSourceRanges");
    let mut errors = Vec::new();
    if !ranges.is_empty() && !is_load_balancer(spec) {
        errors.push(FieldError::forbidden(path, "may only be used when `type` is 'LoadBalancer'"));
    }
    for (index, range) in ranges.iter().filter_map(Value::as_str).enumerate() {
        errors.extend(addresses::cidr(range.trim(), path.index(index)));
    }
    let old = object.at("metadata.annotations").get(ANNOTATION).and_then(Value::as_str);
    if let Some(old) = old.filter(|_| ranges.is_empty()) {
        let path = Path::new("metadata.annotations");
        let path = path.key(ANNOTATION);
        if !is_load_balancer(spec) {
            errors.push(FieldError::forbidden(path, "may only be used when `type` is 'LoadBalancer'"));
        }
        let ranges = old.split(',').map(str::trim).filter(|_| !old.trim().is_empty());
        errors.extend(ranges.flat_map(|range| addresses::cidr(range, path)));
    }
    errors
}

fn load_balancer_class(spec: &Value) -> Vec<FieldError> {
    let path = SPEC.child("loadBalancerClass");
    let class = spec.text("loadBalancerClass");
    if !spec.has("loadBalancerClass") {
        Vec::new()
    } else if is_load_balancer(spec) {
        names::qualified_name(class).into_iter().map(|message| FieldError::invalid(path, class, message)).collect()
    } else {
        vec![FieldError::forbidden(path, "may only be used when `type` is 'LoadBalancer'")]
    }
}

fn traffic_policies(spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let path = SPEC.child("externalTrafficPolicy");
    let policy = spec.text("externalTrafficPolicy");
    if externally_accessible(spec) {
        if policy.is_empty() {
            errors.push(FieldError::required(path, ""));
        } else if !["Cluster", "Local"].contains(&policy) {
            errors.push(FieldError::not_supported(path, policy, &["Cluster", "Local"]));
        }
    } else if !policy.is_empty() {
        errors.push(FieldError::invalid(path, policy, "may only be set for externally-accessible services"));
    }
    let path = SPEC.child("healthCheckNodePort");
    let port = spec.int("healthCheckNodePort").unwrap_or_default();
    if needs_health_check(spec) {
        if port == 0 {
            errors.push(FieldError::required(path, ""));
        } else {
            errors.extend(addresses::port(port, path));
        }
    } else if port != 0 {
        let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(FieldError::invalid(path, port, detail));
    }
    let path = SPEC.child("internalTrafficPolicy");
    let policy = spec.text("internalTrafficPolicy");
    if spec.has("internalTrafficPolicy") {
        if !["Cluster", "Local"].contains(&policy) {
            errors.push(FieldError::not_supported(path, policy, &["Cluster", "Local"]));
        }
    } else if matches!(spec.text("type"), "NodePort" | "LoadBalancer" | "ClusterIP") {
        errors.push(FieldError::required(path, ""));
    }
    let distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    let distribution = spec.text("trafficDistribution");
    if spec.has("trafficDistribution") && !distributions.contains(&distribution) {
        let path = SPEC.child("trafficDistribution");
        errors.push(FieldError::not_supported(path, distribution, &distributions));
    }
    errors
}
