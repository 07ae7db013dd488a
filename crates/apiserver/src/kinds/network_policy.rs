//! NetworkPolicy.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::addresses;
use super::names;
use super::path::Path;
use super::selector;
use super::strategy::Strategy;
use super::tree::Tree;
use crate::field::FieldError;

const SPEC: Path<'static> = Path::new("spec");

pub(super) struct NetworkPolicy;

impl Strategy for NetworkPolicy {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        if spec.list("policyTypes").is_empty() {
            let both = !spec.list("egress").is_empty();
            spec.set("policyTypes", if both { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
        }
        for direction in ["ingress", "egress"] {
            for rule in spec.each_mut(direction) {
                for port in rule.each_mut("ports") {
                    port.default_to("protocol", "TCP");
                }
            }
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let spec = object.at("spec");
        let mut errors = selector::validate(spec.at("podSelector"), &SPEC.child("podSelector"));
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            let path = SPEC.child(direction);
            for (index, rule) in spec.list(direction).iter().enumerate() {
                let path = path.index(index);
                let ports = path.child("ports");
                for (at, port) in rule.list("ports").iter().enumerate() {
                    errors.extend(validate_port(port, &ports.index(at)));
                }
                let list = path.child(peers);
                for (at, peer) in rule.list(peers).iter().enumerate() {
                    errors.extend(validate_peer(peer, &list.index(at)));
                }
            }
        }
        let types = spec.list("policyTypes");
        let path = SPEC.child("policyTypes");
        if types.len() > 2 {
            let detail = "may not specify more than two policyTypes";
            errors.push(FieldError::invalid(path, types.to_vec(), detail));
            return errors;
        }
        for (index, one) in types.iter().enumerate() {
            if !matches!(one.as_str(), Some("Ingress" | "Egress")) {
                errors.push(FieldError::not_supported(path.index(index), one.clone(), &["Ingress", "Egress"]));
            }
        }
        errors
    }
}

fn validate_port(port: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let protocols = ["TCP", "UDP", "SCTP"];
    let protocol = port.text("protocol");
    if port.has("protocol") && !protocols.contains(&protocol) {
        errors.push(FieldError::not_supported(path.child("protocol"), protocol, &protocols));
    }
    let end = port.int("endPort");
    let end_path = path.child("endPort");
    match port.at("port") {
        Value::Null => {
            if let Some(end) = end {
                let detail = "may not be specified when `port` is not specified";
                errors.push(FieldError::invalid(end_path, end, detail));
            }
        }
        Value::String(name) => {
            if let Some(end) = end {
                let detail = "may not be specified when `port` is non-numeric";
                errors.push(FieldError::invalid(end_path, end, detail));
            }
            for message in names::port_name(name) {
                errors.push(FieldError::invalid(path.child("port"), name.as_str(), message));
            }
        }
        number => {
            let number = number.as_i64().unwrap_or_default();
            errors.extend(addresses::port(number, path.child("port")));
            if let Some(end) = end {
                if end < number {
                    let detail = "must be greater than or equal to `port`";
                    errors.push(FieldError::invalid(end_path, number, detail));
                }
                errors.extend(addresses::port(end, end_path));
            }
        }
    }
    errors
}

fn validate_peer(peer: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut given = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if peer.has(field) {
            given += 1;
            errors.extend(selector::validate(peer.at(field), &path.child(field)));
        }
    }
    if peer.has("ipBlock") {
        given += 1;
        errors.extend(validate_block(peer.at("ipBlock"), &path.child("ipBlock")));
        if given > 1 {
            errors.push(FieldError::forbidden(*path, "may not specify both ipBlock and another peer"));
        }
    }
    if given == 0 {
        errors.push(FieldError::required(*path, "must specify a peer"));
    }
    errors
}

fn validate_block(block: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let text = block.text("cidr");
    if text.is_empty() {
        return vec![FieldError::required(path.child("cidr"), "")];
    }
    let mut errors = addresses::cidr(text, path.child("cidr"));
    let Some(range) = addresses::parse_cidr(text) else { return errors };
    let list = path.child("except");
    for (index, except) in block.list("except").iter().filter_map(Value::as_str).enumerate() {
        errors.extend(addresses::cidr(except, list.index(index)));
        let Some(inner) = addresses::parse_cidr(except) else { continue };
        if range.1 >= inner.1 || !contains(range, inner.0) {
            errors.push(FieldError::invalid(list.index(index), except, "must be a strict subset of `cidr`"));
        }
    }
    errors
}

fn contains((network, length): (IpAddr, u8), address: IpAddr) -> bool {
    let (network, address, bits) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(u32::from(network)), u128::from(u32::from(address)), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (u128::from(network), u128::from(address), 128),
        _ => return false,
    };
    let shift = bits - u32::from(length);
    shift >= 128 || network >> shift == address >> shift
}
