//! What the operators tell of themselves for manifests: definitions, rights, webhooks, and how each is deployed.

use clap::{CommandFactory, FromArgMatches, Parser};
use kubewright::prelude::*;
use kubewright::runtime::reviews::Reviews;
use kubewright::runtime::{LeaderElection, Replicas, rights};
use kubewright_manifests::{Description, GuardedMetrics, ManifestOptions};
use serde_json::{Value, json};

use super::{NAMES, Operator, OperatorArgs, OperatorError, chosen};
use crate::toolchain::ToolchainError;
use crate::toolchain::args::DeployArgs;

/// The Lease of replicas: the default of `kubewright run`.
const LEASE: &str = "kubewright";

/// Where the operator in the cluster finds its database.
const DATABASE: (&str, &str) = ("account-database", "uri");

/// Flags of `kubewright run` that are about operators.
#[derive(Debug, Parser)]
#[command(name = "kubewright run", no_binary_name = true, disable_help_flag = true)]
struct Flags {
    #[command(flatten)]
    operators: OperatorArgs,
}

/// What operators are called in a cluster, and what they need there.
struct Place {
    /// Objects are named after it.
    name: &'static str,
    namespace: String,
    env: Vec<Value>,
    flags: Vec<String>,
    webhook_flag: &'static str,
    /// What tells it the namespace that it looks after, if it has one.
    namespace_flag: Option<&'static str>,
}

/// The operators of this list (`all`, or names joined by commas), with these flags for `kubewright run`.
pub(crate) fn described(
    list: &str,
    flags: &[String],
    deploy: &DeployArgs,
    chart: bool,
) -> Result<Vec<(Description, ManifestOptions)>, ToolchainError> {
    let usage = |text: String| ToolchainError::Usage(text);
    let of_namespaces = |flag: &&String| flag.starts_with("--") && flag.contains("-namespace");
    if let Some(flag) = flags.iter().find(of_namespaces).filter(|_| chart) {
        return Err(usage(format!("in a chart the namespace is that of the release: leave out {flag}")));
    }
    if flags.iter().any(|flag| flag == "--operators" || flag.starts_with("--operators=")) {
        return Err(usage("--operators stands before --, not behind it".into()));
    }
    // The variables of this process are not those of the operator in the cluster.
    let command = Flags::command().mut_args(|arg| arg.env(None::<&str>));
    let parsed = command.try_get_matches_from(flags).and_then(|matches| Flags::from_arg_matches(&matches));
    let args = parsed.map_err(|error| usage(format!("behind --: {}", error.render())))?.operators;
    if args.account.names_database() {
        let (secret, key) = DATABASE;
        return Err(usage(format!(
            "--account-database-uri would show the password in the Deployment; put the URI under the key {key} of the Secret \
             {secret} in the operator's namespace"
        )));
    }
    let names: Vec<&str> = match list.trim() {
        "all" => NAMES.to_vec(),
        list => list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
    };
    if names.len() > 1 && !flags.is_empty() {
        return Err(usage("flags behind -- are those of one operator: name one with --operators".into()));
    }
    names.into_iter().map(|name| describe(name, flags, &args, deploy, chart)).collect()
}

fn describe(
    name: &str,
    flags: &[String],
    args: &OperatorArgs,
    deploy: &DeployArgs,
    chart: bool,
) -> Result<(Description, ManifestOptions), ToolchainError> {
    let mut args = args.clone();
    args.operators = name.into();
    args.objectstorage.without_variables();
    let place = place(name, &args);
    let own = deploy.namespace.clone().unwrap_or(place.namespace);
    args.stand_in();
    let operator = chosen(&args)?.into_iter().next();
    let Some(Operator { name, add_to, crds, examples, .. }) = operator else {
        return Err(ToolchainError::Usage(format!("--operators: there is no operator {name:?}")));
    };
    let mut election = LeaderElection::new(LEASE);
    election.namespace = Some(own.clone());
    let how = ManagerOptions { replicas: Replicas::Leader(election), ..ManagerOptions::default() };
    let manager = Manager::new(rights::unconnected(), how);
    let manager = add_to(manager).map_err(|cause| OperatorError::SetUp { name, cause })?;
    let webhooks = match name {
        "access" => args.access.webhooks(&own, &format!("{}-webhook", place.name)),
        _ => Vec::new(),
    };
    let description = Description {
        name: place.name.into(),
        crds: crds.iter().map(|crd| json!(crd)).collect(),
        roles: manager.rbac().to_yaml(&format!("{}-manager", place.name)),
        webhooks,
        conversions: Vec::new(),
        lease: Some(LEASE.into()),
        metrics: Some(GuardedMetrics { roles: Reviews::rights().to_yaml(&format!("{}-metrics-auth", place.name)) }),
    };
    let mut command = vec!["run".to_string(), format!("--operators={name}")];
    command.extend(place.flags);
    if chart {
        // A release may be in any namespace, and these have one to look after.
        command.extend(place.namespace_flag.map(|flag| format!("{flag}={own}")));
    }
    command.extend(flags.iter().cloned());
    let options = ManifestOptions {
        namespace: Some(own),
        image: deploy.image.clone().unwrap_or_else(|| format!("kubewright:{}", env!("CARGO_PKG_VERSION"))),
        replicas: deploy.replicas,
        command,
        webhook_flag: place.webhook_flag.into(),
        cert_manager: false,
        env: place.env,
        descriptions: deploy.max_descriptions,
        samples: vec![(format!("{name}.yaml"), examples.into_owned())],
    };
    Ok((description, options))
}

/// Where an operator goes, and what it is told there.
fn place(name: &str, args: &OperatorArgs) -> Place {
    let place = |name, namespace: &str| Place {
        name,
        namespace: namespace.into(),
        env: Vec::new(),
        flags: Vec::new(),
        webhook_flag: "--webhook-service",
        namespace_flag: None,
    };
    match name {
        "access" => Place {
            flags: vec!["--access-webhook-bind-address=0.0.0.0:9443".into()],
            webhook_flag: "--access-webhook-service",
            namespace_flag: Some("--access-namespace"),
            // Where it keeps what nobody else may read.
            ..place("access-operator", args.access.namespace())
        },
        "account" => {
            let (secret, key) = DATABASE;
            let uri = json!({"name": "DATABASE_URI", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}});
            Place { env: vec![uri], ..place("account-operator", "account-system") }
        }
        "dataservice" => place("d3os-operator", "d3os-operator-system"),
        "objectstorage" => {
            let server = json!({"name": "INTERNAL_ENDPOINT", "value": super::objectstorage::SERVER});
            let env = if args.objectstorage.server().is_none() { vec![server] } else { Vec::new() };
            // Where the Secret with the server's administrator is.
            let namespace_flag = Some("--objectstorage-namespace");
            Place { env, namespace_flag, ..place("objectstorage-operator", &args.objectstorage.secret().0) }
        }
        _ => place("ingress-operator", "ingress-operator-system"),
    }
}
