//! Which schemas a version of a custom resource may have: structural ones.
//!
//! Structural means that the type of every field can be read off without evaluating `allOf`, `anyOf`, `oneOf` and
//! `not`: they only constrain. That is what pruning, defaulting and server-side apply stand on.
//! Source: the Kubernetes documentation of structural schemas; messages are the real server's.

use serde_json::{Map, Value, json};

use crate::field::FieldError;
use crate::schema::{self, Pattern, crd};

const UNSUPPORTED: [&str; 7] =
    ["id", "$ref", "$schema", "additionalItems", "patternProperties", "definitions", "dependencies"];
const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const META_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// What is wrong with a schema whose path is `path`. The stages build on one another: defaults are looked at only when
/// the types can be read off.
pub fn check(schema: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        errors.push(FieldError::forbidden(format!("{path}.nullable"), "nullable cannot be true at the root"));
    }
    check_keywords(schema, path, "", true, &mut errors);
    if has_unsupported(schema) {
        return errors;
    }
    let mut structure = Vec::new();
    check_structure(schema, path, Level::Root, &mut structure);
    structure.sort_by_cached_key(ToString::to_string);
    if structure.is_empty() {
        let mut root = schema.clone();
        root["x-kubernetes-embedded-resource"] = true.into();
        check_defaults(&root, path, &mut structure);
    }
    errors.append(&mut structure);
    errors
}

/// It has keywords that no structural schema can be made of.
fn has_unsupported(schema: &Value) -> bool {
    let list_of_items = schema.get("items").is_some_and(Value::is_array);
    list_of_items
        || unsupported(schema).next().is_some()
        || children(schema, "").iter().any(|(c, _)| has_unsupported(c))
}

fn unsupported(schema: &Value) -> impl Iterator<Item = &'static str> {
    UNSUPPORTED.into_iter().filter(|key| schema.get(key).is_some_and(|value| !is_empty(value)))
}

/// Each schema inside of a schema, with its path.
fn children<'a>(schema: &'a Value, path: &str) -> Vec<(&'a Value, String)> {
    let mut out = Vec::new();
    for (name, property) in object(schema, "properties") {
        out.push((property, format!("{path}.properties[{name}]")));
    }
    for key in ["additionalProperties", "items", "not"] {
        if let Some(inner @ Value::Object(_)) = schema.get(key) {
            out.push((inner, format!("{path}.{key}")));
        }
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        for (index, inner) in list(schema, key).iter().enumerate() {
            out.push((inner, format!("{path}.{key}[{index}]")));
        }
    }
    out
}

/// `no_defaults`: why defaults may not stand here; empty: they may.
fn check_keywords(schema: &Value, path: &str, no_defaults: &str, root: bool, errors: &mut Vec<FieldError>) {
    let at = |key: &str| format!("{path}.{key}");
    for key in unsupported(schema) {
        errors.push(FieldError::forbidden(at(key), format!("{key} is not supported")));
    }
    let ty = text(schema, "type");
    if !ty.is_empty() && !TYPES.contains(&ty) {
        errors.push(FieldError::not_supported(at("type"), ty, &TYPES));
    }
    if schema.get("default").is_some_and(|default| !default.is_null()) && !no_defaults.is_empty() {
        errors.push(FieldError::forbidden(at("default"), format!("must not be set {no_defaults}")));
    }
    if schema.get("items").is_some_and(Value::is_array) {
        errors.push(FieldError::forbidden(at("items"), "items must be a schema object and not an array"));
    }
    if flag(schema, "uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(FieldError::forbidden(at("uniqueItems"), detail));
    }
    let additional = schema.get("additionalProperties");
    if !object(schema, "properties").is_empty() && additional.is_some_and(|values| *values != Value::Bool(true)) {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(at("additionalProperties"), detail));
    }
    if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
        let field = at("x-kubernetes-preserve-unknown-fields");
        errors.push(FieldError::invalid(field, false, "must be true or undefined"));
    }
    check_list_and_map_types(schema, path, errors);
    for (inner, inner_path) in children(schema, path) {
        let meta = META_FIELDS.into_iter().find(|name| inner_path == format!("{path}.properties[{name}]"));
        let reason = match meta {
            Some(name) if root => format!("in top-level {name}"),
            _ => no_defaults.to_owned(),
        };
        check_keywords(inner, &inner_path, &reason, false, errors);
    }
}

