//! What the account operator promises, each line by its number in the acceptance checklist.
//!
//! The tests run on the embedded control plane, or, with `KUBEWRIGHT_TEST_KUBECONFIG`, on a real cluster; the ledger is SQLite.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod common;

use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{Shaky, World, in_memory, raw};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, ObjectMeta};
use kubewright_account::ledger::{Entry, Limit};
use kubewright_account::{Amount, Direction, Phase, SUSPENDED};
use serde_json::json;
use tokio_util::sync::CancellationToken;

//
#[tokio::test]
async fn an_account_shows_the_balance_of_its_row() {
    let world = World::new().await;
    let account = world.account("jane", json!({})).await;
    let shown = world.has("jane", 0).await;
    let status = shown.status.unwrap();
    assert_eq!((status.balance_decimal.as_deref(), status.entries), (Some("0.00"), Some(0)));
    assert_eq!((status.suspended, status.observed_generation), (Some(false), account.metadata.generation));
    world.condition("jane", "Ready", "True", "InSync").await;
    assert_eq!(world.ledger.balance(&world.owner("jane")).await.unwrap().unwrap().amount, Amount::ZERO);
    world.stop().await;
}

// the row is what counts, whoever changed it.
#[tokio::test]
async fn a_balance_that_others_change_in_the_database_is_shown_with_the_next_comparison() {
    let world = World::with(in_memory().await, |options| options.resync = Duration::from_secs(1)).await;
    world.account("jane", json!({})).await;
    world.has("jane", 0).await;
    let entry = Entry {
        id: "by-hand".into(),
        owner: world.owner("jane"),
        direction: Direction::Recharge,
        amount: Amount(7),
        limit: Limit::None,
        reference: "the/administrator".into(),
        description: "a gift".into(),
        at: "2026-01-01T00:00:00Z".parse().unwrap(),
    };
    world.ledger.record(&entry).await.unwrap();
    world.has("jane", 7).await;
    world.stop().await;
}

#[tokio::test]
async fn transactions_change_the_balance() {
    let world = World::new().await;
    world.account("jane", json!({})).await;
    world.transact("in", "jane", "Recharge", 100_000_000).await;
    let status = world.done("in").await.status.unwrap();
    assert_eq!((status.phase, status.sequence, status.balance), (Phase::Completed, Some(1), Some(Amount(100_000_000))));
    assert_eq!(status.amount_decimal.as_deref(), Some("100.00"));
    assert_eq!(status.message.as_deref(), Some("the balance is 100.00"));
    assert!(status.completion_time.is_some());
    world.transact("out", "jane", "Deduct", 1_500_000).await;
    let status = world.done("out").await.status.unwrap();
    assert_eq!((status.sequence, status.balance_decimal.as_deref()), (Some(2), Some("98.50")));
    let shown = world.has("jane", 98_500_000).await.status.unwrap();
    assert_eq!((shown.balance_decimal.as_deref(), shown.entries), (Some("98.50"), Some(2)));
    world.stop().await;
}

#[tokio::test]
async fn a_balance_never_gets_below_zero_unless_it_may() {
    let world = World::new().await;
    world.account("poor", json!({})).await;
    world.account("trusted", json!({"credit": 5})).await;
    world.account("endless", json!({"allowNegative": true})).await;
    for (name, amount, phase) in [
        ("poor", 1, Phase::Failed),
        ("trusted", 5, Phase::Completed),
        ("trusted", 1, Phase::Failed),
        ("endless", 1_000_000_000, Phase::Completed),
    ] {
        let transaction = format!("{name}-{amount}");
        world.transact(&transaction, name, "Deduct", amount).await;
        let status = world.done(&transaction).await.status.unwrap();
        assert_eq!(status.phase, phase, "{transaction}");
    }
    let refused = world.done("poor-1").await.status.unwrap();
    let message = refused.message.unwrap();
    assert!(message.contains("the balance of 0.00") && message.contains("spec.credit"), "{message}");
    assert_eq!(refused.balance, Some(Amount::ZERO));
    assert_eq!(world.warning("poor-1", "TransactionFailed").await, message);
    world.has("trusted", -5).await;
    world.has("endless", -1_000_000_000).await;
    world.stop().await;
}

