//! The dataservice operator on the command line.

use std::time::Duration;

use clap::Args;
use kubewright::k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kubewright::kube::core::ApiResource;
use kubewright_dataservice::{DataService, Options};

use super::{Operator, OperatorError};
use crate::args::duration;

/// Its flags.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataServiceArgs {
    /// Image of MySQL where a DataService names none.
    #[arg(
        id = "dataservice-mysql-image",
        long = "dataservice-mysql-image",
        value_name = "IMAGE",
        default_value = "mysql:8.4"
    )]
    mysql_image: String,

    /// How often what third parties run is probed, for example 30s.
    #[arg(id = "dataservice-probe-interval", long = "dataservice-probe-interval", value_name = "DURATION", default_value = "30s", value_parser = duration)]
    probe_interval: Duration,

    /// How long an answer to a probe may take.
    #[arg(id = "dataservice-probe-timeout", long = "dataservice-probe-timeout", value_name = "DURATION", default_value = "5s", value_parser = duration)]
    probe_timeout: Duration,
}

/// The operator as its flags set it up.
pub(super) fn operator(args: &DataServiceArgs) -> Result<Operator, OperatorError> {
    let options = Options {
        mysql_image: args.mysql_image.clone(),
        probe_interval: args.probe_interval,
        probe_timeout: args.probe_timeout,
        ..Options::default()
    };
    let controller = kubewright_dataservice::controller(options)
        .map_err(|error| OperatorError::Option { cause: error.into(), flags: "--dataservice-" })?;
    Ok(Operator {
        name: "dataservice",
        examples: kubewright_dataservice::EXAMPLES.into(),
        crds: kubewright_dataservice::crds(),
        shows: vec![
            ApiResource::erase::<DataService>(&()),
            ApiResource::erase::<StatefulSet>(&()),
            ApiResource::erase::<DaemonSet>(&()),
            ApiResource::erase::<Deployment>(&()),
        ],
        needs_nodes: true,
        add_to: Box::new(move |manager| Ok(manager.controller(controller))),
    })
}
