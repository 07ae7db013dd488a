//! What the DataService operator promises, each line by its number in the acceptance checklist.
//!
//! The tests run on the embedded control plane, or, with `KUBEWRIGHT_TEST_KUBECONFIG`, on a real cluster with its controller
//! manager. The pods are run by the test, as no cluster of the tests has nodes.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kubewright::k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kubewright::k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service};
use kubewright::kube::ResourceExt;
use kubewright::kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kubewright_dataservice::DataService;
use serde_json::{Value, json};

use common::{RUNNING, ThirdPartyServer, World, count, create, sample, small};

const CHECKSUM: &str = "kubewright.dev/config-checksum";

fn template_checksum(deployment: &Deployment) -> Option<String> {
    let template = deployment.spec.as_ref()?.template.metadata.as_ref()?;
    template.annotations.as_ref()?.get(CHECKSUM).cloned()
}

fn image(deployment: &Deployment) -> String {
    deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap().containers[0].image.clone().unwrap()
}

//
#[tokio::test]
async fn the_sample_gives_exactly_the_objects_of_the_table() {
    let world = World::new().await;
    let third_party = ThirdPartyServer::start().await;
    world.apply(&sample(world.env.namespace(), &third_party)).await.unwrap();
    let service = world.ready("dataservice-sample").await;

    let children = world.children("dataservice-sample").await;
    let counts = BTreeMap::from([("Deployment", 10), ("StatefulSet", 1), ("Service", 11), ("ConfigMap", 13)]);
    assert_eq!(count(&children), counts);
    assert_eq!(children.len(), 35);
    let workloads: BTreeSet<&str> = RUNNING.into();
    let named = |kind: &str| children.iter().filter(|child| child.0 == kind).map(|child| child.1.as_str()).collect();
    let services: BTreeSet<&str> = named("Service");
    assert_eq!(services, workloads, "uuc is run by a third party and has none");
    let mut deployments: BTreeSet<&str> = named("Deployment");
    deployments.insert("mysql-dataservice");
    assert_eq!(deployments, workloads);

    let ports = [
        ("mysql-dataservice", 3306, None),
        ("eureka", 8761, Some(30161)),
        ("api-manager", 9085, None),
        ("auth", 9081, None),
        ("ds-adapter", 9086, None),
        ("es-adapter", 9087, None),
        ("trd-adapter", 9088, None),
        ("gateway-master", 9184, None),
        ("gateway-web", 9084, None),
        ("proxy", 9094, None),
        ("web", 80, Some(30160)),
    ];
    for (name, port, node_port) in ports {
        let spec = world.get::<Service>(name).await.spec.unwrap();
        let kind = if node_port.is_some() { "NodePort" } else { "ClusterIP" };
        assert_eq!(spec.type_.as_deref(), Some(kind), "{name}");
        let ports = spec.ports.unwrap();
        assert_eq!((ports.len(), ports[0].port, ports[0].node_port), (1, port, node_port), "{name}");
    }
    let configs = [
        ("mysql-dataservice", 1),
        ("mysql-dataservice-init", 6),
        ("api-manager", 1),
        ("auth", 1),
        ("ds-adapter", 1),
        ("es-adapter", 1),
        ("trd-adapter", 1),
        ("trd-adapter-py", 1),
        ("gateway-master", 1),
        ("gateway-web", 1),
        ("proxy", 1),
        ("web", 1),
        ("web-template", 1),
    ];
    for (name, keys) in configs {
        assert_eq!(world.get::<ConfigMap>(name).await.data.unwrap().len(), keys, "{name}");
    }
    let text = world.get::<ConfigMap>("api-manager").await.data.unwrap()["application.yml"].clone();
    let application: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(application["server"]["port"], 9085);
    assert_eq!(application["spring"]["datasource"]["url"], "jdbc:mysql://mysql-dataservice:3306/api_manager");
    assert_eq!(application["eureka"]["client"]["serviceUrl"]["defaultZone"], "http://eureka:8761/eureka/");
    assert_eq!(application["uuc"]["url"], third_party.url());

    let deployment = world.get::<Deployment>("api-manager").await;
    assert_eq!(image(&deployment), "registry.example.com/dataservice/api-manager:v1.4");
    let spec = deployment.spec.unwrap();
    assert_eq!(spec.replicas, Some(1));
    let env = spec.template.spec.unwrap().containers[0].env.clone().unwrap();
    assert!(env.iter().any(|env| env.name == "writer" && env.value.as_deref() == Some("example")));

    let status = service.status.unwrap();
    assert_eq!(
        (status.observed_generation, status.components.as_deref()),
        (service.metadata.generation, Some("12/12"))
    );
    let kinds: Vec<&str> = status.conditions.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(kinds[..5], ["Ready", "Progressing", "Degraded", "MysqlReady", "UucReady"]);
    assert_eq!(kinds.len(), 15, "one for each component, and three for all");
    world.delete("dataservice-sample").await;
    world.nothing_left("dataservice-sample").await;
    world.stop().await;
}

