//! The ClusterServiceVersion.

use std::collections::BTreeSet;

use kubewright_apiserver::kinds::names::{dns_subdomain, label_value};
use semver::Version;
use serde_json::Value;

use crate::csv::{ClusterServiceVersion, EXAMPLES, Gvk};
use crate::finding::{Finding, reason};

/// Annotations whose case matters.
const CASE: [&str; 5] =
    ["olm.operatorGroup", "olm.operatorNamespace", "olm.targetNamespaces", "olm.providedAPIs", "olm.skipRange"];

/// What is wrong with a ClusterServiceVersion; `raw` is the same as JSON.
pub(crate) fn csv(csv: &ClusterServiceVersion, raw: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(bad_name("metadata.name", &csv.metadata.name));
    if !csv.spec.replaces.is_empty() {
        found.extend(bad_name("spec.replaces", &csv.spec.replaces));
    }
    found.extend(examples(csv));
    found.extend(install_modes(csv));
    found.extend(kube_version(csv));
    found.extend(fields(csv, raw));
    found.extend(annotations(csv));
    for (key, value) in [("apiVersion", version(&csv.api_version)), ("kind", csv.kind.as_str())] {
        if value.is_empty() {
            found.push(Finding::error(reason::CSV, format!("{key} is missing in the ClusterServiceVersion")));
        }
    }
    found
}

/// The version of an API version.
fn version(api_version: &str) -> &str {
    api_version.rsplit('/').next().unwrap_or_default()
}

/// The name becomes the value of a label.
fn bad_name(field: &str, name: &str) -> Option<Finding> {
    let mut wrong = dns_subdomain(name);
    wrong.extend(label_value(name));
    wrong.dedup();
    (!wrong.is_empty())
        .then(|| Finding::error(reason::CSV, format!("{field} {name:?} can't be used: {}", wrong.join(", "))))
}

fn examples(csv: &ClusterServiceVersion) -> Vec<Finding> {
    let annotations = &csv.metadata.annotations;
    let warning = |message: &str| Finding::warning(reason::CSV, message);
    if annotations.is_empty() {
        return vec![warning("the ClusterServiceVersion has no annotations; give examples in alm-examples")];
    }
    let mut found = Vec::new();
    let mut given = EXAMPLES.iter().filter_map(|key| annotations.get(*key));
    let Some(text) = given.next() else {
        return vec![warning(
            "the ClusterServiceVersion has no annotation alm-examples, with examples of its resources",
        )];
    };
    if given.next().is_some() {
        found.push(warning("there are alm-examples and olm.examples; only the first is used: remove the other"));
    }
    let parsed = match text.trim() {
        "" => Ok(Vec::new()),
        text => serde_json::from_str::<Option<Vec<Value>>>(text).map(Option::unwrap_or_default),
    };
    let examples = match parsed {
        Ok(examples) => examples,
        Err(error) => {
            let message = format!("the examples (annotation alm-examples) are no list in JSON: {error}");
            found.push(Finding::error(reason::PARSE, message));
            return found;
        }
    };
    if let Some(number) = examples.iter().position(|example| crate::csv::text(example, "kind").is_empty()) {
        let message = format!("example {number} (annotation alm-examples, counted from 0) has no kind");
        found.push(Finding::error(reason::PARSE, message));
        return found;
    }
    let examples: BTreeSet<Gvk> = examples.iter().map(Gvk::of).collect();
    let mut provided = BTreeSet::new();
    for owned in &csv.spec.customresourcedefinitions.owned {
        match owned.group() {
            Some(group) => drop(provided.insert(Gvk::new(group, &owned.version, &owned.kind))),
            None => {
                let message = format!("the owned definition {:?} must be named <plural>.<group>", owned.name);
                found.push(Finding::error(reason::PARSE, message));
            }
        }
    }
    provided
        .extend(csv.spec.apiservicedefinitions.owned.iter().map(|api| Gvk::new(&api.group, &api.version, &api.kind)));
    for example in examples.difference(&provided) {
        let message = format!("there is an example of {example}, which the operator does not provide; remove it");
        found.push(Finding::error(reason::OPERATION, message));
    }
    for api in provided.difference(&examples) {
        let message = format!("there is no example of {api} in the annotation alm-examples");
        found.push(Finding::warning(reason::OPERATION, message));
    }
    found
}

