//! ValidatingAdmissionPolicy, MutatingAdmissionPolicy and their bindings: their defaults, and what makes a policy that can
//! be enforced.

use kubewright_cel::Type;
use serde_json::{Value, json};

use super::path::Path;
use super::strategy::Strategy;
use super::tree::Tree;
use super::{conditions, generic, names, selector, webhooks};
use crate::admission::{PolicyEnvironment, compile_as, mutation_of};
use crate::field::{FieldError, FieldErrorKind};
use crate::table::json_path::JsonPath;

const SPEC: Path<'static> = Path::new("spec");
/// Variables are evaluated one inside of the other, so there have to be fewer than would fill a stack.
const MOST_VARIABLES: usize = 200;

pub(super) struct AdmissionPolicy {
    /// It validates; otherwise it mutates.
    pub(super) validating: bool,
}

impl Strategy for AdmissionPolicy {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        spec.default_to("failurePolicy", "Fail");
        default_match(spec, "matchConstraints");
    }

    fn has_status(&self) -> bool {
        self.validating
    }

    fn status_creates_on_apply(&self) -> bool {
        self.validating
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn unconditional_update(&self) -> bool {
        false
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        validate_policy(object, self.validating)
    }

    fn prepare_status_update(&self, new: &mut Value, old: &Value) {
        generic::keep_all_but_status(new, old);
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        validate_status(new.at("status"))
    }

    fn reset_fields(&self, subresource: &str) -> &'static [&'static str] {
        match subresource {
            "" if self.validating => &["status"],
            "status" => &["metadata", "spec"],
            _ => &[],
        }
    }
}

pub(super) struct AdmissionPolicyBinding {
    pub(super) validating: bool,
}

