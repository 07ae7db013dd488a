//! Adds keys from some tasks, then gets each, forgets it and is done with it, on the same tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kubewright::prelude::ObjectRef;
use kubewright::queue::{Options, Priority, WorkQueue};
use tokio::task::JoinSet;

use crate::Outcome;

pub(crate) async fn run(threads: usize, keys: usize) -> Outcome {
    let reference =
        |number: usize| ObjectRef::new(Some(&format!("namespace-{}", number % 100)), &format!("object-{number}"));
    let mut shares: Vec<Vec<ObjectRef>> =
        (0..threads).map(|at| (keys * at / threads..keys * (at + 1) / threads).map(reference).collect()).collect();
    let queue = WorkQueue::new(Options::default());
    let handled = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut all = JoinSet::new();
    for share in shares.drain(..) {
        let (queue, handled) = (queue.clone(), handled.clone());
        all.spawn(async move {
            for reference in share {
                queue.add(reference, Priority::NORMAL);
            }
            while let Some(work) = queue.get().await {
                work.forget();
                work.done();
                if handled.fetch_add(1, Ordering::Relaxed) + 1 == keys {
                    queue.shut_down();
                }
            }
        });
    }
    while let Some(ended) = all.join_next().await {
        ended?;
    }
    let took: Duration = start.elapsed();
    println!("took {}", took.as_nanos());
    Ok(())
}
