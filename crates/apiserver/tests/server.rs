//! Start, TLS, login and restart.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use kubewright_apiserver::{ApiServer, Options, StartError};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::json;
use support::{CONFIG_MAPS, Client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANY_PORT: Option<SocketAddr> = Some(SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0));

async fn listening(data_dir: Option<&Path>) -> ApiServer {
    let data_dir = data_dir.map(Path::to_path_buf);
    ApiServer::start(Options { listen: ANY_PORT, data_dir, ..Options::default() }).await.unwrap()
}

/// Certificate and key of a user, as PEM.
type Login = (String, String);

/// The login that a kubeconfig holds.
fn login(kubeconfig: &str) -> Login {
    use base64::Engine as _;
    let value = |key: &str| {
        let line = kubeconfig.lines().find(|line| line.trim_start().starts_with(key)).unwrap();
        let data = base64::engine::general_purpose::STANDARD.decode(line.split_once(": ").unwrap().1).unwrap();
        String::from_utf8(data).unwrap()
    };
    (value("client-certificate-data"), value("client-key-data"))
}

/// The status line and body of a GET over TLS.
async fn get(server: &ApiServer, path: &str, login: Option<&Login>, headers: &str) -> (u16, String) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match login {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    let address = server.url().trim_start_matches("https://").to_string();
    let stream = TcpStream::connect(&address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The server closes without a word of farewell at times, which is an error to TLS alone.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

#[tokio::test]
async fn the_administrator_logs_in_by_certificate_or_token() {
    let server = listening(None).await;
    let login = login(&server.kubeconfig());
    assert_eq!(get(&server, "/api/v1/namespaces", Some(&login), "").await.0, 200);
    let token = format!("authorization: Bearer {}\r\n", server.token());
    assert_eq!(get(&server, "/api/v1/namespaces", None, &token).await.0, 200);
    server.shutdown().await;
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let server = listening(None).await;
    let (status, answer) = get(&server, "/api/v1/pods", None, "").await;
    assert_eq!(status, 403);
    let message = r#"pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" at the cluster scope"#;
    assert!(answer.contains(message), "{answer}");
    for public in ["/healthz", "/livez", "/readyz", "/version"] {
        assert_eq!(get(&server, public, None, "").await.0, 200, "{public}");
    }
    assert_eq!(get(&server, "/healthz", None, "authorization: Bearer nonsense\r\n").await.0, 401);
    let other = listening(None).await;
    let stranger = login(&other.kubeconfig());
    assert_eq!(get(&server, "/healthz", Some(&stranger), "").await.0, 401, "a certificate of another authority");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = listening(None).await;
    let address: SocketAddr = first.url().trim_start_matches("https://").parse().unwrap();
    let error = ApiServer::start(Options { listen: Some(address), ..Options::default() }).await.unwrap_err();
    assert!(matches!(error, StartError::PortTaken { address: taken } if taken == address));
    assert!(error.to_string().contains("the port is taken"), "{error}");
}

#[tokio::test]
async fn a_restart_keeps_objects_versions_and_logins() {
    let directory = tempfile::tempdir().unwrap();
    let first = listening(Some(directory.path())).await;
    let login = login(&first.kubeconfig());
    let client = Client { server: first };
    client.config_map("a", json!({"k": "v"})).await;
    let definition = json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
    });
    client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition).await.expect(201);
    let (before, token) = (client.server.revision(), client.server.token().to_string());
    client.server.shutdown().await;
    drop(client);

    let server = listening(Some(directory.path())).await;
    assert_eq!(server.revision(), before, "a restart writes nothing");
    assert_eq!(server.token(), token);
    assert_eq!(get(&server, "/api/v1/namespaces", Some(&login), "").await.0, 200);
    let client = Client { server };
    client.get("/apis/example.com/v1/widgets").await.expect(200);
    assert_eq!(client.get(&format!("{CONFIG_MAPS}/a")).await.expect(200)["metadata"]["labels"]["k"], "v");
    let next = client.config_map("b", json!({})).await;
    assert_eq!(next["metadata"]["resourceVersion"], (before + 1).to_string());
}

#[tokio::test]
async fn a_data_directory_that_can_not_be_used_is_named_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    let error = ApiServer::start(Options { data_dir: Some(file.clone()), ..Options::default() }).await.unwrap_err();
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a directory");
}

#[tokio::test]
async fn damaged_certificates_are_named_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    listening(Some(directory.path())).await.shutdown().await;
    let file = directory.path().join("pki/admin.crt");
    std::fs::write(&file, "nonsense").unwrap();
    let options = Options { data_dir: Some(directory.path().to_path_buf()), ..Options::default() };
    let error = ApiServer::start(options).await.unwrap_err();
    assert!(error.to_string().contains("admin.crt is damaged"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "nonsense");
}
