//! The schema as the field manager sees it: what form a value takes, what is merged and what is a leaf.
//!
//! Values without a type (`x-kubernetes-preserve-unknown-fields`, `JSON`) are deduced: their maps have an owner for each
//! key, their lists are leaves. `RawExtension` is a leaf whatever it holds.

use serde_json::Value;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::path::{PathElement, compare_values};
use crate::schema::{ListType, MapType, Node, NodeId, NodeKind, SchemaSet, TypeRef};

/// A type.
#[derive(Clone, Copy)]
pub(super) enum Ty<'a> {
    /// One of the schema.
    Node {
        set: &'a SchemaSet,
        node: &'a Node,
        /// An inlined parent keeps unknown fields.
        preserve: bool,
    },
    /// Unknown; maps are granular.
    Deduced,
    /// Unknown; maps are leaves too.
    Opaque,
}

/// The three forms of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Map,
    List,
    Scalar,
}

/// How a list is merged.
#[derive(Clone, Copy)]
pub(super) enum Entries<'a> {
    Atomic,
    Set,
    Keyed(&'a [Box<str>]),
}

impl<'a> Ty<'a> {
    pub(super) fn of(ty: &'a TypeRef) -> Self {
        Self::child(ty.set(), ty.id(), false)
    }

    fn child(set: &'a SchemaSet, id: NodeId, inherited: bool) -> Self {
        let node = set.node(id);
        // A named type stands for itself, wherever it is used.
        let preserve = node.preserve_unknown || (inherited && node.type_name.is_none());
        match node.kind {
            NodeKind::Any | NodeKind::Object if is_raw_extension(node) => Self::Opaque,
            NodeKind::Any if node.map_type == MapType::Granular && is_bare(node) => Self::Deduced,
            NodeKind::Bare | NodeKind::ObjectOrAny | NodeKind::IntOrString => Self::Deduced,
            _ => Self::Node { set, node, preserve },
        }
    }

    /// The only form that values of this type have; `None`: any.
    fn only_form(self) -> Option<Form> {
        match self {
            Self::Deduced | Self::Opaque => None,
            Self::Node { node, .. } => match node.kind {
                NodeKind::Any | NodeKind::Bare | NodeKind::ObjectOrAny | NodeKind::IntOrString => None,
                NodeKind::Object | NodeKind::Map => Some(Form::Map),
                NodeKind::List => Some(Form::List),
                NodeKind::String
                | NodeKind::Bytes
                | NodeKind::Integer
                | NodeKind::Number
                | NodeKind::Boolean
                | NodeKind::Quantity
                | NodeKind::Time
                | NodeKind::MicroTime => Some(Form::Scalar),
            },
        }
    }

    /// The form in which a value is handled. A null without a type counts as a map.
    pub(super) fn form(self, value: &Value) -> Form {
        self.only_form().unwrap_or_else(|| form_of(value).unwrap_or(Form::Map))
    }

    /// The forms in which two values are compared: one, or two when the type allows any and they differ.
    pub(super) fn forms(self, left: Option<&Value>, right: Option<&Value>) -> (Form, Option<Form>) {
        if let Some(form) = self.only_form() {
            return (form, None);
        }
        match (left.map(form_of), right.map(form_of)) {
            (Some(left), Some(right)) if left != right => (left.unwrap_or(Form::Map), Some(right.unwrap_or(Form::Map))),
            (left, right) => (right.or(left).flatten().unwrap_or(Form::Map), None),
        }
    }

    /// Whether maps of this type are owned as a whole.
    pub(super) fn is_atomic_map(self) -> bool {
        match self {
            Self::Node { node, .. } => node.map_type == MapType::Atomic,
            Self::Deduced => false,
            Self::Opaque => true,
        }
    }

