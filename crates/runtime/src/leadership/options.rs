//! What can be chosen about replicas.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::ObjectMeta;

use crate::{
    leadership::election::{Missing, RELEASED, Terms},
    sharding::Sharding,
};

/// How the replicas of an operator share its work.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Replicas {
    /// There is one, and it does not look for others. Two at once would both work on everything.
    #[default]
    Single,
    /// One works, the others stand by.
    Leader(LeaderElection),
    /// Each works on its share of the keys.
    Shards(Sharding),
}

/// Leader election by a `coordination.k8s.io/v1` Lease, with client-go's fields and defaults: replicas that are written in
/// Go can take part.
///
/// The caches of a standby are warm and its readiness is that of a leader, so it works as soon as it leads. Once the lease
/// can have expired, by a clock that goes on while the process is stopped, nothing is written any more, by reconciles that
/// run neither: they fail with [`NotLeading`](crate::NotLeading). A standby's writes fail in the same way.
///
/// Needs the right to `get`, `create` and `update` Leases in the namespace, and to `create` and `patch` Events.
///
/// ```
/// use kubewright_runtime::{LeaderElection, ManagerOptions, Replicas};
///
/// let replicas = Replicas::Leader(LeaderElection::new("ingress-operator"));
/// let options = ManagerOptions { replicas, ..ManagerOptions::default() };
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LeaderElection {
    /// The name of the Lease; the same for all replicas, and different for each operator in the namespace.
    pub lease: String,
    /// Where the Lease is. Default: `None`, the namespace of the Pod or of the kubeconfig's context.
    pub namespace: Option<String>,
    /// What the Lease calls this replica. No two processes may have the same, at the danger that both lead. Default:
    /// `None`, the host's name and a random number.
    pub identity: Option<String>,
    /// After how long without a renewal others take over. Default: 15 s. Rounded up to whole seconds. A start without a
    /// Lease takes as long, as it may have been deleted under a leader; [`LeaderElection::released_lease`] spares the first
    /// one that.
    pub lease_duration: Duration,
    /// For how long after a renewal the leader works and writes. Default: 10 s. The difference to
    /// [`lease_duration`](Self::lease_duration) is what clocks may differ in their speed in that time, and what a write may
    /// take on its way to the server.
    pub renew_deadline: Duration,
    /// How long to wait between renewals, and, about, between looks at the Lease of another. Default: 2 s.
    pub retry_period: Duration,
    /// What the leader does when it could not renew in time. Default: [`OnLoss::StandBy`].
    pub on_loss: OnLoss,
}

/// What a leader does when it has lost the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnLoss {
    /// Its workers stop, its caches stay, and it is a candidate again.
    #[default]
    StandBy,
    /// The manager ends with [`ManagerError::LeadershipLost`](crate::ManagerError::LeadershipLost), as with
    /// controller-runtime: for operators with state in memory that only a new process gets rid of.
    Exit,
}

/// Replicas can't share the work as they are told to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The times do not fit together.
    #[error(
        "lease_duration {lease:?}, renew_deadline {renew:?}, retry_period {retry:?}: each has to be longer than the next, \
         and the deadline at least 1.2 times the period"
    )]
    Times {
        /// `lease_duration`.
        lease: Duration,
        /// `renew_deadline`.
        renew: Duration,
        /// `retry_period`.
        retry: Duration,
    },
    /// A name can't be that of a Lease.
    #[error("{name:?} is no name for a Lease: use lower case letters, digits, `-` and `.`, at most {most} of them")]
    Name {
        /// The name.
        name: String,
        /// How long it may be.
        most: usize,
    },
    /// The identity is empty.
    #[error("the identity of a replica must not be empty: an empty holder means that nobody leads")]
    Identity,
}

impl LeaderElection {
    /// With the defaults, on the Lease of this name.
    pub fn new(lease: impl Into<String>) -> Self {
        Self {
            lease: lease.into(),
            namespace: None,
            identity: None,
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
            on_loss: OnLoss::default(),
        }
    }

