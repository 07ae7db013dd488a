//! Runs Go in the module `real/go`, and builds programs of other modules.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binaries::{build_once, cache_dir};
use crate::error::Error;

/// The oldest Go that builds the module.
const GO_NEEDED: &str = "1.26";

/// What the Go structs behind the Kubernetes API tell that OpenAPI does not, as JSON (see `real/go/types`).
pub fn api_types() -> Result<String, Error> {
    answer(&module(), &["run", "./types"])
}

/// The OpenAPI v2 document of a server as client-go reads it, which asks for protobuf, as JSON (see `real/go/openapi`).
pub fn openapi_v2(kubeconfig: &Path) -> Result<String, Error> {
    answer(&module(), &["run", "./openapi", &kubeconfig.to_string_lossy()])
}

/// Where the module lies.
pub(crate) fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("go")
}

/// Runs `go` for a short answer.
pub(crate) fn answer(module: &Path, arguments: &[&str]) -> Result<String, Error> {
    let output = command(module).args(arguments).output().map_err(missing)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Error::GoUnusable {
        arguments: arguments.join(" "),
        dir: module.to_owned(),
        needed: GO_NEEDED,
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// A program that its package's name names, out of the cache or built now from a version of its module. `title` is what the
/// build is called while it tells its progress.
pub(crate) fn installed(title: &str, package: &str, version: &str) -> Result<PathBuf, Error> {
    let name = package.rsplit('/').next().unwrap_or(package);
    let target = answer(&module(), &["env", "GOVERSION", "GOOS", "GOARCH"])?;
    let target = target.split_whitespace().collect::<Vec<_>>().join("-");
    let dir = cache_dir()?.join(format!("{name}-{version}-{target}"));
    build_once(&dir, &format!("{title} {version}"), |partial| {
        let mut command = command(&module());
        let package = format!("{package}@{version}");
        command.env("GOBIN", partial).args(["install", "-v", "-trimpath", "-ldflags", "-s -w", &package]);
        command
    })?;
    Ok(dir.join(name))
}

/// `go`, to be run in the module.
pub(crate) fn command(module: &Path) -> Command {
    let mut command = Command::new("go");
    // A workspace file or vendor flags of whoever calls us are not meant for this module.
    command.current_dir(module).env("CGO_ENABLED", "0").env("GOWORK", "off").env("GOFLAGS", "-mod=readonly");
    command
}

/// The error for a `go` that can't be started.
pub(crate) fn missing(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::GoMissing { needed: GO_NEEDED },
        _ => Error::Io { action: "start", path: "go".into(), source: error },
    }
}
