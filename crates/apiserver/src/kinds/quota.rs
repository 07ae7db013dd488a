//! ResourceQuota and LimitRange.

use serde_json::{Value, json};

use super::names;
use super::path::Path;
use super::quantity::Quantity;
use super::strategy::{KindContext, Strategy};
use super::tree::Tree;
use crate::field::FieldError;
use crate::go_text::{Absent, internal_json};
use crate::status::ApiResult;

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
        let limited: Vec<&str> = spec.entries("hard").map(|(name, _)| name.as_str()).collect();
        for scope in given.iter().filter_map(Value::as_str) {
            for _ in limited.iter().filter(|name| is_countable(name) && !counts(scope, name)) {
                errors.push(FieldError::invalid(scopes, given.to_vec(), "unsupported scope applied to resource"));
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
            for _ in limited.iter().filter(|name| is_countable(name) && !counts(scope, name)) {
                let selector = spec.at("scopeSelector");
                let error = FieldError::invalid(path, selector.clone(), "unsupported scope applied to resource");
                errors.push(error.showing(shown_selector(selector)));
            }
            let values = requirement.list("values");
            if matches!(
                scope,
                "BestEffort" | "NotBestEffort" | "Terminating" | "NotTerminating" | "CrossNamespacePodAffinity"
            ) && requirement.text("operator") != "Exists"
            {
                let detail = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
                              ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, \
                              ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
                errors.push(FieldError::invalid(path.child("operator"), requirement.text("operator"), detail));
            }
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

/// Resources that a quota can limit by a plain name.
const COUNTABLE: [&str; 19] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
];

fn is_countable(name: &str) -> bool {
    name.starts_with("requests.hugepages-") || COUNTABLE.contains(&name)
}

/// Whether a scope can narrow what is counted of a resource.
fn counts(scope: &str, name: &str) -> bool {
    let computed = name.starts_with("requests.hugepages-")
        || ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "ephemeral-storage"]
            .contains(&name)
        || ["requests.ephemeral-storage", "limits.ephemeral-storage"].contains(&name);
    match scope {
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            name == "pods" || computed
        }
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => ["persistentvolumeclaims", "requests.storage"].contains(&name),
        _ => true,
    }
}

/// A scope selector as the internal struct of the real server.
fn shown_selector(selector: &Value) -> String {
    let fields = [
        ("ScopeName", "scopeName", Absent::Text),
        ("Operator", "operator", Absent::Text),
        ("Values", "values", Absent::Nil),
    ];
    let list: Vec<String> =
        selector.list("matchExpressions").iter().map(|entry| internal_json(entry, &fields)).collect();
    format!("{{\"MatchExpressions\":[{}]}}", list.join(","))
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
            for field in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
                if kind == "Pod" && ["default", "defaultRequest"].contains(&field) {
                    continue;
                }
                for (name, _) in limit.entries(field) {
                    errors.extend(resource_name(name, kind, &path.child(field)));
                }
            }
            errors.extend(bounds(limit, &path));
        }
        errors
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        // One without a name is named after its uid; the real server draws another one.
        if object.text("metadata.name").is_empty() {
            let uid = object.text("metadata.uid").to_owned();
            object.ensure("metadata").set("name", uid);
        }
        Ok(())
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

/// Resources that a limit may name without a domain, beside those that quotas count.
fn resource_name(name: &str, kind: &str, path: &Path<'_>) -> Vec<FieldError> {
    let path = path.key(name);
    let wrong = names::qualified_name(name);
    let mut errors: Vec<FieldError> =
        wrong.into_iter().map(|message| FieldError::invalid(path, name, message)).collect();
    if name.contains('/') {
        return errors;
    }
    let of_container = ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-");
    if errors.is_empty() && !of_container && name != "storage" && !is_countable(name) {
        let detail = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path, name, detail));
    }
    if !of_container && ["Pod", "Container"].contains(&kind) {
        errors.push(FieldError::invalid(path, name, "must be a standard resource for containers"));
    }
    errors
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
        if !name.contains('/') && !is_quota_resource(name) {
            let path = path.key(name);
            if named && !is_known_resource(name) {
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