    /// How lists of this type are merged.
    pub(super) fn list(self) -> Entries<'a> {
        match self {
            Self::Node { node, .. } => match &node.list_type {
                ListType::Atomic => Entries::Atomic,
                ListType::Set => Entries::Set,
                ListType::Map(keys) => Entries::Keyed(keys),
            },
            Self::Deduced | Self::Opaque => Entries::Atomic,
        }
    }

    /// Whether the type names this field.
    pub(super) fn declares(self, name: &str) -> bool {
        matches!(self, Self::Node { node, .. } if node.property(name).is_some())
    }

    /// The type of a member; `None`: the type allows no such member.
    pub(super) fn member(self, name: &str) -> Option<Ty<'a>> {
        match self {
            Self::Node { set, node, preserve } => match node.property(name) {
                Some(field) => Some(Self::child(set, field.node, preserve)),
                None => self.other_members(),
            },
            Self::Deduced => Some(Self::Deduced),
            Self::Opaque => Some(Self::Opaque),
        }
    }

    /// The type of members that are not named.
    fn other_members(self) -> Option<Ty<'a>> {
        match self {
            Self::Node { set, node, preserve } => match node.additional {
                Some(id) => Some(Self::child(set, id, preserve)),
                None => (preserve || node.properties.is_empty()).then_some(Self::Deduced),
            },
            other => Some(other),
        }
    }

    /// The type of list entries.
    pub(super) fn entries(self) -> Option<Ty<'a>> {
        match self {
            Self::Node { set, node, preserve } => match (node.kind, node.items) {
                (NodeKind::List, Some(id)) => Some(Self::child(set, id, preserve)),
                (NodeKind::List | NodeKind::Any, None) => Some(Self::Opaque),
                _ => None,
            },
            Self::Deduced | Self::Opaque => Some(Self::Opaque),
        }
    }

    /// Scalar node kinds that check their values; `None`: any scalar.
    pub(super) fn scalar_kind(self) -> Option<NodeKind> {
        match self {
            Self::Node { node, .. } => match node.kind {
                // Strings with a format are not checked.
                NodeKind::String if node.format.is_some() => None,
                NodeKind::String | NodeKind::Bytes => Some(NodeKind::String),
                NodeKind::Integer | NodeKind::Number => Some(NodeKind::Number),
                NodeKind::Boolean => Some(NodeKind::Boolean),
                _ => None,
            },
            Self::Deduced | Self::Opaque => None,
        }
    }

    /// What tells an entry of a list of this type from the others.
    pub(super) fn identify<'v>(self, entry: &'v Value) -> Result<EntryKey<'v>, String>
    where
        'a: 'v,
    {
        match self.list() {
            Entries::Atomic => Err("invalid indexing of non-associative list".into()),
            Entries::Set => match entry {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".into()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".into()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
                scalar => Ok(EntryKey::Scalar(scalar)),
            },
            Entries::Keyed(keys) => {
                let members = match entry {
                    Value::Object(members) => members,
                    Value::Null => return Err("associative list with keys may not have a null element".into()),
                    _ => return Err("associative list with keys may not have non-map elements".into()),
                };
                let mut found = SmallVec::new();
                for key in keys {
                    if let Some(value) = members.get(&**key).or_else(|| self.key_default(key)) {
                        found.push((&**key, value));
                    }
                }
                if found.is_empty() && !keys.is_empty() {
                    let names: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
                    return Err(format!(
                        "associative list with keys has an element that omits all key fields [{}] \
                         (and doesn't have default values for any key fields)",
                        names.join(" ")
                    ));
                }
                found.sort_by_key(|(name, _)| *name);
                Ok(EntryKey::Fields(found))
            }
        }
    }

    fn key_default(self, key: &str) -> Option<&'a Value> {
        match self.entries()? {
            Self::Node { node, .. } => node.property(key)?.default.as_ref(),
            _ => None,
        }
    }
}

fn is_bare(node: &Node) -> bool {
    node.properties.is_empty() && node.additional.is_none()
}

fn is_raw_extension(node: &Node) -> bool {
    is_bare(node) && node.type_name.as_deref() == Some("io.k8s.apimachinery.pkg.runtime.RawExtension")
}

fn form_of(value: &Value) -> Option<Form> {
    match value {
        Value::Null => None,
        Value::Object(_) => Some(Form::Map),
        Value::Array(_) => Some(Form::List),
        _ => Some(Form::Scalar),
    }
}

/// The identity of a list entry, borrowed from the entry and the schema's defaults.
pub(super) enum EntryKey<'a> {
    Fields(SmallVec<[(&'a str, &'a Value); 2]>),
    Scalar(&'a Value),
}

impl EntryKey<'_> {
    pub(super) fn to_element(&self) -> PathElement {
        match self {
            Self::Fields(fields) => {
                PathElement::Key(fields.iter().map(|(name, value)| (SmolStr::new(name), (*value).clone())).collect())
            }
            Self::Scalar(value) => PathElement::Value((*value).clone()),
        }
    }
}

impl Ord for EntryKey<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Fields(a), Self::Fields(b)) => {
                for ((m, a), (n, b)) in a.iter().zip(b) {
                    let order = m.cmp(n).then_with(|| compare_values(a, b));
                    if order.is_ne() {
                        return order;
                    }
                }
                a.len().cmp(&b.len())
            }
            (Self::Scalar(a), Self::Scalar(b)) => compare_values(a, b),
            (Self::Fields(_), Self::Scalar(_)) => std::cmp::Ordering::Less,
            (Self::Scalar(_), Self::Fields(_)) => std::cmp::Ordering::Greater,
        }
    }
}

impl PartialOrd for EntryKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for EntryKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for EntryKey<'_> {}
