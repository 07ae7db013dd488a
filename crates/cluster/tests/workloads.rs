//! What the workload controllers promise. On a real cluster (`KUBEWRIGHT_TEST_KUBECONFIG`) the same tests say what
//! kube-controller-manager does; the pods are run by the test, as no cluster of the tests has nodes.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use kubewright_runtime::{Context, Controller, Error, Outcome, Reconciler, Watch};
use kubewright_testing::{Operator, TestEnv};
use serde_json::{Value, json};

/// Has pods running and ready as soon as they are there, unless the annotation `broken` says otherwise.
struct Runner;

impl Reconciler for Runner {
    type Object = Pod;

    async fn reconcile(&self, pod: Arc<Pod>, ctx: &Context) -> Result<Outcome, Error> {
        if pod.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        let ready = if pod.annotations().contains_key("broken") { "False" } else { "True" };
        let since = pod.metadata.creation_timestamp.clone();
        ctx.set_status(&json!({
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}],
        }))
        .await?;
        Ok(Outcome::Settled)
    }
}

struct World {
    env: TestEnv,
    client: Client,
    runner: Operator,
    deployments: Api<Deployment>,
    sets: Api<ReplicaSet>,
    pods: Api<Pod>,
}

impl World {
    async fn new() -> Self {
        let env = TestEnv::start().await.unwrap();
        let (client, namespace) = (env.client(), env.namespace().to_string());
        let watched = namespace.clone();
        let runner = env.operator(move |manager| {
            let pods = Watch::<Pod>::all().namespace(watched.clone());
            manager.controller(Controller::new("runner", pods, Runner).writes_status())
        });
        let (deployments, sets, pods) = (
            Api::namespaced(client.clone(), &namespace),
            Api::namespaced(client.clone(), &namespace),
            Api::namespaced(client.clone(), &namespace),
        );
        Self { env, client, runner, deployments, sets, pods }
    }

    async fn stop(self) {
        self.runner.stop().await.unwrap();
        self.env.stop().await;
    }

    async fn create(&self, spec: Value) -> Deployment {
        let deployment = json!({
            "metadata": {"name": "web", "labels": {"team": "a"}, "annotations": {"note": "x"}}, "spec": spec,
        });
        self.deployments.create(&PostParams::default(), &serde_json::from_value(deployment).unwrap()).await.unwrap()
    }

    async fn patch(&self, patch: Value) {
        self.deployments.patch("web", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Waits until the roll-out is through: observed, all pods new and available.
    async fn rolled_out(&self) -> Deployment {
        self.env
            .eventually("a roll-out", async || {
                let deployment = self.deployments.get("web").await.unwrap();
                let status = deployment.status.clone().unwrap_or_default();
                let wanted = deployment.spec.as_ref().unwrap().replicas.unwrap();
                let counts = [status.replicas, status.updated_replicas, status.available_replicas];
                let there = counts.iter().all(|count| count.unwrap_or_default() == wanted);
                let observed = status.observed_generation == deployment.metadata.generation;
                let settled = status.terminating_replicas.unwrap_or_default() == 0;
                let progressed = status.conditions.iter().flatten().any(|condition| {
                    condition.type_ == "Progressing" && condition.reason.as_deref() == Some("NewReplicaSetAvailable")
                });
                (there && observed && settled && progressed).then_some(deployment)
            })
            .await
    }

    async fn sets(&self) -> Vec<ReplicaSet> {
        let mut sets = self.sets.list(&ListParams::default()).await.unwrap().items;
        let revision = |set: &ReplicaSet| {
            let revision = set.annotations().get("deployment.kubernetes.io/revision");
            revision.and_then(|revision| revision.parse::<i64>().ok())
        };
        sets.sort_by_key(revision);
        sets
    }

    async fn events(&self, reason: &str) -> Vec<String> {
        let events = Api::<Event>::namespaced(self.client.clone(), self.env.namespace());
        let events = events.list(&ListParams::default().fields(&format!("reason={reason}"))).await.unwrap().items;
        events.into_iter().filter_map(|event| event.message).collect()
    }
}

fn spec(replicas: i32, image: &str) -> Value {
    json!({
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": image}]}},
    })
}

fn image(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}})
}

