//! The environment: a control plane, a client, a namespace of the test's own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::core::ObjectMeta;
use kube::{Client, Config, ResourceExt};
use kubewright_cluster::{ControlPlane, ControlPlaneOptions, StartError};
use kubewright_runtime::Manager;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::eventually::{consistently, eventually};
use crate::operator::Operator;

/// Why a test environment could not be had.
#[derive(Debug, thiserror::Error)]
pub enum TestEnvError {
    /// The embedded control plane did not start.
    #[error("the embedded control plane did not start: {0}")]
    Start(#[from] StartError),
    /// `KUBEWRIGHT_TEST_ENV` holds something else.
    #[error("KUBEWRIGHT_TEST_ENV={0:?}: write tls, or leave it out")]
    UnknownKind(String),
    /// A kubeconfig can't be used.
    #[error("kubeconfig {}: {cause}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: KubeconfigError,
    },
    /// The server does not answer as it should.
    #[error("the API server of the test environment: {0}")]
    Api(#[from] kube::Error),
    /// A custom resource definition was taken, but its objects are not served.
    #[error("custom resource definition {name} is not served after {} s: {why}", SERVED.as_secs())]
    NotServed {
        /// Its name.
        name: String,
        /// What the server says.
        why: String,
    },
}

/// Names the file with the connection to a cluster that the tests are to share.
pub(crate) const CLUSTER: &str = "KUBEWRIGHT_TEST_KUBECONFIG";
/// How long a server may take to serve what it was told to; a real one needs a second or two.
const SERVED: Duration = Duration::from_secs(120);
/// How often it is asked.
const ASK: Duration = Duration::from_millis(10);

/// A control plane for one test.
pub struct TestEnv {
    client: Client,
    server: Server,
    namespace: String,
    _alone: Option<OwnedMutexGuard<()>>,
}

/// The server, and how it is reached.
enum Server {
    InProcess(ControlPlane),
    OverTls(ControlPlane, Box<Config>),
    Cluster(Box<Config>),
}

/// Tests on a shared cluster would see each other's operators.
static SHARED_CLUSTER: std::sync::LazyLock<Arc<Mutex<()>>> = std::sync::LazyLock::new(Arc::default);

impl TestEnv {
    /// An environment as the environment variables say, with a fresh namespace.
    pub async fn start() -> Result<Self, TestEnvError> {
        if let Some(path) = std::env::var_os(CLUSTER) {
            let alone = SHARED_CLUSTER.clone().lock_owned().await;
            let path = PathBuf::from(path);
            let failed = |cause| TestEnvError::Kubeconfig { path: path.clone(), cause };
            let config = connection(Kubeconfig::read_from(&path).map_err(failed)?, &path).await?;
            return Self::on(Server::Cluster(config.into()), Some(alone)).await;
        }
        match std::env::var("KUBEWRIGHT_TEST_ENV").as_deref() {
            Err(_) | Ok("") => Self::embedded().await,
            Ok("tls") => {
                let options = ControlPlaneOptions { port: Some(0), ..ControlPlaneOptions::default() };
                let plane = ControlPlane::start(options).await?;
                let path = PathBuf::from("(of the embedded control plane)");
                let failed = |cause| TestEnvError::Kubeconfig { path: path.clone(), cause };
                let kubeconfig = Kubeconfig::from_yaml(&plane.kubeconfig()).map_err(failed)?;
                let config = connection(kubeconfig, &path).await?;
                Self::on(Server::OverTls(plane, config.into()), None).await
            }
            Ok(other) => Err(TestEnvError::UnknownKind(other.into())),
        }
    }

    /// The embedded control plane in process, whatever the environment variables say.
    pub async fn embedded() -> Result<Self, TestEnvError> {
        Self::embedded_as(ControlPlaneOptions::default()).await
    }

    /// The embedded control plane set up in this way, with simulated nodes, say, whatever the environment variables say. It
    /// is reached in process even if it has a port.
    pub async fn embedded_as(options: ControlPlaneOptions) -> Result<Self, TestEnvError> {
        let plane = ControlPlane::start(options).await?;
        Self::on(Server::InProcess(plane), None).await
    }

    async fn on(server: Server, alone: Option<OwnedMutexGuard<()>>) -> Result<Self, TestEnvError> {
        let client = match &server {
            Server::InProcess(plane) => plane.client(),
            Server::OverTls(_, config) | Server::Cluster(config) => Client::try_from((**config).clone())?,
        };
        let namespace = create_namespace(&client).await?;
        Ok(Self { client, server, namespace, _alone: alone })
    }

