//! The nodes of the schema graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::constraints::Constraints;

/// Index of a node in its [`SchemaSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// All nodes of one source.
#[derive(Debug, Default)]
pub struct SchemaSet {
    /// The nodes; a [`NodeId`] is an index into it.
    pub nodes: Vec<Node>,
    /// Named types, sorted by name: `io.k8s.api.core.v1.Pod` → node.
    pub names: Vec<(Box<str>, NodeId)>,
    /// Kinds, sorted: (group, version, kind) → node.
    pub kinds: Vec<(Gvk, NodeId)>,
}

/// Group, version and kind; the core group is empty.
pub type Gvk = (Box<str>, Box<str>, Box<str>);

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeKind {
    /// Anything at all (`x-kubernetes-preserve-unknown-fields` without a type, `RawExtension`, `JSON`).
    #[default]
    Any,
    /// An object with named fields (`properties`); unknown ones are pruned unless `preserve_unknown`.
    Object,
    /// An object with free keys (`additional` is the type of the values).
    Map,
    /// A list (`items`).
    List,
    /// A string.
    String,
    /// A string that is base64 on the wire (`format: byte`).
    Bytes,
    /// An integer.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A string or an integer (`x-kubernetes-int-or-string`).
    IntOrString,
    /// A resource quantity: string or number on the wire, kept in canonical form.
    Quantity,
    /// An RFC 3339 time in seconds (`metav1.Time`).
    Time,
    /// An RFC 3339 time in microseconds (`metav1.MicroTime`).
    MicroTime,
    /// Any value, but objects in it lose all their fields (what `additionalProperties: true` means for values).
    Bare,
    /// An object of the type in [`Node::additional`], or any other value, kept as it is (`JSONSchemaPropsOrBool`).
    ObjectOrAny,
}

/// `x-kubernetes-list-type`; lists without one are atomic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ListType {
    /// Owned and replaced as a whole.
    #[default]
    Atomic,
    /// Scalars, each at most once.
    Set,
    /// Objects told apart by these fields.
    Map(Vec<Box<str>>),
}

/// `x-kubernetes-map-type`; maps and objects without one are granular.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MapType {
    /// Each field has its own owners.
    #[default]
    Granular,
    /// Owned and replaced as a whole.
    Atomic,
}

/// When a Go struct leaves a field out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Omit {
    /// Written always, with the zero value of its type where it was not given.
    #[default]
    Never,
    /// `omitempty`: left out when it is false, 0, an empty text, list or map, or no pointer. Structs are written always.
    Empty,
    /// `omitzero`: left out when it is the zero value, structs included.
    Zero,
}

/// How the Go struct behind a built-in type holds a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoField {
    /// The type as decode errors print it: `int32`, `[]v1.Container`, `map[string]string`; a pointer's target.
    pub type_text: Box<str>,
    /// It is held by pointer.
    pub pointer: bool,
    /// When it is left out.
    pub omit: Omit,
    /// The embedded struct that holds it (`VolumeSource`), empty for the struct itself.
    pub via: Box<str>,
    /// Its number in protobuf: `[2, 0, 0]`, or `[2, 4, 0]` for field 4 of an embedded struct that is field 2; zeros without
    /// protobuf.
    pub number: [u16; 3],
}

/// A named field of an object.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name on the wire.
    pub name: Box<str>,
    /// Its type.
    pub node: NodeId,
    /// `default`.
    pub default: Option<Value>,
    /// `x-kubernetes-patch-strategy` contains `merge`.
    pub patch_merge: bool,
    /// `x-kubernetes-patch-strategy` contains `replace`: a strategic merge patch puts its value in the place of the old one.
    pub patch_replace: bool,
    /// `x-kubernetes-patch-strategy` contains `retainKeys`.
    pub patch_retain_keys: bool,
    /// `x-kubernetes-patch-merge-key`.
    pub patch_merge_key: Option<Box<str>>,
    /// How Go holds it; absent in custom resources.
    pub go: Option<Box<GoField>>,
}

