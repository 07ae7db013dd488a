//! What appliers do to an object and to each other.

use serde_json::{Value, json};

use super::support::{Object, thing};

#[test]
fn a_manager_owns_what_it_applies_and_no_more() {
    let mut object = Object::new();
    object.apply(
        "alice",
        json!({"text": "a", "words": ["x"], "items": [{"name": "i", "value": 1}], "ports": [{"port": 80}],
            "map": {"k": "v"}, "leaf": {"k": "v"}, "whole": ["w"], "nested": {}, "free": {"a": {"b": [1]}}}),
    );
    assert_eq!(
        object.owned("alice"),
        json!({
            "f:text": {}, "f:words": {"v:\"x\"": {}}, "f:items": {"k:{\"name\":\"i\"}": {".": {}, "f:name": {}, "f:value": {}}},
            "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}},
            "f:map": {"f:k": {}}, "f:leaf": {}, "f:whole": {}, "f:nested": {}, "f:free": {"f:a": {".": {}, "f:b": {}}}})
    );
    let entry = &object.managers()[0];
    assert_eq!(
        (&entry["apiVersion"], &entry["operation"], &entry["fieldsType"]),
        (&json!("t.example.com/v1"), &json!("Apply"), &json!("FieldsV1"))
    );
    assert_eq!(entry["time"], "1970-01-01T00:00:01Z", "whole seconds");
    assert!(entry["fieldsV1"].get("f:metadata").is_none(), "names are nobody's");
}

#[test]
fn what_a_manager_gives_up_goes_unless_others_own_it() {
    let mut object = Object::new();
    object.apply("alice", json!({"text": "a", "number": 1, "words": ["x", "y"], "items": [{"name": "i"}, {"name": "j"}], "map": {"k": "1", "l": "2"}}));
    object.apply("bob", json!({"number": 1, "words": ["y"], "items": [{"name": "j"}], "map": {"l": "2"}}));
    object.apply("alice", json!(null));
    assert_eq!(object.spec(), json!({"number": 1, "words": ["y"], "items": [{"name": "j"}], "map": {"l": "2"}}));
    assert_eq!(object.managers().len(), 1, "who owns nothing is not listed");
    object.apply("bob", json!(null));
    assert_eq!(object.live, Some(thing(json!(null))));
}

#[test]
fn what_nobody_owned_stays_when_an_applier_leaves() {
    let mut object = Object::new();
    object.update("editor", json!({"text": "e", "items": [{"name": "i", "note": "n"}]}));
    object.apply("alice", json!({"items": [{"name": "i", "value": 1}]}));
    object.apply("alice", json!({}));
    assert_eq!(object.spec(), json!({"text": "e", "items": [{"name": "i", "note": "n"}]}));
}

#[test]
fn an_entry_goes_with_what_others_did_not_own_in_it() {
    let mut object = Object::new();
    object.apply("alice", json!({"items": [{"name": "i", "value": 1}, {"name": "j"}]}));
    object.apply("bob", json!({"text": "b"}));
    object.apply("alice", json!({"items": [{"name": "j"}]}));
    assert_eq!(object.spec(), json!({"text": "b", "items": [{"name": "j"}]}));
}

#[test]
fn another_value_of_another_owner_is_a_conflict() {
    let mut object = Object::new();
    object.update("kubectl-client-side-apply", json!({"number": 1}));
    let error = object.refused("alice", json!({"number": 2}));
    assert_eq!(
        error.message,
        "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using t.example.com/v1: .spec.number"
    );
    let status = error.to_status();
    assert_eq!((&status["code"], &status["reason"]), (&json!(409), &json!("Conflict")));
    let message = "conflict with \"kubectl-client-side-apply\" using t.example.com/v1";
    assert_eq!(
        status["details"],
        json!({"causes": [{"reason": "FieldManagerConflict", "message": message, "field": ".spec.number"}]})
    );
}

