//! cargo, called from a program that cargo itself runs.

use std::env;
use std::process::Command;

/// cargo as if from a shell.
///
/// cargo tells what it runs about its package, and build scripts look at these variables: passed on, they have every crate
/// that depends on such a script compiled anew, in this call and again in the next one from a shell.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(told) {
            command.env_remove(name);
        }
    }
    command
}
