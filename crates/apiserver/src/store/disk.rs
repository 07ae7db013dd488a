//! The data directory: one redb file, opened with care and written batch by batch.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{
    Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend,
    StorageError, TableDefinition, TableError, WriteTransaction,
};

use super::error::StoreError;
use super::key::ObjectKey;
use super::record::{self, RecordKey};
use super::stored::Stored;

/// The redb file of a data directory.
pub(super) struct Disk {
    path: PathBuf,
    /// Held as long as the directory is in use.
    _lock: File,
    opener: Opener,
    /// `None` after a failure: redb wants to be opened again.
    database: Option<Database>,
    /// What the objects of failed batches were before. A failed batch may have reached the disk nonetheless, so the
    /// next one that succeeds puts them back.
    undo: BTreeMap<Vec<u8>, Option<Arc<Stored>>>,
    buffer: Vec<u8>,
}

/// How the file is opened for writing.
pub(super) type Opener = Box<dyn Fn(&Path) -> Result<Database, DatabaseError> + Send>;

/// One object of a batch.
pub(super) struct Change {
    pub(super) key: Vec<u8>,
    /// What is there from now on; `None` after a deletion.
    pub(super) now: Option<Arc<Stored>>,
    /// What was there before the batch.
    pub(super) before: Option<Arc<Stored>>,
}

/// What was found when the directory was opened.
pub(super) struct Loaded {
    pub(super) revision: u64,
    /// Group, resource and object, ordered by group and resource.
    pub(super) objects: Vec<(Arc<str>, Arc<str>, Stored)>,
}

const FILE: &str = "store.redb";
const NEW_FILE: &str = "store.redb.new";
const LOCK_FILE: &str = "store.lock";

/// The format that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("kubewright-meta");
const META_FORMAT: &str = "format";
const META_REVISION: &str = "revision";
const OBJECTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("kubewright-objects");

const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// redb's cache in bytes. Everything is in memory already; this only saves reading tree pages when writing.
const CACHE: usize = 16 << 20;

impl Disk {
    /// Opens a data directory, making it if it is not there, and reads all objects.
    pub(super) fn open(directory: &Path, opener: Opener) -> Result<(Self, Loaded), StoreError> {
        fs::create_dir_all(directory).map_err(unusable(directory))?;
        let lock = lock(&directory.join(LOCK_FILE))?;
        let path = directory.join(FILE);
        if !fs::exists(&path).map_err(unusable(&path))? {
            create(directory, &path)?;
        }
        let (loaded, database) = guarded(&path, || {
            check_magic(&path)?;
            // Without writing as long as it is not known to be ours.
            match ReadOnlyDatabase::open(&path) {
                Ok(database) => {
                    let loaded = load(&path, &database)?;
                    drop(database);
                    Ok((loaded, opener(&path).map_err(|error| open_error(&path, error))?))
                }
                // It was not closed properly, and opening it for writing repairs that.
                Err(DatabaseError::RepairAborted) => {
                    let database = opener(&path).map_err(|error| open_error(&path, error))?;
                    Ok((load(&path, &database)?, database))
                }
                Err(error) => Err(open_error(&path, error)),
            }
        })?;
        let disk =
            Self { path, _lock: lock, opener, database: Some(database), undo: BTreeMap::new(), buffer: Vec::new() };
        Ok((disk, loaded))
    }

