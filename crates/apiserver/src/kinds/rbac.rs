//! Role, ClusterRole, RoleBinding, ClusterRoleBinding.

use serde_json::Value;

use super::names::{self, NameRule};
use super::path::Path;
use super::selector;
use super::strategy::Strategy;
use super::tree::{Tree, same};
use crate::field::FieldError;
use crate::go_text::{Absent::Text, internal_json};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Role and ClusterRole.
pub(super) struct Role {
    pub(super) namespaced: bool,
}

impl Strategy for Role {
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let rules = Path::new("rules");
        let mut errors = Vec::new();
        for (index, rule) in object.list("rules").iter().enumerate() {
            errors.extend(validate_rule(rule, self.namespaced, &rules.index(index)));
        }
        let aggregation = object.at("aggregationRule");
        if !self.namespaced && aggregation.is_object() {
            let path = Path::new("aggregationRule.clusterRoleSelectors");
            let selectors = aggregation.list("clusterRoleSelectors");
            if selectors.is_empty() {
                let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
                errors.push(FieldError::required(path, detail));
            }
            for (index, one) in selectors.iter().enumerate() {
                let wrong = selector::validate(one, &path.index(index));
                let broken = !wrong.is_empty();
                errors.extend(wrong);
                if broken {
                    errors.push(FieldError::invalid(path.index(index), Value::Null, "invalid label selector."));
                }
            }
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

/// RoleBinding and ClusterRoleBinding.
pub(super) struct Binding {
    pub(super) namespaced: bool,
}

impl Strategy for Binding {
    fn default(&self, _: &str, object: &mut Value) {
        object.ensure("roleRef").default_text("apiGroup", GROUP);
        for subject in object.each_mut("subjects") {
            if matches!(subject.text("kind"), "User" | "Group") {
                subject.default_text("apiGroup", GROUP);
            }
        }
    }

    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("roleRef");
        let role = object.at("roleRef");
        let mut errors = Vec::new();
        if role.text("apiGroup") != GROUP {
            errors.push(FieldError::not_supported(path.child("apiGroup"), role.text("apiGroup"), &[GROUP]));
        }
        let kinds: &[&str] = if self.namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
        if !kinds.contains(&role.text("kind")) {
            errors.push(FieldError::not_supported(path.child("kind"), role.text("kind"), kinds));
        }
        let name = role.text("name");
        if name.is_empty() {
            errors.push(FieldError::required(path.child("name"), ""));
        }
        for message in names::path_segment(name, false) {
            errors.push(FieldError::invalid(path.child("name"), name, message));
        }
        let subjects = Path::new("subjects");
        for (index, subject) in object.list("subjects").iter().enumerate() {
            errors.extend(validate_subject(subject, self.namespaced, &subjects.index(index)));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        if !same(new.at("roleRef"), old.at("roleRef")) {
            let role = new.at("roleRef");
            let fields = [("APIGroup", "apiGroup", Text), ("Kind", "kind", Text), ("Name", "name", Text)];
            let error = FieldError::invalid("roleRef", role.clone(), "cannot change roleRef");
            errors.push(error.showing(internal_json(role, &fields)));
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

fn validate_rule(rule: &Value, namespaced: bool, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if rule.list("verbs").is_empty() {
        errors.push(FieldError::required(path.child("verbs"), "verbs must contain at least one value"));
    }
    let urls = rule.list("nonResourceURLs");
    if !urls.is_empty() {
        let path = path.child("nonResourceURLs");
        if namespaced {
            let detail = "namespaced rules cannot apply to non-resource URLs";
            errors.push(FieldError::invalid(path, urls.to_vec(), detail));
        }
        if ["apiGroups", "resources", "resourceNames"].iter().any(|field| !rule.list(field).is_empty()) {
            let detail = "rules cannot apply to both regular resources and non-resource URLs";
            errors.push(FieldError::invalid(path, urls.to_vec(), detail));
        }
        return errors;
    }
    if rule.list("apiGroups").is_empty() {
        let detail = "resource rules must supply at least one api group";
        errors.push(FieldError::required(path.child("apiGroups"), detail));
    }
    if rule.list("resources").is_empty() {
        errors.push(FieldError::required(path.child("resources"), "resource rules must supply at least one resource"));
    }
    errors
}

fn validate_subject(subject: &Value, namespaced: bool, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (name, group) = (subject.text("name"), subject.text("apiGroup"));
    if name.is_empty() {
        errors.push(FieldError::required(path.child("name"), ""));
    }
    match subject.text("kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                for message in names::dns_subdomain(name) {
                    errors.push(FieldError::invalid(path.child("name"), name, message));
                }
            }
            if !group.is_empty() {
                errors.push(FieldError::not_supported(path.child("apiGroup"), group, &[""]));
            }
            if !namespaced && subject.text("namespace").is_empty() {
                errors.push(FieldError::required(path.child("namespace"), ""));
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                errors.push(FieldError::not_supported(path.child("apiGroup"), group, &[GROUP]));
            }
        }
        other => {
            errors.push(FieldError::not_supported(path.child("kind"), other, &["ServiceAccount", "User", "Group"]));
        }
    }
    errors
}