    /// The Lease as a leader leaves it that has stopped: nobody leads, and the first replica takes it at once. It is for
    /// whoever installs the operator for the first time.
    ///
    /// Make it with `create`, which leaves alone what is there; never apply it. Danger: who makes it says that no replica
    /// leads. Where one may, whose Lease was deleted less than [`lease_duration`](Self::lease_duration) ago, two can lead.
    ///
    /// ```
    /// # use k8s_openapi::api::coordination::v1::Lease;
    /// # use kube::{Api, Client, api::PostParams};
    /// # use kubewright_runtime::LeaderElection;
    /// # async fn example(client: Client) -> Result<(), kube::Error> {
    /// // The operator's namespace has just been made.
    /// let lease = LeaderElection::new("ingress-operator").released_lease();
    /// Api::<Lease>::namespaced(client, "ingress-system").create(&PostParams::default(), &lease).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn released_lease(&self) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: i32::try_from(RELEASED.as_secs()).ok(),
            ..LeaseSpec::default()
        };
        let (name, namespace) = (Some(self.lease.clone()), self.namespace.clone());
        Lease { metadata: ObjectMeta { name, namespace, ..ObjectMeta::default() }, spec: Some(spec) }
    }

    pub(crate) fn terms(&self) -> Result<Terms, ReplicaError> {
        check_name(&self.lease, 253)?;
        check_identity(self.identity.as_deref())?;
        terms(self.lease_duration, self.renew_deadline, self.retry_period, Missing::Wait)
    }
}

pub(crate) fn terms(
    lease: Duration,
    renew: Duration,
    retry: Duration,
    missing: Missing,
) -> Result<Terms, ReplicaError> {
    // The field of the Lease holds whole seconds.
    let whole = Duration::from_secs(u64::try_from(lease.as_millis().div_ceil(1000)).unwrap_or(u64::MAX));
    if retry.is_zero() || renew < retry.mul_f64(1.2) || lease <= renew || lease > Duration::from_secs(86_400) {
        return Err(ReplicaError::Times { lease, renew, retry });
    }
    Ok(Terms { lease: whole, renew, retry, missing })
}

pub(crate) fn check_identity(identity: Option<&str>) -> Result<(), ReplicaError> {
    if identity == Some("") { Err(ReplicaError::Identity) } else { Ok(()) }
}

pub(crate) fn check_name(name: &str, most: usize) -> Result<(), ReplicaError> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |part: &str| {
        let bytes = part.as_bytes();
        matches!((bytes.first(), bytes.last()), (Some(&first), Some(&last)) if plain(first) && plain(last))
            && bytes.iter().all(|&c| plain(c) || c == b'-')
    };
    if name.len() <= most && name.split('.').all(label) {
        Ok(())
    } else {
        Err(ReplicaError::Name { name: name.into(), most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_client_gos_and_fit_together() {
        let terms = LeaderElection::new("operator").terms().unwrap();
        let seconds = [terms.lease, terms.renew, terms.retry].map(|time| time.as_secs());
        assert_eq!(seconds, [15, 10, 2]);
    }

    #[test]
    fn times_names_and_identities_that_make_no_sense_are_refused() {
        let wrong = LeaderElection { renew_deadline: Duration::from_secs(15), ..LeaderElection::new("operator") };
        assert!(matches!(wrong.terms(), Err(ReplicaError::Times { .. })));
        let wrong = LeaderElection { retry_period: Duration::from_secs(9), ..LeaderElection::new("operator") };
        assert!(wrong.terms().unwrap_err().to_string().contains("retry_period 9s"));
        for name in ["", "Operator", "a_b", "-a", &"x".repeat(254)] {
            assert!(matches!(LeaderElection::new(name).terms(), Err(ReplicaError::Name { .. })), "{name}");
        }
        let wrong = LeaderElection { identity: Some(String::new()), ..LeaderElection::new("operator") };
        assert_eq!(wrong.terms(), Err(ReplicaError::Identity));
    }
}
