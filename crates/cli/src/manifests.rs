//! Applies manifests: YAML documents, server-side.

use kubewright::kube::api::{Api, Patch, PatchParams};
use kubewright::kube::core::{DynamicObject, GroupVersionKind, TypeMeta};
use kubewright::kube::{Client, ResourceExt, discovery};

/// Why manifests could not be applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    /// A document is not YAML, or no Kubernetes object.
    #[error("{source_name}: document {number}: {cause}")]
    Malformed { source_name: String, number: usize, cause: String },
    /// The server refused an object.
    #[error("{source_name}: {object}: {cause}")]
    Refused { source_name: String, object: String, cause: Box<kubewright::kube::Error> },
}

/// Applies every document; `source_name` stands in errors. Returns what was applied, as `kind/name`.
pub(crate) async fn apply(client: &Client, source_name: &str, text: &str) -> Result<Vec<String>, ManifestError> {
    apply_all(client, source_name, parse(source_name, text)?).await
}

/// Applies objects, in their order.
pub(crate) async fn apply_all(
    client: &Client,
    source_name: &str,
    objects: Vec<DynamicObject>,
) -> Result<Vec<String>, ManifestError> {
    let mut applied = Vec::new();
    for (number, object) in objects.into_iter().enumerate() {
        let malformed = |cause: &str| ManifestError::Malformed {
            source_name: source_name.into(),
            number: number + 1,
            cause: cause.into(),
        };
        let types: TypeMeta =
            object.types.clone().ok_or_else(|| malformed("apiVersion and kind are missing; add them"))?;
        let gvk = GroupVersionKind::try_from(&types).map_err(|error| malformed(&error.to_string()))?;
        let shown = format!("{}/{}", types.kind.to_lowercase(), object.name_any());
        let refused = |cause| ManifestError::Refused {
            source_name: source_name.into(),
            object: shown.clone(),
            cause: Box::new(cause),
        };
        let (resource, capabilities) = discovery::pinned_kind(client, &gvk).await.map_err(refused)?;
        let api: Api<DynamicObject> = match (capabilities.scope, object.namespace()) {
            (discovery::Scope::Cluster, _) => Api::all_with(client.clone(), &resource),
            (_, Some(namespace)) => Api::namespaced_with(client.clone(), &namespace, &resource),
            (_, None) => Api::default_namespaced_with(client.clone(), &resource),
        };
        let params = PatchParams::apply("kubewright").force();
        api.patch(&object.name_any(), &params, &Patch::Apply(&object)).await.map_err(refused)?;
        applied.push(shown);
    }
    Ok(applied)
}

/// The objects of a text.
pub(crate) fn parse(source_name: &str, text: &str) -> Result<Vec<DynamicObject>, ManifestError> {
    serde_saphyr::from_multiple(text).map_err(|error| ManifestError::Malformed {
        source_name: source_name.into(),
        number: 1,
        cause: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_all_operators_are_manifests() {
        let objects = parse("ingress", kubewright_ingress::EXAMPLES).unwrap();
        assert_eq!(objects.len(), 3);
        assert!(objects.iter().all(|object| object.types.as_ref().is_some_and(|types| types.kind == "Service")));
    }

    #[test]
    fn a_broken_document_is_named() {
        let error = parse("shop.yaml", "a: [").unwrap_err().to_string();
        assert!(error.starts_with("shop.yaml: document 1:"), "{error}");
    }
}
