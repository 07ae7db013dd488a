//! MutatingAdmissionWebhook and ValidatingAdmissionWebhook: webhooks that are asked before an object is stored.
//!
//! | file | what it holds |
//! |---|---|
//! | `configuration` | the configurations in the store, kept current |
//! | `conditions` | match conditions: expressions about the request |
//! | `matching` | whether a webhook is to be asked, and about which version |
//! | `review` | the question as an AdmissionReview, and what is made of the answer |
//! | `mutating` | one after the other, each on what the one before has left; reinvocation |
//! | `validating` | all at once |
//!
//! Audit annotations of answers are read and dropped: this server keeps no audit log.

mod conditions;
mod configuration;
pub(super) mod matching;
mod mutating;
mod review;
mod validating;

pub(super) use conditions::{Access, Condition, hold_conditions, request_resource};
pub(super) use configuration::{Configurations, Phase};
pub(super) use matching::Matching;
pub(super) use mutating::mutate;
pub(super) use review::request;
pub(super) use validating::validate;
