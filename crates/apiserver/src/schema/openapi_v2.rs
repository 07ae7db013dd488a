//! OpenAPI v2 out of OpenAPI v3.
//!
//! kube-apiserver makes both forms of one model, so v2 follows from v3 by rules. What does not follow is in the bundle
//! (entry `openapi/v2`):
//!
//! | member | what is inside |
//! |---|---|
//! | `document` | the document without paths and definitions; the names of its shared parameters are hashes over their prose |
//! | `choices` | which of several shared parameters that only their prose tells apart is used where |
//! | `patch` | a merge patch for `paths` and `definitions`, for the few places where no rule holds |

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::kinds::tree::Tree;

const V3_SCHEMAS: &str = "#/components/schemas/";
const DEFINITIONS: &str = "#/definitions/";
const PARAMETERS: &str = "#/parameters/";
const ACTION: &str = "x-kubernetes-action";
/// In v3 media types are the keys of a map; v2 lists them in this order.
const MEDIA_TYPES: [&str; 12] = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/cbor",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/cbor-seq",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/apply-patch+cbor",
];

/// Who serves a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    /// The server, for its built-in kinds.
    Builtin,
    /// The server, for custom resources.
    Custom,
}

/// Turns path items of v3 into those of v2.
#[derive(Debug)]
pub(crate) struct Paths {
    /// The names of shared parameters, by the text of the parameter. Some are different but for their prose.
    shared: BTreeMap<String, Vec<String>>,
    /// Which of several such names an operation uses, by [`choice`].
    choices: BTreeMap<String, String>,
}

impl Paths {
    /// `facts` is the entry of the bundle.
    pub(crate) fn new(facts: &Value) -> Self {
        let mut shared: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, parameter) in members(&facts["document"]["parameters"]) {
            shared.entry(parameter.to_string()).or_default().push(name.clone());
        }
        let choices = members(&facts["choices"]).map(|(key, name)| (key.clone(), text(name).to_owned())).collect();
        Self { shared, choices }
    }

    /// The path item of v2 for one of v3.
    pub(crate) fn item(&self, item: &Value, served: Served) -> Value {
        let mut out = Map::new();
        for (method, operation) in operations(item) {
            out.insert(method.clone(), self.operation(operation, served));
        }
        let user = operations(item).map(|(_, operation)| user(operation)).next().unwrap_or_default();
        if let Some(Value::Array(parameters)) = item.get("parameters") {
            out.insert("parameters".into(), self.parameters(parameters.iter().map(parameter).collect(), user));
        }
        Value::Object(out)
    }

    fn operation(&self, operation: &Value, served: Served) -> Value {
        let mut out = Map::new();
        let mut produces = BTreeSet::new();
        for (key, value) in members(operation) {
            match key.as_str() {
                "parameters" | "requestBody" => {}
                "responses" => {
                    let responses = members(value).map(|(code, response)| (code.clone(), answer(code, response)));
                    out.insert("responses".into(), responses.collect());
                    produces = members(value).flat_map(|(_, response)| media_types(response)).collect();
                }
                _ => {
                    out.insert(key.clone(), value.clone());
                }
            }
        }
        let mut parameters: Vec<Value> = list(&operation["parameters"]).iter().map(parameter).collect();
        let body = &operation["requestBody"];
        let mut consumes: BTreeSet<&str> = media_types(body).collect();
        if body.is_object() {
            parameters.push(body_parameter(body));
        } else if served == Served::Builtin && operation.get(ACTION).is_some() {
            consumes = BTreeSet::from(["*/*"]);
        } else {
            consumes.clone_from(&produces);
        }
        for (key, media_types) in [("consumes", consumes), ("produces", produces)] {
            if !media_types.is_empty() {
                out.insert(key.into(), ordered(media_types).into());
            }
        }
        if !parameters.is_empty() {
            parameters.sort_by(|a, b| (a.text("name"), a.text("in")).cmp(&(b.text("name"), b.text("in"))));
            out.insert("parameters".into(), self.parameters(parameters, user(operation)));
        }
        out.insert("schemes".into(), json!(["https"]));
        Value::Object(out)
    }

    /// The parameters, those that are shared by reference.
    fn parameters(&self, parameters: Vec<Value>, user: &str) -> Value {
        let refer = |parameter: Value| {
            let name = match self.shared.get(&parameter.to_string()).map(Vec::as_slice) {
                Some([name]) => Some(name),
                Some(_) => self.choices.get(&choice(user, &parameter)),
                None => None,
            };
            name.map_or(parameter, |name| json!({"$ref": format!("{PARAMETERS}{name}")}))
        };
        parameters.into_iter().map(refer).collect()
    }
}