//
#[tokio::test]
async fn middleware_of_third_parties_gets_no_workload_and_is_probed() {
    let world = World::new().await;
    let third_party = ThirdPartyServer::start().await;
    third_party.set_up(false);
    let mut service = small(world.env.namespace(), "a");
    let port = third_party.url().rsplit_once(':').unwrap().1.trim_end_matches("/duc").to_string();
    service["spec"]["mysql"] = json!({
        "name": "db", "kind": 3,
        "thirdParty": {"url": format!("mysql://127.0.0.1:{port}"), "checkCMD": "rm -rf /", "username": "ds", "password": "first"},
    });
    service["spec"]["uuc"] = json!({"name": "uuc", "kind": "ThirdParty", "thirdParty": {"url": third_party.url()}});
    service["spec"]["eureka"] = json!({"name": "eureka", "thirdParty": {"url": "http://eureka.invalid/", "check": format!("127.0.0.1:{port}")}});
    world.apply(&service).await.unwrap();
    let waiting = world.reason("a", "UucReady", "RollingOut").await;
    assert!(waiting.message.contains("does not answer: the answer is 503"), "{}", waiting.message);
    assert_eq!(world.reason("a", "AuthReady", "Waiting").await.message, "waits for wave middleware");
    assert!(world.names::<Deployment>().await.is_empty() && world.names::<StatefulSet>().await.is_empty());
    assert!(world.names::<ConfigMap>().await.is_empty() && world.names::<Service>().await.is_empty());
    third_party.set_up(true);
    world.ready("a").await;
    assert_eq!(world.names::<Deployment>().await, ["a-auth", "a-gateway-web", "a-web"]);

    // Passwords are in Secrets, and nowhere else.
    let secret = world.get::<Secret>("db-credentials").await.data.unwrap();
    assert_eq!(
        (secret["username"].0.as_slice(), secret["password"].0.as_slice()),
        (b"ds".as_slice(), b"first".as_slice())
    );
    let auth = world.get::<Deployment>("a-auth").await;
    let text = serde_json::to_string(&auth).unwrap()
        + &serde_json::to_string(&world.get::<ConfigMap>("a-auth").await).unwrap();
    assert!(!text.contains("first"));
    let env = auth.spec.as_ref().unwrap().template.spec.as_ref().unwrap().containers[0].env.clone().unwrap();
    let reference = env.iter().find(|env| env.name == "MYSQL_PASSWORD").unwrap().value_from.clone().unwrap();
    assert_eq!(reference.secret_key_ref.unwrap().name, "db-credentials");

    // A new password rolls the pods that read it.
    let before = template_checksum(&auth);
    world.change("a", json!({"mysql": {"thirdParty": {"password": "second"}}})).await;
    world
        .env
        .eventually("the pods roll", async || {
            let after = template_checksum(&world.get::<Deployment>("a-auth").await);
            (after.is_some() && after != before).then_some(())
        })
        .await;
    world.ready("a").await;

    // Lost later: told, and nothing is torn down.
    third_party.set_up(false);
    let lost = world.reason("a", "UucReady", "Lost").await;
    assert!(lost.message.contains("does not answer: the answer is 503") && lost.status == "False", "{lost:?}");
    let degraded = world.reason("a", "Degraded", "ComponentLost").await;
    assert!(degraded.status == "True" && degraded.message.contains("uuc"), "{degraded:?}");
    let told = async || world.warnings("ComponentLost").await.pop();
    assert!(world.env.eventually("a warning", told).await.contains("does not answer"));
    assert_eq!(world.names::<Deployment>().await, ["a-auth", "a-gateway-web", "a-web"]);
    // Changes wait for it, and go on when it is back.
    world.change("a", json!({"web": {"replica": 2}})).await;
    world.reason("a", "WebReady", "ChangesWait").await;
    assert_eq!(world.get::<Deployment>("a-web").await.spec.unwrap().replicas, Some(1));
    third_party.set_up(true);
    world.ready("a").await;
    assert_eq!(world.get::<Deployment>("a-web").await.spec.unwrap().replicas, Some(2));
    assert_eq!(world.condition("a", "Degraded").await.unwrap().status, "False");
    world.stop().await;
}

