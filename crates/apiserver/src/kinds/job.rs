//! Job.

use serde_json::{Value, json};

use super::metadata::too_long;
use super::names;
use super::path::Path;
use super::pod;
use super::selector;
use super::strategy::{KindContext, Strategy};
use super::tree::{Tree, same};
use super::warnings;
use super::workload;
use crate::field::{FieldError, FieldErrorKind};
use crate::go_text::{Absent, internal_json};
use crate::status::ApiResult;

const SPEC: Path<'static> = Path::new("spec");
/// The most rules of a success policy, and the longest list of indexes in one, in bytes.
const MOST_SUCCESS_RULES: usize = 20;
const LONGEST_INDEXES: usize = 64 * 1024;
const CONTROLLER_LABEL: &str = "batch.kubernetes.io/controller-uid";
const OLD_CONTROLLER_LABEL: &str = "controller-uid";
const NAME_LABEL: &str = "batch.kubernetes.io/job-name";
const OLD_NAME_LABEL: &str = "job-name";

pub(super) struct Job;

impl Strategy for Job {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        pod::default_template(spec.ensure("template"));
        if !spec.has("completions") && !spec.has("parallelism") {
            spec.set("completions", 1);
        }
        spec.default_to("parallelism", 1);
        let limit = if spec.has("backoffLimitPerIndex") { i32::MAX } else { 6 };
        spec.default_to("backoffLimit", limit);
        spec.default_to("completionMode", "NonIndexed");
        spec.default_to("suspend", false);
        let policy = if spec.has("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
        spec.default_to("podReplacementPolicy", policy);
        spec.default_to("manualSelector", false);
        default_failure_policy(spec);
        labels_from_template(object);
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        object.set("status", self.empty_status());
        if !object.flag("spec.manualSelector") {
            let (name, uid) = (object.text("metadata.name").to_string(), object.text("metadata.uid").to_string());
            let from_template = object.at("metadata.labels") == object.at("spec.template.metadata.labels");
            if from_template {
                object.ensure("metadata").drop_field("labels");
            }
            let spec = object.ensure("spec");
            let labels = spec.ensure("template").ensure("metadata").ensure("labels");
            for (label, value) in
                [(OLD_NAME_LABEL, &name), (NAME_LABEL, &name), (OLD_CONTROLLER_LABEL, &uid), (CONTROLLER_LABEL, &uid)]
            {
                labels.default_to(label, value.as_str());
            }
            spec.ensure("selector").ensure("matchLabels").default_to(CONTROLLER_LABEL, uid);
        }
        labels_from_template(object);
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("status", old);
        labels_from_template(new);
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = generated_selector(object);
        let spec = object.at("spec");
        errors.extend(validate_spec(spec, &SPEC));
        errors.extend(selector_and_labels(spec));
        let completions = spec.int("completions").unwrap_or_default();
        if spec.text("completionMode") == "Indexed" && completions > 0 {
            let name = object.text("metadata.name");
            let longest = format!("{name}-{}", completions - 1);
            if !names::dns_label(&longest).is_empty() {
                let detail = format!("will not able to create pod with invalid DNS label: {longest}");
                errors.push(FieldError::invalid("metadata.name", name, detail));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        let (spec, before) = (new.at("spec"), old.at("spec"));
        // The spec is checked once for itself and once more as part of the update.
        errors.extend(validate_spec(spec, &SPEC));
        errors.extend(selector_and_labels(spec));
        if spec.text("completionMode") != "Indexed" {
            errors.extend(workload::immutable(spec, before, "completions", &SPEC));
        } else if !same(spec.at("completions"), before.at("completions"))
            && spec.has("completions")
            && spec.int("completions") != spec.int("parallelism")
        {
            let value = spec.at("completions").clone();
            let detail = "can only be modified in tandem with spec.parallelism";
            errors.push(FieldError::invalid(SPEC.child("completions"), value, detail));
        }
        errors.extend(workload::immutable(spec, before, "selector", &SPEC));
        errors.extend(template_change(spec, before, old));
        for field in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
            errors.extend(workload::immutable(spec, before, field, &SPEC));
        }
        errors
    }

    fn validate_status_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        validate_status(new, old)
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.successful"]
    }

