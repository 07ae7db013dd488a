//! Apply configurations of the kinds of Kubernetes itself, out of the OpenAPI documents of an API server.
//!
//! The types themselves are those of `k8s-openapi`, in which some fields are not optional: what a writer does not mean to say
//! would be sent as an empty text or list. Types that have no fields, that contain themselves, and metadata are taken from
//! there as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::apply;
use crate::fields::Field;
use crate::generate::{File, GenerateError};
use crate::module::entries;
use crate::names;
use crate::parallel;

/// Parts of names of schemas.
const REFERENCE: &str = "#/components/schemas/";
const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// A kind of Kubernetes: `apps/v1/Deployment`, `v1/Service`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuiltinKind {
    /// Its group; empty for the core group.
    pub group: String,
    /// Its version.
    pub version: String,
    /// Its kind.
    pub kind: String,
}

/// A text that names no kind.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} names no kind: write it as apps/v1/Deployment, or v1/Service for the core group")]
pub struct KindError(String);

impl FromStr for BuiltinKind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let parts: Vec<&str> = text.split('/').collect();
        let (group, version, kind) = match parts[..] {
            [version, kind] => ("", version, kind),
            [group, version, kind] => (group, version, kind),
            _ => return Err(KindError(text.into())),
        };
        if version.is_empty() || kind.is_empty() {
            return Err(KindError(text.into()));
        }
        Ok(Self { group: group.into(), version: version.into(), kind: kind.into() })
    }
}

impl fmt::Display for BuiltinKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.group.is_empty() { "" } else { "/" };
        write!(f, "{}{separator}{}/{}", self.group, self.version, self.kind)
    }
}

/// What the OpenAPI v3 documents of an API server say of its kinds.
#[derive(Debug, Default)]
pub struct BuiltinKinds {
    schemas: BTreeMap<String, Map<String, Value>>,
    /// Those that can be applied, with the names of their schemas.
    kinds: BTreeMap<BuiltinKind, String>,
}

