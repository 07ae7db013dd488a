//! What to do next with an authority and a certificate.
//!
//! ```text
//! nothing ─StartAuthority→ authority ─IssueCertificate→ both … two thirds of the certificate are over ─IssueCertificate→ both
//!   … two thirds of the authority are over ─StartAuthority→ new and old authority are trusted, the old certificate is served
//!   … a while later, when API servers trust the new one ─IssueCertificate→ new certificate … ─DropAuthorities→ the old one has expired
//! ```

use jiff::{SignedDuration, Timestamp};

use super::issue::BACKDATE;

/// After this long every API server has got the new authority, so that certificates of it can be served.
const SPREAD: SignedDuration = SignedDuration::from_mins(2);

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    /// Newest first.
    pub(super) authorities: Vec<Validity>,
    pub(super) certificate: Option<Served>,
}

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// The certificate that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) validity: Validity,
    /// Whether the newest authority has signed it.
    pub(super) of_newest: bool,
    /// Whether it names all hosts.
    pub(super) names_hosts: bool,
}

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A new authority, trusted beside those that are there.
    StartAuthority,
    /// A new certificate of the newest authority.
    IssueCertificate,
    /// Authorities that have expired are no longer trusted.
    DropAuthorities,
    /// Nothing before then.
    Wait(Timestamp),
}

pub(super) fn step(state: &State, now: Timestamp) -> Step {
    let Some(newest) = state.authorities.first() else { return Step::StartAuthority };
    if now >= newest.renewal() {
        return Step::StartAuthority;
    }
    if state.authorities.iter().any(|authority| authority.until <= now) {
        return Step::DropAuthorities;
    }
    let Some(served) = state.certificate.filter(|served| served.names_hosts && now < served.validity.until) else {
        return Step::IssueCertificate;
    };
    let spread = newest.from + BACKDATE + SPREAD;
    if now >= served.validity.renewal() || (!served.of_newest && now >= spread) {
        return Step::IssueCertificate;
    }
    let ends = state.authorities.iter().map(|authority| authority.until);
    let changes = [newest.renewal(), served.validity.renewal()].into_iter().chain(ends);
    let changes = changes.chain((!served.of_newest).then_some(spread));
    Step::Wait(changes.min().unwrap_or(now))
}

impl Validity {
    /// When two thirds are over, not counting what lies before it was made.
    fn renewal(&self) -> Timestamp {
        let made = self.from + BACKDATE;
        let seconds = self.until.duration_since(made).as_secs().max(0);
        made + SignedDuration::from_secs(seconds / 3 * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    fn at(days: f64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + (days * DAY as f64) as i64).unwrap()
    }

    fn validity(from: f64, days: f64) -> Validity {
        Validity { from: at(from) - BACKDATE, until: at(from + days) }
    }

    fn served(from: f64, days: f64) -> Served {
        Served { validity: validity(from, days), of_newest: true, names_hosts: true }
    }

    /// Does as it is told until `end`, and gives the steps with their days.
    fn life(end: f64, authority: f64, certificate: f64) -> Vec<(Step, f64)> {
        let (mut state, mut now, mut steps) = (State::default(), 0.0_f64, Vec::new());
        while now < end {
            let step = step(&state, at(now));
            match step {
                Step::StartAuthority => {
                    state.authorities.insert(0, validity(now, authority));
                    if let Some(served) = &mut state.certificate {
                        served.of_newest = false;
                    }
                }
                Step::IssueCertificate => {
                    let left = state.authorities[0].until.duration_since(at(now)).as_secs_f64() / DAY as f64;
                    state.certificate = Some(served(now, certificate.min(left)));
                }
                Step::DropAuthorities => state.authorities.retain(|authority| authority.until > at(now)),
                Step::Wait(until) => {
                    let next = until.duration_since(at(0.0)).as_secs_f64() / DAY as f64;
                    assert!(next > now, "it must get on: {next} after {now}");
                    now = next;
                    continue;
                }
            }
            let served = state.certificate.map(|served| served.validity);
            assert!(step == Step::StartAuthority && served.is_none() || served.unwrap().until > at(now));
            steps.push((step, now));
        }
        steps
    }

    #[test]
    fn both_are_made_at_once_at_first() {
        let steps: Vec<Step> = life(1.0, 365.0, 90.0).into_iter().map(|(step, _)| step).collect();
        assert_eq!(steps, [Step::StartAuthority, Step::IssueCertificate]);
    }

    #[test]
    fn a_certificate_is_renewed_when_two_thirds_are_over() {
        let steps = life(125.0, 365.0, 90.0);
        let days: Vec<i64> = steps.iter().map(|(_, day)| day.round() as i64).collect();
        assert_eq!(days, [0, 0, 60, 120]);
    }

    #[test]
    fn an_authority_is_trusted_for_a_while_before_it_is_used_and_until_it_ends() {
        let steps = life(1000.0, 300.0, 90.0);
        let started = steps.iter().position(|(step, day)| *step == Step::StartAuthority && *day > 1.0).unwrap();
        let (_, day) = steps[started];
        assert!((day - 200.0).abs() < 0.1);
        let (next, later) = steps[started + 1];
        assert_eq!(next, Step::IssueCertificate);
        assert!(later > day && later < day + 0.01, "{later}");
        assert!(steps.iter().any(|(step, day)| *step == Step::DropAuthorities && (*day - 300.0).abs() < 0.1));
    }

    #[test]
    fn other_hosts_want_another_certificate() {
        let unnamed = Served { names_hosts: false, ..served(0.0, 90.0) };
        let state = State { authorities: vec![validity(0.0, 365.0)], certificate: Some(unnamed) };
        assert_eq!(step(&state, at(1.0)), Step::IssueCertificate);
    }

    #[test]
    fn after_a_long_sleep_everything_is_made_anew() {
        let state = State { authorities: vec![validity(0.0, 365.0)], certificate: Some(served(0.0, 90.0)) };
        assert_eq!(step(&state, at(900.0)), Step::StartAuthority);
    }
}
