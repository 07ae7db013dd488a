//! `cargo xtask invariants`: breaks each invariant of docs/invariants.md, one at a time, and sees its test fail.
//!
//! What is committed is broken in a work tree of its own, and built in a directory of its own: cargo takes two work trees for
//! the same, and what is broken would be taken for what is not.

mod table;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use kubewright_real::cargo;
use table::{Invariant, TABLE};

/// A test that takes longer hangs, which is a way to fail.
const HANGS: Duration = Duration::from_secs(240);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only those whose identifier begins so: queue, cache, runtime, or one such as queue-fifo.
    #[arg(default_value = "")]
    which: String,
}

/// Why the chore failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("git {command}: it failed; the work tree is {}", tree.display())]
    Git { command: &'static str, tree: PathBuf },
    #[error("{file}: {from:?} is there {times} times, not once: mend xtask/src/invariants/table.rs")]
    Edit { file: &'static str, from: &'static str, times: usize },
    #[error("invariants that can be broken without their test failing: {0}")]
    Unseen(String),
}

/// How a test took it that its invariant was broken.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fails,
    Hangs,
    /// What was broken does not compile, so nothing has been shown.
    DoesNotCompile,
    Passes,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failed> {
    let tree = Tree::new()?;
    let mut unseen = Vec::new();
    for invariant in TABLE.iter().filter(|invariant| invariant.id.starts_with(&arguments.which)) {
        let verdict = tree.judge(invariant)?;
        println!("{:<28} {:<16} {}", invariant.id, format!("{verdict:?}"), invariant.test);
        if !matches!(verdict, Verdict::Fails | Verdict::Hangs) {
            unseen.push(invariant.id);
        }
    }
    if unseen.is_empty() { Ok(()) } else { Err(Failed::Unseen(unseen.join(", "))) }
}

/// A work tree of what is committed; it goes when this is dropped.
struct Tree(PathBuf);

impl Tree {
    fn new() -> Result<Self, Failed> {
        let path = crate::workspace().join("target/invariants");
        // One that was left behind by a crash.
        _ = git("worktree", &["remove", "--force"], &path);
        git("worktree", &["add", "--quiet", "--detach", "--force"], &path)?;
        Ok(Self(path))
    }

    fn judge(&self, invariant: &Invariant) -> Result<Verdict, Failed> {
        let mut whole = Vec::new();
        let files: BTreeSet<&str> = invariant.edits.iter().map(|edit| edit.file).collect();
        for file in files {
            let path = self.0.join(file);
            let text = read(&path)?;
            whole.push((path, text));
        }
        for edit in invariant.edits {
            let path = self.0.join(edit.file);
            let text = read(&path)?;
            let times = text.matches(edit.from).count();
            if times != 1 {
                return Err(Failed::Edit { file: edit.file, from: edit.from, times });
            }
            write(&path, &text.replace(edit.from, edit.to))?;
        }
        let verdict = self.test(invariant);
        for (path, text) in whole {
            write(&path, &text)?;
        }
        verdict
    }

    fn test(&self, invariant: &Invariant) -> Result<Verdict, Failed> {
        let failed = |source| Failed::Io { what: "cargo".into(), source };
        let test = |arguments: &[&str]| {
            let mut command = cargo();
            command.args(["test", "--quiet", "--package", invariant.package]);
            match invariant.target {
                "lib" => command.arg("--lib"),
                target => command.args(["--test", target]),
            };
            command.args(arguments).current_dir(&self.0).env("CARGO_TARGET_DIR", target());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        if !test(&["--no-run"]).status().map_err(failed)?.success() {
            return Ok(Verdict::DoesNotCompile);
        }
        let mut child = test(&[invariant.test]).spawn().map_err(failed)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &str) -> String {
        std::fs::read_to_string(crate::workspace().join(file)).unwrap()
    }

    #[test]
    fn what_is_broken_is_there_once() {
        for edit in TABLE.iter().flat_map(|invariant| invariant.edits) {
            assert_eq!(text(edit.file).matches(edit.from).count(), 1, "{}: {:?}", edit.file, edit.from);
        }
    }

    #[test]
    fn each_is_on_the_page_with_its_test() {
        let page = text("docs/invariants.md");
        for invariant in TABLE {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", invariant.id)));
            let row = row.unwrap_or_else(|| panic!("{} is not on the page", invariant.id));
            assert!(row.contains(&format!("`{}`", invariant.test)), "{row}");
        }
    }
}
