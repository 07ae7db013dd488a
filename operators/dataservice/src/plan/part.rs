//! One component as the specification has it, with its defaults filled in.

use std::collections::BTreeMap;

use kubewright::k8s_openapi::api::core::v1::Secret;
use kubewright::patterns::composite::{Probe, Refusal};
use serde_json::json;

use crate::api::{LONGEST_NAME, Middleware, MiddlewareKind, Port, Service, Storage, ThirdParty};

/// A component that is there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    /// Its field in the specification.
    pub(crate) key: &'static str,
    /// The name of its objects.
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) credentials: Option<Credentials>,
}

/// Where it runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    Here(Box<Workload>),
    Elsewhere { url: String, probe: Probe },
}

/// How it runs here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Workload {
    pub(crate) kind: MiddlewareKind,
    pub(crate) image: String,
    /// At least one.
    pub(crate) ports: Vec<Port>,
    pub(crate) replica: i32,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) storage: Option<Storage>,
}

/// The account that services use.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Credentials {
    /// The Secret with `username` and `password`.
    pub(crate) secret: String,
    /// It, if it is made here out of what the specification says.
    pub(crate) made: Option<Box<Secret>>,
}

/// What middleware has where the specification says nothing.
pub(crate) struct Defaults<'a> {
    pub(crate) kind: MiddlewareKind,
    pub(crate) image: Option<&'a str>,
    pub(crate) port: Option<u16>,
}

impl Part {
    pub(crate) fn of_service(resource: &str, key: &'static str, service: &Service) -> Result<Self, Refusal> {
        let ports = ports(key, service.ports.as_deref(), service.port, service.node_port)?;
        let workload = Workload {
            kind: MiddlewareKind::Deployment,
            image: service.image.clone(),
            ports,
            replica: service.replica,
            env: service.env.clone().unwrap_or_default(),
            storage: None,
        };
        let name = name(resource, key, service.name.as_deref())?;
        Ok(Self { key, name, place: Place::Here(Box::new(workload)), credentials: None })
    }

    pub(crate) fn of_middleware(
        resource: &str,
        key: &'static str,
        middleware: &Middleware,
        defaults: &Defaults<'_>,
    ) -> Result<Self, Refusal> {
        let name = name(resource, key, middleware.name.as_deref())?;
        let third_party = middleware.third_party.as_ref();
        let otherwise = if third_party.is_some() { MiddlewareKind::ThirdParty } else { defaults.kind };
        let kind = middleware.kind.unwrap_or(otherwise);
        let place = match (kind, third_party) {
            (MiddlewareKind::ThirdParty, Some(third_party)) => elsewhere(key, third_party)?,
            (MiddlewareKind::ThirdParty, None) => {
                let message = format!("spec.{key}: kind ThirdParty needs thirdParty with its url");
                return Err(Refusal::new("ThirdPartyMissing", message));
            }
            (kind, _) => {
                let missing = |field: &str| Refusal::new("FieldMissing", format!("spec.{key}.{field} is required"));
                let image = middleware.image.as_deref().or(defaults.image).ok_or_else(|| missing("image"))?;
                let port = match &middleware.ports {
                    Some(_) => None,
                    None => middleware.port.or(defaults.port),
                };
                let workload = Workload {
                    kind,
                    image: image.into(),
                    ports: ports(key, middleware.ports.as_deref(), port, middleware.node_port)?,
                    replica: middleware.replica.unwrap_or(1),
                    env: middleware.env.clone().unwrap_or_default(),
                    storage: middleware.storage.clone().filter(|_| kind == MiddlewareKind::StatefulSet),
                };
                Place::Here(Box::new(workload))
            }
        };
        let credentials = credentials(key, &name, middleware)?;
        Ok(Self { key, name, place, credentials })
    }

    /// Where others reach it: `scheme` where nothing says otherwise.
    pub(crate) fn url(&self, scheme: &str) -> String {
        match &self.place {
            Place::Elsewhere { url, .. } if url.contains("://") => url.clone(),
            Place::Elsewhere { url, .. } => format!("{scheme}://{url}"),
            Place::Here(workload) => format!("{scheme}://{}:{}", self.name, workload.port()),
        }
    }
}

impl Workload {
    /// Its first port.
    pub(crate) fn port(&self) -> u16 {
        self.ports.first().map(|port| port.port).unwrap_or_default()
    }
}

/// The name that the specification gives, or one made of the resource's and the component's.
fn name(resource: &str, key: &str, given: Option<&str>) -> Result<String, Refusal> {
    let name = given.map_or_else(|| format!("{resource}-{key}"), str::to_string);
    let letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    if name.len() <= LONGEST_NAME && letter && !name.contains('.') {
        return Ok(name);
    }
    let right = format!("at most {LONGEST_NAME} of a-z, 0-9 and '-', and a letter first");
    let message = format!("spec.{key}.name: {name:?} can't be the name of a StatefulSet and a Service: use {right}");
    Err(Refusal::new("InvalidName", message))
}

fn ports(key: &str, several: Option<&[Port]>, one: Option<u16>, node_port: Option<u16>) -> Result<Vec<Port>, Refusal> {
    if let Some(ports) = several.filter(|ports| !ports.is_empty()) {
        return Ok(ports.to_vec());
    }
    let missing = || Refusal::new("FieldMissing", format!("spec.{key}.port is required (or ports, for several)"));
    let port = one.ok_or_else(missing)?;
    Ok(vec![Port { name: if key == "mysql" { "mysql" } else { "http" }.into(), port, target_port: None, node_port }])
}

fn elsewhere(key: &str, third_party: &ThirdParty) -> Result<Place, Refusal> {
    let (field, target) = match &third_party.check {
        Some(check) => ("check", check),
        None => ("url", &third_party.url),
    };
    let probe = Probe::parse(target)
        .map_err(|error| Refusal::new("InvalidUrl", format!("spec.{key}.thirdParty.{field}: {error}")))?;
    Ok(Place::Elsewhere { url: third_party.url.clone(), probe })
}

fn credentials(key: &str, name: &str, middleware: &Middleware) -> Result<Option<Credentials>, Refusal> {
    let inline = middleware.third_party.as_ref().and_then(|third_party| {
        Some((third_party.username.as_deref()?, third_party.password.as_deref().unwrap_or_default()))
    });
    let (secret, made) = match (&middleware.credentials_secret, inline) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let message =
                format!("spec.{key}: credentialsSecret and thirdParty.username both name an account: leave one out");
            return Err(Refusal::new("TwoCredentials", message));
        }
        (Some(secret), None) => (secret.clone(), None),
        (None, Some((username, password))) => {
            let secret = format!("{name}-credentials");
            let made = json!({
                "metadata": {"name": secret}, "type": "Opaque",
                "stringData": {"username": username, "password": password},
            });
            let made =
                serde_json::from_value(made).map_err(|error| Refusal::new("InvalidCredentials", error.to_string()))?;
            (secret, Some(Box::new(made)))
        }
    };
    Ok(Some(Credentials { secret, made }))
}
