//! File-based catalogs: which bundles there are, in which channels, and which of them replaces which.
//!
//! ```text
//! files of an index image ─add_file→ Catalog ←add─ Bundle
//!                                       └─packed→ ConfigMaps, from which opm serves it
//! ```
//!
//! A catalog is a stream of blobs, each of a schema: `olm.package`, `olm.channel`, `olm.bundle`. Others pass through.

mod render;

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use semver::Version;
use serde_json::{Value, json};

use crate::csv::{items, text};
use crate::read::Bundle;

/// Schemas. That of packages is the type of a property too.
const PACKAGE: &str = "olm.package";
const CHANNEL: &str = "olm.channel";
const BUNDLE: &str = "olm.bundle";

/// A file-based catalog.
///
/// ```no_run
/// # use std::path::Path;
/// use kubewright_bundle::{Bundle, Catalog};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (bundle, _) = Bundle::read(Path::new("bundle")).map_err(|found| format!("{found:?}"))?;
/// let mut catalog = Catalog::default();
/// catalog.add(&bundle, "registry.example.com/guestbook-bundle:v0.1.0", "alpha")?;
/// assert_eq!(catalog.blobs().len(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    blobs: Vec<Value>,
}

/// Why a bundle does not get into a catalog, or a catalog can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A file of the catalog can't be read.
    #[error("{file}: {cause}")]
    File {
        /// Its path in the catalog.
        file: String,
        /// Why.
        cause: String,
    },
    /// The bundle can't be in a catalog.
    #[error("the bundle {bundle}: {cause}; kubewright bundle validate checks the whole of it")]
    Bundle {
        /// Its name.
        bundle: String,
        /// Why.
        cause: String,
    },
    /// The bundle is there.
    #[error("the bundle {bundle} is in the catalog already: another one has a name and a version of its own")]
    Duplicate {
        /// Its name.
        bundle: String,
    },
    /// Another bundle of the package has the version.
    #[error("the bundle {bundle} has the version {version}, which {other} of the catalog has: raise spec.version")]
    Version {
        /// Its name.
        bundle: String,
        /// The version.
        version: String,
        /// The other one.
        other: String,
    },
    /// It is not clear what a new bundle of the channel replaces.
    #[error("the channel {channel} of the package {package} has no one newest bundle: {cause}")]
    Channel {
        /// The package.
        package: String,
        /// The channel.
        channel: String,
        /// Why.
        cause: String,
    },
    /// A blob is too large.
    #[error("{blob} has {size} bytes compressed, and {most} fit in a ConfigMap: make its definitions smaller")]
    Large {
        /// Schema and name.
        blob: String,
        /// Its size in bytes.
        size: usize,
        /// How many there can be.
        most: usize,
    },
}

impl Catalog {
    /// Adds the blobs of a file of a catalog, in YAML or JSON; `file` stands in errors.
    ///
    /// # Errors
    /// If it can't be read, or holds something that is no blob.
    pub fn add_file(&mut self, file: &str, text: &str) -> Result<(), CatalogError> {
        let failed = |cause: String| CatalogError::File { file: file.into(), cause };
        // JSON comes as a stream, which is no YAML.
        let blobs: Vec<Value> = match text.trim_start().starts_with('{') {
            true => serde_json::Deserializer::from_str(text)
                .into_iter()
                .collect::<Result<_, _>>()
                .map_err(|error| failed(error.to_string()))?,
            false => serde_saphyr::from_multiple(text).map_err(|error| failed(error.to_string()))?,
        };
        for blob in blobs.into_iter().filter(|blob| !blob.is_null()) {
            if self::text(&blob, "schema").is_empty() {
                return Err(failed("it has something without a schema; it is no file of a file-based catalog".into()));
            }
            self.blobs.push(blob);
        }
        Ok(())
    }

