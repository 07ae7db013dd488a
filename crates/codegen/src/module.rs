//! The file around the types of a definition: its versions, their root types, `crd()`, and the schemas that Rust has no
//! words for.

use serde_json::{Map, Value, json};

use crate::apply;
use crate::fields::{Field, text};
use crate::generate::GenerateOptions;
use crate::literal;
use crate::names;
use crate::schema::{Types, required, struct_source, whole};
use crate::source::Definition;

/// Properties that every resource has, and that the server checks by itself.
const OWN: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The source of the file.
pub(crate) fn source(definition: &Definition, options: &GenerateOptions) -> String {
    let crd = &definition.crd;
    let name = crd.metadata.name.as_deref().unwrap_or_default();
    let mut roots = Vec::new();
    let mut versions = String::new();
    for (version, schema) in crd.spec.versions.iter().zip(&definition.schemas) {
        let module = names::field(&version.name);
        let empty = Map::new();
        let (root, source) = one_version(definition, options, &version.name, schema.as_object().unwrap_or(&empty));
        roots.push(format!("{module}::{root}"));
        let used = uses(&source);
        versions += &format!("/// Version {}.\npub mod {module} {{\n{used}\n{source}\n}}\n\n", version.name);
    }
    let body = literal::definition(crd, &roots);
    let map = if body.contains("BTreeMap") { "use std::collections::BTreeMap;\n" } else { "" };
    format!(
        "//! Types of `{name}`. Written by `kubewright types`: change the definition, not this.\n\
         #![allow(clippy::all, clippy::pedantic, rustdoc::all, missing_docs, non_camel_case_types, unreachable_pub, unused_imports)]\n\n\
         {map}use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;\n\
         use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;\n\
         use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;\n\n\
         {versions}\n\
         /// The definition, with all its versions.\n\
         #[must_use]\n\
         pub fn crd() -> CustomResourceDefinition {{\n{body}\n}}\n\n{SCHEMA}"
    )
}

/// The root type of a version and the source of all its types.
fn one_version(
    definition: &Definition,
    options: &GenerateOptions,
    version: &str,
    schema: &Map<String, Value>,
) -> (String, String) {
    let crd = &definition.crd;
    let mut types = Types::new(options.apply_configurations);
    let kind = names::camel(&crd.spec.names.kind);
    let root = types.reserve(if kind.is_empty() { "Resource" } else { &kind });
    let apply_root = options.apply_configurations.then(|| types.reserve(&apply::name(&root)));
    let metadata = schema.get("properties").and_then(|properties| properties.get("metadata"));
    let metadata = metadata.filter(|metadata| **metadata != json!({"type": "object"})).cloned();

    let mut node = schema.clone();
    if let Some(Value::Object(properties)) = node.get_mut("properties") {
        properties.retain(|property, _| !OWN.contains(&property.as_str()));
        if properties.is_empty() {
            node.remove("properties");
        }
    }
    let mut fields = types.fields(&node, &root);
    if let Some(metadata) = metadata.clone() {
        node.entry("properties").or_insert_with(|| json!({}))["metadata"] = metadata.clone();
        fields.insert(0, metadata_field(Some(&metadata), required(schema).contains(&"metadata")));
    } else {
        fields.insert(0, metadata_field(None, false));
    }
    let (source, _) = struct_source(&root, &whole(&node), &fields);
    // The root is written by hand: apiVersion and kind go before its fields.
    let source = source.replacen("PartialEq, Serialize, Deserialize", "PartialEq, Deserialize", 1);
    let constructor = constructor(&root, &fields);
    let mut traits = traits(definition, version, &root, &fields);
    if let Some(name) = apply_root {
        traits += &apply::root(&root, &name, &fields);
        traits += &resource(definition, version, &name, &entries(&fields, true));
    }
    let items = types.items.concat();
    (root, format!("{source}{constructor}{traits}{items}"))
}

