//! The next steps of a Deployment. Each brings the ReplicaSets nearer to the goal without leaving its limits; what comes
//! after depends on how the pods do, which a later reconcile sees.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};

use super::limits::{is_rolling, max_surge, max_unavailable};
use super::sets::{Sets, allowed, available, desired, made, refreshed, replicas, revision, scaled, spec};

/// Something to do with a ReplicaSet.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Create(ReplicaSet),
    /// Its new state, and how many pods it wanted before.
    Update(ReplicaSet, i32),
    Delete(ReplicaSet),
}

/// What to do now. `old_pods_run` tells whether pods of old templates are there.
pub(super) fn plan(deployment: &Deployment, sets: &Sets, old_pods_run: bool) -> Vec<Step> {
    let spec = spec(deployment);
    if let Some(refreshed) = refreshed(deployment, sets) {
        let from = replicas(&refreshed);
        return vec![Step::Update(refreshed, from)];
    }
    if spec.paused == Some(true) || was_scaled(deployment, sets) {
        let mut steps = proportional(deployment, sets);
        if steps.is_empty() && spec.paused == Some(true) {
            steps = too_old(deployment, sets);
        }
        return steps;
    }
    let steps = if is_rolling(&spec) { rolling(deployment, sets) } else { recreate(deployment, sets, old_pods_run) };
    if steps.is_empty() && is_complete(deployment, sets) { too_old(deployment, sets) } else { steps }
}

/// Whether the Deployment wants another number of pods than when its ReplicaSets were scaled last.
fn was_scaled(deployment: &Deployment, sets: &Sets) -> bool {
    let wanted = wanted(deployment);
    sets.all().filter(|set| replicas(set) > 0).filter_map(desired).any(|desired| desired != wanted)
}

