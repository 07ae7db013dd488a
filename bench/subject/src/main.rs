//! What is measured of the runtime: the tasks of a benchmark, in a program without an API server.
//!
//! Each task is told and tells by the lines that `bench/src/runtime/task.rs` describes. `bench/peers` has the same tasks
//! on the peers.

mod cache;
mod queue;
mod reconcile;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use kubewright::kube::Client;
use kubewright::prelude::connect;

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
        ["queue", threads, keys] => queue::run(threads.parse()?, keys.parse()?).await,
        ["cache", form] => cache::run(form).await,
        ["latency"] => reconcile::latency().await,
        ["arrival"] => reconcile::arrival().await,
        ["patch", objects] => reconcile::patch(objects.parse()?).await,
        ["operator"] => reconcile::operator().await,
        _ => Err(format!("no such task: {arguments:?}").into()),
    }
}

async fn client() -> Result<Client, Box<dyn Error>> {
    let kubeconfig = PathBuf::from(std::env::var("KUBECONFIG")?);
    Ok(connect(Some(&kubeconfig), None).await?)
}

/// Waits until the parent process says something or closes the pipe.
async fn wait_for_line() {
    let mut line = String::new();
    let mut input = tokio::io::BufReader::new(tokio::io::stdin());
    // Whether it was a line or the end of the pipe is the same.
    _ = tokio::io::AsyncBufReadExt::read_line(&mut input, &mut line).await;
}
