//! What the ingress operator promises, each line by its number in the acceptance checklist.
//!
//! The tests run on the embedded control plane, or, with `KUBEWRIGHT_TEST_KUBECONFIG`, on a real cluster.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use kubewright::k8s_openapi::api::core::v1::{Event, Service, ServicePort, ServiceSpec};
use kubewright::k8s_openapi::api::networking::v1::{
    Ingress, IngressBackend, IngressServiceBackend, IngressSpec, ServiceBackendPort,
};
use kubewright::kube::ResourceExt;
use kubewright::kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright::kube::core::ObjectMeta;
use kubewright_ingress::Options;
use kubewright_testing::{Operator, TestEnv};
use serde_json::json;

/// An environment with the operator running in it, and a namespace of the test's own.
struct World {
    env: TestEnv,
    operator: Operator,
    services: Api<Service>,
    ingresses: Api<Ingress>,
    events: Api<Event>,
}

impl World {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let env = TestEnv::start().await.unwrap();
        let operator =
            env.operator(move |manager| manager.controller(kubewright_ingress::controller(options.clone()).unwrap()));
        let (client, namespace) = (env.client(), env.namespace());
        World {
            services: Api::namespaced(client.clone(), namespace),
            ingresses: Api::namespaced(client.clone(), namespace),
            events: Api::namespaced(client, namespace),
            operator,
            env,
        }
    }

    async fn create(&self, name: &str, annotations: &[(&str, &str)], ports: &[(&str, i32)]) -> Service {
        self.services.create(&PostParams::default(), &service(name, annotations, ports)).await.unwrap()
    }

    async fn annotate(&self, name: &str, annotations: serde_json::Value) {
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
        self.services.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    async fn ingress(&self, name: &str) -> Ingress {
        self.env.eventually(&format!("Ingress {name}"), async || self.ingresses.get_opt(name).await.unwrap()).await
    }

    async fn no_ingress(&self, name: &str) {
        let gone = async || self.ingresses.get_opt(name).await.unwrap().is_none().then_some(());
        self.env.eventually(&format!("no Ingress {name}"), gone).await;
    }

    /// Everything that was written before this call has been reconciled: watches deliver in order, so when a later
    /// Service has got its Ingress, all earlier changes are in the queue or done; then the queue runs empty.
    async fn settled(&self) {
        let fence = self.services.create(&PostParams::default(), &service("fence", &ASKS, &[("", 80)])).await.unwrap();
        self.ingress("fence").await;
        self.services.delete(&fence.name_any(), &DeleteParams::default()).await.unwrap();
        self.no_ingress("fence").await;
        self.operator.idle().await;
    }

    /// The operator's own: a busy API server warns of addresses that it thinks are not allocated.
    async fn warnings(&self, name: &str) -> Vec<(String, String)> {
        let events = self.events.list(&ListParams::default()).await.unwrap();
        let ours = events.items.into_iter().filter(|event| event.reporting_component.as_deref() == Some("ingress"));
        let about = ours.filter(|event| event.involved_object.name.as_deref() == Some(name));
        let warnings = about.filter(|event| event.type_.as_deref() == Some("Warning"));
        warnings.map(|event| (event.reason.unwrap_or_default(), event.message.unwrap_or_default())).collect()
    }

    async fn warning(&self, name: &str, reason: &str) -> String {
        let found =
            async || self.warnings(name).await.into_iter().find(|(r, _)| r == reason).map(|(_, message)| message);
        self.env.eventually(&format!("Warning {reason} about {name}"), found).await
    }

    async fn stop(self) {
        self.operator.stop().await.unwrap();
        self.env.stop().await;
    }
}

const ASKS: [(&str, &str); 1] = [("ingress/http", "true")];

fn service(name: &str, annotations: &[(&str, &str)], ports: &[(&str, i32)]) -> Service {
    let annotations: BTreeMap<_, _> = annotations.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let ports = ports.iter().map(|(name, port)| ServicePort {
        name: (!name.is_empty()).then(|| name.to_string()),
        port: *port,
        ..ServicePort::default()
    });
    Service {
        metadata: ObjectMeta { name: Some(name.into()), annotations: Some(annotations), ..ObjectMeta::default() },
        spec: Some(ServiceSpec { ports: Some(ports.collect()), ..ServiceSpec::default() }),
        status: None,
    }
}

