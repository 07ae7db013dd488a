//! The kinds of Kubernetes that an operator can be for.

/// A kind of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Builtin {
    /// Its group as the API has it; empty for the core one.
    pub(crate) group: &'static str,
    /// The module of k8s-openapi.
    pub(crate) module: &'static str,
    kinds: &'static str,
}

const KINDS: [Builtin; 13] = [
    Builtin {
        group: "",
        module: "core",
        kinds: "ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount",
    },
    Builtin { group: "apps", module: "apps", kinds: "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet" },
    Builtin { group: "batch", module: "batch", kinds: "CronJob Job" },
    Builtin { group: "policy", module: "policy", kinds: "PodDisruptionBudget" },
    Builtin {
        group: "networking.k8s.io",
        module: "networking",
        kinds: "IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR",
    },
    Builtin {
        group: "rbac.authorization.k8s.io",
        module: "rbac",
        kinds: "ClusterRole ClusterRoleBinding Role RoleBinding",
    },
    Builtin {
        group: "storage.k8s.io",
        module: "storage",
        kinds: "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment",
    },
    Builtin { group: "scheduling.k8s.io", module: "scheduling", kinds: "PriorityClass" },
    Builtin { group: "coordination.k8s.io", module: "coordination", kinds: "Lease" },
    Builtin { group: "discovery.k8s.io", module: "discovery", kinds: "EndpointSlice" },
    Builtin { group: "certificates.k8s.io", module: "certificates", kinds: "CertificateSigningRequest" },
    Builtin { group: "node.k8s.io", module: "node", kinds: "RuntimeClass" },
    Builtin { group: "events.k8s.io", module: "events", kinds: "Event" },
];

/// Kinds that are not in a namespace.
const CLUSTER: &str = "CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding IPAddress IngressClass \
    Namespace Node PersistentVolume PriorityClass RuntimeClass ServiceCIDR StorageClass VolumeAttachment";

/// The kind, if Kubernetes has it in v1. `core` is the group without a name; the ending `.k8s.io` may be left out.
pub(crate) fn find(group: &str, version: &str, kind: &str) -> Option<Builtin> {
    let group = if group == "core" { "" } else { group };
    KINDS.into_iter().find(|builtin| {
        let named = builtin.group == group || (!group.is_empty() && builtin.module == group);
        named && version == "v1" && builtin.kinds.split(' ').any(|known| known == kind)
    })
}

/// Whether a kind of Kubernetes is in a namespace.
pub(crate) fn namespaced(kind: &str) -> bool {
    !CLUSTER.split_whitespace().any(|known| known == kind)
}

/// The kinds of a group, for messages.
pub(crate) fn kinds(group: &str) -> Option<&'static str> {
    let group = if group == "core" { "" } else { group };
    KINDS.into_iter().find(|builtin| builtin.group == group || builtin.module == group).map(|builtin| builtin.kinds)
}
