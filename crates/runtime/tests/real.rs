//! The same promises against a real API server, whose server-side apply knows more than a scripted one.
//!
//! It runs where `KUBEWRIGHT_TEST_KUBECONFIG` names a kubeconfig with all rights; elsewhere it is skipped.
#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{path::Path, sync::Arc, time::Duration};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Event, Namespace, Service},
    networking::v1::Ingress,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use kubewright_runtime::{
    Children, Context, Controller, ControllerOptions, Error, Manager, ManagerOptions, ObjectRef, Outcome, Owned,
    Reconciler, Trigger, Watch,
    conditions::{self, State},
    connect, finalizer,
};
use parking_lot::Mutex;
use serde_json::json;
use support::{Running, start, told};

struct Real {
    client: Client,
    namespace: String,
}

/// A namespace of its own on the real server, or `None` without one.
async fn real(test: &str) -> Option<Real> {
    let Ok(kubeconfig) = std::env::var("KUBEWRIGHT_TEST_KUBECONFIG") else {
        eprintln!("skipped: KUBEWRIGHT_TEST_KUBECONFIG is not set");
        return None;
    };
    let client = connect(Some(Path::new(&kubeconfig)), None).await.unwrap();
    let wanted = json!({"metadata": {"generateName": format!("runtime-{test}-")}});
    let namespaces = Api::<Namespace>::all(client.clone());
    let made = namespaces.create(&PostParams::default(), &serde_json::from_value(wanted).unwrap()).await.unwrap();
    Some(Real { client, namespace: made.name_any() })
}

impl Real {
    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn parent(&self) -> ConfigMap {
        let parent = serde_json::from_value(json!({"metadata": {"name": "parent"}})).unwrap();
        self.api().create(&PostParams::default(), &parent).await.unwrap()
    }

    async fn end(self) {
        Api::<Namespace>::all(self.client).delete(&self.namespace, &DeleteParams::background()).await.unwrap();
    }
}

/// Waits in real time.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("in vain: {what}");
}

/// A Deployment, a Service and an Ingress with what the server normalises and defaults.
fn children(image: &str) -> Children {
    let labels = json!({"app": "web"});
    let deployment = json!({
        "metadata": {"name": "web", "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "creationTimestamp": null}, "spec": {
                "containers": [{
                    "name": "web", "image": image,
                    "ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP", "name": "udp"}],
                    "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                    "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": "2", "memory": "2Gi"}},
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }, {"name": "side", "image": "side:1", "securityContext": {}}],
                "volumes": [{"name": "data", "emptyDir": {}}],
            }},
        },
    });
    let service = json!({
        "metadata": {"name": "web", "annotations": {"a/b": "c"}},
        "spec": {"selector": labels, "ports": [{"port": 80, "name": "http", "targetPort": "udp"}, {"port": 53, "protocol": "UDP", "name": "dns"}]},
    });
    let ingress = json!({
        "metadata": {"name": "web"},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": "a.example.com", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
        ]}}]},
    });
    Children::new()
        .add(serde_json::from_value::<Deployment>(deployment).unwrap())
        .add(serde_json::from_value::<Service>(service).unwrap())
        .add(serde_json::from_value::<Ingress>(ingress).unwrap())
}

type Results = Arc<Mutex<Vec<Owned>>>;

fn run(real: &Real, image: &Arc<Mutex<&'static str>>) -> (Running, Results, Trigger) {
    let results: Results = Arc::default();
    let (log, image) = (results.clone(), image.clone());
    let reconciler = told(move |object, ctx| {
        let (log, image) = (log.clone(), *image.lock());
        Box::pin(async move {
            if object.metadata.name.as_deref() != Some("parent") {
                return Ok(Outcome::Settled);
            }
            let owned = ctx.own(children(image)).await?;
            ctx.normal("Reconciled", "all children are as wanted");
            log.lock().push(owned);
            Ok(Outcome::Settled)
        })
    });
    let within = real.namespace.as_str();
    let controller = Controller::new("runtime-test", Watch::all().namespace(within), reconciler)
        .owns(Watch::<Deployment>::all().namespace(within))
        .owns(Watch::<Service>::all().namespace(within))
        .owns(Watch::<Ingress>::all().namespace(within))
        .options(ControllerOptions { max_retries: Some(5), ..ControllerOptions::default() });
    let trigger = controller.trigger();
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    (start(Manager::new(real.client.clone(), options).controller(controller)), results, trigger)
}

