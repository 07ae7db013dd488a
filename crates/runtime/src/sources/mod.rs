//! Where keys come from besides watches.
//!
//! | source | wakes |
//! |---|---|
//! | [`Trigger`](crate::Trigger) | what another part of the process tells it to |
//! | [`Controller::stream`] | what the items of a stream are mapped to: a channel, the notifications of a remote system |
//! | [`Controller::every`], [`Controller::resync`] | keys of choice, or all objects, each time that a [`Timer`] is over |
//! | [`Controller::endpoint`] | what somebody posts to the manager's HTTP listener |
//!
//! A mapper that panics loses that one item, with an error in the log. Keys that another replica has are left to it: a timer
//! runs on each replica, but a stream and an endpoint tell only the process that they are in.

mod timer;
pub(crate) mod web;

use std::{
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use futures::{Stream, StreamExt, future::BoxFuture, pin_mut};
use kubewright_cache::{Informer, ObjectRef};
use kubewright_queue::Priority;

use crate::{Controller, Key, Reason, Trigger, clock::Clock};

pub use self::{
    timer::Timer,
    web::{Access, Call, Endpoint},
};

/// What runs beside a controller and wakes its keys.
pub(crate) type Beside<K> = Box<dyn FnOnce(Start<K>) -> BoxFuture<'static, ()> + Send>;

/// What a source starts with.
pub(crate) struct Start<K> {
    pub(crate) trigger: Trigger<K>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The caches of the kind that the controller is for.
    pub(crate) main: Vec<Informer>,
}

impl<K: Key> Controller<K> {
    /// Wakes the keys that each item of a stream is mapped to. `name` is for logs and for the reason of the reconcile. The
    /// stream may end, and then nothing more comes of it.
    ///
    /// ```
    /// # use k8s_openapi::api::core::v1::ConfigMap;
    /// # use kubewright_runtime::{Context, Controller, Error, KeyReconciler, Outcome};
    /// # struct Mine;
    /// # impl KeyReconciler for Mine {
    /// #     type Key = String;
    /// #     async fn reconcile(&self, _: &String, _: &Context) -> Result<Outcome, Error> { Ok(Outcome::Settled) }
    /// # }
    /// let (notify, notified) = futures::channel::mpsc::unbounded::<String>();
    /// let controller = Controller::for_keys("buckets", Mine).stream("notifications", notified, |bucket| Some(bucket));
    /// # drop((notify, controller));
    /// ```
    pub fn stream<S, I>(
        mut self,
        name: impl Into<String>,
        stream: S,
        map: impl Fn(S::Item) -> I + Send + Sync + 'static,
    ) -> Self
    where
        S: Stream + Send + 'static,
        S::Item: Send,
        I: IntoIterator<Item = K>,
    {
        let name: Arc<str> = name.into().into();
        self.beside.push(Box::new(move |Start { trigger, .. }| {
            Box::pin(async move {
                pin_mut!(stream);
                while let Some(item) = stream.next().await {
                    guarded(&name, || {
                        map(item).into_iter().for_each(|key| trigger.wake_for(key, Priority::NORMAL, source(&name)))
                    });
                }
            })
        }));
        self
    }

    /// Wakes keys each time that a timer is over.
    pub fn every<I>(
        mut self,
        name: impl Into<String>,
        timer: Timer,
        keys: impl Fn() -> I + Send + Sync + 'static,
    ) -> Self
    where
        I: IntoIterator<Item = K>,
    {
        let name: Arc<str> = name.into().into();
        self.beside.push(Box::new(move |Start { trigger, clock, .. }| {
            Box::pin(async move {
                let mut ticks = timer.start(clock);
                loop {
                    ticks.next().await;
                    guarded(&name, || {
                        keys().into_iter().for_each(|key| trigger.wake_for(key, Priority::NORMAL, source(&name)))
                    });
                }
            })
        }));
        self
    }

    /// Wakes the keys that a call of the manager's HTTP listener is mapped to: `POST /sources/<controller>/<name>`. It
    /// is answered with 202 and the number of keys; 401 and 403 tell that the caller may not, 400 what `map` refuses.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use k8s_openapi::api::core::v1::ConfigMap;
    /// # use kubewright_runtime::{Access, Context, Controller, Endpoint, Error, ObjectRef, Outcome, Reconciler, Watch};
    /// # struct Mine;
    /// # impl Reconciler for Mine {
    /// #     type Object = ConfigMap;
    /// #     async fn reconcile(&self, _: Arc<ConfigMap>, _: &Context) -> Result<Outcome, Error> { Ok(Outcome::Settled) }
    /// # }
    /// #[derive(serde::Deserialize)]
    /// struct Push {
    ///     repository: String,
    /// }
    ///
    /// let controller = Controller::new("builds", Watch::all(), Mine)
    ///     .endpoint(Endpoint::new("push", Access::Cluster), |call| {
    ///         let push: Push = call.json()?;
    ///         Ok(Some(ObjectRef::new(Some("builds"), &push.repository)))
    ///     });
    /// ```
    pub fn endpoint<I>(
        mut self,
        endpoint: Endpoint,
        map: impl Fn(&Call) -> Result<I, String> + Send + Sync + 'static,
    ) -> Self
    where
        I: IntoIterator<Item = K>,
    {
        let Endpoint { name, access } = endpoint;
        let (source_name, trigger): (Arc<str>, _) = (name.as_str().into(), self.trigger.clone());
        let handle = move |call: &Call| {
            let mut woken = 0;
            for key in map(call)? {
                trigger.wake_for(key, Priority::NORMAL, source(&source_name));
                woken += 1;
            }
            Ok(woken)
        };
        let path = format!("/sources/{}/{name}", self.name);
        self.routes.push(web::Route { path, access, handle: Arc::new(handle) });
        self
    }
}

impl Controller<ObjectRef> {
    /// Wakes all objects of the controller's kind each time that a timer is over, behind fresh changes. This is for what no
    /// watch tells of, such as the state of a remote system. What the cluster holds needs no resync: a change is never
    /// missed.
    pub fn resync(mut self, timer: Timer) -> Self {
        self.beside.push(Box::new(move |Start { trigger, clock, main }| {
            Box::pin(async move {
                let mut ticks = timer.start(clock);
                loop {
                    ticks.next().await;
                    for object in main.iter().flat_map(|main| main.list(None)) {
                        trigger.wake_for(object.reference().clone(), Priority::LOW, source(&"resync".into()));
                    }
                }
            })
        }));
        self
    }
}

fn source(name: &Arc<str>) -> Reason {
    Reason::Source(name.clone())
}

fn guarded(name: &impl Display, map: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(map)) {
        let panic = crate::engine::panic_message(&*panic);
        tracing::error!(source = %name, panic, "the mapper of a source panicked: the item wakes nobody");
    }
}