/// What stays when names, ids, hashes and times are taken out.
fn shape<K: serde::Serialize>(object: &K) -> Value {
    let mut value = serde_json::to_value(object).unwrap();
    let hash = value["metadata"]["labels"]["pod-template-hash"].as_str().map(str::to_string);
    let metadata = value["metadata"].as_object_mut().unwrap();
    for name in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace", "name"] {
        metadata.remove(name);
    }
    for owner in metadata.get_mut("ownerReferences").and_then(Value::as_array_mut).into_iter().flatten() {
        owner.as_object_mut().unwrap().remove("uid");
    }
    for condition in value.pointer_mut("/status/conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        let condition = condition.as_object_mut().unwrap();
        condition.remove("lastTransitionTime");
        condition.remove("lastUpdateTime");
    }
    match hash {
        Some(hash) => serde_json::from_str(&value.to_string().replace(&hash, "HASH")).unwrap(),
        None => value,
    }
}

#[tokio::test]
async fn a_deployment_gets_its_replica_set_and_its_pods() {
    let world = World::new().await;
    world.create(spec(2, "app:1")).await;
    let deployment = world.rolled_out().await;
    let set = world.sets().await.remove(0);
    assert!(set.name_any().starts_with("web-"));
    let mut set_shape = shape(&set);
    let spec = set_shape["spec"].take();
    assert_eq!(
        set_shape["metadata"],
        json!({
            "generation": 1,
            "labels": {"app": "web", "pod-template-hash": "HASH"},
            "annotations": {
                "deployment.kubernetes.io/desired-replicas": "2", "deployment.kubernetes.io/max-replicas": "3",
                "deployment.kubernetes.io/revision": "1", "note": "x",
            },
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true,
                "blockOwnerDeletion": true,
            }],
        })
    );
    assert_eq!(spec["selector"], json!({"matchLabels": {"app": "web", "pod-template-hash": "HASH"}}));
    assert_eq!(spec["template"]["metadata"]["labels"], json!({"app": "web", "pod-template-hash": "HASH"}));
    assert_eq!(
        set_shape["status"],
        json!({
            "replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "terminatingReplicas": 0, "observedGeneration": 1,
        })
    );

    let pods = world.pods.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(pods.len(), 2);
    let prefix = format!("{}-", set.name_any());
    for pod in &pods {
        assert!(pod.name_any().starts_with(&prefix));
        assert_eq!(pod.metadata.generate_name.as_ref(), Some(&prefix));
        let owner = &pod.metadata.owner_references.as_ref().unwrap()[0];
        assert_eq!((owner.kind.as_str(), owner.controller), ("ReplicaSet", Some(true)));
        assert_eq!(owner.block_owner_deletion, Some(true));
    }

    assert_eq!(deployment.annotations()["deployment.kubernetes.io/revision"], "1");
    let mut status = shape(&deployment)["status"].take();
    status["conditions"].as_array_mut().unwrap().sort_by_key(|condition| condition["type"].to_string());
    let message = format!("ReplicaSet \"{}\" has successfully progressed.", set.name_any());
    assert_eq!(
        status,
        json!({
            "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "terminatingReplicas": 0,
            "conditions": [
                {
                    "type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
                    "message": "Deployment has minimum availability.",
                },
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": message},
            ],
        })
    );
    let scaled = format!("Scaled up replica set {} from 0 to 2", set.name_any());
    world
        .env
        .eventually("the event", async || world.events("ScalingReplicaSet").await.contains(&scaled).then_some(()))
        .await;
    world.stop().await;
}

#[tokio::test]
async fn a_new_template_rolls_out_and_can_be_taken_back() {
    let world = World::new().await;
    world.create(spec(3, "app:1")).await;
    world.rolled_out().await;
    world.patch(image("app:2")).await;
    world.rolled_out().await;
    let sets = world.sets().await;
    let counts: Vec<_> = sets.iter().map(|set| set.spec.as_ref().unwrap().replicas.unwrap()).collect();
    assert_eq!(counts, [0, 3]);
    let pods = world.pods.list(&ListParams::default()).await.unwrap().items;
    assert!(pods.iter().all(|pod| pod.spec.as_ref().unwrap().containers[0].image.as_deref() == Some("app:2")));

    world.patch(image("app:1")).await;
    let deployment = world.rolled_out().await;
    assert_eq!(deployment.annotations()["deployment.kubernetes.io/revision"], "3");
    let first = world.sets().await.pop().unwrap();
    assert_eq!(first.name_any(), sets[0].name_any(), "the ReplicaSet of the template is used again");
    assert_eq!(first.annotations()["deployment.kubernetes.io/revision-history"], "1");
    world.stop().await;
}

