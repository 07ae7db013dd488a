//! All webhooks of an operator: served, registered and kept trusted, as a part of its manager.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::select_all;
use jiff::{SignedDuration, Timestamp};
use kubewright_cache::{CacheError, Deltas, Keep};
use kubewright_runtime::clock::{Clock, SystemClock};
use kubewright_runtime::{Error, Manager, NotLeading, ReplicaStatus, Rights, TaskContext};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::admission::AdmittedObject;
use crate::certificates::Keeper;
use crate::handler::Handler;
use crate::metrics::Metrics;
use crate::register::{Entry, Registrar};
use crate::rules::{self, Phase};
use crate::server::{Certificate, Server};
use crate::{
    AdmissionOptions, Authenticator, Authorizer, CertificateError, Certificates, Conversion, Mutator, Reach,
    Registration, Validator, authentication, authorization,
};

/// How webhooks are served and registered.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// Where they listen. Default: a free port on 127.0.0.1. In a Pod use `0.0.0.0:9443`.
    pub listen: SocketAddr,
    /// How the API server gets to them. Default: at the address that they listen on.
    pub reach: Reach,
    /// What the API server is told. Default: everything.
    pub registration: Registration,
    /// Where the certificate comes from. Default: made here and kept in a Secret.
    pub certificates: Certificates,
    /// What certificates are dated by. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            reach: Reach::default(),
            registration: Registration::default(),
            certificates: Certificates::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why webhooks do not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The address can't be used.
    #[error("the webhooks can't listen on {address}: {source}; choose another WebhookOptions::listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Two webhooks are served at the same path.
    #[error("two webhooks are served at {path}: have one for each kind and phase")]
    DuplicatePath {
        /// The path.
        path: String,
    },
    /// A base URL can't be used.
    #[error("Reach::Url({url:?}) is no https URL of a host: write it as https://host:port")]
    Url {
        /// The URL.
        url: String,
    },
    /// TLS can't be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// There is no certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// What the registration consists of can't be watched.
    #[error(transparent)]
    Watch(#[from] CacheError),
    /// The configurations can't be written.
    #[error("the webhooks can't be registered: {0}")]
    Register(#[source] Box<kube::Error>),
}

/// The webhooks of an operator.
pub struct Webhooks {
    name: String,
    options: WebhookOptions,
    handlers: Vec<Handler>,
    entries: Vec<Entry>,
    definitions: Vec<(String, String)>,
    state: State,
}

/// What is known from outside.
#[derive(Clone)]
struct State(Arc<Mutex<Shared>>);

struct Shared {
    fault: Option<String>,
    address: Option<SocketAddr>,
}

impl Default for State {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Shared { fault: Some("not registered yet".into()), address: None })))
    }
}

impl Webhooks {
    /// No webhooks yet. The name is that of their configurations, and unique in a cluster.
    pub fn new(name: impl Into<String>, options: WebhookOptions) -> Self {
        let name = name.into();
        Self { name, options, handlers: vec![], entries: vec![], definitions: vec![], state: State::default() }
    }

    /// Adds a webhook that changes objects before they are stored.
    pub fn mutating<M: Mutator>(mut self, mutator: M, options: AdmissionOptions) -> Self {
        let path = self.admission::<M::Object>(Phase::Mutating, &options);
        self.handlers.push(Handler::mutating(path, mutator));
        self
    }

    /// Adds a webhook that refuses objects.
    pub fn validating<V: Validator>(mut self, validator: V, options: AdmissionOptions) -> Self {
        let path = self.admission::<V::Object>(Phase::Validating, &options);
        self.handlers.push(Handler::validating(path, validator));
        self
    }

    /// Adds conversion between the versions of a kind.
    pub fn conversion<Hub: AdmittedObject>(mut self, conversion: Conversion<Hub>) -> Self {
        let definition = conversion.definition().to_string();
        let path = format!("/convert/{definition}");
        self.definitions.push((definition, path.clone()));
        self.handlers.push(conversion.handler(path));
        self
    }

    /// Answers the API server's authorization reviews at `/authorize`.
    pub fn authorizer<A: Authorizer>(mut self, authorizer: A) -> Self {
        self.handlers.push(authorization::handler("/authorize".into(), authorizer));
        self
    }

    /// Answers the API server's token reviews at `/authenticate`.
    pub fn authenticator<A: Authenticator>(mut self, authenticator: A) -> Self {
        self.handlers.push(authentication::handler("/authenticate".into(), authenticator));
        self
    }

