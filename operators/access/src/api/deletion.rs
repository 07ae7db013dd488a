//! `Deleterequest`: a request to delete a User.

#![expect(unreachable_pub, reason = "KubeSchema repeats the types inside of what it generates")]

use kube::{CustomResource, KubeSchema};
use kubewright::patterns::request::RequestStatus;
use serde::{Deserialize, Serialize};

/// A request to delete a User.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "user.sealos.io",
    version = "v1",
    kind = "Deleterequest",
    namespaced,
    status = "RequestStatus",
    derive = "PartialEq",
    doc = "A request to delete a User. It is carried out once, and goes some time later.",
    printcolumn = r#"{"name":"User","type":"string","jsonPath":".spec.user"}"#,
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("a request can't be changed once it exists; create another one"),
)]
pub struct DeleterequestSpec {
    /// The name of the User.
    #[schemars(length(min = 1, max = 60), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub user: String,
    /// Whether what the user has goes too: the namespace with all that is in it, the service account, and their access to
    /// other namespaces. Default: true.
    #[serde(default = "yes")]
    pub delete_dependents: bool,
}

fn yes() -> bool {
    true
}
