//! The objects that a new server makes for itself.
//!
//! Namespaces, the `kubernetes` Service and the ConfigMaps of `kube-system` are made at the start. The default roles, priority classes and the like wait
//! until their resource is asked for: most servers that tests start are never asked.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use serde_json::{Value, json};

use super::core::Core;
use crate::apply::{self, Writer};
use crate::authorization;
use crate::kinds::metadata::{fill_create, time_text};
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::schema::BuiltinSchemas;
use crate::store::{ObjectKey, Stored, Write, WriteError};
use crate::verbs;

const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Tells controllers since when uses of ServiceAccount tokens in Secrets would have been noted.
const TOKEN_TRACKING: &str = "kube-apiserver-legacy-service-account-token-tracking";
/// Tells other API servers which client certificates this one takes.
const AUTHENTICATION: &str = "extension-apiserver-authentication";

/// Resources whose default objects can wait.
pub(super) const LATE: [&str; 7] = [
    "clusterrolebindings",
    "clusterroles",
    "flowschemas",
    "priorityclasses",
    "prioritylevelconfigurations",
    "rolebindings",
    "roles",
];

/// Makes what is asked for at once. `port`: where the server listens; `client_ca`: authorities that were passed in.
pub(super) async fn defaults(core: &Core, port: u16, client_ca: Option<&str>) -> Result<(), WriteError> {
    let mut objects = Vec::new();
    if let Some(resource) = core.registry.resolve("", "v1", "namespaces") {
        for name in NAMESPACES {
            objects.push((resource.clone(), namespace(core, name)));
        }
    }
    if let Some(resource) = core.registry.resolve("", "v1", "services")
        && resource.collection().get(&ObjectKey::new("default", "kubernetes")).is_none()
    {
        let service = kubernetes_service(core, port);
        core.allocations.track(&service);
        objects.push((resource, service));
    }
    if let Some(resource) = core.registry.resolve("", "v1", "configmaps") {
        let since = core.env.clock.now().strftime("%Y-%m-%d").to_string();
        objects.push((resource.clone(), config_map(core, TOKEN_TRACKING, "since", &since)));
        if let Some(pem) = client_ca {
            objects.push((resource, config_map(core, AUTHENTICATION, "client-ca-file", pem)));
        }
    }
    store_together(core, objects).await
}

/// Stores many objects at once, so that with a data directory they share one sync.
async fn store_together(core: &Core, objects: Vec<(Arc<Resource>, Value)>) -> Result<(), WriteError> {
    let writes: Vec<BoxFuture<'_, Result<(), WriteError>>> = objects
        .into_iter()
        .map(|(resource, object)| async move { verbs::store_new(core, &resource, object).await }.boxed())
        .collect();
    try_join_all(writes).await?;
    Ok(())
}

fn namespace(core: &Core, name: &str) -> Value {
    let mut object = json!({
        "kind": "Namespace", "apiVersion": "v1",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    });
    let owned = json!({"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}});
    complete(core, &mut object, &owned);
    object
}

/// A ConfigMap of `kube-system` with one entry.
fn config_map(core: &Core, name: &str, key: &str, value: &str) -> Value {
    let mut object = json!({
        "kind": "ConfigMap", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "kube-system"},
        "data": {key: value},
    });
    let field = format!("f:{key}");
    complete(core, &mut object, &json!({"f:data": {".": {}, field: {}}}));
    object
}

fn kubernetes_service(core: &Core, port: u16) -> Value {
    let ip = core.allocations.first_ip().to_string();
    let family = if ip.contains(':') { "IPv6" } else { "IPv4" };
    let mut object = json!({
        "kind": "Service", "apiVersion": "v1",
        "metadata": {
            "name": "kubernetes", "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": ip, "clusterIPs": [ip], "internalTrafficPolicy": "Cluster", "ipFamilies": [family],
            "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "type": "ClusterIP",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
        },
        "status": {"loadBalancer": {}},
    });
    let owned = json!({
        "f:metadata": {"f:labels": {".": {}, "f:component": {}, "f:provider": {}}},
        "f:spec": {
            "f:clusterIP": {}, "f:internalTrafficPolicy": {}, "f:ipFamilyPolicy": {}, "f:sessionAffinity": {},
            "f:type": {},
            "f:ports": {
                ".": {},
                "k:{\"port\":443,\"protocol\":\"TCP\"}":
                    {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}},
            },
        },
    });
    complete(core, &mut object, &owned);
    object
}

