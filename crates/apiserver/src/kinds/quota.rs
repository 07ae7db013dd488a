//! ResourceQuota and LimitRange.

use serde_json::{Value, json};

use super::names;
use super::path::Path;
use super::quantity::Quantity;
use super::strategy::Strategy;
use super::tree::Tree;
use crate::field::FieldError;

const SCOPES: [&str; 7] = [
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
];

pub(super) struct ResourceQuota;

impl Strategy for ResourceQuota {
    fn has_status(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("spec");
        let spec = object.at("spec");
        let mut errors = amounts(spec.at("hard"), &path.child("hard"));
        let scopes = path.child("scopes");
        let given = spec.list("scopes");
        for scope in given.iter().filter_map(Value::as_str) {
            if !SCOPES.contains(&scope) {
                errors.push(FieldError::invalid(scopes, given.to_vec(), "unsupported scope"));
            }
        }
        for pair in [["BestEffort", "NotBestEffort"], ["NotTerminating", "Terminating"]] {
            if pair.iter().all(|scope| given.contains(&json!(scope))) {
                errors.push(FieldError::invalid(scopes, given.to_vec(), "conflicting scopes"));
            }
        }
        let path = path.child("scopeSelector");
        let path = path.child("matchExpressions");
        for requirement in spec.list("scopeSelector.matchExpressions") {
            let scope = requirement.text("scopeName");
            if !SCOPES.contains(&scope) {
                errors.push(FieldError::invalid(path.child("scopeName"), scope, "unsupported scope"));
            }
            let values = requirement.list("values");
            match requirement.text("operator") {
                "In" | "NotIn" if values.is_empty() => {
                    let detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                    errors.push(FieldError::required(path.child("values"), detail));
                }
                "Exists" | "DoesNotExist" if !values.is_empty() => {
                    let detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                    errors.push(FieldError::invalid(path.child("values"), values.to_vec(), detail));
                }
                "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
                other => {
                    let detail = "not a valid selector operator";
                    errors.push(FieldError::invalid(path.child("operator"), other, detail));
                }
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        let scopes = |object: &Value| {
            let mut scopes: Vec<String> =
                object.list("spec.scopes").iter().filter_map(Value::as_str).map(String::from).collect();
            scopes.sort();
            scopes
        };
        if scopes(new) != scopes(old) {
            let value = new.at("spec.scopes").clone();
            errors.push(FieldError::invalid("spec.scopes", value, "field is immutable"));
        }
        errors
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        let path = Path::new("status");
        let status = new.at("status");
        let mut errors = amounts(status.at("hard"), &path.child("hard"));
        errors.extend(amounts(status.at("used"), &path.child("used")));
        errors
    }
}

pub(super) struct LimitRange;

impl Strategy for LimitRange {
    fn default(&self, _: &str, object: &mut Value) {
        for limit in object.ensure("spec").each_mut("limits") {
            if limit.text("type") != "Container" {
                continue;
            }
            for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
                let amounts = limit.at(from).clone();
                for (name, amount) in amounts.as_object().into_iter().flatten() {
                    limit.ensure(to).default_to(name, amount.clone());
                }
            }
        }
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("spec.limits");
        let limits = object.list("spec.limits");
        let mut errors = Vec::new();
        for (index, limit) in limits.iter().enumerate() {
            let path = path.index(index);
            let kind = limit.text("type");
            let wrong = names::qualified_name(kind);
            if wrong.is_empty() && !kind.contains('/') && !["Pod", "Container", "PersistentVolumeClaim"].contains(&kind)
            {
                let detail = "must be a standard limit type or fully qualified";
                errors.push(FieldError::invalid(path.child("type"), kind, detail));
            }
            errors.extend(wrong.into_iter().map(|message| FieldError::invalid(path.child("type"), kind, message)));
            if limits[..index].iter().any(|other| other.text("type") == kind) {
                errors.push(FieldError::duplicate(path.child("type"), kind));
            }
            if kind == "Pod" {
                for field in ["default", "defaultRequest"] {
                    if limit.entries(field).next().is_some() {
                        let detail = "may not be specified when `type` is 'Pod'";
                        errors.push(FieldError::forbidden(path.child(field), detail));
                    }
                }
            }
            if kind == "PersistentVolumeClaim" && !["min", "max"].iter().any(|f| limit.at(f).get("storage").is_some()) {
                let detail = "either minimum or maximum storage value is required, but neither was provided";
                errors.push(FieldError::required(path.child("limits"), detail));
            }
            errors.extend(bounds(limit, &path));
        }
        errors
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

/// min ≤ defaultRequest ≤ default ≤ max, for each resource.
fn bounds(limit: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let fields = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
    let mut resources: Vec<&String> = fields.iter().flat_map(|f| limit.entries(f).map(|(name, _)| name)).collect();
    resources.sort();
    resources.dedup();
    let mut errors = Vec::new();
    for name in resources {
        let amount = |field: &str| {
            let shown = limit.at(field).get(name)?;
            Some((Quantity::parse(shown)?, shown))
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
        // Which field an error is about, which amount it shows, and how both amounts are called.
        let checks = [
            ("min", "max", "min", "min", "min value", "max value"),
            ("min", "defaultRequest", "defaultRequest", "defaultRequest", "min value", "default request value"),
            ("defaultRequest", "max", "defaultRequest", "defaultRequest", "default request value", "max value"),
            (
                "defaultRequest",
                "default",
                "defaultRequest",
                "defaultRequest",
                "default request value",
                "default limit value",
            ),
            ("min", "default", "default", "min", "min value", "default value"),
            ("default", "max", "default", "max", "default value", "max value"),
        ];
        for (low, high, field, shown, low_words, high_words) in checks {
            let (Some(low_amount), Some(high_amount)) = (amount(low), amount(high)) else { continue };
            if low_amount.0 > high_amount.0 {
                let value = if shown == low { low_amount.1 } else { high_amount.1 };
                let (low_text, high_text) = (text(low_amount.1), text(high_amount.1));
                let detail = format!("{low_words} {low_text} is greater than {high_words} {high_text}");
                let at = path.child(field);
                errors.push(FieldError::invalid(at.key(name), value.clone(), detail));
            }
        }
        if let Some((ratio, shown)) = amount("maxLimitRequestRatio")
            && Some(ratio) < Quantity::parse(&json!(1))
        {
            let at = path.child("maxLimitRequestRatio");
            errors.push(FieldError::invalid(
                at.key(name),
                shown.clone(),
                format!("ratio {} is less than 1", text(shown)),
            ));
        }
    }
    errors
}

fn amounts(list: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (name, amount) in list.as_object().into_iter().flatten() {
        let wrong = names::qualified_name(name);
        let named = wrong.is_empty();
        errors.extend(wrong.into_iter().map(|message| FieldError::invalid(path.key(name), name.as_str(), message)));
        if named && !name.contains('/') && !is_quota_resource(name) {
            let path = path.key(name);
            if !is_known_resource(name) {
                let detail = "must be a standard resource type or fully qualified";
                errors.push(FieldError::invalid(path, name.as_str(), detail));
            }
            errors.push(FieldError::invalid(path, name.as_str(), "must be a standard resource for quota"));
        }
        let Some(quantity) = Quantity::parse(amount) else { continue };
        if quantity.is_negative() {
            let detail = "must be greater than or equal to 0";
            errors.push(FieldError::invalid(path.key(name), amount.clone(), detail));
        }
        if counts_objects(name) && !quantity.is_whole() {
            errors.push(FieldError::invalid(path.key(name), amount.clone(), "must be an integer"));
        }
    }
    errors
}

fn is_quota_resource(name: &str) -> bool {
    counts_objects(name)
        || matches!(
            name,
            "cpu"
                | "memory"
                | "ephemeral-storage"
                | "requests.cpu"
                | "requests.memory"
                | "requests.storage"
                | "requests.ephemeral-storage"
                | "limits.cpu"
                | "limits.memory"
                | "limits.ephemeral-storage"
        )
        || name.starts_with("hugepages-")
        || name.starts_with("requests.hugepages-")
}

fn is_known_resource(name: &str) -> bool {
    matches!(name, "storage")
}

fn counts_objects(name: &str) -> bool {
    name.starts_with("count/")
        || matches!(
            name,
            "pods"
                | "services"
                | "replicationcontrollers"
                | "resourcequotas"
                | "secrets"
                | "configmaps"
                | "persistentvolumeclaims"
                | "services.nodeports"
                | "services.loadbalancers"
        )
}
