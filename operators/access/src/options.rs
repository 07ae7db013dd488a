//! What an operator's administrator may set.

use kubewright::OptionsError;
use kubewright::patterns::request::RequestOptions;
use kubewright::webhook::{Certificates, Lifetimes, WebhookOptions};

/// How the operator works.
#[derive(Debug, Clone)]
pub struct Options {
    /// The namespace of requests, service accounts, kubeconfigs and of the operator's own Secrets; requests elsewhere are not
    /// looked at. Nobody but administrators should have access to Secrets and Pods in it. It is made if it is not there.
    /// Default: `user-system`.
    pub namespace: String,
    /// How requests are handled: time to live, time between tries, concurrency and rate. Default: 1 hour, 30 s, 4, no limit.
    pub requests: RequestOptions,
    /// API groups of custom resources that the roles give access to, beside those of Kubernetes. Default: none.
    pub groups: Vec<String>,
    /// What kubeconfigs point to. Default: `None`; users who ask for one are told that there is none.
    pub cluster: Option<Cluster>,
    /// How the API server reaches the webhook. Without its seal no request is carried out. Default: at a free port of this
    /// machine, with certificates in [`Options::namespace`].
    pub webhook: WebhookOptions,
    /// How many Users are worked on at once. Default: 4.
    pub workers: usize,
}

/// A cluster, as users reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The URL of its API server.
    pub server: String,
    /// The authorities that its certificate is checked with, as PEM; `None` where any system trusts it.
    pub authorities: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self::in_namespace("user-system")
    }
}

impl Options {
    /// The defaults, in this namespace.
    pub fn in_namespace(namespace: impl Into<String>) -> Self {
        let namespace = namespace.into();
        let certificates =
            Certificates::Managed { namespace: Some(namespace.clone()), secret: None, lifetimes: Lifetimes::default() };
        Self {
            namespace,
            requests: RequestOptions::default(),
            groups: Vec::new(),
            cluster: None,
            webhook: WebhookOptions { certificates, ..WebhookOptions::default() },
            workers: 4,
        }
    }

    /// Checks what can be checked before the operator runs.
    pub fn check(&self) -> Result<(), OptionsError> {
        let wrong =
            |option, value: &str, right| Err(OptionsError { operator: "access", option, value: value.into(), right });
        if !is_dns_label(&self.namespace) {
            return wrong("namespace", &self.namespace, "use a DNS label");
        }
        if self.requests.concurrency == 0 {
            return wrong("requests.concurrency", "0", "use at least 1");
        }
        if self.workers == 0 {
            return wrong("workers", "0", "use at least 1");
        }
        // The group of Kubernetes' own rights and users among them would be a way around the roles.
        let reserved = ["", "*", "rbac.authorization.k8s.io", "user.sealos.io", "authentication.k8s.io"];
        if let Some(group) = self.groups.iter().find(|group| reserved.contains(&group.as_str())) {
            return wrong("groups", group, "name API groups of custom resources that give no rights by themselves");
        }
        if let Some(cluster) = self.cluster.as_ref().filter(|cluster| !cluster.server.starts_with("https://")) {
            return wrong("cluster.server", &cluster.server, "use a URL that begins with https://");
        }
        Ok(())
    }
}

/// RFC 1123: the form of the names of namespaces and users.
pub(crate) fn is_dns_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alphanumeric = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    matches!((bytes.first(), bytes.last()), (Some(a), Some(z)) if alphanumeric(a) && alphanumeric(z))
        && bytes.len() <= 63
        && bytes.iter().all(|c| alphanumeric(c) || *c == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Options::default().check(), Ok(()));
        //
        assert_eq!(Options::default().namespace, "user-system");
    }

    #[test]
    fn a_wrong_option_is_named_with_what_would_be_right() {
        let wrong = |options: Options| options.check().unwrap_err().to_string();
        assert!(wrong(Options::in_namespace("A_b")).contains("option namespace: \"A_b\""));
        assert!(wrong(Options { groups: vec!["*".into()], ..Options::default() }).contains("option groups"));
        let cluster = Some(Cluster { server: "http://a".into(), authorities: None });
        assert!(wrong(Options { cluster, ..Options::default() }).contains("option cluster.server"));
        assert!(wrong(Options { workers: 0, ..Options::default() }).contains("option workers"));
    }
}
