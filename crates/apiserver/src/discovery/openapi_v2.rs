//! `/openapi/v2`: one document of all that is served, for clients that are older than v3 or take no other.
//!
//! It is derived from the documents of v3 when it is first asked for. The built-in part is made once in a process; what
//! custom resources add is put into a copy of it, for each snapshot of what is served.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{custom_document, groups};
use crate::crd::Definition;
use crate::http::accept;
use crate::http::protobuf_openapi;
use crate::patch::merge_patch;
use crate::schema::BuiltinSchemas;
use crate::schema::bundle::hash;
use crate::schema::openapi_v2::{Paths, Served, definition};

const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// What clients may call the forms, and what they are then called in the answer. The second is how clients of old name the
/// third.
const FORMS: [(&str, &str); 3] = [
    ("json", super::JSON),
    ("com.github.proto-openapi.spec.v2@v1.0+protobuf", PROTOBUF),
    ("com.github.proto-openapi.spec.v2.v1.0+protobuf", PROTOBUF),
];

/// The media type that an `Accept` header asks for. None: nothing that it accepts can be made (406).
pub(super) fn media_type(header: &str) -> Option<&'static str> {
    if header.is_empty() {
        return Some(super::JSON);
    }
    accept::clauses(header).iter().find_map(|clause| {
        let (kind, form) = if clause.media_type == "*" { ("*", "*") } else { clause.media_type.split_once('/')? };
        let fits = |name: &str| matches!(kind, "application" | "*") && (form == name || form == "*");
        FORMS.iter().find(|(name, _)| fits(name)).map(|(_, media_type)| *media_type)
    })
}

/// The document in both forms.
#[derive(Debug, Clone)]
pub(super) struct Document {
    json: Bytes,
    packed: Bytes,
    /// Of both forms, which `Vary` tells apart.
    pub(super) etag: String,
    /// Where further definitions have their place in the JSON. That of paths is before its last two bytes.
    definitions_end: usize,
}

impl Document {
    /// What is served with these definitions.
    pub(super) fn new(definitions: &[Definition]) -> Self {
        let builtin = Self::builtin();
        let groups = groups::custom_groups(definitions);
        if groups.is_empty() {
            return builtin.clone();
        }
        let (mut paths, mut schemas) = (Map::new(), Map::new());
        let derive = Paths::new(&facts());
        for group in &groups {
            for version in &group.versions {
                let (items, types) = custom_document::openapi_v2_parts(group.name, version);
                paths.extend(items.into_iter().map(|(path, item)| (path, derive.item(&item, Served::Custom))));
                schemas.extend(types.into_iter().map(|(name, schema)| (name, definition(&schema))));
            }
        }
        builtin.with(Value::Object(paths), Value::Object(schemas))
    }

    /// The body in a form that [`media_type`] gives.
    pub(super) fn body(&self, media_type: &str) -> Bytes {
        if media_type == PROTOBUF { self.packed.clone() } else { self.json.clone() }
    }

    fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Document> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let schemas = BuiltinSchemas::get();
            let mut facts = facts();
            let derive = Paths::new(&facts);
            let mut patch = |part: &str| match facts["patch"][part].take() {
                Value::Object(patch) => patch,
                _ => Map::new(),
            };
            let (mut types_patch, mut paths_patch) = (patch("definitions"), patch("paths"));
            let types = schemas.openapi_schemas().into_iter();
            let types = types.map(|(name, schema)| (name, definition(&schema)));
            let mut definitions = patched(types, &mut types_patch);
            definitions.extend(types_patch);

            let head = facts["document"].take();
            let definitions = Value::Object(definitions);
            let mut json = format!("{{{},\"definitions\":{{{}", members(&head), members(&definitions));
            let definitions_end = json.len();
            let mut packed = protobuf_openapi::document(&head);
            packed.extend(part("definitions", definitions));
            let mut all_paths = Vec::new();
            let mut add = |paths: Map<String, Value>| {
                let paths = Value::Object(paths);
                all_paths.push(members(&paths));
                packed.extend(part("paths", paths));
            };
            // One document after the other, as all of them are large.
            for key in schemas.document_keys() {
                let items = schemas.entry(&format!("openapi/{key}/paths")).unwrap_or_default();
                let items = items.as_object().into_iter().flatten();
                let items = items.map(|(path, item)| (path.clone(), derive.item(item, Served::Builtin)));
                add(patched(items, &mut paths_patch));
            }
            add(paths_patch);
            all_paths.retain(|paths| !paths.is_empty());
            json += &format!("}},\"paths\":{{{}}}}}", all_paths.join(","));
            Self { etag: quoted(json.as_bytes()), packed: packed.into(), json: json.into(), definitions_end }
        })
    }

    /// The document with more paths and definitions.
    fn with(&self, paths: Value, definitions: Value) -> Self {
        let (head, rest) = self.json.split_at(self.definitions_end);
        let (middle, end) = rest.split_at(rest.len() - 2);
        // The built-in members come before.
        let (more_definitions, more_paths) = (members(&definitions), members(&paths));
        let json = [head, b",", more_definitions.as_bytes(), middle, b",", more_paths.as_bytes(), end].concat();
        let packed = [&self.packed[..], &part("definitions", definitions), &part("paths", paths)].concat();
        Self { etag: quoted(&json), packed: packed.into(), json: json.into(), ..self.clone() }
    }
}

/// What v3 does not tell.
fn facts() -> Value {
    BuiltinSchemas::get().entry("openapi/v2").unwrap_or_default()
}

/// Members, those that `patch` names as it changes them; what remains in it are members that are not among them.
fn patched(members: impl Iterator<Item = (String, Value)>, patch: &mut Map<String, Value>) -> Map<String, Value> {
    let changed = members.filter_map(|(name, value)| match patch.remove(&name) {
        None => Some((name, value)),
        // What it has no object for is not there in v2.
        Some(change) => merge_patch(&value, &change).ok().map(|value| (name, value)),
    });
    changed.collect()
}

/// The text of an object without its braces.
fn members(object: &Value) -> String {
    let mut text = object.to_string();
    text.pop();
    text.split_off(1)
}

/// A part of the document in protobuf.
fn part(name: &str, members: Value) -> Vec<u8> {
    protobuf_openapi::document(&Value::Object(Map::from_iter([(name.to_owned(), members)])))
}

fn quoted(body: &[u8]) -> String {
    format!("\"{}\"", hash(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_picks_the_form() {
        let old = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
        for (header, expected) in [
            ("", Some(super::super::JSON)),
            ("*/*", Some(super::super::JSON)),
            ("*", Some(super::super::JSON)),
            ("application/*", Some(super::super::JSON)),
            ("application/json, */*", Some(super::super::JSON)),
            (PROTOBUF, Some(PROTOBUF)),
            (old, Some(PROTOBUF)),
            ("*/*, application/com.github.proto-openapi.spec.v2@v1.0+protobuf", Some(PROTOBUF)),
            ("application/json;q=0.5,application/com.github.proto-openapi.spec.v2@v1.0+protobuf", Some(PROTOBUF)),
            ("application/yaml", None),
            ("application", None),
            ("text/*", None),
        ] {
            assert_eq!(media_type(header), expected, "{header}");
        }
    }
}
