//! kube-rs' own integration tests, out of its published crates.
//!
//! They are unit tests that are ignored unless asked for, so the crates are compiled as a workspace of their own, in the
//! cache: their sources are copied there, and depend on each other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::binaries::cache_dir;
use crate::cargo;
use crate::error::{Error, tail};

/// The version whose tests are run.
pub const KUBE_VERSION: &str = "5.0.0";

const CRATES: [&str; 5] = ["kube", "kube-client", "kube-core", "kube-derive", "kube-runtime"];
/// The crates with tests that want a cluster, and the features without which those are not compiled.
const FEATURES: &str = "kube/derive,kube/runtime,kube-client/ws,kube-client/kubelet-debug,kube-client/jsonpatch,\
                        kube-client/rustls-tls,kube-client/ring";
/// What publication has taken out of the manifests of the crates that `kube` depends on.
const LOST: &str = "\n[dev-dependencies.kube]\npath = \"../kube\"\ndefault-features = false\nfeatures = [\"derive\", \
                    \"client\", \"runtime\"]\n";

/// Runs the tests that want a cluster, but for those named in `skip`, on the cluster of a kubeconfig. Returns how many
/// passed and failed, and the file with what they printed.
pub fn kube_rs_tests(kubeconfig: &Path, skip: &[&str]) -> Result<(usize, usize, PathBuf), Error> {
    let dir = cache_dir()?.join("suites").join(format!("kube-rs-{KUBE_VERSION}"));
    prepare(&dir)?;
    let log = dir.join("tests.log");
    let output = fs::File::create(&log).map_err(Error::io("create", &log))?;
    let errors = output.try_clone().map_err(Error::io("write", &log))?;
    let mut command = cargo_in(&dir);
    command.args(["test", "--no-fail-fast", "--lib", "-p", "kube", "-p", "kube-client", "-p", "kube-runtime"]);
    command.args(["--features", FEATURES, "--", "--ignored"]);
    for name in skip {
        command.args(["--skip", name]);
    }
    let status = command
        .env("KUBECONFIG", kubeconfig)
        .stdout(output)
        .stderr(errors)
        .status()
        .map_err(Error::io("start", Path::new("cargo")))?;
    let text = fs::read(&log).map_err(Error::io("read", &log))?;
    let text = String::from_utf8_lossy(&text);
    let (passed, failed) = text.lines().filter_map(counts).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    if !status.success() && failed == 0 {
        return Err(Error::Build { status, tail: tail(&log), log });
    }
    Ok((passed, failed, log))
}

/// Makes the workspace, unless it is there.
fn prepare(dir: &Path) -> Result<(), Error> {
    if dir.join("Cargo.toml").is_file() {
        return Ok(());
    }
    let fetch = dir.join("fetch");
    fs::create_dir_all(fetch.join("src")).map_err(Error::io("create", &fetch))?;
    let write = |path: PathBuf, text: &str| fs::write(&path, text).map_err(Error::io("write", &path));
    write(fetch.join("src/lib.rs"), "")?;
    let manifest = format!(
        "[package]\nname = \"fetch\"\nedition = \"2021\"\n\n[workspace]\n\n[dependencies]\nkube = {{ version = \
         \"={KUBE_VERSION}\", features = [\"derive\", \"runtime\"] }}\n"
    );
    write(fetch.join("Cargo.toml"), &manifest)?;
    let answer = cargo_in(&fetch)
        .args(["metadata", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(Error::io("start", Path::new("cargo")))?;
    let metadata: Value = serde_json::from_slice(&answer.stdout).unwrap_or_default();
    for name in CRATES {
        let is_it = |package: &&Value| package["name"] == name && package["version"] == KUBE_VERSION;
        let package = metadata["packages"].as_array().into_iter().flatten().find(is_it);
        let found = package.and_then(|package| Path::new(package["manifest_path"].as_str()?).parent());
        let source = found.map(Path::to_path_buf).unwrap_or_else(|| PathBuf::from(name));
        let target = dir.join(name);
        crate::suites::copy(&source, &target).map_err(Error::io("copy", &source))?;
        if ["kube-client", "kube-runtime"].contains(&name) {
            let path = target.join("Cargo.toml");
            let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
            write(path, &(text + LOST))?;
        }
    }
    let mut workspace = format!("[workspace]\nresolver = \"2\"\nmembers = {CRATES:?}\n\n[patch.crates-io]\n");
    for name in CRATES {
        workspace.push_str(&format!("{name} = {{ path = \"{name}\" }}\n"));
    }
    workspace.push_str("\n[profile.dev]\ndebug = false\nincremental = false\n");
    // Last: with it, the workspace is there.
    write(dir.join("Cargo.toml"), &workspace)
}

/// cargo in a directory, with a target directory of its own.
fn cargo_in(dir: &Path) -> Command {
    let mut command = cargo();
    command.current_dir(dir).stdin(Stdio::null()).env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
    command
}

/// The numbers of passed and failed tests in the closing line of a test program.
fn counts(line: &str) -> Option<(usize, usize)> {
    let line = line.strip_prefix("test result: ")?;
    let number = |word: &str| line[..line.find(word)?].trim_end().rsplit([' ', ';']).next()?.parse().ok();
    Some((number("passed;")?, number("failed;")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_a_test_program_is_read() {
        let line = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        assert_eq!(counts(line), Some((3, 2)));
        assert_eq!(counts("test it_works ... ok"), None);
    }
}
