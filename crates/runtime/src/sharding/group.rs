//! The loop around a group's Lease: one member coordinates, the others read the plan and would take over.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::api::coordination::v1::Lease;
use kubewright_cache::{Delta, Informer};
use rand::{RngExt, rngs::StdRng};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    GROUP_LABEL, PLAN, RELEASED,
    coordinator::{Coordinator, Order, Seen},
    view::Plan,
};
use crate::{
    clock::Clock,
    leadership::{
        election::{Action, Election, Input},
        elector::{Herald, JITTER, note},
        lease::{self, Leases, Marks, Written},
    },
};

/// How long to wait for more once something has happened.
const GATHER: Duration = Duration::from_millis(20);

/// A candidate for coordinating a group.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) election: Election,
    pub(crate) coordinator: Coordinator,
    pub(crate) leases: Leases,
    pub(crate) renew: Duration,
    pub(crate) clock: std::sync::Arc<dyn Clock>,
    pub(crate) random: StdRng,
    pub(crate) herald: Herald,
    /// The Lease as it was last seen.
    pub(crate) last: Option<Lease>,
    /// The newest plan.
    pub(crate) plan: watch::Sender<Option<Plan>>,
}

impl Group {
    /// Runs until `stop` is cancelled. `nudge` tells that a Lease of the group may have something new to say.
    pub(crate) async fn run(mut self, nudge: &Notify, stop: CancellationToken) {
        let mut action = Action::Read;
        loop {
            let input = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                input = self.perform(&action, nudge) => input,
            };
            if let Some(input) = input {
                action = self.take(input);
            }
            if matches!(action, Action::Wait(_))
                && let Some(input) = self.coordinate().await
            {
                action = self.take(input);
            }
        }
        // Those who stay need not find out that this one has left.
        if self.election.leads_until().is_some() {
            self.coordinate().await.map(|input| self.take(input));
        }
        if let Some(last) = self.last.take().filter(|_| self.election.leads_until().is_some()) {
            let released = self.leases.release(&last, &Marks::default()).await;
            tracing::debug!(lease = self.name, ?released, "no longer coordinating");
        }
    }

    fn take(&mut self, input: Input) -> Action {
        let led = self.election.leads_until().is_some();
        let (election, action) = self.election.clone().step(self.clock.elapsed(), input);
        self.election = election;
        let leads = self.election.leads_until().is_some();
        if leads != led {
            self.herald.metrics.leader(&self.name).set(leads);
            tracing::info!(group = self.name, identity = self.leases.holder, leads, "coordination has changed hands");
            // Who begins to coordinate knows nothing of before.
            self.coordinator = Coordinator::new(self.leases.duration);
            if let Some(lease) = self.last.as_ref().filter(|_| leads) {
                self.herald.recorder.record(note(lease, &self.leases.holder, "became coordinator", &*self.clock));
            }
        }
        let holder = self.election.record().map(|record| record.holder.clone()).filter(|holder| !holder.is_empty());
        self.herald.handle.set_replica(|status| status.holder = holder);
        self.tell();
        action
    }

    async fn perform(&mut self, action: &Action, nudge: &Notify) -> Option<Input> {
        let now = self.clock.elapsed();
        self.set_timeout();
        let usual = self.leases.duration;
        let written = match action {
            Action::Wait(time) => return self.rest(*time, nudge).await,
            Action::Loiter { about, most } => {
                let time = about.mul_f64(1.0 + JITTER * self.random.random::<f64>()).min(*most);
                return Some(self.rest(time, nudge).await.unwrap_or(Input::Elapsed));
            }
            // Of Leases that are made once only.
            Action::Over => return Some(Input::Elapsed),
            Action::Read => match self.leases.read(&self.name).await {
                Ok(found) => {
                    self.last = found;
                    return Some(Input::Read(self.last.as_ref().map(|lease| lease::record(lease, usual))));
                }
                Err(error) => {
                    tracing::warn!(lease = self.name, error, "the Lease of the group can't be read");
                    return Some(Input::Unanswered);
                }
            },
            Action::Create(claim) => self.leases.create(&self.name, claim, &marks(&self.name, None)).await,
            Action::Update { version, claim } => {
                match self.last.as_ref().filter(|last| lease::version(last) == *version) {
                    Some(last) => self.leases.update(last, claim, &marks(&self.name, None)).await,
                    None => Written::Refused,
                }
            }
        };
        Some(self.note(written, now))
    }

    /// `None` if it was nudged.
    async fn rest(&self, time: Duration, nudge: &Notify) -> Option<Input> {
        tokio::select! {
            biased;
            () = sleep(time) => Some(Input::Elapsed),
            () = nudge.notified() => {
                sleep(GATHER).await;
                None
            }
        }
    }

    /// Looks at the members and does what follows; what came of writing a plan.
    async fn coordinate(&mut self) -> Option<Input> {
        self.set_timeout();
        let selector = format!("{GROUP_LABEL}={}", self.name);
        let found = match self.leases.list(&selector).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(group = self.name, error, "the members' Leases can't be listed");
                return None;
            }
        };
        let last = self.last.clone()?;
        let lineage = last.metadata.uid.clone()?;
        let members: Vec<Seen> = found.iter().filter_map(|lease| self.seen(lease)).collect();
        let plan = plan_of(&last);
        let orders = self.coordinator.step(self.clock.elapsed(), &lineage, plan.as_ref(), &members);
        let mut publish = None;
        for order in orders {
            match order {
                Order::Publish(plan) => publish = Some(plan),
                Order::Remove { name, version } => match self.leases.remove(&name, &version).await {
                    Written::Done(_) => {
                        tracing::info!(group = self.name, member = name, "the Lease of a member is removed");
                        self.coordinator.removed(&name);
                    }
                    other => tracing::debug!(member = name, ?other, "the Lease of a member stays"),
                },
            }
        }
        let (plan, claim) = (publish?, self.election.renewal()?);
        tracing::info!(group = self.name, ?plan, "a plan");
        self.set_timeout();
        let sent = self.clock.elapsed();
        let written = self.leases.update(&last, &claim, &marks(&self.name, Some(&plan))).await;
        Some(self.note(written, sent))
    }

    /// A request that comes back too late would be of no use.
    fn set_timeout(&mut self) {
        let half = self.renew / 2;
        let left = self.election.leads_until().map_or(half, |until| until.saturating_sub(self.clock.elapsed()));
        self.leases.timeout = half.min(left).max(Duration::from_millis(1));
    }

    fn note(&mut self, written: Written, sent: Duration) -> Input {
        match &written {
            Written::Done(lease) => self.last = Some((**lease).clone()),
            Written::Refused => tracing::debug!(lease = self.name, "the Lease of the group has changed"),
            Written::Unanswered(error) => tracing::warn!(lease = self.name, error, "the Lease was not written"),
        }
        lease::outcome(&written, sent, self.leases.duration)
    }

    /// Tells the plan to the member. One that goes back is not told: reads are of the newest state, so it comes from
    /// somebody who put an old Lease back.
    fn tell(&self) {
        let Some(plan) = self.last.as_ref().and_then(plan_of) else { return };
        self.plan.send_if_modified(|known| {
            let news = known
                .as_ref()
                .is_none_or(|known| known.lineage != plan.lineage || (known.epoch <= plan.epoch && *known != plan));
            if news {
                *known = Some(plan);
            }
            news
        });
    }

    fn seen(&self, lease: &Lease) -> Option<Seen> {
        let name = lease.metadata.name.clone().filter(|name| *name != self.name)?;
        let record = lease::record(lease, self.leases.duration);
        Some(Seen {
            name,
            version: record.version,
            left: record.holder.is_empty(),
            duration: record.duration,
            released: lease::annotation(lease, RELEASED).unwrap_or_default().to_string(),
        })
    }
}

