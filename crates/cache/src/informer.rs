//! A cache of the objects of one kind, as controllers see it.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use kube::api::ApiResource;
use kube::core::Selector;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::delta::Deltas;
use crate::index::UserIndex;
use crate::reflector::{Change, State};
use crate::store::Store;
use crate::{Keep, ObjectRef, Scope, Stored};

/// A cache of the objects of one kind and scope. Clones share it, and so does everybody who asks the same
/// [`Caches`](crate::Caches) for the same.
///
/// Reads never wait and never leave the process. After the first sync the cache always equals the server at some
/// resourceVersion, [`revision`](Self::revision): while a list is under way the old state is read. The watch ends, and
/// its memory is given back, when the last informer, [`Deltas`] and [`Index`] of it is dropped.
#[derive(Clone)]
pub struct Informer {
    handle: Arc<Handle>,
}

/// An index of a cache: finds objects by what a function says of them.
#[derive(Clone)]
pub struct Index {
    inner: Arc<IndexHandle>,
}

/// How a watch is doing.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Health {
    /// The first list is complete.
    pub synced: bool,
    /// The newest resourceVersion up to which everything has been seen; 0 before the first list is complete, and where
    /// the server's versions are no numbers.
    pub revision: u64,
    /// Where the watch is.
    pub state: State,
    /// What went wrong last, until something goes right again.
    pub error: Option<String>,
    /// The server does not let this client list or watch (401 or 403).
    pub forbidden: bool,
    /// When something was last heard of the server about this watch: an event, a bookmark or a list.
    pub last_contact: Option<Instant>,
    /// How many lists have been begun after the first was complete.
    pub relists: u64,
}

/// What a cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InformerStats {
    /// Objects.
    pub objects: usize,
    /// Memory for them, in bytes, without indexes and what they share with others.
    pub bytes: usize,
    /// Different sets of labels that they have.
    pub label_sets: usize,
}

impl Informer {
    pub(crate) fn new(handle: Arc<Handle>) -> Self {
        Self { handle }
    }

    /// The kind.
    pub fn resource(&self) -> &ApiResource {
        &self.shared().resource
    }

    /// Which objects of the kind.
    pub fn scope(&self) -> &Scope {
        &self.shared().scope
    }

    /// How much of each object.
    pub fn keep(&self) -> Keep {
        self.shared().keep
    }

    /// An object.
    pub fn get(&self, key: &ObjectRef) -> Option<Stored> {
        self.shared().store.read().contents.get(key).cloned()
    }

    /// All objects, or those of a namespace, in the order of their references.
    pub fn list(&self, namespace: Option<&str>) -> Vec<Stored> {
        self.shared().store.read().contents.iter(namespace).cloned().collect()
    }

    /// Lends the objects, or those of a namespace, in the order of their references, until the visitor breaks off; what
    /// it breaks off with is returned. Nothing is copied. The visitor must not use the informer, which is locked while it
    /// runs; keep it short, as changes wait for it.
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    ///
    /// # fn example(pods: kubewright_cache::Informer) {
    /// // The first one that is being deleted.
    /// let leaving = pods.visit(Some("shop"), |pod| match pod.deletion_timestamp() {
    ///     Some(_) => ControlFlow::Break(pod.clone()),
    ///     None => ControlFlow::Continue(()),
    /// });
    /// # }
    /// ```
    pub fn visit<B>(&self, namespace: Option<&str>, visitor: impl FnMut(&Stored) -> ControlFlow<B>) -> Option<B> {
        self.shared().store.read().contents.iter(namespace).try_for_each(visitor).break_value()
    }

    /// The objects whose labels match, in all namespaces or in one, in the order of their references.
    pub fn select(&self, namespace: Option<&str>, selector: &Selector) -> Vec<Stored> {
        self.shared().store.read().contents.select(namespace, selector)
    }

    /// The objects that have an owner with this uid, in the order of their references.
    pub fn owned_by(&self, uid: &str) -> Vec<Stored> {
        self.shared().store.read().contents.owned_by(uid)
    }

    /// Finds objects by what `values_of` says of them: those in the cache and those to come, until the last clone of
    /// the index is dropped. The function has to say the same of the same object each time, and must not use the
    /// informer, which is locked while it runs.
    pub fn add_index(&self, values_of: impl Fn(&Stored) -> Vec<String> + Send + Sync + 'static) -> Index {
        let id = self.shared().store.write().contents.add_index(UserIndex::new(values_of));
        Index { inner: Arc::new(IndexHandle { id, handle: self.handle.clone() }) }
    }

    /// Follows the changes. What the cache holds comes first, as [`initial`](crate::Delta::initial).
    pub fn subscribe(&self) -> Deltas {
        let queue = self.shared().store.write().follow();
        Deltas::new(queue, self.handle.clone())
    }

    /// Waits for the first list to be complete. False if the [`Caches`](crate::Caches) were shut down before that.
    ///
    /// This can take for ever, with a server that forbids the watch for example; [`health`](Self::health) tells.
    pub async fn wait_synced(&self) -> bool {
        let mut phase = self.shared().phase.subscribe();
        // The sender lives as long as `self`.
        _ = phase.wait_for(|phase| phase.synced || phase.stopped).await;
        self.shared().phase.borrow().synced
    }

