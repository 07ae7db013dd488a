//! What the operator puts on each object of a release: whose it is, and of which chart.
//!
//! An object that the garbage collector may remove with the custom resource gets an owner reference; one in another namespace
//! or in none, and one that is to be kept, gets annotations that name the custom resource. The names are operator-sdk's.

use kubewright_operator_sdk::owner::member;
use kubewright_operator_sdk::{Guest, Target};
use serde_json::{Map, Value};

pub use kubewright_operator_sdk::Owner;

use crate::release::SECRET_TYPE;

/// The label with the name of the chart.
pub const CHART_LABEL: &str = "helm.sdk.operatorframework.io/chart";
/// Helm's annotation that has an object stay when its release is uninstalled.
const POLICY: &str = "helm.sh/resource-policy";

/// Puts owner and chart on an object that is in `namespace`, or in none.
pub fn mark(owner: &Owner, object: &mut Map<String, Value>, namespace: Option<&str>, chart: &str) {
    let keep = is_kept(object);
    let Some(metadata) = member(object, "metadata") else { return };
    if let Some(labels) = member(metadata, "labels") {
        labels.insert(CHART_LABEL.into(), chart.into());
    }
    if owner.is_in_reach_of(namespace) && !keep {
        owner.own(metadata, true);
    } else {
        owner.annotate(metadata);
    }
}

/// helm at work for a release.
#[derive(Debug)]
pub struct Marks {
    /// The custom resource.
    pub owner: Owner,
    /// The name of the chart.
    pub chart: String,
}

impl Guest for Marks {
    fn mark(&self, target: &Target, object: &mut Map<String, Value>) {
        if object.get("type").and_then(Value::as_str) != Some(SECRET_TYPE) {
            mark(&self.owner, object, target.namespace.as_deref(), &self.chart);
        } else if let Some(metadata) = member(object, "metadata") {
            // helm's own: no part of the release, and gone with the custom resource.
            self.owner.own(metadata, true);
        }
    }
}

/// Whether an object stays when its release is uninstalled.
pub fn is_kept(object: &Map<String, Value>) -> bool {
    let policy = object.get("metadata").and_then(|metadata| metadata["annotations"][POLICY].as_str());
    policy.is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep"))
}

#[cfg(test)]
mod tests {
    use kubewright_operator_sdk::owner::{OWNER_ANNOTATION, OWNER_TYPE_ANNOTATION};
    use serde_json::json;

    use super::*;

    fn marked(mut object: Value, namespace: Option<&str>) -> Value {
        let owner = Owner {
            api_version: "cache.example.com/v1".into(),
            kind: "Memcached".into(),
            namespace: "shop".into(),
            name: "one".into(),
            uid: "u-1".into(),
        };
        mark(&owner, object.as_object_mut().unwrap(), namespace, "memcached");
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

    #[test]
    fn helms_own_secrets_have_an_owner_and_no_chart() {
        let owner = Owner {
            api_version: "v1".into(),
            kind: "Cache".into(),
            namespace: "shop".into(),
            name: "one".into(),
            uid: "u-1".into(),
        };
        let marks = Marks { owner, chart: "memcached".into() };
        let mark = |mut object: Value| {
            let target = Target::of("/api/v1/namespaces/shop/secrets").unwrap();
            marks.mark(&target, object.as_object_mut().unwrap());
            object
        };
        let own = mark(json!({"type": SECRET_TYPE, "metadata": {"name": "a"}}));
        assert_eq!(own["metadata"]["ownerReferences"][0]["uid"], "u-1");
        assert_eq!(own["metadata"]["labels"], Value::Null);
        let other = mark(json!({"type": "Opaque", "metadata": {"name": "b"}}));
        assert_eq!(other["metadata"]["labels"][CHART_LABEL], "memcached");
    }
}
