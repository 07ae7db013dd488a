//! The children that a reconcile wants, in the form in which they are applied.

use kube::{
    Resource,
    api::{ApiResource, DynamicObject},
};
use kubewright_cache::ObjectRef;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Wave,
    bond::{self, Owner},
};
use crate::Error;

/// The children that an object should have, of any kinds; see [`Context::own`](crate::Context::own).
///
/// It is made from arrays, vectors and options of one kind, and put together with [`add`](Self::add) for several:
///
/// ```
/// use k8s_openapi::api::core::v1::{ConfigMap, Secret};
/// use kubewright_runtime::Children;
///
/// let both = Children::new().add(ConfigMap::default()).add(Secret::default());
/// let none: Children = None::<ConfigMap>.into();
/// ```
#[derive(Debug, Default)]
pub struct Children {
    pub(super) children: Vec<Child>,
    pub(super) waves: Vec<Wave>,
    pub(super) fault: Option<serde_json::Error>,
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) resource: ApiResource,
    pub(super) tree: Value,
}

impl Children {
    /// No children.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a child. Its namespace may be left out: it is the owner's, if its kind lives in namespaces. Fields that are
    /// `null` count as absent, and so does what only the server sets (uid, resourceVersion, managedFields, …).
    #[expect(clippy::should_implement_trait, reason = "adds an element, not a number")]
    pub fn add<K: Resource<DynamicType = ()> + Serialize>(self, child: K) -> Self {
        self.push(ApiResource::erase::<K>(&()), &child)
    }

    /// Adds a child of a kind that is known at run time.
    pub fn add_dynamic(self, resource: &ApiResource, child: DynamicObject) -> Self {
        self.push(resource.clone(), &child)
    }

    /// Adds a wave: its children are applied when those of the waves before it are ready. Children outside of waves are
    /// applied at once, and nobody waits for them.
    ///
    /// - As long as a wave is not ready, nothing is done about the children of the waves after it: those that are there
    ///   stay as they are, and do not get what is new.
    /// - A child that is no longer wanted is deleted when the wave that it belonged to is applied. If there is no such
    ///   wave any more it is deleted when the last wave is applied.
    /// - Which wave a child belongs to stands in its label `kubewright.dev/wave`.
    /// - A child that is not ready wakes its owner when it changes, whatever the predicates of its watch are.
    ///
    /// [`Owned::waves`](super::Owned::waves) tells how far it has got; see [`Wave`] for an example.
    pub fn wave(mut self, wave: Wave) -> Self {
        self.waves.push(wave);
        self
    }

    fn push(mut self, resource: ApiResource, child: &impl Serialize) -> Self {
        match serde_json::to_value(child) {
            Ok(tree) => self.children.push(Child { resource, tree }),
            Err(fault) => self.fault = Some(fault),
        }
        self
    }
}

impl<K: Resource<DynamicType = ()> + Serialize> FromIterator<K> for Children {
    fn from_iter<I: IntoIterator<Item = K>>(children: I) -> Self {
        children.into_iter().fold(Self::new(), Self::add)
    }
}

impl<K: Resource<DynamicType = ()> + Serialize> From<Option<K>> for Children {
    fn from(child: Option<K>) -> Self {
        child.into_iter().collect()
    }
}

impl<K: Resource<DynamicType = ()> + Serialize> From<Vec<K>> for Children {
    fn from(children: Vec<K>) -> Self {
        children.into_iter().collect()
    }
}

impl<K: Resource<DynamicType = ()> + Serialize, const N: usize> From<[K; N]> for Children {
    fn from(children: [K; N]) -> Self {
        children.into_iter().collect()
    }
}

impl Child {
    /// Makes it what is applied: complete, owned, and without what only the server writes.
    pub(super) fn prepare(
        &mut self,
        owner: &Owner<'_>,
        namespaced: bool,
        wave: Option<&str>,
    ) -> Result<ObjectRef, Error> {
        const SERVER_SET: [&str; 7] = [
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "deletionTimestamp",
            "selfLink",
            "managedFields",
        ];
        let kind = self.resource.kind.clone();
        let fault =
            |what: String| Error::terminal(format!("a child of {} {}: {what}", owner.resource.kind, owner.reference));
        remove_nulls(&mut self.tree);
        let tree = self.tree.as_object_mut().ok_or_else(|| fault(format!("the {kind} is not an object")))?;
        tree.insert("apiVersion".into(), self.resource.api_version.clone().into());
        tree.insert("kind".into(), kind.clone().into());
        let metadata = tree.entry("metadata").or_insert_with(|| json!({}));
        let metadata = metadata.as_object_mut().ok_or_else(|| fault(format!("the {kind} has bad metadata")))?;
        metadata.retain(|key, _| !SERVER_SET.contains(&key.as_str()));
        let name = match metadata.get("name").and_then(Value::as_str) {
            Some(name) if !name.is_empty() => name.to_string(),
            _ => return Err(fault(format!("the {kind} has no metadata.name; generateName can't be applied twice"))),
        };
        let given = metadata.get("namespace").and_then(Value::as_str).map(str::to_string);
        let namespace = match (namespaced, given.or_else(|| owner.reference.namespace.as_deref().map(str::to_string))) {
            (false, _) => None,
            (true, Some(namespace)) => Some(namespace),
            (true, None) => {
                return Err(fault(format!("{kind} {name} needs metadata.namespace, as its owner is in none")));
            }
        };
        match &namespace {
            Some(namespace) => metadata.insert("namespace".into(), namespace.as_str().into()),
            None => metadata.remove("namespace"),
        };
        let marked = match wave {
            Some(wave) => bond::set(metadata, "labels", bond::WAVE, wave),
            None => Ok(()),
        };
        let tied = marked.and_then(|()| owner.tie(metadata, namespace.as_deref()));
        tied.map_err(|error| fault(format!("{kind} {name}: {error}")))?;
        Ok(ObjectRef::new(namespace.as_deref(), &name))
    }
}

