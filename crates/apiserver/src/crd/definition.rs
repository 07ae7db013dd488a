//! A CustomResourceDefinition as this crate reads it.

use serde::Deserialize;
use serde_json::Value;

/// The parts of a CustomResourceDefinition that serving needs. Read it from objects that [`super::validate`] accepts:
/// defaults have been filled in there.
#[derive(Debug, Clone, Deserialize)]
pub struct Definition {
    /// `spec`.
    pub spec: Spec,
    /// `status`.
    #[serde(default)]
    pub status: Status,
}

/// `spec` of a CustomResourceDefinition.
#[derive(Debug, Clone, Deserialize)]
pub struct Spec {
    /// API group.
    pub group: String,
    /// Names that are asked for.
    pub names: Names,
    /// `Namespaced` or `Cluster`.
    pub scope: String,
    /// Versions, in the order of the manifest.
    pub versions: Vec<Version>,
    /// How objects are converted between the versions.
    #[serde(default)]
    pub conversion: Value,
}

/// Names of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Names {
    /// Name in paths.
    pub plural: String,
    /// Name for people.
    pub singular: String,
    /// Short names for people.
    pub short_names: Vec<String>,
    /// Kind of the objects.
    pub kind: String,
    /// Kind of lists of them.
    pub list_kind: String,
    /// Groups of resources that it is listed with, such as `all`.
    pub categories: Vec<String>,
}

/// One version.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Its name: `v1`.
    pub name: String,
    /// It can be used.
    pub served: bool,
    /// Objects are stored in it.
    pub storage: bool,
    /// Its use is answered with a warning.
    #[serde(default)]
    pub deprecated: bool,
    /// The text of that warning, where the standard one is not wanted.
    pub deprecation_warning: Option<String>,
    /// The schema of its objects.
    #[serde(default)]
    pub schema: Validation,
    /// `status` and `scale`.
    #[serde(default)]
    pub subresources: Subresources,
    /// Columns of its Table.
    #[serde(default)]
    pub additional_printer_columns: Vec<Column>,
    /// Fields that a field selector may name.
    #[serde(default)]
    pub selectable_fields: Vec<SelectableField>,
}

/// `schema` of a version.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Validation {
    /// The structural schema.
    #[serde(rename = "openAPIV3Schema", default)]
    pub open_api: Value,
}

/// Subresources of a version.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Subresources {
    /// Present: `status` is written on its own path.
    pub status: Option<Value>,
    /// Present: `scale` is served.
    pub scale: Option<Scale>,
}

/// Where a custom resource keeps what `scale` shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scale {
    /// JSON path of the wanted number, under `.spec`.
    pub spec_replicas_path: String,
    /// JSON path of the actual number, under `.status`.
    pub status_replicas_path: String,
    /// JSON path of the selector as text.
    pub label_selector_path: Option<String>,
}

/// A column of a Table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For example `password`.
    #[serde(default)]
    pub format: String,
    /// What it shows.
    #[serde(default)]
    pub description: String,
    /// 0: always shown; higher: only with `-o wide`.
    #[serde(default)]
    pub priority: i32,
    /// Where the value is.
    pub json_path: String,
}

/// A field that a field selector may name.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SelectableField {
    /// Where the value is: `.spec.color`.
    pub json_path: String,
}

/// `status` of a CustomResourceDefinition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// Names that it serves under.
    pub accepted_names: Names,
    /// What has become of it.
    #[serde(deserialize_with = "null_is_empty")]
    pub conditions: Vec<Condition>,
    /// Versions that stored objects may be in.
    #[serde(deserialize_with = "null_is_empty")]
    pub stored_versions: Vec<String>,
}

/// One condition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// `NamesAccepted`, `Established`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
}

impl Definition {
    /// Reads `object`.
    ///
    /// # Errors
    /// When it has not the form of a CustomResourceDefinition; the text names the field.
    pub fn read(object: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(object)
    }

    /// Objects live in namespaces.
    pub fn namespaced(&self) -> bool {
        self.spec.scope == "Namespaced"
    }

    /// A condition is `True`.
    pub fn is(&self, condition: &str) -> bool {
        self.status.conditions.iter().any(|c| c.kind == condition && c.status == "True")
    }

    /// The version that objects are stored in.
    pub fn storage_version(&self) -> Option<&Version> {
        self.spec.versions.iter().find(|version| version.storage)
    }
}

/// Lists that are empty are written as null.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