#[tokio::test]
async fn transactions_of_an_account_are_recorded_in_the_order_in_which_they_were_made() {
    let world = World::new().await;
    world.operator.stop().await.unwrap();
    world.account("jane", json!({})).await;
    // Their names are in another order, and each deduction needs the recharge before it.
    let names: Vec<String> = (0..20).map(|number| format!("t{}-{number}", (b'z' - number) as char)).collect();
    for pair in names.chunks(2) {
        world.transact(&pair[0], "jane", "Recharge", 100).await;
        world.transact(&pair[1], "jane", "Deduct", 99).await;
    }
    world.operator.restart().await.unwrap();
    for name in &names {
        assert_eq!(world.done(name).await.status.unwrap().phase, Phase::Completed, "{name}");
    }
    let history = world.ledger.history(&world.owner("jane"), None, 100).await.unwrap().entries;
    let recorded: Vec<_> = history.iter().rev().map(|entry| entry.reference.rsplit('/').next().unwrap()).collect();
    assert_eq!(recorded, names);
    world.stop().await;
}

#[tokio::test]
async fn a_refused_transaction_stays_refused() {
    let world = World::new().await;
    world.account("jane", json!({})).await;
    world.transact("out", "jane", "Deduct", 5).await;
    world.done("out").await;
    world.transact("in", "jane", "Recharge", 5).await;
    world.done("in").await;
    world.operator.restart().await.unwrap();
    world.has("jane", 5).await;
    world.operator.idle().await;
    assert_eq!(world.done("out").await.status.unwrap().phase, Phase::Failed);
    let history = world.ledger.history(&world.owner("jane"), None, 10).await.unwrap();
    let outcomes: Vec<_> = history.entries.iter().map(|entry| (entry.sequence, entry.refused.is_some())).collect();
    assert_eq!(outcomes, [(2, false), (1, true)]);
    world.stop().await;
}

