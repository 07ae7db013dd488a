//! Strategic merge patch.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::patch::strategic;
use crate::schema::{GoTypes, SchemaSet, TypeRef};

/// A type with one list of each kind, a union-like object and a free map, nested in itself.
fn ty() -> TypeRef {
    let text = json!({"type": "string"});
    let entry = json!({"$ref": "#/components/schemas/t.Entry"});
    let document = json!({
        "t.Root": {"type": "object", "properties": {
            "name": text, "count": {"type": "integer"},
            "labels": {"type": "object", "additionalProperties": text},
            "raw": {"type": "object"},
            "entries": {"type": "array", "items": entry, "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name"},
            "whole": {"type": "array", "items": entry},
            "words": {"type": "array", "items": text, "x-kubernetes-patch-strategy": "merge"},
            "choice": {"allOf": [{"$ref": "#/components/schemas/t.Choice"}], "x-kubernetes-patch-strategy": "retainKeys"},
            "nested": {"allOf": [{"$ref": "#/components/schemas/t.Root"}]}}},
        "t.Choice": {"type": "object", "properties": {"kind": text, "a": {"allOf": [{"$ref": "#/components/schemas/t.Root"}]}, "b": text}},
        "t.Entry": {"type": "object", "properties": {
            "name": text, "value": {"type": "integer"}, "note": text,
            "words": {"type": "array", "items": text, "x-kubernetes-patch-strategy": "merge"},
            "entries": {"type": "array", "items": entry, "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name"}}},
    });
    Arc::new(SchemaSet::from_openapi(document.as_object().unwrap(), &GoTypes::default()).unwrap())
        .named("t.Root")
        .unwrap()
}

#[track_caller]
fn check(live: Value, patch: Value, expected: Value) {
    assert_eq!(strategic(&ty(), &live, &patch).unwrap(), expected, "{live} + {patch}");
}

#[track_caller]
fn refused(live: Value, patch: Value, code: u16, message: &str) {
    let error = strategic(&ty(), &live, &patch).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (code, message));
}

#[test]
fn objects_and_free_maps_merge_and_null_deletes() {
    check(
        json!({"labels": {"a": "1", "b": "2"}}),
        json!({"labels": {"b": null, "c": "3"}}),
        json!({"labels": {"a": "1", "c": "3"}}),
    );
    check(json!({"name": "x"}), json!({"name": null, "count": null}), json!({}));
    check(json!({}), json!({"nested": {"name": null, "count": 1}}), json!({"nested": {"count": 1}}));
    check(json!({"nested": {"name": "a"}}), json!({"nested": "text"}), json!({"nested": "text"}));
    check(json!({"name": "x"}), json!(null), json!({"name": "x"}));
}

#[test]
fn a_directive_replaces_or_deletes_an_object() {
    check(
        json!({"nested": {"name": "a", "count": 1}}),
        json!({"nested": {"$patch": "replace", "count": 2}}),
        json!({"nested": {"count": 2}}),
    );
    check(json!({"nested": {"name": "a"}}), json!({"nested": {"$patch": "delete"}}), json!({"nested": {}}));
    check(json!({}), json!({"nested": {"$patch": "delete"}, "count": 1}), json!({"count": 1}));
    check(json!({"count": 1}), json!({"$patch": "replace", "name": "b"}), json!({"name": "b"}));
}

#[test]
fn keyed_lists_merge_by_key_and_new_entries_follow_the_patch() {
    check(
        json!({"entries": [{"name": "a", "value": 1}, {"name": "b", "value": 2}]}),
        json!({"entries": [{"name": "b", "note": "n"}, {"name": "c"}]}),
        json!({"entries": [{"name": "a", "value": 1}, {"name": "b", "value": 2, "note": "n"}, {"name": "c"}]}),
    );
    check(
        json!({"entries": [{"name": "a", "value": 1}, {"name": "b"}]}),
        json!({"entries": [{"name": "a", "$patch": "delete"}]}),
        json!({"entries": [{"name": "b"}]}),
    );
    check(
        json!({"entries": [{"name": "a"}, {"name": "b"}]}),
        json!({"entries": [{"$patch": "replace"}, {"name": "z"}]}),
        json!({"entries": [{"name": "z"}]}),
    );
    check(
        json!({"entries": [{"name": "a"}]}),
        json!({"entries": [{"name": "a", "entries": [{"name": "x"}], "value": null}]}),
        json!({"entries": [{"name": "a", "entries": [{"name": "x"}]}]}),
    );
    check(json!({"entries": [{"name": "a"}]}), json!({"entries": []}), json!({"entries": [{"name": "a"}]}));
}

#[test]
fn lists_without_a_strategy_are_replaced() {
    check(json!({"whole": [{"name": "a"}]}), json!({"whole": [{"name": "b"}]}), json!({"whole": [{"name": "b"}]}));
    check(json!({"whole": [{"name": "a"}]}), json!({"whole": []}), json!({"whole": []}));
}

