//! What the CronJob controller promises. On a real cluster (`KUBEWRIGHT_TEST_KUBECONFIG`) the same tests say what
//! kube-controller-manager does. A run is made due by writing that the last one was long ago.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright_testing::TestEnv;
use serde_json::{Value, json};

struct World {
    env: TestEnv,
    crons: Api<CronJob>,
    jobs: Api<Job>,
    events: Api<Event>,
}

impl World {
    async fn new() -> Self {
        let env = TestEnv::start().await.unwrap();
        let (client, namespace) = (env.client(), env.namespace().to_string());
        let crons = Api::namespaced(client.clone(), &namespace);
        let jobs = Api::namespaced(client.clone(), &namespace);
        Self { env, crons, jobs, events: Api::namespaced(client, &namespace) }
    }

    /// A CronJob whose last run was two days ago; it is due at minute 7 of each hour.
    async fn create(&self, spec: Value) -> CronJob {
        let template = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "work:1"}]});
        let mut full = json!({
            "schedule": "7 * * * *", "suspend": true, "startingDeadlineSeconds": 7200,
            "jobTemplate": {
                "metadata": {"labels": {"team": "a"}, "annotations": {"note": "x"}},
                "spec": {"template": {"spec": template}},
            },
        });
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let cron = json!({"metadata": {"name": "tick"}, "spec": full});
        let cron = self.crons.create(&PostParams::default(), &serde_json::from_value(cron).unwrap()).await.unwrap();
        self.long_ago().await;
        cron
    }

    async fn long_ago(&self) {
        let two_days = std::time::Duration::from_secs(2 * 86_400);
        let then = (Timestamp::now() - two_days).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let status = Patch::Merge(json!({"status": {"lastScheduleTime": then}}));
        self.crons.patch_status("tick", &PatchParams::default(), &status).await.unwrap();
    }

    async fn suspend(&self, suspend: bool) {
        let patch = Patch::Merge(json!({"spec": {"suspend": suspend}}));
        self.crons.patch("tick", &PatchParams::default(), &patch).await.unwrap();
    }

    /// A Job of the CronJob that is not of its schedule, ended like this if it says how.
    async fn add(&self, cron: &CronJob, name: &str, end: Option<&str>) -> Job {
        let template = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "work:1"}]});
        let owner = json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": cron.uid(), "controller": true,
        });
        let job = json!({
            "metadata": {"name": name, "ownerReferences": [owner]},
            "spec": {"suspend": true, "managedBy": "example.com/test", "template": {"spec": template}},
        });
        let job = self.jobs.create(&PostParams::default(), &serde_json::from_value(job).unwrap()).await.unwrap();
        if let Some(end) = end {
            self.end(name, end).await;
        }
        job
    }

    async fn end(&self, name: &str, end: &str) {
        let before = if end == "Complete" { "SuccessCriteriaMet" } else { "FailureTarget" };
        let now = "2026-01-02T03:04:05Z";
        let conditions = [before, end].map(|kind| json!({"type": kind, "status": "True", "lastTransitionTime": now}));
        let mut status = json!({"startTime": now, "conditions": conditions});
        if end == "Complete" {
            status["completionTime"] = json!(now);
        }
        let patch = Patch::Merge(json!({"status": status}));
        self.jobs.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    async fn status(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.env
            .eventually(what, async || {
                let status = serde_json::to_value(self.crons.get("tick").await.unwrap().status?).unwrap();
                fits(&status).then_some(status)
            })
            .await
    }

    async fn jobs(&self) -> Vec<Job> {
        self.jobs.list(&ListParams::default()).await.unwrap().items
    }

    async fn event(&self, kind: &str, reason: &str, message: &str) {
        let what = format!("the event {reason}");
        let selected = ListParams::default().fields(&format!("reason={reason},involvedObject.kind=CronJob"));
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

fn active(status: &Value) -> usize {
    status["active"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn the_last_missed_run_is_started_once() {
    let world = World::new().await;
    let cron = world.create(json!({"timeZone": "Asia/Kolkata"})).await;
    assert!(world.jobs().await.is_empty(), "it is suspended");
    world.suspend(false).await;
    let status = world.status("a run", |status| active(status) == 1).await;
    let job = world.jobs().await.remove(0);
    let due: Timestamp = status["lastScheduleTime"].as_str().unwrap().parse().unwrap();
    assert!(due <= Timestamp::now() && Timestamp::now().duration_since(due).as_secs() < 3700);
    // Half past in UTC is the full hour there.
    assert_eq!(due.as_second() % 3600, 37 * 60);
    assert_eq!(job.name_any(), format!("tick-{}", due.as_second() / 60));
    assert_eq!(job.labels().get("team").map(String::as_str), Some("a"));
    let local = (due + std::time::Duration::from_secs(19_800)).strftime("%Y-%m-%dT%H:%M:%S+05:30").to_string();
    assert_eq!(
        json!(job.annotations()),
        json!({"note": "x", "batch.kubernetes.io/cronjob-scheduled-timestamp": local})
    );
    assert_eq!(
        json!(job.owner_references()),
        json!([{
            "apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": cron.uid(), "controller": true,
            "blockOwnerDeletion": true,
        }])
    );
    let mut reference = status["active"][0].clone();
    assert!(reference.as_object_mut().unwrap().remove("resourceVersion").is_some());
    assert_eq!(
        reference,
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "name": job.name_any(), "namespace": world.env.namespace(),
            "uid": job.uid(),
        })
    );
    world.event("Normal", "SuccessfulCreate", &format!("Created job {}", job.name_any())).await;

    world.jobs.delete(&job.name_any(), &DeleteParams::background()).await.unwrap();
    let after = world.status("no run", |status| active(status) == 0).await;
    assert_eq!(after, json!({"lastScheduleTime": status["lastScheduleTime"]}), "the same run is not started again");
    world.event("Normal", "MissingJob", &format!("Active job went missing: {}", job.name_any())).await;
    world.env.stop().await;
}

#[tokio::test]
async fn a_run_that_is_over_is_told() {
    let world = World::new().await;
    let cron = world.create(json!({})).await;
    world.add(&cron, "done", None).await;
    world.event("Warning", "UnexpectedJob", "Saw a job that the controller did not create or forgot: done").await;
    world.end("done", "Complete").await;
    let status = world.status("a success", |status| status["lastSuccessfulTime"].is_string()).await;
    assert_eq!(status["lastSuccessfulTime"], "2026-01-02T03:04:05Z");
    world.suspend(false).await;
    world.status("a run", |status| active(status) == 1).await;
    let job = world.jobs().await.into_iter().find(|job| job.name_any() != "done").unwrap().name_any();
    world.env.eventually("the Job's start", async || world.jobs.get(&job).await.unwrap().status?.active).await;
    let patch = Patch::Merge(json!({"spec": {"activeDeadlineSeconds": 1}}));
    world.jobs.patch(&job, &PatchParams::default(), &patch).await.unwrap();
    world.status("no run", |status| active(status) == 0).await;
    world.event("Normal", "SawCompletedJob", &format!("Saw completed job: {job}, condition: Failed")).await;
    world.env.stop().await;
}

#[tokio::test]
async fn what_runs_still_is_waited_for_or_replaced_or_joined() {
    for (policy, jobs) in [("Forbid", 1), ("Replace", 1), ("Allow", 2)] {
        let world = World::new().await;
        let cron = world.create(json!({"concurrencyPolicy": policy})).await;
        let old = world.add(&cron, "old", None).await;
        let reference = json!({
            "apiVersion": "batch/v1", "kind": "Job", "name": "old", "namespace": world.env.namespace(), "uid": old.uid(),
        });
        let patch = Patch::Merge(json!({"status": {"active": [reference]}}));
        world.crons.patch_status("tick", &PatchParams::default(), &patch).await.unwrap();
        world.suspend(false).await;
        if policy == "Forbid" {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            world.event("Normal", "JobAlreadyActive", message).await;
        } else {
            let started = |status: &Value| status["active"].to_string().contains("tick-");
            assert_eq!(active(&world.status("a run", started).await), jobs);
        }
        let there = async || {
            let mut names: Vec<String> = world.jobs().await.iter().map(ResourceExt::name_any).collect();
            names.sort();
            (names.len() == jobs && (names[0] == "old") == (policy != "Replace")).then_some(())
        };
        world.env.eventually(policy, there).await;
        world.env.stop().await;
    }
}

#[tokio::test]
async fn so_many_are_kept() {
    let world = World::new().await;
    let limits = json!({"successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 0});
    let cron = world.create(limits).await;
    for (name, end) in [("good-1", "Complete"), ("good-2", "Complete"), ("bad-1", "Failed")] {
        world.add(&cron, name, Some(end)).await;
    }
    world
        .env
        .eventually("one Job", async || {
            let names: Vec<String> = world.jobs().await.iter().map(ResourceExt::name_any).collect();
            (names == ["good-2"]).then_some(())
        })
        .await;
    world.event("Normal", "SuccessfulDelete", "Deleted job bad-1").await;
    world.env.stop().await;
}

#[tokio::test]
async fn what_is_too_old_is_not_made_up_for() {
    let world = World::new().await;
    // In the middle of now and the last time, far from both.
    let minute = (Timestamp::now().as_second() / 60 + 30) % 60;
    world.create(json!({"schedule": format!("{minute} * * * *"), "startingDeadlineSeconds": 60})).await;
    world.suspend(false).await;
    // A later change is seen after this one.
    let other = json!({"metadata": {"name": "other"}, "spec": {
        "schedule": "7 * * * *", "suspend": true,
        "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": "work:1"}],
        }}}},
    }});
    world.crons.create(&PostParams::default(), &serde_json::from_value(other).unwrap()).await.unwrap();
    let two_days = std::time::Duration::from_secs(2 * 86_400);
    let then = (Timestamp::now() - two_days).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let status = Patch::Merge(json!({"status": {"lastScheduleTime": then}}));
    world.crons.patch_status("other", &PatchParams::default(), &status).await.unwrap();
    let patch = Patch::Merge(json!({"spec": {"suspend": false}}));
    world.crons.patch("other", &PatchParams::default(), &patch).await.unwrap();
    world.env.eventually("the other's run", async || (!world.jobs().await.is_empty()).then_some(())).await;
    assert!(world.jobs().await.iter().all(|job| job.name_any().starts_with("other-")));
    world.env.stop().await;
}
