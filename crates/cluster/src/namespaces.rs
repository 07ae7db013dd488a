//! The end of a namespace: everything in it is deleted, then its finalizer is removed.
//!
//! Source: the behaviour of kube-controller-manager's namespace controller; conditions as it writes them. Pods go
//! first (KEP-5080), then the rest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, ListParams};
use kube::core::DynamicObject;
use kube::{Client, ResourceExt};
use kubewright_runtime::{Context, Error, Outcome, Reconciler};
use serde_json::{Value, json};

use crate::kinds::{ServedKind, served_kinds};

/// Objects that wait for a finalizer of someone else give no event in the namespace; so it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The finalizer of a namespace that stands for its content.
const FINALIZER: &str = "kubernetes";

/// Ends namespaces.
pub(crate) struct NamespaceReconciler;

impl Reconciler for NamespaceReconciler {
    type Object = Namespace;

    async fn reconcile(&self, namespace: Arc<Namespace>, ctx: &Context) -> Result<Outcome, Error> {
        let finalizers = namespace.spec.as_ref().and_then(|spec| spec.finalizers.as_deref()).unwrap_or_default();
        if namespace.metadata.deletion_timestamp.is_none() || !finalizers.iter().any(|name| name == FINALIZER) {
            return Ok(Outcome::Settled);
        }
        let remaining = empty(ctx.client(), &namespace.name_any()).await?;
        if remaining.is_empty() {
            finalize(ctx.client(), &namespace).await?;
            return Ok(Outcome::Settled);
        }
        report(ctx.client(), &namespace, &remaining).await?;
        Ok(Outcome::After(LOOK_AGAIN))
    }
}

/// What is left of a namespace after all of it was deleted: it waits for finalizers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Remaining {
    /// Number of objects by `resource.group`.
    objects: BTreeMap<String, usize>,
    /// Number of objects by finalizer.
    finalizers: BTreeMap<String, usize>,
}

impl Remaining {
    fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    fn count(&mut self, kind: &ServedKind, objects: &[kube::core::PartialObjectMeta<DynamicObject>]) {
        if objects.is_empty() {
            return;
        }
        let name = format!("{}.{}", kind.resource.plural, kind.resource.group);
        *self.objects.entry(name).or_default() += objects.len();
        for finalizer in objects.iter().flat_map(|object| object.finalizers()) {
            *self.finalizers.entry(finalizer.clone()).or_default() += 1;
        }
    }

    /// `Some resources are remaining: a. has 1 resource instances, b.g has 2 resource instances`
    fn content_message(&self) -> String {
        let parts = self.objects.iter().map(|(name, count)| format!("{name} has {count} resource instances"));
        format!("Some resources are remaining: {}", parts.collect::<Vec<_>>().join(", "))
    }

    fn finalizers_message(&self) -> String {
        let parts = self.finalizers.iter().map(|(name, count)| format!("{name} in {count} resource instances"));
        format!("Some content in the namespace has finalizers remaining: {}", parts.collect::<Vec<_>>().join(", "))
    }
}

async fn empty(client: &Client, namespace: &str) -> Result<Remaining, Error> {
    let mut kinds = served_kinds(client).await?;
    kinds.retain(|kind| kind.namespaced && kind.can(&["delete", "list"]));
    // Pods first: what else is in the namespace may be needed for them to end well.
    kinds.sort_by_key(|kind| kind.resource.plural != "pods");
    let mut remaining = Remaining::default();
    for kind in kinds {
        let api = Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &kind.resource);
        if api.list_metadata(&ListParams::default().limit(1)).await?.items.is_empty() {
            continue;
        }
        if kind.can(&["deletecollection"]) {
            api.delete_collection(&DeleteParams::background(), &ListParams::default()).await?;
        } else {
            for object in api.list_metadata(&ListParams::default()).await?.items {
                api.delete(&object.name_any(), &DeleteParams::background()).await?;
            }
        }
        let left = api.list_metadata(&ListParams::default()).await?.items;
        remaining.count(&kind, &left);
        if kind.resource.plural == "pods" && !left.is_empty() {
            break;
        }
    }
    Ok(remaining)
}

async fn finalize(client: &Client, namespace: &Namespace) -> Result<(), Error> {
    let mut body = namespace.clone();
    if let Some(finalizers) = body.spec.as_mut().and_then(|spec| spec.finalizers.as_mut()) {
        finalizers.retain(|name| name != FINALIZER);
    }
    let path = format!("/api/v1/namespaces/{}/finalize", namespace.name_any());
    let request =
        http::Request::put(path).header("content-type", "application/json").body(serde_json::to_vec(&body)?)?;
    match client.request::<Value>(request).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

async fn report(client: &Client, namespace: &Namespace, remaining: &Remaining) -> Result<(), Error> {
    let failure =
        |kind: &str, reason: &str, message: &str| (kind.to_string(), "False", reason.to_string(), message.to_string());
    let finalizers = if remaining.finalizers.is_empty() {
        failure("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished")
    } else {
        ("NamespaceFinalizersRemaining".into(), "True", "SomeFinalizersRemain".into(), remaining.finalizers_message())
    };
    let wanted = [
        failure("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        failure(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        failure(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        ("NamespaceContentRemaining".into(), "True", "SomeResourcesRemain".into(), remaining.content_message()),
        finalizers,
    ];
    let before = namespace.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let same = wanted.iter().all(|(kind, status, reason, message)| {
        before.iter().any(|condition| {
            condition.type_ == *kind
                && condition.status == *status
                && condition.reason.as_ref() == Some(reason)
                && condition.message.as_ref() == Some(message)
        })
    });
    if same {
        return Ok(());
    }
    let now = namespace_time(namespace);
    let conditions = wanted.iter().map(|(kind, status, reason, message)| {
        let old = before.iter().find(|condition| condition.type_ == *kind && condition.status == *status);
        let since =
            old.and_then(|condition| condition.last_transition_time.as_ref()).map_or(now.clone(), |time| json!(time));
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since})
    });
    let status = json!({"status": {"phase": "Terminating", "conditions": conditions.collect::<Vec<_>>()}});
    let api = Api::<Namespace>::all(client.clone());
    let patch = kube::api::Patch::Merge(status);
    match api.patch_status(&namespace.name_any(), &kube::api::PatchParams::default(), &patch).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

/// The conditions begin with the deletion: the time that the server stamped, not this process's.
fn namespace_time(namespace: &Namespace) -> Value {
    json!(namespace.metadata.deletion_timestamp)
}
