//! A resourceVersion of a list or of an event.

use std::fmt;
use std::sync::Arc;

/// A resourceVersion: what a watch starts from. Versions of one kind are ordered if both are numbers, which those of
/// Kubernetes are (KEP-5504); an extension server may have others, which can only be handed back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    text: Arc<str>,
    number: Option<u64>,
}

impl Version {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.into(), number: text.parse().ok() }
    }

    /// Whether this is known to be older than `other`.
    pub(crate) fn older_than(&self, other: &Self) -> bool {
        matches!((self.number, other.number), (Some(one), Some(other)) if one < other)
    }

    /// 0 if it is not a number.
    pub(crate) fn number(&self) -> u64 {
        self.number.unwrap_or(0)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
