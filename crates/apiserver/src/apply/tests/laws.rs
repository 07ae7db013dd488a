//! Laws of apply, for any configurations.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::support::{Object, thing};
use crate::apply::FieldSet;

fn words() -> impl Strategy<Value = Value> {
    prop::collection::btree_set("[abc]", 0..3).prop_map(|words| words.into_iter().collect()).prop_shuffled()
}

fn ports() -> impl Strategy<Value = Value> {
    let name = prop::option::of("[xy]");
    prop::collection::btree_map((80..82i64, "TCP|UDP"), name, 0..3)
        .prop_map(|ports| {
            let port = |((port, protocol), name)| object(json!({"port": port, "protocol": protocol, "name": name}));
            ports.into_iter().map(port).collect()
        })
        .prop_shuffled()
}

fn items() -> impl Strategy<Value = Value> {
    let rest = (prop::option::of(0..2i64), prop::option::of(words()), prop::option::of(ports()));
    prop::collection::btree_map("[abcd]", rest, 0..4)
        .prop_map(|items| {
            let item = |(name, (value, words, ports))| {
                object(json!({"name": name, "value": value, "words": words, "ports": ports}))
            };
            items.into_iter().map(item).collect()
        })
        .prop_shuffled()
}

fn spec() -> impl Strategy<Value = Value> {
    let map = || prop::collection::btree_map("[abc]", "[xy]", 0..3).prop_map(|map| json!(map));
    let free =
        prop::collection::btree_map("[ab]", prop_oneof![map(), Just(json!([1, {"a": 2}])), Just(json!(1))], 0..3)
            .prop_map(|map| json!(map));
    let scalars = ("[xy]", prop::option::of(0..3i64), prop::option::of(any::<bool>()));
    let lists = (prop::option::of(words()), prop::option::of(items()), prop::option::of(ports()));
    let maps = (prop::option::of(map()), prop::option::of(map()), prop::option::of(free));
    (scalars, lists, maps).prop_map(|((text, number, flag), (words, items, ports), (map, leaf, free))| {
        without_empties(object(json!({"text": text, "number": number, "flag": flag, "words": words, "items": items,
            "ports": ports, "map": map, "leaf": leaf, "free": free})))
    })
}

/// An object without its null members.
fn object(value: Value) -> Value {
    let members: Map<String, Value> = value.as_object().unwrap().clone();
    Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

/// A value without empty maps and lists: these are owned, or not, by rules of their own, which the tables show.
fn without_empties(value: Value) -> Value {
    let is_empty = |value: &Value| *value == json!([]) || *value == json!({});
    match value {
        Value::Object(members) => {
            let inner = members.into_iter().map(|(name, value)| (name, without_empties(value)));
            Value::Object(inner.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(list) => {
            Value::Array(list.into_iter().map(without_empties).filter(|value| !is_empty(value)).collect())
        }
        other => other,
    }
}

trait Shuffled: Strategy<Value = Value> + Sized + 'static {
    fn prop_shuffled(self) -> BoxedStrategy<Value> {
        self.prop_flat_map(|list| {
            Just(list.as_array().cloned().unwrap_or_default()).prop_shuffle().prop_map(Value::Array)
        })
        .boxed()
    }
}

impl<S: Strategy<Value = Value> + 'static> Shuffled for S {}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn applying_twice_is_applying_once(live in spec(), config in spec()) {
        let mut object = Object::new();
        object.update("editor", live).force("alice", config.clone());
        let once = object.live.clone();
        object.apply("alice", config);
        prop_assert_eq!(object.live, once);
    }

    #[test]
    fn two_managers_with_one_configuration_own_it_together(config in spec()) {
        let mut object = Object::new();
        object.apply("alice", config.clone());
        let alone = object.spec();
        object.apply("bob", config);
        prop_assert_eq!(object.owned("alice"), object.owned("bob"));
        prop_assert_eq!(object.spec(), alone);
    }

    #[test]
    fn applying_to_nothing_gives_the_configuration_and_applying_nothing_takes_it_away(config in spec()) {
        let mut object = Object::new();
        object.apply("alice", config.clone());
        prop_assert_eq!(object.spec(), config);
        object.apply("alice", json!(null));
        prop_assert_eq!(object.live, Some(thing(json!(null))));
    }

    #[test]
    fn an_applier_that_leaves_takes_only_its_own(other in spec(), mine in spec()) {
        let mut object = Object::new();
        object.apply("bob", other);
        if object.try_apply("alice", &thing(mine), false).is_ok() {
            let bob = object.owned("bob");
            object.apply("alice", json!(null));
            prop_assert_eq!(object.owned("bob"), bob);
        }
    }

    #[test]
    fn owners_by_apply_never_disagree(first in spec(), second in spec()) {
        let mut object = Object::new();
        object.apply("alice", first.clone());
        let agreed = object.try_apply("bob", &thing(second.clone()), false).is_ok();
        object.force("bob", second);
        let taken = object.try_apply("alice", &thing(first), false).is_err();
        prop_assert_eq!(agreed, !taken, "bob took something exactly if alice can't have it back");
    }

    #[test]
    fn every_owned_field_is_there_after_any_writes(writes in prop::collection::vec((0..3u8, spec()), 1..6)) {
        let mut object = Object::new();
        for (kind, spec) in writes {
            match kind {
                0 => object.update("editor", spec),
                1 => object.force("alice", spec),
                _ => object.force("bob", spec),
            };
            let live = object.live.clone().unwrap();
            let ty = super::support::ty();
            let there = crate::apply::field_set::field_set(crate::apply::types::Ty::of(ty), &live);
            for entry in object.managers() {
                let owned = FieldSet::from_fields_v1(&entry["fieldsV1"]).unwrap();
                // Containers that were created are owned, and field sets of objects mention leaves.
                prop_assert!(owned.clone().leaves().is_subset(&there.clone().union(containers(&live))), "{} {}", live, entry);
            }
        }
    }

    #[test]
    fn no_configuration_panics(config in any_json(), live in any_json()) {
        let mut object = Object::new();
        object.put("editor", thing(live));
        let _ = object.try_apply("alice", &thing(config), true);
    }
}

/// The maps and lists of the spec, which an update that made them owns.
fn containers(live: &Value) -> FieldSet {
    fn walk(value: &Value, path: &mut Vec<crate::apply::PathElement>, out: &mut FieldSet) {
        for (name, member) in value.as_object().into_iter().flatten() {
            path.push(crate::apply::PathElement::field(name.as_str()));
            out.insert(path);
            walk(member, path, out);
            path.pop();
        }
        for entry in value.as_array().into_iter().flatten() {
            if let Some(name) = entry.get("name") {
                path.push(crate::apply::PathElement::key([("name", name.clone())]));
                walk(entry, path, out);
                path.pop();
            }
        }
    }
    let mut out = FieldSet::default();
    walk(live, &mut Vec::new(), &mut out);
    out
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3i64).prop_map(Value::from),
        "[ab]".prop_map(Value::from)
    ];
    let name = "text|number|words|items|ports|map|leaf|nested|free|open|name|port|things|whole";
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}
