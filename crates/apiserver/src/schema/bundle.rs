//! The file that holds everything derived from a real server: schemas, discovery, print columns, default objects.
//!
//! Layout: 8 bytes magic `KWSCHEM1`, u32 little-endian length of the index, the index
//! (`{"version": …, "entries": {"<name>": [offset after the index, deflated length, inflated length]}}`), then one raw
//! deflate stream per entry. Each entry inflates on its own, so a server pays only for what is asked of it.
//!
//! | entry | what is inside: JSON, but for `types` |
//! |---|---|
//! | `types` | all types of all documents, compiled, with what is known of the Go structs behind them (`graph`) |
//! | `version` | the answer to `GET /version` |
//! | `openapi/<gv>/schemas` | `components.schemas` of the document; `<gv>` is its key in the index: `api/v1`, `apis/apps/v1` |
//! | `openapi/<gv>/paths` | `paths` |
//! | `openapi/<gv>/rest` | the document without both |
//! | `openapi/v2` | what OpenAPI v2 says that does not follow from v3 (`openapi_v2`) |
//! | `hashes` | `<gv>` → SHA-512 of the document as [`Bundle::document`] puts it together |
//! | `discovery/api`, `discovery/apis` | aggregated discovery (apidiscovery.k8s.io/v2) |
//! | `resources/<gv>` | plain `APIResourceList` |
//! | `columns` | `apps/v1/deployments` → column definitions of its Table |
//! | `objects/<plural>` | objects that a new server makes for itself |

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};

use super::go_types::GoTypes;
use super::graph;
use super::node::SchemaSet;
use super::openapi_v2;

/// First bytes of a bundle.
pub const MAGIC: &[u8; 8] = b"KWSCHEM1";

/// What [`encode`] packs; each value as the server answered it.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// `GET /version`.
    pub version: Value,
    /// Each document of `GET /openapi/v3` by its key there (`api/v1`).
    pub openapi: BTreeMap<String, Value>,
    /// `GET /openapi/v2`.
    pub openapi_v2: Value,
    /// `GET /api` as `APIGroupDiscoveryList` v2.
    pub discovery_api: Value,
    /// `GET /apis` as `APIGroupDiscoveryList` v2.
    pub discovery_apis: Value,
    /// `APIResourceList` by `api/v1` or `apis/<group>/<version>`.
    pub resources: BTreeMap<String, Value>,
    /// `apps/v1/deployments` → column definitions.
    pub columns: Value,
    /// Default objects by plural resource name.
    pub objects: BTreeMap<String, Value>,
    /// Type name → field → `[Go type, omit, via, number]`, from `real/go/types`.
    pub go_types: Value,
}

/// Packs `source`. Descriptions are left out; the same source gives the same bytes.
///
/// # Errors
/// When a schema refers to a type that no document holds, or `go_types` is not in its form.
pub fn encode(source: &Source) -> std::io::Result<Vec<u8>> {
    let mut entries = BTreeMap::new();
    let mut hashes = Map::new();
    let mut types = Map::new();
    let mut all_paths = Map::new();
    entries.insert("version".to_owned(), source.version.clone());
    for (gv, document) in &source.openapi {
        let mut rest = without_descriptions(document);
        let paths = rest.as_object_mut().and_then(|d| d.remove("paths")).unwrap_or_else(|| json!({}));
        all_paths.extend(paths.as_object().cloned().unwrap_or_default());
        let components = rest.as_object_mut().and_then(|d| d.get_mut("components")).and_then(Value::as_object_mut);
        let schemas = components.and_then(|c| c.remove("schemas")).unwrap_or_else(|| json!({}));
        add_types(&mut types, schemas.clone());
        let document = assemble(&rest, paths.to_string().as_bytes(), schemas.to_string().as_bytes());
        hashes.insert(gv.clone(), hash(&document).into());
        entries.insert(format!("openapi/{gv}/rest"), rest);
        entries.insert(format!("openapi/{gv}/paths"), paths);
        entries.insert(format!("openapi/{gv}/schemas"), schemas);
    }
    let openapi_v2 = openapi_v2::facts(&without_descriptions(&source.openapi_v2), &types, &all_paths);
    entries.insert("openapi/v2".into(), openapi_v2);
    entries.insert("hashes".into(), Value::Object(hashes));
    entries.insert("discovery/api".into(), source.discovery_api.clone());
    entries.insert("discovery/apis".into(), source.discovery_apis.clone());
    entries.insert("columns".into(), without_descriptions(&source.columns));
    entries.extend(source.resources.iter().map(|(gv, list)| (format!("resources/{gv}"), list.clone())));
    entries.extend(source.objects.iter().map(|(plural, list)| (format!("objects/{plural}"), list.clone())));

    let go_types = short(&source.go_types).to_string();
    let go_types = GoTypes::parse(go_types.as_bytes())?;
    let types = SchemaSet::from_openapi(&types, &go_types).map_err(std::io::Error::other)?;

    let mut texts = BTreeMap::from([("types", graph::encode(&types))]);
    for (name, value) in &entries {
        texts.insert(name, serde_json::to_vec(value)?);
    }
    let mut index = Map::new();
    let mut blobs = Vec::new();
    for (name, text) in texts {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&text)?;
        let blob = encoder.finish()?;
        index.insert(name.to_owned(), json!([blobs.len(), blob.len(), text.len()]));
        blobs.extend(blob);
    }
    let index = json!({"version": source.version["gitVersion"], "entries": index}).to_string();
    let mut out = MAGIC.to_vec();
    out.extend((index.len() as u32).to_le_bytes());
    out.extend(index.as_bytes());
    out.extend(blobs);
    Ok(out)
}

