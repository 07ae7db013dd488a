//! What is measured of a control plane, first of the embedded one and then of the real one.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kube::Config;
use kubewright_real::{KUBERNETES_VERSION, RealCluster};

use crate::embedded::{Process, started_in_process};
use crate::load::creates::creates_per_second;
use crate::process::resident;
use crate::report::{Measure, Report, Unit};
use crate::{Error, Options};

/// Starts are short and vary: the median of so many counts.
const STARTS: usize = 9;
const MANY: usize = 64;
/// Long enough for what a start leaves to do; short enough that nobody waits.
const IDLE: Duration = Duration::from_secs(2);

/// What is measured of either control plane.
#[derive(Default)]
struct Numbers {
    started: Option<f64>,
    started_in_process: Option<f64>,
    memory: Option<f64>,
    one_client: Option<f64>,
    many_clients: Option<f64>,
    one_client_durable: Option<f64>,
    many_clients_durable: Option<f64>,
}

pub(crate) async fn measure(options: &Options) -> Result<Report, Error> {
    let during = Duration::from_secs(options.seconds);
    eprintln!("measuring the embedded control plane …");
    let embedded = embedded(during).await?;
    let mut real = Numbers::default();
    let mut versions = String::new();
    if !options.without_real {
        eprintln!("measuring kube-apiserver {KUBERNETES_VERSION} with etcd …");
        real = self::real(during).await?;
        versions += &format!(", kube-apiserver {KUBERNETES_VERSION}");
    }
    let line = |name: &str, unit, of: fn(&Numbers) -> Option<f64>| Measure {
        name: name.to_owned(),
        unit,
        ours: of(&embedded),
        peers: vec![of(&real)],
    };
    let measures = vec![
        line("start to first answer, TLS", Unit::Seconds, |numbers| numbers.started),
        line("start to first answer, in process", Unit::Seconds, |numbers| numbers.started_in_process),
        line("resident memory, idle", Unit::Bytes, |numbers| numbers.memory),
        line("ConfigMap creates, 1 client", Unit::PerSecond, |numbers| numbers.one_client),
        line("ConfigMap creates, 64 clients", Unit::PerSecond, |numbers| numbers.many_clients),
        line("ConfigMap creates, 1 client, fsync", Unit::PerSecond, |numbers| numbers.one_client_durable),
        line("ConfigMap creates, 64 clients, fsync", Unit::PerSecond, |numbers| numbers.many_clients_durable),
    ];
    Ok(Report::new(&versions, vec!["kube-apiserver + etcd"], measures))
}

async fn embedded(during: Duration) -> Result<Numbers, Error> {
    let mut in_process = Vec::new();
    let mut over_tls = Vec::new();
    for _ in 0..STARTS {
        in_process.push(started_in_process()?.as_secs_f64());
        over_tls.push(Process::start(None).await?.started_in.as_secs_f64());
    }
    let process = Process::start(None).await?;
    tokio::time::sleep(IDLE).await;
    let memory = memory(&[process.pid()]);
    let (one_client, many_clients) = load(&process.config, during).await?;
    drop(process);

    let data_dir = DataDir::create()?;
    let process = Process::start(Some(&data_dir.0)).await?;
    let (one_client_durable, many_clients_durable) = load(&process.config, during).await?;
    Ok(Numbers {
        started: median(over_tls),
        started_in_process: median(in_process),
        memory,
        one_client,
        many_clients,
        one_client_durable,
        many_clients_durable,
    })
}

async fn real(during: Duration) -> Result<Numbers, Error> {
    let cluster = RealCluster::start(kubewright_real::Options::default()).await?;
    let started = cluster.started_in().as_secs_f64();
    tokio::time::sleep(IDLE).await;
    let memory = memory(&cluster.pids());
    let (one_client, many_clients) = load(&cluster.config(), during).await?;
    drop(cluster);

    let options = kubewright_real::Options { durable: true, ..Default::default() };
    let cluster = RealCluster::start(options).await?;
    let (one_client_durable, many_clients_durable) = load(&cluster.config(), during).await?;
    let started = median(vec![started, cluster.started_in().as_secs_f64()]);
    let numbers = Numbers { started, memory, one_client, many_clients, ..Numbers::default() };
    Ok(Numbers { one_client_durable, many_clients_durable, ..numbers })
}

async fn load(config: &Config, during: Duration) -> Result<(Option<f64>, Option<f64>), Error> {
    let one = creates_per_second(config, 1, during).await?;
    Ok((Some(one), Some(creates_per_second(config, MANY, during).await?)))
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The resident memory of all these processes; none where the system does not tell.
fn memory(pids: &[u32]) -> Option<f64> {
    pids.iter().map(|pid| resident(*pid)).sum()
}

/// A directory for data, removed at the end.
pub(crate) struct DataDir(pub(crate) PathBuf);

impl DataDir {
    pub(crate) fn create() -> Result<Self, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = env::temp_dir().join(format!(
            "kubewright-bench-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir_all(&path).map_err(Error::io("create a directory for the data"))?;
        Ok(Self(path))
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // What stays in the directory for temporary files does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }
}
