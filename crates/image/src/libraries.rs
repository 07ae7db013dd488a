//! What a program is linked to.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ImageError;

/// The libraries that a program needs at run time and the loader, by their paths; none for a static one.
///
/// # Errors
/// If the system's `ldd` can't be asked, or a library is missing.
pub fn libraries(program: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let failed = |cause: String| ImageError::Libraries { program: program.into(), cause };
    let output = Command::new("ldd")
        .arg(program)
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| failed(format!("ldd: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    if text.contains("statically linked") || told.contains("not a dynamic executable") {
        return Ok(Vec::new());
    }
    if !output.status.success() {
        return Err(failed(told.trim().into()));
    }
    parse(&text).map_err(failed)
}

/// Lines are `name => /path (address)`, `/loader (address)` or `linux-vdso.so.1 (address)`.
fn parse(text: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, rest) = line.split_once(" => ").unwrap_or(("", line));
        if rest.starts_with("not found") {
            return Err(format!("{name} is not found on this machine"));
        }
        let path = rest.split(" (").next().unwrap_or_default();
        if path.starts_with('/') {
            found.push(path.into());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ldd_says_is_understood() {
        let text = "\tlinux-vdso.so.1 (0x00007fff)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x0)\n";
        assert_eq!(
            parse(text).unwrap(),
            [PathBuf::from("/lib/x86_64-linux-gnu/libc.so.6"), PathBuf::from("/lib64/ld-linux-x86-64.so.2")]
        );
        assert_eq!(parse("\tlibx.so => not found\n").unwrap_err(), "libx.so is not found on this machine");
    }
}
