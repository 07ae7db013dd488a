//! What a running manager tells of itself.

use kube::api::ApiResource;
use kubewright_cache::{Health, Informer};
use kubewright_queue::Stats;

use crate::{Right, TaskStatus, stores::Store};

/// The state of a controller.
#[derive(Debug, Clone)]
pub struct ControllerStatus {
    /// Its name.
    pub name: String,
    /// Whether all of its caches are in sync and its workers run.
    pub started: bool,
    /// Keys that wait for a worker, and changes in the caches that have not become keys yet.
    pub queued: usize,
    /// Keys that wait for a delay to be over: retries, and those that asked for a later run.
    pub delayed: usize,
    /// Those of the delayed keys that are done for now: their last reconcile ended with
    /// [`Outcome::Recheck`](crate::Outcome::Recheck).
    pub scheduled: usize,
    /// Keys that are worked on, or that wait for the caches to see their last write.
    pub active: usize,
    /// How many keys may be worked on at the same time.
    pub concurrency: usize,
    /// How often a failing key is retried.
    pub max_retries: Option<u32>,
    /// Keys whose last reconcile failed, in order.
    pub failing: Vec<FailingKey>,
    /// The watches.
    pub informers: Vec<InformerStatus>,
}

/// A key whose last reconcile failed.
#[derive(Debug, Clone)]
pub struct FailingKey {
    /// The key.
    pub key: String,
    /// How many retries there had been before the last run. With a terminal error there are no more.
    pub retries: u32,
    /// What went wrong.
    pub error: String,
}

/// The state of a watch.
#[derive(Debug, Clone)]
pub struct InformerStatus {
    /// The kind.
    pub resource: ApiResource,
    /// The cluster; `None`: the one that the controller is at home in.
    pub cluster: Option<String>,
    /// Whether the first list is in the cache.
    pub synced: bool,
    /// The newest resourceVersion that was seen; everything up to it is in the cache. 0: none yet.
    pub revision: u64,
    /// Why the watch does not get on, as far as is known.
    pub error: Option<String>,
}

/// One line of the readiness report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) fault: Option<String>,
}

/// Keys that wait for a worker.
pub(crate) fn queued(stats: &Stats) -> usize {
    stats.depth.iter().map(|(_, count)| count).sum::<usize>() + stats.again
}

/// What is known of the watch of a controller.
pub(crate) fn informer(store: &Store) -> InformerStatus {
    InformerStatus { cluster: store.cluster.as_deref().map(str::to_string), ..of_informer(&store.informer) }
}

/// What is known of a watch.
pub(crate) fn of_informer(informer: &Informer) -> InformerStatus {
    let Health { synced, revision, error, forbidden, last_contact, .. } = informer.health();
    let error = error.map(|error| {
        let forbidden = if forbidden { "not allowed: " } else { "" };
        match last_contact {
            Some(at) => format!("{forbidden}{error} (last heard of {} s ago)", at.elapsed().as_secs()),
            None => format!("{forbidden}{error}"),
        }
    });
    InformerStatus { resource: informer.resource().clone(), cluster: None, synced, revision, error }
}

impl InformerStatus {
    /// Empty where the controller is at home.
    pub(crate) fn place(&self) -> String {
        self.cluster.as_ref().map(|cluster| format!(" in cluster {cluster}")).unwrap_or_default()
    }
}

impl Check {
    /// The readiness of a controller: one line for each of its watches, and one for itself.
    pub(crate) fn of(controller: &ControllerStatus) -> Vec<Self> {
        let name = &controller.name;
        let fault = (!controller.started).then(|| "its caches are not in sync yet".to_string());
        let own = Self { name: format!("controller {name}"), fault };
        let watches = controller.informers.iter().map(|watch| Self::of_watch(&own.name, watch));
        let watches: Vec<Self> = watches.collect();
        std::iter::once(own).chain(watches).collect()
    }

    /// The readiness of what a task watches.
    pub(crate) fn of_task(task: &TaskStatus) -> Vec<Self> {
        let whose = format!("task {}", task.name);
        task.informers.iter().map(|watch| Self::of_watch(&whose, watch)).collect()
    }

    /// The rights that a part of the manager lacks.
    pub(crate) fn of_rights(whose: &str, missing: &[Right]) -> Self {
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        Self { name: format!("{whose} rights"), fault: Some(format!("not allowed: {}", missing.join(", "))) }
    }

    fn of_watch(whose: &str, watch: &InformerStatus) -> Self {
        let fault = match &watch.error {
            Some(error) => Some(error.clone()),
            None => (!watch.synced).then(|| "not in sync yet".to_string()),
        };
        Self { name: format!("{whose} watch {}{}", watch.resource.plural, watch.place()), fault }
    }
}
