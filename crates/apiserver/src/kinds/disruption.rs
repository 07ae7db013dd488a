//! PodDisruptionBudget.

use serde_json::{Value, json};

use super::conditions;
use super::names::NameRule;
use super::path::Path;
use super::selector;
use super::strategy::Strategy;
use super::tree::Tree;
use super::workload;
use crate::field::FieldError;
use crate::go_text::{Absent::Nil, internal_json};

const SPEC: Path<'static> = Path::new("spec");

pub(super) struct PodDisruptionBudget;

impl Strategy for PodDisruptionBudget {
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn has_status(&self) -> bool {
        true
    }

    fn empty_status(&self) -> Value {
        json!({"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0})
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let spec = object.at("spec");
        let mut errors = Vec::new();
        let limits = ["minAvailable", "maxUnavailable"];
        if limits.iter().all(|field| spec.has(field)) {
            let detail = "minAvailable and maxUnavailable cannot be both set";
            let fields = [
                ("MinAvailable", "minAvailable", Nil),
                ("Selector", "selector", Nil),
                ("MaxUnavailable", "maxUnavailable", Nil),
                ("UnhealthyPodEvictionPolicy", "unhealthyPodEvictionPolicy", Nil),
            ];
            let error = FieldError::invalid(SPEC, spec.clone(), detail);
            errors.push(error.showing(internal_json(spec, &fields)));
        }
        for field in limits.into_iter().filter(|field| spec.has(field)) {
            errors.extend(workload::count_or_percent(spec.at(field), SPEC.child(field)));
            errors.extend(workload::at_most_all(spec.at(field), SPEC.child(field)));
        }
        errors.extend(selector::validate(spec.at("selector"), &SPEC.child("selector")));
        let policies = ["AlwaysAllow", "IfHealthyBudget"];
        let policy = spec.text("unhealthyPodEvictionPolicy");
        if spec.has("unhealthyPodEvictionPolicy") && !policies.contains(&policy) {
            let path = SPEC.child("unhealthyPodEvictionPolicy");
            errors.push(FieldError::not_supported(path, policy, &policies));
        }
        errors
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        let counters = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
        let path = Path::new("status");
        let mut errors = conditions::validate(new.list("status.conditions"), &path.child("conditions"));
        errors.extend(workload::not_negative(new.at("status"), &counters, &path));
        errors
    }

    fn standard_finalizers(&self) -> bool {
        false
    }

    fn unconditional_update(&self) -> bool {
        false
    }
}