#[tokio::test]
async fn amounts_that_make_no_sense_are_refused_by_the_server() {
    let world = World::new().await;
    let transactions = raw(&world, "AccountTransaction", "accounttransactions");
    let with = |amount: serde_json::Value| {
        let spec = json!({"account": "jane", "type": "Deduct", "amount": amount});
        let object = json!({"apiVersion": "account.sealos.io/v1", "kind": "AccountTransaction", "metadata": {"name": "t"}, "spec": spec});
        serde_json::from_value::<DynamicObject>(object).unwrap()
    };
    // A number that does not fit into 64 bits is no integer to the server.
    let too_much = serde_json::from_str("9223372036854775808").unwrap();
    for amount in [json!(0), json!(-1), json!("1"), json!(1.5), json!(null), too_much] {
        let error = transactions.create(&PostParams::default(), &with(amount.clone())).await.unwrap_err().to_string();
        assert!(error.contains("spec.amount"), "{amount}: {error}");
    }
    for (spec, field) in [
        (json!({"account": "jane", "type": "Gift", "amount": 1}), "spec.type"),
        (json!({"account": "", "type": "Deduct", "amount": 1}), "spec.account"),
        (json!({"type": "Deduct", "amount": 1}), "spec.account"),
    ] {
        let object = json!({"apiVersion": "account.sealos.io/v1", "kind": "AccountTransaction", "metadata": {"name": "t"}, "spec": spec});
        let error = transactions.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    for (spec, field) in [
        (json!({"owner": "Jane"}), "spec.owner"),
        (json!({"owner": "-"}), "spec.owner"),
        (json!({"owner": "x".repeat(61)}), "spec.owner"),
        (json!({"owner": "jane", "credit": -1}), "spec.credit"),
        (json!({"owner": "jane", "credit": 1, "allowNegative": true}), "spec.credit"),
    ] {
        let error = world.try_account("a", spec).await.unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_sum_that_does_not_fit_is_refused() {
    let world = World::new().await;
    world.account("rich", json!({})).await;
    world.transact("all", "rich", "Recharge", i64::MAX).await;
    assert_eq!(world.done("all").await.status.unwrap().phase, Phase::Completed);
    world.transact("more", "rich", "Recharge", 1).await;
    let status = world.done("more").await.status.unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(status.message.unwrap().contains("out of range"));
    let shown = world.has("rich", i64::MAX).await;
    assert_eq!(shown.status.unwrap().balance_decimal.as_deref(), Some("9223372036854.775807"));
    world.stop().await;
}

#[tokio::test]
async fn a_transaction_and_the_owner_of_an_account_can_not_be_changed() {
    let world = World::new().await;
    world.account("jane", json!({})).await;
    let error = world.change("jane", json!({"owner": "jim"})).await.unwrap_err().to_string();
    assert!(error.contains("spec.owner") && error.contains("can't be changed"), "{error}");
    world.transact("in", "jane", "Recharge", 1).await;
    let patch = Patch::Merge(json!({"spec": {"amount": 2}}));
    let error = world.transactions.patch("in", &PatchParams::default(), &patch).await.unwrap_err().to_string();
    assert!(error.contains("can't be changed"), "{error}");
    world.stop().await;
}

#[tokio::test]
async fn a_transaction_waits_a_while_for_its_account() {
    let world = World::new().await;
    world.transact("early", "jane", "Recharge", 3).await;
    let message = world.warning("early", "AccountNotFound").await;
    assert!(message.contains("spec.account") && message.contains("\"jane\""), "{message}");
    let waiting = world.transactions.get("early").await.unwrap().status.unwrap();
    assert_eq!((waiting.phase, waiting.completion_time), (Phase::Pending, None));
    world.account("jane", json!({})).await;
    assert_eq!(world.done("early").await.status.unwrap().phase, Phase::Completed);
    world.has("jane", 3).await;
    world.stop().await;
}

#[tokio::test]
async fn a_transaction_for_an_account_that_never_comes_fails() {
    let world = World::with(in_memory().await, |options| options.patience = Duration::ZERO).await;
    world.transact("lost", "nobody", "Recharge", 3).await;
    let status = world.done("lost").await.status.unwrap();
    assert_eq!(status.phase, Phase::Failed);
    let message = status.message.unwrap();
    assert!(message.contains("spec.account") && message.contains("create it first"), "{message}");
    assert_eq!(world.warning("lost", "AccountNotUsable").await, message);
    world.stop().await;
}

#[tokio::test]
async fn of_two_accounts_for_one_owner_the_older_one_counts() {
    let world = World::new().await;
    world.account("first", json!({"owner": world.owner("jane")})).await;
    world.has("first", 0).await;
    // Times of objects have whole seconds; the names decide when they are the same.
    world.account("second", json!({"owner": world.owner("jane"), "allowNegative": true})).await;
    let message = world.condition("second", "Ready", "False", "OwnerTaken").await;
    assert!(message.contains("spec.owner") && message.contains("/first"), "{message}");
    assert_eq!(world.warning("second", "OwnerTaken").await, message);
    world.transact("out", "second", "Deduct", 1).await;
    let status = world.done("out").await.status.unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(status.message.unwrap().contains("/first"));
    world.condition("first", "Ready", "True", "InSync").await;
    // When the first one goes, the other has the owner, and the money.
    world.transact("in", "first", "Recharge", 9).await;
    world.has("first", 9).await;
    world.accounts.delete("first", &DeleteParams::default()).await.unwrap();
    world.has("second", 9).await;
    world.condition("second", "Ready", "True", "InSync").await;
    world.stop().await;
}

#[tokio::test]
async fn an_account_that_comes_back_has_what_it_had() {
    let world = World::new().await;
    world.account("jane", json!({})).await;
    world.transact("in", "jane", "Recharge", 4).await;
    world.has("jane", 4).await;
    world.accounts.delete("jane", &DeleteParams::default()).await.unwrap();
    world
        .env
        .eventually("the end", async || world.accounts.get_opt("jane").await.unwrap().is_none().then_some(()))
        .await;
    world.account("jane", json!({})).await;
    world.has("jane", 4).await;
    world.stop().await;
}

// the operator runs with a ledger that is not a database.
#[tokio::test]
async fn a_database_that_is_away_fails_nothing_and_is_waited_for() {
    let shaky = Shaky::new().await;
    let world = World::with(shaky.clone(), |options| options.check = Duration::from_secs(1)).await;
    world.account("jane", json!({})).await;
    world.has("jane", 0).await;
    shaky.away.store(true, Ordering::Relaxed);
    world.transact("in", "jane", "Recharge", 4).await;
    let retried = async || {
        let status = world.operator.status("account-transaction").await.unwrap();
        status.failing.iter().any(|key| key.retries >= 3).then_some(())
    };
    world.env.eventually("three tries", retried).await;
    let status = world.transactions.get("in").await.unwrap().status;
    assert_eq!(status, None, "nothing is said of a database that is away for a while");
    world.condition("jane", "Ready", "True", "InSync").await;
    shaky.away.store(false, Ordering::Relaxed);
    assert_eq!(world.done("in").await.status.unwrap().phase, Phase::Completed);
    world.has("jane", 4).await;
    world.stop().await;
}

#[tokio::test]
async fn what_the_database_refuses_is_told() {
    let shaky = Shaky::new().await;
    let world = World::with(shaky.clone(), |_| {}).await;
    shaky.forbids.store(true, Ordering::Relaxed);
    world.account("jane", json!({})).await;
    let message = world.condition("jane", "Ready", "False", "DatabaseRefused").await;
    assert!(message.contains("permission denied"), "{message}");
    world.warning("jane", "DatabaseRefused").await;
    world.transact("in", "jane", "Recharge", 4).await;
    let status = world.done("in").await.status.unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(status.message.unwrap().contains("permission denied"));
    shaky.forbids.store(false, Ordering::Relaxed);
    world.condition("jane", "Ready", "True", "InSync").await;
    world.stop().await;
}

#[tokio::test]
async fn a_done_transaction_goes_after_a_while_and_its_history_stays() {
    let world = World::with(in_memory().await, |options| options.ttl = Duration::from_secs(1)).await;
    world.account("jane", json!({})).await;
    world.transact("in", "jane", "Recharge", 4).await;
    world.transact("out", "jane", "Deduct", 40).await;
    for name in ["in", "out"] {
        let gone = async || world.transactions.get_opt(name).await.unwrap().is_none().then_some(());
        world.env.eventually(&format!("the end of {name}"), gone).await;
    }
    assert_eq!(world.ledger.balance(&world.owner("jane")).await.unwrap().unwrap().entries, 2);
    world.stop().await;
}

#[tokio::test]
async fn what_has_settled_costs_no_call_and_a_restart_writes_nothing() {
    let world = World::new().await;
    world.account("jane", json!({})).await;
    world.transact("in", "jane", "Recharge", 4).await;
    world.has("jane", 4).await;
    world.operator.idle().await;
    let versions = async || {
        let accounts = world.accounts.list(&ListParams::default()).await.unwrap();
        let transactions = world.transactions.list(&ListParams::default()).await.unwrap();
        let versions = accounts.items.iter().map(|account| account.resource_version());
        versions.chain(transactions.items.iter().map(|t| t.resource_version())).collect::<Vec<_>>()
    };
    let before = versions().await;
    world.operator.restart().await.unwrap();
    world.operator.idle().await;
    assert_eq!(versions().await, before);
    assert!(world.operator.records().iter().all(|record| record.writes.is_empty()));
    world.stop().await;
}

/// A definition as the object storage operator has it, as far as it matters here.
fn storage_user_definition()
-> k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition {
    serde_json::from_value(json!({
        "metadata": {"name": "objectstorageusers.objectstorage.sealos.io"},
        "spec": {
            "group": "objectstorage.sealos.io", "scope": "Namespaced",
            "names": {"kind": "ObjectStorageUser", "plural": "objectstorageusers", "singular": "objectstorageuser"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            }}}],
        },
    }))
    .unwrap()
}

