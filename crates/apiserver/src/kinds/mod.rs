//! What the kinds do beyond their schema: defaults, allocation, status separation, validation.
//!
//! ```text
//! decoded object → Strategy::default → convert::to_storage → before_create / before_update / before_status_update → store
//!                                        │ Strategy::prepare_*   status dropped or kept, addresses reserved
//!                                        │ generation            +1 when the spec changed
//!                                        └ metadata + Strategy::validate_*   → 422 with all causes
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `strategy` | the [`Strategy`] trait and the context of a write |
//! | `lifecycle` | the steps around a write, in the real server's order |
//! | [`metadata`] | checks and server-set fields of `metadata` |
//! | [`names`] | rules for names, labels, keys |
//! | [`allocation`] | cluster IPs and node ports |
//! | [`convert`] | kinds served in several versions and stored in one |
//! | `generic` | strategies of custom resources and of kinds with nothing of their own |
//! | [`path`], [`tree`] | field paths, and reading trees by path |
//! | the rest | one family of kinds each |

mod addresses;
mod admission_policy;
pub mod allocation;
mod autoscaler;
pub(crate) mod certificate_request;
mod conditions;
mod config;
pub mod convert;
mod cron_job;
mod daemon_set;
mod deployment;
mod device;
mod disruption;
mod endpoints;
mod event;
#[cfg(test)]
mod fixtures;
mod flow_control;
mod generic;
mod ingress;
mod job;
mod lifecycle;
pub mod metadata;
pub mod names;
mod namespace;
mod network_policy;
mod node;
pub mod path;
mod pod;
mod quantity;
mod quota;
mod rbac;
mod replica_set;
mod schedule;
mod selector;
mod service;
mod small;
mod stateful_set;
mod storage;
mod strategy;
pub mod tree;
mod warnings;
mod webhooks;
mod workload;

pub use generic::CustomResource;
pub use lifecycle::{before_approval_update, before_create, before_pod_update, before_status_update, before_update};
pub use names::NameRule;
pub(crate) use pod::{quality_of_service, tolerate_unreachable_nodes};
pub(crate) use storage::protect as protect_storage;
pub use strategy::{KindContext, Strategy};
pub(crate) use webhooks::{client_config as webhook_client_config, review_versions};

/// The strategy of a built-in kind. Kinds that have no rules of their own get a plain one.
pub fn strategy(group: &str, kind: &str) -> &'static dyn Strategy {
    match (group, kind) {
        ("", "Namespace") => &namespace::Namespace,
        ("", "ConfigMap") => &config::ConfigMap,
        ("", "Secret") => &config::Secret,
        ("", "Service") => &service::Service,
        ("", "ServiceAccount") => &small::ServiceAccount,
        ("", "ComponentStatus") => &small::ComponentStatus,
        ("", "Event") => &event::CoreEvent,
        ("", "Pod") => &pod::Pod,
        ("", "PodTemplate") => &pod::PodTemplate,
        ("", "ReplicationController") => &replica_set::ReplicationController,
        ("", "Endpoints") => &endpoints::Endpoints,
        ("", "PersistentVolumeClaim") => &storage::PersistentVolumeClaim,
        ("", "PersistentVolume") => &storage::PersistentVolume,
        ("", "ResourceQuota") => &quota::ResourceQuota,
        ("", "LimitRange") => &quota::LimitRange,
        ("", "Node") => &node::Node,
        ("apps", "Deployment") => &deployment::Deployment,
        ("apps", "ReplicaSet") => &replica_set::ReplicaSet,
        ("apps", "StatefulSet") => &stateful_set::StatefulSet,
        ("apps", "DaemonSet") => &daemon_set::DaemonSet,
        ("batch", "Job") => &job::Job,
        ("batch", "CronJob") => &cron_job::CronJob,
        ("autoscaling", "HorizontalPodAutoscaler") => &autoscaler::HorizontalPodAutoscaler,
        ("policy", "PodDisruptionBudget") => &disruption::PodDisruptionBudget,
        ("networking.k8s.io", "Ingress") => &ingress::Ingress,
        ("networking.k8s.io", "IngressClass") => &ingress::IngressClass,
        ("networking.k8s.io", "NetworkPolicy") => &network_policy::NetworkPolicy,
        ("discovery.k8s.io", "EndpointSlice") => &endpoints::EndpointSlice,
        ("storage.k8s.io", "StorageClass") => &storage::StorageClass,
        ("storage.k8s.io", "VolumeAttributesClass") => &storage::VolumeAttributesClass,
        ("storage.k8s.io", "CSIDriver") => &storage::CsiDriver,
        ("resource.k8s.io", "ResourceClaim") => &device::ResourceClaim,
        ("resource.k8s.io", "ResourceClaimTemplate") => &device::ResourceClaimTemplate,
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => &flow_control::FlowSchema,
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => &flow_control::PriorityLevelConfiguration,
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => {
            &admission_policy::AdmissionPolicy { validating: true }
        }
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => {
            &admission_policy::AdmissionPolicy { validating: false }
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding") => {
            &admission_policy::AdmissionPolicyBinding { validating: true }
        }
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding") => {
            &admission_policy::AdmissionPolicyBinding { validating: false }
        }
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => {
            &webhooks::WebhookConfiguration { mutating: false }
        }
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => {
            &webhooks::WebhookConfiguration { mutating: true }
        }
        ("events.k8s.io", "Event") => &event::Event,
        ("certificates.k8s.io", "CertificateSigningRequest") => &certificate_request::CertificateSigningRequest,
        ("coordination.k8s.io", "Lease") => &small::Lease,
        ("scheduling.k8s.io", "PriorityClass") => &small::PriorityClass,
        ("apps", "ControllerRevision") => &small::ControllerRevision,
        ("rbac.authorization.k8s.io", "Role") => &rbac::Role { namespaced: true },
        ("rbac.authorization.k8s.io", "ClusterRole") => &rbac::Role { namespaced: false },
        ("rbac.authorization.k8s.io", "RoleBinding") => &rbac::Binding { namespaced: true },
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => &rbac::Binding { namespaced: false },
        _ => generic::plain(group, kind),
    }
}
