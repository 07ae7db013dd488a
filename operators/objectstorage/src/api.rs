//! The custom resources: `objectstorage.sealos.io/v1`.

use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kubewright::kube::{CustomResource, CustomResourceExt};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// While this annotation of an [`ObjectStorageUser`] is `"true"`, the user and all of its keys are disabled on the server.
pub const SUSPENDED: &str = "account.sealos.io/suspended";

/// A user of the object storage: one for each namespace, named after it.
///
/// Its keys are in Secret `object-storage-key`.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
#[kube(
    group = "objectstorage.sealos.io",
    version = "v1",
    kind = "ObjectStorageUser",
    plural = "objectstorageusers",
    shortname = "osu",
    namespaced,
    status = "ObjectStorageUserStatus",
    derive = "Default",
    crates(kube = "kubewright::kube", kube_core = "kubewright::kube::core", k8s_openapi = "kubewright::k8s_openapi"),
    printcolumn = r#"{"name":"User","type":"string","jsonPath":".status.accessKey"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Size","type":"integer","jsonPath":".status.size"}"#,
    printcolumn = r#"{"name":"Quota","type":"integer","jsonPath":".status.quota"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStorageUserSpec {
    /// Another number than the status has makes a new secret key.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub secret_key_version: i64,
}

/// What there is of a user.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStorageUserStatus {
    /// Bytes in all buckets of the namespace, as the server counted them last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// The most bytes, from ResourceQuota `quota-<namespace>`, key `objectstorage/size`; absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<i64>,
    /// Objects in all buckets of the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects_count: Option<i64>,
    /// The version of the secret key that is valid now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_version: Option<i64>,
    /// The name of the user, which is its access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// The endpoint inside of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<String>,
    /// The endpoint from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// The user was disabled because of the annotation, and is enabled again when that goes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// The generation of the specification that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, and `WithinQuota` where there is a quota.
    #[serde(default)]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
}

/// A bucket of the object storage, named `<user>-<name>`.
///
/// The keys that can use it and no other are in Secret `object-storage-key-<bucket>`.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
#[kube(
    group = "objectstorage.sealos.io",
    version = "v1",
    kind = "ObjectStorageBucket",
    plural = "objectstoragebuckets",
    shortname = "osb",
    namespaced,
    status = "ObjectStorageBucketStatus",
    derive = "Default",
    crates(kube = "kubewright::kube", kube_core = "kubewright::kube::core", k8s_openapi = "kubewright::k8s_openapi"),
    printcolumn = r#"{"name":"Bucket","type":"string","jsonPath":".status.name"}"#,
    printcolumn = r#"{"name":"Policy","type":"string","jsonPath":".spec.policy"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Size","type":"integer","jsonPath":".status.size"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStorageBucketSpec {
    /// Who may use it without keys.
    #[serde(default)]
    pub policy: AnonymousAccess,
    /// What becomes of the bucket when this object is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// Who may use a bucket without keys.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum AnonymousAccess {
    /// Nobody.
    #[default]
    Private,
    /// Everybody may read objects whose names they know.
    PublicRead,
    /// Everybody may read, write and remove objects whose names they know.
    PublicReadwrite,
}

/// What becomes of a bucket when its object is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// All that is in it is removed, and then the bucket.
    #[default]
    Delete,
    /// It stays as it is.
    Orphan,
}

/// What there is of a bucket.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStorageBucketStatus {
    /// The name of the bucket on the server. Once it is here, the bucket is this object's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Bytes in it, as the server counted them last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Objects in it, as the server counted them last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects_count: Option<i64>,
    /// While it is being deleted: versions, delete markers and open uploads that were removed up to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<i64>,
    /// The generation of the specification that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`.
    #[serde(default)]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
}

/// The definitions of both kinds.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![ObjectStorageUser::crd(), ObjectStorageBucket::crd()]
}

/// Conditions in their standard form: a list by type, so that each writer has its own.
fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string"},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "observedGeneration": {"type": "integer", "format": "int64"},
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "reason": {"type": "string"},
                "message": {"type": "string"}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Whether each document of ours in a text is what its kind takes, with no field too many.
    fn check(text: &str) -> usize {
        let mut count = 0;
        for document in text.split("---\n") {
            let written: Value = serde_saphyr::from_str(document).unwrap();
            let spec = match written["kind"].as_str().unwrap() {
                "ObjectStorageUser" => {
                    serde_json::to_value(serde_saphyr::from_str::<ObjectStorageUser>(document).unwrap().spec)
                }
                "ObjectStorageBucket" => {
                    serde_json::to_value(serde_saphyr::from_str::<ObjectStorageBucket>(document).unwrap().spec)
                }
                _ => continue,
            };
            let spec = spec.unwrap();
            for (field, value) in written["spec"].as_object().into_iter().flatten() {
                assert_eq!(spec[field], *value, "{field} in {document}");
            }
            count += 1;
        }
        count
    }

    #[test]
    fn the_examples_and_the_guide_are_what_the_definitions_take() {
        assert_eq!(check(crate::EXAMPLES), 3);
        let guide = include_str!("../../../docs/objectstorage.md");
        let (_, rest) = guide.split_once("```yaml\n").unwrap();
        assert_eq!(check(rest.split_once("```").unwrap().0), 2);
    }
}
