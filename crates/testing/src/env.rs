//! The environment: a control plane, a client, a namespace of the test's own.

use std::path::PathBuf;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::core::ObjectMeta;
use kube::{Client, Config, ResourceExt};
use kubewright_cluster::{ControlPlane, ControlPlaneOptions, StartError};
use kubewright_runtime::Manager;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::eventually::eventually;
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
}

/// A control plane for one test.
pub struct TestEnv {
    client: Client,
    namespace: String,
    plane: Option<ControlPlane>,
    _alone: Option<OwnedMutexGuard<()>>,
}

/// Tests on a shared cluster would see each other's operators.
static SHARED_CLUSTER: std::sync::LazyLock<Arc<Mutex<()>>> = std::sync::LazyLock::new(Arc::default);

impl TestEnv {
    /// An environment as the environment variables say, with a fresh namespace.
    pub async fn start() -> Result<Self, TestEnvError> {
        if let Some(path) = std::env::var_os("KUBEWRIGHT_TEST_KUBECONFIG") {
            let alone = SHARED_CLUSTER.clone().lock_owned().await;
            return Self::on(client_of(path.into()).await?, None, Some(alone)).await;
        }
        match std::env::var("KUBEWRIGHT_TEST_ENV").as_deref() {
            Err(_) | Ok("") => Self::embedded().await,
            Ok("tls") => {
                let options = ControlPlaneOptions { port: Some(0), ..ControlPlaneOptions::default() };
                let plane = ControlPlane::start(options).await?;
                let client = client_from_text(&plane.kubeconfig()).await?;
                Self::on(client, Some(plane), None).await
            }
            Ok(other) => Err(TestEnvError::UnknownKind(other.into())),
        }
    }

    /// The embedded control plane in process, whatever the environment variables say.
    pub async fn embedded() -> Result<Self, TestEnvError> {
        let plane = ControlPlane::start(ControlPlaneOptions::default()).await?;
        Self::on(plane.client(), Some(plane), None).await
    }

    async fn on(
        client: Client,
        plane: Option<ControlPlane>,
        alone: Option<OwnedMutexGuard<()>>,
    ) -> Result<Self, TestEnvError> {
        let namespace = create_namespace(&client).await?;
        Ok(Self { client, namespace, plane, _alone: alone })
    }

    /// A client, as administrator.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The embedded control plane; `None` on a real cluster.
    pub fn control_plane(&self) -> Option<&ControlPlane> {
        self.plane.as_ref()
    }

    /// A namespace that only this test uses.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Another namespace. On a real cluster it stays.
    pub async fn new_namespace(&self) -> Result<String, TestEnvError> {
        create_namespace(&self.client).await
    }

    /// Waits until `condition` gives a value; panics with `what` after a minute.
    pub async fn eventually<T>(&self, what: &str, condition: impl AsyncFnMut() -> Option<T>) -> T {
        eventually(what, condition).await
    }

    /// Runs an operator: `add` adds its controllers to a manager. It is called again at each restart.
    pub fn operator(&self, add: impl Fn(Manager) -> Manager + Send + Sync + 'static) -> Operator {
        Operator::start(self.client(), Box::new(add))
    }

    /// Ends the environment.
    pub async fn stop(self) {
        match self.plane {
            Some(plane) => plane.stop().await,
            None => {
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

async fn client_of(path: PathBuf) -> Result<Client, TestEnvError> {
    let failed = |cause| TestEnvError::Kubeconfig { path: path.clone(), cause };
    connect(Kubeconfig::read_from(&path).map_err(failed)?, &path).await
}

async fn client_from_text(text: &str) -> Result<Client, TestEnvError> {
    let path = PathBuf::from("(of the embedded control plane)");
    let parsed = Kubeconfig::from_yaml(text).map_err(|cause| TestEnvError::Kubeconfig { path: path.clone(), cause })?;
    connect(parsed, &path).await
}

async fn connect(kubeconfig: Kubeconfig, path: &std::path::Path) -> Result<Client, TestEnvError> {
    let failed = |cause| TestEnvError::Kubeconfig { path: path.into(), cause };
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(failed)?;
    Ok(Client::try_from(config)?)
}
