//! ComponentStatuses (deprecated since 1.19): computed when they are read, by asking the components how they are.
//!
//! The scheduler and the controller manager are looked for where a real server looks for them: on their usual ports of
//! this machine. The store stands in the place of etcd.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, UnixTime};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::call::{Call, Reply};
use super::{list, render};
use crate::http::{ListOptions, Shape};
use crate::registry::Resource;
use crate::status::{ApiError, ApiResult};
use crate::table::IncludeObject;

/// The components with the ports of their health checks.
const COMPONENTS: [(&str, Option<u16>); 3] =
    [("controller-manager", Some(10257)), ("scheduler", Some(10259)), ("etcd-0", None)];

/// How long a component may take to answer, as in a real server.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than any health check says.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Whether a resource is the one of this file.
pub(super) fn is_component_status(resource: &Resource) -> bool {
    resource.group.is_empty() && resource.plural == "componentstatuses"
}

/// Answers with the state of one component.
pub(super) async fn get(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    let Some((name, port)) = COMPONENTS.into_iter().find(|(name, _)| *name == call.name) else {
        return Err(ApiError::not_found("", "componentstatus", &call.name));
    };
    let tree = status(name, port).await;
    Ok(Reply::json(200, render::tree(&call.resource, accept, &tree, call.now())))
}

/// Answers with the state of the components that are selected.
pub(super) async fn list(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    let mut options = ListOptions::parse(&call.query)?;
    list::check_fields(&call.resource, &mut options.fields)?;
    let wanted = COMPONENTS.into_iter().filter(|(name, _)| {
        options.labels.matches(|_| None) && options.fields.matches(|field| (field == "metadata.name").then_some(*name))
    });
    let trees = futures::future::join_all(wanted.map(|(name, port)| status(name, port))).await;
    let resource = &call.resource;
    let list = |kind: &str, api_version: &str, items: Vec<Value>| json!({"kind": kind, "apiVersion": api_version, "metadata": {}, "items": items});
    let reply = match accept.shape {
        Shape::Whole => list(&resource.list_kind, &resource.api_version, trees),
        Shape::Metadata => {
            let items = trees.iter().map(|tree| render::metadata_tree(accept, tree)).collect();
            list("PartialObjectMetadataList", accept.meta_version(), items)
        }
        Shape::Table => {
            let include = IncludeObject::parse(&call.query.text("includeObject"))?;
            render::rows(
                resource,
                accept,
                &trees.into_iter().map(|tree| (tree.clone(), tree)).collect::<Vec<_>>(),
                include,
                json!({}),
                call.now(),
            )
        }
    };
    Ok(Reply::tree(200, &reply))
}

async fn status(name: &str, port: Option<u16>) -> Value {
    let (healthy, message) = match port {
        None => (true, "ok".to_owned()),
        Some(port) => {
            let url = format!("https://127.0.0.1:{port}/healthz");
            match tokio::time::timeout(PATIENCE, ask(port)).await {
                Ok(Ok((status, text))) => ((200..400).contains(&status), text),
                Ok(Err(why)) => (false, format!("Get {url:?}: {why}")),
                Err(_) => (false, format!("Get {url:?}: context deadline exceeded")),
            }
        }
    };
    let healthy = if healthy { "True" } else { "False" };
    json!({
        "metadata": {"name": name},
        "conditions": [{"type": "Healthy", "status": healthy, "message": message}],
    })
}

/// The code and the text of a health check; the error is in Go's words.
async fn ask(port: u16) -> Result<(u16, String), String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
            _ => error.to_string(),
        };
        format!("dial tcp 127.0.0.1:{port}: {why}")
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let host = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([127, 0, 0, 1])));
    let stream = TlsConnector::from(Arc::new(config)).connect(host, stream).await.map_err(|error| error.to_string())?;
    let told = |error: hyper::Error| error.to_string();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.map_err(told)?;
    let asking = async {
        let request = http::Request::get("/healthz").header(http::header::HOST, format!("127.0.0.1:{port}"));
        let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(told)?;
        let code = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await.map_err(|e| e.to_string())?;
        Ok((code, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    };
    tokio::pin!(connection);
    tokio::select! {
        answer = asking => answer,
        ended = &mut connection => Err(ended.err().map_or_else(|| "EOF".to_owned(), told)),
    }
}

/// Takes any certificate: the components make their own, which nobody vouches for, and nothing secret is sent.
#[derive(Debug)]
struct AnyCertificate(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
