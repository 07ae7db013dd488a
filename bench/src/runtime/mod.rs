//! What is measured of the runtime, beside controller-runtime, client-go and kube-rs on the same server.
//!
//! - `programs`: who takes part, and how each is built.
//! - `task`: a program at its task, and what it tells.
//! - `served`: the server that all of them use.
//! - `proxy`: between the programs and the server, to cut their connections.
//! - `caches`, `queues`, `reconciles`: what is measured.

mod caches;
mod programs;
mod proxy;
mod queues;
mod reconciles;
mod served;
mod task;

use clap::Args;

use crate::Error;
use crate::report::Report;
use programs::Programs;

/// What the measurement of the runtime can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// Pods in the small and in the large cache.
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [10_000, 100_000])]
    pods: Vec<u64>,
    /// How often each is measured; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    runs: u8,
    /// Only these parts.
    #[arg(long, value_name = "PART", value_delimiter = ',', default_values = ["queues", "caches", "reconciles"])]
    only: Vec<String>,
    /// Leave the peers out; needs no Go.
    #[arg(long)]
    without_peers: bool,
}

pub(crate) async fn measure(options: &Options) -> Result<Report, Error> {
    let programs = Programs::build(options.without_peers)?;
    let runs = usize::from(options.runs);
    let wanted = |part: &str| options.only.iter().any(|only| only == part);
    let mut measures = Vec::new();
    if wanted("queues") {
        measures.extend(queues::measure(&programs, runs)?);
    }
    if wanted("caches") {
        measures.extend(caches::measure(&programs, &options.pods, runs).await?);
    }
    if wanted("reconciles") {
        measures.extend(reconciles::measure(&programs, runs).await?);
    }
    let versions = if options.without_peers {
        String::new()
    } else {
        format!(", {} ({})", programs::GO_VERSIONS, programs::KUBE_RS_VERSION)
    };
    Ok(Report::new(&versions, programs.peers().iter().map(|program| program.name).collect(), measures))
}