    fn field_value(&self, _: &str, object: &Value) -> String {
        object.int("status.succeeded").unwrap_or_default().to_string()
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::named_template(new, old)
    }
}

/// A Job without labels has those of its template, the generated ones included.
fn labels_from_template(job: &mut Value) {
    let labels = job.at("spec.template.metadata.labels").clone();
    if labels.is_object() && job.entries("metadata.labels").next().is_none() {
        job.ensure("metadata").set("labels", labels);
    }
}

pub(super) fn default_failure_policy(spec: &mut Value) {
    let Some(policy) = spec.field_mut("podFailurePolicy") else { return };
    for rule in policy.each_mut("rules") {
        for condition in rule.each_mut("onPodConditions") {
            condition.default_text("status", "True");
        }
    }
}

pub(super) fn validate_spec(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let counts = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    let mut errors = workload::not_negative(spec, &counts, path);
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        errors.push(FieldError::required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"));
    }
    if spec.has("managedBy") {
        errors.extend(managed_by(spec.text("managedBy"), path.child("managedBy")));
    }
    let mode = spec.text("completionMode");
    let indexed = mode == "Indexed";
    let modes = ["NonIndexed", "Indexed"];
    if spec.has("completionMode") && !modes.contains(&mode) {
        errors.push(FieldError::not_supported(path.child("completionMode"), mode, &modes));
    }
    if indexed {
        if !spec.has("completions") {
            errors.push(FieldError::required(path.child("completions"), "when completion mode is Indexed"));
        }
        if let Some(parallelism) = spec.int("parallelism").filter(|parallelism| *parallelism > 100_000) {
            let detail = "must be less than or equal to 100000 when completion mode is Indexed";
            errors.push(FieldError::invalid(path.child("parallelism"), parallelism, detail));
        }
        if let (Some(failed), Some(all)) = (spec.int("maxFailedIndexes"), spec.int("completions"))
            && failed > all
        {
            let detail = "must be less than or equal to completions";
            errors.push(FieldError::invalid(path.child("maxFailedIndexes"), failed, detail));
        }
        errors.extend(many_indexes(spec, path));
    } else if matches!(mode, "" | "NonIndexed") {
        for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if spec.has(field) {
                let value = spec.at(field).clone();
                errors.push(FieldError::invalid(path.child(field), value, "requires indexed completion mode"));
            }
        }
    }
    if spec.has("podFailurePolicy") {
        errors.extend(failure_policy(spec, &path.child("podFailurePolicy")));
    }
    if spec.has("successPolicy") {
        let path = path.child("successPolicy");
        if !indexed {
            let value = spec.at("successPolicy").clone();
            let error = FieldError::invalid(path, value, "requires indexed completion mode");
            errors.push(error.showing(success_policy_shown(spec.at("successPolicy"))));
        } else if let Some(completions) = spec.int("completions") {
            errors.extend(success_policy(spec.at("successPolicy"), completions, &path.child("rules")));
        }
    }
    if spec.has("podReplacementPolicy") {
        let policy = spec.text("podReplacementPolicy");
        let allowed: &[&str] =
            if spec.has("podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
        if !allowed.contains(&policy) {
            errors.push(FieldError::not_supported(path.child("podReplacementPolicy"), policy, allowed));
        }
    }
    let template = path.child("template");
    errors.extend(pod::validate_template(spec.at("template"), &template));
    let pod_path = template.child("spec");
    let restart = pod_path.child("restartPolicy");
    match spec.text("template.spec.restartPolicy") {
        "Always" | "" => {
            errors.push(FieldError::required(restart, "valid values: \"OnFailure\", \"Never\""));
        }
        "Never" => {}
        policy @ "OnFailure" => {
            if spec.has("podFailurePolicy") {
                let detail = "only \"Never\" is supported when podFailurePolicy is specified";
                errors.push(FieldError::invalid(restart, policy, detail));
            }
        }
        policy => errors.push(FieldError::not_supported(restart, policy, &["OnFailure", "Never"])),
    }
    errors
}

