//! Work queues: adds and gets per second.

use crate::Error;
use crate::control_plane::median;
use crate::report::{Measure, Unit};
use crate::runtime::programs::{Program, Programs};
use crate::runtime::task::Task;

const KEYS: u32 = 1_000_000;

pub(crate) fn measure(programs: &Programs, runs: usize) -> Result<Vec<Measure>, Error> {
    let mut measures = Vec::new();
    for (name, threads) in
        [("queue adds + gets, 1M keys, 1 thread", "1"), ("queue adds + gets, 1M keys, 8 threads", "8")]
    {
        eprintln!("measuring: {name} …");
        let mut rates: Vec<Option<f64>> = Vec::new();
        for program in programs.all() {
            rates.push(if program.has_queue { rate(program, threads, runs)? } else { None });
        }
        let ours = rates.remove(0);
        measures.push(Measure { name: name.to_owned(), unit: Unit::PerSecond, ours, peers: rates });
    }
    Ok(measures)
}

fn rate(program: &Program, threads: &str, runs: usize) -> Result<Option<f64>, Error> {
    let mut rates = Vec::new();
    for _ in 0..runs {
        let mut task = Task::start(program, &["queue", threads, &KEYS.to_string()], None)?;
        let (numbers, _) = task.expect("took")?;
        let nanos = numbers.first().copied().ok_or_else(|| task.failed("it told no time".to_owned()))?;
        rates.push(f64::from(KEYS) * 2.0 / (nanos / 1e9));
    }
    Ok(median(rates))
}
