//! `FieldsV1`: a field set as it stands in `managedFields`.
//!
//! A member is `"<element>": {}`; one that has members below it as well holds `".": {}`. Elements are written `f:name`,
//! `k:{"key":"value"}`, `v:"value"` and `i:0`. Source: KEP-555.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::path::PathElement;
use super::set::{FieldSet, SetNode};
use crate::go_text::go_json;

/// Why a value is not a field set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsV1Error {
    /// Not an object (or null).
    #[error("fields must be an object, found {0}")]
    NotAnObject(String),
    /// A key that is no path element.
    #[error("{0:?} is no path element: expected f:<name>, k:<keys>, v:<value> or i:<index>")]
    NotAnElement(String),
}

impl FieldSet {
    /// Reads `fieldsV1`. Elements of unknown kinds are left out, as the real server does.
    pub fn from_fields_v1(fields: &Value) -> Result<FieldSet, FieldsV1Error> {
        Ok(read(fields)?.0)
    }

    /// The set as `fieldsV1`.
    pub fn to_fields_v1(&self) -> Value {
        Value::Object(self.to_map(false))
    }

    fn to_map(&self, is_member: bool) -> Map<String, Value> {
        let mut out = Map::new();
        if is_member && !self.is_empty() {
            out.insert(".".into(), Value::Object(Map::new()));
        }
        for node in &self.nodes {
            out.insert(element_text(&node.element), Value::Object(node.children.to_map(node.member)));
        }
        out
    }
}

/// Writes the members in the order of the set, which is the order of the real server's text. A [`Value`] can't keep it:
/// there the keys of one list are ordered as text (`443` before `80`).
impl Serialize for FieldSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Level { set: self, is_member: false }.serialize(serializer)
    }
}

struct Level<'a> {
    set: &'a FieldSet,
    is_member: bool,
}

impl Serialize for Level<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.is_member && !self.set.is_empty() {
            map.serialize_entry(".", &Map::new())?;
        }
        for node in &self.set.nodes {
            map.serialize_entry(&element_text(&node.element), &Level { set: &node.children, is_member: node.member })?;
        }
        map.end()
    }
}

/// The set below a key, and whether the key is a member itself.
fn read(fields: &Value) -> Result<(FieldSet, bool), FieldsV1Error> {
    let members = match fields {
        Value::Object(members) => members,
        Value::Null => return Ok((FieldSet::default(), true)),
        other => return Err(FieldsV1Error::NotAnObject(other.to_string())),
    };
    let mut set = FieldSet::default();
    let mut is_member = false;
    for (key, below) in members {
        if key == "." {
            is_member = true;
        } else if let Some(element) = read_element(key)? {
            let (children, member) = read(below)?;
            set.push(SetNode { element, member, children });
        }
    }
    is_member |= set.is_empty();
    Ok((set, is_member))
}

/// `None`: an element of a kind that we don't know.
fn read_element(text: &str) -> Result<Option<PathElement>, FieldsV1Error> {
    let refuse = || FieldsV1Error::NotAnElement(text.into());
    let (kind, rest) = text.split_once(':').ok_or_else(refuse)?;
    Ok(match kind {
        "f" => Some(PathElement::Field(SmolStr::new(rest))),
        "v" => Some(PathElement::Value(serde_json::from_str(rest).map_err(|_| refuse())?)),
        "k" => {
            let fields: Map<String, Value> = serde_json::from_str(rest).map_err(|_| refuse())?;
            Some(PathElement::Key(fields.into_iter().map(|(name, value)| (SmolStr::new(name), value)).collect()))
        }
        "i" => Some(PathElement::Index(rest.parse().map_err(|_| refuse())?)),
        _ if kind.len() == 1 => None,
        _ => return Err(refuse()),
    })
}

fn element_text(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => {
            let mut out = String::with_capacity(name.len() + 2);
            out.push_str("f:");
            out.push_str(name);
            out
        }
        PathElement::Key(fields) => {
            let mut out = String::from("k:{");
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&go_json(&Value::String(name.to_string())));
                out.push(':');
                out.push_str(&go_json(value));
            }
            out.push('}');
            out
        }
        PathElement::Value(value) => {
            let mut out = String::from("v:");
            out.push_str(&go_json(value));
            out
        }
        PathElement::Index(index) => format!("i:{index}"),
    }
}
