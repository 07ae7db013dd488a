//! Shards: each replica works on its share, and a key changes hands only when nobody has it any more.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use kubewright_runtime::{
    Context, Controller, ControllerOptions, Manager, ManagerOptions, Outcome, Replicas, Role, Sharding, Watch,
    clock::{Clock, TokioClock},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use support::{FakeApi, Running, consistently, parent, start, told};
use tokio::time::Instant;

/// Who works on a key, from when to when.
#[derive(Debug, Clone)]
struct Spell {
    who: &'static str,
    key: String,
    from: Instant,
    to: Option<Instant>,
}

/// What several replicas did.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Spell>>>);

impl Log {
    fn begin(&self, who: &'static str, key: &str) -> usize {
        let mut spells = self.0.lock();
        spells.push(Spell { who, key: key.into(), from: Instant::now(), to: None });
        spells.len() - 1
    }

    fn end(&self, spell: usize) {
        self.0.lock()[spell].to = Some(Instant::now());
    }

    /// Who has worked on how many keys.
    fn shares(&self) -> BTreeMap<&'static str, usize> {
        let keys: std::collections::BTreeSet<(&str, String)> =
            self.0.lock().iter().map(|spell| (spell.who, spell.key.clone())).collect();
        keys.into_iter().fold(BTreeMap::new(), |mut shares, (who, _)| {
            *shares.entry(who).or_default() += 1;
            shares
        })
    }

    fn forget(&self) {
        self.0.lock().clear();
    }

    fn check_no_two_owners(&self) {
        let spells = self.0.lock();
        let mut by_key: BTreeMap<&str, Vec<&Spell>> = BTreeMap::new();
        for spell in &*spells {
            by_key.entry(&spell.key).or_default().push(spell);
        }
        for spells in by_key.values() {
            for (at, one) in spells.iter().enumerate() {
                for other in spells[at + 1..].iter().filter(|other| other.who != one.who) {
                    let apart = one.to.is_some_and(|to| to <= other.from) || other.to.is_some_and(|to| to <= one.from);
                    assert!(apart, "{one:?} {other:?}");
                }
            }
        }
    }
}

struct Setting {
    api: FakeApi,
    clock: Arc<dyn Clock>,
    log: Log,
}

impl Setting {
    fn new() -> Self {
        Self { api: FakeApi::default(), clock: Arc::new(TokioClock::start()), log: Log::default() }
    }

    /// A replica whose reconciles take so long.
    fn replica(&self, who: &'static str, takes: Duration) -> Running {
        let mut sharding = Sharding::new("operator");
        sharding.identity = Some(who.into());
        let (replicas, clock) = (Replicas::Shards(sharding), self.clock.clone());
        let options = ManagerOptions { listen: None, seed: who.len() as u64, replicas, clock, ..Default::default() };
        let log = self.log.clone();
        let reconciler = told(move |object, ctx| {
            let log = log.clone();
            Box::pin(async move {
                let spell = log.begin(who, &object.metadata.name.clone().unwrap_or_default());
                let _end = End(&log, spell);
                tokio::time::sleep(takes).await;
                mark(&object, ctx, who).await?;
                Ok(Outcome::Settled)
            })
        });
        let how = ControllerOptions { concurrency: 50, ..ControllerOptions::default() };
        start(
            Manager::new(self.api.client(), options)
                .controller(Controller::new("test", Watch::all(), reconciler).options(how)),
        )
    }

    fn marked_by(&self, name: &str) -> Option<String> {
        Some(self.api.get("configmaps", "ns", name)?["data"]["by"].as_str()?.to_string())
    }

    fn all_marked_by(&self, who: &str) -> bool {
        (0..100).all(|n| self.marked_by(&format!("c{n}")).as_deref() == Some(who))
    }
}

/// Ends a spell also when the reconcile is dropped.
struct End<'a>(&'a Log, usize);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}

async fn mark(object: &ConfigMap, ctx: &Context, who: &str) -> Result<(), kube::Error> {
    let api = Api::<ConfigMap>::namespaced(ctx.client().clone(), "ns");
    let name = object.metadata.name.clone().unwrap_or_default();
    let mark: Value = json!({"data": {"by": who}});
    let params = PatchParams { field_manager: Some(who.into()), ..PatchParams::default() };
    api.patch(&name, &params, &Patch::Merge(mark)).await.map(|_| ())
}

/// Waits until something is so, and looks seldom: it is much to look at.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    panic!("in vain: {what}");
}

fn role(running: &Running) -> Role {
    running.handle.replica().role
}

fn members(running: &Running) -> usize {
    running.handle.replica().members.len()
}

