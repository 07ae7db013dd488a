//! Helm without helm: it renders a ConfigMap and a Deployment, writes them and its Secrets as helm does, and counts its runs.

#![allow(dead_code, reason = "each test program uses a part of it")]

#[path = "../../../operator-sdk/tests/support/memcached.rs"]
mod memcached;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use flate2::{Compression, write::GzEncoder};
use kubewright::k8s_openapi::ByteString;
use kubewright::k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kubewright::k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kubewright::kube::api::{
    ApiResource, DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams,
};
use kubewright::kube::core::GroupVersionKind;
use kubewright::kube::{Config, client::Body};
use kubewright::prelude::*;
use kubewright_helm::program::{Call, HelmError, Place};
use kubewright_helm::release::{INPUTS_LABEL, SECRET_TYPE};
use kubewright_helm::{Helm, HelmOperator, Options, Watch};
use kubewright_testing::{Operator, TestEnv};
use parking_lot::Mutex;
use serde_json::{Value, json};

pub(crate) use memcached::*;

/// What watches.yaml of the project says.
pub(crate) fn watches() -> Vec<Watch> {
    Watch::load(&project().join("watches.yaml"), |_| None).unwrap()
}

/// Waits until a condition has this reason.
pub(crate) async fn reason(env: &TestEnv, name: &str, kind: &str, reason: &str) -> String {
    let what = format!("{kind} of {name} with {reason}");
    env.eventually(&what, async || {
        let condition = condition(env, name, kind).await?;
        (condition["reason"] == reason).then(|| condition["message"].as_str().unwrap_or_default().to_string())
    })
    .await
}

/// A client that counts what is written through it, besides events.
pub(crate) fn counting(client: Client) -> (Client, Arc<AtomicUsize>) {
    let writes = Arc::new(AtomicUsize::new(0));
    let count = writes.clone();
    let namespace = client.default_namespace().to_string();
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let reads = [http::Method::GET, http::Method::HEAD].contains(request.method());
        let path = request.uri().path();
        if !reads && !path.ends_with("/events") && !path.contains("selfsubjectaccessreviews") {
            count.fetch_add(1, Ordering::SeqCst);
        }
        let client = client.clone();
        async move { client.send(request).await }
    });
    (Client::new(service, namespace), writes)
}

/// Starts the operator of the project.
pub(crate) async fn start<H: Helm>(
    env: &TestEnv,
    client: Client,
    watches: Vec<Watch>,
    helm: H,
    period: Duration,
) -> Operator {
    // On a shared cluster there may be more of them.
    let namespaces = vec![env.namespace().to_string()];
    let retry = Duration::from_millis(20);
    let options = Options { reconcile_period: period, retry, namespaces, ..Options::default() };
    let operator = HelmOperator::new(client.clone(), watches, helm).await.unwrap();
    let running = env.operator_as(client, move |manager| operator.add_to(manager, &options).unwrap());
    // What charts make is known to whoever writes the role of the project.
    running.allow_undeclared();
    running
}

/// Helm without helm. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeHelm {
    /// What was done, in order.
    pub(crate) calls: Arc<Mutex<Vec<String>>>,
    /// A manifest that each rendering ends with: something that values do not tell.
    pub(crate) beyond: Arc<Mutex<String>>,
}

impl FakeHelm {
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().clone()
    }

    fn note(&self, call: &str) {
        self.calls.lock().push(call.into());
    }

    fn rendered(&self, call: &Call<'_>) -> Result<String, HelmError> {
        let mut values = call.values.clone();
        for (path, value) in call.overrides {
            values[path] = value.as_str().into();
        }
        if values["bad"] == true {
            return Err(HelmError::Failed("execution error at (memcached/templates/a.yaml:6:19): bad".into()));
        }
        let name = call.at.name;
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("{name}-map")},
                         "data": {"text": values["text"].as_str().unwrap_or("none")}});
        let labels = json!({"app": name});
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "creationTimestamp": null},
            "spec": {"replicas": values["replicas"].as_i64().unwrap_or(1), "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": {"containers": [
                         {"name": "a", "image": "a:1", "resources": {"limits": {"cpu": "1000m"}}}]}}},
        });
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                          "metadata": {"name": format!("{}-{name}", call.at.namespace)}, "rules": []});
        Ok(format!("---\n{map}\n---\n{deployment}\n---\n{role}\n{}", self.beyond.lock()))
    }

    /// As helm does it: a revision that is pending, the objects, the end of what was before, and then the revision's own end.
    async fn write(&self, call: &Call<'_>, pending: &str, manifest: &str) -> Result<(), HelmError> {
        let client = client(call.at.server);
        let before = secrets(&call.at).list(&of(&call.at)).await.map_err(failed)?;
        let last = before.iter().filter_map(|secret| secret.labels()["version"].parse::<u32>().ok()).max().unwrap_or(0);
        let secret = store(&client, call, last + 1, manifest, pending).await?;
        for object in kubewright_helm::release::objects(manifest).unwrap() {
            put(&client, call.at.namespace, &object).await?;
        }
        if call.values["broken"] == true {
            status(&call.at, &secret, "failed").await?;
            return Err(HelmError::Failed("timed out waiting for the condition".into()));
        }
        for secret in before {
            status(&call.at, &secret.name_any(), "superseded").await?;
        }
        status(&call.at, &secret, "deployed").await
    }
}

