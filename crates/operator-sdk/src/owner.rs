//! Whose an object is, said on the object in operator-sdk's words.
//!
//! An object that the garbage collector may remove with the custom resource gets an owner reference; one in another namespace
//! or in none gets annotations that name the custom resource.

use serde_json::{Map, Value, json};

/// The annotation with namespace and name of the custom resource.
pub const OWNER_ANNOTATION: &str = "operator-sdk/primary-resource";
/// The annotation with kind and group of the custom resource.
pub const OWNER_TYPE_ANNOTATION: &str = "operator-sdk/primary-resource-type";

/// A custom resource that has objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its group and version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty for a kind of the cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

impl Owner {
    /// Whether objects in this namespace, or in none, can have an owner reference to it: else the garbage collector would
    /// take the owner for gone.
    pub fn is_in_reach_of(&self, namespace: Option<&str>) -> bool {
        self.namespace.is_empty() || namespace == Some(&self.namespace)
    }

    /// Puts an owner reference into an object's metadata, beside those that are there. `controller`: as the one owner that
    /// manages the object, for whose deletion the object has to go first if the API is asked for that.
    pub fn own(&self, metadata: &mut Map<String, Value>, controller: bool) {
        let mut reference = json!({
            "apiVersion": self.api_version, "kind": self.kind, "name": self.name, "uid": self.uid,
        });
        if controller {
            reference["controller"] = true.into();
            reference["blockOwnerDeletion"] = true.into();
        }
        let references = metadata.entry("ownerReferences").or_insert(Value::Null);
        if !references.is_array() {
            *references = json!([]);
        }
        if let Value::Array(references) = references {
            references.retain(|other| other["uid"] != reference["uid"]);
            references.push(reference);
        }
    }

    /// Puts the annotations that name the owner into an object's metadata.
    pub fn annotate(&self, metadata: &mut Map<String, Value>) {
        if let Some(annotations) = member(metadata, "annotations") {
            annotations.insert(OWNER_ANNOTATION.into(), self.annotation().into());
            annotations.insert(OWNER_TYPE_ANNOTATION.into(), self.kind_annotation().into());
        }
    }

    /// Whether an object says that it is this owner's.
    pub fn has(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let references = metadata["ownerReferences"].as_array();
        let annotations = &metadata["annotations"];
        references.is_some_and(|references| references.iter().any(|reference| reference["uid"] == *self.uid))
            || (annotations[OWNER_ANNOTATION] == *self.annotation()
                && annotations[OWNER_TYPE_ANNOTATION] == *self.kind_annotation())
    }

    fn annotation(&self) -> String {
        match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}/{}", self.name),
        }
    }

    fn kind_annotation(&self) -> String {
        let group = self.api_version.split_once('/').map_or("", |(group, _)| group);
        if group.is_empty() { self.kind.clone() } else { format!("{}.{group}", self.kind) }
    }
}

/// A member that is an object, made if it is not there; `None` if it is something else.
pub fn member<'a>(object: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    let value = object.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(namespace: &str) -> Owner {
        Owner {
            api_version: "cache.example.com/v1".into(),
            kind: "Memcached".into(),
            namespace: namespace.into(),
            name: "one".into(),
            uid: "u-1".into(),
        }
    }

    fn metadata(put: impl FnOnce(&mut Map<String, Value>)) -> Value {
        let mut metadata = Map::new();
        put(&mut metadata);
        json!({ "metadata": metadata })
    }

    #[test]
    fn references_and_annotations_tell_the_owner() {
        let owner = owner("shop");
        let owned = metadata(|metadata| {
            owner.own(metadata, true);
            owner.own(metadata, false);
        });
        let reference = json!({"apiVersion": "cache.example.com/v1", "kind": "Memcached", "name": "one", "uid": "u-1"});
        assert_eq!(owned["metadata"]["ownerReferences"], json!([reference]), "once, as said last");
        let annotated = metadata(|metadata| owner.annotate(metadata));
        assert_eq!(annotated["metadata"]["annotations"][OWNER_ANNOTATION], "shop/one");
        assert_eq!(annotated["metadata"]["annotations"][OWNER_TYPE_ANNOTATION], "Memcached.cache.example.com");
        assert!(owner.has(&owned) && owner.has(&annotated));
        let other = Owner { uid: "u-2".into(), name: "two".into(), ..owner };
        assert!(!other.has(&owned) && !other.has(&annotated) && !other.has(&json!("x")));
    }

    #[test]
    fn an_owner_of_the_cluster_is_in_reach_of_all() {
        for (own, namespace, expected) in [
            ("shop", Some("shop"), true),
            ("shop", Some("other"), false),
            ("shop", None, false),
            ("", Some("shop"), true),
            ("", None, true),
        ] {
            assert_eq!(owner(own).is_in_reach_of(namespace), expected, "{own} {namespace:?}");
        }
    }
}
