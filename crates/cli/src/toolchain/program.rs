//! The project's program: built, asked, started, stopped.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use kubewright_manifests::Description;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::process::{Child, ChildStdin, Command};

use super::develop::DevelopError;

/// Ends the program when the pipe to this shell closes: so it can't outlive the command, however that ends.
const TETHERED: &str = r#"exec 3<&0
"$0" "$@" </dev/null 3<&- & program=$!
{ read -r _ <&3; kill "$program"; } 2>/dev/null &
exec 3<&-
wait "$program" 2>/dev/null"#;

/// How long the program may take to stop: as long as its Pod has.
const GRACE: Duration = Duration::from_secs(40);

/// A program that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// When it was linked: the same path is another program afterwards.
    linked: Option<SystemTime>,
}

impl Program {
    /// Builds the project's program. `None`: it does not build, and cargo has said why.
    pub(super) async fn build(folder: &Path, name: &str, release: bool) -> Result<Option<Self>, DevelopError> {
        let mut command = Command::new("cargo");
        command.args(["build", "--bin", name, "--message-format=json-render-diagnostics"]);
        if release {
            command.arg("--release");
        }
        command.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        let output = command.output().await.map_err(DevelopError::Cargo)?;
        if !output.status.success() {
            return Ok(None);
        }
        let path = executable(&output.stdout, name).ok_or_else(|| DevelopError::NoProgram { name: name.into() })?;
        let linked = std::fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
        Ok(Some(Self { path, linked }))
    }

    /// What it tells of itself.
    pub(super) async fn describe(&self) -> Result<Description, DevelopError> {
        let mut command = Command::new(&self.path);
        command.arg("describe").stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        let output = command.output().await.map_err(|cause| self.failed(cause))?;
        if !output.status.success() {
            return Err(DevelopError::Describe { status: output.status });
        }
        serde_json::from_slice(&output.stdout).map_err(DevelopError::Answer)
    }

    pub(super) fn start(&self, folder: &Path, arguments: &[String]) -> Result<Running, DevelopError> {
        let mut command = Command::new("sh");
        command.args(["-c", TETHERED]).arg(&self.path).args(arguments).current_dir(folder);
        // In a group of its own: Ctrl-C is for the command, which then stops the program in order.
        command.stdin(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|cause| self.failed(cause))?;
        let tether = child.stdin.take();
        Ok(Running { child, tether })
    }

    fn failed(&self, cause: io::Error) -> DevelopError {
        DevelopError::Start { program: self.path.clone(), cause }
    }
}

/// A program that runs.
pub(super) struct Running {
    child: Child,
    tether: Option<ChildStdin>,
}

impl Running {
    /// Waits until it ends by itself.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to stop, and waits until it has.
    pub(super) async fn stop(&mut self) -> io::Result<()> {
        drop(self.tether.take());
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_ok() {
            return Ok(());
        }
        let group = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(group) = group {
            kill_process_group(group, Signal::KILL)?;
        }
        self.child.wait().await.map(drop)
    }
}

/// The program of this name that cargo tells to have made.
pub(super) fn executable(messages: &[u8], name: &str) -> Option<PathBuf> {
    let text = String::from_utf8_lossy(messages);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}
