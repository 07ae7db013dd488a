//! The operators that this binary can run, by name.

use kubewright::k8s_openapi::api::{core::v1::Service, networking::v1::Ingress};
use kubewright::kube::core::ApiResource;
use kubewright::prelude::*;

use crate::args::OperatorArgs;

/// One operator.
pub(crate) struct Operator {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Manifests that show what it does.
    pub(crate) examples: &'static str,
    /// The kinds that it is about, owners before what they own.
    pub(crate) shows: Vec<ApiResource>,
    /// Its controllers.
    pub(crate) controllers: Vec<Controller>,
}

/// Why operators could not be chosen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorError {
    /// No operator has this name.
    #[error("--operators: there is no operator {name:?}; known are {known}, or write all or none")]
    Unknown { name: String, known: String },
    /// An option of the ingress operator can't be used.
    #[error("{0}; see --help for the flags that begin with --ingress-")]
    Ingress(#[from] kubewright_ingress::OptionsError),
}

const NAMES: [&str; 1] = ["ingress"];

/// The operators named by `--operators`, set up by the other flags.
pub(crate) fn chosen(args: &OperatorArgs) -> Result<Vec<Operator>, OperatorError> {
    let names: Vec<&str> = match args.operators.trim() {
        "all" => NAMES.to_vec(),
        "none" => Vec::new(),
        list => list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
    };
    let mut operators: Vec<Operator> = Vec::new();
    for name in names {
        if operators.iter().any(|operator| operator.name == name) {
            continue;
        }
        operators.push(match name {
            "ingress" => ingress(args)?,
            _ => return Err(OperatorError::Unknown { name: name.into(), known: NAMES.join(", ") }),
        });
    }
    Ok(operators)
}

fn ingress(args: &OperatorArgs) -> Result<Operator, OperatorError> {
    let options = kubewright_ingress::Options {
        class: args.ingress_class.clone(),
        host: args.ingress_host.clone(),
        domain: args.ingress_domain.clone(),
        ..kubewright_ingress::Options::default()
    };
    Ok(Operator {
        name: "ingress",
        examples: kubewright_ingress::EXAMPLES,
        shows: vec![ApiResource::erase::<Service>(&()), ApiResource::erase::<Ingress>(&())],
        controllers: vec![kubewright_ingress::controller(options)?],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Result<Vec<&'static str>, String> {
        let args = OperatorArgs {
            operators: list.into(),
            ingress_host: "example.com".into(),
            ingress_domain: "example.com".into(),
            ingress_class: "nginx".into(),
        };
        chosen(&args).map(|found| found.iter().map(|operator| operator.name).collect()).map_err(|e| e.to_string())
    }

    #[test]
    fn operators_are_chosen_by_name() {
        assert_eq!(names("all"), Ok(vec!["ingress"]));
        assert_eq!(names("none"), Ok(vec![]));
        assert_eq!(names("ingress, ingress"), Ok(vec!["ingress"]));
    }

    #[test]
    fn an_unknown_operator_is_named_with_the_known_ones() {
        let error = names("ingres").unwrap_err();
        assert!(error.contains("\"ingres\"") && error.contains("known are ingress"), "{error}");
    }
}
