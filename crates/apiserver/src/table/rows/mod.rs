//! The cells of the built-in kinds, one function per kind.

mod access;
mod network;
mod node;
mod other;
mod pod;
mod storage;
mod text;
mod workload;

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use crate::kinds::tree::Tree;

/// The object of a row, and the time that ages are counted to.
#[derive(Clone, Copy)]
struct Row<'a> {
    object: &'a Value,
    now: Timestamp,
}

impl<'a> Row<'a> {
    fn name(self) -> &'a str {
        self.object.text("metadata.name")
    }

    fn age(self) -> String {
        self.since("metadata.creationTimestamp")
    }

    fn since(self, path: &str) -> String {
        age::since(self.object.at(path), self.now)
    }

    fn text(self, path: &str) -> &'a str {
        self.object.text(path)
    }

    fn count(self, path: &str) -> i64 {
        self.object.int(path).unwrap_or_default()
    }

    /// The text at a path, or something else where there is none.
    fn text_or<'b>(self, path: &str, other: &'b str) -> &'b str
    where
        'a: 'b,
    {
        match self.object.text(path) {
            "" => other,
            text => text,
        }
    }

    fn size(self, path: &str) -> usize {
        match self.object.at(path) {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            _ => 0,
        }
    }

    fn is_dying(self) -> bool {
        self.object.has("metadata.deletionTimestamp")
    }
}

/// The cells of an object; none for kinds that have no columns of their own.
pub(super) fn cells(group: &str, kind: &str, object: &Value, now: Timestamp) -> Option<Vec<Value>> {
    let row = Row { object, now };
    Some(match (group, kind) {
        ("", "Pod") => pod::pod(row),
        ("", "PodTemplate") => pod::pod_template(row),
        ("", "ReplicationController") => workload::replication_controller(row),
        ("apps", "ReplicaSet") => workload::replica_set(row),
        ("apps", "Deployment") => workload::deployment(row),
        ("apps", "StatefulSet") => workload::stateful_set(row),
        ("apps", "DaemonSet") => workload::daemon_set(row),
        ("apps", "ControllerRevision") => workload::controller_revision(row),
        ("batch", "Job") => workload::job(row),
        ("batch", "CronJob") => workload::cron_job(row),
        ("autoscaling", "HorizontalPodAutoscaler") => workload::autoscaler(row),
        ("policy", "PodDisruptionBudget") => workload::disruption_budget(row),
        ("", "Service") => network::service(row),
        ("", "Endpoints") => network::endpoints(row),
        ("discovery.k8s.io", "EndpointSlice") => network::endpoint_slice(row),
        ("networking.k8s.io", "Ingress") => network::ingress(row),
        ("networking.k8s.io", "IngressClass") => network::ingress_class(row),
        ("networking.k8s.io", "NetworkPolicy") => network::network_policy(row),
        ("networking.k8s.io", "ServiceCIDR") => network::service_cidr(row),
        ("networking.k8s.io", "IPAddress") => network::ip_address(row),
        ("", "Node") => node::node(row),
        ("", "PersistentVolume") => storage::persistent_volume(row),
        ("", "PersistentVolumeClaim") => storage::persistent_volume_claim(row),
        ("storage.k8s.io", "StorageClass") => storage::storage_class(row),
        ("storage.k8s.io", "CSIDriver") => storage::csi_driver(row),
        ("storage.k8s.io", "CSINode") => storage::csi_node(row),
        ("storage.k8s.io", "VolumeAttachment") => storage::volume_attachment(row),
        ("storage.k8s.io", "VolumeAttributesClass") => storage::volume_attributes_class(row),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => access::binding(row),
        ("certificates.k8s.io", "CertificateSigningRequest") => access::signing_request(row),
        ("", "ComponentStatus") => other::component_status(row),
        ("", "Namespace") => other::namespace(row),
        ("", "ConfigMap") => other::config_map(row),
        ("", "Secret") => other::secret(row),
        ("", "ServiceAccount") => other::named(row),
        ("", "ResourceQuota") => other::resource_quota(row),
        ("" | "events.k8s.io", "Event") => other::event(row),
        ("coordination.k8s.io", "Lease") => other::lease(row),
        ("scheduling.k8s.io", "PriorityClass") => other::priority_class(row),
        ("node.k8s.io", "RuntimeClass") => other::runtime_class(row),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            other::webhooks(row)
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => other::admission_policy(row, "validations"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => other::admission_policy(row, "mutations"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding") => {
            other::admission_policy_binding(row)
        }
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => other::flow_schema(row),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => other::priority_level(row),
        ("apiregistration.k8s.io", "APIService") => other::api_service(row),
        ("resource.k8s.io", "DeviceClass" | "ResourceClaimTemplate") => other::named(row),
        ("resource.k8s.io", "ResourceClaim") => other::resource_claim(row),
        ("resource.k8s.io", "ResourceSlice") => other::resource_slice(row),
        _ => return None,
    })
}