//
#[tokio::test]
async fn two_in_a_namespace_do_not_mix() {
    let world = World::new().await;
    let namespace = world.env.namespace();
    let mut other = small(namespace, "b");
    other["spec"]["auth"]["image"] = json!("auth:other");
    other["spec"]["auth"]["port"] = json!(1234);
    world.apply(&small(namespace, "a")).await.unwrap();
    world.apply(&other).await.unwrap();
    world.ready("a").await;
    world.ready("b").await;
    assert_eq!(
        world.names::<Deployment>().await,
        ["a-auth", "a-gateway-web", "a-web", "b-auth", "b-gateway-web", "b-web"]
    );
    assert_eq!(image(&world.get::<Deployment>("a-auth").await), "auth:v1");
    assert_eq!(image(&world.get::<Deployment>("b-auth").await), "auth:other");
    let selects = world.get::<Service>("a-auth").await.spec.unwrap().selector.unwrap();
    assert_eq!(selects["app.kubernetes.io/instance"], "a", "a Service has the pods of its own DataService only");
    let children = world.children("a").await;
    world.delete("b").await;
    world.nothing_left("b").await;
    assert_eq!(world.children("a").await, children);

    // With the names of the first, the third gets nothing of what is taken, and touches nothing.
    let mut third = small(namespace, "c");
    for (component, name) in
        [("mysql", "a-mysql"), ("auth", "a-auth"), ("gateway-web", "a-gateway-web"), ("web", "a-web")]
    {
        third["spec"][component]["name"] = json!(name);
    }
    world.apply(&third).await.unwrap();
    let taken = world.reason("c", "MysqlReady", "NameTaken").await;
    assert!(
        taken.message.contains("a-mysql") && taken.message.contains("controlled by DataService a"),
        "{}",
        taken.message
    );
    let degraded = world.condition("c", "Degraded").await.unwrap();
    assert_eq!((degraded.status.as_str(), degraded.reason.as_str()), ("True", "ComponentFailed"));
    assert_eq!(world.children("a").await, children);
    assert!(world.children("c").await.is_empty());
    world
        .env
        .eventually("a warning", async || (!world.warnings("ComponentFailed").await.is_empty()).then_some(()))
        .await;
    world.delete("a").await;
    world.ready("c").await;
    world.delete("c").await;
    world.nothing_left("c").await;
    world.stop().await;
}

