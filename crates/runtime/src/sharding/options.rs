//! What can be chosen about shards.

use std::time::Duration;

use crate::leadership::{
    ReplicaError,
    election::{Missing, Terms},
    options::{check_identity, check_name, terms},
};

/// Replicas that share the keys of their controllers: each works on those that rendezvous hashing over the live replicas
/// gives to it, and only one in N changes hands when a replica comes or goes.
///
/// A key belongs to one replica by how it is shown, `namespace/name` for objects, in all controllers alike; what its
/// children, references and deletions cause is work for that key, and goes where it goes. Each replica still watches all
/// objects, so that reads are the same everywhere.
///
/// A key has never two owners: who gets it starts after who had it has said that it stopped, or is surely dead. A replica
/// that ends in order is replaced within about a second, one that dies after [`lease_duration`](Self::lease_duration).
/// Keys that a [`Trigger`](crate::Trigger) wakes are dropped where they are not owned.
///
/// Needs the rights to `get`, `list`, `watch`, `create`, `update` and `delete` Leases in the namespace.
///
/// ```
/// use kubewright_runtime::{ManagerOptions, Replicas, Sharding};
///
/// let replicas = Replicas::Shards(Sharding::new("ingress-operator"));
/// let options = ManagerOptions { replicas, ..ManagerOptions::default() };
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sharding {
    /// The name of the group, and of its Lease; the same for all replicas, and different for each operator in the
    /// namespace. At most 200 characters.
    pub group: String,
    /// Where the Leases are. Default: `None`, the namespace of the Pod or of the kubeconfig's context.
    pub namespace: Option<String>,
    /// What the Leases call this replica; for people only. Default: `None`, the host's name.
    pub identity: Option<String>,
    /// How long a replica has to be silent until it counts as dead. Default: 15 s. Rounded up to whole seconds. The first
    /// start of a group takes as long.
    pub lease_duration: Duration,
    /// For how long after a renewal of its Lease a replica works and writes. Default: 10 s.
    pub renew_deadline: Duration,
    /// How long to wait between renewals. Default: 2 s.
    pub retry_period: Duration,
    /// How long a reconcile of a key that is to go to another replica may still run; then it is dropped where it waits,
    /// and writes nothing more. Default: 30 s.
    pub handover_timeout: Duration,
}

impl Sharding {
    /// With the defaults, in the group of this name.
    pub fn new(group: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            namespace: None,
            identity: None,
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
            handover_timeout: Duration::from_secs(30),
        }
    }

    pub(crate) fn terms(&self, missing: Missing) -> Result<Terms, ReplicaError> {
        // Members' Leases are called after it.
        check_name(&self.group, 200)?;
        check_identity(self.identity.as_deref())?;
        terms(self.lease_duration, self.renew_deadline, self.retry_period, missing)
    }
}
