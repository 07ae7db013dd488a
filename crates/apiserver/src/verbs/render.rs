//! Stored objects in the form that was asked for: as they are, in another version, as metadata only, as a table.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::convert;
use crate::http::{Accept, Shape, encode_message};
use crate::registry::Resource;
use crate::schema;
use crate::store::Stored;
use crate::table::{self, IncludeObject};

/// One object in the form of `accept`.
pub(super) fn object(
    resource: &Resource,
    accept: Accept,
    include: IncludeObject,
    stored: &Arc<Stored>,
    now: Timestamp,
) -> Bytes {
    match accept.shape {
        Shape::Whole if is_served_form(resource, stored) => stored.json(),
        Shape::Whole => {
            let mut out = BytesMut::with_capacity(stored.as_bytes().len() + 32);
            put_whole(resource, stored, &mut out);
            out.freeze()
        }
        Shape::Metadata => {
            let mut out = BytesMut::with_capacity(stored.metadata().len() + 128);
            put_metadata(resource, accept.meta_version(), stored, &mut out);
            out.freeze()
        }
        Shape::Table => {
            let metadata = json!({"resourceVersion": stored.revision().to_string()});
            table(resource, accept, std::slice::from_ref(stored), include, metadata, now).to_string().into()
        }
    }
}

/// An object that is not stored (a dry run) in the form of `accept`.
pub(super) fn tree(resource: &Resource, accept: Accept, tree: &Value, now: Timestamp) -> Bytes {
    match accept.shape {
        Shape::Whole => typed(resource, tree).to_string().into(),
        Shape::Metadata => metadata_tree(accept, &internal(resource, tree.clone())).to_string().into(),
        Shape::Table => {
            let trees = [(tree.clone(), convert::to_storage(resource, tree.clone()))];
            let version = &tree["metadata"]["resourceVersion"];
            let metadata = if version.is_null() { json!({}) } else { json!({"resourceVersion": version}) };
            rows(resource, accept, &trees, IncludeObject::Metadata, metadata, now).to_string().into()
        }
    }
}

/// The tree of a stored object in the version of `resource`.
pub(super) fn served_tree(resource: &Resource, stored: &Stored) -> Value {
    let tree = stored.tree();
    if is_served_form(resource, stored) {
        return tree;
    }
    let mut tree = convert::to_version(resource, tree);
    if convert::changes_fields(resource)
        && let Some(ty) = resource.ty()
    {
        schema::normalise(ty, &mut tree);
    }
    tree
}

/// For whom the protobuf message of an object is made, which decides whether it is kept with the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageFor {
    /// Somebody who is alone with it.
    One,
    /// Watchers, who are sent the same one.
    Watchers,
    /// A list, which may be asked for again.
    List,
}

/// The protobuf message of an object, if it has one.
pub(super) fn message<'a>(resource: &Resource, stored: &'a Stored, whom: MessageFor) -> Option<Cow<'a, [u8]>> {
    let encode = |tree: &Value| encode_message(&resource.group, &resource.version, &resource.kind, tree);
    if !is_served_form(resource, stored) {
        return encode(&served_tree(resource, stored)).map(Cow::Owned);
    }
    let make = || encode(&stored.tree());
    match (stored.packed_before(), whom) {
        (Some(packed), _) => Some(packed.into()),
        (None, MessageFor::Watchers) => stored.packed(make).map(Cow::Borrowed),
        (None, MessageFor::List) => stored.packed_for_list(make),
        (None, MessageFor::One) => make().map(Cow::Owned),
    }
}

/// Appends an object as it stands in lists: built-in kinds leave their type to the list.
pub(super) fn put_item(resource: &Resource, stored: &Stored, out: &mut impl BufMut) {
    let same = is_served_form(resource, stored);
    if resource.is_custom() && same {
        out.put_slice(stored.as_bytes());
    } else if resource.is_custom() || (!same && !convert::changes_fields(resource)) {
        put_whole(resource, stored, out);
    } else if same {
        out.put_slice(b"{");
        out.put_slice(stored.without_type());
    } else {
        let mut tree = served_tree(resource, stored);
        if let Some(members) = tree.as_object_mut() {
            members.remove("kind");
            members.remove("apiVersion");
        }
        out.put_slice(tree.to_string().as_bytes());
    }
}

