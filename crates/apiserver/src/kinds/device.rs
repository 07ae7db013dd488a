//! ResourceClaim and ResourceClaimTemplate: how many devices a request asks for.

use serde_json::Value;

use super::strategy::Strategy;
use super::tree::{Tree, same};
use crate::field::FieldError;

pub(super) struct ResourceClaim;

impl Strategy for ResourceClaim {
    fn default(&self, _: &str, object: &mut Value) {
        default_requests(object.ensure("spec"));
    }

    fn has_status(&self) -> bool {
        true
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        fixed_spec(new, old)
    }
}

pub(super) struct ResourceClaimTemplate;

impl Strategy for ResourceClaimTemplate {
    fn default(&self, _: &str, object: &mut Value) {
        default_requests(object.ensure("spec").ensure("spec"));
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        fixed_spec(new, old)
    }
}

fn fixed_spec(new: &Value, old: &Value) -> Vec<FieldError> {
    if same(new.at("spec"), old.at("spec")) {
        return Vec::new();
    }
    vec![FieldError::invalid("spec", new.at("spec").clone(), "field is immutable")]
}

fn default_requests(spec: &mut Value) {
    let Some(devices) = spec.field_mut("devices") else { return };
    for request in devices.each_mut("requests") {
        if let Some(exactly) = request.field_mut("exactly").filter(|exactly| exactly.is_object()) {
            default_count(exactly);
        }
        request.each_mut("firstAvailable").for_each(default_count);
    }
}

fn default_count(request: &mut Value) {
    request.default_text("allocationMode", "ExactCount");
    if request.text("allocationMode") == "ExactCount" && request.int("count").unwrap_or_default() == 0 {
        request.set("count", 1);
    }
}
