//! helm, built from its Go module.

use std::path::PathBuf;

use crate::binaries::{build_once, cache_dir};
use crate::error::Error;
use crate::go;

/// The version of helm that is built.
pub const HELM_VERSION: &str = "v4.3.1";

const PACKAGE: &str = "helm.sh/helm/v4/cmd/helm";

/// The program, out of the cache or built now; a build tells its progress on stderr and takes some minutes.
///
/// The cache is `$KUBEWRIGHT_CACHE` or else `~/.cache/kubewright`.
pub fn ensure_helm() -> Result<PathBuf, Error> {
    let target = go::answer(&go::module(), &["env", "GOVERSION", "GOOS", "GOARCH"])?;
    let target = target.split_whitespace().collect::<Vec<_>>().join("-");
    let dir = cache_dir()?.join(format!("helm-{HELM_VERSION}-{target}"));
    build_once(&dir, &format!("helm {HELM_VERSION}"), |partial| {
        let mut command = go::command(&go::module());
        let package = format!("{PACKAGE}@{HELM_VERSION}");
        command.env("GOBIN", partial).args(["install", "-v", "-trimpath", "-ldflags", "-s -w", &package]);
        command
    })?;
    Ok(dir.join("helm"))
}
