//! `kubewright run` as a child process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use super::{Scratch, kubewright};

/// `kubewright run`, and what it prints.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub fn start(args: &[&str], scratch: &Scratch) -> Self {
        Self::of(kubewright().arg("run").args(args).current_dir(scratch.path("")))
    }

    pub fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || printed.for_each(|line| drop(send.send(line))));
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line with this in it, at most as long as a loaded machine may take.
    pub fn line(&mut self, expected: &str) -> String {
        let limit = Instant::now() + Duration::from_secs(240);
        while let Ok(line) = self.lines.recv_timeout(limit.saturating_duration_since(Instant::now())) {
            self.seen.push(line.clone());
            if line.contains(expected) {
                return line;
            }
        }
        panic!("there was no {expected:?} in:\n{}", self.seen.join("\n"));
    }

    pub fn interrupt(mut self) -> (Option<i32>, String) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
        let rest: Vec<String> = self.lines.iter().collect();
        (self.child.wait().unwrap().code(), rest.join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, unless the test failed on the way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
