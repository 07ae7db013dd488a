//! Time, passed in so that tests and simulations decide what it is.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

/// What time stamps in objects are made of, and what leases are measured with. Delays and timeouts are tokio's and do not
/// come from here.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present moment, as a calendar has it. It can be wrong and it can jump, so nothing is measured with it.
    fn now(&self) -> Timestamp;

    /// How long ago some fixed moment was. This never goes back, nobody sets it, and it goes on while the process is
    /// stopped (SIGSTOP, a debugger, a frozen container) and while the machine sleeps: what was held for ten seconds
    /// before a pause of an hour is not held after it.
    fn elapsed(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        // Linux' CLOCK_MONOTONIC stands still while the machine sleeps; that of the others does not, or has no better one.
        #[cfg(target_os = "linux")]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let id = rustix::time::ClockId::Monotonic;
        // These clocks never fail and are never negative.
        rustix::time::clock_gettime(id).try_into().unwrap_or_default()
    }
}

/// Tokio's clock, for tests on paused time and simulations: it begins in 1970, and passes as timers do.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    start: Instant,
}

impl TokioClock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.start.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_machine_never_goes_back() {
        let earlier = SystemClock.elapsed();
        assert!(!earlier.is_zero());
        assert!(SystemClock.elapsed() >= earlier);
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_tokio_passes_as_timers_do() {
        let clock = TokioClock::start();
        tokio::time::sleep(Duration::from_secs(90)).await;
        assert_eq!(clock.elapsed().as_secs(), 90);
        assert_eq!(clock.now().as_second(), 90);
    }
}
