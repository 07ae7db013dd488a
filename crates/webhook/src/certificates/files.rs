//! Certificates in files that something else renews.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::{CertificateError, Current, certified};

/// How often the files are read. They are small, and a mounted Secret changes by links that no notification tells of.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(10);

pub(crate) struct Files {
    directory: PathBuf,
}

impl Files {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub(super) fn current(&self, now: Timestamp) -> Result<Current, CertificateError> {
        let path = |name: &str| self.directory.join(name);
        let (certificate, key) = (read(&path("tls.crt"))?, read(&path("tls.key"))?);
        let key = certified(&certificate, &key, &self.directory.display().to_string())?;
        let bundle = path("ca.crt");
        let bundle = if bundle.exists() { Some(String::from_utf8_lossy(&read(&bundle)?).into_owned()) } else { None };
        Ok(Current { key, bundle, next: now + LOOK_AGAIN })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|source| CertificateError::File { path: path.to_path_buf(), source })
}