#[tokio::test(start_paused = true)]
async fn replicas_split_the_keys_and_hand_them_over_when_they_come_and_go() {
    let setting = Setting::new();
    for n in 0..100 {
        setting.api.put("configmaps", parent(&format!("c{n}")));
    }
    let first = setting.replica("first", Duration::from_millis(10));
    consistently("nobody knows yet who had what", Duration::from_secs(14), || setting.log.shares().is_empty()).await;
    eventually("the first has all", || setting.all_marked_by("first")).await;

    setting.log.forget();
    let second = setting.replica("second", Duration::from_millis(10));
    let joined = Instant::now();
    eventually("the second has its share", || setting.log.shares().get("second").is_some_and(|share| *share > 30))
        .await;
    assert!(joined.elapsed() < Duration::from_secs(5), "{:?}", joined.elapsed());
    assert_eq!((role(&first), members(&second)), (Role::Member, 2));
    tokio::time::sleep(Duration::from_secs(5)).await;
    setting.log.forget();
    for n in 0..100 {
        setting.api.change("configmaps", "ns", &format!("c{n}"), |object| object["data"] = json!({"n": "1"}));
    }
    eventually("each works on its own", || setting.log.shares().values().sum::<usize>() >= 100).await;
    let shares = setting.log.shares();
    assert!(shares.values().sum::<usize>() == 100 && shares.values().all(|share| *share > 30), "{shares:?}");

    let leaving = Instant::now();
    first.stop().await.unwrap();
    eventually("the second has all", || setting.all_marked_by("second")).await;
    assert!(leaving.elapsed() < Duration::from_secs(5), "{:?}", leaving.elapsed());
    setting.log.check_no_two_owners();
    second.stop().await.unwrap();
    // The next start need not wait for anybody.
    let third = setting.replica("third", Duration::ZERO);
    let started = Instant::now();
    eventually("the third has all", || setting.all_marked_by("third")).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    third.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_move_only_when_their_reconciles_have_ended() {
    let setting = Setting::new();
    let first = setting.replica("first", Duration::from_secs(8));
    eventually("the first is in", || role(&first) == Role::Member).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    for n in 0..40 {
        setting.api.put("configmaps", parent(&format!("c{n}")));
    }
    let second = setting.replica("second", Duration::from_millis(10));
    consistently("the first still works on them", Duration::from_secs(7), || {
        !setting.log.shares().contains_key("second")
    })
    .await;
    eventually("the second begins", || setting.log.shares().contains_key("second")).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    setting.log.check_no_two_owners();
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_that_does_not_end_is_dropped_for_the_handover() {
    let setting = Setting::new();
    let first = setting.replica("first", Duration::from_secs(250));
    eventually("the first is in", || role(&first) == Role::Member).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    for n in 0..40 {
        setting.api.put("configmaps", parent(&format!("c{n}")));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let joined = Instant::now();
    let second = setting.replica("second", Duration::from_millis(10));
    eventually("the second begins", || setting.log.shares().contains_key("second")).await;
    assert!((30..35).contains(&joined.elapsed().as_secs()), "{:?}", joined.elapsed());
    tokio::time::sleep(Duration::from_secs(20)).await;
    setting.log.check_no_two_owners();
    assert_eq!(second.handle.replica().members.len(), 2);
    second.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_member_that_cannot_renew_stops_before_others_take_its_keys() {
    let setting = Setting::new();
    for n in 0..100 {
        setting.api.put("configmaps", parent(&format!("c{n}")));
    }
    let first = setting.replica("first", Duration::from_millis(10));
    let second = setting.replica("second", Duration::from_millis(10));
    eventually("both are in", || members(&first) == 2 && members(&second) == 2).await;
    eventually("all is done", || (0..100).all(|n| setting.marked_by(&format!("c{n}")).is_some())).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    setting.api.refuse_lease_writes_of("first");
    let cut = Instant::now();
    let mut last = Duration::ZERO;
    for round in 0..40 {
        setting.log.forget();
        for n in 0..100 {
            setting.api.change("configmaps", "ns", &format!("c{n}"), |object| {
                object["data"] = json!({"r": round.to_string()})
            });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        setting.log.check_no_two_owners();
        if setting.log.shares().contains_key("first") {
            last = cut.elapsed();
        }
        if round == 39 {
            assert_eq!(setting.log.shares(), BTreeMap::from([("second", 100)]));
        }
    }
    assert!((7..=11).contains(&last.as_secs()), "{last:?}");
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_leases_are_all_deleted_finds_itself_again_without_two_owners() {
    let setting = Setting::new();
    for n in 0..100 {
        setting.api.put("configmaps", parent(&format!("c{n}")));
    }
    let replicas = ["first", "second", "third"].map(|who| setting.replica(who, Duration::from_millis(700)));
    eventually("all are in", || replicas.iter().all(|replica| members(replica) == 3)).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    setting.log.forget();
    for name in setting.api.names("leases") {
        setting.api.delete("leases", "default", &name);
    }
    for round in 0..40 {
        for n in 0..100 {
            setting.api.change("configmaps", "ns", &format!("c{n}"), |object| {
                object["data"] = json!({"r": round.to_string()})
            });
        }
        tokio::time::sleep(Duration::from_millis(900)).await;
    }
    setting.log.check_no_two_owners();
    eventually("all are in again", || replicas.iter().all(|replica| members(replica) == 3)).await;
    let settled = || replicas.iter().all(|replica| role(replica) == Role::Member);
    eventually("all work", settled).await;
    for replica in replicas {
        replica.stop().await.unwrap();
    }
}