#[test]
fn lists_of_scalars_merge_without_duplicates_and_lose_what_a_parallel_list_names() {
    check(json!({"words": ["a", "b"]}), json!({"words": ["b", "c"]}), json!({"words": ["a", "b", "c"]}));
    check(
        json!({"words": ["a", "b", "c"]}),
        json!({"$deleteFromPrimitiveList/words": ["a", "z"], "words": ["d"]}),
        json!({"words": ["d", "b", "c"]}),
    );
    check(json!({}), json!({"$deleteFromPrimitiveList/words": ["a"]}), json!({}));
}

#[test]
fn set_element_order_puts_the_patch_first_and_keeps_the_servers_entries_between() {
    check(
        json!({"words": ["a", "s", "b", "c"]}),
        json!({"$setElementOrder/words": ["c", "a", "b"]}),
        json!({"words": ["s", "c", "a", "b"]}),
    );
    check(
        json!({"entries": [{"name": "a"}, {"name": "s"}, {"name": "b"}]}),
        json!({"$setElementOrder/entries": [{"name": "b"}, {"name": "n"}, {"name": "a"}], "entries": [{"name": "n"}, {"name": "a", "value": 1}]}),
        json!({"entries": [{"name": "s"}, {"name": "b"}, {"name": "n"}, {"name": "a", "value": 1}]}),
    );
    check(
        json!({}),
        json!({"$setElementOrder/entries": [{"name": "b"}, {"name": "a"}], "entries": [{"name": "b"}, {"name": "a"}]}),
        json!({"entries": [{"name": "b"}, {"name": "a"}]}),
    );
    check(
        json!({"entries": [{"name": "a"}, {"name": "b"}]}),
        json!({"$setElementOrder/entries": [{"name": "b"}], "entries": [{"name": "a", "$patch": "delete"}]}),
        json!({"entries": [{"name": "b"}]}),
    );
}

#[test]
fn new_entries_take_the_places_of_deleted_ones_in_the_old_order() {
    let entries = |names: &[&str]| -> Value { names.iter().map(|name| json!({"name": name})).collect() };
    let patch = |add: &[&str]| {
        let mut list = entries(add);
        list.as_array_mut().unwrap().push(json!({"name": "d", "$patch": "delete"}));
        json!({"$setElementOrder/entries": entries(add), "entries": list})
    };
    check(json!({"entries": entries(&["d", "s"])}), patch(&["n"]), json!({"entries": entries(&["s", "n"])}));
    check(json!({"entries": entries(&["d", "s"])}), patch(&["n", "m"]), json!({"entries": entries(&["s", "n", "m"])}));
    let order = json!({"$setElementOrder/entries": entries(&["n"]), "entries": entries(&["n"])});
    check(json!({"entries": entries(&["s"])}), order, json!({"entries": entries(&["n", "s"])}));
}

#[test]
fn retain_keys_clears_what_it_does_not_list() {
    check(
        json!({"choice": {"kind": "a", "a": {"name": "x"}}}),
        json!({"choice": {"$retainKeys": ["kind", "b"], "kind": "b", "b": "y"}}),
        json!({"choice": {"kind": "b", "b": "y"}}),
    );
    refused(
        json!({"choice": {}}),
        json!({"choice": {"$retainKeys": ["kind"], "b": "y"}}),
        400,
        "invalid patch format of retainKeys",
    );
    refused(
        json!({"choice": {}}),
        json!({"choice": {"$retainKeys": "kind"}}),
        400,
        "invalid patch format of retainKeys",
    );
}

#[test]
fn malformed_patches_are_refused_in_the_real_servers_words() {
    let entries = || json!({"entries": [{"name": "a"}]});
    refused(json!({}), json!([]), 400, "json: cannot unmarshal array into Go value of type map[string]interface {}");
    refused(
        json!({"nested": {}}),
        json!({"nested": {"$patch": "merge"}}),
        500,
        "unknown patch type: merge in map: map[$patch:merge]",
    );
    refused(
        entries(),
        json!({"entries": [{"value": 1}]}),
        500,
        "map: map[value:1] does not contain declared merge key: name",
    );
    refused(
        json!({"entries": [{"value": 1}]}),
        json!({"entries": [{"name": "a"}]}),
        500,
        "map: map[value:1] does not contain declared merge key: name",
    );
    refused(
        entries(),
        json!({"entries": [{"$patch": "delete"}]}),
        500,
        "map: map[$patch:delete] does not contain declared merge key: name",
    );
    refused(
        entries(),
        json!({"entries": [{"$patch": "merge"}]}),
        500,
        "merging lists cannot yet be specified in the patch",
    );
    refused(entries(), json!({"entries": ["a"]}), 500, "list element types are not identical: [[map[name:a]] [a]]");
    refused(
        entries(),
        json!({"$setElementOrder/entries": "a"}),
        500,
        "expected a []interface {}, but received a string",
    );
    refused(entries(), json!({"$setElementOrder": []}), 400, "invalid patch format of setElementOrder list");
    refused(
        json!({"words": ["a"]}),
        json!({"$deleteFromPrimitiveList": ["a"]}),
        400,
        "invalid patch format of primitive list",
    );
    refused(
        json!({"words": []}),
        json!({"$setElementOrder/words": ["a", "b"], "words": ["b", "a"]}),
        500,
        "The order in patch list:\n[b a]\n doesn't match $setElementOrder list:\n[a b]\n",
    );
    refused(
        json!({"nope": {}}),
        json!({"nope": {}}),
        500,
        "unable to find api field in struct Root for the json field \"nope\"",
    );
    refused(
        json!({"labels": {"a": {}}}),
        json!({"labels": {"a": {}}}),
        500,
        "merging an object in json but data type is not struct, instead is: map",
    );
    refused(
        json!({"words": [["a"]]}),
        json!({"words": [["a"]]}),
        422,
        "the server rejected our request due to an error in our request",
    );
}

