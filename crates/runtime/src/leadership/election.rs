//! Who leads, decided from what happened to one Lease: a pure state machine without clock, network or randomness.
//!
//! | state | what happened | what follows |
//! |---|---|---|
//! | standby | the Lease is held by another | it is taken when this version of it has been seen for its whole duration |
//! | standby | it was released | it is taken |
//! | standby | its holder was emptied, but not as a release does | it is taken after its duration |
//! | standby | it is not there | it is made; with [`Missing::Wait`] in nobody's name, and taken after its duration |
//! | standby | it is held in our own name: an answer was lost | it is renewed, and that makes us lead |
//! | leading | renewed | good until [`Terms::renew`] after the request was sent |
//! | leading | the renewal was refused | it is read |
//! | leading | it is held by another | standby, at once |
//! | leading | it is not there: somebody deleted it | it is made again, but for [`Missing::Once`]: it is over |
//! | leading | no renewal until the deadline | standby |
//!
//! # Why there are never two
//! A leader is good until `renew` after it *sent* the last renewal that succeeded. Whoever takes over has seen the version
//! which that renewal made, or a later one, unchanged for `lease`, measured from the time when the answer *came*; and
//! its write is on the condition that it still is that version. So the new term begins at least `lease - renew` after the
//! end of the old one, each measured by its own clock: 5 s of 15 by default, enough for clocks of which one runs a fifth
//! faster than the other. Wall clocks, and the times that stand in the Lease, play no part. A Lease that was deleted says
//! nothing about who led, hence the wait; and that it is missing twice does not tell that it was missing in between, hence
//! a Lease in nobody's name, whose version does.

use std::time::Duration;

/// How long things last, from the options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// After how long others may take over.
    pub(crate) lease: Duration,
    /// For how long a renewal is good for us.
    pub(crate) renew: Duration,
    /// Between two looks at the Lease.
    pub(crate) retry: Duration,
    pub(crate) missing: Missing,
}

/// What a Lease that is not there means to a standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It may have been deleted under a leader, who does not know yet.
    Wait,
    /// Nobody does anything on the strength of it alone.
    Take,
    /// It is ours alone, and is made once in its life: when it is gone, others were told that we are.
    Once,
}

/// What a Lease says, and in which version it says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record {
    /// uid and resourceVersion.
    pub(crate) version: String,
    /// Empty: nobody.
    pub(crate) holder: String,
    pub(crate) duration: Duration,
    pub(crate) transitions: i32,
}

/// The candidate.
#[derive(Debug, Clone)]
pub(crate) struct Election {
    me: String,
    terms: Terms,
    /// It may have been made.
    made: bool,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Standby { seen: Option<Sight> },
    Leading { record: Record, valid_until: Duration },
}

/// What was seen of the Lease, and since when it has been so.
#[derive(Debug, Clone)]
struct Sight {
    record: Option<Record>,
    since: Duration,
}

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// Time has passed; also the first input.
    Elapsed,
    /// The Lease was read.
    Read(Option<Record>),
    /// The Lease was written, by a request that was sent then.
    Written { sent: Duration, record: Record },
    /// A write was refused, as the Lease is no longer what it was.
    Refused,
    /// There was no answer: what was asked for may have happened, or may happen yet.
    Unanswered,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Read,
    /// Make the Lease.
    Create(Claim),
    /// Write the Lease, if it still has this version.
    Update {
        version: String,
        claim: Claim,
    },
    /// Wait, and say [`Input::Elapsed`].
    Wait(Duration),
    /// There is nothing more to do with this Lease.
    Over,
    /// Wait for a time around this, so that candidates do not all come at once, but not longer than `most`.
    Loiter {
        about: Duration,
        most: Duration,
    },
}

/// What is to stand in the Lease besides our name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) transitions: i32,
    /// The term begins with it.
    pub(crate) acquires: bool,
    /// In nobody's name.
    pub(crate) vacant: bool,
}

impl Election {
    pub(crate) fn new(me: String, terms: Terms) -> Self {
        Self { me, terms, made: false, state: State::Standby { seen: None } }
    }

    /// Until when the leadership is good without a further renewal.
    pub(crate) fn leads_until(&self) -> Option<Duration> {
        match self.state {
            State::Leading { valid_until, .. } => Some(valid_until),
            State::Standby { .. } => None,
        }
    }

    /// The Lease as it was last seen.
    pub(crate) fn record(&self) -> Option<&Record> {
        match &self.state {
            State::Leading { record, .. } => Some(record),
            State::Standby { seen } => seen.as_ref()?.record.as_ref(),
        }
    }