fn check_list_and_map_types(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let at = |key: &str| format!("{path}.{key}");
    let ty = text(schema, "type");
    let (list_type, map_type) = (text(schema, "x-kubernetes-list-type"), text(schema, "x-kubernetes-map-type"));
    let wrong_type = |wanted: &str, extension: &str| {
        let detail = format!("must be {wanted} if {extension} is specified");
        if ty.is_empty() {
            FieldError::required(at("type"), detail)
        } else {
            FieldError::invalid(at("type"), ty, detail)
        }
    };
    if !map_type.is_empty() {
        if ty != "object" {
            errors.push(wrong_type("object", "x-kubernetes-map-type"));
        }
        if !["atomic", "granular"].contains(&map_type) {
            errors.push(FieldError::not_supported(at("x-kubernetes-map-type"), map_type, &["atomic", "granular"]));
        }
    }
    let items = schema.get("items").unwrap_or(&Value::Null);
    if !list_type.is_empty() {
        if ty != "array" {
            errors.push(wrong_type("array", "x-kubernetes-list-type"));
        } else if list_type == "set" {
            let inner = text(items, "x-kubernetes-list-type");
            let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
            if text(items, "type") == "array" && !inner.is_empty() && inner != "atomic" {
                errors.push(FieldError::invalid(at("items.x-kubernetes-list-type"), inner, detail));
            }
            if text(items, "type") == "object" && text(items, "x-kubernetes-map-type") != "atomic" {
                errors.push(FieldError::invalid(at("items.x-kubernetes-map-type"), Value::Null, detail));
            }
        }
        let known = ["atomic", "set", "map"];
        if !known.contains(&list_type) {
            errors.push(FieldError::not_supported(at("x-kubernetes-list-type"), list_type, &known));
        }
    }
    let keys: Vec<&str> = list(schema, "x-kubernetes-list-map-keys").iter().filter_map(Value::as_str).collect();
    if list_type != "map" {
        if !keys.is_empty() {
            let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
            let field = at("x-kubernetes-list-type");
            errors.push(if list_type.is_empty() {
                FieldError::required(field, detail)
            } else {
                FieldError::invalid(field, list_type, detail)
            });
        }
        return;
    }
    check_map_keys(schema, path, &keys, errors);
}

/// The keys of a list of type `map`.
fn check_map_keys(schema: &Value, path: &str, keys: &[&str], errors: &mut Vec<FieldError>) {
    let at = |key: &str| format!("{path}.{key}");
    if keys.is_empty() {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        errors.push(FieldError::required(at("x-kubernetes-list-map-keys"), detail));
    }
    let Some(items) = schema.get("items") else {
        errors.push(FieldError::required(at("items"), "must have a schema if x-kubernetes-list-type is map"));
        return;
    };
    let item_type = text(items, "type");
    if item_type != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(at("items.type"), item_type, detail));
        return;
    }
    let properties = object(items, "properties");
    let all_keys = Value::from(keys.to_vec());
    for (index, key) in keys.iter().enumerate() {
        match properties.get(*key) {
            Some(property) if ["array", "object"].contains(&text(property, "type")) => {
                let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                let field = format!("{path}.items.properties[{key}].type");
                errors.push(FieldError::invalid(field, item_type, detail));
            }
            Some(_) => {}
            None => {
                let detail = "entries must all be names of item properties";
                errors.push(FieldError::invalid(at("x-kubernetes-list-map-keys"), all_keys.clone(), detail));
            }
        }
        if keys[..index].contains(key) {
            let detail = "must not contain duplicate entries";
            errors.push(FieldError::invalid(at("x-kubernetes-list-map-keys"), all_keys.clone(), detail));
        }
    }
    if flag(items, "nullable") {
        let detail = "cannot be nullable when x-kubernetes-list-type is map";
        errors.push(FieldError::forbidden(at("items.nullable"), detail));
    }
    let required = list(items, "required");
    let mut seen: Vec<&str> = Vec::new();
    for key in keys {
        let Some(property) = properties.get(*key).filter(|_| !seen.contains(key)) else { continue };
        seen.push(key);
        let field = format!("{path}.items.properties[{key}]");
        if property.get("default").is_none() && !required.iter().any(|name| name == key) {
            let detail =
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            errors.push(FieldError::required(format!("{field}.default"), detail));
        }
        if flag(property, "nullable") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(FieldError::forbidden(format!("{field}.nullable"), detail));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Field,
    Item,
}

