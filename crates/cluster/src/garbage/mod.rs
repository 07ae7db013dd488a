//! The garbage collector: dependents go when their owners are gone.
//!
//! ```text
//! metadata informers of every kind ─→ graph: who has to be looked at ─→ decide: what to do ─→ API server
//! ```

mod collector;
mod decide;
mod graph;
mod watches;

use std::fmt;
use std::sync::Arc;

use kube::Client;
use kubewright_runtime::{Context, Controller, ControllerOptions, Error, KeyReconciler, Manager, Outcome, Trigger};

use collector::Collector;

/// Finalizer of an object that waits until its blocking dependents are deleted.
const FOREGROUND: &str = "foregroundDeletion";
/// Finalizer of an object that waits until its dependents no longer refer to it.
const ORPHAN: &str = "orphan";

/// Adds the collector to a manager.
///
/// `gone` is woken with the namespace of each object that is deleted: nobody else watches all kinds.
pub(crate) fn add_to(manager: Manager, client: Client, gone: Trigger<String>) -> Manager {
    let collector = Arc::new(Collector::new(client));
    let options = ControllerOptions { concurrency: 20, retry_limit: None, ..ControllerOptions::default() };
    let controller = Controller::for_keys("garbage-collector", Reconciler(collector.clone())).options(options);
    let trigger = controller.trigger();
    manager.controller(controller).task("garbage-collector-watches", move |context| {
        watches::follow(context, collector, watches::Wake { uids: trigger, gone })
    })
}

/// The object to look at, by uid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Uid(String);

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct Reconciler(Arc<Collector>);

impl KeyReconciler for Reconciler {
    type Key = Uid;

    async fn reconcile(&self, uid: &Uid, _: &Context) -> Result<Outcome, Error> {
        self.0.attend(&uid.0).await?;
        Ok(Outcome::Settled)
    }
}
