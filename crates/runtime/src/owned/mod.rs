//! Owned sets: a reconcile says which children an object should have, and the runtime makes it so.
//!
//! ```text
//! Children ─→ wave by wave: complete, tied to the owner ─→ compare with the cached child ─┬ same: no request
//!     ↑                                                                                   ├ not ours: refused
//!     └────────── next wave, if all of these are ready ←──────────────────────────────────┴ else: server-side apply
//! cached children that are ours and not wanted ─→ delete
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `children` | [`Children`]: what is wanted, and what is made of it |
//! | [`waves`](Wave) | named parts that follow one another |
//! | `bond` | what ties a child to its owner |
//! | `apply`, `prune` | one child that is wanted; those that are not |
//! | `compare` | whether an apply would change anything, from managedFields |
//! | `memory` | the same for values that the server stores in another form |

mod apply;
pub(crate) mod bond;
mod children;
pub(crate) mod compare;
pub(crate) mod memory;
mod prune;
mod waves;

use std::fmt;

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use kubewright_cache::ObjectRef;

use self::{
    apply::{ChildError, Done, Wanted, same_kind},
    bond::Owner,
    prune::Prune,
    waves::{Content, Ready, is_name},
};
use crate::{Context, Error, context::Subject, readiness::Readiness};

pub(crate) use self::{apply::deleting, children::remove_nulls};
pub use self::{
    children::Children,
    waves::{Live, Reached, Wave, WaveState, WaveStatus},
};

/// Requests that one [`Context::own`] has under way at the same time.
const PARALLEL: usize = 8;

/// What [`Context::own`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    /// Children that were created or changed.
    pub applied: Vec<ChildRef>,
    /// Children that were right already: nothing was sent for them.
    pub unchanged: Vec<ChildRef>,
    /// Children that were deleted, because they are not wanted any more.
    pub pruned: Vec<ChildRef>,
    /// Children that could not be applied yet: they, or their owner, are being deleted.
    pub waiting: Vec<ChildRef>,
    /// Children whose name is taken by an object that is not ours. It was left alone.
    pub refused: Vec<Foreign>,
    /// The waves, in their order.
    pub waves: Vec<WaveStatus>,
}

/// A child, by its kind and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChildRef {
    /// Its kind.
    pub kind: String,
    /// Its namespace and name.
    pub object: ObjectRef,
}

impl fmt::Display for ChildRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.object)
    }
}

/// The name of a child is taken by an object that the owner does not control.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{child} exists and is not ours: {}; delete or rename one of the two", match controller {
    Some(controller) => format!("it is controlled by {controller}"),
    None => "nothing controls it".to_string(),
})]
pub struct Foreign {
    /// The child that was wanted.
    pub child: ChildRef,
    /// Kind and name of the controller of the object that is there, if it has one.
    pub controller: Option<String>,
}

impl Owned {
    /// Whether everything is as wanted: no child waits or was refused, and all waves are ready.
    pub fn is_ready(&self) -> bool {
        self.waiting.is_empty()
            && self.refused.is_empty()
            && self.waves.iter().all(|wave| wave.state == WaveState::Ready)
    }

    /// The first wave that is not ready; `None` if all are, or there are none.
    pub fn current_wave(&self) -> Option<&WaveStatus> {
        self.waves.iter().find(|wave| wave.state != WaveState::Ready)
    }
}

