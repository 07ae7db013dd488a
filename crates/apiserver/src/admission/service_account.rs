//! ServiceAccount: every Pod runs as a ServiceAccount that is there, and gets its token.

use std::time::Duration;

use serde_json::{Value, json};

use super::attributes::{Attributes, Operation};
use crate::kinds::metadata::generated_name;
use crate::kinds::tree::Tree;
use crate::status::{ApiError, ApiResult};
use crate::store::ObjectKey;

const DEFAULT: &str = "default";
/// Pods that a node has made by itself.
const MIRROR: &str = "kubernetes.io/config.mirror";
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME: &str = "kube-api-access-";
/// The Pods of an account with this annotation may use only the Secrets that it lists.
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";
/// How often the default account is looked for: a controller makes it after its namespace.
const TRIES: usize = 10;

/// Gives a new Pod its account, the token of that, and its image pull secrets.
pub(super) async fn admit(attributes: &Attributes, pod: &mut Value) -> ApiResult<()> {
    if !concerns(attributes) || is_mirror(pod) {
        return Ok(());
    }
    if pod.text("spec.serviceAccountName").is_empty() {
        let spec = pod.ensure("spec");
        spec.set("serviceAccountName", DEFAULT);
        spec.set("serviceAccount", DEFAULT);
    }
    let account = account(attributes, pod.text("spec.serviceAccountName")).await?;
    let own = pod.at("spec.automountServiceAccountToken").as_bool();
    if own.or(account.at("automountServiceAccountToken").as_bool()).unwrap_or(true) {
        mount_token(attributes, pod.ensure("spec"));
    }
    if pod.list("spec.imagePullSecrets").is_empty() && !account.list("imagePullSecrets").is_empty() {
        pod.ensure("spec").set("imagePullSecrets", account["imagePullSecrets"].clone());
    }
    Ok(())
}

/// Refuses Pods without an account, and those that use what their account may not.
pub(super) async fn validate(attributes: &Attributes, pod: &Value) -> ApiResult<()> {
    if !concerns(attributes) {
        return Ok(());
    }
    if is_mirror(pod) {
        let secrets = pod.list("spec.volumes").iter().any(|volume| volume.has("secret"));
        return match (pod.text("spec.serviceAccountName"), secrets) {
            ("", false) => Ok(()),
            ("", true) => Err(forbidden(attributes, "a mirror pod may not reference secrets")),
            _ => Err(forbidden(attributes, "a mirror pod may not reference service accounts")),
        };
    }
    let name = pod.text("spec.serviceAccountName");
    if name.is_empty() {
        let (namespace, pod) = (&attributes.namespace, pod.text("metadata.name"));
        return Err(forbidden(attributes, &format!("no service account specified for pod {namespace}/{pod}")));
    }
    let account = account(attributes, name).await?;
    let enforce = account.at("metadata.annotations").get(ENFORCE).and_then(Value::as_str).unwrap_or_default();
    if matches!(enforce, "1" | "t" | "T" | "true" | "TRUE" | "True")
        && let Err(why) = only_listed_secrets(&account, pod)
    {
        return Err(forbidden(attributes, &why));
    }
    Ok(())
}

fn concerns(attributes: &Attributes) -> bool {
    attributes.is("", "pods") && attributes.subresource.is_empty() && attributes.operation == Operation::Create
}

fn is_mirror(pod: &Value) -> bool {
    pod.at("metadata.annotations").get(MIRROR).is_some()
}

fn forbidden(attributes: &Attributes, why: &str) -> ApiError {
    ApiError::forbidden("", "pods", &attributes.name, why)
}

async fn account(attributes: &Attributes, name: &str) -> ApiResult<Value> {
    let namespace = &attributes.namespace;
    let accounts = attributes.core.store.collection("", "serviceaccounts");
    let key = ObjectKey::new(namespace, name);
    let tries = if name == DEFAULT { TRIES } else { 1 };
    let pause = Duration::from_millis(100 + attributes.core.env.random.number() % 100);
    for round in 0..tries {
        if round > 0 {
            tokio::time::sleep(pause).await;
        }
        if let Some(account) = accounts.get(&key) {
            return Ok(account.tree());
        }
    }
    let why = format!("error looking up service account {namespace}/{name}: serviceaccount {name:?} not found");
    Err(forbidden(attributes, &why))
}

fn mount_token(attributes: &Attributes, spec: &mut Value) {
    let known = spec.list("volumes").iter().map(|volume| volume.text("name")).find(|name| name.starts_with(VOLUME));
    let has_volume = known.is_some();
    let random = &attributes.core.env.random;
    let name = known
        .map(String::from)
        .unwrap_or_else(|| generated_name(VOLUME, |below| (random.number() % below as u64) as usize));
    let mut needed = false;
    for list in ["initContainers", "containers"] {
        for container in spec.each_mut(list) {
            if container.list("volumeMounts").iter().any(|mount| mount.text("mountPath") == MOUNT_PATH) {
                continue;
            }
            let mut mounts = container.list("volumeMounts").to_vec();
            mounts.push(json!({"name": name, "readOnly": true, "mountPath": MOUNT_PATH}));
            container.set("volumeMounts", mounts);
            needed = true;
        }
    }
    if has_volume || !needed {
        return;
    }
    let mut volumes = spec.list("volumes").to_vec();
    volumes.push(json!({"name": name, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [
            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
        ]}},
    ]}}));
    spec.set("volumes", volumes);
}

fn only_listed_secrets(account: &Value, pod: &Value) -> Result<(), String> {
    let account_name = account.text("metadata.name");
    let listed = |field: &str, name: &str| account.list(field).iter().any(|secret| secret.text("name") == name);
    let no_reference = format!("service account {account_name} does not reference that secret");
    for volume in pod.list("spec.volumes").iter().filter(|volume| volume.has("secret")) {
        let name = volume.text("secret.secretName");
        if !listed("secrets", name) {
            return Err(format!("volume with secret.secretName=\"{name}\" is not allowed because {no_reference}"));
        }
    }
    for (list, word) in [("spec.initContainers", "init container"), ("spec.containers", "container")] {
        for container in pod.list(list) {
            let own = container.text("name");
            for env in container.list("env").iter().filter(|env| env.has("valueFrom.secretKeyRef")) {
                let (name, variable) = (env.text("valueFrom.secretKeyRef.name"), env.text("name"));
                if !listed("secrets", name) {
                    return Err(format!(
                        "{word} {own} with envVar {variable} referencing secret.secretName=\"{name}\" is not allowed \
                         because {no_reference}"
                    ));
                }
            }
            for from in container.list("envFrom").iter().filter(|from| from.has("secretRef")) {
                let name = from.text("secretRef.name");
                if !listed("secrets", name) {
                    return Err(format!(
                        "{word} {own} with envFrom referencing secret.secretName=\"{name}\" is not allowed because \
                         {no_reference}"
                    ));
                }
            }
        }
    }
    for (index, secret) in pod.list("spec.imagePullSecrets").iter().enumerate() {
        let name = secret.text("name");
        if !listed("imagePullSecrets", name) {
            return Err(format!(
                "imagePullSecrets[{index}].name=\"{name}\" is not allowed because service account {account_name} does \
                 not reference that imagePullSecret"
            ));
        }
    }
    Ok(())
}
