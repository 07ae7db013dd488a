//! What a DataService consists of: a pure function from the resource and the options.
//!
//! ```text
//! spec ─→ parts (names, ports, defaults) ─→ configuration ─→ objects ─→ components in waves
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `part` | a component with its defaults filled in |
//! | `config` | the contents of ConfigMaps |
//! | `objects` | workloads, Services and ConfigMaps |

mod config;
mod objects;
mod part;

use std::collections::BTreeMap;

use kubewright::kube::ResourceExt;
use kubewright::patterns::composite::{Component, Plan, Refusal, Requirement};
use serde_json::{Value, json};

use self::config::Surroundings;
pub(crate) use self::objects::MANAGED_BY;
use self::objects::Objects;
use self::part::{Defaults, Part, Place};
use crate::api::{DataService, MiddlewareKind, Service};
use crate::options::Options;

/// The waves, in their order.
const WAVES: [&str; 3] = ["middleware", "services", "web"];
/// The longest name of a DataService: it is the value of a label.
const LONGEST_RESOURCE: usize = 63;

/// What a DataService consists of.
///
/// # Errors
/// If it makes no sense in a way that the API server could not find out.
pub fn plan(service: &DataService, options: &Options) -> Result<Plan, Refusal> {
    let resource = service.name_any();
    if resource.len() > LONGEST_RESOURCE {
        let message =
            format!("metadata.name: {resource:?} is the value of a label: use at most {LONGEST_RESOURCE} characters");
        return Err(Refusal::new("InvalidName", message));
    }
    let middleware = middleware(service, &resource, options)?;
    let services = services(service, &resource)?;
    let web = optional(&resource, "web", service.spec.web.as_ref())?;

    let find = |parts: &'_ [Part], key: &str| parts.iter().position(|part| part.key == key);
    let of = |key: &str| find(&middleware, key).map(|at| &middleware[at]);
    let gateway_web = find(&services, "gateway-web").map(|at| &services[at]);
    let around = Surroundings { mysql: of("mysql"), uuc: of("uuc"), eureka: of("eureka"), gateway_web };
    let component = |part: &Part| component(&resource, part, &middleware, &around);
    let [one, two, three] = WAVES;
    Ok(Plan::new()
        .wave(one, middleware.iter().map(component).collect::<Vec<_>>())
        .wave(two, services.iter().map(component).collect::<Vec<_>>())
        .wave(three, web.iter().map(component).collect::<Vec<_>>()))
}

fn middleware(service: &DataService, resource: &str, options: &Options) -> Result<Vec<Part>, Refusal> {
    let spec = &service.spec;
    let mysql = Defaults { kind: MiddlewareKind::StatefulSet, image: Some(&options.mysql_image), port: Some(3306) };
    let other = Defaults { kind: MiddlewareKind::Deployment, image: None, port: None };
    let all = [("mysql", &spec.mysql, &mysql), ("uuc", &spec.uuc, &other), ("eureka", &spec.eureka, &other)];
    let there = all.into_iter().filter_map(|(key, middleware, defaults)| Some((key, middleware.as_ref()?, defaults)));
    there.map(|(key, middleware, defaults)| Part::of_middleware(resource, key, middleware, defaults)).collect()
}

fn services(service: &DataService, resource: &str) -> Result<Vec<Part>, Refusal> {
    let spec = &service.spec;
    let all = [
        ("api-manager", &spec.api_manager),
        ("auth", &spec.auth),
        ("ds-adapter", &spec.ds_adapter),
        ("es-adapter", &spec.es_adapter),
        ("trd-adapter", &spec.trd_adapter),
        ("gateway-master", &spec.gateway_master),
        ("gateway-web", &spec.gateway_web),
        ("proxy", &spec.proxy),
    ];
    let parts = all.into_iter().filter_map(|(key, service)| optional(resource, key, service.as_ref()).transpose());
    parts.collect()
}

fn optional(resource: &str, key: &'static str, service: Option<&Service>) -> Result<Option<Part>, Refusal> {
    service.map(|service| Part::of_service(resource, key, service)).transpose()
}

fn component(resource: &str, part: &Part, middleware: &[Part], around: &Surroundings<'_>) -> Component {
    let mut component = Component::new(part.key);
    if let Some(credentials) = &part.credentials {
        component = match &credentials.made {
            Some(secret) => component.child(&**secret),
            // MySQL makes the account at its first start, and what a third party runs has it.
            None => component.requires_once(Requirement::secret(&credentials.secret, &["username", "password"])),
        };
    }
    let workload = match &part.place {
        Place::Elsewhere { probe, .. } => return component.probe(probe.clone()),
        Place::Here(workload) => workload,
    };
    let is_middleware = middleware.iter().any(|other| other.key == part.key);
    let mut env = BTreeMap::new();
    if part.key == "mysql" {
        // Nobody is to log in as root: what it is called is told once, in the log of the first start.
        env.insert("MYSQL_RANDOM_ROOT_PASSWORD".into(), json!({"value": "yes"}));
        if let Some(credentials) = &part.credentials {
            env.insert("MYSQL_USER".into(), from_secret(&credentials.secret, "username"));
            env.insert("MYSQL_PASSWORD".into(), from_secret(&credentials.secret, "password"));
        }
    }
    if let Some(gateway) = around.gateway_web.filter(|_| part.key == "web")
        && let Place::Here(workload) = &gateway.place
    {
        env.insert("GATEWAY_HOST".into(), json!({"value": gateway.name}));
        env.insert("GATEWAY_PORT".into(), json!({"value": workload.port().to_string()}));
    }
    if !is_middleware && part.key != "web" {
        for (other, credentials) in middleware.iter().filter_map(|other| Some((other, other.credentials.as_ref()?))) {
            let prefix = other.key.to_uppercase();
            env.insert(format!("{prefix}_USERNAME"), from_secret(&credentials.secret, "username"));
            env.insert(format!("{prefix}_PASSWORD"), from_secret(&credentials.secret, "password"));
            component = match &credentials.made {
                Some(secret) => component.reads(&**secret),
                None => component.requires(Requirement::secret(&credentials.secret, &["username", "password"])),
            };
        }
    }
    let mut configs = config::of(part.key, workload.port(), around);
    if around.gateway_web.is_none() {
        // Without a gateway there is nothing to fill in.
        configs.retain(|config| config.suffix != "-template");
    }
    Objects { resource, part, workload, configs: &configs, env }.add_to(component)
}

fn from_secret(secret: &str, key: &str) -> Value {
    json!({"valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
}
