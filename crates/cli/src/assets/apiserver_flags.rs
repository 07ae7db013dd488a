//! The flags of kube-apiserver 1.36 and what comes of each.

use super::flags::Effect::{Honoured, Ignored, Only, Refused};
use super::flags::{Effect, Flag};

const fn flag(name: &'static str, value: &'static str, effect: Effect, help: &'static str) -> Flag {
    Flag { name, value: Some(value), effect, help }
}

const fn switch(name: &'static str, effect: Effect, help: &'static str) -> Flag {
    Flag { name, value: None, effect, help }
}

const ON: Effect = Only(&["true"]);
const OFF: Effect = Only(&["false"]);

const AUDIT: &str = "no audit log is written";
const ETCD: &str = "the state is kept in a directory of the etcd beside this server";
const TUNING: &str = "there is nothing to tune";
const LOG: &str = "the log has one form; -v sets its level";
const KUBELET: &str = "no kubelet is talked to";
const TOKENS: &str = "users log in with client certificates or ServiceAccount tokens";
const FRONT_PROXY: &str = "requests of an authenticating proxy are not taken";
const WEBHOOK_AUTHORIZER: &str = "the authorization modes are RBAC, Node and AlwaysAllow";

/// All flags of the real server, in its order.
pub(super) const FLAGS: &[Flag] = &[
    flag("advertise-address", "ip", Ignored, "no Endpoints are made for the kubernetes Service"),
    flag("cors-allowed-origins", "strings", Refused, "no CORS headers are sent"),
    flag("emulated-version", "strings", Only(&["1.36", "kube=1.36"]), "the API is that of Kubernetes 1.36"),
    switch("emulation-forward-compatible", OFF, "the API is that of Kubernetes 1.36"),
    flag("external-hostname", "string", Ignored, "URLs are made from the address that a client uses"),
    flag(
        "feature-gates",
        "colonSeparatedMultimapStringString",
        Honoured,
        "Features as they are by default, name=true|false.",
    ),
    flag("goaway-chance", "float", Ignored, "connections are not sent to other servers"),
    flag("livez-grace-period", "duration", Ignored, "the server is alive as soon as it listens"),
    flag("max-mutating-requests-inflight", "int", Ignored, "requests are not limited in number"),
    flag("max-requests-inflight", "int", Ignored, "requests are not limited in number"),
    flag("min-compatibility-version", "strings", Ignored, "the API is that of Kubernetes 1.36"),
    flag("min-request-timeout", "int", Ignored, "watches end when the client or the server does"),
    flag("request-timeout", "duration", Only(&["1m0s", "1m", "60s"]), "requests get 60 seconds"),
    switch("runtime-config-emulation-forward-compatible", OFF, "the API is that of Kubernetes 1.36"),
    flag("shutdown-delay-duration", "duration", Only(&["0", "0s"]), "the server stops at once"),
    switch("shutdown-send-retry-after", OFF, "the server stops at once"),
    flag("shutdown-watch-termination-grace-period", "duration", Only(&["0", "0s"]), "the server stops at once"),
    flag("storage-initialization-timeout", "duration", Ignored, ETCD),
    flag("strict-transport-security-directives", "strings", Refused, "no such header is sent"),
    flag("delete-collection-workers", "int", Ignored, TUNING),
    switch("enable-garbage-collector", ON, "deletion options are always those for a garbage collector"),
    flag("encryption-provider-config", "string", Ignored, "the state is not encrypted"),
    switch("encryption-provider-config-automatic-reload", Ignored, "the state is not encrypted"),
    flag("etcd-cafile", "string", Ignored, ETCD),
    flag("etcd-certfile", "string", Ignored, ETCD),
    flag("etcd-compaction-interval", "duration", Ignored, ETCD),
    flag("etcd-count-metric-poll-period", "duration", Ignored, ETCD),
    flag("etcd-db-metric-poll-interval", "duration", Ignored, ETCD),
    flag("etcd-healthcheck-timeout", "duration", Ignored, ETCD),
    flag("etcd-keyfile", "string", Ignored, ETCD),
    flag("etcd-prefix", "string", Ignored, ETCD),
    flag("etcd-readycheck-timeout", "duration", Ignored, ETCD),
    flag("etcd-servers", "strings", Honoured, "URL of the etcd of the same directory. Required."),
    flag("etcd-servers-overrides", "strings", Ignored, ETCD),
    flag("lease-reuse-duration-seconds", "int", Ignored, ETCD),
    flag("storage-backend", "string", Ignored, ETCD),
    flag("storage-media-type", "string", Ignored, ETCD),
    switch("watch-cache", Ignored, TUNING),
    flag("watch-cache-sizes", "strings", Ignored, TUNING),
    flag("bind-address", "ip", Honoured, "Where to listen. Default 0.0.0.0."),
    flag("cert-dir", "string", Honoured, "Where apiserver.crt and apiserver.key are. Default /var/run/kubernetes."),
    switch("disable-http2-serving", OFF, "clients choose between HTTP/1.1 and HTTP/2"),
    flag("http2-max-streams-per-connection", "int", Ignored, TUNING),
    switch("permit-address-sharing", OFF, "the address is bound for this server alone"),
    switch("permit-port-sharing", OFF, "the port is bound for this server alone"),
    flag("secure-port", "int", Honoured, "The port to listen on; 0: any free one. Default 6443."),
    flag("tls-cert-file", "string", Honoured, "The server's certificate. Default: apiserver.crt in --cert-dir."),
    flag("tls-cipher-suites", "strings", Ignored, "TLS 1.2 and 1.3 with their good cipher suites are served"),
    flag("tls-curve-preferences", "int32Slice", Ignored, "TLS 1.2 and 1.3 with their good cipher suites are served"),
    flag("tls-min-version", "string", Only(&["VersionTLS12"]), "TLS 1.2 and 1.3 are served"),
    flag("tls-private-key-file", "string", Honoured, "Its key. Default: apiserver.key in --cert-dir."),
    flag("tls-sni-cert-key", "namedCertKey", Refused, "there is one certificate"),
    flag("audit-log-batch-buffer-size", "int", Ignored, AUDIT),
    flag("audit-log-batch-max-size", "int", Ignored, AUDIT),
    flag("audit-log-batch-max-wait", "duration", Ignored, AUDIT),
    flag("audit-log-batch-throttle-burst", "int", Ignored, AUDIT),
    switch("audit-log-batch-throttle-enable", Ignored, AUDIT),
    flag("audit-log-batch-throttle-qps", "float32", Ignored, AUDIT),
    switch("audit-log-compress", Ignored, AUDIT),
    flag("audit-log-format", "string", Ignored, AUDIT),
    flag("audit-log-maxage", "int", Ignored, AUDIT),
    flag("audit-log-maxbackup", "int", Ignored, AUDIT),
    flag("audit-log-maxsize", "int", Ignored, AUDIT),
    flag("audit-log-mode", "string", Ignored, AUDIT),
    flag("audit-log-path", "string", Ignored, AUDIT),
    switch("audit-log-truncate-enabled", Ignored, AUDIT),
    flag("audit-log-truncate-max-batch-size", "int", Ignored, AUDIT),
    flag("audit-log-truncate-max-event-size", "int", Ignored, AUDIT),
    flag("audit-log-version", "string", Ignored, AUDIT),
    flag("audit-policy-file", "string", Ignored, AUDIT),
    flag("audit-webhook-batch-buffer-size", "int", Refused, AUDIT),
    flag("audit-webhook-batch-max-size", "int", Refused, AUDIT),
    flag("audit-webhook-batch-max-wait", "duration", Refused, AUDIT),
    flag("audit-webhook-batch-throttle-burst", "int", Refused, AUDIT),
    switch("audit-webhook-batch-throttle-enable", Refused, AUDIT),
    flag("audit-webhook-batch-throttle-qps", "float32", Refused, AUDIT),
    flag("audit-webhook-config-file", "string", Refused, AUDIT),
    flag("audit-webhook-initial-backoff", "duration", Refused, AUDIT),
    flag("audit-webhook-mode", "string", Refused, AUDIT),
    switch("audit-webhook-truncate-enabled", Refused, AUDIT),
    flag("audit-webhook-truncate-max-batch-size", "int", Refused, AUDIT),
    flag("audit-webhook-truncate-max-event-size", "int", Refused, AUDIT),
    flag("audit-webhook-version", "string", Refused, AUDIT),
    switch("contention-profiling", Ignored, "there is no profiler"),
    flag("debug-socket-path", "string", Ignored, "there is no profiler"),
    switch("enable-priority-and-fairness", Ignored, "requests are not limited in number"),
    switch("profiling", Ignored, "there is no profiler"),
    switch("anonymous-auth", ON, "requests without credentials are system:anonymous"),
    flag("api-audiences", "strings", Honoured, "Who ServiceAccount tokens are for. Default: the issuer."),
    flag("authentication-config", "string", Refused, TOKENS),
    flag("authentication-token-webhook-cache-ttl", "duration", Refused, TOKENS),
    flag("authentication-token-webhook-config-file", "string", Refused, TOKENS),
    flag("authentication-token-webhook-version", "string", Refused, TOKENS),
    flag("client-ca-file", "string", Honoured, "Authorities whose client certificates log their holders in."),
    switch("enable-bootstrap-token-auth", OFF, TOKENS),
    flag("oidc-ca-file", "string", Refused, TOKENS),
    flag("oidc-client-id", "string", Refused, TOKENS),
    flag("oidc-groups-claim", "string", Refused, TOKENS),
    flag("oidc-groups-prefix", "string", Refused, TOKENS),
    flag("oidc-issuer-url", "string", Refused, TOKENS),
    flag("oidc-required-claim", "mapStringString", Refused, TOKENS),
    flag("oidc-signing-algs", "strings", Refused, TOKENS),
    flag("oidc-username-claim", "string", Refused, TOKENS),
    flag("oidc-username-prefix", "string", Refused, TOKENS),
    flag("requestheader-allowed-names", "strings", Refused, FRONT_PROXY),
    flag("requestheader-client-ca-file", "string", Refused, FRONT_PROXY),
    flag("requestheader-extra-headers-prefix", "strings", Refused, FRONT_PROXY),
    flag("requestheader-group-headers", "strings", Refused, FRONT_PROXY),
    flag("requestheader-uid-headers", "strings", Refused, FRONT_PROXY),
    flag("requestheader-username-headers", "strings", Refused, FRONT_PROXY),
    switch("service-account-extend-token-expiration", Ignored, "tokens last as long as they say"),
    flag("service-account-issuer", "stringArray", Honoured, "Who ServiceAccount tokens say that made them."),
    flag("service-account-jwks-uri", "string", Refused, "the keys' address is made from the issuer"),
    flag("service-account-key-file", "stringArray", Honoured, "Keys or certificates that tokens are checked with."),
    switch("service-account-lookup", ON, "tokens of ServiceAccounts that are gone are refused"),
    flag("service-account-max-token-expiration", "duration", Refused, "tokens last as long as is asked for"),
    flag("token-auth-file", "string", Refused, TOKENS),
    flag("authorization-config", "string", Refused, WEBHOOK_AUTHORIZER),
    flag("authorization-mode", "strings", Honoured, "RBAC, Node or AlwaysAllow. Default AlwaysAllow."),
    flag("authorization-policy-file", "string", Refused, WEBHOOK_AUTHORIZER),
    flag("authorization-webhook-cache-authorized-ttl", "duration", Refused, WEBHOOK_AUTHORIZER),
    flag("authorization-webhook-cache-unauthorized-ttl", "duration", Refused, WEBHOOK_AUTHORIZER),
    flag("authorization-webhook-config-file", "string", Refused, WEBHOOK_AUTHORIZER),
    flag("authorization-webhook-version", "string", Refused, WEBHOOK_AUTHORIZER),
    flag(
        "runtime-config",
        "mapStringString",
        Honoured,
        "Versions that are served, or not, by default, name=true|false.",
    ),
    flag("egress-selector-config-file", "string", Refused, "webhooks are called directly"),
    flag("admission-control", "strings", Refused, "it is deprecated; see --enable-admission-plugins"),
    flag("admission-control-config-file", "string", Refused, "the admission plugins have their default configuration"),
    flag("default-not-ready-toleration-seconds", "int", Only(&["300"]), "tolerations last 300 seconds"),
    flag("default-unreachable-toleration-seconds", "int", Only(&["300"]), "tolerations last 300 seconds"),
    flag("disable-admission-plugins", "strings", Honoured, "Admission plugins to do without."),
    flag("enable-admission-plugins", "strings", Honoured, "Admission plugins to have beside the default ones."),
    flag("allow-metric-labels", "stringToString", Ignored, "/metrics has few metrics"),
    flag("allow-metric-labels-manifest", "string", Ignored, "/metrics has few metrics"),
    flag("disabled-metrics", "strings", Ignored, "/metrics has few metrics"),
    flag("show-hidden-metrics-for-version", "string", Ignored, "/metrics has few metrics"),
    flag("log-flush-frequency", "duration", Ignored, LOG),
    flag("log-json-info-buffer-size", "quantity", Ignored, LOG),
    switch("log-json-split-stream", Ignored, LOG),
    flag("log-text-info-buffer-size", "quantity", Ignored, LOG),
    switch("log-text-split-stream", Ignored, LOG),
    flag("logging-format", "string", Ignored, LOG),
    flag("v", "Level", Honoured, "How much to log: 0 warnings, 2 what happens, 4 and up every request."),
    flag("vmodule", "pattern=N", Ignored, LOG),
    flag("tracing-config-file", "string", Ignored, "no traces are sent"),
    switch("aggregator-reject-forwarding-redirect", Ignored, "no requests are forwarded to other API servers"),
    switch("allow-privileged", ON, "privileged containers are always allowed"),
    flag("coordinated-leadership-lease-duration", "duration", Ignored, "leaders are not chosen by the server"),
    flag("coordinated-leadership-renew-deadline", "duration", Ignored, "leaders are not chosen by the server"),
    flag("coordinated-leadership-retry-period", "duration", Ignored, "leaders are not chosen by the server"),
    switch("enable-aggregator-routing", Ignored, "no requests are forwarded to other API servers"),
    switch("enable-logs-handler", Ignored, "logs are not served"),
    flag("endpoint-reconciler-type", "string", Ignored, "no Endpoints are made for the kubernetes Service"),
    flag("event-ttl", "duration", Ignored, "events stay until they are deleted"),
    flag("kubelet-certificate-authority", "string", Ignored, KUBELET),
    flag("kubelet-client-certificate", "string", Ignored, KUBELET),
    flag("kubelet-client-key", "string", Ignored, KUBELET),
    flag("kubelet-preferred-address-types", "strings", Ignored, KUBELET),
    flag("kubelet-timeout", "duration", Ignored, KUBELET),
    flag("kubernetes-service-node-port", "int", Only(&["0"]), "the kubernetes Service is of type ClusterIP"),
    flag("max-connection-bytes-per-sec", "int", Ignored, TUNING),
    flag("peer-advertise-ip", "string", Ignored, "there are no other servers"),
    flag("peer-advertise-port", "string", Ignored, "there are no other servers"),
    flag("peer-ca-file", "string", Ignored, "there are no other servers"),
    flag("proxy-client-cert-file", "string", Ignored, "no requests are forwarded to other API servers"),
    flag("proxy-client-key-file", "string", Ignored, "no requests are forwarded to other API servers"),
    flag("service-account-signing-endpoint", "string", Refused, "tokens are signed with a key file"),
    flag("service-account-signing-key-file", "string", Honoured, "The key that ServiceAccount tokens are signed with."),
    flag("service-cluster-ip-range", "string", Honoured, "The IPv4 range of cluster IPs. Default 10.0.0.0/24."),
    flag("service-node-port-range", "portRange", Honoured, "First and last node port. Default 30000-32767."),
    switch("help", Honoured, "Show the flags."),
    flag("version", "version", Honoured, "Show the version."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_there_once() {
        let mut names: Vec<&str> = FLAGS.iter().map(|flag| flag.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
