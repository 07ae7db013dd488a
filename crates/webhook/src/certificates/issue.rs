//! Makes an authority, and certificates of it.

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;

/// Certificates are good from this long before they are made, for API servers whose clock is behind.
pub(super) const BACKDATE: SignedDuration = SignedDuration::from_hours(1);

/// A certificate and its key, as PEM.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// An authority of its own name, so that it can be told which one has signed a certificate.
pub(super) fn authority(now: Timestamp, until: Timestamp) -> Result<Issued, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = params(&format!("kubewright-webhook-authority-{}", now.as_millisecond()), &[], now, until)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(Issued { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
}

/// A certificate for servers of these names and addresses.
pub(super) fn certificate(
    authority: &Issued,
    hosts: &[String],
    now: Timestamp,
    until: Timestamp,
) -> Result<Issued, rcgen::Error> {
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, KeyPair::from_pem(&authority.key)?)?;
    let key = KeyPair::generate()?;
    let mut params = params("kubewright-webhook", hosts, now, until)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(Issued { certificate: params.signed_by(&key, &issuer)?.pem(), key: key.serialize_pem() })
}

fn params(name: &str, hosts: &[String], now: Timestamp, until: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date(now - BACKDATE);
    params.not_after = date(until);
    Ok(params)
}

/// Times that a certificate can't hold end with the time that it can.
fn date(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
