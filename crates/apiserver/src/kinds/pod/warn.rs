//! Warnings on a pod: what is accepted, yet does not do what it seems to.

use serde_json::Value;

use super::app_armor;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;
use crate::kinds::warnings;

/// Annotations that fields have taken the place of.
const OLD_ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        r#"non-functional in v1.16+; use the "priorityClassName" field instead"#,
    ),
    ("security.alpha.kubernetes.io/sysctls", r#"non-functional in v1.11+; use the "sysctls" field instead"#),
    ("security.alpha.kubernetes.io/unsafe-sysctls", r#"non-functional in v1.11+; use the "sysctls" field instead"#),
];

/// Volume sources that no longer work.
const OLD_VOLUMES: [(&str, &str); 9] = [
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

const BYTES: [&str; 2] = ["memory", "ephemeral-storage"];

/// Warnings on a new pod.
pub(super) fn pod(pod: &Value) -> Vec<String> {
    let mut list: Vec<String> = warnings::unless_label(pod, "the Pod's hostname").into_iter().collect();
    list.extend(all(pod, &Path::new("spec"), &Path::new("metadata.annotations")));
    list
}

/// Warnings on a pod template.
pub(in crate::kinds) fn template(template: &Value, path: &Path<'_>) -> Vec<String> {
    let metadata = path.child("metadata");
    let annotations = metadata.child("annotations");
    let mut list = all(template, &path.child("spec"), &annotations);
    list.extend(app_armor::all_annotations(template).map(|name| app_armor_is_a_field(name, &annotations)));
    list
}

/// Warnings on a new pod before anything is filled in.
pub(super) fn given_pod(pod: &Value) -> Vec<String> {
    let annotations = Path::new("metadata.annotations");
    app_armor::old_annotations(pod).into_iter().map(|name| app_armor_is_a_field(name, &annotations)).collect()
}

fn app_armor_is_a_field(name: &str, annotations: &Path<'_>) -> String {
    format!("{}: deprecated since v1.30; use the \"appArmorProfile\" field instead", annotations.key(name))
}

fn all(pod: &Value, path: &Path<'_>, annotations: &Path<'_>) -> Vec<String> {
    let spec = pod.at("spec");
    let mut list = node_selectors(spec, path);
    list.extend(spread(spec, path));
    let old = OLD_ANNOTATIONS.iter().filter(|(name, _)| pod.at("metadata.annotations").get(name).is_some());
    list.extend(old.map(|(name, text)| format!("{}: {text}", annotations.key(name))));
    list.extend(volumes(spec, path));
    list.extend(duplicates(spec, path, "hostAliases", "ip"));
    list.extend(duplicates(spec, path, "imagePullSecrets", "name"));
    let secrets = path.child("imagePullSecrets");
    for (index, secret) in spec.list("imagePullSecrets").iter().enumerate() {
        if secret.text("name").is_empty() {
            list.push(format!("{}: invalid empty name \"\"", secrets.index(index).child("name")));
        }
    }
    list.extend(warnings::whole_bytes(spec.at("overhead"), &BYTES, &path.child("overhead")));
    let containers = containers(spec);
    for (field, index, container) in &containers {
        let path = path.child(field);
        list.extend(amounts(container, &path.index(*index)));
        list.extend(hidden_variables(container, &path.index(*index)));
    }
    list.extend(ports(&containers, path));
    list.extend(port_names(&containers, path));
    if spec.int("terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0) {
        let path = path.child("terminationGracePeriodSeconds");
        list.push(format!("{path}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    list.extend(affinity(spec, path));
    list
}

fn node_selectors(spec: &Value, path: &Path<'_>) -> Vec<String> {
    let selector = path.child("nodeSelector");
    let old = spec.entries("nodeSelector").filter_map(|(label, _)| Some((label, warnings::node_label(label)?)));
    let mut list: Vec<String> = old.map(|(label, text)| format!("{}: {text}", selector.key(label))).collect();
    let affinity = spec.at("affinity.nodeAffinity");
    let path = path.child("affinity");
    let path = path.child("nodeAffinity");
    let required = path.child("requiredDuringSchedulingIgnoredDuringExecution");
    let required = required.child("nodeSelectorTerms");
    let terms = affinity.list("requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    for (index, term) in terms.iter().enumerate() {
        list.extend(warnings::node_selector_term(term, false, &required.index(index)));
    }
    let preferred = path.child("preferredDuringSchedulingIgnoredDuringExecution");
    for (index, term) in affinity.list("preferredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
        let path = preferred.index(index);
        list.extend(warnings::node_selector_term(term.at("preference"), true, &path.child("preference")));
    }
    list
}

fn spread(spec: &Value, path: &Path<'_>) -> Vec<String> {
    let path = path.child("topologySpreadConstraints");
    let mut list = Vec::new();
    for (index, constraint) in spec.list("topologySpreadConstraints").iter().enumerate() {
        let path = path.index(index);
        let key = constraint.text("topologyKey");
        if let Some(text) = warnings::node_label(key) {
            list.push(format!("{}: {key} is {text}", path.child("topologyKey")));
        }
        list.extend(no_selector(constraint, &path));
    }
    list
}

fn affinity(spec: &Value, path: &Path<'_>) -> Vec<String> {
    let path = path.child("affinity");
    let mut list = Vec::new();
    for field in ["podAffinity", "podAntiAffinity"] {
        let path = path.child(field);
        let affinity = spec.at("affinity").at(field);
        let (required, preferred) =
            ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution");
        for (index, term) in affinity.list(required).iter().enumerate() {
            list.extend(no_selector(term, &path.child(required).index(index)));
        }
        for (index, term) in affinity.list(preferred).iter().enumerate() {
            let path = path.child(preferred);
            let path = path.index(index);
            list.extend(no_selector(term.at("podAffinityTerm"), &path.child("podAffinityTerm")));
        }
    }
    list
}

fn no_selector(term: &Value, path: &Path<'_>) -> Option<String> {
    let path = path.child("labelSelector");
    (!term.has("labelSelector")).then(|| format!("{path}: a null labelSelector results in matching no pod"))
}

fn volumes(spec: &Value, path: &Path<'_>) -> Vec<String> {
    let path = path.child("volumes");
    let mut list = Vec::new();
    for (index, volume) in spec.list("volumes").iter().enumerate() {
        let path = path.index(index);
        list.extend(warnings::volume_sources(volume, &OLD_VOLUMES, &path));
        let path = path.child("ephemeral");
        let path = path.child("volumeClaimTemplate");
        list.extend(warnings::claim_spec(volume.at("ephemeral.volumeClaimTemplate.spec"), &path.child("spec")));
    }
    list
}

/// Entries of a list that share their key with an earlier one.
fn duplicates(spec: &Value, path: &Path<'_>, list: &str, key: &str) -> Vec<String> {
    let path = path.child(list);
    let entries = spec.list(list);
    let again = entries
        .iter()
        .enumerate()
        .filter(|(index, entry)| entries[..*index].iter().any(|earlier| earlier.text(key) == entry.text(key)));
    again
        .map(|(index, entry)| format!("{}: duplicate {key} {:?}", path.index(index).child(key), entry.text(key)))
        .collect()
}

/// All containers with the field and the index that they stand at.
fn containers(spec: &Value) -> Vec<(&'static str, usize, &Value)> {
    let lists = ["initContainers", "containers", "ephemeralContainers"].into_iter();
    lists
        .flat_map(|field| spec.list(field).iter().enumerate().map(move |(index, container)| (field, index, container)))
        .collect()
}

fn amounts(container: &Value, path: &Path<'_>) -> Vec<String> {
    let path = path.child("resources");
    let mut list = Vec::new();
    for name in BYTES {
        for field in ["limits", "requests"] {
            let amounts = container.at("resources").at(field);
            list.extend(warnings::whole_bytes(amounts, &[name], &path.child(field)));
        }
    }
    list
}

/// Variables set again without use of their earlier value. Apply merges them by name, so one of them gets lost.
fn hidden_variables(container: &Value, path: &Path<'_>) -> Vec<String> {
    let path = path.child("env");
    let variables = container.list("env");
    let mut list = Vec::new();
    for (index, variable) in variables.iter().enumerate() {
        let name = variable.text("name");
        if !variables[..index].iter().any(|earlier| earlier.text("name") == name) {
            continue;
        }
        let reference = format!("$({name})");
        let value = variable.text("value");
        if variable.has("valueFrom") || value == reference || !value.contains(&reference) {
            let path = path.index(index);
            list.push(format!("{path}: hides previous definition of {name:?}, which may be dropped when using apply"));
        }
    }
    list
}

fn ports(containers: &[(&'static str, usize, &Value)], path: &Path<'_>) -> Vec<String> {
    let mut seen: Vec<(&Value, String)> = Vec::new();
    let mut list = Vec::new();
    for (field, index, container) in containers {
        let path = path.child(field);
        let path = path.index(*index);
        let path = path.child("ports");
        for (index, port) in container.list("ports").iter().enumerate() {
            let path = path.index(index).to_string();
            let (host_ip, host_port) = (port.text("hostIP"), port.int("hostPort").unwrap_or_default());
            if !host_ip.is_empty() && host_port == 0 {
                let (name, protocol) = (port.text("name"), port.text("protocol"));
                let number = port.int("containerPort").unwrap_or_default();
                list.push(format!(
                    "{path}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{number} \
                     Protocol:{protocol} HostIP:{host_ip}}}"
                ));
            }
            for (other, place) in &seen {
                if ["containerPort", "protocol"].iter().any(|field| port.at(field) != other.at(field)) {
                    continue;
                }
                let (other_ip, other_port) = (other.text("hostIP"), other.int("hostPort").unwrap_or_default());
                let how = if (host_ip, host_port) == (other_ip, other_port) {
                    "duplicate"
                } else if host_port == 0 || other_port == 0 {
                    "overlapping"
                } else if host_port == other_port && host_ip.is_empty() != other_ip.is_empty() {
                    "dangerously ambiguous"
                } else {
                    continue;
                };
                list.push(format!("{path}: {how} port definition with {place}"));
            }
            seen.push((port, path));
        }
    }
    list
}

fn port_names(containers: &[(&'static str, usize, &Value)], path: &Path<'_>) -> Vec<String> {
    let mut seen: Vec<(&str, String)> = Vec::new();
    let mut list = Vec::new();
    for (field, index, container) in containers {
        let path = path.child(field);
        let path = path.index(*index);
        let path = path.child("ports");
        for (index, port) in container.list("ports").iter().enumerate() {
            let path = path.index(index).to_string();
            let name = port.text("name");
            if name.is_empty() {
                continue;
            }
            match seen.iter().find(|(other, _)| *other == name) {
                Some((_, place)) => list.push(format!(
                    "{path}: duplicate port name {name:?} with {place}, services and probes that select ports by name \
                     will use {place}"
                )),
                None => seen.push((name, path)),
            }
        }
    }
    list
}