//
#[tokio::test]
async fn middleware_comes_first_then_services_then_the_web() {
    let world = World::new().await;
    let mut service = small(world.env.namespace(), "a");
    service["spec"]["mysql"]["image"] = json!("mysql:broken");
    service["spec"]["auth"]["image"] = json!("auth:broken");
    world.apply(&service).await.unwrap();
    world.env.eventually("the pod", async || world.api::<Pod>().get_opt("a-mysql-0").await.unwrap()).await;
    let mysql = world.reason("a", "MysqlReady", "RollingOut").await;
    assert!(mysql.message.contains("StatefulSet a-mysql: 0 of 1 replicas are ready"), "{}", mysql.message);
    world.reason("a", "AuthReady", "Waiting").await;
    let progressing = world.condition("a", "Progressing").await.unwrap();
    assert_eq!((progressing.status.as_str(), progressing.reason.as_str()), ("True", "RollingOut"));
    assert_eq!(world.condition("a", "Degraded").await.unwrap().status, "False");
    assert_eq!(world.services.get("a").await.unwrap().status.unwrap().wave.as_deref(), Some("middleware"));
    world.operator.idle().await;
    assert!(world.names::<Deployment>().await.is_empty(), "no service before the middleware is available");

    world.change("a", json!({"mysql": {"image": "mysql:1"}})).await;
    world
        .env
        .eventually("the StatefulSet with its new image", async || {
            let set = world.get::<StatefulSet>("a-mysql").await;
            let image = set.spec.as_ref()?.template.spec.as_ref()?.containers[0].image.as_deref();
            let seen = set.status.as_ref()?.observed_generation == set.metadata.generation;
            (image == Some("mysql:1") && seen).then_some(())
        })
        .await;
    // A StatefulSet never replaces a pod that is not ready by itself.
    world.api::<Pod>().delete("a-mysql-0", &DeleteParams::default().grace_period(0)).await.unwrap();
    world.reason("a", "AuthReady", "RollingOut").await;
    world.operator.idle().await;
    assert_eq!(world.names::<Deployment>().await, ["a-auth", "a-gateway-web"], "the web waits for all services");
    world.change("a", json!({"auth": {"image": "auth:v1"}})).await;
    world.ready("a").await;
    assert!(world.names::<Deployment>().await.contains(&"a-web".to_string()));

    let since = async |name: &str| world.get::<Deployment>(name).await.metadata.creation_timestamp.unwrap().0;
    let mysql = world.get::<StatefulSet>("a-mysql").await.metadata.creation_timestamp.unwrap().0;
    assert!(mysql <= since("a-auth").await && since("a-auth").await <= since("a-web").await);
    world.stop().await;
}

// creation and roll-out are gated, nothing is torn down.
#[tokio::test]
async fn middleware_that_is_lost_later_degrades_and_holds_changes_back() {
    let world = World::new().await;
    world.apply(&small(world.env.namespace(), "a")).await.unwrap();
    world.ready("a").await;
    let breaks = |value: Value| Patch::Merge(json!({"metadata": {"annotations": {"broken": value}}}));
    world.api::<Pod>().patch("a-mysql-0", &PatchParams::default(), &breaks(json!("yes"))).await.unwrap();
    let lost = world.reason("a", "MysqlReady", "Lost").await;
    assert_eq!(lost.status, "False");
    let degraded = world.reason("a", "Degraded", "ComponentLost").await;
    assert_eq!(degraded.status, "True");
    assert_eq!(world.reason("a", "AuthReady", "ChangesWait").await.status, "True");
    assert_eq!(world.names::<Deployment>().await, ["a-auth", "a-gateway-web", "a-web"]);

    world.change("a", json!({"auth": {"image": "auth:v2"}})).await;
    world.reason("a", "Ready", "WaveNotReady").await;
    world.operator.idle().await;
    assert_eq!(image(&world.get::<Deployment>("a-auth").await), "auth:v1", "the change waits");
    world.api::<Pod>().patch("a-mysql-0", &PatchParams::default(), &breaks(Value::Null)).await.unwrap();
    world.ready("a").await;
    assert_eq!(image(&world.get::<Deployment>("a-auth").await), "auth:v2");
    world.stop().await;
}

