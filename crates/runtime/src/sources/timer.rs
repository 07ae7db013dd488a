//! Periods of time.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;

/// A period that begins again when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    period: Duration,
    aligned: bool,
}

impl Timer {
    /// Is over each time that this has passed, first after one period. What would have been while the process was asleep
    /// is not made up for. A period of less than a millisecond counts as one.
    pub fn every(period: Duration) -> Self {
        Self { period: period.max(Duration::from_millis(1)), aligned: false }
    }

    /// Is over at the multiples of the period in UTC instead: with one of an hour, at each full hour. Replicas and restarts
    /// do not change when that is.
    pub fn aligned(mut self) -> Self {
        self.aligned = true;
        self
    }

    pub(super) fn start(self, clock: Arc<dyn Clock>) -> Ticks {
        Ticks { timer: self, clock, last: Instant::now(), period: 0 }
    }
}

/// A timer at work.
pub(super) struct Ticks {
    timer: Timer,
    clock: Arc<dyn Clock>,
    /// When the last period was over.
    last: Instant,
    /// Its number since 1970, if periods are aligned.
    period: u128,
}

impl Ticks {
    /// Waits for the end of the period.
    pub(super) async fn next(&mut self) {
        let Timer { period, aligned } = self.timer;
        if aligned {
            // Before 1970 no clock of a cluster can be right.
            let now = Duration::try_from(self.clock.now().as_duration()).unwrap_or_default().as_nanos();
            // The clock may be a little behind the timer: the period that has just ended does not end again.
            self.period = (now / period.as_nanos() + 1).max(self.period + 1);
            let left = (self.period * period.as_nanos()).saturating_sub(now);
            self.last = Instant::now() + Duration::from_nanos(left.try_into().unwrap_or(u64::MAX));
        } else {
            // After a sleep of the machine the periods go on from where they would be.
            let missed = self.last.elapsed().as_nanos() / period.as_nanos();
            self.last += period.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1));
        }
        sleep_until(self.last).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TokioClock;

    async fn seconds(timer: Timer, count: usize, late: Duration) -> Vec<u64> {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::start());
        let start = Instant::now();
        let mut ticks = timer.start(clock);
        let mut at = Vec::new();
        for _ in 0..count {
            ticks.next().await;
            at.push(start.elapsed().as_secs());
            tokio::time::sleep(late).await;
        }
        at
    }

    #[tokio::test(start_paused = true)]
    async fn periods_follow_one_another_and_missed_ones_are_left_out() {
        let minute = Timer::every(Duration::from_secs(60));
        assert_eq!(seconds(minute, 3, Duration::from_secs(1)).await, [60, 120, 180]);
        assert_eq!(seconds(minute, 3, Duration::from_secs(130)).await, [60, 240, 420]);
    }

    #[tokio::test(start_paused = true)]
    async fn aligned_periods_end_at_multiples_of_the_period_in_utc() {
        let clock = TokioClock::start();
        tokio::time::sleep(Duration::from_secs(10)).await;
        let mut ticks = Timer::every(Duration::from_secs(60)).aligned().start(Arc::new(clock));
        ticks.next().await;
        assert_eq!(clock.now().as_second(), 60);
        ticks.next().await;
        assert_eq!(clock.now().as_second(), 120);
    }
}