#[tokio::test]
async fn a_suspended_account_marks_the_owner_s_users_of_object_storage() {
    let world = World::new().await;
    let owner = world.owner("j");
    world.account("jane", json!({"suspendBelow": 0, "credit": 10, "owner": owner})).await;
    // Without the other operator there is nothing to mark.
    world.has("jane", 0).await;
    world.env.install_crds(&[storage_user_definition()]).await.unwrap();
    let namespace = format!("ns-{owner}");
    let metadata = ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() };
    let namespaces = Api::<Namespace>::all(world.env.client());
    namespaces.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await.unwrap();
    let kind = ApiResource {
        group: "objectstorage.sealos.io".into(),
        version: "v1".into(),
        api_version: "objectstorage.sealos.io/v1".into(),
        kind: "ObjectStorageUser".into(),
        plural: "objectstorageusers".into(),
    };
    let users = Api::<DynamicObject>::namespaced_with(world.env.client(), &namespace, &kind);
    users.create(&PostParams::default(), &DynamicObject::new("jane", &kind)).await.unwrap();
    let marked = async |wanted: bool| {
        let found = async || {
            let mark = users.get("jane").await.unwrap().annotations().get(SUSPENDED).cloned();
            (mark.as_deref() == wanted.then_some("true")).then_some(())
        };
        world.env.eventually(&format!("mark: {wanted}"), found).await;
    };

    world.transact("out", "jane", "Deduct", 1).await;
    marked(true).await;
    let message = world.condition("jane", "Suspended", "True", "BalanceTooLow").await;
    assert!(message.contains("spec.suspendBelow"), "{message}");
    world.warning("jane", "Suspended").await;
    // A tenant can't get rid of it.
    let removed = Patch::Merge(json!({"metadata": {"annotations": {SUSPENDED: null}}}));
    users.patch("jane", &PatchParams::default(), &removed).await.unwrap();
    marked(true).await;
    // Debts can be paid, and then it is gone.
    world.transact("in", "jane", "Recharge", 1).await;
    marked(false).await;
    world.condition("jane", "Suspended", "False", "Active").await;
    world.change("jane", json!({"suspended": true})).await.unwrap();
    marked(true).await;
    world.condition("jane", "Suspended", "True", "BySpec").await;
    // What the account suspends is free when the account goes.
    world.accounts.delete("jane", &DeleteParams::default()).await.unwrap();
    marked(false).await;
    namespaces.delete(&namespace, &DeleteParams::default()).await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn readiness_tells_of_a_database_that_does_not_answer() {
    use kubewright::prelude::*;
    let shaky = Shaky::new().await;
    let env = kubewright_testing::TestEnv::start().await.unwrap();
    env.install_crds(&kubewright_account::crds()).await.unwrap();
    let options = kubewright_account::Options { check: Duration::from_secs(1), ..Default::default() };
    let manager = Manager::new(env.client(), ManagerOptions { listen: None, ..ManagerOptions::default() });
    let manager = kubewright_account::add_ledger_to(manager, shaky.clone(), &options).unwrap();
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let running = tokio::spawn(manager.run(stop.clone()));
    env.eventually("a ready operator", async || handle.ready().is_ok().then_some(())).await;
    shaky.away.store(true, Ordering::Relaxed);
    let told = async || {
        let faults = handle.ready().err()?;
        faults.into_iter().find(|fault| fault.contains("account-database"))
    };
    let fault = env.eventually("a fault", told).await;
    assert!(fault.contains("connection refused"), "{fault}");
    shaky.away.store(false, Ordering::Relaxed);
    env.eventually("a ready operator", async || handle.ready().is_ok().then_some(())).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    env.stop().await;
}

