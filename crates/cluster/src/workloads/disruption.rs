//! PodDisruptionBudgets: how many of a budget's pods are healthy, and how many may be evicted. Without it an eviction would
//! be told for ever that the budget is still being processed.
//!
//! Source: the behaviour of kube-controller-manager's disruption controller.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, OwnerReference, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use kube::core::DynamicObject;
use kubewright_runtime::{Context, Controller, ControllerOptions, Error, ObjectRef, Outcome, Reconciler, Watch};

use super::intstr::scaled;
use super::pods;
use crate::kinds::served_kinds;

/// How long a pod whose eviction was allowed may take until it is being deleted; afterwards it counts again.
const DELETED_WITHIN: SignedDuration = SignedDuration::from_mins(2);
/// Somebody else has changed the budget meanwhile, most often an eviction.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const ALLOWED: &str = "DisruptionAllowed";

pub(super) fn controller(options: ControllerOptions) -> Controller {
    Controller::new("disruption-controller", Watch::<PodDisruptionBudget>::all(), Disruptions).options(options)
}

/// Keeps the status of budgets. What it reads wakes it: the pods that a budget selects, and those that made them.
struct Disruptions;

impl Reconciler for Disruptions {
    type Object = PodDisruptionBudget;

    async fn reconcile(&self, budget: Arc<PodDisruptionBudget>, ctx: &Context) -> Result<Outcome, Error> {
        let namespace = budget.namespace().unwrap_or_default();
        let selector = budget.spec.as_ref().and_then(|spec| pods::selector(spec.selector.as_ref()?));
        let pods = match &selector {
            Some(selector) => ctx.select::<Pod>(Some(&namespace), selector)?,
            None => Vec::new(),
        };
        if pods.is_empty() {
            ctx.normal("NoPods", "No matching pods found");
        }
        let now = ctx.now();
        let mut later = None;
        let status = match expectation(&budget, &pods, ctx).await {
            Ok(expected) => {
                let disrupted = still_disrupted(&budget, &pods, now);
                let wait = disrupted.values().map(|time| (time.0 + DELETED_WITHIN).duration_since(now)).min();
                later = wait.and_then(|wait| Duration::try_from(wait).ok());
                status(&budget, &pods, &expected, disrupted, now)
            }
            Err(Unknown::Scale(why)) => failed(&budget, why, now),
            Err(Unknown::Request(error)) => return Err(error),
        };
        let outcome = later.map_or(Outcome::Settled, Outcome::After);
        if budget.status.as_ref() == Some(&status) {
            return Ok(outcome);
        }
        // With the version that was read: evictions write to the status too, and must not be undone.
        let api = Api::<PodDisruptionBudget>::namespaced(ctx.client().clone(), &namespace);
        let changed = PodDisruptionBudget { status: Some(status), ..(*budget).clone() };
        match api.replace_status(&budget.name_any(), &PostParams::default(), &changed).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Outcome::After(LOOK_AGAIN)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Outcome::Settled),
            result => result.map(|_| outcome).map_err(Error::from),
        }
    }
}

/// How many pods there should be, and how many of them must be healthy.
struct Expectation {
    pods: i32,
    healthy: i32,
}

/// Why an expectation is not known.
enum Unknown {
    /// What made the pods does not say how many there should be.
    Scale(String),
    Request(Error),
}

impl From<Error> for Unknown {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

impl From<kube::Error> for Unknown {
    fn from(error: kube::Error) -> Self {
        Self::Request(error.into())
    }
}

async fn expectation(budget: &PodDisruptionBudget, pods: &[Pod], ctx: &Context) -> Result<Expectation, Unknown> {
    let spec = budget.spec.clone().unwrap_or_default();
    if let Some(most) = spec.max_unavailable {
        let expected = scale(budget, pods, ctx).await?;
        return Ok(Expectation { pods: expected, healthy: (expected - scaled(&most, expected, true)).max(0) });
    }
    match spec.min_available {
        Some(IntOrString::Int(healthy)) => {
            Ok(Expectation { pods: i32::try_from(pods.len()).unwrap_or(i32::MAX), healthy })
        }
        Some(part) => {
            let expected = scale(budget, pods, ctx).await?;
            Ok(Expectation { pods: expected, healthy: scaled(&part, expected, true) })
        }
        None => Ok(Expectation { pods: 0, healthy: 0 }),
    }
}

/// How many pods there are to be, by those that made them.
async fn scale(budget: &PodDisruptionBudget, pods: &[Pod], ctx: &Context) -> Result<i32, Unknown> {
    let mut scales: HashMap<String, i32> = HashMap::new();
    let mut unmanaged = false;
    for pod in pods {
        let Some(owner) = controller_of(pod) else {
            unmanaged = true;
            continue;
        };
        if scales.contains_key(&owner.uid) {
            continue;
        }
        match scale_of(owner, &budget.namespace().unwrap_or_default(), ctx).await? {
            Some((uid, replicas)) => scales.insert(uid, replicas),
            None => return Err(Unknown::Scale(format!("found no controllers for pod {:?}", pod.name_any()))),
        };
    }
    if unmanaged {
        ctx.warning(
            "UnmanagedPods",
            "Some of the pods that this PodDisruptionBudget selects have no controller, so it is not known how many there \
             should be. Give \".spec.minAvailable\" as a number to count them.",
        );
    }
    Ok(scales.values().fold(0, |sum, replicas| sum.saturating_add(*replicas)))
}

fn controller_of(object: &impl ResourceExt) -> Option<&OwnerReference> {
    object.owner_references().iter().find(|owner| owner.controller == Some(true))
}

/// The uid and the scale of a pod's controller, or of what is above it.
async fn scale_of(owner: &OwnerReference, namespace: &str, ctx: &Context) -> Result<Option<(String, i32)>, Unknown> {
    let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    let key = ObjectRef::new(Some(namespace), &owner.name);
    let is = |uid: Option<String>, owner: &OwnerReference| uid.as_deref() == Some(&owner.uid);
    match (group, owner.kind.as_str()) {
        ("apps", "ReplicaSet") => {
            let Some(set) = ctx.get::<ReplicaSet>(&key)?.filter(|set| is(set.uid(), owner)) else { return Ok(None) };
            let above = controller_of(&set).filter(|above| above.kind == "Deployment");
            let Some(above) = above else {
                let replicas = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
                return Ok(Some((owner.uid.clone(), replicas)));
            };
            let deployment = ctx.get::<Deployment>(&ObjectRef::new(Some(namespace), &above.name))?;
            Ok(deployment
                .filter(|deployment| is(deployment.uid(), above))
                .map(|deployment| (above.uid.clone(), deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1))))
        }
        ("apps", "StatefulSet") => {
            let set = ctx.get::<StatefulSet>(&key)?.filter(|set| is(set.uid(), owner));
            Ok(set.map(|set| (owner.uid.clone(), set.spec.and_then(|spec| spec.replicas).unwrap_or(1))))
        }
        _ => scale_by_subresource(owner, group, namespace, ctx).await,
    }
}

