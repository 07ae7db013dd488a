//! Reading and filling object trees by dotted path. Nothing here fails: what is absent, or of another type, reads as
//! empty.

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// Short ways to read and fill an object.
pub trait Tree {
    /// The value at a dotted path such as `spec.type`; null when there is none.
    fn at(&self, path: &str) -> &Value;

    /// The text at a path; empty when there is none.
    fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_default()
    }

    /// The integer at a path.
    fn int(&self, path: &str) -> Option<i64> {
        self.at(path).as_i64()
    }

    /// The boolean at a path; false when there is none.
    fn flag(&self, path: &str) -> bool {
        self.at(path).as_bool().unwrap_or_default()
    }

    /// The list at a path; empty when there is none.
    fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// The entries of the object at a path.
    fn entries(&self, path: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.at(path).as_object().into_iter().flatten()
    }

    /// Whether something other than null stands at a path.
    fn has(&self, path: &str) -> bool {
        !self.at(path).is_null()
    }

    /// Sets a field that is absent or null.
    fn default_to(&mut self, field: &str, value: impl Into<Value>);

    /// Sets a field that is absent, null or the empty text.
    fn default_text(&mut self, field: &str, value: &str);

    /// Sets a field.
    fn set(&mut self, field: &str, value: impl Into<Value>);

    /// Takes a field out.
    fn drop_field(&mut self, field: &str);

    /// The object at a field, made when it is absent. A value of another type is left as it is and takes no fields.
    fn ensure(&mut self, field: &str) -> &mut Value;

    /// The value at a field, where there is one.
    fn field_mut(&mut self, field: &str) -> Option<&mut Value>;

    /// The entries of a list at a field.
    fn each_mut(&mut self, field: &str) -> std::slice::IterMut<'_, Value> {
        self.field_mut(field).and_then(Value::as_array_mut).map(|list| list.iter_mut()).unwrap_or_default()
    }

    /// Copies a field to another field of the same object; nothing happens when there is none.
    fn copy_to(&mut self, from: &str, to: &str) {
        if let Some(value) = self.field_mut(from).map(|value| value.clone()) {
            self.set(to, value);
        }
    }

    /// Makes a field equal to that of another object: copied, or taken out when the other has none.
    fn copy_field(&mut self, field: &str, from: &Value);
}

impl Tree for Value {
    fn at(&self, path: &str) -> &Value {
        let mut value = self;
        for name in path.split('.') {
            match value.get(name) {
                Some(next) => value = next,
                None => return &NULL,
            }
        }
        value
    }

    fn default_to(&mut self, field: &str, value: impl Into<Value>) {
        if self.get(field).is_none_or(Value::is_null) {
            self.set(field, value);
        }
    }

    fn default_text(&mut self, field: &str, value: &str) {
        if self.get(field).is_none_or(|v| v.is_null() || v.as_str() == Some("")) {
            self.set(field, value);
        }
    }

    fn set(&mut self, field: &str, value: impl Into<Value>) {
        if self.is_null() {
            *self = Value::Object(Map::new());
        }
        if let Some(map) = self.as_object_mut() {
            map.insert(field.into(), value.into());
        }
    }

    fn drop_field(&mut self, field: &str) {
        if let Some(map) = self.as_object_mut() {
            map.remove(field);
        }
    }

    fn ensure(&mut self, field: &str) -> &mut Value {
        if self.get(field).is_none_or(Value::is_null) {
            self.set(field, Value::Object(Map::new()));
        }
        match self {
            Value::Object(map) => map.entry(field).or_insert(Value::Null),
            other => other,
        }
    }

    fn field_mut(&mut self, field: &str) -> Option<&mut Value> {
        self.as_object_mut()?.get_mut(field)
    }

    fn copy_field(&mut self, field: &str, from: &Value) {
        match from.get(field) {
            Some(value) => self.set(field, value.clone()),
            None => self.drop_field(field),
        }
    }
}

/// Whether two values are equal when absent, null, empty lists and empty objects are the same thing.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            x.iter().all(|(key, value)| same(value, y.get(key).unwrap_or(&NULL)))
                && y.iter().all(|(key, value)| x.contains_key(key) || is_empty(value))
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        _ => a == b || (is_empty(a) && is_empty(b)),
    }
}

/// Whether two values are equal as Go's semantic equality has it: absent, null and empty lists are the same thing, but a
/// struct that is there and empty is not one that is absent.
pub fn equal(a: &Value, b: &Value) -> bool {
    let is_none = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            x.iter().all(|(key, value)| equal(value, y.get(key).unwrap_or(&NULL)))
                && y.iter().all(|(key, value)| x.contains_key(key) || is_none(value))
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        _ => a == b || (is_none(a) && is_none(b)),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_absent_reads_as_empty() {
        let object = json!({"spec": {"type": "A", "n": 3, "ports": [1]}});
        assert_eq!(object.text("spec.type"), "A");
        assert_eq!(object.text("spec.type.deeper"), "");
        assert_eq!(object.int("spec.n"), Some(3));
        assert_eq!(object.list("spec.ports").len(), 1);
        assert!(object.list("status.x").is_empty());
    }

    #[test]
    fn defaults_fill_only_what_is_absent() {
        let mut object = json!({"a": 1, "b": null, "c": ""});
        object.default_to("a", 2);
        object.default_to("b", 2);
        object.default_to("c", 2);
        object.ensure("d").default_text("e", "x");
        assert_eq!(object, json!({"a": 1, "b": 2, "c": "", "d": {"e": "x"}}));
        let mut wrong = json!("text");
        wrong.ensure("d").default_to("e", 1);
        assert_eq!(wrong, json!("text"));
    }

    #[test]
    fn empty_and_absent_are_the_same() {
        assert!(same(&json!({"a": [], "b": {"c": null}, "d": 1}), &json!({"d": 1})));
        assert!(!same(&json!({"d": 1}), &json!({"d": 1, "e": 0})));
        assert!(equal(&json!({"a": [], "b": null}), &json!({})));
        assert!(!equal(&json!({"a": {}}), &json!({})));
    }
}
