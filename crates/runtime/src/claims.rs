//! Which keys a controller works on: all, or those that this replica has; and what happens when that changes.
//!
//! A standby's feeds drop what the watches bring, so that it holds no keys but has warm caches. When keys become ours, the
//! caches are gone through for them: all that may have happened while another had them is looked at once.

use std::sync::Arc;

use kubewright_cache::{Delta, Informer};
use kubewright_queue::{Priority, Work};
use tokio::task::coop::consume_budget;

use crate::{
    Key, Reason,
    controller::{Source, Wake},
    engine::Engine,
    hash,
    leadership::duty::{Held, Permit, Standing},
};

impl<K: Key> Engine<K> {
    /// Whether a key that a watch brought is to be queued. One that is about to be ours is put aside until it is.
    pub(crate) fn wants(&self, key: &K) -> bool {
        match self.duty.standing(hash::of_key(key)) {
            Standing::Ours => true,
            Standing::Awaited if self.duty.shares() => {
                self.aside.lock().insert(key.clone());
                false
            }
            Standing::Awaited | Standing::Foreign => false,
        }
    }

    /// Queues a key that was woken from outside. No cache brings it again, so it is kept until it is known whose it is.
    pub(crate) fn wake(&self, Wake { key, priority, reason }: Wake<K>) {
        match self.duty.standing(hash::of_key(&key)) {
            Standing::Ours => self.add(key, priority, || reason),
            Standing::Awaited => _ = self.aside.lock().insert(key),
            Standing::Foreign => tracing::debug!(%key, "woken here, but another replica has it"),
        }
    }

    /// A permit to work on a key, or none if it is not ours.
    pub(crate) fn permit(&self, work: &Work<K>) -> Option<Permit> {
        match self.duty.permit(hash::of_key(work.key())) {
            Ok(permit) => Some(permit),
            Err(_) => {
                work.forget();
                self.set_aside(work.key());
                None
            }
        }
    }

    /// A key that can't be worked on now.
    pub(crate) fn set_aside(&self, key: &K) {
        self.forget(key);
        if self.duty.standing(hash::of_key(key)) != Standing::Foreign {
            self.aside.lock().insert(key.clone());
            // It may have become ours just before.
            self.bring_back();
        }
    }

    /// Queues what becomes ours, until the manager stops. What is ours when this is called is what the feeds bring.
    pub(crate) fn take_up(self: Arc<Self>, sources: Vec<Source<K>>) -> impl Future<Output = ()> + Send {
        let mut changes = self.duty.changes();
        let mut before = self.duty.terms();
        async move {
            loop {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    // The sender lives as long as the engine.
                    _ = changes.changed() => {}
                }
                let now = self.duty.terms();
                self.drop_foreign(&now.1);
                self.bring_back();
                let known = if before.0 == now.0 { &before.1 } else { &Held::Nothing };
                for (source, store) in sources.iter().zip(&self.context.stores.0) {
                    self.gain(source, &store.informer, known, &now.1).await;
                }
                before = now;
            }
        }
    }

    /// Queues the keys that are ours now and were not before, from the objects of one cache.
    async fn gain(&self, source: &Source<K>, informer: &Informer, before: &Held, now: &Held) {
        if matches!(now, Held::Nothing) {
            return;
        }
        for object in informer.list(None) {
            let reference = object.reference().clone();
            let delta = Delta { reference, old: None, new: Some(object), last: None, initial: true };
            self.guarded(&delta, || {
                let Some(object) = delta.new.as_ref().filter(|_| source.watch.wants(&delta)) else { return };
                (source.map)(object, &mut |key| {
                    let hash = hash::of_key(&key);
                    if now.standing(hash) == Standing::Ours && before.standing(hash) != Standing::Ours {
                        self.add(key, Priority::LOW, || Reason::TakenOver);
                    }
                });
            });
            consume_budget().await;
        }
    }

    fn bring_back(&self) {
        let mut ours = Vec::new();
        self.aside.lock().retain(|key| match self.duty.ready(hash::of_key(key)) {
            Standing::Ours => {
                ours.push(key.clone());
                false
            }
            Standing::Awaited => true,
            Standing::Foreign => false,
        });
        for key in ours {
            self.add(key, Priority::NORMAL, || Reason::TakenOver);
        }
    }
}