/// Limits of Jobs with very many indexes, so that their status does not get too large.
fn many_indexes(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    const MANY: i64 = 100_000;
    const FEW: i64 = 10_000;
    let mut errors = Vec::new();
    let failed = spec.int("maxFailedIndexes");
    let failed_path = path.child("maxFailedIndexes");
    if let Some(failed) = failed.filter(|failed| *failed > MANY) {
        errors.push(FieldError::invalid(failed_path, failed, format!("must be less than or equal to {MANY}")));
    }
    if spec.int("completions").is_none_or(|completions| completions <= MANY) || !spec.has("backoffLimitPerIndex") {
        return errors;
    }
    if failed.is_none() {
        let detail = format!("must be specified when completions is above {MANY}");
        errors.push(FieldError::required(failed_path, detail));
    }
    for field in ["parallelism", "maxFailedIndexes"] {
        if let Some(number) = spec.int(field).filter(|number| *number > FEW) {
            let detail = format!(
                "must be less than or equal to {FEW} when completions are above {MANY} and used with backoff limit per index"
            );
            errors.push(FieldError::invalid(path.child(field), number, detail));
        }
    }
    errors
}

fn failure_policy(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
    const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
    let valid = |values: &[&str]| {
        let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        format!("valid values: [{}]", quoted.join(" "))
    };
    let path = path.child("rules");
    let mut errors = Vec::new();
    for (index, rule) in spec.list("podFailurePolicy.rules").iter().enumerate() {
        let path = path.index(index);
        match rule.text("action") {
            "" => errors.push(FieldError::required(path.child("action"), valid(&ACTIONS))),
            action @ "FailIndex" if !spec.has("backoffLimitPerIndex") => {
                let detail = "requires the backoffLimitPerIndex to be set";
                errors.push(FieldError::invalid(path.child("action"), action, detail));
            }
            action if !ACTIONS.contains(&action) => {
                errors.push(FieldError::not_supported(path.child("action"), action, &ACTIONS));
            }
            _ => {}
        }
        if rule.has("onExitCodes") {
            errors.extend(exit_codes(spec, rule.at("onExitCodes"), &path.child("onExitCodes")));
        }
        let conditions = path.child("onPodConditions");
        for (index, condition) in rule.list("onPodConditions").iter().enumerate() {
            let path = conditions.index(index);
            let kind = condition.text("type");
            let wrong = names::qualified_name(kind);
            errors.extend(wrong.into_iter().map(|message| FieldError::invalid(path.child("type"), kind, message)));
            match condition.text("status") {
                "" => errors.push(FieldError::required(path.child("status"), valid(&STATUSES))),
                status if !STATUSES.contains(&status) => {
                    errors.push(FieldError::not_supported(path.child("status"), status, &STATUSES));
                }
                _ => {}
            }
        }
        let detail = match (rule.has("onExitCodes"), !rule.list("onPodConditions").is_empty()) {
            (true, true) => "specifying both OnExitCodes and OnPodConditions is not supported",
            (false, false) => "specifying one of OnExitCodes and OnPodConditions is required",
            _ => continue,
        };
        errors.push(FieldError::new(FieldErrorKind::InvalidUnshown, path, Value::Null, detail));
    }
    errors
}

fn success_policy(policy: &Value, completions: i64, path: &Path<'_>) -> Vec<FieldError> {
    let rules = policy.list("rules");
    let mut errors = Vec::new();
    if rules.is_empty() {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(*path, detail));
    }
    if rules.len() > MOST_SUCCESS_RULES {
        let detail = format!("must have at most {MOST_SUCCESS_RULES} items");
        errors.push(FieldError::new(FieldErrorKind::TooMany, *path, rules.len().into(), detail));
    }
    for (index, rule) in rules.iter().enumerate() {
        let path = path.index(index);
        if !rule.has("succeededCount") && !rule.has("succeededIndexes") {
            let detail = "at least one of succeededCount or succeededIndexes must be specified";
            errors.push(FieldError::required(path, detail));
        }
        let mut named = None;
        if let Some(indexes) = rule.at("succeededIndexes").as_str() {
            let path = path.child("succeededIndexes");
            if indexes.len() > LONGEST_INDEXES {
                errors.push(too_long(path, LONGEST_INDEXES));
            }
            named = Some(check_indexes(indexes, completions).unwrap_or_else(|why| {
                errors.push(FieldError::invalid(path, indexes, format!("error parsing succeededIndexes: {why}")));
                0
            }));
        }
        let Some(count) = rule.int("succeededCount") else { continue };
        let path = path.child("succeededCount");
        if count < 0 {
            errors.push(FieldError::invalid(path, count, "must be greater than or equal to 0"));
        }
        let limits = [
            (Some(completions), "the number of specified completions"),
            (named, "the number of indexes in the specified succeededIndexes field"),
        ];
        for (limit, what) in limits.into_iter().filter_map(|(limit, what)| Some((limit?, what))) {
            if count > limit {
                let detail = format!("must be less than or equal to {limit} ({what})");
                errors.push(FieldError::invalid(path, count, detail));
            }
        }
    }
    errors
}