impl BuiltinKinds {
    /// Reads documents, as `/openapi/v3/apis/apps/v1` gives them.
    #[must_use]
    pub fn read(documents: &[Value]) -> Self {
        let mut found = Self::default();
        for document in documents {
            for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
                if let Some(schema) = schema.as_object() {
                    found.schemas.entry(name.clone()).or_insert_with(|| schema.clone());
                }
            }
        }
        let appliable: BTreeSet<BuiltinKind> = documents.iter().flat_map(patched).collect();
        for (name, schema) in &found.schemas {
            let has_metadata = schema.get("properties").is_some_and(|of| reference(&of["metadata"]) == Some(METADATA));
            for kind in schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array).into_iter().flatten() {
                if let Some(kind) = named(kind).filter(|kind| has_metadata && appliable.contains(kind)) {
                    found.kinds.insert(kind, name.clone());
                }
            }
        }
        found
    }

    /// The kinds that can be applied, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &BuiltinKind> {
        self.kinds.keys()
    }

    /// A file for each group and version with the apply configurations of these kinds and of all that they consist of; the
    /// same kinds give the same files, in whatever order. Files refer to each other as modules of one folder.
    ///
    /// # Errors
    /// If there is no such kind.
    pub fn generate(&self, kinds: &[BuiltinKind]) -> Result<Vec<File>, GenerateError> {
        let mut wanted: Vec<&str> = Vec::new();
        for kind in kinds {
            let name = self.kinds.get(kind).ok_or_else(|| self.unknown(kind))?;
            wanted.push(name);
        }
        let mut seen: BTreeSet<&str> = wanted.iter().copied().collect();
        let mut sources: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
        while let Some(name) = wanted.pop() {
            let Some((name, schema)) = self.schemas.get_key_value(name) else { continue };
            let mut needs = Vec::new();
            let source = self.one(name, schema, &mut needs);
            sources.entry(module(name)).or_default().insert(name, source);
            wanted.extend(needs.into_iter().filter(|need| seen.insert(*need)));
        }
        let sources: Vec<_> = sources.into_iter().collect();
        parallel::map(&sources, |(module, types)| file(module, types)).into_iter().collect()
    }

    fn unknown(&self, kind: &BuiltinKind) -> GenerateError {
        let near = |other: &&BuiltinKind| other.kind.eq_ignore_ascii_case(&kind.kind);
        let same = |other: &&BuiltinKind| (&other.group, &other.version) == (&kind.group, &kind.version);
        let mut there: Vec<String> = self.kinds().filter(near).map(ToString::to_string).collect();
        if there.is_empty() {
            there = self.kinds().filter(same).map(ToString::to_string).collect();
        }
        if there.is_empty() {
            let versions: BTreeSet<String> = self
                .kinds()
                .map(|kind| kind.to_string().trim_end_matches(&kind.kind).trim_end_matches('/').to_owned())
                .collect();
            there = versions.into_iter().collect();
        }
        GenerateError::Unknown { kind: kind.to_string(), there: there.join(", ") }
    }

    /// The source of a type. What it needs besides goes into `needs`.
    fn one<'a>(&'a self, name: &str, schema: &'a Map<String, Value>, needs: &mut Vec<&'a str>) -> String {
        let kind = self.kinds.iter().find(|(_, schema)| *schema == name).map(|(kind, _)| kind);
        let mut used = BTreeSet::new();
        let mut fields = Vec::new();
        for (property, node) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            // The root says by itself what it is.
            if kind.is_some() && ["apiVersion", "kind"].contains(&property.as_str()) {
                continue;
            }
            let ident = names::unique(&mut used, &names::field(property), "_");
            let ty = self.ty(node, needs);
            fields.push(Field::part(&ident, property, &ty.rust, ty.item.as_deref()));
        }
        let (of, part) = (whole(name), apply::name(short(name)));
        match kind {
            None => apply::structure(&of, &part, &fields),
            Some(kind) => apply::root(&of, &part, &fields) + &resource(kind, &of, &part, &entries(&fields, true)),
        }
    }

    fn ty<'a>(&'a self, node: &'a Value, needs: &mut Vec<&'a str>) -> Ty {
        if let Some(name) = reference(node) {
            if self.is_whole(name) {
                return Ty::plain(&whole(name));
            }
            needs.push(name);
            return Ty::plain(&format!("super::{}::{}", module(name), apply::name(short(name))));
        }
        let format = node["format"].as_str().unwrap_or_default();
        match node["type"].as_str().unwrap_or_default() {
            "string" if format == "byte" => Ty::plain("k8s_openapi::ByteString"),
            "string" => Ty::plain("String"),
            "integer" if format == "int64" => Ty::plain("i64"),
            "integer" => Ty::plain("i32"),
            "number" => Ty::plain("f64"),
            "boolean" => Ty::plain("bool"),
            "array" => {
                let item = self.ty(&node["items"], needs).rust;
                Ty { rust: format!("Vec<{item}>"), item: Some(item) }
            }
            "object" if node["additionalProperties"].is_object() => {
                let value = self.ty(&node["additionalProperties"], needs).rust;
                Ty::plain(&format!("std::collections::BTreeMap<String, {value}>"))
            }
            _ => Ty::plain("serde_json::Value"),
        }
    }

    /// Whether a type is taken from `k8s-openapi` as it is.
    fn is_whole(&self, name: &str) -> bool {
        let has_fields = |schema: &Map<String, Value>| {
            schema.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty())
        };
        name == METADATA || !self.schemas.get(name).is_some_and(has_fields) || self.contains_itself(name)
    }

    fn contains_itself(&self, name: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = vec![name];
        while let Some(at) = next.pop() {
            let mut inner = Vec::new();
            if let Some(schema) = self.schemas.get(at) {
                schema.values().for_each(|node| references(node, &mut inner));
            }
            if inner.contains(&name) {
                return true;
            }
            next.extend(inner.into_iter().filter(|inner| seen.insert(*inner)));
        }
        false
    }
}

/// The `mod.rs` for a folder of these files.
#[must_use]
pub fn builtin_module_file(files: &[File]) -> String {
    let mut text = String::from(
        "//! Parts of kinds of Kubernetes, for server-side apply. Written by `kubewright types`: run it again, don't change this.\n\n",
    );
    for file in files {
        let module = file.name.trim_end_matches(".rs");
        text += &format!("/// Of `{}`.\n#[rustfmt::skip]\n", file.definition);
        text += "#[allow(clippy::all, clippy::pedantic, rustdoc::all, dead_code, unreachable_pub)]\n";
        text += &format!("pub mod {module};\n");
    }
    text
}

