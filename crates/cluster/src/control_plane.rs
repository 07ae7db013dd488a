//! Starts and stops the API server and the built-in controllers, and tells when all work is done.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Client;
use kubewright_apiserver::env::SystemClock;
use kubewright_apiserver::{ApiServer, User};
use kubewright_runtime::{Controller, Handle, Manager, ManagerError, ManagerOptions, RightsCheck, Watch, predicates};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::aggregation::Aggregation;
use crate::defaults::{RootCa, ServiceAccounts};
use crate::garbage;
use crate::namespaces::NamespaceReconciler;
use crate::nodes::{self, NodeOptions};
use crate::pod_garbage;
use crate::policies::PolicyTypes;
use crate::quota;
use crate::tokens;
use crate::volumes;
use crate::workloads;

/// How often [`ControlPlane::settled`] looks. Looking costs no request.
const LOOK: Duration = Duration::from_millis(2);

/// How a control plane is set up.
#[derive(Debug, Clone)]
pub struct ControlPlaneOptions {
    /// Port on 127.0.0.1 for clients of other processes, over TLS; 0 takes a free one. Default: `None`, in process only.
    pub port: Option<u16>,
    /// Directory that keeps the state. Default: `None`, nothing is kept.
    pub data_dir: Option<PathBuf>,
    /// Whether the built-in controllers run (garbage collection, namespaces, what every namespace has,
    /// workloads, volumes). Default: true.
    pub controllers: bool,
    /// Simulated nodes, on which pods are scheduled and run. They need the built-in controllers. Default: `None`, pods
    /// wait for nodes of somebody else.
    pub nodes: Option<NodeOptions>,
}

impl Default for ControlPlaneOptions {
    fn default() -> Self {
        Self { port: None, data_dir: None, controllers: true, nodes: None }
    }
}

/// Why a control plane did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The API server did not start.
    #[error(transparent)]
    ApiServer(#[from] kubewright_apiserver::StartError),
}

/// A running control plane.
pub struct ControlPlane {
    server: ApiServer,
    client: Client,
    controllers: Option<Controllers>,
}

struct Controllers {
    handle: Handle,
    stop: CancellationToken,
    running: JoinHandle<Result<(), ManagerError>>,
}

impl ControlPlane {
    /// Starts it. When this returns, the API server answers; the controllers start beside it.
    pub async fn start(options: ControlPlaneOptions) -> Result<Self, StartError> {
        let listen = options.port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let server = ApiServer::start(kubewright_apiserver::Options {
            listen,
            data_dir: options.data_dir,
            ..kubewright_apiserver::Options::default()
        })
        .await?;
        let client = Client::new(server.service(), "default");
        let controllers = options.controllers.then(|| start_controllers(&server, &client, options.nodes.as_ref()));
        Ok(Self { server, client, controllers })
    }

    /// A client in process, without a socket, as administrator.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client in process in the name of somebody else, who may do what roles and bindings say.
    ///
    /// Groups are those given and `system:authenticated`. A ServiceAccount is named
    /// `system:serviceaccount:NAMESPACE:NAME` and has its usual groups if none are given.
    pub fn client_as(&self, user: &str, groups: &[&str]) -> Client {
        Client::new(self.server.service_as(User::new(user, groups.iter().copied())), "default")
    }

    /// The API server.
    pub fn server(&self) -> &ApiServer {
        &self.server
    }

    /// Where the API server listens; empty without a port.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// A kubeconfig for an administrator, as YAML. It holds a private key.
    pub fn kubeconfig(&self) -> String {
        self.server.kubeconfig()
    }

    /// The newest resourceVersion: it grows with every write.
    pub fn revision(&self) -> u64 {
        self.server.revision()
    }

