//! The ledger against a model, over random histories of recharges, deductions, repeats and crashes.

#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use kubewright_account::ledger::{Entry, Ledger, Limit, PoolOptions, Recorded, connect, decide};
use kubewright_account::{Amount, Direction};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const OWNERS: [&str; 3] = ["jane", "jim", "joe"];

#[derive(Debug, Clone)]
enum Step {
    /// A transaction. What is asked for under a known id is asked for as it was the first time.
    Record { id: u8, owner: usize, direction: Direction, amount: i64, limit: Limit },
    /// The same, by a process that dies at some moment: after so many polls of the call.
    Crash { id: u8, owner: usize, direction: Direction, amount: i64, polls: usize },
    /// The process starts anew.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = prop_oneof![8 => 1..1000_i64, 1 => Just(i64::MAX), 1 => Just(i64::MAX - 500)];
    let limit = prop_oneof![
        3 => Just(Limit::AtLeast(Amount::ZERO)),
        1 => (0..1000_i64).prop_map(|credit| Limit::AtLeast(Amount(-credit))),
        1 => Just(Limit::None),
    ];
    let direction = prop_oneof![Just(Direction::Recharge), Just(Direction::Deduct)];
    let what = (any::<u8>(), 0..OWNERS.len(), direction, amount);
    let step = prop_oneof![
        6 => (what.clone(), limit).prop_map(|((id, owner, direction, amount), limit)| Step::Record { id, owner, direction, amount, limit }),
        3 => (what, 0..12_usize).prop_map(|((id, owner, direction, amount), polls)| Step::Crash { id, owner, direction, amount, polls }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

/// What should be in the database.
#[derive(Default)]
struct Model {
    balances: BTreeMap<&'static str, (Amount, i64)>,
    entries: BTreeMap<String, Entry>,
    recorded: BTreeMap<String, Recorded>,
}

impl Model {
    /// The entry to ask for: the first one of its id.
    fn entry(&mut self, id: u8, owner: usize, direction: Direction, amount: i64, limit: Limit) -> Entry {
        let id = format!("id-{}", id % 24);
        let entry = Entry {
            id: id.clone(),
            owner: OWNERS[owner].into(),
            direction,
            amount: Amount(amount),
            limit,
            reference: "default/x".into(),
            description: String::new(),
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        self.entries.entry(id).or_insert(entry).clone()
    }

    fn record(&mut self, entry: &Entry) -> Recorded {
        if let Some(recorded) = self.recorded.get(&entry.id) {
            return recorded.clone();
        }
        let owner = OWNERS.into_iter().find(|owner| **owner == entry.owner).unwrap();
        let (balance, entries) = self.balances.entry(owner).or_default();
        let decided = decide(*balance, entry.direction, entry.amount, entry.limit);
        *balance = *decided.as_ref().unwrap_or(balance);
        *entries += 1;
        let recorded = Recorded {
            sequence: *entries,
            id: entry.id.clone(),
            owner: entry.owner.clone(),
            direction: entry.direction,
            amount: entry.amount,
            refused: decided.err(),
            balance: *balance,
            reference: entry.reference.clone(),
            description: entry.description.clone(),
            at: entry.at,
        };
        self.recorded.insert(entry.id.clone(), recorded.clone());
        recorded
    }
}

async fn open(file: &std::path::Path) -> Arc<dyn Ledger> {
    connect(&format!("sqlite:{}", file.display()), &PoolOptions::default()).await.unwrap()
}

async fn run(steps: Vec<Step>) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("accounts.db");
    let mut ledger = open(&file).await;
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Record { id, owner, direction, amount, limit } => {
                let entry = model.entry(id, owner, direction, amount, limit);
                assert_eq!(ledger.record(&entry).await.unwrap(), model.record(&entry));
            }
            Step::Crash { id, owner, direction, amount, polls } => {
                let entry = model.entry(id, owner, direction, amount, Limit::AtLeast(Amount::ZERO));
                give_up_after(polls, ledger.record(&entry)).await;
                // It was done or it was not; whichever it was, once it is asked for again it is done once.
                if let Some(found) = ledger.recorded(&entry.id).await.unwrap() {
                    assert_eq!(found, model.record(&entry));
                }
                assert_eq!(ledger.record(&entry).await.unwrap(), model.record(&entry));
            }
            Step::Restart => {
                ledger.close().await;
                ledger = open(&file).await;
            }
        }
    }
    for owner in OWNERS {
        let found = ledger.balance(owner).await.unwrap().map(|balance| (balance.amount, balance.entries));
        assert_eq!(found, model.balances.get(owner).copied());
        // Any size of page shows all of it, the newest first.
        let mut wanted: Vec<_> = model.recorded.values().filter(|recorded| recorded.owner == owner).cloned().collect();
        wanted.sort_by_key(|recorded| -recorded.sequence);
        for size in [1, 3, 100] {
            let (mut shown, mut before) = (Vec::new(), None);
            loop {
                let page = ledger.history(owner, before, size).await.unwrap();
                shown.extend(page.entries);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(shown, wanted);
        }
    }
    ledger.close().await;
}

/// Polls a call so many times at most, and drops it.
async fn give_up_after(polls: usize, call: impl Future) {
    let mut call = Box::pin(call);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(());
        }
        left -= 1;
        call.as_mut().poll(context).map(|_| ())
    })
    .await;
}

#[test]
fn balances_and_histories_are_those_of_the_model() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    runner
        .run(&steps(), |steps| {
            runtime.block_on(run(steps));
            Ok(())
        })
        .unwrap();
}
