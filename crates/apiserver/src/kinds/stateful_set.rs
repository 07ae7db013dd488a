//! StatefulSet.

use serde_json::{Value, json};

use super::names::{self, NameRule};
use super::path::Path;
use super::pod;
use super::storage;
use super::strategy::{KindContext, Strategy};
use super::tree::{Tree, same};
use super::warnings;
use super::workload;
use crate::field::FieldError;
use crate::go_text::{Absent, internal_json};
use crate::status::ApiResult;

const SPEC: Path<'static> = Path::new("spec");

pub(super) struct StatefulSet;

impl Strategy for StatefulSet {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        pod::default_template(spec.ensure("template"));
        spec.default_text("podManagementPolicy", "OrderedReady");
        let strategy = spec.ensure("updateStrategy");
        if strategy.text("type").is_empty() {
            strategy.set("type", "RollingUpdate");
            strategy.default_to("rollingUpdate", json!({}));
        }
        if strategy.text("type") == "RollingUpdate"
            && let Some(rolling) = strategy.field_mut("rollingUpdate").filter(|rolling| rolling.is_object())
        {
            rolling.default_to("partition", 0);
        }
        let retention = spec.ensure("persistentVolumeClaimRetentionPolicy");
        retention.default_text("whenDeleted", "Retain");
        retention.default_text("whenScaled", "Retain");
        spec.default_to("replicas", 1);
        spec.default_to("revisionHistoryLimit", 10);
        for claim in spec.each_mut("volumeClaimTemplates") {
            claim.default_text("kind", "PersistentVolumeClaim");
            claim.default_text("apiVersion", "v1");
            storage::default_claim(claim);
        }
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Label
    }

    fn has_status(&self) -> bool {
        true
    }

    fn empty_status(&self) -> Value {
        json!({"replicas": 0, "availableReplicas": 0})
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        object.set("status", self.empty_status());
        drop_max_unavailable(object);
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("status", old);
        drop_max_unavailable(new);
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        validate(object, false)
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = validate(new, true);
        let (new, old) = (new.at("spec"), old.at("spec"));
        let mut comparable = new.clone();
        for field in [
            "replicas",
            "template",
            "updateStrategy",
            "minReadySeconds",
            "ordinals",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
        ] {
            comparable.copy_field(field, old);
        }
        if !same(&comparable, old) {
            let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
            errors.push(FieldError::forbidden(SPEC, detail));
        }
        errors
    }

    fn validate_status_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let path = Path::new("status");
        let status = new.at("status");
        let counters = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
        let mut errors = workload::replica_counts(status, &counters, &path);
        let available = status.int("availableReplicas").unwrap_or_default();
        if available > status.int("readyReplicas").unwrap_or_default() {
            let detail = "cannot be greater than status.readyReplicas";
            errors.push(FieldError::invalid(path.child("availableReplicas"), available, detail));
        }
        let collisions = status.int("collisionCount").unwrap_or_default();
        if old.int("status.collisionCount").is_some_and(|before| collisions < before) {
            errors.push(FieldError::invalid(path.child("collisionCount"), collisions, "cannot be decremented"));
        }
        errors
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let mut list = warnings::template(new, old, &SPEC.child("template"));
        let path = SPEC.child("volumeClaimTemplates");
        for (index, claim) in new.list("spec.volumeClaimTemplates").iter().enumerate() {
            let path = path.index(index);
            // The server itself writes the field in capitals here on an update.
            let field = if old.is_some() { "Spec" } else { "spec" };
            list.extend(warnings::claim_spec(claim.at("spec"), &path.child(field)));
        }
        if new.int("spec.revisionHistoryLimit").is_some_and(|limit| limit < 0) {
            let text = "a negative value retains all historical revisions; a value >= 0 is recommended";
            list.push(format!("spec.revisionHistoryLimit: {text}"));
        }
        list
    }
}

/// A server with default features does not keep it. Source: KEP-961.
fn drop_max_unavailable(object: &mut Value) {
    let strategy = object.ensure("spec").ensure("updateStrategy");
    if let Some(rolling) = strategy.field_mut("rollingUpdate") {
        rolling.drop_field("maxUnavailable");
    }
}

