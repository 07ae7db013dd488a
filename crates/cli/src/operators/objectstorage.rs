//! The object storage operator on the command line.

use std::time::Duration;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use kubewright::k8s_openapi::api::core::v1::Secret;
use kubewright::kube::core::ApiResource;
use kubewright_objectstorage::api::{ObjectStorageBucket, ObjectStorageUser};
use kubewright_objectstorage::minio::ConnectMinio;
use kubewright_objectstorage::{EXAMPLES, Options, add_to, crds};

use super::{Operator, OperatorError};
use crate::toolchain::complete;

/// Where the server is in a cluster if manifests name no other.
pub(super) const SERVER: &str = "http://object-storage.objectstorage-system.svc.cluster.local:80";

/// Its flags. Each variable is also taken under the name that the original operator has for it (`OSInternalEndpoint`, …).
#[derive(Debug, Clone, Args)]
pub(crate) struct ObjectStorageArgs {
    /// Where the object storage's server (MinIO) is reached: HOST:PORT, or a URL with http:// or https://.
    #[arg(id = "objectstorage-endpoint", long, value_name = "URL", env = "INTERNAL_ENDPOINT")]
    endpoint: Option<String>,

    /// Where users reach it from outside; it is only told to them.
    #[arg(id = "objectstorage-external-endpoint", long, value_name = "URL", env = "EXTERNAL_ENDPOINT")]
    external_endpoint: Option<String>,

    /// Namespace of the Secret with the server's administrator. Default: objectstorage-system.
    #[arg(id = "objectstorage-namespace", long, value_name = "NAMESPACE", env = "NAMESPACE",
          add = ArgValueCandidates::new(complete::namespaces))]
    namespace: Option<String>,

    /// Secret with the server's administrator: accessKey, secretKey and, for an authority of its own, ca.crt.
    /// Default: objectstorage-admin.
    #[arg(id = "objectstorage-admin-secret", long, value_name = "NAME", env = "ADMIN_SECRET")]
    admin_secret: Option<String>,

    /// Region in which buckets are made.
    #[arg(id = "objectstorage-region", long, value_name = "REGION", default_value = "us-east-1")]
    region: String,

    /// How often a bucket is looked at when nothing changes, in seconds. Default: 300.
    #[arg(id = "objectstorage-bucket-cycle", long, value_name = "SECONDS", env = "OSBDetectionCycleSeconds")]
    bucket_cycle: Option<u64>,

    /// How often a user is looked at when nothing changes, in seconds. Default: 180.
    #[arg(id = "objectstorage-user-cycle", long, value_name = "SECONDS", env = "OSUDetectionCycleSeconds")]
    user_cycle: Option<u64>,

    /// Whether users over their quota may not write. Default: true.
    #[arg(id = "objectstorage-quota", long, value_name = "BOOL", env = "QuotaEnabled")]
    quota: Option<bool>,

    /// How many users, and how many buckets, are worked on at once.
    #[arg(id = "objectstorage-workers", long, value_name = "N", default_value_t = 10)]
    workers: usize,
}

impl ObjectStorageArgs {
    /// Uses this server, whatever else was named.
    pub(crate) fn use_server(&mut self, endpoint: String) {
        self.endpoint = Some(endpoint);
    }

    /// Names a server if none is named, for one that is only asked what it is.
    pub(super) fn stand_in(&mut self) {
        self.endpoint.get_or_insert_with(|| SERVER.into());
    }

    /// Forgets the variables of this process: what is not named by a flag has its default.
    pub(super) fn without_variables(&mut self) {
        let defaults = Options::default();
        self.namespace.get_or_insert(defaults.namespace);
        self.admin_secret.get_or_insert(defaults.admin_secret);
    }

