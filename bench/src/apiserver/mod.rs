//! What is measured of an API server under load: each verb alone and from many clients, lists, watches, memory, and how
//! all of that grows with the number of objects. First of the embedded one, then of the real one with etcd, by the same
//! clients over HTTP/2 and TLS.
//!
//! - `connection`: a client.
//! - `drive`: clients that do one thing after the other.
//! - `objects`: what is written.
//! - `sequence`: what is measured, in which order.
//! - `watchers`: many watchers of the same objects.
//!
//! The clients run on the same machine and take their share of its processors, the same for both servers. So beside
//! what clients see stands the processor time that the server itself took for it.

mod connection;
mod drive;
mod objects;
mod sequence;
mod watchers;

use std::time::Duration;

use clap::Args;
use kube::Config;
use kubewright_real::{KUBERNETES_VERSION, RealCluster};

use crate::Error;
use crate::control_plane::DataDir;
use crate::embedded::Process;
use crate::process;
use crate::report::{Measure, Report, Unit};

/// What the measurement of the API server can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// How long each load lasts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// With how many objects it is measured again, growing.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    objects: Vec<usize>,
    /// With how many watchers.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 100, 1_000])]
    watchers: Vec<usize>,
    /// Wait for the disk on each write. Without, the embedded server keeps everything in memory and etcd leaves its
    /// files to the operating system, as in tests of operators.
    #[arg(long)]
    durable: bool,
    /// Leave the real servers out.
    #[arg(long)]
    without_real: bool,
}

/// A server that is measured.
struct Server<'a> {
    config: &'a Config,
    /// Of all processes that it consists of.
    pids: Vec<u32>,
}

impl Server<'_> {
    /// The processor time of all its processes, in seconds.
    fn cpu(&self) -> f64 {
        self.pids.iter().filter_map(|pid| process::cpu(*pid)).map(|time| time.as_secs_f64()).sum()
    }

    /// The resident memory of all its processes, in bytes.
    fn resident(&self) -> f64 {
        self.pids.iter().filter_map(|pid| process::resident(*pid)).sum()
    }
}

/// What was measured of one server, in the order of the report. The same for each server.
#[derive(Default)]
struct Figures(Vec<(String, Unit, f64)>);

impl Figures {
    fn add(&mut self, name: impl Into<String>, unit: Unit, value: f64) {
        let name = name.into();
        eprintln!("  {name}: {}", unit.show(value));
        self.0.push((name, unit, value));
    }
}

pub(crate) async fn measure(options: &Options) -> Result<Report, Error> {
    let mut ours = Figures::default();
    for life in [Life::Empty, Life::Filled] {
        eprintln!("measuring the embedded API server, {life} …");
        let data_dir = options.durable.then(DataDir::create).transpose()?;
        let process = Process::start(data_dir.as_ref().map(|dir| dir.0.as_path())).await?;
        life.measure(&Server { config: &process.config, pids: vec![process.pid()] }, options, &mut ours).await?;
    }
    let (mut real, mut versions) = (Figures::default(), String::new());
    if !options.without_real {
        versions = format!(", kube-apiserver {KUBERNETES_VERSION}");
        for life in [Life::Empty, Life::Filled] {
            eprintln!("measuring kube-apiserver {KUBERNETES_VERSION} with etcd, {life} …");
            let real_options = kubewright_real::Options { durable: options.durable, ..Default::default() };
            let cluster = RealCluster::start(real_options).await?;
            life.measure(&Server { config: &cluster.config(), pids: cluster.pids() }, options, &mut real).await?;
        }
    }
    let mut real = real.0.into_iter().map(|(_, _, value)| value);
    let measures = ours.0.into_iter().map(|(name, unit, value)| Measure {
        name,
        unit,
        ours: Some(value),
        peers: vec![real.next()],
    });
    Ok(Report::new(&versions, vec!["kube-apiserver + etcd"], measures.collect()))
}

/// Each server is measured twice, so that the memory of the objects is not mixed with that of other loads.
#[derive(Clone, Copy)]
enum Life {
    /// As it starts.
    Empty,
    /// With more and more objects.
    Filled,
}

impl Life {
    async fn measure(self, server: &Server<'_>, options: &Options, figures: &mut Figures) -> Result<(), Error> {
        let during = Duration::from_secs(options.seconds);
        match self {
            Self::Empty => sequence::empty(server, during, &options.watchers, figures).await,
            Self::Filled => sequence::filled(server, during, &options.watchers, &options.objects, figures).await,
        }
    }
}

impl std::fmt::Display for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Filled => "with objects",
        })
    }
}
