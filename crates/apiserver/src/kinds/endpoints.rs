//! Endpoints and EndpointSlice.

use std::net::IpAddr;

use serde_json::Value;

use super::addresses;
use super::names;
use super::path::Path;
use super::strategy::{KindContext, Strategy, differs_outside};
use super::tree::{Tree, same};
use crate::field::{FieldError, FieldErrorKind};
use crate::status::ApiResult;

pub(super) struct Endpoints;

impl Strategy for Endpoints {
    fn default(&self, _: &str, object: &mut Value) {
        for subset in object.each_mut("subsets") {
            for port in subset.each_mut("ports") {
                port.default_text("protocol", "TCP");
            }
        }
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("subsets");
        let mut errors = Vec::new();
        for (index, subset) in object.list("subsets").iter().enumerate() {
            let path = path.index(index);
            if subset.list("addresses").is_empty() && subset.list("notReadyAddresses").is_empty() {
                errors.push(FieldError::required(path, "must specify `addresses` or `notReadyAddresses`"));
            }
            for list in ["addresses", "notReadyAddresses"] {
                let path = path.child(list);
                for (at, address) in subset.list(list).iter().enumerate() {
                    errors.extend(validate_address(address, &path.index(at)));
                }
            }
            let ports = subset.list("ports");
            let path = path.child("ports");
            for (at, port) in ports.iter().enumerate() {
                let path = path.index(at);
                let name = port.text("name");
                if !name.is_empty() {
                    errors.extend(invalid(names::dns_label(name), name, path.child("name")));
                } else if ports.len() > 1 {
                    errors.push(FieldError::required(path.child("name"), ""));
                }
                errors.extend(addresses::port(port.int("port").unwrap_or_default(), path.child("port")));
                errors.extend(addresses::protocol(port.text("protocol"), path.child("protocol")));
                errors.extend(app_protocol(port, &path));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        // What was let in once may stay.
        if same(new.at("subsets"), old.at("subsets")) { Vec::new() } else { self.validate(new) }
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn deprecation(&self) -> Option<&'static str> {
        Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

pub(super) struct EndpointSlice;

impl Strategy for EndpointSlice {
    fn default(&self, _: &str, object: &mut Value) {
        for port in object.each_mut("ports") {
            port.default_to("name", "");
            port.default_to("protocol", "TCP");
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn generation_changes(&self, new: &Value, old: &Value) -> bool {
        differs_outside(new, old, &["apiVersion", "kind", "metadata"])
            || !same(new.at("metadata.labels"), old.at("metadata.labels"))
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        drop_topology(object);
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        if !same(new.at("endpoints"), old.at("endpoints")) {
            drop_topology(new);
        }
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = slice_frame(object);
        errors.extend(slice_endpoints(object.list("endpoints"), object.text("addressType")));
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = slice_frame(new);
        // What was let in once may stay.
        if !same(new.at("endpoints"), old.at("endpoints")) {
            errors.extend(slice_endpoints(new.list("endpoints"), new.text("addressType")));
        }
        if new.text("addressType") != old.text("addressType") {
            errors.push(FieldError::invalid("addressType", new.text("addressType"), "field is immutable"));
        }
        errors
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let deprecated = old.is_none() && new.text("addressType") == "FQDN";
        deprecated.then(|| "spec.addressType: FQDN endpoints are deprecated".into()).into_iter().collect()
    }
}

/// The most zones, and the most nodes, that an endpoint is for.
const MOST_HINTS: usize = 8;

/// Writes to the old topology field are dropped.
fn drop_topology(object: &mut Value) {
    for endpoint in object.each_mut("endpoints") {
        endpoint.drop_field("deprecatedTopology");
    }
}

fn validate_address(address: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let ip = address.text("ip");
    let mut errors = addresses::ip(ip, path.child("ip"));
    let host = address.text("hostname");
    if !host.is_empty() {
        errors.extend(invalid(names::dns_label(host), host, path.child("hostname")));
    }
    if let Some(node) = address.at("nodeName").as_str() {
        errors.extend(invalid(names::dns_subdomain(node), node, path.child("nodeName")));
    }
    if ip.parse::<IpAddr>().is_ok() {
        errors.extend(addresses::endpoint_ip(ip, path.child("ip")));
    } else {
        errors.push(FieldError::invalid(path.child("ip"), ip, "must be a valid IP address"));
    }
    errors
}

fn slice_frame(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let kind = object.text("addressType");
    let kinds = ["FQDN", "IPv4", "IPv6"];
    if kind.is_empty() {
        errors.push(FieldError::required("addressType", ""));
    } else if !kinds.contains(&kind) {
        errors.push(FieldError::not_supported("addressType", kind, &kinds));
    }
    errors.extend(slice_ports(object.list("ports")));
    errors
}

fn slice_ports(ports: &[Value]) -> Vec<FieldError> {
    let path = Path::new("ports");
    let mut errors = Vec::new();
    if ports.len() > 20_000 {
        return vec![too_many(path, ports.len(), 20_000)];
    }
    for (index, port) in ports.iter().enumerate() {
        let path = path.index(index);
        let name = port.text("name");
        if !name.is_empty() {
            errors.extend(invalid(names::dns_label(name), name, path.child("name")));
        }
        if ports[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(path.child("name"), name));
        }
        errors.extend(addresses::protocol(port.text("protocol"), path.child("protocol")));
        errors.extend(app_protocol(port, &path));
    }
    errors
}

fn slice_endpoints(endpoints: &[Value], kind: &str) -> Vec<FieldError> {
    let path = Path::new("endpoints");
    let mut errors = Vec::new();
    if endpoints.len() > 1000 {
        return vec![too_many(path, endpoints.len(), 1000)];
    }
    for (index, endpoint) in endpoints.iter().enumerate() {
        let path = path.index(index);
        let list = path.child("addresses");
        let given = endpoint.list("addresses");
        if given.is_empty() {
            errors.push(FieldError::required(list, "must contain at least 1 address"));
        } else if given.len() > 100 {
            errors.push(too_many(list, given.len(), 100));
        }
        for (at, address) in given.iter().filter_map(Value::as_str).enumerate() {
            match (kind, address.parse::<IpAddr>()) {
                ("IPv4" | "IPv6", Err(_)) => errors.extend(addresses::ip(address, list.index(at))),
                ("IPv4" | "IPv6", Ok(ip)) => {
                    if ip.is_ipv4() != (kind == "IPv4") {
                        errors.push(FieldError::invalid(list, address, format!("must be an {kind} address")));
                    }
                    errors.extend(addresses::endpoint_ip(address, list.index(at)));
                }
                ("FQDN", _) => {
                    errors.extend(invalid(names::dns_subdomain(address), address, list.index(at)));
                }
                _ => {}
            }
        }
        if let Some(node) = endpoint.at("nodeName").as_str() {
            errors.extend(invalid(names::dns_subdomain(node), node, path.child("nodeName")));
        }
        if let Some(host) = endpoint.at("hostname").as_str() {
            errors.extend(invalid(names::dns_label(host), host, path.child("hostname")));
        }
        errors.extend(hints(endpoint.at("hints"), &path.child("hints")));
    }
    errors
}

/// Where the traffic of an endpoint should come from.
fn hints(hints: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for list in ["forZones", "forNodes"] {
        let given = hints.list(list);
        let path = path.child(list);
        if given.len() > MOST_HINTS {
            errors.push(too_many(path, given.len(), MOST_HINTS));
            return errors;
        }
        for (index, hint) in given.iter().enumerate() {
            let name = hint.text("name");
            let at = path.index(index);
            if given[..index].iter().any(|other| other.text("name") == name) {
                errors.push(FieldError::duplicate(at.child("name"), name));
            } else {
                let wrong = if list == "forZones" { names::label_value(name) } else { names::dns_subdomain(name) };
                errors.extend(invalid(wrong, name, at.child("name")));
            }
        }
    }
    errors
}

fn app_protocol(port: &Value, path: &Path<'_>) -> Vec<FieldError> {
    match port.at("appProtocol").as_str() {
        Some(protocol) => invalid(names::qualified_name(protocol), protocol, path.child("appProtocol")),
        None => Vec::new(),
    }
}

fn invalid(messages: Vec<String>, text: &str, path: Path<'_>) -> Vec<FieldError> {
    messages.into_iter().map(|message| FieldError::invalid(path, text, message)).collect()
}

fn too_many(path: Path<'_>, found: usize, limit: usize) -> FieldError {
    let detail = format!("must have at most {limit} items");
    let mut error = FieldError::new(FieldErrorKind::TooMany, path, Value::Null, detail);
    error.value = found.into();
    error
}
