//! Ownership of replicas that are written through `/scale`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::apply::{ReplicasPaths, Writer, apply, managers_from_scale, managers_to_scale, track_update};
use crate::schema::BuiltinSchemas;
use crate::status::ApiError;

const PATHS: ReplicasPaths<'static> = ReplicasPaths(&[("apps/v1", &["spec", "replicas"])]);

fn write<T>(manager: &str, subresource: &str, second: i64, act: impl FnOnce(&Writer<'_>) -> T) -> T {
    let (group, version, kind) = match subresource {
        "scale" => ("autoscaling", "autoscaling/v1", "Scale"),
        _ => ("apps", "apps/v1", "Deployment"),
    };
    let ty = BuiltinSchemas::get().kind(group, "v1", kind).unwrap();
    let now = Timestamp::from_second(second).unwrap();
    act(&Writer { ty: &ty, api_version: version, kind, manager, subresource, reset: None, versions: None, now })
}

fn deployment() -> Value {
    let mut new = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {"replicas": 1, "paused": true, "selector": {}, "template": {}}, "status": {}});
    write("creator", "", 1, |writer| track_update(writer, None, &mut new));
    new["metadata"]["uid"] = json!("u");
    new
}

fn scale_of(parent: &Value) -> Value {
    let mut scale = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d", "uid": "u"},
        "spec": {"replicas": parent["spec"]["replicas"]}, "status": {"replicas": 0}});
    managers_to_scale(parent, &mut scale, &PATHS);
    scale
}

fn put_back(parent: &mut Value, scale: &Value) {
    parent["spec"]["replicas"] = scale["spec"]["replicas"].clone();
    managers_from_scale(scale, parent, "apps/v1", &PATHS);
}

fn update(parent: &mut Value, manager: &str, replicas: i64) {
    let old = scale_of(parent);
    let mut new = old.clone();
    new["spec"]["replicas"] = replicas.into();
    write(manager, "scale", 9, |writer| track_update(writer, Some(&old), &mut new));
    put_back(parent, &new);
}

fn apply_scale(parent: &mut Value, manager: &str, replicas: i64, force: bool) -> Result<(), ApiError> {
    let config = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}, "spec": {"replicas": replicas}});
    let live = scale_of(parent);
    let new = write(manager, "scale", 9, |writer| apply(writer, Some(&live), &config, force))?;
    put_back(parent, &new);
    Ok(())
}

/// Manager, operation, version, subresource, whether there is a time, whether it owns the replicas.
fn owners(parent: &Value) -> Vec<(String, String, String, String, bool, bool)> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_string();
    let list = parent["metadata"]["managedFields"].as_array().unwrap();
    list.iter()
        .map(|entry| {
            let owns = entry["fieldsV1"]["f:spec"].get("f:replicas").is_some();
            let has_time = entry.get("time").is_some();
            (
                text(entry, "manager"),
                text(entry, "operation"),
                text(entry, "apiVersion"),
                text(entry, "subresource"),
                has_time,
                owns,
            )
        })
        .collect()
}

fn owner(
    manager: &str,
    operation: &str,
    subresource: &str,
    has_time: bool,
    owns: bool,
) -> (String, String, String, String, bool, bool) {
    (manager.into(), operation.into(), "apps/v1".into(), subresource.into(), has_time, owns)
}

#[test]
fn a_scale_is_owned_by_who_owns_the_replicas() {
    let scale = scale_of(&deployment());
    let entry = &scale["metadata"]["managedFields"][0];
    assert_eq!((&entry["manager"], &entry["apiVersion"]), (&json!("creator"), &json!("autoscaling/v1")));
    assert_eq!(entry["fieldsV1"], json!({"f:spec": {"f:replicas": {}}}));
}

#[test]
fn who_scales_takes_the_replicas_and_leaves_the_rest() {
    let mut parent = deployment();
    for replicas in [3, 4] {
        update(&mut parent, "hpa", replicas);
        assert_eq!(parent["spec"]["replicas"], replicas);
        assert_eq!(
            owners(&parent),
            [owner("hpa", "Update", "scale", false, true), owner("creator", "Update", "", true, false)]
        );
    }
}

#[test]
fn scaling_without_a_change_splits_the_owners_entry_as_on_the_real_server() {
    let mut parent = deployment();
    update(&mut parent, "hpa", 1);
    assert_eq!(
        owners(&parent),
        [owner("creator", "Update", "", false, true), owner("creator", "Update", "", true, false)]
    );
}

#[test]
fn appliers_conflict_on_the_scale_and_on_the_parent() {
    let mut parent = deployment();
    update(&mut parent, "hpa", 4);
    let error = apply_scale(&mut parent, "me", 5, false).unwrap_err();
    assert_eq!(
        error.message,
        "Apply failed with 1 conflict: conflict with \"hpa\" with subresource \"scale\" using autoscaling/v1: .spec.replicas"
    );
    apply_scale(&mut parent, "me", 5, true).unwrap();
    apply_scale(&mut parent, "me", 5, false).unwrap();
    assert_eq!(
        owners(&parent),
        [owner("me", "Apply", "scale", false, true), owner("creator", "Update", "", true, false)]
    );

    let config =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 6}});
    let error = write("me", "", 10, |writer| apply(writer, Some(&parent), &config, false)).unwrap_err();
    assert_eq!(
        error.message,
        "Apply failed with 1 conflict: conflict with \"me\" with subresource \"scale\": .spec.replicas"
    );
}

#[test]
fn entries_of_versions_that_are_gone_are_dropped() {
    let mut parent = deployment();
    parent["metadata"]["managedFields"][0]["apiVersion"] = json!("apps/v0");
    update(&mut parent, "hpa", 2);
    assert_eq!(parent["metadata"].get("managedFields"), None, "and a Scale without managers gets none by an update");
}
