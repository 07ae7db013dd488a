//! What the Job controller promises. On a real cluster (`KUBEWRIGHT_TEST_KUBECONFIG`) the same tests say what
//! kube-controller-manager does; the pods are run by the test, as no cluster of the tests has nodes.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use std::sync::Arc;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright_runtime::{Context, Controller, Error, Outcome, Reconciler, Watch};
use kubewright_testing::{Operator, TestEnv};
use serde_json::{Value, json};

const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Ends pods with the exit code of the annotation `exit-code`, or of `exit-code-INDEX`; those without one get ready and run.
struct Runner;

impl Reconciler for Runner {
    type Object = Pod;

    async fn reconcile(&self, pod: Arc<Pod>, ctx: &Context) -> Result<Outcome, Error> {
        if pod.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        let of_index = pod.annotations().get(INDEX).map(|index| format!("exit-code-{index}"));
        let code = of_index.and_then(|name| pod.annotations().get(&name)).or(pod.annotations().get("exit-code"));
        let code: Option<i32> = code.and_then(|code| code.parse().ok());
        let since = pod.metadata.creation_timestamp.clone();
        let status = |phase: &str, ready: &str, state: Value| {
            let container = json!({
                "name": "main", "image": "work:1", "imageID": "", "ready": false, "restartCount": 0, "state": state,
            });
            json!({
                "phase": phase, "containerStatuses": [container],
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}],
            })
        };
        let ended = |code: i32| json!({"terminated": {"exitCode": code, "finishedAt": since, "startedAt": since}});
        let status = match code {
            None => status("Running", "True", json!({"running": {"startedAt": since}})),
            Some(0) => status("Succeeded", "False", ended(0)),
            Some(code) => status("Failed", "False", ended(code)),
        };
        ctx.set_status(&status).await?;
        Ok(Outcome::Settled)
    }
}

struct World {
    env: TestEnv,
    runner: Operator,
    jobs: Api<Job>,
    pods: Api<Pod>,
    events: Api<Event>,
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
        let jobs = Api::namespaced(client.clone(), &namespace);
        let pods = Api::namespaced(client.clone(), &namespace);
        Self { env, runner, jobs, pods, events: Api::namespaced(client, &namespace) }
    }

    async fn stop(self) {
        self.runner.stop().await.unwrap();
        self.env.stop().await;
    }

    /// A Job whose pods have these annotations.
    async fn create(&self, annotations: Value, spec: Value) -> Job {
        let mut full = json!({"template": {
            "metadata": {"annotations": annotations},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "work:1"}]},
        }});
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let job = json!({"metadata": {"name": "work"}, "spec": full});
        self.jobs.create(&PostParams::default(), &serde_json::from_value(job).unwrap()).await.unwrap()
    }

    async fn patch(&self, patch: Value) {
        self.jobs.patch("work", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// The Job's status as soon as it fits, without times; `startTime` and `completionTime` are just there or not.
    async fn status(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.env
            .eventually(what, async || {
                let mut status = serde_json::to_value(self.jobs.get("work").await.unwrap().status?).unwrap();
                let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
                for condition in conditions.into_iter().flatten() {
                    for time in ["lastProbeTime", "lastTransitionTime"] {
                        assert!(condition.as_object_mut().unwrap().remove(time).is_some());
                    }
                }
                for time in ["startTime", "completionTime"] {
                    if let Some(value) = status.get_mut(time) {
                        *value = json!("then");
                    }
                }
                fits(&status).then_some(status)
            })
            .await
    }

    async fn ended(&self) -> Value {
        self.status("the end of the Job", |status| has(status, "Complete") || has(status, "Failed")).await
    }

    async fn pods(&self) -> Vec<Pod> {
        let mut pods = self.pods.list(&ListParams::default()).await.unwrap().items;
        pods.sort_by_key(|pod| (pod.annotations().get(INDEX).cloned(), pod.name_any()));
        pods
    }

    /// Waits for an event of the Job.
    async fn event(&self, kind: &str, reason: &str, message: &str) {
        let what = format!("the event {reason}");
        let selected = ListParams::default().fields(&format!("reason={reason},involvedObject.kind=Job"));
        self.env
            .eventually(&what, async || {
                let events = self.events.list(&selected).await.unwrap().items;
                let wanted =
                    |event: &Event| event.message.as_deref() == Some(message) && event.type_.as_deref() == Some(kind);
                events.iter().any(wanted).then_some(())
            })
            .await;
    }
}

fn has(status: &Value, kind: &str) -> bool {
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == kind && condition["status"] == "True")
}

