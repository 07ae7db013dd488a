//! Whether a webhook's certificate is one that its `caBundle` vouches for.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

/// A connector that trusts the certificates of a bundle; without one, those that the machine trusts.
pub(super) fn connector(bundle: Option<&[u8]>) -> Result<TlsConnector, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    let mut own = Vec::new();
    match bundle {
        Some(bundle) => {
            let unusable = |why: &str| format!("unable to load root certificates: {why}");
            for certificate in CertificateDer::pem_slice_iter(bundle) {
                let certificate = certificate.map_err(|_| unusable("unable to parse bytes as PEM block"))?;
                roots.add(certificate.clone()).map_err(|error| unusable(&error.to_string()))?;
                own.push(certificate);
            }
            if own.is_empty() {
                return Err(unusable("unable to parse bytes as PEM block"));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("this machine trusts no certificate authority; give the webhook a caBundle".into());
    }
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let verifier = Verifier { inner: inner.build().map_err(|error| error.to_string())?, own };
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What a failed handshake looks like in the words of Go's TLS.
pub(super) fn failure(error: &std::io::Error) -> String {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "EOF".into(),
            _ => error.to_string(),
        };
    };
    let unverified = |why: String| format!("tls: failed to verify certificate: x509: {why}");
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            unverified("certificate signed by unknown authority".into())
        }
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) => {
            let expected = expected.to_str();
            let names: Vec<&str> = presented.iter().map(|name| inside(name)).collect();
            unverified(match (expected.parse::<std::net::IpAddr>().is_ok(), names.as_slice()) {
                (true, names) if !names.iter().any(|name| name.parse::<std::net::IpAddr>().is_ok()) => {
                    format!("cannot validate certificate for {expected} because it doesn't contain any IP SANs")
                }
                (_, []) => format!("certificate is not valid for any names, but wanted to match {expected}"),
                (_, names) => format!("certificate is valid for {}, not {expected}", names.join(", ")),
            })
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            unverified("certificate has expired or is not yet valid".into())
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            unverified("certificate has expired or is not yet valid".into())
        }
        Error::InvalidCertificate(other) => unverified(other.to_string()),
        Error::InvalidMessage(_) => "http: server gave HTTP response to HTTPS client".into(),
        other => format!("remote error: {other}"),
    }
}

/// `DnsName("localhost")` → `localhost`
fn inside(presented: &str) -> &str {
    let name = presented.split_once('(').map_or(presented, |(_, rest)| rest.trim_end_matches(')'));
    name.trim_matches('"')
}

fn verify_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let bad = || Error::InvalidCertificate(CertificateError::BadEncoding);
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| bad())?;
    let seconds = i64::try_from(now.as_secs()).map_err(|_| bad())?;
    let now = ASN1Time::from_timestamp(seconds).map_err(|_| bad())?;
    if certificate.validity().is_valid_at(now) {
        Ok(())
    } else {
        Err(Error::InvalidCertificate(CertificateError::Expired))
    }
}

/// Like rustls' own, and as Go does also takes a certificate that stands in the bundle itself, though it is marked as
/// that of an authority: the self-signed ones that people make by hand are.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // Go does not look at the dates of what it trusts by itself any less: rustls checks them before this error.
            Err(Error::InvalidCertificate(CertificateError::Other(other)))
                if other.to_string().contains("CaUsedAsEndEntity") && self.own.iter().any(|own| own == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            // The certificate of a server in place of its authority's; its dates have not been looked at here.
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature))
                if self.own.iter().any(|own| own == end_entity) =>
            {
                verify_dates(end_entity, now)?;
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    /// envtest gives its webhooks the server's certificate as caBundle.
    #[test]
    fn a_certificate_that_stands_in_the_bundle_is_trusted_for_its_names_and_time() {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name.push(DnType::CommonName, "authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = Issuer::new(authority, KeyPair::generate().unwrap());
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&KeyPair::generate().unwrap(), &authority).unwrap().der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(server.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let verify = |own: Vec<CertificateDer<'static>>, name: &'static str, seconds: u64| {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            let name = ServerName::try_from(name).unwrap();
            Verifier { inner: inner.clone(), own }.verify_server_cert(&server, &[], &name, &[], now).is_ok()
        };
        let (today, long_ago) = (1_790_000_000, 1);
        assert!(verify(vec![server.clone()], "localhost", today));
        assert!(!verify(vec![server.clone()], "elsewhere", today));
        assert!(!verify(vec![server.clone()], "localhost", long_ago));
        assert!(!verify(Vec::new(), "localhost", today));
    }
}
