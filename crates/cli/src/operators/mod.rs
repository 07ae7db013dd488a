//! The operators that this binary can run, by name: a file each, with its flags.

mod access;
pub(crate) mod account;
mod dataservice;
pub(crate) mod describe;
mod ingress;
mod objectstorage;

use std::borrow::Cow;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::core::ApiResource;
use kubewright::prelude::*;

use crate::toolchain::complete;

/// One operator, as its flags set it up.
pub(crate) struct Operator {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Manifests that show what it does.
    pub(crate) examples: Cow<'static, str>,
    /// The custom resources that it is about.
    pub(crate) crds: Vec<CustomResourceDefinition>,
    /// The kinds to show, owners before what they own.
    pub(crate) shows: Vec<ApiResource>,
    /// Whether its examples get ready only where pods run.
    pub(crate) needs_nodes: bool,
    /// Adds its controllers, webhooks and checks, and what connects it to what it needs when the manager starts.
    pub(crate) add_to: AddTo,
}

/// Sets an operator up. The error says what is missing and where to set it.
pub(crate) type AddTo = Box<dyn FnOnce(Manager) -> Result<Manager, SetUpError> + Send>;

/// Why an operator could not be set up: any error, as each has its own.
pub(crate) type SetUpError = Box<dyn std::error::Error + Send + Sync>;

/// Why operators could not be chosen or set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorError {
    /// No operator has this name.
    #[error("--operators: there is no operator {name:?}; known are {known}, or write all or none")]
    Unknown { name: String, known: String },
    /// It can't run without something that was not given. `all` leaves it out.
    #[error("operator {name}: {missing}")]
    NotSetUp { name: &'static str, missing: String },
    /// An option can't be used.
    #[error("{cause}; see --help for the flags that begin with {flags}")]
    Option { cause: SetUpError, flags: &'static str },
    /// Something that it needs is not there.
    #[error("operator {name}: {cause}")]
    SetUp { name: &'static str, cause: SetUpError },
}

impl OperatorError {
    /// Whether another command line would help, and nothing else.
    pub(crate) fn is_usage(&self) -> bool {
        !matches!(self, Self::SetUp { .. })
    }
}

/// Which operators run, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct OperatorArgs {
    /// Which operators to run: names joined by commas, `none`, or `all`, which are those that have what they need.
    #[arg(long, value_name = "LIST", default_value = "all", add = ArgValueCandidates::new(complete::operators))]
    pub(crate) operators: String,

    #[command(flatten)]
    pub(crate) ingress: ingress::IngressArgs,

    #[command(flatten)]
    pub(crate) access: access::AccessArgs,

    #[command(flatten)]
    pub(crate) account: account::AccountArgs,

    #[command(flatten)]
    pub(crate) dataservice: dataservice::DataServiceArgs,

    #[command(flatten)]
    pub(crate) objectstorage: objectstorage::ObjectStorageArgs,
}

/// The names of all.
pub(crate) const NAMES: [&str; 5] = ["ingress", "access", "account", "dataservice", "objectstorage"];

impl OperatorArgs {
    /// Puts something in the place of what operators need around them, so that each can be put together where it is only asked
    /// what it is: nothing of that is connected to or read.
    pub(crate) fn stand_in(&mut self) {
        self.access.stand_in();
        self.account.stand_in();
        self.objectstorage.stand_in();
    }
}

/// The operators named by `--operators`, set up by the other flags; `all` are those that have what they need.
pub(crate) fn chosen(args: &OperatorArgs) -> Result<Vec<Operator>, OperatorError> {
    let list = args.operators.trim();
    let names: Vec<&str> = match list {
        "all" => NAMES.to_vec(),
        "none" => Vec::new(),
        list => list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
    };
    let mut operators: Vec<Operator> = Vec::new();
    for name in names {
        if operators.iter().any(|operator| operator.name == name) {
            continue;
        }
        match operator(name, args) {
            Ok(operator) => operators.push(operator),
            Err(OperatorError::NotSetUp { name, missing }) if list == "all" => {
                eprintln!("operator {name} is left out: {missing}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(operators)
}

fn operator(name: &str, args: &OperatorArgs) -> Result<Operator, OperatorError> {
    match name {
        "dataservice" => dataservice::operator(&args.dataservice),
        "ingress" => ingress::operator(&args.ingress),
        "access" => access::operator(&args.access),
        "account" => account::operator(&args.account),
        "objectstorage" => objectstorage::operator(&args.objectstorage),
        _ => Err(OperatorError::Unknown { name: name.into(), known: NAMES.join(", ") }),
    }
}

/// Adds an operator's parts to the manager.
pub(crate) fn add(name: &'static str, add_to: AddTo, manager: Manager) -> Result<Manager, OperatorError> {
    add_to(manager).map_err(|cause| OperatorError::SetUp { name, cause })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: OperatorArgs,
    }

    fn names(list: &str) -> Result<Vec<&'static str>, String> {
        let line = Line::parse_from(["test", "--operators", list]);
        chosen(&line.args)
            .map(|found| found.iter().map(|operator| operator.name).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn operators_are_chosen_by_name() {
        assert!(names("all").unwrap().contains(&"ingress"));
        assert_eq!(names("none"), Ok(vec![]));
        assert_eq!(names("ingress, ingress"), Ok(vec!["ingress"]));
    }

    #[test]
    fn one_that_lacks_what_it_needs_is_left_out_of_all_and_is_an_error_when_named() {
        assert!(!names("all").unwrap().contains(&"objectstorage"));
        assert!(names("objectstorage").unwrap_err().contains("INTERNAL_ENDPOINT is not set"));
    }

    #[test]
    fn an_unknown_operator_is_named_with_the_known_ones() {
        let error = names("ingres").unwrap_err();
        assert!(error.contains("\"ingres\"") && error.contains("known are ingress"), "{error}");
    }
}
