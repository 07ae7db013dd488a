//! The parts of a ClusterServiceVersion that are read, with their types.
//!
//! What is unknown here is left alone: the object itself is kept beside it as JSON.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::DeploymentSpec;
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The API version of the kind.
pub(crate) const API_VERSION: &str = "operators.coreos.com/v1alpha1";
/// The kind.
pub(crate) const KIND: &str = "ClusterServiceVersion";
/// The annotations that hold examples of custom resources; the first wins.
pub(crate) const EXAMPLES: [&str; 2] = ["alm-examples", "olm.examples"];

/// A ClusterServiceVersion: what the Operator Lifecycle Manager knows of a version of an operator.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterServiceVersion {
    /// `operators.coreos.com/v1alpha1`.
    #[serde(deserialize_with = "or_default")]
    pub api_version: String,
    /// `ClusterServiceVersion`.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// Name, labels and annotations.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Metadata,
    /// The rest.
    #[serde(deserialize_with = "or_default")]
    pub spec: Spec,
}

/// Name, labels and annotations.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The name; in a ClusterServiceVersion `<package>.v<version>`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
}

/// What a ClusterServiceVersion says.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// How the operator is installed.
    #[serde(deserialize_with = "or_default")]
    pub install: Install,
    /// The version of the operator.
    #[serde(deserialize_with = "or_default")]
    pub version: String,
    /// The release of the version.
    #[serde(deserialize_with = "or_default")]
    pub release: String,
    /// The custom resources.
    #[serde(deserialize_with = "or_default")]
    pub customresourcedefinitions: Definitions<CrdDescription>,
    /// The aggregated APIs.
    #[serde(deserialize_with = "or_default")]
    pub apiservicedefinitions: Definitions<ApiDescription>,
    /// The webhooks.
    #[serde(deserialize_with = "or_default")]
    pub webhookdefinitions: Vec<Webhook>,
    /// The oldest Kubernetes that it runs on.
    #[serde(deserialize_with = "or_default")]
    pub min_kube_version: String,
    /// Its name for people.
    #[serde(deserialize_with = "or_default")]
    pub display_name: String,
    /// Who looks after it.
    #[serde(deserialize_with = "or_default")]
    pub maintainers: Vec<Maintainer>,
    /// Who provides it.
    #[serde(deserialize_with = "or_default")]
    pub provider: Link,
    /// Where to read more.
    #[serde(deserialize_with = "or_default")]
    pub links: Vec<Link>,
    /// Its picture; none is something else than an empty list.
    pub icon: Option<Vec<Icon>>,
    /// Which namespaces it can watch.
    #[serde(deserialize_with = "or_default")]
    pub install_modes: Vec<InstallMode>,
    /// The version that it replaces.
    #[serde(deserialize_with = "or_default")]
    pub replaces: String,
    /// Images that it needs.
    #[serde(deserialize_with = "or_default")]
    pub related_images: Vec<RelatedImage>,
}

/// How the operator is installed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Install {
    /// `deployment`.
    #[serde(deserialize_with = "or_default")]
    pub strategy: String,
    /// What is installed.
    #[serde(deserialize_with = "or_default")]
    pub spec: InstallSpec,
}

/// What is installed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstallSpec {
    /// The Deployments; none is something else than an empty list.
    pub deployments: Option<Vec<Deployment>>,
    /// Rights in the namespaces that are watched.
    #[serde(deserialize_with = "or_default")]
    pub permissions: Vec<Permissions>,
    /// Rights in the whole cluster.
    #[serde(deserialize_with = "or_default")]
    pub cluster_permissions: Vec<Permissions>,
}

/// A Deployment to install.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Deployment {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// The Deployment.
    #[serde(deserialize_with = "or_default")]
    pub spec: DeploymentSpec,
}

/// Rights of a ServiceAccount.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permissions {
    /// Whose.
    #[serde(deserialize_with = "or_default")]
    pub service_account_name: String,
    /// Which.
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<PolicyRule>,
}

