//! What this process may work on and write, right now: all keys, none, or those of its shard.
//!
//! An election or a shard's membership sets it; controllers ask it for a [`Permit`] for each reconcile, and the client for
//! each write. What it says holds by the clock at that moment, not by what was said when something happened last: a process
//! that was stopped past its lease finds on waking that it may nothing.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::NotLeading;
use crate::{clock::Clock, sharding::view::View};

/// What the process may work on. Clones are the same.
#[derive(Clone)]
pub(crate) struct Duty(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Counts the changes of what is held.
    changes: watch::Sender<u64>,
    /// Counts the permits that have ended.
    ended: watch::Sender<u64>,
    /// For how long a write whose answer nobody waited for can still take effect.
    lingers: Duration,
}

struct State {
    held: Held,
    /// How often everything was lost.
    term: u64,
    /// Until when, if nothing is renewed.
    until: Option<Duration>,
    next: u64,
    permits: BTreeMap<u64, Issued>,
    /// When the last write of which nobody knows what became of it has surely taken effect or not.
    settled: Duration,
}

struct Issued {
    hash: u64,
    revoked: CancellationToken,
}

/// The keys that are this process's.
#[derive(Debug, Clone, Default)]
pub(crate) enum Held {
    /// None.
    #[default]
    Nothing,
    /// All of them.
    Everything,
    /// Those of a shard.
    Shard(View),
}

/// How a key stands with this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not ours, and may never be.
    Foreign,
    /// It is going to be ours when another has let go of it, or when we lead.
    Awaited,
    /// It is ours.
    Ours,
}

impl Held {
    pub(crate) fn standing(&self, hash: u64) -> Standing {
        match self {
            Self::Nothing => Standing::Awaited,
            Self::Everything => Standing::Ours,
            Self::Shard(view) => view.standing(hash),
        }
    }
}

impl Duty {
    /// Everything, for ever: the only replica.
    pub(crate) fn alone(clock: Arc<dyn Clock>) -> Self {
        Self::new(clock, Held::Everything, None, Duration::ZERO)
    }

    /// Nothing yet. A write without an answer can still take effect for `lingers` after it was sent.
    pub(crate) fn none(clock: Arc<dyn Clock>, lingers: Duration) -> Self {
        Self::new(clock, Held::Nothing, Some(Duration::ZERO), lingers)
    }

    fn new(clock: Arc<dyn Clock>, held: Held, until: Option<Duration>, lingers: Duration) -> Self {
        let state = State { held, term: 0, until, next: 0, permits: BTreeMap::new(), settled: Duration::ZERO };
        Self(Arc::new(Shared {
            clock,
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
            ended: watch::Sender::new(0),
            lingers,
        }))
    }