    fn admission<K: AdmittedObject>(&mut self, phase: Phase, options: &AdmissionOptions) -> String {
        let path = rules::path::<K>(phase);
        self.entries.push(Entry { phase, path: path.clone(), entry: rules::entry::<K>(phase, options) });
        path
    }

    /// The webhook configurations as they are registered through a Service, for manifests; without `caBundle`.
    pub fn configurations(&self, client: &kube::Client) -> Vec<Value> {
        self.registrar(client.clone(), String::new()).configurations(None)
    }

    /// Adds the webhooks to a manager: they are served while it runs, `/readyz` tells how they are, `/metrics` what they do.
    pub fn add_to(self, manager: Manager) -> Manager {
        let (state, metrics) = (self.state.clone(), Metrics::default());
        let registered = metrics.clone();
        let rights = self.rights(manager.client());
        manager
            .may(rights)
            .metrics(move |registry| registered.register(registry))
            .check(format!("webhooks {}", self.name), move || state.0.lock().fault.clone().map_or(Ok(()), Err))
            .server(format!("webhooks {}", self.name), move |context| async move {
                self.run(context, metrics).await.map_err(Error::temporary)
            })
    }

    /// What the registration and the certificates take.
    fn rights(&self, client: &kube::Client) -> Rights {
        let registrar = self.registrar(client.clone(), String::new());
        let keeper = Keeper::new(&self.options.certificates, client, &self.name, Vec::new());
        let mut rights = registrar.rights();
        if let Some((kind, scope)) = keeper.kept() {
            let verbs = ["get", "list", "watch", "create", "update"];
            rights.extend(Rights::on_kind(&kind, verbs).within(scope.namespace.unwrap_or_default()));
        }
        rights
    }

    /// Where they listen, as soon as they do. Ask before [`Webhooks::add_to`] takes them.
    pub fn address(&self) -> impl Fn() -> Option<SocketAddr> + Send + Sync + use<> {
        let state = self.state.clone();
        move || state.0.lock().address
    }

    fn registrar(&self, client: kube::Client, url: String) -> Registrar {
        Registrar {
            client,
            name: self.name.clone(),
            reach: self.options.reach.clone(),
            url,
            registration: self.options.registration.clone(),
            entries: self.entries.clone(),
            definitions: self.definitions.clone(),
        }
    }

