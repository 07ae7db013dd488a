//! Changes of the schema, and managers that use another version.

use serde_json::{Value, json};

use super::support::{Object, compile, thing, ty, types};
use crate::apply::{Versions, apply, track_update};
use crate::schema::TypeRef;

#[test]
fn what_became_atomic_is_owned_as_one_at_the_next_write() {
    let mut object = Object::new();
    object
        .apply("alice", json!({"map": {"a": "1"}, "items": [{"name": "i", "value": 1}]}))
        .apply("bob", json!({"map": {"b": "2"}}));
    let mut atomic = types();
    atomic["t.Spec"]["properties"]["map"]["x-kubernetes-map-type"] = json!("atomic");
    atomic["t.Spec"]["properties"]["items"]["x-kubernetes-list-type"] = json!("atomic");
    object.ty = compile(Value::Object(atomic));
    object.apply("carol", json!({"text": "c"}));
    assert_eq!(object.owned("alice"), json!({"f:map": {}, "f:items": {}}));
    assert_eq!(object.owned("bob"), json!({"f:map": {}}));
    assert_eq!(object.refused("bob", json!({"map": {"b": "3"}})).code, 409);
}

#[test]
fn what_became_granular_stays_owned_as_one_until_it_is_applied_again() {
    let mut object = Object::new();
    object.apply("alice", json!({"leaf": {"a": "1"}}));
    let mut granular = types();
    granular["t.Spec"]["properties"]["leaf"]["x-kubernetes-map-type"] = json!("granular");
    object.ty = compile(Value::Object(granular));
    object.apply("bob", json!({"leaf": {"b": "2"}}));
    assert_eq!(object.spec(), json!({"leaf": {"a": "1", "b": "2"}}));
    assert_eq!(object.owned("alice"), json!({"f:leaf": {}}));
    object.apply("alice", json!({"leaf": {"a": "1"}}));
    assert_eq!(object.owned("alice"), json!({"f:leaf": {"f:a": {}}}));
}

#[test]
fn a_field_may_merge_its_type_in_another_way_than_the_type_says() {
    let mut types = types();
    types.insert("t.Atomic".into(), json!({"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}));
    let reference = json!([{"$ref": "#/components/schemas/t.Atomic"}]);
    types["t.Spec"]["properties"]["whole"] = json!({"allOf": reference});
    types["t.Spec"]["properties"]["map"] = json!({"allOf": reference, "x-kubernetes-map-type": "granular"});
    let mut object = Object::new();
    object.ty = compile(Value::Object(types));
    object.apply("alice", json!({"whole": {"a": "1"}, "map": {"a": "1"}}));
    assert_eq!(object.owned("alice"), json!({"f:whole": {}, "f:map": {"f:a": {}}}));
}

#[test]
fn custom_resources_are_owned_by_their_structural_schema() {
    let mut object = Object::new();
    let port = json!({"type": "object", "required": ["port"], "properties": {"port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}}});
    object.ty = crate::schema::crd::compile(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "ports": {"type": "array", "items": port, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"]},
        "bare": {"type": "object"},
        "any": {"type": "object", "additionalProperties": true},
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"in": {"type": "object", "properties": {"a": {"type": "string"}}}}},
        "ios": {"x-kubernetes-int-or-string": true},
        "embedded": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}}}}}))
    .unwrap();
    let mut config = thing(
        json!({"ports": [{"port": 80}], "bare": {"a": {"b": 1}}, "any": {"k": {"l": 1}}, "open": {"in": {"a": "x", "z": 1}},
        "ios": "25%", "embedded": {"apiVersion": "v1", "kind": "Pod", "metadata": {"finalizers": ["f"]}}}),
    );
    config["metadata"]["finalizers"] = json!(["f/f"]);
    config["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}]);
    object.try_apply("alice", &config, false).unwrap();
    assert_eq!(
        object.owned("alice"),
        json!({"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}},
            "f:bare": {"f:a": {".": {}, "f:b": {}}}, "f:any": {"f:k": {".": {}, "f:l": {}}}, "f:open": {"f:in": {"f:a": {}, "f:z": {}}},
            "f:ios": {}, "f:embedded": {"f:apiVersion": {}, "f:kind": {}, "f:metadata": {"f:finalizers": {"v:\"f\"": {}}}}})
    );
    assert_eq!(
        object.managers()[0]["fieldsV1"]["f:metadata"],
        json!({"f:finalizers": {"v:\"f/f\"": {}}, "f:ownerReferences": {"k:{\"uid\":\"u\"}": {}}})
    );
}