/// SHA-512 in upper-case hex, as the `hash` parameter of `/openapi/v3/…` has it.
pub fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha512::digest(bytes).iter().fold(String::with_capacity(128), |mut out, byte| {
        // Writing to a String can't fail.
        let _ = write!(out, "{byte:02X}");
        out
    })
}

/// Why a bundle can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not a bundle, or cut short.
    #[error("the schema bundle is damaged: {0}; make it again with `cargo xtask schemas`")]
    Damaged(String),
}

/// A bundle whose entries are inflated when they are asked for.
#[derive(Debug)]
pub struct Bundle<'a> {
    entries: BTreeMap<String, (usize, usize, usize)>,
    blobs: &'a [u8],
}

impl<'a> Bundle<'a> {
    /// Reads the index of `bytes`.
    ///
    /// # Errors
    /// When `bytes` is not a bundle.
    pub fn open(bytes: &'a [u8]) -> Result<Self, BundleError> {
        #[derive(serde::Deserialize)]
        struct Index {
            entries: BTreeMap<String, (usize, usize, usize)>,
        }
        let damaged = |why: &str| BundleError::Damaged(why.into());
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not start with KWSCHEM1"))?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("it ends before its index"))?;
        let length = u32::from_le_bytes(*length) as usize;
        let (index, blobs) = rest.split_at_checked(length).ok_or_else(|| damaged("it ends inside its index"))?;
        let index: Index = serde_json::from_slice(index).map_err(|e| damaged(&e.to_string()))?;
        Ok(Self { entries: index.entries, blobs })
    }

    /// Names of the entries, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Inflates an entry.
    ///
    /// # Errors
    /// When the entry is cut short or does not inflate to its length. `Ok(None)`: there is no such entry.
    pub fn entry(&self, name: &str) -> Result<Option<Vec<u8>>, BundleError> {
        let Some(&(offset, deflated, inflated)) = self.entries.get(name) else { return Ok(None) };
        let damaged = |why: String| BundleError::Damaged(format!("entry {name}: {why}"));
        let blob = offset.checked_add(deflated).and_then(|end| self.blobs.get(offset..end));
        let blob = blob.ok_or_else(|| damaged("it lies outside of the file".into()))?;
        let mut out = Vec::with_capacity(inflated);
        DeflateDecoder::new(blob).read_to_end(&mut out).map_err(|e| damaged(e.to_string()))?;
        if out.len() != inflated {
            return Err(damaged(format!("{} bytes where {inflated} were packed", out.len())));
        }
        Ok(Some(out))
    }

