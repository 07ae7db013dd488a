//! The ingress operator on the command line.

use clap::Args;
use kubewright::k8s_openapi::api::{core::v1::Service, networking::v1::Ingress};
use kubewright::kube::core::ApiResource;

use super::{Operator, OperatorError};

/// Its flags.
#[derive(Debug, Clone, Args)]
pub(crate) struct IngressArgs {
    /// Host of Ingresses whose Service names none; may hold {name}, {namespace} and {domain}.
    #[arg(long = "ingress-host", value_name = "TEMPLATE", default_value = "example.com")]
    host: String,

    /// What {domain} stands for.
    #[arg(long = "ingress-domain", value_name = "DOMAIN", default_value = "example.com")]
    domain: String,

    /// Class of Ingresses whose Service names none.
    #[arg(long = "ingress-class", value_name = "CLASS", default_value = "nginx")]
    class: String,
}

/// The operator as its flags set it up.
pub(super) fn operator(args: &IngressArgs) -> Result<Operator, OperatorError> {
    let options = kubewright_ingress::Options {
        class: args.class.clone(),
        host: args.host.clone(),
        domain: args.domain.clone(),
        ..kubewright_ingress::Options::default()
    };
    let controller = kubewright_ingress::controller(options)
        .map_err(|error| OperatorError::Option { cause: error.into(), flags: "--ingress-" })?;
    Ok(Operator {
        name: "ingress",
        examples: kubewright_ingress::EXAMPLES.into(),
        crds: Vec::new(),
        shows: vec![ApiResource::erase::<Service>(&()), ApiResource::erase::<Ingress>(&())],
        needs_nodes: false,
        add_to: Box::new(move |manager| Ok(manager.controller(controller))),
    })
}
