//! The loops of a member: one keeps its own Lease alive, the other turns plans into what may be worked on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::api::coordination::v1::Lease;
use rand::{RngExt, rngs::StdRng};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    GROUP_LABEL, RELEASED,
    view::{Plan, PlanId, View},
};
use crate::{
    clock::Clock,
    handle::{Handle, Role},
    leadership::{
        duty::{Duty, Held},
        election::{Action, Election, Input, Terms},
        elector::JITTER,
        identity,
        lease::{self, Leases, Marks, Written},
    },
};

/// A Lease that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alive {
    name: String,
    /// Tells the times apart in which it was so.
    since: Duration,
}

/// Keeps a member's Lease alive.
pub(crate) struct Keeper {
    pub(crate) group: String,
    /// What people call the process.
    pub(crate) host: String,
    pub(crate) terms: Terms,
    pub(crate) leases: Leases,
    pub(crate) duty: Duty,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: StdRng,
    pub(crate) handle: Handle,
    /// The Lease while it is alive.
    pub(crate) alive: watch::Sender<Option<Alive>>,
    /// The plan for which everything has been let go of.
    pub(crate) released: watch::Receiver<Option<PlanId>>,
    /// The Lease as it was last seen.
    pub(crate) last: Option<Lease>,
}

impl Keeper {
    /// Runs until `stop` is cancelled, and leaves the group then.
    pub(crate) async fn run(mut self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            self.live(stop).await;
        }
    }

    /// One life: from the making of a Lease to its loss. Others were told of its end, so its name never comes back.
    async fn live(&mut self, stop: &CancellationToken) {
        let suffix = identity::suffix();
        let name = format!("{}-{suffix}", self.group);
        self.leases.holder = format!("{}_{suffix}", self.host);
        self.last = None;
        self.handle.set_replica(|status| {
            status.identity.clone_from(&self.leases.holder);
            status.role = Role::Standby;
        });
        let mut election = Election::new(self.leases.holder.clone(), self.terms);
        let mut action = Action::Read;
        while action != Action::Over {
            let input = tokio::select! {
                biased;
                () = stop.cancelled() => return self.leave(&name, &election).await,
                input = self.perform(&name, &election, &action) => input,
            };
            let before = election.leads_until();
            let (after, next) = election.step(self.clock.elapsed(), input);
            (election, action) = (after, next);
            match (before, election.leads_until()) {
                (None, Some(until)) => {
                    tracing::info!(group = self.group, member = name, "in the group");
                    self.duty.extend(until);
                    let alive = Alive { name: name.clone(), since: self.clock.elapsed() };
                    self.alive.send_replace(Some(alive));
                }
                (Some(_), Some(until)) => self.duty.extend(until),
                (Some(_), None) => {
                    tracing::error!(group = self.group, member = name, "the Lease could not be renewed in time");
                    self.lose();
                }
                (None, None) => {}
            }
        }
        tracing::error!(group = self.group, member = name, "the group goes on without this member; joining anew");
        self.lose();
    }

    /// Nothing is ours from now on.
    fn lose(&self) {
        self.duty.hold(Held::Nothing, false);
        self.alive.send_replace(None);
        self.handle.set_replica(|status| status.role = Role::Standby);
    }

    async fn perform(&mut self, name: &str, election: &Election, action: &Action) -> Input {
        let now = self.clock.elapsed();
        let half = self.terms.renew / 2;
        let left = election.leads_until().map_or(half, |until| until.saturating_sub(now));
        self.leases.timeout = half.min(left).max(Duration::from_millis(1));
        let (usual, marks) = (self.leases.duration, self.marks());
        let written = match action {
            Action::Over => return Input::Elapsed,
            Action::Wait(time) => {
                tokio::select! {
                    () = sleep(*time) => {}
                    // Others wait for it. The sender lives as long as the loop beside this one.
                    _ = self.released.changed() => {}
                }
                return Input::Elapsed;
            }
            Action::Loiter { about, most } => {
                sleep(about.mul_f64(1.0 + JITTER * self.random.random::<f64>()).min(*most)).await;
                return Input::Elapsed;
            }
            Action::Read => match self.leases.read(name).await {
                Ok(found) => {
                    self.last = found;
                    return Input::Read(self.last.as_ref().map(|lease| lease::record(lease, usual)));
                }
                Err(error) => {
                    tracing::warn!(lease = name, error, "the Lease can't be read");
                    return Input::Unanswered;
                }
            },
            Action::Create(claim) => self.leases.create(name, claim, &marks).await,
            Action::Update { version, claim } => {
                match self.last.as_ref().filter(|last| lease::version(last) == *version) {
                    Some(last) => self.leases.update(last, claim, &marks).await,
                    None => Written::Refused,
                }
            }
        };
        match &written {
            Written::Done(lease) => self.last = Some((**lease).clone()),
            Written::Refused => tracing::debug!(lease = name, "the Lease has changed"),
            Written::Unanswered(error) => tracing::warn!(lease = name, error, "the Lease was not written"),
        }
        lease::outcome(&written, now, usual)
    }

    fn marks(&self) -> Marks {
        let released = self.released.borrow().as_ref().map(PlanId::to_string).unwrap_or_default();
        marks(&self.group, released)
    }

    /// Gives the Lease up, unless a write is still on its way of which nobody knows what becomes.
    async fn leave(&mut self, name: &str, election: &Election) {
        self.lose();
        let Some(last) = self.last.take().filter(|_| election.leads_until().is_some()) else { return };
        if self.duty.unknown_writes() {
            tracing::warn!(lease = name, "the Lease is left to expire: a write has no answer yet");
            return;
        }
        match self.leases.release(&last, &marks(&self.group, "left".into())).await {
            Written::Done(_) => tracing::info!(group = self.group, member = name, "left the group"),
            other => tracing::warn!(lease = name, ?other, "the Lease is left to expire"),
        }
    }
}

