//! JSON patch and merge patch.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::patch::{
    JsonPatchFailure, MAX_JSON_PATCH_OPERATIONS, explained_json_patch, json_patch, json_patch_unknown_fields,
    merge_patch,
};

fn patched(live: Value, patch: Value) -> Value {
    json_patch(&live, &patch).unwrap()
}

fn refused(live: Value, patch: Value) -> (u16, String, String) {
    let error = json_patch(&live, &patch).unwrap_err();
    (error.code, error.reason.into_owned(), error.message)
}

#[test]
fn each_operation_does_what_the_rfc_says() {
    let live = || json!({"spec": {"list": ["a", "b"], "x~y/z": 1}});
    for (patch, expected) in [
        (
            json!({"op": "add", "path": "/spec/new", "value": {}}),
            json!({"spec": {"list": ["a", "b"], "x~y/z": 1, "new": {}}}),
        ),
        (
            json!({"op": "add", "path": "/spec/list/1", "value": "c"}),
            json!({"spec": {"list": ["a", "c", "b"], "x~y/z": 1}}),
        ),
        (
            json!({"op": "add", "path": "/spec/list/-", "value": "c"}),
            json!({"spec": {"list": ["a", "b", "c"], "x~y/z": 1}}),
        ),
        (json!({"op": "remove", "path": "/spec/list/0"}), json!({"spec": {"list": ["b"], "x~y/z": 1}})),
        (json!({"op": "remove", "path": "/spec/x~0y~1z"}), json!({"spec": {"list": ["a", "b"]}})),
        (json!({"op": "replace", "path": "/spec/list", "value": 1}), json!({"spec": {"list": 1, "x~y/z": 1}})),
        (
            json!({"op": "move", "from": "/spec/x~0y~1z", "path": "/spec/list/0"}),
            json!({"spec": {"list": [1, "a", "b"]}}),
        ),
        (
            json!({"op": "copy", "from": "/spec/list", "path": "/copy"}),
            json!({"spec": {"list": ["a", "b"], "x~y/z": 1}, "copy": ["a", "b"]}),
        ),
        (json!({"op": "test", "path": "/spec/list/1", "value": "b"}), live()),
    ] {
        assert_eq!(patched(live(), json!([patch])), expected, "{patch}");
    }
}

#[test]
fn leniences_of_the_real_server_are_kept() {
    assert_eq!(patched(json!({}), json!([{"op": "replace", "path": "/a", "value": 1}])), json!({"a": 1}));
    assert_eq!(patched(json!({"l": [1, 2]}), json!([{"op": "remove", "path": "/l/-1"}])), json!({"l": [1]}));
    assert_eq!(patched(json!({"l": [1]}), json!([{"op": "add", "path": "/l/-1", "value": 2}])), json!({"l": [1, 2]}));
    assert_eq!(patched(json!({}), json!([{"op": "test", "path": "/a", "value": null}])), json!({}));
    assert_eq!(patched(json!({}), json!([{"op": "copy", "from": "/a", "path": "/b"}])), json!({"b": null}));
    assert_eq!(patched(json!({"a": 1}), json!([])), json!({"a": 1}));
}

#[test]
fn operations_that_do_not_apply_are_invalid_without_saying_why() {
    let text = "the server rejected our request due to an error in our request".to_string();
    for patch in [
        json!({"op": "add", "path": "/a/b/c", "value": 1}),
        json!({"op": "add", "path": "", "value": {}}),
        json!({"op": "add", "path": "/list/3", "value": 1}),
        json!({"op": "add", "path": "/list/x", "value": 1}),
        json!({"op": "remove", "path": "/missing"}),
        json!({"op": "remove", "path": "/list/2"}),
        json!({"op": "replace", "path": "/list/2", "value": 1}),
        json!({"op": "test", "path": "/list/0", "value": 7}),
        json!({"op": "move", "from": "/missing", "path": "/a"}),
        json!({"op": "frob", "path": "/a"}),
        json!({"path": "/a"}),
        json!({"op": "add", "value": 1}),
    ] {
        assert_eq!(refused(json!({"list": [1, 2]}), json!([patch])), (422, "Invalid".into(), text.clone()), "{patch}");
    }
}

