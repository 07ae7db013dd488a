//! The authorities whose certificates log their holders in.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::pki::certificates;
use super::tokens::CREDENTIAL_ID_KEY;
use super::user::User;

/// Authorities for client certificates.
#[derive(Debug, Clone)]
pub(crate) struct ClientAuthorities(Arc<dyn ClientCertVerifier>);

impl ClientAuthorities {
    /// Reads the certificates of PEM texts. The error says what is wrong with them.
    pub(crate) fn from_pem<'a>(
        pems: impl IntoIterator<Item = &'a str>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let mut roots = rustls::RootCertStore::empty();
        for pem in pems {
            for certificate in certificates(pem)? {
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        Ok(Self(verifier.build().map_err(|error| error.to_string())?))
    }

    /// Whose certificate this is; none if no authority vouches for it at this time. The first of the chain is the
    /// client's own.
    pub(crate) fn user(&self, chain: &[CertificateDer<'_>], now: jiff::Timestamp) -> Option<User> {
        let (client, intermediates) = chain.split_first()?;
        let seconds = u64::try_from(now.as_second()).ok()?;
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        self.0.verify_client_cert(client, intermediates, now).ok()?;
        let (_, certificate) = X509Certificate::from_der(client).ok()?;
        let subject = certificate.subject();
        let name = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
        let groups = subject.iter_organization().filter_map(|group| group.as_str().ok());
        let mut user = User::new(name, groups);
        let digest: String = Sha256::digest(client).iter().map(|byte| format!("{byte:02x}")).collect();
        user.extra.insert(CREDENTIAL_ID_KEY.into(), vec![format!("X509SHA256={digest}")]);
        Some(user)
    }
}
