//! The unions in the schemas of custom resource definitions: one value in JSON, a message with a field for each form in
//! protobuf.

use crate::schema::{BuiltinSchemas, Node, TypeRef};

const TYPES: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";

/// A type that is written in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Union {
    /// Any JSON: its text in field 1.
    Json,
    /// A schema in field 1, or several in field 2.
    SchemaOrSchemas,
    /// Whether there is something in field 1, and its schema in field 2.
    SchemaOrBool,
    /// A schema in field 1, or texts in field 2.
    SchemaOrTexts,
}

impl Union {
    /// The union that a type is, if it is one.
    pub(super) fn of(node: &Node) -> Option<Self> {
        match node.type_name.as_deref()?.strip_prefix(TYPES)? {
            "JSON" => Some(Self::Json),
            "JSONSchemaPropsOrArray" => Some(Self::SchemaOrSchemas),
            "JSONSchemaPropsOrBool" => Some(Self::SchemaOrBool),
            "JSONSchemaPropsOrStringArray" => Some(Self::SchemaOrTexts),
            _ => None,
        }
    }

    /// The type of the schemas in it.
    pub(super) fn schema() -> Option<TypeRef> {
        BuiltinSchemas::get().types().named(&format!("{TYPES}JSONSchemaProps"))
    }
}
