//! All informers of a process on one client.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use kube::Client;
use kube::api::ApiResource;
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::informer::{Handle, Informer, Shared};
use crate::intern::Interners;
use crate::reflector::Reflector;
use crate::scan::Scanner;
use crate::stored::Kind;
use crate::{CacheOptions, Keep, Scope};

/// The caches of a process on one client: who asks for the same gets the same. Clones share them.
///
/// There is no resync: what has not changed is not told again.
#[derive(Clone)]
pub struct Caches {
    inner: Arc<Inner>,
}

/// There is no such informer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// [`Caches::shut_down`] has been called.
    #[error("cannot watch {plural}: the caches have been shut down")]
    ShutDown {
        /// What was asked for.
        plural: String,
    },
}

struct Inner {
    client: Client,
    options: Arc<CacheOptions>,
    interners: Arc<Interners>,
    informers: Mutex<Informers>,
}

#[derive(Default)]
struct Informers {
    by_watch: HashMap<Watch, Weak<Handle>>,
    started: u64,
    shut_down: bool,
}

#[derive(PartialEq, Eq, Hash)]
struct Watch {
    api_version: String,
    plural: String,
    scope: Scope,
    keep: Keep,
}

impl Caches {
    /// Makes an empty set of caches. Nothing is asked of the server yet.
    pub fn new(client: Client, options: CacheOptions) -> Self {
        let inner =
            Inner { client, options: Arc::new(options), interners: Arc::default(), informers: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The cache of a kind, typed ([`ApiResource::erase`]) or known at run time only. The first to ask for it starts
    /// its watch.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as it starts a task.
    pub fn informer(&self, resource: &ApiResource, scope: Scope, keep: Keep) -> Result<Informer, CacheError> {
        let Inner { client, options, interners, informers } = &*self.inner;
        let mut informers = informers.lock();
        if informers.shut_down {
            return Err(CacheError::ShutDown { plural: resource.plural.clone() });
        }
        let (api_version, plural) = (resource.api_version.clone(), resource.plural.clone());
        let watch = Watch { api_version, plural, scope: scope.clone(), keep };
        if let Some(handle) = informers.by_watch.get(&watch).and_then(Weak::upgrade) {
            return Ok(Informer::new(handle));
        }
        informers.by_watch.retain(|_, handle| handle.strong_count() > 0);
        informers.started += 1;
        let kind = Kind {
            api_version: interners.strings.text(&resource.api_version),
            kind: interners.strings.text(&resource.kind),
        };
        let shared = Arc::new(Shared::new(resource.clone(), scope, keep));
        let reflector = Reflector {
            client: client.clone(),
            options: options.clone(),
            shared: shared.clone(),
            scanner: Scanner::new(kind, keep, options.keep_fields_of.clone(), interners.clone()),
            random: StdRng::seed_from_u64(options.seed.wrapping_add(informers.started)),
        };
        let task = tokio::spawn(reflector.run()).abort_handle();
        let handle = Arc::new(Handle { shared, task });
        informers.by_watch.insert(watch, Arc::downgrade(&handle));
        Ok(Informer::new(handle))
    }

    /// The informers that somebody holds, by kind and scope.
    pub fn informers(&self) -> Vec<Informer> {
        let informers = self.inner.informers.lock();
        let mut found: Vec<Informer> =
            informers.by_watch.values().filter_map(Weak::upgrade).map(Informer::new).collect();
        drop(informers);
        found.sort_by_cached_key(|informer| {
            let ApiResource { group, version, plural, .. } = informer.resource();
            (group.clone(), version.clone(), plural.clone(), informer.scope().clone(), format!("{:?}", informer.keep()))
        });
        found
    }

    /// Ends all watches, in the order of [`informers`](Self::informers). What the caches hold can still be read; those
    /// who follow changes come to the end of them.
    pub fn shut_down(&self) {
        self.inner.informers.lock().shut_down = true;
        self.informers().iter().for_each(Informer::stop);
    }
}

impl fmt::Debug for Caches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caches").field("options", &self.inner.options).finish_non_exhaustive()
    }
}
