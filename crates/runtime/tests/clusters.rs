//! Several clusters under one manager: watched, read and written as its own, and told apart.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use kubewright_runtime::{
    Children, Controller, ControllerOptions, LeaderElection, Manager, ManagerError, ManagerOptions, OWN_CLUSTER,
    ObjectRef, Outcome, Replicas, RightsCheck, Watch,
    clock::{Clock, TokioClock},
};
use serde_json::{Value, json};
use support::{FakeApi, Running, Told, consistently, eventually, parent, start, told};

/// Two clusters: the manager's own, and one called edge.
#[derive(Default)]
struct Clusters {
    own: FakeApi,
    edge: FakeApi,
}

impl Clusters {
    fn manager(&self, options: ManagerOptions) -> Manager {
        Manager::new(self.own.client(), ManagerOptions { listen: None, ..options }).cluster("edge", self.edge.client())
    }

    fn run(&self, controller: Controller) -> Running {
        start(self.manager(ManagerOptions::default()).controller(controller))
    }
}

fn secret(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "ns"}, "stringData": {"value": value},
    })
}

fn key(name: &str) -> ObjectRef {
    ObjectRef::new(Some("ns"), name)
}

/// Copies the Secret of its own name to the edge.
fn copies() -> Told {
    told(|object, ctx| {
        Box::pin(async move {
            let name = object.metadata.name.clone().unwrap_or_default();
            let edge = ctx.cluster("edge")?;
            let Some(mine) = ctx.get::<Secret>(&key(&name))? else { return Ok(Outcome::Settled) };
            if edge.get::<Secret>(&key(&name))?.is_none_or(|theirs| theirs.string_data != mine.string_data) {
                let copy = json!({
                    "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "ns"},
                    "stringData": mine.string_data,
                });
                let secrets = Api::<Secret>::namespaced(edge.client().clone(), "ns");
                let as_me = PatchParams::apply(ctx.field_manager()).force();
                secrets.patch(&name, &as_me, &Patch::Apply(copy)).await?;
            }
            Ok(Outcome::Settled)
        })
    })
}

fn copying(reconciler: Told) -> Controller {
    Controller::new("copies", Watch::all(), reconciler)
        .reads(Watch::<Secret>::all())
        .reads(Watch::<Secret>::all().cluster("edge"))
}

#[tokio::test(start_paused = true)]
async fn what_is_read_and_written_in_another_cluster_wakes_and_is_awaited_there() {
    let clusters = Clusters::default();
    clusters.own.put("configmaps", parent("a"));
    clusters.own.put("secrets", secret("a", "1"));
    let reconciler = copies();
    let manager = clusters.run(copying(reconciler.clone()));
    let copied = |value: &'static str| {
        let edge = clusters.edge.clone();
        move || edge.get("secrets", "ns", "a").is_some_and(|copy| copy["stringData"]["value"] == value)
    };
    eventually("it is copied", copied("1")).await;
    manager.settled().await;
    assert_eq!(clusters.edge.writes().len(), 1, "it has seen its own write");
    assert!(clusters.own.writes().is_empty());

    clusters.own.put("secrets", secret("a", "2"));
    eventually("a change here gets there", copied("2")).await;
    clusters.edge.delete("secrets", "ns", "a");
    eventually("a loss there is mended", copied("2")).await;
    let records = manager.handle.records();
    let read: Vec<&String> = records.iter().flat_map(|record| &record.reads).collect();
    assert!(read.iter().any(|read| *read == "edge: secrets ns/a") && read.iter().any(|read| *read == "secrets ns/a"));
}

