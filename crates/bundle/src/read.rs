//! A bundle on disk → [`Bundle`].

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde_json::Value;

use crate::csv::{self, ClusterServiceVersion, text};
use crate::finding::{Finding, reason};

/// Annotations of a bundle, which are the labels of its image too.
pub(crate) mod annotation {
    pub(crate) const MEDIA_TYPE: &str = "operators.operatorframework.io.bundle.mediatype.v1";
    pub(crate) const MANIFESTS: &str = "operators.operatorframework.io.bundle.manifests.v1";
    pub(crate) const METADATA: &str = "operators.operatorframework.io.bundle.metadata.v1";
    pub(crate) const PACKAGE: &str = "operators.operatorframework.io.bundle.package.v1";
    pub(crate) const CHANNELS: &str = "operators.operatorframework.io.bundle.channels.v1";
    pub(crate) const DEFAULT_CHANNEL: &str = "operators.operatorframework.io.bundle.channel.default.v1";
    pub(crate) const TEST_MEDIA_TYPE: &str = "operators.operatorframework.io.test.mediatype.v1";
    pub(crate) const TEST_CONFIG: &str = "operators.operatorframework.io.test.config.v1";
}

/// A bundle: a version of an operator as the Operator Lifecycle Manager takes it.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Where it is.
    pub folder: PathBuf,
    /// The ClusterServiceVersion.
    pub csv: ClusterServiceVersion,
    /// The annotations of its metadata.
    pub annotations: BTreeMap<String, String>,
    /// Its objects, the ClusterServiceVersion among them.
    pub(crate) objects: Vec<Object>,
    /// What kind of bundle it is.
    pub(crate) media_type: MediaType,
    /// The bytes of its manifests, and of them compressed as the Operator Lifecycle Manager keeps them.
    pub(crate) size: u64,
    pub(crate) compressed: u64,
}

/// An object of a bundle.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    /// The name of its file.
    pub(crate) file: String,
    pub(crate) value: Value,
}

/// What kind of bundle the manifests make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// With a ClusterServiceVersion.
    Registry,
    /// A Helm chart.
    Helm,
    /// Objects.
    Plain,
}

impl MediaType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry+v1",
            Self::Helm => "helm",
            Self::Plain => "plain",
        }
    }
}

impl Bundle {
    /// Reads a bundle. What can't be used is told as errors; warnings come with a bundle that can.
    ///
    /// # Errors
    /// What keeps it from being a bundle: no metadata, no ClusterServiceVersion, files that are no manifests.
    pub fn read(folder: &Path) -> Result<(Self, Vec<Finding>), Vec<Finding>> {
        let annotations = metadata(folder).map_err(|finding| vec![finding])?;
        let manifests = folder.join(manifests_folder(&annotations));
        let mut found = Vec::new();
        let files = files(&manifests).map_err(|finding| vec![finding])?;
        let objects = objects(&files, &mut found);
        let media_type = media_type(&files, &objects);
        let mut csvs = objects.iter().filter(|object| text(&object.value, "kind") == csv::KIND);
        let csv = match (csvs.next(), csvs.next()) {
            (None, _) => {
                let message = format!(
                    "{} has no ClusterServiceVersion, which each bundle needs: kubewright bundle generate makes one",
                    manifests.display()
                );
                found.push(Finding::error(reason::BUNDLE, message));
                None
            }
            (Some(one), Some(other)) => {
                let message = format!(
                    "there are two ClusterServiceVersions, in {} and {}; a bundle has one: remove the other",
                    one.file, other.file
                );
                found.push(Finding::error(reason::BUNDLE, message));
                None
            }
            (Some(one), None) => serde_json::from_value::<ClusterServiceVersion>(one.value.clone())
                .map_err(|error| {
                    let message = format!("{} can't be read as a ClusterServiceVersion: {error}", one.file);
                    found.push(Finding::error(reason::PARSE, message));
                })
                .ok(),
        };
        if let Some(csv) = &csv {
            let version = csv.spec.version.trim();
            if !version.is_empty() && crate::versions::tolerant(version).is_none() {
                let message = format!("spec.version {version:?} is no version; write for example 0.1.0");
                found.push(Finding::error(reason::PARSE, message));
            }
        }
        let fatal = found.iter().any(|finding| finding.level == crate::Level::Error);
        let (Some(csv), false) = (csv, fatal) else { return Err(found) };
        let size = files.iter().map(|file| file.bytes.len() as u64).sum();
        let compressed = files.iter().map(|file| compressed(&file.bytes)).sum();
        Ok((Self { folder: folder.into(), csv, annotations, objects, media_type, size, compressed }, found))
    }

