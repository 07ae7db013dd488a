//! Rows of custom resources, by the columns of their definition.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age;
use super::json_path::JsonPath;
use super::name_column;
use crate::crd::Column;
use crate::kinds::tree::Tree;

/// The columns of a custom resource: its name, and what `additionalPrinterColumns` says; without those, its age.
#[derive(Debug)]
pub struct CustomColumns {
    definitions: Value,
    cells: Vec<(String, JsonPath)>,
}

impl CustomColumns {
    /// Reads the columns. From the first one on whose path can't be read, columns are left out, as the real server
    /// does.
    pub fn new(columns: &[Column]) -> Self {
        let age = [Column {
            name: "Age".into(),
            kind: "date".into(),
            format: String::new(),
            description: String::new(),
            priority: 0,
            json_path: ".metadata.creationTimestamp".into(),
        }];
        let columns = if columns.is_empty() { &age } else { columns };
        let mut definitions = vec![name_column()];
        let mut cells = Vec::new();
        for column in columns {
            let Ok(path) = JsonPath::parse(&column.json_path) else { break };
            let mut description = column.description.clone();
            if description.is_empty() {
                description = format!("Custom resource definition column (in JSONPath format): {}", column.json_path);
            }
            definitions.push(json!({
                "name": column.name, "type": column.kind, "format": column.format,
                "description": description, "priority": column.priority,
            }));
            cells.push((column.kind.clone(), path));
        }
        Self { definitions: definitions.into(), cells }
    }

    /// `columnDefinitions` of the table.
    pub fn definitions(&self) -> Value {
        self.definitions.clone()
    }

    /// The cells of an object.
    pub fn row(&self, object: &Value, now: Timestamp) -> Value {
        let name = Value::from(object.text("metadata.name"));
        let cells = self.cells.iter().map(|(kind, path)| match path.find(object).first() {
            Some(value) => cell(kind, value, now),
            None => Value::Null,
        });
        std::iter::once(name).chain(cells).collect()
    }
}

fn cell(kind: &str, value: &Value, now: Timestamp) -> Value {
    match (kind, value) {
        ("string", Value::String(text)) => text.as_str().into(),
        ("string", Value::Null) => "<nil>".into(),
        ("string", other) => other.to_string().into(),
        ("integer", Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float in an integer column is cut, as the real server does"
            )]
            (None, Some(float)) => (float as i64).into(),
            (None, None) => Value::Null,
        },
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("date", Value::String(_)) => age::since(value, now).into(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, kind: &str, path: &str) -> Column {
        serde_json::from_value(json!({"name": name, "type": kind, "jsonPath": path})).unwrap()
    }

    #[test]
    fn cells_follow_the_type_of_their_column() {
        let columns = CustomColumns::new(&[
            column("Text", "string", ".spec.text"),
            column("Count", "integer", ".spec.count"),
            column("Half", "integer", ".spec.half"),
            column("Flag", "boolean", ".spec.flag"),
            column("When", "date", ".spec.when"),
            column("List", "string", ".spec.list"),
            column("Number as text", "string", ".spec.count"),
            column("Text as number", "integer", ".spec.text"),
            column("Missing", "string", ".spec.missing"),
        ]);
        let object = json!({"metadata": {"name": "a"}, "spec": {"text": "t", "count": 3, "half": 2.5, "flag": true,
            "when": "1969-12-31T23:55:00Z", "list": ["a", 1]}});
        let row = columns.row(&object, Timestamp::UNIX_EPOCH);
        assert_eq!(row, json!(["a", "t", 3, 2, true, "5m", "[\"a\",1]", "3", null, null]));
        assert_eq!(columns.definitions()[1]["name"], "Text");
        assert_eq!(columns.definitions()[1]["priority"], 0);
    }

    #[test]
    fn without_columns_the_age_is_shown() {
        let columns = CustomColumns::new(&[]);
        let object = json!({"metadata": {"name": "a", "creationTimestamp": "1969-12-31T23:59:00Z"}});
        assert_eq!(columns.row(&object, Timestamp::UNIX_EPOCH), json!(["a", "60s"]));
        assert_eq!(columns.definitions()[1]["type"], "date");
    }
}
