//! The same promises against whole API servers, whose server-side apply knows more than a scripted one: the embedded
//! server in process, or the one that `KUBEWRIGHT_TEST_KUBECONFIG` names.
#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{path::Path, sync::Arc, time::Duration};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Event, Namespace, Secret, Service},
    networking::v1::Ingress,
    rbac::v1::ClusterRole,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use kubewright_apiserver::{ApiServer, Options};
use kubewright_runtime::{
    Children, Context, Controller, ControllerOptions, Error, Manager, ManagerOptions, ObjectRef, Outcome, Owned,
    Reconciler, Trigger, Watch, Wave,
    conditions::{self, State},
    connect, finalizer,
};
use parking_lot::Mutex;
use serde_json::json;
use support::{Running, start, told};

struct Server {
    client: Client,
    namespace: String,
    _embedded: Option<ApiServer>,
}

/// A server, with a namespace of the test's own.
async fn server(test: &str) -> Server {
    let (client, embedded) = match std::env::var("KUBEWRIGHT_TEST_KUBECONFIG") {
        Ok(kubeconfig) => (connect(Some(Path::new(&kubeconfig)), None).await.unwrap(), None),
        Err(_) => {
            let server = ApiServer::start(Options::default()).await.unwrap();
            (Client::new(server.service(), "default"), Some(server))
        }
    };
    let wanted = json!({"metadata": {"generateName": format!("runtime-{test}-")}});
    let namespaces = Api::<Namespace>::all(client.clone());
    let made = namespaces.create(&PostParams::default(), &serde_json::from_value(wanted).unwrap()).await.unwrap();
    Server { client, namespace: made.name_any(), _embedded: embedded }
}