/// Appends a whole object with its type, in the version of `resource`.
pub(super) fn put_whole(resource: &Resource, stored: &Stored, out: &mut impl BufMut) {
    if is_served_form(resource, stored) {
        out.put_slice(stored.as_bytes());
    } else if convert::changes_fields(resource) || convert::is_pruned(resource) {
        out.put_slice(served_tree(resource, stored).to_string().as_bytes());
    } else {
        out.put_slice(resource.prefix.as_bytes());
        out.put_slice(stored.without_type());
    }
}

/// Appends the `PartialObjectMetadata` of an object.
pub(super) fn put_metadata(resource: &Resource, meta_version: &str, stored: &Stored, out: &mut impl BufMut) {
    out.put_slice(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"");
    out.put_slice(meta_version.as_bytes());
    out.put_slice(b"\",\"metadata\":");
    if has_internal_form(resource) {
        out.put_slice(internal(resource, stored.tree())["metadata"].to_string().as_bytes());
    } else {
        out.put_slice(stored.metadata());
    }
    out.put_slice(b"}");
}

/// A table of stored objects.
pub(super) fn table(
    resource: &Resource,
    accept: Accept,
    items: &[Arc<Stored>],
    include: IncludeObject,
    metadata: Value,
    now: Timestamp,
) -> Value {
    let trees: Vec<(Value, Value)> =
        items.iter().map(|stored| (served_tree(resource, stored), stored.tree())).collect();
    rows(resource, accept, &trees, include, metadata, now)
}

/// A table of objects; `trees` has each as it is served and as it is stored.
pub(super) fn rows(
    resource: &Resource,
    accept: Accept,
    trees: &[(Value, Value)],
    include: IncludeObject,
    metadata: Value,
    now: Timestamp,
) -> Value {
    let rows = trees.iter().map(|(tree, stored)| {
        let tree_in = typed(resource, tree);
        let object = match include {
            IncludeObject::Object => table::included(&tree_in, include),
            _ => table::included(&internal(resource, tree_in), include),
        };
        if let Some(custom) = &resource.custom {
            return table::Row { cells: custom.columns.row(tree, now), conditions: None, object };
        }
        // Cells are made of the form that the kind's rules are written for.
        let group = convert::storage_group(resource);
        let cells = table::row(group, &resource.kind, stored, now);
        table::Row { cells, conditions: table::conditions(group, &resource.kind, stored), object }
    });
    let mut table = table::render(Some(columns(resource)), rows, metadata);
    // The real server's own printers make a list of no rows, its general one makes none.
    let general = table["columnDefinitions"][1]["name"] == "Created At";
    if trees.is_empty() && general && !resource.is_custom() {
        table["rows"] = Value::Null;
    }
    if accept.meta_beta {
        table["apiVersion"] = accept.meta_version().into();
        for row in table["rows"].as_array_mut().into_iter().flatten() {
            if include == IncludeObject::Metadata {
                row["object"]["apiVersion"] = accept.meta_version().into();
            }
        }
    }
    table
}

/// What the columns of a table are.
pub(super) fn columns(resource: &Resource) -> Value {
    match &resource.custom {
        Some(custom) => custom.columns.definitions(),
        None => table::columns(&resource.group, &resource.version, &resource.plural),
    }
}

/// The `PartialObjectMetadata` of an object.
pub(super) fn metadata_tree(accept: Accept, tree: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": accept.meta_version(), "metadata": tree["metadata"],
    })
}

fn has_internal_form(resource: &Resource) -> bool {
    resource.group == "apps" && resource.kind == "DaemonSet"
}

/// What rows and metadata hold is made of the real server's internal types: the template generation of a DaemonSet is a field there, and
/// no annotation.
fn internal(resource: &Resource, mut tree: Value) -> Value {
    if has_internal_form(resource) {
        let annotations = tree["metadata"]["annotations"].as_object_mut();
        let left = annotations.is_some_and(|annotations| {
            annotations.remove("deprecated.daemonset.template.generation");
            !annotations.is_empty()
        });
        if !left && let Some(metadata) = tree["metadata"].as_object_mut() {
            metadata.remove("annotations");
        }
    }
    tree
}

fn typed(resource: &Resource, tree: &Value) -> Value {
    let mut tree = tree.clone();
    tree["kind"] = resource.kind.as_str().into();
    tree["apiVersion"] = resource.api_version.as_str().into();
    tree
}

/// Whether the stored bytes are in the version that `resource` serves.
pub(super) fn is_served_form(resource: &Resource, stored: &Stored) -> bool {
    stored.as_bytes().starts_with(resource.prefix.as_bytes())
}
