//! The flow of a reconcile: from a request to its end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    Api, Resource,
    api::{ApiResource, DynamicObject},
};
use kubewright_queue::Limit;
use kubewright_runtime::{
    Context, Controller, ControllerOptions, Error, ObjectRef, Outcome, Reconciler, Stored, Watch,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Done, Fault, Next, Phase, Request, RequestStatus, Rules, Turn,
    fault::Kind,
    next,
    pace::Pace,
    record::{Record, Recorded},
    sweep,
};

/// The index of unfinished requests by lane.
const LANE: &str = "request-lane";
/// The index of those among them that have begun.
const BEGUN: &str = "request-begun";

/// How requests are handled.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    /// How long completed and failed requests are kept, for audits. `None`: until somebody deletes them, as
    /// [`sweep`](super::sweep()) does. Default: 1 hour.
    pub ttl: Option<Duration>,
    /// How long after a temporary error a request is tried again. Default: 30 s.
    pub retry: Duration,
    /// How many requests run at the same time. Those of the same lane never do. Default: 4.
    pub concurrency: usize,
    /// How many requests begin within a time; a try of one that could not begin counts too. Default: `None`, as many as
    /// come.
    pub limit: Option<Limit>,
}

impl Default for RequestOptions {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { ttl: Some(seconds(3600)), retry: seconds(30), concurrency: 4, limit: None }
    }
}

/// A controller for requests, ready to be added to a manager. What they read can be added to it.
///
/// `name` and `watch` are those of [`Controller::new`]. The rights to what `check` and `run` do, and to delete requests that
/// have expired, have to be declared with [`Controller::may`].
pub fn controller<R: Request>(
    name: impl Into<String>,
    watch: Watch<R::Object>,
    request: R,
    options: RequestOptions,
) -> Controller {
    let how = ControllerOptions { concurrency: options.concurrency, ..ControllerOptions::default() };
    let watch = watch
        .index(LANE, |stored| lane_in::<R>(stored, |phase| !phase.is_finished()))
        .index(BEGUN, |stored| lane_in::<R>(stored, |phase| phase == Phase::Processing));
    Controller::new(name, watch, RequestReconciler::new(request, options)).options(how).writes_status()
}

/// Brings requests to their end. See [the module](super) for the flow.
pub struct RequestReconciler<R> {
    request: R,
    options: RequestOptions,
    pace: Pace,
    /// How runs ended whose end could not be written down yet.
    unrecorded: Mutex<BTreeMap<ObjectRef, (String, Ending)>>,
}

/// How a run ended.
#[derive(Clone, Debug)]
enum Ending {
    Completed(Done),
    Failed(String),
    /// With a temporary error.
    Again(String),
}

impl<R: Request> RequestReconciler<R> {
    fn new(request: R, options: RequestOptions) -> Self {
        Self { request, pace: Pace::new(options.limit), options, unrecorded: Mutex::default() }
    }

    async fn begin(&self, object: &R::Object, ctx: &Context) -> Result<Outcome, Error> {
        if let Some(ahead) = ahead::<R>(object, ctx)? {
            tracing::debug!(request = %reference(object), %ahead, "waits for another request of its lane");
            return Ok(Outcome::Settled);
        }
        self.pace.turn().await;
        let requester = self.request.requester(object);
        let mut record = Record::new(ctx, object, Phase::Pending);
        match self.request.check(object, ctx).await {
            Ok(()) => {}
            Err(Fault(Kind::Permanent(message))) => {
                let fields = json!({"message": message, "requester": requester, "completionTime": stamp(ctx.now(), 0)});
                if record.write(Turn::Refuse, fields).await? == Recorded::Written {
                    tracing::warn!(request = %reference(object), requester, message, "operation refused");
                    ctx.warning(R::FAILED, message);
                }
                return Ok(self.kept());
            }
            Err(fault) => return self.wait(&mut record, object, fault).await,
        }
        let fields = json!({"message": null, "requester": requester, "startTime": stamp(ctx.now(), 0)});
        match record.write(Turn::Begin, fields).await? {
            Recorded::Written => self.run(record, object, ctx).await,
            Recorded::Overtaken | Recorded::Gone => Ok(Outcome::Settled),
        }
    }

