//! The operator is stopped after each API call and each call of the ledger of a whole life cycle, and ends in the same state.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod common;

use std::sync::Arc;

use common::{account, done, has, transaction};
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, ObjectMeta};
use kubewright_account::ledger::{Balance, Entry, Ledger, LedgerError, Page, PoolOptions, Recorded, connect};
use kubewright_account::{Account, AccountTransaction, Options, SUSPENDED, add_ledger_to, crds};
use kubewright_testing::{CrashOptions, CrashTest, Fuse, TestEnv, World};
use serde_json::json;

/// A ledger whose every call can be the last one of a life.
struct Fused(Arc<dyn Ledger>, Fuse);

impl Ledger for Fused {
    fn open<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Balance, LedgerError>> {
        Box::pin(self.1.call(format!("ledger: open {owner}"), self.0.open(owner)))
    }

    fn record<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Recorded, LedgerError>> {
        Box::pin(self.1.call(format!("ledger: record {}", entry.reference), self.0.record(entry)))
    }

    fn recorded<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Recorded>, LedgerError>> {
        Box::pin(self.1.call("ledger: look for a transaction", self.0.recorded(id)))
    }

    fn balance<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Option<Balance>, LedgerError>> {
        Box::pin(self.1.pass(self.0.balance(owner)))
    }

    fn history<'a>(
        &'a self,
        owner: &'a str,
        before: Option<i64>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page, LedgerError>> {
        Box::pin(self.1.pass(self.0.history(owner, before, limit)))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(self.1.pass(self.0.check()))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

fn storage_users() -> ApiResource {
    ApiResource {
        group: "objectstorage.sealos.io".into(),
        version: "v1".into(),
        api_version: "objectstorage.sealos.io/v1".into(),
        kind: "ObjectStorageUser".into(),
        plural: "objectstorageusers".into(),
    }
}

async fn life_cycle(world: &World<'_>) {
    let owner = world.namespace();
    let accounts = Api::<Account>::namespaced(world.client(), owner);
    let transactions = Api::<AccountTransaction>::namespaced(world.client(), owner);
    let params = PostParams::default();
    let namespace = format!("ns-{owner}");
    let metadata = ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() };
    let namespaces = Api::<Namespace>::all(world.client());
    namespaces.create(&params, &Namespace { metadata, ..Namespace::default() }).await.unwrap();
    let kind = storage_users();
    let users = Api::<DynamicObject>::namespaced_with(world.client(), &namespace, &kind);
    users.create(&params, &DynamicObject::new("user", &kind)).await.unwrap();
    let balance = async |amount: i64| {
        world.eventually(&format!("balance {amount}"), async || has(&accounts, "a", amount).await).await;
    };
    let marked = async |wanted: bool| {
        let look = async || {
            let user = users.get("user").await.unwrap();
            let marks = user.metadata.annotations.unwrap_or_default();
            (marks.contains_key(SUSPENDED) == wanted).then_some(())
        };
        world.eventually(&format!("a mark: {wanted}"), look).await;
    };
    let transact = async |name: &str, direction: &str, amount: i64| {
        let spec = json!({"account": "a", "type": direction, "amount": amount});
        transactions.create(&params, &transaction(name, spec)).await.unwrap();
        world.eventually(&format!("the end of {name}"), async || done(&transactions, name).await).await;
    };

    accounts.create(&params, &account("a", json!({"owner": owner, "suspendBelow": 0, "credit": 5}))).await.unwrap();
    balance(0).await;
    transact("in", "Recharge", 10).await;
    balance(10).await;
    transact("out", "Deduct", 12).await;
    balance(-2).await;
    marked(true).await;
    transact("too-much", "Deduct", 12).await;
    world.mark("in debt").await;
    let change = Patch::Merge(json!({"spec": {"suspendBelow": null}}));
    accounts.patch("a", &PatchParams::default(), &change).await.unwrap();
    marked(false).await;
    let change = Patch::Merge(json!({"spec": {"suspended": true}}));
    accounts.patch("a", &PatchParams::default(), &change).await.unwrap();
    marked(true).await;
    accounts.delete("a", &DeleteParams::default()).await.unwrap();
    world.eventually("the end", async || accounts.get_opt("a").await.unwrap().is_none().then_some(())).await;
    marked(false).await;
    world.mark("deleted").await;
    namespaces.delete(&namespace, &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn a_crash_at_any_call_changes_nothing_in_the_end() {
    let env = TestEnv::embedded().await.unwrap();
    env.install_crds(&crds()).await.unwrap();
    let definition = json!({
        "metadata": {"name": "objectstorageusers.objectstorage.sealos.io"},
        "spec": {
            "group": "objectstorage.sealos.io", "scope": "Namespaced",
            "names": {"kind": "ObjectStorageUser", "plural": "objectstorageusers", "singular": "objectstorageuser"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            }}}],
        },
    });
    env.install_crds(&[serde_json::from_value(definition).unwrap()]).await.unwrap();
    // One in memory goes with its connection, which the driver gives up when a call is cut off at the wrong moment.
    let directory = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", directory.path().join("accounts.db").display());
    let ledger = connect(&file, &PoolOptions::default()).await.unwrap();
    let outside = ledger.clone();
    let report = CrashTest::new(&env, move |manager, life| {
        let options = Options { namespace: Some(life.namespace().into()), ..Options::default() };
        add_ledger_to(manager, Arc::new(Fused(ledger.clone(), life.fuse().clone())), &options).unwrap()
    })
    .outside(move |namespace| {
        let ledger = outside.clone();
        async move {
            let balance = ledger.balance(&namespace).await.unwrap();
            let page = ledger.history(&namespace, None, 100).await.unwrap();
            let entries = page.entries.iter().map(|e| json!([e.sequence, e.reference, e.refused, e.balance]));
            json!({"balance": balance, "entries": entries.collect::<Vec<_>>()})
        }
    })
    .options(CrashOptions { concurrency: 16, ..CrashOptions::default() })
    .run(life_cycle)
    .await;
    for call in ["ledger: open RUN", "ledger: record RUN/in", "ledger: record RUN/too-much"] {
        assert!(report.calls.iter().any(|made| made == call), "{call} in {:?}", report.calls);
    }
    for part in ["/accounts/a/status", "/accounttransactions/out/status", "/objectstorageusers/user"] {
        assert!(report.calls.iter().any(|made| made.ends_with(part)), "{part} in {:?}", report.calls);
    }
    assert!(report.points > 20, "{report}");
    env.stop().await;
}
