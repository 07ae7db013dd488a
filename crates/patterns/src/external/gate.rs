//! The gate before an endpoint: a rate limit and a circuit breaker, shared by all resources behind it.

use std::time::Duration;

use kubewright_queue::{Backoff, Limit};
use parking_lot::Mutex;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use super::Fault;

/// How calls to an endpoint are held back.
#[derive(Debug, Clone)]
pub struct GateOptions {
    /// The most calls: those over it wait for their turn. Default: one each 5 ms, with bursts of 200.
    pub limit: Limit,
    /// After so many temporary faults in a row nothing is sent for a while. Default: 5.
    pub failures: u32,
    /// For how long: the first time, and more with each trial call that fails too. Default: 1 s, doubled up to 30 s,
    /// less up to a fifth.
    pub pause: Backoff,
    /// How long a call may take before it counts as a temporary fault. Default: 30 s.
    pub timeout: Duration,
    /// Seed of the jitter. Default: 0.
    pub seed: u64,
}

impl Default for GateOptions {
    fn default() -> Self {
        let burst = const { std::num::NonZeroU32::new(200).unwrap() };
        Self {
            limit: Limit { every: Duration::from_millis(5), burst },
            failures: 5,
            pause: Backoff { base: Duration::from_secs(1), max: Duration::from_secs(30), jitter: 0.2 },
            timeout: Duration::from_secs(30),
            seed: 0,
        }
    }
}

/// Nothing is sent to the endpoint for now.
#[derive(Debug, thiserror::Error)]
#[error("{endpoint} failed {failures} times in a row and is left alone for {} ms; last: {last}", wait.as_millis())]
struct Paused {
    endpoint: String,
    failures: u32,
    wait: Duration,
    last: String,
}

/// A call took too long.
#[derive(Debug, thiserror::Error)]
#[error("{endpoint} did not answer within {} ms", limit.as_millis())]
struct TimedOut {
    endpoint: String,
    limit: Duration,
}

#[derive(Debug)]
pub(super) struct Gate {
    endpoint: String,
    options: GateOptions,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    breaker: Breaker,
    /// When all tokens of the limit will be there again.
    full_at: Option<Instant>,
    failures: u32,
    last: String,
    random: StdRng,
}

#[derive(Debug, Clone, Copy)]
enum Breaker {
    Closed,
    Open {
        until: Instant,
        times: u32,
    },
    /// One call is under way to find out.
    Trial {
        times: u32,
    },
}

/// The permission for one call. When it is dropped unused, the trial that it was is free for another.
struct Pass<'a> {
    gate: &'a Gate,
    trial: bool,
    used: bool,
}

impl Gate {
    pub(super) fn new(endpoint: String, options: GateOptions) -> Self {
        let random = StdRng::seed_from_u64(options.seed);
        let state = State { breaker: Breaker::Closed, full_at: None, failures: 0, last: String::new(), random };
        Self { endpoint, options, state: Mutex::new(state) }
    }

    /// Makes a call, when it is its turn; or none, when the endpoint is left alone.
    pub(super) async fn call<T, E: Into<Fault>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, Fault> {
        let pass = self.enter()?;
        tokio::time::sleep_until(self.turn()).await;
        let limit = self.options.timeout;
        let result = match tokio::time::timeout(limit, call).await {
            Ok(result) => result.map_err(Into::into),
            Err(_) => Err(Fault::temporary(TimedOut { endpoint: self.endpoint.clone(), limit })),
        };
        pass.end(result.as_ref().err());
        result
    }

    fn enter(&self) -> Result<Pass<'_>, Fault> {
        let mut state = self.state.lock();
        let now = Instant::now();
        let wait = match state.breaker {
            Breaker::Closed => return Ok(Pass { gate: self, trial: false, used: false }),
            Breaker::Open { until, times } if until <= now => {
                state.breaker = Breaker::Trial { times };
                return Ok(Pass { gate: self, trial: true, used: false });
            }
            Breaker::Open { until, .. } => until - now,
            Breaker::Trial { .. } => self.options.pause.base,
        };
        let (failures, last) = (state.failures, state.last.clone());
        let paused = Paused { endpoint: self.endpoint.clone(), failures, wait, last };
        // Those that wait must not all come back in the same moment.
        let spread = 1.0 + 0.5 * state.random.random::<f64>();
        Err(Fault::temporary(paused).after(wait.mul_f64(spread)))
    }

    /// When the next call may be made.
    fn turn(&self) -> Instant {
        let Limit { every, burst } = self.options.limit;
        let now = Instant::now();
        let mut state = self.state.lock();
        let full_at = state.full_at.map_or(now, |at| at.max(now)) + every;
        state.full_at = Some(full_at);
        full_at.checked_sub(every * burst.get()).map_or(now, |at| at.max(now))
    }
}

