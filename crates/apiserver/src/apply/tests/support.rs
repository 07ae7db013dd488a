//! A kind with one field of each sort, and an object that managers write to.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::apply::{FieldSet, Versions, Writer, apply, track_update};
use crate::schema::{GoTypes, SchemaSet, TypeRef};
use crate::status::ApiError;

pub(super) const VERSION: &str = "t.example.com/v1";

/// Compiles types; `t.Thing` is the kind.
pub(super) fn compile(types: Value) -> TypeRef {
    let set = SchemaSet::from_openapi(types.as_object().unwrap(), &GoTypes::default()).unwrap();
    Arc::new(set).named("t.Thing").unwrap()
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

pub(super) fn types() -> Map<String, Value> {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let words = json!({"type": "array", "items": text, "x-kubernetes-list-type": "set"});
    let map = json!({"type": "object", "additionalProperties": text});
    let ports = json!({"type": "array", "items": reference("t.Port"),
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"]});
    let types = json!({
        "t.Thing": {"type": "object", "properties": {
            "apiVersion": text, "kind": text, "metadata": reference("t.Meta"),
            "spec": reference("t.Spec"), "status": reference("t.Spec")}},
        "t.Meta": {"type": "object", "properties": {
            "name": text, "uid": text, "labels": map, "annotations": map, "finalizers": words,
            "managedFields": {"type": "array", "items": {"type": "object"}}}},
        "t.Spec": {"type": "object", "properties": {
            "text": text, "number": number, "flag": {"type": "boolean"},
            "whole": {"type": "array", "items": text},
            "words": words, "ports": ports,
            "items": {"type": "array", "items": reference("t.Item"),
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
            "leaf": {"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"},
            "map": map,
            "things": {"type": "object", "additionalProperties": reference("t.Item")},
            "nested": reference("t.Spec"),
            "free": {"type": "object"},
            "open": {"type": "object", "properties": {"known": text}, "x-kubernetes-preserve-unknown-fields": true}}},
        "t.Item": {"type": "object", "properties": {
            "name": text, "value": number, "note": text, "words": words, "ports": ports}},
        "t.Port": {"type": "object", "properties": {
            "port": number, "protocol": {"type": "string", "default": "TCP"}, "name": text}},
    });
    types.as_object().unwrap().clone()
}

static TYPE: LazyLock<TypeRef> = LazyLock::new(|| compile(Value::Object(types())));

pub(super) fn ty() -> &'static TypeRef {
    &TYPE
}

/// An object of the kind; without a spec when it is null.
pub(super) fn thing(spec: Value) -> Value {
    let mut thing = json!({"apiVersion": VERSION, "kind": "Thing", "metadata": {"name": "x"}});
    if !spec.is_null() {
        thing["spec"] = spec;
    }
    thing
}

/// A stored object and a clock that moves with each write.
pub(super) struct Object {
    pub(super) ty: TypeRef,
    pub(super) version: &'static str,
    pub(super) live: Option<Value>,
    pub(super) second: i64,
    pub(super) reset: Option<FieldSet>,
}

impl Object {
    pub(super) fn new() -> Self {
        Self { ty: ty().clone(), version: VERSION, live: None, second: 0, reset: None }
    }

    pub(super) fn write<T>(
        &mut self,
        manager: &str,
        subresource: &str,
        versions: Option<&dyn Versions>,
        act: impl FnOnce(&Writer<'_>, Option<&Value>) -> T,
    ) -> T {
        self.second += 1;
        let writer = Writer {
            ty: &self.ty,
            api_version: self.version,
            kind: "Thing",
            manager,
            subresource,
            reset: self.reset.as_ref(),
            versions,
            now: Timestamp::from_millisecond(self.second * 1000 + 123).unwrap(),
        };
        act(&writer, self.live.as_ref())
    }

    pub(super) fn try_apply(&mut self, manager: &str, config: &Value, force: bool) -> Result<(), ApiError> {
        let applied = self.write(manager, "", None, |writer, live| apply(writer, live, config, force))?;
        self.live = Some(applied);
        Ok(())
    }

    #[track_caller]
    pub(super) fn apply(&mut self, manager: &str, spec: Value) -> &mut Self {
        self.try_apply(manager, &thing(spec), false).unwrap();
        self
    }

    #[track_caller]
    pub(super) fn force(&mut self, manager: &str, spec: Value) -> &mut Self {
        self.try_apply(manager, &thing(spec), true).unwrap();
        self
    }

    pub(super) fn refused(&mut self, manager: &str, spec: Value) -> ApiError {
        let before = self.live.clone();
        let error = self.try_apply(manager, &thing(spec), false).unwrap_err();
        assert_eq!(self.live, before);
        error
    }

    /// An update to an object with this spec; everything else stays.
    pub(super) fn update(&mut self, manager: &str, spec: Value) -> &mut Self {
        let mut new = self.live.clone().unwrap_or_else(|| thing(json!({})));
        new["spec"] = spec;
        self.put(manager, new)
    }

    pub(super) fn put(&mut self, manager: &str, mut new: Value) -> &mut Self {
        self.write(manager, "", None, |writer, live| track_update(writer, live, &mut new));
        self.live = Some(new);
        self
    }

    pub(super) fn spec(&self) -> Value {
        self.live.as_ref().and_then(|live| live.get("spec")).cloned().unwrap_or_default()
    }

    pub(super) fn managers(&self) -> Vec<Value> {
        let list = self.live.as_ref().and_then(|live| live.pointer("/metadata/managedFields"));
        list.and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// What a manager owns below `spec`, as `fieldsV1`.
    pub(super) fn owned(&self, manager: &str) -> Value {
        let entry = self.managers().into_iter().find(|entry| entry["manager"] == *manager);
        entry.map(|entry| entry["fieldsV1"]["f:spec"].clone()).unwrap_or_default()
    }

    pub(super) fn time_of(&self, manager: &str) -> Option<String> {
        let entry = self.managers().into_iter().find(|entry| entry["manager"] == *manager)?;
        entry.get("time").and_then(Value::as_str).map(str::to_string)
    }
}
