//! Compiles the programs that are measured.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;

/// Runs a compiler in a folder, and says so.
pub(crate) fn compile(command: &mut Command, dir: &Path) -> Result<(), Error> {
    let program = format!("{} in {}", command.get_program().display(), dir.display());
    eprintln!("building with {program} …");
    // The output is the report's.
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().map_err(Error::io("build what is measured"))?;
    if status.success() { Ok(()) } else { Err(Error::Build { program, status }) }
}
