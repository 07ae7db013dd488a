//! The life of a request as data: where it is, which steps it can take, and what is to be done with it next.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Recovery;

/// Where a request is in its life.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It waits for its turn.
    #[default]
    Pending,
    /// It was allowed and has begun.
    Processing,
    /// What it asked for was done.
    Completed,
    /// What it asked for was not done, and will not be by this request.
    Failed,
}

/// A step in the life of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It can't begin yet, or go on; the message tells why.
    Wait,
    /// It begins.
    Begin,
    /// It may not begin.
    Refuse,
    /// A run that ended with a temporary error is done again.
    Reopen,
    /// A run ended with a temporary error.
    Retry,
    /// A run ended well.
    Complete,
    /// A run ended with a permanent error, or nobody knows how.
    Fail,
}

impl Phase {
    /// Whether nothing is to be done any more.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }

    /// The phase after a step; `None` where the step can't be taken.
    pub fn step(self, turn: Turn) -> Option<Self> {
        match (self, turn) {
            (Self::Pending | Self::Processing, Turn::Wait) => Some(self),
            (Self::Pending, Turn::Begin) => Some(Self::Processing),
            (Self::Pending, Turn::Refuse) => Some(Self::Failed),
            (Self::Processing, Turn::Reopen | Turn::Retry) => Some(Self::Processing),
            (Self::Processing, Turn::Complete) => Some(Self::Completed),
            (Self::Processing, Turn::Fail) => Some(Self::Failed),
            _ => None,
        }
    }
}

/// The status of a request, which is also its record for audits. A kind that has more to tell takes it in with
/// `#[serde(flatten)]`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RequestStatus {
    /// Where the request is in its life.
    #[serde(default)]
    pub phase: Phase,
    /// What happened, or what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time")]
    pub start_time: Option<Time>,
    /// When it was completed or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time")]
    pub completion_time: Option<Time>,
    /// When it is run again after a temporary error; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time")]
    pub retry_time: Option<Time>,
}

/// What follows from how requests are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What happens to a request whose run was cut off.
    pub recovery: Recovery,
    /// How long finished requests are kept; `None`: something else removes them.
    pub ttl: Option<Duration>,
    /// The longest wait between two tries.
    pub retry: Duration,
}

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Begin it, if it may.
    Begin,
    /// Run it (again); it was begun.
    Run,
    /// Write down that it runs again, then run it.
    Reopen,
    /// It was cut off in the middle of a run, and must not be run again.
    Interrupted,
    /// Nothing until then, when it runs again.
    After(Duration),
    /// It is done. Nothing until then, when it expires.
    Keep(Duration),
    /// Nothing.
    Nothing,
    /// Delete it.
    Expire,
}

/// What is to be done with a request that no run of this process is busy with.
pub fn next(status: &RequestStatus, created: Option<Timestamp>, rules: Rules, now: Timestamp) -> Next {
    match status.phase {
        Phase::Pending => Next::Begin,
        Phase::Processing => match &status.retry_time {
            None if rules.recovery == Recovery::Resume => Next::Run,
            None => Next::Interrupted,
            Some(at) => match until(at.0, now) {
                // A clock that was set back must not put it off for long.
                Some(wait) => Next::After(wait.min(rules.retry)),
                None if rules.recovery == Recovery::Resume => Next::Run,
                None => Next::Reopen,
            },
        },
        Phase::Completed | Phase::Failed => match rules.ttl {
            None => Next::Nothing,
            Some(ttl) => match until(finished(status, created) + ttl, now) {
                Some(wait) => Next::Keep(wait),
                None => Next::Expire,
            },
        },
    }
}

/// When a finished request was finished. One without a time was written by somebody else; its age is what is known of it.
pub(super) fn finished(status: &RequestStatus, created: Option<Timestamp>) -> Timestamp {
    status.completion_time.as_ref().map(|time| time.0).or(created).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// How long it is until then; `None` if it is then already.
fn until(then: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(then.duration_since(now)).ok().filter(|wait| !wait.is_zero())
}

fn time(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "format": "date-time", "nullable": true})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules =
        Rules { recovery: Recovery::Resume, ttl: Some(Duration::from_secs(3600)), retry: Duration::from_secs(30) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn status(phase: Phase, completed: Option<i64>, retry: Option<i64>) -> RequestStatus {
        RequestStatus {
            phase,
            completion_time: completed.map(|second| Time(at(second))),
            retry_time: retry.map(|second| Time(at(second))),
            ..RequestStatus::default()
        }
    }

    #[test]
    fn finished_requests_are_kept_for_their_time_and_never_run() {
        for phase in [Phase::Completed, Phase::Failed] {
            let done = status(phase, Some(100), None);
            assert_eq!(next(&done, None, RULES, at(100)), Next::Keep(Duration::from_secs(3600)));
            assert_eq!(next(&done, None, RULES, at(3699)), Next::Keep(Duration::from_secs(1)));
            assert_eq!(next(&done, None, RULES, at(3700)), Next::Expire);
            assert_eq!(next(&done, None, Rules { ttl: None, ..RULES }, at(9999)), Next::Nothing);
        }
        assert_eq!(next(&status(Phase::Failed, None, None), Some(at(0)), RULES, at(3600)), Next::Expire);
    }

    #[test]
    fn what_was_cut_off_is_resumed_or_failed_as_its_author_says() {
        let cut = status(Phase::Processing, None, None);
        let fail = Rules { recovery: Recovery::Fail, ..RULES };
        assert_eq!(next(&cut, None, RULES, at(0)), Next::Run);
        assert_eq!(next(&cut, None, fail, at(0)), Next::Interrupted);
        let waiting = status(Phase::Processing, None, Some(30));
        assert_eq!(next(&waiting, None, fail, at(10)), Next::After(Duration::from_secs(20)));
        assert_eq!(next(&waiting, None, fail, at(30)), Next::Reopen);
        assert_eq!(next(&waiting, None, RULES, at(30)), Next::Run);
        assert_eq!(next(&waiting, None, RULES, at(-9999)), Next::After(Duration::from_secs(30)));
    }

    proptest! {
        /// Whatever is tried, a request goes forward only, and stays where it is once it is finished.
        #[test]
        fn phases_never_go_back(turns in proptest::collection::vec(0_usize..7, 0..40)) {
            const TURNS: [Turn; 7] =
                [Turn::Wait, Turn::Begin, Turn::Refuse, Turn::Reopen, Turn::Retry, Turn::Complete, Turn::Fail];
            let (mut phase, mut begun) = (Phase::Pending, 0);
            for turn in turns.into_iter().map(|at| TURNS[at]) {
                let Some(after) = phase.step(turn) else { continue };
                prop_assert!(!phase.is_finished());
                prop_assert!(!(phase == Phase::Processing && after == Phase::Pending));
                prop_assert!(after != Phase::Completed || begun == 1);
                begun += u32::from(turn == Turn::Begin);
                phase = after;
            }
            prop_assert!(begun <= 1);
        }
    }
}
