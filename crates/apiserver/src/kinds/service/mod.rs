//! Service: defaults, changes of type, addresses ([`allocate`]) and checks ([`validate`]).

mod allocate;
mod validate;
mod warn;

use serde_json::{Value, json};

use super::names::NameRule;
use super::strategy::{KindContext, Strategy};
use super::tree::{Tree, same};
use crate::field::FieldError;
use crate::status::ApiResult;

pub(super) struct Service;

impl Strategy for Service {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        spec.default_text("sessionAffinity", "None");
        match spec.text("sessionAffinity") {
            "None" => spec.drop_field("sessionAffinityConfig"),
            "ClientIP" if !spec.has("sessionAffinityConfig.clientIP.timeoutSeconds") => {
                spec.set("sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10800}}));
            }
            _ => {}
        }
        spec.default_text("type", "ClusterIP");
        for port in spec.each_mut("ports") {
            port.default_text("protocol", "TCP");
            if matches!(port.at("targetPort"), Value::Null)
                || port.text("targetPort").is_empty() && port.int("targetPort").unwrap_or_default() == 0
            {
                port.copy_to("port", "targetPort");
            }
        }
        if externally_accessible(spec) {
            spec.default_text("externalTrafficPolicy", "Cluster");
        }
        if matches!(spec.text("type"), "NodePort" | "LoadBalancer" | "ClusterIP") {
            spec.default_to("internalTrafficPolicy", "Cluster");
        }
        if spec.text("type") == "LoadBalancer" {
            spec.default_to("allocateLoadBalancerNodePorts", true);
            if let Some(status) = object.field_mut("status").and_then(|status| status.field_mut("loadBalancer")) {
                for ingress in status.each_mut("ingress") {
                    if !ingress.text("ip").is_empty() {
                        ingress.default_to("ipMode", "VIP");
                    }
                }
            }
        }
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Label
    }

    fn has_status(&self) -> bool {
        true
    }

    fn empty_status(&self) -> Value {
        json!({"loadBalancer": {}})
    }

    fn prepare_create(&self, context: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        object.set("status", self.empty_status());
        drop_traffic_policy(object);
        allocate::on_create(context, object)
    }

    fn prepare_update(&self, context: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        allocate::on_update(context, new, old)?;
        new.copy_field("status", old);
        drop_fields_of_old_type(new, old);
        drop_traffic_policy(new);
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        validate::service(object)
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        validate::update(new, old)
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        validate::load_balancer_status(new)
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.clusterIP", "spec.type"]
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        warn::service(new)
    }
}

/// An external name has no traffic of its own to route.
fn drop_traffic_policy(object: &mut Value) {
    let spec = object.ensure("spec");
    if spec.text("type") == "ExternalName" {
        spec.drop_field("internalTrafficPolicy");
    }
}

/// A change of type takes the fields along that only the old type has, unless the client has changed them too.
fn drop_fields_of_old_type(new: &mut Value, old: &Value) {
    let old = old.at("spec").clone();
    let Some(spec) = new.field_mut("spec") else { return };
    let unchanged = |spec: &Value, field: &str| same(spec.at(field), old.at(field));
    if needs_cluster_ip(&old) && !needs_cluster_ip(spec) {
        if unchanged(spec, "clusterIP") && unchanged(spec, "clusterIPs") {
            spec.drop_field("clusterIP");
            spec.drop_field("clusterIPs");
        }
        for field in ["ipFamilies", "ipFamilyPolicy"] {
            if unchanged(spec, field) {
                spec.drop_field(field);
            }
        }
    }
    if needs_node_port(&old) && !needs_node_port(spec) {
        let ports =
            |spec: &Value| -> Vec<i64> { spec.list("ports").iter().filter_map(|p| p.int("nodePort")).collect() };
        if ports(spec) == ports(&old) {
            spec.each_mut("ports").for_each(|port| port.drop_field("nodePort"));
        }
    }
    if needs_health_check(&old) && !needs_health_check(spec) && unchanged(spec, "healthCheckNodePort") {
        spec.drop_field("healthCheckNodePort");
    }
    if is_load_balancer(&old) && !is_load_balancer(spec) {
        for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if unchanged(spec, field) {
                spec.drop_field(field);
            }
        }
    }
    if externally_accessible(&old) && !externally_accessible(spec) && unchanged(spec, "externalTrafficPolicy") {
        spec.drop_field("externalTrafficPolicy");
    }
    if !is_load_balancer(spec) {
        new.ensure("status").set("loadBalancer", json!({}));
    }
}

fn is_load_balancer(spec: &Value) -> bool {
    spec.text("type") == "LoadBalancer"
}

fn needs_cluster_ip(spec: &Value) -> bool {
    spec.text("type") != "ExternalName"
}

fn needs_node_port(spec: &Value) -> bool {
    matches!(spec.text("type"), "NodePort" | "LoadBalancer")
}

fn needs_health_check(spec: &Value) -> bool {
    is_load_balancer(spec) && spec.text("externalTrafficPolicy") == "Local"
}

fn externally_accessible(spec: &Value) -> bool {
    needs_node_port(spec) || (spec.text("type") == "ClusterIP" && !spec.list("externalIPs").is_empty())
}

fn is_headless(spec: &Value) -> bool {
    matches!(spec.list("clusterIPs"), [one] if one.as_str() == Some("None"))
}