    /// Adds a bundle, whose image has this name, as the newest of a channel of its package: it replaces the one that was. Package
    /// and channel are made if they are not there; the channels that the bundle itself names do not count.
    ///
    /// # Errors
    /// If the bundle, or one of its version, is there already, or can't be in a catalog.
    pub fn add(&mut self, bundle: &Bundle, image: &str, channel: &str) -> Result<(), CatalogError> {
        let (name, package) = (bundle.name(), bundle.package());
        let version = &bundle.csv.spec.version;
        let wrong = |cause: String| CatalogError::Bundle { bundle: name.into(), cause };
        if name.is_empty() || package.is_empty() {
            return Err(wrong("its ClusterServiceVersion has no name, or its annotations name no package".into()));
        }
        if Version::parse(version).is_err() {
            return Err(wrong(format!("its version {version:?} is no semantic version, such as 0.1.0")));
        }
        for other in self.of(BUNDLE, package) {
            let other_name = text(other, "name");
            if other_name == name {
                return Err(CatalogError::Duplicate { bundle: name.into() });
            }
            let properties = items(&other["properties"]).iter().filter(|property| text(property, "type") == PACKAGE);
            if properties.into_iter().any(|property| text(&property["value"], "version") == version) {
                let (bundle, version, other) = (name.into(), version.clone(), other_name.into());
                return Err(CatalogError::Version { bundle, version, other });
            }
        }
        let blob = render::render(bundle, image)?;
        let there = self.of(CHANNEL, package).find(|blob| text(blob, "name") == channel).map(head);
        let replaced = there.transpose().map_err(|cause| {
            let (package, channel) = (package.into(), channel.into());
            CatalogError::Channel { package, channel, cause }
        })?;
        let mut entry = json!({"name": name});
        match replaced {
            Some(replaced) => entry["replaces"] = replaced.into(),
            None => {
                self.blobs.push(json!({"schema": CHANNEL, "name": channel, "package": package, "entries": []}));
            }
        }
        if !self.blobs.iter().any(|blob| text(blob, "schema") == PACKAGE && text(blob, "name") == package) {
            self.blobs.push(json!({"schema": PACKAGE, "name": package, "defaultChannel": channel}));
        }
        let is_channel = |blob: &&mut Value| {
            text(blob, "schema") == CHANNEL && text(blob, "package") == package && text(blob, "name") == channel
        };
        let there = self.blobs.iter_mut().find(is_channel);
        if let Some(entries) = there.and_then(|channel| channel["entries"].as_array_mut()) {
            entries.push(entry);
        }
        self.blobs.push(blob);
        Ok(())
    }

    /// The blobs: package by package, in each the package, its channels and its bundles by their names, then the rest.
    #[must_use]
    pub fn blobs(&self) -> Vec<&Value> {
        let mut blobs: Vec<&Value> = self.blobs.iter().collect();
        blobs.sort_by_key(|blob| {
            let (schema, name) = (text(blob, "schema"), text(blob, "name"));
            let order = [PACKAGE, CHANNEL, BUNDLE].iter().position(|known| *known == schema).unwrap_or(usize::MAX);
            let package = if schema == PACKAGE { name } else { text(blob, "package") };
            (package, order, name)
        });
        blobs
    }

    /// The catalog, compressed with gzip in parts of at most so many bytes, each a stream of blobs of its own.
    ///
    /// # Errors
    /// If a blob alone is larger.
    pub fn packed(&self, most: usize) -> Result<Vec<Vec<u8>>, CatalogError> {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for blob in self.blobs() {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            // Writing to memory can't fail.
            let written = encoder.write_all(format!("{blob}\n").as_bytes()).and_then(|()| encoder.finish());
            let member = written.unwrap_or_default();
            if member.len() > most {
                let blob = format!("{} {}", text(blob, "schema"), text(blob, "name"));
                return Err(CatalogError::Large { blob, size: member.len(), most });
            }
            // Members of gzip, one behind the other, are gzip.
            match parts.last_mut().filter(|part| part.len() + member.len() <= most) {
                Some(part) => part.extend(member),
                None => parts.push(member),
            }
        }
        Ok(parts)
    }

    fn of<'a>(&'a self, schema: &'a str, package: &'a str) -> impl Iterator<Item = &'a Value> {
        self.blobs.iter().filter(move |blob| text(blob, "schema") == schema && text(blob, "package") == package)
    }
}

/// The bundle of a channel that no other one replaces or skips.
fn head(channel: &Value) -> Result<String, String> {
    let entries = items(&channel["entries"]);
    let skipped = entries.iter().flat_map(|entry| items(&entry["skips"])).filter_map(Value::as_str);
    let behind: BTreeSet<&str> = entries.iter().map(|entry| text(entry, "replaces")).chain(skipped).collect();
    let heads: Vec<&str> =
        entries.iter().map(|entry| text(entry, "name")).filter(|name| !behind.contains(name)).collect();
    match heads.as_slice() {
        [head] => Ok((*head).into()),
        [] => Err("each is replaced by another".into()),
        more => Err(format!("{} are replaced by none", more.join(", "))),
    }
}
