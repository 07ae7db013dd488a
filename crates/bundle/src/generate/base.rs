//! The ClusterServiceVersion to begin with.

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{GenerateError, GenerateOptions, Manifests};
use crate::csv::{self, ClusterServiceVersion, name};

/// The base that is given, else one among the manifests, else one made of the package's name; with name and version.
pub(super) fn begin(manifests: &Manifests, options: &GenerateOptions) -> Result<Value, GenerateError> {
    let package = &options.metadata.package;
    if package.is_empty() {
        return Err(GenerateError::Unusable("the bundle has no package: give one with --package".into()));
    }
    let prefix = format!("{package}.");
    let among = manifests.csvs.iter().find(|csv| name(csv).starts_with(&prefix));
    let mut csv = match among.or(options.base.as_ref()) {
        Some(base) => base.clone(),
        None if options.version.is_none() => return Err(GenerateError::NoVersion),
        None => made(package),
    };
    ClusterServiceVersion::deserialize(&csv).map_err(|error| {
        GenerateError::Unusable(format!("the base can't be read as a ClusterServiceVersion: {error}"))
    })?;
    for key in ["metadata", "spec"] {
        // A list would be read as the fields of a struct in their order.
        if csv.get(key).is_some_and(|part| !part.is_null() && !part.is_object()) {
            return Err(GenerateError::Unusable(format!("{key} of the base, a ClusterServiceVersion, is no object")));
        }
    }
    if !csv.is_object() {
        return Err(GenerateError::Unusable("the base is no ClusterServiceVersion: it is no object".into()));
    }
    if let Some(version) = &options.version {
        let parsed = semver::Version::parse(version).map_err(|_| GenerateError::Version(version.clone()))?;
        csv["metadata"]["name"] = format!("{package}.v{version}").into();
        csv["spec"]["version"] = parsed.to_string().into();
    }
    Ok(csv)
}

/// What can be said without knowing more than the name.
fn made(package: &str) -> Value {
    let shown = display_name(package);
    json!({
        "apiVersion": csv::API_VERSION,
        "kind": csv::KIND,
        "metadata": {"annotations": {"capabilities": "Basic Install"}},
        "spec": {
            "displayName": shown,
            "keywords": [package],
            "maturity": "alpha",
            "installModes": [
                {"type": "OwnNamespace", "supported": false},
                {"type": "SingleNamespace", "supported": false},
                {"type": "MultiNamespace", "supported": false},
                {"type": "AllNamespaces", "supported": true},
            ],
        },
    })
}

/// `memcached-operator` → `Memcached Operator`, `containerPort` → `Container Port`.
pub(super) fn display_name(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut last = None;
    for c in text.chars() {
        let begins = match last {
            None | Some('-' | '_' | '.' | ' ') => true,
            Some(before) => char::is_lowercase(before) && c.is_uppercase(),
        };
        last = Some(c);
        if ['-', '_', '.', ' '].contains(&c) {
            continue;
        }
        match words.last_mut() {
            Some(word) if !begins => word.push(c),
            _ => words.push(c.to_uppercase().collect()),
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for (name, shown) in [
            ("memcached-operator", "Memcached Operator"),
            ("containerPort", "Container Port"),
            ("size", "Size"),
            ("clusterIPs", "Cluster IPs"),
            ("a_b.c", "A B C"),
        ] {
            assert_eq!(display_name(name), shown);
        }
    }
}
