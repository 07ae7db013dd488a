//! Who is asking: certificates, tokens, and the kubeconfig that holds them.
//!
//! There is one known identity, the administrator, a member of `system:masters`, for whom everything is allowed. Nobody
//! else can log in; what comes without credentials is `system:anonymous` and may ask for health and version only.

mod client_ca;
mod kubeconfig;
mod pki;
mod user;
mod verifier;

pub(crate) use client_ca::ClientAuthorities;
pub(crate) use kubeconfig::kubeconfig;
pub use pki::PkiError;
pub(crate) use pki::{Pki, certificates, private_key};
pub use user::User;
pub(crate) use verifier::AnyClientCertificate;
