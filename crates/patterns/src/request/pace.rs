//! How many requests begin within a time.

use kubewright_queue::Limit;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Lets requests begin at a limited rate.
pub(super) struct Pace {
    limit: Option<Limit>,
    /// When all tokens are there again.
    full_at: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(limit: Option<Limit>) -> Self {
        Self { limit, full_at: Mutex::default() }
    }

    /// Waits for the next turn.
    pub(super) async fn turn(&self) {
        if let Some(at) = self.reserve() {
            tokio::time::sleep_until(at).await;
        }
    }

    fn reserve(&self) -> Option<Instant> {
        let Limit { every, burst } = self.limit?;
        let now = Instant::now();
        let mut full_at = self.full_at.lock();
        let full = full_at.map_or(now, |at| at.max(now)) + every;
        *full_at = Some(full);
        full.checked_sub(every * burst.get()).filter(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_turns_come_at_the_rate() {
        let limit = Limit { every: Duration::from_secs(1), burst: NonZeroU32::new(2).unwrap() };
        let (pace, start) = (Pace::new(Some(limit)), Instant::now());
        for seconds in [0, 0, 1, 2, 3] {
            pace.turn().await;
            assert_eq!(start.elapsed().as_secs(), seconds);
        }
        Pace::new(None).turn().await;
        assert_eq!(start.elapsed().as_secs(), 3);
    }
}
