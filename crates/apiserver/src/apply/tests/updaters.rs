//! Ownership by creates, updates and patches.

use serde_json::{Value, json};

use super::support::{Object, thing};
use crate::apply::{FieldSet, Writer, keep_times_of_no_op, track_update};
use crate::schema::BuiltinSchemas;

#[test]
fn a_create_owns_everything_and_the_maps_and_lists_that_it_made() {
    let mut object = Object::new();
    object.update(
        "alice",
        json!({"text": "a", "map": {"k": "v"}, "items": [{"name": "i"}], "words": [], "leaf": {"a": "b"}}),
    );
    assert_eq!(
        object.owned("alice"),
        json!({".": {}, "f:text": {}, "f:map": {".": {}, "f:k": {}}, "f:words": {}, "f:leaf": {},
            "f:items": {".": {}, "k:{\"name\":\"i\"}": {".": {}, "f:name": {}}}})
    );
    assert_eq!(object.managers()[0]["operation"], "Update");
}

#[test]
fn what_an_update_changes_it_takes_and_what_it_removes_nobody_owns() {
    let mut object = Object::new();
    object.apply("alice", json!({"text": "a", "number": 1, "words": ["x", "y"], "map": {"k": "v"}}));
    object.update("bob", json!({"text": "b", "number": 1, "words": ["x", "z"]}));
    assert_eq!(object.owned("alice"), json!({"f:number": {}, "f:words": {"v:\"x\"": {}}}));
    assert_eq!(object.owned("bob"), json!({"f:text": {}, "f:words": {"v:\"z\"": {}}}));
}

#[test]
fn an_update_without_a_change_keeps_managers_and_times() {
    let mut object = Object::new();
    object.update("alice", json!({"text": "a"}));
    let before = object.live.clone();
    object.update("alice", json!({"text": "a"})).update("bob", json!({"text": "a"}));
    assert_eq!(object.live, before);
}

#[test]
fn further_updates_of_a_manager_add_to_its_entry() {
    let mut object = Object::new();
    object.update("alice", json!({"text": "a"})).update("alice", json!({"text": "a", "number": 1}));
    assert_eq!(object.managers().len(), 1);
    assert_eq!(object.owned("alice"), json!({".": {}, "f:text": {}, "f:number": {}}));
    assert_eq!(object.time_of("alice").unwrap(), "1970-01-01T00:00:02Z");
}

#[test]
fn an_applier_and_an_updater_of_the_same_name_are_two() {
    let mut object = Object::new();
    object.apply("alice", json!({"text": "a"})).update("alice", json!({"text": "b"}));
    let operations: Vec<Value> = object.managers().iter().map(|entry| entry["operation"].clone()).collect();
    assert_eq!(operations, ["Update"], "the applier owned nothing else");
    let error = object.refused("alice", json!({"text": "c"}));
    assert_eq!(
        error.message,
        "Apply failed with 1 conflict: conflict with \"alice\" using t.example.com/v1: .spec.text"
    );
}

#[test]
fn clients_reset_managers_with_an_empty_list_or_one_empty_entry() {
    for reset in [json!([]), json!([{}])] {
        let mut object = Object::new();
        object.update("alice", json!({"text": "a"}));
        let mut new = thing(json!({"text": "a"}));
        new["metadata"]["managedFields"] = reset;
        object.put("bob", new);
        assert_eq!(object.live, Some(thing(json!({"text": "a"}))));
        object.update("bob", json!({"text": "b"}));
        assert_eq!(object.managers().len(), 0, "updates do not start it again");
        object.apply("carol", json!({"number": 1}));
        assert_eq!(object.owned("before-first-apply"), json!({".": {}, "f:text": {}}));
        assert_eq!(object.owned("carol"), json!({"f:number": {}}));
    }
}

