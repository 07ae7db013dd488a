//! A manager from outside, while it runs and after: what it tells, and what can be changed about it.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use kubewright_cache::{Caches, Informer};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Controller, Key, ManagerError,
    health::{Check, ControllerStatus},
    journal::{Journal, Record, Unsettled},
    rights::{Ledger, Right},
    start::Runner,
    tasks::{TaskStatus, TaskWork},
};

/// Looks at a running manager, and adds and removes controllers; cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

struct Shared {
    started: AtomicBool,
    address: Mutex<Option<SocketAddr>>,
    controllers: Mutex<Vec<(String, ReadStatus)>>,
    tasks: Mutex<Vec<(String, TaskWork)>>,
    checks: Mutex<Vec<(String, ReadFault)>>,
    replica: Mutex<ReplicaStatus>,
    journal: Arc<Journal>,
    ledgers: Mutex<Vec<Ledger>>,
    caches: Mutex<Vec<Caches>>,
    commands: mpsc::UnboundedSender<Command>,
}

/// Tells the state of a controller.
pub(crate) type ReadStatus = Box<dyn Fn() -> ControllerStatus + Send + Sync>;

/// Tells what is wrong with a part that is no controller.
pub(crate) type ReadFault = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What a running manager is asked to do.
pub(crate) enum Command {
    Add(Box<dyn Runner>, oneshot::Sender<Result<(), ManagerError>>),
    /// Tells when the controller has ended, or nothing if there is none of the name.
    Remove(String, oneshot::Sender<()>),
}

/// What this process is among the replicas of its operator.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReplicaStatus {
    /// Its name in the Lease; empty for a single one.
    pub identity: String,
    /// Its part.
    pub role: Role,
    /// Who holds the Lease, as far as is known. With shards that is who coordinates.
    pub holder: Option<String>,
    /// The replicas that share the keys, by the names of their Leases, as far as is known; empty without shards.
    pub members: Vec<String>,
}

/// The part of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Role {
    /// There are no others.
    #[default]
    Single,
    /// It does the work.
    Leader,
    /// It waits, with warm caches.
    Standby,
    /// It works on its share of the keys.
    Member,
}