fn conditions(kinds: [&str; 2], reason: &str, message: &str) -> Value {
    json!(kinds.map(|kind| json!({"type": kind, "status": "True", "reason": reason, "message": message})))
}

fn completed() -> Value {
    conditions(["SuccessCriteriaMet", "Complete"], "CompletionsReached", "Reached expected number of succeeded pods")
}

#[tokio::test]
async fn a_job_runs_pods_until_enough_of_them_have_succeeded() {
    let world = World::new().await;
    let job = world.create(json!({"exit-code": "0"}), json!({"parallelism": 2, "completions": 3})).await;
    assert_eq!(
        world.ended().await,
        json!({
            "startTime": "then", "completionTime": "then", "succeeded": 3, "ready": 0, "terminating": 0,
            "uncountedTerminatedPods": {}, "conditions": completed(),
        })
    );
    let pods = world.pods().await;
    assert_eq!(pods.len(), 3);
    for pod in &pods {
        assert!(pod.finalizers().is_empty(), "it is counted");
        assert_eq!(pod.metadata.generate_name.as_deref(), Some("work-"));
        let uid = job.uid().unwrap();
        assert_eq!(
            json!(pod.labels()),
            json!({
                "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": "work",
                "controller-uid": uid, "job-name": "work",
            })
        );
        assert_eq!(
            json!(pod.owner_references()),
            json!([{
                "apiVersion": "batch/v1", "kind": "Job", "name": "work", "uid": uid, "controller": true,
                "blockOwnerDeletion": true,
            }])
        );
    }
    world.event("Normal", "SuccessfulCreate", &format!("Created pod: {}", pods[0].name_any())).await;
    world.event("Normal", "Completed", "Job completed").await;
    world.stop().await;
}

#[tokio::test]
async fn without_a_number_of_completions_one_success_is_enough() {
    let world = World::new().await;
    world.create(json!({}), json!({"parallelism": 2})).await;
    let status = world.status("two ready pods", |status| status["ready"] == 2).await;
    assert_eq!(
        status,
        json!({"active": 2, "ready": 2, "terminating": 0, "startTime": "then", "uncountedTerminatedPods": {}})
    );
    let names: Vec<String> = world.pods().await.iter().map(ResourceExt::name_any).collect();
    let succeed = Patch::Merge(json!({"metadata": {"annotations": {"exit-code": "0"}}}));
    world.pods.patch(&names[0], &PatchParams::default(), &succeed).await.unwrap();
    world.status("one success", |status| status["succeeded"] == 1 && status["active"] == 1).await;
    assert_eq!(world.pods().await.len(), 2, "no other one comes, the last one may go on");
    world.pods.patch(&names[1], &PatchParams::default(), &succeed).await.unwrap();
    let status = world.ended().await;
    assert_eq!((&status["succeeded"], &status["conditions"]), (&json!(2), &completed()));
    world.stop().await;
}

#[tokio::test]
async fn each_index_gets_a_pod_that_knows_it() {
    let world = World::new().await;
    let spec = json!({"parallelism": 3, "completions": 3, "completionMode": "Indexed"});
    world.create(json!({"exit-code": "0"}), spec).await;
    assert_eq!(
        world.ended().await,
        json!({
            "startTime": "then", "completionTime": "then", "succeeded": 3, "ready": 0, "terminating": 0,
            "completedIndexes": "0-2", "uncountedTerminatedPods": {}, "conditions": completed(),
        })
    );
    for (index, pod) in world.pods().await.iter().enumerate() {
        assert_eq!(pod.metadata.generate_name, Some(format!("work-{index}-")));
        assert_eq!(pod.labels().get(INDEX), Some(&index.to_string()));
        assert_eq!(pod.annotations().get(INDEX), Some(&index.to_string()));
        let spec = serde_json::to_value(pod.spec.as_ref().unwrap()).unwrap();
        assert_eq!(spec["hostname"], json!(format!("work-{index}")));
        let field = json!({"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")});
        let variable = json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": field}});
        assert_eq!(spec["containers"][0]["env"], json!([variable]));
    }
    world.stop().await;
}

