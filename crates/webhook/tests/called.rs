//! Webhooks as the API server calls them: embedded, or the real one.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, MicroTime};
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kubewright_runtime::{LeaderElection, Manager, ManagerOptions, Replicas};
use kubewright_testing::TestEnv;
use kubewright_webhook::{
    AdmissionOptions, Allowed, Certificates, Denied, Lifetimes, Mutator, Operation, Request, Validator, WebhookOptions,
    Webhooks,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Labels ConfigMaps with who made them, and refuses changes of `locked`.
struct Guard;

impl Mutator for Guard {
    type Object = ConfigMap;

    async fn mutate(&self, map: &mut ConfigMap, _: Option<&ConfigMap>, request: &Request) -> Result<Allowed, Denied> {
        let annotations = map.metadata.annotations.get_or_insert_default();
        annotations.entry("made-by".into()).or_insert_with(|| request.user.username.clone().unwrap_or_default());
        Ok(Allowed::default())
    }
}

impl Validator for Guard {
    type Object = ConfigMap;

    async fn create(&self, new: &ConfigMap, _: &Request) -> Result<Allowed, Denied> {
        match new.data.as_ref().and_then(|data| data.get("size")).map(String::as_str) {
            Some("huge") => Err(Denied::invalid("data[size]", "must be small")),
            Some("big") => Ok(Allowed::warning("rather big")),
            _ => Ok(Allowed::default()),
        }
    }

    async fn delete(&self, old: &ConfigMap, _: &Request) -> Result<Allowed, Denied> {
        let locked = old.data.as_ref().is_some_and(|data| data.contains_key("locked"));
        if locked { Err(Denied::forbidden("it is locked")) } else { Ok(Allowed::default()) }
    }
}

/// Only objects of the test's own namespace, as other tests may use the same cluster.
fn options(namespace: &str) -> AdmissionOptions {
    let labels = BTreeMap::from([("kubernetes.io/metadata.name".to_string(), namespace.to_string())]);
    AdmissionOptions {
        operations: vec![Operation::Create, Operation::Update, Operation::Delete],
        namespace_selector: Some(LabelSelector { match_labels: Some(labels), match_expressions: None }),
        ..AdmissionOptions::default()
    }
}

fn map(name: &str, key: &str, value: &str) -> ConfigMap {
    let data = BTreeMap::from([(key.to_string(), value.to_string())]);
    let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
    ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }
}

/// Runs the guard in an environment of its own.
async fn guarded() -> (TestEnv, kubewright_testing::Operator, String) {
    let env = TestEnv::start().await.unwrap();
    let (namespace, name) = (env.namespace().to_string(), format!("guard-{}", env.namespace()));
    let webhooks_name = name.clone();
    let operator = env.operator(move |manager| {
        Webhooks::new(webhooks_name.clone(), WebhookOptions::default())
            .mutating(Guard, options(&namespace))
            .validating(Guard, options(&namespace))
            .add_to(manager)
    });
    operator.idle().await;
    (env, operator, name)
}

#[tokio::test]
async fn objects_are_changed_and_refused() {
    let (env, operator, _) = guarded().await;
    let maps = Api::<ConfigMap>::namespaced(env.client(), env.namespace());
    // An API server takes a moment to see new configurations.
    let made = env
        .eventually("the mutating webhook is called", async || {
            let made = maps.create(&PostParams::default(), &map("small", "a", "b")).await.unwrap();
            let seen = made.metadata.annotations.is_some();
            if !seen {
                maps.delete("small", &DeleteParams::default()).await.unwrap();
            }
            seen.then_some(made)
        })
        .await;
    assert!(made.metadata.annotations.unwrap().contains_key("made-by"));

    let error = env
        .eventually("the validating webhook is called", async || {
            let name = "huge";
            match maps.create(&PostParams::default(), &map(name, "size", "huge")).await {
                Ok(_) => _ = maps.delete(name, &DeleteParams::default()).await.unwrap(),
                Err(error) => return Some(error),
            }
            None
        })
        .await;
    let kube::Error::Api(status) = error else { panic!("{error}") };
    assert_eq!(status.code, 422);
    let message = "admission webhook \"vconfigmap-v1.core.k8s.io\" denied the request: data[size]: must be small";
    assert_eq!(status.message, message);

    maps.create(&PostParams::default(), &map("locked", "locked", "yes")).await.unwrap();
    let error = maps.delete("locked", &DeleteParams::default()).await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 403), "{error}");
    let patch = Patch::Merge(json!({"data": {"locked": null}}));
    maps.patch("locked", &PatchParams::default(), &patch).await.unwrap();
    maps.delete("locked", &DeleteParams::default()).await.unwrap();

    operator.stop().await.unwrap();
    env.stop().await;
}

