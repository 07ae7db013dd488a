//! Custom resource definitions: from their manifest to a served resource.
//!
//! A create goes through [`set_defaults`] → [`prepare_create`] → [`validate`] → store, then [`update_status`] accepts
//! the names and establishes it; an update through [`set_defaults`] → [`prepare_update`] → [`validate`] → store →
//! [`update_status`]. [`Definition`] is what the rest of the crate reads of a stored one, and
//! [`schema::crd::compile`](crate::schema::crd::compile) makes the type of its objects.
//!
//! Rules in CEL (`x-kubernetes-validations`) are the business of `cel`.

mod definition;
mod scale;
mod status;
pub mod structural;
mod validation;
pub mod versions;
mod warnings;

pub use definition::{
    Column, Condition, Definition, Names, Scale, SelectableField, Spec, Status, Subresources, Validation, Version,
};
pub use scale::validate_scale;
pub use status::{default_stored_versions, prepare_create, prepare_update, set_condition, update_status};
pub use validation::{set_defaults, validate};
pub use warnings::warnings;
