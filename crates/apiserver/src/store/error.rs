//! What can go wrong in the store.

use std::path::PathBuf;
use std::sync::Arc;

use super::Stored;

/// The store can't be opened, or can't write.
///
/// Whatever the reason, the files of the data directory are left as they were.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The directory or the file in it can't be read, made or written.
    #[error("cannot use the data directory {}: {source}; check that it is a directory that this user may write to", path.display())]
    Unusable {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<std::io::Error>,
    },
    /// Another process has the data directory open.
    #[error("the data directory {} is in use by another process; stop that process or choose another directory", path.display())]
    Locked {
        /// The file that is locked.
        path: PathBuf,
    },
    /// The file was not written by Kubewright.
    #[error("{} is not a Kubewright store; choose another data directory, or move the file away to start with an empty one", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version.
    #[error("{} has format {found}, this version reads up to format {supported}; use the version that wrote it, or choose another data directory", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },
    /// The file is damaged.
    #[error("{} is damaged ({reason}); restore it from a copy, or move it away to start with an empty store", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A write did not reach the disk. Nothing of it is kept; reads go on, and later writes are tried again.
    #[error("cannot write to {}: {reason}; free space on the disk or repair it, writes are accepted again as soon as they succeed", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        reason: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Why a write was refused. A refused write has changed nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// There is already an object of this name.
    #[error("{} already exists", .0.key())]
    Exists(Arc<Stored>),
    /// There is no object of this name.
    #[error("not found")]
    NotFound,
    /// The object has another revision than expected.
    #[error("{} has changed, its revision is {}", current.key(), current.revision())]
    Changed {
        /// The newest state: the base for another try.
        current: Arc<Stored>,
    },
    /// The object is larger than [`StoreOptions::max_object_bytes`](super::StoreOptions::max_object_bytes).
    #[error("the object takes {bytes} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Objects and lists in it are nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH), so that nobody could read it.
    #[error("the object is nested {depth} deep, at most {limit} are allowed")]
    TooDeep {
        /// How deep it is nested.
        depth: usize,
        /// How deep it may be.
        limit: usize,
    },
    /// The disk refused, or the store is closed.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

/// The history that was asked for is gone. Clients are to list again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the history is kept from revision {oldest} on")]
pub struct Compacted {
    /// The oldest revision that can be read and watched from.
    pub oldest: u64,
}
