//! The parameters that a binding refers to.

use std::sync::Arc;

use serde_json::Value;

use crate::admission::attributes::Attributes;
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::selector::LabelSelector;
use crate::server::Core;
use crate::store::{ObjectKey, RangeRequest, Stored};

/// The resource of a policy's `paramKind`: group and version, and kind.
pub(super) fn resource(core: &Core, kind: Option<&(String, String)>) -> Result<Option<Arc<Resource>>, String> {
    let Some((api_version, kind)) = kind else { return Ok(None) };
    let found = core.registry.resources().into_iter().find(|r| r.api_version == *api_version && r.kind == *kind);
    let slash = if api_version.contains('/') { "" } else { "/" };
    let unknown = || format!("failed to find resource referenced by paramKind: '{slash}{api_version}, Kind={kind}'");
    found.map(Some).ok_or_else(unknown)
}

/// All that a binding refers to. A policy without parameters is evaluated once, with none.
pub(super) fn collect(
    attributes: &Attributes,
    kind: Option<&Resource>,
    reference: &Value,
) -> Result<Vec<Option<Value>>, String> {
    let Some(kind) = kind.filter(|_| !reference.is_null()) else { return Ok(vec![None]) };
    let given = reference.text("namespace");
    let namespace = match (kind.namespaced, given) {
        (false, "") => "",
        (false, _) => return Err("paramRef.namespace must not be provided for a cluster-scoped `paramKind`".into()),
        (true, "") if attributes.namespace.is_empty() => {
            let why = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
            return Err(why.into());
        }
        (true, "") => attributes.namespace.as_str(),
        (true, given) => given,
    };
    let collection = kind.collection();
    let tree = |stored: &Arc<Stored>| {
        let mut tree = stored.tree();
        tree["apiVersion"] = kind.api_version.as_str().into();
        Some(tree)
    };
    let found: Vec<Option<Value>> = match reference.text("name") {
        "" => {
            let selector = LabelSelector::from_object(reference.at("selector"))?;
            let namespace = kind.namespaced.then_some(namespace);
            let range = collection.range(RangeRequest { namespace, ..RangeRequest::default() });
            // The newest state is always there.
            let items = range.map(|range| range.items).unwrap_or_default();
            items.iter().filter(|stored| selector.matches(|key| stored.label(key))).map(tree).collect()
        }
        name => collection.get(&ObjectKey::new(namespace, name)).iter().map(tree).collect(),
    };
    if found.is_empty() && reference.text("parameterNotFoundAction") == "Deny" {
        return Err("no params found for policy binding with `Deny` parameterNotFoundAction".into());
    }
    Ok(found)
}
