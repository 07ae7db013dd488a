//! What OpenAPI v2 can say of a structural schema.
//!
//! The clients that read v2 are old: kubectl before 1.27 checks manifests with it, and takes every field that a schema
//! does not name for an error. What it would read wrong is left out, so that it lets pass what the server accepts.

use serde_json::Value;

const JUNCTORS: [&str; 4] = ["allOf", "anyOf", "oneOf", "not"];

/// Whether objects may have fields that the schema does not name.
pub(super) fn preserves(schema: &Value) -> bool {
    schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
}

/// Takes out what v2 can't say.
pub(super) fn reduce(schema: &mut Value) {
    let preserves = preserves(schema);
    let Some(object) = schema.as_object_mut() else { return };
    for key in JUNCTORS {
        object.remove(key);
    }
    let nullable = object.remove("nullable") == Some(Value::Bool(true));
    if nullable || preserves {
        object.remove("items");
        object.remove("properties");
    }
    let of_type = |name: &str| object.get("type").is_some_and(|ty| ty == name);
    if nullable || preserves && of_type("object") || of_type("array") && !object.contains_key("items") {
        object.remove("type");
    }
    // A field that may be null may be left out for readers that don't know null.
    let may_be_null = |schema: &Value| schema.get("nullable") == Some(&Value::Bool(true));
    let any = object.get("additionalProperties").is_some_and(may_be_null);
    let properties = object.get("properties").and_then(Value::as_object).into_iter().flatten();
    let names: Vec<String> =
        properties.filter(|(_, property)| may_be_null(property)).map(|(name, _)| name.clone()).collect();
    if let Some(Value::Array(required)) = object.get_mut("required") {
        required.retain(|field| !any && !names.iter().any(|name| field == name));
        if required.is_empty() {
            object.remove("required");
        }
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(reduce);
    }
    for key in ["items", "additionalProperties"] {
        object.get_mut(key).into_iter().for_each(reduce);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reduced(mut schema: Value) -> Value {
        reduce(&mut schema);
        schema
    }

    #[test]
    fn what_only_constrains_goes() {
        let schema = json!({"type": "object", "oneOf": [{"required": ["a"]}], "anyOf": [{}], "allOf": [{}], "not": {},
            "minProperties": 1, "x-kubernetes-validations": [{"rule": "true"}], "properties": {
                "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "list": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string", "not": {}}}}});
        let expected = json!({"type": "object", "minProperties": 1, "x-kubernetes-validations": [{"rule": "true"}],
            "properties": {
                "port": {"x-kubernetes-int-or-string": true},
                "list": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}}});
        assert_eq!(reduced(schema), expected);
    }

    #[test]
    fn what_may_be_null_has_no_type_and_is_not_required() {
        let nullable = json!({"type": "object", "nullable": true, "properties": {"a": {"type": "string"}},
            "additionalProperties": {"type": "string"}, "description": "d"});
        let schema = json!({"type": "object", "required": ["a", "b"],
            "properties": {"a": nullable, "b": {"type": "array", "items": {"type": "string", "nullable": true}}}});
        let expected = json!({"type": "object", "required": ["b"], "properties": {
            "a": {"additionalProperties": {"type": "string"}, "description": "d"},
            "b": {"type": "array", "items": {}}}});
        assert_eq!(reduced(schema), expected);
        let values =
            json!({"type": "object", "required": ["a"], "additionalProperties": {"type": "string", "nullable": true}});
        assert_eq!(reduced(values), json!({"type": "object", "additionalProperties": {}}));
        let all =
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "nullable": true}}});
        assert_eq!(reduced(all), json!({"type": "object", "properties": {"a": {}}}));
    }

    #[test]
    fn what_preserves_unknown_fields_has_no_known_ones() {
        let preserving = |ty: &str| {
            let properties = json!({"a": {"type": "string"}});
            json!({"type": ty, "x-kubernetes-preserve-unknown-fields": true, "properties": properties, "items": {}})
        };
        let kept = json!({"x-kubernetes-preserve-unknown-fields": true});
        assert_eq!(reduced(preserving("object")), kept);
        assert_eq!(reduced(preserving("array")), kept, "a list without items has no type");
        let inside = json!({"type": "array", "items": preserving("object")});
        assert_eq!(reduced(inside), json!({"type": "array", "items": kept}));
    }
}
