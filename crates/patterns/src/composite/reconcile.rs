//! Carries plans out: children by owned sets, conditions, events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{ApiResource, DynamicObject};
use kube::{Resource, ResourceExt};
use kubewright_runtime::{Children, Context, Error, ObjectRef, Outcome, Owned, Readiness, Reconciler, Wave, WaveState};
use serde_json::{Value, json};

use super::judge::{Found, Verdict, judge};
use super::plan::{Component, Plan, Required, Requirement};
use super::probes::Probes;
use super::{Composite, CompositeOptions, CompositeStatus, checksum};

/// Brings an object's children in line with its plan.
pub(super) struct CompositeReconciler<C> {
    pub(super) composite: C,
    pub(super) options: CompositeOptions,
    pub(super) probes: Probes,
}

/// What a component needs besides its children.
#[derive(Default)]
struct Needs {
    readiness: BTreeMap<String, Readiness>,
    /// What is required and there, as the caches have it.
    configs: BTreeMap<String, Vec<Value>>,
    /// Components of which something required is missing.
    incomplete: BTreeSet<String>,
}

impl<C: Composite> Reconciler for CompositeReconciler<C> {
    type Object = C::Object;

    async fn reconcile(&self, object: Arc<C::Object>, ctx: &Context) -> Result<Outcome, Error> {
        let key = ObjectRef::new(object.namespace().as_deref(), &object.name_any());
        if object.meta().deletion_timestamp.is_some() {
            self.probes.want(&key, BTreeSet::new());
            return Ok(Outcome::Settled);
        }
        let before = conditions(&*object)?;
        let generation = object.meta().generation;
        let tell = async |verdict: &Verdict| tell(ctx, verdict, &before, generation).await;
        let plan = match self.composite.plan(&object).and_then(|plan| plan.check().map(|()| plan)) {
            Ok(plan) => plan,
            Err(refusal) => {
                ctx.warning(&refusal.reason, &refusal.message);
                tell(&Verdict::failed(&refusal.reason, &refusal.message)).await?;
                return Ok(Outcome::Settled);
            }
        };
        self.probes.want(&key, plan.components().flat_map(|component| component.probes.iter().cloned()).collect());
        let needs = self.needs(&plan, ctx, &key).await?;
        let owned = match ctx.own(children(&plan, &needs, ctx, &key)?).await {
            Ok(owned) => owned,
            Err(error) => {
                // What passes by itself is no state of the object.
                if let Some(why) = permanent(&error) {
                    ctx.warning("ApplyFailed", &why);
                    tell(&Verdict::failed("ApplyFailed", &why)).await?;
                }
                return Err(error);
            }
        };
        let found = Found { waiting: waiting(&plan, &owned, ctx, &key)?, needs: needs.readiness };
        let verdict = judge(&plan, &owned, &found, &before, generation);
        tell(&verdict).await?;
        let mut probed = plan.components().filter(|component| !component.probes.is_empty()).peekable();
        if probed.peek().is_none() {
            return Ok(Outcome::Settled);
        }
        let answers = |component: &Component| found.needs.get(&component.name).is_none_or(Readiness::is_ready);
        let CompositeOptions { probe_interval, probe_retry, .. } = self.options;
        Ok(if probed.all(answers) { Outcome::Recheck(probe_interval) } else { Outcome::After(probe_retry) })
    }

    async fn gone(&self, key: &ObjectRef, _: &Context) -> Result<Outcome, Error> {
        self.probes.want(key, BTreeSet::new());
        Ok(Outcome::Settled)
    }
}

