//! Waits for changes of a project's sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Editors and version control write many files at once; a build begins when they have been quiet for so long.
const QUIET: Duration = Duration::from_millis(150);

/// What a build depends on beside of `src`.
const AT_THE_TOP: [&str; 4] = ["Cargo.toml", "Cargo.lock", "build.rs", "rust-toolchain.toml"];

/// The changes of a project's sources.
pub(super) struct Sources {
    changes: mpsc::UnboundedReceiver<PathBuf>,
    folder: PathBuf,
    // Ends when it is dropped.
    _watcher: RecommendedWatcher,
}

impl Sources {
    /// Changes from now on.
    pub(super) fn watch(folder: &Path) -> Result<Self, notify::Error> {
        let (tell, changes) = mpsc::unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            // Nobody listens any more: the command is about to end.
            event.paths.into_iter().for_each(|path| drop(tell.send(path)));
        })?;
        watcher.watch(&folder.join("src"), RecursiveMode::Recursive)?;
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(Self { changes, folder: folder.into(), _watcher: watcher })
    }

    /// The next files that have changed, as they stand in the project, when all are quiet again.
    pub(super) async fn changed(&mut self) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        while changed.is_empty() {
            match self.changes.recv().await {
                Some(path) => changed.extend(self.counts(&path)),
                // The watcher lives as long as this.
                None => std::future::pending().await,
            }
        }
        while let Ok(Some(path)) = tokio::time::timeout(QUIET, self.changes.recv()).await {
            changed.extend(self.counts(&path));
        }
        changed
    }

    fn counts(&self, path: &Path) -> Option<PathBuf> {
        let path = path.strip_prefix(&self.folder).ok()?;
        let name = path.file_name()?.to_str()?;
        // What editors write beside a file.
        let passing =
            name.starts_with(['.', '#']) || name.ends_with(['~', '#']) || name.chars().all(|c| c.is_ascii_digit());
        let source = path.starts_with("src") || path.components().count() == 1 && AT_THE_TOP.contains(&name);
        (source && !passing).then(|| path.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_of_a_source_is_told_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(folder.join("src/api")).unwrap();
        let mut sources = Sources::watch(&folder).unwrap();
        for other in ["kubewright.kubeconfig", "src/.lib.rs.swp", "src/4913", "src/lib.rs~"] {
            std::fs::write(folder.join(other), "").unwrap();
        }
        std::fs::write(folder.join("src/api/site.rs"), "").unwrap();
        std::fs::write(folder.join("Cargo.toml"), "").unwrap();
        let mut seen = BTreeSet::new();
        // A slow machine may tell of them one after the other.
        while seen.len() < 2 {
            seen.extend(sources.changed().await);
        }
        assert_eq!(seen, [PathBuf::from("Cargo.toml"), "src/api/site.rs".into()].into());
    }
}
