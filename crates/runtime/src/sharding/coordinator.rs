//! What the coordinator of a group decides, from what it sees of the members: a pure state machine.
//!
//! | what is so | what follows |
//! |---|---|
//! | there is no plan of this Lease | the first: the members that there are, and nobody knows who had what before |
//! | a first plan is a whole lease old, and everybody who was there has let go or is dead | nobody has anything any more |
//! | a plan is not settled, and one who had keys has let go or is dead | the plan says so |
//! | a plan is settled, and others are there than it says | the next plan |
//! | a member has been silent for the duration of its Lease | its Lease is removed, if it is still that version |
//!
//! A member is dead when its Lease was removed by us at a version that had been there, unchanged, for its whole duration;
//! when it has given it up; or when it has not been there for a whole duration, whoever removed it. Names are never used
//! again, so the dead stay dead. That one is coordinator has to be certain for nothing: plans are written on the condition
//! that the Lease is the version from which they follow, and so is each removal.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::view::Plan;

/// What a coordinator knows of its members.
#[derive(Debug, Clone)]
pub(crate) struct Coordinator {
    /// For how long a member that is not there may still believe that it is.
    lease: Duration,
    /// The Lease that it coordinates by, and since when.
    began: Option<(String, Duration)>,
    known: BTreeMap<String, Known>,
    dead: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Known {
    /// `None`: it is not there.
    version: Option<String>,
    since: Duration,
}

/// A member's Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) version: String,
    /// It has given its Lease up.
    pub(crate) left: bool,
    pub(crate) duration: Duration,
    /// The plan for which it has let go, as in [`PlanId`](super::view::PlanId).
    pub(crate) released: String,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Write the plan, if the Lease is still that from which it follows.
    Publish(Plan),
    /// Remove the Lease of a member, if it is still this version; if that succeeds, say [`Coordinator::removed`].
    Remove { name: String, version: String },
}

impl Coordinator {
    pub(crate) fn new(lease: Duration) -> Self {
        Self { lease, began: None, known: BTreeMap::new(), dead: BTreeSet::new() }
    }

    /// A member's Lease was removed as ordered.
    pub(crate) fn removed(&mut self, name: &str) {
        self.dead.insert(name.to_string());
    }

    /// What follows from the members that are there `now`, when `lineage` is the uid of the group's Lease and `plan` what
    /// stands in it.
    pub(crate) fn step(&mut self, now: Duration, lineage: &str, plan: Option<&Plan>, seen: &[Seen]) -> Vec<Order> {
        let plan = plan.filter(|plan| plan.lineage == lineage);
        if self.began.as_ref().is_none_or(|(began, _)| began != lineage) {
            *self = Self { began: Some((lineage.to_string(), now)), ..Self::new(self.lease) };
        }
        self.look(now, seen);
        self.forget(now, plan);
        let mut orders = self.silent(now, seen);
        orders.extend(self.left_over(plan, seen));
        orders.extend(self.next(now, lineage, plan, seen).map(Order::Publish));
        orders
    }

    /// Notes since when things have been as they are.
    fn look(&mut self, now: Duration, seen: &[Seen]) {
        for (name, known) in &mut self.known {
            if known.version.is_some() && !seen.iter().any(|seen| seen.name == *name) {
                *known = Known { version: None, since: now };
            }
        }
        for Seen { name, version, .. } in seen {
            if self.known.get(name).is_none_or(|known| known.version.as_ref() != Some(version)) {
                self.known.insert(name.clone(), Known { version: Some(version.clone()), since: now });
            }
        }
    }

    /// Forgets those of whom nobody speaks any more.
    fn forget(&mut self, now: Duration, plan: Option<&Plan>) {
        let needed = |name: &String| {
            plan.is_some_and(|plan| plan.members.iter().chain(plan.previous.iter().flatten()).any(|had| had == name))
        };
        let lease = self.lease;
        self.known.retain(|name, known| known.version.is_some() || now < known.since + lease || needed(name));
        self.dead.retain(|name| self.known.contains_key(name) || needed(name));
    }