impl Context {
    /// Makes the children of the object exactly these, among the kinds that the controller declared with
    /// [`owns`](crate::Controller::owns).
    ///
    /// - A child gets an owner reference to the object (`controller: true`), so that it goes when the object goes, and
    ///   the object's namespace if it names none. Where such a reference can't be (the object is in a namespace, the
    ///   child is in another one or in none), the label `kubewright.dev/owner-uid` and the annotation
    ///   `kubewright.dev/owner` tie the child to the object. The controller deletes it then when the object is gone, or
    ///   when it starts and finds that the object went meanwhile; nobody does while the operator is uninstalled. If it
    ///   has to be gone before the object, call this with no children in a [`finalizer`](crate::finalizer).
    /// - A child that is right already costs no request. Otherwise it is sent by server-side apply, with force: drift of
    ///   the fields given is repaired, fields that were given before and no longer are get removed, and what others set
    ///   survives.
    /// - Children may follow one another in waves: see [`Children::wave`].
    /// - A cached child of the object that is not among them is deleted, if it has not changed meanwhile. An empty set
    ///   deletes all children of the declared kinds; hence one call says everything that is wanted.
    /// - An object of the same name that the owner does not control is never touched: it is in [`Owned::refused`], and the
    ///   key is woken when it changes or goes, for which it gets a watch of its own if those of the controller leave it out.
    ///   Whether there is one is asked from the server before a child is created, so that a cache which lags does not matter.
    /// - While the object is being deleted nothing is applied: its children are about to go.
    ///
    /// ```
    /// # use k8s_openapi::api::networking::v1::Ingress;
    /// # use kubewright_runtime::{Context, Error};
    /// # async fn example(ctx: &Context, wanted: Option<Ingress>) -> Result<(), Error> {
    /// let owned = ctx.own(wanted).await?;
    /// for foreign in &owned.refused {
    ///     ctx.warning("NameTaken", foreign.to_string());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Terminal for children that can't work: a kind that was not declared, no name, two of the same name, two waves of
    /// the same name. Otherwise the first error of the server, after all children of the wave have been tried.
    pub async fn own(&self, children: impl Into<Children>) -> Result<Owned, Error> {
        Set::new(self, children.into())?.make().await
    }
}

/// An owned set on its way.
struct Set<'a> {
    ctx: &'a Context,
    subject: &'a Subject,
    /// What is wanted, as far as it is known: children outside of waves, then wave by wave.
    parts: Vec<Part>,
    done: Owned,
    lives: Vec<Live>,
    faults: Vec<ChildError>,
}

/// The children outside of waves, or a wave.
struct Part {
    name: Option<String>,
    ready: Option<std::sync::Arc<Ready>>,
    also: Readiness,
    later: Option<Box<waves::Later>>,
    wanted: Vec<Wanted>,
    applied: bool,
}

impl<'a> Set<'a> {
    fn new(ctx: &'a Context, children: Children) -> Result<Self, Error> {
        let subject = ctx.subject()?;
        let Children { children, waves, fault } = children;
        let mut set = Self {
            ctx,
            subject,
            parts: Vec::with_capacity(waves.len() + 1),
            done: Owned::default(),
            lives: Vec::new(),
            faults: Vec::new(),
        };
        let direct = Children { children, waves: Vec::new(), fault };
        let wanted = set.prepare(direct, None)?;
        set.parts.push(Part { name: None, ready: None, also: Readiness::Ready, later: None, wanted, applied: false });
        for Wave { name, content, ready, also } in waves {
            if !is_name(&name) {
                let right = "up to 63 letters, digits, '-', '_' and '.', with a letter or digit at either end";
                return Err(Error::terminal(format!("{name:?} can't be the name of a wave: use {right}")));
            }
            if set.parts.iter().any(|part| part.name.as_ref() == Some(&name)) {
                return Err(Error::terminal(format!("two waves are called {name}")));
            }
            let (wanted, later) = match content {
                Content::Known(children) => (set.prepare(children, Some(&name))?, None),
                Content::Later(later) => (Vec::new(), Some(later)),
            };
            set.parts.push(Part { name: Some(name), ready: Some(ready), also, later, wanted, applied: false });
        }
        Ok(set)
    }

    async fn make(mut self) -> Result<Owned, Error> {
        let mut ready = true;
        for at in 0..self.parts.len() {
            if !ready {
                self.note_wave(at, WaveState::Waiting);
                continue;
            }
            // Its children are about to go, and those that are not known yet need not be found out.
            if deleting(&self.subject.stored) && self.parts[at].later.is_some() {
                ready = false;
                self.note_wave(at, WaveState::Waiting);
                continue;
            }
            self.find_out(at)?;
            let missing = self.apply(at).await;
            self.parts[at].applied = !deleting(&self.subject.stored);
            if self.parts[at].name.is_some() {
                ready = missing.is_empty() && self.faults.is_empty() && self.parts[at].also.is_ready();
                self.note_wave(at, if ready { WaveState::Ready } else { WaveState::Applied(missing) });
            } else {
                ready = self.faults.is_empty();
            }
        }
        self.prune().await;
        let mut faults = self.faults.into_iter();
        let Some(first) = faults.next() else { return Ok(self.done) };
        for error in faults {
            tracing::warn!(error = %Error::from(error), "another child failed too");
        }
        Err(first.into())
    }