    /// The server that a flag names.
    pub(super) fn server(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Namespace and name of the Secret with the server's administrator.
    pub(crate) fn secret(&self) -> (String, String) {
        let options = self.options(|_| None);
        (options.namespace, options.admin_secret)
    }

    /// What the flags and variables say; `variable` tells those under their other names.
    fn options(&self, variable: impl Fn(&str) -> Option<String>) -> Options {
        let defaults = Options::default();
        let text =
            |value: &Option<String>, other: &str| value.clone().or_else(|| variable(other)).filter(|v| !v.is_empty());
        let cycle = |value: Option<u64>, default| value.map_or(default, Duration::from_secs);
        Options {
            internal_endpoint: text(&self.endpoint, "OSInternalEndpoint").unwrap_or_default(),
            external_endpoint: text(&self.external_endpoint, "OSExternalEndpoint"),
            namespace: text(&self.namespace, "OSNamespace").unwrap_or(defaults.namespace),
            admin_secret: text(&self.admin_secret, "OSAdminSecret").unwrap_or(defaults.admin_secret),
            region: self.region.clone(),
            bucket_cycle: cycle(self.bucket_cycle, defaults.bucket_cycle),
            user_cycle: cycle(self.user_cycle, defaults.user_cycle),
            quota: self.quota.unwrap_or(defaults.quota),
            workers: self.workers,
            ..Options::default()
        }
    }
}

/// The operator as its flags set it up.
pub(super) fn operator(args: &ObjectStorageArgs) -> Result<Operator, OperatorError> {
    let options = args.options(|name| std::env::var(name).ok());
    if options.internal_endpoint.is_empty() {
        let missing = "INTERNAL_ENDPOINT is not set: the address of a MinIO server, as HOST:PORT or URL \
                       (`kubewright up --with minio` starts one)";
        return Err(OperatorError::NotSetUp { name: "objectstorage", missing: missing.into() });
    }
    let connect = ConnectMinio::new(&options)
        .map_err(|error| OperatorError::Option { cause: error.into(), flags: "--objectstorage-" })?;
    Ok(Operator {
        name: "objectstorage",
        examples: EXAMPLES.into(),
        crds: crds(),
        shows: vec![
            ApiResource::erase::<ObjectStorageUser>(&()),
            ApiResource::erase::<ObjectStorageBucket>(&()),
            ApiResource::erase::<Secret>(&()),
        ],
        needs_nodes: false,
        add_to: Box::new(move |manager| Ok(add_to(manager, options, connect)?)),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ObjectStorageArgs,
    }

    fn args(flags: &[&str]) -> ObjectStorageArgs {
        Line::parse_from([&["test"], flags].concat()).args
    }

    //
    #[test]
    fn a_missing_endpoint_is_named() {
        let error = operator(&args(&[])).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("INTERNAL_ENDPOINT is not set"), "{error}");
        let error = operator(&args(&["--objectstorage-endpoint", "ftp://x"])).err().map(|error| error.to_string());
        assert!(error.unwrap_or_default().contains("--objectstorage-"));
    }

    //
    #[test]
    fn both_names_of_each_variable_are_taken_and_what_is_not_set_has_its_default() {
        let upstream = |name: &str| match name {
            "OSInternalEndpoint" => Some("minio:9000".into()),
            "OSExternalEndpoint" => Some("https://minio.example.com".into()),
            "OSNamespace" => Some("storage".into()),
            "OSAdminSecret" => Some("root".into()),
            _ => None,
        };
        let options = args(&[]).options(upstream);
        assert_eq!(options.internal_endpoint, "minio:9000");
        assert_eq!(options.external_endpoint.as_deref(), Some("https://minio.example.com"));
        assert_eq!((options.namespace.as_str(), options.admin_secret.as_str()), ("storage", "root"));
        let flags = [
            "--objectstorage-endpoint",
            "other:1",
            "--objectstorage-bucket-cycle",
            "7",
            "--objectstorage-quota",
            "false",
        ];
        let options = args(&flags).options(upstream);
        assert_eq!((options.internal_endpoint.as_str(), options.bucket_cycle.as_secs()), ("other:1", 7));
        assert!(!options.quota);
        let options = args(&[]).options(|_| None);
        assert_eq!((options.bucket_cycle.as_secs(), options.user_cycle.as_secs(), options.quota), (300, 180, true));
        assert_eq!(options.external_endpoint, None);
        assert_eq!(args(&[]).secret(), ("objectstorage-system".into(), "objectstorage-admin".into()));
    }
}