#[tokio::test]
async fn children_are_applied_once_repaired_when_they_drift_and_told_about() {
    let Some(real) = real("own").await else { return };
    real.parent().await;
    let image = Arc::new(Mutex::new("web:1"));
    let (manager, results, trigger) = run(&real, &image);
    let key = || ObjectRef::new(Some(&real.namespace), "parent");
    eventually("the children are there", async || results.lock().iter().any(|owned| owned.applied.len() == 3)).await;
    manager.settled().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..3 {
        results.lock().clear();
        trigger.wake(key());
        eventually("it runs again", async || !results.lock().is_empty()).await;
        let owned = results.lock()[0].clone();
        assert_eq!(owned.unchanged.len(), 3, "{owned:?}");
    }
    let drift = json!({"spec": {"replicas": 7}, "metadata": {"annotations": {"foreign": "stays"}}});
    real.api::<Deployment>().patch("web", &PatchParams::default(), &Patch::Merge(drift)).await.unwrap();
    eventually("the drift is repaired", async || {
        let deployment = real.api::<Deployment>().get("web").await.unwrap();
        deployment.spec.unwrap().replicas == Some(2) && deployment.metadata.annotations.unwrap().contains_key("foreign")
    })
    .await;
    *image.lock() = "web:2";
    trigger.wake(key());
    eventually("the change is rolled out", async || {
        let deployment = real.api::<Deployment>().get("web").await.unwrap();
        deployment.spec.unwrap().template.spec.unwrap().containers[0].image.as_deref() == Some("web:2")
    })
    .await;
    real.api::<Ingress>().delete("web", &DeleteParams::default()).await.unwrap();
    eventually("the child is made again", async || real.api::<Ingress>().get_opt("web").await.unwrap().is_some()).await;
    assert!(manager.handle.status()[0].failing.is_empty(), "{:?}", manager.handle.status()[0].failing);
    manager.stop().await.unwrap();
    let about = ListParams::default().fields("involvedObject.name=parent,reason=Reconciled");
    let events = real.api::<Event>().list(&about).await.unwrap();
    assert_eq!(events.items.len(), 1, "events are joined");
    assert!(events.items[0].count.unwrap() > 3, "{:?}", events.items[0].count);
    real.end().await;
}

/// Sets a condition and a finalizer; notes whether the status was written.
#[derive(Clone, Default)]
struct Conditions(Arc<Mutex<Vec<bool>>>);

impl Reconciler for Conditions {
    type Object = Service;

    async fn reconcile(&self, service: Arc<Service>, ctx: &Context) -> Result<Outcome, Error> {
        let apply = async || {
            let mut list = service.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
            let ready = State { kind: "example.com/Ready", status: Some(true), reason: "Tested", message: "" };
            conditions::set(&mut list, ready, Some(1), ctx.now());
            let written = ctx.set_status(&json!({"conditions": list})).await?;
            self.0.lock().push(written);
            Ok(Outcome::Settled)
        };
        finalizer::run(ctx, "example.com/test", apply, async || Ok(Outcome::Settled)).await
    }
}

#[tokio::test]
async fn a_status_is_written_once_and_a_finalizer_lets_its_object_go() {
    let Some(real) = real("status").await else { return };
    let reconciler = Conditions::default();
    let watch = Watch::all().namespace(real.namespace.as_str());
    let controller = Controller::new("runtime-test-status", watch, reconciler.clone());
    let trigger = controller.trigger();
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    let manager = start(Manager::new(real.client.clone(), options).controller(controller));
    let service = json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}});
    let services = real.api::<Service>();
    services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
    eventually("the status is written", async || reconciler.0.lock().first() == Some(&true)).await;
    let runs = reconciler.0.lock().len();
    trigger.wake(ObjectRef::new(Some(&real.namespace), "web"));
    eventually("it runs again", async || reconciler.0.lock().len() > runs).await;
    manager.settled().await;
    assert_eq!(reconciler.0.lock().iter().filter(|written| **written).count(), 1, "{:?}", reconciler.0.lock());
    let stored = services.get("web").await.unwrap();
    assert_eq!(stored.metadata.finalizers.unwrap(), ["example.com/test"]);
    services.delete("web", &DeleteParams::default()).await.unwrap();
    eventually("the object goes", async || services.get_opt("web").await.unwrap().is_none()).await;
    assert!(manager.handle.status()[0].failing.is_empty(), "{:?}", manager.handle.status()[0].failing);
    manager.stop().await.unwrap();
    real.end().await;
}
