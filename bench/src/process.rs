//! What the operating system tells of a process: memory and time.

use std::fs;
use std::time::Duration;

/// The resident memory of a process in bytes; none where the system does not tell.
pub(crate) fn resident(pid: u32) -> Option<f64> {
    status(pid, "VmRSS:")
}

/// The most resident memory since the start of a process, or since [`forget_peak`].
pub(crate) fn peak(pid: u32) -> Option<f64> {
    status(pid, "VmHWM:")
}

/// Lets the peak of a process start anew from what is resident now.
pub(crate) fn forget_peak(pid: u32) {
    // Where it is not allowed the peak is that since the start, which is no less.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// The processor time that a process has taken.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?).map(|(own, _)| own)
}

/// The processor time that a process has taken, and those that it has started and waited for.
pub(crate) fn cpu_with_children(pid: u32) -> Option<Duration> {
    ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?).map(|(own, children)| own + children)
}

/// The processor time of the processes that this one has started and waited for.
pub(crate) fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    ticks(&stat).map_or(Duration::ZERO, |(_, children)| children)
}

/// A process and those below it that run now.
pub(crate) fn tree(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        // Each thread has those that it has started.
        for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        at += 1;
    }
    found
}

fn status(pid: u32, line: &str) -> Option<f64> {
    bytes(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, line)
}

/// The bytes in a line of `/proc/<pid>/status`.
fn bytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0)
}

/// The user and system time of `/proc/<pid>/stat`, of the process and of the children that it has waited for. Linux counts them
/// in hundredths of a second.
fn ticks(stat: &str) -> Option<(Duration, Duration)> {
    // The name in parentheses may hold anything.
    let after_name = &stat[stat.rfind(')')? + 1..];
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let time = |at: usize| Some(Duration::from_millis(10 * fields.get(at)?.parse::<u64>().ok()?));
    Some((time(11)? + time(12)?, time(13)? + time(14)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read() {
        let status = "Name:\tx\nVmHWM:\t  4096 kB\nVmRSS:\t   2048 kB\nThreads:\t1\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(2048.0 * 1024.0));
        assert_eq!(bytes(status, "VmHWM:"), Some(4096.0 * 1024.0));
        assert_eq!(bytes("Name:\tx\n", "VmRSS:"), None);
    }

    #[test]
    fn a_process_is_the_first_of_its_tree() {
        assert_eq!(tree(std::process::id()).first(), Some(&std::process::id()));
    }

    #[test]
    fn processor_time_is_read() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 150 25 7 3 20 0 1 0 100 1000 10";
        assert_eq!(ticks(stat), Some((Duration::from_millis(1750), Duration::from_millis(100))));
    }
}
