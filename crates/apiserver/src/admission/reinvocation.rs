//! Which policies and webhooks go over an object a second time: when one of them has changed it, those that say `IfNeeded`
//! and had their turn before the change.

use std::collections::BTreeSet;

use serde_json::Value;

use super::policies::InvocationKey;

/// The rounds of the first phase: one, and a second one when a policy or a webhook has changed the object.
#[derive(Default)]
pub(super) struct Reinvocation {
    /// The second round is on.
    again: bool,
    /// The object has been changed in the first round.
    wanted: bool,
    pub(super) policies: Turns<InvocationKey>,
    /// By their places.
    pub(super) webhooks: Turns<usize>,
}

impl Reinvocation {
    /// Whether there is a second round, which begins now.
    pub(super) fn begin(&mut self) -> bool {
        let begins = self.wanted && !self.again;
        self.again |= begins;
        begins
    }

    pub(super) fn is_second(&self) -> bool {
        self.again
    }

    pub(super) fn want_second(&mut self) {
        self.wanted = true;
    }
}

/// Which policies, or webhooks, have had their turn and get another.
pub(super) struct Turns<K> {
    /// Those that say `IfNeeded` and have had theirs since the last change.
    had: BTreeSet<K>,
    /// Those that get one in the second round.
    due: BTreeSet<K>,
    /// What they have left.
    left: Option<Value>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self { had: BTreeSet::new(), due: BTreeSet::new(), left: None }
    }
}

impl<K: Ord> Turns<K> {
    /// The object has been changed, by one of them or by others.
    pub(super) fn changed(&mut self) {
        self.due.append(&mut self.had);
    }

    /// The second round begins with this object.
    pub(super) fn begin(&mut self, object: Option<&Value>) {
        if self.left.as_ref() != object {
            self.changed();
        }
    }

    /// They have gone over the object, and it is this now.
    pub(super) fn leave(&mut self, object: Option<&Value>) {
        self.left = object.cloned();
    }

    pub(super) fn is_due(&self, key: &K) -> bool {
        self.due.contains(key)
    }

    /// One that says `IfNeeded` has had its turn.
    pub(super) fn had(&mut self, key: K) {
        self.had.insert(key);
    }
}