    /// A client, as administrator.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client in the name of somebody else, who may do what roles and bindings say, as in production.
    ///
    /// They are in the groups given and in `system:authenticated`. A ServiceAccount is named
    /// `system:serviceaccount:NAMESPACE:NAME` and has its usual groups if none are given. The roles can be those that the
    /// operator is going to be shipped with:
    ///
    /// ```
    /// # use k8s_openapi::api::core::v1::Secret;
    /// # use kube::Api;
    /// # use kubewright_testing::TestEnv;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let env = TestEnv::embedded().await.unwrap();
    /// let jane = env.user("jane", &["developers"]).unwrap();
    /// let refused = Api::<Secret>::all(jane).list(&Default::default()).await.unwrap_err();
    /// assert!(refused.to_string().contains(r#"User "jane" cannot list resource "secrets""#));
    /// # env.stop().await;
    /// # }
    /// ```
    ///
    /// # Errors
    /// When a client can't be made.
    pub fn user(&self, name: &str, groups: &[&str]) -> Result<Client, TestEnvError> {
        let mut config = match &self.server {
            Server::InProcess(plane) => return Ok(plane.client_as(name, groups)),
            Server::OverTls(_, config) | Server::Cluster(config) => (**config).clone(),
        };
        config.auth_info.impersonate = Some(name.into());
        config.auth_info.impersonate_groups = Some(groups.iter().map(|group| (*group).to_string()).collect());
        Ok(Client::try_from(config)?)
    }

    /// The embedded control plane; `None` on a real cluster.
    pub fn control_plane(&self) -> Option<&ControlPlane> {
        match &self.server {
            Server::InProcess(plane) | Server::OverTls(plane, _) => Some(plane),
            Server::Cluster(_) => None,
        }
    }

    /// A namespace that only this test uses.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Another namespace. On a real cluster it stays.
    pub async fn new_namespace(&self) -> Result<String, TestEnvError> {
        create_namespace(&self.client).await
    }

    /// Installs custom resource definitions, or brings them up to date, and waits until their objects are served.
    ///
    /// # Errors
    /// What the server has against one of them, with its name.
    pub async fn install_crds(&self, crds: &[CustomResourceDefinition]) -> Result<(), TestEnvError> {
        let api = Api::<CustomResourceDefinition>::all(self.client());
        for crd in crds {
            let params = PatchParams::apply("kubewright-testing").force();
            api.patch(&crd.name_any(), &params, &Patch::Apply(crd)).await?;
        }
        for crd in crds {
            for version in crd.spec.versions.iter().filter(|version| version.served) {
                self.served(crd, &version.name).await?;
            }
        }
        Ok(())
    }

    async fn served(&self, crd: &CustomResourceDefinition, version: &str) -> Result<(), TestEnvError> {
        let (names, group) = (&crd.spec.names, &crd.spec.group);
        let resource = ApiResource {
            group: group.clone(),
            version: version.to_string(),
            api_version: format!("{group}/{version}"),
            kind: names.kind.clone(),
            plural: names.plural.clone(),
        };
        let api = Api::<DynamicObject>::all_with(self.client(), &resource);
        let begin = tokio::time::Instant::now();
        loop {
            match api.list(&ListParams::default().limit(1)).await {
                Ok(_) => return Ok(()),
                Err(error) if begin.elapsed() > SERVED => {
                    return Err(TestEnvError::NotServed { name: crd.name_any(), why: error.to_string() });
                }
                Err(_) => tokio::time::sleep(ASK).await,
            }
        }
    }

    /// Waits until `condition` gives a value; panics with `what` after a minute, or four
    /// on a cluster that was given.
    pub async fn eventually<T>(&self, what: &str, condition: impl AsyncFnMut() -> Option<T>) -> T {
        eventually(what, condition).await
    }

    /// Looks for a while whether `condition` holds all the time; panics with `what` when it does not. For what must not
    /// happen: as short as the test can bear, after [`Operator::idle`], since a test that passes waits all of it.
    pub async fn consistently(&self, what: &str, time: Duration, condition: impl AsyncFnMut() -> bool) {
        consistently(what, time, condition).await;
    }

    /// Runs an operator: `add` adds its controllers to a manager. It is called again at each restart.
    pub fn operator(&self, add: impl Fn(Manager) -> Manager + Send + Sync + 'static) -> Operator {
        Operator::start(self.client(), Box::new(add))
    }

    /// Runs an operator with a client of its own, such as [one of the user](Self::user) that it is going to be in production.
    pub fn operator_as(&self, client: Client, add: impl Fn(Manager) -> Manager + Send + Sync + 'static) -> Operator {
        Operator::start(client, Box::new(add))
    }

    /// Ends the environment.
    pub async fn stop(self) {
        match self.server {
            Server::InProcess(plane) | Server::OverTls(plane, _) => plane.stop().await,
            Server::Cluster(_) => {
                // A namespace that stays behind on the shared cluster hurts no other test.
                let api = Api::<Namespace>::all(self.client);
                let _ = api.delete(&self.namespace, &DeleteParams::background()).await;
            }
        }
    }
}

async fn create_namespace(client: &Client) -> Result<String, TestEnvError> {
    let metadata = ObjectMeta { generate_name: Some("test-".into()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    let created = Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    Ok(created.name_any())
}

async fn connection(kubeconfig: Kubeconfig, path: &std::path::Path) -> Result<Config, TestEnvError> {
    let failed = |cause| TestEnvError::Kubeconfig { path: path.into(), cause };
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(failed)
}