//
#[tokio::test]
async fn children_are_kept_repaired_and_made_again() {
    let world = World::new().await;
    world.apply(&small(world.env.namespace(), "a")).await.unwrap();
    world.ready("a").await;
    let before = world.children("a").await;
    let deleted = ["a-auth", "a-web"];
    world.api::<Service>().delete("a-auth", &DeleteParams::default()).await.unwrap();
    world.api::<ConfigMap>().delete("a-web", &DeleteParams::default()).await.unwrap();
    let drift = Patch::Merge(json!({"spec": {"replicas": 5, "template": {"spec": {"containers": [
        {"name": "gateway-web", "image": "somebody-elses:v9"},
    ]}}}, "metadata": {"annotations": {"note": "mine"}}}));
    world.api::<Deployment>().patch("a-gateway-web", &PatchParams::default(), &drift).await.unwrap();
    world
        .env
        .eventually("all is as it was", async || {
            let there = world.api::<Service>().get_opt("a-auth").await.unwrap().is_some()
                && world.api::<ConfigMap>().get_opt("a-web").await.unwrap().is_some();
            let gateway = world.get::<Deployment>("a-gateway-web").await;
            let repaired = image(&gateway) == "gateway-web:v1" && gateway.spec.as_ref().unwrap().replicas == Some(1);
            (there && repaired).then_some(())
        })
        .await;
    world.ready("a").await;
    assert_eq!(world.get::<Deployment>("a-gateway-web").await.annotations()["note"], "mine", "what others add stays");
    let after = world.children("a").await;
    let uid = |children: &[(String, String, String, String)], kind: &str, name: &str| {
        children.iter().find(|child| child.0 == kind && child.1 == name).unwrap().2.clone()
    };
    assert_eq!(count(&before), count(&after));
    for (kind, name, ..) in &before {
        let made_again = matches!((kind.as_str(), name.as_str()), ("Service", "a-auth") | ("ConfigMap", "a-web"));
        assert_eq!(uid(&before, kind, name) != uid(&after, kind, name), made_again, "{kind} {name} {deleted:?}");
    }
    world.stop().await;
}

//
#[tokio::test]
async fn image_replica_env_and_port_roll_out() {
    let world = World::new().await;
    world.apply(&small(world.env.namespace(), "a")).await.unwrap();
    world.ready("a").await;
    world
        .change("a", json!({"auth": {"image": "auth:v2", "replica": 2, "env": {"LEVEL": "debug"}, "port": 9999}}))
        .await;
    world.ready("a").await;
    let auth = world.get::<Deployment>("a-auth").await;
    assert_eq!(image(&auth), "auth:v2");
    let spec = auth.spec.unwrap();
    assert_eq!(spec.replicas, Some(2));
    let container = spec.template.spec.unwrap().containers.remove(0);
    assert!(container.env.unwrap().iter().any(|env| env.name == "LEVEL" && env.value.as_deref() == Some("debug")));
    assert_eq!(container.ports.unwrap().iter().map(|port| port.container_port).collect::<Vec<_>>(), [9999]);
    let ports = world.get::<Service>("a-auth").await.spec.unwrap().ports.unwrap();
    assert_eq!(ports.iter().map(|port| port.port).collect::<Vec<_>>(), [9999], "the old port is gone");
    assert!(world.get::<ConfigMap>("a-auth").await.data.unwrap()["application.yml"].contains("port: 9999"));
    world
        .env
        .eventually("two new pods", async || {
            let pods =
                world.api::<Pod>().list(&ListParams::default().labels("app.kubernetes.io/name=auth")).await.unwrap();
            let new = |pod: &Pod| pod.spec.as_ref().unwrap().containers[0].image.as_deref() == Some("auth:v2");
            (pods.items.len() == 2 && pods.items.iter().all(new)).then_some(())
        })
        .await;

    // Another address of the database is another configuration for all services: their pods roll.
    let before = template_checksum(&world.get::<Deployment>("a-auth").await);
    world.change("a", json!({"mysql": {"port": 3307}})).await;
    world.ready("a").await;
    let after = template_checksum(&world.get::<Deployment>("a-auth").await);
    assert!(before.is_some() && after.is_some() && before != after);

    // A component that is no longer wanted goes.
    world.change("a", json!({"gateway-web": null})).await;
    world
        .env
        .eventually("it goes", async || (world.names::<Deployment>().await == ["a-auth", "a-web"]).then_some(()))
        .await;
    world.ready("a").await;
    assert!(world.condition("a", "GatewayWebReady").await.is_none());
    assert!(!world.names::<ConfigMap>().await.iter().any(|name| name == "a-gateway-web" || name == "a-web-template"));
    world.stop().await;
}

