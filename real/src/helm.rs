//! helm, built from its Go module.

use std::path::PathBuf;

use crate::error::Error;
use crate::go;

/// The version of helm that is built.
pub const HELM_VERSION: &str = "v4.3.1";

const PACKAGE: &str = "helm.sh/helm/v4/cmd/helm";

/// The program, out of the cache or built now; a build tells its progress on stderr and takes some minutes.
///
/// The cache is `$KUBEWRIGHT_CACHE` or else `~/.cache/kubewright`.
pub fn ensure_helm() -> Result<PathBuf, Error> {
    go::installed("helm", PACKAGE, HELM_VERSION)
}