    async fn run(&self, mut record: Record<'_>, object: &R::Object, ctx: &Context) -> Result<Outcome, Error> {
        let start = Instant::now();
        let result = self.request.run(object, ctx).await;
        let (request, duration) = (reference(object), start.elapsed());
        let ending = match result {
            Ok(done) => {
                tracing::info!(%request, ?duration, "operation completed");
                Ending::Completed(done)
            }
            Err(Fault(Kind::Permanent(message))) => {
                tracing::error!(%request, ?duration, error = message, "operation failed");
                Ending::Failed(message)
            }
            Err(fault) if matches!(fault.0, Kind::Temporary(_)) || R::RECOVERY == super::Recovery::Fail => {
                let (retry, error) = (self.options.retry, fault.to_string());
                tracing::info!(%request, ?duration, error, ?retry, "operation put off");
                Ending::Again(error)
            }
            Err(fault) => return self.wait(&mut record, object, fault).await,
        };
        self.unrecorded.lock().insert(request, (uid(object), ending.clone()));
        self.end(record, object, ctx, ending).await
    }

    /// Writes down how a run ended.
    async fn end(
        &self,
        mut record: Record<'_>,
        object: &R::Object,
        ctx: &Context,
        ending: Ending,
    ) -> Result<Outcome, Error> {
        let now = ctx.now();
        let (turn, fields) = match &ending {
            Ending::Completed(Done { message, status }) => {
                let mut fields = Value::Object(status.clone());
                fields["message"] = json!(message);
                fields["completionTime"] = stamp(now, 0);
                fields["retryTime"] = Value::Null;
                (Turn::Complete, fields)
            }
            Ending::Failed(message) => {
                let fields = json!({"message": message, "completionTime": stamp(now, 0), "retryTime": null});
                (Turn::Fail, fields)
            }
            Ending::Again(error) => {
                let at = stamp(now + self.options.retry, 1);
                (Turn::Retry, json!({"message": format!("{error}; it is tried again"), "retryTime": at}))
            }
        };
        let recorded = record.write(turn, fields).await?;
        self.unrecorded.lock().remove(&reference(object));
        if recorded != Recorded::Written {
            return Ok(Outcome::Settled);
        }
        match ending {
            Ending::Completed(Done { message, .. }) => ctx.normal(R::COMPLETED, message),
            Ending::Failed(message) => ctx.warning(R::FAILED, message),
            Ending::Again(_) => return Ok(Outcome::After(self.options.retry)),
        }
        Ok(self.kept())
    }

    /// Leaves a request where it is, for now.
    async fn wait(&self, record: &mut Record<'_>, object: &R::Object, fault: Fault) -> Result<Outcome, Error> {
        let retry = self.options.retry;
        match fault.0 {
            Kind::Runtime(error) => return Err(error),
            Kind::Waiting(what) => {
                if status::<R>(object).message.as_ref() != Some(&what) {
                    record.write(Turn::Wait, json!({"message": what})).await?;
                }
            }
            // The text of an error can differ from try to try, and a status that changes causes the next.
            Kind::Temporary(error) | Kind::Permanent(error) => {
                tracing::info!(request = %reference(object), error, ?retry, "operation put off");
            }
        }
        Ok(Outcome::After(retry))
    }

    fn kept(&self) -> Outcome {
        self.options.ttl.map_or(Outcome::Settled, Outcome::Recheck)
    }

    /// The end of the last run, if it is still to be written down.
    fn owed(&self, object: &R::Object) -> Option<Ending> {
        let unrecorded = self.unrecorded.lock();
        let (id, ending) = unrecorded.get(&reference(object))?;
        (*id == uid(object)).then(|| ending.clone())
    }
}

impl<R: Request> Reconciler for RequestReconciler<R> {
    type Object = R::Object;

