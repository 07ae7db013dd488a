//! Kinds that keep pods running, scale or protect them.

use jiff::Timestamp;
use serde_json::Value;

use super::{Row, text};
use crate::kinds::tree::Tree;
use crate::table::age;

pub(super) fn replication_controller(row: Row<'_>) -> Vec<Value> {
    let mut cells = replica_counts(row);
    cells.extend(text::containers(row.object.at("spec.template.spec")));
    cells.push(text::labels(row.object.at("spec.selector")).into());
    cells
}

pub(super) fn replica_set(row: Row<'_>) -> Vec<Value> {
    let mut cells = replica_counts(row);
    cells.extend(containers_and_selector(row));
    cells
}

pub(super) fn deployment(row: Row<'_>) -> Vec<Value> {
    let mut cells = vec![
        row.name().into(),
        format!("{}/{}", row.count("status.readyReplicas"), row.count("spec.replicas")).into(),
        row.count("status.updatedReplicas").into(),
        row.count("status.availableReplicas").into(),
        row.age().into(),
    ];
    cells.extend(text::containers(row.object.at("spec.template.spec")));
    cells.push(text::selector(row.object.at("spec.selector"), "").into());
    cells
}

pub(super) fn stateful_set(row: Row<'_>) -> Vec<Value> {
    let mut cells = vec![
        row.name().into(),
        format!("{}/{}", row.count("status.readyReplicas"), row.count("spec.replicas")).into(),
        row.age().into(),
    ];
    cells.extend(text::containers(row.object.at("spec.template.spec")));
    cells
}

pub(super) fn daemon_set(row: Row<'_>) -> Vec<Value> {
    let counts = [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ];
    let mut cells = vec![Value::from(row.name())];
    cells.extend(counts.map(|field| Value::from(row.object.at("status").int(field).unwrap_or_default())));
    cells.push(text::labels(row.object.at("spec.template.spec.nodeSelector")).into());
    cells.push(row.age().into());
    cells.extend(containers_and_selector(row));
    cells
}

pub(super) fn controller_revision(row: Row<'_>) -> Vec<Value> {
    let owner = row.object.list("metadata.ownerReferences").iter().find(|owner| owner.flag("controller"));
    let controller = owner.map_or("<none>".into(), |owner| {
        let kind = match owner.text("apiVersion").split_once('/') {
            Some((group, _)) => format!("{}.{group}", owner.text("kind")),
            None => owner.text("kind").into(),
        };
        format!("{}/{}", kind.to_lowercase(), owner.text("name"))
    });
    vec![row.name().into(), controller.into(), row.count("revision").into(), row.age().into()]
}

pub(super) fn job(row: Row<'_>) -> Vec<Value> {
    let done = row.count("status.succeeded");
    let parallelism = row.count("spec.parallelism");
    let completions = match row.object.int("spec.completions") {
        Some(wanted) => format!("{done}/{wanted}"),
        None if parallelism > 1 => format!("{done}/1 of {parallelism}"),
        None => format!("{done}/1"),
    };
    let time = |path: &str| row.text(path).parse::<Timestamp>().ok();
    let duration = match (time("status.startTime"), time("status.completionTime")) {
        (None, _) => String::new(),
        (Some(start), end) => age::between(start, end.unwrap_or(row.now)),
    };
    let mut cells =
        vec![row.name().into(), job_status(row).into(), completions.into(), duration.into(), row.age().into()];
    cells.extend(containers_and_selector(row));
    cells
}

pub(super) fn cron_job(row: Row<'_>) -> Vec<Value> {
    let last =
        if row.object.has("status.lastScheduleTime") { row.since("status.lastScheduleTime") } else { "<none>".into() };
    let suspend = match row.object.at("spec.suspend").as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let template = row.object.at("spec.jobTemplate.spec");
    let mut cells = vec![
        row.name().into(),
        row.text("spec.schedule").into(),
        row.text_or("spec.timeZone", "<none>").into(),
        suspend.into(),
        row.size("status.active").into(),
        last.into(),
        row.age().into(),
    ];
    cells.extend(text::containers(template.at("template.spec")));
    cells.push(text::selector(template.at("selector"), "<none>").into());
    cells
}

