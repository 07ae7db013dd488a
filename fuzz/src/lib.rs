//! What the fuzz targets do: each sends what the fuzzer gives to a server in process, where a client could send it.
//!
//! A panic ends the run, and so does what takes longer or more memory than the limits that libFuzzer is given. An answer
//! must not blame the server (5xx) for what the client sent, but for the mistakes that the real server also answers so.
//! Everything is a dry run or a read, so that one input does not change what the next one meets.

use std::cell::OnceCell;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use kubewright_apiserver::{ApiServer, Options};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods?dryRun=All";

/// A Pod as JSON.
pub fn json(data: &[u8]) {
    send("POST", PODS, "application/json", data);
}

/// A Pod as YAML.
pub fn yaml(data: &[u8]) {
    send("POST", PODS, "application/yaml", data);
}

/// A Pod as protobuf; what can be read is written again.
pub fn protobuf(data: &[u8]) {
    send("POST", PODS, "application/vnd.kubernetes.protobuf", data);
    if let Ok(tree) = kubewright_apiserver::decode_protobuf(data) {
        let _ = kubewright_apiserver::encode_protobuf(&tree);
    }
}

/// A patch; the first byte says of which kind.
pub fn patch(data: &[u8]) {
    let Some((kind, patch)) = data.split_first() else { return };
    let media_type = match kind % 4 {
        0 => "application/json-patch+json",
        1 => "application/merge-patch+json",
        2 => "application/strategic-merge-patch+json",
        _ => "application/apply-patch+yaml",
    };
    let path = format!("{CONFIG_MAPS}/there?dryRun=All&fieldManager=fuzz");
    send("PATCH", &path, media_type, patch);
}

/// A label or a field selector.
pub fn selectors(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else { return };
    let name = if kind % 2 == 0 { "labelSelector" } else { "fieldSelector" };
    let value = percent_encode(text, NON_ALPHANUMERIC);
    send("GET", &format!("{CONFIG_MAPS}?{name}={value}"), "", b"");
}

/// A token with which a list goes on, as it is and as what is inside of it.
pub fn continue_token(data: &[u8]) {
    let value = percent_encode(data, NON_ALPHANUMERIC);
    send("GET", &format!("{CONFIG_MAPS}?limit=1&continue={value}"), "", b"");
    send("GET", &format!("{CONFIG_MAPS}?limit=1&continue={}", base64_url(data)), "", b"");
}

/// The definition of a custom resource, with its schema, rules and columns.
pub fn schema(data: &[u8]) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All";
    send("POST", path, "application/json", data);
}

struct Host {
    runtime: Runtime,
    server: ApiServer,
}

impl Host {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let server = runtime.block_on(ApiServer::start(Options::default())).expect("a server in memory starts");
        let host = Self { runtime, server };
        let there =
            br#"{"metadata":{"name":"there","labels":{"a":"b"},"finalizers":["example.com/f"]},"data":{"a":"b"}}"#;
        assert_eq!(host.send("POST", CONFIG_MAPS, "application/json", there), Some(201));
        host
    }

    /// The status of the answer; none if this is no request.
    fn send(&self, method: &str, path: &str, media_type: &str, body: &[u8]) -> Option<u16> {
        let request = Request::builder().method(method).uri(path).header("content-type", media_type);
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).ok()?;
        self.runtime.block_on(async {
            let response = self.server.service().oneshot(request).await.expect("it can't fail");
            let (parts, body) = response.into_parts();
            body.collect().await.expect("it can't fail");
            Some(parts.status.as_u16())
        })
    }
}

fn send(method: &str, path: &str, media_type: &str, body: &[u8]) {
    thread_local! {
        static HOST: OnceCell<Host> = const { OnceCell::new() };
    }
    HOST.with(|host| {
        let code = host.get_or_init(Host::start).send(method, path, media_type, body);
        let blamed =
            code.is_some_and(|code| code >= 500 && (code, method) != (500, "PATCH") && (code, method) != (504, "GET"));
        assert!(!blamed, "{method} {path}: {code:?}");
    });
}

fn base64_url(data: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in data.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for letter in 0..=chunk.len() {
            out.push(char::from(LETTERS[(bits >> (18 - 6 * letter) & 63) as usize]));
        }
    }
    out
}