    async fn reconcile(&self, object: Arc<R::Object>, ctx: &Context) -> Result<Outcome, Error> {
        if object.meta().deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        let status = status::<R>(&object);
        let mut record = Record::new(ctx, &*object, status.phase);
        if let Some(ending) = self.owed(&object) {
            return self.end(record, &object, ctx, ending).await;
        }
        let rules = Rules { recovery: R::RECOVERY, ttl: self.options.ttl, retry: self.options.retry };
        let created = object.meta().creation_timestamp.as_ref().map(|time| time.0);
        match next(&status, created, rules, ctx.now()) {
            Next::Begin => self.begin(&object, ctx).await,
            Next::Run => self.run(record, &object, ctx).await,
            Next::Reopen => match record.write(Turn::Reopen, json!({"retryTime": null})).await? {
                Recorded::Written => self.run(record, &object, ctx).await,
                Recorded::Overtaken | Recorded::Gone => Ok(Outcome::Settled),
            },
            Next::Interrupted => {
                let message = "the operator ended while the request ran: whether it took effect is not known; look, and \
                               make another request if it did not";
                tracing::error!(request = %reference(&*object), "operation interrupted");
                self.end(record, &object, ctx, Ending::Failed(message.into())).await
            }
            Next::After(wait) => Ok(Outcome::After(wait)),
            Next::Keep(wait) => Ok(Outcome::Recheck(wait)),
            Next::Nothing => Ok(Outcome::Settled),
            Next::Expire => {
                let deleted = sweep::delete(&api(ctx, &*object), object.meta()).await?;
                tracing::debug!(request = %reference(&*object), deleted, "expired");
                Ok(Outcome::Settled)
            }
        }
    }

    async fn gone(&self, key: &ObjectRef, _: &Context) -> Result<Outcome, Error> {
        self.unrecorded.lock().remove(key);
        Ok(Outcome::Settled)
    }
}

/// The request that has to end before this one, which has not begun, may begin: the last of its lane that were made before it,
/// or else one that has begun. Only that one wakes this one: where thousands wait in a row, the end of one moves one.
fn ahead<R: Request>(object: &R::Object, ctx: &Context) -> Result<Option<ObjectRef>, Error> {
    let Some(lane) = R::lane(object) else { return Ok(None) };
    let (kind, this) = (ApiResource::erase::<R::Object>(&()), reference(object));
    let requests = ctx.read(&kind);
    let Some(mine) = ctx.informer(&kind)?.get(&this).map(|stored| place(&stored)) else { return Ok(None) };
    let before = |other: &Stored| Some(place(other)).filter(|theirs| *theirs < mine);
    let Some(ahead) = requests.greatest_by(LANE, &lane, before)? else {
        // One that has begun got another version by that, and with it a later place.
        return requests.find_by(BEGUN, &lane, |other| *other != this);
    };
    // Who writes to it gives it another version too: that is heard of.
    requests.get(&ahead)?;
    Ok(Some(ahead))
}

/// The lane of a request whose phase is one of these, and that is not being deleted.
fn lane_in<R: Request>(stored: &Stored, of: impl Fn(Phase) -> bool) -> Option<String> {
    let object = stored.decode::<R::Object>().ok()?;
    let counts = object.meta().deletion_timestamp.is_none() && of(status::<R>(&object).phase);
    counts.then(|| R::lane(&object)).flatten()
}

/// Where a request stands among those of its lane that have not begun: as they were made. Times are whole seconds; within
/// one the versions tell.
fn place(stored: &Stored) -> (Option<Timestamp>, u64, ObjectRef) {
    let created = stored.creation_timestamp().and_then(|time| time.parse().ok());
    (created, stored.resource_version().parse().unwrap_or_default(), stored.reference().clone())
}

fn status<R: Request>(object: &R::Object) -> RequestStatus {
    R::status(object).cloned().unwrap_or_default()
}

fn reference<K: Resource>(object: &K) -> ObjectRef {
    let meta = object.meta();
    ObjectRef::new(meta.namespace.as_deref(), meta.name.as_deref().unwrap_or_default())
}

fn uid<K: Resource>(object: &K) -> String {
    object.meta().uid.clone().unwrap_or_default()
}

fn api<K: Resource<DynamicType = ()>>(ctx: &Context, object: &K) -> Api<DynamicObject> {
    let (client, resource) = (ctx.client().clone(), ApiResource::erase::<K>(&()));
    match &object.meta().namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    }
}

/// A time as the API stores it, in whole seconds; of the second in which it lies, or of one that is `later` by some.
fn stamp(time: Timestamp, later: i64) -> Value {
    let whole = Timestamp::from_second(time.as_second().saturating_add(later)).unwrap_or(time);
    json!(Time(whole))
}
