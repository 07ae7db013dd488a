//! `kubewright snapshot`: the objects of a control plane as a file, and back.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;
use http_body_util::BodyExt;
use kubewright::kube::client::Body;
use kubewright_apiserver::SNAPSHOT_PATH;
use kubewright_apiserver::store::{
    Compacted, DEFAULT_BUMP, SnapshotError, SnapshotInfo, Store, StoreError, StoreOptions, check_snapshot,
    restore_snapshot,
};
use serde_json::json;

use crate::args::Output;
use crate::cluster::{ClusterError, answering};
use crate::toolchain::complete;

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Write all objects of a running or stopped control plane to a file.
    #[command(after_help = "Examples:\n  kubewright snapshot save backup.snap --data-dir ./data")]
    Save(SaveArgs),
    /// Make a new data directory of a file.
    #[command(after_help = "Examples:\n  kubewright snapshot restore backup.snap --data-dir ./restored")]
    Restore(RestoreArgs),
    /// Check a file and tell what it holds.
    #[command(
        after_help = "Examples:\n  kubewright snapshot status backup.snap\n  kubewright snapshot status backup.snap -o json"
    )]
    Status(StatusArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// Where to write it. What is there is replaced once the snapshot is whole.
    file: PathBuf,

    /// Data directory of a control plane that does not run. Without it a running one is asked.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kubeconfig", "context"])]
    data_dir: Option<PathBuf>,

    /// Kubeconfig of the running control plane. Default: $KUBECONFIG, then ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig. Default: its current one.
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::contexts))]
    context: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The snapshot.
    file: PathBuf,

    /// The data directory to make; it must not be there, or be empty.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,

    /// By how much resourceVersions go on above the newest of the snapshot. More than were given out since it was taken, or
    /// clients take new objects for ones that they knew before.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BUMP)]
    bump_revision: u64,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The snapshot.
    file: PathBuf,

    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SaveError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("there is no store in {}; name the --data-dir of a control plane, as given to `kubewright up`", path.display())]
    NoStore { path: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the control plane runs: leave --data-dir out and name its --kubeconfig ({0})")]
    Running(StoreError),
    #[error("{0}: too much was written meanwhile")]
    Compacted(#[from] Compacted),
    #[error("the control plane did not send a snapshot: {0}; only one of Kubewright can, to its administrators")]
    Server(Box<kubewright::kube::Error>),
    #[error("the snapshot was cut off: {0}; is the control plane still running?")]
    CutOff(Box<kubewright::kube::Error>),
    #[error("{} can't be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Runs the command.
pub(crate) async fn snapshot(command: SnapshotCommand) -> Result<(), SaveError> {
    let mut out = io::stdout();
    match command {
        SnapshotCommand::Save(args) => {
            let info = save(&args).await?;
            writeln!(out, "saved {} to {}", told(&info), args.file.display())?;
        }
        SnapshotCommand::Restore(RestoreArgs { file, data_dir, bump_revision }) => {
            let info = restore_snapshot(&file, &data_dir, bump_revision)?;
            let next = info.revision + bump_revision;
            writeln!(out, "restored {} to {}; goes on after revision {next}", told(&info), data_dir.display())?;
        }
        SnapshotCommand::Status(StatusArgs { file, output }) => {
            let info = check_snapshot(&file)?;
            match output {
                Output::Text => writeln!(out, "{}", told(&info))?,
                Output::Json => {
                    let SnapshotInfo { objects, revision, bytes } = info;
                    writeln!(out, "{:#}", json!({"objects": objects, "revision": revision, "bytes": bytes}))?;
                }
            }
        }
    }
    Ok(())
}

fn told(info: &SnapshotInfo) -> String {
    format!("{} objects of revision {} ({} bytes)", info.objects, info.revision, info.bytes)
}

/// Writes beside the file first, so that a snapshot that is cut off replaces nothing.
async fn save(args: &SaveArgs) -> Result<SnapshotInfo, SaveError> {
    let mut part = args.file.clone().into_os_string();
    part.push(".part");
    let part = Part(part.into());
    let failed = |source| SaveError::Write { path: args.file.clone(), source };
    let mut file = part.create().map_err(failed)?;
    match &args.data_dir {
        Some(data_dir) => stopped(data_dir, &mut file, failed).await?,
        None => running(args, &mut file, failed).await?,
    }
    file.sync_all().map_err(failed)?;
    let info = check_snapshot(&part.0)?;
    std::fs::rename(&part.0, &args.file).map_err(failed)?;
    Ok(info)
}

/// Opens the store as a start would, which also frees it of what a crash left.
async fn stopped(data_dir: &Path, file: &mut File, failed: impl Fn(io::Error) -> SaveError) -> Result<(), SaveError> {
    if !data_dir.join("store.redb").is_file() {
        return Err(SaveError::NoStore { path: data_dir.into() });
    }
    let options = StoreOptions { data_dir: Some(data_dir.into()), ..StoreOptions::default() };
    let store = Store::open(options).map_err(|error| match error {
        StoreError::Locked { .. } => SaveError::Running(error),
        other => other.into(),
    })?;
    for chunk in store.snapshot()?.into_chunks() {
        file.write_all(&chunk).map_err(&failed)?;
    }
    store.close().await;
    Ok(())
}

async fn running(args: &SaveArgs, file: &mut File, failed: impl Fn(io::Error) -> SaveError) -> Result<(), SaveError> {
    let server = |error| SaveError::Server(Box::new(error));
    let client = answering(args.kubeconfig.as_deref(), args.context.as_deref()).await?;
    let request = http::Request::get(SNAPSHOT_PATH).body(Body::empty());
    let response = client.send(request.map_err(|error| server(kubewright::kube::Error::HttpError(error)))?).await;
    let response = response.map_err(server)?;
    if !response.status().is_success() {
        let (status, body) = (response.status(), response.into_body().collect_bytes().await.map_err(server)?);
        let text = String::from_utf8_lossy(&body);
        let parsed = serde_json::from_slice(&body).unwrap_or_else(|_| {
            let status = kubewright::kube::core::Status::failure(text.trim(), "Unexpected").with_code(status.as_u16());
            Box::new(status)
        });
        return Err(server(kubewright::kube::Error::Api(parsed)));
    }
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| SaveError::CutOff(Box::new(error)))?;
        file.write_all(frame.data_ref().map_or(&[], |data| data.as_ref())).map_err(&failed)?;
    }
    Ok(())
}

/// A file that goes unless it gets its name.
struct Part(PathBuf);

impl Part {
    /// For its owner alone: there are Secrets in it.
    fn create(&self) -> io::Result<File> {
        use std::os::unix::fs::OpenOptionsExt;
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.0)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After the rename there is none.
        let _ = std::fs::remove_file(&self.0);
    }
}
