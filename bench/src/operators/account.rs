//! Transactions of many accounts.

use kubewright_account::ledger::{PoolOptions, connect};
use kubewright_account::{Options, add_ledger_to, crds};
use serde_json::{Value, json};

use crate::Error;
use crate::operators::part::{Part, count, object};

const TRANSACTIONS: u64 = 10_000;
const ACCOUNTS: u64 = 100;

pub(crate) async fn part(objects: &'static str, percent: u64, database: &str) -> Result<Part, Error> {
    let workers = 10;
    let ledger = connect(database, &PoolOptions::default()).await.map_err(Error::operator)?;
    let object = |kind: &str, name: String, spec: Value| object("account.sealos.io/v1", kind, "default", &name, &spec);
    let before = (0..ACCOUNTS)
        .map(|account| object("Account", format!("a{account}"), json!({"owner": format!("o{account}")})))
        .collect();
    let counted = (0..count(TRANSACTIONS, percent))
        .map(|number| {
            let spec = json!({"account": format!("a{}", number % ACCOUNTS), "type": "Recharge", "amount": 1 + number});
            object("AccountTransaction", format!("t{number}"), spec)
        })
        .collect();
    let add = move |manager| {
        let options = Options { workers, ..Options::default() };
        add_ledger_to(manager, ledger.clone(), &options).map_err(Error::operator)
    };
    Ok(Part {
        objects,
        crds: crds(),
        nodes: 0,
        before,
        counted,
        add: Box::new(add),
        done: |transaction| transaction["status"]["phase"] == "Completed",
    })
}
