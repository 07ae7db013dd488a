//! Signed requests over HTTP, with one pool of connections for all.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use kubewright::runtime::clock::Clock;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::sign::{self, Credentials, Unsigned};
use crate::storage::StorageError;

/// The longest answer that is taken: sizes of some ten thousand buckets.
const LONGEST: usize = 64 << 20;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Sends signed requests to one server.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: Uri,
    host: String,
    region: String,
    clock: Arc<dyn Clock>,
}

/// A request, without signature.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// What it is, for messages.
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    /// Encoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) headers: &'a [(&'static str, String)],
    pub(crate) body: Vec<u8>,
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("ca.crt: {0}")]
    Certificate(String),
    #[error("the certificates of this machine can't be used: {0}; put the server's authority into ca.crt")]
    NoRoots(String),
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl Http {
    pub(crate) fn new(endpoint: Uri, region: &str, ca: Option<&[u8]>, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let tls = tls(ca, endpoint.scheme_str() == Some("https"))?;
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(connector);
        let host = endpoint.authority().map(ToString::to_string).unwrap_or_default();
        Ok(Self { client, endpoint, host, region: region.to_string(), clock })
    }

    /// Sends a call in the name of whose keys these are. The answer is the body, if the status is one of success.
    pub(crate) async fn send(&self, call: Call<'_>, keys: &Credentials) -> Result<Bytes, StorageError> {
        let Call { name, method, path, query, headers, body } = call;
        let failed = |cause: Box<dyn std::error::Error + Send + Sync>| StorageError::NoAnswer { call: name, cause };
        let query = sign::query(query);
        let unsigned = Unsigned { method: method.as_str(), host: &self.host, path, query: &query, body: &body };
        let signed = sign::sign(unsigned, keys, &self.region, self.clock.now());
        let base = self.endpoint.to_string();
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}{mark}{query}", base.trim_end_matches('/')))
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, signed.authorization)
            .header("x-amz-content-sha256", signed.content_sha256)
            .header("x-amz-date", signed.date);
        for (header, value) in headers {
            request = request.header(*header, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| failed(error.into()))?;
        let answer = self.client.request(request).await.map_err(|error| failed(error.into()))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, LONGEST).collect().await.map_err(failed)?.to_bytes();
        if parts.status.is_success() {
            return Ok(body);
        }
        let retry_after = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let (code, message) = refusal(&body);
        let status = parts.status.as_u16();
        Err(StorageError::Refused {
            call: name,
            status,
            code,
            message,
            retry_after: retry_after.map(Duration::from_secs),
        })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Code and message of an error: S3 has them in XML, the admin API in JSON.
fn refusal(body: &[u8]) -> (String, String) {
    #[derive(serde::Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Refusal {
        code: String,
        message: String,
    }
    let text = String::from_utf8_lossy(body);
    let refusal: Refusal = serde_json::from_str(&text).or_else(|_| quick_xml::de::from_str(&text)).unwrap_or_default();
    if refusal.code.is_empty() && refusal.message.is_empty() {
        // A proxy in between, perhaps.
        return (String::new(), text.chars().take(200).collect());
    }
    (refusal.code, refusal.message)
}

/// What connections are secured with. Without TLS the roots do not matter, and reading them takes a while.
fn tls(ca: Option<&[u8]>, used: bool) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = ca {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|error| TlsError::Certificate(error.to_string()))?;
        if certificates.is_empty() {
            return Err(TlsError::Certificate("it has no certificate in PEM form".into()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| TlsError::Certificate(error.to_string()))?;
        }
    } else if used {
        let native = rustls_native_certs::load_native_certs();
        let (added, _) = roots.add_parsable_certificates(native.certs);
        if added == 0 {
            let why = native.errors.first().map_or_else(|| "there are none".to_string(), ToString::to_string);
            return Err(TlsError::NoRoots(why));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_from_xml_json_and_anything() {
        let pair = |code: &str, message: &str| (code.to_string(), message.to_string());
        let xml = br#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchBucket</Code><Message>gone</Message><Key/></Error>"#;
        assert_eq!(refusal(xml), pair("NoSuchBucket", "gone"));
        assert_eq!(
            refusal(br#"{"Code":"XMinioAdminNoSuchUser","Message":"none"}"#),
            pair("XMinioAdminNoSuchUser", "none")
        );
        assert_eq!(refusal(b"<html>502"), pair("", "<html>502"));
        assert_eq!(refusal(b""), pair("", ""));
    }

    #[test]
    fn an_authority_that_is_none_is_refused() {
        assert!(tls(Some(b"nonsense"), true).unwrap_err().to_string().starts_with("ca.crt: "));
        assert!(tls(None, false).is_ok());
    }
}
