//! What caches can be told.

use std::collections::BTreeSet;
use std::time::Duration;

use kubewright_queue::Backoff;

/// Which objects of a kind an informer holds. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// Only those of this namespace.
    pub namespace: Option<String>,
    /// Only those that match this label selector, as `kubectl get -l` takes it.
    pub labels: Option<String>,
    /// Only those that match this field selector, as `kubectl get --field-selector` takes it.
    pub fields: Option<String>,
}

/// What [`Caches`](crate::Caches) can be told.
#[derive(Debug, Clone)]
pub struct CacheOptions {
    /// Field managers whose entries in `metadata.managedFields` are kept with each object. All others are dropped
    /// unread: they are often a third of an object or more. Default: none.
    pub keep_fields_of: BTreeSet<String>,
    /// How many objects to ask for at once where a server has no WatchList. 0: all. Default: 500.
    pub page_size: u32,
    /// Whether to ask for WatchList (KEP-3157) before falling back to lists. Default: true.
    pub watch_list: bool,
    /// After how much silence a request or a watch is given up, as its connection may be half-open. Servers send
    /// bookmarks about once a minute; where one sends none, this is how often the watch is renewed, which loses nothing
    /// and costs two small requests. Default: 100 s.
    pub idle: Duration,
    /// How long a watch stays away after a failure; each has its own count. Default: 100 ms, doubled each time up to 30
    /// s, shortened at random by up to a half.
    pub backoff: Backoff,
    /// Seed of the jitter. Replicas should differ in it. Default: 0.
    pub seed: u64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            keep_fields_of: BTreeSet::new(),
            page_size: 500,
            watch_list: true,
            idle: Duration::from_secs(100),
            backoff: Backoff { base: Duration::from_millis(100), max: Duration::from_secs(30), jitter: 0.5 },
            seed: 0,
        }
    }
}
