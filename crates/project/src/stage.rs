//! The files that a command writes: all of them, or none.
//!
//! Everything is written beside its place first, in a folder of its own; only when all of it is there is it renamed, and what
//! was there is kept until the last rename has gone well.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::ProjectError;

/// The line that a generated file has its checksum in.
const MARK: &str = "kubewright-checksum:";

/// The files that a command writes.
#[derive(Debug, Default)]
pub struct Changes {
    files: Vec<(PathBuf, Vec<u8>, Owner)>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is new.
    New(PathBuf),
    /// It is changed.
    Changed(PathBuf),
}

/// A file that a command would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which, in the folder.
    pub path: PathBuf,
    /// Whether it is generated and was edited since, so that it is not replaced unasked.
    pub edited: bool,
    /// What is there; `None`: nothing.
    pub before: Option<String>,
    /// What would be.
    pub after: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Made once, then the user's.
    User,
    /// Like the user's, but nothing happens if it is there.
    UserIfAbsent,
    /// Written anew by each command, with a checksum behind it in a comment that begins so.
    Generated { comment: &'static str },
    /// Read before, so what is there is known.
    Known,
}

impl Changes {
    pub(crate) fn user(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.push((path.into(), text.into_bytes(), Owner::User));
    }

    pub(crate) fn user_if_absent(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.push((path.into(), text.into_bytes(), Owner::UserIfAbsent));
    }

    /// Adds a file that is written anew each time. `comment` begins a comment in its language.
    pub fn generated(&mut self, path: impl Into<PathBuf>, comment: &'static str, text: &str) {
        self.files.push((path.into(), text.into(), Owner::Generated { comment }));
    }

    pub(crate) fn project(&mut self, text: String) {
        self.known("PROJECT", text);
    }

    /// A file that was read before: what is there is in the new text.
    pub(crate) fn known(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.push((path.into(), text.into_bytes(), Owner::Known));
    }

    /// A file of the user's that need not be text.
    pub(crate) fn copy(&mut self, path: impl Into<PathBuf>, bytes: Vec<u8>) {
        self.files.push((path.into(), bytes, Owner::User));
    }

    /// Writes the files into the folder. With `force` what is in the way is replaced.
    ///
    /// # Errors
    /// If a file of the user's is in the way, a generated one was edited, or something can't be written. The folder is as
    /// it was then.
    pub fn apply(self, folder: &Path, force: bool) -> Result<Vec<Written>, ProjectError> {
        let mut wanted = Vec::new();
        for change in self.compare(folder)? {
            let file = folder.join(&change.path);
            match change.standing {
                Standing::Same | Standing::Kept => {}
                Standing::InTheWay if !force => return Err(ProjectError::InTheWay { file }),
                Standing::Edited if !force => return Err(ProjectError::Edited { file }),
                _ => wanted.push((change.path, change.after, change.before.is_some())),
            }
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let made_folder = !folder.exists();
        let staging = folder.join(format!(".kubewright-{}", std::process::id()));
        let result = Move { folder, staging: &staging }.run(&wanted);
        // What is left over is ours; that it can't be removed is told by the folder itself.
        _ = fs::remove_dir_all(&staging);
        if result.is_err() && made_folder {
            _ = fs::remove_dir(folder);
        }
        result?;
        let written = |(path, _, there)| if there { Written::Changed(path) } else { Written::New(path) };
        Ok(wanted.into_iter().map(written).collect())
    }
}

impl Changes {
    /// What applying would change in the folder. Nothing is written.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn differences(&self, folder: &Path) -> Result<Vec<Difference>, ProjectError> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let compared = Self { files: self.files.clone() }.compare(folder)?;
        let changed = compared.into_iter().filter(|change| !matches!(change.standing, Standing::Same | Standing::Kept));
        Ok(changed
            .map(|change| Difference {
                edited: change.standing == Standing::Edited,
                path: change.path,
                before: change.before.map(text),
                after: text(change.after),
            })
            .collect())
    }

    fn compare(self, folder: &Path) -> Result<Vec<Compared>, ProjectError> {
        let mut compared = Vec::new();
        for (path, after, owner) in self.files {
            let rust = path.extension().is_some_and(|ending| ending == "rs");
            let after = if rust { formatted(after) } else { after };
            // Of what rustfmt has written: it puts declarations into an order of its own.
            let after = if let Owner::Generated { comment } = owner { marked(&after, comment) } else { after };
            let file = folder.join(&path);
            let before = match fs::read(&file) {
                Ok(before) => Some(before),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(cause) => return Err(ProjectError::Write { file, cause }),
            };
            let standing = match (&before, owner) {
                (None, _) => Standing::Free,
                (Some(before), _) if *before == after => Standing::Same,
                (Some(_), Owner::UserIfAbsent) => Standing::Kept,
                (Some(_), Owner::User) => Standing::InTheWay,
                (Some(before), Owner::Generated { .. }) if !untouched(before) => Standing::Edited,
                (Some(_), Owner::Generated { .. } | Owner::Known) => Standing::Free,
            };
            compared.push(Compared { path, before, after, standing });
        }
        Ok(compared)
    }
}

/// A file that is wanted, beside the one that is there.
struct Compared {
    path: PathBuf,
    before: Option<Vec<u8>>,
    after: Vec<u8>,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It may be written.
    Free,
    /// It is there as it is wanted.
    Same,
    /// There is one, and it stays.
    Kept,
    /// One of the user's is in the way.
    InTheWay,
    /// It was generated, and edited since.
    Edited,
}

/// A move of files out of the staging folder.
struct Move<'a> {
    folder: &'a Path,
    staging: &'a Path,
}

