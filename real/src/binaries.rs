//! Builds kube-apiserver, kube-controller-manager, etcd and kubectl once, into a cache outside the checkout.
//!
//! The cache directory is named after everything that shapes the result: the Go version and platform, the flags and the
//! files of the Go module. A build goes to a directory beside it that is renamed at the end, so what is there is whole.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::error::{Error, tail};
use crate::go;

/// The version of Kubernetes that is built.
pub const KUBERNETES_VERSION: &str = "v1.36.3";

const PROGRAMS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"];
const PROGRESS_INTERVAL: Duration = Duration::from_secs(15);

/// The built programs.
#[derive(Debug, Clone)]
pub struct Binaries {
    dir: PathBuf,
}

impl Binaries {
    /// The directory that has them all, under their usual names.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// kubectl of the same version.
    pub fn kubectl(&self) -> PathBuf {
        self.program("kubectl")
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// The programs, out of the cache or built now; a build tells its progress on stderr and takes some minutes.
///
/// The cache is `$KUBEWRIGHT_CACHE` or else `~/.cache/kubewright`.
pub fn ensure_binaries() -> Result<Binaries, Error> {
    let module = go::module();
    let target = go::answer(&module, &["env", "GOVERSION", "GOOS", "GOARCH"])?;
    let cache = cache_dir()?;
    let dir = cache.join(format!("{KUBERNETES_VERSION}-{}", key(&module, &target)?));
    build_once(&dir, &format!("{} {KUBERNETES_VERSION}", PROGRAMS.join(", ")), |partial| {
        let mut command = go::command(&module);
        command
            .args(["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", &linker_flags(), "-o"])
            .arg(partial)
            .args(PROGRAMS.map(|program| format!("./{program}")));
        command
    })?;
    Ok(Binaries { dir })
}

/// Has `command` fill a directory of the cache, unless it is there already. Calls at the same time, of other processes too,
/// build once.
pub(crate) fn build_once(dir: &Path, what: &str, command: impl FnOnce(&Path) -> Command) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    let cache = cache_dir()?;
    fs::create_dir_all(&cache).map_err(Error::io("create", &cache))?;
    let lock_path = cache.join("build.lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    lock.lock().map_err(Error::io("lock", &lock_path))?;
    // Whoever had the lock before may have built what we need.
    if !dir.is_dir() {
        build(dir, what, command)?;
    }
    Ok(())
}

pub(crate) fn cache_dir() -> Result<PathBuf, Error> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("KUBEWRIGHT_CACHE").or_else(|| Some(set("HOME")?.join(".cache/kubewright")));
    Ok(cache.ok_or(Error::NoCacheDirectory)?.join("real"))
}

fn key(module: &Path, target: &str) -> Result<String, Error> {
    let mut hash = Sha256::new();
    hash.update(target);
    hash.update(linker_flags());
    let mut files = vec![module.join("go.mod"), module.join("go.sum"), module.join("tether/tether.go")];
    files.extend(PROGRAMS.map(|program| module.join(program).join("main.go")));
    for file in files {
        let content = fs::read(&file).map_err(Error::io("read", &file))?;
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
    }
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

/// Without these the servers report a development version.
fn linker_flags() -> String {
    let mut version = KUBERNETES_VERSION.trim_start_matches('v').splitn(3, '.');
    let (major, minor) = (version.next().unwrap_or_default(), version.next().unwrap_or_default());
    [("gitVersion", KUBERNETES_VERSION), ("gitMajor", major), ("gitMinor", minor), ("gitCommit", "")]
        .iter()
        .fold("-s -w".to_owned(), |flags, (name, value)| {
            format!("{flags} -X k8s.io/component-base/version.{name}={value}")
        })
}

fn build(dir: &Path, what: &str, command: impl FnOnce(&Path) -> Command) -> Result<(), Error> {
    let partial = dir.with_added_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?;
    }
    fs::create_dir_all(&partial).map_err(Error::io("create", &partial))?;
    let log_path = dir.with_added_extension("log");
    let mut log = File::create(&log_path).map_err(Error::io("create", &log_path))?;

    let started = Instant::now();
    eprintln!("building {what}: some minutes, once");
    let mut child = command(&partial)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(go::missing)?;
    if let Some(output) = child.stderr.take() {
        let mut packages = 0;
        let mut told = started;
        for line in BufReader::new(output).lines() {
            let line = line.map_err(Error::io("read the output of", Path::new("go build")))?;
            writeln!(log, "{line}").map_err(Error::io("write", &log_path))?;
            packages += u32::from(!line.starts_with("go: "));
            if told.elapsed() >= PROGRESS_INTERVAL {
                told = Instant::now();
                eprintln!("  {packages} packages compiled in {} s, now {line}", started.elapsed().as_secs());
            }
        }
    }
    let status = child.wait().map_err(Error::io("wait for", Path::new("go build")))?;
    if !status.success() {
        return Err(Error::Build { status, tail: tail(&log_path), log: log_path });
    }
    fs::rename(&partial, dir).map_err(Error::io("rename", &partial))?;
    eprintln!("built in {} s: {}", started.elapsed().as_secs(), dir.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_go_module() {
        let module = include_str!("../go/go.mod");
        assert!(module.contains(&format!("k8s.io/kubernetes {KUBERNETES_VERSION}\n")));
    }

    #[test]
    fn the_key_depends_on_the_go_version() {
        let module = go::module();
        let key = |target| key(&module, target).expect("the module's files are there");
        assert_eq!(key("go1.26.1 linux amd64"), key("go1.26.1 linux amd64"));
        assert_ne!(key("go1.26.1 linux amd64"), key("go1.26.2 linux amd64"));
    }
}
