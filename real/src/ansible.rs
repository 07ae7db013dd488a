//! ansible-runner and Ansible with the collection kubernetes.core, out of PyPI.
//!
//! The collection comes out of the package `ansible`, which brings 100 of them: the others are not kept. What is on Ansible
//! Galaxy alone, such as operator_sdk.util, is not there.

use std::path::PathBuf;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::binaries::{build_once, cache_dir};
use crate::error::Error;

/// All packages with their versions: what they need themselves does not move either.
const PACKAGES: &str = include_str!("../python/ansible.txt");
/// The package with the collection; its version goes with that of ansible-core.
const COLLECTIONS: &str = "ansible==12.3.0";

/// Makes a Python environment at `$1`, which is going to be moved to `$2`: programs name their interpreter by its path.
const MAKE: &str = r#"
set -e
exec >&2
python3 -m venv "$1"
"$1/bin/python3" -m pip install --disable-pip-version-check --no-input -r "$3"
"$1/bin/python3" -m pip download --disable-pip-version-check --no-input --no-deps -d "$1/wheel" "$4"
"$1/bin/python3" - "$1" <<'END'
import glob, sysconfig, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/wheel/*.whl")[0])
wanted = [name for name in wheel.namelist() if name.startswith("ansible_collections/kubernetes/core/")]
wheel.extractall(sysconfig.get_path("purelib"), wanted)
END
rm -r "$1/wheel"
grep -rlIF "$1" "$1/bin" "$1/pyvenv.cfg" | xargs sed -i "s|$1|$2|g"
"#;

/// ansible-runner, out of the cache or installed now, with ansible-playbook beside it. Needs Python 3.11 to 3.13 with its
/// module venv.
///
/// The cache is `$KUBEWRIGHT_CACHE` or else `~/.cache/kubewright`.
pub fn ensure_ansible() -> Result<PathBuf, Error> {
    let key: String = Sha256::digest(python()? + PACKAGES + COLLECTIONS + MAKE)
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let dir = cache_dir()?.join(format!("ansible-{key}"));
    let packages = concat!(env!("CARGO_MANIFEST_DIR"), "/python/ansible.txt");
    build_once(&dir, "a Python environment with ansible-runner", |partial| {
        let mut command = Command::new("sh");
        command.args(["-c", MAKE, "sh"]).arg(partial).arg(&dir).args([packages, COLLECTIONS]);
        command
    })?;
    Ok(dir.join("bin/ansible-runner"))
}

/// The version and the place of Python.
fn python() -> Result<String, Error> {
    let program = "import sys, venv, ensurepip; print(sys.version, sys.base_prefix)";
    let output = Command::new("python3").args(["-c", program]).output();
    match output {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => Err(Error::PythonMissing { cause: String::from_utf8_lossy(&output.stderr).trim().to_owned() }),
        Err(error) => Err(Error::PythonMissing { cause: error.to_string() }),
    }
}