fn success_policy_shown(policy: &Value) -> String {
    let fields =
        [("SucceededIndexes", "succeededIndexes", Absent::Nil), ("SucceededCount", "succeededCount", Absent::Nil)];
    let rules: Vec<String> = policy.list("rules").iter().map(|rule| internal_json(rule, &fields)).collect();
    format!("{{\"Rules\":[{}]}}", rules.join(","))
}

fn exit_codes(spec: &Value, codes: &Value, path: &Path<'_>) -> Vec<FieldError> {
    const OPERATORS: [&str; 2] = ["In", "NotIn"];
    let mut errors = Vec::new();
    let operator = codes.text("operator");
    if operator.is_empty() {
        errors.push(FieldError::required(path.child("operator"), "valid values: [\"In\" \"NotIn\"]"));
    } else if !OPERATORS.contains(&operator) {
        errors.push(FieldError::not_supported(path.child("operator"), operator, &OPERATORS));
    }
    if let Some(name) = codes.at("containerName").as_str() {
        let pod = spec.at("template.spec");
        let mut all = pod.list("containers").iter().chain(pod.list("initContainers"));
        if !all.any(|container| container.text("name") == name) {
            let detail = "must be one of the container or initContainer names in the pod template";
            errors.push(FieldError::invalid(path.child("containerName"), name, detail));
        }
    }
    let path = path.child("values");
    let values = codes.list("values");
    if values.is_empty() {
        errors.push(FieldError::invalid(path, codes.at("values").clone(), "at least one value is required"));
    }
    for (index, value) in values.iter().enumerate() {
        if operator == "In" && value == 0 {
            errors.push(FieldError::invalid(path.index(index), 0, "must not be 0 for the In operator"));
        }
        if values[..index].contains(value) {
            errors.push(FieldError::duplicate(path.index(index), value.clone()));
        }
    }
    if !values.is_sorted_by_key(Value::as_i64) {
        errors.push(FieldError::invalid(path, values.to_vec(), "must be ordered"));
    }
    errors
}

fn selector_and_labels(spec: &Value) -> Vec<FieldError> {
    let path = SPEC.child("selector");
    let one = spec.at("selector");
    let mut errors = Vec::new();
    if one.is_null() {
        errors.push(FieldError::required(path, ""));
    }
    let wrong = selector::validate(one, &path);
    let labels = spec.at("template.metadata.labels");
    let held = wrong.is_empty();
    errors.extend(wrong);
    if held && (one.is_null() || !selector::matches(one, labels)) {
        let template = SPEC.child("template");
        let metadata = template.child("metadata");
        let detail = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid(metadata.child("labels"), labels.clone(), detail));
    }
    errors
}

fn managed_by(name: &str, path: Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match name.split_once('/') {
        _ if name.is_empty() => errors.push(FieldError::required(path, "")),
        Some((domain, rest)) if !domain.is_empty() && !rest.is_empty() => {
            errors.extend(names::dns_subdomain(domain).into_iter().map(|m| FieldError::invalid(path, domain, m)));
        }
        _ => {
            let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            errors.push(FieldError::invalid(path, name, detail));
        }
    }
    if name.len() > 63 {
        errors.push(too_long(path, 63));
    }
    errors
}

