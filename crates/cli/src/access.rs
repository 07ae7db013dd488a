//! `kubewright access`: what is done about requests for access from outside of the operator.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;
use kubewright::prelude::*;
use kubewright::runtime::clock::{Clock, SystemClock};

use crate::args::duration;
use crate::cluster::{ClusterError, answering};
use crate::toolchain::complete;

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Delete completed and failed requests that were finished some time ago. For operators with --access-request-ttl 0.
    #[command(after_help = "Examples:\n  kubewright access sweep --older-than 1h")]
    Sweep(SweepArgs),
    /// Print a CronJob that does so each hour, with the rights for it.
    #[command(after_help = "Examples:\n  kubewright access cron-job --image IMAGE | kubectl apply -f -")]
    CronJob(CronJobArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// Namespace of the requests.
    #[arg(long, value_name = "NAMESPACE", default_value = "user-system",
          add = ArgValueCandidates::new(complete::namespaces))]
    namespace: String,

    /// How long ago they must have been finished.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    older_than: Duration,

    /// Kubeconfig of the cluster. Default: $KUBECONFIG, then ~/.kube/config, then the Pod's service account.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig. Default: its current one.
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::contexts))]
    context: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CronJobArgs {
    /// Namespace of the requests, in which it runs.
    #[arg(long, value_name = "NAMESPACE", default_value = "user-system",
          add = ArgValueCandidates::new(complete::namespaces))]
    namespace: String,

    /// The container image with this program.
    #[arg(long, value_name = "IMAGE", default_value = "kubewright")]
    image: String,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("the requests in namespace {namespace} could not be swept: {cause}")]
    Sweep { namespace: String, cause: Error },
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Runs the command.
pub(crate) async fn access(command: AccessCommand) -> Result<(), AccessError> {
    match command {
        AccessCommand::Sweep(args) => sweep(args).await,
        AccessCommand::CronJob(args) => {
            let job = kubewright_access::CRON_JOB.replace("user-system", &args.namespace);
            let image = format!("image: {}\n", args.image);
            Ok(io::stdout().write_all(job.replace("image: kubewright\n", &image).as_bytes())?)
        }
    }
}

async fn sweep(args: SweepArgs) -> Result<(), AccessError> {
    let client = answering(args.kubeconfig.as_deref(), args.context.as_deref()).await?;
    let swept = kubewright_access::sweep(&client, &args.namespace, args.older_than, SystemClock.now()).await;
    let swept = swept.map_err(|cause| AccessError::Sweep { namespace: args.namespace, cause })?;
    let mut out = io::stdout().lock();
    for request in &swept.deleted {
        writeln!(out, "deleted {request}")?;
    }
    writeln!(out, "{} deleted, {} kept", swept.deleted.len(), swept.kept)?;
    Ok(())
}
