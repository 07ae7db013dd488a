//! The keys and certificates of one real cluster: its authority, the API server, the administrator, service accounts.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use crate::error::Error;

/// Names and addresses under which the API server is reached; `10.0.0.1` is the first address of the Service range.
const SERVER_NAMES: [&str; 7] = [
    "127.0.0.1",
    "10.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// Where the files of a cluster's keys and certificates are.
#[derive(Debug, Clone)]
pub(crate) struct Pki {
    pub(crate) ca: PathBuf,
    pub(crate) ca_key: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) server_key: PathBuf,
    pub(crate) admin: PathBuf,
    pub(crate) admin_key: PathBuf,
    pub(crate) service_account: PathBuf,
    pub(crate) service_account_key: PathBuf,
}

impl Pki {
    /// Makes everything anew in `dir`.
    pub(crate) fn create(dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        let pki = Self {
            ca: dir.join("ca.crt"),
            ca_key: dir.join("ca.key"),
            server: dir.join("apiserver.crt"),
            server_key: dir.join("apiserver.key"),
            admin: dir.join("admin.crt"),
            admin_key: dir.join("admin.key"),
            service_account: dir.join("service-account.pub"),
            service_account_key: dir.join("service-account.key"),
        };

        let mut params = named("kubewright-real-ca", Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        write(&pki.ca, &params.self_signed(&key)?.pem())?;
        write(&pki.ca_key, &key.serialize_pem())?;
        let authority = Issuer::new(params, key);

        let mut server = named("kube-apiserver", SERVER_NAMES.map(str::to_owned).to_vec())?;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        sign(server, &authority, &pki.server, &pki.server_key)?;

        let mut admin = named("kubernetes-admin", Vec::new())?;
        admin.distinguished_name.push(DnType::OrganizationName, "system:masters");
        admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        sign(admin, &authority, &pki.admin, &pki.admin_key)?;

        let service_account = KeyPair::generate()?;
        write(&pki.service_account, &service_account.public_key_pem())?;
        write(&pki.service_account_key, &service_account.serialize_pem())?;
        Ok(pki)
    }
}

fn named(common_name: &str, names: Vec<String>) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

fn sign(params: CertificateParams, authority: &Issuer<'_, KeyPair>, crt: &Path, key_file: &Path) -> Result<(), Error> {
    let key = KeyPair::generate()?;
    write(crt, &params.signed_by(&key, authority)?.pem())?;
    write(key_file, &key.serialize_pem())
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io("write", path))
}