fn generated_selector(object: &Value) -> Vec<FieldError> {
    let spec = object.at("spec");
    let mut errors = Vec::new();
    if spec.flag("manualSelector") || !spec.has("selector") {
        return errors;
    }
    let (name, uid) = (object.text("metadata.name"), object.text("metadata.uid"));
    let template = SPEC.child("template");
    let metadata = template.child("metadata");
    let labels_path = metadata.child("labels");
    let labels = spec.at("template.metadata.labels");
    let expected = [(OLD_CONTROLLER_LABEL, uid), (OLD_NAME_LABEL, name), (CONTROLLER_LABEL, uid), (NAME_LABEL, name)];
    for (label, value) in expected {
        match labels.get(label) {
            None => errors.push(FieldError::required(labels_path.key(label), format!("must be '{value}'"))),
            Some(found) if found != value => {
                let detail = format!("must be '{value}'");
                errors.push(FieldError::invalid(labels_path.key(label), labels.clone(), detail));
            }
            Some(_) => {}
        }
    }
    let labels: serde_json::Map<String, Value> =
        expected.into_iter().map(|(label, value)| (label.to_string(), json!(value))).collect();
    if !selector::matches(spec.at("selector"), &Value::Object(labels)) {
        let value = spec.at("selector").clone();
        errors.push(FieldError::invalid(SPEC.child("selector"), value, "`selector` not auto-generated"));
    }
    errors
}

/// The template is fixed; a Job that has not begun may still be told where to run.
fn template_change(spec: &Value, before: &Value, old: &Value) -> Option<FieldError> {
    let mut template = before.at("template").clone();
    let new = spec.at("template");
    let ended = |condition: &Value| condition.text("type") == "Suspended" && condition.text("status") == "True";
    let stopped = !old.has("status.startTime") || old.list("status.conditions").iter().any(ended);
    let mutable = before.flag("suspend") && stopped && old.int("status.active").unwrap_or_default() == 0;
    if mutable {
        for field in ["labels", "annotations"] {
            template.ensure("metadata").copy_field(field, new.at("metadata"));
        }
        let pod = template.ensure("spec");
        for field in ["nodeSelector", "tolerations", "schedulingGates"] {
            pod.copy_field(field, new.at("spec"));
        }
        pod.ensure("affinity").copy_field("nodeAffinity", new.at("spec.affinity"));
        for list in ["containers", "initContainers"] {
            for (container, other) in pod.each_mut(list).zip(new.at("spec").list(list)) {
                container.copy_field("resources", other);
            }
        }
    }
    let path = SPEC.child("template");
    if same(new, &template) {
        None
    } else if mutable {
        Some(FieldError::invalid(path.child("spec"), new.at("spec").clone(), "field is immutable"))
    } else {
        Some(FieldError::invalid(path, new.clone(), "field is immutable"))
    }
}

