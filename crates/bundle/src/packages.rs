//! Package manifests, the format before bundles → bundles.
//!
//! A folder has a `package.yaml` with the channels of the package, and a folder of manifests for each version.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::csv::{KIND, name, text};
use crate::metadata::{BundleMetadata, annotations, dockerfile};
use crate::read::listed;

/// Annotations of a ClusterServiceVersion that say what has made it; they become annotations of the bundle.
const STAMPS: [&str; 2] = ["operators.operatorframework.io/builder", "operators.operatorframework.io/project_layout"];

/// A bundle of a version.
#[derive(Debug, Clone)]
pub struct Migrated {
    /// The name of the folder of the version.
    pub version: String,
    /// The files of the bundle, by their paths.
    pub files: BTreeMap<String, Vec<u8>>,
    /// `bundle.Dockerfile`, beside the folder `bundle`.
    pub dockerfile: String,
}

/// Why there are no bundles.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", place.display())]
pub struct MigrateError {
    /// The file or folder.
    pub place: PathBuf,
    /// Why.
    pub cause: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Package {
    package_name: String,
    channels: Vec<Channel>,
    default_channel: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Channel {
    name: String,
    #[serde(rename = "currentCSV")]
    current: String,
}

/// Makes a bundle of each version of a package. A version that no channel names is in the default one.
///
/// # Errors
/// If there is no package, it has no default channel, or a version has no ClusterServiceVersion.
pub fn migrate(folder: &Path) -> Result<Vec<Migrated>, MigrateError> {
    let below = listed(folder).map_err(|finding| failed(folder, finding.message))?;
    let mut packages = Vec::new();
    for file in below.iter().filter(|path| path.is_file()) {
        let text = fs::read_to_string(file).map_err(|error| failed(file, error))?;
        match serde_saphyr::from_str::<Package>(&text) {
            Ok(package) if !package.package_name.is_empty() => packages.push((file, package)),
            _ => {}
        }
    }
    let (file, package) = match packages.as_slice() {
        [one] => one,
        [] => return Err(failed(folder, "there is no package.yaml, a file with packageName and channels")),
        [_, (other, _), ..] => {
            return Err(failed(other, "there is another file with a package beside this one; remove one"));
        }
    };
    let default = match (package.default_channel.as_str(), package.channels.as_slice()) {
        ("", [only]) => only.name.as_str(),
        ("", _) => return Err(failed(file, "it has several channels, or none, and no defaultChannel; name one")),
        (default, _) => default,
    };
    let mut migrated = Vec::new();
    for folder in below.iter().filter(|path| path.is_dir()) {
        migrated.push(version(folder, package, default)?);
    }
    if migrated.is_empty() {
        return Err(failed(folder, "there is no folder with the manifests of a version"));
    }
    Ok(migrated)
}

fn version(folder: &Path, package: &Package, default: &str) -> Result<Migrated, MigrateError> {
    let mut files = BTreeMap::new();
    let mut csv = None;
    let mut scorecard = false;
    for path in listed(folder).map_err(|finding| failed(folder, finding.message))? {
        if path.is_dir() {
            return Err(failed(&path, "a folder can't be in a bundle; move the manifests out of it"));
        }
        let bytes = fs::read(&path).map_err(|error| failed(&path, error))?;
        let parsed: Value = serde_saphyr::from_slice(&bytes).unwrap_or_default();
        if text(&parsed, "kind") == "Configuration" && text(&parsed, "apiVersion").starts_with("scorecard.") {
            if scorecard {
                return Err(failed(&path, "there is another configuration of the scorecard; remove one"));
            }
            scorecard = true;
            files.insert("tests/scorecard/config.yaml".to_string(), bytes);
            continue;
        }
        if text(&parsed, "kind") == KIND && csv.replace(parsed).is_some() {
            return Err(failed(&path, "there is another ClusterServiceVersion; a version has one"));
        }
        files.insert(format!("manifests/{}", path.file_name().unwrap_or_default().to_string_lossy()), bytes);
    }
    let csv = csv.ok_or_else(|| failed(folder, "there is no ClusterServiceVersion"))?;
    let named = package.channels.iter().filter(|channel| channel.current == name(&csv));
    let mut channels: Vec<String> = named.map(|channel| channel.name.clone()).collect();
    if channels.is_empty() {
        channels.push(default.into());
    }
    let stamps = STAMPS.iter().filter_map(|key| {
        let value = csv["metadata"]["annotations"].get(key)?.as_str()?;
        Some((key.to_string(), value.to_string()))
    });
    let metadata = BundleMetadata {
        package: package.package_name.clone(),
        channels,
        default_channel: Some(default.into()),
        scorecard,
        more: stamps.collect(),
    };
    files.insert("metadata/annotations.yaml".into(), annotations(&metadata).into_bytes());
    let version = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Migrated { version, files, dockerfile: dockerfile(&metadata, "bundle") })
}

fn failed(place: &Path, cause: impl ToString) -> MigrateError {
    MigrateError { place: place.into(), cause: cause.to_string() }
}
