//! Cluster IPs, IP families and node ports of a Service.
//!
//! The control plane has one family of addresses, IPv4, as a kube-apiserver with one IPv4 range has.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{is_headless, needs_cluster_ip, needs_health_check, needs_node_port, validate};
use crate::field::FieldError;
use crate::kinds::allocation::AllocationError;
use crate::kinds::path::Path;
use crate::kinds::strategy::KindContext;
use crate::kinds::tree::{Tree, same};
use crate::status::{ApiError, ApiResult};

const SPEC: Path<'static> = Path::new("spec");

/// Gives a new Service its addresses.
pub(super) fn on_create(context: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
    let name = object.text("metadata.name").to_string();
    let writer = Writer { context, name: &name };
    let spec = object.ensure("spec");
    if spec.list("clusterIPs").is_empty() && !spec.text("clusterIP").is_empty() {
        let ip = spec.text("clusterIP").to_string();
        spec.set("clusterIPs", json!([ip]));
    }
    writer.families(spec, None)?;
    writer.cluster_ip(spec)?;
    if needs_node_port(spec) {
        writer.node_ports(spec)?;
    }
    if needs_health_check(spec) {
        writer.health_check_port(spec)?;
    }
    Ok(())
}

/// Gives an updated Service the addresses that it kept without naming them, and new ones where it needs them.
pub(super) fn on_update(context: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
    let name = new.text("metadata.name").to_string();
    let writer = Writer { context, name: &name };
    let old = old.at("spec");
    let spec = new.ensure("spec");
    keep_allocated(spec, old);
    follow_cluster_ip(spec, old);
    writer.families(spec, Some(old))?;
    if !needs_cluster_ip(old) && needs_cluster_ip(spec) {
        writer.cluster_ip(spec)?;
    }
    if needs_node_port(spec) {
        writer.updated_node_ports(spec, old)?;
    }
    if needs_health_check(spec) && !needs_health_check(old) {
        writer.health_check_port(spec)?;
    }
    Ok(())
}

struct Writer<'a> {
    context: &'a KindContext<'a>,
    name: &'a str,
}

