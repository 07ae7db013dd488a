//! The embedded API server, in a process of its own as the real one is.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::{BodyExt, Full};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use kubewright_apiserver::{ApiServer, Options};
use tower::ServiceExt;

use crate::Error;
use crate::load::commands;

/// A process with the embedded API server; killed when dropped.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// As YAML, for other programs.
    pub(crate) kubeconfig: String,
    pub(crate) config: Config,
    /// From the start of the process to the first good answer of `/readyz` over TLS.
    pub(crate) started_in: Duration,
}

impl Process {
    pub(crate) async fn start(data_dir: Option<&Path>) -> Result<Self, Error> {
        let started = Instant::now();
        let mut command = command()?;
        command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(data_dir) = data_dir {
            command.arg("--data-dir").arg(data_dir);
        }
        let mut child = command.spawn().map_err(Error::io("start this program again"))?;
        // It prints its kubeconfig, closed by an empty line, as soon as it listens.
        let output = child.stdout.take().ok_or_else(|| Error::Host("has no output".to_owned()))?;
        let input = child.stdin.take().ok_or_else(|| Error::Host("has no input".to_owned()))?;
        let mut output = BufReader::new(output);
        let lines = output.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let text = lines.collect::<Vec<_>>().join("\n");
        if text.is_empty() {
            let status = child.wait().map_err(Error::io("wait for the embedded API server"))?;
            return Err(Error::Host(format!("ended ({status}) before it listened")));
        }
        let kubeconfig = Kubeconfig::from_yaml(&text)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let ready = Request::get("/readyz").body(Vec::new()).map_err(kube::Error::HttpError)?;
        Client::try_from(config.clone())?.request_text(ready).await?;
        let started_in = started.elapsed();
        Ok(Self { child, input, output, kubeconfig: text, config, started_in })
    }

    /// Has the process load itself; see [`commands`].
    pub(crate) fn command(&mut self, line: &str) -> Result<(), Error> {
        writeln!(self.input, "{line}").map_err(Error::io("tell the embedded API server what to do"))?;
        let mut answer = String::new();
        self.output.read_line(&mut answer).map_err(Error::io("hear of the embedded API server"))?;
        if answer.trim_end() == "ok" { Ok(()) } else { Err(Error::Host(format!("was told {line:?}: {answer}"))) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// From the start to the first answer in process, in a new process so that nothing is warm.
pub(crate) fn started_in_process() -> Result<Duration, Error> {
    let output = command()?.arg("in-process").output().map_err(Error::io("start this program again"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let micros = text.trim().parse().map_err(|_| Error::Host(format!("printed no number but {text:?}")))?;
    Ok(Duration::from_micros(micros))
}

/// In the new process: serves and does what it is told until the parent closes the pipe, by ending if need be.
pub(crate) async fn serve(data_dir: Option<PathBuf>) -> Result<(), Error> {
    let listen = Some(([127, 0, 0, 1], 0).into());
    let server = ApiServer::start(Options { listen, data_dir, ..Options::default() }).await?;
    println!("{}\n", server.kubeconfig().trim_end());
    io::stdout().flush().map_err(Error::io("write to the parent process"))?;
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(tokio::io::stdin()));
    while let Ok(Some(line)) = lines.next_line().await {
        match commands::run(&server, &line).await {
            Ok(()) => println!("ok"),
            Err(error) => println!("error: {error}"),
        }
    }
    server.shutdown().await;
    Ok(())
}

/// In the new process: starts, asks once, prints the microseconds.
pub(crate) async fn answer_in_process() -> Result<(), Error> {
    let started = Instant::now();
    let server = ApiServer::start(Options::default()).await?;
    let request = Request::get("/api/v1/namespaces").body(Full::default()).map_err(kube::Error::HttpError)?;
    let answer = server.service().oneshot(request).await.map_err(|error| Error::Host(format!("failed: {error}")))?;
    let status = answer.status();
    answer.into_body().collect().await.map_err(|error| Error::Host(format!("cut its answer short: {error}")))?;
    let took = started.elapsed();
    if !status.is_success() {
        return Err(Error::Host(format!("answered {status}")));
    }
    println!("{}", took.as_micros());
    server.shutdown().await;
    Ok(())
}

fn command() -> Result<Command, Error> {
    let program = std::env::current_exe().map_err(Error::io("find this program"))?;
    Ok(Command::new(program))
}
