//! `fieldPath` of a rule: `.spec.ports['a']`, relative to the schema that the rule stands in.

use serde_json::Value;

use super::schema::properties;

/// The path as errors print it: `spec.ports[a]`.
///
/// # Errors
/// When it is no path or leads to no field.
pub(super) fn normalize(path: &str, schema: &Value) -> Result<String, String> {
    let mut schema = schema;
    let mut normalized = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        let name;
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[', ']']).unwrap_or(after.len());
            if end == 0 {
                return Err("unexpected end of JSON path".into());
            }
            name = after[..end].to_owned();
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix("['") {
            let end = closing_quote(after).ok_or("unexpected end of JSON path")?;
            name = unescape(&after[..end])?;
            rest = after[end + 1..].strip_prefix(']').ok_or("expected ]")?;
        } else {
            return Err(format!("expected [ or . but got: {rest}"));
        }
        let named = schema.get("properties").is_some();
        schema = if named {
            properties(schema).find(|(property, _)| **property == name).map(|(_, property)| property)
        } else {
            schema.get("additionalProperties").filter(|values| values.is_object())
        }
        .ok_or("does not refer to a valid field")?;
        match (named, normalized.is_empty()) {
            (true, true) => normalized = name,
            (true, false) => normalized.push_str(&format!(".{name}")),
            (false, _) => normalized.push_str(&format!("[{name}]")),
        }
    }
    Ok(normalized)
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closing = c == '\'' && !escaped;
        escaped = c == '\\' && !escaped;
        closing.then_some(at)
    })
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        out.push(match (c, if c == '\\' { rest.next() } else { None }) {
            ('\\', Some('a')) => '\u{7}',
            ('\\', Some('b')) => '\u{8}',
            ('\\', Some('f')) => '\u{c}',
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('t')) => '\t',
            ('\\', Some('v')) => '\u{b}',
            ('\\', Some(c @ ('\'' | '\\'))) => c,
            ('\\', other) => return Err(format!("invalid escape char \\{}", other.unwrap_or_default())),
            (c, _) => c,
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_to_fields() {
        let schema = json!({"properties": {"spec": {"properties": {"a.b": {}}}, "map": {"additionalProperties": {"type": "string"}}}});
        for (path, normalized) in
            [(".spec", "spec"), (".spec['a.b']", "spec.a.b"), (".map['x']", "map[x]"), (".map.x", "map[x]")]
        {
            assert_eq!(normalize(path, &schema).as_deref(), Ok(normalized), "{path}");
        }
        for path in ["spec", ".nothing", ".spec.", ".spec[", ".spec['a", ".spec['a.b'", ".spec.a.b", "."] {
            assert!(normalize(path, &schema).is_err(), "{path}");
        }
    }
}