#[tokio::test]
async fn a_stop_takes_the_registration_back_and_keeps_the_certificates() {
    let (env, operator, name) = guarded().await;
    let (mutating, validating): (Api<MutatingWebhookConfiguration>, Api<ValidatingWebhookConfiguration>) =
        (Api::all(env.client()), Api::all(env.client()));
    assert!(mutating.get_opt(&name).await.unwrap().is_some());
    assert!(validating.get_opt(&name).await.unwrap().is_some());
    operator.stop().await.unwrap();
    assert!(mutating.get_opt(&name).await.unwrap().is_none());
    assert!(validating.get_opt(&name).await.unwrap().is_none());
    let secrets = Api::<Secret>::namespaced(env.client(), "default");
    let secret = format!("{name}-webhook-certificates");
    let data = secrets.get(&secret).await.unwrap().data.unwrap();
    assert_eq!(data.keys().collect::<Vec<_>>(), ["ca.crt", "ca.key", "tls.crt", "tls.key"]);
    secrets.delete(&secret, &DeleteParams::default()).await.unwrap();
    env.stop().await;
}

#[tokio::test]
async fn a_registration_that_is_lost_is_made_again() {
    let (env, operator, name) = guarded().await;
    let api = Api::<ValidatingWebhookConfiguration>::all(env.client());
    let bundle = |configuration: ValidatingWebhookConfiguration| {
        configuration.webhooks.unwrap_or_default().pop().and_then(|webhook| webhook.client_config.ca_bundle)
    };
    let before = bundle(api.get(&name).await.unwrap());
    assert!(before.is_some());
    let patch = json!({"webhooks": [{"name": "vconfigmap-v1.core.k8s.io", "clientConfig": {"caBundle": null}}]});
    api.patch(&name, &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
    env.eventually("the bundle is back", async || {
        let configuration = api.get(&name).await.unwrap();
        (bundle(configuration) == before).then_some(())
    })
    .await;
    operator.stop().await.unwrap();
    env.stop().await;
}

/// A rollout begins with a replica of the new version beside the leader of the old one, which goes when the new one is ready.
#[tokio::test]
async fn a_replica_that_stands_by_is_ready_before_anybody_has_registered_its_webhooks() {
    let env = TestEnv::start().await.unwrap();
    let namespace = env.namespace().to_string();
    let leases = Api::<Lease>::namespaced(env.client(), &namespace);
    let lease = json!({
        "metadata": {"name": "guard"},
        "spec": {"holderIdentity": "old", "leaseDurationSeconds": 3600, "renewTime": MicroTime(Timestamp::now())},
    });
    leases.create(&PostParams::default(), &serde_json::from_value(lease).unwrap()).await.unwrap();

    let mut election = LeaderElection::new("guard");
    (election.namespace, election.identity) = (Some(namespace.clone()), Some("new".into()));
    let replicas = Replicas::Leader(election);
    let manager = Manager::new(env.client(), ManagerOptions { listen: None, replicas, ..ManagerOptions::default() });
    let certificates = Certificates::Managed {
        namespace: Some(namespace.clone()),
        secret: Some("guard".into()),
        lifetimes: Lifetimes::default(),
    };
    let name = format!("guard-{namespace}");
    let webhooks = Webhooks::new(&name, WebhookOptions { certificates, ..WebhookOptions::default() })
        .validating(Guard, options(&namespace));
    let manager = webhooks.add_to(manager);
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let running = tokio::spawn(manager.run(stop.clone()));
    env.eventually("it is ready", async || handle.ready().ok()).await;

    assert_eq!(handle.replica().holder.as_deref(), Some("old"));
    let registered = Api::<ValidatingWebhookConfiguration>::all(env.client()).get_opt(&name).await.unwrap();
    assert!(registered.is_none(), "only the one that leads writes");
    stop.cancel();
    running.await.unwrap().unwrap();
    env.stop().await;
}
