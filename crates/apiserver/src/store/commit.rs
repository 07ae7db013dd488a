//! Writes with a data directory: many of them share one sync of the disk.
//!
//! A write is checked against the newest version, durable or not, gets its revision and is queued. A thread takes what
//! has queued up meanwhile, puts it on disk as one batch, and only then places it in the histories, where readers see
//! it. Readers never wait for any of this.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, oneshot};

use super::collection::{Clock, Collection};
use super::disk::{Change, Disk};
use super::error::{StoreError, WriteError};
use super::key::ObjectKey;
use super::record;
use super::stored::{Draft, Stored};

/// The queue to the thread that writes, and the thread.
#[derive(Debug)]
pub(super) struct Committer {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    /// Tells the thread that there is something to do.
    work: Condvar,
    /// Tells writers that a batch has ended, well or not.
    settled: Notify,
}

#[derive(Debug, Default)]
struct State {
    newest: u64,
    /// The newest versions of objects that are not yet on disk.
    pending: FxHashMap<(CollectionId, ObjectKey), Arc<Stored>>,
    accepted: Vec<Accepted>,
    closing: bool,
    ended: bool,
}

#[derive(Debug)]
struct Accepted {
    collection: Arc<Collection>,
    stored: Arc<Stored>,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

/// The address of a collection; stable, since whoever waits holds it.
type CollectionId = usize;

/// What became of a write when it was checked.
enum Outcome {
    Accepted(Arc<Stored>, oneshot::Receiver<Result<(), StoreError>>),
    Refused(WriteError),
    /// Only a version that may still fail speaks against it. To be tried again when that is settled, so that refusals
    /// speak of what readers see.
    Unsettled(Draft),
}

impl Committer {
    /// Starts the thread. `newest` is the newest revision on disk.
    pub(super) fn start(disk: Disk, newest: u64, clock: Arc<Clock>) -> Result<Self, StoreError> {
        let path = disk.path().to_path_buf();
        let state = Mutex::new(State { newest, ..Default::default() });
        let queue = Arc::new(Queue { state, work: Condvar::new(), settled: Notify::new() });
        let thread = std::thread::Builder::new().name("store-commit".into()).spawn({
            let queue = queue.clone();
            move || queue.run(disk, &clock)
        });
        let thread = thread.map_err(|source| StoreError::Unusable { path, source: Arc::new(source) })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Makes a write and waits until it is on disk and visible.
    pub(super) async fn write(
        &self,
        collection: &Arc<Collection>,
        mut draft: Draft,
        expected: Option<u64>,
    ) -> Result<Arc<Stored>, WriteError> {
        loop {
            let settled = self.queue.settled.notified();
            match self.queue.accept(collection, draft, expected) {
                Outcome::Accepted(stored, answer) => {
                    // The thread answers all that it was given, so no answer means that it is gone.
                    answer.await.unwrap_or(Err(StoreError::Closed))?;
                    return Ok(stored);
                }
                Outcome::Refused(error) => return Err(error),
                Outcome::Unsettled(unchanged) => {
                    settled.await;
                    draft = unchanged;
                }
            }
        }
    }

    /// Waits until everything accepted is on disk and the files are closed.
    pub(super) async fn close(&self) {
        self.queue.begin_closing();
        loop {
            let settled = self.queue.settled.notified();
            if self.queue.state.lock().ended {
                return;
            }
            settled.await;
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.queue.begin_closing();
        if let Some(thread) = self.thread.lock().take() {
            // Its panics are caught within.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn begin_closing(&self) {
        self.state.lock().closing = true;
        self.work.notify_one();
    }

    fn accept(&self, collection: &Arc<Collection>, draft: Draft, expected: Option<u64>) -> Outcome {
        let id = (collection_id(collection), draft.key().clone());
        let mut state = self.state.lock();
        if state.closing {
            return Outcome::Refused(StoreError::Closed.into());
        }
        let pending = state.pending.get(&id);
        let possible = pending
            .is_none_or(|newest| Collection::check(Some(newest).filter(|newest| newest.exists()), expected).is_ok());
        if pending.is_none() || !possible {
            match Collection::check(collection.get(&id.1).as_ref(), expected) {
                Err(error) => return Outcome::Refused(error),
                Ok(()) if !possible => return Outcome::Unsettled(draft),
                Ok(()) => {}
            }
        }
        state.newest += 1;
        let stored = Arc::new(draft.stamp(state.newest));
        let (answer, answered) = oneshot::channel();
        state.pending.insert(id, stored.clone());
        state.accepted.push(Accepted { collection: collection.clone(), stored: stored.clone(), answer });
        drop(state);
        self.work.notify_one();
        Outcome::Accepted(stored, answered)
    }

    fn run(&self, mut disk: Disk, clock: &Clock) {
        while let Some(batch) = self.next_batch() {
            match commit(&mut disk, &batch) {
                Ok(()) => self.publish(batch, clock),
                Err(error) => self.roll_back(batch, &error),
            }
        }
        // Closing the database writes to it too.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(disk)));
        self.state.lock().ended = true;
        self.settled.notify_waiters();
    }

    fn next_batch(&self) -> Option<Vec<Accepted>> {
        let mut state = self.state.lock();
        while state.accepted.is_empty() {
            if state.closing {
                return None;
            }
            self.work.wait(&mut state);
        }
        Some(std::mem::take(&mut state.accepted))
    }

    fn publish(&self, batch: Vec<Accepted>, clock: &Clock) {
        for accepted in &batch {
            accepted.collection.publish(accepted.stored.clone());
        }
        if let Some(last) = batch.last() {
            clock.advance(last.stored.revision());
        }
        let mut told: Vec<CollectionId> = Vec::new();
        for Accepted { collection, .. } in &batch {
            let id = collection_id(collection);
            if !told.contains(&id) {
                told.push(id);
                collection.notify();
            }
        }
        let mut state = self.state.lock();
        for Accepted { collection, stored, .. } in &batch {
            let id = (collection_id(collection), stored.key().clone());
            if state.pending.get(&id).is_some_and(|pending| Arc::ptr_eq(pending, stored)) {
                state.pending.remove(&id);
            }
        }
        drop(state);
        self.settled.notify_waiters();
        for accepted in batch {
            // The writer may have gone meanwhile.
            let _ = accepted.answer.send(Ok(()));
        }
    }

    /// Writes accepted since then may build on the failed ones, so all of them fail.
    fn roll_back(&self, batch: Vec<Accepted>, error: &StoreError) {
        let mut state = self.state.lock();
        let later = std::mem::take(&mut state.accepted);
        state.pending.clear();
        drop(state);
        self.settled.notify_waiters();
        for accepted in batch.into_iter().chain(later) {
            let _ = accepted.answer.send(Err(error.clone()));
        }
    }
}

fn commit(disk: &mut Disk, batch: &[Accepted]) -> Result<(), StoreError> {
    let changes: Vec<Change> = batch
        .iter()
        .map(|Accepted { collection, stored, .. }| Change {
            key: record::encode_key(collection.group(), collection.resource(), stored.key()),
            now: Some(stored.clone()).filter(|stored| stored.exists()),
            before: collection.get(stored.key()),
        })
        .collect();
    disk.commit(&changes, batch.last().map_or(0, |last| last.stored.revision()))
}

fn collection_id(collection: &Arc<Collection>) -> CollectionId {
    Arc::as_ptr(collection) as CollectionId
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use redb::{Database, StorageBackend};
    use serde_json::json;

    use super::*;
    use crate::store::{Encoded, Fields, Store, StoreOptions, Write};

    /// What the disk does from now on.
    #[derive(Debug, Default)]
    struct Faults {
        full: AtomicBool,
        /// Everything is written, but the sync says that it failed.
        lying: AtomicBool,
    }

    #[derive(Debug)]
    struct FaultyFile(redb::backends::FileBackend, Arc<Faults>);

    impl FaultyFile {
        fn full(&self) -> std::io::Result<()> {
            if self.1.full.load(Ordering::SeqCst) { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl StorageBackend for FaultyFile {
        fn len(&self) -> std::io::Result<u64> {
            self.0.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
            self.0.read(offset, out)
        }
        fn set_len(&self, len: u64) -> std::io::Result<()> {
            self.full()?;
            self.0.set_len(len)
        }
        fn sync_data(&self) -> std::io::Result<()> {
            self.full()?;
            self.0.sync_data()?;
            if self.1.lying.load(Ordering::SeqCst) { Err(std::io::ErrorKind::Other.into()) } else { Ok(()) }
        }
        fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
            self.full()?;
            self.0.write(offset, data)
        }
        fn close(&self) -> std::io::Result<()> {
            self.0.close()
        }
    }

    fn faulty_store(directory: &Path) -> (Store, Arc<Faults>) {
        let faults = Arc::new(Faults::default());
        let for_opener = faults.clone();
        let opener = Box::new(move |path: &Path| {
            let file = std::fs::File::options().read(true).write(true).open(path)?;
            let backend = FaultyFile(redb::backends::FileBackend::new(file)?, for_opener.clone());
            Database::builder().create_with_backend(backend)
        });
        let (disk, loaded) = Disk::open(directory, opener).unwrap();
        let options = StoreOptions { data_dir: Some(directory.into()), ..Default::default() };
        (Store::start(options, disk, loaded).unwrap(), faults)
    }

    fn reopen(directory: &Path) -> Store {
        Store::open(StoreOptions { data_dir: Some(directory.into()), ..Default::default() }).unwrap()
    }

    fn object() -> Encoded {
        let tree = json!({"metadata": {}, "data": "x".repeat(500)});
        Encoded::from_tree(tree.as_object().unwrap(), Fields::default())
    }

    async fn create(store: &Store, name: &str) -> Result<u64, WriteError> {
        let collection = store.collection("", "configmaps");
        let write = Write::Create { collection, key: ObjectKey::new("ns", name), object: object() };
        store.write(write).await.map(|stored| stored.revision())
    }

    fn names(store: &Store) -> Vec<String> {
        let all = store.collection("", "configmaps").range(Default::default()).unwrap();
        all.items.iter().map(|object| object.key().name().to_string()).collect()
    }

    #[tokio::test]
    async fn a_full_disk_fails_the_writes_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let (store, faults) = faulty_store(directory.path());
        create(&store, "a").await.unwrap();
        faults.full.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            let refused = create(&store, "b").await.unwrap_err();
            assert!(matches!(refused, WriteError::Unavailable(StoreError::Disk { .. })), "{refused}");
        }
        assert_eq!((names(&store), store.revision()), (vec!["a".to_string()], 1));
        faults.full.store(false, Ordering::SeqCst);
        assert!(create(&store, "b").await.unwrap() > 1);
        assert_eq!(names(&store), ["a", "b"]);
        store.close().await;
        assert_eq!(names(&reopen(directory.path())), ["a", "b"]);
    }

    #[tokio::test]
    async fn a_failed_batch_that_reached_the_disk_is_undone_by_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let (store, faults) = faulty_store(directory.path());
        let collection = store.collection("", "configmaps");
        let kept = create(&store, "a").await.unwrap();
        faults.lying.store(true, Ordering::SeqCst);
        create(&store, "b").await.unwrap_err();
        let key = ObjectKey::new("ns", "a");
        let delete = Write::Delete { collection: collection.clone(), key: key.clone(), expected: kept, last: object() };
        store.write(delete).await.unwrap_err();
        faults.lying.store(false, Ordering::SeqCst);
        create(&store, "c").await.unwrap();
        store.close().await;
        let store = reopen(directory.path());
        assert_eq!(names(&store), ["a", "c"]);
        assert_eq!(store.collection("", "configmaps").get(&key).unwrap().revision(), kept);
    }

    #[tokio::test]
    async fn writes_that_build_on_failed_ones_fail_with_them() {
        let directory = tempfile::tempdir().unwrap();
        let (store, faults) = faulty_store(directory.path());
        create(&store, "a").await.unwrap();
        faults.full.store(true, Ordering::SeqCst);
        let collection = store.collection("", "configmaps");
        let chain = (2..20).map(|expected| {
            let write = match expected {
                2 => Write::Create { collection: collection.clone(), key: ObjectKey::new("ns", "b"), object: object() },
                _ => Write::Update {
                    collection: collection.clone(),
                    key: ObjectKey::new("ns", "b"),
                    expected: expected - 1,
                    object: object(),
                },
            };
            store.write(write)
        });
        for result in futures::future::join_all(chain).await {
            assert!(matches!(result, Err(WriteError::Unavailable(_) | WriteError::NotFound)), "{result:?}");
        }
        assert_eq!(names(&store), ["a"]);
    }

    #[tokio::test]
    async fn no_failed_revision_is_given_out_again() {
        let directory = tempfile::tempdir().unwrap();
        let (store, faults) = faulty_store(directory.path());
        faults.full.store(true, Ordering::SeqCst);
        create(&store, "a").await.unwrap_err();
        faults.full.store(false, Ordering::SeqCst);
        assert_eq!(create(&store, "a").await.unwrap(), 2);
    }
}
