//! The connection to an endpoint: made on first use from a Secret, shared by all, made anew when the Secret changes.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::ApiResource;
use kubewright_cache::{Keep, Scope};
use kubewright_runtime::{Context, Error, Manager, ObjectRef, Rights, TaskContext};
use parking_lot::Mutex;

use super::{
    Fault,
    gate::{Gate, GateOptions},
};

/// How often the health of a connection is looked at.
const PROBE_EVERY: Duration = Duration::from_secs(10);
/// How long a look may take.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// Makes clients for an endpoint.
pub trait Connect: Send + Sync + 'static {
    /// What talks to the endpoint. One is shared by everybody, so it keeps its own pool of connections.
    type Client: Send + Sync + 'static;

    /// A client with the credentials in `secret`. It should not talk to the endpoint yet. The error says which key of the
    /// Secret is missing or wrong.
    fn connect(&self, secret: &BTreeMap<String, ByteString>) -> Result<Self::Client, Fault>;

    /// Asks the endpoint for something cheap that shows that it is there and takes the credentials. It has 5 s.
    fn probe(&self, client: &Self::Client) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The connection to one endpoint. Clones are the same connection.
///
/// - Nothing is connected before the first use. The Secret is read through the reconcile's context, so that a change of it
///   makes a new client and wakes all who used the old one.
/// - All calls go through [`Remote::call`], which keeps to the rate limit and stops while the endpoint is away.
/// - [`Connection::add_to`] makes the endpoint's health a line of the manager's readiness report. It is no part of its
///   liveness: a restart of the operator does not bring a remote system back.
pub struct Connection<C: Connect>(Arc<Shared<C>>);

struct Shared<C: Connect> {
    name: String,
    secret: ObjectRef,
    connect: C,
    gate: Arc<Gate>,
    current: Mutex<Option<Current<C::Client>>>,
    health: Mutex<Result<(), String>>,
}

struct Current<C> {
    secret: BTreeMap<String, ByteString>,
    client: Arc<C>,
}

/// A client and the gate before its endpoint.
pub struct Remote<C> {
    client: Arc<C>,
    gate: Arc<Gate>,
}

impl<C: Connect> Connection<C> {
    /// A connection that is not made yet. `name` stands in messages, logs and the readiness report: the endpoint's address.
    /// `secret` is the Secret with the credentials.
    pub fn new(name: impl Into<String>, secret: ObjectRef, connect: C, options: GateOptions) -> Self {
        let name = name.into();
        let gate = Arc::new(Gate::new(name.clone(), options));
        let health = Mutex::new(Err("it has not been used yet".into()));
        Self(Arc::new(Shared { name, secret, connect, gate, current: Mutex::new(None), health }))
    }

    /// The Secret with the credentials.
    pub fn secret(&self) -> &ObjectRef {
        &self.0.secret
    }

    /// The client for the Secret as it is now.
    ///
    /// # Errors
    /// [`Fault::waiting`] while the Secret is missing or can't be used: the reconcile is retried, and woken when the
    /// Secret changes.
    pub fn remote(&self, ctx: &Context) -> Result<Remote<C::Client>, Fault> {
        let secret = ctx.get::<Secret>(&self.0.secret)?;
        self.connected(secret.as_ref())
    }

    /// Adds the endpoint's health to the readiness report of a manager, and looks at it every 10 s.
    pub fn add_to(&self, manager: Manager) -> Manager {
        let (checked, probed) = (self.clone(), self.clone());
        let name = format!("endpoint {}", self.0.name);
        let rights = Rights::on::<Secret>(["list", "watch"]);
        let rights = match &self.0.secret.namespace {
            Some(namespace) => rights.within(namespace.as_ref()),
            None => rights,
        };
        manager
            .may(rights)
            .check(name.clone(), move || checked.0.health.lock().clone())
            .task(format!("health of {name}"), move |task| async move { probed.watch_health(task).await })
    }

    fn connected(&self, secret: Option<&Secret>) -> Result<Remote<C::Client>, Fault> {
        let Shared { secret: name, connect, gate, current, .. } = &*self.0;
        let Some(secret) = secret else {
            return Err(Fault::waiting(format!("Secret {name} with the credentials is missing: create it")));
        };
        let data = secret.data.clone().unwrap_or_default();
        let mut current = current.lock();
        let client = match &*current {
            Some(current) if current.secret == data => current.client.clone(),
            _ => {
                let made = connect.connect(&data);
                let client = made.map_err(|fault| Fault::waiting(format!("Secret {name}: {fault}")))?;
                tracing::info!(endpoint = self.0.name, secret = %name, "connected");
                let client = Arc::new(client);
                *current = Some(Current { secret: data, client: client.clone() });
                client
            }
        };
        Ok(Remote { client, gate: gate.clone() })
    }

    async fn watch_health(self, task: TaskContext) -> Result<(), Error> {
        let reference = &self.0.secret;
        let scope = Scope {
            namespace: reference.namespace.as_deref().map(str::to_string),
            fields: Some(format!("metadata.name={}", reference.name)),
            ..Scope::default()
        };
        let resource = ApiResource::erase::<Secret>(&());
        let mut secrets = task.follow(&resource, scope, Keep::default())?;
        loop {
            let health = self.look(secrets.informer().get(reference)).await;
            *self.0.health.lock() = health.map_err(|fault| fault.to_string());
            tokio::select! {
                () = task.stop.cancelled() => return Ok(()),
                change = secrets.next() => if change.is_none() { return Ok(()) },
                () = tokio::time::sleep(PROBE_EVERY) => {}
            }
        }
    }

    async fn look(&self, secret: Option<kubewright_runtime::Stored>) -> Result<(), Fault> {
        let secret: Option<Secret> = secret.map(|stored| stored.decode()).transpose().map_err(Error::from)?;
        let remote = self.connected(secret.as_ref())?;
        // Past the gate: this is to find out how the endpoint is, whatever others have found.
        let probe = self.0.connect.probe(&remote.client);
        let late = || Fault::temporary(format!("it did not answer within {} s", PROBE_LIMIT.as_secs()));
        tokio::time::timeout(PROBE_LIMIT, probe).await.unwrap_or_else(|_| Err(late()))
    }
}

impl<C> Remote<C> {
    /// The client, for calls to be made with [`Remote::call`].
    pub fn client(&self) -> &C {
        &self.client
    }

    /// Makes a call when it is its turn: `remote.call(remote.client().create(name)).await?`. While the endpoint is left
    /// alone nothing is sent, and a temporary fault says so.
    pub async fn call<T, E: Into<Fault>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, Fault> {
        self.gate.call(call).await
    }
}

impl<C: Connect> Clone for Connection<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Connect> fmt::Debug for Connection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("name", &self.0.name).field("secret", &self.0.secret).finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for Remote<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("gate", &self.gate).finish_non_exhaustive()
    }
}