fn validate(object: &Value, update: bool) -> Vec<FieldError> {
    let spec = object.at("spec");
    let mut errors = Vec::new();
    let policy = spec.text("podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        let detail = "must be 'OrderedReady' or 'Parallel'";
        errors.push(FieldError::invalid(SPEC.child("podManagementPolicy"), policy, detail));
    }
    errors.extend(update_strategy(spec.at("updateStrategy")));
    let retention = SPEC.child("persistentVolumeClaimRetentionPolicy");
    for field in ["whenDeleted", "whenScaled"] {
        let policy = spec.at("persistentVolumeClaimRetentionPolicy").text(field);
        if !matches!(policy, "Retain" | "Delete") {
            errors.push(FieldError::not_supported(retention.child(field), policy, &["Retain", "Delete"]));
        }
    }
    if !update {
        let templates = SPEC.child("volumeClaimTemplates");
        for (index, claim) in spec.list("volumeClaimTemplates").iter().enumerate() {
            let path = templates.index(index);
            errors.extend(storage::validate_claim_spec(claim.at("spec"), &path.child("spec")));
        }
    }
    errors.extend(workload::not_negative(spec, &["replicas", "minReadySeconds", "ordinals.start"], &SPEC));
    let service = spec.text("serviceName");
    if !update && !service.is_empty() {
        for message in names::dns_label(service) {
            errors.push(FieldError::invalid(SPEC.child("serviceName"), service, message));
        }
    }
    errors.extend(workload::selector(spec, "statefulset", &SPEC));
    let path = SPEC.child("template");
    if workload::has_usable_selector(spec) {
        let held = with_claims(spec);
        errors.extend(workload::template_labels(&held, &path));
        let wrong = pod::validate_template(held.at("template"), &path);
        errors.extend(wrong);
        let metadata = held.at("template.metadata");
        errors.extend(super::metadata::validate_labels(metadata.at("labels"), &path.child("labels")));
        errors.extend(super::metadata::validate_annotations(metadata.at("annotations"), &path.child("annotations")));
    } else {
        errors.push(FieldError::invalid(SPEC.child("selector"), spec.at("selector").clone(), ""));
    }
    errors.extend(workload::endless_pods(spec, "StatefulSet", &path));
    errors
}

/// The template as its pods will have it: with the volumes of the claims, without the names that pods get.
fn with_claims(spec: &Value) -> Value {
    let mut held = json!({"selector": spec.at("selector"), "template": spec.at("template")});
    let mut names: Vec<&str> =
        spec.list("volumeClaimTemplates").iter().map(|claim| claim.text("metadata.name")).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let claims: Vec<Value> =
        names.into_iter().map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}})).collect();
    let pod = held.ensure("template").ensure("spec");
    for field in ["hostname", "subdomain"] {
        pod.drop_field(field);
    }
    if !claims.is_empty() {
        let own = |volume: &&Value| !claims.iter().any(|claim| claim["name"] == volume["name"]);
        let volumes: Vec<Value> = claims.iter().chain(pod.list("volumes").iter().filter(own)).cloned().collect();
        pod.set("volumes", volumes);
    }
    held
}

fn update_strategy(strategy: &Value) -> Vec<FieldError> {
    let path = SPEC.child("updateStrategy");
    let rolling = strategy.at("rollingUpdate");
    let rolling_path = path.child("rollingUpdate");
    match strategy.text("type") {
        "OnDelete" if rolling.is_object() => {
            let detail = "only allowed for updateStrategy 'RollingUpdate'";
            vec![FieldError::invalid(rolling_path, rolling.clone(), detail).showing(rolling_shown(rolling))]
        }
        "OnDelete" => Vec::new(),
        "RollingUpdate" => workload::not_negative(rolling, &["partition"], &rolling_path),
        _ => {
            let detail = "must be 'RollingUpdate' or 'OnDelete'";
            let (kind, rolling) = (Value::from(strategy.text("type")), rolling_shown(rolling));
            let error = FieldError::invalid(path, strategy.clone(), detail);
            vec![error.showing(format!("{{\"Type\":{kind},\"RollingUpdate\":{rolling}}}"))]
        }
    }
}

/// As the real server shows its internal struct.
fn rolling_shown(rolling: &Value) -> String {
    let fields = [("Partition", "partition", Absent::Number), ("MaxUnavailable", "maxUnavailable", Absent::Nil)];
    if rolling.is_object() { internal_json(rolling, &fields) } else { "null".to_owned() }
}