/// A Rust type, and that of its items if it is a list.
struct Ty {
    rust: String,
    item: Option<String>,
}

impl Ty {
    fn plain(rust: &str) -> Self {
        Self { rust: rust.into(), item: None }
    }
}

fn file(module: &str, types: &BTreeMap<&str, String>) -> Result<File, GenerateError> {
    let version = module.replacen('_', "/", 1).replacen("core/", "", 1);
    let body: String = types.values().map(String::as_str).collect();
    let roots = body.contains("pub metadata: ObjectMeta");
    let metadata = if roots { "use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;\n" } else { "" };
    // No comment for the module: the file may be included into one, as examples in documents do.
    let source = format!("{metadata}use serde::{{Deserialize, Serialize}};\n\n{body}");
    let parsed = syn::parse_file(&source).map_err(|error| GenerateError::Unsound {
        origin: "the OpenAPI documents".into(),
        name: version.clone(),
        cause: error.to_string(),
    })?;
    let head = format!(
        "// Parts of `{version}`. Written by `kubewright types --builtin`: run it again, don't change this.\n\n"
    );
    Ok(File { name: format!("{module}.rs"), text: head + &prettyplease::unparse(&parsed), definition: version })
}

/// What makes a root a resource that is written with its version and kind.
fn resource(kind: &BuiltinKind, of: &str, part: &str, entries: &str) -> String {
    let separator = if kind.group.is_empty() { "" } else { "/" };
    let api_version = format!("{}{separator}{}", kind.group, kind.version);
    let kind = &kind.kind;
    format!(
        "impl Serialize for {part} {{
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry(\"apiVersion\", {api_version:?})?;
                map.serialize_entry(\"kind\", {kind:?})?;
                {entries}
                map.end()
            }}
        }}
        impl kube::Resource for {part} {{
            type DynamicType = ();
            type Scope = <{of} as kube::Resource>::Scope;
            fn kind(_: &()) -> std::borrow::Cow<'_, str> {{ {kind:?}.into() }}
            fn group(_: &()) -> std::borrow::Cow<'_, str> {{ <{of} as kube::Resource>::group(&()) }}
            fn version(_: &()) -> std::borrow::Cow<'_, str> {{ <{of} as kube::Resource>::version(&()) }}
            fn plural(_: &()) -> std::borrow::Cow<'_, str> {{ <{of} as kube::Resource>::plural(&()) }}
            fn meta(&self) -> &ObjectMeta {{ &self.metadata }}
            fn meta_mut(&mut self) -> &mut ObjectMeta {{ &mut self.metadata }}
        }}\n"
    )
}

/// The kinds of which objects are patched by one of the document's paths.
fn patched(document: &Value) -> Vec<BuiltinKind> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let objects = paths.filter(|(path, _)| path.ends_with("/{name}"));
    objects.filter_map(|(_, operations)| named(&operations["patch"]["x-kubernetes-group-version-kind"])).collect()
}

fn named(kind: &Value) -> Option<BuiltinKind> {
    let part = |name: &str| kind[name].as_str().map(str::to_owned);
    Some(BuiltinKind { group: part("group")?, version: part("version")?, kind: part("kind")? })
}

/// The schema that a node is an instance of.
fn reference(node: &Value) -> Option<&str> {
    fn of(node: &Value) -> Option<&str> {
        node["$ref"].as_str()?.strip_prefix(REFERENCE)
    }
    // Beside a default or a description it stands in a list of one.
    of(node).or_else(|| of(node["allOf"].get(0)?))
}

/// The schemas that a node refers to, however deep.
fn references<'a>(node: &'a Value, found: &mut Vec<&'a str>) {
    found.extend(reference(node));
    match node {
        Value::Object(members) => members.values().for_each(|node| references(node, found)),
        Value::Array(items) => items.iter().for_each(|node| references(node, found)),
        _ => {}
    }
}

/// `io.k8s.api.apps.v1.Deployment` → `apps_v1`.
fn module(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let of = |back: usize| parts.len().checked_sub(back).and_then(|at| parts.get(at)).copied().unwrap_or_default();
    names::field(&format!("{}_{}", of(3), of(2)))
}

