//! Runs the cases under `fixtures/` through the strategies and compares with what the real server answered.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::allocation::{AllocationOptions, Allocations};
use super::tree::Tree;
use super::{KindContext, before_create, before_status_update, before_update, metadata, strategy};
use crate::status::{ApiError, ApiResult};

macro_rules! families {
    ($($name:ident),* $(,)?) => {$(
        #[test]
        fn $name() {
            run(include_str!(concat!("fixtures/", stringify!($name), ".json")));
        }
    )*};
}

families!(core, network, pod, service, storage, workloads);

fn run(file: &str) {
    let cases: Vec<Value> = serde_json::from_str(file).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let allocations = allocations();
        let mut object = case["create"].clone();
        let answer = create(case, &allocations, &mut object);
        if let Some(difference) = compare(case, &object, answer, &case["create"]) {
            wrong.push(format!("{}: {difference}", case.text("case")));
            continue;
        }
        for step in case.list("steps") {
            let mut new = object.clone();
            merge(&mut new, &step["patch"]);
            let answer = update(case, step, &allocations, &mut new, &object);
            let fine = answer.is_ok();
            if let Some(difference) = compare(step, &new, answer, &json!([case["create"], step["patch"]])) {
                wrong.push(format!("{}, {}: {difference}", case.text("case"), step.text("case")));
                break;
            }
            if fine {
                object = new;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn allocations() -> Allocations {
    let options =
        AllocationOptions { network: Ipv4Addr::new(10, 0, 0, 0), prefix_length: 24, node_ports: (30000, 32767) };
    let allocations = Allocations::new(&options);
    allocations.track(&json!({"spec": {"clusterIPs": ["10.0.0.1"]}}));
    allocations
}

fn context<'a>(case: &'a Value, allocations: &'a Allocations) -> KindContext<'a> {
    let api_version = case.text("create.apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    KindContext {
        group,
        version,
        kind: case.text("create.kind"),
        resource: "",
        namespaced: case.flag("namespaced"),
        reservation: allocations.reserve(),
    }
}

fn create(case: &Value, allocations: &Allocations, object: &mut Value) -> ApiResult<()> {
    let context = context(case, allocations);
    let strategy = strategy(context.group, context.kind);
    strategy.default(context.version, object);
    metadata::fill_create(object, "the-uid", Timestamp::UNIX_EPOCH);
    admit(&context, object);
    before_create(strategy, &context, object)?;
    context.reservation.commit();
    object["metadata"]["resourceVersion"] = json!("1");
    Ok(())
}

/// What the admission of a default server does before the kind's rules come.
fn admit(context: &KindContext<'_>, object: &mut Value) {
    super::protect_storage(context.group, context.kind, object);
    if context.kind != "Pod" {
        return;
    }
    super::tolerate_unreachable_nodes(object);
    let spec = object.ensure("spec");
    let priority = match spec.text("priorityClassName") {
        "" => 0,
        "system-node-critical" => 2_000_001_000,
        "system-cluster-critical" => 2_000_000_000,
        _ => return,
    };
    spec.set("priority", priority);
    spec.default_text("preemptionPolicy", "PreemptLowerPriority");
}

fn update(case: &Value, step: &Value, allocations: &Allocations, new: &mut Value, old: &Value) -> ApiResult<()> {
    let context = context(case, allocations);
    let strategy = strategy(context.group, context.kind);
    strategy.default(context.version, new);
    if context.kind == "Pod" && step.text("subresource").is_empty() {
        super::tolerate_unreachable_nodes(new);
    }
    match step.text("subresource") {
        "status" => before_status_update(strategy, &context, new, old)?,
        _ => before_update(strategy, &context, new, old)?,
    }
    context.reservation.commit();
    allocations.release(old, Some(new));
    Ok(())
}

fn compare(expected: &Value, object: &Value, answer: ApiResult<()>, sent: &Value) -> Option<String> {
    let unordered = expected.flag("unordered");
    let ours = match answer {
        Ok(()) => json!({"stored": tidy(object.clone(), &sent.to_string())}),
        Err(error) => json!({"errors": comparable(causes(&error), unordered)}),
    };
    let theirs = if expected.has("stored") {
        json!({"stored": tidy(expected["stored"].clone(), &sent.to_string())})
    } else {
        let causes = expected.list("errors").iter().filter_map(Value::as_str).map(String::from).collect();
        json!({"errors": comparable(causes, unordered)})
    };
    (ours != theirs).then(|| {
        let lines = |value: &Value| -> Vec<String> {
            serde_json::to_string_pretty(value).unwrap().lines().map(String::from).collect()
        };
        let (theirs, ours) = (lines(&theirs), lines(&ours));
        let only = |these: &[String], those: &[String], sign: &str| -> String {
            let missing = these.iter().filter(|line| !those.contains(line));
            missing.map(|line| format!("\n{sign} {line}")).collect()
        };
        let difference = only(&theirs, &ours, "real:") + &only(&ours, &theirs, "ours:");
        if difference.is_empty() { format!("\n{}", theirs.join("\n")) } else { difference }
    })
}

fn causes(error: &ApiError) -> Vec<String> {
    let causes = error.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
}

/// The real server shows objects with the fields in the order, and sometimes with the names, of its Go types; and it
/// goes through maps in no order.
fn comparable(causes: Vec<String>, unordered: bool) -> Vec<String> {
    // A difference of Go structs may follow on further lines.
    let first_line = |cause: String| cause.lines().next().unwrap_or_default().to_string();
    let mut causes: Vec<String> = causes.into_iter().map(first_line).map(sort_shown_fields).collect();
    if unordered {
        causes.sort();
    }
    causes
}

fn sort_shown_fields(cause: String) -> String {
    for words in ["Invalid value: ", "Duplicate value: ", "Unsupported value: "] {
        let Some((head, rest)) = cause.split_once(words) else { continue };
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(value)) = values.next()
            && (value.is_object() || value.is_array())
        {
            let detail = &rest[values.byte_offset()..];
            if value.get("spec").or(value.get("Spec")).or(value.get("Containers")).or(value.get("containers")).is_some()
            {
                return format!("{head}{words}a pod{detail}");
            }
            return format!("{head}{words}{}{detail}", with_plain_names(value));
        }
    }
    cause
}

fn with_plain_names(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| (name.to_lowercase(), with_plain_names(value)))
            .filter(|(_, value)| !is_empty(value) && value != 0)
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.into_iter().map(with_plain_names).collect(),
        other => other,
    }
}