fn metadata_field(schema: Option<&Value>, required: bool) -> Field {
    let attributes = match schema {
        None => "#[schemars(skip)]\n".to_string(),
        Some(schema) => {
            let empty = Map::new();
            let extra: String = schema
                .as_object()
                .unwrap_or(&empty)
                .iter()
                .filter(|(key, value)| !(*key == "type" && **value == json!("object")))
                .map(|(key, value)| crate::fields::extend(key, value))
                .collect();
            format!("#[schemars(with = \"super::schema::Object\", description = \"\")]\n{extra}")
        }
    };
    // The server takes objects with and without it, so a missing one is not an error here.
    let serde = if required || schema.is_none() { "" } else { "#[serde(default)]\n" };
    let mut field = Field::rest("metadata");
    field.property = schema.map(|_| "metadata".into());
    field.schema = schema.cloned().unwrap_or_default();
    field.derived_required = required;
    field.camel = true;
    let serde = if schema.is_none() { "#[serde(default)]\n" } else { serde };
    field.source = format!("/// Name, labels, owners and the like.\n{serde}{attributes}pub metadata: ObjectMeta,\n");
    field
}

/// `new`, where the root is what most are: a spec, and perhaps a status.
fn constructor(root: &str, fields: &[Field]) -> String {
    let Some(spec) = fields.iter().find(|field| field.ident == "spec") else { return String::new() };
    if fields.iter().any(|field| field.ident != "spec" && field.initial.is_none()) {
        return String::new();
    }
    let ty = rust_type(spec);
    let (argument, value) = match ty.strip_prefix("Option<").and_then(|ty| ty.strip_suffix('>')) {
        Some(inner) => (inner, "Some(spec)"),
        None => (ty, "spec"),
    };
    let rest: String = fields
        .iter()
        .filter(|field| field.ident != "spec" && field.ident != "metadata")
        .filter_map(|field| Some(format!("{}: {},\n", field.ident, field.initial.as_ref()?)))
        .collect();
    format!(
        "impl {root} {{\n/// One of this name and content.\n#[must_use]\npub fn new(name: &str, spec: {argument}) -> Self {{\n\
         Self {{ metadata: ObjectMeta {{ name: Some(name.into()), ..ObjectMeta::default() }},\nspec: {value},\n{rest} }}\n}}\n}}\n"
    )
}

fn rust_type(field: &Field) -> &str {
    let line = field.source.trim_end().rsplit_once('\n').map_or(field.source.trim_end(), |(_, line)| line);
    line.split_once(": ").map_or("", |(_, ty)| ty.trim_end_matches(','))
}

fn traits(definition: &Definition, version: &str, root: &str, fields: &[Field]) -> String {
    let spec = &definition.crd.spec;
    let name = text(definition.crd.metadata.name.as_deref().unwrap_or_default());
    let short: Vec<String> = spec.names.short_names.iter().flatten().map(|name| text(name)).collect();
    let mut out = resource(definition, version, root, &entries(fields, false));
    out += &format!(
        "impl kube::CustomResourceExt for {root} {{
            fn crd() -> CustomResourceDefinition {{ super::crd() }}
            fn crd_name() -> &'static str {{ {name} }}
            fn api_resource() -> kube::core::ApiResource {{ kube::core::ApiResource::erase::<Self>(&()) }}
            fn shortnames() -> &'static [&'static str] {{ &[{short}] }}
        }}\n",
        short = short.join(", ")
    );
    let ty = |name: &str| fields.iter().find(|field| field.ident == name).map(rust_type);
    if let Some(ty) = ty("spec").filter(|ty| !ty.starts_with("Option<")) {
        out += &format!(
            "impl kube::core::object::HasSpec for {root} {{\ntype Spec = {ty};\n\
             fn spec(&self) -> &Self::Spec {{ &self.spec }}\n\
             fn spec_mut(&mut self) -> &mut Self::Spec {{ &mut self.spec }}\n}}\n"
        );
    }
    if let Some(ty) = ty("status").and_then(|ty| ty.strip_prefix("Option<")?.strip_suffix('>')) {
        out += &format!(
            "impl kube::core::object::HasStatus for {root} {{\ntype Status = {ty};\n\
             fn status(&self) -> Option<&Self::Status> {{ self.status.as_ref() }}\n\
             fn status_mut(&mut self) -> &mut Option<Self::Status> {{ &mut self.status }}\n}}\n"
        );
    }
    out
}

