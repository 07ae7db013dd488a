//! The access operator on the command line.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use kubewright::kube::core::ApiResource;
use kubewright::patterns::request::RequestOptions;
use kubewright::runtime::Limit;
use kubewright::webhook::{Reach, WebhookOptions};
use kubewright_access::{Cluster, Deleterequest, Operationrequest, Options, User, add_to, webhook_configurations};
use serde_json::Value;

use super::{Operator, OperatorError, SetUpError};
use crate::args::duration;
use crate::toolchain::complete;

/// Its flags.
#[derive(Debug, Clone, Args)]
pub(crate) struct AccessArgs {
    /// Namespace of requests, service accounts and kubeconfigs.
    #[arg(id = "access-namespace", long = "access-namespace", value_name = "NAMESPACE", default_value = "user-system",
          add = ArgValueCandidates::new(complete::namespaces))]
    namespace: String,

    /// How long completed and failed requests stay; 0: until `kubewright access sweep` removes them.
    #[arg(id = "access-request-ttl", long = "access-request-ttl", value_name = "DURATION", default_value = "1h", value_parser = duration)]
    ttl: Duration,

    /// How long after a temporary error a request is tried again.
    #[arg(id = "access-retry", long = "access-retry", value_name = "DURATION", default_value = "30s", value_parser = duration)]
    retry: Duration,

    /// How many requests are carried out at once; those about the same user and namespace never are.
    #[arg(id = "access-concurrency", long = "access-concurrency", value_name = "N", default_value_t = RequestOptions::default().concurrency)]
    concurrency: usize,

    /// How many requests begin within a second at most, with as many at once. Default: no limit.
    #[arg(id = "access-rate", long = "access-rate", value_name = "N")]
    rate: Option<NonZeroU32>,

    /// API groups of custom resources that the roles give access to, joined by commas.
    #[arg(id = "access-groups", long = "access-groups", value_name = "LIST", value_delimiter = ',')]
    groups: Vec<String>,

    /// URL of the API server as users reach it, for their kubeconfigs. Default: `up` knows its own; `run` gives none.
    #[arg(id = "access-server", long = "access-server", value_name = "URL")]
    server: Option<String>,

    /// Certificates of the authorities that the API server's certificate is checked with, for kubeconfigs.
    #[arg(id = "access-server-ca", long = "access-server-ca", value_name = "FILE", requires = "access-server")]
    server_ca: Option<PathBuf>,

    /// Where the webhook listens. Default: a free port of 127.0.0.1.
    #[arg(id = "access-webhook-bind-address", long = "access-webhook-bind-address", value_name = "ADDRESS")]
    webhook: Option<SocketAddr>,

    /// The Service by which the API server reaches the webhook, in a cluster; without it or a URL it is this machine's address.
    #[arg(id = "access-webhook-service", long = "access-webhook-service", value_name = "NAMESPACE/NAME[:PORT]", value_parser = service)]
    webhook_service: Option<Reach>,

    /// The base URL by which the API server reaches the webhook, https://HOST:PORT.
    #[arg(
        id = "access-webhook-url",
        long = "access-webhook-url",
        value_name = "URL",
        conflicts_with = "access-webhook-service"
    )]
    webhook_url: Option<String>,

    /// The API server that `up` has started.
    #[arg(skip)]
    own: Arc<OnceLock<Cluster>>,
}

impl AccessArgs {
    /// What kubeconfigs point to if nothing else is named.
    pub(crate) fn own_cluster(&self) -> Arc<OnceLock<Cluster>> {
        self.own.clone()
    }

    /// Leaves out the file that it would read, for one that is only asked what it is.
    pub(super) fn stand_in(&mut self) {
        self.server_ca = None;
    }

    /// The namespace of requests.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its webhook configurations if it is reached through this Service.
    pub(super) fn webhooks(&self, namespace: &str, name: &str) -> Vec<Value> {
        let mut options = self.options();
        options.webhook.reach = Reach::Service { namespace: namespace.into(), name: name.into(), port: 443 };
        webhook_configurations(&options)
    }

