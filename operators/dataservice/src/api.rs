//! The custom resource: `dataservices.d3os-product.com.d3os`, version v1.
//!
//! What a schema or a rule can refuse is refused by the API server, with the field. Fields that are `null` count as absent.

use std::collections::BTreeMap;

use kubewright::kube::CustomResource;
use kubewright::patterns::composite::CompositeStatus;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest name of a component: that of a StatefulSet, whose pods carry it with a hash in a label.
pub(crate) const LONGEST_NAME: usize = 52;

/// What a DataService consists of. Every component may be left out.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "d3os-product.com.d3os",
    version = "v1",
    kind = "DataService",
    namespaced,
    status = "CompositeStatus",
    derive = "PartialEq",
    crates(
        kube = "::kubewright::kube",
        kube_core = "::kubewright::kube::core",
        k8s_openapi = "::kubewright::k8s_openapi"
    ),
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name": "Components", "type": "string", "jsonPath": ".status.components"}"#,
    printcolumn = r#"{"name": "Wave", "type": "string", "jsonPath": ".status.wave", "description": "The first wave that is not ready"}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].message", "priority": 1}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "kebab-case")]
#[schemars(extend("x-kubernetes-validations" = spec_rules()))]
pub struct DataServiceSpec {
    /// The database. Runs MySQL unless it is third-party; image and port have defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mysql: Option<Middleware>,
    /// The user centre. Needs image and port unless it is third-party.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuc: Option<Middleware>,
    /// The registry of services, as a service or as middleware with a kind. Needs image and port unless it is third-party.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eureka: Option<Middleware>,
    /// The API manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_manager: Option<Service>,
    /// Authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Service>,
    /// The adapter for data sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ds_adapter: Option<Service>,
    /// The adapter for Elasticsearch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub es_adapter: Option<Service>,
    /// The adapter for third parties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trd_adapter: Option<Service>,
    /// The gateway's master.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_master: Option<Service>,
    /// The gateway's front end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_web: Option<Service>,
    /// The proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Service>,
    /// The web front end, behind all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Service>,
}

/// Something that services build on: run here, or somewhere else by a third party.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = middleware_rules()), transform = requires_name)]
pub struct Middleware {
    /// Name of its workload and its Service; `null` makes one of the DataService's name and the component's.
    #[serde(default)]
    #[schemars(schema_with = "name_schema")]
    pub name: Option<String>,
    /// How it is run: 0 or Deployment, 1 or StatefulSet, 2 or DaemonSet, 3 or ThirdParty. Default: ThirdParty if thirdParty is
    /// given, else StatefulSet for mysql and Deployment for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "kind_schema")]
    pub kind: Option<MiddlewareKind>,
    /// Where it is if a third party runs it. It gets no workload and is only probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party: Option<ThirdParty>,
    /// Image of its container. Default for mysql: what the operator is set up with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "image_schema")]
    pub image: Option<String>,
    /// Port of its container and its Service. Default for mysql: 3306.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "port_schema")]
    pub port: Option<u16>,
    /// Several ports, instead of port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "ports_schema")]
    pub ports: Option<Vec<Port>>,
    /// Port on every node; makes the Service one of type NodePort. It goes with port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "node_port_schema")]
    pub node_port: Option<u16>,
    /// How many pods. Default: 1. A DaemonSet has one on each node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "nullable_replica_schema")]
    pub replica: Option<i32>,
    /// Environment of its container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "env_schema")]
    pub env: Option<BTreeMap<String, String>>,
    /// Name of a Secret with the keys `username` and `password`: the account that services use. MySQL makes it at its first
    /// start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "object_name_schema")]
    pub credentials_secret: Option<String>,
    /// Storage of each pod of a StatefulSet. Default: none, so that data goes with the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
}

/// A service or the web front end.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = service_rules()), transform = requires_name)]
pub struct Service {
    /// Name of its Deployment and its Service; `null` makes one of the DataService's name and the component's.
    #[serde(default)]
    #[schemars(schema_with = "name_schema")]
    pub name: Option<String>,
    /// Image of its container.
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^\S+$"))]
    pub image: String,
    /// Port of its container and its Service; this or ports has to be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "port_schema")]
    pub port: Option<u16>,
    /// Several ports, instead of port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "ports_schema")]
    pub ports: Option<Vec<Port>>,
    /// Port on every node; makes the Service one of type NodePort. It goes with port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "node_port_schema")]
    pub node_port: Option<u16>,
    /// How many pods.
    #[schemars(range(min = 0, max = 10000))]
    pub replica: i32,
    /// Environment of its container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "env_schema")]
    pub env: Option<BTreeMap<String, String>>,
}

