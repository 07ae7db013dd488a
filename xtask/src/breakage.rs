//! Breaks what is committed, one edit at a time, and sees whether a test fails.
//!
//! It is broken in a work tree of its own, and built in a directory of its own: cargo takes two work trees for the same, and
//! what is broken would be taken for what is not.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use kubewright_real::cargo;

/// A test that takes longer hangs, which is a way to fail.
const HANGS: Duration = Duration::from_secs(240);

/// What is put in the place of what.
pub(crate) struct Edit {
    pub(crate) file: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
}

/// A test that is to fail.
pub(crate) struct Test {
    pub(crate) package: &'static str,
    /// A test program, or `lib` for the tests inside.
    pub(crate) target: &'static str,
    pub(crate) name: &'static str,
    /// Variables of the environment that it looks at.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("git {command}: it failed; the work tree is {}", tree.display())]
    Git { command: &'static str, tree: PathBuf },
    #[error("{file}: {from:?} is there {times} times, not once: mend the table of this chore")]
    Edit { file: &'static str, from: &'static str, times: usize },
}

/// How a test took it that something was broken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fails,
    Hangs,
    /// What was broken does not compile, so nothing has been shown.
    DoesNotCompile,
    Passes,
}

impl Verdict {
    /// Whether the test has seen it.
    pub(crate) fn is_seen(&self) -> bool {
        matches!(self, Self::Fails | Self::Hangs)
    }
}

/// A work tree of what is committed; it goes when this is dropped.
pub(crate) struct Tree(PathBuf);

impl Tree {
    pub(crate) fn new() -> Result<Self, Failed> {
        let path = crate::workspace().join("target/invariants");
        // One that was left behind by a crash.
        _ = git("worktree", &["remove", "--force"], &path);
        git("worktree", &["add", "--quiet", "--detach", "--force"], &path)?;
        Ok(Self(path))
    }

    /// Makes the edits, runs the test, and takes the edits back.
    pub(crate) fn judge(&self, edits: &[Edit], test: &Test) -> Result<Verdict, Failed> {
        let mut whole = Vec::new();
        let files: BTreeSet<&str> = edits.iter().map(|edit| edit.file).collect();
        for file in files {
            let path = self.0.join(file);
            let text = read(&path)?;
            whole.push((path, text));
        }
        for edit in edits {
            let path = self.0.join(edit.file);
            let text = read(&path)?;
            let times = text.matches(edit.from).count();
            if times != 1 {
                return Err(Failed::Edit { file: edit.file, from: edit.from, times });
            }
            write(&path, &text.replace(edit.from, edit.to))?;
        }
        let verdict = self.run(test);
        for (path, text) in whole {
            write(&path, &text)?;
        }
        verdict
    }

    fn run(&self, test: &Test) -> Result<Verdict, Failed> {
        let failed = |source| Failed::Io { what: "cargo".into(), source };
        let command = |arguments: &[&str]| {
            let mut command = cargo();
            command.args(["test", "--quiet", "--package", test.package]);
            match test.target {
                "lib" => command.arg("--lib"),
                target => command.args(["--test", target]),
            };
            command.args(arguments).current_dir(&self.0).env("CARGO_TARGET_DIR", target());
            command.envs(test.environment.iter().map(|(name, value)| (name, value)));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        if !command(&["--no-run"]).status().map_err(failed)?.success() {
            return Ok(Verdict::DoesNotCompile);
        }
        let mut child = command(&[test.name]).spawn().map_err(failed)?;
        let begin = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                return Ok(if status.success() { Verdict::Passes } else { Verdict::Fails });
            }
            if begin.elapsed() > HANGS {
                child.kill().map_err(failed)?;
                child.wait().map_err(failed)?;
                return Ok(Verdict::Hangs);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // The next run removes what stays.
        _ = git("worktree", &["remove", "--force"], &self.0);
    }
}

/// Where it is built; kept from one run to the next.
fn target() -> PathBuf {
    crate::workspace().join("target/invariants-build")
}

fn git(command: &'static str, arguments: &[&str], tree: &Path) -> Result<(), Failed> {
    let mut git = Command::new("git");
    git.arg(command).args(arguments).arg(tree).current_dir(crate::workspace());
    let status = git.stderr(Stdio::null()).status().map_err(|source| Failed::Io { what: "git".into(), source })?;
    if status.success() { Ok(()) } else { Err(Failed::Git { command, tree: tree.into() }) }
}

fn read(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|source| Failed::Io { what: path.display().to_string(), source })
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    std::fs::write(path, text).map_err(|source| Failed::Io { what: path.display().to_string(), source })
}

/// How often what is to be broken is there in what is checked out now.
#[cfg(test)]
pub(crate) fn occurrences(edit: &Edit) -> usize {
    read(&crate::workspace().join(edit.file)).map_or(0, |text| text.matches(edit.from).count())
}
