//! What is measured beside Kubewright: the same tasks on kube-runtime.
//!
//! Each task is told and tells by the lines that `bench/src/runtime/task.rs` describes. kube-runtime has no work queue
//! of its own to measure.

mod cache;
mod reconcile;

use std::error::Error;
use std::process::ExitCode;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Outcome {
    match arguments {
        ["cache", form] => cache::run(form).await,
        ["latency"] => reconcile::latency().await,
        ["patch", objects] => reconcile::patch(objects.parse()?).await,
        ["operator"] => reconcile::operator().await,
        _ => Err(format!("no such task: {arguments:?}").into()),
    }
}

async fn client() -> Result<Client, Box<dyn Error>> {
    let kubeconfig = Kubeconfig::read_from(std::env::var("KUBECONFIG")?)?;
    Ok(Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)?)
}

/// Waits until the parent process says something or closes the pipe.
async fn wait_for_line() {
    let mut line = String::new();
    let _ = tokio::io::AsyncBufReadExt::read_line(&mut tokio::io::BufReader::new(tokio::io::stdin()), &mut line).await;
}
