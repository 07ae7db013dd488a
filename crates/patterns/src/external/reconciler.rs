//! The flow of a reconcile: from the object to the remote resource and back to the status.

use std::{sync::Arc, time::Duration};

use kube::Resource;
use kubewright_queue::Backoff;
use kubewright_runtime::{
    Context, ControllerOptions, Error, Outcome, Reconciler,
    conditions::{self, State},
    finalizer,
};
use parking_lot::Mutex;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    Adoption, Deletion, External, Fault, Report, Work,
    resource::{Deleted, Unready},
};

/// How resources are kept in line.
#[derive(Debug, Clone)]
pub struct ExternalOptions {
    /// How often a resource is looked at when nothing about its object changes. Default: 5 minutes.
    pub cycle: Duration,
    /// By what part a cycle may be longer or shorter at random, so that resources made together are not looked at together;
    /// from 0 to 1. Default: 0.1.
    pub jitter: f64,
    /// Seed of the jitter. Default: 0.
    pub seed: u64,
}

impl Default for ExternalOptions {
    fn default() -> Self {
        Self { cycle: Duration::from_secs(300), jitter: 0.1, seed: 0 }
    }
}

/// Keeps the resources of an [`External`] in line with their objects. See [the module](super) for the flow.
pub struct ExternalReconciler<E> {
    external: E,
    options: ExternalOptions,
    random: Mutex<StdRng>,
}

/// A step that did not succeed.
struct Failed {
    /// The reason of the Warning event, where the fault's own is not to be used.
    event: Option<&'static str>,
    fault: Fault,
    /// Whether the resource was ours by then.
    intended: bool,
}

impl<E: External> ExternalReconciler<E> {
    /// A reconciler for a [`Controller`](kubewright_runtime::Controller).
    pub fn new(external: E, options: ExternalOptions) -> Self {
        let random = Mutex::new(StdRng::seed_from_u64(options.seed));
        Self { external, options, random }
    }