/// The statements that write the fields of a root; in an apply configuration all but the metadata are optional.
pub(crate) fn entries(fields: &[Field], apply: bool) -> String {
    let one = |field: &Field| {
        let ident = &field.ident;
        match (&field.property, ident.as_str()) {
            (_, "metadata") => "map.serialize_entry(\"metadata\", &self.metadata)?;\n".to_string(),
            (None, _) => format!(
                "for (key, value) in &self.{ident} {{\nif key != \"apiVersion\" && key != \"kind\" {{\n\
                 map.serialize_entry(key, value)?;\n}}\n}}\n"
            ),
            (Some(property), _) if apply || rust_type(field).starts_with("Option<") => {
                format!("if let Some(value) = &self.{ident} {{\nmap.serialize_entry({}, value)?;\n}}\n", text(property))
            }
            (Some(property), _) => format!("map.serialize_entry({}, &self.{ident})?;\n", text(property)),
        }
    };
    fields.iter().map(one).collect()
}

/// What makes a type with metadata a resource that is written with its version and kind.
fn resource(definition: &Definition, version: &str, ty: &str, entries: &str) -> String {
    let spec = &definition.crd.spec;
    let scope = if spec.scope == "Cluster" { "ClusterResourceScope" } else { "NamespaceResourceScope" };
    let (group, kind, plural) = (text(&spec.group), text(&spec.names.kind), text(&spec.names.plural));
    let api_version = text(&format!("{}/{version}", spec.group));
    let version = text(version);
    format!(
        "impl Serialize for {ty} {{
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry(\"apiVersion\", {api_version})?;
                map.serialize_entry(\"kind\", {kind})?;
                {entries}
                map.end()
            }}
        }}
        impl kube::Resource for {ty} {{
            type DynamicType = ();
            type Scope = kube::core::{scope};
            fn kind(_: &()) -> Cow<'_, str> {{ {kind}.into() }}
            fn group(_: &()) -> Cow<'_, str> {{ {group}.into() }}
            fn version(_: &()) -> Cow<'_, str> {{ {version}.into() }}
            fn plural(_: &()) -> Cow<'_, str> {{ {plural}.into() }}
            fn meta(&self) -> &ObjectMeta {{ &self.metadata }}
            fn meta_mut(&mut self) -> &mut ObjectMeta {{ &mut self.metadata }}
        }}\n"
    )
}

/// The imports that a version's types need.
fn uses(source: &str) -> String {
    let mut out = String::from(
        "use std::borrow::Cow;\n\n\
         use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;\n\
         use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;\n\
         use schemars::JsonSchema;\nuse serde::{Deserialize, Serialize};\n",
    );
    let mut need = |word: &str, line: &str| {
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let used = source
            .match_indices(word)
            .any(|(at, _)| !source[..at].ends_with(letter) && !source[at + word.len()..].starts_with(letter));
        if used {
            out += line;
        }
    };
    need("BTreeMap", "use std::collections::BTreeMap;\n");
    need("Value", "use serde_json::Value;\n");
    need("IntOrString", "use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;\n");
    need("Time", "use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;\n");
    need("DynamicObject", "use kube::core::DynamicObject;\n");
    out
}

/// What goes into each file, so that it needs no other.
const SCHEMA: &str = r##"
/// Schemas that Rust's own types have no words for.
#[allow(dead_code)]
mod schema {
    use std::borrow::Cow;

    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
    use schemars::generate::SchemaSettings;
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    macro_rules! plain {
        ($($name:ident: $schema:tt;)*) => {$(
            pub(super) struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )*};
    }

    plain! {
        Any: {};
        Integer: {"type": "integer"};
        Number: {"type": "number"};
        Object: {"type": "object"};
        IntOrString: {"x-kubernetes-int-or-string": true};
    }

    /// The schema of a type, with everything in place, as definitions want it.
    pub(super) fn of<T: JsonSchema>() -> JSONSchemaProps {
        let settings = SchemaSettings::default().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
            settings.transforms.clear();
        });
        let schema = T::json_schema(&mut settings.into_generator());
        serde_json::from_value(schema.to_value()).expect("the schema came out of a definition")
    }

    /// JSON that is too long for a macro.
    pub(super) fn json(text: &str) -> serde_json::Value {
        serde_json::from_str(text).expect("it was JSON when this was written")
    }
}
"##;