#[tokio::test(start_paused = true)]
async fn a_write_to_one_cluster_is_not_expected_in_the_cache_of_another() {
    let clusters = Clusters::default();
    clusters.own.put("configmaps", parent("a"));
    clusters.own.put("secrets", secret("a", "1"));
    // Versions of different clusters have nothing to do with each other.
    for _ in 0..100 {
        clusters.edge.put("configmaps", parent("b"));
    }
    let reconciler = copies();
    let manager = clusters.run(copying(reconciler.clone()));
    eventually("it is copied", || clusters.edge.get("secrets", "ns", "a").is_some()).await;
    manager.settled().await;
    let (before, now) = (reconciler.runs().len(), tokio::time::Instant::now());
    clusters.own.change("configmaps", "ns", "a", |parent| parent["data"] = json!({"k": "v"}));
    eventually("it is not put off", || reconciler.runs().len() > before).await;
    assert!(now.elapsed() < Duration::from_secs(1), "{:?}", now.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_kind_of_another_cluster_is_watched_when_it_is_first_read() {
    let clusters = Clusters::default();
    clusters.own.put("configmaps", parent("a"));
    clusters.edge.put("secrets", secret("a", "1"));
    let reconciler = told(|_, ctx| {
        Box::pin(async move {
            ctx.cluster("edge")?.get::<Secret>(&key("a"))?;
            Ok(Outcome::Settled)
        })
    });
    let manager = clusters.run(Controller::new("looks", Watch::all(), reconciler.clone()));
    eventually("it is watched there", || clusters.edge.watches("secrets") == 1).await;
    manager.settled().await;
    assert_eq!(clusters.own.watches("secrets"), 0);
    let before = reconciler.runs().len();
    clusters.edge.change("secrets", "ns", "a", |secret| secret["stringData"] = json!({"value": "2"}));
    eventually("it is woken", || reconciler.runs().len() > before).await;
}

#[tokio::test(start_paused = true)]
async fn a_controller_is_at_home_where_its_objects_are() {
    let clusters = Clusters::default();
    clusters.edge.put("configmaps", parent("a"));
    clusters.own.put("configmaps", parent("b"));
    let reconciler = told(|object, ctx| {
        Box::pin(async move {
            let mut child = Secret::default();
            child.metadata.name = object.metadata.name.clone();
            ctx.own(Children::new().add(child)).await?;
            ctx.normal("Made", "it has its Secret");
            assert!(ctx.cluster(OWN_CLUSTER)?.get::<ConfigMap>(&key("b"))?.is_some());
            Ok(Outcome::Settled)
        })
    });
    let controller = Controller::new("home", Watch::all().cluster("edge"), reconciler.clone())
        .owns(Watch::<Secret>::all())
        .reads(Watch::<ConfigMap>::all().cluster(OWN_CLUSTER));
    let manager = clusters.run(controller);
    eventually("the child is beside its owner", || clusters.edge.get("secrets", "ns", "a").is_some()).await;
    manager.settled().await;
    eventually("the event too", || !clusters.edge.names("events").is_empty()).await;
    assert_eq!(reconciler.runs().first().map(String::as_str), Some("a"));
    assert!(!reconciler.runs().contains(&"b".to_string()));
    assert!(clusters.own.writes().is_empty(), "{:?}", clusters.own.writes());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_away_is_named_and_holds_up_who_watches_it_alone() {
    let clusters = Clusters::default();
    clusters.own.put("configmaps", parent("a"));
    clusters.edge.forbid("secrets");
    let (waits, goes_on) = (copies(), told(|_, _| Box::pin(async { Ok(Outcome::Settled) })));
    let patient = ControllerOptions { sync_timeout: None, ..ControllerOptions::default() };
    let manager = start(
        clusters
            .manager(ManagerOptions::default())
            .controller(copying(waits.clone()).options(patient))
            .controller(Controller::new("other", Watch::all(), goes_on.clone())),
    );
    eventually("the other works", || goes_on.runs() == ["a"]).await;
    let faults = manager.handle.ready().unwrap_err();
    assert!(
        faults.iter().any(|fault| fault.starts_with("controller copies watch secrets in cluster edge: not allowed")),
        "{faults:?}"
    );
    assert!(!faults.iter().any(|fault| fault.starts_with("controller copies watch secrets:")), "{faults:?}");
    assert!(waits.runs().is_empty());
    clusters.edge.allow("secrets");
    eventually("it starts when the cluster is back", || !waits.runs().is_empty()).await;
    eventually("all is ready", || manager.handle.ready().is_ok()).await;
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_writes_to_other_clusters() {
    let clusters = Clusters::default();
    clusters.own.put("configmaps", parent("a"));
    clusters.own.put("secrets", secret("a", "1"));
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::start());
    let replica = |name: &str| {
        let mut election = LeaderElection::new("copies");
        (election.namespace, election.identity) = (Some("ns".into()), Some(name.into()));
        let options =
            ManagerOptions { replicas: Replicas::Leader(election), clock: clock.clone(), ..ManagerOptions::default() };
        let reconciler = copies();
        (start(clusters.manager(options).controller(copying(reconciler.clone()))), reconciler)
    };
    let (first, _) = replica("first");
    eventually("it is copied", || clusters.edge.get("secrets", "ns", "a").is_some()).await;
    let (second, stands_by) = replica("second");
    eventually("the second knows the edge", || clusters.edge.watches("secrets") == 2).await;
    clusters.edge.delete("secrets", "ns", "a");
    eventually("the first mends it", || clusters.edge.get("secrets", "ns", "a").is_some()).await;
    consistently("the second does nothing", Duration::from_secs(5), || stands_by.runs().is_empty()).await;
    assert!(clusters.edge.names("leases").is_empty());
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rights_are_derived_asked_and_noted_for_each_cluster() {
    let clusters = Clusters::default();
    clusters.own.put("configmaps", parent("a"));
    clusters.own.put("secrets", secret("a", "1"));
    clusters.edge.deny("watch", "secrets");
    let manager = clusters.manager(ManagerOptions::default()).controller(copying(copies()));
    let there: Vec<String> = manager.rbac_in("edge").iter().map(ToString::to_string).collect();
    assert_eq!(there, ["list secrets", "watch secrets"]);
    assert!(manager.rbac().iter().any(|right| right.to_string() == "watch configmaps"));
    let manager = start(manager);
    eventually("what is missing there is named", || {
        let faults = manager.handle.ready().err().unwrap_or_default();
        faults.contains(&"controller copies in cluster edge rights: not allowed: watch secrets".to_string())
    })
    .await;
    eventually("what was not declared is noted", || {
        manager.handle.undeclared().iter().any(|right| right.to_string() == "patch secrets in namespace ns")
    })
    .await;

    let options = ManagerOptions { rights: RightsCheck::Enforce, ..ManagerOptions::default() };
    let strict = start(clusters.manager(options).controller(copying(copies())));
    assert!(matches!(strict.ended().await, Err(ManagerError::MissingRights { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_is_refused_by_name() {
    let clusters = Clusters::default();
    let settles = || told(|_, _| Box::pin(async { Ok(Outcome::Settled) }));
    let unknown = Controller::new("lost", Watch::all(), settles()).reads(Watch::<Secret>::all().cluster("moon"));
    let error = clusters.run(unknown).ended().await.unwrap_err();
    assert!(error.to_string().contains("lost watches the cluster \"moon\""), "{error}");

    let stray = Controller::new("stray", Watch::all(), settles()).owns(Watch::<Secret>::all().cluster("edge"));
    let error = clusters.run(stray).ended().await.unwrap_err();
    assert!(matches!(&error, ManagerError::StrayChildren { .. }), "{error}");

    let twice = clusters.manager(ManagerOptions::default()).cluster("edge", clusters.edge.client());
    assert!(matches!(start(twice).ended().await, Err(ManagerError::DuplicateCluster { name }) if name == "edge"));

    clusters.own.put("configmaps", parent("a"));
    let asks = told(|_, ctx| Box::pin(async move { ctx.cluster("moon").map(|_| Outcome::Settled) }));
    let manager = clusters.run(Controller::new("asks", Watch::all(), asks));
    eventually("it fails for good", || {
        manager.handle.status()[0]
            .failing
            .first()
            .is_some_and(|failing| failing.error.contains("add it with Manager::cluster"))
    })
    .await;
}