impl Writer<'_> {
    fn refuse(&self, errors: Vec<FieldError>) -> ApiResult<()> {
        if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid("", "Service", self.name, errors)) }
    }

    fn families(&self, spec: &mut Value, old: Option<&Value>) -> ApiResult<()> {
        if !needs_cluster_ip(spec) || old.is_some_and(|old| keeps_preferred_dual_stack(spec, old)) {
            return Ok(());
        }
        let without_selector = spec.text("clusterIP") == "None" && spec.entries("selector").next().is_none();
        if !spec.has("ipFamilyPolicy") {
            match old.filter(|old| old.has("ipFamilyPolicy")) {
                Some(old) => spec.copy_field("ipFamilyPolicy", old),
                None if without_selector => spec.set("ipFamilyPolicy", "RequireDualStack"),
                None => spec.set("ipFamilyPolicy", "SingleStack"),
            }
        }
        self.refuse(validate::cluster_ip_fields(spec))?;
        let policy = spec.text("ipFamilyPolicy").to_string();
        let policy_path = SPEC.child("ipFamilyPolicy");
        let mut errors = Vec::new();
        if policy == "SingleStack" {
            if let Some(old) = old {
                for field in ["clusterIPs", "ipFamilies"] {
                    if spec.list(field).len() > 1 && same(spec.at(field), old.at(field)) {
                        let first = spec.list(field)[0].clone();
                        spec.set(field, vec![first]);
                    }
                }
            }
            for (field, what) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
                if spec.list(field).len() == 2 {
                    let detail =
                        format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
                    errors.push(FieldError::invalid(policy_path, policy.as_str(), detail));
                }
            }
        }
        let mut families = spec.list("ipFamilies").to_vec();
        for (index, ip) in spec.list("clusterIPs").iter().filter_map(Value::as_str).enumerate() {
            if ip == "None" {
                break;
            }
            if index >= families.len() {
                if ip.contains(':') {
                    let path = SPEC.child("clusterIPs");
                    let value = spec.at("clusterIPs").clone();
                    let detail = "IPv6 is not configured on this cluster";
                    errors.push(FieldError::invalid(path.index(index), value, detail));
                } else {
                    families.push(json!("IPv4"));
                }
            }
        }
        self.refuse(errors)?;
        if without_selector {
            if families.is_empty() {
                families.push(json!("IPv4"));
            }
            if families.len() < 2 && policy != "SingleStack" {
                let other = if families[0] == "IPv4" { "IPv6" } else { "IPv4" };
                families.push(json!(other));
            }
            spec.set("ipFamilies", families);
            return Ok(());
        }
        let mut errors = Vec::new();
        if policy == "RequireDualStack" {
            let detail = "this cluster is not configured for dual-stack services";
            errors.push(FieldError::invalid(policy_path, policy, detail));
        }
        let path = SPEC.child("ipFamilies");
        for (index, family) in families.iter().enumerate().filter(|(_, family)| **family != "IPv4") {
            errors.push(FieldError::invalid(path.index(index), family.clone(), "not configured on this cluster"));
        }
        self.refuse(errors)?;
        if families.is_empty() {
            families.push(json!("IPv4"));
        }
        spec.set("ipFamilies", families);
        Ok(())
    }

    fn cluster_ip(&self, spec: &mut Value) -> ApiResult<()> {
        if !needs_cluster_ip(spec) || is_headless(spec) || spec.text("clusterIP") == "None" {
            return Ok(());
        }
        let path = SPEC.child("clusterIPs");
        let asked = spec.list("clusterIPs").first().and_then(Value::as_str).unwrap_or_default().to_string();
        if asked.is_empty() {
            let ip = match self.context.reservation.next_ip() {
                Ok(ip) => ip.to_string(),
                Err(error) => {
                    let name = self.name;
                    return Err(ApiError::internal(format!(
                        "failed to allocate a serviceIP for Service {name:?}: {error}"
                    )));
                }
            };
            spec.set("clusterIP", ip.as_str());
            spec.set("clusterIPs", json!([ip]));
            return Ok(());
        }
        // What does not parse is refused by the checks of the fields, before this.
        let Ok(ip) = asked.parse::<IpAddr>() else { return Ok(()) };
        if let Err(error) = self.context.reservation.ip(ip) {
            let detail = format!("failed to allocate IP {asked}: {error}");
            return self.refuse(vec![FieldError::invalid(path, spec.at("clusterIPs").clone(), detail)]);
        }
        Ok(())
    }

    fn node_ports(&self, spec: &mut Value) -> ApiResult<()> {
        let allocates = allocates_node_ports(spec);
        // Ports of one number (TCP and UDP) share their node port.
        let mut given: Vec<(i64, u16)> = Vec::new();
        let ports: Vec<Value> = spec.list("ports").to_vec();
        for (index, port) in spec.each_mut("ports").enumerate() {
            let asked = port.int("nodePort").unwrap_or_default();
            if asked == 0 && !allocates {
                continue;
            }
            let number = port.int("port").unwrap_or_default();
            let shared = given.iter().find(|(of, _)| *of == number).map(|(_, node_port)| *node_port);
            match shared {
                Some(node_port) if asked == 0 => port.set("nodePort", node_port),
                Some(node_port) if asked == i64::from(node_port) => {}
                Some(_) => self.take_port(asked, index)?,
                None => {
                    let requested = ports
                        .iter()
                        .filter(|other| other.int("port") == Some(number))
                        .find_map(|other| other.int("nodePort").filter(|p| *p != 0));
                    let node_port = match requested {
                        Some(requested) => {
                            self.take_port(requested, index)?;
                            u16::try_from(requested).unwrap_or_default()
                        }
                        None => self.next_port("nodePort")?,
                    };
                    port.set("nodePort", node_port);
                    given.push((number, node_port));
                }
            }
        }
        Ok(())
    }

    fn updated_node_ports(&self, spec: &mut Value, old: &Value) -> ApiResult<()> {
        let allocates = allocates_node_ports(spec);
        let mut held: Vec<i64> = old.list("ports").iter().filter_map(|port| port.int("nodePort")).collect();
        for (index, port) in spec.each_mut("ports").enumerate() {
            match port.int("nodePort").filter(|node_port| *node_port != 0) {
                Some(asked) if held.contains(&asked) => {}
                Some(asked) => {
                    self.take_port(asked, index)?;
                    held.push(asked);
                }
                None if allocates => {
                    let node_port = self.next_port("nodePort")?;
                    port.set("nodePort", node_port);
                    held.push(node_port.into());
                }
                None => {}
            }
        }
        Ok(())
    }

    fn health_check_port(&self, spec: &mut Value) -> ApiResult<()> {
        match spec.int("healthCheckNodePort").filter(|port| *port != 0) {
            None => {
                let port = self.next_port("HealthCheck NodePort")?;
                spec.set("healthCheckNodePort", port);
                Ok(())
            }
            Some(asked) => self.reserve_port(asked).map_err(|error| {
                ApiError::internal(format!("failed to allocate requested HealthCheck NodePort {asked}: {error}"))
            }),
        }
    }

    fn reserve_port(&self, asked: i64) -> Result<(), AllocationError> {
        // Port 0 lies outside every range, so a number that is no port gets the error of the range.
        self.context.reservation.port(u16::try_from(asked).unwrap_or_default())
    }

    fn take_port(&self, asked: i64, index: usize) -> ApiResult<()> {
        let ports = SPEC.child("ports");
        match self.reserve_port(asked) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.refuse(vec![FieldError::invalid(ports.index(index).child("nodePort"), asked, error.to_string())])
            }
        }
    }

    fn next_port(&self, what: &str) -> ApiResult<u16> {
        let next = self.context.reservation.next_port();
        next.map_err(|error| ApiError::internal(format!("failed to allocate a {what}: {error}")))
    }
}

