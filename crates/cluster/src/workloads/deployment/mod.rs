//! Deployments: a ReplicaSet for each version of the template, and the way from one to the next.
//!
//! ```text
//! Deployment, its ReplicaSets ─→ sets: which is new, which are old ─→ plan: create, scale, delete ─→ status
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `sets` | the ReplicaSets of a Deployment: which of them has its template, revisions, annotations |
//! | `plan` | the next steps; a pure function |
//! | `limits` | how many pods there may be, and must be, on the way |
//! | `status` | what is told of it; a pure function |

mod limits;
mod plan;
mod sets;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::core::SelectorExt;
use kube::{Resource, ResourceExt};
use kubewright_runtime::{Context, Error, ObjectRef, Outcome, Reconciler, Stored, Watch};
use serde_json::json;

use self::plan::{Step, plan};
use self::sets::{HASH_LABEL, REVISION, Sets, revision};
use super::pods;

/// Index of ReplicaSets by the uid of their controller.
const BY_CONTROLLER: &str = "controller";

/// Index of ReplicaSets without a controller by their namespace.
const ORPHANS: &str = "orphans";

/// Index of pods by the ReplicaSet that controls them.
const BY_REPLICA_SET: &str = "replica-set";

/// What brings Deployments from one version to the next.
pub(crate) struct Deployments;

/// Watches ReplicaSets, with the indexes that a Deployment finds its own by.
pub(crate) fn replica_sets() -> Watch<ReplicaSet> {
    let uid = |set: &Stored| set.controller().map(|owner| owner.uid.to_string());
    Watch::all()
        .index(BY_CONTROLLER, uid)
        .index(ORPHANS, |set| set.controller().is_none().then(|| set.namespace().unwrap_or_default().to_string()))
}

/// Watches pods by their ReplicaSet.
pub(crate) fn pods_of_sets() -> Watch<Pod> {
    Watch::all().index(BY_REPLICA_SET, |pod| pod.controller().map(|owner| owner.uid.to_string()))
}

/// The Deployment that a pod belongs to: its ReplicaSet's name without the hash.
pub(crate) fn of_pod(pod: &Stored) -> Option<ObjectRef> {
    let set = pod.controller().filter(|owner| &*owner.kind == "ReplicaSet")?;
    let hash = pod.label(HASH_LABEL)?;
    let deployment = set.name.strip_suffix(hash)?.strip_suffix('-')?;
    Some(ObjectRef::new(pod.namespace(), deployment))
}

impl Reconciler for Deployments {
    type Object = Deployment;

    async fn reconcile(&self, deployment: Arc<Deployment>, ctx: &Context) -> Result<Outcome, Error> {
        let mut sets = Sets::of(&deployment, claim(ctx, &deployment).await?);
        let mut created = None;
        if deployment.metadata.deletion_timestamp.is_none() {
            let busy = old_pods_run(ctx, &sets)?;
            for step in plan(&deployment, &sets, busy) {
                match carry_out(ctx, &deployment, &mut sets, step).await? {
                    Done::Created(name) => created = Some(name),
                    Done::Changed => {}
                    // Another ReplicaSet has the name; the next try has another hash.
                    Done::Collision => {
                        let status = deployment.status.clone().unwrap_or_default();
                        let count = status.collision_count.unwrap_or_default() + 1;
                        ctx.set_status(&DeploymentStatus { collision_count: Some(count), ..status }).await?;
                        return Ok(Outcome::Settled);
                    }
                    Done::NamespaceIsGoing => return Ok(Outcome::Settled),
                }
            }
        }
        set_revision(ctx, &deployment, &sets).await?;
        let (status, later) = status::status(&deployment, &sets, created.as_deref(), ctx.now());
        ctx.set_status(&status).await?;
        Ok(later.map_or(Outcome::Settled, Outcome::After))
    }
}