    fn options(&self) -> Options {
        let defaults = Options::in_namespace(&self.namespace);
        let limit = self.rate.map(|rate| Limit { every: Duration::from_secs(1) / rate.get(), burst: rate });
        let reach = match (&self.webhook_service, &self.webhook_url) {
            (Some(service), _) => service.clone(),
            (None, Some(url)) => Reach::Url(url.clone()),
            (None, None) => Reach::Local,
        };
        let listen = self.webhook.unwrap_or(defaults.webhook.listen);
        Options {
            requests: RequestOptions {
                ttl: (!self.ttl.is_zero()).then_some(self.ttl),
                retry: self.retry,
                concurrency: self.concurrency,
                limit,
            },
            groups: self.groups.clone(),
            cluster: self.server.clone().map(|server| Cluster { server, authorities: None }),
            webhook: WebhookOptions { listen, reach, ..defaults.webhook },
            ..defaults
        }
    }
}

/// The operator as its flags set it up.
pub(super) fn operator(args: &AccessArgs) -> Result<Operator, OperatorError> {
    let mut options = args.options();
    options.check().map_err(|error| OperatorError::Option { cause: error.into(), flags: "--access-" })?;
    let (authorities, own) = (args.server_ca.clone(), args.own.clone());
    Ok(Operator {
        name: "access",
        examples: kubewright_access::EXAMPLES.replace("user-system", &options.namespace).into(),
        crds: kubewright_access::crds(),
        shows: vec![
            ApiResource::erase::<User>(&()),
            ApiResource::erase::<Operationrequest>(&()),
            ApiResource::erase::<Deleterequest>(&()),
        ],
        needs_nodes: false,
        add_to: Box::new(move |manager| {
            if let (Some(cluster), Some(path)) = (&mut options.cluster, authorities) {
                let read = std::fs::read_to_string(&path);
                let failed = |error| format!("--access-server-ca: can't read {}: {error}", path.display());
                cluster.authorities = Some(read.map_err(failed)?);
            }
            options.cluster = options.cluster.or_else(|| own.get().cloned());
            add_to(manager, &options).map_err(SetUpError::from)
        }),
    })
}

fn service(text: &str) -> Result<Reach, String> {
    let wrong = || format!("{text:?} is no Service; write it as NAMESPACE/NAME or NAMESPACE/NAME:PORT");
    let (namespace, rest) = text.split_once('/').ok_or_else(wrong)?;
    let (name, port) = match rest.split_once(':') {
        Some((name, port)) => (name, port.parse().map_err(|_| wrong())?),
        None => (rest, 443),
    };
    if namespace.is_empty() || name.is_empty() || name.contains('/') {
        return Err(wrong());
    }
    Ok(Reach::Service { namespace: namespace.into(), name: name.into(), port })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: AccessArgs,
    }

    //
    #[test]
    fn flags_set_namespace_concurrency_rate_and_times() {
        let line = ["test", "--access-concurrency", "9", "--access-rate", "4", "--access-request-ttl", "0"];
        let options = Line::parse_from(line).args.options();
        assert_eq!((options.requests.concurrency, options.requests.ttl), (9, None));
        let limit = options.requests.limit.unwrap();
        assert_eq!((limit.every.as_millis(), limit.burst.get()), (250, 4));
        let defaults = Line::parse_from(["test"]).args.options();
        assert_eq!((defaults.namespace.as_str(), defaults.requests.retry.as_secs()), ("user-system", 30));
        assert_eq!(defaults.requests.ttl, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn a_service_is_named_by_namespace_name_and_port() {
        let reach =
            |namespace: &str, name: &str, port| Reach::Service { namespace: namespace.into(), name: name.into(), port };
        assert_eq!(service("a/b"), Ok(reach("a", "b", 443)));
        assert_eq!(service("a/b:9443"), Ok(reach("a", "b", 9443)));
        for wrong in ["a", "a/", "/b", "a/b:x", "a/b/c"] {
            assert!(service(wrong).is_err(), "{wrong}");
        }
    }
}
