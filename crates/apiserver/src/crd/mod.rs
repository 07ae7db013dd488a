//! Custom resource definitions: from their manifest to a served resource.

mod definition;
pub mod structural;
pub mod versions;
mod warnings;

pub use definition::{
    Column, Condition, Definition, Names, Scale, SelectableField, Spec, Status, Subresources, Validation, Version,
};
pub use warnings::warnings;
