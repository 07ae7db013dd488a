//! CronJob.

use serde_json::Value;

use super::job;
use super::path::Path;
use super::pod;
use super::schedule;
use super::strategy::Strategy;
use super::tree::Tree;
use super::warnings;
use super::workload;
use crate::field::FieldError;

const SPEC: Path<'static> = Path::new("spec");

pub(super) struct CronJob;

impl Strategy for CronJob {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        spec.default_text("concurrencyPolicy", "Allow");
        spec.default_to("suspend", false);
        spec.default_to("successfulJobsHistoryLimit", 3);
        spec.default_to("failedJobsHistoryLimit", 1);
        let template = spec.ensure("jobTemplate").ensure("spec");
        pod::default_template(template.ensure("template"));
        job::default_failure_policy(template);
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = cron_spec(object.at("spec"), &Value::Null);
        let name = object.text("metadata.name");
        // Jobs are named after it, with eleven more characters.
        if name.len() > 52 {
            errors.push(FieldError::invalid("metadata.name", name, "must be no more than 52 characters"));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        cron_spec(new.at("spec"), old.at("spec"))
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let mut list = Vec::new();
        if old.is_none() {
            list.extend(warnings::name_in_pods(new));
        }
        list.extend(warnings::template(new, old, &SPEC.child("jobTemplate").child("spec").child("template")));
        list
    }
}

fn cron_spec(spec: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let text = spec.text("schedule");
    let path = SPEC.child("schedule");
    if text.is_empty() {
        errors.push(FieldError::required(path, ""));
    } else {
        errors.extend(schedule::check_schedule(text).map(|detail| FieldError::invalid(path, text, detail)));
        let allowed = old.text("schedule").contains("TZ");
        if text.contains("TZ") && (!allowed || spec.has("timeZone")) {
            let detail = if allowed {
                "cannot use both timeZone field and TZ or CRON_TZ in schedule"
            } else {
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            };
            errors.push(FieldError::invalid(path, text, detail));
        }
    }
    errors.extend(workload::not_negative(spec, &["startingDeadlineSeconds"], &SPEC));
    if spec.has("timeZone") && spec.at("timeZone") != old.at("timeZone") {
        let zone = spec.text("timeZone");
        for detail in schedule::check_time_zone(zone) {
            errors.push(FieldError::invalid(SPEC.child("timeZone"), zone, detail));
        }
    }
    let policies = ["Allow", "Forbid", "Replace"];
    let policy = spec.text("concurrencyPolicy");
    if !policies.contains(&policy) {
        errors.push(FieldError::not_supported(SPEC.child("concurrencyPolicy"), policy, &policies));
    }
    let path = SPEC.child("jobTemplate");
    let path = path.child("spec");
    let template = spec.at("jobTemplate.spec");
    errors.extend(job::validate_spec(template, &path));
    if template.has("selector") {
        let value = template.at("selector").clone();
        errors.push(FieldError::invalid(path.child("selector"), value, "`selector` will be auto-generated"));
    }
    if template.flag("manualSelector") {
        errors.push(FieldError::not_supported(path.child("manualSelector"), true, &["nil", "false"]));
    }
    errors.extend(workload::not_negative(spec, &["successfulJobsHistoryLimit", "failedJobsHistoryLimit"], &SPEC));
    errors
}