//
#[tokio::test]
async fn ports_on_nodes_come_and_go_and_a_service_can_have_several() {
    let world = World::new().await;
    world.apply(&small(world.env.namespace(), "a")).await.unwrap();
    world.ready("a").await;
    let ports = async || {
        let spec = world.get::<Service>("a-web").await.spec.unwrap();
        let ports = spec.ports.unwrap().into_iter().map(|port| (port.name.unwrap(), port.port, port.node_port));
        (spec.type_.unwrap(), ports.collect::<Vec<_>>())
    };
    let becomes = async |kind: &str, wanted: Vec<(String, i32, Option<i32>)>| {
        world
            .env
            .eventually("the ports", async || (ports().await == (kind.into(), wanted.clone())).then_some(()))
            .await;
    };
    let http = |port, node_port| ("http".to_string(), port, node_port);
    becomes("ClusterIP", vec![http(80, None)]).await;
    world.change("a", json!({"web": {"nodePort": 30177}})).await;
    becomes("NodePort", vec![http(80, Some(30177))]).await;
    world.change("a", json!({"web": {"nodePort": 30178}})).await;
    becomes("NodePort", vec![http(80, Some(30178))]).await;
    world.change("a", json!({"web": {"nodePort": null}})).await;
    becomes("ClusterIP", vec![http(80, None)]).await;
    let several = json!([{"name": "http", "port": 80}, {"name": "admin", "port": 81, "targetPort": 8081}]);
    world.change("a", json!({"web": {"port": null, "ports": several}})).await;
    becomes("ClusterIP", vec![http(80, None), ("admin".into(), 81, None)]).await;
    world.ready("a").await;
    let containers = world.get::<Deployment>("a-web").await.spec.unwrap().template.spec.unwrap().containers;
    let targets: Vec<i32> = containers[0].ports.iter().flatten().map(|port| port.container_port).collect();
    assert_eq!(targets, [80, 8081]);
    world.stop().await;
}

//
#[tokio::test]
async fn another_kind_of_workload_takes_the_place_of_the_one_before() {
    let world = World::new().await;
    world.apply(&small(world.env.namespace(), "a")).await.unwrap();
    world.ready("a").await;
    world.change("a", json!({"mysql": {"kind": 0}})).await;
    world.env.eventually("a Deployment", async || world.api::<Deployment>().get_opt("a-mysql").await.unwrap()).await;
    let gone = async || world.names::<StatefulSet>().await.is_empty().then_some(());
    world.env.eventually("no StatefulSet", gone).await;
    world.ready("a").await;
    world.change("a", json!({"mysql": {"kind": "DaemonSet"}})).await;
    world.env.eventually("a DaemonSet", async || world.api::<DaemonSet>().get_opt("a-mysql").await.unwrap()).await;
    let gone = async || world.api::<Deployment>().get_opt("a-mysql").await.unwrap().is_none().then_some(());
    world.env.eventually("no Deployment", gone).await;
    world.ready("a").await;
    world.change("a", json!({"mysql": {"kind": 1}})).await;
    world.ready("a").await;
    assert_eq!(world.names::<StatefulSet>().await, ["a-mysql"]);
    assert!(world.names::<DaemonSet>().await.is_empty());
    world.stop().await;
}

