//! A program at its task: `<program> <task> [arguments]`, with `KUBECONFIG` set.
//!
//! | task | what it does | what it prints |
//! |---|---|---|
//! | `queue THREADS KEYS` | adds each key to a work queue, gets it, forgets it and is done, on so many threads | `took NANOSECONDS` |
//! | `cache full\|stripped\|metadata\|view` | caches all Pods, and waits for a line; `view`: of ours only, some fields of spec and status too | `synced` |
//! | `latency` | reconciles ConfigMaps with 16 workers; forgets what was on `begin` | `synced`; on `report`: `latency COUNT P50 P99`, in nanoseconds |
//! | `arrival` | as `latency`, but of the events as they come to a client that does no more with them; ours only | the same |
//! | `patch COUNT` | writes a merge patch to each ConfigMap labelled `bench=patch`, with 16 workers | `patched` |
//! | `operator` | keeps an Ingress for each Service annotated with `ingress/http: "true"` | |

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Error;
use crate::process;
use crate::runtime::programs::Program;

/// A program at its task; killed when dropped.
pub(crate) struct Task {
    program: &'static str,
    name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    started: Instant,
}

impl Task {
    pub(crate) fn start(program: &Program, arguments: &[&str], kubeconfig: Option<&Path>) -> Result<Self, Error> {
        let name = arguments.join(" ");
        let mut command = Command::new(&program.path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(kubeconfig) = kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        let started = Instant::now();
        let mut child = command.spawn().map_err(Error::io("start a program to measure"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Task { program: program.name, task: name, reason: "it has no pipes".to_owned() });
        };
        Ok(Self { program: program.name, name, child, input, output: BufReader::new(output), started })
    }

    /// The rest of the next line, which has to begin with this word, and the time from the start to it.
    pub(crate) fn expect(&mut self, word: &str) -> Result<(Vec<f64>, Duration), Error> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(Error::io("read what a measured program prints"))?;
        let after = self.started.elapsed();
        let numbers = line.trim().strip_prefix(word).map(|rest| rest.split_whitespace().map(str::parse).collect());
        match numbers {
            Some(Ok(numbers)) => Ok((numbers, after)),
            Some(Err(_)) | None => Err(self.failed(format!("it printed {line:?} instead of {word}"))),
        }
    }

    pub(crate) fn tell(&mut self, line: &str) -> Result<(), Error> {
        writeln!(self.input, "{line}").map_err(Error::io("tell a measured program what to do"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn cpu(&self) -> Option<f64> {
        process::cpu(self.pid()).map(|time| time.as_secs_f64())
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    pub(crate) fn failed(&self, reason: String) -> Error {
        Error::Task { program: self.program, task: self.name.clone(), reason }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