    /// The name of the bundle, which is that of its ClusterServiceVersion.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.csv.metadata.name
    }

    /// The package that it is a version of.
    #[must_use]
    pub fn package(&self) -> &str {
        self.annotations.get(annotation::PACKAGE).map(String::as_str).unwrap_or_default()
    }

    /// The channels that it is in.
    #[must_use]
    pub fn channels(&self) -> Vec<&str> {
        let channels = self.annotations.get(annotation::CHANNELS).map(String::as_str).unwrap_or_default();
        channels.split(',').map(str::trim).filter(|channel| !channel.is_empty()).collect()
    }

    /// The channel of its package that is taken by default, if it says one.
    #[must_use]
    pub fn default_channel(&self) -> Option<&str> {
        self.annotations.get(annotation::DEFAULT_CHANNEL).map(String::as_str)
    }

    /// The definitions of custom resources in a version of their API.
    pub(crate) fn definitions(&self, version: &str) -> impl Iterator<Item = &Object> {
        let wanted = format!("apiextensions.k8s.io/{version}");
        self.objects.iter().filter(move |object| {
            text(&object.value, "kind") == "CustomResourceDefinition" && text(&object.value, "apiVersion") == wanted
        })
    }

    /// What goes into the image of the bundle: its manifests, its metadata and its tests, by their paths in it.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn files(&self) -> Result<Vec<(String, Vec<u8>)>, Finding> {
        let mut pending = vec![manifests_folder(&self.annotations), "metadata".into()];
        if let Some(tests) = self.annotations.get(annotation::TEST_CONFIG) {
            pending.push(inside(tests));
        }
        let mut found = Vec::new();
        while let Some(place) = pending.pop() {
            for path in listed(&self.folder.join(&place))? {
                let below = place.join(path.file_name().unwrap_or_default());
                if path.is_dir() {
                    pending.push(below);
                    continue;
                }
                let failed = |error| Finding::error(reason::IO, format!("{}: {error}", path.display()));
                found.push((below.display().to_string(), fs::read(&path).map_err(failed)?));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Where the annotations say that the manifests are, never above the bundle.
fn manifests_folder(annotations: &BTreeMap<String, String>) -> PathBuf {
    inside(annotations.get(annotation::MANIFESTS).map_or("manifests", String::as_str))
}

/// A path in the bundle, whatever dots and slashes it is written with.
pub(crate) fn inside(path: &str) -> PathBuf {
    Path::new(path).components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// A file of the manifests.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The file that holds annotations or dependencies.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    annotations: Option<BTreeMap<String, String>>,
}

/// The annotations: of `metadata/annotations.yaml`, else of the first file below the folder that has some.
pub(crate) fn metadata(folder: &Path) -> Result<BTreeMap<String, String>, Finding> {
    let usual = folder.join("metadata/annotations.yaml");
    match fs::read_to_string(&usual) {
        Ok(text) => {
            let parsed: Metadata = serde_saphyr::from_str(&text)
                .map_err(|error| Finding::error(reason::PARSE, format!("{}: {error}", usual.display())))?;
            if let Some(annotations) = parsed.annotations.filter(|annotations| !annotations.is_empty()) {
                return Ok(annotations);
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Finding::error(reason::IO, format!("{}: {error}", usual.display()))),
    }
    let mut pending = vec![folder.to_path_buf()];
    while let Some(place) = pending.pop() {
        let mut below = listed(&place)?;
        // The last is looked at first.
        below.reverse();
        for path in below {
            if path.is_dir() {
                pending.push(path);
            } else if let Some(annotations) = annotations_in(&path) {
                return Ok(annotations);
            }
        }
    }
    let message = format!(
        "{} is no bundle: there is no metadata/annotations.yaml; kubewright bundle generate makes one",
        folder.display()
    );
    Err(Finding::error(reason::BUNDLE, message))
}

/// The annotations of a file of metadata, if it is one.
pub(crate) fn annotations_in(file: &Path) -> Option<BTreeMap<String, String>> {
    let text = fs::read_to_string(file).ok()?;
    let parsed: Metadata = serde_saphyr::from_str(&text).ok()?;
    parsed.annotations.filter(|annotations| !annotations.is_empty())
}

/// A list of a file of metadata, such as `dependencies`, if it has one and there is something in it.
pub(crate) fn list_in(file: &Path, key: &str) -> Option<Vec<Value>> {
    let text = fs::read_to_string(file).ok()?;
    let whole: Value = serde_saphyr::from_str(&text).ok()?;
    whole.get(key).and_then(Value::as_array).filter(|list| !list.is_empty()).cloned()
}

/// What is in a folder, in order.
pub(crate) fn listed(folder: &Path) -> Result<Vec<PathBuf>, Finding> {
    let failed = |error: std::io::Error| Finding::error(reason::IO, format!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        found.push(entry.map_err(failed)?.path());
    }
    found.sort();
    Ok(found)
}

/// The files of the manifests. Folders and hidden files stay in, to be told.
fn files(folder: &Path) -> Result<Vec<File>, Finding> {
    let mut found = Vec::new();
    for path in listed(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let message = format!(
                "{} is a folder; the Operator Lifecycle Manager takes only files: move the manifests out of it",
                path.display()
            );
            return Err(Finding::error(reason::STRUCTURE, message));
        }
        if name.starts_with('.') {
            let message = format!("{} is a hidden file; remove it from the bundle", path.display());
            return Err(Finding::error(reason::STRUCTURE, message));
        }
        let bytes =
            fs::read(&path).map_err(|error| Finding::error(reason::IO, format!("{}: {error}", path.display())))?;
        found.push(File { name, bytes });
    }
    if found.is_empty() {
        let message = format!("{} holds no manifests", folder.display());
        return Err(Finding::error(reason::STRUCTURE, message));
    }
    Ok(found)
}

fn objects(files: &[File], found: &mut Vec<Finding>) -> Vec<Object> {
    let mut objects = Vec::new();
    for File { name, bytes } in files {
        let failed = |cause: String| {
            Finding::error(
                reason::PARSE,
                format!("{name} is no manifest: {cause}; a manifest is one object in YAML or JSON"),
            )
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            found.push(failed("it is no UTF-8".into()));
            continue;
        };
        let documents: Vec<Value> = match serde_saphyr::from_multiple(text) {
            Ok(documents) => documents,
            Err(error) => {
                found.push(failed(error.to_string()));
                continue;
            }
        };
        let mut documents = documents.into_iter().filter(|document| !document.is_null());
        match documents.next() {
            Some(value) if value.is_object() && !csv::text(&value, "kind").is_empty() => {
                objects.push(Object { file: name.clone(), value });
            }
            Some(value) if value.is_object() => found.push(failed("it has no kind".into())),
            Some(_) => found.push(failed("it is no object".into())),
            None => found.push(failed("it is empty".into())),
        }
        let more = documents.count();
        if more > 0 {
            let message = format!(
                "{name} holds {} documents, of which the Operator Lifecycle Manager takes only the first: put each into a file \
                 of its own",
                more + 1
            );
            found.push(Finding::warning(reason::STRUCTURE, message));
        }
    }
    objects
}

fn media_type(files: &[File], objects: &[Object]) -> MediaType {
    if files.iter().any(|file| file.name == "Chart.yaml") {
        return MediaType::Helm;
    }
    match objects.iter().any(|object| text(&object.value, "kind") == csv::KIND) {
        true => MediaType::Registry,
        false => MediaType::Plain,
    }
}

/// How long a file gets in a ConfigMap: compressed, then in base 64.
fn compressed(bytes: &[u8]) -> u64 {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory can't fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish()).map_or(0, |bytes| bytes.len());
    (written.div_ceil(3) * 4) as u64
}