impl<C: Composite> CompositeReconciler<C> {
    /// Asks what components need besides their children.
    async fn needs(&self, plan: &Plan, ctx: &Context, key: &ObjectRef) -> Result<Needs, Error> {
        let mut needs = Needs::default();
        let mut asked = Vec::new();
        for component in plan.components() {
            let name = component.name.as_str();
            for Required { requirement, in_checksum } in &component.requires {
                let (config, readiness) = required(requirement, ctx, key)?;
                if *in_checksum {
                    if !readiness.is_ready() {
                        needs.incomplete.insert(name.into());
                    }
                    needs.configs.entry(name.into()).or_default().extend(config);
                }
                needs.add(name, readiness);
            }
            asked.extend(
                component.probes.iter().map(|probe| async move { (name, probe, self.probes.ask(probe).await) }),
            );
        }
        for (name, probe, answer) in join_all(asked).await {
            let readiness = match answer {
                Ok(()) => Readiness::Ready,
                Err(why) => Readiness::NotYet(format!("{probe} does not answer: {why}")),
            };
            needs.add(name, readiness);
        }
        Ok(needs)
    }
}

impl Needs {
    fn add(&mut self, component: &str, readiness: Readiness) {
        let so_far = self.readiness.remove(component).unwrap_or(Readiness::Ready);
        self.readiness.insert(component.into(), so_far.and(readiness));
    }
}

/// Looks for something that is required; the key is woken when it appears, changes or goes.
fn required(requirement: &Requirement, ctx: &Context, key: &ObjectRef) -> Result<(Option<Value>, Readiness), Error> {
    let (resource, name, keys) = match requirement {
        Requirement::Secret { name, keys } => (ApiResource::erase::<Secret>(&()), name, keys),
        Requirement::ConfigMap { name, keys } => (ApiResource::erase::<ConfigMap>(&()), name, keys),
    };
    let kind = &resource.kind;
    let Some(stored) = ctx.read(&resource).get(&ObjectRef::new(key.namespace.as_deref(), name))? else {
        return Ok((None, Readiness::NotYet(format!("there is no {kind} {name}; create it"))));
    };
    let mut tree = stored.tree();
    tree["kind"] = json!(kind);
    let has = |key: &String| {
        let values = [&tree["data"][key], &tree["binaryData"][key]];
        values.iter().any(|value| value.as_str().is_some_and(|value| !value.is_empty() || kind == "ConfigMap"))
    };
    let readiness = match keys.iter().find(|key| !has(key)) {
        None => Readiness::Ready,
        Some(missing) => Readiness::NotYet(format!("{kind} {name} has no key {missing:?}, or an empty one; set it")),
    };
    Ok((Some(tree), readiness))
}

/// The children of all waves, as they are applied.
fn children(plan: &Plan, needs: &Needs, ctx: &Context, key: &ObjectRef) -> Result<Children, Error> {
    let mut children = Children::new();
    for planned in &plan.waves {
        let mut wave = Children::new();
        let mut also = Readiness::Ready;
        for component in &planned.components {
            also = also.and(needs.readiness.get(&component.name).cloned().unwrap_or(Readiness::Ready));
            let configs = needs.configs.get(&component.name).map(Vec::as_slice).unwrap_or_default();
            let checksum = checksum::of(component, configs);
            let incomplete = needs.incomplete.contains(&component.name);
            for child in &component.children {
                let Ok(tree) = &child.tree else { continue };
                let (mut tree, resource) = (tree.clone(), &child.resource);
                let checksum = match incomplete {
                    // What has gone for a moment must not roll pods that can't start without it.
                    true => {
                        live(ctx, resource, key, &tree)?.and_then(|live| checksum::carried(&live).map(str::to_string))
                    }
                    false => checksum.clone(),
                };
                if let Some(checksum) = checksum
                    && let Some(place) = checksum::place(&resource.group, &resource.kind, &mut tree)
                {
                    *place = json!(checksum);
                }
                let child: DynamicObject = serde_json::from_value(tree).map_err(|error| {
                    Error::terminal(format!("component {}: a {}: {error}", component.name, resource.kind))
                })?;
                wave = wave.add_dynamic(resource, child);
            }
        }
        let rules = plan.rules.clone();
        let wave = Wave::new(&planned.name, wave).ready_when(move |live| rules.judge(live.tree())).also(also);
        children = children.wave(wave);
    }
    Ok(children)
}