impl Handle {
    pub(crate) fn new(journal: Journal) -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let shared = Shared {
            started: AtomicBool::new(false),
            address: Mutex::default(),
            controllers: Mutex::default(),
            tasks: Mutex::default(),
            checks: Mutex::default(),
            replica: Mutex::default(),
            journal: Arc::new(journal),
            ledgers: Mutex::default(),
            caches: Mutex::default(),
            commands,
        };
        (Self(Arc::new(shared)), receiver)
    }

    /// The state of each controller, in the order in which they were added. Before the manager runs none has started; after
    /// it has ended, it is what they were last.
    pub fn status(&self) -> Vec<ControllerStatus> {
        self.0.controllers.lock().iter().map(|(_, read)| read()).collect()
    }

    /// The last reconciles of each controller, the oldest first: why each ran, what it read and wrote, how it ended.
    /// [`ManagerOptions::records`](crate::ManagerOptions::records) tells how many are kept.
    pub fn records(&self) -> Vec<Arc<Record>> {
        self.0.journal.records()
    }

    /// Reconcilers that never settle, as far as
    /// [`ManagerOptions::convergence`](crate::ManagerOptions::convergence) has found any: each is told once.
    pub fn unsettled(&self) -> Vec<Unsettled> {
        self.0.journal.unsettled()
    }

    /// Rights that requests took and that [`Manager::rbac`](crate::Manager::rbac) does not name: what a controller reads or
    /// writes beyond what can be derived, and has not [declared](crate::Controller::may). A test that finds it empty knows
    /// that the roles are complete as far as it went. Always empty with [`RightsCheck::Off`](crate::RightsCheck::Off).
    pub fn undeclared(&self) -> Vec<Right> {
        self.0.ledgers.lock().iter().flat_map(Ledger::undeclared).collect()
    }

    /// What is known of the rights in one more cluster.
    pub(crate) fn add_ledger(&self, ledger: Ledger) {
        self.0.ledgers.lock().push(ledger);
    }

    /// The caches that are in use now.
    pub(crate) fn caches(&self) -> Vec<Informer> {
        self.0.caches.lock().iter().flat_map(Caches::informers).collect()
    }

    pub(crate) fn add_caches(&self, caches: Caches) {
        self.0.caches.lock().push(caches);
    }

    pub(crate) fn journal(&self) -> &Arc<Journal> {
        &self.0.journal
    }

    /// The state of each task, in the order in which they were added. Empty before the manager runs and after it has ended.
    pub fn tasks(&self) -> Vec<TaskStatus> {
        self.0.tasks.lock().iter().map(|(name, work)| work.status(name)).collect()
    }

    /// What this process is among the replicas.
    pub fn replica(&self) -> ReplicaStatus {
        self.0.replica.lock().clone()
    }

    /// Whether all controllers have started and all of their watches are alive; otherwise the reasons why not. A standby
    /// is ready when its caches are in sync.
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

    /// Adds a controller to a manager that runs, or is going to: returns when it has been started, which does not wait for
    /// its caches. Watches that others have already are shared.
    ///
    /// # Errors
    /// [`ManagerError::DuplicateName`]; [`ManagerError::Ended`] if the manager has ended or is stopping. If the
    /// controller fails later, so does the manager.
    pub async fn add_controller<K: Key>(&self, controller: Controller<K>) -> Result<(), ManagerError> {
        let (answer, answered) = oneshot::channel();
        // Without a receiver there is nobody to answer either.
        let _ = self.0.commands.send(Command::Add(Box::new(controller), answer));
        answered.await.unwrap_or(Err(ManagerError::Ended))
    }

    /// Takes a controller out of a manager that runs: returns when its running reconciles have ended. Watches that no
    /// other has end with it. `false` if there is none of this name, or the manager has ended.
    pub async fn remove_controller(&self, name: &str) -> bool {
        let (answer, answered) = oneshot::channel();
        // As above.
        let _ = self.0.commands.send(Command::Remove(name.to_string(), answer));
        answered.await.is_ok()
    }

    pub(crate) fn add_task(&self, name: &str, work: TaskWork) {
        self.0.tasks.lock().push((name.to_string(), work));
    }

    pub(crate) fn set_address(&self, address: SocketAddr) {
        *self.0.address.lock() = Some(address);
    }

    pub(crate) fn add_check(&self, name: String, check: ReadFault) {
        self.0.checks.lock().push((name, check));
    }

    pub(crate) fn set_replica(&self, change: impl FnOnce(&mut ReplicaStatus)) {
        change(&mut self.0.replica.lock());
    }

    /// A controller as it is before the manager runs.
    pub(crate) fn add(&self, controller: ControllerStatus) {
        self.set(&controller.name.clone(), fixed(controller));
    }

    /// How the state of a controller is read from now on.
    pub(crate) fn set(&self, name: &str, read: ReadStatus) {
        let mut controllers = self.0.controllers.lock();
        match controllers.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = read,
            None => controllers.push((name.to_string(), read)),
        }
    }

    /// A controller is no more.
    pub(crate) fn forget(&self, name: &str) {
        self.0.controllers.lock().retain(|(known, _)| known != name);
    }

    /// All controllers have been started.
    pub(crate) fn start(&self) {
        self.0.started.store(true, Ordering::Relaxed);
    }

    /// When that is dropped the manager has ended: what it told last stays, and nothing of it is kept alive.
    pub(crate) fn freeze_on_drop(self) -> impl Drop {
        Freeze(self)
    }

    pub(crate) fn checks(&self) -> Vec<Check> {
        let fault = (!self.0.started.load(Ordering::Relaxed)).then(|| "it does not run".to_string());
        let manager = Check { name: "manager".into(), fault };
        let mut checks = vec![manager];
        checks.extend(self.status().iter().flat_map(Check::of));
        checks.extend(self.tasks().iter().flat_map(Check::of_task));
        for ledger in self.0.ledgers.lock().iter() {
            checks.extend(ledger.missing().iter().map(|(whose, missing)| Check::of_rights(whose, missing)));
        }
        let others = self.0.checks.lock();
        checks.extend(others.iter().map(|(name, read)| Check { name: name.clone(), fault: read().err() }));
        checks
    }
}

struct Freeze(Handle);

impl Drop for Freeze {
    fn drop(&mut self) {
        let Freeze(handle) = self;
        handle.0.started.store(false, Ordering::Relaxed);
        handle.0.caches.lock().clear();
        handle.0.tasks.lock().clear();
        handle.0.checks.lock().clear();
        let last = handle.status();
        *handle.0.controllers.lock() = last.into_iter().map(|status| (status.name.clone(), fixed(status))).collect();
    }
}

fn fixed(status: ControllerStatus) -> ReadStatus {
    Box::new(move || status.clone())
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("address", &self.address())
            .field("replica", &self.replica())
            .finish_non_exhaustive()
    }
}