/// One of several ports.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// Its name, unique in the component.
    #[schemars(length(min = 1, max = 15), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Port of the Service.
    #[schemars(schema_with = "port_schema")]
    pub port: u16,
    /// Port of the container. Default: port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "node_port_schema")]
    pub target_port: Option<u16>,
    /// Port on every node; makes the Service one of type NodePort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "node_port_schema")]
    pub node_port: Option<u16>,
}

/// Where a third party runs something, and how to get in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = third_party_rules()))]
pub struct ThirdParty {
    /// Where it is: `https://…`, `http://…`, `mysql://HOST:PORT`, `HOST:PORT`. Services are told so, and it is probed:
    /// over HTTP or TCP, with a timeout.
    #[schemars(length(min = 1, max = 2048), regex(pattern = r"^\S+$"))]
    pub url: String,
    /// What to probe instead of url, written in the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "url_schema")]
    pub check: Option<String>,
    /// Accepted for compatibility and never run: url is probed instead.
    #[serde(default, rename = "checkCMD", skip_serializing_if = "Option::is_none")]
    pub check_cmd: Option<String>,
    /// The account that services use; they get it by way of a Secret. `credentialsSecret` keeps it out of this resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Storage of a pod.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self == oldSelf", "message": "storage can't be changed: a StatefulSet keeps it for ever"},
]))]
pub struct Storage {
    /// How much: `10Gi`.
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[0-9]+(\.[0-9]+)?(m|k|[KMGTPE]i?)?$"))]
    pub size: String,
    /// Its StorageClass. Default: that of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "object_name_schema")]
    pub class_name: Option<String>,
    /// Whether it stays when the DataService is deleted. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<bool>,
}

/// How middleware is run; written as a number or as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "serde_json::Value")]
pub enum MiddlewareKind {
    /// 0.
    Deployment,
    /// 1.
    StatefulSet,
    /// 2.
    DaemonSet,
    /// 3: elsewhere.
    ThirdParty,
}

/// Something that is no kind of middleware.
#[derive(Debug, Clone, thiserror::Error)]
#[error("kind {0}: write 0 or Deployment, 1 or StatefulSet, 2 or DaemonSet, 3 or ThirdParty")]
pub struct UnknownKind(serde_json::Value);

impl TryFrom<serde_json::Value> for MiddlewareKind {
    type Error = UnknownKind;

    fn try_from(value: serde_json::Value) -> Result<Self, UnknownKind> {
        match (value.as_i64(), value.as_str()) {
            (Some(0), _) | (_, Some("Deployment")) => Ok(Self::Deployment),
            (Some(1), _) | (_, Some("StatefulSet")) => Ok(Self::StatefulSet),
            (Some(2), _) | (_, Some("DaemonSet")) => Ok(Self::DaemonSet),
            (Some(3), _) | (_, Some("ThirdParty" | "thirdParty" | "third-party")) => Ok(Self::ThirdParty),
            _ => Err(UnknownKind(value)),
        }
    }
}

impl From<MiddlewareKind> for String {
    fn from(kind: MiddlewareKind) -> Self {
        format!("{kind:?}")
    }
}

/// Whether the middleware under `path` is third-party.
fn is_third_party(path: &str) -> String {
    format!("(has({path}.kind) && ({path}.kind == 3 || {path}.kind in ['ThirdParty', 'thirdParty', 'third-party']))")
}

fn spec_rules() -> serde_json::Value {
    const COMPONENTS: [&str; 12] = [
        "mysql",
        "uuc",
        "eureka",
        "api__dash__manager",
        "auth",
        "ds__dash__adapter",
        "es__dash__adapter",
        "trd__dash__adapter",
        "gateway__dash__master",
        "gateway__dash__web",
        "proxy",
        "web",
    ];
    let mut rules = Vec::new();
    for name in ["uuc", "eureka"] {
        let path = format!("self.{name}");
        let third_party = is_third_party(&path);
        let complete = format!("has({path}.image) && (has({path}.port) || has({path}.ports))");
        rules.push(serde_json::json!({
            "rule": format!("!has({path}) || {path} == null || {third_party} || (has({path}.thirdParty) && {path}.thirdParty != null) || ({complete})"),
            "message": format!("{name} needs image and port, or thirdParty"),
            "fieldPath": format!(".{name}"),
        }));
    }
    // Those without a name get one of their own.
    let names = COMPONENTS.map(|name| {
        let path = format!("self.{name}");
        format!("(has({path}) && {path} != null && has({path}.name) ? dyn({path}.name) : '#{name}')")
    });
    let names = names.join(", ");
    rules.push(serde_json::json!({
        "rule": format!("[[{names}]].all(names, names.all(name, name == null || names.exists_one(other, other == name)))"),
        "message": "two components have the same name",
    }));
    rules.into()
}

