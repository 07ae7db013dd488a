//! A layout → a registry.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;

use super::{Registry, RegistryError};
use crate::Reference;
use crate::layer::digest;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The digest by which the registry knows the image.
    pub digest: String,
    /// How many parts, layers and configurations, were sent.
    pub sent: usize,
    /// How many the registry had already.
    pub kept: usize,
}

impl Registry {
    /// Pushes the image of an OCI layout, and gives it the name.
    ///
    /// # Errors
    /// If the layout is damaged or holds several images, or the registry does not take it. Parts that were sent stay there
    /// until the registry collects what nothing names; the name is given last.
    pub async fn push(&self, layout: &Path, reference: &Reference) -> Result<Pushed, RegistryError> {
        let layout = Layout { folder: layout };
        let index: Value = layout.json("index.json")?;
        let entry = match index["manifests"].as_array().map(Vec::as_slice) {
            Some([entry]) => entry,
            Some([]) | None => return Err(layout.failed("there is no image in the layout".into())),
            Some(several) => {
                return Err(
                    layout.failed(format!("there are {} images in the layout; push one that has one", several.len()))
                );
            }
        };
        let mut pushed = Pushed { digest: text(entry, "digest").into(), sent: 0, kept: 0 };
        let name = if reference.tag.is_some() || reference.digest.is_none() {
            reference.tag.as_deref().unwrap_or("latest").to_string()
        } else {
            reference.version().to_string()
        };
        self.manifest(&layout, entry, &name, &mut pushed).await?;
        Ok(pushed)
    }

    /// Pushes a manifest after what it names.
    async fn manifest(
        &self,
        layout: &Layout<'_>,
        entry: &Value,
        name: &str,
        pushed: &mut Pushed,
    ) -> Result<(), RegistryError> {
        // Boxed, since an index has manifests, which may be indexes.
        let bytes = layout.blob(text(entry, "digest"))?;
        let manifest: Value =
            serde_json::from_slice(&bytes).map_err(|error| layout.failed(format!("a manifest is no JSON: {error}")))?;
        let parts = manifest["layers"].as_array().into_iter().flatten().chain(manifest.get("config"));
        for part in parts {
            self.blob(layout, text(part, "digest"), pushed).await?;
        }
        for below in manifest["manifests"].as_array().into_iter().flatten() {
            Box::pin(self.manifest(layout, below, text(below, "digest"), pushed)).await?;
        }
        let usual = if manifest.get("manifests").is_some() { INDEX } else { MANIFEST };
        let kind = [text(&manifest, "mediaType"), text(entry, "mediaType"), usual];
        let kind = kind.into_iter().find(|kind| !kind.is_empty()).unwrap_or(usual);
        let headers = [("content-type", kind.to_string())];
        let answer = self.send(Method::PUT, &self.url(&format!("manifests/{name}")), &headers, bytes).await?;
        if answer.status != StatusCode::CREATED {
            return Err(answer.refused(""));
        }
        Ok(())
    }

    /// Sends a part that the registry does not have.
    async fn blob(&self, layout: &Layout<'_>, wanted: &str, pushed: &mut Pushed) -> Result<(), RegistryError> {
        let bytes = layout.blob(wanted)?;
        let there = self.send(Method::HEAD, &self.url(&format!("blobs/{wanted}")), &[], Bytes::new()).await?;
        if there.status.is_success() {
            pushed.kept += 1;
            return Ok(());
        }
        let begun = self.send(Method::POST, &self.url("blobs/uploads/"), &[], Bytes::new()).await?;
        if begun.status != StatusCode::ACCEPTED {
            return Err(begun.refused(""));
        }
        let mut place = self.located(&begun)?;
        place.push(if place.contains('?') { '&' } else { '?' });
        place.push_str(&format!("digest={}", wanted.replace(':', "%3A")));
        let headers = [("content-type", "application/octet-stream".to_string())];
        let answer = self.send(Method::PUT, &place, &headers, bytes).await?;
        if answer.status != StatusCode::CREATED {
            return Err(answer.refused(""));
        }
        pushed.sent += 1;
        Ok(())
    }
}

/// A layout on disk.
struct Layout<'a> {
    folder: &'a Path,
}

impl Layout<'_> {
    fn failed(&self, cause: String) -> RegistryError {
        RegistryError::Layout { folder: self.folder.into(), cause }
    }

    fn json(&self, file: &str) -> Result<Value, RegistryError> {
        let text = fs::read(self.folder.join(file))
            .map_err(|error| self.failed(format!("{file}: {error}; kubewright image build makes a layout")))?;
        serde_json::from_slice(&text).map_err(|error| self.failed(format!("{file}: {error}")))
    }

    /// A part, which must be what its digest says.
    fn blob(&self, wanted: &str) -> Result<Bytes, RegistryError> {
        let hex =
            wanted.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let hex = hex.ok_or_else(|| self.failed(format!("{wanted:?} is no digest of a part")))?;
        let bytes = fs::read(self.folder.join("blobs/sha256").join(hex))
            .map_err(|error| self.failed(format!("the part {wanted}: {error}")))?;
        let is = digest(&bytes);
        if is != wanted {
            return Err(RegistryError::Digest { what: self.folder.display().to_string(), is, wanted: wanted.into() });
        }
        Ok(bytes.into())
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
