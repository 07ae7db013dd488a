//! A token bucket: so many a second, with bursts.

use std::num::NonZeroU32;
use std::time::Duration;

/// The limit of all keys' retries together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// A token comes back each time this has passed. Default: 100 ms, which is 10 a second.
    pub every: Duration,
    /// The most tokens that gather while none is taken. Default: 100.
    pub burst: NonZeroU32,
}

impl Default for Limit {
    fn default() -> Self {
        Self { every: Duration::from_millis(100), burst: const { NonZeroU32::new(100).unwrap() } }
    }
}

/// The bucket, kept as the one time at which it will be full again.
#[derive(Debug)]
pub(crate) struct Bucket {
    every: u64,
    capacity: u64,
    full_at: u64,
}

impl Bucket {
    pub(crate) fn new(limit: Limit) -> Self {
        let every = nanos(limit.every);
        Self { every, capacity: every.saturating_mul(u64::from(limit.burst.get())), full_at: 0 }
    }

    /// Takes a token and tells how many nanoseconds from `now` it may be used.
    pub(crate) fn reserve(&mut self, now: u64) -> u64 {
        self.full_at = self.full_at.max(now).saturating_add(self.every);
        self.full_at.saturating_sub(self.capacity).saturating_sub(now)
    }
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(every: u64, burst: u32) -> Bucket {
        Bucket::new(Limit { every: Duration::from_nanos(every), burst: NonZeroU32::new(burst).unwrap() })
    }

    #[test]
    fn a_burst_is_free_and_what_follows_comes_at_the_rate() {
        let mut bucket = bucket(10, 3);
        assert_eq!([0; 6].map(|now| bucket.reserve(now)), [0, 0, 0, 10, 20, 30]);
    }

    #[test]
    fn tokens_gather_up_to_the_burst_while_none_is_taken() {
        let mut bucket = bucket(10, 3);
        assert_eq!([1000; 4].map(|now| bucket.reserve(now)), [0, 0, 0, 10]);
        assert_eq!([1020, 1020].map(|now| bucket.reserve(now)), [0, 10]);
    }
}
