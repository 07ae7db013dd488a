//! What the server takes from the world around it: the time of day and randomness.
//!
//! Both are passed in, so that a simulation or a test can make every run the same.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng};

/// Tells the time of day, for the timestamps in objects. Durations use tokio's time instead.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A seedable source of uids and name suffixes; clones draw from the same sequence.
#[derive(Debug, Clone)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// A sequence that depends on `seed` alone.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A sequence that nobody can foresee.
    #[expect(clippy::expect_used, reason = "a machine without a random source can't make certificates either")]
    pub fn from_system() -> Self {
        let rng = StdRng::try_from_rng(&mut SysRng).expect("the operating system gives random numbers");
        Self(Arc::new(Mutex::new(rng)))
    }

    /// A random (version 4) UUID.
    pub fn uuid(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.0.lock().fill_bytes(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut out = String::with_capacity(36);
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                out.push('-');
            }
            for nibble in [byte >> 4, byte & 0xf] {
                out.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
        }
        out
    }

    /// A random number.
    pub fn number(&self) -> u64 {
        self.0.lock().next_u64()
    }
}

/// Clock and randomness of one server.
#[derive(Clone)]
pub struct Env {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Uids and name suffixes.
    pub random: Random,
}

impl Default for Env {
    /// The operating system's clock and randomness.
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), random: Random::from_system() }
    }
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_uids() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(a.uuid(), b.uuid());
        assert_ne!(a.uuid(), a.uuid());
        assert_eq!(a.uuid().len(), 36);
    }
}