#[tokio::test]
async fn a_template_that_does_not_work_stops_before_it_does_harm() {
    let world = World::new().await;
    world.create(spec(4, "app:1")).await;
    world.rolled_out().await;
    let mut broken = image("app:2");
    broken["spec"]["template"]["metadata"] = json!({"annotations": {"broken": "yes"}});
    world.patch(broken).await;
    let status = world
        .env
        .eventually("a roll-out that is stuck", async || {
            let status = world.deployments.get_status("web").await.unwrap().status.unwrap();
            (status.updated_replicas == Some(2) && status.replicas == Some(5)).then_some(status)
        })
        .await;
    assert_eq!((status.available_replicas, status.unavailable_replicas), (Some(3), Some(2)));
    world.stop().await;
}

#[tokio::test]
async fn recreate_and_scale() {
    let world = World::new().await;
    let mut recreate = spec(2, "app:1");
    recreate["strategy"] = json!({"type": "Recreate"});
    world.create(recreate).await;
    world.rolled_out().await;
    world.patch(image("app:2")).await;
    world.rolled_out().await;
    world.patch(json!({"spec": {"replicas": 5}})).await;
    world.rolled_out().await;
    world.patch(json!({"spec": {"replicas": 1}})).await;
    world.rolled_out().await;
    let set = world.sets().await.pop().unwrap();
    assert_eq!(set.annotations()["deployment.kubernetes.io/desired-replicas"], "1");
    assert_eq!(world.pods.list(&ListParams::default()).await.unwrap().items.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn a_pod_that_goes_comes_back_and_one_that_no_longer_matches_is_let_go() {
    let world = World::new().await;
    world.create(spec(2, "app:1")).await;
    world.rolled_out().await;
    let pods = world.pods.list(&ListParams::default()).await.unwrap().items;
    world.pods.delete(&pods[0].name_any(), &DeleteParams::default()).await.unwrap();
    let relabel = Patch::Merge(json!({"metadata": {"labels": {"app": "other"}}}));
    world.pods.patch(&pods[1].name_any(), &PatchParams::default(), &relabel).await.unwrap();
    world
        .env
        .eventually("the pod without an owner", async || {
            let pod = world.pods.get(&pods[1].name_any()).await.unwrap();
            pod.metadata.owner_references.is_none_or(|owners| owners.is_empty()).then_some(())
        })
        .await;
    world
        .env
        .eventually("two others", async || {
            let selected = ListParams::default().labels("app=web");
            let pods = world.pods.list(&selected).await.unwrap().items;
            (pods.len() == 2 && pods.iter().all(|pod| pod.name_any() != "x")).then_some(())
        })
        .await;
    world.rolled_out().await;
    world.stop().await;
}

#[tokio::test]
async fn an_orphan_that_matches_is_adopted() {
    let world = World::new().await;
    let labels: BTreeMap<String, String> = [("app".to_string(), "web".to_string())].into();
    let orphan = json!({
        "metadata": {"name": "orphan", "labels": labels}, "spec": {"containers": [{"name": "main", "image": "app:1"}]},
    });
    world.pods.create(&PostParams::default(), &serde_json::from_value(orphan).unwrap()).await.unwrap();
    let set = json!({
        "metadata": {"name": "web"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": spec(1, "app:1")["template"]},
    });
    world.sets.create(&PostParams::default(), &serde_json::from_value(set).unwrap()).await.unwrap();
    world
        .env
        .eventually("one ready pod", async || {
            let status = world.sets.get("web").await.unwrap().status?;
            (status.ready_replicas == Some(1)).then_some(())
        })
        .await;
    let pods = world.pods.list(&ListParams::default()).await.unwrap().items;
    assert_eq!((pods.len(), pods[0].name_any().as_str()), (1, "orphan"));
    assert_eq!(pods[0].metadata.owner_references.as_ref().unwrap()[0].name, "web");
    world.stop().await;
}

#[tokio::test]
async fn a_stateful_set_goes_up_and_over_in_order() {
    let world = World::new().await;
    let client = world.client.clone();
    let sets = Api::<k8s_openapi::api::apps::v1::StatefulSet>::namespaced(client.clone(), world.env.namespace());
    let claims = Api::<k8s_openapi::api::core::v1::PersistentVolumeClaim>::namespaced(client, world.env.namespace());
    let mut spec = spec(2, "db:1");
    spec["serviceName"] = json!("db");
    spec["volumeClaimTemplates"] = json!([{
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }]);
    let set = json!({"metadata": {"name": "db"}, "spec": spec});
    sets.create(&PostParams::default(), &serde_json::from_value(set).unwrap()).await.unwrap();
    let settled = async || {
        world
            .env
            .eventually("a settled StatefulSet", async || {
                let set = sets.get("db").await.unwrap();
                let status = set.status.clone()?;
                let wanted = set.spec.as_ref()?.replicas;
                let counts = [status.updated_replicas, status.available_replicas, status.current_replicas];
                let there = status.replicas == wanted? && counts.iter().all(|count| *count == wanted);
                (there && status.observed_generation == set.metadata.generation).then_some(set)
            })
            .await
    };
    let set = settled().await;
    let status = set.status.unwrap();
    assert_eq!(status.current_revision, status.update_revision);
    assert_eq!(status.collision_count, Some(0));

    let pod = world.pods.get("db-1").await.unwrap();
    let revision = status.update_revision.clone().unwrap();
    assert_eq!(
        json!(pod.labels()),
        json!({
            "app": "web", "apps.kubernetes.io/pod-index": "1", "controller-revision-hash": revision,
            "statefulset.kubernetes.io/pod-name": "db-1",
        })
    );
    let pod_spec = pod.spec.unwrap();
    assert_eq!((pod_spec.hostname.as_deref(), pod_spec.subdomain.as_deref()), (Some("db-1"), Some("db")));
    let volume = &pod_spec.volumes.unwrap()[0];
    assert_eq!(volume.persistent_volume_claim.as_ref().unwrap().claim_name, "data-db-1");
    assert_eq!(claims.get("data-db-1").await.unwrap().labels().get("app").map(String::as_str), Some("web"));

    let update = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "db:2"}]}}}});
    sets.patch("db", &PatchParams::default(), &Patch::Merge(update)).await.unwrap();
    let updated = settled().await.status.unwrap();
    assert_ne!(updated.update_revision.as_ref(), Some(&revision));
    sets.patch("db", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 1}}))).await.unwrap();
    settled().await;
    let names: Vec<String> =
        world.pods.list(&ListParams::default()).await.unwrap().iter().map(|pod| pod.name_any()).collect();
    assert_eq!(names, ["db-0"]);
    assert!(claims.get_opt("data-db-1").await.unwrap().is_some(), "its data stays");
    world.stop().await;
}

