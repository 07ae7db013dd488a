//! Leader election: one works, the others stand by with warm caches, and who has lost the Lease writes nothing.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{sync::Arc, time::Duration};

use http::Method;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use kubewright_runtime::{
    Context, Controller, ControllerOptions, Error, LeaderElection, Manager, ManagerError, ManagerOptions, NotLeading,
    OnLoss, Outcome, Replicas, Role, Watch,
    clock::{Clock, TokioClock},
};
use parking_lot::Mutex;
use serde_json::json;
use support::{FakeApi, Running, Told, consistently, eventually, parent, start, told};
use tokio::time::Instant;

/// A replica of an operator that marks each ConfigMap with its name.
struct Replica {
    running: Running,
    reconciler: Told,
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(TokioClock::start())
}

fn options(identity: &str, clock: &Arc<dyn Clock>, on_loss: OnLoss) -> ManagerOptions {
    let mut election = LeaderElection::new("operator");
    election.identity = Some(identity.into());
    election.on_loss = on_loss;
    let (replicas, clock) = (Replicas::Leader(election), clock.clone());
    ManagerOptions { listen: None, seed: 1, replicas, clock, ..ManagerOptions::default() }
}

async fn mark(object: &ConfigMap, ctx: &Context) -> Result<(), kube::Error> {
    let api = Api::<ConfigMap>::namespaced(ctx.client().clone(), "ns");
    let name = object.metadata.name.clone().unwrap_or_default();
    let by = ctx.controller_name();
    let params = PatchParams { field_manager: Some(by.into()), ..PatchParams::default() };
    api.patch(&name, &params, &Patch::Merge(json!({"data": {"by": by}}))).await.map(|_| ())
}

impl Replica {
    fn start(api: &FakeApi, identity: &'static str, clock: &Arc<dyn Clock>) -> Self {
        Self::with(api, identity, options(identity, clock, OnLoss::StandBy), Duration::ZERO)
    }

    /// Its reconciles take a while before they write.
    fn with(api: &FakeApi, identity: &'static str, options: ManagerOptions, takes: Duration) -> Self {
        let reconciler = told(move |object, ctx| {
            Box::pin(async move {
                tokio::time::sleep(takes).await;
                mark(&object, ctx).await?;
                Ok(Outcome::Settled)
            })
        });
        let controller = Controller::new(identity, Watch::all(), reconciler.clone());
        let running = start(Manager::new(api.client(), options).controller(controller));
        Self { running, reconciler }
    }

    fn role(&self) -> Role {
        self.running.handle.replica().role
    }
}

fn marked_by(api: &FakeApi, name: &str) -> Option<String> {
    Some(api.get("configmaps", "ns", name)?["data"]["by"].as_str()?.to_string())
}

fn lease(api: &FakeApi) -> serde_json::Value {
    api.get("leases", "default", "operator").unwrap()
}

/// The Lease of an operator that has been stopped.
fn put_released_lease(api: &FakeApi) {
    let spec = json!({"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 3});
    let metadata = json!({"name": "operator", "namespace": "default"});
    api.put(
        "leases",
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}),
    );
}

