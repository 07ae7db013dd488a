//! ControllerRevisions: the templates that a StatefulSet or a DaemonSet has had.

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Resource, ResourceExt};
use kubewright_runtime::{Context, Error, Watch};
use serde_json::{Value, json};

use super::names::hash;
use super::pods::controller_reference;

/// Index of ControllerRevisions by the uid of their controller.
const BY_CONTROLLER: &str = "controller";

/// Watches ControllerRevisions, with the index that [`Revisions::of`] goes by.
pub(super) fn watch() -> Watch<ControllerRevision> {
    Watch::all().index(BY_CONTROLLER, |revision| revision.controller().map(|owner| owner.uid.to_string()))
}

/// The templates of one owner.
pub(super) struct Revisions {
    /// Oldest first.
    pub(super) all: Vec<ControllerRevision>,
    /// That of the owner's template.
    pub(super) update: ControllerRevision,
    /// How often a name was taken by another template.
    pub(super) collisions: i32,
}

impl Revisions {
    /// Finds or makes the revision of `template`. `hash_label` tells pods of one revision from those of another, and is
    /// put on the revision too.
    pub(super) async fn of<K>(
        ctx: &Context,
        owner: &K,
        template: &PodTemplateSpec,
        hash_label: &str,
        mut collisions: i32,
    ) -> Result<Self, Error>
    where
        K: Resource<DynamicType = ()>,
    {
        let namespace = owner.namespace().unwrap_or_default();
        let api = Api::<ControllerRevision>::namespaced(ctx.client().clone(), &namespace);
        let mut all = ctx.list_by::<ControllerRevision>(BY_CONTROLLER, &owner.uid().unwrap_or_default())?;
        all.sort_by_key(|revision| (revision.revision, revision.name_any()));
        let data = data(template);
        let newest = all.last().map(|revision| revision.revision).unwrap_or_default();
        if let Some(at) = all.iter().rposition(|revision| revision.data.as_ref().is_some_and(|has| has.0 == data)) {
            if all[at].revision == newest {
                let update = all[at].clone();
                return Ok(Self { all, update, collisions });
            }
            // The template comes back.
            let patch = Patch::Merge(json!({"revision": newest + 1}));
            let update = api.patch(&all[at].name_any(), &PatchParams::default(), &patch).await?;
            all.remove(at);
            all.push(update.clone());
            return Ok(Self { all, update, collisions });
        }
        loop {
            let hash = hash(&data, collisions);
            let mut labels =
                template.metadata.as_ref().and_then(|metadata| metadata.labels.clone()).unwrap_or_default();
            labels.insert(hash_label.into(), hash.clone());
            let mut name = owner.name_any();
            name.truncate(253 - 1 - hash.len());
            let revision = ControllerRevision {
                metadata: ObjectMeta {
                    name: Some(format!("{name}-{hash}")),
                    labels: Some(labels),
                    annotations: (!owner.annotations().is_empty()).then(|| owner.annotations().clone()),
                    owner_references: Some(vec![controller_reference(owner)]),
                    ..ObjectMeta::default()
                },
                data: Some(RawExtension(data.clone())),
                revision: newest + 1,
            };
            match api.create(&PostParams::default(), &revision).await {
                Ok(update) => {
                    all.push(update.clone());
                    return Ok(Self { all, update, collisions });
                }
                Err(kube::Error::Api(status)) if status.is_already_exists() => collisions += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The revision of this name.
    pub(super) fn named(&self, name: &str) -> Option<&ControllerRevision> {
        self.all.iter().find(|revision| revision.name_any() == name)
    }

    /// Deletes the oldest of those that are not in use, as far as there are more than `limit`.
    pub(super) async fn truncate(&self, ctx: &Context, live: &[&str], limit: i32) -> Result<(), Error> {
        let unused: Vec<&ControllerRevision> =
            self.all.iter().filter(|revision| !live.contains(&revision.name_any().as_str())).collect();
        let surplus = unused.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
        for revision in unused.into_iter().take(surplus) {
            let namespace = revision.namespace().unwrap_or_default();
            let api = Api::<ControllerRevision>::namespaced(ctx.client().clone(), &namespace);
            match api.delete(&revision.name_any(), &DeleteParams::default()).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                other => drop(other?),
            }
        }
        Ok(())
    }
}

/// The template that a revision holds.
pub(super) fn template(revision: &ControllerRevision) -> Option<PodTemplateSpec> {
    let template = revision.data.as_ref()?.0.pointer("/spec/template")?;
    serde_json::from_value(template.clone()).ok()
}

/// A strategic merge patch that brings the template back, as `kubectl rollout undo` applies it.
fn data(template: &PodTemplateSpec) -> Value {
    // A template always becomes JSON.
    let mut template = serde_json::to_value(template).unwrap_or_default();
    template["$patch"] = json!("replace");
    json!({"spec": {"template": template}})
}
