//! A registry → an image, and its files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Component, Path};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::{Registry, RegistryError};
use crate::Reference;
use crate::layer::digest;

/// What a manifest may come as.
const KINDS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                     application/vnd.docker.distribution.manifest.v2+json, \
                     application/vnd.docker.distribution.manifest.list.v2+json";
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// An image that was pulled.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The digest that the name stands for: that of the manifest, or of the index of manifests.
    pub digest: String,
    /// Its configuration.
    pub config: Value,
    /// Its layers as they came, the lowest first.
    pub layers: Vec<Bytes>,
}

impl Registry {
    /// Pulls an image; one for several architectures as that for Linux on `architecture`, as Go names it, or as the first.
    /// What comes is checked by its digest.
    ///
    /// # Errors
    /// If the registry does not have it, or what it sends is damaged.
    pub async fn pull(&self, reference: &Reference, architecture: &str) -> Result<Pulled, RegistryError> {
        let (digest, manifest) = self.manifest_for(reference, architecture).await?;
        let config = self.config_of(reference, &manifest).await?;
        let mut layers = Vec::new();
        let all = manifest["layers"].as_array().ok_or_else(|| no_image(reference, "its manifest has no layers"))?;
        for layer in all {
            layers.push(self.part(layer).await?);
        }
        Ok(Pulled { digest, config, layers })
    }

    /// The configuration of an image alone, with its labels at `config.Labels`; else as [`Registry::pull`].
    ///
    /// # Errors
    /// If the registry does not have it, or what it sends is damaged.
    pub async fn config(&self, reference: &Reference, architecture: &str) -> Result<Value, RegistryError> {
        let (_, manifest) = self.manifest_for(reference, architecture).await?;
        self.config_of(reference, &manifest).await
    }

    /// The platforms that an image is made for, each as its system and its architecture in Go's words.
    ///
    /// # Errors
    /// If the registry does not have it, or what it sends is damaged.
    pub async fn platforms(&self, reference: &Reference) -> Result<BTreeSet<(String, String)>, RegistryError> {
        let (_, manifest) = self.manifest_of(reference.version()).await?;
        let of = |platform: &Value| {
            let text = |key: &str| platform[key].as_str().filter(|text| !text.is_empty()).map(str::to_string);
            text("os").zip(text("architecture"))
        };
        if let Some(below) = manifest["manifests"].as_array() {
            // What is said of an image, such as how it was built, is in the index too, and for no platform.
            let made = below.iter().filter_map(|entry| of(&entry["platform"])).filter(|(os, _)| os != "unknown");
            return Ok(made.collect());
        }
        Ok(of(&self.config_of(reference, &manifest).await?).into_iter().collect())
    }

    /// The digest that a name stands for now.
    ///
    /// # Errors
    /// If the registry does not have it.
    pub async fn resolve(&self, reference: &Reference) -> Result<String, RegistryError> {
        Ok(digest(&self.manifest_of(reference.version()).await?.0))
    }

    /// The digest that the name stands for, and the manifest for an architecture.
    async fn manifest_for(&self, reference: &Reference, architecture: &str) -> Result<(String, Value), RegistryError> {
        let (bytes, manifest) = self.manifest_of(reference.version()).await?;
        let Some(below) = manifest["manifests"].as_array() else { return Ok((digest(&bytes), manifest)) };
        let fits =
            |entry: &&Value| entry["platform"]["os"] == "linux" && entry["platform"]["architecture"] == architecture;
        let entry =
            below.iter().find(fits).or(below.first()).ok_or_else(|| no_image(reference, "its index is empty"))?;
        let wanted = entry["digest"].as_str().unwrap_or_default();
        Ok((digest(&bytes), self.manifest_of(wanted).await?.1))
    }

    async fn config_of(&self, reference: &Reference, manifest: &Value) -> Result<Value, RegistryError> {
        let config = self.part(&manifest["config"]).await?;
        serde_json::from_slice(&config).map_err(|_| no_image(reference, "its configuration is no JSON"))
    }

    async fn manifest_of(&self, version: &str) -> Result<(Bytes, Value), RegistryError> {
        let answer = self.get(&format!("manifests/{version}"), KINDS).await?;
        if version.starts_with("sha256:") {
            check(&answer.url, &answer.body, version)?;
        }
        let value = serde_json::from_slice(&answer.body)
            .map_err(|_| answer.refused(&format!("a manifest of {} is no JSON", answer.content_type())))?;
        Ok((answer.body, value))
    }

    /// What a manifest names.
    async fn part(&self, named: &Value) -> Result<Bytes, RegistryError> {
        let wanted = named["digest"].as_str().unwrap_or_default();
        let answer = self.get(&format!("blobs/{wanted}"), "*/*").await?;
        check(&answer.url, &answer.body, wanted)?;
        Ok(answer.body)
    }
}

fn no_image(reference: &Reference, cause: &str) -> RegistryError {
    RegistryError::Image { image: reference.to_string(), cause: cause.into() }
}

fn check(what: &str, bytes: &[u8], wanted: &str) -> Result<(), RegistryError> {
    let is = digest(bytes);
    if is == wanted {
        return Ok(());
    }
    Err(RegistryError::Digest { what: what.into(), is, wanted: wanted.into() })
}

/// The files of an image, by their paths; links and devices are left out. `most` is how many bytes they may have together.
///
/// # Errors
/// If a layer is no archive, or there is more than `most`.
pub fn files(pulled: &Pulled, most: usize) -> Result<BTreeMap<String, Vec<u8>>, RegistryError> {
    let failed = |cause: String| RegistryError::Image { image: pulled.digest.clone(), cause };
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut left = most;
    for layer in &pulled.layers {
        if layer.starts_with(&ZSTD) {
            return Err(failed(
                "a layer is compressed by zstd, which is not known here: build the image with gzip".into(),
            ));
        }
        let reader: Box<dyn std::io::Read> = match layer.starts_with(&GZIP) {
            true => Box::new(MultiGzDecoder::new(layer.as_ref())),
            false => Box::new(layer.as_ref()),
        };
        // Nothing but zeros takes no bytes in the image, and all that are left here.
        let mut archive = tar::Archive::new(reader.take(left as u64 + (16 << 20)));
        let entries = archive.entries().map_err(|error| failed(error.to_string()))?;
        for entry in entries {
            let mut entry = entry.map_err(|error| failed(format!("a layer is no archive: {error}")))?;
            let path = entry.path().map_err(|error| failed(error.to_string()))?;
            let Some(path) = inside(&path) else { continue };
            let (folder, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| (folder, name));
            if let Some(gone) = name.strip_prefix(".wh.") {
                let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
                let gone = format!("{prefix}{gone}");
                let below = if name == ".wh..wh..opq" { prefix } else { format!("{gone}/") };
                found.retain(|path, _| *path != gone && !path.starts_with(&below));
                continue;
            }
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let mut content = Vec::new();
            let limited = (&mut entry).take(left as u64 + 1).read_to_end(&mut content);
            limited.map_err(|error| failed(format!("{path}: {error}")))?;
            left = left
                .checked_sub(content.len())
                .ok_or_else(|| failed(format!("its files have more than {} MB", most / 1_000_000)))?;
            found.insert(path, content);
        }
    }
    Ok(found)
}

/// A path below the root, as text.
fn inside(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .components()
        .filter(|part| !matches!(part, Component::RootDir | Component::CurDir))
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("/"))
}
