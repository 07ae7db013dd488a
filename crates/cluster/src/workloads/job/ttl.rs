//! Deletes Jobs some time after their end, where they say so (`ttlSecondsAfterFinished`, KEP-592).

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams};
use kubewright_runtime::{Context, Controller, ControllerOptions, Error, Outcome, Reconciler, Watch};

use crate::workloads::pods::this_one;

struct Finished;

/// The controller.
pub(in crate::workloads) fn controller(options: ControllerOptions) -> Controller {
    Controller::new("ttl-after-finished-controller", Watch::<Job>::all(), Finished).options(options)
}

impl Reconciler for Finished {
    type Object = Job;

    async fn reconcile(&self, job: Arc<Job>, ctx: &Context) -> Result<Outcome, Error> {
        let seconds = job.spec.as_ref().and_then(|spec| spec.ttl_seconds_after_finished);
        let Some(seconds) = seconds.filter(|_| job.metadata.deletion_timestamp.is_none()) else {
            return Ok(Outcome::Settled);
        };
        let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let end = conditions
            .into_iter()
            .find(|condition| matches!(condition.type_.as_str(), "Complete" | "Failed") && condition.status == "True");
        let Some(end) = end.and_then(|end| end.last_transition_time.as_ref()) else { return Ok(Outcome::Settled) };
        let been = Duration::try_from(ctx.now().duration_since(end.0)).unwrap_or_default();
        let left = Duration::from_secs(u64::try_from(seconds).unwrap_or_default()).saturating_sub(been);
        if !left.is_zero() {
            return Ok(Outcome::After(left));
        }
        let api = Api::<Job>::namespaced(ctx.client().clone(), &job.namespace().unwrap_or_default());
        let mut condition = this_one(&job.metadata);
        // Its time may have been extended just now.
        condition.resource_version = job.resource_version();
        let params = DeleteParams { preconditions: Some(condition), ..DeleteParams::foreground() };
        match api.delete(&job.name_any(), &params).await {
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Outcome::Settled),
            other => Ok(other.map(|_| Outcome::Settled)?),
        }
    }
}
