//! Stored objects in the form that was asked for: as they are, in another version, as metadata only, as a table.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::convert;
use crate::http::{Accept, Shape};
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
            put_metadata(accept.meta_version(), stored, &mut out);
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
        Shape::Metadata => metadata_tree(accept, tree).to_string().into(),
        Shape::Table => {
            let trees = std::slice::from_ref(tree);
            rows(resource, accept, trees, IncludeObject::Metadata, json!({}), now).to_string().into()
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
    } else if convert::changes_fields(resource) {
        out.put_slice(served_tree(resource, stored).to_string().as_bytes());
    } else {
        out.put_slice(resource.prefix.as_bytes());
        out.put_slice(stored.without_type());
    }
}

/// Appends the `PartialObjectMetadata` of an object.
pub(super) fn put_metadata(meta_version: &str, stored: &Stored, out: &mut impl BufMut) {
    out.put_slice(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"");
    out.put_slice(meta_version.as_bytes());
    out.put_slice(b"\",\"metadata\":");
    out.put_slice(stored.metadata());
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
    let trees: Vec<Value> = items.iter().map(|stored| served_tree(resource, stored)).collect();
    rows(resource, accept, &trees, include, metadata, now)
}

fn rows(
    resource: &Resource,
    accept: Accept,
    trees: &[Value],
    include: IncludeObject,
    metadata: Value,
    now: Timestamp,
) -> Value {
    let columns = match &resource.custom {
        Some(custom) => custom.columns.definitions(),
        None => table::columns(&resource.group, &resource.version, &resource.plural),
    };
    let rows = trees.iter().map(|tree| {
        let object = table::included(&typed(resource, tree), include);
        if let Some(custom) = &resource.custom {
            return table::Row { cells: custom.columns.row(tree, now), conditions: None, object };
        }
        // Cells are made of the form that the kind's rules are written for.
        let (group, stored) = match convert::changes_fields(resource) {
            true => (convert::storage_group(resource), &convert::to_storage(resource, tree.clone())),
            false => (resource.group.as_str(), tree),
        };
        let cells = table::row(group, &resource.kind, stored, now);
        table::Row { cells, conditions: table::conditions(group, &resource.kind, stored), object }
    });
    let mut table = table::render(Some(columns), rows, metadata);
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

fn metadata_tree(accept: Accept, tree: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": accept.meta_version(), "metadata": tree["metadata"],
    })
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
