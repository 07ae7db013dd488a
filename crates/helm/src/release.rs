//! Releases as helm stores them: a Secret for each revision, `sh.helm.release.v1.NAME.vN`.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use kubewright::k8s_openapi::api::core::v1::Secret;
use kubewright::kube::api::{ListParams, ObjectMeta};
use kubewright::prelude::*;
use kubewright::runtime::Stored;
use serde::Deserialize;
use serde_json::Value;

/// The type of Secrets that are revisions of releases.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";

/// The label, on the Secret of a revision, with a checksum of what it was made of.
pub const INPUTS_LABEL: &str = "kubewright.dev/inputs";

/// How large a release may be when it is unpacked: a Secret holds a megabyte of it packed.
const LARGEST: u64 = 64 << 20;

/// A revision of a release, as its Secret's metadata tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision {
    /// The first is 1.
    pub number: u32,
    /// The name of its Secret.
    pub secret: String,
    /// The version of its Secret.
    pub resource_version: String,
    /// helm's word for what became of it: `deployed`, `superseded`, `failed`, …
    pub status: String,
    /// The uids of its owners.
    pub owners: Vec<String>,
    /// What it was made of.
    pub inputs: Option<String>,
}

/// What a revision consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The number of the revision.
    pub number: u32,
    /// The name of its chart.
    pub chart: String,
    /// Its objects, as text.
    pub manifest: String,
    /// What the chart has to tell.
    pub notes: String,
    /// Its objects.
    pub objects: Vec<Value>,
}

/// Why a stored release can't be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "Secret {secret} holds no release that helm could have written: {cause}; delete it to have the release installed anew"
)]
pub struct ReleaseError {
    /// The Secret.
    pub secret: String,
    /// What is wrong.
    pub cause: String,
}

/// What is needed of a stored release.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    version: u32,
    #[serde(default)]
    manifest: String,
    #[serde(default)]
    info: Info,
    chart: Option<ChartPart>,
}

#[derive(Deserialize, Default)]
struct Info {
    #[serde(default)]
    notes: String,
}

#[derive(Deserialize)]
struct ChartPart {
    metadata: Option<ChartMetadata>,
}

#[derive(Deserialize)]
struct ChartMetadata {
    #[serde(default)]
    name: String,
}

impl Revision {
    /// Of a Secret in a cache.
    pub fn of(secret: &Stored) -> Option<Self> {
        Some(Self {
            number: secret.label("version")?.parse().ok()?,
            secret: secret.name().to_string(),
            resource_version: secret.resource_version().to_string(),
            status: secret.label("status")?.to_string(),
            owners: secret.owners().iter().map(|owner| owner.uid.to_string()).collect(),
            inputs: secret.label(INPUTS_LABEL).map(str::to_string),
        })
    }

    fn of_metadata(metadata: &ObjectMeta) -> Option<Self> {
        let label = |name: &str| metadata.labels.as_ref()?.get(name).cloned();
        Some(Self {
            number: label("version")?.parse().ok()?,
            secret: metadata.name.clone()?,
            resource_version: metadata.resource_version.clone()?,
            status: label("status")?,
            owners: metadata.owner_references.iter().flatten().map(|owner| owner.uid.clone()).collect(),
            inputs: label(INPUTS_LABEL),
        })
    }

    /// Whether it is what is installed.
    pub fn is_deployed(&self) -> bool {
        self.status == "deployed"
    }
}

/// The selector of a release's Secrets.
pub fn labels(name: &str) -> String {
    format!("owner=helm,name={name}")
}

/// All revisions of a release that the server has, in order.
///
/// # Errors
/// Those of the server.
pub async fn history(client: &Client, namespace: &str, name: &str) -> Result<Vec<Revision>, kubewright::kube::Error> {
    let api = Api::<Secret>::namespaced(client.clone(), namespace);
    let found = api.list_metadata(&ListParams::default().labels(&labels(name))).await?;
    let mut revisions: Vec<Revision> =
        found.items.iter().filter_map(|secret| Revision::of_metadata(&secret.metadata)).collect();
    revisions.sort();
    Ok(revisions)
}

