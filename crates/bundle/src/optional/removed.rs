//! APIs that newer versions of Kubernetes no longer have (Kubernetes: Deprecated API Migration Guide).

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::Values;
use crate::csv::{CrdDescription, Permissions, name, text};
use crate::finding::{Finding, reason};
use crate::read::Bundle;
use crate::versions::tolerant;

/// API version and kinds that are gone since a minor version.
const REMOVED: [(u64, &str, &[&str]); 19] = [
    (22, "scheduling.k8s.io/v1beta1", &["PriorityClass"]),
    (22, "rbac.authorization.k8s.io/v1beta1", &["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]),
    (22, "apiregistration.k8s.io/v1beta1", &["APIService"]),
    (22, "authentication.k8s.io/v1beta1", &["TokenReview"]),
    (
        22,
        "authorization.k8s.io/v1beta1",
        &["LocalSubjectAccessReview", "SelfSubjectAccessReview", "SubjectAccessReview"],
    ),
    (22, "admissionregistration.k8s.io/v1beta1", &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]),
    (22, "coordination.k8s.io/v1beta1", &["Lease"]),
    (22, "extensions/v1beta1", &["Ingress"]),
    (22, "networking.k8s.io/v1beta1", &["Ingress", "IngressClass"]),
    (22, "storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
    (22, "certificates.k8s.io/v1beta1", &["CertificateSigningRequest"]),
    (22, "apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"]),
    (25, "batch/v1beta1", &["CronJob"]),
    (25, "discovery.k8s.io/v1beta1", &["EndpointSlice"]),
    (25, "events.k8s.io/v1beta1", &["Event"]),
    (25, "autoscaling/v2beta1", &["HorizontalPodAutoscaler"]),
    (25, "policy/v1beta1", &["PodDisruptionBudget", "PodSecurityPolicy"]),
    (25, "node.k8s.io/v1beta1", &["RuntimeClass"]),
    (26, "autoscaling/v2beta2", &["HorizontalPodAutoscaler"]),
];

/// What uses each kind, by kind.
type Uses = BTreeMap<String, Vec<String>>;

/// What the bundle has of APIs that are gone: warnings, or errors if it is for a Kubernetes without them.
pub(super) fn removed(bundle: &Bundle, values: &Values) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut version = |text: Option<&str>, what: &str| -> Option<Version> {
        let text = text.filter(|text| !text.is_empty())?;
        let parsed = tolerant(text);
        if parsed.is_none() {
            let message = format!("{what} {text:?} is no version; write for example 1.25");
            found.push(Finding::error(reason::VALIDATION, message));
        }
        parsed
    };
    let wanted = version(values.get("k8s-version").map(String::as_str), "the value k8s-version");
    let oldest = version(Some(bundle.csv.spec.min_kube_version.as_str()), "spec.minKubeVersion");
    for minor in [22, 25, 26] {
        let gone = Version::new(1, minor, 0);
        let without = [&wanted, &oldest].into_iter().flatten().any(|version| *version >= gone);
        let uses = uses(bundle, minor);
        if !uses.is_empty() {
            let message = told(minor, &uses);
            found.push(match without {
                true => Finding::error(reason::VALIDATION, message),
                false => Finding::warning(reason::VALIDATION, message),
            });
        }
        let rights = if minor == 25 { rights(bundle) } else { Uses::new() };
        if !rights.is_empty() {
            found.push(Finding::warning(reason::VALIDATION, told(minor, &rights)));
        }
    }
    found
}

/// What the bundle has of APIs that are gone since Kubernetes 1.22, for a message.
pub(super) fn of_1_22(bundle: &Bundle) -> Option<String> {
    let uses = uses(bundle, 22);
    (!uses.is_empty()).then(|| listed(&uses))
}

fn told(minor: u64, uses: &Uses) -> String {
    format!(
        "Kubernetes 1.{minor} no longer has APIs that are used here: {}; how to get away from them: \
         https://kubernetes.io/docs/reference/using-api/deprecation-guide/#v1-{minor}",
        listed(uses)
    )
}

fn listed(uses: &Uses) -> String {
    uses.iter().map(|(kind, users)| format!("{kind} ({})", users.join(", "))).collect::<Vec<_>>().join(", ")
}

fn is_removed(minor: u64, api_version: &str, kind: &str) -> bool {
    REMOVED.iter().any(|(since, version, kinds)| *since == minor && *version == api_version && kinds.contains(&kind))
}

fn uses(bundle: &Bundle, minor: u64) -> Uses {
    let mut uses = Uses::new();
    let mut add = |kind: &str, user: String| uses.entry(kind.to_string()).or_default().push(user);
    for object in &bundle.objects {
        let kind = text(&object.value, "kind");
        if is_removed(minor, text(&object.value, "apiVersion"), kind) {
            add(kind, name(&object.value).to_string());
        }
    }
    if minor == 25 {
        for (list, resource) in resources(bundle) {
            if is_removed(minor, &resource.version, &resource.kind) {
                add(&resource.kind, list);
            }
        }
    }
    uses
}

/// The kinds of objects that the ClusterServiceVersion names behind its custom resources, and where.
fn resources(bundle: &Bundle) -> impl Iterator<Item = (String, &crate::csv::ResourceReference)> {
    let definitions = &bundle.csv.spec.customresourcedefinitions;
    let lists: [(&str, &[CrdDescription]); 2] = [("owned", &definitions.owned), ("required", &definitions.required)];
    lists.into_iter().flat_map(|(list, descriptions)| {
        descriptions.iter().enumerate().flat_map(move |(at, description)| {
            let place = format!("spec.customresourcedefinitions.{list}[{at}].resources");
            description.resources.iter().map(move |resource| (place.clone(), resource))
        })
    })
}

/// Rights on what is gone altogether. Rules have no version, so of what has a successor in its group nothing can be said.
fn rights(bundle: &Bundle) -> Uses {
    let named: BTreeSet<String> =
        resources(bundle).map(|(_, resource)| format!("{}s", resource.kind.to_lowercase())).collect();
    let spec = &bundle.csv.spec.install.spec;
    let mut uses = Uses::new();
    let mut look = |list: &str, all: &[Permissions]| {
        for (at, permissions) in all.iter().enumerate() {
            for (number, rule) in permissions.rules.iter().enumerate() {
                let resources = rule.resources.iter().flatten();
                let policy = rule.api_groups.iter().flatten().any(|group| group == "policy");
                if policy
                    && resources.clone().any(|resource| resource == "podsecuritypolicies" && !named.contains(resource))
                {
                    let place = format!("spec.install.spec.{list}[{at}].rules[{number}]");
                    uses.entry("podsecuritypolicies".into()).or_default().push(place);
                }
            }
        }
    };
    look("clusterPermissions", &spec.cluster_permissions);
    look("permissions", &spec.permissions);
    uses
}
