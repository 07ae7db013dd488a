//! What is known of the Go structs behind the built-in types; see [`super::bundle`] for where it comes from.

use std::collections::BTreeMap;

use super::node::{GoField, Omit};

/// Facts by OpenAPI type name.
#[derive(Debug, Default)]
pub struct GoTypes<'a> {
    types: BTreeMap<&'a str, BTreeMap<&'a str, Facts<'a>>>,
}

/// `[Go type, omit, via, number]`; empty parts at the end are left out.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Facts<'a>(#[serde(borrow)] Vec<&'a str>);

impl<'a> GoTypes<'a> {
    /// Reads the output of `real/go/types`; empty parts at the end may be left out.
    ///
    /// # Errors
    /// When it is not in that form.
    pub fn parse(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        Ok(Self { types: serde_json::from_slice(json)? })
    }

    pub(super) fn fields(&self, type_name: &str) -> Option<&BTreeMap<&'a str, Facts<'a>>> {
        self.types.get(type_name)
    }
}

impl Facts<'_> {
    pub(super) fn to_field(&self) -> GoField {
        let part = |at: usize| self.0.get(at).copied().unwrap_or_default();
        // `v1.Protocol=string`: only the name stands in messages.
        let text = part(0).split('=').next().unwrap_or_default();
        GoField {
            type_text: text.trim_start_matches('*').into(),
            pointer: text.starts_with('*'),
            omit: match part(1) {
                "empty" => Omit::Empty,
                "zero" => Omit::Zero,
                _ => Omit::Never,
            },
            via: part(2).into(),
            number: number(part(3)),
        }
    }
}

/// `2`, `2.4` or `2.2.1`; empty without protobuf.
fn number(text: &str) -> [u16; 3] {
    let mut parts = text.split('.');
    std::array::from_fn(|_| parts.next().and_then(|part| part.parse().ok()).unwrap_or(0))
}
