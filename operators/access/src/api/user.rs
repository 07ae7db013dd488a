//! `User`: somebody with a namespace of their own.

#![expect(unreachable_pub, reason = "KubeSchema repeats the types inside of what it generates")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody with a namespace of their own.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "user.sealos.io",
    version = "v1",
    kind = "User",
    status = "UserStatus",
    derive = "PartialEq",
    doc = "Somebody with a namespace of their own, ns-<name>, in which they are the Owner, and a service account to act by.",
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,58}[a-z0-9])?$')")
        .message("metadata.name must be a DNS label of at most 60 characters, as the namespace is called ns-<name>"),
    printcolumn = r#"{"name":"Namespace","type":"string","jsonPath":".status.namespace"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct UserSpec {
    /// Asks for a kubeconfig. It is kept in a Secret of the operator's namespace that only this user can read, and renewed
    /// before it expires. Left out: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<KubeconfigSpec>,
}

/// What kind of kubeconfig.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KubeconfigSpec {
    /// How long its token is valid, in seconds; it is renewed after two thirds of that. Default: a day. The API server can
    /// make it shorter.
    #[serde(default = "one_day")]
    #[schemars(range(min = 600, max = 31_536_000))]
    pub expiration_seconds: i64,
}

fn one_day() -> i64 {
    86_400
}

/// What the user has.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UserStatus {
    /// Their namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name of their service account, in the operator's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// Their kubeconfig.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<KubeconfigStatus>,
    /// `Ready`: namespace, roles and binding are as they should be. `KubeconfigReady`: there is a valid kubeconfig.
    #[serde(default)]
    #[schemars(schema_with = "super::conditions")]
    pub conditions: Vec<Condition>,
    /// The generation of the specification that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// Where the kubeconfig is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct KubeconfigStatus {
    /// The name of the Secret, in the operator's namespace; its key is `kubeconfig`.
    pub secret: String,
    /// When the one that is there now ends to be valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::time")]
    pub expiration_time: Option<Time>,
}