/// `io.k8s.api.apps.v1.Deployment` → `Deployment`.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// `io.k8s.api.apps.v1.Deployment` → `k8s_openapi::api::apps::v1::Deployment`.
fn whole(name: &str) -> String {
    let path = name.strip_prefix("io.k8s.").unwrap_or(name);
    format!("k8s_openapi::{}", path.replace('-', "_").replace('.', "::"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn documents() -> Vec<Value> {
        let kind = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
        let metadata = json!({"allOf": [{"$ref": format!("{REFERENCE}{METADATA}")}]});
        vec![json!({
            "paths": {
                "/apis/apps/v1/namespaces/{namespace}/sets/{name}": {"patch": {"x-kubernetes-group-version-kind": kind("apps", "v1", "Set")}},
                "/apis/apps/v1/namespaces/{namespace}/sets/{name}/scale": {"patch": {"x-kubernetes-group-version-kind": kind("apps", "v1", "Scale")}},
            },
            "components": {"schemas": {
                "io.k8s.api.apps.v1.Set": {
                    "type": "object", "x-kubernetes-group-version-kind": [kind("apps", "v1", "Set")],
                    "properties": {
                        "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": metadata,
                        "clusterIPs": {"type": "array", "items": {"type": "string"}},
                        "tree": {"$ref": format!("{REFERENCE}io.k8s.api.core.v1.Tree")},
                        "part": {"$ref": format!("{REFERENCE}io.k8s.api.core.v1.Part")},
                        "limits": {"type": "object", "additionalProperties": {"$ref": format!("{REFERENCE}io.k8s.apimachinery.pkg.api.resource.Quantity")}},
                    },
                },
                "io.k8s.api.apps.v1.Scale": {"type": "object", "properties": {"metadata": metadata}, "x-kubernetes-group-version-kind": [kind("apps", "v1", "Scale")]},
                "io.k8s.api.core.v1.Part": {"type": "object", "properties": {"kind": {"type": "string"}, "weight": {"type": "integer", "format": "int64"}}},
                "io.k8s.api.core.v1.Tree": {"type": "object", "properties": {"inner": {"type": "array", "items": {"$ref": format!("{REFERENCE}io.k8s.api.core.v1.Tree")}}}},
                "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"},
                METADATA: {"type": "object", "properties": {"name": {"type": "string"}}},
            }},
        })]
    }

    #[test]
    fn kinds_are_those_whose_objects_can_be_patched() {
        let kinds = BuiltinKinds::read(&documents());
        let names: Vec<String> = kinds.kinds().map(ToString::to_string).collect();
        assert_eq!(names, ["apps/v1/Set"]);
    }

    #[test]
    fn a_file_for_each_version_has_what_the_kinds_consist_of() {
        let kinds = BuiltinKinds::read(&documents());
        let files = kinds.generate(&["apps/v1/Set".parse().unwrap()]).unwrap();
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["apps_v1.rs", "core_v1.rs"]);
        let (set, part) = (&files[0].text, &files[1].text);
        for expected in [
            "#[serde(rename = \"clusterIPs\", default, skip_serializing_if = \"Option::is_none\")]",
            "pub cluster_ips: Option<Vec<String>>",
            "pub tree: Option<k8s_openapi::api::core::v1::Tree>",
            "pub part: Option<super::core_v1::PartApplyConfiguration>",
            "k8s_openapi::apimachinery::pkg::api::resource::Quantity",
            "map.serialize_entry(\"apiVersion\", \"apps/v1\")?;",
        ] {
            assert!(set.contains(expected), "{expected} is not in {set}");
        }
        assert!(!set.contains("pub api_version"), "{set}");
        assert!(part.contains("pub weight: Option<i64>") && part.contains("pub kind: Option<String>"), "{part}");
        assert!(builtin_module_file(&files).contains("pub mod core_v1;"));
    }

    #[test]
    fn what_is_no_kind_is_told_with_what_there_is() {
        let kinds = BuiltinKinds::read(&documents());
        let told = |text: &str| kinds.generate(&[text.parse().unwrap()]).unwrap_err().to_string();
        assert!(told("batch/v1/set").contains("apps/v1/Set"), "{}", told("batch/v1/set"));
        assert!(told("batch/v1/Job").contains("apps/v1"));
        for text in ["Deployment", "a/b/c/d", "/", "v1/"] {
            let error = text.parse::<BuiltinKind>().unwrap_err().to_string();
            assert!(error.contains("apps/v1/Deployment"), "{error}");
        }
    }
}
