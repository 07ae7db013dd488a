//! skopeo, which looks at images and copies them: a program of the machine.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::error::Error;

/// What the `skopeo` on PATH calls itself, such as `skopeo version 1.9.3`.
///
/// # Errors
/// [`Error::SkopeoMissing`] where there is none.
pub fn ensure_skopeo() -> Result<String, Error> {
    let output = Command::new("skopeo").arg("--version").output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::SkopeoMissing,
        _ => Error::io("start", Path::new("skopeo"))(error),
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