//
#[tokio::test]
async fn deletion_removes_all_children() {
    let world = World::new().await;
    for policy in [DeleteParams::background(), DeleteParams::foreground()] {
        world.apply(&small(world.env.namespace(), "a")).await.unwrap();
        world.ready("a").await;
        world.services.delete("a", &policy).await.unwrap();
        world.nothing_left("a").await;
        let none = async || world.names::<Pod>().await.is_empty().then_some(());
        world.env.eventually("no pods", none).await;
        world
            .env
            .eventually("it is gone", async || world.services.get_opt("a").await.unwrap().is_none().then_some(()))
            .await;
    }
    world.stop().await;
}

//
#[tokio::test]
async fn a_resource_that_is_gone_before_it_is_looked_at_is_no_error() {
    let world = World::new().await;
    for round in 0..5 {
        let name = format!("short-{round}");
        world.apply(&small(world.env.namespace(), &name)).await.unwrap();
        world.delete(&name).await;
    }
    world
        .env
        .eventually("all are gone", async || {
            world.services.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(())
        })
        .await;
    world.operator.idle().await;
    assert!(world.operator.status("dataservice").await.unwrap().failing.is_empty());
    world.env.eventually("nothing is left", async || world.names::<StatefulSet>().await.is_empty().then_some(())).await;
    world.stop().await;
}

//
#[tokio::test]
async fn reads_that_fail_are_tried_again() {
    let world = World::new().await;
    world.operator.stop().await.unwrap();
    let user = world.env.user("somebody", &[]).unwrap();
    let operator = world.env.operator_as(user, |manager| {
        manager.controller(kubewright_dataservice::controller(common::options()).unwrap())
    });
    world.apply(&small(world.env.namespace(), "a")).await.unwrap();
    world
        .env
        .eventually("reads are refused", async || {
            operator
                .ready()
                .await
                .err()
                .filter(|faults| faults.iter().any(|fault| fault.contains("forbidden")))
                .map(drop)
        })
        .await;
    assert!(world.children("a").await.is_empty());
    let name = format!("reads-{}", world.env.namespace());
    let binding = json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "somebody"}],
    });
    let bindings =
        kubewright::kube::Api::<kubewright::k8s_openapi::api::rbac::v1::ClusterRoleBinding>::all(world.client.clone());
    create(&bindings, binding).await;
    world.ready("a").await;
    operator.stop().await.unwrap();
    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    world.stop().await;
}

//
#[tokio::test]
async fn the_failure_of_a_child_is_told_and_tried_again() {
    let world = World::new().await;
    let blocker = json!({"metadata": {"name": "blocker"}, "spec": {"type": "NodePort", "ports": [{"port": 1, "nodePort": 30179}]}});
    create(&world.api::<Service>(), blocker).await;
    let mut service = small(world.env.namespace(), "a");
    service["spec"]["web"]["nodePort"] = json!(30179);
    world.apply(&service).await.unwrap();
    let failed = world.reason("a", "Degraded", "ApplyFailed").await;
    let says = "a-web could not be applied: Service \"a-web\" is invalid: spec.ports[0].nodePort: Invalid value: 30179";
    assert!(failed.message.contains(says), "{}", failed.message);
    assert_eq!(world.condition("a", "Ready").await.unwrap().reason, "ApplyFailed");
    world.env.eventually("a warning", async || world.warnings("ApplyFailed").await.pop()).await;
    world.api::<Service>().delete("blocker", &DeleteParams::default()).await.unwrap();
    world.ready("a").await;
    world.delete("a").await;
    world.nothing_left("a").await;
    world.stop().await;
}

