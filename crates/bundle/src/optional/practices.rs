//! Good practices of operator-framework.

use std::collections::BTreeSet;

use semver::Version;

use crate::csv::{CrdDescription, Permissions};
use crate::finding::{Finding, reason};
use crate::read::Bundle;

/// Where the bundle could be better.
pub(super) fn practices(bundle: &Bundle) -> Vec<Finding> {
    let mut found = requests(bundle);
    let warning = |message: String| Finding::warning(reason::VALIDATION, message);
    let definitions = &bundle.csv.spec.customresourcedefinitions;
    let undescribed = |relation: &str, all: &[CrdDescription]| {
        let without = all.iter().filter(|description| description.description.is_empty());
        without
            .map(|one| warning(format!("the {relation} definition {:?} has no description", one.name)))
            .collect::<Vec<_>>()
    };
    found.extend(undescribed("owned", &definitions.owned));
    found.extend(undescribed("required", &definitions.required));
    let mut channels: BTreeSet<&str> = bundle.channels().into_iter().collect();
    channels.extend(bundle.default_channel());
    channels.retain(|channel| {
        !channel.is_empty() && !["candidate", "stable", "fast"].iter().any(|word| channel.starts_with(word))
    });
    if !channels.is_empty() {
        let channels: Vec<&str> = channels.into_iter().collect();
        found.push(warning(format!(
            "names of channels begin with candidate, fast or stable; these do not: {}",
            channels.join(", ")
        )));
    }
    let spec = &bundle.csv.spec.install.spec;
    if spec.permissions.iter().chain(&spec.cluster_permissions).any(may_create_definitions) {
        found.push(warning(
            "the operator may create CustomResourceDefinitions, which are the Operator Lifecycle Manager's to create: ship \
             them in the bundle, or depend on the bundle that has them"
                .into(),
        ));
    }
    let name = bundle.name();
    if !ends_with_version(name) {
        found.push(warning(format!("the name {name:?} does not end with a version, such as 0.0.1")));
    }
    if name.split(".v").count() != 2 {
        found.push(warning(format!(
            "the name {name:?} is not <operator>.v<version>, such as memcached-operator.v0.0.1"
        )));
    }
    found
}

fn requests(bundle: &Bundle) -> Vec<Finding> {
    let Some(deployments) = &bundle.csv.spec.install.spec.deployments else {
        let message = "the ClusterServiceVersion installs no Deployment";
        return vec![Finding::error(reason::VALIDATION, message)];
    };
    let containers = deployments.iter().filter_map(|deployment| deployment.spec.template.spec.as_ref());
    let without = containers
        .flat_map(|pod| &pod.containers)
        .filter(|container| container.resources.as_ref().is_none_or(|resources| resources.requests.is_none()));
    let message = |name: &str| {
        format!("the container {name:?} requests no CPU and memory; clusters with quotas refuse such Pods")
    };
    without.map(|container| Finding::warning(reason::VALIDATION, message(&container.name))).collect()
}

fn may_create_definitions(permissions: &Permissions) -> bool {
    let has =
        |list: &Option<Vec<String>>, words: &[&str]| list.iter().flatten().any(|word| words.contains(&word.as_str()));
    permissions.rules.iter().any(|rule| {
        has(&rule.api_groups, &["apiextensions.k8s.io"])
            && has(&rule.resources, &["customresourcedefinitions", "*", "[*]"])
            && rule.verbs.iter().any(|verb| ["create", "*", "[*]", "patch"].contains(&verb.as_str()))
    })
}

/// Whether a version, three numbers and what may follow them, is at the end.
fn ends_with_version(name: &str) -> bool {
    let starts = name
        .char_indices()
        .filter(|(at, c)| c.is_ascii_digit() && !name[..*at].ends_with(|before: char| before.is_ascii_digit()));
    starts.map(|(at, _)| &name[at..]).any(|rest| Version::parse(rest).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_with_a_version_or_does_not() {
        for name in ["memcached.v0.0.1", "memcached.v0.0.1-alpha.2", "memcached0.1.2"] {
            assert!(ends_with_version(name), "{name}");
        }
        for name in ["memcached", "memcached.v1.2", "memcached.v0.0.1.x", "memcached.v1.02.3"] {
            assert!(!ends_with_version(name), "{name}");
        }
    }
}
