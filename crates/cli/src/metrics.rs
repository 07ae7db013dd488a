//! Where metrics are served, how they travel, and who may read them: flags that all operators share, named as kubebuilder's
//! projects name them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};
use kubewright::prelude::*;
use kubewright::webhook::{MetricsCertificate, MetricsOptions, MetricsSecurity, MetricsServer};

/// Who guards the metrics.
#[derive(Debug, Args)]
pub(crate) struct MetricsArgs {
    /// Serve metrics over HTTPS.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false,
          default_missing_value = "true", action = ArgAction::Set)]
    metrics_secure: bool,

    /// Only to those whom RBAC allows get of /metrics, by their tokens of the cluster. Needs --metrics-secure.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false,
          default_missing_value = "true", action = ArgAction::Set)]
    metrics_require_rbac: bool,

    /// Folder of tls.crt and tls.key for the metrics. Default: a certificate is made at the start. Needs --metrics-secure.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    metrics_cert_path: Option<PathBuf>,
}

impl MetricsArgs {
    /// Whether they go over HTTPS.
    pub(crate) fn is_secure(&self) -> bool {
        self.metrics_secure
    }

    /// An error: the command line can't be right.
    pub(crate) fn security(&self) -> Result<MetricsSecurity, String> {
        for (given, flag) in [
            (self.metrics_require_rbac, "--metrics-require-rbac: tokens don't travel over HTTP"),
            (self.metrics_cert_path.is_some(), "--metrics-cert-path: there is no certificate over HTTP"),
        ] {
            if given && !self.metrics_secure {
                return Err(format!("{flag}; add --metrics-secure"));
            }
        }
        let certificate = self.metrics_cert_path.clone().map_or(MetricsCertificate::Made, MetricsCertificate::Files);
        Ok(match (self.metrics_secure, self.metrics_require_rbac) {
            (false, _) => MetricsSecurity::Open,
            (true, false) => MetricsSecurity::Encrypted(certificate),
            (true, true) => MetricsSecurity::Authorized(certificate),
        })
    }
}

/// Where metrics are served.
#[derive(Debug)]
pub(crate) enum Metrics {
    /// At the address of the health probes.
    BesideHealth,
    Nowhere,
    /// At an address of their own.
    At(MetricsOptions),
}

impl Metrics {
    /// Apart from health, or nowhere.
    pub(crate) fn at(address: Option<SocketAddr>, security: MetricsSecurity) -> Self {
        let at = |listen| Self::At(MetricsOptions { listen, security, ..MetricsOptions::default() });
        address.map_or(Self::Nowhere, at)
    }

    pub(crate) fn add_to(self, manager: Manager) -> Manager {
        match self {
            Self::BesideHealth => manager,
            Self::Nowhere => manager.metrics_elsewhere(),
            Self::At(options) => MetricsServer::new(options).add_to(manager),
        }
    }
}

/// An address as Go's flags have it; `None`: nowhere.
pub(crate) fn address(text: &str, example: &str) -> Result<Option<SocketAddr>, String> {
    let text = match text {
        "0" => return Ok(None),
        // Go's way to say all addresses.
        port if port.starts_with(':') => format!("0.0.0.0{port}"),
        text => text.to_string(),
    };
    let wrong = |_| format!("{text:?} is not an address; write for example {example}, :8081, or 0 for none");
    text.parse().map(Some).map_err(wrong)
}
