//! What the volume controllers promise. On a real cluster (`KUBEWRIGHT_TEST_KUBECONFIG`) the same tests say what
//! kube-controller-manager does.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams};
use kubewright_testing::TestEnv;
use serde_json::{Value, json};

struct World {
    env: TestEnv,
    claims: Api<PersistentVolumeClaim>,
    volumes: Api<PersistentVolume>,
    pods: Api<Pod>,
}

impl World {
    async fn new() -> Self {
        let env = TestEnv::start().await.unwrap();
        let (client, namespace) = (env.client(), env.namespace().to_string());
        let claims = Api::namespaced(client.clone(), &namespace);
        let pods = Api::namespaced(client.clone(), &namespace);
        Self { env, claims, volumes: Api::all(client), pods }
    }

    /// The name of a volume, and of a class, of this test.
    fn own(&self, name: &str) -> String {
        format!("{name}-of-{}", self.env.namespace())
    }

    async fn volume(&self, name: &str, size: &str) {
        let volume = json!({"metadata": {"name": self.own(name)}, "spec": {
            "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany"], "hostPath": {"path": "/x"},
            "storageClassName": self.own("class"), "persistentVolumeReclaimPolicy": "Retain",
        }});
        self.volumes.create(&PostParams::default(), &serde_json::from_value(volume).unwrap()).await.unwrap();
        self.volume_is(name, "Available").await;
    }

    async fn claim(&self, name: &str) {
        let claim = json!({"metadata": {"name": name}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}},
            "storageClassName": self.own("class"),
        }});
        self.claims.create(&PostParams::default(), &serde_json::from_value(claim).unwrap()).await.unwrap();
    }

    async fn volume_is(&self, name: &str, phase: &str) -> PersistentVolume {
        let name = self.own(name);
        self.env
            .eventually(&format!("{name} is {phase}"), async || {
                let volume = self.volumes.get(&name).await.unwrap();
                (volume.status.as_ref()?.phase.as_deref() == Some(phase)).then_some(volume)
            })
            .await
    }

    async fn claim_is(&self, name: &str, phase: &str) -> PersistentVolumeClaim {
        self.env
            .eventually(&format!("{name} is {phase}"), async || {
                let claim = self.claims.get(name).await.unwrap();
                (claim.status.as_ref()?.phase.as_deref() == Some(phase)).then_some(claim)
            })
            .await
    }

    async fn no_claim(&self, name: &str) {
        self.env
            .eventually("no claim", async || self.claims.get_opt(name).await.unwrap().is_none().then_some(()))
            .await;
    }
}

#[tokio::test]
async fn a_claim_gets_the_smallest_volume_that_is_large_enough() {
    let world = World::new().await;
    for (name, size) in [("large", "9Gi"), ("right", "3Gi"), ("small", "1Gi")] {
        world.volume(name, size).await;
    }
    world.claim("data").await;
    let claim = world.claim_is("data", "Bound").await;
    assert_eq!(
        json!(claim.status.as_ref().unwrap()),
        json!({"phase": "Bound", "accessModes": ["ReadWriteOnce", "ReadOnlyMany"], "capacity": {"storage": "3Gi"}})
    );
    assert_eq!(claim.spec.as_ref().unwrap().volume_name, Some(world.own("right")));
    let annotations = json!({"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"});
    assert_eq!(json!(claim.annotations()), annotations);
    let volume = world.volume_is("right", "Bound").await;
    assert_eq!(json!(volume.annotations()), json!({"pv.kubernetes.io/bound-by-controller": "yes"}));
    let mut reference = json!(volume.spec.unwrap().claim_ref.unwrap());
    reference.as_object_mut().unwrap().remove("resourceVersion");
    assert_eq!(
        reference,
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": world.env.namespace(), "name": "data",
            "uid": claim.uid(),
        })
    );
    // A volume that is bound stays as long as its claim.
    world.volumes.delete(&world.own("right"), &DeleteParams::default()).await.unwrap();
    world.claims.delete("data", &DeleteParams::default()).await.unwrap();
    world.no_claim("data").await;
    for name in ["right", "large", "small"] {
        _ = world.volumes.delete(&world.own(name), &DeleteParams::default()).await;
        let name = world.own(name);
        let gone = async || world.volumes.get_opt(&name).await.unwrap().is_none().then_some(());
        world.env.eventually("no volume", gone).await;
    }
    world.env.stop().await;
}

#[tokio::test]
async fn a_claim_waits_for_a_volume_and_its_volume_is_kept_when_it_goes() {
    let world = World::new().await;
    world.claim("data").await;
    world.claim_is("data", "Pending").await;
    world.volume("late", "2Gi").await;
    let wait = async || world.claims.get("data").await.unwrap().status?.phase.filter(|phase| phase == "Bound");
    world.env.eventually("a bound claim", wait).await;
    world.claims.delete("data", &DeleteParams::default()).await.unwrap();
    world.no_claim("data").await;
    world.volume_is("late", "Released").await;
    world.claim("data").await;
    world.claim_is("data", "Pending").await;
    world.volumes.delete(&world.own("late"), &DeleteParams::default()).await.unwrap();
    world.env.stop().await;
}

#[tokio::test]
async fn a_claim_that_a_pod_on_a_node_uses_stays_until_the_pod_goes() {
    let world = World::new().await;
    world.claim("data").await;
    let pod = |name: &str, node: Value| {
        let volume = json!({"name": "data", "persistentVolumeClaim": {"claimName": "data"}});
        let containers = json!([{"name": "main", "image": "app:1"}]);
        let spec = json!({"nodeName": node, "containers": containers, "volumes": [volume]});
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
    };
    world.pods.create(&PostParams::default(), &pod("waits", Value::Null)).await.unwrap();
    world.pods.create(&PostParams::default(), &pod("runs", json!("nowhere"))).await.unwrap();
    world.claims.delete("data", &DeleteParams::default()).await.unwrap();
    assert!(world.claims.get("data").await.unwrap().metadata.deletion_timestamp.is_some());
    world.pods.delete("runs", &DeleteParams::default().grace_period(0)).await.unwrap();
    world.no_claim("data").await;
    world.env.stop().await;
}