impl Move<'_> {
    fn run(&self, wanted: &[(PathBuf, Vec<u8>, bool)]) -> Result<(), ProjectError> {
        let fail = |file: &Path, cause: io::Error| ProjectError::Write { file: file.into(), cause };
        let (new, old) = (self.staging.join("new"), self.staging.join("old"));
        for (path, text, _) in wanted {
            let staged = new.join(path);
            let parent = staged.parent().unwrap_or(&new);
            fs::create_dir_all(parent).map_err(|cause| fail(&self.folder.join(path), cause))?;
            fs::write(&staged, text).map_err(|cause| fail(&self.folder.join(path), cause))?;
        }
        let mut done: Vec<&(PathBuf, Vec<u8>, bool)> = Vec::new();
        let mut folders = Vec::new();
        for change in wanted {
            let (path, _, there) = change;
            let target = self.folder.join(path);
            let moved = (|| {
                if let Some(parent) = target.parent() {
                    make_folders(parent, &mut folders)?;
                }
                if *there {
                    let kept = old.join(path);
                    fs::create_dir_all(kept.parent().unwrap_or(&old))?;
                    fs::rename(&target, kept)?;
                }
                done.push(change);
                fs::rename(new.join(path), &target)
            })();
            if let Err(cause) = moved {
                for (path, _, there) in done.into_iter().rev() {
                    // Going back as far as it goes: there is nobody left to tell of a second failure.
                    _ = fs::remove_file(self.folder.join(path));
                    if *there {
                        _ = fs::rename(old.join(path), self.folder.join(path));
                    }
                }
                for folder in folders.into_iter().rev() {
                    _ = fs::remove_dir(folder);
                }
                return Err(fail(&target, cause));
            }
        }
        Ok(())
    }
}

/// Makes the folders down to this one, and notes those that are new.
fn make_folders(folder: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder)?;
        made.push(folder.into());
    }
    Ok(())
}

/// Rust as rustfmt writes it, where there is a rustfmt.
fn formatted(text: Vec<u8>) -> Vec<u8> {
    let arguments = ["--edition", "2024", "--config", "max_width=120,use_small_heuristics=Max"];
    let mut command = Command::new("rustfmt");
    let started = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = started else { return text };
    let fed = child.stdin.take().is_some_and(|mut input| input.write_all(&text).is_ok());
    match child.wait_with_output() {
        Ok(output) if fed && output.status.success() => output.stdout,
        _ => text,
    }
}

/// A generated file with its checksum as the last line.
fn marked(text: &[u8], comment: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end();
    format!("{text}\n\n{comment} {MARK} {}\n", checksum(text)).into_bytes()
}

/// Whether a generated file is as it was generated.
fn untouched(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let Some(at) = text.rfind(MARK) else { return false };
    let body = text[..at].trim_end_matches(['/', '#', ' ']).trim_end();
    text[at + MARK.len()..].trim() == checksum(body)
}

fn checksum(text: &str) -> String {
    // Formatters, editors and version control change white space, and rustfmt the commas at line ends.
    let kept: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    let digest = Sha256::new_with_prefix(kept);
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(text: &str) -> Changes {
        let mut changes = Changes::default();
        changes.generated("src/mod.rs", "//", text);
        changes
    }

    #[test]
    fn generated_files_are_written_anew_until_somebody_edits_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("src/mod.rs");
        assert_eq!(generated("a").apply(folder.path(), false).unwrap(), [Written::New("src/mod.rs".into())]);
        assert_eq!(generated("a").apply(folder.path(), false).unwrap(), []);
        assert_eq!(generated("b").apply(folder.path(), false).unwrap(), [Written::Changed("src/mod.rs".into())]);

        let edited = fs::read_to_string(&file).unwrap().replace('b', "mine");
        fs::write(&file, &edited).unwrap();
        let error = generated("c").apply(folder.path(), false).unwrap_err().to_string();
        assert!(error.contains("src/mod.rs is generated but was edited"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), edited);
        generated("c").apply(folder.path(), true).unwrap();
        assert!(fs::read_to_string(&file).unwrap().starts_with('c'));
    }

    #[test]
    fn generated_files_may_be_put_in_order_by_rustfmt() {
        let folder = tempfile::tempdir().unwrap();
        let first = "pub use a10::*;\npub use a9::*;\n";
        generated(first).apply(folder.path(), false).unwrap();
        let there = fs::read_to_string(folder.path().join("src/mod.rs")).unwrap();
        assert!(there.find("a9") < there.find("a10"), "{there}");
        let second = format!("{first}pub use b::*;\n");
        assert_eq!(generated(&second).apply(folder.path(), false).unwrap(), [Written::Changed("src/mod.rs".into())]);
    }

    #[test]
    fn files_of_the_user_are_never_replaced_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.rs");
        fs::write(&file, "mine").unwrap();
        let changes = || {
            let mut changes = Changes::default();
            changes.user("b.rs", "new".into());
            changes.user("a.rs", "new".into());
            changes
        };
        assert!(matches!(changes().apply(folder.path(), false), Err(ProjectError::InTheWay { .. })));
        assert!(!folder.path().join("b.rs").exists(), "all or nothing");
        assert_eq!(changes().apply(folder.path(), true).unwrap().len(), 2);
    }

    #[test]
    fn what_can_not_be_finished_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        // A file where a folder is needed: the second rename fails.
        fs::write(folder.path().join("src"), "a file").unwrap();
        fs::write(folder.path().join("PROJECT"), "before").unwrap();
        let mut changes = Changes::default();
        changes.project("after".into());
        changes.user("new/deep/file.rs", "x".into());
        changes.user("src/file.rs", "x".into());
        let error = changes.apply(folder.path(), false).unwrap_err().to_string();
        assert!(error.contains("src/file.rs can't be written"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join("PROJECT")).unwrap(), "before");
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["PROJECT", "src"]);
    }
}
