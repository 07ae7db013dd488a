//! The ledger and the operator on a real PostgreSQL, which is stopped and killed while it works.
//!
//! Part of the real tier (`KUBEWRIGHT_REAL=1`, which `cargo xtask real` sets): there a PostgreSQL that is missing is a failure.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::World;
use futures::StreamExt;
use kube::api::{ListParams, PostParams};
use kubewright_account::ledger::{ConnectError, Entry, Ledger, Limit, PoolOptions, connect};
use kubewright_account::{Amount, Direction, Phase};
use kubewright_real::Postgres;
use serde_json::json;

fn enabled() -> bool {
    let real = std::env::var("KUBEWRIGHT_REAL").is_ok_and(|value| value == "1");
    if !real {
        println!("skipped, as it needs a PostgreSQL: cargo xtask real");
    }
    real
}

fn entry(id: usize, owner: &str, direction: Direction, amount: i64) -> Entry {
    Entry {
        id: format!("id-{id}"),
        owner: owner.into(),
        direction,
        amount: Amount(amount),
        limit: Limit::AtLeast(Amount::ZERO),
        reference: "default/x".into(),
        description: "a test".into(),
        at: "2026-01-01T00:00:00.123456Z".parse().unwrap(),
    }
}

async fn ledger(postgres: &Postgres) -> Arc<dyn Ledger> {
    let pool = PoolOptions { wait: Duration::from_secs(2), ..PoolOptions::default() };
    connect(&postgres.uri(), &pool).await.unwrap()
}

// the same behaviour as on SQLite, by many at once.
#[tokio::test]
async fn the_ledger_works_on_postgres() {
    if !enabled() {
        return;
    }
    let postgres = Postgres::start().await.unwrap();
    let ledger = ledger(&postgres).await;
    ledger.check().await.unwrap();
    assert_eq!(ledger.balance("jane").await.unwrap(), None);
    assert_eq!(ledger.open("jane").await.unwrap(), ledger.open("jane").await.unwrap());

    let first = entry(0, "jane", Direction::Recharge, 1_000);
    let recorded = ledger.record(&first).await.unwrap();
    assert_eq!((recorded.sequence, recorded.balance, recorded.at), (1, Amount(1_000), first.at));
    assert_eq!(ledger.recorded("id-0").await.unwrap(), Some(recorded));
    // A hundred at once, each asked for twice: one after the other, without a gap.
    let calls = (1..=100).chain(1..=100).map(|id| {
        let ledger = &ledger;
        async move { ledger.record(&entry(id, "jane", Direction::Deduct, 7)).await.unwrap().sequence }
    });
    let mut sequences: Vec<i64> = futures::stream::iter(calls).buffer_unordered(20).collect().await;
    sequences.sort_unstable();
    assert_eq!(sequences, (2..=101).flat_map(|sequence| [sequence, sequence]).collect::<Vec<_>>());
    assert_eq!(ledger.balance("jane").await.unwrap().unwrap().amount, Amount(300));
    let refused = ledger.record(&entry(500, "jane", Direction::Deduct, 301)).await.unwrap();
    assert!(refused.refused.is_some_and(|why| why.contains("0.0003")));
    let page = ledger.history("jane", None, 2).await.unwrap();
    assert_eq!(page.entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [102, 101]);
    assert_eq!(page.next, Some(101));
    // An id that is taken by another is not taken for the same.
    let error = ledger.record(&entry(0, "jane", Direction::Deduct, 1)).await.unwrap_err();
    assert!(!error.is_temporary() && error.to_string().contains("id-0"), "{error}");
    // The same again by another process, whose tables are there.
    let other = self::ledger(&postgres).await;
    assert_eq!(other.balance("jane").await.unwrap(), ledger.balance("jane").await.unwrap());
    other.close().await;
    ledger.close().await;
}

//
#[tokio::test]
async fn a_connection_that_is_refused_names_the_cause() {
    if !enabled() {
        return;
    }
    let mut postgres = Postgres::start().await.unwrap();
    let uri = postgres.uri().replace("/postgres", "/nowhere");
    let error = connect(&uri, &PoolOptions::default()).await.err().unwrap();
    assert!(matches!(error, ConnectError::Refused { .. }) && error.to_string().contains("\"nowhere\""), "{error}");
    postgres.stop();
    let error = connect(&postgres.uri(), &PoolOptions::default()).await.err().unwrap();
    assert!(error.to_string().contains("refused"), "{error}");
}

const TRANSACTIONS: usize = 1_000;
const OWNERS: usize = 20;

// PostgreSQL is restarted during a thousand transactions, by a stop and by a kill: nothing is lost, nothing is done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_of_postgres_lose_nothing_and_double_nothing() {
    if !enabled() {
        return;
    }
    let mut postgres = Postgres::start().await.unwrap();
    let ledger = ledger(&postgres).await;
    let world = World::with(ledger.clone(), |options| options.check = Duration::from_secs(1)).await;
    for owner in 0..OWNERS {
        world.account(&format!("a{owner}"), json!({"allowNegative": true})).await;
    }
    // Recharges and deductions of amounts that tell which of them were done.
    let spec = |id: usize| {
        let direction = if id.is_multiple_of(3) { "Deduct" } else { "Recharge" };
        json!({"account": format!("a{}", id % OWNERS), "type": direction, "amount": id + 1})
    };
    let create = async {
        for id in 0..TRANSACTIONS {
            let transaction = common::transaction(&format!("t{id:04}"), spec(id));
            world.transactions.create(&PostParams::default(), &transaction).await.unwrap();
        }
    };
    let entries = async || {
        let mut sum = 0;
        for owner in 0..OWNERS {
            let balance = ledger.balance(&world.owner(&format!("a{owner}"))).await;
            sum += balance.ok().flatten().map_or(0, |balance| balance.entries);
        }
        sum
    };
    let disturb = async {
        for (after, kill) in [(100, false), (300, true), (500, false), (700, true)] {
            world.env.eventually(&format!("{after} entries"), async || (entries().await >= after).then_some(())).await;
            if kill {
                postgres.kill().unwrap();
            } else {
                postgres.stop();
            }
            postgres.resume().await.unwrap();
        }
    };
    tokio::join!(create, disturb);

    let all_done = async || {
        let all = world.transactions.list(&ListParams::default()).await.unwrap();
        let done = all.items.iter().filter_map(|t| t.status.as_ref()).filter(|s| s.phase == Phase::Completed).count();
        (done == TRANSACTIONS).then_some(all.items)
    };
    let transactions = world.env.eventually("all transactions completed", all_done).await;
    let mut expected: BTreeMap<usize, i64> = BTreeMap::new();
    for id in 0..TRANSACTIONS {
        let amount = i64::try_from(id + 1).unwrap();
        *expected.entry(id % OWNERS).or_default() += if id.is_multiple_of(3) { -amount } else { amount };
    }
    for (owner, balance) in expected {
        let name = format!("a{owner}");
        world.has(&name, balance).await;
        let mut ids = Vec::new();
        let mut before = None;
        loop {
            let page = ledger.history(&world.owner(&name), before, 100).await.unwrap();
            ids.extend(page.entries.into_iter().map(|entry| entry.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        ids.sort_unstable();
        let mut wanted: Vec<String> = transactions
            .iter()
            .filter(|transaction| transaction.spec.account == name)
            .map(|transaction| transaction.metadata.uid.clone().unwrap())
            .collect();
        wanted.sort_unstable();
        assert_eq!(ids, wanted, "each transaction of {name} is in its history once");
    }
    world.stop().await;
    ledger.close().await;
}
