//! Takes part in an election: does what the state machine says, and sets the duty by what comes of it.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{coordination::v1::Lease, core::v1::ObjectReference};
use rand::{RngExt, rngs::StdRng};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    OnLoss,
    duty::{Duty, Held},
    election::{Action, Election, Input},
    lease::{self, Leases, Marks, Written},
};
use crate::{
    ManagerError,
    clock::Clock,
    events::{EventType, Note, Recorder},
    handle::{Handle, Role},
    metrics::Metrics,
};

/// How much longer than about a wait may be, as with client-go.
pub(crate) const JITTER: f64 = 1.2;

/// A candidate with what it needs.
pub(crate) struct Elector {
    pub(crate) name: String,
    pub(crate) election: Election,
    pub(crate) leases: Leases,
    pub(crate) renew: Duration,
    pub(crate) duty: Duty,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: StdRng,
    pub(crate) on_loss: OnLoss,
    pub(crate) herald: Herald,
    /// The Lease as it was last seen.
    pub(crate) last: Option<Lease>,
}

/// Tells others who leads.
pub(crate) struct Herald {
    pub(crate) handle: Handle,
    pub(crate) recorder: Recorder,
    pub(crate) metrics: Metrics,
}

impl Elector {
    /// Runs until `stop` is cancelled, and gives the Lease back then.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), ManagerError> {
        self.tell(Role::Standby);
        let mut action = Action::Read;
        loop {
            let input = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                input = self.perform(&action) => input,
            };
            let led = self.election.leads_until();
            let (election, next) = self.election.clone().step(self.clock.elapsed(), input);
            self.election = election;
            action = next;
            match (led, self.election.leads_until()) {
                (None, Some(until)) => {
                    tracing::info!(lease = self.name, identity = self.leases.holder, "leading");
                    self.duty.extend(until);
                    self.duty.hold(Held::Everything, false);
                    self.tell(Role::Leader);
                    self.note("became leader");
                }
                (Some(_), Some(until)) => self.duty.extend(until),
                (Some(_), None) => {
                    self.duty.hold(Held::Nothing, false);
                    self.tell(Role::Standby);
                    tracing::error!(lease = self.name, identity = self.leases.holder, "no longer leading");
                    if self.on_loss == OnLoss::Exit {
                        return Err(ManagerError::LeadershipLost { lease: self.name });
                    }
                }
                (None, None) => self.tell(Role::Standby),
            }
        }
        self.release().await;
        Ok(())
    }

    async fn perform(&mut self, action: &Action) -> Input {
        let now = self.clock.elapsed();
        let half = self.renew / 2;
        // A request that comes back too late would be of no use, and keep the loss from being seen.
        let left = self.election.leads_until().map_or(half, |until| until.saturating_sub(now));
        self.leases.timeout = half.min(left).max(Duration::from_millis(1));
        let usual = self.leases.duration;
        let written = match action {
            Action::Wait(time) => {
                sleep(*time).await;
                return Input::Elapsed;
            }
            Action::Loiter { about, most } => {
                let time = about.mul_f64(1.0 + JITTER * self.random.random::<f64>());
                sleep(time.min(*most)).await;
                return Input::Elapsed;
            }
            // Of Leases that are made once only.
            Action::Over => return Input::Elapsed,
            Action::Read => match self.leases.read(&self.name).await {
                Ok(found) => {
                    self.last = found;
                    return Input::Read(self.last.as_ref().map(|lease| lease::record(lease, usual)));
                }
                Err(error) => {
                    tracing::warn!(lease = self.name, error, "the Lease can't be read");
                    return Input::Unanswered;
                }
            },
            Action::Create(claim) => self.leases.create(&self.name, claim, &Marks::default()).await,
            Action::Update { version, claim } => {
                match self.last.as_ref().filter(|last| lease::version(last) == *version) {
                    Some(last) => self.leases.update(last, claim, &Marks::default()).await,
                    None => Written::Refused,
                }
            }
        };
        match &written {
            Written::Done(lease) => self.last = Some((**lease).clone()),
            Written::Refused => tracing::debug!(lease = self.name, "the Lease has changed"),
            Written::Unanswered(error) => tracing::warn!(lease = self.name, error, "the Lease was not written"),
        }
        lease::outcome(&written, now, usual)
    }

    /// Gives the Lease back, unless a write is still on its way of which nobody knows what becomes: that has to be over
    /// before another leads.
    async fn release(&mut self) {
        let leads = self.election.leads_until().is_some();
        self.duty.hold(Held::Nothing, false);
        self.tell(Role::Standby);
        let Some(last) = self.last.take().filter(|_| leads) else { return };
        if self.duty.unknown_writes() {
            tracing::warn!(lease = self.name, "the Lease is left to expire: a write has no answer yet");
            return;
        }
        match self.leases.release(&last, &Marks::default()).await {
            Written::Done(_) => tracing::info!(lease = self.name, "the Lease is given back"),
            Written::Refused => tracing::warn!(lease = self.name, "the Lease was not ours any more"),
            Written::Unanswered(error) => tracing::warn!(lease = self.name, error, "the Lease is left to expire"),
        }
    }

    fn tell(&self, role: Role) {
        let holder = self.election.record().map(|record| record.holder.clone()).filter(|holder| !holder.is_empty());
        self.herald.metrics.leader(&self.name).set(role == Role::Leader);
        self.herald.handle.set_replica(|status| {
            status.identity.clone_from(&self.leases.holder);
            (status.role, status.holder) = (role, holder);
        });
    }

    fn note(&self, what: &str) {
        let Some(lease) = &self.last else { return };
        self.herald.recorder.record(note(lease, &self.leases.holder, what, &*self.clock));
    }
}

/// An event about a Lease, in client-go's words.
pub(crate) fn note(lease: &Lease, identity: &str, what: &str, clock: &dyn Clock) -> Note {
    let metadata = lease.metadata.clone();
    Note {
        regarding: ObjectReference {
            api_version: Some("coordination.k8s.io/v1".into()),
            kind: Some("Lease".into()),
            namespace: metadata.namespace,
            name: metadata.name,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            field_path: None,
        },
        kind: EventType::Normal,
        reason: "LeaderElection".into(),
        message: format!("{identity} {what}"),
        controller: identity.into(),
        at: clock.now(),
    }
}