fn check_structure(schema: &Value, path: &str, level: Level, errors: &mut Vec<FieldError>) {
    let at = |key: &str| format!("{path}.{key}");
    let ty = text(schema, "type");
    let (embedded, preserve) = (flag(schema, "x-kubernetes-embedded-resource"), preserves(schema));
    let int_or_string = flag(schema, "x-kubernetes-int-or-string");
    match schema.get("items").filter(|items| items.is_object()) {
        None if ty == "array" => errors.push(FieldError::required(at("items"), "must be specified")),
        Some(items) => check_structure(items, &at("items"), Level::Item, errors),
        None => {}
    }
    for (name, property) in object(schema, "properties") {
        check_structure(property, &format!("{path}.properties[{name}]"), Level::Field, errors);
    }
    if let Some(values) = schema.get("additionalProperties") {
        if level == Level::Root {
            errors.push(FieldError::forbidden(at("additionalProperties"), "must not be used at the root"));
        }
        if embedded {
            let detail = "must not be used if x-kubernetes-embedded-resource is set";
            errors.push(FieldError::forbidden(at("additionalProperties"), detail));
        }
        if values.is_object() {
            check_structure(values, &at("additionalProperties"), Level::Field, errors);
        }
    }
    for (set, key) in [(preserve, "x-kubernetes-preserve-unknown-fields"), (embedded, "x-kubernetes-embedded-resource")]
    {
        if int_or_string && set {
            errors.push(FieldError::invalid(at(key), true, "must be false if x-kubernetes-int-or-string is true"));
        }
    }
    check_junctors(schema, path, errors);
    if embedded && ty != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        let field = at("type");
        errors.push(if ty.is_empty() {
            FieldError::required(field, detail)
        } else {
            FieldError::invalid(field, ty, detail)
        });
    } else if ty.is_empty() && !int_or_string && !preserve {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(at("type"), detail));
    }
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        errors.push(FieldError::invalid(at("type"), ty, "must be object at the root"));
    }
    if level == Level::Root || embedded {
        check_type_fields(schema, path, level, errors);
    }
    if embedded && !preserve && object(schema, "properties").is_empty() {
        let detail =
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(at("properties"), detail));
    }
}

/// `apiVersion`, `kind` and `metadata` are what they are in every object.
fn check_type_fields(schema: &Value, path: &str, level: Level, errors: &mut Vec<FieldError>) {
    let properties = object(schema, "properties");
    for (name, wanted) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
        let Some(property) = properties.get(name) else { continue };
        let ty = text(property, "type");
        if ty != wanted {
            let field = format!("{path}.properties[{name}].type");
            errors.push(FieldError::invalid(field, ty, format!("must be {wanted}")));
        }
    }
    let Some(Value::Object(metadata)) = properties.get("metadata") else { return };
    let only_type = metadata.keys().all(|key| ["type", "properties", "default"].contains(&key.as_str()));
    let only_names =
        object(&properties["metadata"], "properties").keys().all(|key| key == "name" || key == "generateName");
    if level == Level::Root && !(only_type && only_names) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(format!("{path}.properties[metadata]"), detail));
    }
}

/// `allOf`, `anyOf`, `oneOf`, `not` and `pattern` of a schema.
fn check_junctors(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let int_or_string = json!([{"type": "integer"}, {"type": "string"}]);
    for key in ["anyOf", "allOf", "oneOf"] {
        if key == "anyOf" && schema.get(key) == Some(&int_or_string) {
            continue;
        }
        for (index, inner) in list(schema, key).iter().enumerate() {
            // The other way to write down an integer or a string.
            let skip = key == "allOf" && index == 0 && inner.get("anyOf") == Some(&int_or_string);
            check_nested(inner, &format!("{path}.{key}[{index}]"), skip, errors);
        }
    }
    if let Some(inner) = schema.get("not") {
        check_nested(inner, &format!("{path}.not"), false, errors);
    }
    let pattern = text(schema, "pattern");
    if let Err(error) = Pattern::new(pattern) {
        let detail = format!("must be a valid regular expression, but isn't: error parsing regexp: {error}");
        errors.push(FieldError::invalid(format!("{path}.pattern"), pattern, detail));
    }
}

