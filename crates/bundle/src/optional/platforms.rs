//! Images of several architectures: what the labels of a ClusterServiceVersion promise, beside what registries have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::finding::{Finding, reason};
use crate::read::Bundle;

const ARCHITECTURES: &str = "operatorframework.io/arch.";
const SYSTEMS: &str = "operatorframework.io/os.";
/// Containers that scaffolds put beside the operator's own.
const PROXY: &str = "kube-rbac-proxy";
const MANAGER: &str = "manager";

/// What an image is made for, as Go names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
}

/// What registries say of images, or why that is not known.
pub type Platforms = BTreeMap<String, Result<BTreeSet<Platform>, String>>;

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.os, self.architecture)
    }
}

/// The images of a bundle: those of the operator itself, and the others.
fn images(bundle: &Bundle) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let spec = &bundle.csv.spec;
    let (mut operator, mut all) = (BTreeSet::new(), BTreeSet::new());
    for deployment in spec.install.spec.deployments.iter().flatten() {
        let pod = deployment.spec.template.spec.iter();
        let containers: Vec<(&str, &str)> = pod
            .flat_map(|pod| &pod.containers)
            .map(|container| (container.name.as_str(), container.image.as_deref().unwrap_or_default()))
            .filter(|(_, image)| !image.is_empty())
            .collect();
        all.extend(containers.iter().map(|(_, image)| *image));
        match containers.iter().find(|(name, _)| *name == MANAGER) {
            Some((_, image)) => drop(operator.insert(*image)),
            None => operator.extend(containers.iter().filter(|(name, _)| *name != PROXY).map(|(_, image)| *image)),
        }
    }
    all.extend(spec.related_images.iter().map(|related| related.image.as_str()).filter(|image| !image.is_empty()));
    let others = all.difference(&operator).copied().collect();
    (operator, others)
}

impl Bundle {
    /// All images that it names: those of its containers, and related ones.
    #[must_use]
    pub fn images(&self) -> BTreeSet<&str> {
        let (operator, others) = images(self);
        operator.union(&others).copied().collect()
    }
}

/// What labels say is supported, and what is meant where they say nothing.
fn labelled(bundle: &Bundle, prefix: &str, default: &str) -> (BTreeSet<String>, bool) {
    let labels = bundle.csv.metadata.labels.iter().filter(|(_, value)| *value == "supported");
    let said: BTreeSet<String> = labels.filter_map(|(key, _)| Some(key.strip_prefix(prefix)?.to_string())).collect();
    let any = !said.is_empty();
    (if any { said } else { BTreeSet::from([default.to_string()]) }, any)
}

/// Whether images are made for what the labels say, and labels say what the operator's images are made for.
pub(super) fn platforms(bundle: &Bundle, known: &Platforms) -> Vec<Finding> {
    let (operator, others) = images(bundle);
    let mut found = Vec::new();
    // Of the rest nothing can be said.
    let mut looked_at: BTreeMap<&str, &BTreeSet<Platform>> = BTreeMap::new();
    for image in operator.union(&others) {
        match known.get(*image) {
            Some(Ok(platforms)) => drop(looked_at.insert(*image, platforms)),
            Some(Err(cause)) => {
                let message = format!("the image {image} can't be looked at: {cause}");
                found.push(Finding::warning(reason::VALIDATION, message));
            }
            None => {
                let message = format!("the image {image} was not looked at: its registry was not asked");
                found.push(Finding::warning(reason::VALIDATION, message));
            }
        }
    }
    let (architectures, some_architecture) = labelled(bundle, ARCHITECTURES, "amd64");
    let (systems, some_system) = labelled(bundle, SYSTEMS, "linux");
    let of = |images: &BTreeSet<&str>, part: fn(&Platform) -> &String| -> BTreeSet<String> {
        let platforms = images.iter().filter_map(|image| looked_at.get(image)).flat_map(|platforms| platforms.iter());
        platforms.map(|platform| part(platform).clone()).collect()
    };
    for (prefix, part, said, any, default) in [
        (ARCHITECTURES, architecture as fn(&Platform) -> &String, &architectures, some_architecture, "amd64"),
        (SYSTEMS, os, &systems, some_system, "linux"),
    ] {
        let provided: BTreeSet<String> = of(&operator, part).union(said).cloned().collect();
        let without_label: Vec<&String> = provided.iter().filter(|one| !any || !said.contains(*one)).collect();
        // What is meant without a label needs none, as long as it is alone.
        if !(without_label.is_empty() || (provided.len() == 1 && provided.contains(default))) {
            found.push(Finding::warning(
                reason::VALIDATION,
                format!(
                    "the operator's images, {}, are made for {}, and the ClusterServiceVersion has no labels that say so: add \
                     {}, or clusters of those do not list it",
                    joined(&operator),
                    joined(&without_label),
                    joined(without_label.iter().map(|one| format!("{prefix}{one}: supported"))),
                ),
            ));
        }
        for image in &others {
            let Some(platforms) = looked_at.get(image) else { continue };
            let missing: Vec<&String> =
                provided.iter().filter(|one| !platforms.iter().any(|platform| part(platform) == *one)).collect();
            if !missing.is_empty() {
                found.push(Finding::warning(
                    reason::VALIDATION,
                    format!(
                        "the image {image} is not made for {}, for which the operator is by its labels or its images; see \
                         whether it should be",
                        joined(&missing)
                    ),
                ));
            }
        }
    }
    for system in &systems {
        for of in &architectures {
            let promised = Platform { os: system.clone(), architecture: of.clone() };
            let missing: Vec<&&str> = looked_at
                .iter()
                .filter(|(_, platforms)| !platforms.contains(&promised))
                .map(|(image, _)| image)
                .collect();
            if !missing.is_empty() {
                found.push(Finding::error(
                    reason::VALIDATION,
                    format!(
                        "the labels of the ClusterServiceVersion say, or mean where there are none, that it supports {promised}, for \
                         which these images are not made: {}",
                        joined(&missing)
                    ),
                ));
            }
        }
    }
    found
}

fn architecture(of: &Platform) -> &String {
    &of.architecture
}

fn os(of: &Platform) -> &String {
    &of.os
}

fn joined<T: fmt::Display>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}