impl Pass<'_> {
    fn end(mut self, fault: Option<&Fault>) {
        self.used = true;
        let state = &mut *self.gate.state.lock();
        let options = &self.gate.options;
        match fault {
            Some(fault) if fault.is_temporary() => {
                state.failures = state.failures.saturating_add(1);
                state.last = fault.to_string();
                let times = match state.breaker {
                    Breaker::Closed if state.failures >= options.failures => 0,
                    Breaker::Trial { times } if self.trial => times.saturating_add(1),
                    // It was sent before the others failed.
                    _ => return,
                };
                let pause = options.pause.delay(times, &mut state.random);
                tracing::warn!(endpoint = self.gate.endpoint, ?pause, fault = state.last, "left alone for a while");
                state.breaker = Breaker::Open { until: Instant::now() + pause, times };
            }
            // An answer, whatever it says, shows that the endpoint is there.
            _ => {
                if !matches!(state.breaker, Breaker::Closed) {
                    tracing::info!(endpoint = self.gate.endpoint, "answers again");
                }
                state.failures = 0;
                state.breaker = Breaker::Closed;
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.used || !self.trial {
            return;
        }
        let mut state = self.gate.state.lock();
        if let Breaker::Trial { times } = state.breaker {
            state.breaker = Breaker::Open { until: Instant::now(), times };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future, num::NonZeroU32};

    use proptest::prelude::*;

    use super::*;

    fn gate(options: GateOptions) -> Gate {
        Gate::new("store".into(), options)
    }

    async fn fail(gate: &Gate) -> Fault {
        gate.call(future::ready(Err::<(), _>(Fault::temporary("away")))).await.unwrap_err()
    }

    async fn succeed(gate: &Gate) -> Result<(), Fault> {
        gate.call(future::ready(Ok::<_, Fault>(()))).await
    }

    #[tokio::test(start_paused = true)]
    async fn after_faults_in_a_row_nothing_is_sent_until_the_pause_is_over() {
        let gate = gate(GateOptions::default());
        for _ in 0..4 {
            fail(&gate).await;
        }
        succeed(&gate).await.unwrap();
        for _ in 0..5 {
            assert_eq!(fail(&gate).await.to_string(), "away");
        }
        let sent = Cell::new(false);
        let call = async {
            sent.set(true);
            Ok::<_, Fault>(())
        };
        let fault = gate.call(call).await.unwrap_err();
        assert!(!sent.get() && fault.is_temporary(), "{fault}");
        assert!(fault.to_string().contains("store failed 5 times in a row") && fault.to_string().ends_with("away"));
        assert!(fault.retry_after().unwrap() <= Duration::from_millis(1_500));
        tokio::time::sleep(Duration::from_secs(1)).await;
        succeed(&gate).await.unwrap();
        succeed(&gate).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_trial_doubles_the_pause() {
        let gate = gate(GateOptions {
            failures: 1,
            pause: Backoff { jitter: 0.0, ..GateOptions::default().pause },
            ..GateOptions::default()
        });
        fail(&gate).await;
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            tokio::time::sleep(Duration::from_secs(seconds) - Duration::from_millis(1)).await;
            assert!(fail(&gate).await.to_string().contains("left alone"));
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(fail(&gate).await.to_string(), "away");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_at_a_time_tries_whether_it_is_back_and_one_that_is_dropped_frees_its_place() {
        let gate = gate(GateOptions { failures: 1, ..GateOptions::default() });
        fail(&gate).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let trial = gate.call(future::pending::<Result<(), Fault>>());
        let mut trial = Box::pin(trial);
        assert!(futures::poll!(&mut trial).is_pending());
        assert!(succeed(&gate).await.is_err());
        drop(trial);
        succeed(&gate).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn conflicts_and_permanent_faults_show_that_the_endpoint_is_there() {
        let gate = gate(GateOptions { failures: 2, ..GateOptions::default() });
        for _ in 0..9 {
            let conflict = gate.call(future::ready(Err::<(), _>(Fault::conflict("busy")))).await.unwrap_err();
            assert_eq!(conflict.to_string(), "busy");
            fail(&gate).await;
            let denied = future::ready(Err::<(), _>(Fault::permanent("AccessDenied", "no")));
            assert_eq!(gate.call(denied).await.unwrap_err().to_string(), "no");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_is_a_temporary_fault() {
        let gate = gate(GateOptions::default());
        let fault = gate.call(future::pending::<Result<(), Fault>>()).await.unwrap_err();
        assert!(fault.is_temporary());
        assert_eq!(fault.to_string(), "store did not answer within 30000 ms");
    }

    proptest! {
        /// However calls come, no more of them pass within any stretch of time than the limit says.
        #[test]
        fn the_limit_holds(gaps in proptest::collection::vec(0_u64..50, 1..60), every in 1_u64..20, burst in 1_u32..5) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let limit = Limit { every: Duration::from_millis(every), burst: NonZeroU32::new(burst).unwrap() };
                let gate = gate(GateOptions { limit, ..GateOptions::default() });
                let start = Instant::now();
                let mut passed = Vec::new();
                for gap in gaps {
                    tokio::time::sleep(Duration::from_millis(gap)).await;
                    succeed(&gate).await.unwrap();
                    passed.push((Instant::now() - start).as_millis() as u64);
                }
                for (i, from) in passed.iter().enumerate() {
                    for (j, to) in passed.iter().enumerate().skip(i) {
                        let allowed = u64::from(burst) + (to - from) / every + 1;
                        prop_assert!((j - i + 1) as u64 <= allowed, "{passed:?}");
                    }
                }
                Ok(())
            })?;
        }
    }
}
