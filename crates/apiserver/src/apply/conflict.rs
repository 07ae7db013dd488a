//! Conflicts: fields that a manager applies with a value other than their owners'.

use std::fmt::Write as _;

use super::managed::{ManagerId, Operation};
use super::path::PathText;
use super::set::FieldSet;
use crate::status::{ApiError, Cause, Details};

/// The fields in conflict, by owner.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Conflicts(pub(super) Vec<(ManagerId, FieldSet)>);

impl Conflicts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The conflicts on fields other than these.
    pub(super) fn except(self, allowed: &FieldSet) -> Self {
        let rest = self.0.into_iter().map(|(id, fields)| (id, fields.difference(allowed)));
        Self(rest.filter(|(_, fields)| !fields.is_empty()).collect())
    }

    /// 409 with a cause for each field.
    pub(super) fn into_error(self) -> ApiError {
        let mut causes = Vec::new();
        let mut listing = String::new();
        for (id, fields) in &self.0 {
            let owner = shown(id);
            let _ = write!(listing, "{}conflicts with {owner}:", if listing.is_empty() { "" } else { "\n" });
            for path in fields.paths() {
                let field = PathText(&path).to_string();
                let _ = write!(listing, "\n- {field}");
                let message = format!("conflict with {owner}");
                causes.push(Cause { reason: "FieldManagerConflict".into(), message, field });
            }
        }
        let message = match causes.as_slice() {
            [one] => format!("Apply failed with 1 conflict: {}: {}", one.message, one.field),
            many => format!("Apply failed with {} conflicts: {listing}", many.len()),
        };
        let details = Details { causes, ..Details::default() };
        ApiError { details: Some(Box::new(details)), ..ApiError::new(409, "Conflict", message) }
    }
}

fn shown(id: &ManagerId) -> String {
    let mut out = format!("{:?}", id.name);
    if !id.subresource.is_empty() {
        let _ = write!(out, " with subresource {:?}", id.subresource);
    }
    if id.operation == Operation::Update {
        let _ = write!(out, " using {}", id.api_version);
    }
    out
}
