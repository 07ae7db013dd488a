//! What the conditions of a composite say: a pure function of what was found.
//!
//! | reason of a component's condition | status | meaning |
//! |---|---|---|
//! | `Ready` | True | all of its children are as wanted and ready |
//! | `ChangesWait` | True | it is ready, and what is new waits for a wave before it |
//! | `Waiting` | False | a wave before it is not ready |
//! | `RollingOut` | False | what was applied is not ready yet |
//! | `Lost` | False | it was ready, and is no longer, though nothing was changed |
//! | `Failed`, `NameTaken` | False | it will not get ready without somebody's help |

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kubewright_runtime::conditions::{self, State};
use kubewright_runtime::{ChildRef, Owned, Readiness, WaveState};

use super::plan::{Component, Plan};

/// What is known of the components besides what became of their children.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Of what a component needs besides its children: probes and requirements; by its name.
    pub(super) needs: BTreeMap<String, Readiness>,
    /// Of the children of waves that were not reached, as the caches have them.
    pub(super) waiting: BTreeMap<String, Readiness>,
}

/// What is told about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) ready: Aspect,
    pub(super) progressing: Aspect,
    pub(super) degraded: Aspect,
    /// The condition of each component, in the order of the plan.
    pub(super) components: Vec<(String, Aspect)>,
    /// The first wave that is not ready.
    pub(super) wave: Option<String>,
}

/// What one condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aspect {
    pub(super) status: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Aspect {
    pub(super) fn new(status: bool, reason: &str, message: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), message: message.into() }
    }
}

/// Judges what was made of a plan.
pub(super) fn judge(
    plan: &Plan,
    owned: &Owned,
    found: &Found,
    before: &[Condition],
    generation: Option<i64>,
) -> Verdict {
    let mut components = Vec::new();
    for (wave, status) in plan.waves.iter().zip(&owned.waves) {
        for component in &wave.components {
            let aspect = match &status.state {
                WaveState::Waiting => waiting(component, found, owned),
                WaveState::Ready => reached(component, &[], found, owned, before, generation),
                WaveState::Applied(missing) => reached(component, missing, found, owned, before, generation),
            };
            components.push((component, aspect));
        }
    }
    let wave = owned.current_wave().map(|wave| wave.name.clone());
    let (all, ready) = (components.len(), components.iter().filter(|(_, aspect)| aspect.status).count());
    let of = |reasons: &[&str]| {
        let found = components.iter().filter(|(_, aspect)| reasons.contains(&aspect.reason.as_str()));
        found.map(|(component, aspect)| format!("{}: {}", component.name, aspect.message)).collect::<Vec<_>>()
    };
    let (rolling, lost, failed) = (of(&["RollingOut"]), of(&["Lost"]), of(&["Failed", "NameTaken"]));
    let count = format!("{ready} of {all} components are ready");
    let ready = match &wave {
        None => Aspect::new(true, "AllComponentsReady", count),
        Some(wave) => {
            let first = failed.first().or(lost.first()).or(rolling.first());
            let because = first.map(|first| format!("; {first}")).unwrap_or_default();
            Aspect::new(false, "WaveNotReady", format!("wave {wave} is not ready: {count}{because}"))
        }
    };
    let degraded = match (failed.is_empty(), lost.is_empty()) {
        (false, _) => Aspect::new(true, "ComponentFailed", failed.join("; ")),
        (true, false) => Aspect::new(true, "ComponentLost", lost.join("; ")),
        (true, true) => Aspect::new(false, "AsExpected", ""),
    };
    let progressing = match (rolling.is_empty(), &wave) {
        (false, _) => Aspect::new(true, "RollingOut", rolling.join("; ")),
        (true, None) => Aspect::new(false, "Settled", ""),
        (true, Some(wave)) if degraded.status => Aspect::new(false, "Blocked", format!("wave {wave} is not ready")),
        (true, Some(wave)) => Aspect::new(true, "RollingOut", format!("wave {wave} is not ready")),
    };
    let components = components.into_iter().map(|(component, aspect)| (component.condition(), aspect)).collect();
    Verdict { ready, progressing, degraded, components, wave }
}

