//! Wall-clock time, passed in so that tests and simulations decide what it is.

use std::fmt;

use jiff::Timestamp;

/// What time stamps in objects are made of. Delays and timeouts are tokio's and do not come from here.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
