//! Kinds with few columns.

use serde_json::Value;

use super::{Row, text};
use crate::kinds::tree::Tree;

/// Name and age alone.
pub(super) fn named(row: Row<'_>) -> Vec<Value> {
    vec![row.name().into(), row.age().into()]
}

pub(super) fn component_status(row: Row<'_>) -> Vec<Value> {
    let healthy = row.object.list("conditions").iter().find(|condition| condition.text("type") == "Healthy");
    let told = |field: &str| Value::from(healthy.map_or("", |condition| condition.text(field)));
    let status = match healthy.map(|condition| condition.text("status")) {
        Some("True") => "Healthy",
        Some("False") => "Unhealthy",
        _ => "Unknown",
    };
    vec![row.name().into(), status.into(), told("message"), told("error")]
}

pub(super) fn namespace(row: Row<'_>) -> Vec<Value> {
    vec![row.name().into(), row.text("status.phase").into(), row.age().into()]
}

pub(super) fn config_map(row: Row<'_>) -> Vec<Value> {
    vec![row.name().into(), (row.size("data") + row.size("binaryData")).into(), row.age().into()]
}

pub(super) fn secret(row: Row<'_>) -> Vec<Value> {
    vec![row.name().into(), row.text("type").into(), row.size("data").into(), row.age().into()]
}

pub(super) fn lease(row: Row<'_>) -> Vec<Value> {
    vec![row.name().into(), row.text("spec.holderIdentity").into(), row.age().into()]
}

pub(super) fn resource_quota(row: Row<'_>) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (name, hard) in row.object.entries("status.hard") {
        let used = row.object.at("status.used").get(name).map_or("0".into(), text::plain);
        let shown = format!("{name}: {used}/{}", text::plain(hard));
        if name.starts_with("limits.") { limits.push(shown) } else { requests.push(shown) }
    }
    vec![row.name().into(), requests.join(", ").into(), limits.join(", ").into(), row.age().into()]
}

/// Events are in the core form here, whichever group they are read through.
pub(super) fn event(row: Row<'_>) -> Vec<Value> {
    let object = row.object;
    let since = |path: &str, otherwise: String| if object.has(path) { row.since(path) } else { otherwise };
    let first = since("firstTimestamp", row.since("eventTime"));
    let mut last = since("lastTimestamp", first.clone());
    let mut count = object.int("count").filter(|count| *count != 0).unwrap_or(1);
    if object.has("series") {
        last = row.since("series.lastObservedTime");
        count = row.count("series.count");
    }
    let kind = row.text("involvedObject.kind").to_lowercase();
    let target = match row.text("involvedObject.name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let component = row.text_or("source.component", row.text("reportingComponent"));
    let source = match row.text_or("source.host", row.text("reportingInstance")) {
        "" => component.to_string(),
        instance => format!("{component}, {instance}"),
    };
    vec![
        last.into(),
        row.text("type").into(),
        row.text("reason").into(),
        target.into(),
        row.text("involvedObject.fieldPath").into(),
        source.into(),
        row.text("message").trim().into(),
        first.into(),
        count.into(),
        row.name().into(),
    ]
}

pub(super) fn priority_class(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name().into(),
        row.count("value").into(),
        row.object.flag("globalDefault").into(),
        row.age().into(),
        row.text("preemptionPolicy").into(),
    ]
}

pub(super) fn runtime_class(row: Row<'_>) -> Vec<Value> {
    vec![row.name().into(), row.text("handler").into(), row.age().into()]
}

pub(super) fn webhooks(row: Row<'_>) -> Vec<Value> {
    vec![row.name().into(), row.size("webhooks").into(), row.age().into()]
}

pub(super) fn admission_policy(row: Row<'_>, list: &str) -> Vec<Value> {
    let parameters = row.object.at("spec.paramKind");
    let shown = if parameters.is_object() {
        format!("{}/{}", parameters.text("apiVersion"), parameters.text("kind"))
    } else {
        "<unset>".into()
    };
    let rules = row.object.at("spec").list(list).len();
    vec![row.name().into(), rules.into(), shown.into(), row.age().into()]
}

pub(super) fn admission_policy_binding(row: Row<'_>) -> Vec<Value> {
    let parameters = row.object.at("spec.paramRef");
    let shown = match (parameters.text("name"), parameters.text("namespace")) {
        ("", _) if parameters.has("selector") => text::selector_message(parameters.at("selector")),
        ("", _) => "<unset>".into(),
        (name, "") => format!("*/{name}"),
        (name, namespace) => format!("{namespace}/{name}"),
    };
    vec![row.name().into(), row.text("spec.policyName").into(), shown.into(), row.age().into()]
}

pub(super) fn flow_schema(row: Row<'_>) -> Vec<Value> {
    let dangling = row.object.list("status.conditions").iter().find(|condition| condition.text("type") == "Dangling");
    vec![
        row.name().into(),
        row.text("spec.priorityLevelConfiguration.name").into(),
        row.count("spec.matchingPrecedence").into(),
        row.text_or("spec.distinguisherMethod.type", "<none>").into(),
        row.age().into(),
        dangling.map_or("?", |condition| condition.text("status")).into(),
    ]
}

pub(super) fn priority_level(row: Row<'_>) -> Vec<Value> {
    let limited = row.object.at("spec.limited");
    let queuing = limited.at("limitResponse.queuing");
    let number = |holder: &Value, field: &str| match holder {
        Value::Object(_) => holder.int(field).unwrap_or_default().into(),
        _ => Value::from("<none>"),
    };
    vec![
        row.name().into(),
        row.text("spec.type").into(),
        number(limited, "nominalConcurrencyShares"),
        number(queuing, "queues"),
        number(queuing, "handSize"),
        number(queuing, "queueLengthLimit"),
        row.age().into(),
    ]
}

pub(super) fn api_service(row: Row<'_>) -> Vec<Value> {
    let service = row.object.at("spec.service");
    let shown = if service.is_object() {
        format!("{}/{}", service.text("namespace"), service.text("name"))
    } else {
        "Local".into()
    };
    let available = row.object.list("status.conditions").iter().find(|c| c.text("type") == "Available");
    let available =
        available.map_or("Unknown".into(), |condition| match (condition.text("status"), condition.text("reason")) {
            (status @ "True", _) | (status, "") => status.to_string(),
            (status, reason) => format!("{status} ({reason})"),
        });
    vec![row.name().into(), shown.into(), available.into(), row.age().into()]
}

pub(super) fn resource_claim(row: Row<'_>) -> Vec<Value> {
    let mut states = Vec::new();
    if row.is_dying() {
        states.push("deleted");
    }
    if row.object.has("status.allocation") {
        states.push("allocated");
        if !row.object.list("status.reservedFor").is_empty() {
            states.push("reserved");
        }
    } else if !row.is_dying() {
        states.push("pending");
    }
    vec![row.name().into(), states.join(",").into(), row.age().into()]
}

pub(super) fn resource_slice(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name().into(),
        row.text("spec.nodeName").into(),
        row.text("spec.driver").into(),
        row.text("spec.pool.name").into(),
        row.age().into(),
    ]
}
