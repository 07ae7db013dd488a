//! A registry of images in the test's process, for reading: what `kubewright` has built is put into it by its name.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// What is served: by `name:tag`, and by digest.
type Shelf = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A registry on a free port. It ends with the test's process.
pub struct Registry {
    pub address: SocketAddr,
    shelf: Shelf,
}

impl Registry {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shelf = Shelf::default();
        let served = shelf.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                // A client that goes away is no trouble of the test.
                std::thread::spawn(move || answer(&stream, &served));
            }
        });
        Self { address, shelf }
    }

    /// Puts an image out of its layout into the registry, as `name:tag`, and tells its whole name.
    pub fn put(&self, layout: &Path, name: &str) -> String {
        let mut shelf = self.shelf.lock().unwrap();
        for blob in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
            let blob = blob.unwrap();
            shelf.insert(format!("sha256:{}", blob.file_name().to_str().unwrap()), fs::read(blob.path()).unwrap());
        }
        let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
        let manifest = shelf[index["manifests"][0]["digest"].as_str().unwrap()].clone();
        shelf.insert(name.into(), manifest);
        format!("{}/{name}", self.address)
    }
}

/// Answers one request; what is no HTTP is hung up on.
fn answer(stream: &TcpStream, shelf: &Shelf) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let path = first.strip_prefix("GET /v2/")?.split(' ').next()?.to_string();
    while !lines.next()?.ok()?.is_empty() {}
    let (name, kind, version) = {
        let mut parts = path.rsplitn(3, '/');
        let (version, kind) = (parts.next()?, parts.next()?);
        (parts.next()?, kind, version)
    };
    let key = if version.starts_with("sha256:") { version.to_string() } else { format!("{name}:{version}") };
    let found = shelf.lock().unwrap().get(&key).cloned();
    let (status, body) = match found {
        Some(body) => ("200 OK", body),
        None => {
            ("404 Not Found", format!(r#"{{"errors": [{{"code": "UNKNOWN", "message": "{kind} unknown"}}]}}"#).into())
        }
    };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).ok()?;
    stream.write_all(&body).ok()
}
