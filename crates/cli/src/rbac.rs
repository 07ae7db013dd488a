//! `kubewright rbac`: the roles that the operators need.

use std::io::{self, Write};

use kubewright::prelude::*;
use kubewright::runtime::reviews::Reviews;
use kubewright::runtime::rights;

use crate::args::RbacArgs;
use crate::operators::{self, OperatorError};
use crate::run::replicas;

/// Why `rbac` failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RbacError {
    #[error(transparent)]
    Operators(#[from] OperatorError),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Runs the command.
pub(crate) fn rbac(mut args: RbacArgs) -> Result<(), RbacError> {
    let options = ManagerOptions { replicas: replicas(&args.replicas), ..ManagerOptions::default() };
    let mut manager = Manager::new(rights::unconnected(), options);
    if args.metrics_require_rbac {
        manager = manager.may(Reviews::rights());
    }
    args.operators.stand_in();
    for operator in operators::chosen(&args.operators)? {
        manager = operators::add(operator.name, operator.add_to, manager)?;
    }
    let rights = manager.rbac();
    let mut text = rights.to_yaml(&args.name);
    if let Some((namespace, account)) = &args.service_account {
        text.push_str(&rights.bindings_to_yaml(&args.name, namespace, account));
    }
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