/// The definition of v2 for a schema of v3: without defaults, and references have no need of an `allOf` around them.
pub(crate) fn definition(schema: &Value) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let mut out = Map::new();
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("default", _) => {}
            ("$ref", Value::String(target)) => {
                out.insert("$ref".into(), target.replace(V3_SCHEMAS, DEFINITIONS).into());
            }
            ("allOf", Value::Array(parts)) if parts.len() == 1 && parts[0].get("$ref").is_some() => {
                out.insert("$ref".into(), parts[0].text("$ref").replace(V3_SCHEMAS, DEFINITIONS).into());
            }
            ("properties", Value::Object(properties)) => {
                let properties = properties.iter().map(|(name, property)| (name.clone(), definition(property)));
                out.insert(key.clone(), properties.collect());
            }
            ("items" | "additionalProperties", inner) => {
                out.insert(key.clone(), definition(inner));
            }
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(out)
}

/// What the bundle has to hold beside v3 to give `document`, which is v2 without descriptions. `schemas` and `items` are
/// the types and paths of all documents of v3.
pub(super) fn facts(document: &Value, schemas: &Map<String, Value>, items: &Map<String, Value>) -> Value {
    let mut rest = document.clone();
    let mut part = |key: &str| rest.as_object_mut().and_then(|rest| rest.remove(key)).unwrap_or_else(|| json!({}));
    let (paths, definitions) = (part("paths"), part("definitions"));
    let choices = choices(&rest["parameters"], &paths);
    let mut facts = json!({"document": rest, "choices": choices});
    let derive = Paths::new(&facts);
    let made: Value =
        items.iter().map(|(path, item)| (path.clone(), without_reasons(derive.item(item, Served::Builtin)))).collect();
    let defined: Value = schemas.iter().map(|(name, schema)| (name.clone(), definition(schema))).collect();
    facts["patch"] = json!({"paths": difference(&made, &paths), "definitions": difference(&defined, &definitions)});
    facts
}

/// The names of parameters that are different only in their prose, by who uses them.
fn choices(parameters: &Value, paths: &Value) -> Map<String, Value> {
    let ambiguous = |name: &str| members(parameters).filter(|(_, other)| **other == parameters[name]).count() > 1;
    let mut out = Map::new();
    let mut note = |user: &str, used: &Value| {
        for reference in list(used).iter().filter_map(|parameter| parameter.text("$ref").strip_prefix(PARAMETERS)) {
            if ambiguous(reference) {
                out.entry(choice(user, &parameters[reference])).or_insert_with(|| reference.into());
            }
        }
    };
    for (_, item) in members(paths) {
        for (_, operation) in operations(item) {
            note(user(operation), &operation["parameters"]);
        }
        let first = operations(item).map(|(_, operation)| user(operation)).next();
        note(first.unwrap_or_default(), &item["parameters"]);
    }
    out
}

/// What tells parameters apart that only their prose tells apart: `patch/fieldManager`, `PodExecOptions/stdin`.
fn choice(user: &str, parameter: &Value) -> String {
    format!("{user}/{}", parameter.text("name"))
}

/// The action of an operation, or of those that connect the kind of their options.
fn user(operation: &Value) -> &str {
    match operation.text(ACTION) {
        "connect" => operation.text("x-kubernetes-group-version-kind.kind"),
        action => action,
    }
}

