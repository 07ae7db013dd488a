//! What a bundle says of itself: `metadata/annotations.yaml`, and the same as labels of its image.

use std::collections::BTreeMap;

use crate::read::annotation;

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleMetadata {
    /// The package that it is a version of.
    pub package: String,
    /// The channels that it is in. Default: `alpha`.
    pub channels: Vec<String>,
    /// The channel of the package that is taken by default. Default: none is named.
    pub default_channel: Option<String>,
    /// Whether there is a configuration for the scorecard in `tests/scorecard`. Default: no.
    pub scorecard: bool,
    /// More annotations. Default: none.
    pub more: BTreeMap<String, String>,
}

impl Default for BundleMetadata {
    fn default() -> Self {
        Self {
            package: String::new(),
            channels: vec!["alpha".into()],
            default_channel: None,
            scorecard: false,
            more: BTreeMap::new(),
        }
    }
}

/// The labels of the image of a bundle, which are the annotations of the bundle.
#[must_use]
pub fn labels(metadata: &BundleMetadata) -> Vec<(String, String)> {
    let mut labels = vec![
        (annotation::MEDIA_TYPE.to_string(), "registry+v1".to_string()),
        (annotation::MANIFESTS.into(), "manifests/".into()),
        (annotation::METADATA.into(), "metadata/".into()),
        (annotation::PACKAGE.into(), metadata.package.clone()),
        (annotation::CHANNELS.into(), metadata.channels.join(",")),
    ];
    if let Some(channel) = &metadata.default_channel {
        labels.push((annotation::DEFAULT_CHANNEL.into(), channel.clone()));
    }
    labels.extend(metadata.more.clone());
    if metadata.scorecard {
        labels.push((annotation::TEST_MEDIA_TYPE.into(), "scorecard+v1".into()));
        labels.push((annotation::TEST_CONFIG.into(), "tests/scorecard/".into()));
    }
    labels
}

/// `metadata/annotations.yaml`.
pub(crate) fn annotations(metadata: &BundleMetadata) -> String {
    let lines = labels(metadata).into_iter().map(|(key, value)| format!("  {key}: {}\n", quoted(&value)));
    format!("annotations:\n{}", lines.collect::<String>())
}

/// `bundle.Dockerfile`, for those who build the image with other tools; `folder` is where the bundle is from there.
pub(crate) fn dockerfile(metadata: &BundleMetadata, folder: &str) -> String {
    let mut text = String::from("FROM scratch\n\n");
    for (key, value) in labels(metadata) {
        text.push_str(&format!("LABEL {key}={}\n", quoted(&value)));
    }
    text.push('\n');
    let mut places = vec!["manifests", "metadata"];
    if metadata.scorecard {
        places.push("tests/scorecard");
    }
    for place in places {
        text.push_str(&format!("COPY {folder}/{place} /{place}/\n"));
    }
    text
}

/// The text as it is, or as JSON, which YAML and Dockerfiles read, where it could be taken for something else.
fn quoted(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || "/+._,-".contains(c);
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(word)
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if plain { text.into() } else { serde_json::Value::from(text).to_string() }
}
