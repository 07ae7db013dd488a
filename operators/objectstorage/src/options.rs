//! What an operator's administrator may set.

use std::time::Duration;

use kubewright::OptionsError;
use kubewright::patterns::external::GateOptions;
use kubewright::prelude::ObjectRef;
use kubewright::queue::Backoff;

use crate::random::Random;

/// How the operator works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the server is reached from here: `host:port`, or a URL with `http://` or `https://`. There is no default.
    pub internal_endpoint: String,
    /// Where users reach it from outside; it is only told to them. Default: none.
    pub external_endpoint: Option<String>,
    /// The namespace of the Secret with the server's administrator. Default: `objectstorage-system`.
    pub namespace: String,
    /// The name of that Secret. It has the keys `accessKey` and `secretKey` (or `CONSOLE_ACCESS_KEY` and
    /// `CONSOLE_SECRET_KEY`), and `ca.crt` where the server's certificate is signed by an authority of its own. Default:
    /// `objectstorage-admin`.
    pub admin_secret: String,
    /// The region in which buckets are made. Default: `us-east-1`.
    pub region: String,
    /// How often a bucket is looked at when nothing changes. Default: 300 s.
    pub bucket_cycle: Duration,
    /// How often a user is looked at when nothing changes, quota included. Default: 180 s.
    pub user_cycle: Duration,
    /// Whether users are stopped from writing when they are over their quota. Default: true.
    pub quota: bool,
    /// How old sizes may be before the server is asked again. Default: 60 s.
    pub usage_age: Duration,
    /// How many users, and how many buckets, are worked on at once. Default: 10.
    pub workers: usize,
    /// How much is removed from a bucket in one reconcile, in batches of a thousand. Default: 10.
    pub removals: usize,
    /// Only objects of this namespace are worked on. Default: those of all.
    pub only_namespace: Option<String>,
    /// How long a user or bucket waits after a temporary fault. Default: 1 s, doubled each time up to 30 s, less up to a
    /// fifth.
    pub retry: Backoff,
    /// How calls to the server are held back.
    pub gate: GateOptions,
    /// Where keys and nonces come from. Default: the system's randomness.
    pub random: Random,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            internal_endpoint: String::new(),
            external_endpoint: None,
            namespace: "objectstorage-system".into(),
            admin_secret: "objectstorage-admin".into(),
            region: "us-east-1".into(),
            bucket_cycle: Duration::from_secs(300),
            user_cycle: Duration::from_secs(180),
            quota: true,
            usage_age: Duration::from_secs(60),
            workers: 10,
            removals: 10,
            only_namespace: None,
            retry: Backoff { base: Duration::from_secs(1), max: Duration::from_secs(30), jitter: 0.2 },
            gate: GateOptions::default(),
            random: Random::system(),
        }
    }
}

impl Options {
    /// Checks them, so that a mistake is found at the start and not with the first bucket.
    pub fn check(&self) -> Result<(), OptionsError> {
        let wrong = |option, value: &str, right| {
            Err(OptionsError { operator: "object storage", option, value: value.into(), right })
        };
        if self.internal_endpoint.is_empty() {
            return wrong("INTERNAL_ENDPOINT", "", "it is required: the address of the server, as host:port or URL");
        }
        if endpoint(&self.internal_endpoint).is_none() {
            let right = "write host:port, http://host:port or https://host:port";
            return wrong("INTERNAL_ENDPOINT", &self.internal_endpoint, right);
        }
        for (option, value) in [("NAMESPACE", &self.namespace), ("ADMIN_SECRET", &self.admin_secret)] {
            if value.is_empty() {
                return wrong(option, value, "it must not be empty");
            }
        }
        let cycles = [("OSBDetectionCycleSeconds", self.bucket_cycle), ("OSUDetectionCycleSeconds", self.user_cycle)];
        for (option, cycle) in cycles {
            if cycle.is_zero() {
                return wrong(option, "0", "use at least one second");
            }
        }
        if self.workers == 0 {
            return wrong("workers", "0", "use at least 1");
        }
        if self.removals == 0 {
            return wrong("removals", "0", "use at least 1");
        }
        Ok(())
    }

    /// The Secret with the administrator's keys.
    pub fn secret(&self) -> ObjectRef {
        ObjectRef::new(Some(&self.namespace), &self.admin_secret)
    }
}

/// The base URL of an endpoint as people write it.
pub(crate) fn endpoint(text: &str) -> Option<http::Uri> {
    let url = if text.contains("://") { text.to_string() } else { format!("http://{text}") };
    let uri: http::Uri = url.parse().ok()?;
    let usable = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri.path() == "/"
        && uri.query().is_none();
    usable.then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(endpoint: &str) -> Options {
        Options { internal_endpoint: endpoint.into(), ..Options::default() }
    }

    //
    #[test]
    fn what_is_not_set_has_its_default() {
        let options = with("minio:9000");
        options.check().unwrap();
        assert_eq!(options.bucket_cycle, Duration::from_secs(300));
        assert_eq!(options.user_cycle, Duration::from_secs(180));
        assert_eq!(
            (options.namespace.as_str(), options.admin_secret.as_str()),
            ("objectstorage-system", "objectstorage-admin")
        );
        assert_eq!(options.external_endpoint, None);
        assert!(options.quota);
    }

    //
    #[test]
    fn a_missing_endpoint_is_named() {
        let error = Options::default().check().unwrap_err().to_string();
        assert!(error.contains("INTERNAL_ENDPOINT") && error.contains("required"), "{error}");
    }

    #[test]
    fn endpoints_are_taken_as_people_write_them() {
        for (text, url) in [
            ("minio:9000", "http://minio:9000/"),
            ("http://minio/", "http://minio/"),
            ("https://[::1]:9000", "https://[::1]:9000/"),
            (
                "object-storage.objectstorage-system.svc.cluster.local:80",
                "http://object-storage.objectstorage-system.svc.cluster.local:80/",
            ),
        ] {
            assert_eq!(endpoint(text).unwrap().to_string(), url);
        }
        for wrong in ["", "http://", "ftp://minio", "minio/path", "http://minio?x", "a b"] {
            assert!(endpoint(wrong).is_none(), "{wrong}");
            assert!(with(wrong).check().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_option_is_named() {
        let zero = Options { bucket_cycle: Duration::ZERO, ..with("minio") };
        assert!(zero.check().unwrap_err().to_string().contains("OSBDetectionCycleSeconds"));
        assert!(Options { workers: 0, ..with("minio") }.check().is_err());
        assert!(Options { removals: 0, ..with("minio") }.check().is_err());
        assert!(Options { admin_secret: String::new(), ..with("minio") }.check().is_err());
    }
}