fn allocates_node_ports(spec: &Value) -> bool {
    match spec.text("type") {
        "NodePort" => true,
        "LoadBalancer" => spec.at("allocateLoadBalancerNodePorts").as_bool().unwrap_or(true),
        _ => false,
    }
}

/// What was allocated stays when the update does not name it.
fn keep_allocated(spec: &mut Value, old: &Value) {
    if needs_cluster_ip(old) && needs_cluster_ip(spec) {
        if spec.text("clusterIP").is_empty() {
            spec.copy_field("clusterIP", old);
        }
        if spec.list("clusterIPs").is_empty() {
            spec.copy_field("clusterIPs", old);
        }
    }
    if needs_node_port(old) && needs_node_port(spec) {
        let used = |spec: &Value| -> Vec<i64> { spec.list("ports").iter().filter_map(|p| p.int("nodePort")).collect() };
        let (before, after) = (used(old), used(spec));
        let named: Vec<(String, i64)> = old
            .list("ports")
            .iter()
            .filter_map(|port| Some((port.text("name").to_string(), port.int("nodePort")?)))
            .collect();
        for port in spec.each_mut("ports").filter(|port| port.int("nodePort").unwrap_or_default() == 0) {
            let kept = named.iter().rev().find(|(name, _)| name == port.text("name")).map(|(_, number)| *number);
            if let Some(kept) = kept.filter(|kept| !(before.contains(kept) && after.contains(kept))) {
                port.set("nodePort", kept);
            }
        }
    }
    if needs_health_check(old) && needs_health_check(spec) && spec.int("healthCheckNodePort").unwrap_or_default() == 0 {
        spec.copy_field("healthCheckNodePort", old);
    }
}

/// Old clients know clusterIP only: the list follows it.
fn follow_cluster_ip(spec: &mut Value, old: &Value) {
    let unchanged = same(spec.at("clusterIPs"), old.at("clusterIPs"));
    let (ip, old_ip) = (spec.text("clusterIP").to_string(), old.text("clusterIP"));
    if spec.list("clusterIPs").is_empty() && !old.list("clusterIPs").is_empty() && ip == old_ip {
        spec.copy_field("clusterIPs", old);
    }
    if ip != old_ip && unchanged {
        if ip.is_empty() { spec.drop_field("clusterIPs") } else { spec.set("clusterIPs", json!([ip])) }
    }
}

fn keeps_preferred_dual_stack(spec: &Value, old: &Value) -> bool {
    let preferred = |spec: &Value| matches!(spec.text("ipFamilyPolicy"), "PreferDualStack");
    preferred(spec)
        && (preferred(old) || !old.has("ipFamilyPolicy"))
        && ["type", "clusterIPs", "ipFamilies"].iter().all(|field| same(spec.at(field), old.at(field)))
}
