//! Snapshots: all objects of a store as they were at one revision, as a stream of bytes and back to a data directory.
//!
//! The stream is [`MAGIC`], then little-endian numbers (format, revision, number of objects), then the objects as they
//! lie on disk (length of the key, length of the value, key, value), and the SHA-256 of all of that.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::disk::NewDisk;
use super::error::{Compacted, StoreError};
use super::key::ObjectKey;
use super::record;
use super::stored::Stored;
use super::{RangeRequest, Store};

/// All objects of a store as they were at one revision. Holds them in memory, shared with the store.
#[derive(Debug)]
pub struct Snapshot {
    revision: u64,
    /// The key on disk, and the object.
    objects: Vec<(Vec<u8>, Arc<Stored>)>,
}

/// What is known of a snapshot that was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The newest resourceVersion when it was taken.
    pub revision: u64,
    /// How many objects it has.
    pub objects: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A snapshot can't be read, or no data directory can be made of it.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file can't be read.
    #[error("cannot read the snapshot {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a Kubewright snapshot; name a file that `kubewright snapshot save` wrote", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version.
    #[error("the snapshot {} has format {found}, this version reads format {FORMAT}; use the version that wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The file is not as it was written.
    #[error("the snapshot {} is damaged ({reason}); use another one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: &'static str,
    },
    /// There is something where the data is to go.
    #[error("the directory {} is not empty; a snapshot is restored to a new or an empty one", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The data directory can't be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const MAGIC: &[u8; 20] = b"kubewright-snapshot\n";
const FORMAT: u32 = 1;
/// Objects are put together up to this size.
const CHUNK: usize = 64 * 1024;
/// No key or value is longer: objects are limited to some megabytes.
const LONGEST: u32 = 1 << 30;
/// So often is it tried again when the history of a resource has moved on during the read.
const TRIES: usize = 16;

/// By how much resourceVersions are raised when a snapshot is restored, unless said otherwise: by more than a server
/// gives out between two snapshots, so that no version of an object is taken for another that had the same number.
pub const DEFAULT_BUMP: u64 = 1_000_000_000;

impl Store {
    /// All objects at the newest revision. Others may read and write meanwhile.
    ///
    /// # Errors
    /// When so much is written that the history of some resource moves on while it is read, again and again.
    pub fn snapshot(&self) -> Result<Snapshot, Compacted> {
        let mut result = self.try_snapshot();
        for _ in 1..TRIES {
            if result.is_ok() {
                break;
            }
            result = self.try_snapshot();
        }
        result
    }

    fn try_snapshot(&self) -> Result<Snapshot, Compacted> {
        // First the revision: a collection that is made from now on has nothing that is older.
        let revision = self.revision();
        let mut objects = Vec::new();
        for collection in self.collections() {
            let range = collection.range(RangeRequest { revision: Some(revision), ..RangeRequest::default() })?;
            let (group, resource) = (collection.group(), collection.resource());
            let keyed =
                range.items.into_iter().map(|stored| (record::encode_key(group, resource, stored.key()), stored));
            objects.extend(keyed);
        }
        Ok(Snapshot { revision, objects })
    }
}

impl Snapshot {
    /// The newest resourceVersion when it was taken.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many objects it has.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// The bytes of the stream, made while they are taken.
    pub fn into_chunks(self) -> impl Iterator<Item = Bytes> + Send {
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&FORMAT.to_le_bytes());
        header.extend_from_slice(&self.revision.to_le_bytes());
        header.extend_from_slice(&(self.objects.len() as u64).to_le_bytes());
        let mut hasher = Some(Sha256::new());
        let mut chunk = header;
        let mut objects = self.objects.into_iter();
        let mut value = Vec::new();
        std::iter::from_fn(move || {
            let running = hasher.as_mut()?;
            while chunk.len() < CHUNK {
                let Some((key, stored)) = objects.next() else {
                    running.update(&chunk);
                    let digest = hasher.take()?.finalize();
                    chunk.extend_from_slice(&digest);
                    return Some(std::mem::take(&mut chunk).into());
                };
                record::encode(&key, &stored, &mut value);
                chunk.extend_from_slice(&(key.len() as u32).to_le_bytes());
                chunk.extend_from_slice(&(value.len() as u32).to_le_bytes());
                chunk.extend_from_slice(&key);
                chunk.extend_from_slice(&value);
            }
            running.update(&chunk);
            Some(std::mem::take(&mut chunk).into())
        })
    }
}

/// Reads a snapshot to its end and checks all of it.
///
/// # Errors
/// When it can't be read, or is not as it was written.
pub fn check_snapshot(path: &Path) -> Result<SnapshotInfo, SnapshotError> {
    Reader::open(path)?.read(|_, _| Ok(()))
}