fn entries(depth: u32) -> BoxedStrategy<Value> {
    let rest = if depth == 0 { Just(Value::Null).boxed() } else { entries(depth - 1) };
    let entry = (prop::option::of(0..3i64), prop::option::of("[xy]"), rest);
    prop::collection::btree_map("[a-e]", entry, 1..4)
        .prop_map(|entries| {
            let list = entries.into_iter().map(|(name, (value, note, inner))| {
                let all = json!({"name": name, "value": value, "note": note, "entries": inner});
                let members = all.as_object().unwrap().clone();
                Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
            });
            list.collect()
        })
        .prop_shuffle_list()
}

trait Shuffled: Strategy<Value = Value> + Sized + 'static {
    /// The entries of a list in any order.
    fn prop_shuffle_list(self) -> BoxedStrategy<Value> {
        self.prop_flat_map(|list| {
            Just(list.as_array().cloned().unwrap_or_default()).prop_shuffle().prop_map(Value::Array)
        })
        .boxed()
    }
}

impl<S: Strategy<Value = Value> + 'static> Shuffled for S {}

fn root() -> impl Strategy<Value = Value> {
    let words =
        prop::collection::btree_set("[a-e]", 1..4).prop_map(|w| w.into_iter().collect::<Value>()).prop_shuffle_list();
    let labels = prop::collection::btree_map("[a-c]", "[12]", 0..3).prop_map(|m| json!(m));
    (prop::option::of(entries(1)), prop::option::of(words), prop::option::of(labels), prop::option::of("[xy]"))
        .prop_map(|(entries, words, labels, name)| {
            let all = json!({"entries": entries, "words": words, "labels": labels, "name": name});
            let members = all.as_object().unwrap().clone();
            Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
        })
}

/// The strategic merge patch from `a` to `b`, as kubectl makes it.
fn diff(a: &Map<String, Value>, b: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for name in a.keys().filter(|name| !b.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, new) in b {
        match (a.get(name), new) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                patch.insert(name.clone(), Value::Object(diff(old, new)));
            }
            (Some(Value::Array(old)), Value::Array(new)) if name == "words" => {
                let gone: Vec<Value> = old.iter().filter(|word| !new.contains(word)).cloned().collect();
                patch.insert("$deleteFromPrimitiveList/words".into(), gone.into());
                let added: Vec<Value> = new.iter().filter(|word| !old.contains(word)).cloned().collect();
                if !added.is_empty() {
                    patch.insert(name.clone(), added.into());
                }
                patch.insert("$setElementOrder/words".into(), new.clone().into());
            }
            (Some(Value::Array(old)), Value::Array(new)) => {
                let find = |list: &[Value], key: &Value| list.iter().find(|e| e["name"] == *key).cloned();
                let mut changes = Vec::new();
                for entry in new {
                    match find(old, &entry["name"]) {
                        Some(before) => {
                            let mut change = diff(before.as_object().unwrap(), entry.as_object().unwrap());
                            if !change.is_empty() {
                                change.insert("name".into(), entry["name"].clone());
                                changes.push(Value::Object(change));
                            }
                        }
                        None => changes.push(entry.clone()),
                    }
                }
                for entry in old.iter().filter(|entry| find(new, &entry["name"]).is_none()) {
                    changes.push(json!({"name": entry["name"], "$patch": "delete"}));
                }
                patch.insert(
                    format!("$setElementOrder/{name}"),
                    new.iter().map(|e| json!({"name": e["name"]})).collect(),
                );
                if !changes.is_empty() {
                    patch.insert(name.clone(), changes.into());
                }
            }
            (_, new) => {
                patch.insert(name.clone(), new.clone());
            }
        }
    }
    patch
}

proptest! {
    #[test]
    fn the_patch_of_a_difference_gives_the_other_object_in_its_order(a in root(), b in root()) {
        let patch = Value::Object(diff(a.as_object().unwrap(), b.as_object().unwrap()));
        prop_assert_eq!(strategic(&ty(), &a, &patch).unwrap(), b, "{}", patch);
    }

    #[test]
    fn an_empty_patch_changes_nothing(a in root()) {
        prop_assert_eq!(strategic(&ty(), &a, &json!({})).unwrap(), a);
    }

    #[test]
    fn what_one_object_holds_can_be_patched_onto_any_other_twice(a in root(), b in root()) {
        let once = strategic(&ty(), &a, &b).unwrap();
        prop_assert_eq!(strategic(&ty(), &once, &b).unwrap(), once);
    }
}