/// v2 calls `text` `title`; v0 is no longer served.
struct Renamed {
    v2: TypeRef,
}

impl Renamed {
    fn new() -> Self {
        let mut types = types();
        let properties = types["t.Spec"]["properties"].as_object_mut().unwrap();
        let text = properties.remove("text").unwrap();
        properties.insert("title".into(), text);
        Self { v2: compile(Value::Object(types)) }
    }
}

impl Versions for Renamed {
    fn ty(&self, api_version: &str) -> Option<TypeRef> {
        match api_version {
            "t.example.com/v1" => Some(ty().clone()),
            "t.example.com/v2" => Some(self.v2.clone()),
            _ => None,
        }
    }

    fn convert(&self, object: &Value, api_version: &str) -> Option<Value> {
        let (from, to) = match api_version {
            "t.example.com/v1" => ("title", "text"),
            "t.example.com/v2" => ("text", "title"),
            _ => return None,
        };
        let mut out = object.clone();
        if let Some(Value::Object(spec)) = out.get_mut("spec")
            && let Some(value) = spec.remove(from)
        {
            spec.insert(to.into(), value);
        }
        if out.get("apiVersion").is_some() {
            out["apiVersion"] = api_version.into();
        }
        Some(out)
    }
}

fn v2(object: &mut Object, versions: &Renamed) {
    object.ty = versions.v2.clone();
    object.version = "t.example.com/v2";
    object.live = object.live.as_ref().and_then(|live| versions.convert(live, "t.example.com/v2"));
}

fn config(version: &str, spec: Value) -> Value {
    let mut config = thing(spec);
    config["apiVersion"] = version.into();
    config
}

#[test]
fn managers_of_another_version_own_the_converted_fields() {
    let versions = Renamed::new();
    let mut object = Object::new();
    object.apply("alice", json!({"text": "a", "number": 1}));
    v2(&mut object, &versions);
    let conflict = config("t.example.com/v2", json!({"title": "b"}));
    let error =
        object.write("bob", "", Some(&versions), |writer, live| apply(writer, live, &conflict, false)).unwrap_err();
    assert_eq!(
        error.message, "Apply failed with 1 conflict: conflict with \"alice\": .spec.text",
        "in the owner's version"
    );

    let applied =
        object.write("bob", "", Some(&versions), |writer, live| apply(writer, live, &conflict, true)).unwrap();
    object.live = Some(applied);
    assert_eq!(object.owned("alice"), json!({"f:number": {}}));
    assert_eq!(object.spec(), json!({"title": "b", "number": 1}));
}

#[test]
fn an_applier_that_moves_to_another_version_prunes_what_it_owned_in_the_old_one() {
    let versions = Renamed::new();
    let mut object = Object::new();
    object.apply("alice", json!({"text": "a", "number": 1}));
    v2(&mut object, &versions);
    let moved = config("t.example.com/v2", json!({"number": 1}));
    let applied =
        object.write("alice", "", Some(&versions), |writer, live| apply(writer, live, &moved, false)).unwrap();
    object.live = Some(applied);
    assert_eq!(object.spec(), json!({"number": 1}));
    assert_eq!(object.managers()[0]["apiVersion"], "t.example.com/v2");
    assert_eq!(object.managers().len(), 1, "an applier is the same in all versions");
}

#[test]
fn managers_of_versions_that_are_not_served_any_more_go() {
    let versions = Renamed::new();
    let mut object = Object::new();
    object.version = "t.example.com/v0";
    object.try_apply("alice", &config("t.example.com/v0", json!({"text": "a"})), false).unwrap();
    object.version = "t.example.com/v1";
    let mut new = object.live.clone().unwrap();
    new["spec"]["number"] = json!(1);
    object.write("bob", "", Some(&versions), |writer, live| track_update(writer, live, &mut new));
    object.live = Some(new);
    let names: Vec<Value> = object.managers().iter().map(|entry| entry["manager"].clone()).collect();
    assert_eq!(names, ["bob"]);
}