/// The scale of any other kind; changes of it alone are not noticed, as on a real cluster.
async fn scale_by_subresource(
    owner: &OwnerReference,
    group: &str,
    namespace: &str,
    ctx: &Context,
) -> Result<Option<(String, i32)>, Unknown> {
    let kinds = served_kinds(ctx.client()).await?;
    let kind = kinds.iter().find(|kind| kind.resource.group == group && kind.resource.kind == owner.kind);
    let Some(kind) = kind else {
        let why = format!("no matches for kind {:?} in version {:?}", owner.kind, owner.api_version);
        return Err(Unknown::Scale(why));
    };
    let api = Api::<DynamicObject>::namespaced_with(ctx.client().clone(), namespace, &kind.resource);
    match api.get_scale(&owner.name).await {
        Ok(scale) if scale.metadata.uid.as_deref() == Some(&owner.uid) => {
            let replicas = scale.spec.and_then(|spec| spec.replicas).unwrap_or_default();
            Ok(Some((owner.uid.clone(), replicas)))
        }
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            if api.get_opt(&owner.name).await?.is_none() {
                return Ok(None);
            }
            let plural = &kind.resource.plural;
            let resource = if group.is_empty() { plural.clone() } else { format!("{plural}.{group}") };
            Err(Unknown::Scale(format!("{resource} does not implement the scale subresource")))
        }
        Err(error) => Err(error.into()),
    }
}

/// The pods whose eviction was allowed not long ago and that are not being deleted yet.
fn still_disrupted(budget: &PodDisruptionBudget, pods: &[Pod], now: Timestamp) -> BTreeMap<String, Time> {
    let Some(disrupted) = budget.status.as_ref().and_then(|status| status.disrupted_pods.as_ref()) else {
        return BTreeMap::new();
    };
    let here = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    here.filter_map(|pod| disrupted.get_key_value(&pod.name_any()))
        .filter(|(_, time)| time.0 + DELETED_WITHIN >= now)
        .map(|(name, time)| (name.clone(), time.clone()))
        .collect()
}

fn status(
    budget: &PodDisruptionBudget,
    pods: &[Pod],
    expected: &Expectation,
    disrupted: BTreeMap<String, Time>,
    now: Timestamp,
) -> PodDisruptionBudgetStatus {
    let healthy = pods.iter().filter(|pod| {
        pod.metadata.deletion_timestamp.is_none() && !disrupted.contains_key(&pod.name_any()) && pods::is_ready(pod)
    });
    let healthy = i32::try_from(healthy.count()).unwrap_or(i32::MAX);
    let allowed = if expected.pods > 0 { healthy.saturating_sub(expected.healthy).max(0) } else { 0 };
    let (state, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let generation = budget.metadata.generation;
    PodDisruptionBudgetStatus {
        current_healthy: Some(healthy),
        desired_healthy: Some(expected.healthy),
        expected_pods: Some(expected.pods),
        disruptions_allowed: Some(allowed),
        disrupted_pods: (!disrupted.is_empty()).then_some(disrupted),
        observed_generation: generation,
        conditions: Some(with_condition(budget, (state, reason, ""), generation, now)),
    }
}

/// The status when it is not known what is allowed: then nothing is.
fn failed(budget: &PodDisruptionBudget, why: String, now: Timestamp) -> PodDisruptionBudgetStatus {
    let old = budget.status.clone().unwrap_or_default();
    let generation = old.observed_generation;
    let conditions = Some(with_condition(budget, ("False", "SyncFailed", &why), generation, now));
    PodDisruptionBudgetStatus { disruptions_allowed: Some(0), conditions, ..old }
}

fn with_condition(
    budget: &PodDisruptionBudget,
    (state, reason, message): (&str, &str, &str),
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions = budget.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
    let old = conditions.iter().position(|condition| condition.type_ == ALLOWED);
    let unchanged = old.map(|at| &conditions[at]).filter(|condition| condition.status == state);
    let new = Condition {
        type_: ALLOWED.into(),
        status: state.into(),
        reason: reason.into(),
        message: message.into(),
        observed_generation: generation,
        last_transition_time: unchanged.map_or(Time(now), |condition| condition.last_transition_time.clone()),
    };
    match old {
        Some(at) => conditions[at] = new,
        None => conditions.push(new),
    }
    conditions
}
