//! Field sets: order, text, algebra.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::apply::{FieldSet, PathElement};

fn element() -> impl Strategy<Value = PathElement> {
    let scalar = prop_oneof![
        (0..3i64).prop_map(Value::from),
        prop_oneof![Just(1.5), Just(2.0)].prop_map(|n: f64| Value::from(n)),
        "[a<]".prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ];
    prop_oneof![
        4 => "[abc]".prop_map(PathElement::field),
        2 => prop::collection::btree_map("[kl]", scalar.clone(), 1..3).prop_map(PathElement::key),
        1 => scalar.prop_map(PathElement::Value),
        1 => (0..2i64).prop_map(PathElement::Index),
    ]
}

pub(super) fn set() -> impl Strategy<Value = FieldSet> {
    prop::collection::vec(prop::collection::vec(element(), 1..4), 0..8).prop_map(FieldSet::of)
}

fn parse(json: Value) -> FieldSet {
    FieldSet::from_fields_v1(&json).unwrap()
}

#[test]
fn members_with_members_below_hold_a_dot() {
    let set = FieldSet::of_fields(&[&["spec"], &["spec", "replicas"], &["status", "ready"]]);
    assert_eq!(set.to_fields_v1(), json!({"f:spec": {".": {}, "f:replicas": {}}, "f:status": {"f:ready": {}}}));
    assert_eq!(set.len(), 3);
}

#[test]
fn the_text_has_the_order_of_the_real_server() {
    let port = |number: i64| {
        [PathElement::field("ports"), PathElement::key([("port", json!(number)), ("name", json!("a<b"))])]
    };
    let mut set = FieldSet::of([port(8080), port(443)]);
    set.insert(&[PathElement::field("ports"), PathElement::Value(json!("v"))]);
    set.insert(&[PathElement::field("ports"), PathElement::Index(2)]);
    set.insert(&[PathElement::field("ports"), PathElement::field("z")]);
    let text = serde_json::to_string(&set).unwrap();
    let expected = r#"{"f:ports":{"f:z":{},"k:{\"name\":\"a\\u003cb\",\"port\":443}":{},"k:{\"name\":\"a\\u003cb\",\"port\":8080}":{},"v:\"v\"":{},"i:2":{}}}"#;
    assert_eq!(text, expected);
    assert_eq!(parse(serde_json::from_str(&text).unwrap()), set);
}

#[test]
fn unknown_elements_are_left_out_and_malformed_ones_refused() {
    assert_eq!(parse(json!({"f:a": {}, "x:new": {"f:b": {}}})), FieldSet::of_fields(&[&["a"]]));
    assert_eq!(parse(json!({"f:a": {"x:new": {}}})), FieldSet::of_fields(&[&["a"]]));
    assert_eq!(parse(json!(null)), FieldSet::default());
    for bad in
        [json!([]), json!({"f": {}}), json!({"k:{": {}}), json!({"v:": {}}), json!({"i:x": {}}), json!({"f:a": 1})]
    {
        assert!(FieldSet::from_fields_v1(&bad).is_err(), "{bad}");
    }
}

#[test]
fn paths_read_as_in_messages() {
    let path = [
        PathElement::field("spec"),
        PathElement::key([("protocol", json!("TCP")), ("port", json!(80))]),
        PathElement::Value(json!(true)),
        PathElement::Index(3),
    ];
    let text: String = path.iter().map(ToString::to_string).collect();
    assert_eq!(text, r#".spec[port=80,protocol="TCP"][=true][3]"#);
}

#[test]
fn leaves_and_recursive_difference_look_at_what_is_below() {
    let set = FieldSet::of_fields(&[&["a"], &["a", "b"], &["c"], &["d", "e"]]);
    assert_eq!(set.clone().leaves(), FieldSet::of_fields(&[&["a", "b"], &["c"], &["d", "e"]]));
    let a = FieldSet::of_fields(&[&["a"], &["d"]]);
    assert_eq!(set.clone().difference(&a), FieldSet::of_fields(&[&["a", "b"], &["c"], &["d", "e"]]));
    assert_eq!(set.recursive_difference(&a), FieldSet::of_fields(&[&["c"]]));
}

proptest! {
    #[test]
    fn the_codec_keeps_every_set(set in set()) {
        prop_assert_eq!(&parse(set.to_fields_v1()), &set);
        let text = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(parse(serde_json::from_str(&text).unwrap()), set);
    }

    #[test]
    fn sets_obey_the_laws_of_sets(a in set(), b in set(), c in set()) {
        let union = a.clone().union(b.clone());
        prop_assert_eq!(&union, &b.clone().union(a.clone()));
        prop_assert_eq!(union.clone().union(c.clone()), a.clone().union(b.clone().union(c.clone())));
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(union.intersection(&c), a.intersection(&c).union(b.intersection(&c)));
        prop_assert_eq!(a.clone().difference(&b).union(a.intersection(&b)), a.clone());
        prop_assert!(a.clone().difference(&b).intersection(&b).is_empty());
        prop_assert_eq!(union.len(), a.len() + b.len() - a.intersection(&b).len());
        prop_assert!(a.is_subset(&union) && a.intersection(&b).is_subset(&a));
        prop_assert_eq!(a.is_subset(&b), a.clone().difference(&b).is_empty());
        prop_assert!(a.clone().recursive_difference(&b).is_subset(&a.clone().difference(&b)));
        prop_assert!(a.clone().leaves().is_subset(&a));
        for path in a.paths() {
            prop_assert!(a.contains(&path));
            prop_assert_eq!(b.contains(&path), a.intersection(&b).contains(&path));
        }
    }
}
