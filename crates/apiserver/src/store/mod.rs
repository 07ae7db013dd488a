//! The store: every object as encoded bytes, by revision.
//!
//! ```text
//! Write ─→ Draft (bytes laid out) ─lock→ precondition ─→ revision stamped ─(disk)→ History ─→ Watch, range, get
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `key` | namespace and name of an object |
//! | `encoded` | an object as JSON before it has a revision |
//! | `stored` | one version of an object, its bytes shared by all readers |
//! | `event` | a change, and how watchers with selectors see it |
//! | `history` | versions by key and the log of a collection, compaction |
//! | `counted` | the ordered map beneath |
//! | `collection` | reads: get, range, watch |
//! | `watch` | a cursor on the log |
//! | `commit` | the thread that puts writes on disk before they become visible |
//! | `disk`, `record` | the data directory, and how an object lies in it |
//! | `snapshot` | all objects at one revision, as a file and back |
//! | `error` | what can go wrong |
//!
//! One counter numbers the writes of all collections, and they become visible in that order. In memory, a write is
//! numbered and placed in the history under one lock, without any wait. With a data directory it is numbered and
//! queued, and placed in the history when it is on disk. Readers take only the lock of their collection, for the time
//! of a map operation.

mod collection;
mod commit;
mod counted;
mod disk;
mod encoded;
mod error;
mod event;
mod history;
mod key;
mod record;
mod snapshot;
mod stored;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use collection::Clock;
use commit::Committer;
use disk::{Disk, Loaded};
use history::Limits;
use stored::Draft;

pub use collection::{Collection, Range, RangeRequest};
pub use encoded::{Encoded, Fields, MAX_DEPTH, depth};
pub use error::{Compacted, StoreError, WriteError};
pub use event::Event;
pub use key::ObjectKey;
pub use snapshot::{DEFAULT_BUMP, Snapshot, SnapshotError, SnapshotInfo, check_snapshot, restore_snapshot};
pub use stored::{EventType, Stored};
pub use watch::Watch;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Where objects are kept; made if it is not there. Default: in memory only.
    pub data_dir: Option<PathBuf>,
    /// Answer writes without waiting for the disk: they outlive the process, but not the machine. Default: false.
    pub unsynced: bool,
    /// Events kept per collection for watches and for reads of older revisions, at least 1. Default: 10 000.
    pub history: usize,
    /// Bytes of superseded objects kept per collection beyond the newest event. Default: 64 MiB.
    pub history_bytes: usize,
    /// Largest object in bytes of JSON. Default: 3 MiB, what a real server takes as request body.
    pub max_object_bytes: usize,
}

/// A store. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// A change to be made. Nothing is changed if its precondition does not hold.
#[derive(Debug, Clone)]
pub enum Write {
    /// Adds an object that must not be there.
    Create {
        /// Where.
        collection: Arc<Collection>,
        /// Its name.
        key: ObjectKey,
        /// What.
        object: Encoded,
    },
    /// Replaces an object whose revision must be the expected one.
    Update {
        /// Where.
        collection: Arc<Collection>,
        /// Its name.
        key: ObjectKey,
        /// Its revision.
        expected: u64,
        /// By what.
        object: Encoded,
    },
    /// Removes an object whose revision must be the expected one.
    Delete {
        /// Where.
        collection: Arc<Collection>,
        /// Its name.
        key: ObjectKey,
        /// Its revision.
        expected: u64,
        /// Its final state, which watchers are told. Its resourceVersion becomes the revision of the deletion.
        last: Encoded,
    },
}

type GroupResource = (Box<str>, Box<str>);

#[derive(Debug)]
struct Inner {
    options: StoreOptions,
    clock: Arc<Clock>,
    collections: RwLock<BTreeMap<GroupResource, Arc<Collection>>>,
    writer: Writer,
}

#[derive(Debug)]
enum Writer {
    Memory(Mutex<MemoryWriter>),
    Disk(Committer),
}

/// Held while a write takes place.
#[derive(Debug, Default)]
struct MemoryWriter {
    newest: u64,
    closed: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { data_dir: None, unsynced: false, history: 10_000, history_bytes: 64 << 20, max_object_bytes: 3 << 20 }
    }
}

