//! Sizes of all buckets, asked for once and shared: the server counts in its own time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kubewright::patterns::external::{Fault, Remote};
use tokio::{sync::Mutex, time::Instant};

use crate::storage::{Storage, Usage};

/// What the server said last. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct UsageCache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    age: Duration,
    last: Mutex<Option<(Instant, Sizes)>>,
}

/// By bucket.
pub(crate) type Sizes = Arc<BTreeMap<String, Usage>>;

impl UsageCache {
    /// With the age that an answer may have before the server is asked again.
    pub(crate) fn new(age: Duration) -> Self {
        Self(Arc::new(Shared { age, last: Mutex::new(None) }))
    }

    /// The sizes by bucket. Those who ask at the same time wait for one answer.
    pub(crate) async fn get<S: Storage>(&self, remote: &Remote<S>) -> Result<Sizes, Fault> {
        let mut last = self.0.last.lock().await;
        if let Some((at, usage)) = &*last
            && at.elapsed() < self.0.age
        {
            return Ok(usage.clone());
        }
        let usage = Arc::new(remote.call(remote.client().usage()).await?);
        *last = Some((Instant::now(), usage.clone()));
        Ok(usage)
    }
}
