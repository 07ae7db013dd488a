//! What the checks of a bundle have to tell.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The bundle can't be used.
    Error,
    /// It can, and should be better.
    Warning,
}

/// Something that a check has found. In JSON `type` and `message` are those of operator-sdk's `json-alpha1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    #[serde(rename = "type")]
    pub level: Level,
    /// The kind of problem, as operator-framework names it: `CSVFileNotValid`, `BundleNotValid`, …
    pub reason: String,
    /// What is wrong, where, and what would be right.
    pub message: String,
}

impl Finding {
    /// An error.
    pub fn error(reason: &str, message: impl Into<String>) -> Self {
        Self { level: Level::Error, reason: reason.into(), message: message.into() }
    }

    /// A warning.
    pub fn warning(reason: &str, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, reason: reason.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{level}: {}", self.message)
    }
}

/// All that the checks have found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether there is no error.
    pub passed: bool,
    /// What was found, in the order of the checks.
    #[serde(rename = "outputs")]
    pub findings: Vec<Finding>,
}

impl Report {
    /// Puts together what was found; the same thing is told once.
    #[must_use]
    pub fn new(found: Vec<Finding>) -> Self {
        let mut findings: Vec<Finding> = Vec::new();
        for finding in found {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        Self { passed: findings.iter().all(|finding| finding.level != Level::Error), findings }
    }

    /// The errors.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.level == Level::Error)
    }

    /// The warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.level == Level::Warning)
    }
}

/// The kinds of problems, as operator-framework names them.
pub(crate) mod reason {
    pub(crate) const CSV: &str = "CSVFileNotValid";
    pub(crate) const FIELD: &str = "FieldNotFound";
    pub(crate) const PARSE: &str = "ParseError";
    pub(crate) const IO: &str = "FileReadError";
    pub(crate) const VALIDATION: &str = "ValidationFailed";
    pub(crate) const OPERATION: &str = "OperationFailed";
    pub(crate) const STRUCTURE: &str = "ManifestStructureNotValid";
    pub(crate) const BUNDLE: &str = "BundleNotValid";
    pub(crate) const PROPERTIES: &str = "PropertiesAnnotationUsed";
    pub(crate) const DEPRECATED: &str = "DeprecatedValidator";
}