    /// Holds this from now on. What runs on keys that are no longer held may finish if `gently`, and may write nothing from
    /// now on otherwise.
    pub(crate) fn hold(&self, held: Held, gently: bool) {
        let mut state = self.0.state.lock();
        state.term += u64::from(matches!(held, Held::Nothing));
        state.held = held;
        if !gently {
            state.revoke_foreign();
        }
        drop(state);
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// Until when it holds what it holds.
    pub(crate) fn extend(&self, until: Duration) {
        let mut state = self.0.state.lock();
        let lapsed = state.lapsed(self.0.clock.elapsed());
        state.until = Some(until);
        drop(state);
        if lapsed {
            // Keys were put aside meanwhile.
            self.0.changes.send_modify(|count| *count += 1);
        }
    }

    /// Ends what runs on keys that are not held.
    pub(crate) fn revoke_foreign(&self) {
        self.0.state.lock().revoke_foreign();
    }

    /// Counts up whenever what is held changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// What is held, and how often everything had been lost before.
    pub(crate) fn terms(&self) -> (u64, Held) {
        let state = self.0.state.lock();
        (state.term, state.held.clone())
    }

    /// Whether replicas work side by side.
    pub(crate) fn shares(&self) -> bool {
        matches!(self.0.state.lock().held, Held::Shard(_))
    }

    /// How a key stands right now: what is ours when the time is over is not.
    pub(crate) fn ready(&self, hash: u64) -> Standing {
        let state = self.0.state.lock();
        match state.held.standing(hash) {
            Standing::Ours if state.lapsed(self.0.clock.elapsed()) => Standing::Awaited,
            standing => standing,
        }
    }

    /// How a key stands, whether or not the time is over: that may be extended yet.
    pub(crate) fn standing(&self, hash: u64) -> Standing {
        self.0.state.lock().held.standing(hash)
    }

    /// A permit to work on a key, if it is ours.
    pub(crate) fn permit(&self, hash: u64) -> Result<Permit, Standing> {
        let mut state = self.0.state.lock();
        let standing = state.held.standing(hash);
        if standing != Standing::Ours {
            return Err(standing);
        }
        if state.lapsed(self.0.clock.elapsed()) {
            return Err(Standing::Awaited);
        }
        let (id, revoked) = (state.next, CancellationToken::new());
        state.next += 1;
        state.permits.insert(id, Issued { hash, revoked: revoked.clone() });
        Ok(Permit(Arc::new(Ticket { duty: self.clone(), id, revoked })))
    }

    /// Whether something may be written now, and for how long that is so. Outside of a reconcile there is no permit.
    pub(crate) fn may_write(&self, permit: Option<&Permit>) -> Result<Option<Duration>, NotLeading> {
        let now = self.0.clock.elapsed();
        let state = self.0.state.lock();
        if permit.is_some_and(|permit| permit.0.revoked.is_cancelled()) {
            return Err(NotLeading::Lost);
        }
        match (&state.held, state.until) {
            (Held::Nothing, _) if permit.is_some() => Err(NotLeading::Lost),
            (Held::Nothing, _) => Err(NotLeading::Standby),
            (_, Some(until)) if now >= until => Err(NotLeading::Lapsed),
            (_, until) => Ok(until.map(|until| until - now)),
        }
    }

    /// A write was sent, and nobody is going to know what becomes of it.
    pub(crate) fn note_unknown(&self) {
        let now = self.0.clock.elapsed();
        let mut state = self.0.state.lock();
        state.settled = state.settled.max(now + self.0.lingers);
    }

    /// Waits until nothing runs on a key that is not held and no write of such a one can take effect any more.
    pub(crate) async fn let_go(&self) {
        let mut ended = self.0.ended.subscribe();
        loop {
            ended.mark_unchanged();
            let wait = {
                let state = self.0.state.lock();
                let foreign = state.permits.values().any(|permit| state.held.standing(permit.hash) != Standing::Ours);
                let left = state.settled.saturating_sub(self.0.clock.elapsed());
                if !foreign && left.is_zero() {
                    return;
                }
                (!foreign).then_some(left)
            };
            match wait {
                Some(left) => tokio::time::sleep(left).await,
                // The sender lives as long as `self`.
                None => _ = ended.changed().await,
            }
        }
    }

    /// Whether a write may still take effect that nobody knows of.
    pub(crate) fn unknown_writes(&self) -> bool {
        self.0.state.lock().settled > self.0.clock.elapsed()
    }
}

impl State {
    fn lapsed(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    fn revoke_foreign(&mut self) {
        for permit in self.permits.values() {
            if self.held.standing(permit.hash) != Standing::Ours {
                permit.revoked.cancel();
            }
        }
    }
}

/// Lets one reconcile work and write, until it is revoked or the time is over.
#[derive(Clone)]
pub(crate) struct Permit(Arc<Ticket>);

struct Ticket {
    duty: Duty,
    id: u64,
    revoked: CancellationToken,
}

impl Permit {
    /// Returns when the key is no longer ours.
    pub(crate) async fn revoked(&self) {
        self.0.revoked.cancelled().await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.duty.0.state.lock().permits.remove(&self.id);
        self.duty.0.ended.send_modify(|count| *count += 1);
    }
}

impl fmt::Debug for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duty").field("held", &self.terms().1).finish_non_exhaustive()
    }
}