    /// Asks for the children of a wave that are known only now.
    fn find_out(&mut self, at: usize) -> Result<(), Error> {
        let Some(later) = self.parts[at].later.take() else { return Ok(()) };
        let owner = self.subject.stored.reference();
        let children = later(&Reached { owner, lives: &self.lives })?;
        let name = self.parts[at].name.clone();
        self.parts[at].wanted = self.prepare(children, name.as_deref())?;
        Ok(())
    }

    fn prepare(&self, children: Children, wave: Option<&str>) -> Result<Vec<Wanted>, Error> {
        let Children { children, waves, fault } = children;
        if let Some(fault) = fault {
            return Err(Error::terminal(format!("a child can't be encoded: {fault}")));
        }
        if let Some(inner) = waves.first() {
            let wave = wave.unwrap_or_default();
            return Err(Error::terminal(format!("wave {wave} holds wave {}: waves follow one another", inner.name)));
        }
        let Subject { resource, stored } = self.subject;
        let owner = Owner { resource, reference: stored.reference(), uid: stored.uid() };
        let controller = &self.ctx.controller;
        let mut wanted: Vec<Wanted> = Vec::with_capacity(children.len());
        for mut child in children {
            let kind = child.resource.kind.clone();
            let declared = controller.owned.iter().any(|owned| same_kind(owned, &child.resource));
            let Some(store) = controller.stores.first(&child.resource).filter(|_| declared) else {
                let name = &controller.name;
                let what = format!("controller {name} does not own {kind}: add .owns(Watch::<{kind}>::all()) to it");
                return Err(Error::terminal(what));
            };
            let object = child.prepare(&owner, store.namespaced, wave)?;
            let twice = |one: &Wanted| one.is(&child.resource, &object);
            if wanted.iter().any(twice) || self.all_wanted().any(twice) {
                return Err(Error::terminal(format!("{kind} {object} is twice among the children")));
            }
            wanted.push(Wanted { object, child });
        }
        Ok(wanted)
    }

    /// Applies the children of a part. Tells which are not ready.
    async fn apply(&mut self, at: usize) -> Vec<(ChildRef, Readiness)> {
        let Self { ctx, subject, parts, done, lives, faults } = self;
        let Part { wanted, ready, .. } = &parts[at];
        let applies: Vec<BoxFuture<'_, Result<Done, ChildError>>> =
            wanted.iter().map(|wanted| ctx.apply(subject, wanted).boxed()).collect();
        let mut results = stream::iter(applies).buffered(PARALLEL).zip(stream::iter(wanted));
        let mut missing = Vec::new();
        while let Some((result, wanted)) = results.next().await {
            let child = wanted.reference();
            let tree = match result {
                Ok(Done::Applied(tree)) => {
                    done.applied.push(child.clone());
                    tree
                }
                Ok(Done::Unchanged(tree)) => {
                    done.unchanged.push(child.clone());
                    tree
                }
                Ok(Done::Waiting) => {
                    missing.push((child.clone(), Readiness::NotYet("it is being deleted".into())));
                    done.waiting.push(child);
                    continue;
                }
                Ok(Done::Refused(foreign)) => {
                    missing.push((child, Readiness::Failed(foreign.to_string())));
                    done.refused.push(foreign);
                    continue;
                }
                Err(error) => {
                    missing.push((child, Readiness::NotYet(error.to_string())));
                    faults.push(error);
                    continue;
                }
            };
            let mut live = Live { child, tree };
            if let Some(ready) = ready {
                match ctx.judge(wanted, &mut live, &**ready) {
                    Readiness::Ready => {}
                    not_ready => missing.push((live.child.clone(), not_ready)),
                }
            }
            lives.push(live);
        }
        missing
    }

    async fn prune(&mut self) {
        let waves = self.parts.iter().filter_map(|part| Some((part.name.as_deref()?, part.applied))).collect();
        let prune = Prune { wanted: self.all_wanted().collect(), waves };
        let (pruned, faults) = self.ctx.prune(self.subject.stored.uid(), &prune).await;
        self.done.pruned = pruned;
        self.faults.extend(faults);
    }

    fn all_wanted(&self) -> impl Iterator<Item = &Wanted> {
        self.parts.iter().flat_map(|part| &part.wanted)
    }

    fn note_wave(&mut self, at: usize, state: WaveState) {
        if let Some(name) = self.parts[at].name.clone() {
            self.done.waves.push(WaveStatus { name, state });
        }
    }
}
