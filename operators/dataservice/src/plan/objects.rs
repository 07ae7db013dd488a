//! The objects of a component that runs here.

use std::collections::BTreeMap;

use kubewright::k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kubewright::k8s_openapi::api::core::v1::{ConfigMap, Service};
use kubewright::kube::core::ApiResource;
use kubewright::patterns::composite::Component;
use serde_json::{Value, json};

use super::config::{Config, Mount};
use super::part::{Part, Workload};
use crate::api::MiddlewareKind;

/// What tells our objects from others'.
pub(crate) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kubewright-dataservice");

/// Where MySQL keeps its data.
const DATA: &str = "/var/lib/mysql";

/// What the objects of one component are made of.
pub(crate) struct Objects<'a> {
    /// The name of the DataService.
    pub(crate) resource: &'a str,
    pub(crate) part: &'a Part,
    pub(crate) workload: &'a Workload,
    pub(crate) configs: &'a [Config],
    /// Environment of the container, as it stands in a container; what the specification says wins.
    pub(crate) env: BTreeMap<String, Value>,
}

impl Objects<'_> {
    /// Adds workload, Service and ConfigMaps.
    pub(crate) fn add_to(&self, mut component: Component) -> Component {
        for config in self.configs {
            let data: BTreeMap<_, _> = config.data.iter().cloned().collect();
            let map = json!({"metadata": self.metadata(&self.config_name(config)), "data": data});
            component = component.dynamic_child(&ApiResource::erase::<ConfigMap>(&()), &map);
        }
        let (resource, workload) = self.workload();
        component
            .dynamic_child(&ApiResource::erase::<Service>(&()), &self.service())
            .dynamic_child(&resource, &workload)
    }

    fn workload(&self) -> (ApiResource, Value) {
        let mut spec = json!({"selector": {"matchLabels": self.selector()}, "template": self.template()});
        let resource = match self.workload.kind {
            MiddlewareKind::StatefulSet => {
                spec["replicas"] = json!(self.workload.replica);
                spec["serviceName"] = json!(self.part.name);
                if let Some(storage) = &self.workload.storage {
                    spec["volumeClaimTemplates"] = json!([{
                        "metadata": {"name": "data"},
                        "spec": {
                            "accessModes": ["ReadWriteOnce"],
                            "resources": {"requests": {"storage": storage.size}},
                            "storageClassName": storage.class_name,
                        },
                    }]);
                    let deleted = if storage.keep == Some(false) { "Delete" } else { "Retain" };
                    spec["persistentVolumeClaimRetentionPolicy"] =
                        json!({"whenDeleted": deleted, "whenScaled": "Retain"});
                }
                ApiResource::erase::<StatefulSet>(&())
            }
            MiddlewareKind::DaemonSet => ApiResource::erase::<DaemonSet>(&()),
            // What a third party runs has no objects.
            MiddlewareKind::Deployment | MiddlewareKind::ThirdParty => {
                spec["replicas"] = json!(self.workload.replica);
                if self.part.key == "mysql" {
                    // Two servers would work on the same data.
                    spec["strategy"] = json!({"type": "Recreate"});
                }
                ApiResource::erase::<Deployment>(&())
            }
        };
        (resource, json!({"metadata": self.metadata(&self.part.name), "spec": spec}))
    }

    fn template(&self) -> Value {
        let (mut volumes, mut mounts) = (Vec::new(), Vec::new());
        for config in self.configs {
            let volume = format!("config{}", config.suffix);
            volumes.push(json!({"name": volume, "configMap": {"name": self.config_name(config)}}));
            mounts.push(match config.mount {
                Mount::Directory(path) => json!({"name": volume, "mountPath": path, "readOnly": true}),
                Mount::File(path) => {
                    let file = path.rsplit('/').next();
                    json!({"name": volume, "mountPath": path, "subPath": file, "readOnly": true})
                }
            });
        }
        if self.part.key == "mysql" {
            mounts.push(json!({"name": "data", "mountPath": DATA}));
            if self.workload.storage.is_none() {
                volumes.push(json!({"name": "data", "emptyDir": {}}));
            }
        }
        let ports = self.workload.ports.iter();
        let ports: Vec<Value> = ports
            .map(|port| {
                let target = port.target_port.unwrap_or(port.port);
                json!({"name": port.name, "containerPort": target, "protocol": "TCP"})
            })
            .collect();
        let first = self.workload.ports.first().map(|port| &port.name);
        json!({
            "metadata": {"labels": self.labels()},
            "spec": {
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "containers": [{
                    "name": self.part.key,
                    "image": self.workload.image,
                    "ports": ports,
                    "env": unless_empty(self.env()),
                    "volumeMounts": unless_empty(mounts),
                    "readinessProbe": {"tcpSocket": {"port": first}, "periodSeconds": 5},
                    "securityContext": {"allowPrivilegeEscalation": false},
                }],
                "volumes": unless_empty(volumes),
            },
        })
    }

    fn env(&self) -> Vec<Value> {
        let mut env = self.env.clone();
        env.extend(self.workload.env.iter().map(|(name, value)| (name.clone(), json!({"value": value}))));
        env.into_iter()
            .map(|(name, mut entry)| {
                entry["name"] = json!(name);
                entry
            })
            .collect()
    }

    fn service(&self) -> Value {
        let ports: Vec<Value> = self
            .workload
            .ports
            .iter()
            .map(|port| {
                json!({
                    "name": port.name, "port": port.port, "targetPort": port.target_port.unwrap_or(port.port),
                    "nodePort": port.node_port, "protocol": "TCP",
                })
            })
            .collect();
        let on_nodes = self.workload.ports.iter().any(|port| port.node_port.is_some());
        let kind = if on_nodes { "NodePort" } else { "ClusterIP" };
        let spec = json!({"type": kind, "selector": self.selector(), "ports": ports});
        json!({"metadata": self.metadata(&self.part.name), "spec": spec})
    }

    fn config_name(&self, config: &Config) -> String {
        format!("{}{}", self.part.name, config.suffix)
    }

    fn metadata(&self, name: &str) -> Value {
        json!({"name": name, "labels": self.labels()})
    }

    fn selector(&self) -> Value {
        json!({"app.kubernetes.io/instance": self.resource, "app.kubernetes.io/name": self.part.key})
    }

    fn labels(&self) -> Value {
        let mut labels = self.selector();
        labels["app.kubernetes.io/part-of"] = json!("dataservice");
        labels[MANAGED_BY.0] = json!(MANAGED_BY.1);
        labels
    }
}

/// The server drops lists that are empty: to state one would be a difference for ever.
fn unless_empty(list: Vec<Value>) -> Value {
    if list.is_empty() { Value::Null } else { list.into() }
}
