//! Flags of operator-sdk's managers, which its Helm and Ansible operators share.

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use kubewright::prelude::*;
use kubewright::runtime::{LeaderElection, Replicas};

use crate::metrics::{Metrics, MetricsArgs, address};
use crate::toolchain::complete;

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
    #[arg(long, value_name = "NAMESPACE", add = ArgValueCandidates::new(complete::namespaces))]
    leader_election_namespace: Option<String>,

    /// Serve health here, and metrics if they have no address of their own; 0: do not serve it. Default: on loopback.
    #[arg(long, value_name = "ADDRESS")]
    health_probe_bind_address: Option<String>,

    /// Serve metrics here, apart from health; 0: do not serve them. Default: beside health; with --metrics-secure
    /// 127.0.0.1:8443.
    #[arg(long, value_name = "ADDRESS", alias = "metrics-addr")]
    metrics_bind_address: Option<String>,

    #[command(flatten)]
    guard: MetricsArgs,

    /// The namespaces, joined by commas; none: all.
    #[arg(long, value_name = "NAMESPACES", env = "WATCH_NAMESPACE", value_delimiter = ',', hide_env_values = true,
          add = ArgValueCandidates::new(complete::namespaces))]
    watch_namespace: Vec<String>,
}

impl SdkManagerArgs {
    /// The manager's options, with health at this address unless the flags say otherwise, and what becomes of metrics. An error:
    /// the command line can't be right.
    pub(crate) fn options(&self, listen: &str) -> Result<(ManagerOptions, Metrics), String> {
        let listen = address(self.health_probe_bind_address.as_deref().unwrap_or(listen), listen)?;
        Ok((ManagerOptions { listen, replicas: self.replicas(), ..ManagerOptions::default() }, self.metrics()?))
    }

    fn metrics(&self) -> Result<Metrics, String> {
        let security = self.guard.security()?;
        let (example, default) = ("127.0.0.1:8443", self.guard.is_secure().then_some("127.0.0.1:8443"));
        let Some(text) = self.metrics_bind_address.as_deref().or(default) else { return Ok(Metrics::BesideHealth) };
        Ok(Metrics::at(address(text, example)?, security))
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
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use kubewright::webhook::{MetricsCertificate, MetricsSecurity};

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
        let (options, metrics) = args.options("127.0.0.1:1").unwrap();
        assert_eq!(options.listen, Some("0.0.0.0:8081".parse().unwrap()));
        assert!(matches!(metrics, Metrics::BesideHealth));
        assert_eq!(args.namespaces(), ["a", "b"]);
        assert!(matches!(args.replicas(), Replicas::Leader(election) if election.lease == "memcached-operator"));
    }

    #[test]
    fn metrics_have_an_address_of_their_own_if_one_is_given() {
        let metrics = |flags: &[&str]| args(flags).unwrap().options("127.0.0.1:1").unwrap().1;
        let of = |flags: &[&str]| match metrics(flags) {
            Metrics::At(options) => (options.listen.to_string(), options.security),
            other => panic!("{other:?}"),
        };
        let (listen, security) = of(&["--metrics-bind-address=:8080", "--health-probe-bind-address=:8081"]);
        assert!(listen == "0.0.0.0:8080" && matches!(security, MetricsSecurity::Open));
        // What operator-sdk scaffolds.
        let (listen, security) = of(&["--metrics-secure", "--metrics-require-rbac", "--metrics-bind-address=:8443"]);
        assert!(listen == "0.0.0.0:8443");
        assert!(matches!(security, MetricsSecurity::Authorized(MetricsCertificate::Made)));
        let (listen, security) = of(&["--metrics-secure=true", "--metrics-cert-path=/tls"]);
        assert!(listen == "127.0.0.1:8443");
        assert!(
            matches!(security, MetricsSecurity::Encrypted(MetricsCertificate::Files(path)) if path.ends_with("tls"))
        );
        assert!(matches!(metrics(&["--metrics-bind-address=0"]), Metrics::Nowhere));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let error = |flags: &[&str]| args(flags).map(|args| args.options("127.0.0.1:1").unwrap_err()).unwrap();
        assert!(error(&["--metrics-require-rbac"]).contains("add --metrics-secure"));
        assert!(error(&["--metrics-cert-path", "x"]).contains("add --metrics-secure"));
        assert!(error(&["--metrics-bind-address", "x"]).contains("is not an address"));
        assert!(error(&["--health-probe-bind-address", "x"]).contains("is not an address"));
        assert!(args(&["--leader-elect"]).is_err(), "the Lease has no name");
    }
}
