//! Reconciles: how late they begin, what one with a patch costs, and what an operator costs that has nothing to do.

use std::fs;
use std::time::{Duration, Instant};

use http::Request;
use kube::Client;

use crate::Error;
use crate::control_plane::median;
use crate::process;
use crate::report::{Measure, Unit};
use crate::runtime::programs::{Program, Programs};
use crate::runtime::served::Served;
use crate::runtime::task::Task;

const RATE: u64 = 10_000;
const SECONDS: u64 = 5;
/// Each changes often, but not before the last change of it can have been seen.
const CHANGING: u64 = 2_000;
const PATCHED: u64 = 5_000;
/// After the first reconcile, until nothing is left to do.
const IDLE: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(30);

/// What is measured of one program.
#[derive(Default)]
struct Numbers {
    p50: Option<f64>,
    p99: Option<f64>,
    cpu_per_patch: Option<f64>,
    first: Option<f64>,
    idle: Option<f64>,
    size: Option<f64>,
}

pub(crate) async fn measure(programs: &Programs, runs: usize) -> Result<Vec<Measure>, Error> {
    // The way to a client takes the same time whoever it is.
    eprintln!("measuring how events arrive …");
    let mut arrivals = Vec::new();
    for _ in 0..runs {
        arrivals.push(latency(programs.ours(), "arrival").await?);
    }
    let arrival = |of: fn(&Latency) -> f64| median(arrivals.iter().map(of).collect());
    let (p50, p99) = (arrival(|arrival| arrival.p50), arrival(|arrival| arrival.p99));
    let mut numbers = Vec::new();
    for program in programs.all() {
        eprintln!("measuring reconciles of {} …", program.name);
        let mut all = Vec::new();
        for _ in 0..runs {
            all.push(once(program).await?);
        }
        let middle = |of: fn(&Numbers) -> Option<f64>| median(all.iter().filter_map(of).collect());
        numbers.push(Numbers {
            p50: middle(|numbers| numbers.p50),
            p99: middle(|numbers| numbers.p99),
            cpu_per_patch: middle(|numbers| numbers.cpu_per_patch),
            first: middle(|numbers| numbers.first),
            idle: middle(|numbers| numbers.idle),
            size: fs::metadata(&program.path).ok().map(|file| file.len() as f64),
        });
    }
    let line = |name: &str, unit, of: fn(&Numbers) -> Option<f64>| {
        let mut values: Vec<Option<f64>> = numbers.iter().map(of).collect();
        let ours = values.remove(0);
        Measure { name: name.to_owned(), unit, ours, peers: values }
    };
    let way = |name: &str, value: Option<f64>| Measure {
        name: format!("of that, until the event is at a client that does nothing else, {name}"),
        unit: Unit::Seconds,
        ours: value,
        peers: vec![None; programs.peers().len()],
    };
    Ok(vec![
        line("write to reconcile at 10,000 events/s, p50", Unit::Seconds, |numbers| numbers.p50),
        way("p50", p50),
        line("write to reconcile at 10,000 events/s, p99", Unit::Seconds, |numbers| numbers.p99),
        way("p99", p99),
        line("processor time of a reconcile with a patch", Unit::Seconds, |numbers| numbers.cpu_per_patch),
        line("ingress operator: start to first Ingress", Unit::Seconds, |numbers| numbers.first),
        line("ingress operator: resident memory, idle", Unit::Bytes, |numbers| numbers.idle),
        line("size of the program", Unit::Bytes, |numbers| numbers.size),
    ])
}

async fn once(program: &Program) -> Result<Numbers, Error> {
    let Latency { p50, p99 } = latency(program, "latency").await?;
    let cpu_per_patch = patches(program).await?;
    let (first, idle) = operator(program).await?;
    Ok(Numbers { p50: Some(p50), p99: Some(p99), cpu_per_patch, first, idle, size: None })
}

/// Seconds between a write and what it led to.
struct Latency {
    p50: f64,
    p99: f64,
}

async fn latency(program: &Program, task: &str) -> Result<Latency, Error> {
    let mut served = Served::start().await?;
    served.process.command(&format!("configmaps latency {CHANGING}"))?;
    let mut task = Task::start(program, &[task], Some(&served.kubeconfig()))?;
    task.expect("synced")?;
    // Caches, connections and pools come to rest, and to their size.
    served.process.command(&format!("events {RATE} 1 {CHANGING}"))?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    task.tell("begin")?;
    served.process.command(&format!("events {RATE} {SECONDS} {CHANGING}"))?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    task.tell("report")?;
    let (numbers, _) = task.expect("latency")?;
    let [count, p50, p99] = numbers[..] else { return Err(task.failed(format!("it told {numbers:?}"))) };
    // Those of an object that follow each other closely may become one.
    if count < (RATE * SECONDS / 2) as f64 {
        eprintln!("  {} reconciled {count} of {} events", program.name, RATE * SECONDS);
    }
    Ok(Latency { p50: p50 / 1e9, p99: p99 / 1e9 })
}

async fn patches(program: &Program) -> Result<Option<f64>, Error> {
    let mut served = Served::start().await?;
    served.process.command(&format!("configmaps patch {PATCHED}"))?;
    let mut task = Task::start(program, &["patch", &PATCHED.to_string()], Some(&served.kubeconfig()))?;
    task.expect("patched")?;
    Ok(task.cpu().map(|seconds| seconds / PATCHED as f64))
}

async fn operator(program: &Program) -> Result<(Option<f64>, Option<f64>), Error> {
    let mut served = Served::start().await?;
    served.process.command("services 10")?;
    let client = Client::try_from(served.process.config.clone())?;
    let task = Task::start(program, &["operator"], Some(&served.kubeconfig()))?;
    let path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses?limit=1";
    loop {
        let request = Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
        if client.request_text(request).await?.contains("\"uid\"") {
            break;
        }
        if task.started().elapsed() > LONGEST {
            return Err(task.failed("it made no Ingress".to_owned()));
        }
    }
    let first = Instant::now().duration_since(task.started()).as_secs_f64();
    tokio::time::sleep(IDLE).await;
    Ok((Some(first), process::resident(task.pid())))
}