/// A component whose children were applied.
fn reached(
    component: &Component,
    missing: &[(ChildRef, Readiness)],
    found: &Found,
    owned: &Owned,
    before: &[Condition],
    generation: Option<i64>,
) -> Aspect {
    if let Some(foreign) = owned.refused.iter().find(|foreign| has(component, &foreign.child)) {
        return Aspect::new(false, "NameTaken", foreign.to_string());
    }
    let need = found.needs.get(&component.name).cloned().unwrap_or(Readiness::Ready);
    let readiness = missing.iter().filter(|(child, _)| has(component, child)).fold(need, |readiness, (child, next)| {
        readiness.and(match next {
            Readiness::Ready => Readiness::Ready,
            Readiness::NotYet(why) => Readiness::NotYet(format!("{} {}: {why}", child.kind, child.object.name)),
            Readiness::Failed(why) => Readiness::Failed(format!("{} {}: {why}", child.kind, child.object.name)),
        })
    });
    let why = match readiness {
        Readiness::Ready => return Aspect::new(true, "Ready", ""),
        Readiness::Failed(why) => return Aspect::new(false, "Failed", why),
        Readiness::NotYet(why) => why,
    };
    let changed = owned.applied.iter().any(|child| has(component, child));
    let kind = component.condition();
    let last = before.iter().find(|condition| condition.type_ == kind && condition.observed_generation == generation);
    let was_ready = last.is_some_and(|last| last.reason == "Ready" || last.reason == "Lost");
    Aspect::new(false, if was_ready && !changed { "Lost" } else { "RollingOut" }, why)
}

/// A component whose wave has not come yet.
fn waiting(component: &Component, found: &Found, owned: &Owned) -> Aspect {
    let wave = owned.current_wave().map(|wave| wave.name.as_str()).unwrap_or_default();
    match found.waiting.get(&component.name) {
        Some(Readiness::Ready) => Aspect::new(true, "ChangesWait", format!("changes wait for wave {wave}")),
        Some(Readiness::NotYet(why) | Readiness::Failed(why)) => {
            Aspect::new(false, "Waiting", format!("waits for wave {wave}; {why}"))
        }
        None => Aspect::new(false, "Waiting", format!("waits for wave {wave}")),
    }
}

/// Whether a child is one of the component's.
pub(super) fn has(component: &Component, child: &ChildRef) -> bool {
    component.children.iter().any(|planned| {
        let Ok(tree) = &planned.tree else { return false };
        let namespace = tree["metadata"]["namespace"].as_str();
        planned.resource.kind == child.kind
            && tree["metadata"]["name"] == *child.object.name
            && namespace.is_none_or(|namespace| child.object.namespace.as_deref() == Some(namespace))
    })
}

impl Verdict {
    /// There is no plan, or it could not be carried out. What was told of the components stays as it was.
    pub(super) fn failed(reason: &str, message: &str) -> Self {
        Self {
            ready: Aspect::new(false, reason, message),
            progressing: Aspect::new(false, "Blocked", message),
            degraded: Aspect::new(true, reason, message),
            components: Vec::new(),
            wave: None,
        }
    }

