//! The bundle as a whole: definitions that are owned, ServiceAccounts, size, name, images.

use std::collections::BTreeSet;

use kubewright_image::Reference;

use crate::csv::{Gvk, items, name, text};
use crate::finding::{Finding, reason};
use crate::read::Bundle;

/// The most that a bundle may have, compressed: it has to fit into a ConfigMap.
const MOST_BYTES: u64 = 1 << 20;

/// What is wrong with the bundle.
pub(crate) fn bundle(bundle: &Bundle) -> Vec<Finding> {
    let mut found = owned(bundle);
    found.extend(service_accounts(bundle));
    found.extend(size(bundle.compressed, bundle.size));
    found.extend(release(bundle));
    found.extend(images(bundle));
    found
}

fn owned(bundle: &Bundle) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut shipped: BTreeSet<Gvk> = BTreeSet::new();
    for key in definitions(bundle) {
        if !shipped.insert(key.clone()) {
            found.push(Finding::error(reason::BUNDLE, format!("{key} is defined twice in the bundle; remove one")));
        }
    }
    let mut kinds = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for owned in &bundle.csv.spec.customresourcedefinitions.owned {
        let key = Gvk::new(owned.group().unwrap_or(&owned.name), &owned.version, &owned.kind);
        match shipped.remove(&key) {
            true => drop(kinds.insert((key.group, key.kind))),
            false => drop(missing.insert(key)),
        }
    }
    for key in missing {
        let message = format!(
            "the ClusterServiceVersion owns {key}, which no CustomResourceDefinition of the bundle has; add it, or remove it \
             from spec.customresourcedefinitions.owned"
        );
        found.push(Finding::error(reason::BUNDLE, message));
    }
    // Other versions of a kind that is owned need not be listed.
    for key in shipped.into_iter().filter(|key| !kinds.contains(&(key.group.clone(), key.kind.clone()))) {
        let message = format!(
            "the bundle defines {key}, which the ClusterServiceVersion does not own; add it to \
             spec.customresourcedefinitions.owned, or remove the CustomResourceDefinition"
        );
        found.push(Finding::error(reason::BUNDLE, message));
    }
    found
}

/// What the definitions of the bundle define.
fn definitions(bundle: &Bundle) -> Vec<Gvk> {
    let mut keys = Vec::new();
    for object in bundle.definitions("v1").chain(bundle.definitions("v1beta1")) {
        let spec = &object.value["spec"];
        let key = |version: &str| Gvk::new(text(spec, "group"), version, text(&spec["names"], "kind"));
        match items(&spec["versions"]) {
            // Definitions of v1beta1 may have one version, at the top.
            [] if object.value["apiVersion"] == "apiextensions.k8s.io/v1beta1" => keys.push(key(text(spec, "version"))),
            versions => keys.extend(versions.iter().map(|version| key(text(version, "name")))),
        }
    }
    keys
}

fn service_accounts(bundle: &Bundle) -> Vec<Finding> {
    let deployments = bundle.csv.spec.install.spec.deployments.iter().flatten();
    let made: BTreeSet<&str> = deployments
        .map(|deployment| deployment.spec.template.spec.as_ref())
        .map(|pod| pod.and_then(|pod| pod.service_account_name.as_deref()).unwrap_or_default())
        .collect();
    let accounts = bundle
        .objects
        .iter()
        .filter(|object| object.value["apiVersion"] == "v1" && object.value["kind"] == "ServiceAccount")
        .filter(|object| made.contains(name(&object.value)));
    accounts
        .map(|object| {
            let message = format!(
                "{}: the ServiceAccount {} is made out of the ClusterServiceVersion, and must not be in the bundle too: remove it, \
                 or give it another name",
                object.file,
                name(&object.value)
            );
            Finding::error(reason::BUNDLE, message)
        })
        .collect()
}

fn size(compressed: u64, size: u64) -> Option<Finding> {
    let sizes =
        format!("{} of at most {}, compressed ({} as they are)", people(compressed), people(MOST_BYTES), people(size));
    let shorter = "shorten the descriptions of definitions: kubewright manifests --max-descriptions";
    if compressed > MOST_BYTES {
        return Some(Finding::error(reason::BUNDLE, format!("the manifests have {sizes}; {shorter}")));
    }
    let near = compressed * 100 > MOST_BYTES * 85;
    near.then(|| Finding::warning(reason::BUNDLE, format!("the manifests are near the limit: {sizes}; {shorter}")))
}

fn people(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn release(bundle: &Bundle) -> Option<Finding> {
    let spec = &bundle.csv.spec;
    let wanted = format!("{}-v{}-{}", bundle.package(), spec.version, spec.release);
    (!spec.release.is_empty() && bundle.name() != wanted).then(|| {
        let message = format!("the name {:?} must be {wanted:?}, since spec.release is set", bundle.name());
        Finding::error(reason::BUNDLE, message)
    })
}

fn images(bundle: &Bundle) -> Vec<Finding> {
    let images = bundle.csv.spec.related_images.iter().enumerate();
    images
        .filter_map(|(number, related)| {
            let cause = match related.image.as_str() {
                "" => "is empty".to_string(),
                image => format!("{image:?} is no image: {}", Reference::parse(image).err()?),
            };
            Some(Finding::error(reason::BUNDLE, format!("spec.relatedImages[{number}].image {cause}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;

    #[test]
    fn a_bundle_has_to_fit_into_a_config_map() {
        let level = |compressed| size(compressed, 10 * compressed).map(|finding| finding.level);
        assert_eq!(level(MOST_BYTES / 2), None);
        assert_eq!(level(MOST_BYTES - 100_000), Some(Level::Warning));
        assert_eq!(level(MOST_BYTES), Some(Level::Warning));
        assert_eq!(level(MOST_BYTES + 1), Some(Level::Error));
        let told = size(2 * MOST_BYTES, 20 * MOST_BYTES).unwrap().message;
        assert!(told.contains("2.1 MB of at most 1.0 MB, compressed (21.0 MB as they are)"), "{told}");
    }
}
