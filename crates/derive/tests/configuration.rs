//! What a derived configuration says, and what it leaves unsaid.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "types of a test")]

use std::collections::BTreeMap;

use kubewright::kube;
use kubewright::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(CustomResource, ApplyConfiguration, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[kube(group = "net.example.com", version = "v1", kind = "Gateway", plural = "gateways", namespaced)]
#[kube(status = "GatewayStatus", printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[kube(crates(
    kube = "kubewright::kube",
    kube_core = "kubewright::kube::core",
    k8s_openapi = "kubewright::k8s_openapi"
))]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpec {
    pub class_name: String,
    #[serde(default = "three")]
    pub replicas: i32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    #[apply(nested)]
    pub listeners: Vec<Listener>,
    #[apply(nested)]
    #[serde(default)]
    pub routes: BTreeMap<String, Listener>,
    #[apply(nested)]
    pub tls: Option<Box<Tls>>,
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    #[apply(skip)]
    #[serde(default)]
    pub internal: bool,
}

#[derive(ApplyConfiguration, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    pub port: u16,
    pub host_name: String,
}

#[derive(ApplyConfiguration, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    pub secret_name: String,
    pub namespace: String,
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub enum Kind {
    Public,
    Internal,
}

#[derive(ApplyConfiguration, Serialize, Deserialize, JsonSchema, Clone, Debug)]
pub struct GatewayStatus {
    pub ready: bool,
    pub message: String,
}

fn three() -> i32 {
    3
}

#[test]
fn only_what_is_set_is_written_under_the_names_that_serde_has() {
    let tls = TlsApplyConfiguration::default().namespace("certificates").other([("extra".to_string(), json!(1))]);
    let spec = GatewaySpecApplyConfiguration::default()
        .hosts(["a", "b"])
        .listeners([ListenerApplyConfiguration::default().port(80u16)])
        .routes([("x".to_string(), ListenerApplyConfiguration::default().host_name("h"))])
        .tls(tls)
        .kind(Kind::Internal);
    let part = GatewayApplyConfiguration::new("front").namespace("web").label("a", "b").annotation("c", "d").spec(spec);
    let expected = json!({
        "apiVersion": "net.example.com/v1", "kind": "Gateway",
        "metadata": {"name": "front", "namespace": "web", "labels": {"a": "b"}, "annotations": {"c": "d"}},
        "spec": {
            "hosts": ["a", "b"], "listeners": [{"port": 80}], "routes": {"x": {"hostName": "h"}},
            "tls": {"namespace": "certificates", "extra": 1}, "type": "Internal",
        },
    });
    assert_eq!(serde_json::to_value(&part).unwrap(), expected);
    let read: GatewayApplyConfiguration = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), expected);
}

#[test]
fn a_part_may_be_a_status_or_nothing() {
    let status = GatewayStatusApplyConfiguration::default().ready(true);
    let written = serde_json::to_value(GatewayApplyConfiguration::new("a").status(status)).unwrap();
    assert_eq!((&written["status"], written.get("spec")), (&json!({"ready": true}), None));
    let nothing = serde_json::to_value(GatewaySpecApplyConfiguration::default()).unwrap();
    assert_eq!(nothing, json!({}), "no default of the type gets in");
}

#[test]
fn a_part_is_a_resource_as_the_whole_is() {
    assert_eq!(GatewayApplyConfiguration::plural(&()), "gateways");
    assert_eq!(GatewayApplyConfiguration::api_version(&()), Gateway::api_version(&()));
    // A child, for one.
    let _: Children = Children::from([GatewayApplyConfiguration::new("a")]);
    fn assert_scope<K: Resource<Scope = kube::core::NamespaceResourceScope>>() {}
    assert_scope::<GatewayApplyConfiguration>();
}