    /// Members that have been silent for too long.
    fn silent(&self, now: Duration, seen: &[Seen]) -> Vec<Order> {
        let silent = seen.iter().filter(|seen| {
            let since = self.known.get(&seen.name).map_or(now, |known| known.since);
            !seen.left && now >= since + seen.duration.max(self.lease)
        });
        silent.map(|seen| Order::Remove { name: seen.name.clone(), version: seen.version.clone() }).collect()
    }

    /// Leases that were given up and that no plan needs any more.
    fn left_over(&self, plan: Option<&Plan>, seen: &[Seen]) -> Vec<Order> {
        let needed = |name: &String| {
            plan.is_none_or(|plan| plan.members.contains(name) || plan.previous.iter().flatten().any(|had| had == name))
        };
        let over = seen.iter().filter(|seen| seen.left && !needed(&seen.name));
        over.map(|seen| Order::Remove { name: seen.name.clone(), version: seen.version.clone() }).collect()
    }

    fn next(&self, now: Duration, lineage: &str, plan: Option<&Plan>, seen: &[Seen]) -> Option<Plan> {
        let mut wanted: Vec<String> = seen
            .iter()
            .filter(|seen| !self.is_dead(now, &seen.name, Some(seen)))
            .map(|seen| seen.name.clone())
            .collect();
        wanted.sort();
        let Some(plan) = plan else {
            let (lineage, released) = (lineage.to_string(), Vec::new());
            return Some(Plan { lineage, epoch: 1, members: wanted, previous: None, released });
        };
        let gone = |name: &String| {
            let found = seen.iter().find(|seen| seen.name == *name);
            let released = found.is_some_and(|seen| seen.released == plan.id().to_string());
            released || self.is_dead(now, name, found)
        };
        let Some(previous) = &plan.previous else {
            let began = self.began.as_ref().map_or(now, |(_, began)| *began);
            let clear = now >= began + self.lease && self.known.keys().all(gone);
            return clear.then(|| Plan { previous: Some(Vec::new()), ..plan.clone() });
        };
        let released: Vec<String> =
            previous.iter().filter(|name| plan.released.contains(*name) || gone(name)).cloned().collect();
        let next = Plan { released, ..plan.clone() };
        if next.settled() && wanted != plan.members {
            let released = plan
                .members
                .iter()
                .filter(|name| self.is_dead(now, name, seen.iter().find(|seen| seen.name == **name)));
            return Some(Plan {
                epoch: plan.epoch + 1,
                released: released.cloned().collect(),
                previous: Some(plan.members.clone()),
                members: wanted,
                lineage: plan.lineage.clone(),
            });
        }
        (next.released.len() > plan.released.len()).then_some(next)
    }