#[test]
fn several_conflicts_are_listed_by_owner() {
    let mut object = Object::new();
    object.apply("bob", json!({"text": "b", "ports": [{"port": 80, "name": "b"}]}));
    object.apply("alice", json!({"flag": true}));
    let error = object
        .refused("carol", json!({"text": "c", "flag": false, "ports": [{"port": 80, "protocol": "TCP", "name": "c"}]}));
    assert_eq!(
        error.message,
        "Apply failed with 3 conflicts: conflicts with \"alice\":\n- .spec.flag\nconflicts with \"bob\":\n- .spec.text\n\
         - .spec.ports[port=80,protocol=\"TCP\"].name"
    );
    assert_eq!(error.details.unwrap().causes.len(), 3);
}

#[test]
fn managers_of_subresources_are_named_with_them() {
    let mut object = Object::new();
    let mut new = thing(json!({"number": 1}));
    object.write("hpa", "scale", None, |writer, live| crate::apply::track_update(writer, live, &mut new));
    object.live = Some(new);
    let error = object.refused("alice", json!({"number": 2}));
    assert!(
        error
            .message
            .ends_with("conflict with \"hpa\" with subresource \"scale\" using t.example.com/v1: .spec.number")
    );
}

#[test]
fn force_takes_the_fields() {
    let mut object = Object::new();
    object.apply("alice", json!({"number": 1, "text": "a"}));
    object.force("bob", json!({"number": 2}));
    assert_eq!(object.spec(), json!({"number": 2, "text": "a"}));
    assert_eq!(object.owned("alice"), json!({"f:text": {}}));
    assert_eq!(object.owned("bob"), json!({"f:number": {}}));
    object.apply("alice", json!({"text": "a"}));
    assert_eq!(object.spec(), json!({"number": 2, "text": "a"}), "alice no longer owns the number");
}

#[test]
fn the_same_value_is_shared() {
    let mut object = Object::new();
    object
        .apply("alice", json!({"number": 1, "leaf": {"a": "b"}}))
        .apply("bob", json!({"number": 1, "leaf": {"a": "b"}}));
    assert_eq!(object.owned("alice"), object.owned("bob"));
    assert_eq!(object.refused("alice", json!({"number": 2})).code, 409);
    object.apply("alice", json!({}));
    assert_eq!(object.spec()["number"], 1);
}

#[test]
fn applying_the_same_again_keeps_the_object_and_the_time() {
    let mut object = Object::new();
    object.apply("alice", json!({"number": 1, "items": [{"name": "i"}]}));
    let before = object.live.clone();
    object.apply("alice", json!({"number": 1, "items": [{"name": "i"}]}));
    assert_eq!(object.live, before);
    object.apply("alice", json!({"number": 2, "items": [{"name": "i"}]}));
    assert_eq!(object.time_of("alice").unwrap(), "1970-01-01T00:00:03Z");
}

#[test]
fn atomic_lists_and_maps_are_replaced_and_owned_as_one() {
    let mut object = Object::new();
    object.apply("alice", json!({"whole": ["a", "b"], "leaf": {"a": "1"}}));
    object.apply("alice", json!({"whole": ["c"], "leaf": {"b": "2"}}));
    assert_eq!(object.spec(), json!({"whole": ["c"], "leaf": {"b": "2"}}));
    assert_eq!(object.refused("bob", json!({"leaf": {"c": "3"}})).code, 409);
}