/// What the operator provides, and what it needs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, bound = "T: Deserialize<'de>")]
pub struct Definitions<T> {
    /// What it provides.
    #[serde(deserialize_with = "or_default")]
    pub owned: Vec<T>,
    /// What it needs from others.
    #[serde(deserialize_with = "or_default")]
    pub required: Vec<T>,
}

impl<T> Default for Definitions<T> {
    fn default() -> Self {
        Self { owned: Vec::new(), required: Vec::new() }
    }
}

/// A version of a custom resource.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrdDescription {
    /// The name of the definition: `<plural>.<group>`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// The version.
    #[serde(deserialize_with = "or_default")]
    pub version: String,
    /// The kind.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// What it is, for people.
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// Kinds of objects that stand behind it.
    #[serde(deserialize_with = "or_default")]
    pub resources: Vec<ResourceReference>,
    /// Fields of its spec that consoles show.
    #[serde(deserialize_with = "or_default")]
    pub spec_descriptors: Vec<Descriptor>,
    /// Fields of its status that consoles show.
    #[serde(deserialize_with = "or_default")]
    pub status_descriptors: Vec<Descriptor>,
}

/// A kind of object that stands behind a custom resource.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ResourceReference {
    /// The kind.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// Its API version.
    #[serde(deserialize_with = "or_default")]
    pub version: String,
}

/// A field that consoles show.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Descriptor {
    /// Where it is, below spec or status.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
}

/// An aggregated API.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ApiDescription {
    /// Its group.
    #[serde(deserialize_with = "or_default")]
    pub group: String,
    /// Its version.
    #[serde(deserialize_with = "or_default")]
    pub version: String,
    /// Its kind.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
}

/// A webhook.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Webhook {
    /// The definitions that it converts.
    #[serde(rename = "conversionCRDs", deserialize_with = "or_default")]
    pub conversion_crds: Vec<String>,
}

/// Somebody who looks after the operator.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Maintainer {
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Address.
    #[serde(deserialize_with = "or_default")]
    pub email: String,
}

/// A name with an address on the web.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Address.
    #[serde(deserialize_with = "or_default")]
    pub url: String,
}

/// A picture.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Icon {
    /// The picture in base 64.
    #[serde(deserialize_with = "or_default")]
    pub base64data: String,
    /// Its media type.
    #[serde(deserialize_with = "or_default")]
    pub mediatype: String,
}

/// Which namespaces an operator can watch.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct InstallMode {
    /// `OwnNamespace`, `SingleNamespace`, `MultiNamespace` or `AllNamespaces`.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub mode: String,
    /// Whether it can.
    #[serde(deserialize_with = "or_default")]
    pub supported: bool,
}

/// An image that the operator needs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RelatedImage {
    /// What it is for.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// The image.
    #[serde(deserialize_with = "or_default")]
    pub image: String,
}

/// Group, version and kind, shown as `group/version, Kind=kind`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gvk {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

impl Gvk {
    pub(crate) fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// Of an object.
    pub(crate) fn of(object: &Value) -> Self {
        let (group, version) = match text(object, "apiVersion").split_once('/') {
            Some(both) => both,
            None => ("", text(object, "apiVersion")),
        };
        Self::new(group, version, text(object, "kind"))
    }
}

impl std::fmt::Display for Gvk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.group.as_str() {
            "" => write!(f, "{}, Kind={}", self.version, self.kind),
            group => write!(f, "{group}/{}, Kind={}", self.version, self.kind),
        }
    }
}

impl CrdDescription {
    /// The group, where the name has one.
    pub(crate) fn group(&self) -> Option<&str> {
        self.name.split_once('.').map(|(_, group)| group)
    }
}

/// The text of a field, or none.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The name of an object.
pub(crate) fn name(object: &Value) -> &str {
    text(&object["metadata"], "name")
}

/// The items of a list, if it is one.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// `null` is as good as nothing, as in Go.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
