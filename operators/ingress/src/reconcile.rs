//! Brings the Ingress of one Service in line with what the Service asks for.

use std::sync::Arc;

use kubewright::OptionsError;
use kubewright::k8s_openapi::api::core::v1::Service;
use kubewright::k8s_openapi::api::networking::v1::Ingress;
use kubewright::prelude::*;

use crate::options::Options;
use crate::plan::plan;

/// The index of Ingresses by host and path.
const BY_ADDRESS: &str = "address";

/// Makes, repairs and removes the Ingress of a Service.
pub struct IngressReconciler {
    options: Options,
}

/// The controller, ready to be added to a manager.
///
/// Retries of a failing Service: at most ten, with backoff; then it is dropped, with an error in the log, until it changes.
pub fn controller(options: Options) -> Result<Controller, OptionsError> {
    options.check()?;
    let how = ControllerOptions { concurrency: options.workers, max_retries: Some(10), ..ControllerOptions::default() };
    let controller = Controller::new("ingress", Watch::<Service>::all(), IngressReconciler { options })
        .owns(Watch::<Ingress>::all().index(BY_ADDRESS, |ingress| {
            ingress.decode().map(|ingress: Ingress| addresses(&ingress).collect()).unwrap_or_else(|_| Vec::new())
        }))
        .options(how);
    Ok(controller)
}

impl Reconciler for IngressReconciler {
    type Object = Service;

    async fn reconcile(&self, service: Arc<Service>, ctx: &Context) -> Result<Outcome, Error> {
        if service.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        let wanted = match plan(&service, &self.options) {
            Ok(wanted) => wanted,
            Err(refusal) => {
                ctx.warning(refusal.reason(), refusal.to_string());
                return Ok(Outcome::Settled);
            }
        };
        if let Some(address) = wanted.as_ref().and_then(|wanted| addresses(wanted).next())
            && let Some(other) = ctx.find_by::<Ingress>(BY_ADDRESS, &address, |found| Some(found) != ctx.object())?
        {
            let what = format!("{address} is also used by Ingress {other}; requests may go to either");
            ctx.warning("DuplicateHost", what);
        }
        for foreign in ctx.own(wanted).await?.refused {
            ctx.warning("IngressExists", format!("{foreign}; rename the Service or remove the Ingress"));
        }
        Ok(Outcome::Settled)
    }
}

/// Hosts with their paths, as in `example.com/cart`.
fn addresses(ingress: &Ingress) -> impl Iterator<Item = String> {
    let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
    rules.flat_map(|rule| {
        let paths = rule.http.iter().flat_map(|http| &http.paths);
        paths.map(|path| format!("{}{}", rule.host.as_deref().unwrap_or("*"), path.path.as_deref().unwrap_or("/")))
    })
}
