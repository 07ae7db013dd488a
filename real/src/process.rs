//! A server as a child process, with its log file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::error::{Error, tail};

/// A script for `sh` that runs a server which ends when the pipe on standard input closes, which the system does for us even
/// when we are killed.
pub(crate) const TETHERED: &str = r#""$0" "$@" & server=$!; read -r _; kill -9 "$server"; wait "$server""#;

/// A running server. It is killed when dropped: its data is of no use without the cluster it belongs to.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; what it prints goes to `<name>.log` in `dir`.
    pub(crate) fn start(name: &'static str, program: &Path, dir: &Path, arguments: &[String]) -> Result<Self, Error> {
        let log = dir.join(format!("{name}.log"));
        let output = File::create(&log).map_err(Error::io("create", &log))?;
        let errors = output.try_clone().map_err(Error::io("write", &log))?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(dir)
            // The server ends when this pipe closes, which the system does for us even when we are killed.
            .env("KUBEWRIGHT_TETHER", "stdin")
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(Error::io("start", program))?;
        Ok(Self { name, child, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// An error when the server has ended.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                Err(Error::Ended { name: self.name, status, log: self.log.clone(), tail: tail(&self.log) })
            }
            Err(error) => Err(Error::io("wait for", Path::new(self.name))(error)),
        }
    }

    /// The error for a server that takes too long.
    pub(crate) fn not_ready(&self, seconds: u64) -> Error {
        Error::NotReady { name: self.name, seconds, log: self.log.clone(), tail: tail(&self.log) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