#[test]
fn merged_lists_keep_their_order_unless_the_configuration_orders_them_otherwise() {
    let names = |object: &Object| -> Vec<Value> {
        object.spec()["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect()
    };
    let list = |names: &[&str]| json!({"items": names.iter().map(|name| json!({"name": name})).collect::<Value>()});
    for (live, applied, merged) in [
        (&["a", "b", "c"][..], &["c"][..], &["a", "b", "c"][..]),
        (&["a", "b", "c"], &["c", "a"], &["b", "c", "a"]),
        (&["a", "b"], &["x", "b", "y"], &["a", "x", "b", "y"]),
        (&["a", "b", "c", "d"], &["d", "x", "b"], &["a", "c", "d", "x", "b"]),
        (&["a"], &["x", "a"], &["x", "a"]),
        (&["a", "b"], &["b", "a"], &["b", "a"]),
    ] {
        let mut object = Object::new();
        object.update("editor", list(live));
        object.apply("alice", list(applied));
        assert_eq!(names(&object), merged, "{live:?} + {applied:?}");
    }
}

#[test]
fn keys_that_are_left_out_take_their_default() {
    let mut object = Object::new();
    object.apply("alice", json!({"ports": [{"port": 80, "name": "a"}]}));
    object.apply("bob", json!({"ports": [{"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "UDP"}]}));
    assert_eq!(
        object.spec(),
        json!({"ports": [{"port": 80, "name": "a", "protocol": "TCP"}, {"port": 80, "protocol": "UDP"}]})
    );
}

#[test]
fn duplicates_in_the_live_object_are_replaced_by_an_applied_entry_and_kept_otherwise() {
    let mut object = Object::new();
    object.update(
        "editor",
        json!({"items": [{"name": "d", "value": 1}, {"name": "d", "value": 2}, {"name": "e"}, {"name": "e"}]}),
    );
    assert_eq!(object.owned("editor")["f:items"], json!({".": {}, "k:{\"name\":\"d\"}": {}, "k:{\"name\":\"e\"}": {}}));
    object.force("alice", json!({"items": [{"name": "d", "value": 3}]}));
    assert_eq!(object.spec(), json!({"items": [{"name": "d", "value": 3}, {"name": "e"}, {"name": "e"}]}));
}

#[test]
fn a_null_is_owned_and_leaves_maps_that_hold_something() {
    let mut object = Object::new();
    object.update("editor", json!({"map": {"a": "1"}, "text": "t"}));
    object.force("alice", json!({"map": null, "text": null, "number": null}));
    assert_eq!(object.spec(), json!({"map": {"a": "1"}, "text": null, "number": null}));
    assert_eq!(object.owned("alice"), json!({"f:map": {}, "f:text": {}, "f:number": {}}));
}

#[test]
fn values_without_a_type_have_an_owner_for_each_key_and_lists_are_leaves() {
    let mut object = Object::new();
    object.apply("alice", json!({"free": {"a": {"x": 1}, "l": [1, 2]}, "open": {"known": "k", "other": {"y": 1}}}));
    object.apply("bob", json!({"free": {"a": {"z": 2}}}));
    assert_eq!(object.spec()["free"], json!({"a": {"x": 1, "z": 2}, "l": [1, 2]}));
    assert_eq!(object.refused("bob", json!({"free": {"l": [3]}})).code, 409);
    object.apply("alice", json!({}));
    assert_eq!(object.spec(), json!({"free": {"a": {"z": 2}}}));
}

#[test]
fn a_value_that_changes_its_form_takes_the_old_ones_fields_with_it() {
    let mut object = Object::new();
    object.apply("alice", json!({"free": {"a": {"x": 1}}}));
    object.force("bob", json!({"free": {"a": "scalar"}}));
    assert_eq!(object.spec(), json!({"free": {"a": "scalar"}}));
    assert_eq!(object.managers().len(), 1);
}

#[test]
fn configurations_that_do_not_fit_the_type_are_refused_in_the_real_servers_words() {
    let start = "failed to create typed patch object (/x; t.example.com/v1, Kind=Thing): ";
    for (spec, message) in [
        (json!({"nope": 1}), ".spec.nope: field not declared in schema"),
        (json!({"number": "1"}), ".spec.number: expected numeric (int or float), got string"),
        (json!({"text": 1}), ".spec.text: expected string, got &value.valueUnstructured{Value:1}"),
        (json!({"flag": "x"}), ".spec.flag: expected boolean, got &{x}"),
        (json!({"words": {"a": 1}}), ".spec.words: expected list, got &{map[a:1]}"),
        (json!({"map": ["a"]}), ".spec.map: expected map, got &{[a]}"),
        (json!({"words": ["a", "a"]}), ".spec.words: duplicate entries for key [=\"a\"]"),
        (json!({"items": [{"name": "a"}, {"name": "a"}]}), ".spec.items: duplicate entries for key [name=\"a\"]"),
        (json!({"items": [{"name": "a", "nope": 1}]}), ".spec.items[name=\"a\"].nope: field not declared in schema"),
        (json!({"items": [null]}), ".spec.items: element 0: associative list with keys may not have a null element"),
        (json!({"items": [1]}), ".spec.items: element 0: associative list with keys may not have non-map elements"),
        (
            json!({"items": [{}]}),
            ".spec.items: element 0: associative list with keys has an element that omits all key fields [\"name\"] \
             (and doesn't have default values for any key fields)",
        ),
        (
            json!({"words": [{}]}),
            ".spec.words: element 0: associative list without keys has an element that's a map type",
        ),
        (json!({"words": [[]]}), ".spec.words: element 0: not supported: associative list with lists as elements"),
        (
            json!({"words": [null]}),
            ".spec.words: element 0: associative list without keys has an element that's an explicit null",
        ),
        (json!({"whole": ["a", 1]}), ".spec.whole[1]: expected string, got &value.valueUnstructured{Value:1}"),
        (
            json!({"flag": 1, "number": []}),
            "errors:\n  .spec.flag: expected boolean, got &{1}\n  .spec.number: expected numeric (int or float), got []interface {}",
        ),
    ] {
        let error = Object::new().refused("alice", spec);
        assert_eq!((error.code, error.reason.as_ref(), error.message), (500, "", format!("{start}{message}")));
    }
}

#[test]
fn configurations_of_another_kind_or_with_managers_are_bad_requests() {
    let mut object = Object::new();
    let error = object.try_apply("alice", &json!({"apiVersion": "v1", "kind": "Pod"}), false).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (400, "invalid object type: /v1, Kind=Pod"));
    let mut config = thing(json!({}));
    config["metadata"]["managedFields"] = json!([]);
    let error = object.try_apply("alice", &config, false).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (400, "metadata.managedFields must be nil"));
}

#[test]
fn fields_that_the_endpoint_puts_back_are_neither_owned_nor_in_conflict() {
    let mut object = Object::new();
    object.apply("alice", json!({"number": 1}));
    object.reset = Some(crate::apply::FieldSet::of_fields(&[&["metadata"], &["spec"]]));
    let mut config = thing(json!({"number": 7}));
    config["status"] = json!({"text": "ok"});
    object.try_apply("controller", &config, false).unwrap();
    assert_eq!(object.owned("controller"), Value::Null);
    assert_eq!(object.owned("alice"), json!({"f:number": {}}));
}

mod client_side_apply {
    use super::*;

    const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

    fn migrated(last_applied: Value, live_spec: Value) -> Object {
        let mut object = Object::new();
        let mut new = thing(live_spec);
        new["metadata"]["annotations"] = json!({ANNOTATION: last_applied.to_string()});
        object.put("kubectl-client-side-apply", new);
        object
    }

    #[test]
    fn kubectl_takes_over_what_the_annotation_describes_truly() {
        let mut object = migrated(thing(json!({"number": 1, "text": "a"})), json!({"number": 1, "text": "a"}));
        object.apply("kubectl", json!({"number": 2, "text": "a"}));
        assert_eq!(object.spec(), json!({"number": 2, "text": "a"}));
        let annotation = object.live.unwrap()["metadata"]["annotations"][ANNOTATION].as_str().unwrap().to_string();
        assert!(annotation.ends_with("}\n"));
        assert_eq!(serde_json::from_str::<Value>(&annotation).unwrap(), thing(json!({"number": 2, "text": "a"})));
    }

    #[test]
    fn what_others_changed_since_is_a_conflict() {
        let mut object = migrated(thing(json!({"number": 1, "text": "a"})), json!({"number": 1, "text": "a"}));
        object.update("editor", json!({"number": 5, "text": "a"}));
        let error = object.refused("kubectl", json!({"number": 2, "text": "b"}));
        assert_eq!(
            error.message,
            "Apply failed with 1 conflict: conflict with \"editor\" using t.example.com/v1: .spec.number"
        );
    }

    #[test]
    fn other_managers_and_other_versions_get_nothing_from_it() {
        let mut object = migrated(thing(json!({"number": 1})), json!({"number": 1}));
        assert_eq!(object.refused("alice", json!({"number": 2})).code, 409);
        let mut old = thing(json!({"number": 1}));
        old["apiVersion"] = json!("t.example.com/v0");
        assert_eq!(migrated(old, json!({"number": 1})).refused("kubectl", json!({"number": 2})).code, 409);
        assert_eq!(migrated(json!("junk"), json!({"number": 1})).refused("kubectl", json!({"number": 2})).code, 409);
    }
}
