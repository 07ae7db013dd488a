//! What a crash test finds, and what it passes.

#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright_runtime::{Context, Controller, Error, Manager, Outcome, Reconciler, Watch, finalizer};
use kubewright_testing::{CrashOptions, CrashReport, CrashTest, Fuse, Life, TestEnv, World};
use parking_lot::Mutex;
use serde_json::json;

/// Accounts at some other system.
#[derive(Clone, Default)]
struct Accounts(Arc<Mutex<BTreeSet<String>>>);

/// Makes an account at the other system and a Secret for each ConfigMap.
struct Clerk {
    accounts: Accounts,
    fuse: Fuse,
    careful: bool,
}

impl Clerk {
    async fn add(&self, account: String) {
        self.fuse.call(format!("add {account}"), async { self.accounts.0.lock().insert(account.clone()) }).await;
    }

    /// The mistake: the account gets a name that nobody knows before it is made.
    async fn add_and_note(&self, map: &ConfigMap, name: &str, ctx: &Context) -> Result<(), Error> {
        if map.annotations().contains_key("account") {
            return Ok(());
        }
        let serial = self.accounts.0.lock().len();
        self.add(format!("{name}-{serial}")).await;
        let note = json!({"metadata": {"annotations": {"account": "made"}}});
        let api = Api::<ConfigMap>::namespaced(ctx.client().clone(), &map.namespace().unwrap());
        api.patch(&map.name_any(), &PatchParams::default(), &Patch::Merge(note)).await?;
        Ok(())
    }
}

impl Reconciler for Clerk {
    type Object = ConfigMap;

    async fn reconcile(&self, map: Arc<ConfigMap>, ctx: &Context) -> Result<Outcome, Error> {
        let name = format!("{}.{}", map.name_any(), map.namespace().unwrap());
        let apply = async || {
            if self.careful {
                self.add(name.clone()).await;
            } else {
                self.add_and_note(&map, &name, ctx).await?;
            }
            let mut secret = Secret::default();
            secret.metadata.name = map.metadata.name.clone();
            secret.string_data = map.data.clone();
            ctx.own([secret]).await?;
            Ok(Outcome::Settled)
        };
        let cleanup = async || {
            let remove = async { self.accounts.0.lock().retain(|account| !account.starts_with(&name)) };
            self.fuse.call(format!("remove {name}"), remove).await;
            Ok(Outcome::Settled)
        };
        finalizer::run(ctx, "example.com/account", apply, cleanup).await
    }
}

async fn life_cycle(world: &World<'_>) {
    let maps = Api::<ConfigMap>::namespaced(world.client(), world.namespace());
    let secrets = Api::<Secret>::namespaced(world.client(), world.namespace());
    let map = json!({"metadata": {"name": "a", "labels": {"account": "yes"}}, "data": {"k": "1"}});
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    world.eventually("the Secret", async || secrets.get_opt("a").await.unwrap()).await;
    world.mark("created").await;
    let change = json!({"data": {"k": "2"}});
    maps.patch("a", &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    world.mark("changed").await;
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    world.eventually("the end", async || maps.get_opt("a").await.unwrap().is_none().then_some(())).await;
    let none = async || secrets.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(());
    world.eventually("no Secret", none).await;
    world.mark("deleted").await;
}

async fn crash_test(env: &TestEnv, careful: bool) -> CrashReport {
    let accounts = Accounts::default();
    let outside = accounts.clone();
    let add = move |manager: Manager, life: &Life| {
        let clerk = Clerk { accounts: accounts.clone(), fuse: life.fuse().clone(), careful };
        let maps = Watch::all().namespace(life.namespace()).labels("account=yes");
        let secrets = Watch::<Secret>::all().namespace(life.namespace());
        manager.controller(Controller::new("clerk", maps, clerk).owns(secrets).writes_finalizers())
    };
    CrashTest::new(env, add)
        .outside(move |namespace| {
            let accounts = outside.0.lock().iter().filter(|account| account.contains(&namespace)).count();
            async move { json!({"accounts": accounts}) }
        })
        .options(CrashOptions { concurrency: if careful { 4 } else { 1 }, ..CrashOptions::default() })
        .run(life_cycle)
        .await
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_finds_its_way_back_passes_at_every_call() {
    let env = TestEnv::embedded().await.unwrap();
    let report = crash_test(&env, true).await;
    // The finalizer is set, the account made, the Secret applied, changed, the account removed, the finalizer removed. The
    // account is looked after at each reconcile, however often that is.
    for call in [
        "PATCH /api/v1/namespaces/RUN/configmaps/a",
        "add a.RUN",
        "PATCH /api/v1/namespaces/RUN/secrets/a",
        "remove a.RUN",
    ] {
        assert!(report.calls.iter().any(|made| made == call), "{call} in {:?}", report.calls);
    }
    assert!(report.points >= 2 * report.calls.len() - report.not_reached, "{report}");
    env.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_acts_before_it_notes_is_found_out() {
    let env = TestEnv::embedded().await.unwrap();
    let failure = std::panic::AssertUnwindSafe(crash_test(&env, false)).catch_unwind().await.unwrap_err();
    let text = failure.downcast_ref::<String>().unwrap();
    assert!(text.contains("at mark \"created\"") && text.contains("outside .accounts: 2 instead of 1"), "{text}");
    env.stop().await;
}