impl Release {
    /// Of a Secret.
    ///
    /// # Errors
    /// If it is no release, or one whose manifest is no YAML.
    pub fn of(secret: &Secret) -> Result<Self, ReleaseError> {
        let name = secret.name_any();
        let broken = |cause: String| ReleaseError { secret: name.clone(), cause };
        let data = secret.data.as_ref().and_then(|data| data.get("release"));
        let data = data.ok_or_else(|| broken("it has no data.release".into()))?;
        let bytes = STANDARD.decode(&data.0).map_err(|error| broken(error.to_string()))?;
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut text = Vec::new();
            let mut reader = GzDecoder::new(bytes.as_slice()).take(LARGEST);
            reader.read_to_end(&mut text).map_err(|error| broken(error.to_string()))?;
            text
        } else {
            bytes
        };
        let document: Document = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
        let chart = document.chart.and_then(|chart| chart.metadata).map(|metadata| metadata.name).unwrap_or_default();
        let objects = objects(&document.manifest).map_err(broken)?;
        Ok(Self { number: document.version, chart, manifest: document.manifest, notes: document.info.notes, objects })
    }
}

/// The objects of a manifest; those of a `List` each.
///
/// # Errors
/// If it is no YAML.
pub fn objects(manifest: &str) -> Result<Vec<Value>, String> {
    // helm has rendered it: the limits against malicious YAML would refuse what is merely large.
    let options = serde_saphyr::options! { budget: None };
    let documents = serde_saphyr::from_multiple_with_options::<Option<Value>>(manifest, options)
        .map_err(|error| format!("its manifest is no YAML: {error}"))?;
    let mut objects = Vec::new();
    for document in documents.into_iter().flatten() {
        match (&document["kind"], &document["apiVersion"], document.get("items").and_then(Value::as_array)) {
            (Value::String(kind), Value::String(version), Some(items)) if kind == "List" && version == "v1" => {
                objects.extend(items.iter().cloned());
            }
            _ => objects.push(document),
        }
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use kubewright::k8s_openapi::ByteString;
    use serde_json::json;

    use super::*;

    fn secret(release: &[u8], packed: bool) -> Secret {
        let bytes = if packed {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(release).unwrap();
            encoder.finish().unwrap()
        } else {
            release.to_vec()
        };
        let data = [("release".to_string(), ByteString(STANDARD.encode(bytes).into_bytes()))].into();
        let metadata = ObjectMeta { name: Some("sh.helm.release.v1.one.v2".into()), ..ObjectMeta::default() };
        Secret { metadata, data: Some(data), ..Secret::default() }
    }

    #[test]
    fn a_release_is_read_packed_or_not() {
        let manifest = "---\n# Source: a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n# empty\n---\n\
                        apiVersion: v1\nkind: List\nitems:\n- kind: Service\n- kind: Secret\n";
        let document = json!({
            "name": "one", "version": 2, "manifest": manifest, "info": {"notes": "hello", "status": "deployed"},
            "chart": {"metadata": {"name": "memcached"}},
        });
        for packed in [true, false] {
            let release = Release::of(&secret(document.to_string().as_bytes(), packed)).unwrap();
            assert_eq!((release.number, release.chart.as_str(), release.notes.as_str()), (2, "memcached", "hello"));
            let kinds: Vec<_> = release.objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
            assert_eq!(kinds, ["ConfigMap", "Service", "Secret"]);
        }
    }

    #[test]
    fn what_is_no_release_is_told_with_the_name_of_its_secret() {
        for broken in [secret(b"{", true), secret(b"{\"manifest\": \"a: [\"}", false), Secret::default()] {
            let error = Release::of(&broken).unwrap_err().to_string();
            assert!(error.contains("delete it to have the release installed anew"), "{error}");
        }
    }
}
