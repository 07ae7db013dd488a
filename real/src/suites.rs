//! Test suites of other projects, out of their published Go modules, to be run against a control plane of ours.
//!
//! The sources of a module come through the Go module proxy. Its tests write beside their sources, and the module cache
//! can't be written to, so they are copied to a directory of the cache and compiled there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binaries::cache_dir;
use crate::error::Error;
use crate::go;

/// The packages of a Go module whose tests are run.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The module, as `sigs.k8s.io/controller-runtime`.
    pub module: &'static str,
    /// Its version, with the `v`.
    pub version: &'static str,
    /// The packages, as `pkg/client`. They are started in this order.
    pub packages: &'static [&'static str],
}

/// How the tests of a package went.
#[derive(Debug, Clone)]
pub struct PackageOutcome {
    /// The package, as `pkg/client`.
    pub package: &'static str,
    /// Specs that passed.
    pub passed: usize,
    /// Specs that failed.
    pub failed: usize,
    /// The names of those that failed, one a line.
    pub failures: Vec<String>,
    /// Whether the test program ended well; one that crashes may not have counted its failures.
    pub good: bool,
    /// How long they took.
    pub took: Duration,
    /// What the test program printed.
    pub log: PathBuf,
}

impl Suite {
    /// Compiles the tests, if that has not been done, and runs those of up to `parallel` packages at a time, with
    /// `environment` added to what they inherit. A package that takes longer than `limit` is ended.
    pub fn run(
        &self,
        environment: &[(&str, &Path)],
        parallel: usize,
        limit: Duration,
    ) -> Result<Vec<PackageOutcome>, Error> {
        let dir = self.sources()?;
        let logs = dir.join("logs");
        fs::create_dir_all(&logs).map_err(Error::io("create", &logs))?;
        let programs = dir.join("programs");
        fs::create_dir_all(&programs).map_err(Error::io("create", &programs))?;
        let waiting = Mutex::new(self.packages.iter().copied().enumerate());
        let done = Mutex::new(Vec::new());
        let work = || -> Result<(), Error> {
            loop {
                let next = waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
                let Some((index, package)) = next else { return Ok(()) };
                let name = package.rsplit('/').next().unwrap_or(package);
                let program = programs.join(format!("{name}.test"));
                compile(&dir, package, &program)?;
                let outcome = test(&dir, package, &program, &logs.join(format!("{name}.log")), environment, limit)?;
                // Each is tens of megabytes, and the compiler's own cache makes it again in seconds.
                fs::remove_file(&program).map_err(Error::io("remove", &program))?;
                done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((index, outcome));
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..parallel.max(1)).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        done.sort_by_key(|(index, _)| *index);
        Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// A copy of the module's sources that can be written to.
    fn sources(&self) -> Result<PathBuf, Error> {
        let cache = cache_dir()?.join("suites");
        let name = self.module.rsplit('/').next().unwrap_or(self.module);
        let dir = cache.join(format!("{name}-{}", self.version));
        if dir.is_dir() {
            return Ok(dir);
        }
        fs::create_dir_all(&cache).map_err(Error::io("create", &cache))?;
        // Outside of any module.
        let answer = go::answer(&cache, &["mod", "download", "-json", &format!("{}@{}", self.module, self.version)])?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        let source = PathBuf::from(answer["Dir"].as_str().unwrap_or_default());
        let partial = cache.join(format!("{name}-{}.partial-{}", self.version, std::process::id()));
        copy(&source, &partial).map_err(Error::io("copy", &source))?;
        match fs::rename(&partial, &dir) {
            // Somebody else was faster.
            Err(_) if dir.is_dir() => fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?,
            result => result.map_err(Error::io("rename", &partial))?,
        }
        Ok(dir)
    }
}

/// Copies files and directories, which can be written to afterwards.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::write(&target, fs::read(&source)?)?;
            // The executables among them are test data, too.
            use std::os::unix::fs::PermissionsExt;
            let mode = entry.metadata()?.permissions().mode() | 0o200;
            fs::set_permissions(&target, fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

fn compile(dir: &Path, package: &str, program: &Path) -> Result<(), Error> {
    let arguments =
        ["test".as_ref(), "-c".as_ref(), "-o".as_ref(), program.as_os_str(), format!("./{package}").as_ref()]
            .map(|argument: &std::ffi::OsStr| argument.to_string_lossy().into_owned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    go::answer(dir, &arguments).map(|_| ())
}

fn test(
    dir: &Path,
    package: &'static str,
    program: &Path,
    log: &Path,
    environment: &[(&str, &Path)],
    limit: Duration,
) -> Result<PackageOutcome, Error> {
    let output = fs::File::create(log).map_err(Error::io("create", log))?;
    let errors = output.try_clone().map_err(Error::io("write", log))?;
    let started = Instant::now();
    let status = Command::new(program)
        .args(["-test.v", "-ginkgo.no-color", "-ginkgo.flake-attempts=2"])
        .arg(format!("-test.timeout={}s", limit.as_secs()))
        .current_dir(dir.join(package))
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .status()
        .map_err(Error::io("start", program))?;
    let text = fs::read(log).map_err(Error::io("read", log))?;
    Ok(outcome(package, &String::from_utf8_lossy(&text), status, started.elapsed(), log))
}

fn outcome(package: &'static str, text: &str, status: ExitStatus, took: Duration, log: &Path) -> PackageOutcome {
    let (passed, failed) = text.lines().filter_map(counts).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let summary = text.split_once("Summarizing ").map_or("", |(_, summary)| summary);
    let failures =
        summary.lines().map(str::trim).filter(|line| line.starts_with('[') && line.contains("] ")).map(str::to_owned);
    PackageOutcome {
        package,
        passed,
        failed,
        failures: failures.collect(),
        good: status.success(),
        took,
        log: log.to_owned(),
    }
}

/// The numbers of passed and failed specs in ginkgo's closing line.
fn counts(line: &str) -> Option<(usize, usize)> {
    let (_, numbers) = line.split_once("! -- ")?;
    let number = |word: &str| -> Option<usize> {
        numbers.split('|').find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
    };
    Some((number("Passed")?, number("Failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_ginkgo_are_read() {
        assert_eq!(counts("SUCCESS! -- 15 Passed | 0 Failed | 2 Pending | 0 Skipped"), Some((15, 0)));
        assert_eq!(counts("FAIL! -- 106 Passed | 1 Failed | 0 Pending | 0 Skipped"), Some((106, 1)));
        assert_eq!(counts("Ran 107 of 107 Specs in 62.5 seconds"), None);
        assert_eq!(counts("--- FAIL: TestManager (62.55s)"), None);
    }
}
