//! The plan of a group, and what it means for one member.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    hash::{of_member, owner},
    leadership::duty::Standing,
};

/// Who is in a group, and how far the handover from who was in it before has come. It stands in the group's Lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan {
    /// The uid of the Lease in which it was made: one in another Lease goes on from nothing.
    pub(crate) lineage: String,
    /// Counts the plans of a lineage.
    pub(crate) epoch: u64,
    /// Who gets the keys, in order.
    pub(crate) members: Vec<String>,
    /// Who had them before. `None`: that is not known, so anybody may have any key.
    pub(crate) previous: Option<Vec<String>>,
    /// Those of `previous` who have let go of all that is no longer theirs, or who are dead.
    pub(crate) released: Vec<String>,
}

/// The name of a plan, by which members say that they have let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanId {
    pub(crate) lineage: String,
    pub(crate) epoch: u64,
}

impl Plan {
    pub(crate) fn id(&self) -> PlanId {
        PlanId { lineage: self.lineage.clone(), epoch: self.epoch }
    }

    /// Whether everybody has let go of what was theirs before.
    pub(crate) fn settled(&self) -> bool {
        self.previous.as_ref().is_some_and(|previous| previous.iter().all(|name| self.released.contains(name)))
    }
}

impl std::fmt::Display for PlanId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.lineage, self.epoch)
    }
}

/// A plan as one member sees it.
#[derive(Debug, Clone)]
pub(crate) struct View(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    me: usize,
    members: Vec<u64>,
    /// Hashes of those who had keys before, and whether each has let go of them. `None`: anybody may have any key.
    previous: Option<(Vec<u64>, Vec<bool>)>,
}

impl View {
    /// `None` if this member is not in the plan.
    pub(crate) fn new(plan: &Plan, me: &str) -> Option<Self> {
        let at = plan.members.iter().position(|name| name == me)?;
        let hashes = |names: &[String]| names.iter().map(|name| of_member(name)).collect::<Vec<u64>>();
        let previous = plan.previous.as_ref().map(|previous| {
            let free = previous.iter().map(|name| name == me || plan.released.contains(name)).collect();
            (hashes(previous), free)
        });
        Some(Self(Arc::new(Inner { me: at, members: hashes(&plan.members), previous })))
    }

    /// How a key stands with the member.
    pub(crate) fn standing(&self, hash: u64) -> Standing {
        let Inner { me, members, previous } = &*self.0;
        if owner(members, hash) != Some(*me) {
            return Standing::Foreign;
        }
        match previous {
            None => Standing::Awaited,
            Some((members, free)) => match owner(members, hash) {
                Some(before) if !free.get(before).copied().unwrap_or_default() => Standing::Awaited,
                _ => Standing::Ours,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::of_key;

    fn plan(members: &[&str], previous: Option<&[&str]>, released: &[&str]) -> Plan {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        Plan {
            lineage: "l".into(),
            epoch: 2,
            members: names(members),
            previous: previous.map(names),
            released: names(released),
        }
    }

    fn standings(plan: &Plan, me: &str) -> Vec<Standing> {
        let view = View::new(plan, me).unwrap();
        (0..200).map(|n| view.standing(of_key(&n))).collect()
    }

    #[test]
    fn a_key_that_moves_is_nobodys_until_who_had_it_lets_go() {
        let moving = plan(&["a", "b"], Some(&["a"]), &[]);
        let (a, b) = (standings(&moving, "a"), standings(&moving, "b"));
        for (a, b) in a.iter().zip(&b) {
            let expected = [(Standing::Ours, Standing::Foreign), (Standing::Foreign, Standing::Awaited)];
            assert!(expected.contains(&(*a, *b)), "{a:?} {b:?}");
        }
        assert!(b.contains(&Standing::Awaited) && a.contains(&Standing::Ours));
        assert!(!moving.settled());
        let moved = plan(&["a", "b"], Some(&["a"]), &["a"]);
        assert!(standings(&moved, "b").iter().all(|standing| *standing != Standing::Awaited));
        assert!(moved.settled());
    }

    #[test]
    fn without_a_past_nobody_starts_until_it_is_known_that_there_is_none() {
        let unknown = plan(&["a"], None, &[]);
        assert!(standings(&unknown, "a").iter().all(|standing| *standing == Standing::Awaited));
        assert!(!unknown.settled());
        let none = plan(&["a"], Some(&[]), &[]);
        assert!(standings(&none, "a").iter().all(|standing| *standing == Standing::Ours));
        assert!(none.settled());
        assert!(View::new(&none, "b").is_none());
    }
}