/// One type.
#[derive(Debug, Default, Clone)]
pub struct Node {
    /// What a value may be.
    pub kind: NodeKind,
    /// Go type name where known (`io.k8s.api.core.v1.Container`), for messages.
    pub type_name: Option<Arc<str>>,
    /// Fields of an [`NodeKind::Object`], sorted by name.
    pub properties: Vec<Field>,
    /// Names of required fields.
    pub required: Vec<Box<str>>,
    /// Type of the values of a [`NodeKind::Map`], or of the unnamed fields of an object that has both.
    pub additional: Option<NodeId>,
    /// Type of the entries of a [`NodeKind::List`].
    pub items: Option<NodeId>,
    /// How server-side apply merges a list.
    pub list_type: ListType,
    /// How server-side apply merges a map or object.
    pub map_type: MapType,
    /// `default`.
    pub default: Option<Value>,
    /// `nullable`.
    pub nullable: bool,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource`.
    pub embedded_resource: bool,
    /// `format`, for example `int32`, `date-time`.
    pub format: Option<Box<str>>,
    /// A Go type is behind it, so that a round trip leaves fields out and fills zero values in as [`Field::go`] says;
    /// false in custom resources.
    pub go: bool,
    /// What is asked of values beyond their type; only custom resources have any.
    pub constraints: Option<Box<Constraints>>,
}

/// A node together with its set.
#[derive(Debug, Clone)]
pub struct TypeRef {
    set: Arc<SchemaSet>,
    id: NodeId,
}

impl SchemaSet {
    /// The node at `id`. Ids come from this set, so they are in range.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The type of a kind.
    pub fn kind(self: &Arc<Self>, group: &str, version: &str, kind: &str) -> Option<TypeRef> {
        let at = self.kinds.binary_search_by(|((g, v, k), _)| (&**g, &**v, &**k).cmp(&(group, version, kind))).ok()?;
        Some(TypeRef { set: self.clone(), id: self.kinds[at].1 })
    }

    /// A named type.
    pub fn named(self: &Arc<Self>, name: &str) -> Option<TypeRef> {
        let at = self.names.binary_search_by(|(n, _)| (**n).cmp(name)).ok()?;
        Some(TypeRef { set: self.clone(), id: self.names[at].1 })
    }
}

impl SchemaSet {
    /// A copy of the named type and of what it refers to.
    pub(super) fn part(&self, name: &str) -> SchemaSet {
        let mut ids: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        let mut order: Vec<NodeId> = self.names.iter().filter(|(n, _)| &**n == name).map(|(_, id)| *id).collect();
        let mut next = 0;
        while let Some(id) = order.get(next).copied() {
            ids.insert(id, NodeId(next as u32));
            let inner = self.node(id).references().filter(|id| !order.contains(id)).collect::<BTreeSet<_>>();
            order.extend(inner);
            next += 1;
        }
        let mut nodes: Vec<Node> = order.iter().map(|id| self.node(*id).clone()).collect();
        nodes.iter_mut().flat_map(Node::references_mut).for_each(|id| *id = ids[id]);
        let names = self.names.iter().filter_map(|(name, id)| Some((name.clone(), *ids.get(id)?))).collect();
        SchemaSet { nodes, names, kinds: Vec::new() }
    }
}

impl Node {
    /// The types that this one is made of.
    fn references(&self) -> impl Iterator<Item = NodeId> {
        self.properties.iter().map(|field| field.node).chain(self.additional).chain(self.items)
    }

    fn references_mut(&mut self) -> impl Iterator<Item = &mut NodeId> {
        self.properties.iter_mut().map(|field| &mut field.node).chain(&mut self.additional).chain(&mut self.items)
    }

    /// A named field.
    pub fn property(&self, name: &str) -> Option<&Field> {
        let at = self.properties.binary_search_by(|field| (*field.name).cmp(name)).ok()?;
        Some(&self.properties[at])
    }
}

impl TypeRef {
    /// A node of `set`.
    pub fn new(set: Arc<SchemaSet>, id: NodeId) -> Self {
        Self { set, id }
    }

    /// The set that the node is in.
    pub fn set(&self) -> &Arc<SchemaSet> {
        &self.set
    }

    /// Its id there.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The node.
    pub fn node(&self) -> &Node {
        self.set.node(self.id)
    }

    /// Another node of the same set.
    pub fn at(&self, id: NodeId) -> TypeRef {
        TypeRef { set: self.set.clone(), id }
    }
}