fn marks(group: &str, released: String) -> Marks {
    Marks {
        labels: BTreeMap::from([(GROUP_LABEL.to_string(), group.to_string())]),
        annotations: BTreeMap::from([(RELEASED.to_string(), released)]),
    }
}

/// Turns plans into what may be worked on. It runs in the task of the [`Keeper`], so that no plan is held by a Lease that is
/// lost in that moment.
pub(crate) struct Handover {
    pub(crate) duty: Duty,
    pub(crate) handle: Handle,
    pub(crate) timeout: Duration,
    pub(crate) alive: watch::Receiver<Option<Alive>>,
    pub(crate) plan: watch::Receiver<Option<Plan>>,
    pub(crate) released: watch::Sender<Option<PlanId>>,
}

impl Handover {
    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut held: Option<(Alive, Plan)> = None;
        let mut patience = Instant::now();
        loop {
            let alive = self.alive.borrow_and_update().clone();
            let plan = self.plan.borrow_and_update().clone();
            let Some(now) = alive.zip(plan) else {
                self.duty.hold(Held::Nothing, false);
                held = None;
                self.changed().await;
                continue;
            };
            let (alive, plan) = &now;
            let id = plan.id();
            // In a new life nothing that ran in an old one goes on.
            let same_life = held.as_ref().is_some_and(|(before, _)| before == alive);
            if !held.as_ref().is_some_and(|(_, before)| same_life && before.id() == id) {
                patience = Instant::now() + self.timeout;
            }
            if held.as_ref() != Some(&now) {
                self.hold(&alive.name, plan, same_life);
                held = Some(now.clone());
            }
            if self.released.borrow().as_ref() == Some(&id) {
                self.changed().await;
                continue;
            }
            let (duty, impatient) = (self.duty.clone(), Instant::now() >= patience);
            tokio::select! {
                biased;
                () = self.changed() => {}
                () = duty.let_go() => {
                    tracing::debug!(plan = %id, "let go of what goes to others");
                    self.released.send_replace(Some(id));
                }
                () = sleep_until(patience), if !impatient => {
                    tracing::warn!(plan = %id, "reconciles of keys that go to others are dropped after {:?}", self.timeout);
                    duty.revoke_foreign();
                }
            }
        }
    }

    async fn changed(&mut self) {
        // The senders live as long as the loops beside this one.
        tokio::select! {
            _ = self.alive.changed() => {}
            _ = self.plan.changed() => {}
        }
    }

    fn hold(&self, name: &str, plan: &Plan, gently: bool) {
        let view = View::new(plan, name);
        let role = if view.is_some() { Role::Member } else { Role::Standby };
        self.duty.hold(view.map_or(Held::Nothing, Held::Shard), gently);
        self.handle.set_replica(|status| {
            status.role = role;
            status.members.clone_from(&plan.members);
        });
    }
}
