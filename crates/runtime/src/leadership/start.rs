//! From the options to an election that runs beside the controllers.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use kube::Client;
use rand::{SeedableRng, rngs::StdRng};
use tokio_util::sync::CancellationToken;

use super::{
    LeaderElection, Replicas,
    duty::Duty,
    election::Election,
    elector::{Elector, Herald},
    identity,
    lease::Leases,
};
use crate::{ManagerError, ManagerOptions, clock::Clock};

/// Ends with an error if the process is to end.
pub(crate) type Elects = BoxFuture<'static, Result<(), ManagerError>>;

impl Replicas {
    /// What may be worked on before there has been any election.
    pub(crate) fn duty(&self, clock: &Arc<dyn Clock>) -> Duty {
        match self {
            Self::Single => Duty::alone(clock.clone()),
            Self::Leader(options) => Duty::none(clock.clone(), options.lease_duration),
            Self::Shards(options) => Duty::none(clock.clone(), options.lease_duration),
        }
    }

    /// What sets the duty; `None` where it is fixed.
    pub(crate) fn elect(
        &self,
        client: &Client,
        options: &ManagerOptions,
        duty: &Duty,
        herald: Herald,
        stop: CancellationToken,
    ) -> Result<Option<Elects>, ManagerError> {
        match self {
            Self::Single => Ok(None),
            Self::Leader(election) => Ok(Some(elect_leader(election, client, options, duty, herald, stop)?)),
            Self::Shards(sharding) => Ok(Some(sharding.join(client, options, duty, herald, stop)?)),
        }
    }
}

fn elect_leader(
    election: &LeaderElection,
    client: &Client,
    options: &ManagerOptions,
    duty: &Duty,
    herald: Herald,
    stop: CancellationToken,
) -> Result<Elects, ManagerError> {
    let terms = election.terms()?;
    let identity = election.identity.clone().unwrap_or_else(identity::fresh);
    let namespace = election.namespace.clone().unwrap_or_else(|| client.default_namespace().to_string());
    let clock = options.clock.clone();
    let timeout = Duration::from_secs(1).max(terms.renew / 2);
    let leases = Leases::new(client.clone(), &namespace, clock.clone(), identity.clone(), terms.lease, timeout);
    let elector = Elector {
        name: election.lease.clone(),
        election: Election::new(identity, terms),
        leases,
        renew: terms.renew,
        duty: duty.clone(),
        clock,
        // Not the numbers of others who are made from the same seed.
        random: StdRng::seed_from_u64(options.seed ^ 0x6c65_6164_6572),
        on_loss: election.on_loss,
        herald,
        last: None,
    };
    Ok(Box::pin(elector.run(stop)))
}