impl Server {
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

fn run(server: &Server, image: &Arc<Mutex<&'static str>>) -> (Running, Results, Trigger) {
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
    let within = server.namespace.as_str();
    let controller = Controller::new("runtime-test", Watch::all().namespace(within), reconciler)
        .owns(Watch::<Deployment>::all().namespace(within))
        .owns(Watch::<Service>::all().namespace(within))
        .owns(Watch::<Ingress>::all().namespace(within))
        .options(ControllerOptions { max_retries: Some(5), ..ControllerOptions::default() });
    let trigger = controller.trigger();
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    (start(Manager::new(server.client.clone(), options).controller(controller)), results, trigger)
}

#[tokio::test]
async fn children_are_applied_once_repaired_when_they_drift_and_told_about() {
    let server = server("own").await;
    server.parent().await;
    let image = Arc::new(Mutex::new("web:1"));
    let (manager, results, trigger) = run(&server, &image);
    let key = || ObjectRef::new(Some(&server.namespace), "parent");
    eventually("the children are there", async || results.lock().iter().any(|owned| owned.applied.len() == 3)).await;
    manager.settled().await;
    for _ in 0..3 {
        results.lock().clear();
        trigger.wake(key());
        eventually("it runs again", async || !results.lock().is_empty()).await;
        let owned = results.lock()[0].clone();
        assert_eq!(owned.unchanged.len(), 3, "{owned:?}");
    }
    let drift = json!({"spec": {"replicas": 7}, "metadata": {"annotations": {"foreign": "stays"}}});
    server.api::<Deployment>().patch("web", &PatchParams::default(), &Patch::Merge(drift)).await.unwrap();
    eventually("the drift is repaired", async || {
        let deployment = server.api::<Deployment>().get("web").await.unwrap();
        deployment.spec.unwrap().replicas == Some(2) && deployment.metadata.annotations.unwrap().contains_key("foreign")
    })
    .await;
    *image.lock() = "web:2";
    trigger.wake(key());
    eventually("the change is rolled out", async || {
        let deployment = server.api::<Deployment>().get("web").await.unwrap();
        deployment.spec.unwrap().template.spec.unwrap().containers[0].image.as_deref() == Some("web:2")
    })
    .await;
    server.api::<Ingress>().delete("web", &DeleteParams::default()).await.unwrap();
    eventually("the child is made again", async || server.api::<Ingress>().get_opt("web").await.unwrap().is_some())
        .await;
    assert!(manager.handle.status()[0].failing.is_empty(), "{:?}", manager.handle.status()[0].failing);
    manager.stop().await.unwrap();
    let about = ListParams::default().fields("involvedObject.name=parent,reason=Reconciled");
    let events = server.api::<Event>().list(&about).await.unwrap();
    assert_eq!(events.items.len(), 1, "events are joined");
    assert!(events.items[0].count.unwrap() > 3, "{:?}", events.items[0].count);
    server.end().await;
}

#[tokio::test]
async fn a_name_taken_by_what_the_watch_leaves_out_is_used_as_soon_as_it_is_free() {
    let server = server("taken").await;
    server.parent().await;
    let secrets = server.api::<Secret>();
    let theirs = serde_json::from_value(json!({"metadata": {"name": "keys"}})).unwrap();
    secrets.create(&PostParams::default(), &theirs).await.unwrap();
    let results: Results = Arc::default();
    let log = results.clone();
    let reconciler = told(move |object, ctx| {
        let log = log.clone();
        Box::pin(async move {
            if object.metadata.name.as_deref() == Some("parent") {
                let ours = json!({"metadata": {"name": "keys", "labels": {"app": "ours"}}});
                let owned = ctx.own([serde_json::from_value::<Secret>(ours).unwrap()]).await?;
                log.lock().push(owned);
            }
            Ok(Outcome::Settled)
        })
    });
    let within = server.namespace.as_str();
    let controller = Controller::new("runtime-test-taken", Watch::all().namespace(within), reconciler)
        .owns(Watch::<Secret>::all().namespace(within).labels("app=ours"));
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    let manager = start(Manager::new(server.client.clone(), options).controller(controller));
    eventually("the name is taken", async || results.lock().last().is_some_and(|owned| !owned.refused.is_empty()))
        .await;
    manager.settled().await;
    let watches = || manager.handle.status()[0].informers.len();
    assert_eq!(watches(), 3, "those that are declared, and one of what is in the way");

    secrets.delete("keys", &DeleteParams::default()).await.unwrap();
    eventually("ours is made", async || results.lock().iter().any(|owned| !owned.applied.is_empty())).await;
    manager.settled().await;
    assert_eq!(watches(), 2, "nothing is in the way any more");
    manager.stop().await.unwrap();
    server.end().await;
}

/// A ClusterRole that only this test makes.
fn role(server: &Server) -> ClusterRole {
    let name = format!("{}-role", server.namespace);
    serde_json::from_value(json!({"metadata": {"name": name}})).unwrap()
}

#[tokio::test]
async fn waves_follow_one_another_and_a_child_without_namespace_goes_with_its_owner() {
    let server = server("waves").await;
    server.parent().await;
    let wanted_role = role(&server);
    let role_name = wanted_role.name_any();
    let reconciler = told(move |_, ctx| {
        let role = wanted_role.clone();
        Box::pin(async move {
            let balanced =
                json!({"metadata": {"name": "front"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
            let front: Service = serde_json::from_value(balanced)?;
            let waves = Children::new().wave(Wave::new("front", [front])).wave(Wave::new("role", [role]));
            ctx.own(waves).await?;
            Ok(Outcome::Settled)
        })
    });
    let within = server.namespace.as_str();
    let controller =
        Controller::new("runtime-test-waves", Watch::all().namespace(within).labels("test=waves"), reconciler)
            .owns(Watch::<Service>::all().namespace(within))
            .owns(Watch::<ClusterRole>::all());
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    let manager = start(Manager::new(server.client.clone(), options).controller(controller));
    let parents = server.api::<ConfigMap>();
    let label = Patch::Merge(json!({"metadata": {"labels": {"test": "waves"}}}));
    parents.patch("parent", &PatchParams::default(), &label).await.unwrap();
    let services = server.api::<Service>();
    eventually("the first wave comes", async || services.get_opt("front").await.unwrap().is_some()).await;
    manager.settled().await;
    let roles = Api::<ClusterRole>::all(server.client.clone());
    assert!(roles.get_opt(&role_name).await.unwrap().is_none(), "the load balancer has no address");
    let address = Patch::Merge(json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}));
    services.patch_status("front", &PatchParams::default(), &address).await.unwrap();
    eventually("the second wave comes", async || roles.get_opt(&role_name).await.unwrap().is_some()).await;
    manager.settled().await;
    assert!(manager.handle.status()[0].failing.is_empty(), "{:?}", manager.handle.status()[0].failing);
    let unlabel = Patch::Merge(json!({"metadata": {"labels": {"test": "other"}}}));
    parents.patch("parent", &PatchParams::default(), &unlabel).await.unwrap();
    manager.settled().await;
    assert!(roles.get_opt(&role_name).await.unwrap().is_some(), "its owner is there, though not in the cache");
    parents.patch("parent", &PatchParams::default(), &label).await.unwrap();
    manager.settled().await;
    parents.delete("parent", &DeleteParams::background()).await.unwrap();
    eventually("the role goes too", async || roles.get_opt(&role_name).await.unwrap().is_none()).await;
    manager.stop().await.unwrap();
    server.end().await;
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
    let server = server("status").await;
    let reconciler = Conditions::default();
    let watch = Watch::all().namespace(server.namespace.as_str());
    let controller = Controller::new("runtime-test-status", watch, reconciler.clone());
    let trigger = controller.trigger();
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    let manager = start(Manager::new(server.client.clone(), options).controller(controller));
    let service = json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}});
    let services = server.api::<Service>();
    services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
    eventually("the status is written", async || reconciler.0.lock().first() == Some(&true)).await;
    let runs = reconciler.0.lock().len();
    trigger.wake(ObjectRef::new(Some(&server.namespace), "web"));
    eventually("it runs again", async || reconciler.0.lock().len() > runs).await;
    manager.settled().await;
    assert_eq!(reconciler.0.lock().iter().filter(|written| **written).count(), 1, "{:?}", reconciler.0.lock());
    let stored = services.get("web").await.unwrap();
    assert_eq!(stored.metadata.finalizers.unwrap(), ["example.com/test"]);
    services.delete("web", &DeleteParams::default()).await.unwrap();
    eventually("the object goes", async || services.get_opt("web").await.unwrap().is_none()).await;
    assert!(manager.handle.status()[0].failing.is_empty(), "{:?}", manager.handle.status()[0].failing);
    manager.stop().await.unwrap();
    server.end().await;
}
