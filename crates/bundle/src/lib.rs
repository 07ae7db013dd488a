//! Bundles for the Operator Lifecycle Manager: a version of an operator as it is put into a catalog.
//!
//! ```text
//! manifests ─collect→ Manifests ─generate→ ClusterServiceVersion + other objects + metadata ─→ a bundle on disk
//! a bundle on disk ─read→ Bundle ─checks→ Report
//!                              ├─scorecard→ results of the six static tests
//!                              └─add→ Catalog
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`Bundle`] | a bundle that was read |
//! | [`validate`] | the checks of `operator-sdk bundle validate` |
//! | [`optional_checks`], [`select`] | those that are run when they are asked for |
//! | [`generate`](fn@generate) | manifests → the files of a bundle |
//! | [`ScorecardConfig`] | which of the static tests of operator-sdk's scorecard to run |
//! | `xunit` | their results as XML |
//! | [`Catalog`] | a file-based catalog, which bundles are added to |
//! | [`migrate`] | package manifests → bundles |
//! | [`ClusterServiceVersion`] | its parts, with their types |
//! | [`Report`], [`Finding`] | what the checks have to tell |
//! | `versions` | versions and ranges of versions |
//!
//! What is checked, and what of it is an error, is operator-framework's; the words are ours. Design notes: docs/bundle.md.

mod catalog;
mod checks;
mod csv;
mod finding;
mod generate;
mod metadata;
mod optional;
mod packages;
mod read;
mod scorecard;
mod validate;
mod versions;
mod xunit;

pub use catalog::{Catalog, CatalogError};
pub use csv::{
    ApiDescription, ClusterServiceVersion, CrdDescription, Definitions, Deployment, Descriptor, Icon, Install,
    InstallMode, InstallSpec, Link, Maintainer, Metadata, Permissions, RelatedImage, ResourceReference, Spec, Webhook,
};
pub use finding::{Finding, Level, Report};
pub use generate::{GenerateError, GenerateOptions, Generated, Manifests, generate};
pub use metadata::{BundleMetadata, labels};
pub use optional::{OptionalCheck, Platform, Platforms, Values, optional_checks, select};
pub use packages::{MigrateError, Migrated, migrate};
pub use read::Bundle;
pub use scorecard::{
    ScorecardConfig, ScorecardError, Stage, State, Test, TestConfig, TestList, TestResult, TestStatus,
};
pub use validate::{ValidateOptions, validate};
