//! What an operator tells of itself, and how its manifests are wanted.

use serde::Deserialize;
use serde_json::Value;

/// What an operator tells of itself: the output of a project's `describe`.
#[derive(Debug, Clone, Deserialize)]
pub struct Description {
    /// Its name; objects are named after it.
    pub name: String,
    /// Its definitions.
    #[serde(default)]
    pub crds: Vec<Value>,
    /// The roles that it needs, as YAML.
    #[serde(default)]
    pub roles: String,
    /// Its webhook configurations, reached through the Service `<name>-webhook` in `<name>-system`.
    #[serde(default)]
    pub webhooks: Vec<Value>,
    /// The definitions whose versions it converts.
    #[serde(default)]
    pub conversions: Vec<String>,
    /// The Lease by which its replicas know who leads, in its namespace. Default: not told.
    #[serde(default)]
    pub lease: Option<String>,
    /// How its metrics are guarded. Default: not at all; they are served over HTTP, beside health.
    #[serde(default)]
    pub metrics: Option<GuardedMetrics>,
}

/// Metrics over HTTPS, to those whom the cluster's roles allow `get` of `/metrics`. The operator takes `--metrics-secure`,
/// `--metrics-require-rbac`, `--metrics-cert-path` and `--health-probe-bind-address`.
#[derive(Debug, Clone, Deserialize)]
pub struct GuardedMetrics {
    /// The role that it needs to ask who reads them, as YAML.
    pub roles: String,
}

/// How the manifests are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestOptions {
    /// The operator's namespace. Default: `<name>-system`.
    pub namespace: Option<String>,
    /// Its image.
    pub image: String,
    /// How many replicas. Default: 1.
    pub replicas: u32,
    /// What stands before its flags, such as a subcommand. Default: nothing.
    pub command: Vec<String>,
    /// The flag by which it is told the Service of its webhooks. Default: `--webhook-service`.
    pub webhook_flag: String,
    /// Whether cert-manager makes the certificates of its webhooks and of guarded metrics, which it then takes from files by
    /// `--webhook-cert-path` and `--metrics-cert-path`. Default: no, the operator makes them.
    pub cert_manager: bool,
    /// Environment of its container, as it stands there. Default: none.
    pub env: Vec<Value>,
    /// The longest description in definitions, in characters; 0: none at all. `kubectl apply` on the client's side keeps a
    /// copy in an annotation, which may have 256 KiB. Default: as they are.
    pub descriptions: Option<usize>,
    /// Sample objects: file name and YAML.
    pub samples: Vec<(String, String)>,
}

impl Default for ManifestOptions {
    fn default() -> Self {
        Self {
            namespace: None,
            image: "controller:latest".into(),
            replicas: 1,
            command: Vec::new(),
            webhook_flag: "--webhook-service".into(),
            cert_manager: false,
            env: Vec::new(),
            descriptions: None,
            samples: Vec::new(),
        }
    }
}

/// Why no manifests can be written.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The roles are no YAML.
    #[error("the roles of {name} are no YAML: {cause}")]
    Roles {
        /// Whose.
        name: String,
        /// What the parser says.
        cause: String,
    },
    /// A document can't be written as YAML.
    #[error("{what} can't be written as YAML: {cause}")]
    Yaml {
        /// Which.
        what: String,
        /// Why.
        cause: String,
    },
}