fn install_modes(csv: &ClusterServiceVersion) -> Vec<Finding> {
    let modes = &csv.spec.install_modes;
    let error = |message: &str| Finding::error(reason::CSV, message);
    if modes.is_empty() {
        return vec![error("spec.installModes is missing; say which of the four modes are supported")];
    }
    let mut found = Vec::new();
    let converts = csv.spec.webhookdefinitions.iter().any(|webhook| !webhook.conversion_crds.is_empty());
    if converts && modes.iter().any(|mode| (mode.mode == "AllNamespaces") != mode.supported) {
        found.push(error(
            "a webhook converts definitions, which are of all namespaces: only the install mode AllNamespaces can be supported",
        ));
    }
    if !modes.iter().any(|mode| mode.supported) {
        found.push(error("no install mode is supported; set one of spec.installModes to true"));
    }
    let mut known = BTreeSet::new();
    for mode in modes {
        if !known.insert(&mode.mode) {
            let message = format!("the install mode {} is there twice; remove one", mode.mode);
            found.push(Finding::warning(reason::CSV, message));
        }
    }
    found
}

/// What is wrong with the oldest Kubernetes that is told.
pub(crate) fn kube_version(csv: &ClusterServiceVersion) -> Option<Finding> {
    match csv.spec.min_kube_version.as_str() {
        text if text.trim().is_empty() => {
            let message = "spec.minKubeVersion is missing: without it the operator is offered to clusters of any age";
            Some(Finding::warning(reason::CSV, message))
        }
        text if Version::parse(text).is_err() => {
            let message = format!("spec.minKubeVersion {text:?} is no version; write for example 1.29.0");
            Some(Finding::error(reason::CSV, message))
        }
        _ => None,
    }
}

/// Fields that must be there.
fn fields(csv: &ClusterServiceVersion, raw: &Value) -> Vec<Finding> {
    let missing =
        |field: &str| Finding::error(reason::FIELD, format!("{field} is missing in the ClusterServiceVersion"));
    let empty = |pointer: &str| match raw.pointer(pointer) {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    };
    if empty("/spec") {
        return vec![missing("spec")];
    }
    let mut found = Vec::new();
    if empty("/metadata") {
        found.push(missing("metadata"));
    }
    let install = &csv.spec.install;
    if empty("/spec/install") {
        found.push(missing("spec.install"));
    } else {
        if install.strategy.is_empty() {
            found.push(missing("spec.install.strategy"));
        }
        let rights = ["permissions", "clusterPermissions"];
        let rights = rights.iter().any(|list| raw["spec"]["install"]["spec"].get(list).is_some_and(Value::is_array));
        if install.spec.deployments.is_none() && rights {
            found.push(missing("spec.install.spec.deployments"));
        }
    }
    if csv.spec.display_name.is_empty() {
        found.push(missing("spec.displayName"));
    }
    found
}

fn annotations(csv: &ClusterServiceVersion) -> Vec<Finding> {
    let mut found = Vec::new();
    for key in csv.metadata.annotations.keys() {
        let right = CASE.iter().find(|known| known.eq_ignore_ascii_case(key) && *known != key);
        if let Some(right) = right {
            let message = format!("the annotation {key} must be written {right}");
            found.push(Finding::error(reason::VALIDATION, message));
        }
        if key == "olm.properties" {
            let message =
                "the annotation olm.properties is no longer used; put the properties into metadata/properties.yaml";
            found.push(Finding::warning(reason::PROPERTIES, message));
        }
    }
    found
}