#[test]
fn clients_without_managers_do_not_lose_them_and_may_write_them() {
    let mut object = Object::new();
    object.update("alice", json!({"text": "a"}));
    object.put("bob", thing(json!({"text": "b"})));
    assert_eq!(object.owned("bob"), json!({"f:text": {}}));
    let mut new = object.live.clone().unwrap();
    new["metadata"]["managedFields"] = json!([{"manager": "carol", "operation": "Apply", "apiVersion": "t.example.com/v1",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:text": {}}}}]);
    object.put("bob", new);
    assert_eq!(object.managers().len(), 1);
    assert_eq!(object.owned("carol"), json!({"f:text": {}}));
    let mut new = object.live.clone().unwrap();
    new["metadata"]["managedFields"] = json!([{"manager": "junk"}]);
    object.put("bob", new);
    assert_eq!(object.owned("carol"), json!({"f:text": {}}), "what can't be read is ignored");
}

#[test]
fn managers_are_not_written_through_a_subresource() {
    let mut object = Object::new();
    object.update("alice", json!({"text": "a"}));
    let mut new = object.live.clone().unwrap();
    new["metadata"]["managedFields"] = json!([]);
    new["status"] = json!({"text": "s"});
    object.reset = Some(FieldSet::of_fields(&[&["metadata"], &["spec"]]));
    object.write("controller", "status", None, |writer, live| track_update(writer, live, &mut new));
    object.live = Some(new);
    let entries: Vec<(Value, Value)> =
        object.managers().iter().map(|entry| (entry["manager"].clone(), entry["subresource"].clone())).collect();
    assert_eq!(entries, [(json!("alice"), Value::Null), (json!("controller"), json!("status"))]);
}

#[test]
fn at_most_ten_updaters_are_kept_and_the_oldest_become_ancient() {
    let mut object = Object::new();
    object.update("m00", json!({}));
    for index in 1..=12 {
        let mut map = object.spec()["map"].as_object().cloned().unwrap_or_default();
        map.insert(format!("k{index}"), json!("v"));
        object.update(&format!("m{index:02}"), json!({"map": map}));
    }
    let names: Vec<Value> = object.managers().iter().map(|entry| entry["manager"].clone()).collect();
    assert_eq!(names.len(), 10);
    assert_eq!(names[0], "ancient-changes");
    assert_eq!(names[9], "m12");
    let ancient = object.owned("ancient-changes");
    assert_eq!(ancient["f:map"], json!({".": {}, "f:k1": {}, "f:k2": {}, "f:k3": {}}));
    object.apply("applier", json!({"text": "a"}));
    assert_eq!(object.managers().len(), 11, "appliers do not count");
}

#[test]
fn entries_are_ordered_by_operation_then_time_then_name() {
    let mut object = Object::new();
    object.update("zoe", json!({"text": "a"}));
    object.apply("yan", json!({"number": 1}));
    object.update("adam", json!({"text": "a", "number": 1, "flag": true}));
    object.apply("bea", json!({"words": ["w"]}));
    let names: Vec<Value> = object.managers().iter().map(|entry| entry["manager"].clone()).collect();
    assert_eq!(names, ["yan", "bea", "zoe", "adam"]);
}

#[test]
fn objects_that_do_not_fit_their_type_lose_their_managers() {
    let mut object = Object::new();
    object.update("alice", json!({"text": "a"}));
    object.update("bob", json!({"items": [{"value": 1}]}));
    assert_eq!(object.managers().len(), 0);
    assert_eq!(object.spec(), json!({"items": [{"value": 1}]}));
}

#[test]
fn a_writer_without_a_name_is_unknown() {
    let mut object = Object::new();
    object.update("", json!({"text": "a"}));
    assert_eq!(object.managers()[0]["manager"], "unknown");
}

#[test]
fn times_alone_are_no_change() {
    let mut object = Object::new();
    object.update("alice", json!({"text": "a"}));
    let old = object.live.clone().unwrap();
    let mut new = old.clone();
    new["metadata"]["managedFields"][0]["time"] = json!("2030-01-01T00:00:00Z");
    keep_times_of_no_op(&old, &mut new);
    assert_eq!(new, old);
    new["metadata"]["managedFields"][0]["time"] = json!("2030-01-01T00:00:00Z");
    new["spec"]["text"] = json!("b");
    let changed = new.clone();
    keep_times_of_no_op(&old, &mut new);
    assert_eq!(new, changed);
}

#[test]
fn a_created_deployment_has_the_fields_that_the_real_server_lists() {
    let ty = BuiltinSchemas::get().kind("apps", "v1", "Deployment").unwrap();
    let writer = Writer {
        ty: &ty,
        api_version: "apps/v1",
        kind: "Deployment",
        manager: "kubectl-create",
        subresource: "",
        reset: None,
        versions: None,
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let mut new = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "i", "resources": {}, "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}}},
        "status": {}});
    track_update(&writer, None, &mut new);
    assert_eq!(
        new["metadata"]["managedFields"][0]["fieldsV1"],
        json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {"f:replicas": {}, "f:selector": {},
                "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}, "f:type": {}},
                "f:template": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                    "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}, "f:name": {}, "f:resources": {},
                        "f:ports": {".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}}}}}}}})
    );
}
