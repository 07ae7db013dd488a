//! Field sets after a change of schema: what became a leaf since is owned as one.

use super::path::PathElement;
use super::set::FieldSet;
use super::types::{Entries, Ty};

/// Replaces fields inside of what is now an atomic list or map by the list or map itself.
///
/// The other direction needs nothing: who owned the whole keeps owning it, and parts get owners as they are applied.
pub(super) fn reconcile(ty: Ty<'_>, set: &mut FieldSet) {
    for node in &mut set.nodes {
        if node.children.is_empty() {
            continue;
        }
        let child = match &node.element {
            PathElement::Field(name) => ty.member(name),
            _ => ty.entries(),
        };
        let Some(child) = child else { continue };
        if is_leaf(child) {
            node.member = true;
            node.children = FieldSet::default();
        } else {
            reconcile(child, &mut node.children);
        }
    }
}

fn is_leaf(ty: Ty<'_>) -> bool {
    match ty {
        Ty::Deduced => false,
        Ty::Opaque => true,
        Ty::Node { node, .. } => match node.kind {
            crate::schema::NodeKind::List => matches!(ty.list(), Entries::Atomic),
            _ => ty.is_atomic_map(),
        },
    }
}
