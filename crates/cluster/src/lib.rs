//! The embedded control plane: the API server and the built-in controllers.
//!
//! The controllers are written on `kubewright-runtime`, as any operator is; they reach the API server in process,
//! without a socket.
//!
//! | module | what it holds |
//! |---|---|
//! | `control_plane` | [`ControlPlane`]: starts and stops all of it, tells when it has settled |
//! | `garbage` | the garbage collector |
//! | `namespaces` | the end of a namespace |
//! | `defaults` | what every namespace has: ServiceAccount `default`, ConfigMap `kube-root-ca.crt` |
//! | `aggregation` | ClusterRoles made of others |
//! | `policies` | whether the types in admission policies fit |
//! | `workloads` | Deployments and their kin |
//! | `nodes` | simulated nodes, their scheduler and kubelets |
//! | `pod_garbage` | the end of pods that nobody else would end |
//! | `volumes` | claims find their volumes, and neither goes while it is in use |
//! | `quota` | what is used of ResourceQuotas |
//! | `tokens` | tokens in Secrets |
//! | `kinds` | which kinds the server serves |

mod aggregation;
mod control_plane;
mod defaults;
mod garbage;
mod kinds;
mod namespaces;
mod nodes;
mod pod_garbage;
mod policies;
mod quota;
mod tokens;
mod volumes;
mod workloads;

pub use control_plane::{ControlPlane, ControlPlaneOptions, StartError};
pub use nodes::NodeOptions;