#[tokio::test]
async fn the_pods_behind_a_service_are_in_its_endpoint_slice() {
    let world = World::new().await;
    let namespace = world.env.namespace();
    let services = Api::<k8s_openapi::api::core::v1::Service>::namespaced(world.client.clone(), namespace);
    let slices = Api::<k8s_openapi::api::discovery::v1::EndpointSlice>::namespaced(world.client.clone(), namespace);
    let service = json!({
        "metadata": {"name": "web", "labels": {"team": "a"}},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "serve"}]},
    });
    services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
    let selected = ListParams::default().labels("kubernetes.io/service-name=web");
    let slice_where = async |wanted: &dyn Fn(&Value) -> bool| {
        world
            .env
            .eventually("the endpoint slice", async || {
                let mut items = slices.list(&selected).await.unwrap().items;
                let slice = (items.len() == 1).then(|| serde_json::to_value(items.remove(0)).unwrap())?;
                wanted(&slice).then_some(slice)
            })
            .await
    };
    slice_where(&|slice| slice["endpoints"].as_array().is_none_or(Vec::is_empty)).await;

    let node = format!("node-of-{namespace}");
    let nodes = Api::<k8s_openapi::api::core::v1::Node>::all(world.client.clone());
    let zone = json!({"metadata": {"name": node, "labels": {"topology.kubernetes.io/zone": "east"}}});
    nodes.create(&PostParams::default(), &serde_json::from_value(zone).unwrap()).await.unwrap();
    let ports = json!([{"name": "serve", "containerPort": 8080}]);
    let pod = json!({
        "metadata": {"name": "one", "labels": {"app": "web"}},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "app:1", "ports": ports}]},
    });
    let pod = world.pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let address = json!({"status": {"podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}]}});
    world.pods.patch_status("one", &PatchParams::default(), &Patch::Merge(address)).await.unwrap();
    let slice = slice_where(&|slice| slice["endpoints"][0]["conditions"]["ready"] == json!(true)).await;
    assert_eq!(
        slice["endpoints"],
        json!([{
            "addresses": ["10.1.2.3"], "conditions": {"ready": true, "serving": true, "terminating": false},
            "nodeName": node, "zone": "east",
            "targetRef": {"kind": "Pod", "name": "one", "namespace": namespace, "uid": pod.uid()},
        }])
    );
    assert_eq!(slice["ports"], json!([{"name": "http", "port": 8080, "protocol": "TCP"}]));
    assert_eq!(slice["addressType"], "IPv4");
    assert_eq!(
        slice["metadata"]["labels"],
        json!({
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": "web", "team": "a",
        })
    );
    let owner = &slice["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["name"], &owner["controller"]),
        (&json!("Service"), &json!("web"), &json!(true))
    );

    let unready = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    let annotate = json!({"metadata": {"annotations": {"broken": "yes"}}});
    world.pods.patch("one", &PatchParams::default(), &Patch::Merge(annotate)).await.unwrap();
    world.pods.patch_status("one", &PatchParams::default(), &Patch::Strategic(unready)).await.unwrap();
    slice_where(&|slice| slice["endpoints"][0]["conditions"]["ready"] == json!(false)).await;
    world.pods.delete("one", &DeleteParams::default().grace_period(0)).await.unwrap();
    slice_where(&|slice| slice["endpoints"].as_array().is_none_or(Vec::is_empty)).await;
    nodes.delete(&node, &DeleteParams::default()).await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn a_daemon_set_has_a_pod_on_each_node_that_fits() {
    let world = World::new().await;
    let namespace = world.env.namespace().to_string();
    let nodes = Api::<k8s_openapi::api::core::v1::Node>::all(world.client.clone());
    let names = [format!("one-of-{namespace}"), format!("two-of-{namespace}")];
    for name in &names {
        let node = json!({"metadata": {"name": name, "labels": {"of": namespace}}});
        nodes.create(&PostParams::default(), &serde_json::from_value(node).unwrap()).await.unwrap();
    }
    let mut spec = spec(1, "agent:1");
    spec.as_object_mut().unwrap().remove("replicas");
    spec["template"]["spec"]["nodeSelector"] = json!({"of": namespace});
    spec["template"]["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    let sets = Api::<k8s_openapi::api::apps::v1::DaemonSet>::namespaced(world.client.clone(), &namespace);
    let set = json!({"metadata": {"name": "agent"}, "spec": spec});
    sets.create(&PostParams::default(), &serde_json::from_value(set).unwrap()).await.unwrap();
    let settled = async |wanted: i32| {
        world
            .env
            .eventually("a settled DaemonSet", async || {
                let set = sets.get("agent").await.unwrap();
                let status = set.status.clone()?;
                let counts = [status.updated_number_scheduled, status.number_available];
                let there =
                    status.desired_number_scheduled == wanted && counts.iter().all(|count| *count == Some(wanted));
                (there && status.observed_generation == set.metadata.generation).then_some(set)
            })
            .await
    };
    let set = settled(2).await;
    assert_eq!(
        shape(&set)["status"],
        json!({
            "currentNumberScheduled": 2, "desiredNumberScheduled": 2, "numberMisscheduled": 0, "numberReady": 2,
            "numberAvailable": 2, "updatedNumberScheduled": 2, "observedGeneration": 1,
        })
    );
    let pods = world.pods.list(&ListParams::default()).await.unwrap().items;
    let pod = serde_json::to_value(&pods[0]).unwrap();
    let terms = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let field = &terms["nodeSelectorTerms"][0]["matchFields"][0];
    assert_eq!((&field["key"], &field["operator"]), (&json!("metadata.name"), &json!("In")));
    assert_eq!(pod["metadata"]["labels"]["pod-template-generation"], "1");
    let hash = pod["metadata"]["labels"]["controller-revision-hash"].clone();

    let update = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "agent:2"}]}}}});
    sets.patch("agent", &PatchParams::default(), &Patch::Merge(update)).await.unwrap();
    settled(2).await;
    let pods = world.pods.list(&ListParams::default()).await.unwrap().items;
    assert!(pods.iter().all(|pod| json!(pod.labels()["controller-revision-hash"]) != hash));
    for name in &names {
        nodes.delete(name, &DeleteParams::default()).await.unwrap();
    }
    world.stop().await;
}
