//! The server's own certificate authority, its certificate, and the administrator's certificate and token.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::env::Env;

/// What a kubeconfig and the TLS listener are made of, as PEM.
#[derive(Debug, Clone)]
pub(crate) struct Pki {
    /// Certificate of the authority.
    pub ca: String,
    /// The server's certificate.
    pub server: String,
    /// The server's private key.
    pub server_key: String,
    /// The administrator's certificate.
    pub admin: String,
    /// The administrator's private key.
    pub admin_key: String,
    /// The administrator's bearer token.
    pub token: String,
}

/// Certificates can't be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file can't be read or written.
    #[error(
        "cannot use the certificate file {}: {source}; check its permissions, or move the directory away to have new \
         certificates made", path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error(
        "the certificate file {} is damaged ({reason}); restore it, or move its directory away to have new certificates \
         made", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A key that was passed in can't be used.
    #[error("cannot use {what}: {reason}; it must be PEM")]
    Key {
        /// Which.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// Making a certificate failed.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// Names that clients know the server by, beside the loopback addresses.
const SERVER_NAMES: [&str; 9] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "10.96.0.1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster",
    "kubernetes.default.svc.cluster.local",
];

const FILES: [&str; 6] = ["ca.crt", "apiserver.crt", "apiserver.key", "admin.crt", "admin.key", "admin.token"];

impl Pki {
    /// Reads what is kept in `directory`, or makes it and keeps it there. `None`: kept in memory only.
    pub(crate) fn open(directory: Option<&Path>, env: &Env) -> Result<Self, PkiError> {
        let Some(directory) = directory else { return Self::make(env) };
        if directory.join(FILES[0]).exists() {
            return Self::read(directory);
        }
        let pki = Self::make(env)?;
        pki.write(directory)?;
        Ok(pki)
    }

    fn make(env: &Env) -> Result<Self, PkiError> {
        let today = env.clock.now().to_zoned(TimeZone::UTC).date();
        let (year, month, day) = (i32::from(today.year()), today.month() as u8, today.day() as u8);
        let params = |name: &str, names: &[&str]| -> Result<CertificateParams, rcgen::Error> {
            let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_string()).collect::<Vec<_>>())?;
            params.distinguished_name.remove(DnType::CommonName);
            params.distinguished_name.push(DnType::CommonName, name);
            // A year back, for clients whose clock is behind; the 28th at most, for years with a short February.
            params.not_before = rcgen::date_time_ymd(year - 1, month, day.min(28));
            params.not_after = rcgen::date_time_ymd(year + 10, month, day.min(28));
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
            Ok(params)
        };
        let mut ca_params = params("kubewright-ca", &[])?;
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca_params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca_key = KeyPair::generate()?;
        let ca = ca_params.self_signed(&ca_key)?;
        let issuer = Issuer::new(ca_params, ca_key);

        let mut server_params = params("kube-apiserver", &SERVER_NAMES)?;
        server_params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_key = KeyPair::generate()?;
        let server = server_params.signed_by(&server_key, &issuer)?;

        let mut admin_params = params("kubernetes-admin", &[])?;
        admin_params.distinguished_name.push(DnType::OrganizationName, "system:masters");
        admin_params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let admin_key = KeyPair::generate()?;
        let admin = admin_params.signed_by(&admin_key, &issuer)?;

        Ok(Self {
            ca: ca.pem(),
            server: server.pem(),
            server_key: server_key.serialize_pem(),
            admin: admin.pem(),
            admin_key: admin_key.serialize_pem(),
            token: format!("{:016x}{:016x}", env.random.number(), env.random.number()),
        })
    }

    fn read(directory: &Path) -> Result<Self, PkiError> {
        let text = |name: &str| {
            let path = directory.join(name);
            std::fs::read_to_string(&path).map_err(|source| PkiError::File { path, source })
        };
        let pki = Self {
            ca: text(FILES[0])?,
            server: text(FILES[1])?,
            server_key: text(FILES[2])?,
            admin: text(FILES[3])?,
            admin_key: text(FILES[4])?,
            token: text(FILES[5])?.trim().to_string(),
        };
        let damaged = |name: &str, reason: String| PkiError::Damaged { path: directory.join(name), reason };
        for (name, pem) in [(FILES[0], &pki.ca), (FILES[1], &pki.server), (FILES[3], &pki.admin)] {
            certificate(pem).map_err(|reason| damaged(name, reason))?;
        }
        for (name, pem) in [(FILES[2], &pki.server_key), (FILES[4], &pki.admin_key)] {
            private_key(pem).map_err(|reason| damaged(name, reason))?;
        }
        Ok(pki)
    }

    fn write(&self, directory: &Path) -> Result<(), PkiError> {
        let texts = [&self.ca, &self.server, &self.server_key, &self.admin, &self.admin_key, &self.token];
        std::fs::create_dir_all(directory)
            .map_err(|source| PkiError::File { path: directory.to_path_buf(), source })?;
        // The authority's certificate is written last: while it is missing, the directory counts as empty.
        for (name, text) in FILES.iter().zip(texts).rev() {
            let path = directory.join(name);
            write_private(&path, text).map_err(|source| PkiError::File { path, source })?;
        }
        Ok(())
    }
}

/// The text of a file of `directory`, made and kept if it is not there.
pub(super) fn read_or_make(
    directory: &Path,
    name: &str,
    make: impl FnOnce() -> Result<String, PkiError>,
) -> Result<String, PkiError> {
    let path = directory.join(name);
    let failed = |source| PkiError::File { path: path.clone(), source };
    if path.exists() {
        return std::fs::read_to_string(&path).map_err(failed);
    }
    let text = make()?;
    std::fs::create_dir_all(directory).map_err(failed)?;
    write_private(&path, &text).map_err(failed)?;
    Ok(text)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The first certificate of a PEM text.
pub(super) fn certificate(pem: &str) -> Result<CertificateDer<'static>, String> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())
}

/// All certificates of a PEM text, at least one.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let all = all.map_err(|error| error.to_string())?;
    if all.is_empty() { Err("there is no certificate in it".into()) } else { Ok(all) }
}

/// The private key of a PEM text.
pub(crate) fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())
}

impl Pki {
    /// The server's certificate and key, as the TLS listener needs them.
    pub(crate) fn for_listener(&self) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), PkiError> {
        let damaged = |name: &str| {
            let path = PathBuf::from(name);
            move |reason| PkiError::Damaged { path, reason }
        };
        Ok((
            certificate(&self.server).map_err(damaged(FILES[1]))?,
            private_key(&self.server_key).map_err(damaged(FILES[2]))?,
        ))
    }
}
