//! What running a program takes: time, processor time, and memory, with all programs that it starts itself.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::control_plane::median;
use crate::{Error, process};

/// How often memory is looked at. The system keeps the peak of each process, so only what one takes in its last moment is missed.
const LOOK: Duration = Duration::from_millis(1);

/// What a program took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Took {
    pub(crate) seconds: f64,
    /// Of all processors; counted in hundredths.
    pub(crate) cpu: f64,
    /// The most resident memory, in bytes, of the one process that had most.
    pub(crate) peak: f64,
}

impl Took {
    /// The middle of each.
    pub(crate) fn median(all: &[Self]) -> Self {
        let of = |part: fn(&Self) -> f64| median(all.iter().map(part).collect()).unwrap_or_default();
        Self { seconds: of(|took| took.seconds), cpu: of(|took| took.cpu), peak: of(|took| took.peak) }
    }

    /// One after the other.
    pub(crate) fn then(self, next: Self) -> Self {
        Self { seconds: self.seconds + next.seconds, cpu: self.cpu + next.cpu, peak: self.peak.max(next.peak) }
    }
}

/// Runs a program to its end. What it says on standard error goes to `log`, and stands in the error if it fails. Its
/// standard output is thrown away unless the caller has said where it goes.
pub(crate) fn run(command: &mut Command, log: &Path) -> Result<Took, Error> {
    into(command.stdout(Stdio::null()), log)
}

/// The same with the standard output where the caller has it.
pub(crate) fn into(command: &mut Command, log: &Path) -> Result<Took, Error> {
    let errors = fs::File::create(log).map_err(Error::io("write the log of a program"))?;
    command.stdin(Stdio::null()).stderr(errors);
    let before = process::cpu_of_children();
    let started = Instant::now();
    let mut child = command.spawn().map_err(|source| Error::Program {
        program: command.get_program().display().to_string(),
        reason: source.to_string(),
    })?;
    let (status, peak) = watch(&mut child)?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu = process::cpu_of_children().saturating_sub(before).as_secs_f64();
    if status.success() {
        return Ok(Took { seconds, cpu, peak });
    }
    let text = fs::read_to_string(log).unwrap_or_default();
    let last: Vec<&str> = text.lines().rev().take(30).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    let arguments: Vec<_> = command.get_args().map(|argument| argument.display().to_string()).collect();
    let program = format!("{} {}", command.get_program().display(), arguments.join(" "));
    Err(Error::Program { program, reason: format!("it ended with {status}:\n{}", last.join("\n")) })
}

/// Waits for a child, and tells the most memory that it or a process below it had.
fn watch(child: &mut Child) -> Result<(std::process::ExitStatus, f64), Error> {
    let (pid, ended) = (child.id(), AtomicBool::new(false));
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut peak = 0.0_f64;
            while !ended.load(Ordering::Relaxed) {
                for pid in process::tree(pid) {
                    peak = peak.max(process::peak(pid).unwrap_or_default());
                }
                thread::sleep(LOOK);
            }
            peak
        });
        let status = child.wait().map_err(Error::io("wait for a program"));
        ended.store(true, Ordering::Relaxed);
        let peak = looking.join().unwrap_or_default();
        Ok((status?, peak))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests end at the first surprise")]
mod tests {
    use super::*;
    use crate::control_plane::DataDir;

    #[test]
    fn a_program_that_fails_is_told_with_what_it_said() {
        let dir = DataDir::create().unwrap();
        let mut command = Command::new("sh");
        let error = run(command.args(["-c", "echo what is wrong >&2; exit 3"]), &dir.0.join("log")).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("what is wrong") && told.contains("exit status: 3"), "{told}");
    }

    #[test]
    fn medians_are_taken_of_each_part_and_sums_keep_the_larger_peak() {
        let took = |seconds, cpu, peak| Took { seconds, cpu, peak };
        let median = Took::median(&[took(3.0, 1.0, 1.0), took(1.0, 2.0, 9.0), took(2.0, 3.0, 5.0)]);
        assert_eq!((median.seconds, median.cpu, median.peak), (2.0, 2.0, 5.0));
        let both = took(1.0, 1.0, 7.0).then(took(2.0, 0.5, 3.0));
        assert_eq!((both.seconds, both.cpu, both.peak), (3.0, 1.5, 7.0));
    }
}
