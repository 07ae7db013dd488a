//! What cert-manager makes: a certificate for each of the operator's servers.

use serde_json::{Value, json};

use crate::parts::{metadata, serves_webhooks};
use crate::{Description, ManifestOptions};

/// A certificate.
pub(crate) struct Certificate {
    /// What of the operator is reached with it.
    pub(crate) of: &'static str,
    /// The file of its document.
    file: &'static str,
    pub(crate) volume: &'static str,
    /// Where it is in the Pod.
    pub(crate) path: &'static str,
}

static WEBHOOK: Certificate =
    Certificate { of: "webhook", file: "certificate", volume: "certificates", path: "/var/run/webhook-certificates" };

static METRICS: Certificate = Certificate {
    of: "metrics",
    file: "metrics_certificate",
    volume: "metrics-certificates",
    path: "/var/run/metrics-certificates",
};

/// The certificates of an operator; none unless cert-manager is to make them.
pub(crate) fn wanted(description: &Description, options: &ManifestOptions) -> Vec<&'static Certificate> {
    let served = [(serves_webhooks(description), &WEBHOOK), (description.metrics.is_some(), &METRICS)];
    served.into_iter().filter(|(served, _)| *served && options.cert_manager).map(|(_, of)| of).collect()
}

/// The documents, each with its file.
pub(crate) fn documents(
    description: &Description,
    options: &ManifestOptions,
    namespace: &str,
) -> Vec<(&'static str, Value)> {
    let name = &description.name;
    let wanted = wanted(description, options);
    if wanted.is_empty() {
        return Vec::new();
    }
    let issuer = format!("{name}-selfsigned");
    let made = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer",
        "metadata": metadata(name, &issuer, Some(namespace)), "spec": {"selfSigned": {}},
    });
    let certificate = |certificate: &Certificate| {
        let host = host(name, certificate.of, namespace);
        let secret = secret(name, certificate.of);
        json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
            "metadata": metadata(name, &secret, Some(namespace)),
            "spec": {
                "secretName": secret,
                "dnsNames": [host, format!("{host}.cluster.local")],
                "issuerRef": {"kind": "Issuer", "name": issuer},
            },
        })
    };
    let certificates = wanted.into_iter().map(|wanted| (wanted.file, certificate(wanted)));
    std::iter::once(("issuer", made)).chain(certificates).collect()
}

/// The name of a certificate, and of the Secret that it is in.
pub(crate) fn secret(name: &str, of: &str) -> String {
    format!("{name}-{of}-server-cert")
}

/// What a Service of the operator is called in the cluster.
pub(crate) fn host(name: &str, of: &str, namespace: &str) -> String {
    format!("{name}-{of}.{namespace}.svc")
}
