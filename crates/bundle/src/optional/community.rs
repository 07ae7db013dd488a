//! Community operators of OpenShift: a bundle with APIs that are gone says up to which version of OpenShift it works.

use std::fs;

use semver::Version;
use serde::Deserialize;

use super::{Values, removed};
use crate::finding::{Finding, reason};
use crate::read::Bundle;
use crate::versions::tolerant;

/// The label of catalogs by which OpenShift is told for which versions a bundle is.
const LABEL: &str = "com.redhat.openshift.versions";
const PROPERTY: &str = "olm.maxOpenShiftVersion";
/// The first OpenShift that is Kubernetes 1.22.
const GONE: Version = Version::new(4, 9, 0);

/// What is wrong with a bundle that has APIs that are gone since Kubernetes 1.22.
pub(super) fn community(bundle: &Bundle, values: &Values) -> Vec<Finding> {
    let Some(uses) = removed::of_1_22(bundle) else { return Vec::new() };
    let error = |message: String| Finding::error(reason::CSV, message);
    let mut found = Vec::new();
    if let Err(message) = property(bundle) {
        found.push(match message {
            Told::Error(message) => {
                error(format!("{message}; the bundle has APIs that are gone in OpenShift 4.9: {uses}"))
            }
            Told::Warning(message) => Finding::warning(reason::CSV, message),
        });
    }
    match values.get("index-path").filter(|path| !path.is_empty()) {
        None => found.push(Finding::warning(
            reason::CSV,
            format!(
                "give the Dockerfile of the bundle, as index-path=bundle.Dockerfile, to have its label {LABEL} checked"
            ),
        )),
        Some(path) => match fs::read_to_string(path) {
            Err(cause) => found.push(error(format!("the value index-path {path:?} can't be read: {cause}"))),
            Ok(text) => {
                if let Err(message) = label(&text) {
                    found.push(error(format!(
                        "{path}: {message}; the bundle has APIs that are gone in OpenShift 4.9: {uses}"
                    )));
                }
            }
        },
    }
    found
}

#[derive(Debug, Deserialize)]
struct Property {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    value: serde_json::Value,
}

enum Told {
    Error(String),
    Warning(String),
}

/// What the annotation olm.properties says.
fn property(bundle: &Bundle) -> Result<(), Told> {
    let example = format!("olm.properties: '[{{\"type\": \"{PROPERTY}\", \"value\": \"4.8\"}}]'");
    let annotation = bundle.csv.metadata.annotations.get("olm.properties").filter(|text| !text.is_empty());
    let Some(text) = annotation else {
        return Err(Told::Error(format!("there is no annotation {example}")));
    };
    let properties: Vec<Property> = serde_json::from_str(text).map_err(|cause| {
        Told::Error(format!("the annotation olm.properties can't be read: {cause}; write {example}"))
    })?;
    let Some(property) = properties.iter().find(|property| property.kind == PROPERTY) else {
        return Err(Told::Error(format!("the annotation olm.properties has no {PROPERTY}; write {example}")));
    };
    let said = property.value.as_str().unwrap_or_default();
    let Some(version) = tolerant(said) else {
        return Err(Told::Error(format!("{PROPERTY} {said:?} is no version; write {example}")));
    };
    if version != Version::new(version.major, version.minor, 0) {
        let message = format!("{PROPERTY} {said:?} is taken as {}.{}", version.major, version.minor);
        return Err(Told::Warning(message));
    }
    match version >= GONE {
        true => Err(Told::Error(format!("{PROPERTY} is {said}, which must be below 4.9"))),
        false => Ok(()),
    }
}

/// What the label in the Dockerfile says: `=v4.8`, `v4.6-v4.8`, `v4.6`.
fn label(text: &str) -> Result<(), String> {
    let Some(line) = text.lines().find(|line| line.contains(LABEL)) else {
        return Err(format!("there is no LABEL {LABEL}=\"v4.6-v4.8\""));
    };
    let Some((_, value)) = line.split_once('=') else {
        return Err(format!("{line:?} gives the label no value"));
    };
    let value: String = value.chars().filter(|c| !"\"'v".contains(*c)).collect();
    let value = value.trim();
    let last = match value.strip_prefix('=') {
        Some(exact) => exact,
        None => match value.split_once('-') {
            Some((_, last)) => last,
            None => {
                return Err(format!("the label {LABEL} is {value:?}, which has no end; write for example v4.6-v4.8"));
            }
        },
    };
    let version = tolerant(last).ok_or_else(|| format!("{last:?} in the label {LABEL} is no version"))?;
    match version >= GONE {
        true => Err(format!("the label {LABEL} allows OpenShift {last}, which must be below 4.9")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_has_to_end_before_the_apis_are_gone() {
        for value in ["\"v4.6-v4.8\"", "=v4.8", "'v4.5-v4.8'"] {
            assert_eq!(label(&format!("FROM scratch\nLABEL {LABEL}={value}\n")), Ok(()), "{value}");
        }
        for value in ["v4.6", "v4.6-v4.9", "=v4.9", "v4.6,v4.7", ""] {
            assert!(label(&format!("LABEL {LABEL}={value}")).is_err(), "{value}");
        }
        assert!(label("FROM scratch").is_err());
    }
}