pub(super) fn disruption_budget(row: Row<'_>) -> Vec<Value> {
    let limit = |path: &str| match row.object.at(path) {
        Value::Null => "N/A".to_string(),
        value => text::plain(value),
    };
    vec![
        row.name().into(),
        limit("spec.minAvailable").into(),
        limit("spec.maxUnavailable").into(),
        row.count("status.disruptionsAllowed").into(),
        row.age().into(),
    ]
}

pub(super) fn autoscaler(row: Row<'_>) -> Vec<Value> {
    let target = format!("{}/{}", row.text("spec.scaleTargetRef.kind"), row.text("spec.scaleTargetRef.name"));
    let least = row.object.int("spec.minReplicas").map_or("<unset>".into(), |least| least.to_string());
    vec![
        row.name().into(),
        target.into(),
        metrics(row.object).into(),
        least.into(),
        row.count("spec.maxReplicas").into(),
        row.count("status.currentReplicas").into(),
        row.age().into(),
    ]
}

fn replica_counts(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name().into(),
        row.count("spec.replicas").into(),
        row.count("status.replicas").into(),
        row.count("status.readyReplicas").into(),
        row.age().into(),
    ]
}

fn containers_and_selector(row: Row<'_>) -> [Value; 3] {
    let [names, images] = text::containers(row.object.at("spec.template.spec"));
    [names, images, text::selector(row.object.at("spec.selector"), "<none>").into()]
}

fn job_status(row: Row<'_>) -> &'static str {
    let is = |kind: &str| {
        let found = row.object.list("status.conditions").iter().find(|condition| condition.text("type") == kind);
        found.is_some_and(|condition| condition.text("status") == "True")
    };
    if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if row.is_dying() {
        "Terminating"
    } else {
        ["Suspended", "FailureTarget", "SuccessCriteriaMet"].into_iter().find(|kind| is(kind)).unwrap_or("Running")
    }
}

fn metrics(autoscaler: &Value) -> String {
    let specs = autoscaler.list("spec.metrics");
    if specs.is_empty() {
        return "<none>".into();
    }
    let current = autoscaler.list("status.currentMetrics");
    let texts: Vec<String> = specs
        .iter()
        .enumerate()
        .map(|(index, spec)| metric(spec, current.get(index).unwrap_or(&Value::Null)))
        .collect();
    const SHOWN: usize = 2;
    let text = texts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if texts.len() > SHOWN { format!("{text} + {} more...", texts.len() - SHOWN) } else { text }
}

fn metric(spec: &Value, status: &Value) -> String {
    let kind = spec.text("type");
    let field = match kind {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".into(),
    };
    let (target, current) = (spec.at(field).at("target"), status.at(field).at("current"));
    let shown = |name: &str| match current.at(name) {
        Value::Null => "<unknown>".to_string(),
        value => text::plain(value),
    };
    let percent =
        |value: &Value, otherwise: &str| value.as_i64().map_or(otherwise.to_string(), |percent| format!("{percent}%"));
    let average = target.has("averageValue");
    match kind {
        "External" | "Object" if average => {
            format!("{}/{} (avg)", shown("averageValue"), text::plain(target.at("averageValue")))
        }
        "External" | "Object" => format!("{}/{}", shown("value"), text::plain(target.at("value"))),
        "Pods" => format!("{}/{}", shown("averageValue"), text::plain(target.at("averageValue"))),
        _ => {
            let name = spec.at(field).text("name");
            if average {
                format!("{name}: {}/{}", shown("averageValue"), text::plain(target.at("averageValue")))
            } else {
                let now = percent(current.at("averageUtilization"), "<unknown>");
                format!("{name}: {now}/{}", percent(target.at("averageUtilization"), "<auto>"))
            }
        }
    }
}
