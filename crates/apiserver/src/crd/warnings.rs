//! What a client is warned of when it writes a CustomResourceDefinition.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::schema::KNOWN_FORMATS;

/// Texts for `Warning:` headers: formats that will not be checked.
pub fn warnings(definition: &Value) -> Vec<String> {
    let mut formats = BTreeSet::new();
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    for schema in versions.filter_map(|version| version.pointer("/schema/openAPIV3Schema")) {
        collect(schema, &mut formats);
    }
    formats.into_iter().map(|format| format!("unrecognized format {format:?}")).collect()
}

fn collect<'a>(schema: &'a Value, formats: &mut BTreeSet<&'a str>) {
    let Some(members) = schema.as_object() else { return };
    let format = members.get("format").and_then(Value::as_str).unwrap_or_default();
    if !format.is_empty() && !KNOWN_FORMATS.contains(&format) {
        formats.insert(format);
    }
    for key in ["items", "additionalProperties", "not"] {
        members.get(key).into_iter().for_each(|inner| collect(inner, formats));
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        members.get(key).and_then(Value::as_array).into_iter().flatten().for_each(|inner| collect(inner, formats));
    }
    let properties = members.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.for_each(|(_, inner)| collect(inner, formats));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formats_that_are_not_checked_are_named_once() {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "string", "format": "foo"}, "b": {"type": "array", "items": {"type": "string", "format": "foo"}},
            "c": {"type": "integer", "format": "int64"}, "d": {"type": "string", "format": "date-time"}}});
        let definition = json!({"spec": {"versions": [{"schema": {"openAPIV3Schema": schema}}]}});
        assert_eq!(warnings(&definition), ["unrecognized format \"foo\""]);
    }
}