    /// Waits until neither the built-in controllers nor these other managers have anything left to do: their caches
    /// have seen every write, no key is queued, worked on or waiting for a retry. Does not end while a reconciler fails
    /// or asks to be called again; see [`ControlPlane::unsettled`] for who it is.
    pub async fn settled(&self, others: &[Handle]) {
        loop {
            let before = self.revision();
            // A write in between can have woken a controller that was looked at already.
            if self.unsettled(others).is_empty() && self.revision() == before {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What is left to do, one line each.
    pub fn unsettled(&self, others: &[Handle]) -> Vec<String> {
        let own = self.controllers.iter().map(|controllers| &controllers.handle);
        own.chain(others).flat_map(|handle| self.unsettled_of(handle)).collect()
    }

    fn unsettled_of(&self, handle: &Handle) -> Vec<String> {
        let mut left = handle.ready().err().unwrap_or_default();
        // Before the controllers, as what a task finds becomes work for them.
        for task in handle.tasks() {
            let name = &task.name;
            for informer in &task.informers {
                let newest = self.server.collection_revision(&informer.resource.group, &informer.resource.plural);
                if informer.revision < newest {
                    let plural = &informer.resource.plural;
                    left.push(format!("task {name}: watch of {plural}: not all events were delivered yet"));
                }
            }
            if task.busy || task.pending > 0 {
                left.push(format!("task {name}: it is at work"));
            }
        }
        for controller in handle.status() {
            let name = &controller.name;
            for informer in &controller.informers {
                let newest = self.server.collection_revision(&informer.resource.group, &informer.resource.plural);
                if informer.revision < newest {
                    let plural = &informer.resource.plural;
                    left.push(format!("controller {name}: watch of {plural}: not all events were delivered yet"));
                }
            }
            for failing in &controller.failing {
                left.push(format!(
                    "controller {name}: {} failed {} times: {}",
                    failing.key, failing.retries, failing.error
                ));
            }
            let waiting =
                controller.queued + controller.delayed.saturating_sub(controller.scheduled) + controller.active;
            if waiting > controller.failing.len() {
                left.push(format!("controller {name}: {waiting} keys are queued or worked on"));
            }
        }
        left
    }

    /// Stops the controllers, then the API server. With a data directory all that was accepted is on disk.
    pub async fn stop(self) {
        if let Some(controllers) = self.controllers {
            controllers.stop.cancel();
            match controllers.running.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the built-in controllers did not stop clean"),
                Err(panic) => tracing::error!(%panic, "the built-in controllers ended with a panic"),
            }
        }
        self.server.shutdown().await;
    }
}

fn start_controllers(server: &ApiServer, client: &Client, nodes: Option<&NodeOptions>) -> Controllers {
    // It is the administrator itself.
    let options = ManagerOptions { listen: None, rights: RightsCheck::Off, ..ManagerOptions::default() };
    let namespaces = Controller::new("namespace", Watch::<Namespace>::all(), NamespaceReconciler);
    let accounts = Controller::new("service-account", Watch::<Namespace>::all(), ServiceAccounts)
        .watches(Watch::<ServiceAccount>::all().fields("metadata.name=default").when(predicates::removed), |account| {
            account.reference().namespace.as_deref().map(cluster_scoped)
        });
    let certificate = server.ca_pem();
    let root_ca = Controller::new("root-ca", Watch::<Namespace>::all(), RootCa { certificate })
        .watches(Watch::<ConfigMap>::all().fields("metadata.name=kube-root-ca.crt"), |map| {
            map.reference().namespace.as_deref().map(cluster_scoped)
        });
    let aggregation = Controller::new("clusterrole-aggregation", Watch::<ClusterRole>::all(), Aggregation);
    let policies =
        Controller::new("validatingadmissionpolicy-status", Watch::<ValidatingAdmissionPolicy>::all(), PolicyTypes);
    let manager = Manager::new(client.clone(), options)
        .controller(namespaces)
        .controller(accounts)
        .controller(root_ca)
        .controller(aggregation)
        .controller(policies)
        .controller(tokens::controller(server));
    let manager = pod_garbage::add_to(volumes::add_to(workloads::add_to(manager)));
    let manager = match nodes {
        Some(nodes) => nodes::add_to(manager, nodes),
        None => manager,
    };
    let (manager, gone) = quota::add_to(manager, Arc::new(SystemClock));
    let manager = garbage::add_to(manager, client.clone(), gone);
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let running = tokio::spawn(manager.run(stop.clone()));
    Controllers { handle, stop, running }
}

fn cluster_scoped(name: &str) -> kubewright_runtime::ObjectRef {
    kubewright_runtime::ObjectRef::new(None, name)
}