    /// Opens the file for writing as usual. `unsynced`: without ever waiting for the disk.
    pub(super) fn opener(unsynced: bool) -> Opener {
        if !unsynced {
            return Box::new(|path| Database::builder().set_cache_size(CACHE).open(path));
        }
        Box::new(|path| {
            let file = File::options().read(true).write(true).open(path).map_err(StorageError::Io)?;
            let backend = UnsyncedFile(FileBackend::new(file)?);
            Database::builder().set_cache_size(CACHE).create_with_backend(backend)
        })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a batch on disk. When this returns it survives a crash; if it fails, none of it is kept.
    pub(super) fn commit(&mut self, batch: &[Change], revision: u64) -> Result<(), StoreError> {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let transaction = self.prepare(batch, revision)?;
            // From here on the batch may be on disk even if this fails.
            for change in batch {
                self.undo.entry(change.key.clone()).or_insert_with(|| change.before.clone());
            }
            transaction.commit().map_err(|error| error.to_string())
        }));
        match result.unwrap_or_else(|panic| Err(panic_message(&*panic))) {
            Ok(()) => {
                self.undo.clear();
                Ok(())
            }
            Err(reason) => {
                // Closing a broken database may fail in its own ways.
                let broken = self.database.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
                Err(StoreError::Disk { path: self.path.clone(), reason })
            }
        }
    }

    fn prepare(&mut self, batch: &[Change], revision: u64) -> Result<WriteTransaction, String> {
        let database = match &mut self.database {
            Some(database) => database,
            none => none.insert((self.opener)(&self.path).map_err(|error| error.to_string())?),
        };
        let transaction = database.begin_write().map_err(|error| error.to_string())?;
        {
            let mut objects = transaction.open_table(OBJECTS).map_err(|error| error.to_string())?;
            for (key, object) in self.undo.iter().chain(batch.iter().map(|change| (&change.key, &change.now))) {
                match object {
                    Some(object) => {
                        record::encode(key, object, &mut self.buffer);
                        objects.insert(key.as_slice(), self.buffer.as_slice()).map_err(|error| error.to_string())?;
                    }
                    None => {
                        objects.remove(key.as_slice()).map_err(|error| error.to_string())?;
                    }
                }
            }
            let mut meta = transaction.open_table(META).map_err(|error| error.to_string())?;
            meta.insert(META_REVISION, revision).map_err(|error| error.to_string())?;
        }
        Ok(transaction)
    }
}

/// A file that is written and left to the operating system: what is in it outlives the process, not the machine.
#[derive(Debug)]
struct UnsyncedFile(FileBackend);

impl StorageBackend for UnsyncedFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::options().write(true).create(true).truncate(false).open(path).map_err(unusable(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.into() }),
        Err(TryLockError::Error(error)) => Err(unusable(path)(error)),
    }
}

/// Makes an empty store under another name first, so that a crash leaves no half-made one.
fn create(directory: &Path, path: &Path) -> Result<(), StoreError> {
    let new = directory.join(NEW_FILE);
    create_new(&new, 0)?;
    put_in_place(directory, &new, path)
}

/// Makes an empty store. What was there is from one that was not finished.
fn create_new(new: &Path, revision: u64) -> Result<Database, StoreError> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(new)(error)),
        _ => {}
    }
    let make = || -> Result<Database, redb::Error> {
        let database = Database::builder().set_cache_size(CACHE).create(new)?;
        let transaction = database.begin_write()?;
        transaction.open_table(OBJECTS)?;
        {
            let mut meta = transaction.open_table(META)?;
            meta.insert(META_FORMAT, u64::from(FORMAT))?;
            meta.insert(META_REVISION, revision)?;
        }
        transaction.commit()?;
        Ok(database)
    };
    make().map_err(|error| unusable_database(new, error))
}

fn put_in_place(directory: &Path, new: &Path, path: &Path) -> Result<(), StoreError> {
    fs::rename(new, path).map_err(unusable(path))?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(unusable(directory))
}

fn unusable_database(path: &Path, error: redb::Error) -> StoreError {
    match error {
        redb::Error::Io(error) => unusable(path)(error),
        other => unusable(path)(io::Error::other(other.to_string())),
    }
}

/// A data directory in the making. Its files go when it is dropped before it is kept.
pub(super) struct NewDisk {
    directory: PathBuf,
    _lock: File,
    database: Option<Database>,
    kept: bool,
}

impl NewDisk {
    /// Begins in a directory without a store, which is made if it is not there. The store will go on from `revision`.
    pub(super) fn create(directory: &Path, revision: u64) -> Result<Self, StoreError> {
        fs::create_dir_all(directory).map_err(unusable(directory))?;
        let lock = lock(&directory.join(LOCK_FILE))?;
        let mut new = Self { directory: directory.into(), _lock: lock, database: None, kept: false };
        new.database = Some(create_new(&directory.join(NEW_FILE), revision)?);
        Ok(new)
    }