impl Strategy for AdmissionPolicyBinding {
    fn default(&self, _: &str, object: &mut Value) {
        default_match(object.ensure("spec"), "matchResources");
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        validate_binding(object.at("spec"), self.validating)
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

fn validate_policy(object: &Value, validating: bool) -> Vec<FieldError> {
    let spec = object.at("spec");
    let mut errors = Vec::new();
    let policy = spec.text("failurePolicy");
    if !matches!(policy, "Fail" | "Ignore") {
        errors.push(FieldError::not_supported(SPEC.child("failurePolicy"), policy, &["Fail", "Ignore"]));
    }
    let has_params = spec.has("paramKind");
    if has_params {
        errors.extend(param_kind(spec.at("paramKind")));
    }
    let path = SPEC.child("matchConstraints");
    if spec.has("matchConstraints") {
        errors.extend(match_resources(spec.at("matchConstraints"), &path));
        if spec.list("matchConstraints.resourceRules").is_empty() {
            errors.push(FieldError::required(path.child("resourceRules"), ""));
        }
        if !validating {
            errors.extend(mutating_operations(spec.at("matchConstraints"), &path));
        }
    } else {
        errors.push(FieldError::required(path, ""));
    }
    let variables = spec.list("variables");
    let mut environment = PolicyEnvironment::new(has_params, !validating || !variables.is_empty());
    let (conditions, path) = (spec.list("matchConditions"), SPEC.child("matchConditions"));
    errors.extend(webhooks::match_conditions(conditions, environment.without_variables(), &path));
    let list = SPEC.child("variables");
    if variables.len() > MOST_VARIABLES {
        let detail = format!("must have at most {MOST_VARIABLES} items");
        errors.push(FieldError::new(FieldErrorKind::TooMany, list, variables.len().into(), detail));
        return errors;
    }
    for (index, variable) in variables.iter().enumerate() {
        errors.extend(validate_variable(variable, &mut environment, &list.index(index)));
    }
    if !validating {
        errors.extend(mutations(spec, &environment.get_with_patches()));
        return errors;
    }
    let environment = environment.get();
    let (validations, annotations) = (spec.list("validations"), spec.list("auditAnnotations"));
    if validations.is_empty() && annotations.is_empty() {
        let detail = "validations or auditAnnotations must contain at least one item";
        errors.push(FieldError::required(SPEC.child("validations"), detail));
        errors.push(FieldError::required(SPEC.child("auditAnnotations"), detail));
        return errors;
    }
    let list = SPEC.child("validations");
    for (index, validation) in validations.iter().enumerate() {
        errors.extend(validate_validation(validation, &environment, &list.index(index)));
    }
    let list = SPEC.child("auditAnnotations");
    for (index, annotation) in annotations.iter().enumerate() {
        let path = list.index(index);
        let key = annotation.text("key");
        let full = format!("{}/{key}", object.text("metadata.name"));
        errors.extend(
            names::qualified_name(&full).into_iter().map(|m| FieldError::invalid(path.child("key"), full.as_str(), m)),
        );
        if annotations[..index].iter().any(|other| other.text("key") == key) {
            errors.push(FieldError::duplicate(path.child("key"), key));
        }
        let path = path.child("valueExpression");
        let expression = annotation.text("valueExpression");
        if expression.trim().is_empty() {
            errors.push(FieldError::required(path, "valueExpression is not specified"));
        } else if let Err(why) = compile_as(&environment, expression.trim(), &[Type::String, Type::Null]) {
            errors.push(FieldError::invalid(path, expression, why));
        }
    }
    errors
}

/// There is nothing to change in a deletion.
fn mutating_operations(matches: &Value, path: &Path<'_>) -> Vec<FieldError> {
    const OPERATIONS: [&str; 4] = ["*", "CONNECT", "CREATE", "UPDATE"];
    let path = path.child("resourceRules");
    let rules = matches.list("resourceRules").iter();
    rules
        .flat_map(|rule| rule.list("operations"))
        .filter(|operation| !OPERATIONS.contains(&operation.as_str().unwrap_or_default()))
        .map(|operation| FieldError::not_supported(path.child("operations"), operation.clone(), &OPERATIONS))
        .collect()
}

/// Checks `mutations` and `reinvocationPolicy` of a mutating policy.
fn mutations(spec: &Value, environment: &kubewright_cel::Environment) -> Vec<FieldError> {
    const REINVOCATION: [&str; 2] = ["IfNeeded", "Never"];
    let mut errors = Vec::new();
    let list = SPEC.child("mutations");
    let mutations = spec.list("mutations");
    if mutations.is_empty() {
        errors.push(FieldError::required(list, "mutations must contain at least one item"));
    }
    for (index, mutation) in mutations.iter().enumerate() {
        errors.extend(validate_mutation(mutation, environment, &list.index(index)));
    }
    let path = SPEC.child("reinvocationPolicy");
    match spec.text("reinvocationPolicy") {
        "" => errors.push(FieldError::required(path, "")),
        policy if REINVOCATION.contains(&policy) => {}
        policy => errors.push(FieldError::not_supported(path, policy, &REINVOCATION)),
    }
    errors
}

fn validate_mutation(mutation: &Value, environment: &kubewright_cel::Environment, path: &Path<'_>) -> Vec<FieldError> {
    const TYPES: [&str; 2] = ["ApplyConfiguration", "JSONPatch"];
    let kind = mutation.text("patchType");
    if kind.is_empty() {
        return vec![FieldError::required(path.child("patchType"), "")];
    }
    if !TYPES.contains(&kind) {
        return vec![FieldError::not_supported(path.child("patchType"), kind, &TYPES)];
    }
    let mut errors = Vec::new();
    let json_patch = kind == "JSONPatch";
    let (field, result) = mutation_of(json_patch);
    if mutation.has(field) {
        let path = path.child(field);
        let expression = mutation.at(field).text("expression").trim();
        if expression.is_empty() {
            errors.push(FieldError::required(path.child("expression"), ""));
        } else if let Err(why) = compile_as(environment, expression, &[result]) {
            errors.push(FieldError::invalid(path.child("expression"), expression, why));
        }
    } else {
        errors.push(FieldError::required(path.child(field), format!("must be specified when patchType is {kind}")));
    }
    let (other, _) = mutation_of(!json_patch);
    if mutation.has(other) {
        let detail = format!("must not be specified when patchType is {kind}");
        errors.push(FieldError::invalid(path.child(other), format!("{{{other}}}"), detail));
    }
    errors
}

fn param_kind(kind: &Value) -> Vec<FieldError> {
    let path = SPEC.child("paramKind");
    let mut errors = Vec::new();
    let of_api = path.child("apiVersion");
    let api_version = kind.text("apiVersion");
    let (group, version) = match api_version {
        "" => {
            errors.push(FieldError::required(of_api, ""));
            ("", None)
        }
        "/" => ("", Some("")),
        text if text.matches('/').count() > 1 => {
            errors.push(FieldError::invalid(of_api, text, format!("unexpected GroupVersion string: {text}")));
            ("", None)
        }
        text => text.split_once('/').map_or(("", Some(text)), |(group, version)| (group, Some(version))),
    };
    let joined = |wrong: Vec<String>| (!wrong.is_empty()).then(|| wrong.join(","));
    if !group.is_empty() {
        errors.extend(joined(names::dns_subdomain(group)).map(|wrong| FieldError::invalid(of_api, group, wrong)));
    }
    match version {
        Some("") => errors.push(FieldError::invalid(of_api, api_version, "version must be specified")),
        Some(version) => {
            errors.extend(
                joined(names::dns_label_1035(version)).map(|wrong| FieldError::invalid(of_api, version, wrong)),
            );
        }
        None => {}
    }
    let of_kind = path.child("kind");
    match kind.text("kind") {
        "" => errors.push(FieldError::required(of_kind, "")),
        name => errors.extend(joined(names::dns_label_1035(&name.to_lowercase())).map(|wrong| {
            let detail = format!("may have mixed case, but should otherwise match: {wrong}");
            FieldError::invalid(of_kind, name, detail)
        })),
    }
    errors
}

fn validate_status(status: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let types = path.child("typeChecking");
    let list = types.child("expressionWarnings");
    let mut errors = Vec::new();
    for (index, warning) in status.list("typeChecking.expressionWarnings").iter().enumerate() {
        let path = list.index(index);
        if warning.text("warning").is_empty() {
            errors.push(FieldError::required(path.child("warning"), ""));
        }
        let field = warning.text("fieldRef").trim();
        if field.is_empty() {
            errors.push(FieldError::required(path.child("fieldRef"), ""));
        } else if let Err(error) = JsonPath::parse(&format!(".{}", field.trim_start_matches('.'))) {
            errors.push(FieldError::invalid(path.child("fieldRef"), field, format!("invalid JSONPath: {error}")));
        }
    }
    errors.extend(conditions::validate(status.list("conditions"), &path.child("conditions")));
    errors
}

fn match_resources(matches: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let policy = matches.text("matchPolicy");
    if !matches!(policy, "Equivalent" | "Exact") {
        errors.push(FieldError::not_supported(path.child("matchPolicy"), policy, &["Equivalent", "Exact"]));
    }
    for field in ["namespaceSelector", "objectSelector"] {
        errors.extend(selector::validate(matches.at(field), &path.child(field)));
    }
    for field in ["resourceRules", "excludeResourceRules"] {
        let list = path.child(field);
        for (index, rule) in matches.list(field).iter().enumerate() {
            let path = list.index(index);
            let names = rule.list("resourceNames");
            let twice = (0..names.len()).filter(|at| names[..*at].contains(&names[*at]));
            let list = path.child("resourceNames");
            errors.extend(twice.map(|at| FieldError::duplicate(list.index(at), names[at].clone())));
            errors.extend(webhooks::validate_rule(rule, &path));
        }
    }
    errors
}

fn validate_variable(variable: &Value, environment: &mut PolicyEnvironment, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (name, expression) = (variable.text("name"), variable.text("expression"));
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_');
    let identifier = begins && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if name.trim().is_empty() {
        errors.push(FieldError::required(path.child("name"), "name is not specified"));
    } else if !identifier || kubewright_cel::escape(name).as_deref() != Some(name) {
        errors.push(FieldError::invalid(path.child("name"), name, "must be a valid CEL identifier"));
    }
    if expression.trim().is_empty() {
        errors.push(FieldError::required(path.child("expression"), "expression is not specified"));
    } else if let Err(why) = environment.declare(name, expression) {
        errors.push(FieldError::invalid(path.child("expression"), expression, why));
    }
    errors
}

fn validate_validation(
    validation: &Value,
    environment: &kubewright_cel::Environment,
    path: &Path<'_>,
) -> Vec<FieldError> {
    const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
    let mut errors = Vec::new();
    let expression = validation.text("expression");
    if expression.trim().is_empty() {
        errors.push(FieldError::required(path.child("expression"), "expression is not specified"));
    } else if let Err(why) = compile_as(environment, expression, &[Type::Bool]) {
        errors.push(FieldError::invalid(path.child("expression"), expression, why));
    }
    let message = validation.text("messageExpression");
    if !message.is_empty() && message.trim().is_empty() {
        errors.push(FieldError::invalid(path.child("messageExpression"), message, "must be non-empty if specified"));
    } else if !message.is_empty()
        && let Err(why) = compile_as(environment, message, &[Type::String])
    {
        errors.push(FieldError::invalid(path.child("messageExpression"), message, why));
    }
    let message = validation.text("message");
    if !message.is_empty() && message.trim().is_empty() {
        errors.push(FieldError::invalid(path.child("message"), message, "must be non-empty if specified"));
    } else if message.trim().contains(['\n', '\r']) {
        errors.push(FieldError::invalid(path.child("message"), message, "must not contain line breaks"));
    }
    let reason = validation.text("reason");
    if validation.has("reason") && !REASONS.contains(&reason) {
        errors.push(FieldError::not_supported(path.child("reason"), reason, &REASONS));
    }
    errors
}

fn validate_binding(spec: &Value, validating: bool) -> Vec<FieldError> {
    const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];
    let mut errors = Vec::new();
    let policy = spec.text("policyName");
    let path = SPEC.child("policyName");
    if policy.is_empty() {
        errors.push(FieldError::required(path, ""));
    } else {
        errors.extend(names::dns_subdomain(policy).into_iter().map(|m| FieldError::invalid(path, policy, m)));
    }
    if spec.has("paramRef") {
        errors.extend(param_ref(spec.at("paramRef"), &SPEC.child("paramRef")));
    }
    if spec.has("matchResources") {
        errors.extend(match_resources(spec.at("matchResources"), &SPEC.child("matchResources")));
    }
    if !validating {
        errors.extend(mutating_operations(spec.at("matchResources"), &SPEC.child("matchResources")));
        return errors;
    }
    let path = SPEC.child("validationActions");
    let actions = spec.list("validationActions");
    for (index, action) in actions.iter().enumerate() {
        if !ACTIONS.contains(&action.as_str().unwrap_or_default()) {
            errors.push(FieldError::not_supported(path.index(index), action.clone(), &ACTIONS));
        }
        if actions[..index].contains(action) {
            errors.push(FieldError::duplicate(path.index(index), action.clone()));
        }
    }
    if actions.is_empty() {
        errors.push(FieldError::required(path, "at least one validation action is required"));
    }
    if ["Deny", "Warn"].iter().all(|action| actions.contains(&json!(action))) {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the API \
                      response and headers serves no purpose)";
        errors.push(FieldError::invalid(path, actions.to_vec(), detail));
    }
    errors
}

fn param_ref(reference: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let named = !reference.text("name").is_empty();
    let selects = reference.has("selector");
    if named && selects {
        for field in ["name", "selector"] {
            errors.push(FieldError::forbidden(path.child(field), "name and selector are mutually exclusive"));
        }
    }
    if selects {
        errors.extend(selector::validate(reference.at("selector"), &path.child("selector")));
    }
    if !named && !selects {
        errors.push(FieldError::required(*path, "one of name or selector must be specified"));
    }
    let path = path.child("parameterNotFoundAction");
    match reference.text("parameterNotFoundAction") {
        "" => errors.push(FieldError::required(path, "")),
        "Allow" | "Deny" => {}
        other => errors.push(FieldError::not_supported(path, other, &["Deny", "Allow"])),
    }
    errors
}