    fn is_dead(&self, now: Duration, name: &str, seen: Option<&Seen>) -> bool {
        let missing = || match self.known.get(name) {
            Some(known) => known.version.is_none() && now >= known.since + self.lease,
            // It was not there when we began.
            None => self.began.as_ref().is_some_and(|(_, began)| now >= *began + self.lease),
        };
        self.dead.contains(name) || seen.map_or_else(missing, |seen| seen.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(15);

    fn member(name: &str, version: &str, released: &str) -> Seen {
        let text = str::to_string;
        Seen { name: text(name), version: text(version), left: false, duration: LEASE, released: text(released) }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn plan(epoch: u64, members: &[&str], previous: &[&str], released: &[&str]) -> Plan {
        let previous = Some(names(previous));
        Plan { lineage: "u".into(), epoch, members: names(members), previous, released: names(released) }
    }

    fn published(orders: &[Order]) -> Option<Plan> {
        orders.iter().find_map(|order| match order {
            Order::Publish(plan) => Some(plan.clone()),
            Order::Remove { .. } => None,
        })
    }

    #[test]
    fn a_first_plan_lets_nobody_start_until_nobody_can_have_anything() {
        let mut coordinator = Coordinator::new(LEASE);
        let first =
            published(&coordinator.step(at(0), "u", None, &[member("a", "1", ""), member("b", "1", "")])).unwrap();
        assert_eq!((first.epoch, &first.members, &first.previous), (1, &names(&["a", "b"]), &None));
        let quiet = [member("a", "2", "u/1"), member("b", "2", "")];
        assert_eq!(coordinator.step(at(16), "u", Some(&first), &quiet), [], "b has not let go");
        let both = [member("a", "3", "u/1"), member("b", "3", "u/1")];
        let clear = published(&coordinator.step(at(17), "u", Some(&first), &both)).unwrap();
        assert_eq!((clear.epoch, clear.previous), (1, Some(Vec::new())));
    }

    #[test]
    fn a_plan_goes_on_when_everybody_has_let_go_and_not_before() {
        let mut coordinator = Coordinator::new(LEASE);
        let settled = plan(4, &["a"], &[], &[]);
        let joined = [member("a", "1", "u/4"), member("b", "1", "")];
        let next = published(&coordinator.step(at(0), "u", Some(&settled), &joined)).unwrap();
        assert_eq!(next, plan(5, &["a", "b"], &["a"], &[]));
        assert_eq!(coordinator.step(at(1), "u", Some(&next), &joined), []);
        // A third waits for its turn.
        let three = [member("a", "2", "u/4"), member("b", "2", "u/5"), member("c", "1", "")];
        assert_eq!(coordinator.step(at(2), "u", Some(&next), &three), []);
        let three = [member("a", "3", "u/5"), member("b", "3", "u/5"), member("c", "2", "")];
        let next = published(&coordinator.step(at(3), "u", Some(&next), &three)).unwrap();
        assert_eq!(next, plan(6, &["a", "b", "c"], &["a", "b"], &[]));
    }

    #[test]
    fn a_silent_member_is_removed_first_and_replaced_when_that_has_succeeded() {
        let mut coordinator = Coordinator::new(LEASE);
        let settled = plan(4, &["a", "b"], &["a", "b"], &["a", "b"]);
        assert_eq!(coordinator.step(at(0), "u", Some(&settled), &[member("a", "1", ""), member("b", "1", "")]), []);
        let silent = [member("a", "9", ""), member("b", "1", "")];
        assert_eq!(coordinator.step(at(14), "u", Some(&settled), &silent), []);
        let remove = Order::Remove { name: "b".into(), version: "1".into() };
        assert_eq!(coordinator.step(at(15), "u", Some(&settled), &silent), std::slice::from_ref(&remove));
        assert_eq!(coordinator.step(at(16), "u", Some(&settled), &silent), [remove], "it may have failed");
        coordinator.removed("b");
        let next = published(&coordinator.step(at(17), "u", Some(&settled), &[member("a", "9", "")])).unwrap();
        assert_eq!(next, plan(5, &["a"], &["a", "b"], &["b"]));
    }

    #[test]
    fn a_member_whose_lease_somebody_deleted_is_waited_for() {
        let mut coordinator = Coordinator::new(LEASE);
        let settled = plan(4, &["a", "b"], &["a", "b"], &["a", "b"]);
        coordinator.step(at(0), "u", Some(&settled), &[member("a", "1", ""), member("b", "1", "")]);
        let alone = |version: &str| [member("a", version, "")];
        let next = published(&coordinator.step(at(5), "u", Some(&settled), &alone("2"))).unwrap();
        assert_eq!(next, plan(5, &["a"], &["a", "b"], &[]));
        let released = [member("a", "3", "u/5")];
        let next = published(&coordinator.step(at(19), "u", Some(&next), &released)).unwrap();
        assert_eq!(next.released, ["a"]);
        let next = published(&coordinator.step(at(20), "u", Some(&next), &released)).unwrap();
        assert_eq!(next.released, ["a", "b"]);
    }

    #[test]
    fn a_member_that_has_left_is_replaced_at_once_and_its_lease_tidied_up() {
        let mut coordinator = Coordinator::new(LEASE);
        let settled = plan(4, &["a", "b"], &["a", "b"], &["a", "b"]);
        let left = Seen { left: true, ..member("b", "7", "") };
        let next =
            published(&coordinator.step(at(0), "u", Some(&settled), &[member("a", "1", ""), left.clone()])).unwrap();
        assert_eq!(next, plan(5, &["a"], &["a", "b"], &["b"]));
        let after = plan(6, &["a"], &["a"], &["a"]);
        let orders = coordinator.step(at(1), "u", Some(&after), &[member("a", "2", ""), left]);
        assert_eq!(orders, [Order::Remove { name: "b".into(), version: "7".into() }]);
    }
}
