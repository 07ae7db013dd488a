//! Who is asking: certificates, tokens, and the kubeconfig that holds them.
//!
//! | file | what it holds |
//! |---|---|
//! | `user` | who a request is made by |
//! | `client_ca`, `verifier` | client certificates: common name and organizations are user and groups |
//! | `tokens`, `keys` | ServiceAccount tokens, and what they are signed with |
//! | `secret_tokens` | those that Secrets hold |
//! | `service_account` | the names that ServiceAccounts log in under |
//! | `pki`, `kubeconfig` | the server's own authority, and the administrator's way in |
//!
//! What comes without credentials is `system:anonymous`.

mod client_ca;
mod keys;
mod kubeconfig;
mod pki;
mod secret_tokens;
mod service_account;
mod tokens;
mod user;
mod verifier;

pub(crate) use client_ca::ClientAuthorities;
pub(crate) use kubeconfig::kubeconfig;
pub use pki::PkiError;
pub(crate) use pki::{Pki, certificates, private_key};
pub(crate) use service_account::{service_account_groups, service_account_name, split_service_account};
pub use tokens::ServiceAccountOptions;
pub(crate) use tokens::{Bound, NODE_NAME_KEY, TokenContent, Tokens};
pub use user::User;
pub(crate) use user::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED};
pub(crate) use verifier::AnyClientCertificate;