fn middleware_rules() -> serde_json::Value {
    let third_party = is_third_party("self");
    serde_json::json!([
        {
            "rule": "!has(self.kind) || self.kind == null || self.kind in [0, 1, 2, 3] || self.kind in ['Deployment', 'StatefulSet', 'DaemonSet', 'ThirdParty', 'thirdParty', 'third-party']",
            "message": "kind is 0 or Deployment, 1 or StatefulSet, 2 or DaemonSet, 3 or ThirdParty",
            "fieldPath": ".kind",
        },
        {
            "rule": format!("!{third_party} || (has(self.thirdParty) && self.thirdParty != null)"),
            "message": "kind 3 (ThirdParty) needs thirdParty with its url",
        },
        {
            "rule": format!("{third_party} || !has(self.kind) || self.kind == null || !has(self.thirdParty) || self.thirdParty == null"),
            "message": "thirdParty goes with kind 3 (ThirdParty): leave one of the two out",
        },
        {
            "rule": "!(has(self.port) && has(self.ports))",
            "message": "give port or ports, not both",
        },
        node_port_rule(),
        {
            "rule": "!has(self.storage) || self.storage == null || !has(self.kind) || self.kind == null || self.kind == 1 || self.kind == 'StatefulSet'",
            "message": "storage goes with kind 1 (StatefulSet)",
        },
    ])
}

fn service_rules() -> serde_json::Value {
    serde_json::json!([
        {"rule": "has(self.port) || has(self.ports)", "message": "port is required (or ports, for several)"},
        {"rule": "!(has(self.port) && has(self.ports))", "message": "give port or ports, not both"},
        node_port_rule(),
    ])
}

fn node_port_rule() -> serde_json::Value {
    serde_json::json!({
        "rule": "!has(self.ports) || !has(self.nodePort) || dyn(self.nodePort) == null",
        "message": "nodePort goes with port: give each of ports its own",
    })
}

fn third_party_rules() -> serde_json::Value {
    let is_url = |path: &str| format!(r"isURL({path}) || {path}.matches('^[^/ ]+:[0-9]{{1,5}}(/.*)?$')");
    let message = "it is none of http://…, https://…, SCHEME://HOST:PORT and HOST:PORT";
    serde_json::json!([
        {"rule": is_url("self.url"), "message": message, "fieldPath": ".url"},
        {
            "rule": "!has(self.password) || dyn(self.password) == null || (has(self.username) && dyn(self.username) != null)",
            "message": "password goes with username",
        },
    ])
}

/// The key has to be there, if only with `null`.
fn requires_name(schema: &mut Schema) {
    let required = schema.ensure_object().entry("required").or_insert_with(|| serde_json::json!([]));
    if let Some(required) = required.as_array_mut() {
        required.push("name".into());
    }
}

fn name_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "nullable": true,
        "minLength": 1,
        "maxLength": LONGEST_NAME,
        "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$",
    })
}

fn kind_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-int-or-string": true, "nullable": true})
}

fn image_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 1024, "pattern": r"^\S+$"})
}

fn port_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 65535})
}

fn ports_schema(_: &mut SchemaGenerator) -> Schema {
    let mut schema = json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": 20,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    });
    let inline = schemars::generate::SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    schema.insert("items".into(), inline.into_generator().into_root_schema_for::<Port>().to_value());
    schema
}

fn node_port_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int32", "nullable": true, "minimum": 1, "maximum": 65535})
}

fn nullable_replica_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int32", "nullable": true, "minimum": 0, "maximum": 10000})
}

fn env_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "nullable": true,
        "maxProperties": 256,
        "additionalProperties": {"type": "string", "maxLength": 32768},
    })
}

fn object_name_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "nullable": true,
        "minLength": 1,
        "maxLength": 253,
        "pattern": "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
    })
}

fn url_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "nullable": true, "minLength": 1, "maxLength": 2048, "pattern": r"^\S+$"})
}