    /// What suits a controller of external resources: ten at a time, as they mostly wait for the remote system, and retries
    /// that begin after a second and come at least each 30 s. There is no limit of all retries together, which would be ten a
    /// second: calls to the remote system are limited by the [gate](super::GateOptions) of its connection, and thousands of
    /// resources may wait for one thing that is missing here.
    pub fn controller_options() -> ControllerOptions {
        let backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(30), jitter: 0.2 };
        ControllerOptions { concurrency: 10, backoff, retry_limit: None, ..ControllerOptions::default() }
    }

    /// What there is to be known of it.
    pub fn external(&self) -> &E {
        &self.external
    }

    async fn ensure(&self, object: &E::Object, ctx: &Context) -> Result<Outcome, Error> {
        match self.bring_in_line(object, ctx).await {
            Ok(found) => {
                let unready = self.external.unready(object, &found);
                let state = match &unready {
                    None => ready(Some(true), "Available", ""),
                    Some(Unready { reason, message }) => ready(Some(false), reason, message),
                };
                self.set_status(object, ctx, state, Some(&found), true).await?;
                Ok(self.next_cycle())
            }
            Err(failed) => self.fail(object, ctx, failed).await,
        }
    }

    async fn bring_in_line(&self, object: &E::Object, ctx: &Context) -> Result<E::Found, Failed> {
        let external = &self.external;
        let intended = external.intended(object);
        let early = |fault| Failed { event: None, fault, intended };
        external.check(object, ctx).await.map_err(early)?;
        let remote = external.connection(object).remote(ctx).map_err(early)?;
        let work = Work { object, ctx, remote };
        let found = external.observe(&work).await.map_err(early)?;
        if let Some(found) = &found
            && !intended
            && external.adoption(object, found) == Adoption::Refuse
        {
            let what = "the remote system has a resource of this name that this object did not make; it was left alone: \
                        remove it, or choose another name";
            return Err(early(Fault::permanent("AlreadyExists", what)));
        }
        let intent = external.intend(&work).await.map_err(early)?;
        let failed = |event| move |fault| Failed { event: Some(event), fault, intended: true };
        let created = found.is_none();
        let mut found = match found {
            Some(found) => {
                if !intended {
                    ctx.normal("Adopted", "the remote resource was there already and is kept in line from now on");
                }
                found
            }
            None => {
                external.create(&work, &intent).await.map_err(failed("CreateFailed"))?;
                let vanished = || Fault::conflict("the resource is not there, though it has just been created");
                let found = external.observe(&work).await.and_then(|found| found.ok_or_else(vanished));
                found.map_err(failed("CreateFailed"))?
            }
        };
        let event = if created { "CreateFailed" } else { "UpdateFailed" };
        let repaired = external.update(&work, &intent, &mut found).await.map_err(failed(event))?;
        if created {
            ctx.normal("Created", "the remote resource was created");
        } else if !repaired.is_empty() {
            ctx.normal("Updated", format!("brought in line: {}", repaired.join(", ")));
        }
        Ok(found)
    }

    async fn remove(&self, object: &E::Object, ctx: &Context) -> Result<Outcome, Error> {
        let external = &self.external;
        if !external.intended(object) || external.deletion(object) == Deletion::Orphan {
            return Ok(Outcome::Settled);
        }
        let deleted = match external.connection(object).remote(ctx) {
            Ok(remote) => external.delete(&Work { object, ctx, remote }).await,
            Err(fault) => Err(fault),
        };
        match deleted {
            Ok(Deleted::Done) => {
                tracing::info!(object = ?ctx.object(), "the remote resource was removed");
                Ok(Outcome::Settled)
            }
            Ok(Deleted::Unfinished) => Ok(Outcome::After(Duration::ZERO)),
            Err(fault) => self.fail(object, ctx, Failed { event: Some("DeleteFailed"), fault, intended: true }).await,
        }
    }

    /// Says what went wrong where it has to be said, and when to try again.
    async fn fail(&self, object: &E::Object, ctx: &Context, failed: Failed) -> Result<Outcome, Error> {
        let Failed { event, fault, intended } = failed;
        if let Some((reason, message)) = fault.failure() {
            let state = ready(Some(false), reason, message);
            if self.set_status(object, ctx, state, None, intended).await? {
                ctx.warning(event.unwrap_or(reason), message);
            }
            return Ok(self.next_cycle());
        }
        // Who looks at a new object should see what it waits for; one that has been Ready stays so.
        let known = self.external.conditions(object);
        let unknown = known.iter().find(|condition| condition.type_ == READY).is_none_or(|it| it.status == "Unknown");
        if unknown && !fault.is_kubernetes() {
            // The text of a temporary fault differs from try to try, and a status that changes causes the next.
            let message = fault.missing().unwrap_or("waiting for the remote system");
            self.set_status(object, ctx, ready(None, "Pending", message), None, intended).await?;
        }
        if let Some(wait) = fault.retry_after() {
            tracing::info!(object = ?ctx.object(), %fault, ?wait, "put off");
            return Ok(Outcome::After(wait));
        }
        Err(fault.into_error())
    }

    /// Tells whether anything was written.
    async fn set_status(
        &self,
        object: &E::Object,
        ctx: &Context,
        state: State<'_>,
        found: Option<&E::Found>,
        intended: bool,
    ) -> Result<bool, Error> {
        let now = ctx.now();
        let mut conditions = self.external.conditions(object).to_vec();
        conditions::set(&mut conditions, state, object.meta().generation, now);
        let report = Report { found, intended, conditions, now };
        ctx.set_status(&self.external.status(object, report)).await
    }

    fn next_cycle(&self) -> Outcome {
        let ExternalOptions { cycle, jitter, .. } = self.options;
        let spread = jitter.clamp(0.0, 1.0) * (2.0 * self.random.lock().random::<f64>() - 1.0);
        Outcome::Recheck(cycle.mul_f64(1.0 + spread))
    }
}

impl<E: External> Reconciler for ExternalReconciler<E> {
    type Object = E::Object;

    async fn reconcile(&self, object: Arc<E::Object>, ctx: &Context) -> Result<Outcome, Error> {
        let ensure = async || self.ensure(&object, ctx).await;
        let remove = async || self.remove(&object, ctx).await;
        finalizer::run(ctx, E::FINALIZER, ensure, remove).await
    }
}

const READY: &str = "Ready";

fn ready<'a>(status: Option<bool>, reason: &'a str, message: &'a str) -> State<'a> {
    State { kind: READY, status, reason, message }
}
