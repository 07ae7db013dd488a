//! Kinds with few rules: ServiceAccount, ComponentStatus, Lease, PriorityClass, ControllerRevision.

use serde_json::Value;

use super::path::Path;
use super::strategy::{KindContext, Strategy};
use super::tree::{Tree, same};
use crate::field::FieldError;
use crate::status::ApiResult;

/// The largest value that a PriorityClass of a user may have.
const HIGHEST_USER_PRIORITY: i64 = 1_000_000_000;

pub(super) struct ServiceAccount;

impl Strategy for ServiceAccount {
    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        const OLD: &str = "kubernetes.io/enforce-mountable-secrets";
        let of = |account: &Value| account.at("metadata.annotations").get(OLD).is_some();
        let told = old.is_some_and(of);
        let text = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
        (of(new) && !told).then(|| format!("metadata.annotations[{OLD}]: {text}")).into_iter().collect()
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        keep_secret_names(object);
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, _: &Value) -> ApiResult<()> {
        keep_secret_names(new);
        Ok(())
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }
}

pub(super) struct ComponentStatus;

impl Strategy for ComponentStatus {
    fn deprecation(&self) -> Option<&'static str> {
        Some("v1 ComponentStatus is deprecated in v1.19+")
    }
}

/// Secrets are referred to by name alone.
fn keep_secret_names(account: &mut Value) {
    for secret in account.each_mut("secrets") {
        if let Some(reference) = secret.as_object_mut() {
            reference.retain(|field, _| field == "name");
        }
    }
}

pub(super) struct Lease;

impl Strategy for Lease {
    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        drop_election_fields(object);
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, _: &Value) -> ApiResult<()> {
        drop_election_fields(new);
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("spec");
        let spec = object.at("spec");
        let mut errors = Vec::new();
        if let Some(seconds) = spec.int("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
            errors.push(FieldError::invalid(path.child("leaseDurationSeconds"), seconds, "must be greater than 0"));
        }
        if let Some(count) = spec.int("leaseTransitions").filter(|count| *count < 0) {
            let detail = "must be greater than or equal to 0";
            errors.push(FieldError::invalid(path.child("leaseTransitions"), count, detail));
        }
        errors
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn unconditional_update(&self) -> bool {
        false
    }
}

/// Fields of coordinated leader election, which a server with default features does not keep. Source: KEP-4355.
fn drop_election_fields(lease: &mut Value) {
    if let Some(spec) = lease.field_mut("spec") {
        spec.drop_field("strategy");
        spec.drop_field("preferredHolder");
    }
}

pub(super) struct PriorityClass;

impl Strategy for PriorityClass {
    fn default(&self, _: &str, object: &mut Value) {
        object.default_text("preemptionPolicy", "PreemptLowerPriority");
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn generation_changes(&self, _: &Value, _: &Value) -> bool {
        false
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let value = object.int("value").unwrap_or_default();
        let name = object.text("metadata.name");
        if name.starts_with("system-") {
            errors.extend(reserved(name, value, object.flag("globalDefault")));
        } else if value > HIGHEST_USER_PRIORITY {
            let detail = format!("maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}");
            errors.push(FieldError::forbidden("value", detail));
        }
        let policy = object.text("preemptionPolicy");
        if !matches!(policy, "PreemptLowerPriority" | "Never") {
            errors.push(FieldError::not_supported("preemptionPolicy", policy, &["PreemptLowerPriority", "Never"]));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if new.int("value").unwrap_or_default() != old.int("value").unwrap_or_default() {
            errors.push(FieldError::forbidden("value", "may not be changed in an update."));
        }
        if !same(new.at("preemptionPolicy"), old.at("preemptionPolicy")) {
            let value = new.at("preemptionPolicy").clone();
            errors.push(FieldError::invalid("preemptionPolicy", value, "field is immutable"));
        }
        errors
    }
}

fn reserved(name: &str, value: i64, global_default: bool) -> Option<FieldError> {
    let known = match name {
        "system-node-critical" => Some(2_000_001_000),
        "system-cluster-critical" => Some(2_000_000_000),
        _ => None,
    };
    let why = match known {
        None => format!("{name} is not a known system priority class"),
        Some(right) if right != value => format!("value of {name} PriorityClass must be {right}"),
        Some(_) if global_default => format!("globalDefault of {name} PriorityClass must be false"),
        Some(_) => return None,
    };
    let detail = format!("priority class names with 'system-' prefix are reserved for system use only. error: {why}");
    Some(FieldError::forbidden("metadata.name", detail))
}

pub(super) struct ControllerRevision;

impl Strategy for ControllerRevision {
    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let revision = object.int("revision").unwrap_or_default();
        let mut errors = Vec::new();
        if revision < 0 {
            errors.push(FieldError::invalid("revision", revision, "must be greater than or equal to 0"));
        }
        if !object.has("data") {
            errors.push(FieldError::required("data", "data is mandatory"));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        if new.at("data") != old.at("data") {
            let mut errors = self.validate(new);
            errors.retain(|error| error.field != "data");
            errors.push(FieldError::invalid("data", new.at("data").clone(), "field is immutable"));
            return errors;
        }
        self.validate(new)
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }
}
