//! Flags of operator-sdk's managers, which its Helm and Ansible operators share.

use std::net::SocketAddr;

use clap::Args;
use kubewright::prelude::*;
use kubewright::runtime::{LeaderElection, Replicas};

/// They are named as operator-sdk names them.
#[derive(Debug, Args)]
pub(crate) struct SdkManagerArgs {
    /// Run beside other replicas: one works, the others stand by.
    #[arg(long, alias = "enable-leader-election", requires = "leader_election_id")]
    leader_elect: bool,

    /// Name of the Lease by which replicas know each other.
    #[arg(long, value_name = "NAME", env = "OPERATOR_NAME")]
    leader_election_id: Option<String>,

    /// Namespace of the Lease. Default: that of the context or of the Pod.
    #[arg(long, value_name = "NAMESPACE")]
    leader_election_namespace: Option<String>,

    /// Serve health and metrics here; 0: do not serve them. Default: on loopback.
    #[arg(long, value_name = "ADDRESS")]
    health_probe_bind_address: Option<String>,

    /// The same: health and metrics have one address.
    #[arg(long, value_name = "ADDRESS", alias = "metrics-addr", conflicts_with = "health_probe_bind_address")]
    metrics_bind_address: Option<String>,

    /// There are no metrics over HTTPS: with this flag the command ends and says so.
    #[arg(long, alias = "metrics-require-rbac", hide = true)]
    metrics_secure: bool,

    /// The namespaces, joined by commas; none: all.
    #[arg(long, value_name = "NAMESPACES", env = "WATCH_NAMESPACE", value_delimiter = ',', hide_env_values = true)]
    watch_namespace: Vec<String>,
}

impl SdkManagerArgs {
    /// The manager's options, with health and metrics at this address unless the flags say otherwise. An error: the command
    /// line can't be right.
    pub(crate) fn options(&self, listen: &str) -> Result<ManagerOptions, String> {
        Ok(ManagerOptions { listen: self.listen(listen)?, replicas: self.replicas(), ..ManagerOptions::default() })
    }

    /// The namespaces of custom resources.
    pub(crate) fn namespaces(&self) -> Vec<String> {
        self.watch_namespace.iter().map(|name| name.trim().to_string()).filter(|name| !name.is_empty()).collect()
    }

    fn replicas(&self) -> Replicas {
        match &self.leader_election_id {
            Some(name) if self.leader_elect => {
                let mut election = LeaderElection::new(name);
                election.namespace.clone_from(&self.leader_election_namespace);
                Replicas::Leader(election)
            }
            _ => Replicas::Single,
        }
    }

    fn listen(&self, default: &str) -> Result<Option<SocketAddr>, String> {
        if self.metrics_secure {
            let cause = "--metrics-secure and --metrics-require-rbac: metrics are served over HTTP, on the address of the health \
                         probes; leave the flags out (config/default/manager_metrics_patch.yaml has them)";
            return Err(cause.into());
        }
        let given = self.health_probe_bind_address.as_deref().or(self.metrics_bind_address.as_deref());
        let text = match given.unwrap_or(default) {
            "0" => return Ok(None),
            // Go's way to say all addresses.
            port if port.starts_with(':') => format!("0.0.0.0{port}"),
            text => text.to_string(),
        };
        let wrong = |_| format!("{text:?} is not an address; write for example {default}, :8081, or 0 for none");
        text.parse().map(Some).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SdkManagerArgs,
    }

    fn args(flags: &[&str]) -> Result<SdkManagerArgs, clap::Error> {
        Line::try_parse_from([&["test"], flags].concat()).map(|line| line.args)
    }

    #[test]
    fn flags_of_operator_sdks_manager_are_taken() {
        let args = args(&[
            "--leader-elect",
            "--leader-election-id=memcached-operator",
            "--health-probe-bind-address=:8081",
            "--watch-namespace=a, b,",
        ])
        .unwrap();
        assert_eq!(args.listen("127.0.0.1:1").unwrap(), Some("0.0.0.0:8081".parse().unwrap()));
        assert_eq!(args.namespaces(), ["a", "b"]);
        assert!(matches!(args.replicas(), Replicas::Leader(election) if election.lease == "memcached-operator"));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let error = |flags: &[&str]| args(flags).map(|args| args.listen("127.0.0.1:1").unwrap_err()).unwrap();
        assert!(error(&["--metrics-secure"]).contains("over HTTP"));
        assert!(error(&["--metrics-bind-address", "x"]).contains("is not an address"));
        assert!(args(&["--leader-elect"]).is_err(), "the Lease has no name");
    }
}