fn foreign_ingress(name: &str) -> Ingress {
    let backend = IngressServiceBackend {
        name: "elsewhere".into(),
        port: Some(ServiceBackendPort { number: Some(1), name: None }),
    };
    Ingress {
        metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() },
        spec: Some(IngressSpec {
            default_backend: Some(IngressBackend { service: Some(backend), resource: None }),
            ..IngressSpec::default()
        }),
        status: None,
    }
}

fn backend(ingress: &Ingress) -> (String, i32) {
    let rule = &ingress.spec.as_ref().unwrap().rules.as_ref().unwrap()[0];
    let service = rule.http.as_ref().unwrap().paths[0].backend.service.clone().unwrap();
    (service.name, service.port.unwrap().number.unwrap())
}

//
#[tokio::test]
async fn a_service_that_asks_gets_an_ingress_that_it_owns() {
    let world = World::new().await;
    let service = world.create("web", &ASKS, &[("", 8080)]).await;
    let ingress = world.ingress("web").await;

    assert_eq!(ingress.namespace(), service.namespace());
    let owner = &ingress.owner_references()[0];
    assert_eq!(
        (owner.kind.as_str(), &owner.name, Some(&owner.uid)),
        ("Service", &service.name_any(), service.uid().as_ref())
    );
    assert_eq!((owner.controller, owner.block_owner_deletion), (Some(true), Some(true)));
    let spec = ingress.spec.as_ref().unwrap();
    assert_eq!(spec.ingress_class_name.as_deref(), Some("nginx"));
    let rule = &spec.rules.as_ref().unwrap()[0];
    assert_eq!(rule.host.as_deref(), Some("example.com"));
    let path = &rule.http.as_ref().unwrap().paths[0];
    assert_eq!((path.path.as_deref(), path.path_type.as_str()), (Some("/"), "Prefix"));
    assert_eq!(backend(&ingress), ("web".into(), 8080));
    world.stop().await;
}

//
#[tokio::test]
async fn a_service_that_does_not_ask_gets_none() {
    let world = World::new().await;
    world.create("plain", &[], &[("", 80)]).await;
    world.create("refusing", &[("ingress/http", "false")], &[("", 80)]).await;
    world.settled().await;
    assert_eq!(world.ingresses.list(&ListParams::default()).await.unwrap().items, []);
    assert_eq!(world.warnings("refusing").await, []);
    world.stop().await;
}

//
#[tokio::test]
async fn an_annotation_that_is_neither_true_nor_false_is_warned_about() {
    let world = World::new().await;
    world.create("typo", &[("ingress/http", "yes")], &[("", 80)]).await;
    let message = world.warning("typo", "InvalidAnnotation").await;
    assert!(message.contains("ingress/http") && message.contains("\"yes\""), "{message}");
    assert!(world.ingresses.get_opt("typo").await.unwrap().is_none());
    world.stop().await;
}

//
#[tokio::test]
async fn the_ingress_comes_and_goes_with_the_annotation() {
    let world = World::new().await;
    world.create("web", &[], &[("", 80)]).await;
    world.annotate("web", json!({"ingress/http": "true"})).await;
    world.ingress("web").await;
    world.annotate("web", json!({"ingress/http": null})).await;
    world.no_ingress("web").await;
    world.annotate("web", json!({"ingress/http": "true"})).await;
    world.ingress("web").await;
    world.annotate("web", json!({"ingress/http": "false"})).await;
    world.no_ingress("web").await;
    world.stop().await;
}

//
#[tokio::test]
async fn identical_updates_and_restarts_write_nothing() {
    let world = World::new().await;
    world.create("web", &ASKS, &[("", 80)]).await;
    let first = world.ingress("web").await;
    world.annotate("web", json!({"unrelated": "1"})).await;
    world.settled().await;
    world.operator.restart().await.unwrap();
    world.settled().await;
    let now = world.ingress("web").await;
    assert_eq!(now.resource_version(), first.resource_version());
    assert_eq!(world.ingresses.list(&ListParams::default()).await.unwrap().items.len(), 1);
    world.stop().await;
}

