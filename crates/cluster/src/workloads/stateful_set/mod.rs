//! StatefulSets: pods with a name, a place in the order and storage of their own.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan` | the next steps; a pure function |
//! | `identity` | names, labels and claims of the pods |
//! | `claims` | their PersistentVolumeClaims, and what becomes of those |

mod claims;
mod identity;
mod plan;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use kubewright_runtime::{Context, Controller, ControllerOptions, Error, Outcome, Reconciler, Watch};

use self::identity::{REVISION_LABEL, ordinal, revision_of};
use self::plan::{Step, plan};
use super::pods::{self, Availability};
use super::revisions::{self, Revisions};

/// What keeps StatefulSets.
pub(crate) struct StatefulSets;

/// Its controller.
pub(crate) fn controller(options: ControllerOptions) -> Controller {
    Controller::new("statefulset-controller", Watch::<StatefulSet>::all(), StatefulSets)
        .owns(pods::watch())
        .owns(revisions::watch())
        .reads(Watch::<PersistentVolumeClaim>::all())
        .options(options)
}

impl Reconciler for StatefulSets {
    type Object = StatefulSet;

    async fn reconcile(&self, set: Arc<StatefulSet>, ctx: &Context) -> Result<Outcome, Error> {
        let Some(spec) = &set.spec else { return Ok(Outcome::Settled) };
        let mut pods = pods::claim(ctx, &*set, &spec.selector, None).await?;
        pods.retain(|pod| ordinal(&set, pod).is_some());
        let before = set.status.clone().unwrap_or_default();
        let collisions = before.collision_count.unwrap_or_default();
        let revisions = Revisions::of(ctx, &*set, &spec.template, REVISION_LABEL, collisions).await?;
        let update = revisions.update.name_any();
        let current = before
            .current_revision
            .clone()
            .filter(|name| revisions.named(name).is_some())
            .unwrap_or_else(|| update.clone());
        let current_template = revisions.named(&current).and_then(revisions::template);

        let mut worked = Ok(());
        if set.metadata.deletion_timestamp.is_none() {
            let steps = plan(&set, &pods, &current, &update, current_template.as_ref(), ctx.now());
            let all = join_all(steps.into_iter().map(|step| carry_out(ctx, &set, step))).await;
            worked = all.into_iter().collect::<Result<(), _>>();
            claims::keep(ctx, &set, &pods).await?;
        }
        let (status, later) = status(&set, &pods, current, update, &revisions, ctx.now());
        let live: Vec<&str> = [&status.current_revision, &status.update_revision]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .chain(pods.iter().map(revision_of))
            .collect();
        revisions.truncate(ctx, &live, spec.revision_history_limit.unwrap_or(10)).await?;
        ctx.set_status(&status).await?;
        worked?;
        Ok(later.map_or(Outcome::Settled, Outcome::After))
    }
}

async fn carry_out(ctx: &Context, set: &StatefulSet, step: Step) -> Result<(), Error> {
    let (namespace, owner) = (set.namespace().unwrap_or_default(), set.name_any());
    match step {
        Step::Create(pod) => {
            claims::create(ctx, set, &pod).await?;
            let name = pod.name_any();
            match Api::<Pod>::namespaced(ctx.client().clone(), &namespace).create(&PostParams::default(), &pod).await {
                Ok(_) => {
                    let message = format!("create Pod {name} in StatefulSet {owner} successful");
                    ctx.normal("SuccessfulCreate", message);
                    Ok(())
                }
                // Seen soon, or in the way: then the status tells that it is missing.
                Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
                Err(error) if pods::namespace_is_going(&error) => Ok(()),
                Err(error) => {
                    let message = format!("create Pod {name} in StatefulSet {owner} failed error: {error}");
                    ctx.warning("FailedCreate", message);
                    Err(error.into())
                }
            }
        }
        Step::Delete(pod) => {
            let name = pod.name_any();
            let api = Api::<Pod>::namespaced(ctx.client().clone(), &namespace);
            let preconditions = Some(pods::this_one(&pod.metadata));
            let params = kube::api::DeleteParams { preconditions, ..kube::api::DeleteParams::default() };
            match api.delete(&name, &params).await {
                Ok(_) => {
                    let message = format!("delete Pod {name} in StatefulSet {owner} successful");
                    ctx.normal("SuccessfulDelete", message);
                    Ok(())
                }
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
                Err(error) => {
                    let message = format!("delete Pod {name} in StatefulSet {owner} failed error: {error}");
                    ctx.warning("FailedDelete", message);
                    Err(error.into())
                }
            }
        }
        Step::Identify(pod) => {
            let api = Api::<Pod>::namespaced(ctx.client().clone(), &namespace);
            api.replace(&pod.name_any(), &PostParams::default(), &pod).await?;
            Ok(())
        }
    }
}

fn status(
    set: &StatefulSet,
    pods: &[Pod],
    current: String,
    update: String,
    revisions: &Revisions,
    now: jiff::Timestamp,
) -> (StatefulSetStatus, Option<Duration>) {
    let spec = set.spec.clone().unwrap_or_default();
    let min_ready = spec.min_ready_seconds.unwrap_or_default();
    let (mut ready, mut available, mut later) = (0, 0, None::<Duration>);
    let (mut of_current, mut of_update) = (0, 0);
    for pod in pods {
        match pods::availability(pod, min_ready, now) {
            Availability::Yes => (ready, available) = (ready + 1, available + 1),
            Availability::In(wait) => {
                ready += 1;
                later = Some(later.map_or(wait, |known| known.min(wait)));
            }
            Availability::No => {}
        }
        if pod.metadata.deletion_timestamp.is_none() {
            of_current += i32::from(revision_of(pod) == current);
            of_update += i32::from(revision_of(pod) == update);
        }
    }
    let count = i32::try_from(pods.len()).unwrap_or(i32::MAX);
    let some = |number: i32| (number > 0).then_some(number);
    let mut status = StatefulSetStatus {
        observed_generation: set.metadata.generation,
        replicas: count,
        ready_replicas: some(ready),
        available_replicas: Some(available),
        current_replicas: some(of_current),
        updated_replicas: some(of_update),
        current_revision: Some(current),
        update_revision: Some(update.clone()),
        collision_count: Some(revisions.collisions),
        conditions: set.status.as_ref().and_then(|status| status.conditions.clone()),
    };
    let wanted = spec.replicas.unwrap_or(1);
    let rolling = spec.update_strategy.and_then(|strategy| strategy.type_).is_none_or(|kind| kind == "RollingUpdate");
    if rolling && [of_update, ready, count] == [wanted; 3] {
        // The way is done: what was new is current.
        (status.current_replicas, status.current_revision) = (status.updated_replicas, Some(update));
    }
    (status, later)
}
