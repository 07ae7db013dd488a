//! Which Ingress a Service asks for: a pure function from the Service and the options.

use kubewright::k8s_openapi::api::core::v1::{Service, ServicePort};
use kubewright::k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
    IngressTLS, ServiceBackendPort,
};
use kubewright::kube::ResourceExt;
use kubewright::kube::core::ObjectMeta;

use crate::options::{Options, expand, is_dns_host, is_dns_subdomain};

/// The annotations that a Service may carry.
pub mod annotation {
    /// `"true"` asks for an Ingress.
    pub const HTTP: &str = "ingress/http";
    /// Name or number of the port behind it.
    pub const PORT: &str = "ingress/port";
    /// Host or host template.
    pub const HOST: &str = "ingress/host";
    /// Path prefix.
    pub const PATH: &str = "ingress/path";
    /// Ingress class.
    pub const CLASS: &str = "ingress/class";
    /// Secret with the certificate.
    pub const TLS_SECRET: &str = "ingress/tls-secret";
}

/// Why a Service that asks for an Ingress can't have one. Shown as a Warning event; what is there stays as it is.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// An annotation holds something else than it may.
    #[error("annotation {annotation}: {value:?} is not valid: {right}")]
    InvalidAnnotation {
        /// The annotation.
        annotation: &'static str,
        /// What it holds.
        value: String,
        /// What would be right.
        right: &'static str,
    },
    /// The Service has no port that the annotation names.
    #[error("annotation {}: the Service has no port {wanted:?}; it has {has}", annotation::PORT)]
    NoSuchPort {
        /// The port asked for.
        wanted: String,
        /// The ports that are there.
        has: String,
    },
    /// The Service has no port at all.
    #[error("the Service has no port; add one to spec.ports")]
    NoPort,
    /// Nothing tells which of several ports is meant.
    #[error(
        "the Service has several ports ({has}), none named http and none with number 80; name one with the annotation {}",
        annotation::PORT
    )]
    AmbiguousPort {
        /// The ports that are there.
        has: String,
    },
}

impl Refusal {
    /// The reason of the Warning event.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InvalidAnnotation { .. } => "InvalidAnnotation",
            Self::NoSuchPort { .. } | Self::NoPort => "PortNotFound",
            Self::AmbiguousPort { .. } => "AmbiguousPort",
        }
    }
}

/// The Ingress that the Service asks for; `None` if it asks for none.
pub fn plan(service: &Service, options: &Options) -> Result<Option<Ingress>, Refusal> {
    let get = |name: &str| service.annotations().get(name).map(String::as_str);
    match get(annotation::HTTP) {
        None | Some("false") => return Ok(None),
        Some("true") => {}
        Some(other) => return Err(invalid(annotation::HTTP, other, "use \"true\" or \"false\"")),
    }
    let name = service.name_any();
    let namespace = service.namespace().unwrap_or_default();

    let template = get(annotation::HOST).unwrap_or(&options.host);
    let host = expand(template, &name, &namespace, &options.domain);
    if !is_dns_host(&host) {
        let right = "use a DNS name, with {name}, {namespace} and {domain} as placeholders";
        return Err(invalid(annotation::HOST, template, right));
    }
    let path = get(annotation::PATH).unwrap_or(&options.path);
    if !path.starts_with('/') {
        return Err(invalid(annotation::PATH, path, "start it with /"));
    }
    let class = get(annotation::CLASS).unwrap_or(&options.class);
    if !is_dns_subdomain(class) {
        return Err(invalid(annotation::CLASS, class, "use the name of an IngressClass"));
    }
    let tls_secret = get(annotation::TLS_SECRET);
    if let Some(secret) = tls_secret.filter(|secret| !is_dns_subdomain(secret)) {
        return Err(invalid(annotation::TLS_SECRET, secret, "use the name of a Secret in the Service's namespace"));
    }

    let backend = IngressBackend {
        service: Some(IngressServiceBackend {
            name: name.clone(),
            port: Some(backend_port(service, get(annotation::PORT))?),
        }),
        ..IngressBackend::default()
    };
    let path = HTTPIngressPath { path: Some(path.into()), path_type: "Prefix".into(), backend };
    let rule = IngressRule { host: Some(host.clone()), http: Some(HTTPIngressRuleValue { paths: vec![path] }) };
    Ok(Some(Ingress {
        metadata: ObjectMeta { name: Some(name), namespace: Some(namespace), ..ObjectMeta::default() },
        spec: Some(IngressSpec {
            ingress_class_name: Some(class.into()),
            rules: Some(vec![rule]),
            tls: tls_secret
                .map(|secret| vec![IngressTLS { hosts: Some(vec![host]), secret_name: Some(secret.into()) }]),
            ..IngressSpec::default()
        }),
        status: None,
    }))
}

