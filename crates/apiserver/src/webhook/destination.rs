//! Where a webhook is.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::kinds::tree::Tree;
use crate::store::{ObjectKey, RangeRequest, Store};

/// `clientConfig` of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientConfig {
    pub(super) destination: Destination,
    /// Certificates that vouch for the webhook's, as PEM; none: those that the machine trusts.
    pub(super) ca_bundle: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Destination {
    Url { host: String, port: Option<u16>, path: String },
    Service { namespace: String, name: String, port: u16, path: String },
}

/// Host name or address, and port.
pub(super) type Address = (String, u16);

impl ClientConfig {
    /// Reads a `clientConfig` that was checked when it was written.
    pub(crate) fn read(config: &Value) -> Self {
        let ca_bundle = BASE64_STANDARD.decode(config.text("caBundle")).unwrap_or_default();
        let ca_bundle = (!ca_bundle.trim_ascii().is_empty()).then_some(ca_bundle);
        let service = config.at("service");
        let destination = if service.is_object() {
            Destination::Service {
                namespace: service.text("namespace").into(),
                name: service.text("name").into(),
                port: service.int("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(443),
                path: cleaned(service.text("path")),
            }
        } else {
            let url = config.text("url");
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
            let (host, port) = host_and_port(authority);
            Destination::Url { host, port, path: cleaned(path) }
        };
        Self { destination, ca_bundle }
    }

    /// The name that the webhook's certificate must be for.
    pub(super) fn server_name(&self) -> String {
        match &self.destination {
            Destination::Url { host, .. } => host.clone(),
            Destination::Service { namespace, name, .. } => format!("{name}.{namespace}.svc"),
        }
    }

    /// Host and port as they stand in the URL and in the `Host` header.
    pub(super) fn authority(&self) -> String {
        match &self.destination {
            Destination::Url { host, port, .. } => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
            }
            Destination::Service { port, .. } => format!("{}:{port}", self.server_name()),
        }
    }

    pub(super) fn path(&self) -> &str {
        match &self.destination {
            Destination::Url { path, .. } | Destination::Service { path, .. } => path,
        }
    }

    /// Where to connect to: one of these.
    pub(super) fn addresses(&self, store: &Store) -> Result<Vec<Address>, String> {
        match &self.destination {
            Destination::Url { host, port, .. } => Ok(vec![(host.clone(), port.unwrap_or(443))]),
            Destination::Service { namespace, name, port, .. } => service_addresses(store, namespace, name, *port),
        }
    }
}

/// A path as it stands in requests: with a slash at its start and none at its end.
fn cleaned(path: &str) -> String {
    format!("/{}", path.trim_matches('/'))
}

fn host_and_port(authority: &str) -> (String, Option<u16>) {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    (host.into(), port.and_then(|port| port.parse().ok()))
}

fn service_addresses(store: &Store, namespace: &str, name: &str, port: u16) -> Result<Vec<Address>, String> {
    let Some(service) = store.collection("", "services").get(&ObjectKey::new(namespace, name)) else {
        return Err(format!("service {name:?} not found"));
    };
    let service = service.tree();
    if service.text("spec.type") == "ExternalName" {
        return Ok(vec![(service.text("spec.externalName").into(), port)]);
    }
    let ports = service.list("spec.ports");
    let Some(service_port) = ports.iter().find(|own| own.int("port") == Some(i64::from(port))) else {
        return Err(format!("no service port {port} found for service {name:?}"));
    };
    let mut found = slice_addresses(store, namespace, name, service_port.text("name"));
    if found.is_empty() {
        found = endpoints_addresses(store, namespace, name, service_port.text("name"));
    }
    if found.is_empty() { Err(format!("no endpoints available for service {name:?}")) } else { Ok(found) }
}

fn slice_addresses(store: &Store, namespace: &str, name: &str, port_name: &str) -> Vec<Address> {
    let belongs = |stored: &crate::store::Stored| stored.label("kubernetes.io/service-name") == Some(name);
    let request = RangeRequest { namespace: Some(namespace), filter: Some(&belongs), ..RangeRequest::default() };
    let slices = store.collection("discovery.k8s.io", "endpointslices").range(request);
    let mut found = Vec::new();
    // The newest state is always there.
    for slice in slices.map(|range| range.items).unwrap_or_default() {
        let slice = slice.tree();
        let Some(port) = port_of(slice.list("ports"), port_name) else { continue };
        let ready = slice.list("endpoints").iter().filter(|endpoint| endpoint.at("conditions.ready") != false);
        let hosts = ready.flat_map(|endpoint| endpoint.list("addresses")).filter_map(Value::as_str);
        found.extend(hosts.map(|host| (host.to_string(), port)));
    }
    found
}

fn endpoints_addresses(store: &Store, namespace: &str, name: &str, port_name: &str) -> Vec<Address> {
    let Some(endpoints) = store.collection("", "endpoints").get(&ObjectKey::new(namespace, name)) else {
        return Vec::new();
    };
    let endpoints = endpoints.tree();
    let mut found = Vec::new();
    for subset in endpoints.list("subsets") {
        let Some(port) = port_of(subset.list("ports"), port_name) else { continue };
        found.extend(subset.list("addresses").iter().map(|address| (address.text("ip").to_string(), port)));
    }
    found
}

/// The port of that name; a Service with one port may leave it unnamed.
fn port_of(ports: &[Value], name: &str) -> Option<u16> {
    let port = ports.iter().find(|port| port.text("name") == name)?;
    port.int("port").and_then(|port| u16::try_from(port).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_go_does() {
        let config = |url: &str| ClientConfig::read(&json!({"url": url}));
        let plain = config("https://example.com");
        assert_eq!((plain.authority().as_str(), plain.path()), ("example.com", "/"));
        assert_eq!(plain.server_name(), "example.com");
        let full = config("https://[::1]:9443/validate/");
        assert_eq!((full.authority().as_str(), full.path()), ("[::1]:9443", "/validate"));
        assert_eq!(full.server_name(), "::1");
    }

    #[test]
    fn a_service_is_called_by_its_name_in_the_cluster() {
        let config = ClientConfig::read(&json!({"service": {"name": "hook", "namespace": "ns", "path": "/mutate"}}));
        assert_eq!(config.authority(), "hook.ns.svc:443");
        assert_eq!(config.server_name(), "hook.ns.svc");
        assert_eq!(config.path(), "/mutate");
    }
}
