//! Objects as rows: `meta.k8s.io/v1` Tables, which `kubectl get` asks for.
//!
//! ```text
//! built-in kind:   columns(group, version, plural)   row(group, kind, object, now)
//! custom resource: CustomColumns::definitions()      CustomColumns::row(object, now)
//!                                └──────────┬───────────────┘
//!                        render(columns, rows, metadata of the list)
//! ```
//!
//! Status objects are never made tables of: clients get them as they are, whatever they accept.
//!
//! | file | what it holds |
//! |---|---|
//! | `rows` | the cells of the built-in kinds |
//! | `custom` | the cells of custom resources, by `additionalPrinterColumns` |
//! | [`json_path`] | the paths in those columns |
//! | `age` | times as people read them |

mod age;
mod custom;
#[cfg(test)]
mod fixtures;
pub mod json_path;
mod rows;

use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::kinds::tree::Tree;
use crate::schema::BuiltinSchemas;
use crate::status::{ApiError, ApiResult};

pub use custom::CustomColumns;

/// What each row carries of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IncludeObject {
    /// Nothing: `object` is null.
    None,
    /// Its metadata, as `PartialObjectMetadata`. The default.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

impl IncludeObject {
    /// Reads the query parameter `includeObject`; empty means [`IncludeObject::Metadata`].
    ///
    /// # Errors
    /// 400 for another word.
    pub fn parse(text: &str) -> ApiResult<Self> {
        match text {
            "None" => Ok(Self::None),
            "" | "Metadata" => Ok(Self::Metadata),
            "Object" => Ok(Self::Object),
            other => Err(ApiError::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty"
            ))),
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The cells, in the order of the columns.
    pub cells: Value,
    /// `conditions`: whether the object has run its course. Only Pods have them.
    pub conditions: Option<Value>,
    /// What [`IncludeObject`] asked for.
    pub object: Value,
}

/// `columnDefinitions` of a built-in resource.
pub fn columns(group: &str, version: &str, plural: &str) -> Value {
    let key = if group.is_empty() { format!("{version}/{plural}") } else { format!("{group}/{version}/{plural}") };
    match all_columns().get(&key) {
        Some(columns) => columns.clone(),
        None => json!([name_column(), column("Created At", "date", "")]),
    }
}

/// The cells of an object of a built-in kind. Kinds without columns of their own show name and creation time.
pub fn row(group: &str, kind: &str, object: &Value, now: Timestamp) -> Value {
    let plain = || vec![object.at("metadata.name").clone(), object.at("metadata.creationTimestamp").clone()];
    rows::cells(group, kind, object, now).unwrap_or_else(plain).into()
}

/// `conditions` of a row: a Pod that has ended.
pub fn conditions(group: &str, kind: &str, object: &Value) -> Option<Value> {
    if (group, kind) != ("", "Pod") {
        return None;
    }
    let (reason, message) = match object.text("status.phase") {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

/// What a row carries of its object.
pub fn included(object: &Value, include: IncludeObject) -> Value {
    match include {
        IncludeObject::None => Value::Null,
        IncludeObject::Object => object.clone(),
        IncludeObject::Metadata => json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object.at("metadata"),
        }),
    }
}

/// A Table. `columns` is none in all but the first event of a watch; `metadata` is that of the list, or the
/// resourceVersion of the one object.
pub fn render(columns: Option<Value>, rows: impl IntoIterator<Item = Row>, metadata: Value) -> Value {
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            let mut out = Map::new();
            out.insert("cells".into(), row.cells);
            if let Some(conditions) = row.conditions {
                out.insert("conditions".into(), conditions);
            }
            out.insert("object".into(), row.object);
            out.into()
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": columns.unwrap_or_else(|| json!([])), "rows": rows,
    })
}

fn name_column() -> Value {
    column("Name", "string", "name")
}

fn column(name: &str, kind: &str, format: &str) -> Value {
    json!({"name": name, "type": kind, "format": format, "description": "", "priority": 0})
}

/// The columns of the bundle, whose descriptions have been left out.
fn all_columns() -> &'static Map<String, Value> {
    static COLUMNS: OnceLock<Map<String, Value>> = OnceLock::new();
    COLUMNS.get_or_init(|| {
        let entry = BuiltinSchemas::get().entry("columns").unwrap_or_default();
        let Value::Object(mut all) = entry else { return Map::new() };
        for columns in all.values_mut() {
            for column in columns.as_array_mut().into_iter().flatten() {
                column.default_to("description", "");
            }
        }
        all
    })
}
