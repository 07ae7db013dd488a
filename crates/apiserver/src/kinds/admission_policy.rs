//! ValidatingAdmissionPolicy, MutatingAdmissionPolicy and their bindings: their defaults.

use serde_json::{Value, json};

use super::strategy::Strategy;
use super::tree::Tree;

pub(super) struct AdmissionPolicy {
    pub(super) status: bool,
}

impl Strategy for AdmissionPolicy {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        spec.default_to("failurePolicy", "Fail");
        default_match(spec, "matchConstraints");
    }

    fn has_status(&self) -> bool {
        self.status
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn unconditional_update(&self) -> bool {
        false
    }
}

pub(super) struct AdmissionPolicyBinding;

impl Strategy for AdmissionPolicyBinding {
    fn default(&self, _: &str, object: &mut Value) {
        default_match(object.ensure("spec"), "matchResources");
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn unconditional_update(&self) -> bool {
        false
    }
}

fn default_match(spec: &mut Value, field: &str) {
    let Some(matches) = spec.field_mut(field).filter(|matches| matches.is_object()) else { return };
    matches.default_to("matchPolicy", "Equivalent");
    matches.default_to("namespaceSelector", json!({}));
    matches.default_to("objectSelector", json!({}));
    for rules in ["resourceRules", "excludeResourceRules"] {
        for rule in matches.each_mut(rules) {
            rule.default_to("scope", "*");
        }
    }
}
