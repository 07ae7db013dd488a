//! Kinds that bundles may have, and the metadata of their objects.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kubewright_apiserver::kinds::{NameRule, metadata};
use serde::Deserialize as _;

use crate::csv::{Gvk, name, text};
use crate::finding::{Finding, reason};
use crate::read::{Bundle, MediaType};

/// The kinds that the Operator Lifecycle Manager creates out of a bundle.
const SUPPORTED: [&str; 22] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterServiceVersion",
    "ConfigMap",
    "ConsoleCLIDownload",
    "ConsoleLink",
    "ConsolePlugin",
    "ConsoleQuickStart",
    "ConsoleYAMLSample",
    "CustomResourceDefinition",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "PodMonitor",
    "PriorityClass",
    "PrometheusRule",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
    "ServiceMonitor",
    "VerticalPodAutoscaler",
];

/// Whether a bundle may have objects of this kind.
pub(crate) fn is_supported(kind: &str) -> bool {
    SUPPORTED.contains(&kind)
}

/// What is wrong with the objects besides the ClusterServiceVersion and the definitions.
pub(crate) fn objects(bundle: &Bundle) -> Vec<Finding> {
    let mut found = Vec::new();
    for object in &bundle.objects {
        let kind = text(&object.value, "kind");
        if ["ClusterServiceVersion", "CustomResourceDefinition"].contains(&kind) {
            continue;
        }
        if bundle.media_type == MediaType::Registry && !is_supported(kind) {
            let message = format!(
                "{}: the Operator Lifecycle Manager creates no objects of {}; remove it, or have the operator create it",
                object.file,
                Gvk::of(&object.value)
            );
            found.push(Finding::error(reason::BUNDLE, message));
            continue;
        }
        if let Err(error) = ObjectMeta::deserialize(&object.value["metadata"]) {
            let message = format!("{}: the metadata can't be read: {error}", object.file);
            found.push(Finding::error(reason::PARSE, message));
        }
        // Whatever goes into the path of a URL: kinds differ in what they allow.
        for error in metadata::validate(&object.value, false, NameRule::PathSegment, true) {
            let message = format!("{}: {} {:?}: {error}", object.file, kind, name(&object.value));
            found.push(Finding::error(reason::VALIDATION, message));
        }
    }
    found
}