/// Wakes the loop whenever a Lease of the group says something new. Losing a message costs only time.
pub(crate) async fn listen(informer: Informer, group: &str, nudge: &Notify) {
    let mut changes = informer.subscribe();
    while let Some(Delta { reference, old, new, .. }) = changes.next().await {
        // Renewals of members say nothing.
        let same = match (&old, &new) {
            (Some(old), Some(new)) => old.annotation(RELEASED) == new.annotation(RELEASED),
            _ => false,
        };
        if !same || *reference.name == *group {
            nudge.notify_one();
        }
    }
}

/// What stands in the Lease of a group beside the election.
fn marks(group: &str, plan: Option<&Plan>) -> Marks {
    // A plan is made of texts and numbers, which have a form in JSON.
    let plan = plan.and_then(|plan| serde_json::to_string(plan).ok());
    Marks {
        labels: BTreeMap::from([(GROUP_LABEL.to_string(), group.to_string())]),
        annotations: plan.into_iter().map(|plan| (PLAN.to_string(), plan)).collect(),
    }
}

/// The plan in the Lease of a group, if it was made in this very Lease.
fn plan_of(lease: &Lease) -> Option<Plan> {
    let plan: Plan = serde_json::from_str(lease::annotation(lease, PLAN)?).ok()?;
    (Some(&plan.lineage) == lease.metadata.uid.as_ref()).then_some(plan)
}
