//! A look at a manager from outside, while it runs and after.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use crate::health::{Check, ControllerStatus};

/// Looks at a running manager; cheap to clone.
#[derive(Clone, Default)]
pub struct Handle(Arc<Shared>);

#[derive(Default)]
struct Shared {
    started: AtomicBool,
    address: Mutex<Option<SocketAddr>>,
    controllers: Mutex<Vec<ReadStatus>>,
}

/// Tells the state of a controller.
pub(crate) type ReadStatus = Box<dyn Fn() -> ControllerStatus + Send + Sync>;

impl Handle {
    /// The state of each controller, in the order in which they were added. Before the manager runs none has started; after
    /// it has ended, it is what they were last.
    pub fn status(&self) -> Vec<ControllerStatus> {
        self.0.controllers.lock().iter().map(|read| read()).collect()
    }

    /// Whether all controllers have started and all of their watches are alive; otherwise the reasons why not.
    pub fn ready(&self) -> Result<(), Vec<String>> {
        let faults: Vec<String> = self
            .checks()
            .into_iter()
            .filter_map(|Check { name, fault }| fault.map(|fault| format!("{name}: {fault}")))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Where the HTTP endpoints are served, once the manager runs.
    pub fn address(&self) -> Option<SocketAddr> {
        *self.0.address.lock()
    }

    pub(crate) fn set_address(&self, address: SocketAddr) {
        *self.0.address.lock() = Some(address);
    }

    /// A controller as it is before the manager runs.
    pub(crate) fn add(&self, controller: ControllerStatus) {
        self.0.controllers.lock().push(fixed(controller));
    }

    /// The controllers at work, in the order in which they were added.
    pub(crate) fn start(&self, controllers: Vec<ReadStatus>) {
        *self.0.controllers.lock() = controllers;
        self.0.started.store(true, Ordering::Relaxed);
    }

    /// When that is dropped the manager has ended: what it told last stays, and nothing of it is kept alive.
    pub(crate) fn freeze_on_drop(self) -> impl Drop {
        Freeze(self)
    }

    pub(crate) fn checks(&self) -> Vec<Check> {
        let fault = (!self.0.started.load(Ordering::Relaxed)).then(|| "it does not run".to_string());
        let manager = Check { name: "manager".into(), fault };
        std::iter::once(manager).chain(self.status().iter().flat_map(Check::of)).collect()
    }
}

struct Freeze(Handle);

impl Drop for Freeze {
    fn drop(&mut self) {
        let Freeze(handle) = self;
        handle.0.started.store(false, Ordering::Relaxed);
        let last = handle.status();
        *handle.0.controllers.lock() = last.into_iter().map(fixed).collect();
    }
}

fn fixed(status: ControllerStatus) -> ReadStatus {
    Box::new(move || status.clone())
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("address", &self.address()).finish_non_exhaustive()
    }
}