#[test]
fn a_patch_that_is_no_list_of_operations_is_a_bad_request() {
    let decode = "error decoding patch: json: cannot unmarshal";
    for (patch, message) in [
        (json!({}), "object into Go value of type []handlers.jsonPatchOp"),
        (json!("x"), "string into Go value of type []handlers.jsonPatchOp"),
        (json!([1]), "number into Go value of type handlers.jsonPatchOp"),
        (json!([{"op": 1}]), "number into Go struct field jsonPatchOp.op of type string"),
    ] {
        assert_eq!(refused(json!({}), patch), (400, "BadRequest".into(), format!("{decode} {message}")));
    }
}

#[test]
fn too_many_operations_are_refused() {
    let patch = vec![json!({"op": "test", "path": "/a", "value": null}); MAX_JSON_PATCH_OPERATIONS + 1];
    let (code, reason, message) = refused(json!({}), Value::Array(patch));
    assert_eq!((code, reason.as_str()), (413, "RequestEntityTooLarge"));
    assert_eq!(message, "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001");
}

#[test]
fn a_result_that_is_no_object_is_invalid() {
    assert_eq!(refused(json!({}), json!([{"op": "replace", "path": "", "value": []}])).0, 422);
}

#[test]
fn unknown_members_of_operations_are_named() {
    let patch = json!([{"op": "add", "path": "/a", "value": 1}, {"op": "remove", "path": "/b", "vaule": 2}]);
    assert_eq!(json_patch_unknown_fields(&patch), ["json patch unknown field \"[1].vaule\""]);
}

#[test]
fn merge_patch_replaces_all_but_objects_and_deletes_by_null() {
    for (live, patch, expected) in [
        (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": null, "d": 3}}), json!({"a": {"c": 2, "d": 3}})),
        (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
        (json!({"a": 1}), json!({"a": {"b": null, "c": 1}}), json!({"a": {"c": 1}})),
        (json!({}), json!({"a": {"b": null}}), json!({"a": {}})),
        (json!({}), json!({"a": [{"b": null, "c": 1}, null]}), json!({"a": [{"c": 1}, null]})),
        (json!({"a": {}}), json!({"a": [{"b": null}]}), json!({"a": [{"b": null}]})),
        (json!({"a": null}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}})),
    ] {
        assert_eq!(merge_patch(&live, &patch).unwrap(), expected, "{live} + {patch}");
    }
}

#[test]
fn a_merge_patch_that_is_no_object_is_a_bad_request() {
    for (patch, message) in [
        (json!(null), "Invalid JSON Patch"),
        (json!([]), "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (json!(1), "error decoding patch: json: cannot unmarshal number into Go value of type map[string]interface {}"),
    ] {
        let error = merge_patch(&json!({}), &patch).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, message));
    }
}

