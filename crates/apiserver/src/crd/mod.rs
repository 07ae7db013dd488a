//! Custom resource definitions: from their manifest to a served resource.

mod definition;
pub mod versions;

pub use definition::{
    Column, Condition, Definition, Names, Scale, SelectableField, Spec, Status, Subresources, Validation, Version,
};