#[tokio::test(start_paused = true)]
async fn one_leads_the_other_is_ready_and_takes_over_at_once_when_the_first_stops() {
    let (api, clock) = (FakeApi::default(), clock());
    put_released_lease(&api);
    api.put("configmaps", parent("a"));
    let first = Replica::start(&api, "first", &clock);
    eventually("the first leads and works", || marked_by(&api, "a").as_deref() == Some("first")).await;
    assert_eq!(first.role(), Role::Leader);
    let second = Replica::start(&api, "second", &clock);
    eventually("the second is ready", || second.running.handle.ready().is_ok()).await;
    consistently("it stands by", Duration::from_secs(60), || second.role() == Role::Standby).await;
    assert!(second.reconciler.runs().is_empty());
    assert_eq!(second.running.handle.replica().holder.as_deref(), Some("first"));

    first.running.stop().await.unwrap();
    assert_eq!(
        (&lease(&api)["spec"]["holderIdentity"], &lease(&api)["spec"]["leaseDurationSeconds"]),
        (&json!(""), &json!(1))
    );
    let stopped = Instant::now();
    eventually("the second leads", || second.role() == Role::Leader).await;
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
    eventually("all is looked at again", || marked_by(&api, "a").as_deref() == Some("second")).await;
    second.running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_task_is_told_at_once_that_its_replica_works() {
    let (api, clock) = (FakeApi::default(), clock());
    put_released_lease(&api);
    api.put("configmaps", parent("a"));
    let first = Replica::start(&api, "first", &clock);
    eventually("the first leads", || first.role() == Role::Leader).await;
    let (refused, written) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(None)));
    let (tries, at) = (refused.clone(), written.clone());
    let manager = Manager::new(api.client(), options("second", &clock, OnLoss::StandBy));
    let second = start(manager.task("writer", |context| async move {
        let api = Api::<ConfigMap>::namespaced(context.client.clone(), "ns");
        let mut turns = context.turns();
        loop {
            let patch = Patch::Merge(json!({"data": {"by": "the task"}}));
            match api.patch("a", &PatchParams::default(), &patch).await {
                Ok(_) => break,
                Err(error) if NotLeading::behind(&error).is_some() => *tries.lock() += 1,
                Err(error) => return Err(error.into()),
            }
            turns.next().await;
        }
        *at.lock() = Some(Instant::now());
        Ok(())
    }));
    eventually("it is refused", || *refused.lock() == 1).await;
    consistently("it is not told", Duration::from_secs(60), || *refused.lock() == 1).await;
    first.running.stop().await.unwrap();
    eventually("the second leads", || second.handle.replica().role == Role::Leader).await;
    let leads = Instant::now();
    eventually("it has written", || written.lock().is_some()).await;
    assert!(written.lock().unwrap().duration_since(leads) < Duration::from_millis(100));
    second.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_lease_has_the_fields_that_client_go_writes() {
    let (api, clock) = (FakeApi::default(), clock());
    put_released_lease(&api);
    let replica = Replica::start(&api, "me", &clock);
    eventually("it leads", || replica.role() == Role::Leader).await;
    let acquired = lease(&api)["spec"].clone();
    assert_eq!(acquired["holderIdentity"], "me");
    assert_eq!((&acquired["leaseDurationSeconds"], &acquired["leaseTransitions"]), (&json!(15), &json!(4)));
    assert_eq!(acquired["acquireTime"], acquired["renewTime"]);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let renewed = lease(&api)["spec"].clone();
    assert_eq!((&renewed["acquireTime"], &renewed["leaseTransitions"]), (&acquired["acquireTime"], &json!(4)));
    assert_ne!(renewed["renewTime"], acquired["renewTime"]);
    replica.running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_not_there_may_have_been_deleted_under_a_leader_so_it_is_waited_for() {
    let (api, clock) = (FakeApi::default(), clock());
    let started = Instant::now();
    let replica = Replica::start(&api, "me", &clock);
    eventually("it leads", || replica.role() == Role::Leader).await;
    assert_eq!(started.elapsed().as_secs(), 15);
    // The leader itself makes it anew at once.
    api.delete("leases", "default", "operator");
    eventually("it is back", || api.get("leases", "default", "operator").is_some()).await;
    assert_eq!(replica.role(), Role::Leader);
    replica.running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_made_before_the_first_replica_is_taken_at_once() {
    let (api, clock) = (FakeApi::default(), clock());
    let mut election = LeaderElection::new("operator");
    election.namespace = Some("default".into());
    api.put("leases", serde_json::to_value(election.released_lease()).unwrap());
    let started = Instant::now();
    let (first, second) = (Replica::start(&api, "first", &clock), Replica::start(&api, "second", &clock));
    eventually("one leads", || [&first, &second].iter().any(|replica| replica.role() == Role::Leader)).await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    consistently("the other does not", Duration::from_secs(60), || first.role() != second.role()).await;
    first.running.stop().await.unwrap();
    second.running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_writes_nothing_from_the_deadline_on_and_another_takes_over_later() {
    let (api, clock) = (FakeApi::default(), clock());
    put_released_lease(&api);
    let first = Replica::with(&api, "first", options("first", &clock, OnLoss::StandBy), Duration::from_secs(3));
    eventually("the first leads", || first.role() == Role::Leader).await;
    let second = Replica::start(&api, "second", &clock);
    tokio::time::sleep(Duration::from_secs(5)).await;
    api.refuse_lease_writes_of("first");
    let cut = Instant::now();
    let writes = || api.writes().iter().filter(|write| write.query.contains("fieldManager=first")).count();
    // From here on a new ConfigMap comes every second; the first marks it three seconds later, as long as it may.
    let mut counts = Vec::new();
    for n in 0..40 {
        api.put("configmaps", parent(&format!("c{n}")));
        tokio::time::sleep(Duration::from_secs(1)).await;
        counts.push(writes());
    }
    let last = counts.iter().position(|count| *count == writes()).unwrap();
    assert!((6..=10).contains(&last), "the lease had been renewed up to two seconds before the cut: {counts:?}");
    assert!(cut.elapsed() >= Duration::from_secs(40) && first.role() == Role::Standby);
    assert_eq!(second.role(), Role::Leader);
    for n in 0..36 {
        assert_eq!(marked_by(&api, &format!("c{n}")).as_deref(), Some("second"), "it looks at all of them");
    }
    let failing = &first.running.handle.status()[0].failing;
    assert!(failing.is_empty(), "{failing:?}");
    first.running.stop().await.unwrap();
    second.running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_manager_ends_with_the_leadership_where_that_is_wanted() {
    let (api, clock) = (FakeApi::default(), clock());
    put_released_lease(&api);
    let replica = Replica::with(&api, "me", options("me", &clock, OnLoss::Exit), Duration::ZERO);
    eventually("it leads", || replica.role() == Role::Leader).await;
    api.refuse_lease_writes_of("me");
    let error = replica.running.ended().await.unwrap_err();
    assert!(matches!(&error, ManagerError::LeadershipLost { lease } if lease == "operator"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_standbys_writes_are_refused_with_a_reason_and_its_reads_are_not() {
    let (api, clock) = (FakeApi::default(), clock());
    api.put("configmaps", parent("a"));
    let outcome: Arc<Mutex<Option<NotLeading>>> = Arc::default();
    let result = outcome.clone();
    let manager =
        Manager::new(api.client(), options("me", &clock, OnLoss::StandBy)).task("writer", |context| async move {
            let api = Api::<ConfigMap>::namespaced(context.client, "ns");
            api.get("a").await?;
            let error = api.delete("a", &Default::default()).await.unwrap_err();
            *result.lock() = Error::from(error).not_leading();
            Ok(())
        });
    let running = start(manager);
    eventually("it has tried", || outcome.lock().is_some()).await;
    assert_eq!(*outcome.lock(), Some(NotLeading::Standby));
    assert!(api.get("configmaps", "ns", "a").is_some());
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_election_is_told_by_an_event_and_keys_woken_meanwhile_are_kept() {
    let (api, clock) = (FakeApi::default(), clock());
    let reconciler = told(|_, _| Box::pin(async { Ok(Outcome::Settled) }));
    let controller = Controller::new("test", Watch::all(), reconciler.clone());
    let trigger = controller.trigger();
    let running = start(Manager::new(api.client(), options("me", &clock, OnLoss::StandBy)).controller(controller));
    trigger.wake(kubewright_runtime::ObjectRef::new(Some("ns"), "nowhere"));
    consistently("it stands by", Duration::from_secs(14), || reconciler.gone().is_empty()).await;
    eventually("the key is worked on", || reconciler.gone() == ["ns/nowhere"]).await;
    running.stop().await.unwrap();
    let events =
        api.requests().into_iter().filter(|logged| logged.method == Method::POST && logged.path.ends_with("/events"));
    assert_eq!(events.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn options_that_make_no_sense_end_the_manager_with_the_reason() {
    let (api, clock) = (FakeApi::default(), clock());
    let mut election = LeaderElection::new("operator");
    election.renew_deadline = Duration::from_secs(20);
    let options = ManagerOptions { replicas: Replicas::Leader(election), ..options("me", &clock, OnLoss::StandBy) };
    let error = start(Manager::new(api.client(), options)).ended().await.unwrap_err();
    assert!(error.to_string().contains("renew_deadline 20s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn controllers_come_and_go_while_the_manager_runs() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    api.put("secrets", json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "ns"}}));
    let idle = || told(|_, _| Box::pin(async { Ok(Outcome::Settled) }));
    let (first, second) = (idle(), idle());
    let running = support::run(&api, [Controller::new("first", Watch::all(), first.clone())]);
    eventually("the first runs", || first.runs() == ["a"]).await;
    let handle = running.handle.clone();
    let late = || Controller::new("second", Watch::all(), second.clone()).watches(Watch::<Secret>::all(), |_| None);
    handle.add_controller(late()).await.unwrap();
    eventually("the second runs", || second.runs() == ["a"]).await;
    assert_eq!(handle.ready(), Ok(()));
    assert_eq!(handle.status().len(), 2);
    let error = handle.add_controller(late()).await.unwrap_err();
    assert!(matches!(&error, ManagerError::DuplicateName { name } if name == "second"), "{error}");

    assert!(handle.remove_controller("second").await);
    assert!(!handle.remove_controller("second").await);
    api.change("configmaps", "ns", "a", |object| object["data"] = json!({"k": "v"}));
    eventually("the first runs again", || first.runs().len() == 2).await;
    consistently("the second does not", Duration::from_secs(5), || second.runs().len() == 1).await;
    assert_eq!(handle.status().len(), 1);
    handle.add_controller(late()).await.unwrap();
    eventually("it is back", || second.runs().len() == 2).await;
    running.stop().await.unwrap();
    assert!(matches!(handle.add_controller(late()).await, Err(ManagerError::Ended)));
    assert!(!handle.remove_controller("first").await);
}

#[tokio::test(start_paused = true)]
async fn a_removed_controller_ends_after_its_running_reconciles() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let slow = told(|_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(Outcome::Settled)
        })
    });
    let running = support::run(&api, [Controller::new("slow", Watch::all(), slow.clone())]);
    eventually("it works", || slow.runs().len() == 1).await;
    let asked = Instant::now();
    assert!(running.handle.remove_controller("slow").await);
    assert!(asked.elapsed() > Duration::from_secs(19));
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_works_on_what_is_queued_for_a_while() {
    let api = FakeApi::default();
    for n in 0..10 {
        api.put("configmaps", parent(&format!("c{n}")));
    }
    let slow = told(|_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(Outcome::Settled)
        })
    });
    let how = ControllerOptions::default();
    let running = support::run(&api, [Controller::new("slow", Watch::all(), slow.clone()).options(how)]);
    eventually("it works", || slow.runs().len() == 2).await;
    running.stop().await.unwrap();
    assert!((6..=8).contains(&slow.runs().len()), "five seconds' worth: {}", slow.runs().len());
}
