//! What the specification of a Job, or of a CronJob's Jobs, has to be for itself.

use serde_json::Value;

use super::policies;
use crate::field::FieldError;
use crate::kinds::metadata::too_long;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;
use crate::kinds::{names, pod, workload};

pub(in crate::kinds) fn validate_spec(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
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
        errors.extend(policies::failure(spec, &path.child("podFailurePolicy")));
    }
    if spec.has("successPolicy") {
        let path = path.child("successPolicy");
        if !indexed {
            let value = spec.at("successPolicy").clone();
            let error = FieldError::invalid(path, value, "requires indexed completion mode");
            errors.push(error.showing(policies::success_shown(spec.at("successPolicy"))));
        } else if let Some(completions) = spec.int("completions") {
            errors.extend(policies::success(spec.at("successPolicy"), completions, &path.child("rules")));
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
