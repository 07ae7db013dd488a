//! The kinds of group `user.sealos.io`, version `v1`.

mod deletion;
mod operation;
mod user;

use serde_json::json;

pub use deletion::{Deleterequest, DeleterequestSpec};
pub use operation::{Action, Operationrequest, OperationrequestSpec};
pub use user::{KubeconfigSpec, KubeconfigStatus, User, UserSpec, UserStatus};

/// What begins the name of a user's namespace.
const NAMESPACE_PREFIX: &str = "ns-";

/// The namespace of a user. Different users have different ones.
pub fn namespace_of(user: &str) -> String {
    format!("{NAMESPACE_PREFIX}{user}")
}

/// The user whose namespace this would be.
pub(crate) fn user_of(namespace: &str) -> Option<&str> {
    namespace.strip_prefix(NAMESPACE_PREFIX)
}

fn conditions(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string", "maxLength": 316},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "reason": {"type": "string", "minLength": 1, "maxLength": 1024},
                "message": {"type": "string", "maxLength": 32768},
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
            },
        },
    })
}

fn time(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "format": "date-time", "nullable": true})
}

/// A choice of words, of which the API server takes no other. Objects that were stored before can have others.
fn choice(words: &[&str]) -> schemars::Schema {
    let words: Vec<_> = words.iter().map(|word| json!(word)).collect();
    schemars::json_schema!({"type": "string", "enum": words})
}