    /// What follows from what happened; `now` is the time at which it is known.
    pub(crate) fn step(mut self, now: Duration, input: Input) -> (Self, Action) {
        // What lapsed while nobody looked, in a paused process above all, is gone whatever has happened meanwhile.
        if let State::Leading { record, valid_until } = &self.state
            && now >= *valid_until
        {
            let seen = Some(Sight { record: Some(record.clone()), since: now });
            self.state = State::Standby { seen };
        }
        let action = match std::mem::replace(&mut self.state, State::Standby { seen: None }) {
            State::Standby { seen } => self.stand_by(now, seen, input),
            State::Leading { record, valid_until } => self.lead(now, record, valid_until, input),
        };
        (self, action)
    }

    /// What a renewal says.
    pub(crate) fn renewal(&self) -> Option<Claim> {
        let State::Leading { record, .. } = &self.state else { return None };
        Some(Claim { transitions: record.transitions, acquires: false, vacant: false })
    }

    fn stand_by(&mut self, now: Duration, seen: Option<Sight>, input: Input) -> Action {
        let loiter = Action::Loiter { about: self.terms.retry, most: Duration::MAX };
        match input {
            Input::Elapsed => {
                self.state = State::Standby { seen };
                Action::Read
            }
            Input::Refused | Input::Unanswered => {
                self.state = State::Standby { seen };
                loiter
            }
            Input::Written { sent, record } if record.holder == self.me => self.led(now, sent, record),
            Input::Written { record, .. } => self.stand_by(now, seen, Input::Read(Some(record))),
            Input::Read(record) => {
                let version = |record: &Option<Record>| record.as_ref().map(|record| record.version.clone());
                let since =
                    seen.filter(|seen| version(&seen.record) == version(&record)).map_or(now, |seen| seen.since);
                let action = self.covet(now, record.as_ref(), since);
                self.state = State::Standby { seen: Some(Sight { record, since }) };
                action
            }
        }
    }

    /// Takes the Lease if it is free, by what is known of it since then.
    fn covet(&mut self, now: Duration, record: Option<&Record>, since: Duration) -> Action {
        let wait = match record {
            None if self.terms.missing == Missing::Once && self.made => return Action::Over,
            None => Duration::ZERO,
            Some(record) if record.holder == self.me => Duration::ZERO,
            // As a release leaves it.
            Some(record) if record.holder.is_empty() && record.duration <= RELEASED => Duration::ZERO,
            Some(record) => record.duration,
        };
        let left = (since + wait).saturating_sub(now);
        if !left.is_zero() {
            return Action::Loiter { about: self.terms.retry, most: left };
        }
        match record {
            None => {
                self.made = true;
                let vacant = self.terms.missing == Missing::Wait;
                Action::Create(Claim { transitions: 0, acquires: !vacant, vacant })
            }
            Some(record) => {
                let transitions = record.transitions.saturating_add(i32::from(record.holder != self.me));
                Action::Update {
                    version: record.version.clone(),
                    claim: Claim { transitions, acquires: true, vacant: false },
                }
            }
        }
    }

    fn lead(&mut self, now: Duration, record: Record, valid_until: Duration, input: Input) -> Action {
        let transitions = record.transitions;
        let keep = Claim { transitions, acquires: false, vacant: false };
        let pause = Action::Wait(self.terms.retry.min(valid_until.saturating_sub(now)));
        let (record, action) = match input {
            Input::Elapsed => {
                let version = record.version.clone();
                (record, Action::Update { version, claim: keep })
            }
            Input::Refused => (record, Action::Read),
            Input::Unanswered => (record, pause),
            Input::Written { sent, record } => return self.led(now, sent, record),
            Input::Read(None) if self.terms.missing == Missing::Once => {
                self.state = State::Standby { seen: None };
                return Action::Over;
            }
            Input::Read(None) => (record, Action::Create(keep)),
            Input::Read(Some(found)) if found.holder == self.me => {
                let version = found.version.clone();
                (found, Action::Update { version, claim: keep })
            }
            Input::Read(Some(found)) => {
                let most = found.duration;
                self.state = State::Standby { seen: Some(Sight { record: Some(found), since: now }) };
                return Action::Loiter { about: self.terms.retry, most };
            }
        };
        self.state = State::Leading { record, valid_until };
        action
    }

    fn led(&mut self, now: Duration, sent: Duration, record: Record) -> Action {
        let valid_until = sent + self.terms.renew;
        if now >= valid_until {
            self.state = State::Standby { seen: Some(Sight { record: Some(record), since: now }) };
            return Action::Read;
        }
        self.state = State::Leading { record, valid_until };
        Action::Wait(self.terms.retry.min(valid_until.saturating_sub(now)))
    }
}

/// The duration that stands in a Lease which was released, as client-go writes it.
pub(crate) const RELEASED: Duration = Duration::from_secs(1);
