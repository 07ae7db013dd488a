//! Brings the Ingress of one Service in line with what the Service asks for.

use std::sync::Arc;

use kubewright::k8s_openapi::api::core::v1::Service;
use kubewright::k8s_openapi::api::networking::v1::Ingress;
use kubewright::prelude::*;

use crate::options::{Options, OptionsError};
use crate::plan::plan;

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
        .owns(Watch::<Ingress>::all())
        // A foreign Ingress that stood in the way may be gone.
        .watches(Watch::<Ingress>::all().when(predicates::removed), |ingress| Some(ingress.reference().clone()))
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
        if let Some(wanted) = &wanted
            && let Some(other) = shares_address(wanted, &ctx.list::<Ingress>(None)?)
        {
            ctx.warning("DuplicateHost", other);
        }
        for foreign in ctx.own(wanted).await?.refused {
            ctx.warning("IngressExists", format!("{foreign}; rename the Service or remove the Ingress"));
        }
        Ok(Outcome::Settled)
    }
}

/// Another Ingress for the same host and path, if there is one; the message that tells of it.
fn shares_address(wanted: &Ingress, all: &[Ingress]) -> Option<String> {
    let ours: Vec<_> = addresses(wanted).collect();
    let same_object =
        |other: &Ingress| other.name_any() == wanted.name_any() && other.namespace() == wanted.namespace();
    all.iter().filter(|other| !same_object(other)).find_map(|other| {
        let (host, path) = addresses(other).find(|address| ours.contains(address))?;
        let (namespace, name) = (other.namespace().unwrap_or_default(), other.name_any());
        Some(format!(
            "host {host} with path {path} is also used by Ingress {namespace}/{name}; requests may go to either"
        ))
    })
}

fn addresses(ingress: &Ingress) -> impl Iterator<Item = (&str, &str)> {
    let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
    rules.flat_map(|rule| {
        let paths = rule.http.iter().flat_map(|http| &http.paths);
        paths.map(|path| (rule.host.as_deref().unwrap_or("*"), path.path.as_deref().unwrap_or("/")))
    })
}