fn why(live: Value, patch: Value) -> String {
    match explained_json_patch(&live, &patch) {
        Err(JsonPatchFailure::Test(why) | JsonPatchFailure::Misfit(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn webhooks_and_policies_are_told_which_operation_does_not_apply() {
    let live = || json!({"a": {"b": 1}, "l": [1]});
    for (patch, expected) in [
        (
            json!({"op": "add", "path": "/x/y", "value": 1}),
            "add operation does not apply: doc is missing path: \"/x/y\": missing value",
        ),
        (
            json!({"op": "add", "path": "/l/x", "value": 1}),
            "error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            json!({"op": "add", "path": "/l/3", "value": 1}),
            "error in add for path: '/l/3': Unable to access invalid index: 3: invalid index referenced",
        ),
        (json!({"op": "add", "value": 1}), "add operation failed to decode path: missing value"),
        (
            json!({"op": "remove", "path": "/a/x"}),
            "error in remove for path: '/a/x': Unable to remove nonexistent key: x: missing value",
        ),
        (
            json!({"op": "remove", "path": "/l/1"}),
            "error in remove for path: '/l/1': Unable to access invalid index: 1: invalid index referenced",
        ),
        (
            json!({"op": "replace", "path": "/x/y", "value": 1}),
            "replace operation does not apply: doc is missing path: /x/y: missing value",
        ),
        (
            json!({"op": "replace", "path": "/l/-2", "value": 1}),
            "replace operation does not apply: doc is missing key: /l/-2: missing value",
        ),
        (
            json!({"op": "replace", "value": 1}),
            "replace operation failed to decode path: operation missing path field: missing value",
        ),
        (
            json!({"op": "move", "from": "/a/x", "path": "/y"}),
            "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
        ),
        (
            json!({"op": "move", "path": "/y"}),
            "move operation failed to decode from: operation, missing from field: missing value",
        ),
        (
            json!({"op": "copy", "from": "/a", "path": "/x/y"}),
            "copy operation does not apply: doc is missing destination path: /x/y: missing value",
        ),
        (
            json!({"op": "test", "path": "/x/y", "value": 1}),
            "test operation does not apply: is missing path: /x/y: missing value",
        ),
        (json!({"op": "test", "path": "/a/b", "value": 2}), "testing value /a/b failed: test failed"),
        (json!({"op": "odd", "path": "/a"}), "Unexpected kind: odd"),
    ] {
        assert_eq!(why(live(), json!([patch])), expected);
    }
}

#[test]
fn copies_of_copies_are_limited() {
    let patch: Vec<Value> = (0..100).map(|n| json!({"op": "copy", "from": "/a", "path": format!("/a/x{n}")})).collect();
    let why = why(json!({"a": {"much": "x".repeat(100)}}), patch.into());
    assert!(why.starts_with("Unable to complete the copy, the accumulated size increase of copy is "), "{why}");
}

#[test]
fn a_patch_can_not_nest_deeper_than_others_can_read() {
    let deeper = [
        json!({"op": "add", "path": "/b", "value": {}}),
        json!({"op": "move", "from": "/a", "path": "/b/a"}),
        json!({"op": "move", "from": "/b", "path": "/a"}),
    ];
    let patch: Vec<Value> = deeper.iter().cycle().take(9_999).cloned().collect();
    assert_eq!(why(json!({"a": {}}), patch.into()), "exceeded max depth");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![any::<bool>().prop_map(Value::from), (0..5i64).prop_map(Value::from), "[ab]".prop_map(Value::from)];
    leaf.prop_recursive(3, 20, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[abc]", any_value(), 0..4).prop_map(|m| Value::Object(m.into_iter().collect()))
}

/// The merge patch from `a` to `b`.
fn diff(a: &Value, b: &Value) -> Value {
    let (Value::Object(a), Value::Object(b)) = (a, b) else { return b.clone() };
    let gone = a.keys().filter(|name| !b.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let changed = b
        .iter()
        .filter(|(name, value)| a.get(*name) != Some(*value))
        .map(|(name, value)| (name.clone(), a.get(name).map_or_else(|| value.clone(), |old| diff(old, value))));
    Value::Object(gone.chain(changed).collect())
}

proptest! {
    #[test]
    fn a_merge_patch_of_the_difference_gives_the_other_object(a in any_object(), b in any_object()) {
        prop_assert_eq!(merge_patch(&a, &diff(&a, &b)).unwrap(), b);
    }

    #[test]
    fn no_patch_panics(live in any_object(), ops in prop::collection::vec(
        ("add|remove|replace|move|copy|test|x", "(/[abc0-]?){0,3}", "(/[abc0-]?){0,3}", any_value()), 0..6)) {
        let patch: Vec<Value> = ops.into_iter()
            .map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value})).collect();
        let _ = json_patch(&live, &Value::Array(patch));
    }
}