/// Takes out what differs from run to run, and empty fields, which the schema adds and removes.
fn tidy(mut object: Value, sent: &str) -> Value {
    for field in ["resourceVersion", "creationTimestamp", "uid"] {
        object["metadata"].drop_field(field);
    }
    // Counters of a status that must be there are the schema's to add.
    if let Some(status) = object.field_mut("status").and_then(Value::as_object_mut) {
        status.retain(|name, value| *value != 0 && name != "daemonEndpoints");
    }
    simplify(object, sent)
}

fn simplify(value: Value, sent: &str) -> Value {
    match value {
        Value::Object(map) => {
            let times = |key: &str| matches!(key, "lastTransitionTime" | "lastPhaseTransitionTime");
            let fields =
                map.into_iter().filter(|(key, _)| !times(key)).map(|(key, value)| (key, simplify(value, sent)));
            Value::Object(fields.filter(|(_, value)| !is_empty(value)).collect::<Map<_, _>>())
        }
        Value::Array(list) => list.into_iter().map(|value| simplify(value, sent)).collect(),
        Value::String(text) if text.starts_with("10.0.0.") && !sent.contains(&text) => json!("<ip>"),
        Value::Number(n) if (30000..32768).contains(&n.as_i64().unwrap_or(0)) && !sent.contains(&n.to_string()) => {
            json!("<port>")
        }
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.drop_field(key);
        } else {
            merge(&mut target[key.as_str()], value);
        }
    }
}
