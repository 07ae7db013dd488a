//! What the operator puts on each object of a release: whose it is, and of which chart.
//!
//! An object that the garbage collector may remove with the custom resource gets an owner reference; one in another namespace
//! or in none, and one that is to be kept, gets annotations that name the custom resource. The names are operator-sdk's.

use serde_json::{Map, Value, json};

/// The label with the name of the chart.
pub const CHART_LABEL: &str = "helm.sdk.operatorframework.io/chart";
/// The annotation with namespace and name of the custom resource.
pub const OWNER_ANNOTATION: &str = "operator-sdk/primary-resource";
/// The annotation with kind and group of the custom resource.
pub const OWNER_TYPE_ANNOTATION: &str = "operator-sdk/primary-resource-type";

/// Helm's annotation that has an object stay when its release is uninstalled.
const POLICY: &str = "helm.sh/resource-policy";

/// The custom resource that a release is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its group and version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

impl Owner {
    /// Puts owner and chart on an object that is in `namespace`, or in none.
    pub fn mark(&self, object: &mut Map<String, Value>, namespace: Option<&str>, chart: &str) {
        let keep = is_kept(object);
        let Some(metadata) = member(object, "metadata") else { return };
        if let Some(labels) = member(metadata, "labels") {
            labels.insert(CHART_LABEL.into(), chart.into());
        }
        if namespace == Some(&self.namespace) && !keep {
            self.own(metadata);
        } else if let Some(annotations) = member(metadata, "annotations") {
            let group = self.api_version.split_once('/').map_or("", |(group, _)| group);
            let kind = if group.is_empty() { self.kind.clone() } else { format!("{}.{group}", self.kind) };
            annotations.insert(OWNER_ANNOTATION.into(), format!("{}/{}", self.namespace, self.name).into());
            annotations.insert(OWNER_TYPE_ANNOTATION.into(), kind.into());
        }
    }

    /// Puts an owner reference into an object's metadata, beside those that are there.
    pub fn own(&self, metadata: &mut Map<String, Value>) {
        let reference = json!({
            "apiVersion": self.api_version, "kind": self.kind, "name": self.name, "uid": self.uid,
            "controller": true, "blockOwnerDeletion": true,
        });
        let references = metadata.entry("ownerReferences").or_insert(Value::Null);
        if !references.is_array() {
            *references = json!([]);
        }
        if let Value::Array(references) = references {
            references.retain(|other| other["uid"] != reference["uid"]);
            references.push(reference);
        }
    }
}

/// Whether an object stays when its release is uninstalled.
pub fn is_kept(object: &Map<String, Value>) -> bool {
    let policy = object.get("metadata").and_then(|metadata| metadata["annotations"][POLICY].as_str());
    policy.is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep"))
}

/// A member that is an object, made if it is not there; `None` if it is something else.
fn member<'a>(object: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    let value = object.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(mut object: Value, namespace: Option<&str>) -> Value {
        let owner = Owner {
            api_version: "cache.example.com/v1".into(),
            kind: "Memcached".into(),
            namespace: "shop".into(),
            name: "one".into(),
            uid: "u-1".into(),
        };
        owner.mark(object.as_object_mut().unwrap(), namespace, "memcached");
        object
    }

    #[test]
    fn what_is_in_the_same_namespace_has_an_owner_reference() {
        let object = marked(json!({"metadata": {"name": "a", "labels": null}}), Some("shop"));
        assert_eq!(object["metadata"]["labels"][CHART_LABEL], "memcached");
        assert_eq!(object["metadata"]["ownerReferences"][0]["uid"], "u-1");
        assert_eq!(object["metadata"]["ownerReferences"][0]["controller"], true);
        assert_eq!(marked(object.clone(), Some("shop")), object, "once");
    }

    #[test]
    fn what_is_elsewhere_or_stays_has_annotations() {
        let kept = json!({"metadata": {"annotations": {"helm.sh/resource-policy": " Keep"}}});
        for (object, namespace) in [(json!({}), None), (json!({"metadata": {}}), Some("other")), (kept, Some("shop"))] {
            let object = marked(object, namespace);
            assert_eq!(object["metadata"]["annotations"][OWNER_ANNOTATION], "shop/one");
            assert_eq!(object["metadata"]["annotations"][OWNER_TYPE_ANNOTATION], "Memcached.cache.example.com");
            assert_eq!(object["metadata"]["ownerReferences"], Value::Null);
        }
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        assert_eq!(marked(json!({"metadata": "x"}), None), json!({"metadata": "x"}));
    }
}