/// What a merge patch has to say to make `to` out of `from`, both objects.
fn difference(from: &Value, to: &Value) -> Value {
    let mut out = Map::new();
    for (key, value) in members(to) {
        match from.get(key) {
            Some(old) if old == value => {}
            Some(old @ Value::Object(_)) if value.is_object() => {
                out.insert(key.clone(), difference(old, value));
            }
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    for (key, _) in members(from).filter(|(key, _)| to.get(key.as_str()).is_none()) {
        out.insert(key.clone(), Value::Null);
    }
    Value::Object(out)
}

/// A parameter of v3 that is not the body.
fn parameter(parameter: &Value) -> Value {
    let own = members(parameter).filter(|(key, _)| *key != "schema");
    let all = own.chain(members(&parameter["schema"]));
    all.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn body_parameter(body: &Value) -> Value {
    let mut out = json!({"in": "body", "name": "body", "schema": content_schema(body)});
    if body["required"] == true {
        out["required"] = true.into();
    }
    out
}

/// A response; the words for its code are HTTP's, and v2 asks for a description.
fn answer(code: &str, response: &Value) -> Value {
    let mut out = Map::new();
    let status = http::StatusCode::from_bytes(code.as_bytes()).ok();
    out.insert("description".into(), status.and_then(|status| status.canonical_reason()).unwrap_or_default().into());
    if response.get("content").is_some() {
        out.insert("schema".into(), content_schema(response));
    }
    Value::Object(out)
}

/// A path item whose responses have no descriptions, as in the source of a bundle.
fn without_reasons(mut item: Value) -> Value {
    let operations =
        item.as_object_mut().into_iter().flatten().filter_map(|(_, operation)| operation.get_mut("responses"));
    for response in operations.filter_map(Value::as_object_mut).flatten().filter_map(|(_, r)| r.as_object_mut()) {
        response.remove("description");
    }
    item
}

/// The schema in the content of a body or an answer; all its media types have the same.
fn content_schema(of: &Value) -> Value {
    members(&of["content"]).next().map(|(_, media)| definition(&media["schema"])).unwrap_or_default()
}

fn media_types(of: &Value) -> impl Iterator<Item = &str> {
    members(&of["content"]).map(|(media_type, _)| media_type.as_str())
}

fn ordered(media_types: BTreeSet<&str>) -> Vec<&str> {
    let mut out: Vec<&str> = media_types.into_iter().collect();
    out.sort_by_key(|media_type| MEDIA_TYPES.iter().position(|known| known == media_type).unwrap_or(MEDIA_TYPES.len()));
    out
}

/// The operations of a path item.
fn operations(item: &Value) -> impl Iterator<Item = (&String, &Value)> {
    members(item).filter(|(_, operation)| operation.is_object())
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::merge_patch;

    #[test]
    fn a_schema_keeps_what_stands_beside_a_reference_and_loses_its_defaults() {
        let schema = json!({"type": "object", "default": {}, "properties": {
            "default": {"type": "string", "default": "x"},
            "spec": {"allOf": [{"$ref": "#/components/schemas/g.Spec"}], "default": {}, "x-kubernetes-map-type": "atomic"},
            "all": {"type": "array", "items": {"$ref": "#/components/schemas/g.Spec"}},
            "by": {"additionalProperties": {"type": "integer", "default": 0}}}});
        let expected = json!({"type": "object", "properties": {
            "default": {"type": "string"},
            "spec": {"$ref": "#/definitions/g.Spec", "x-kubernetes-map-type": "atomic"},
            "all": {"type": "array", "items": {"$ref": "#/definitions/g.Spec"}},
            "by": {"additionalProperties": {"type": "integer"}}}});
        assert_eq!(definition(&schema), expected);
    }

    /// Two shared parameters that only their prose tells apart, a type and an operation that no rule gives.
    fn document() -> Value {
        let by = json!({"name": "by", "in": "query", "type": "string"});
        let body = json!({"name": "body", "in": "body", "required": true, "schema": {"$ref": "#/definitions/g.A"}});
        let operation = |action: &str, by: &str| {
            json!({"x-kubernetes-action": action, "schemes": ["https"], "produces": ["application/json"],
                "consumes": ["*/*"], "responses": {"200": {"schema": {"$ref": "#/definitions/g.A"}}},
                "parameters": [{"$ref": format!("#/parameters/{by}")}]})
        };
        let mut put = operation("put", "by-one");
        put["parameters"] = json!([body, {"$ref": "#/parameters/by-one"}]);
        json!({"swagger": "2.0", "parameters": {"by-one": by, "by-two": by},
            "definitions": {"g.A": {"type": "string"}},
            "paths": {"/a": {"put": put, "patch": operation("patch", "by-two")}, "/b": {"get": {"schemes": ["https"]}}}})
    }

    #[test]
    fn facts_and_v3_give_the_document() {
        let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/g.A"}}});
        let by = json!([{"name": "by", "in": "query", "schema": {"type": "string"}}]);
        let operation = |action: &str| json!({"x-kubernetes-action": action, "responses": {"200": {"content": content}}, "parameters": by});
        let mut put = operation("put");
        put["requestBody"] =
            json!({"required": true, "content": {"*/*": {"schema": {"$ref": "#/components/schemas/g.A"}}}});
        let items = json!({"/a": {"put": put, "patch": operation("patch")}, "/b": {"get": {"responses": {}}}});
        let schemas = json!({"g.A": {"oneOf": [{"type": "string"}, {"type": "number"}]}});

        let document = document();
        let facts = facts(&document, schemas.as_object().unwrap(), items.as_object().unwrap());
        assert_eq!(facts["choices"], json!({"put/by": "by-one", "patch/by": "by-two"}));
        assert_eq!(facts["patch"]["paths"], json!({"/b": {"get": {"responses": null}}}), "the rest follows");
        let derive = Paths::new(&facts);
        let mut made = facts["document"].clone();
        made["paths"] = members(&items)
            .map(|(path, item)| (path.clone(), without_reasons(derive.item(item, Served::Builtin))))
            .collect();
        made["definitions"] = members(&schemas).map(|(name, schema)| (name.clone(), definition(schema))).collect();
        assert_eq!(merge_patch(&made, &facts["patch"]).unwrap(), document);
    }

    #[test]
    fn answers_are_called_what_http_calls_them() {
        let item = json!({"get": {"responses": {"200": {}, "401": {}}}});
        let item = Paths::new(&Value::Null).item(&item, Served::Builtin);
        assert_eq!(
            item["get"]["responses"],
            json!({"200": {"description": "OK"}, "401": {"description": "Unauthorized"}})
        );
    }
}