fn validate_status(new: &Value, old: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let (status, before) = (new.at("status"), old.at("status"));
    let mut errors = workload::not_negative(status, &["active", "succeeded", "failed", "ready", "terminating"], &path);
    let mut uncounted: Vec<&Value> = Vec::new();
    for list in ["succeeded", "failed"] {
        let path = path.child("uncountedTerminatedPods");
        let path = path.child(list);
        for (index, uid) in status.at("uncountedTerminatedPods").list(list).iter().enumerate() {
            if uid == "" {
                errors.push(FieldError::invalid(path.index(index), "", "must not be empty"));
            } else if uncounted.contains(&uid) {
                errors.push(FieldError::duplicate(path.index(index), uid.clone()));
            } else {
                uncounted.push(uid);
            }
        }
    }
    let is = |status: &Value, kind: &str| {
        status.list("conditions").iter().any(|c| c.text("type") == kind && c.text("status") == "True")
    };
    let conditions = path.child("conditions");
    let refuse = |detail: &str| FieldError::new(FieldErrorKind::InvalidUnshown, conditions, Value::Null, detail);
    let (complete, failed) = (is(status, "Complete"), is(status, "Failed"));
    let finished = complete || failed;
    let became = |kind: &str| is(status, kind) && !is(before, kind);
    let changed = |field: &str| !same(status.at(field), before.at(field));
    if complete && failed && (became("Complete") || became("Failed")) {
        errors.push(refuse("cannot set Complete=True and Failed=true conditions"));
    }
    if complete && is(status, "FailureTarget") && (became("Complete") || became("FailureTarget")) {
        errors.push(refuse("cannot set Complete=True and FailureTarget=true conditions"));
    }
    if status.has("completionTime") && !complete && (changed("completionTime") || is(before, "Complete")) {
        let value = status.at("completionTime").clone();
        let detail = "cannot set completionTime when there is no Complete=True condition";
        errors.push(FieldError::invalid(path.child("completionTime"), value, detail));
    }
    if complete && !status.has("completionTime") && (became("Complete") || changed("completionTime")) {
        let detail = "completionTime is required for Complete jobs";
        errors.push(FieldError::required(path.child("completionTime"), detail));
    }
    if status.has("startTime")
        && status.has("completionTime")
        && status.text("completionTime") < status.text("startTime")
        && (changed("startTime") || changed("completionTime"))
    {
        let value = status.at("completionTime").clone();
        let detail = "must be equal to or after `startTime`";
        errors.push(FieldError::invalid(path.child("completionTime"), value, detail));
    }
    if failed && !is(status, "FailureTarget") && (became("Failed") || changed("failedIndexes")) {
        errors.push(refuse("cannot set Failed=True condition without the FailureTarget=true condition"));
    }
    if complete && !is(status, "SuccessCriteriaMet") && became("Complete") {
        errors.push(refuse("cannot set Complete=True condition without the SuccessCriteriaMet=true condition"));
    }
    let now_finished = finished && (became("Complete") || became("Failed"));
    let active = status.int("active").unwrap_or_default();
    if active > 0 && finished && (now_finished || changed("active")) {
        errors.push(FieldError::invalid(path.child("active"), active, "active>0 is invalid for finished job"));
    }
    if finished && !status.has("startTime") && (now_finished || changed("startTime")) {
        errors.push(FieldError::required(path.child("startTime"), "startTime is required for finished job"));
    }
    if finished && !uncounted.is_empty() && (now_finished || changed("uncountedTerminatedPods")) {
        let value = status.at("uncountedTerminatedPods");
        let fields = [("Succeeded", "succeeded", Absent::Nil), ("Failed", "failed", Absent::Nil)];
        let error =
            FieldError::invalid(path.child("uncountedTerminatedPods"), value.clone(), "must be empty for finished job");
        errors.push(error.showing(internal_json(value, &fields)));
    }
    errors.extend(index_lists(new, &changed, &path));
    let terminating = status.int("terminating").unwrap_or_default();
    if terminating > 0 && finished && (now_finished || changed("terminating")) {
        let detail = "terminating>0 is invalid for finished job";
        errors.push(FieldError::invalid(path.child("terminating"), terminating, detail));
    }
    let ready = status.int("ready").unwrap_or_default();
    if ready > active && (changed("ready") || changed("active")) {
        errors.push(FieldError::invalid(path.child("ready"), ready, "cannot set more ready pods than active"));
    }
    if is(status, "SuccessCriteriaMet") {
        for (kind, shown) in [("Failed", "Failed=true"), ("FailureTarget", "FailureTarget=true")] {
            if is(status, kind) {
                errors.push(refuse(&format!("cannot set SuccessCriteriaMet=True and {shown} conditions")));
            }
        }
    } else if complete && new.has("spec.successPolicy") {
        errors.push(refuse("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"));
    }
    for kind in ["Failed", "Complete", "FailureTarget"] {
        if is(before, kind) && !is(status, kind) {
            errors.push(refuse(&format!("cannot disable the terminal {kind}=True condition")));
        }
    }
    for field in ["failed", "succeeded"] {
        let count = status.int(field).unwrap_or_default();
        if count < before.int(field).unwrap_or_default() {
            errors.push(FieldError::invalid(path.child(field), count, format!("cannot decrease the {field} counter")));
        }
    }
    if before.has("startTime") && changed("startTime") && !new.flag("spec.suspend") {
        let value = status.at("startTime").clone();
        let detail = "field is immutable for unsuspended job once set";
        errors.push(FieldError::invalid(path.child("startTime"), value, detail));
    }
    if is(before, "SuccessCriteriaMet") && !is(status, "SuccessCriteriaMet") {
        errors.push(refuse("cannot disable the SuccessCriteriaMet=True condition"));
    }
    errors
}

