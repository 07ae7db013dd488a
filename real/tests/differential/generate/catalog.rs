//! The kinds that calls are made for: paths, valid objects, schemas.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What calls are generated from.
pub(crate) struct Catalog {
    pub(crate) entries: Vec<Entry>,
    /// The definitions that both servers get before the first case.
    pub(crate) definitions: Vec<Value>,
    /// Schemas of the built-in kinds by name, out of the OpenAPI documents.
    components: Map<String, Value>,
}

/// A kind in one version; see catalog.yaml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) kind: String,
    name: Option<String>,
    #[serde(default)]
    pub(crate) fixed: Vec<String>,
    #[serde(default)]
    pub(crate) whole: bool,
    #[serde(default = "usual_weight")]
    pub(crate) weight: usize,
    pub(crate) objects: Vec<Value>,
    /// The schema of the whole object.
    #[serde(skip)]
    pub(crate) schema: Value,
    #[serde(skip)]
    pub(crate) subresources: Vec<String>,
    /// Whether strategic merge patches are taken.
    #[serde(skip)]
    pub(crate) built_in: bool,
}

fn usual_weight() -> usize {
    10
}

impl Catalog {
    /// The names of the OpenAPI documents that [`Catalog::new`] asks for, as `apis/apps/v1`.
    pub(crate) fn documents() -> Vec<String> {
        let mut names: Vec<String> = entries().iter().map(Entry::group_version).collect();
        names.sort();
        names.dedup();
        names.retain(|name| !name.contains("example.com"));
        names
    }

    /// The catalogue with the schemas of these OpenAPI documents.
    pub(crate) fn new(documents: &BTreeMap<String, Value>) -> Self {
        let definitions: Vec<Value> =
            serde_saphyr::from_str(include_str!("definitions.yaml")).expect("definitions.yaml is well-formed");
        let mut components = Map::new();
        for document in documents.values() {
            let schemas = document["components"]["schemas"].as_object().expect("a document has schemas");
            components.extend(schemas.iter().map(|(name, schema)| (name.clone(), schema.clone())));
        }
        let mut entries = entries();
        for entry in &mut entries {
            let group_version = entry.group_version();
            match documents.get(&group_version) {
                Some(document) => entry.built_in(document),
                None => entry.custom(&definitions),
            }
        }
        Self { entries, definitions, components }
    }

    /// The schema that a reference, if it is one, leads to.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let reference = schema.get("$ref").or_else(|| schema.get("allOf")?.get(0)?.get("$ref"));
        let name = reference.and_then(Value::as_str).and_then(|text| text.rsplit('/').next());
        name.and_then(|name| self.components.get(name)).unwrap_or(schema)
    }

    /// The entries for the same kind: itself and its other versions.
    pub(crate) fn siblings(&self, entry: &Entry) -> Vec<&Entry> {
        let resource = |entry: &Entry| {
            let group = entry.api_version().split_once('/').map(|(group, _)| group.to_owned());
            (group, entry.path.rsplit('/').next().map(str::to_owned))
        };
        self.entries.iter().filter(|other| resource(other) == resource(entry)).collect()
    }
}

fn entries() -> Vec<Entry> {
    serde_saphyr::from_str(include_str!("catalog.yaml")).expect("catalog.yaml is well-formed")
}

impl Entry {
    /// As `apis/apps/v1`.
    fn group_version(&self) -> String {
        let parts: Vec<&str> = self.path.trim_start_matches('/').split('/').collect();
        parts[..if parts[0] == "api" { 2 } else { 3 }].join("/")
    }

    pub(crate) fn api_version(&self) -> String {
        self.group_version().trim_start_matches("apis/").trim_start_matches("api/").to_owned()
    }

    pub(crate) fn namespaced(&self) -> bool {
        self.path.contains("$ns")
    }

    /// How the object that the case calls `name` is called.
    pub(crate) fn object_name(&self, name: &str) -> String {
        let pattern = self.name.as_deref().unwrap_or(if self.namespaced() { "$name" } else { "$ns-$name" });
        pattern.replace("$name", name)
    }

    /// One of the valid objects, complete but for its name. It has a label that tells it from those of other cases.
    pub(crate) fn object(&self, index: usize, name: &str) -> Value {
        let text = self.objects[index].to_string().replace("$name", name);
        let mut object: Value = serde_json::from_str(&text).expect("a name breaks no JSON");
        object["apiVersion"] = self.api_version().into();
        object["kind"] = self.kind.as_str().into();
        object["metadata"]["labels"]["case"] = "$ns".into();
        object
    }

    fn built_in(&mut self, document: &Value) {
        self.built_in = true;
        let (group, version) = match self.api_version().split_once('/') {
            Some((group, version)) => (group.to_owned(), version.to_owned()),
            None => (String::new(), self.api_version()),
        };
        let wanted = json!({"group": group, "version": version, "kind": self.kind});
        let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
        self.schema = schemas
            .filter(|(_, schema)| schema["x-kubernetes-group-version-kind"][0] == wanted)
            .map(|(_, schema)| schema.clone())
            .next()
            .unwrap_or_else(|| panic!("{}: OpenAPI has no schema for it", self.path));
        let of_one = format!("{}/{{name}}/", self.path.replace("$ns", "{namespace}"));
        let paths = document["paths"].as_object().into_iter().flatten();
        self.subresources = paths.filter_map(|(path, _)| path.strip_prefix(&of_one)).map(str::to_owned).collect();
    }

    fn custom(&mut self, definitions: &[Value]) {
        let resource = self.path.rsplit('/').next().unwrap_or_default();
        let api_version = self.api_version();
        let name = format!("{resource}.{}", api_version.split('/').next().unwrap_or_default());
        let definition = definitions.iter().find(|definition| definition["metadata"]["name"] == name.as_str());
        let version = definition.and_then(|definition| {
            let versions = definition["spec"]["versions"].as_array()?;
            versions.iter().find(|version| api_version.split('/').nth(1) == version["name"].as_str())
        });
        let version = version.unwrap_or_else(|| panic!("{}: there is no definition for it", self.path));
        self.schema = version["schema"]["openAPIV3Schema"].clone();
        self.subresources = version["subresources"].as_object().into_iter().flatten().map(|(n, _)| n.clone()).collect();
    }
}
