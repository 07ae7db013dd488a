//! The kinds of the group `account.sealos.io/v1`.

mod account;
mod transaction;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

pub use self::{
    account::{Account, AccountSpec, AccountStatus},
    transaction::{AccountTransaction, AccountTransactionSpec, AccountTransactionStatus, Direction, Phase},
};

/// The definitions to install.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![Account::crd(), AccountTransaction::crd()]
}
