//! Where keys and nonces come from.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use rand::{RngExt, SeedableRng, TryRng, rngs::StdRng, rngs::SysRng};

/// A source of randomness that is good for keys. Clones are the same source.
#[derive(Clone)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// Begins with the system's randomness.
    pub fn system() -> Self {
        let mut seed = [0; 32];
        #[expect(
            clippy::expect_used,
            reason = "a system without randomness can't be given keys, and Linux always has it"
        )]
        SysRng.try_fill_bytes(&mut seed).expect("the system has randomness");
        Self(Arc::new(Mutex::new(StdRng::from_seed(seed))))
    }

    /// The same each time, for tests and simulations.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A secret key: 40 letters and digits, the most that the server takes.
    pub fn secret_key(&self) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut random = self.0.lock();
        (0..40).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
    }

    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        self.0.lock().random()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