#[tokio::test]
async fn an_object_of_somebody_else_with_our_name_is_left_alone() {
    let world = World::new().await;
    let theirs =
        create(&world.api::<ConfigMap>(), json!({"metadata": {"name": "a-auth"}, "data": {"k": "theirs"}})).await;
    world.apply(&small(world.env.namespace(), "a")).await.unwrap();
    let taken = world.reason("a", "AuthReady", "NameTaken").await;
    assert!(taken.message.contains("a-auth exists and is not ours"), "{}", taken.message);
    assert_eq!(world.get::<ConfigMap>("a-auth").await, theirs);
    world.api::<ConfigMap>().delete("a-auth", &DeleteParams::default()).await.unwrap();
    world.ready("a").await;
    world.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_missing_is_named_and_waited_for() {
    let world = World::new().await;
    let mut service = small(world.env.namespace(), "a");
    service["spec"]["mysql"]["credentialsSecret"] = json!("account");
    world.apply(&service).await.unwrap();
    let missing = async |why: &str| {
        world
            .env
            .eventually(why, async || {
                let condition = world.condition("a", "MysqlReady").await?;
                condition.message.contains(why).then_some(())
            })
            .await;
    };
    missing("there is no Secret account; create it").await;
    assert!(world.names::<Deployment>().await.is_empty());
    let secret = json!({"metadata": {"name": "account"}, "stringData": {"username": "ds", "password": ""}});
    create(&world.api::<Secret>(), secret).await;
    missing("Secret account has no key \"password\", or an empty one").await;
    let set = |password: &str| Patch::Merge(json!({"stringData": {"password": password}}));
    world.api::<Secret>().patch("account", &PatchParams::default(), &set("one")).await.unwrap();
    world.ready("a").await;

    let before = template_checksum(&world.get::<Deployment>("a-auth").await);
    world.api::<Secret>().patch("account", &PatchParams::default(), &set("two")).await.unwrap();
    let after = world
        .env
        .eventually("services roll", async || {
            let after = template_checksum(&world.get::<Deployment>("a-auth").await);
            (after != before).then_some(after)
        })
        .await;
    world.ready("a").await;
    // Without its Secret nothing could start again: it is told, and no pod is touched.
    world.api::<Secret>().delete("account", &DeleteParams::default()).await.unwrap();
    world.reason("a", "MysqlReady", "Lost").await;
    world.operator.idle().await;
    assert_eq!(template_checksum(&world.get::<Deployment>("a-auth").await), after);
    world.stop().await;
}

#[tokio::test]
async fn what_only_the_operator_can_find_out_is_refused_with_a_condition_and_a_warning() {
    let world = World::new().await;
    let long = "a".repeat(50);
    let object = world.apply(&small(world.env.namespace(), &long)).await.unwrap();
    let refused = world.reason(&long, "Ready", "InvalidName").await;
    assert!(
        refused.message.contains("spec.auth.name") || refused.message.contains("spec.mysql.name"),
        "{}",
        refused.message
    );
    let warning = world.env.eventually("a warning", async || world.warnings("InvalidName").await.pop()).await;
    assert!(warning.contains("at most 52"), "{warning}");
    assert!(world.children(&object.name_any()).await.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn an_unchanged_resource_costs_no_write_not_even_after_a_restart() {
    let world = World::new().await;
    let third_party = ThirdPartyServer::start().await;
    let mut sample = sample(world.env.namespace(), &third_party);
    for component in ["eureka", "web"] {
        sample["spec"][component]["nodePort"] = Value::Null;
    }
    world.apply(&sample).await.unwrap();
    world.ready("dataservice-sample").await;
    world.operator.idle().await;
    let versions = async || {
        let service: DataService = world.services.get("dataservice-sample").await.unwrap();
        (service.resource_version(), world.children("dataservice-sample").await)
    };
    let before = versions().await;
    world.apply(&sample).await.unwrap();
    world.operator.restart().await.unwrap();
    world.operator.idle().await;
    let same = async || versions().await == before;
    world.env.consistently("nothing is written", Duration::from_millis(200), same).await;
    let records = world.operator.records();
    assert!(!records.is_empty() && records.iter().all(|record| record.writes.is_empty()), "{records:?}");
    world.stop().await;
}