/// A schema that only constrains.
fn check_nested(schema: &Value, path: &str, skip_any_of: bool, errors: &mut Vec<FieldError>) {
    let mut own = schema.clone();
    if let (true, Some(object)) = (skip_any_of, own.as_object_mut()) {
        object.remove("anyOf");
    }
    check_junctors(&own, path, errors);
    if let Some(items) = schema.get("items") {
        check_nested(items, &format!("{path}.items"), false, errors);
    }
    for (name, property) in object(schema, "properties") {
        check_nested(property, &format!("{path}.properties[{name}]"), false, errors);
    }
    for (key, rule) in [
        ("type", "must be empty to be structural"),
        ("additionalProperties", "must be undefined to be structural"),
        ("default", "must be undefined to be structural"),
        ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"),
        ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
        ("x-kubernetes-validations", "must be empty to be structural"),
    ] {
        let set = schema.get(key).is_some_and(|value| match value {
            Value::Null | Value::Bool(false) => key == "additionalProperties" && !value.is_null(),
            Value::String(text) => !text.is_empty(),
            Value::Array(entries) => !entries.is_empty(),
            _ => true,
        });
        if set {
            errors.push(FieldError::forbidden(format!("{path}.{key}"), rule));
        }
    }
    if object(schema, "properties").contains_key("metadata") {
        let field = format!("{path}.properties[metadata]");
        errors.push(FieldError::forbidden(field, "must not be specified in a nested context"));
    }
}

/// Defaults must be what the schema accepts.
fn check_defaults(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        errors.extend(check_default(schema, default, &format!("{path}.default")));
    }
    if let Some(items) = schema.get("items") {
        check_defaults(items, &format!("{path}.items"), errors);
    }
    for (name, property) in object(schema, "properties") {
        check_defaults(property, &format!("{path}.properties[{name}]"), errors);
    }
}

fn check_default(schema: &Value, default: &Value, path: &str) -> Vec<FieldError> {
    let ty = crd::compile_part(schema);
    let mut errors = Vec::new();
    let mut pruned = default.clone();
    schema::prune(&ty, &mut pruned);
    if pruned != *default {
        errors.push(FieldError::invalid(path, default.clone(), "must not have unknown fields"));
    }
    if let Err(error) = schema::check_types(&ty, default) {
        errors.push(FieldError::invalid(path, default.clone(), error));
        return errors;
    }
    let below = |error: FieldError| {
        let field = if error.field.is_empty() { path.to_owned() } else { format!("{path}.{}", error.field) };
        FieldError { field, ..error }
    };
    errors.extend(schema::validate_keywords(&ty, default).into_iter().map(below));
    errors
}

fn preserves(schema: &Value) -> bool {
    flag(schema, "x-kubernetes-preserve-unknown-fields")
}

fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    schema.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn object<'a>(schema: &'a Value, key: &str) -> &'a Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    schema.get(key).and_then(Value::as_object).unwrap_or(&EMPTY)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(schema: Value) -> String {
        let schema = json!({"type": "object", "properties": {"x": schema}});
        let errors = check(&schema, "s").into_iter().map(|error| error.to_string().replace("s.properties[x]", "X"));
        errors.collect::<Vec<_>>().join(", ")
    }

    /// Each message was given by a real server.
    #[test]
    fn schemas_that_are_not_structural_are_refused_in_the_real_servers_words() {
        let keyed = |items: Value, keys: Value| {
            json!({"type": "array", "items": items,
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys})
        };
        for (schema, expected) in [
            (json!({}), "X.type: Required value: must not be empty for specified object fields"),
            (
                json!({"type": "foo"}),
                "X.type: Unsupported value: \"foo\": supported values: \"array\", \"boolean\", \"integer\", \
                 \"number\", \"object\", \"string\"",
            ),
            (json!({"type": "array"}), "X.items: Required value: must be specified"),
            (
                json!({"type": "array", "items": {}}),
                "X.items.type: Required value: must not be empty for specified array items",
            ),
            (
                json!({"type": "array", "items": [{"type": "string"}]}),
                "X.items: Forbidden: items must be a schema object and not an array",
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}),
                "X.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
            ),
            (
                json!({"type": "object", "additionalProperties": {}}),
                "X.additionalProperties.type: Required value: must not be empty for specified object fields",
            ),
            (json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}), ""),
            (
                json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}]}),
                "X.anyOf[0].type: Forbidden: must be empty to be structural",
            ),
            (
                json!({"type": "object", "not": {"properties": {"a": {"type": "string"}}}}),
                "X.not.properties[a].type: Forbidden: must be empty to be structural",
            ),
            (
                json!({"type": "object", "allOf": [{"required": ["a"], "description": "x", "default": 1, "nullable": true}]}),
                "X.allOf[0].default: Forbidden: must be undefined to be structural, \
                 X.allOf[0].description: Forbidden: must be empty to be structural, \
                 X.allOf[0].nullable: Forbidden: must be false to be structural",
            ),
            (
                json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true}),
                "X.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
            ),
            (
                json!({"type": "string", "x-kubernetes-list-type": "set"}),
                "X.type: Invalid value: \"string\": must be array if x-kubernetes-list-type is specified",
            ),
            (
                json!({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"}),
                "X.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with \
                 x-kubernetes-list-type=set",
            ),
            (
                keyed(json!({"type": "string"}), json!([])),
                "X.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map, \
                 X.items.type: Invalid value: \"string\": must be object if parent array's x-kubernetes-list-type is map",
            ),
            (
                keyed(json!({"type": "object", "properties": {"a": {"type": "string"}}}), json!(["b"])),
                "X.x-kubernetes-list-map-keys: Invalid value: [\"b\"]: entries must all be names of item properties",
            ),
            (
                keyed(json!({"type": "object", "properties": {"a": {"type": "string"}}}), json!(["a", "a"])),
                "X.x-kubernetes-list-map-keys: Invalid value: [\"a\",\"a\"]: must not contain duplicate entries, \
                 X.items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, \
                 so it must have a default or be a required property",
            ),
            (
                json!({"type": "string", "x-kubernetes-embedded-resource": true}),
                "X.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without \
                 x-kubernetes-preserve-unknown-fields, \
                 X.type: Invalid value: \"string\": must be object if x-kubernetes-embedded-resource is true",
            ),
            (
                json!({"type": "string", "default": 5}),
                "X.default: Invalid value: \"integer\":  in body must be of type string: \"integer\"",
            ),
            (
                json!({"type": "string", "default": "x", "minLength": 3}),
                "X.default: Invalid value: \"x\":  in body should be at least 3 chars long",
            ),
            (
                json!({"type": "object", "default": {"a": 1}}),
                "X.default: Invalid value: {\"a\":1}: must not have unknown fields",
            ),
            (
                json!({"type": "object", "default": {"a": 1}, "properties": {"a": {"type": "string"}}}),
                "X.default.a: Invalid value: \"integer\": a in body must be of type string: \"integer\"",
            ),
            (
                json!({"type": "object", "x-kubernetes-embedded-resource": true,
                    "x-kubernetes-preserve-unknown-fields": true, "default": {"apiVersion": "v1"}}),
                "X.default.kind: Required value",
            ),
            (json!({"$ref": "#/x"}), "X.$ref: Forbidden: $ref is not supported"),
        ] {
            assert_eq!(errors(schema.clone()), expected, "{schema}");
        }
    }

    #[test]
    fn the_root_is_an_object_with_the_usual_metadata() {
        for (schema, expected) in [
            (json!({"type": "string"}), "s.type: Invalid value: \"string\": must be object at the root"),
            (json!({"properties": {"a": {"type": "string"}}}), "s.type: Required value: must not be empty at the root"),
            (json!({"type": "object", "nullable": true}), "s.nullable: Forbidden: nullable cannot be true at the root"),
            (
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
                "s.additionalProperties: Forbidden: must not be used at the root",
            ),
            (
                json!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}}),
                "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, \
                 but metadata is implicitly specified",
            ),
            (
                json!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {
                    "name": {"type": "string", "default": "x"}}}}}),
                "s.properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata",
            ),
        ] {
            let errors: Vec<String> = check(&schema, "s").iter().map(ToString::to_string).collect();
            assert_eq!(errors.join(", "), expected, "{schema}");
        }
    }
}
