//! `kubewright run`: the operators against a cluster.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use kubewright::prelude::*;
use kubewright::runtime::{LeaderElection, Replicas, Sharding};

use crate::args::{ReplicaArgs, RunArgs};
use crate::cluster::{ClusterError, answering};
use crate::crds::{self, CrdError};
use crate::metrics::{Metrics, address};
use crate::operators::{self, OperatorError};

/// How often it is looked whether the operators are ready.
const LOOK: Duration = Duration::from_millis(20);

/// Why `run` failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Operators(#[from] OperatorError),
    #[error(transparent)]
    Crds(#[from] CrdError),
    /// The command line can't be right.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Manager(#[from] ManagerError),
}

/// Runs the command. `set_log` changes what is logged; `traced`: spans are exported.
pub(crate) async fn run(
    args: RunArgs,
    set_log: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
    traced: bool,
) -> Result<(), RunError> {
    let chosen = operators::chosen(&args.operators)?;
    let (listen, metrics) = endpoints(&args).map_err(RunError::Usage)?;
    let client = answering(args.kubeconfig.as_deref(), args.context.as_deref()).await?;
    let options = ManagerOptions { listen, replicas: replicas(&args.replicas), ..ManagerOptions::default() };
    let working = if traced { kubewright_telemetry::client(client.clone()) } else { client.clone() };
    let mut manager = metrics.add_to(Manager::new(working, options).log_filter(set_log));
    let mut names = Vec::new();
    for operator in chosen {
        names.push(operator.name);
        if args.install_crds {
            crds::install(&client, &operator.crds).await?;
        }
        manager = operators::add(operator.name, operator.add_to, manager)?;
    }
    Ok(until_signal(manager, &names.join(", ")).await?)
}

/// Runs a manager, and says when it is ready what runs.
pub(crate) async fn until_signal(manager: Manager, what: &str) -> Result<(), ManagerError> {
    let handle = manager.handle();
    let mut running = pin!(manager.run_until_signal());
    let ready = async {
        while handle.ready().is_err() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        ended = &mut running => return ended,
        () = ready => println!("running {what}; Ctrl-C stops"),
    }
    running.await
}

/// How this process works beside others.
pub(crate) fn replicas(args: &ReplicaArgs) -> Replicas {
    let lease = args.lease_duration;
    // The proportions of the defaults: 15 s, 10 s and 2 s.
    let (renew, retry) = (lease * 2 / 3, lease * 2 / 15);
    if args.leader_elect {
        let mut election = LeaderElection::new(&args.lease);
        election.namespace.clone_from(&args.lease_namespace);
        (election.lease_duration, election.renew_deadline, election.retry_period) = (lease, renew, retry);
        Replicas::Leader(election)
    } else if args.shards {
        let mut sharding = Sharding::new(&args.lease);
        sharding.namespace.clone_from(&args.lease_namespace);
        (sharding.lease_duration, sharding.renew_deadline, sharding.retry_period) = (lease, renew, retry);
        Replicas::Shards(sharding)
    } else {
        Replicas::Single
    }
}

/// Where health is served, and metrics.
fn endpoints(args: &RunArgs) -> Result<(Option<SocketAddr>, Metrics), String> {
    let of = |flag: &'static str| move |wrong: String| format!("{flag}: {wrong}");
    let security = args.guard.security()?;
    let metrics = address(&args.metrics_bind_address, "127.0.0.1:8080").map_err(of("--metrics-bind-address"))?;
    let default = args.guard.is_secure().then_some("127.0.0.1:8081");
    let Some(health) = args.health_probe_bind_address.as_deref().or(default) else {
        return Ok((metrics, Metrics::BesideHealth));
    };
    let health = address(health, "127.0.0.1:8081").map_err(of("--health-probe-bind-address"))?;
    Ok((health, Metrics::at(metrics, security)))
}