/// Removes fields that are `null`: for a typed object they stand for what was not set.
pub(crate) fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};

    use super::*;

    fn prepared(child: Value, owner_namespace: Option<&str>, namespaced: bool) -> Result<(String, Value), String> {
        prepared_in(child, owner_namespace, namespaced, None)
    }

    fn prepared_in(
        child: Value,
        owner_namespace: Option<&str>,
        namespaced: bool,
        wave: Option<&str>,
    ) -> Result<(String, Value), String> {
        let resource =
            if namespaced { ApiResource::erase::<ConfigMap>(&()) } else { ApiResource::erase::<Namespace>(&()) };
        let owner_resource = ApiResource::erase::<Service>(&());
        let reference = ObjectRef::new(owner_namespace, "web");
        let owner = Owner { resource: &owner_resource, reference: &reference, uid: "u1" };
        let mut child = Child { resource, tree: child };
        match child.prepare(&owner, namespaced, wave) {
            Ok(reference) => Ok((reference.to_string(), child.tree)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_child_gets_type_namespace_and_controller_reference() {
        let child = json!({"metadata": {"name": "c", "uid": "old", "creationTimestamp": null, "managedFields": []}, "data": null});
        let (reference, tree) = prepared(child, Some("ns"), true).unwrap();
        assert_eq!(reference, "ns/c");
        let owner = json!({"apiVersion": "v1", "kind": "Service", "name": "web", "uid": "u1", "controller": true, "blockOwnerDeletion": true});
        assert_eq!(
            tree,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "ns", "ownerReferences": [owner]}})
        );
    }

    #[test]
    fn a_child_that_the_garbage_collector_would_remove_is_tied_by_label_instead() {
        let tie = json!({
            "labels": {"kubewright.dev/owner-uid": "u1"},
            "annotations": {"kubewright.dev/owner": "Service/ns/web"},
        });
        let elsewhere = json!({"metadata": {"name": "c", "namespace": "other"}});
        let (reference, tree) = prepared(elsewhere, Some("ns"), true).unwrap();
        assert_eq!(reference, "other/c");
        let metadata = &tree["metadata"];
        assert_eq!((&metadata["labels"], &metadata["annotations"]), (&tie["labels"], &tie["annotations"]));
        assert!(metadata["ownerReferences"].is_null());
        let cluster = json!({"metadata": {"name": "c"}});
        let (reference, tree) = prepared(cluster.clone(), Some("ns"), false).unwrap();
        assert_eq!(reference, "c");
        assert_eq!(tree["metadata"]["labels"], tie["labels"]);
        let (_, tree) = prepared(cluster.clone(), None, false).unwrap();
        assert_eq!(tree["metadata"]["ownerReferences"][0]["uid"], "u1");
        assert!(prepared(cluster, None, true).unwrap_err().contains("metadata.namespace"));
    }

    #[test]
    fn a_child_of_a_wave_is_marked_with_it() {
        let child = json!({"metadata": {"name": "c", "labels": {"app": "web"}}});
        let (_, tree) = prepared_in(child, Some("ns"), true, Some("database")).unwrap();
        assert_eq!(tree["metadata"]["labels"], json!({"app": "web", "kubewright.dev/wave": "database"}));
    }

    #[test]
    fn a_child_without_a_name_or_with_another_controller_is_refused() {
        assert!(
            prepared(json!({"metadata": {"generateName": "c-"}}), Some("ns"), true)
                .unwrap_err()
                .contains("metadata.name")
        );
        let other = json!({"metadata": {"name": "c", "ownerReferences": [{"uid": "x", "controller": true}]}});
        assert!(prepared(other, Some("ns"), true).unwrap_err().contains("another controller"));
    }
}