impl Helm for FakeHelm {
    async fn version(&self) -> Result<String, HelmError> {
        Ok("v4.0".into())
    }

    async fn render(&self, template: &str) -> Result<String, HelmError> {
        Ok(template.replace("{{ \"a\" }}", "a"))
    }

    async fn install(&self, call: &Call<'_>) -> Result<(), HelmError> {
        self.note("install");
        let manifest = self.rendered(call)?;
        self.write(call, "pending-install", &manifest).await
    }

    async fn candidate(&self, call: &Call<'_>, _: bool) -> Result<String, HelmError> {
        self.note("candidate");
        self.rendered(call)
    }

    async fn upgrade(&self, call: &Call<'_>, force: bool) -> Result<(), HelmError> {
        self.note(if force { "upgrade by force" } else { "upgrade" });
        let manifest = self.rendered(call)?;
        self.write(call, "pending-upgrade", &manifest).await
    }

    async fn rollback(&self, _: &Place<'_>, force: bool) -> Result<(), HelmError> {
        self.note(if force { "rollback by force" } else { "rollback" });
        Ok(())
    }

    async fn uninstall(&self, at: &Place<'_>) -> Result<(), HelmError> {
        self.note("uninstall");
        let (client, params) = (client(at.server), DeleteParams::background());
        let maps = Api::<ConfigMap>::namespaced(client.clone(), at.namespace);
        gone(maps.delete(&format!("{}-map", at.name), &params).await.map(drop))?;
        gone(Api::<Deployment>::namespaced(client, at.namespace).delete(at.name, &params).await.map(drop))?;
        for secret in secrets(at).list(&of(at)).await.map_err(failed)? {
            gone(secrets(at).delete(&secret.name_any(), &params).await.map(drop))?;
        }
        Ok(())
    }
}

fn failed(error: kubewright::kube::Error) -> HelmError {
    HelmError::Failed(error.to_string())
}

fn gone(result: Result<(), kubewright::kube::Error>) -> Result<(), HelmError> {
    match result {
        Err(kubewright::kube::Error::Api(answer)) if answer.is_not_found() => Ok(()),
        result => result.map_err(failed),
    }
}

fn of(at: &Place<'_>) -> ListParams {
    ListParams::default().labels(&format!("name={}", at.name))
}

async fn status(at: &Place<'_>, secret: &str, status: &str) -> Result<(), HelmError> {
    let patch = Patch::Merge(json!({"metadata": {"labels": {"status": status}}}));
    secrets(at).patch(secret, &PatchParams::default(), &patch).await.map(drop).map_err(failed)
}

/// A client as helm has one.
fn client(server: &str) -> Client {
    Client::try_from(Config::new(server.parse().unwrap())).unwrap()
}

fn secrets(at: &Place<'_>) -> Api<Secret> {
    Api::namespaced(client(at.server), at.namespace)
}

async fn put(client: &Client, namespace: &str, object: &Value) -> Result<(), HelmError> {
    let version = object["apiVersion"].as_str().unwrap();
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, object["kind"].as_str().unwrap()));
    let api: Api<DynamicObject> = match object["kind"].as_str() {
        Some("ClusterRole") => Api::all_with(client.clone(), &kind),
        _ => Api::namespaced_with(client.clone(), namespace, &kind),
    };
    let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
    match api.create(&PostParams::default(), &object).await {
        Err(kubewright::kube::Error::Api(answer)) if answer.is_already_exists() => {
            let patched = api.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(&object)).await;
            patched.map(drop).map_err(failed)
        }
        created => created.map(drop).map_err(failed),
    }
}

async fn store(
    client: &Client,
    call: &Call<'_>,
    number: u32,
    manifest: &str,
    status: &str,
) -> Result<String, HelmError> {
    let release = json!({
        "name": call.at.name, "version": number, "manifest": manifest, "info": {"notes": "hello", "status": status},
        "chart": {"metadata": {"name": "memcached"}},
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(release.to_string().as_bytes()).unwrap();
    let bytes = encoder.finish().unwrap();
    let data = ByteString(base64::engine::general_purpose::STANDARD.encode(bytes).into_bytes());
    let version = number.to_string();
    let labels = [
        ("owner", "helm"),
        ("name", call.at.name),
        ("status", status),
        ("version", &version),
        (INPUTS_LABEL, call.inputs),
    ];
    let metadata = ObjectMeta {
        name: Some(format!("sh.helm.release.v1.{}.v{number}", call.at.name)),
        labels: Some(labels.map(|(key, value)| (key.into(), value.into())).into()),
        ..ObjectMeta::default()
    };
    let secret = Secret {
        metadata,
        type_: Some(SECRET_TYPE.into()),
        data: Some([("release".into(), data)].into()),
        ..Secret::default()
    };
    let api = Api::<Secret>::namespaced(client.clone(), call.at.namespace);
    api.create(&PostParams::default(), &secret).await.map_err(failed)?;
    Ok(secret.name_any())
}

pub(crate) fn stateful_sets(env: &TestEnv) -> Api<StatefulSet> {
    Api::namespaced(env.client(), env.namespace())
}
