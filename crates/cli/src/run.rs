//! `kubewright run`: the operators against a cluster.

use std::net::SocketAddr;
use std::path::PathBuf;

use kubewright::prelude::*;

use crate::args::RunArgs;
use crate::operators::{self, OperatorError};

/// Why `run` failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Operators(#[from] OperatorError),
    #[error("--metrics-bind-address: {address:?} is not an address; write for example 127.0.0.1:8080, or 0 for none")]
    Address { address: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Manager(#[from] ManagerError),
}

/// Runs the command.
pub(crate) async fn run(args: RunArgs) -> Result<(), RunError> {
    let chosen = operators::chosen(&args.operators)?;
    let listen = address(&args.metrics_bind_address)?;
    let source: PathBuf = args.kubeconfig.clone().unwrap_or_default();
    let client = connect(args.kubeconfig.is_some().then_some(source.as_path()), args.context.as_deref()).await?;
    let options = ManagerOptions { listen, ..ManagerOptions::default() };
    let mut manager = Manager::new(client, options);
    let mut names = Vec::new();
    for operator in chosen {
        names.push(operator.name);
        for controller in operator.controllers {
            manager = manager.controller(controller);
        }
    }
    println!("running {}; Ctrl-C stops", names.join(", "));
    Ok(manager.run_until_signal().await?)
}

fn address(text: &str) -> Result<Option<SocketAddr>, RunError> {
    match text {
        "0" => Ok(None),
        text => text.parse().map(Some).map_err(|_| RunError::Address { address: text.into() }),
    }
}
