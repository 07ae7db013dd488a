//! Waves: named parts of an owned set, of which each is applied when the one before is ready.

use std::{fmt, sync::Arc};

use kubewright_cache::ObjectRef;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ChildRef, Children};
use crate::{
    Error,
    readiness::{self, Readiness},
};

/// A named part of the children of an object; see [`Children::wave`].
///
/// ```
/// use k8s_openapi::api::{apps::v1::{Deployment, StatefulSet}, core::v1::{Secret, Service}};
/// use kubewright_runtime::{Children, Wave, readiness};
///
/// # let (statefulset, service, deployment) = (StatefulSet::default(), Service::default(), Deployment::default());
/// let children = Children::new()
///     .wave(Wave::new("database", Children::new().add(statefulset).add(service)))
///     .wave(Wave::later("app", move |reached| {
///         // What the waves before have made can be read here.
///         let password = reached.get::<Secret>("password")?;
///         Ok(password.map(|_| deployment).into())
///     }))
///     .wave(Wave::new("checks", Children::new()).ready_when(|child| readiness::condition(child.tree(), "Healthy")));
/// ```
pub struct Wave {
    pub(super) name: String,
    pub(super) content: Content,
    pub(super) ready: Arc<Ready>,
    pub(super) also: Readiness,
}

/// The children of a wave.
pub(super) enum Content {
    Known(Children),
    Later(Box<Later>),
}

pub(super) type Later = dyn FnOnce(&Reached<'_>) -> Result<Children, Error> + Send;
pub(super) type Ready = dyn Fn(&Live) -> Readiness + Send + Sync;

/// A child as the server has it.
#[derive(Debug, Clone)]
pub struct Live {
    pub(super) child: ChildRef,
    pub(super) tree: Value,
}

/// The children of the waves that were applied up to now.
#[derive(Debug, Clone, Copy)]
pub struct Reached<'a> {
    pub(super) owner: &'a ObjectRef,
    pub(super) lives: &'a [Live],
}

/// What became of a wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveStatus {
    /// Its name.
    pub name: String,
    /// How far it has got.
    pub state: WaveState,
}

/// How far a wave has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaveState {
    /// All of its children are applied and ready.
    Ready,
    /// Its children are applied, and these are not ready; none of them if it is for [`Wave::also`] that it waits.
    Applied(Vec<(ChildRef, Readiness)>),
    /// A wave before it is not ready: nothing was done about its children.
    Waiting,
}

impl Wave {
    /// A wave of these children. It is ready when each of them is by [`readiness::of`], or as
    /// [`ready_when`](Self::ready_when) says.
    ///
    /// The name is the value of a label: at most 63 letters, digits, `-`, `_` and `.`. It tells which children belong
    /// to the wave, so a new name is another wave.
    pub fn new(name: impl Into<String>, children: impl Into<Children>) -> Self {
        Self {
            name: name.into(),
            content: Content::Known(children.into()),
            ready: Arc::new(built_in),
            also: Readiness::Ready,
        }
    }

    /// A wave whose children are known when the waves before it are ready: they depend on what those have made. It is
    /// asked each time that it is reached.
    pub fn later(
        name: impl Into<String>,
        children: impl FnOnce(&Reached<'_>) -> Result<Children, Error> + Send + 'static,
    ) -> Self {
        let content = Content::Later(Box::new(children));
        Self { name: name.into(), content, ready: Arc::new(built_in), also: Readiness::Ready }
    }

    /// Something besides its children that the wave needs in order to be ready, such as a server outside of the cluster. Its
    /// children are applied whatever this says. What is given in several calls has to be ready together.
    pub fn also(mut self, readiness: Readiness) -> Self {
        self.also = std::mem::replace(&mut self.also, Readiness::Ready).and(readiness);
        self
    }

    /// Whether a child of the wave is ready is what this says. It is asked about each.
    pub fn ready_when(mut self, ready: impl Fn(&Live) -> Readiness + Send + Sync + 'static) -> Self {
        self.ready = Arc::new(ready);
        self
    }
}

impl Live {
    /// Which child.
    pub fn child(&self) -> &ChildRef {
        &self.child
    }

    /// All of it: what was applied, what others have set, its status.
    pub fn tree(&self) -> &Value {
        &self.tree
    }

    /// It, as a type.
    ///
    /// # Errors
    /// Terminal if it does not fit the type.
    pub fn decode<K: DeserializeOwned>(&self) -> Result<K, Error> {
        K::deserialize(&self.tree).map_err(|error| {
            let Self { child, .. } = self;
            Error::terminal(format!("{child} can't be read as {}: {error}", std::any::type_name::<K>()))
        })
    }
}

impl<'a> Reached<'a> {
    /// All of them, in the order in which they were applied.
    pub fn children(&self) -> &'a [Live] {
        self.lives
    }

    /// The child of this kind and name, in the owner's namespace if it is in one; `None` if there is none among the
    /// waves before.
    ///
    /// # Errors
    /// Terminal if it does not fit the type.
    pub fn get<K>(&self, name: &str) -> Result<Option<K>, Error>
    where
        K: kube::Resource<DynamicType = ()> + DeserializeOwned,
    {
        let (kind, namespace) = (K::kind(&()), self.owner.namespace.as_deref());
        let mut found = self.lives.iter().filter(|live| live.child.kind == *kind && *live.child.object.name == *name);
        let inside = |live: &&Live| namespace.is_none() || live.child.object.namespace.as_deref() == namespace;
        found.find(inside).map(Live::decode).transpose()
    }
}

impl fmt::Debug for Wave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Wave");
        debug.field("name", &self.name);
        match &self.content {
            Content::Known(children) => debug.field("children", children).finish_non_exhaustive(),
            Content::Later(_) => debug.finish_non_exhaustive(),
        }
    }
}

fn built_in(child: &Live) -> Readiness {
    readiness::of(&child.tree)
}

/// Whether this can be the value of a label, and more than nothing.
pub(super) fn is_name(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(ends)
        && text.ends_with(ends)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
