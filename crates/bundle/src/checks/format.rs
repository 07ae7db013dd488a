//! Folders, annotations and dependencies.

use std::collections::BTreeMap;
use std::path::Path;

use kubewright_cel::{Environment, Type};
use serde_json::Value;

use crate::csv::text;
use crate::finding::{Finding, reason};
use crate::read::{MediaType, annotation, annotations_in, list_in, listed};
use crate::versions::is_range;

/// What is wrong with the form of a bundle.
pub(crate) fn format(folder: &Path, media_type: MediaType) -> Vec<Finding> {
    let mut found = Vec::new();
    for name in ["manifests", "metadata"] {
        if !folder.join(name).is_dir() {
            let message = format!("{} has no folder {name}; a bundle has manifests and metadata", folder.display());
            found.push(Finding::error(reason::BUNDLE, message));
        }
    }
    if !found.is_empty() {
        return found;
    }
    let files = match listed(&folder.join("metadata")) {
        Ok(files) => files,
        Err(finding) => return vec![finding],
    };
    match files.iter().find_map(|file| annotations_in(file)) {
        Some(annotations) => found.extend(check_annotations(&annotations, media_type)),
        None => {
            let message = "no file in metadata has annotations; kubewright bundle generate makes annotations.yaml";
            found.push(Finding::error(reason::BUNDLE, message));
        }
    }
    if let Some(dependencies) = files.iter().find_map(|file| list_in(file, "dependencies")) {
        found.extend(dependencies.iter().filter_map(check_dependency));
    }
    found
}

fn check_annotations(annotations: &BTreeMap<String, String>, media_type: MediaType) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut error = |message: String| found.push(Finding::error(reason::BUNDLE, message));
    for key in
        [annotation::MEDIA_TYPE, annotation::MANIFESTS, annotation::METADATA, annotation::PACKAGE, annotation::CHANNELS]
    {
        if !annotations.contains_key(key) {
            error(format!("annotations.yaml has no annotation {key}"));
        }
    }
    let said = annotations.get(annotation::MEDIA_TYPE).map(String::as_str).unwrap_or_default();
    if said != media_type.name() {
        let is = media_type.name();
        error(format!("annotation {} is {said:?}, but the manifests make {is:?}", annotation::MEDIA_TYPE));
    }
    if annotations.get(annotation::CHANNELS).is_none_or(String::is_empty) {
        error(format!("annotation {} is empty; it lists channels, joined by commas", annotation::CHANNELS));
    }
    if annotations.get(annotation::DEFAULT_CHANNEL).is_some_and(String::is_empty) {
        error(format!("annotation {} is empty; name a channel, or leave it out", annotation::DEFAULT_CHANNEL));
    }
    found
}

/// What is wrong with a dependency on something that other bundles provide.
fn check_dependency(dependency: &Value) -> Option<Finding> {
    let kind = text(dependency, "type");
    let value = &dependency["value"];
    let wrong: Vec<String> = match kind {
        "olm.gvk" => missing(value, &["group", "version", "kind"]),
        "olm.label" => missing(value, &["label"]),
        "olm.package" => {
            let mut wrong = missing(value, &["packageName", "version"]);
            let version = text(value, "version");
            if !version.is_empty() && !is_range(version) {
                wrong.push(format!("version {version:?} is no range of versions, such as >=1.0.0 <2.0.0"));
            }
            wrong
        }
        "olm.constraint" => match value.get("cel").filter(|cel| !cel.is_null()) {
            None => vec!["it has no cel".into()],
            Some(cel) => check_rule(text(cel, "rule")),
        },
        other => vec![format!(
            "the type {other:?} is not known; types are olm.gvk, olm.package, olm.label and olm.constraint"
        )],
    };
    let message = || format!("a dependency of type {kind:?} can't be used: {}", wrong.join(", "));
    (!wrong.is_empty()).then(|| Finding::error(reason::BUNDLE, message()))
}

fn missing(value: &Value, keys: &[&str]) -> Vec<String> {
    keys.iter().filter(|key| text(value, key).is_empty()).map(|key| format!("{key} is empty or no text")).collect()
}

fn check_rule(rule: &str) -> Vec<String> {
    // The comparison of versions is a function of the Operator Lifecycle Manager alone.
    match rule {
        "" => vec!["cel.rule is empty".into()],
        rule if rule.contains("semver_compare") => Vec::new(),
        rule => match Environment::new().variable("properties", Type::Dyn).compile(rule, &Type::Bool) {
            Ok(_) => Vec::new(),
            Err(error) => vec![format!("cel.rule is no expression that is true or false: {error}")],
        },
    }
}
