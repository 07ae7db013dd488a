//! What can go wrong while the real servers are built or started, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// A failure to build or start the real servers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no Go to build the servers with.
    #[error(
        "the real Kubernetes servers are built from their Go modules, and no `go` was found on PATH: install Go {needed} \
         or newer (the tests without the real tier, `cargo test --workspace`, need no Go)"
    )]
    GoMissing {
        /// The oldest Go version that will do.
        needed: &'static str,
    },
    /// `go` is there but does not do what is asked.
    #[error("`go {arguments}` in {} failed: {output}\n(the module needs Go {needed} or newer: see `go version`)", .dir.display())]
    GoUnusable {
        /// The arguments `go` was given.
        arguments: String,
        /// Where it ran.
        dir: PathBuf,
        /// The oldest Go version that will do.
        needed: &'static str,
        /// What it printed.
        output: String,
    },
    /// There is no PostgreSQL.
    #[error(
        "PostgreSQL is needed, and there is none in {looked_in}: install it (apt-get install postgresql; the tests without \
         the real tier, `cargo test --workspace`, need none)"
    )]
    PostgresMissing {
        /// Where it was looked for.
        looked_in: &'static str,
    },
    /// There is no skopeo.
    #[error(
        "skopeo is needed, and there is none on PATH: install it (apt-get install skopeo; the tests without the real tier, \
         `cargo test --workspace`, need none)"
    )]
    SkopeoMissing,
    /// There is no Python that can make environments.
    #[error(
        "Ansible is run in a Python environment, and python3 can't make one: {cause}; install Python 3.11 or newer \
         (apt-get install python3-venv; the tests without the real tier, `cargo test --workspace`, need none)"
    )]
    PythonMissing {
        /// What it says.
        cause: String,
    },
    /// The servers did not compile.
    #[error("building the real servers failed ({status}); everything that Go printed is in {}; its last lines:\n{tail}", .log.display())]
    Build {
        /// How `go build` ended.
        status: ExitStatus,
        /// The file with its output.
        log: PathBuf,
        /// The end of that output.
        tail: String,
    },
    /// There is no place for the built servers.
    #[error(
        "no directory to keep the built servers in: neither KUBEWRIGHT_CACHE nor HOME is set; set KUBEWRIGHT_CACHE to one"
    )]
    NoCacheDirectory,
    /// A server ended instead of getting ready.
    #[error("{name} ended ({status}) before it was ready; its log is {}; the last lines:\n{tail}", .log.display())]
    Ended {
        /// Which server.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its log file.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
    /// A server runs but does not get ready.
    #[error("{name} was not ready after {seconds} s; its log is {}; the last lines:\n{tail}", .log.display())]
    NotReady {
        /// Which server.
        name: &'static str,
        /// How long was waited.
        seconds: u64,
        /// Its log file.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
    /// A file, directory or process could not be made or read.
    #[error("can't {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// No loopback port was to be had.
    #[error("can't get a free port on 127.0.0.1: {0}")]
    Port(io::Error),
    /// A certificate could not be made.
    #[error("can't make the certificates for the real servers: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The kubeconfig written for the cluster is not accepted by the client.
    #[error("the kubeconfig {} is not usable: {source}", .path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What the client says about it.
        source: kube::config::KubeconfigError,
    },
    /// The client for the cluster could not be made, or a request failed.
    #[error("a request to the real API server failed: {0}")]
    Client(#[from] Box<kube::Error>),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// The last lines of a log file, for an error message; empty when there is none.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