    /// Inflates and parses an entry.
    ///
    /// # Errors
    /// As [`Bundle::entry`], and when the entry is not JSON.
    pub fn json(&self, name: &str) -> Result<Option<Value>, BundleError> {
        let Some(bytes) = self.entry(name)? else { return Ok(None) };
        let damaged = |e: serde_json::Error| BundleError::Damaged(format!("entry {name}: {e}"));
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    /// Inflates and reads all types.
    ///
    /// # Errors
    /// As [`Bundle::entry`], and when there are none or they are not in their form.
    pub fn types(&self) -> Result<SchemaSet, BundleError> {
        let bytes = self.entry("types")?.unwrap_or_default();
        graph::decode(&bytes).ok_or_else(|| BundleError::Damaged("entry types: not in its form".into()))
    }

    /// The schemas of all OpenAPI v3 documents by their names.
    ///
    /// # Errors
    /// As [`Bundle::json`].
    pub fn schemas(&self) -> Result<Map<String, Value>, BundleError> {
        let mut out = Map::new();
        for name in self.names().filter(|name| name.starts_with("openapi/") && name.ends_with("/schemas")) {
            add_types(&mut out, self.json(name)?.unwrap_or_default());
        }
        Ok(out)
    }

    /// The OpenAPI v3 document of a group-version (`api/v1`), as it goes on the wire.
    ///
    /// # Errors
    /// As [`Bundle::entry`].
    pub fn document(&self, gv: &str) -> Result<Option<Vec<u8>>, BundleError> {
        let Some(rest) = self.json(&format!("openapi/{gv}/rest"))? else { return Ok(None) };
        let part = |name: &str| -> Result<Vec<u8>, BundleError> {
            Ok(self.entry(&format!("openapi/{gv}/{name}"))?.unwrap_or_else(|| b"{}".to_vec()))
        };
        Ok(Some(assemble(&rest, &part("paths")?, &part("schemas")?)))
    }
}

/// Puts a document together from `rest` and the text of the two large parts.
fn assemble(rest: &Value, paths: &[u8], schemas: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(paths.len() + schemas.len() + 512);
    out.push(b'{');
    for (key, value) in rest.as_object().into_iter().flatten().filter(|(key, _)| *key != "components") {
        out.extend(format!("{}:{value},", Value::from(key.as_str())).bytes());
    }
    out.extend(b"\"components\":{");
    for (key, value) in rest.get("components").and_then(Value::as_object).into_iter().flatten() {
        out.extend(format!("{}:{value},", Value::from(key.as_str())).bytes());
    }
    out.extend(b"\"schemas\":");
    out.extend(schemas);
    out.extend(b"},\"paths\":");
    out.extend(paths);
    out.push(b'}');
    out
}

/// Adds the types of a document. Documents agree on the types that they share, but for the kinds that a type serves.
fn add_types(types: &mut Map<String, Value>, schemas: Value) {
    const KINDS: &str = "x-kubernetes-group-version-kind";
    let Value::Object(schemas) = schemas else { return };
    for (name, schema) in schemas {
        let Some(known) = types.get_mut(&name) else {
            types.insert(name, schema);
            continue;
        };
        if let (Some(Value::Array(known)), Some(Value::Array(kinds))) = (known.get_mut(KINDS), schema.get(KINDS)) {
            kinds.iter().for_each(|kind| {
                if !known.contains(kind) {
                    known.push(kind.clone());
                }
            });
        }
    }
}

/// The facts without trailing empty parts.
fn short(go_types: &Value) -> Value {
    let mut out = go_types.clone();
    let fields = out.as_object_mut().into_iter().flat_map(Map::values_mut);
    let facts = fields.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for facts in facts.filter_map(Value::as_array_mut) {
        while facts.last().is_some_and(|last| last == "") {
            facts.pop();
        }
    }
    if out.is_object() { out } else { json!({}) }
}

/// A copy without `description` texts; a property that is called so stays.
fn without_descriptions(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, text)| *key != "description" || !text.is_string());
            kept.map(|(key, value)| (key.clone(), without_descriptions(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_descriptions).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        let document = json!({"openapi": "3.0.0", "paths": {"/a": {"description": "x"}}, "components": {
            "securitySchemes": {"b": {}},
            "schemas": {"g.A": {"description": "x", "properties": {"description": {"type": "string"}}}}}});
        Source {
            version: json!({"gitVersion": "v1.36.3"}),
            openapi: BTreeMap::from([("api/v1".to_owned(), document)]),
            go_types: json!({"g.A": {"description": ["string", "", ""]}, "g.B": {}}),
            ..Source::default()
        }
    }

    #[test]
    fn descriptions_go_but_a_property_of_that_name_stays() {
        let bytes = encode(&source()).unwrap();
        let bundle = Bundle::open(&bytes).unwrap();
        let schemas = bundle.json("openapi/api/v1/schemas").unwrap().unwrap();
        assert_eq!(schemas, json!({"g.A": {"properties": {"description": {"type": "string"}}}}));
        let types = bundle.types().unwrap();
        assert_eq!(types.node(types.names[0].1).properties.len(), 1);
    }

    #[test]
    fn a_document_is_put_together_again_and_matches_its_hash() {
        let bytes = encode(&source()).unwrap();
        let bundle = Bundle::open(&bytes).unwrap();
        let document = bundle.document("api/v1").unwrap().unwrap();
        let parsed: Value = serde_json::from_slice(&document).unwrap();
        assert_eq!(parsed["paths"], json!({"/a": {}}));
        assert_eq!(parsed["components"]["securitySchemes"], json!({"b": {}}));
        assert_eq!(bundle.json("hashes").unwrap().unwrap()["api/v1"], hash(&document).as_str());
        assert!(bundle.document("api/v2").unwrap().is_none());
    }

    #[test]
    fn a_type_serves_the_kinds_that_any_document_names() {
        let document = |kind: &str| {
            let schema = json!({"type": "object", "x-kubernetes-group-version-kind": [{"kind": kind}]});
            json!({"components": {"schemas": {"g.A": schema}}})
        };
        let openapi = [("api/v1", document("A")), ("apis/b/v1", document("B")), ("apis/c/v1", document("A"))];
        let openapi = openapi.map(|(key, document)| (key.to_owned(), document)).into();
        let bytes = encode(&Source { openapi, ..source() }).unwrap();
        let schemas = Bundle::open(&bytes).unwrap().schemas().unwrap();
        assert_eq!(schemas["g.A"]["x-kubernetes-group-version-kind"], json!([{"kind": "A"}, {"kind": "B"}]));
    }

    #[test]
    fn a_damaged_bundle_says_what_to_do() {
        let mut bytes = encode(&source()).unwrap();
        bytes.truncate(bytes.len() - 1);
        let bundle = Bundle::open(&bytes).unwrap();
        assert!(bundle.types().is_ok());
        let error = bundle.entry("version").unwrap_err().to_string();
        assert!(error.ends_with("make it again with `cargo xtask schemas`"), "{error}");
        assert!(Bundle::open(b"KWSCHEM1").is_err());
        assert!(Bundle::open(b"PK").is_err());
    }
}