    /// The conditions in their standard form. Those before of types that are not told any more go, unless nothing is told of
    /// components at all.
    pub(super) fn conditions(&self, before: &[Condition], generation: Option<i64>, now: Timestamp) -> Vec<Condition> {
        let main = [("Ready", &self.ready), ("Progressing", &self.progressing), ("Degraded", &self.degraded)];
        let components = self.components.iter().map(|(kind, aspect)| (kind.as_str(), aspect));
        let told: Vec<(&str, &Aspect)> = main.into_iter().chain(components).collect();
        let mut conditions = Vec::with_capacity(told.len());
        for (kind, Aspect { status, reason, message }) in &told {
            conditions.extend(before.iter().find(|condition| condition.type_ == **kind).cloned());
            let state = State { kind, status: Some(*status), reason, message };
            conditions::set(&mut conditions, state, generation, now);
        }
        if self.components.is_empty() {
            let rest = before.iter().filter(|condition| told.iter().all(|(kind, _)| condition.type_ != *kind));
            conditions.extend(rest.cloned());
        }
        conditions
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;
    use kubewright_runtime::{Foreign, ObjectRef, WaveStatus};

    use super::*;

    fn component(name: &str) -> Component {
        let mut deployment = Deployment::default();
        deployment.metadata.name = Some(name.into());
        Component::new(name).child(&deployment)
    }

    fn plan() -> Plan {
        Plan::new().wave("one", [component("db")]).wave("two", [component("api"), component("web")])
    }

    fn child(name: &str) -> ChildRef {
        ChildRef { kind: "Deployment".into(), object: ObjectRef::new(Some("ns"), name) }
    }

    fn owned(one: WaveState, two: WaveState) -> Owned {
        let wave = |name: &str, state| WaveStatus { name: name.into(), state };
        Owned { waves: vec![wave("one", one), wave("two", two)], ..Owned::default() }
    }

    fn not_yet(name: &str) -> WaveState {
        WaveState::Applied(vec![(child(name), Readiness::NotYet("0 of 1".into()))])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn reasons(verdict: &Verdict) -> Vec<&str> {
        let aspects = [&verdict.ready, &verdict.progressing, &verdict.degraded].into_iter();
        aspects
            .chain(verdict.components.iter().map(|(_, aspect)| aspect))
            .map(|aspect| aspect.reason.as_str())
            .collect()
    }

    fn judged(owned: &Owned, before: &[Condition], generation: i64) -> Verdict {
        judge(&plan(), owned, &Found::default(), before, Some(generation))
    }

    fn settled() -> Vec<Condition> {
        let verdict = judged(&owned(WaveState::Ready, WaveState::Ready), &[], 1);
        assert_eq!(reasons(&verdict), ["AllComponentsReady", "Settled", "AsExpected", "Ready", "Ready", "Ready"]);
        verdict.conditions(&[], Some(1), at(1))
    }

    #[test]
    fn a_first_roll_out_progresses_and_later_waves_wait() {
        let verdict = judged(&owned(not_yet("db"), WaveState::Waiting), &[], 1);
        assert_eq!(reasons(&verdict), ["WaveNotReady", "RollingOut", "AsExpected", "RollingOut", "Waiting", "Waiting"]);
        assert_eq!(
            verdict.ready.message,
            "wave one is not ready: 0 of 3 components are ready; db: Deployment db: 0 of 1"
        );
        assert_eq!(verdict.wave.as_deref(), Some("one"));
    }

    #[test]
    fn what_was_ready_and_is_not_without_a_change_is_lost() {
        let before = settled();
        let lost = judged(&owned(not_yet("db"), WaveState::Waiting), &before, 1);
        assert_eq!(reasons(&lost)[..4], ["WaveNotReady", "Blocked", "ComponentLost", "Lost"]);
        let before = lost.conditions(&before, Some(1), at(2));
        let still = judged(&owned(not_yet("db"), WaveState::Waiting), &before, 1);
        assert_eq!(still, lost, "it stays lost until it is back or something is changed");
        let changed = judged(&owned(not_yet("db"), WaveState::Waiting), &before, 2);
        assert_eq!(reasons(&changed)[..4], ["WaveNotReady", "RollingOut", "AsExpected", "RollingOut"]);
        let mut repaired = owned(not_yet("db"), WaveState::Waiting);
        repaired.applied.push(child("db"));
        assert_eq!(reasons(&judged(&repaired, &settled(), 1))[3], "RollingOut", "what we change rolls out");
    }

    #[test]
    fn components_that_run_while_a_wave_before_is_not_ready_are_told_as_ready() {
        let found = Found { waiting: [("api".to_string(), Readiness::Ready)].into(), ..Found::default() };
        let verdict = judge(&plan(), &owned(not_yet("db"), WaveState::Waiting), &found, &settled(), Some(2));
        let api = &verdict.components[1].1;
        assert_eq!((api.status, api.reason.as_str()), (true, "ChangesWait"));
    }

    #[test]
    fn a_taken_name_and_a_failure_degrade() {
        let mut taken = owned(WaveState::Ready, WaveState::Applied(vec![]));
        taken.refused.push(Foreign { child: child("api"), controller: None });
        let verdict = judged(&taken, &[], 1);
        assert_eq!(reasons(&verdict), ["WaveNotReady", "Blocked", "ComponentFailed", "Ready", "NameTaken", "Ready"]);
        assert!(verdict.degraded.message.contains("api: Deployment ns/api exists and is not ours"), "{verdict:?}");
        let stuck = WaveState::Applied(vec![(child("web"), Readiness::Failed("too slow".into()))]);
        let verdict = judged(&owned(WaveState::Ready, stuck), &[], 1);
        assert_eq!(verdict.degraded.message, "web: Deployment web: too slow");
    }

    #[test]
    fn what_a_component_needs_besides_its_children_counts() {
        let needs = [("db".to_string(), Readiness::NotYet("https://x does not answer".into()))].into();
        let found = Found { needs, ..Found::default() };
        let verdict = judge(&plan(), &owned(WaveState::Applied(vec![]), WaveState::Waiting), &found, &[], Some(1));
        assert_eq!(verdict.components[0].1.message, "https://x does not answer");
    }

    #[test]
    fn conditions_keep_their_time_and_those_of_components_that_are_gone_go() {
        let before = settled();
        let smaller = Plan::new().wave("one", [component("db")]);
        let owned =
            Owned { waves: vec![WaveStatus { name: "one".into(), state: WaveState::Ready }], ..Owned::default() };
        let verdict = judge(&smaller, &owned, &Found::default(), &before, Some(2));
        let after = verdict.conditions(&before, Some(2), at(9));
        assert_eq!(
            after.iter().map(|c| c.type_.as_str()).collect::<Vec<_>>(),
            ["Ready", "Progressing", "Degraded", "DbReady"]
        );
        assert!(after.iter().all(|c| c.last_transition_time.0 == at(1) && c.observed_generation == Some(2)));
        let refused = Verdict::failed("InvalidPort", "spec.web.port").conditions(&before, Some(3), at(9));
        assert_eq!(refused.len(), before.len(), "nothing new is known of the components");
        assert_eq!((refused[0].status.as_str(), refused[0].reason.as_str()), ("False", "InvalidPort"));
    }
}
