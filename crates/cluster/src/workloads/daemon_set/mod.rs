//! DaemonSets: one pod on each node that fits.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan` | which pods come and go; a pure function |
//! | `pod` | the pod for a node |

mod plan;
mod pod;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetStatus};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;
use kubewright_runtime::{Context, Controller, ControllerOptions, Error, Outcome, Reconciler, Watch};

use self::plan::{Plan, plan};
use self::pod::{HASH_LABEL, node_of};
use super::pods::{self, Availability};
use super::revisions::{self, Revisions};

/// What keeps DaemonSets.
pub(crate) struct DaemonSets;

/// Its controller.
pub(crate) fn controller(options: ControllerOptions) -> Controller {
    Controller::new("daemonset-controller", Watch::<DaemonSet>::all(), DaemonSets)
        .owns(pods::watch())
        .owns(revisions::watch())
        .reads(Watch::<Node>::all())
        .options(options)
}

impl Reconciler for DaemonSets {
    type Object = DaemonSet;

    async fn reconcile(&self, set: Arc<DaemonSet>, ctx: &Context) -> Result<Outcome, Error> {
        let Some(spec) = &set.spec else { return Ok(Outcome::Settled) };
        // A selector that matches everything is a mistake that the API server lets in.
        if spec.selector == Default::default() {
            ctx.warning("SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.");
            return Ok(Outcome::Settled);
        }
        let pods = pods::claim(ctx, &*set, &spec.selector, None).await?;
        let nodes: Vec<Node> = ctx.list(None)?;
        let collisions = set.status.as_ref().and_then(|status| status.collision_count).unwrap_or_default();
        let revisions = Revisions::of(ctx, &*set, &spec.template, HASH_LABEL, collisions).await?;
        let hash = revisions.update.labels().get(HASH_LABEL).cloned().unwrap_or_default();
        let mut worked = Ok(());
        if set.metadata.deletion_timestamp.is_none() {
            let Plan { create, delete } = plan(&set, &nodes, &pods, &hash, ctx.now());
            let namespace = set.namespace().unwrap_or_default();
            let made: Vec<Pod> = create.iter().map(|node| pod::pod(&set, &hash, node)).collect();
            let created = join_all(made.iter().map(|pod| pods::create(ctx, &namespace, pod))).await;
            let deleted = join_all(delete.iter().map(|pod| pods::delete(ctx, pod))).await;
            let created = created.into_iter().map(|created| created.map(drop));
            worked = created.chain(deleted).collect::<Result<(), _>>();
        }
        let (status, later) = status(&set, &nodes, &pods, &hash, revisions.collisions, ctx.now());
        let label = |pod: &Pod| pod.labels().get(HASH_LABEL).map(|hash| format!("{}-{hash}", set.name_any()));
        let live: Vec<String> = pods.iter().filter_map(label).chain([revisions.update.name_any()]).collect();
        let live: Vec<&str> = live.iter().map(String::as_str).collect();
        revisions.truncate(ctx, &live, spec.revision_history_limit.unwrap_or(10)).await?;
        ctx.set_status(&status).await?;
        worked?;
        Ok(later.map_or(Outcome::Settled, Outcome::After))
    }
}

fn status(
    set: &DaemonSet,
    nodes: &[Node],
    pods: &[Pod],
    hash: &str,
    collisions: i32,
    now: jiff::Timestamp,
) -> (DaemonSetStatus, Option<Duration>) {
    let min_ready = set.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or_default();
    let (mut desired, mut current, mut astray, mut ready, mut available, mut updated) = (0, 0, 0, 0, 0, 0);
    let mut later = None::<Duration>;
    for node in nodes {
        let name = node.name_any();
        let here: Vec<&Pod> = pods.iter().filter(|pod| node_of(pod) == Some(&name)).collect();
        if !plan::fits(set, node).0 {
            astray += i32::from(!here.is_empty());
            continue;
        }
        desired += 1;
        current += i32::from(!here.is_empty());
        // The one that has been there longest is the one that counts.
        let oldest = here.into_iter().min_by_key(|pod| pod.creation_timestamp().map(|time| time.0));
        let Some(pod) = oldest else { continue };
        updated += i32::from(pod.labels().get(HASH_LABEL).map(String::as_str) == Some(hash));
        match pods::availability(pod, min_ready, now) {
            Availability::Yes => (ready, available) = (ready + 1, available + 1),
            Availability::In(wait) => {
                ready += 1;
                later = Some(later.map_or(wait, |known| known.min(wait)));
            }
            Availability::No => {}
        }
    }
    let some = |number: i32| (number > 0).then_some(number);
    let status = DaemonSetStatus {
        current_number_scheduled: current,
        desired_number_scheduled: desired,
        number_misscheduled: astray,
        number_ready: ready,
        number_available: some(available),
        number_unavailable: some(desired - available),
        updated_number_scheduled: some(updated),
        observed_generation: set.metadata.generation,
        collision_count: some(collisions),
        conditions: set.status.as_ref().and_then(|status| status.conditions.clone()),
    };
    (status, later)
}