    async fn run(self, context: TaskContext, metrics: Metrics) -> Result<(), WebhookError> {
        let wanted = self.options.listen;
        let failed = |source| WebhookError::Listen { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        self.state.0.lock().address = Some(address);
        tracing::info!(%address, webhooks = self.name, "serving webhooks");

        let (url, hosts) = reached(&self.options.reach, address)?;
        let registrar = self.registrar(context.client.clone(), url);
        let mut handlers = BTreeMap::new();
        for handler in self.handlers {
            let path = handler.path.clone();
            if handlers.insert(path.clone(), handler).is_some() {
                return Err(WebhookError::DuplicatePath { path });
            }
        }
        let certificate = Arc::new(Certificate::default());
        // The server outlives the registration, so that nobody is sent to a closed door.
        let served = CancellationToken::new();
        let mut serving = JoinSet::new();
        let server = Arc::new(Server { handlers, metrics });
        serving.spawn(server.run(listener, certificate.clone(), served.clone()));

        let keeper = Keeper::new(&self.options.certificates, &context.client, &self.name, hosts);
        let mut kept = registrar.kept();
        kept.extend(keeper.kept());
        let watched = kept.iter().map(|(resource, scope)| {
            context.caches.informer(resource, scope.clone(), Keep::Metadata).map(|informer| informer.subscribe())
        });
        let watched = watched.collect::<Result<Vec<_>, _>>()?;
        let clock = &*self.options.clock;
        let keep = keep_trusted(&keeper, &registrar, &certificate, &self.state, clock, watched, &context);
        tokio::select! {
            () = context.stop.cancelled() => {}
            never = keep => match never {},
            Some(Ok(Err(error))) = serving.join_next() => return Err(error.into()),
        }
        if let Err(error) = registrar.unregister().await {
            tracing::warn!(%error, webhooks = self.name, "the webhooks stay registered; delete their configurations");
        }
        served.cancel();
        while serving.join_next().await.is_some() {}
        Ok(())
    }
}

/// Renews the certificate and what the API server knows of it, for ever.
async fn keep_trusted(
    keeper: &Keeper,
    registrar: &Registrar,
    certificate: &Certificate,
    state: &State,
    clock: &dyn Clock,
    mut watched: Vec<Deltas>,
    context: &TaskContext,
) -> std::convert::Infallible {
    // How long until the next try, after failures.
    const TRIES: [u64; 6] = [1, 1, 2, 5, 10, 30];
    let mut failures = 0;
    let mut turns = context.turns();
    loop {
        let wait = match renew(keeper, registrar, certificate, clock.now()).await {
            Ok(next) => {
                failures = 0;
                state.0.lock().fault = None;
                let wait = next.duration_since(clock.now()).max(SignedDuration::from_secs(1));
                Duration::try_from(wait).unwrap_or_default()
            }
            Err(error) => {
                // A replica that stands by waits for the one that works. And at first it can be that what comes up beside
                // them, such as their namespace, is not there yet.
                let refused = NotLeading::behind(&error);
                match refused {
                    Some(_) => tracing::debug!(%error, "webhooks"),
                    None if failures == 0 => tracing::info!(%error, "webhooks"),
                    None => tracing::warn!(%error, "webhooks"),
                }
                // What is missing may be what only this version writes. A rollout stops the replica that leads when this one
                // is ready, so that it never would be.
                let waits = refused == Some(NotLeading::Standby) && is_led_by_another(&context.replica());
                state.0.lock().fault = (!waits).then(|| error.to_string());
                failures += 1;
                Duration::from_secs(TRIES[(failures - 1).min(TRIES.len() - 1)])
            }
        };
        // Where it failed the readiness endpoint says so; a replica that may not write would wait for ever.
        context.ready();
        let changed = async {
            match watched.is_empty() {
                true => std::future::pending().await,
                false => select_all(watched.iter_mut().map(|deltas| Box::pin(deltas.next()))).await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = turns.next() => {}
            // After failures there is a wait, whatever changes.
            _ = changed, if failures == 0 => {}
        }
    }
}

/// Whether it is known who leads, and that it is not this replica.
fn is_led_by_another(replica: &ReplicaStatus) -> bool {
    replica.holder.as_ref().is_some_and(|holder| *holder != replica.identity)
}

/// Returns when to do it again.
async fn renew(
    keeper: &Keeper,
    registrar: &Registrar,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<Timestamp, WebhookError> {
    let current = keeper.current(now).await?;
    certificate.set(current.key);
    let failed = |source| WebhookError::Register(Box::new(source));
    registrar.register(current.bundle.as_deref()).await.map_err(failed)?;
    Ok(current.next)
}

/// The base URL and the names that the certificate must have.
fn reached(reach: &Reach, address: SocketAddr) -> Result<(String, Vec<String>), WebhookError> {
    match reach {
        Reach::Local => {
            let ip = match address.ip() {
                ip if ip.is_unspecified() => std::net::IpAddr::from([127, 0, 0, 1]),
                ip => ip,
            };
            Ok((format!("https://{}", SocketAddr::new(ip, address.port())), vec![ip.to_string()]))
        }
        Reach::Url(url) => {
            let invalid = || WebhookError::Url { url: url.clone() };
            let parsed: http::Uri = url.parse().map_err(|_| invalid())?;
            let host = parsed.host().filter(|_| parsed.scheme_str() == Some("https")).ok_or_else(invalid)?;
            let host = host.trim_start_matches('[').trim_end_matches(']').to_string();
            Ok((url.trim_end_matches('/').to_string(), vec![host]))
        }
        Reach::Service { namespace, name, .. } => {
            let host = format!("{name}.{namespace}.svc");
            Ok((String::new(), vec![format!("{host}.cluster.local"), format!("{name}.{namespace}"), host]))
        }
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<&str> = self.handlers.iter().map(|handler| handler.path.as_str()).collect();
        f.debug_struct("Webhooks").field("name", &self.name).field("paths", &paths).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_names_what_the_api_server_calls() {
        let address = SocketAddr::from(([0, 0, 0, 0], 9443));
        let (url, hosts) = reached(&Reach::Local, address).unwrap();
        assert_eq!((url.as_str(), hosts), ("https://127.0.0.1:9443", vec!["127.0.0.1".to_string()]));
        let (url, hosts) = reached(&Reach::Url("https://laptop.example.com:8443/".into()), address).unwrap();
        assert_eq!((url.as_str(), hosts), ("https://laptop.example.com:8443", vec!["laptop.example.com".to_string()]));
        let service = Reach::Service { namespace: "ops".into(), name: "hooks".into(), port: 443 };
        assert_eq!(reached(&service, address).unwrap().1.last().unwrap(), "hooks.ops.svc");
        assert!(matches!(reached(&Reach::Url("http://x".into()), address), Err(WebhookError::Url { .. })));
    }
}