/// Checks the indexes that have succeeded or failed, as far as they have changed.
fn index_lists(job: &Value, changed: &dyn Fn(&str) -> bool, path: &Path<'_>) -> Vec<FieldError> {
    let status = job.at("status");
    let (completed, failed) = (status.text("completedIndexes"), status.text("failedIndexes"));
    let (completed_path, failed_path) = (path.child("completedIndexes"), path.child("failedIndexes"));
    let (new_completed, new_failed) = (changed("completedIndexes"), changed("failedIndexes"));
    let completions = job.int("spec.completions");
    let limited = job.has("spec.backoffLimitPerIndex");
    let mut errors = Vec::new();
    if let Some(completions) = completions.filter(|_| new_completed)
        && let Err(why) = check_indexes(completed, completions)
    {
        errors.push(FieldError::invalid(completed_path, completed, format!("error parsing completedIndexes: {why}")));
    }
    if let Some(completions) = completions.filter(|_| new_failed && limited)
        && let Err(why) = check_indexes(failed, completions)
    {
        errors.push(FieldError::invalid(failed_path, failed, format!("error parsing failedIndexes: {why}")));
    }
    if new_completed && !completed.is_empty() && job.text("spec.completionMode") != "Indexed" {
        let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
        errors.push(FieldError::invalid(completed_path, completed, detail));
    }
    if new_failed && status.has("failedIndexes") && !limited {
        let detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
        errors.push(FieldError::invalid(failed_path, failed, detail));
    }
    let both = completions.filter(|_| new_completed || new_failed);
    if let Some(index) = both.and_then(|completions| overlap(completed, failed, completions)) {
        let detail = format!("failedIndexes and completedIndexes overlap at index: {index}");
        errors.push(FieldError::invalid(failed_path, failed, detail));
    }
    errors
}

/// Reads a list of numbers and ranges such as `1,3-5,7`: the first and the last number of each.
fn intervals(indexes: &str, completions: i64) -> Result<Vec<(i64, i64)>, String> {
    let read = |limit: &str| {
        let number: i64 =
            limit.parse().map_err(|_| format!("cannot convert string to integer for index: {limit:?}"))?;
        if number >= completions { Err(format!("too large index: {limit:?}")) } else { Ok(number) }
    };
    let decreasing = |before: i64, number: i64| format!("non-increasing order, previous: {before}, current: {number}");
    let mut all: Vec<(i64, i64)> = Vec::new();
    for interval in indexes.split(',').filter(|_| !indexes.is_empty()) {
        let limits: Vec<&str> = interval.split('-').collect();
        if limits.len() > 2 {
            return Err(format!(
                "the fragment {interval:?} violates the requirement that an index interval can have at most two parts \
                 separated by '-'"
            ));
        }
        let first = read(limits[0])?;
        let last = limits.get(1).map_or(Ok(first), |limit| read(limit))?;
        if limits.len() > 1 && first >= last {
            return Err(decreasing(first, last));
        }
        if let Some((_, before)) = all.last().filter(|(_, before)| *before >= first) {
            return Err(decreasing(*before, first));
        }
        all.push((first, last));
    }
    Ok(all)
}

/// How many numbers a list of indexes stands for.
fn check_indexes(indexes: &str, completions: i64) -> Result<i64, String> {
    Ok(intervals(indexes, completions)?.into_iter().map(|(first, last)| last - first + 1).sum())
}

/// The first index that stands in both lists.
fn overlap(completed: &str, failed: &str, completions: i64) -> Option<i64> {
    let (completed, failed) = (intervals(completed, completions).ok()?, intervals(failed, completions).ok()?);
    let mut both =
        completed.iter().flat_map(|one| failed.iter().map(move |other| (one.0.max(other.0), one.1.min(other.1))));
    both.find(|(first, last)| first <= last).map(|(first, _)| first)
}
