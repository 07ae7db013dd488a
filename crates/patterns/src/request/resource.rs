//! What the author of a request writes.

use std::fmt;

use kube::Resource;
use kubewright_runtime::Context;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Fault, RequestStatus};

/// A kind whose objects ask for something to be done once.
///
/// `docs/request.md` has a whole example.
pub trait Request: Send + Sync + 'static {
    /// The object that asks. Its specification should be immutable (a CEL rule `self == oldSelf`), and its kind needs the
    /// `status` subresource.
    type Object: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug + Send + Sync + 'static;

    /// What happens to a request whose run was cut off, by a crash or by a time limit.
    const RECOVERY: Recovery;
    /// The reason of the Normal event when a request is completed.
    const COMPLETED: &'static str = "OperationCompleted";
    /// The reason of the Warning event when a request fails.
    const FAILED: &'static str = "OperationFailed";

    /// The request's part of the object's status, if it has one yet.
    fn status(object: &Self::Object) -> Option<&RequestStatus>;

    /// Requests of the same lane run one after another, in the order in which they were made: what is granted and then
    /// taken must not be taken and then granted. Default: `None`, in no particular order.
    fn lane(object: &Self::Object) -> Option<String> {
        let _ = object;
        None
    }

    /// Who asks, for the log and the status. Take it from where the one who asks can't write. Default: nobody knows.
    fn requester(&self, object: &Self::Object) -> Option<String> {
        let _ = object;
        None
    }

    /// Whether the request may begin: the place to see whether the requester has the right to ask. Permanent: it fails
    /// without having begun. Temporary or waiting: it stays Pending and is looked at again later. Once it has begun it is
    /// not asked again. Default: it may.
    fn check(&self, object: &Self::Object, ctx: &Context) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = (object, ctx);
        async { Ok(()) }
    }

    /// Does what is asked for. With [`Recovery::Resume`] it must end in the same state however often it was cut off before;
    /// the object's uid makes a good key for that in other systems. A temporary error says that it can be run again.
    fn run(&self, object: &Self::Object, ctx: &Context) -> impl Future<Output = Result<Done, Fault>> + Send;
}

/// What happens to a request that is found Processing, though nobody runs it: the process crashed, or a run took longer
/// than [`ControllerOptions::timeout`](kubewright_runtime::ControllerOptions::timeout).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// It is run again. For what is idempotent: effects come about once, as a second run finds those of the first.
    Resume,
    /// It fails, with a message which says that it is not known how far it came. For what must not happen twice: it is
    /// written down before each run that it begins, so that no run begins twice.
    Fail,
}

/// A request was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// What to say about it, in the status and the event. Default: `Operation completed successfully`.
    pub message: String,
    /// Further fields of the status. Default: none.
    pub status: Map<String, Value>,
}

impl Default for Done {
    fn default() -> Self {
        Self { message: "Operation completed successfully".into(), status: Map::new() }
    }
}
