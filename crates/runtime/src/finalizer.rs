//! Finalizers: work that must be done before an object may go.
//!
//! # Flow
//! [`run`] looks at the object and does one of four things:
//!
//! | `deletionTimestamp` | our finalizer | what happens |
//! |---|---|---|
//! | no | no | the finalizer is added, then `apply` runs |
//! | no | yes | `apply` runs |
//! | yes | yes | `cleanup` runs; when it is [`Outcome::Settled`] the finalizer is removed |
//! | yes | no | nothing: our part is done |
//!
//! # Guarantees
//! `apply` never runs before the finalizer is on the object, so `cleanup` is never missed for what `apply` has made,
//! whatever crashes. The finalizer goes only after a `cleanup` that succeeded.
//!
//! # Assumptions
//! `cleanup` can run more than once, and for objects whose `apply` never ended. All calls for a kind use the same name.
//!
//! # Caveats
//! An object whose controller is uninstalled first stays for ever. Children with an owner reference need no finalizer:
//! the garbage collector removes them.
//!
//! # Errors
//! Those of `apply` and `cleanup`, and those of the server. The list of finalizers is written on the condition that the
//! object has not changed; a conflict is a temporary error, and the retry sees the newer object.

use std::borrow::Cow;

use kube::{
    Resource,
    api::{DynamicObject, Patch, PatchParams},
    core::Request,
};
use serde_json::{Value, json};

use crate::{Context, Error, Outcome, context::Subject, owned::deleting};

/// Runs `apply` under the protection of a finalizer, or `cleanup` when the object is being deleted. `name` is a
/// qualified name: `example.com/buckets`. See [the module](self) for the flow.
///
/// ```
/// # use std::sync::Arc;
/// # use k8s_openapi::api::core::v1::ConfigMap;
/// # use kubewright_runtime::{Context, Error, Outcome, finalizer};
/// # async fn make(_: &ConfigMap) -> Result<Outcome, Error> { Ok(Outcome::Settled) }
/// # async fn remove(_: &ConfigMap) -> Result<Outcome, Error> { Ok(Outcome::Settled) }
/// async fn reconcile(object: Arc<ConfigMap>, ctx: &Context) -> Result<Outcome, Error> {
///     finalizer::run(ctx, "example.com/buckets", async || make(&object).await, async || remove(&object).await).await
/// }
/// ```
pub async fn run(
    ctx: &Context,
    name: &str,
    apply: impl AsyncFnOnce() -> Result<Outcome, Error>,
    cleanup: impl AsyncFnOnce() -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let subject = ctx.subject()?;
    let present = subject.stored.finalizers().any(|finalizer| finalizer == name);
    match (deleting(&subject.stored), present) {
        (false, true) => apply().await,
        (false, false) => {
            let mut finalizers: Vec<_> = subject.stored.finalizers().collect();
            finalizers.push(name.into());
            write(ctx, subject, &finalizers).await?;
            apply().await
        }
        (true, true) => {
            let outcome = cleanup().await?;
            if outcome == Outcome::Settled {
                let finalizers: Vec<_> = subject.stored.finalizers().filter(|finalizer| finalizer != name).collect();
                write(ctx, subject, &finalizers).await?;
            }
            Ok(outcome)
        }
        (true, false) => Ok(Outcome::Settled),
    }
}

async fn write(ctx: &Context, subject: &Subject, finalizers: &[Cow<'_, str>]) -> Result<(), Error> {
    let Subject { resource, stored } = subject;
    let object = stored.reference();
    let version = stored.resource_version().to_string();
    let patch = json!({"metadata": {"finalizers": finalizers, "uid": stored.uid(), "resourceVersion": version}});
    let params = PatchParams { field_manager: Some(ctx.field_manager().to_string()), ..PatchParams::default() };
    let path = DynamicObject::url_path(resource, object.namespace.as_deref());
    let request =
        Request::new(path).patch(&object.name, &params, &Patch::Merge(&patch)).map_err(kube::Error::BuildRequest)?;
    match ctx.client().request::<Value>(request).await {
        Ok(_) => Ok(()),
        // It went meanwhile, with the finalizer that was to be removed.
        Err(kube::Error::Api(status)) if status.is_not_found() && deleting(stored) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
