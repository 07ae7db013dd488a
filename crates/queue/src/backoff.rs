//! How long a key waits after a failure.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Exponential backoff: `base`, twice that, four times that, … up to `max`, each shortened at random.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Delay after the first failure. Default: 5 ms.
    pub base: Duration,
    /// The longest delay. Default: 1000 s.
    pub max: Duration,
    /// By what part of itself a delay may be shortened at random, from 0 (never) to 1, so that keys which failed
    /// together come back apart. What lies outside is brought to the nearer end. Default: 0.2.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(5), max: Duration::from_secs(1000), jitter: 0.2 }
    }
}

impl Backoff {
    /// The delay after `failures` failures in a row, of which the first is 0.
    pub fn delay(&self, failures: u32, random: &mut impl Rng) -> Duration {
        let full = match 1_u32.checked_shl(failures) {
            Some(factor) => self.base.saturating_mul(factor).min(self.max),
            None if self.base.is_zero() => Duration::ZERO,
            None => self.max,
        };
        let jitter = if self.jitter > 0.0 { self.jitter.min(1.0) } else { return full };
        full.mul_f64(1.0 - jitter * random.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn doubles_from_the_base_up_to_the_longest_delay() {
        let backoff = Backoff { base: Duration::from_millis(5), max: Duration::from_millis(70), jitter: 0.0 };
        let mut random = StdRng::seed_from_u64(0);
        let delays = [0, 1, 2, 3, 4, 31, 32, u32::MAX].map(|failures| backoff.delay(failures, &mut random).as_millis());
        assert_eq!(delays, [5, 10, 20, 40, 70, 70, 70, 70]);
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let delays = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            [0, 1, 2].map(|failures| Backoff::default().delay(failures, &mut random))
        };
        assert_eq!(delays(7), delays(7));
        assert_ne!(delays(7), delays(8));
    }

    proptest! {
        #[test]
        fn jitter_shortens_by_no_more_than_its_part(failures in 0..40_u32, jitter in -1.0..2.0_f64, seed: u64) {
            let mut random = StdRng::seed_from_u64(seed);
            let full = Backoff { jitter: 0.0, ..Backoff::default() }.delay(failures, &mut random);
            let delay = Backoff { jitter, ..Backoff::default() }.delay(failures, &mut random);
            prop_assert!(delay <= full);
            prop_assert!(delay.as_secs_f64() >= full.as_secs_f64() * (1.0 - jitter.clamp(0.0, 1.0)) - 1e-8);
        }
    }
}
