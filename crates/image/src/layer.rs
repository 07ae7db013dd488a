//! Files → a layer: a tar archive, compressed.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// A file or folder in a layer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its path, without the first slash; folders end with one.
    pub(crate) path: String,
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u32,
}

/// A layer.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) compressed: Vec<u8>,
    /// The digest of what is compressed.
    pub(crate) diff_id: String,
}

/// The layer of these entries, with the folders that they are in.
pub(crate) fn layer(entries: &[Entry]) -> io::Result<Layer> {
    let mut all: Vec<Entry> = Vec::new();
    for entry in entries {
        for (at, _) in entry.path.trim_end_matches('/').match_indices('/') {
            let path = entry.path[..=at].to_string();
            if !entries.iter().chain(&all).any(|known| known.path == path) {
                all.push(Entry { path, content: Vec::new(), mode: 0o755 });
            }
        }
    }
    all.extend_from_slice(entries);
    all.sort_by(|a, b| a.path.cmp(&b.path));
    let mut tar = Vec::new();
    for entry in &all {
        tar.extend_from_slice(&header(entry)?);
        tar.extend_from_slice(&entry.content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::default());
    gzip.write_all(&tar)?;
    Ok(Layer { compressed: gzip.finish()?, diff_id: digest(&tar) })
}

/// `sha256:…` of bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The header of an entry in the ustar format (POSIX.1-1988).
fn header(entry: &Entry) -> io::Result<[u8; 512]> {
    let mut header = [0; 512];
    let path = entry.path.as_bytes();
    let (prefix, name) = if path.len() <= 100 {
        (&path[..0], path)
    } else {
        let cut = (0..path.len())
            .find(|at| path[*at] == b'/' && path.len() - at - 1 <= 100 && *at <= 155 && *at + 1 < path.len());
        let too_long = || {
            io::Error::new(io::ErrorKind::InvalidInput, format!("the path {} is too long for an archive", entry.path))
        };
        let cut = cut.ok_or_else(too_long)?;
        (&path[..cut], &path[cut + 1..])
    };
    let folder = entry.path.ends_with('/');
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name);
    put(100, format!("{:07o}\0", entry.mode).as_bytes());
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", entry.content.len()).as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, if folder { b"5" } else { b"0" });
    put(257, b"ustar\x0000");
    put(345, prefix);
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, content: &str) -> Entry {
        Entry { path: path.into(), content: content.into(), mode: 0o644 }
    }

    #[test]
    fn the_same_files_give_the_same_layer_in_whatever_order() {
        let (a, b) = (entry("usr/bin/a", "1"), entry("etc/b", "2"));
        let (one, other) = (layer(&[a.clone(), b.clone()]).unwrap(), layer(&[b, a]).unwrap());
        assert_eq!((&one.compressed, &one.diff_id), (&other.compressed, &other.diff_id));
        assert_ne!(layer(&[entry("usr/bin/a", "2")]).unwrap().diff_id, one.diff_id);
    }

    #[test]
    fn long_paths_are_split_and_those_that_can_not_be_are_refused() {
        assert!(layer(&[entry(&format!("{}/{}", "a".repeat(95), "b".repeat(90)), "")]).is_ok());
        let error = layer(&[entry(&"a".repeat(120), "")]).unwrap_err().to_string();
        assert!(error.contains("too long for an archive"), "{error}");
    }
}