#[tokio::test]
async fn too_many_failures_end_it_and_what_still_runs_is_stopped() {
    let world = World::new().await;
    let spec = json!({"parallelism": 2, "completions": 2, "completionMode": "Indexed", "backoffLimit": 0});
    world.create(json!({"exit-code-0": "1"}), spec).await;
    let message = "Job has reached the specified backoff limit";
    assert_eq!(
        world.ended().await,
        json!({
            "startTime": "then", "failed": 2, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
            "conditions": conditions(["FailureTarget", "Failed"], "BackoffLimitExceeded", message),
        })
    );
    world.env.eventually("the other pod's end", async || (world.pods().await.len() == 1).then_some(())).await;
    assert!(world.pods().await[0].finalizers().is_empty());
    world.event("Warning", "BackoffLimitExceeded", message).await;
    world.stop().await;
}

#[tokio::test]
async fn a_failure_policy_can_end_it_at_once() {
    let world = World::new().await;
    let rules = json!([{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]);
    world.create(json!({"exit-code": "42"}), json!({"podFailurePolicy": {"rules": rules}})).await;
    let status = world.ended().await;
    let (pod, namespace) = (world.pods().await.remove(0).name_any(), world.env.namespace().to_string());
    let message =
        format!("Container main for pod {namespace}/{pod} failed with exit code 42 matching FailJob rule at index 0");
    assert_eq!(
        status,
        json!({
            "startTime": "then", "failed": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
            "conditions": conditions(["FailureTarget", "Failed"], "PodFailurePolicy", &message),
        })
    );
    world.stop().await;
}

#[tokio::test]
async fn an_index_with_a_limit_of_its_own_fails_alone() {
    let world = World::new().await;
    let spec = json!({
        "parallelism": 3, "completions": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 0, "maxFailedIndexes": 2,
    });
    world.create(json!({"exit-code": "0", "exit-code-1": "1"}), spec).await;
    assert_eq!(
        world.ended().await,
        json!({
            "startTime": "then", "failed": 1, "succeeded": 2, "ready": 0, "terminating": 0, "completedIndexes": "0,2",
            "failedIndexes": "1", "uncountedTerminatedPods": {},
            "conditions": conditions(["FailureTarget", "Failed"], "FailedIndexes", "Job has failed indexes"),
        })
    );
    let count = "batch.kubernetes.io/job-index-failure-count";
    assert!(world.pods().await.iter().all(|pod| pod.annotations().get(count).map(String::as_str) == Some("0")));
    world.stop().await;
}

#[tokio::test]
async fn a_success_policy_ends_it_before_all_is_done() {
    let world = World::new().await;
    let spec = json!({
        "parallelism": 3, "completions": 3, "completionMode": "Indexed",
        "successPolicy": {"rules": [{"succeededIndexes": "2"}, {"succeededIndexes": "0-1", "succeededCount": 1}]},
    });
    world.create(json!({"exit-code-1": "0"}), spec).await;
    assert_eq!(
        world.ended().await,
        json!({
            "startTime": "then", "completionTime": "then", "succeeded": 1, "ready": 0, "terminating": 0,
            "completedIndexes": "1", "uncountedTerminatedPods": {},
            "conditions": conditions(["SuccessCriteriaMet", "Complete"], "SuccessPolicy", "Matched rules at index 1"),
        })
    );
    world.env.eventually("the others' end", async || (world.pods().await.len() == 1).then_some(())).await;
    world.stop().await;
}

#[tokio::test]
async fn a_suspended_job_has_no_pods_until_it_goes_on() {
    let world = World::new().await;
    world.create(json!({}), json!({"suspend": true})).await;
    let suspended = |is: &str, reason: &str, message: &str| json!([{"type": "Suspended", "status": is, "reason": reason, "message": message}]);
    let rest = json!({
        "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
        "conditions": suspended("True", "JobSuspended", "Job suspended"),
    });
    assert_eq!(world.status("a suspended Job", |status| has(status, "Suspended")).await, rest);
    assert!(world.pods().await.is_empty());
    world.patch(json!({"spec": {"suspend": false}})).await;
    let status = world.status("a ready pod", |status| status["ready"] == 1).await;
    assert_eq!(
        status,
        json!({
            "active": 1, "ready": 1, "terminating": 0, "startTime": "then", "uncountedTerminatedPods": {},
            "conditions": suspended("False", "JobResumed", "Job resumed"),
        })
    );
    world.patch(json!({"spec": {"suspend": true}})).await;
    let quiet = |status: &Value| has(status, "Suspended") && status["terminating"] == 0;
    assert_eq!(world.status("rest again", quiet).await, rest, "the pod that was stopped did not fail");
    assert!(world.pods().await.is_empty());
    world.event("Normal", "Suspended", "Job suspended").await;
    world.event("Normal", "Resumed", "Job resumed").await;
    world.stop().await;
}

#[tokio::test]
async fn a_deadline_ends_it() {
    let world = World::new().await;
    world.create(json!({}), json!({"activeDeadlineSeconds": 1})).await;
    let message = "Job was active longer than specified deadline";
    assert_eq!(
        world.ended().await,
        json!({
            "startTime": "then", "failed": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
            "conditions": conditions(["FailureTarget", "Failed"], "DeadlineExceeded", message),
        })
    );
    world.event("Warning", "DeadlineExceeded", message).await;
    world.stop().await;
}

#[tokio::test]
async fn fewer_may_run_at_a_time_and_a_pod_that_is_deleted_counts_as_failed() {
    let world = World::new().await;
    world.create(json!({}), json!({"parallelism": 3, "completions": 5, "backoffLimit": 1})).await;
    world.status("three ready pods", |status| status["ready"] == 3).await;
    world.patch(json!({"spec": {"parallelism": 1}})).await;
    let calm = |status: &Value| status["ready"] == 1 && status["active"] == 1 && status["terminating"] == 0;
    let status = world.status("one ready pod", calm).await;
    assert_eq!(status.get("failed"), None);
    let pods = world.pods().await;
    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0].finalizers(), [FINALIZER]);
    world.pods.delete(&pods[0].name_any(), &DeleteParams::default()).await.unwrap();
    world.status("a failure", |status| status["failed"] == 1 && status.get("active").is_none()).await;
    world.stop().await;
}

