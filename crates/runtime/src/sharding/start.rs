//! From the options to a membership that runs beside the controllers.

use std::time::Duration;

use k8s_openapi::api::coordination::v1;
use kube::{Client, api::ApiResource};
use kubewright_cache::{CacheOptions, Caches, Keep, Scope};
use rand::{SeedableRng, rngs::StdRng};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{
    GROUP_LABEL, Sharding,
    coordinator::Coordinator,
    group::{self, Group},
    member::{Handover, Keeper},
};
use crate::{
    ManagerError, ManagerOptions,
    leadership::{
        duty::Duty,
        election::{Election, Missing},
        elector::Herald,
        identity,
        lease::Leases,
        start::Elects,
    },
};

impl Sharding {
    pub(crate) fn join(
        &self,
        client: &Client,
        options: &ManagerOptions,
        duty: &Duty,
        herald: Herald,
        stop: CancellationToken,
    ) -> Result<Elects, ManagerError> {
        let terms = self.terms(Missing::Once)?;
        let host = self.identity.clone().unwrap_or_else(identity::host);
        let identity = format!("{host}_{}", identity::suffix());
        let namespace = self.namespace.clone().unwrap_or_else(|| client.default_namespace().to_string());
        let clock = options.clock.clone();
        let timeout = Duration::from_secs(1).max(terms.renew / 2);
        let leases = Leases::new(client.clone(), &namespace, clock.clone(), identity.clone(), terms.lease, timeout);
        let random = |salt: u64| StdRng::seed_from_u64(options.seed ^ salt);
        let (plan_sender, plan) = watch::channel(None);
        let (alive_sender, alive) = watch::channel(None);
        let (released_sender, released) = watch::channel(None);
        let keeper = Keeper {
            group: self.group.clone(),
            host,
            terms,
            leases: leases.clone(),
            duty: duty.clone(),
            clock: clock.clone(),
            random: random(0x6d65_6d62_6572),
            handle: herald.handle.clone(),
            alive: alive_sender,
            released,
            last: None,
        };
        let handover = Handover {
            duty: duty.clone(),
            handle: herald.handle.clone(),
            timeout: self.handover_timeout,
            alive,
            plan,
            released: released_sender,
        };
        let coordinating = Group {
            name: self.group.clone(),
            election: Election::new(identity, self.terms(Missing::Take)?),
            coordinator: Coordinator::new(terms.lease),
            leases,
            renew: terms.renew,
            clock,
            random: random(0x0067_726f_7570),
            herald,
            last: None,
            plan: plan_sender,
        };
        let caches = Caches::new(client.clone(), CacheOptions { seed: options.seed, ..CacheOptions::default() });
        let scope = Scope {
            namespace: Some(namespace),
            labels: Some(format!("{GROUP_LABEL}={}", self.group)),
            ..Scope::default()
        };
        let group = self.group.clone();
        Ok(Box::pin(async move {
            let failed = |source| ManagerError::Watch { controller: "(shards)".into(), source };
            let resource = ApiResource::erase::<v1::Lease>(&());
            let informer = caches.informer(&resource, scope, Keep::Metadata).map_err(failed)?;
            let (nudge, last) = (Notify::new(), CancellationToken::new());
            let member = async {
                keeper.run(&stop).await;
                // Whoever coordinates sees this member out.
                last.cancel();
            };
            let aside = async { tokio::join!(group::listen(informer, &group, &nudge), handover.run()) };
            tokio::select! {
                _ = async { tokio::join!(member, coordinating.run(&nudge, last.clone())) } => {}
                _ = aside => {}
            }
            Ok(())
        }))
    }
}
