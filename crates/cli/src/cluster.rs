//! The cluster that a command works against.

use std::path::Path;

use kubewright::kube::{self, Client};
use kubewright::prelude::{ConfigError, connect};

/// Why there is no cluster to work against.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the cluster does not answer: {0}; check the server and the credentials in the kubeconfig")]
    NoAnswer(Box<kube::Error>),
}

/// A client of a cluster that has answered.
pub(crate) async fn answering(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Client, ClusterError> {
    let client = connect(kubeconfig, context).await?;
    client.apiserver_version().await.map_err(|error| ClusterError::NoAnswer(Box::new(error)))?;
    Ok(client)
}