#[tokio::test]
async fn a_job_goes_some_time_after_its_end_and_takes_its_pods_along() {
    let world = World::new().await;
    world.create(json!({"exit-code": "0"}), json!({"ttlSecondsAfterFinished": 0})).await;
    world.env.eventually("no Job", async || world.jobs.get_opt("work").await.unwrap().is_none().then_some(())).await;
    world.env.eventually("no pods", async || world.pods().await.is_empty().then_some(())).await;
    world.stop().await;
}

#[tokio::test]
async fn pods_are_let_go_when_the_job_is_deleted() {
    let world = World::new().await;
    world.create(json!({}), json!({"parallelism": 2})).await;
    world.status("two ready pods", |status| status["ready"] == 2).await;
    world.jobs.delete("work", &DeleteParams::background()).await.unwrap();
    world.env.eventually("no pods", async || world.pods().await.is_empty().then_some(())).await;

    world.env.eventually("no Job", async || world.jobs.get_opt("work").await.unwrap().is_none().then_some(())).await;
    world.create(json!({}), json!({"parallelism": 2})).await;
    world.status("two ready pods", |status| status["ready"] == 2).await;
    world.jobs.delete("work", &DeleteParams::orphan()).await.unwrap();
    world
        .env
        .eventually("two free pods", async || {
            let pods = world.pods().await;
            let free = |pod: &Pod| pod.finalizers().is_empty() && pod.owner_references().is_empty();
            (pods.len() == 2 && pods.iter().all(free)).then_some(())
        })
        .await;
    world.stop().await;
}

#[tokio::test]
async fn a_job_that_another_controller_manages_is_left_alone() {
    let world = World::new().await;
    let work = world.create(json!({}), json!({"managedBy": "example.com/other"})).await;
    let mut own = work.clone();
    own.metadata = kube::core::ObjectMeta { name: Some("own".into()), ..Default::default() };
    let spec = own.spec.as_mut().unwrap();
    (spec.managed_by, spec.selector) = (None, None);
    spec.template.metadata = None;
    world.jobs.create(&PostParams::default(), &own).await.unwrap();
    world
        .env
        .eventually("pods of the other Job", async || {
            let status = world.jobs.get("own").await.unwrap().status?;
            (status.ready == Some(1)).then_some(())
        })
        .await;
    let status = world.jobs.get("work").await.unwrap().status.unwrap_or_default();
    assert_eq!(status, Default::default());
    assert!(world.pods().await.iter().all(|pod| pod.labels()["job-name"] == "own"));
    world.stop().await;
}
