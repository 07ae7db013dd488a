//! The last answers to probes, so that not every reconcile asks again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kubewright_runtime::ObjectRef;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::probe::{Probe, Prober};

/// The probes of all objects.
pub(super) struct Probes {
    prober: Arc<dyn Prober>,
    /// How long a good answer counts.
    interval: Duration,
    /// How long a bad one does.
    retry: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    answers: BTreeMap<Probe, Answer>,
    wanted: BTreeMap<ObjectRef, BTreeSet<Probe>>,
}

struct Answer {
    at: Instant,
    result: Result<(), String>,
}

impl Probes {
    pub(super) fn new(prober: Arc<dyn Prober>, interval: Duration, retry: Duration) -> Self {
        Self { prober, interval, retry, state: Mutex::default() }
    }

    /// Says what an object wants probed from now on.
    pub(super) fn want(&self, object: &ObjectRef, probes: BTreeSet<Probe>) {
        let mut state = self.state.lock();
        let State { answers, wanted } = &mut *state;
        if probes.is_empty() {
            wanted.remove(object);
        } else {
            wanted.insert(object.clone(), probes);
        }
        answers.retain(|probe, _| wanted.values().any(|probes| probes.contains(probe)));
    }

    /// The answer of a target, by asking if the last one is too old.
    pub(super) async fn ask(&self, probe: &Probe) -> Result<(), String> {
        if let Some(answer) = self.state.lock().answers.get(probe).filter(|answer| self.counts(answer)) {
            return answer.result.clone();
        }
        let result = self.prober.probe(probe).await;
        let mut state = self.state.lock();
        if state.wanted.values().any(|probes| probes.contains(probe)) {
            state.answers.insert(probe.clone(), Answer { at: Instant::now(), result: result.clone() });
        }
        result
    }

    fn counts(&self, answer: &Answer) -> bool {
        let most = if answer.result.is_ok() { self.interval } else { self.retry };
        // The reconcile that comes after this time must find it too old.
        answer.at.elapsed() < most.mul_f64(0.9)
    }
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;

    use super::*;

    /// Says what it was told to, and counts.
    struct Told(Mutex<(u32, Result<(), String>)>);

    impl Prober for Told {
        fn probe<'a>(&'a self, _: &'a Probe) -> BoxFuture<'a, Result<(), String>> {
            let mut told = self.0.lock();
            told.0 += 1;
            let result = told.1.clone();
            Box::pin(async move { result })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_answer_counts_for_the_interval_and_a_bad_one_until_the_retry() {
        let told = Arc::new(Told(Mutex::new((0, Err("away".into())))));
        let probes = Probes::new(told.clone(), Duration::from_secs(30), Duration::from_secs(5));
        let (object, probe) = (ObjectRef::new(Some("ns"), "a"), Probe::Tcp { host: "db".into(), port: 1 });
        probes.want(&object, [probe.clone()].into());
        assert!(probes.ask(&probe).await.is_err() && probes.ask(&probe).await.is_err());
        assert_eq!(told.0.lock().0, 1);
        told.0.lock().1 = Ok(());
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(probes.ask(&probe).await, Ok(()));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(probes.ask(&probe).await, Ok(()));
        assert_eq!(told.0.lock().0, 2);
        tokio::time::advance(Duration::from_secs(10)).await;
        _ = probes.ask(&probe).await;
        assert_eq!(told.0.lock().0, 3);
        probes.want(&object, BTreeSet::new());
        assert!(probes.state.lock().answers.is_empty());
    }
}