//
#[tokio::test]
async fn an_ingress_of_the_same_name_that_the_service_does_not_own_is_left_alone() {
    let world = World::new().await;
    let before = world.ingresses.create(&PostParams::default(), &foreign_ingress("web")).await.unwrap();
    world.create("web", &ASKS, &[("", 80)]).await;
    let message = world.warning("web", "IngressExists").await;
    assert!(message.contains("web"), "{message}");
    world.annotate("web", json!({"ingress/http": null})).await;
    world.settled().await;
    let after = world.ingresses.get("web").await.unwrap();
    assert_eq!(after.resource_version(), before.resource_version());
    world.stop().await;
}

// an owner reference to an earlier Service of the same name is not ours.
#[tokio::test]
async fn an_owner_reference_with_another_uid_is_not_ownership() {
    let world = World::new().await;
    let decoy = world.create("decoy", &[], &[("", 80)]).await;
    let mut ingress = foreign_ingress("web");
    ingress.owner_references_mut().push(kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
        api_version: "v1".into(),
        kind: "Service".into(),
        name: decoy.name_any(),
        uid: decoy.uid().unwrap(),
        controller: Some(true),
        ..Default::default()
    });
    world.ingresses.create(&PostParams::default(), &ingress).await.unwrap();
    world.create("web", &[("ingress/http", "false")], &[("", 80)]).await;
    world.settled().await;
    // The decoy asks for nothing, so the Ingress that claims to be its child goes; the one named like `web` is not web's.
    world.no_ingress("web").await;
    assert_eq!(world.warnings("web").await, []);
    world.stop().await;
}

// once what stood in the way is gone, the Service gets its own.
#[tokio::test]
async fn a_foreign_ingress_that_goes_makes_room() {
    let world = World::new().await;
    world.ingresses.create(&PostParams::default(), &foreign_ingress("web")).await.unwrap();
    world.create("web", &ASKS, &[("", 80)]).await;
    world.warning("web", "IngressExists").await;
    world.ingresses.delete("web", &DeleteParams::default()).await.unwrap();
    let ours = async || world.ingresses.get_opt("web").await.unwrap().filter(|i| !i.owner_references().is_empty());
    world.env.eventually("an Ingress of its own", ours).await;
    world.stop().await;
}

//
#[tokio::test]
async fn the_ingress_goes_with_its_service() {
    let world = World::new().await;
    world.create("web", &ASKS, &[("", 80)]).await;
    world.ingress("web").await;
    world.services.delete("web", &DeleteParams::default()).await.unwrap();
    world.no_ingress("web").await;
    world.stop().await;
}

//
#[tokio::test]
async fn an_ingress_deleted_by_hand_comes_back() {
    let world = World::new().await;
    world.create("web", &ASKS, &[("", 80)]).await;
    let first = world.ingress("web").await;
    world.ingresses.delete("web", &DeleteParams::default()).await.unwrap();
    let again = async || world.ingresses.get_opt("web").await.unwrap().filter(|now| now.uid() != first.uid());
    world.env.eventually("the Ingress again", again).await;
    world.stop().await;
}

//
#[tokio::test]
async fn the_backend_port_is_the_named_one_else_http_else_80_else_the_only_one() {
    let world = World::new().await;
    let three = [("admin", 9000), ("http", 8080), ("plain", 80)];
    world.create("named", &[ASKS[0], ("ingress/port", "admin")], &three).await;
    world.create("http", &ASKS, &three).await;
    world.create("eighty", &ASKS, &[("admin", 9000), ("plain", 80)]).await;
    world.create("unclear", &ASKS, &[("a", 1), ("b", 2)]).await;
    assert_eq!(backend(&world.ingress("named").await).1, 9000);
    assert_eq!(backend(&world.ingress("http").await).1, 8080);
    assert_eq!(backend(&world.ingress("eighty").await).1, 80);
    let message = world.warning("unclear", "AmbiguousPort").await;
    assert!(message.contains("a/1, b/2"), "{message}");
    assert!(world.ingresses.get_opt("unclear").await.unwrap().is_none());
    world.stop().await;
}

//
#[tokio::test]
async fn what_was_there_before_the_start_is_reconciled_in_every_namespace() {
    let world = World::new().await;
    world.operator.stop().await.unwrap();
    let other = world.env.new_namespace().await.unwrap();
    let services = Api::<Service>::namespaced(world.env.client(), &other);
    services.create(&PostParams::default(), &service("there", &ASKS, &[("", 80)])).await.unwrap();
    world.create("here", &ASKS, &[("", 80)]).await;
    world.operator.restart().await.unwrap();
    world.ingress("here").await;
    let ingresses = Api::<Ingress>::namespaced(world.env.client(), &other);
    world.env.eventually("the other namespace's Ingress", async || ingresses.get_opt("there").await.unwrap()).await;
    world.stop().await;
}

