//! Label and field selectors of list, watch and deletecollection requests.
//!
//! Source of syntax and messages: the `labelSelector` and `fieldSelector` query parameters of kube-apiserver.

mod fields;
mod labels;

pub use fields::{FieldRequirement, FieldSelector};
pub use labels::{LabelSelector, Operator, Requirement};
