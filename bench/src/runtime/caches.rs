//! Caches of Pods: memory, its peaks, and what a sync costs.

use std::time::Duration;

use crate::Error;
use crate::control_plane::median;
use crate::process;
use crate::report::{Measure, Unit};
use crate::runtime::programs::{Program, Programs};
use crate::runtime::served::Served;
use crate::runtime::task::Task;

/// More changes than the server remembers: a watch from before them has to begin anew.
const FORGOTTEN: u64 = 11_000;
/// What a program may do after the sync before it is looked at.
const SETTLE: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_secs(240);

/// What is measured of one cache.
#[derive(Default)]
struct Numbers {
    synced: Option<f64>,
    cpu: Option<f64>,
    resident: Option<f64>,
    peak: Option<f64>,
    peak_relist: Option<f64>,
}

pub(crate) async fn measure(programs: &Programs, sizes: &[u64], runs: usize) -> Result<Vec<Measure>, Error> {
    let mut served = Served::start().await?;
    let mut measures = Vec::new();
    let mut pods = 0;
    for &size in sizes {
        eprintln!("making {size} pods …");
        served.process.command(&format!("pods {pods} {size}"))?;
        pods = size;
        for form in ["full", "stripped", "metadata", "view"] {
            eprintln!("measuring caches of {size} pods, {form} …");
            // Relists of small caches tell nothing that those of large ones do not.
            let runs = if size > 50_000 { 1 } else { runs };
            let mut numbers = vec![served.numbers(programs.ours(), form, runs).await?];
            for peer in programs.peers() {
                // They keep objects whole or their metadata, never some fields.
                let has_none = form == "view";
                numbers.push(if has_none { Numbers::default() } else { served.numbers(peer, form, runs).await? });
            }
            measures.extend(lines(size, form, &numbers));
        }
    }
    Ok(measures)
}

fn lines(size: u64, form: &str, numbers: &[Numbers]) -> Vec<Measure> {
    let line = |what: &str, unit, of: fn(&Numbers) -> Option<f64>| {
        let mut values: Vec<Option<f64>> = numbers.iter().map(of).collect();
        let ours = values.remove(0);
        let form = if form == "stripped" { "without managedFields" } else { form };
        Measure { name: format!("{size} pods, {form}: {what}"), unit, ours, peers: values }
    };
    let mut lines = vec![
        line("resident memory", Unit::Bytes, |numbers| numbers.resident),
        line("peak of the first list", Unit::Bytes, |numbers| numbers.peak),
        line("peak of a relist", Unit::Bytes, |numbers| numbers.peak_relist),
        line("start to synced", Unit::Seconds, |numbers| numbers.synced),
        line("processor time to synced", Unit::Seconds, |numbers| numbers.cpu),
    ];
    if form == "stripped" {
        lines.truncate(1);
    }
    lines
}

impl Served {
    async fn numbers(&mut self, program: &Program, form: &str, runs: usize) -> Result<Numbers, Error> {
        let mut all = Vec::new();
        for _ in 0..runs {
            all.push(self.once(program, form).await?);
        }
        let middle = |of: fn(&Numbers) -> Option<f64>| median(all.iter().filter_map(of).collect());
        Ok(Numbers {
            synced: middle(|numbers| numbers.synced),
            cpu: middle(|numbers| numbers.cpu),
            resident: middle(|numbers| numbers.resident),
            peak: middle(|numbers| numbers.peak),
            peak_relist: middle(|numbers| numbers.peak_relist),
        })
    }

    async fn once(&mut self, program: &Program, form: &str) -> Result<Numbers, Error> {
        let mut task = Task::start(program, &["cache", form], Some(&self.kubeconfig()))?;
        let (_, synced) = task.expect("synced")?;
        let cpu = task.cpu();
        tokio::time::sleep(SETTLE).await;
        let (resident, peak) = (process::resident(task.pid()), process::peak(task.pid()));
        let mut peak_relist = None;
        if form != "stripped" {
            process::forget_peak(task.pid());
            self.proxy.cut();
            self.process.command(&format!("touch {FORGOTTEN}"))?;
            self.proxy.mend();
            if !self.proxy.quiet_after(1_000_000, LONGEST).await {
                return Err(task.failed("it did not list again".to_owned()));
            }
            peak_relist = process::peak(task.pid());
        }
        Ok(Numbers { synced: Some(synced.as_secs_f64()), cpu, resident, peak, peak_relist })
    }
}
