//! Gives and takes access to namespaces on request.
//!
//! ```text
//! User ─→ namespace ns-<user>, Roles Owner, Manager, Developer, a binding, a service account, a kubeconfig if asked for
//!
//! kubectl ─request→ webhook: seals who asks, refuses who lacks the rights ─→ Operationrequest, Deleterequest
//!                                                                                  │
//!                       RoleBinding <user>-<role>, or no User any more ←─ checks seal and rights again
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `api` | [`User`], [`Operationrequest`], [`Deleterequest`] |
//! | `options` | [`Options`] |
//! | `roles` | what the roles allow |
//! | `user`, `kubeconfig` | what a User has |
//! | `operation`, `deletion` | what requests do |
//! | `binding` | RoleBindings that requests make |
//! | `seal` | who made a request, so that nobody can forge it |
//! | `rights` | whether somebody holds all that a role allows |
//! | `webhook` | the webhook |
//! | `cleanup` | removes old requests from outside |
//! | `operator` | all of it in a manager |
//!
//! `docs/access-requests.md` is the page for those who use it.

mod api;
mod binding;
mod cleanup;
mod deletion;
mod kubeconfig;
mod operation;
mod operator;
mod options;
mod rights;
mod roles;
mod seal;
mod user;
mod webhook;

pub use api::{
    Action, Deleterequest, DeleterequestSpec, KubeconfigSpec, KubeconfigStatus, Operationrequest, OperationrequestSpec,
    User, UserSpec, UserStatus, namespace_of,
};
pub use cleanup::{CRON_JOB, sweep};
pub use operator::{add_controllers_to, add_to, crds, webhook_configurations};
pub use options::{Cluster, Options};
pub use roles::Role;
pub use seal::{CREATOR, KEY_SECRET, Requester, SEAL, Sealer, Unsealed};

/// A user, and a request to give them another role; `kubewright up` applies them.
pub const EXAMPLES: &str = include_str!("../examples/requests.yaml");
