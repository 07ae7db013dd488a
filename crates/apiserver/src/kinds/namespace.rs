//! Namespace: phase, the `kubernetes` finalizer, and the label with its own name.

use serde_json::{Value, json};

use super::names::{self, NameRule};
use super::path::Path;
use super::strategy::{KindContext, Strategy};
use super::tree::Tree;
use crate::field::FieldError;
use crate::status::ApiResult;

/// The label that each Namespace carries, with its name as the value.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(super) struct Namespace;

impl Strategy for Namespace {
    fn default(&self, _: &str, object: &mut Value) {
        object.ensure("status").default_text("phase", "Active");
        let name = object.text("metadata.name").to_string();
        if !name.is_empty() {
            object.ensure("metadata").ensure("labels").set(NAME_LABEL, name);
        }
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Label
    }

    fn has_status(&self) -> bool {
        true
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        object.set("status", json!({"phase": "Active"}));
        let mut finalizers = object.list("spec.finalizers").to_vec();
        if !finalizers.contains(&json!("kubernetes")) {
            finalizers.push(json!("kubernetes"));
        }
        object.ensure("spec").set("finalizers", finalizers);
        // A generated name was not known when defaults were set.
        self.default("v1", object);
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("spec", old);
        new.copy_field("status", old);
        self.default("v1", new);
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("spec.finalizers");
        let mut errors = Vec::new();
        for finalizer in object.list("spec.finalizers").iter().filter_map(Value::as_str) {
            for message in names::qualified_name(finalizer) {
                errors.push(FieldError::invalid(path, finalizer, message));
            }
            if !finalizer.contains('/') && finalizer != "kubernetes" {
                let detail = "name is neither a standard finalizer name nor is it fully qualified";
                errors.push(FieldError::invalid(path, finalizer, detail));
            }
        }
        errors
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        let phase = new.text("status.phase");
        let (expected, detail) = if new.has("metadata.deletionTimestamp") {
            ("Terminating", "may only be 'Terminating' if `deletionTimestamp` is not empty")
        } else {
            ("Active", "may only be 'Active' if `deletionTimestamp` is empty")
        };
        if phase == expected { Vec::new() } else { vec![FieldError::invalid("status.Phase", phase, detail)] }
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.phase"]
    }

    fn reset_fields(&self, subresource: &str) -> &'static [&'static str] {
        match subresource {
            "" | "finalize" => &["status"],
            "status" => &["spec"],
            _ => &[],
        }
    }
}