    /// Puts in all objects that `work` hands out as key and value, or none if it fails.
    pub(super) fn fill<T, E: From<StoreError>>(
        self,
        work: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError>) -> Result<T, E>,
    ) -> Result<(T, Self), E> {
        let path = self.directory.join(NEW_FILE);
        let failed = |error: redb::Error| unusable_database(&path, error);
        let Some(database) = &self.database else { return Err(StoreError::Closed.into()) };
        let transaction = database.begin_write().map_err(|error| failed(error.into()))?;
        let result = {
            let mut objects = transaction.open_table(OBJECTS).map_err(|error| failed(error.into()))?;
            work(&mut |key, value| match objects.insert(key, value) {
                Ok(_) => Ok(()),
                Err(error) => Err(failed(error.into())),
            })?
        };
        transaction.commit().map_err(|error| failed(error.into()))?;
        Ok((result, self))
    }

    /// Makes it the store of its directory.
    pub(super) fn keep(mut self) -> Result<(), StoreError> {
        drop(self.database.take());
        put_in_place(&self.directory, &self.directory.join(NEW_FILE), &self.directory.join(FILE))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for NewDisk {
    fn drop(&mut self) {
        if !self.kept {
            drop(self.database.take());
            // What stays is in the way of the next try, which says so.
            let _ = fs::remove_file(self.directory.join(NEW_FILE));
            let _ = fs::remove_file(self.directory.join(LOCK_FILE));
        }
    }
}

fn check_magic(path: &Path) -> Result<(), StoreError> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(unusable(path))?;
    file.take(MAGIC.len() as u64).read_to_end(&mut start).map_err(unusable(path))?;
    if start == MAGIC { Ok(()) } else { Err(StoreError::Foreign { path: path.into() }) }
}

fn load(path: &Path, database: &impl ReadableDatabase) -> Result<Loaded, StoreError> {
    let damaged = |reason: String| StoreError::Damaged { path: path.into(), reason };
    let transaction = database.begin_read().map_err(|error| damaged(error.to_string()))?;
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::Storage(error)) => return Err(storage_error(path, error)),
        Err(_) => return Err(StoreError::Foreign { path: path.into() }),
    };
    let number = |name| -> Result<u64, StoreError> {
        let found = meta.get(name).map_err(|error| storage_error(path, error))?;
        Ok(found.ok_or_else(|| damaged(format!("its {name} is missing")))?.value())
    };
    let format = u32::try_from(number(META_FORMAT)?).unwrap_or(u32::MAX);
    if format > FORMAT {
        return Err(StoreError::Newer { path: path.into(), found: format, supported: FORMAT });
    }
    let revision = number(META_REVISION)?;
    let table = transaction.open_table(OBJECTS).map_err(|error| damaged(error.to_string()))?;
    let expected = table.len().map_err(|error| storage_error(path, error))?;
    let mut objects: Vec<(Arc<str>, Arc<str>, Stored)> = Vec::new();
    for entry in table.iter().map_err(|error| storage_error(path, error))? {
        let (key, value) = entry.map_err(|error| storage_error(path, error))?;
        let bad = || damaged(format!("the entry {:?} is not as it was written", String::from_utf8_lossy(key.value())));
        let RecordKey { group, resource, namespace, name } = record::decode_key(key.value()).ok_or_else(bad)?;
        let object = record::decode(key.value(), ObjectKey::new(namespace, name), value.value())
            .filter(|object| object.revision() <= revision)
            .ok_or_else(bad)?;
        let (group, resource) = match objects.last() {
            Some((last_group, last, _)) if **last_group == *group && **last == *resource => {
                (last_group.clone(), last.clone())
            }
            _ => (group.into(), resource.into()),
        };
        objects.push((group, resource, object));
    }
    if objects.len() as u64 != expected {
        return Err(damaged(format!("{} objects of {expected} are there", objects.len())));
    }
    Ok(Loaded { revision, objects })
}

/// Runs `open`, taking a panic for damage: redb may stumble over pages that make no sense.
fn guarded<T>(path: &Path, open: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(open))
        .unwrap_or_else(|panic| Err(StoreError::Damaged { path: path.into(), reason: panic_message(&*panic) }))
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("its structure makes no sense").to_string()
}

fn open_error(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::Locked { path: path.into() },
        DatabaseError::Storage(error) => storage_error(path, error),
        other => StoreError::Damaged { path: path.into(), reason: other.to_string() },
    }
}

fn storage_error(path: &Path, error: StorageError) -> StoreError {
    match error {
        // The file ends too early, or holds nonsense.
        StorageError::Io(error)
            if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
        {
            StoreError::Damaged { path: path.into(), reason: error.to_string() }
        }
        StorageError::Io(error) => unusable(path)(error),
        other => StoreError::Damaged { path: path.into(), reason: other.to_string() },
    }
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    |source| StoreError::Unusable { path: path.into(), source: Arc::new(source) }
}