/// The Deployment's ReplicaSets; orphans that match are adopted, those that no longer match are released.
async fn claim(ctx: &Context, deployment: &Deployment) -> Result<Vec<ReplicaSet>, Error> {
    let namespace = deployment.namespace().unwrap_or_default();
    let Some(selector) = deployment.spec.as_ref().and_then(|spec| pods::selector(&spec.selector)) else {
        return Ok(Vec::new());
    };
    let uid = deployment.uid().unwrap_or_default();
    let api = Api::<ReplicaSet>::namespaced(ctx.client().clone(), &namespace);
    let mut claimed = Vec::new();
    for set in ctx.list_by::<ReplicaSet>(BY_CONTROLLER, &uid)? {
        if selector.matches(set.labels()) {
            claimed.push(set);
        } else if set.metadata.deletion_timestamp.is_none() {
            let release = json!({"metadata": {
                "uid": set.uid(), "ownerReferences": [{"$patch": "delete", "uid": uid}],
            }});
            api.patch(&set.name_any(), &PatchParams::default(), &Patch::Strategic(release)).await?;
        }
    }
    if deployment.metadata.deletion_timestamp.is_none() {
        for set in ctx.list_by::<ReplicaSet>(ORPHANS, &namespace)? {
            if set.metadata.deletion_timestamp.is_none() && selector.matches(set.labels()) {
                let owner = pods::controller_reference(deployment);
                let adopt = json!({"metadata": {"uid": set.uid(), "ownerReferences": [owner]}});
                let patch = Patch::Strategic(adopt);
                claimed.push(api.patch(&set.name_any(), &PatchParams::default(), &patch).await?);
            }
        }
    }
    Ok(claimed)
}

/// Whether pods of old versions are there and not over yet.
fn old_pods_run(ctx: &Context, sets: &Sets) -> Result<bool, Error> {
    for set in &sets.old {
        if set.status.as_ref().is_some_and(|status| status.replicas > 0) {
            return Ok(true);
        }
        let pods = ctx.list_by::<Pod>(BY_REPLICA_SET, &set.uid().unwrap_or_default())?;
        if pods.iter().any(|pod| !matches!(pods::phase(pod), "Succeeded" | "Failed")) {
            return Ok(true);
        }
    }
    Ok(false)
}

enum Done {
    Created(String),
    Changed,
    Collision,
    NamespaceIsGoing,
}

async fn carry_out(ctx: &Context, deployment: &Deployment, sets: &mut Sets, step: Step) -> Result<Done, Error> {
    let namespace = deployment.namespace().unwrap_or_default();
    let api = Api::<ReplicaSet>::namespaced(ctx.client().clone(), &namespace);
    match step {
        Step::Create(set) => match api.create(&PostParams::default(), &set).await {
            Ok(created) => {
                let (name, replicas) = (created.name_any(), sets::replicas(&created));
                if replicas > 0 {
                    let message = format!("Scaled up replica set {name} from 0 to {replicas}");
                    ctx.normal("ScalingReplicaSet", message);
                }
                sets.new = Some(created);
                Ok(Done::Created(name))
            }
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(Done::Collision),
            Err(error) if pods::namespace_is_going(&error) => Ok(Done::NamespaceIsGoing),
            Err(error) => {
                let message = format!("Failed to create new replica set \"{}\": {error}", set.name_any());
                ctx.warning("ReplicaSetCreateError", message);
                Err(error.into())
            }
        },
        Step::Update(set, from) => {
            let changed = api.replace(&set.name_any(), &PostParams::default(), &set).await?;
            let (name, to) = (changed.name_any(), sets::replicas(&changed));
            if from != to {
                let direction = if from < to { "up" } else { "down" };
                let message = format!("Scaled {direction} replica set {name} from {from} to {to}");
                ctx.normal("ScalingReplicaSet", message);
            }
            sets.replace(changed);
            Ok(Done::Changed)
        }
        Step::Delete(set) => {
            let preconditions = Some(pods::this_one(set.meta()));
            let params = DeleteParams { preconditions, ..DeleteParams::background() };
            match api.delete(&set.name_any(), &params).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
            sets.old.retain(|old| old.uid() != set.uid());
            Ok(Done::Changed)
        }
    }
}

/// The Deployment tells the revision of its template.
async fn set_revision(ctx: &Context, deployment: &Deployment, sets: &Sets) -> Result<(), Error> {
    let Some(wanted) = sets.new.as_ref().map(revision).filter(|revision| *revision > 0) else { return Ok(()) };
    let wanted = wanted.to_string();
    if deployment.metadata.deletion_timestamp.is_some() || deployment.annotations().get(REVISION) == Some(&wanted) {
        return Ok(());
    }
    let api = Api::<Deployment>::namespaced(ctx.client().clone(), &deployment.namespace().unwrap_or_default());
    let patch = Patch::Merge(json!({"metadata": {"uid": deployment.uid(), "annotations": {REVISION: wanted}}}));
    api.patch_status(&deployment.name_any(), &PatchParams::default(), &patch).await?;
    Ok(())
}
