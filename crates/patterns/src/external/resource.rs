//! What the author of an external resource writes.

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kubewright_runtime::Context;
use serde::{Serialize, de::DeserializeOwned};

use super::{Connect, Connection, Fault, Remote};

/// A kind of resource in a remote system, and the kind of object that stands for it.
///
/// Each method can be called again after a crash in the middle of it, and must then end where it would have ended. That is
/// what most remote APIs give by themselves, if names and keys are known before the first call: [`External::intend`] writes
/// them down.
///
/// `docs/external.md` has a whole example.
pub trait External: Send + Sync + 'static {
    /// The object that stands for the resource.
    type Object: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug + Send + Sync + 'static;
    /// Makes clients for the remote system.
    type Connect: Connect;
    /// What [`External::intend`] has written down: names, keys.
    type Intent: Send + Sync;
    /// What [`External::observe`] saw of a resource that is there.
    type Found: Send + Sync;
    /// The object's status.
    type Status: Serialize + Send + Sync;

    /// The finalizer, a qualified name: `example.com/bucket`.
    const FINALIZER: &'static str;

    /// The endpoint behind which the object's resource is.
    fn connection(&self, object: &Self::Object) -> &Connection<Self::Connect>;

    /// The conditions in the object's status.
    fn conditions<'a>(&self, object: &'a Self::Object) -> &'a [Condition];

    /// Whether the status says that the resource is ours: [`External::intend`] has run for this object. It must not depend
    /// on anything that users of the object can write.
    fn intended(&self, object: &Self::Object) -> bool;

    /// What to do with a resource that is there though nothing was intended. Default: [`Adoption::Refuse`].
    fn adoption(&self, object: &Self::Object, found: &Self::Found) -> Adoption {
        let _ = (object, found);
        Adoption::Refuse
    }

    /// What becomes of the resource when the object is deleted. Default: [`Deletion::Delete`].
    fn deletion(&self, object: &Self::Object) -> Deletion {
        let _ = object;
        Deletion::Delete
    }

    /// Whether the object makes sense, before the remote system is asked for anything: a name that it would not take, a
    /// name that another object has. A permanent fault refuses it. Default: it does.
    fn check(&self, object: &Self::Object, ctx: &Context) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = (object, ctx);
        async { Ok(()) }
    }

    /// Looks at the resource. `None`: it is not there.
    fn observe(&self, work: &Work<'_, Self>) -> impl Future<Output = Result<Option<Self::Found>, Fault>> + Send;

    /// Writes down in Kubernetes what is about to be made, so that [`External::intended`] is true from then on: the name into
    /// the status, keys into a Secret. It runs before each `create` and `update`, and costs nothing where all is right.
    fn intend(&self, work: &Work<'_, Self>) -> impl Future<Output = Result<Self::Intent, Fault>> + Send;

    /// Makes the resource. One that is there already is no fault.
    fn create(&self, work: &Work<'_, Self>, intent: &Self::Intent) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Brings a resource that is there in line with the object, and `found` with it. Tells what was repaired, in words for
    /// an event: nothing where all was right.
    fn update(
        &self,
        work: &Work<'_, Self>,
        intent: &Self::Intent,
        found: &mut Self::Found,
    ) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// Removes the resource. One that is gone already is no fault. What takes long is done in parts: each call does one and
    /// answers [`Deleted::Unfinished`] until nothing is left.
    fn delete(&self, work: &Work<'_, Self>) -> impl Future<Output = Result<Deleted, Fault>> + Send;

    /// What keeps a resource that is right on the remote side from being of use, if anything does.
    fn unready(&self, object: &Self::Object, found: &Self::Found) -> Option<Unready> {
        let _ = (object, found);
        None
    }

    /// The status to write: with the conditions of the report, to which it may add its own. Without
    /// [`Report::found`] it keeps what the object's status has. What `intend` writes has to be in it if
    /// [`Report::intended`].
    fn status(&self, object: &Self::Object, report: Report<'_, Self::Found>) -> Self::Status;
}

/// What the steps work with.
pub struct Work<'a, E: External + ?Sized> {
    /// The object.
    pub object: &'a E::Object,
    /// Kubernetes.
    pub ctx: &'a Context,
    /// The remote system.
    pub remote: Remote<<E::Connect as Connect>::Client>,
}

/// How a run ended, for the status.
#[derive(Debug)]
pub struct Report<'a, F> {
    /// The resource, if all steps succeeded.
    pub found: Option<&'a F>,
    /// Whether the resource is ours.
    pub intended: bool,
    /// The conditions of the status, with `Ready` as it is now.
    pub conditions: Vec<Condition>,
    /// The time for conditions of one's own.
    pub now: Timestamp,
}

/// What to do with a resource that was there before the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// Leave it alone: the object is not Ready, with the reason `AlreadyExists`.
    Refuse,
    /// Take it: from then on it is ours, and goes with the object unless that says otherwise.
    Adopt,
}

/// What becomes of the resource when the object is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It is removed, and the object stays until it is.
    Delete,
    /// It stays.
    Orphan,
}

/// How far [`External::delete`] got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// Nothing is left.
    Done,
    /// A part was removed, and more is left: it is called again at once.
    Unfinished,
}

/// Why a resource that exists is not Ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unready {
    /// For machines: one word in CamelCase.
    pub reason: &'static str,
    /// For people: what is missing, and what to do.
    pub message: String,
}