/// Makes a data directory of a snapshot. The directory is made if it is not there, and must be empty.
///
/// The store that is opened there has the objects with the resourceVersions that they had, and goes on `bump` above the
/// newest one of the snapshot ([`DEFAULT_BUMP`] if there is no reason for another number). Watches and pages of clients that
/// know older versions, or versions that were given out after the snapshot, end with 410, so that the clients list again.
///
/// # Errors
/// When the snapshot can't be read, is damaged, or the directory has something in it. Nothing is left of it then.
pub fn restore_snapshot(path: &Path, directory: &Path, bump: u64) -> Result<SnapshotInfo, SnapshotError> {
    let reader = Reader::open(path)?;
    let unusable = |source| StoreError::Unusable { path: directory.into(), source: Arc::new(source) };
    let empty = match std::fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(unusable(error).into()),
    };
    if !empty {
        return Err(SnapshotError::NotEmpty { path: directory.into() });
    }
    let damaged = |reason| SnapshotError::Damaged { path: path.into(), reason };
    let revision = reader.revision.checked_add(bump).ok_or_else(|| damaged("its revision is out of range"))?;
    let new = NewDisk::create(directory, revision)?;
    let (info, new) = new.fill(|put| reader.read(|key, value| Ok(put(key, value)?)))?;
    new.keep()?;
    Ok(info)
}

/// A snapshot whose header has been read.
struct Reader<'a> {
    path: &'a Path,
    file: BufReader<File>,
    hasher: Sha256,
    revision: u64,
    objects: u64,
    bytes: u64,
}

impl<'a> Reader<'a> {
    fn open(path: &'a Path) -> Result<Self, SnapshotError> {
        let file = File::open(path).map_err(|source| SnapshotError::Read { path: path.into(), source })?;
        let (file, hasher) = (BufReader::with_capacity(CHUNK, file), Sha256::new());
        let mut reader = Self { path, file, hasher, revision: 0, objects: 0, bytes: 0 };
        let foreign = || SnapshotError::Foreign { path: path.into() };
        let magic = reader.take(MAGIC.len() as u32).map_err(|error| match error {
            SnapshotError::Damaged { .. } => foreign(),
            other => other,
        })?;
        if magic != MAGIC {
            return Err(foreign());
        }
        let found = reader.u32()?;
        if found != FORMAT {
            return Err(SnapshotError::Newer { path: path.into(), found });
        }
        (reader.revision, reader.objects) = (reader.u64()?, reader.u64()?);
        Ok(reader)
    }

    /// Hands out each object with its key, and then checks the whole.
    fn read(
        mut self,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<(), SnapshotError>,
    ) -> Result<SnapshotInfo, SnapshotError> {
        for _ in 0..self.objects {
            let (key, value) = (self.u32()?, self.u32()?);
            let (key, value) = (self.take(key)?, self.take(value)?);
            let decoded = record::decode_key(&key)
                .and_then(|parts| record::decode(&key, ObjectKey::new(parts.namespace, parts.name), &value));
            if decoded.is_none_or(|stored| stored.revision() > self.revision) {
                return Err(self.damaged("an object is not as it was written"));
            }
            each(&key, &value)?;
        }
        let expected = std::mem::take(&mut self.hasher).finalize();
        if self.take(expected.len() as u32)? != expected.as_slice() {
            return Err(self.damaged("its checksum is wrong"));
        }
        let mut rest = [0];
        match self.file.read(&mut rest) {
            Ok(0) => Ok(SnapshotInfo { revision: self.revision, objects: self.objects, bytes: self.bytes }),
            Ok(_) => Err(self.damaged("there is something behind its end")),
            Err(source) => Err(SnapshotError::Read { path: self.path.into(), source }),
        }
    }

    fn u32(&mut self) -> Result<u32, SnapshotError> {
        let bytes = self.take(4)?;
        Ok(bytes.try_into().map_or(0, u32::from_le_bytes))
    }

    fn u64(&mut self) -> Result<u64, SnapshotError> {
        let bytes = self.take(8)?;
        Ok(bytes.try_into().map_or(0, u64::from_le_bytes))
    }

    /// The next bytes. Takes no more memory than there are.
    fn take(&mut self, length: u32) -> Result<Vec<u8>, SnapshotError> {
        if length > LONGEST {
            return Err(self.damaged("an object is too large"));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.file).take(u64::from(length)).read_to_end(&mut bytes);
        read.map_err(|source| SnapshotError::Read { path: self.path.into(), source })?;
        if bytes.len() < length as usize {
            return Err(self.damaged("it ends too early"));
        }
        self.hasher.update(&bytes);
        self.bytes += u64::from(length);
        Ok(bytes)
    }

    fn damaged(&self, reason: &'static str) -> SnapshotError {
        SnapshotError::Damaged { path: self.path.into(), reason }
    }
}
