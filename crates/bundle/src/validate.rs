//! The checks of a bundle, all in a row.

use std::path::Path;

use crate::checks;
use crate::finding::Report;
use crate::optional::{OptionalCheck, Platforms, Values};
use crate::read::Bundle;

/// What to check besides what each bundle must pass.
#[derive(Debug, Clone, Default)]
pub struct ValidateOptions {
    /// More checks. Default: none. See [`select`](crate::select).
    pub optional: Vec<OptionalCheck>,
    /// Values for them. Default: none.
    pub values: Values,
    /// What registries say of [`Bundle::images`], for those of the checks that ask them. Default: nothing.
    pub platforms: Platforms,
}

/// Checks a bundle: the same checks as `operator-sdk bundle validate`.
///
/// ```no_run
/// use kubewright_bundle::{ValidateOptions, select, validate};
///
/// let options = ValidateOptions { optional: select("suite=operatorframework").unwrap(), ..Default::default() };
/// let report = validate("bundle".as_ref(), &options);
/// for finding in &report.findings {
///     println!("{finding}");
/// }
/// assert!(report.passed);
/// ```
#[must_use]
pub fn validate(folder: &Path, options: &ValidateOptions) -> Report {
    let (bundle, mut found) = match Bundle::read(folder) {
        Ok(read) => read,
        Err(found) => return Report::new(found),
    };
    found.extend(checks::format(folder, bundle.media_type));
    found.extend(checks::content(&bundle));
    for check in &options.optional {
        found.extend(check.run(&bundle, options));
    }
    Report::new(found)
}
