//! Apply configurations: a type's fields, all of them optional, for server-side apply.

use crate::fields::Field;
use crate::names;

/// Names that the methods of a root have already.
const OWN: [&str; 4] = ["new", "namespace", "label", "annotation"];

/// What the configuration for a type is called, as client-go calls it.
pub(crate) fn name(of: &str) -> String {
    format!("{of}ApplyConfiguration")
}

/// The configuration for a struct.
pub(crate) fn structure(of: &str, name: &str, fields: &[Field]) -> String {
    let rename = if fields.iter().any(|field| field.camel) { "#[serde(rename_all = \"camelCase\")]\n" } else { "" };
    let body: String = fields.iter().map(|field| one_field(of, field)).collect();
    let setters: String = fields.iter().map(|field| setter(field, &[])).collect();
    format!(
        "/// A part of a [`{of}`], for server-side apply: what is `None` is left to others.\n\
         #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]\n\
         {rename}pub struct {name} {{\n{body}}}\nimpl {name} {{\n{setters}}}\n"
    )
}

/// The configuration for the root type, without what makes it a resource.
pub(crate) fn root(of: &str, name: &str, fields: &[Field]) -> String {
    let parts: Vec<&Field> = fields.iter().filter(|field| field.ident != "metadata").collect();
    let rename = if parts.iter().any(|field| field.camel) { "#[serde(rename_all = \"camelCase\")]\n" } else { "" };
    let body: String = parts.iter().map(|field| one_field(of, field)).collect();
    let setters: String = parts.iter().map(|field| setter(field, &OWN)).collect();
    format!(
        "/// A part of a [`{of}`], for server-side apply: what is `None` is left to others.\n\
         #[derive(Clone, Debug, Default, PartialEq, Deserialize)]\n\
         {rename}pub struct {name} {{\n\
         /// Name, and the labels, annotations, finalizers and owners that are applied.\n#[serde(default)]\n\
         pub metadata: ObjectMeta,\n{body}}}\n\
         impl {name} {{\n\
         /// One of this name that says nothing yet.\n#[must_use]\n\
         pub fn new(name: &str) -> Self {{\n\
         Self {{ metadata: ObjectMeta {{ name: Some(name.into()), ..Default::default() }}, ..Default::default() }}\n}}\n\
         /// Sets the namespace.\n#[must_use]\n\
         pub fn namespace(mut self, namespace: &str) -> Self {{\n\
         self.metadata.namespace = Some(namespace.into());\nself\n}}\n\
         /// Applies a label.\n#[must_use]\n\
         pub fn label(mut self, key: &str, value: &str) -> Self {{\n\
         self.metadata.labels.get_or_insert_default().insert(key.into(), value.into());\nself\n}}\n\
         /// Applies an annotation.\n#[must_use]\n\
         pub fn annotation(mut self, key: &str, value: &str) -> Self {{\n\
         self.metadata.annotations.get_or_insert_default().insert(key.into(), value.into());\nself\n}}\n\
         {setters}}}\n"
    )
}

fn one_field(of: &str, field: &Field) -> String {
    let Field { ident, apply, .. } = field;
    let doc = format!("/// As [`{of}::{ident}`].\n");
    match &field.property {
        None => format!("{doc}#[serde(flatten)]\npub {ident}: {apply},\n"),
        Some(property) => {
            let rename = if field.camel { String::new() } else { format!("rename = {property:?}, ") };
            let how = format!("{rename}default, skip_serializing_if = \"Option::is_none\"");
            format!("{doc}#[serde({how})]\npub {ident}: Option<{apply}>,\n")
        }
    }
}

/// The method that sets a field; none where its name is one of `taken`.
fn setter(field: &Field, taken: &[&str]) -> String {
    let Field { ident, apply, .. } = field;
    if taken.contains(&ident.as_str()) {
        return String::new();
    }
    let wrap = |value: &str| if field.property.is_some() { format!("Some({value})") } else { value.to_string() };
    let (argument, value) = match &field.apply_item {
        Some(item) => (
            format!("impl IntoIterator<Item = impl Into<{item}>>"),
            wrap("value.into_iter().map(Into::into).collect()"),
        ),
        None => (format!("impl Into<{apply}>"), wrap("value.into()")),
    };
    let named = field.property.as_deref().map_or("the other properties".into(), |property| format!("`{property}`"));
    let named = if named.chars().any(char::is_control) { names::field(ident) } else { named };
    format!(
        "/// Applies {named}.\n#[must_use]\n\
         pub fn {ident}(mut self, value: {argument}) -> Self {{\nself.{ident} = {value};\nself\n}}\n"
    )
}