// see the options of the controller, and how the runtime treats a key that fails.
#[tokio::test]
async fn five_workers_and_ten_retries() {
    let world = World::new().await;
    world.operator.idle().await;
    let status = world.operator.status("ingress").await.unwrap();
    assert_eq!((status.concurrency, status.max_retries), (5, Some(10)));
    world.stop().await;
}

//
#[tokio::test]
async fn a_service_is_handled_as_often_as_it_changes() {
    let world = World::new().await;
    world.create("web", &ASKS, &[("", 80)]).await;
    for path in ["/a", "/b", "/c"] {
        world.annotate("web", json!({"ingress/path": path})).await;
        let follows = async || {
            let ingress = world.ingresses.get_opt("web").await.unwrap()?;
            let rule = ingress.spec?.rules?.remove(0);
            (rule.http?.paths[0].path.as_deref() == Some(path)).then_some(())
        };
        world.env.eventually(&format!("path {path}"), follows).await;
    }
    world.stop().await;
}

//
#[tokio::test]
async fn it_stops_clean_when_asked() {
    let world = World::new().await;
    world.create("web", &ASKS, &[("", 80)]).await;
    world.ingress("web").await;
    world.operator.stop().await.expect("a clean stop");
    world.env.stop().await;
}

// Beyond the seed: host template, class, path and TLS secret per Service.
#[tokio::test]
async fn annotations_choose_host_class_path_and_certificate() {
    let options =
        Options { host: "{name}.{namespace}.{domain}".into(), domain: "corp.test".into(), ..Options::default() };
    let world = World::with(options).await;
    let extra = [ASKS[0], ("ingress/path", "/api"), ("ingress/class", "traefik"), ("ingress/tls-secret", "cert")];
    world.create("web", &extra, &[("", 80)]).await;
    let spec = world.ingress("web").await.spec.unwrap();
    let host = format!("web.{}.corp.test", world.env.namespace());
    assert_eq!(spec.ingress_class_name.as_deref(), Some("traefik"));
    assert_eq!(spec.tls.unwrap()[0].hosts.as_deref(), Some(std::slice::from_ref(&host)));
    let rule = &spec.rules.unwrap()[0];
    assert_eq!(rule.host.as_ref(), Some(&host));
    assert_eq!(rule.http.as_ref().unwrap().paths[0].path.as_deref(), Some("/api"));
    world.stop().await;
}

// Beyond the seed: duplicate hosts are reported.
#[tokio::test]
async fn two_services_on_the_same_host_and_path_are_reported() {
    let world = World::new().await;
    let host = format!("{}.test", world.env.namespace());
    world.create("one", &[ASKS[0], ("ingress/host", &host)], &[("", 80)]).await;
    world.ingress("one").await;
    world.create("two", &[ASKS[0], ("ingress/host", &host)], &[("", 80)]).await;
    let message = world.warning("two", "DuplicateHost").await;
    assert!(message.contains(&host) && message.contains("one"), "{message}");
    world.stop().await;
}

// Beyond the seed: drift of our fields is repaired, what others added survives.
#[tokio::test]
async fn our_fields_are_repaired_and_foreign_annotations_survive() {
    let world = World::new().await;
    world.create("web", &ASKS, &[("", 80)]).await;
    world.ingress("web").await;
    let drift =
        json!({"metadata": {"annotations": {"cert-manager.io/issuer": "x"}}, "spec": {"ingressClassName": "other"}});
    world.ingresses.patch("web", &PatchParams::default(), &Patch::Merge(drift)).await.unwrap();
    let repaired = async || {
        let ingress = world.ingresses.get("web").await.unwrap();
        (ingress.spec.as_ref()?.ingress_class_name.as_deref() == Some("nginx")).then_some(ingress)
    };
    let ingress = world.env.eventually("the class repaired", repaired).await;
    assert_eq!(ingress.annotations().get("cert-manager.io/issuer").map(String::as_str), Some("x"));
    world.stop().await;
}