fn invalid(annotation: &'static str, value: &str, right: &'static str) -> Refusal {
    Refusal::InvalidAnnotation { annotation, value: value.into(), right }
}

/// The port named by annotation, else `http`, else 80, else the only one.
fn backend_port(service: &Service, wanted: Option<&str>) -> Result<ServiceBackendPort, Refusal> {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let named = |name: &str| ports.iter().find(|port| port.name.as_deref() == Some(name));
    let numbered = |number: i32| ports.iter().find(|port| port.port == number);
    let found = match wanted {
        Some(wanted) => named(wanted)
            .or_else(|| wanted.parse().ok().and_then(numbered))
            .ok_or_else(|| Refusal::NoSuchPort { wanted: wanted.into(), has: list(ports) })?,
        None => match (named("http").or_else(|| numbered(80)), ports) {
            (Some(port), _) => port,
            (None, []) => return Err(Refusal::NoPort),
            (None, [only]) => only,
            (None, _) => return Err(Refusal::AmbiguousPort { has: list(ports) }),
        },
    };
    Ok(ServiceBackendPort { name: None, number: Some(found.port) })
}

fn list(ports: &[ServicePort]) -> String {
    let shown = ports.iter().map(|port| match &port.name {
        Some(name) => format!("{name}/{}", port.port),
        None => port.port.to_string(),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    if shown.is_empty() { "none".into() } else { shown }
}

#[cfg(test)]
mod tests {
    use kubewright::k8s_openapi::api::core::v1::ServiceSpec;

    use super::*;

    fn service(annotations: &[(&str, &str)], ports: &[(&str, i32)]) -> Service {
        let ports = ports.iter().map(|(name, port)| ServicePort {
            name: (!name.is_empty()).then(|| name.to_string()),
            port: *port,
            ..ServicePort::default()
        });
        Service {
            metadata: ObjectMeta {
                name: Some("shop".into()),
                namespace: Some("eu".into()),
                annotations: Some(annotations.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()),
                ..ObjectMeta::default()
            },
            spec: Some(ServiceSpec { ports: Some(ports.collect()), ..ServiceSpec::default() }),
            status: None,
        }
    }

    fn planned(annotations: &[(&str, &str)], ports: &[(&str, i32)]) -> Result<Option<Ingress>, Refusal> {
        plan(&service(annotations, ports), &Options::default())
    }

    fn planned_port(annotations: &[(&str, &str)], ports: &[(&str, i32)]) -> Result<i32, Refusal> {
        let annotations = [&[("ingress/http", "true")], annotations].concat();
        let ingress = planned(&annotations, ports)?.unwrap();
        let path = ingress.spec.unwrap().rules.unwrap()[0].http.clone().unwrap().paths[0].clone();
        Ok(path.backend.service.unwrap().port.unwrap().number.unwrap())
    }

    //
    #[test]
    fn only_the_word_true_asks_for_an_ingress() {
        assert_eq!(planned(&[], &[("", 80)]), Ok(None));
        assert_eq!(planned(&[("ingress/http", "false")], &[("", 80)]), Ok(None));
        assert!(planned(&[("ingress/http", "true")], &[("", 80)]).unwrap().is_some());
        for wrong in ["True", "yes", "", "1"] {
            let refusal = planned(&[("ingress/http", wrong)], &[("", 80)]).unwrap_err();
            assert_eq!(refusal.reason(), "InvalidAnnotation", "{wrong}");
        }
    }

    //
    #[test]
    fn defaults_are_nginx_example_com_and_the_root_prefix() {
        let ingress = planned(&[("ingress/http", "true")], &[("", 8080)]).unwrap().unwrap();
        assert_eq!((ingress.name_any(), ingress.namespace()), ("shop".into(), Some("eu".into())));
        let spec = ingress.spec.unwrap();
        assert_eq!(spec.ingress_class_name.as_deref(), Some("nginx"));
        assert_eq!(spec.tls, None);
        let rule = &spec.rules.unwrap()[0];
        assert_eq!(rule.host.as_deref(), Some("example.com"));
        let path = &rule.http.as_ref().unwrap().paths[0];
        assert_eq!((path.path.as_deref(), path.path_type.as_str()), (Some("/"), "Prefix"));
    }

    //
    #[test]
    fn the_port_is_the_one_named_else_http_else_80_else_the_only_one() {
        let three = [("admin", 9000), ("http", 8080), ("plain", 80)];
        assert_eq!(planned_port(&[("ingress/port", "admin")], &three), Ok(9000));
        assert_eq!(planned_port(&[("ingress/port", "80")], &three), Ok(80));
        assert_eq!(planned_port(&[], &three), Ok(8080));
        assert_eq!(planned_port(&[], &[("admin", 9000), ("plain", 80)]), Ok(80));
        assert_eq!(planned_port(&[], &[("", 8080)]), Ok(8080));
    }

    //
    #[test]
    fn a_missing_or_ambiguous_port_is_refused_with_the_ports_that_are_there() {
        let refusal = planned_port(&[], &[("a", 1), ("b", 2)]).unwrap_err();
        assert_eq!(refusal.reason(), "AmbiguousPort");
        assert!(refusal.to_string().contains("a/1, b/2"), "{refusal}");
        let refusal = planned_port(&[("ingress/port", "web")], &[("a", 1)]).unwrap_err();
        assert_eq!(refusal.to_string(), "annotation ingress/port: the Service has no port \"web\"; it has a/1");
        assert_eq!(planned_port(&[], &[]), Err(Refusal::NoPort));
    }

    // Beyond the seed: host template, class, path, TLS secret and host per Service.
    #[test]
    fn annotations_override_the_options() {
        let annotations = [
            ("ingress/http", "true"),
            ("ingress/host", "{name}.{namespace}.{domain}"),
            ("ingress/path", "/api"),
            ("ingress/class", "traefik"),
            ("ingress/tls-secret", "shop-tls"),
        ];
        let options = Options { domain: "corp.test".into(), ..Options::default() };
        let spec = plan(&service(&annotations, &[("", 80)]), &options).unwrap().unwrap().spec.unwrap();
        let rule = &spec.rules.as_ref().unwrap()[0];
        assert_eq!(rule.host.as_deref(), Some("shop.eu.corp.test"));
        assert_eq!(rule.http.as_ref().unwrap().paths[0].path.as_deref(), Some("/api"));
        assert_eq!(spec.ingress_class_name.as_deref(), Some("traefik"));
        let tls = &spec.tls.unwrap()[0];
        assert_eq!(tls.hosts.as_deref(), Some(&["shop.eu.corp.test".to_string()][..]));
        assert_eq!(tls.secret_name.as_deref(), Some("shop-tls"));
    }

    #[test]
    fn annotations_that_the_server_would_refuse_are_refused_here_by_name() {
        for (name, value) in [
            ("ingress/host", "Not A Host"),
            ("ingress/path", "api"),
            ("ingress/class", "A B"),
            ("ingress/tls-secret", "../etc"),
        ] {
            let refusal = planned(&[("ingress/http", "true"), (name, value)], &[("", 80)]).unwrap_err();
            assert!(refusal.to_string().contains(name) && refusal.to_string().contains(value), "{refusal}");
        }
    }
}