    /// The newest resourceVersion up to which the cache has seen everything, of events, bookmarks and lists. Who has
    /// written an object waits here for its version to read it back:
    ///
    /// ```no_run
    /// # async fn example(informer: kubewright_cache::Informer, written: u64) {
    /// _ = informer.revision().wait_for(|seen| *seen >= written).await;
    /// # }
    /// ```
    ///
    /// It goes back when the server is restored from a backup, and stays 0 where versions are no numbers, so never wait
    /// here without an end.
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.shared().revision.subscribe()
    }

    /// How the watch is doing.
    pub fn health(&self) -> Health {
        let shared = self.shared();
        let synced = shared.phase.borrow().synced;
        Health { synced, revision: *shared.revision.borrow(), ..shared.health.lock().clone() }
    }

    /// What the cache holds.
    pub fn stats(&self) -> InformerStats {
        let store = self.shared().store.read();
        let contents = &store.contents;
        InformerStats { objects: contents.len(), bytes: contents.bytes(), label_sets: contents.label_sets() }
    }

    pub(crate) fn stop(&self) {
        self.handle.task.abort();
        self.shared().stop();
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }
}

impl fmt::Debug for Informer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { resource, scope, keep, .. } = self.shared();
        f.debug_struct("Informer").field("plural", &resource.plural).field("scope", scope).field("keep", keep).finish()
    }
}

impl Index {
    /// The objects of which the function says `value`, in the order of their references.
    pub fn get(&self, value: &str) -> Vec<Stored> {
        self.inner.handle.shared.store.read().contents.by_index(self.inner.id, value).cloned().collect()
    }

    /// The first of these objects, in the order of their references, for which `wanted` is true. It does not look at those
    /// after it. `wanted` must not use the informer, which is locked while it runs.
    pub fn first(&self, value: &str, mut wanted: impl FnMut(&Stored) -> bool) -> Option<Stored> {
        let store = self.inner.handle.shared.store.read();
        store.contents.by_index(self.inner.id, value).find(|object| wanted(object)).cloned()
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

struct IndexHandle {
    id: u64,
    handle: Arc<Handle>,
}

impl Drop for IndexHandle {
    fn drop(&mut self) {
        self.handle.shared.store.write().contents.remove_index(self.id);
    }
}

/// Keeps a watch going; the last one to be dropped ends it.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) task: AbortHandle,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a watch and its informers share.
pub(crate) struct Shared {
    pub(crate) resource: ApiResource,
    pub(crate) scope: Scope,
    pub(crate) keep: Keep,
    store: RwLock<Store>,
    health: Mutex<Health>,
    revision: watch::Sender<u64>,
    phase: watch::Sender<Phase>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Phase {
    synced: bool,
    stopped: bool,
}

impl Shared {
    pub(crate) fn new(resource: ApiResource, scope: Scope, keep: Keep) -> Self {
        Self {
            resource,
            scope,
            keep,
            store: RwLock::default(),
            health: Mutex::default(),
            revision: watch::Sender::new(0),
            phase: watch::Sender::default(),
        }
    }

    /// Does what the state machine has decided.
    pub(crate) fn take_over(&self, state: State, changes: Vec<Change<Stored>>) {
        self.health.lock().state = state;
        for change in changes {
            let mut seen = None;
            let mut complete = false;
            let mut store = self.store.write();
            match change {
                Change::Begin { trust } => {
                    store.begin(trust);
                    self.health.lock().relists += u64::from(store.synced);
                }
                Change::Stage(objects) => objects.into_iter().for_each(|object| store.stage(object)),
                Change::Unstage(object) => store.unstage(object.reference()),
                Change::Commit(version) => {
                    store.commit();
                    (seen, complete) = (Some(version), true);
                }
                Change::Apply(object, version) => {
                    store.apply(object);
                    seen = Some(version);
                }
                Change::Remove(object, version) => {
                    store.remove(object);
                    seen = Some(version);
                }
                Change::Progress(version) => seen = Some(version),
            }
            drop(store);
            // Only after the store: who hears of a version finds it there.
            if let Some(version) = seen {
                let number = version.number();
                // A list is told of even at a version known before: who waits for a write can stop waiting.
                let tell = |revision: &mut u64| std::mem::replace(revision, number) != number || complete;
                self.revision.send_if_modified(tell);
            }
            if complete {
                self.phase.send_if_modified(|phase| !std::mem::replace(&mut phase.synced, true));
            }
        }
    }

    pub(crate) fn note_contact(&self) {
        let mut health = self.health.lock();
        health.last_contact = Some(Instant::now());
        health.error = None;
        health.forbidden = false;
    }

    pub(crate) fn note_fault(&self, code: u16, message: String) {
        let mut health = self.health.lock();
        health.error = Some(message);
        health.forbidden = matches!(code, 401 | 403);
    }

    pub(crate) fn note_wait(&self, why: Option<&str>, delay: Duration) {
        let mut health = self.health.lock();
        if let Some(why) = why {
            health.error = Some(why.to_string());
        }
        let error = health.error.as_deref().unwrap_or_default();
        tracing::debug!(plural = %self.resource.plural, scope = ?self.scope, ?delay, error, "a watch will be tried again");
    }

    fn stop(&self) {
        self.phase.send_modify(|phase| phase.stopped = true);
    }

    pub(crate) async fn stopped(&self) {
        // The sender lives as long as `self`.
        _ = self.phase.subscribe().wait_for(|phase| phase.stopped).await;
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("plural", &self.resource.plural).finish_non_exhaustive()
    }
}