/// Uid, creation time, and the server as the owner of the fields.
fn complete(core: &Core, object: &mut Value, owned: &Value) {
    let now = core.env.clock.now();
    fill_create(object, &core.env.random.uuid(), now);
    object["metadata"]["managedFields"] = json!([{
        "manager": "kube-apiserver", "operation": "Update", "apiVersion": object["apiVersion"],
        "time": time_text(now), "fieldsType": "FieldsV1", "fieldsV1": owned,
    }]);
}

/// Makes the default objects of a resource that are not there, and brings those that are up to date.
pub(super) fn late_defaults(core: Arc<Core>, resource: Arc<Resource>) -> BoxFuture<'static, Result<(), WriteError>> {
    async move {
        let objects = BuiltinSchemas::get().entry(&format!("objects/{}", resource.plural)).unwrap_or_default();
        let mut missing = Vec::new();
        for object in objects.as_array().into_iter().flatten() {
            let key = ObjectKey::new(object.text("metadata.namespace"), object.text("metadata.name"));
            match resource.collection().get(&key) {
                None => missing.push((resource.clone(), new_default(&core, &resource, object))),
                Some(stored) if resource.group == authorization::GROUP => {
                    if let Some(object) = renew(&core, &resource, &stored, object).await? {
                        missing.push((resource.clone(), object));
                    }
                }
                Some(_) => {}
            }
        }
        store_together(&core, missing).await
    }
    .boxed()
}

/// A default object as the server makes it.
fn new_default(core: &Core, resource: &Resource, default: &Value) -> Value {
    let now = core.env.clock.now();
    let mut object = default.clone();
    object["kind"] = resource.kind.as_str().into();
    object["apiVersion"] = resource.api_version.as_str().into();
    fill_create(&mut object, &core.env.random.uuid(), now);
    if resource.strategy().has_generation() {
        object["metadata"]["generation"] = 1.into();
    }
    if let Some(ty) = resource.ty() {
        let flow_control = resource.group == "flowcontrol.apiserver.k8s.io";
        let writer = Writer {
            ty,
            api_version: &resource.api_version,
            kind: &resource.kind,
            manager: if flow_control { "api-priority-and-fairness-config-producer-v1" } else { "kube-apiserver" },
            subresource: "",
            reset: None,
            versions: None,
            now,
        };
        apply::track_update(&writer, None, &mut object);
    }
    match object["metadata"]["name"].as_str() {
        Some("exempt") if resource.plural == "flowschemas" => {
            object["metadata"]["uid"] = core.flow_schema_uid.as_str().into();
        }
        Some("exempt") if resource.plural == "prioritylevelconfigurations" => {
            object["metadata"]["uid"] = core.priority_level_uid.as_str().into();
        }
        _ => {}
    }
    object
}

/// Adds to a role or binding what it lacks. Returns the one to be made in its place if it can't be changed.
async fn renew(
    core: &Core,
    resource: &Resource,
    stored: &Stored,
    default: &Value,
) -> Result<Option<Value>, WriteError> {
    let old = stored.tree();
    let Some(new) = authorization::reconcile(&old, default) else { return Ok(None) };
    let replaced = new.at("roleRef") != old.at("roleRef");
    let (collection, key, expected) = (resource.collection().clone(), stored.key().clone(), stored.revision());
    let write = if replaced {
        Write::Delete { collection, key, expected, last: verbs::storage_form(resource, old) }
    } else {
        Write::Update { collection, key, expected, object: verbs::storage_form(resource, new) }
    };
    match core.store.write(write).await {
        Ok(_) => Ok(replaced.then(|| new_default(core, resource, default))),
        // Somebody else was faster, and knows what they do.
        Err(WriteError::Changed { .. } | WriteError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
