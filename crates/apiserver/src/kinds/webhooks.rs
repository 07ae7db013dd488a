//! ValidatingWebhookConfiguration and MutatingWebhookConfiguration.

use kubewright_cel::{Environment, Type, admission_environment};
use serde_json::{Value, json};

use super::addresses;
use super::names;
use super::path::Path;
use super::selector;
use super::strategy::Strategy;
use super::tree::Tree;
use crate::admission::compile_as;
use crate::field::{FieldError, FieldErrorKind};

/// Versions of AdmissionReview that the server sends.
const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];

pub(super) struct WebhookConfiguration {
    pub(super) mutating: bool,
}

impl Strategy for WebhookConfiguration {
    fn default(&self, _: &str, object: &mut Value) {
        for hook in object.each_mut("webhooks") {
            hook.default_to("failurePolicy", "Fail");
            hook.default_to("matchPolicy", "Equivalent");
            hook.default_to("namespaceSelector", json!({}));
            hook.default_to("objectSelector", json!({}));
            hook.default_to("timeoutSeconds", 10);
            if self.mutating {
                hook.default_to("reinvocationPolicy", "Never");
            }
            for rule in hook.each_mut("rules") {
                rule.default_to("scope", "*");
            }
            if let Some(config) = hook.field_mut("clientConfig")
                && let Some(service) = config.field_mut("service").filter(|service| service.is_object())
            {
                service.default_to("port", 443);
            }
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("webhooks");
        let hooks = object.list("webhooks");
        let mut errors = Vec::new();
        for (index, hook) in hooks.iter().enumerate() {
            let path = path.index(index);
            errors.extend(self.validate_hook(hook, &path));
            errors.extend(review_versions(
                hook.list("admissionReviewVersions"),
                &path.child("admissionReviewVersions"),
                "must specify one of v1, v1beta1",
            ));
            let name = hook.text("name");
            if !name.is_empty() && hooks[..index].iter().any(|other| other.text("name") == name) {
                errors.push(FieldError::duplicate(path.child("name"), name));
            }
        }
        errors
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn standard_finalizers(&self) -> bool {
        false
    }

    fn unconditional_update(&self) -> bool {
        false
    }
}

impl WebhookConfiguration {
    fn validate_hook(&self, hook: &Value, path: &Path<'_>) -> Vec<FieldError> {
        let mut errors = full_name(hook.text("name"), path.child("name"));
        let rules = path.child("rules");
        for (index, rule) in hook.list("rules").iter().enumerate() {
            errors.extend(validate_rule(rule, &rules.index(index)));
        }
        let mut words = |field: &str, allowed: &[&str]| {
            let text = hook.text(field);
            if hook.has(field) && !allowed.contains(&text) {
                errors.push(FieldError::not_supported(path.child(field), text, allowed));
            }
        };
        words("failurePolicy", &["Fail", "Ignore"]);
        words("matchPolicy", &["Equivalent", "Exact"]);
        words("sideEffects", &["None", "NoneOnDryRun"]);
        if !hook.has("sideEffects") {
            let detail = "must specify one of None, NoneOnDryRun";
            errors.push(FieldError::required(path.child("sideEffects"), detail));
        }
        if let Some(seconds) = hook.int("timeoutSeconds").filter(|seconds| !(1..=30).contains(seconds)) {
            let detail = "the timeout value must be between 1 and 30 seconds";
            errors.push(FieldError::invalid(path.child("timeoutSeconds"), seconds, detail));
        }
        for field in ["namespaceSelector", "objectSelector"] {
            errors.extend(selector::validate(hook.at(field), &path.child(field)));
        }
        let policies = ["IfNeeded", "Never"];
        let policy = hook.text("reinvocationPolicy");
        if self.mutating && hook.has("reinvocationPolicy") && !policies.contains(&policy) {
            errors.push(FieldError::not_supported(path.child("reinvocationPolicy"), policy, &policies));
        }
        errors.extend(client_config(hook.at("clientConfig"), &path.child("clientConfig")));
        errors.extend(match_conditions(
            hook.list("matchConditions"),
            &admission_environment(),
            &path.child("matchConditions"),
        ));
        errors
    }
}

/// Checks how a webhook is reached: also that of CRD conversion.
pub(crate) fn client_config(config: &Value, path: &Path<'_>) -> Vec<FieldError> {
    match (config.at("url").as_str(), config.at("service")) {
        (Some(url), Value::Null) => validate_url(url, path.child("url")),
        (None, service) if service.is_object() => validate_service(service, &path.child("service")),
        _ => vec![FieldError::required(*path, "exactly one of url or service is required")],
    }
}

fn full_name(name: &str, path: Path<'_>) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    let wrong = names::dns_subdomain(name);
    if !wrong.is_empty() {
        return vec![FieldError::invalid(path, name, wrong.join("."))];
    }
    if name.split('.').count() < 3 {
        return vec![FieldError::invalid(
            path,
            name,
            "should be a domain with at least three segments separated by dots",
        )];
    }
    Vec::new()
}

/// Checks the versions of a review that a webhook takes. `missing`: what is said when there are none.
pub(crate) fn review_versions(versions: &[Value], path: &Path<'_>, missing: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if versions.is_empty() {
        return vec![FieldError::required(*path, missing)];
    }
    for (index, version) in versions.iter().enumerate() {
        let text = version.as_str().unwrap_or_default();
        if versions[..index].contains(version) {
            errors.push(FieldError::invalid(path.index(index), text, "duplicate version"));
            continue;
        }
        for message in names::dns_label_1035(text) {
            errors.push(FieldError::invalid(path.index(index), text, message));
        }
    }
    if !versions.iter().filter_map(Value::as_str).any(|version| REVIEW_VERSIONS.contains(&version)) {
        let detail = format!("must include at least one of {}", REVIEW_VERSIONS.join(", "));
        errors.push(FieldError::invalid(*path, versions.to_vec(), detail));
    }
    errors
}

/// Checks a rule of a webhook or a policy: what is asked about.
pub(super) fn validate_rule(rule: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let all = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
    let operations = rule.list("operations");
    errors.extend(only_star(rule, "operations", "operations", path));
    let list = path.child("operations");
    for (index, operation) in operations.iter().enumerate() {
        if !all.contains(&operation.as_str().unwrap_or_default()) {
            errors.push(FieldError::not_supported(list.index(index), operation.clone(), &all));
        }
    }
    errors.extend(only_star(rule, "apiGroups", "API groups", path));
    errors.extend(only_star(rule, "apiVersions", "API versions", path));
    let list = path.child("apiVersions");
    for index in (0..rule.list("apiVersions").len()).filter(|at| rule.list("apiVersions")[*at] == "") {
        errors.push(FieldError::required(list.index(index), ""));
    }
    errors.extend(resources(rule.list("resources"), &path.child("resources")));
    let scopes = ["*", "Cluster", "Namespaced"];
    let scope = rule.text("scope");
    if rule.has("scope") && !scopes.contains(&scope) {
        errors.push(FieldError::not_supported(path.child("scope"), scope, &scopes));
    }
    errors
}

fn only_star(rule: &Value, field: &str, words: &str, path: &Path<'_>) -> Option<FieldError> {
    let list = rule.list(field);
    if list.is_empty() {
        return Some(FieldError::required(path.child(field), ""));
    }
    let detail = format!("if '*' is present, must not specify other {words}");
    (list.len() > 1 && list.contains(&json!("*")))
        .then(|| FieldError::invalid(path.child(field), list.to_vec(), detail))
}

fn resources(list: &[Value], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if list.is_empty() {
        errors.push(FieldError::required(*path, ""));
    }
    let mut whole: Vec<&str> = Vec::new();
    let mut everywhere: Vec<&str> = Vec::new();
    let mut plain = false;
    for (index, text) in list.iter().filter_map(Value::as_str).enumerate() {
        let Some((resource, sub)) = text.split_once('/') else {
            if text.is_empty() {
                errors.push(FieldError::required(path.index(index), ""));
            } else {
                plain = text != "*";
            }
            continue;
        };
        if whole.contains(&resource) {
            let detail = format!("if '{resource}/*' is present, must not specify {text}");
            errors.push(FieldError::invalid(path.index(index), text, detail));
        }
        if everywhere.contains(&sub) {
            let detail = format!("if '*/{sub}' is present, must not specify {text}");
            errors.push(FieldError::invalid(path.index(index), text, detail));
        }
        if sub == "*" {
            whole.push(resource);
        }
        if resource == "*" {
            everywhere.push(sub);
        }
    }
    if list.len() > 1 && list.contains(&json!("*/*")) {
        let detail = "if '*/*' is present, must not specify other resources";
        errors.push(FieldError::invalid(*path, list.to_vec(), detail));
    }
    if plain && list.contains(&json!("*")) {
        let detail = "if '*' is present, must not specify other resources without subresources";
        errors.push(FieldError::invalid(*path, list.to_vec(), detail));
    }
    errors
}

fn validate_url(url: &str, path: Path<'_>) -> Vec<FieldError> {
    let form = "; desired format: https://host[/path]";
    let mut errors = Vec::new();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if scheme != "https" {
        let detail = format!("'https' is the only allowed URL scheme{form}");
        errors.push(FieldError::invalid(path, scheme, detail));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(if scheme.is_empty() { 0 } else { end });
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    if host.is_empty() {
        errors.push(FieldError::invalid(path, host, format!("host must be specified{form}")));
    }
    if !user.is_empty() {
        errors.push(FieldError::invalid(path, user, "user information is not permitted in the URL"));
    }
    let (before, fragment) = tail.split_once('#').unwrap_or((tail, ""));
    if !fragment.is_empty() {
        errors.push(FieldError::invalid(path, fragment, "fragments are not permitted in the URL"));
    }
    if let Some((_, query)) = before.split_once('?').filter(|(_, query)| !query.is_empty()) {
        errors.push(FieldError::invalid(path, query, "query parameters are not permitted in the URL"));
    }
    errors
}

fn validate_service(service: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    // The real server takes one for the other here.
    for (field, checked) in [("name", "namespace"), ("namespace", "name")] {
        if service.text(checked).is_empty() {
            errors.push(FieldError::required(path.child(field), ""));
        }
    }
    let port = service.int("port").unwrap_or_default();
    for mut error in addresses::port(port, path.child("port")) {
        error.detail = format!("port is not valid: {}", error.detail);
        errors.push(error);
    }
    let text = service.text("path");
    let at = path.child("path");
    match text {
        "" | "/" => {}
        "//" => errors.push(FieldError::invalid(at, text, "segment[0] may not be empty")),
        _ => {
            if !text.starts_with('/') {
                errors.push(FieldError::invalid(at, text, "must start with a '/'"));
            }
            let inner = text.get(1..).unwrap_or_default();
            for (index, step) in inner.strip_suffix('/').unwrap_or(inner).split('/').enumerate() {
                if step.is_empty() {
                    errors.push(FieldError::invalid(at, text, format!("segment[{index}] may not be empty")));
                    continue;
                }
                for message in names::dns_subdomain(step) {
                    errors.push(FieldError::invalid(at, text, format!("segment[{index}]: {message}")));
                }
            }
        }
    }
    errors
}

/// Checks match conditions, whose expressions may read what `environment` has.
pub(super) fn match_conditions(conditions: &[Value], environment: &Environment, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if conditions.len() > 64 {
        let detail = "must have at most 64 items";
        errors.push(FieldError::new(FieldErrorKind::TooMany, *path, conditions.len().into(), detail));
    }
    for (index, condition) in conditions.iter().enumerate() {
        let path = path.index(index);
        let name = condition.text("name");
        let expression = condition.text("expression").trim();
        if expression.is_empty() {
            errors.push(FieldError::required(path.child("expression"), ""));
        } else {
            let wrong = compile_as(environment, expression, &[Type::Bool]).err();
            errors.extend(wrong.map(|wrong| FieldError::invalid(path.child("expression"), expression, wrong)));
        }
        if name.is_empty() {
            errors.push(FieldError::required(path.child("name"), ""));
        } else {
            for message in names::qualified_name(name) {
                errors.push(FieldError::invalid(path.child("name"), name, message));
            }
            if conditions[..index].iter().any(|other| other.text("name") == name) {
                errors.push(FieldError::duplicate(path.child("name"), name));
            }
        }
    }
    errors
}
