//! `Operationrequest`: a request to give somebody access to a namespace, or to take it.

#![expect(unreachable_pub, reason = "KubeSchema repeats the types inside of what it generates")]

use std::fmt;

use kube::{CustomResource, KubeSchema};
use kubewright::patterns::request::RequestStatus;
use serde::{Deserialize, Serialize};

use crate::Role;

/// A request to give somebody access to a namespace, or to take it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "user.sealos.io",
    version = "v1",
    kind = "Operationrequest",
    namespaced,
    status = "RequestStatus",
    derive = "PartialEq",
    doc = "A request to give somebody a role in a namespace, to change it or to take it. It is carried out once, and goes some time later.",
    printcolumn = r#"{"name":"Action","type":"string","jsonPath":".spec.action"}"#,
    printcolumn = r#"{"name":"User","type":"string","jsonPath":".spec.user"}"#,
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("a request can't be changed once it exists; create another one"),
    validation = Rule::new("self.action == 'Deprive' || has(self.role)")
        .message("role is required, unless action is Deprive: then all roles are meant"),
)]
pub struct OperationrequestSpec {
    /// The namespace that it is about.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: String,
    /// The name of the User who gets or loses the role.
    #[schemars(length(min = 1, max = 60), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub user: String,
    /// The role. Left out with Deprive: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "role")]
    pub role: Option<Role>,
    /// Grant gives the role beside others that the user has, Update gives it instead of them, Deprive takes it.
    #[schemars(schema_with = "action")]
    pub action: Action,
}

/// What is asked for.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The user gets the role, beside others that they have.
    Grant,
    /// The user gets the role, and loses others.
    Update,
    /// The user loses the role.
    Deprive,
    /// Something that the API server would not take today.
    #[serde(untagged)]
    Unknown(String),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grant => "Grant",
            Self::Update => "Update",
            Self::Deprive => "Deprive",
            Self::Unknown(other) => other,
        })
    }
}

fn action(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    super::choice(&["Grant", "Update", "Deprive"])
}

fn role(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    super::choice(&Role::ALL.map(Role::name))
}