impl Store {
    /// Opens a store. With a data directory this reads all of it, and fails if it can't be used as it is.
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let Some(directory) = &options.data_dir else {
            return Ok(Self::new(options, Arc::default(), Writer::Memory(Mutex::default())));
        };
        let (disk, loaded) = Disk::open(directory, Disk::opener(options.unsynced))?;
        Self::start(options, disk, loaded)
    }

    /// The newest revision that readers see.
    pub fn revision(&self) -> u64 {
        self.inner.clock.visible()
    }

    /// The objects of a resource. Made empty if there are none yet.
    pub fn collection(&self, group: &str, resource: &str) -> Arc<Collection> {
        let name: GroupResource = (group.into(), resource.into());
        if let Some(collection) = self.inner.collections.read().get(&name) {
            return collection.clone();
        }
        let Inner { options, clock, collections, .. } = &*self.inner;
        let limits = Limits { events: options.history, bytes: options.history_bytes };
        let make = || Arc::new(Collection::new(group, resource, clock.clone(), limits));
        collections.write().entry(name).or_insert_with(make).clone()
    }

    /// All collections that were asked for so far or have objects, by group and resource.
    pub fn collections(&self) -> Vec<Arc<Collection>> {
        self.inner.collections.read().values().cloned().collect()
    }

    /// Makes a change. Returns the new version (of a deletion, the final one) once readers see it.
    ///
    /// A write goes on if the returned future is dropped after its first poll. One that fails with
    /// [`StoreError::Disk`] is not seen by anybody; but if the process dies before the next write succeeds, it may turn
    /// out to have reached the disk.
    pub async fn write(&self, write: Write) -> Result<Arc<Stored>, WriteError> {
        let (collection, key, expected, event_type, object) = write.into_parts();
        let limit = self.inner.options.max_object_bytes;
        if object.json().len() > limit {
            return Err(WriteError::TooLarge { bytes: object.json().len(), limit });
        }
        if object.depth > MAX_DEPTH {
            return Err(WriteError::TooDeep { depth: object.depth, limit: MAX_DEPTH });
        }
        let draft = Draft::new(key.clone(), &object, event_type, self.revision() + 1);
        drop(object);
        match &self.inner.writer {
            Writer::Memory(writer) => self.write_in_memory(writer, &collection, &key, expected, draft),
            Writer::Disk(committer) => committer.write(&collection, draft, expected).await,
        }
    }

    /// Forgets what was before `revision` in all collections.
    pub fn compact(&self, revision: u64) {
        self.inner.clock.raise_floor(revision.min(self.revision()));
        for collection in self.collections() {
            collection.compact(revision);
        }
    }

    /// Ends the store: what was accepted is on disk and the data directory is free when this returns; later writes are
    /// refused. Dropping the last clone does the same, but blocks its thread meanwhile.
    pub async fn close(&self) {
        match &self.inner.writer {
            Writer::Memory(writer) => writer.lock().closed = true,
            Writer::Disk(committer) => committer.close().await,
        }
    }

    fn start(options: StoreOptions, disk: Disk, loaded: Loaded) -> Result<Self, StoreError> {
        let clock = Arc::new(Clock::default());
        clock.advance(loaded.revision);
        clock.raise_floor(loaded.revision);
        let committer = Committer::start(disk, loaded.revision, clock.clone())?;
        let store = Self::new(options, clock, Writer::Disk(committer));
        for (group, resource, object) in loaded.objects {
            store.collection(&group, &resource).load(Arc::new(object));
        }
        Ok(store)
    }

    fn new(options: StoreOptions, clock: Arc<Clock>, writer: Writer) -> Self {
        Self { inner: Arc::new(Inner { options, clock, collections: RwLock::default(), writer }) }
    }

    fn write_in_memory(
        &self,
        writer: &Mutex<MemoryWriter>,
        collection: &Collection,
        key: &ObjectKey,
        expected: Option<u64>,
        draft: Draft,
    ) -> Result<Arc<Stored>, WriteError> {
        let mut writer = writer.lock();
        if writer.closed {
            return Err(StoreError::Closed.into());
        }
        let revision = writer.newest + 1;
        let stored = collection.write(key, |current| {
            Collection::check(current, expected)?;
            Ok(Arc::new(draft.stamp(revision)))
        })?;
        writer.newest = revision;
        self.inner.clock.advance(revision);
        drop(writer);
        collection.notify();
        Ok(stored)
    }
}

impl Write {
    fn into_parts(self) -> (Arc<Collection>, ObjectKey, Option<u64>, EventType, Encoded) {
        match self {
            Self::Create { collection, key, object } => (collection, key, None, EventType::Added, object),
            Self::Update { collection, key, expected, object } => {
                (collection, key, Some(expected), EventType::Modified, object)
            }
            Self::Delete { collection, key, expected, last } => {
                (collection, key, Some(expected), EventType::Deleted, last)
            }
        }
    }
}