/// How the components of waves that were not reached are, as far as they are there.
fn waiting(plan: &Plan, owned: &Owned, ctx: &Context, key: &ObjectRef) -> Result<BTreeMap<String, Readiness>, Error> {
    let mut found = BTreeMap::new();
    for (wave, status) in plan.waves.iter().zip(&owned.waves) {
        if status.state != WaveState::Waiting {
            continue;
        }
        for component in &wave.components {
            found.extend(there(component, plan, ctx, key)?.map(|readiness| (component.name.clone(), readiness)));
        }
    }
    Ok(found)
}

/// Whether a component is ready as it is there; `None` if nothing of it is.
fn there(component: &Component, plan: &Plan, ctx: &Context, key: &ObjectRef) -> Result<Option<Readiness>, Error> {
    let (mut some, mut readiness) = (false, Readiness::Ready);
    for child in &component.children {
        let Ok(tree) = &child.tree else { continue };
        let kind = &child.resource.kind;
        readiness = readiness.and(match live(ctx, &child.resource, key, tree)? {
            Some(live) => {
                some = true;
                plan.rules.judge(&live)
            }
            None => Readiness::NotYet(format!(
                "{kind} {} is not there",
                tree["metadata"]["name"].as_str().unwrap_or_default()
            )),
        });
    }
    Ok(some.then_some(readiness))
}

/// A planned child as the caches have it.
fn live(ctx: &Context, resource: &ApiResource, key: &ObjectRef, tree: &Value) -> Result<Option<Value>, Error> {
    let metadata = &tree["metadata"];
    let namespace = metadata["namespace"].as_str().or(key.namespace.as_deref());
    let name = metadata["name"].as_str().unwrap_or_default();
    Ok(ctx.informer(resource)?.get(&ObjectRef::new(namespace, name)).map(|stored| stored.tree()))
}

/// Writes what is to be told into the status, and tells of what is new by events.
async fn tell(ctx: &Context, verdict: &Verdict, before: &[Condition], generation: Option<i64>) -> Result<(), Error> {
    let conditions = verdict.conditions(before, generation, ctx.now());
    let was = |kind: &str| before.iter().any(|condition| condition.type_ == kind && condition.status == "True");
    if verdict.ready.status && !was("Ready") {
        ctx.normal("Ready", &verdict.ready.message);
    }
    // What was refused or failed to be applied has been told already.
    if verdict.degraded.status && !was("Degraded") && !verdict.components.is_empty() {
        ctx.warning(&verdict.degraded.reason, &verdict.degraded.message);
    }
    let parts = conditions.get(3..).unwrap_or_default();
    let ready = parts.iter().filter(|condition| condition.status == "True").count();
    let status = CompositeStatus {
        observed_generation: generation,
        components: Some(format!("{ready}/{}", parts.len())),
        wave: verdict.wave.clone(),
        conditions,
    };
    ctx.set_status(&status).await?;
    Ok(())
}

/// The conditions that an object has.
fn conditions(object: &impl serde::Serialize) -> Result<Vec<Condition>, Error> {
    let conditions = serde_json::to_value(object)?["status"]["conditions"].take();
    // What cannot be read is written anew.
    Ok(serde_json::from_value(conditions).unwrap_or_default())
}

/// What is wrong if trying again can only help when somebody has changed something; `None` if it may pass by itself.
fn permanent(error: &Error) -> Option<String> {
    let own = error.cause().downcast_ref::<kube::Error>();
    match own.or_else(|| error.cause().source().and_then(|source| source.downcast_ref())) {
        Some(kube::Error::Api(status)) => {
            let lasts = (400..500).contains(&status.code) && ![408, 409, 429].contains(&status.code);
            // How the client shows the answer is for developers.
            lasts.then(|| match own {
                Some(_) => status.message.clone(),
                None => format!("{}: {}", error.cause(), status.message),
            })
        }
        Some(_) => None,
        None => error.is_terminal().then(|| error.to_string()),
    }
}