pub(super) fn wanted(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

fn is_complete(deployment: &Deployment, sets: &Sets) -> bool {
    let wanted = wanted(deployment);
    let new = sets.new.as_ref();
    new.is_some_and(|new| actual(new) == wanted)
        && sets.all().map(actual).sum::<i32>() == wanted
        && sets.available() == wanted
}

/// How many pods there are.
pub(super) fn actual(set: &ReplicaSet) -> i32 {
    set.status.as_ref().map(|status| status.replicas).unwrap_or_default()
}

/// New pods first as far as there may be more; then old ones go, as far as enough are available.
fn rolling(deployment: &Deployment, sets: &Sets) -> Vec<Step> {
    let spec = spec(deployment);
    let wanted = wanted(deployment);
    let room = (wanted + max_surge(&spec) - sets.wanted()).max(0);
    let Some(new) = &sets.new else { return vec![Step::Create(made(deployment, sets, room.min(wanted)))] };
    let has = replicas(new);
    let target = if has > wanted { wanted } else { has + room.min(wanted - has) };
    if target != has {
        return vec![scale(deployment, new, target)];
    }

    let least = wanted - max_unavailable(&spec);
    let mut spare = sets.wanted() - least - (has - available(new));
    if spare <= 0 {
        return Vec::new();
    }
    // Those that do not work are missed by nobody.
    let mut targets: Vec<(&ReplicaSet, i32)> = sets.active_old().map(|set| (set, replicas(set))).collect();
    for (set, target) in &mut targets {
        let broken = (*target - available(set)).clamp(0, spare);
        (*target, spare) = (*target - broken, spare - broken);
    }
    // Pods of a set that was scaled down are on their way out, whatever its status still says.
    let staying: i32 = sets.all().map(|set| available(set).min(replicas(set))).sum();
    let mut surplus = (staying - least).max(0);
    for (_, target) in &mut targets {
        let down = (*target).min(surplus);
        (*target, surplus) = (*target - down, surplus - down);
    }
    let changed = targets.into_iter().filter(|(set, target)| *target != replicas(set));
    changed.map(|(set, target)| scale(deployment, set, target)).collect()
}

/// All old pods go, and when they are gone the new ones come.
fn recreate(deployment: &Deployment, sets: &Sets, old_pods_run: bool) -> Vec<Step> {
    let down: Vec<Step> = sets.active_old().map(|set| scale(deployment, set, 0)).collect();
    if !down.is_empty() || old_pods_run {
        return down;
    }
    let wanted = wanted(deployment);
    match &sets.new {
        None => vec![Step::Create(made(deployment, sets, wanted))],
        Some(new) if replicas(new) != wanted => vec![scale(deployment, new, wanted)],
        Some(_) => Vec::new(),
    }
}

/// All ReplicaSets grow or shrink in proportion, so that a roll-out under way gets neither faster nor riskier.
fn proportional(deployment: &Deployment, sets: &Sets) -> Vec<Step> {
    let spec = spec(deployment);
    let wanted = wanted(deployment);
    let mut active: Vec<&ReplicaSet> = sets.all().filter(|set| replicas(set) > 0).collect();
    if active.len() <= 1 {
        let newest = || sets.new.as_ref().or(sets.old.last());
        let only = active.pop().or_else(newest);
        return only
            .filter(|set| replicas(set) != wanted)
            .map(|set| scale(deployment, set, wanted))
            .into_iter()
            .collect();
    }
    if let Some(new) = &sets.new
        && replicas(new) == wanted
        && desired(new) == Some(wanted)
        && available(new) == wanted
    {
        return sets.active_old().map(|set| scale(deployment, set, 0)).collect();
    }
    if !is_rolling(&spec) {
        return Vec::new();
    }
    let most = if wanted > 0 { wanted + max_surge(&spec) } else { 0 };
    let change = most - active.iter().map(|set| replicas(set)).sum::<i32>();
    // The largest first; of equal ones the newest grows first and the oldest shrinks first.
    let age = |set: &ReplicaSet| set.metadata.creation_timestamp.as_ref().map(|time| time.0);
    active.sort_by(|one, other| {
        let order = if change > 0 { age(other).cmp(&age(one)) } else { age(one).cmp(&age(other)) };
        replicas(other).cmp(&replicas(one)).then(order)
    });
    let mut left = change;
    let mut targets: Vec<i32> = Vec::new();
    for set in &active {
        let share = share(deployment, set, most);
        let share = if change > 0 { share.min(left) } else { share.max(left) };
        targets.push(replicas(set) + if change == 0 { 0 } else { share });
        left -= if change == 0 { 0 } else { share };
    }
    if let Some(first) = targets.first_mut() {
        *first = (*first + left).max(0);
    }
    let stale = |set: &ReplicaSet| desired(set) != Some(wanted) || allowed(set) != Some(wanted + max_surge(&spec));
    let changed = active.into_iter().zip(targets).filter(|(set, target)| *target != replicas(set) || stale(set));
    changed.map(|(set, target)| scale(deployment, set, target)).collect()
}

/// By how much a set grows when all may have `most` pods and were allowed as many as its annotation says before.
fn share(deployment: &Deployment, set: &ReplicaSet, most: i32) -> i32 {
    let has = replicas(set);
    if wanted(deployment) == 0 {
        return -has;
    }
    let actual = || deployment.status.as_ref().and_then(|status| status.replicas);
    let Some(before) = allowed(set).filter(|before| *before > 0).or_else(actual).filter(|before| *before > 0) else {
        return 0;
    };
    (f64::from(has) * f64::from(most) / f64::from(before)).round() as i32 - has
}

/// Old ReplicaSets beyond those that are kept to go back to.
fn too_old(deployment: &Deployment, sets: &Sets) -> Vec<Step> {
    let Some(limit) = spec(deployment).revision_history_limit else { return Vec::new() };
    let mut old: Vec<&ReplicaSet> = sets.old.iter().filter(|set| set.metadata.deletion_timestamp.is_none()).collect();
    old.sort_by_key(|set| revision(set));
    let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
    let unused = |set: &&ReplicaSet| {
        let observed = set.status.as_ref().and_then(|status| status.observed_generation);
        replicas(set) == 0 && actual(set) == 0 && observed >= set.metadata.generation
    };
    old.into_iter().take(surplus).filter(unused).map(|set| Step::Delete(set.clone())).collect()
}

fn scale(deployment: &Deployment, set: &ReplicaSet, to: i32) -> Step {
    Step::Update(scaled(deployment, set, to), replicas(set))
}