#[tokio::test]
async fn the_roles_that_are_printed_are_enough() {
    use kubewright::prelude::*;
    let env = kubewright_testing::TestEnv::start().await.unwrap();
    env.install_crds(&[&kubewright_account::crds()[..], &[storage_user_definition()]].concat()).await.unwrap();
    let options = kubewright_account::Options {
        namespace: Some(env.namespace().into()),
        ttl: Duration::from_secs(1),
        ..Default::default()
    };
    let manager = Manager::new(env.client(), ManagerOptions { listen: None, ..ManagerOptions::default() });
    let manager = kubewright_account::add_ledger_to(manager, in_memory().await, &options).unwrap();
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let running = tokio::spawn(manager.run(stop.clone()));
    let accounts = Api::<kubewright_account::Account>::namespaced(env.client(), env.namespace());
    let spec = json!({"owner": env.namespace(), "suspended": true});
    accounts.create(&PostParams::default(), &common::account("jane", spec)).await.unwrap();
    let transactions = Api::<kubewright_account::AccountTransaction>::namespaced(env.client(), env.namespace());
    let spec = json!({"account": "jane", "type": "Recharge", "amount": 1});
    transactions.create(&PostParams::default(), &common::transaction("in", spec)).await.unwrap();
    env.eventually("the balance", async || common::has(&accounts, "jane", 1).await).await;
    env.eventually("its expiry", async || transactions.get_opt("in").await.unwrap().is_none().then_some(())).await;
    accounts.delete("jane", &DeleteParams::default()).await.unwrap();
    env.eventually("the end", async || accounts.get_opt("jane").await.unwrap().is_none().then_some(())).await;
    assert_eq!(handle.undeclared(), []);
    stop.cancel();
    running.await.unwrap().unwrap();
    env.stop().await;
}

#[tokio::test]
async fn columns_show_amounts_as_people_write_them() {
    let columns =
        |crd: &k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition| {
            let columns = crd.spec.versions[0].additional_printer_columns.clone().unwrap();
            columns.into_iter().map(|column| (column.name, column.json_path)).collect::<Vec<_>>()
        };
    let [accounts, transactions] = &kubewright_account::crds()[..] else { panic!("two kinds") };
    assert!(columns(accounts).contains(&("Balance".into(), ".status.balanceDecimal".into())));
    assert!(columns(transactions).contains(&("Amount".into(), ".status.amountDecimal".into())));
}
