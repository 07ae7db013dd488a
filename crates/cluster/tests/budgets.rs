//! What PodDisruptionBudgets promise. On a real cluster (`KUBEWRIGHT_TEST_KUBECONFIG`) the same tests say what
//! kube-controller-manager does.

#![allow(clippy::unwrap_used)]

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::ResourceExt;
use kube::api::{Api, EvictParams, ListParams, Patch, PatchParams, PostParams};
use kubewright_testing::TestEnv;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

struct World {
    env: TestEnv,
    pods: Api<Pod>,
    budgets: Api<PodDisruptionBudget>,
}

impl World {
    async fn new() -> Self {
        let env = TestEnv::start().await.unwrap();
        let (client, namespace) = (env.client(), env.namespace());
        Self { pods: Api::namespaced(client.clone(), namespace), budgets: Api::namespaced(client, namespace), env }
    }

    /// Pods can't be made before their namespace has its ServiceAccount.
    async fn pod(&self, name: &str) {
        let pod: Pod = object(
            json!({"metadata": {"name": name, "labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
        );
        let made = async || self.pods.create(&PostParams::default(), &pod).await.ok();
        self.env.eventually(&format!("pod {name} made"), made).await;
    }

    async fn ready(&self, name: &str) {
        let status = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        self.pods.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    }

    async fn budget(&self, spec: Value) {
        let mut spec = spec;
        spec["selector"] = json!({"matchLabels": {"app": "a"}});
        let budget = object(json!({"metadata": {"name": "b"}, "spec": spec}));
        self.budgets.create(&PostParams::default(), &budget).await.unwrap();
    }

    /// Waits until healthy, wanted healthy, expected and allowed are these, with the reason of the condition.
    async fn until(&self, numbers: [i32; 4], reason: &str) -> PodDisruptionBudget {
        let reached = async || {
            let budget = self.budgets.get("b").await.unwrap();
            let status = budget.status.clone()?;
            let found =
                [status.current_healthy, status.desired_healthy, status.expected_pods, status.disruptions_allowed];
            let conditions = status.conditions.unwrap_or_default();
            let is =
                found == numbers.map(Some) && conditions.first().is_some_and(|condition| condition.reason == reason);
            is.then_some(budget)
        };
        self.env.eventually(&format!("{numbers:?} of the budget, {reason}"), reached).await
    }

    fn make<K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>>(&self) -> Api<K> {
        Api::namespaced(self.env.client(), self.env.namespace())
    }
}

fn object<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

fn template(restart: &str) -> Value {
    let containers = json!([{"name": "c", "image": "i"}]);
    json!({"metadata": {"labels": {"app": "a"}}, "spec": {"restartPolicy": restart, "containers": containers}})
}

#[tokio::test]
async fn as_many_healthy_pods_may_be_evicted_as_are_not_needed() {
    let world = World::new().await;
    world.budget(json!({"minAvailable": 1})).await;
    let empty = world.until([0, 1, 0, 0], "InsufficientPods").await;
    assert_eq!(empty.status.unwrap().observed_generation, Some(1));
    world.pod("one").await;
    world.pod("two").await;
    world.until([0, 1, 2, 0], "InsufficientPods").await;
    world.ready("one").await;
    world.ready("two").await;
    let budget = world.until([2, 1, 2, 1], "SufficientPods").await;
    let condition = budget.status.unwrap().conditions.unwrap().remove(0);
    assert_eq!((condition.type_.as_str(), condition.status.as_str()), ("DisruptionAllowed", "True"));
    assert_eq!((condition.message.as_str(), condition.observed_generation), ("", Some(1)));

    world.pods.evict("one", &EvictParams::default()).await.unwrap();
    world.until([1, 1, 1, 0], "InsufficientPods").await;
    world.env.stop().await;
}

#[tokio::test]
async fn a_part_is_one_of_the_pods_that_are_to_be() {
    let world = World::new().await;
    world.budget(json!({"maxUnavailable": "50%"})).await;
    let deployments = world.make::<Deployment>();
    let deployment: Deployment = object(json!({
        "metadata": {"name": "d"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "a"}}, "template": template("Always")},
    }));
    deployments.create(&PostParams::default(), &deployment).await.unwrap();
    world.until([0, 1, 3, 0], "InsufficientPods").await;
    let three =
        async || Some(world.pods.list(&ListParams::default()).await.unwrap().items).filter(|all| all.len() == 3);
    for pod in world.env.eventually("three pods", three).await {
        world.ready(&pod.name_any()).await;
    }
    world.until([3, 1, 3, 2], "SufficientPods").await;
    // Before there are the pods.
    let more = json!({"spec": {"replicas": 5}});
    deployments.patch("d", &PatchParams::default(), &Patch::Merge(more)).await.unwrap();
    world.until([3, 2, 5, 1], "SufficientPods").await;
    world.env.stop().await;
}

#[tokio::test]
async fn where_it_is_not_known_how_many_pods_there_should_be_none_may_be_evicted() {
    let world = World::new().await;
    world.budget(json!({"maxUnavailable": 1})).await;
    let job: Job = object(json!({"metadata": {"name": "j"}, "spec": {"template": template("Never")}}));
    world.make::<Job>().create(&PostParams::default(), &job).await.unwrap();
    let failed = async || {
        let conditions = world.budgets.get("b").await.unwrap().status?.conditions?;
        conditions.into_iter().find(|condition| condition.reason == "SyncFailed")
    };
    let condition = world.env.eventually("a condition that says so", failed).await;
    assert_eq!(condition.message, "jobs.batch does not implement the scale subresource");
    assert_eq!(condition.status, "False");
    world.env.stop().await;
}
