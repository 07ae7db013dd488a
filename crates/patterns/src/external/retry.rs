//! Tries again, where no queue does it: while an operator starts.

use std::{error::Error as StdError, num::NonZeroU32};

use kubewright_queue::Backoff;
use rand::{SeedableRng, rngs::StdRng};

/// How often to try, and how long to wait in between.
#[derive(Debug, Clone)]
pub struct Tries {
    /// Tries in all. Default: 5.
    pub count: NonZeroU32,
    /// The wait after each that failed. Default: 1 s, doubled each time up to 30 s, less up to a fifth.
    pub wait: Backoff,
    /// Seed of the jitter. Default: 0.
    pub seed: u64,
}

impl Default for Tries {
    fn default() -> Self {
        let wait =
            Backoff { base: std::time::Duration::from_secs(1), max: std::time::Duration::from_secs(30), jitter: 0.2 };
        Self { count: const { NonZeroU32::new(5).unwrap() }, wait, seed: 0 }
    }
}

/// All tries failed.
#[derive(Debug, thiserror::Error)]
#[error("given up after {tries} tries")]
pub struct Exhausted<E: StdError + 'static> {
    /// How many there were.
    pub tries: u32,
    /// What the last one ended with.
    #[source]
    pub last: E,
}

/// Tries until `work` succeeds. Reconciles do not need it: their queue tries again, and a worker that waits works on nothing
/// else.
///
/// ```
/// # use kubewright_patterns::external::{Tries, retry};
/// # async fn connect() -> Result<(), std::io::Error> { Ok(()) }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = retry(&Tries::default(), connect).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Exhausted`], with the last error.
pub async fn retry<T, E, F>(tries: &Tries, mut work: impl FnMut() -> F) -> Result<T, Exhausted<E>>
where
    E: StdError + 'static,
    F: Future<Output = Result<T, E>>,
{
    let mut random = StdRng::seed_from_u64(tries.seed);
    let mut failures = 0;
    loop {
        let last = match work().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        failures += 1;
        if failures >= tries.count.get() {
            return Err(Exhausted { tries: failures, last });
        }
        let wait = tries.wait.delay(failures - 1, &mut random);
        tracing::info!(error = %last, ?wait, "failed; it will be tried again");
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, io, time::Duration};

    use tokio::time::Instant;

    use super::*;

    async fn failing(times: u32, tries: &Tries) -> (Result<u32, Exhausted<io::Error>>, u32) {
        let count = Cell::new(0);
        let work = || {
            count.set(count.get() + 1);
            let now = count.get();
            async move { if now > times { Ok(now) } else { Err(io::Error::other(format!("failure {now}"))) } }
        };
        (retry(tries, work).await, count.get())
    }

    // A-30
    #[tokio::test(start_paused = true)]
    async fn the_first_success_ends_it() {
        let (result, count) = failing(2, &Tries::default()).await;
        assert_eq!((result.unwrap(), count), (3, 3));
        let (result, count) = failing(0, &Tries::default()).await;
        assert_eq!((result.unwrap(), count), (1, 1));
    }

    // A-31
    #[tokio::test(start_paused = true)]
    async fn waits_double_and_differ() {
        let steady = Tries { wait: Backoff { jitter: 0.0, ..Tries::default().wait }, ..Tries::default() };
        let begin = Instant::now();
        failing(9, &steady).await.0.unwrap_err();
        assert_eq!(begin.elapsed(), Duration::from_secs(1 + 2 + 4 + 8));
        let mut took = Vec::new();
        for seed in [1, 2] {
            let begin = Instant::now();
            failing(9, &Tries { seed, ..Tries::default() }).await.0.unwrap_err();
            took.push(begin.elapsed());
        }
        assert!(took[0] != took[1] && took.iter().all(|took| (12..=15).contains(&took.as_secs())), "{took:?}");
    }

    // A-32
    #[tokio::test(start_paused = true)]
    async fn the_last_error_is_wrapped() {
        let (result, count) = failing(9, &Tries { count: NonZeroU32::new(3).unwrap(), ..Tries::default() }).await;
        let error = result.unwrap_err();
        assert_eq!((count, error.to_string()), (3, "given up after 3 tries".into()));
        assert_eq!(error.source().unwrap().to_string(), "failure 3");
    }
}
