//! What the tests share: an environment with the operator in it, and a ledger that can be made to fail.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "it is for tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use kubewright_account::ledger::{Balance, Entry, Ledger, LedgerError, Page, PoolOptions, Recorded, connect};
use kubewright_account::{Account, AccountTransaction, Options, Phase, add_ledger_to, crds};
use kubewright_testing::{Operator, TestEnv};
use serde_json::{Value, json};

/// An environment with the operator running in it, and a namespace of the test's own, of whose objects it is.
pub(crate) struct World {
    pub(crate) env: TestEnv,
    pub(crate) operator: Operator,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) accounts: Api<Account>,
    pub(crate) transactions: Api<AccountTransaction>,
    pub(crate) events: Api<Event>,
}

pub(crate) async fn in_memory() -> Arc<dyn Ledger> {
    connect("sqlite::memory:", &PoolOptions::default()).await.unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(in_memory().await, |_| {}).await
    }

    pub(crate) async fn with(ledger: Arc<dyn Ledger>, set: impl Fn(&mut Options)) -> Self {
        let env = TestEnv::start().await.unwrap();
        env.install_crds(&crds()).await.unwrap();
        let mut options = Options { namespace: Some(env.namespace().into()), ..Options::default() };
        set(&mut options);
        let used = ledger.clone();
        let operator = env.operator(move |manager| add_ledger_to(manager, used.clone(), &options).unwrap());
        let (client, namespace) = (env.client(), env.namespace());
        World {
            accounts: Api::namespaced(client.clone(), namespace),
            transactions: Api::namespaced(client.clone(), namespace),
            events: Api::namespaced(client, namespace),
            operator,
            ledger,
            env,
        }
    }

    /// An owner that no other test has: on a real cluster they share what is in no namespace.
    pub(crate) fn owner(&self, name: &str) -> String {
        format!("{name}-{}", self.env.namespace())
    }

    pub(crate) async fn account(&self, name: &str, mut spec: Value) -> Account {
        if spec["owner"].is_null() {
            spec["owner"] = json!(self.owner(name));
        }
        self.try_account(name, spec).await.unwrap()
    }

    pub(crate) async fn try_account(&self, name: &str, spec: Value) -> kube::Result<Account> {
        self.accounts.create(&PostParams::default(), &account(name, spec)).await
    }

    pub(crate) async fn change(&self, name: &str, spec: Value) -> kube::Result<Account> {
        self.accounts.patch(name, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await
    }

    pub(crate) async fn transact(&self, name: &str, account: &str, direction: &str, amount: i64) -> AccountTransaction {
        self.try_transact(name, json!({"account": account, "type": direction, "amount": amount})).await.unwrap()
    }

    pub(crate) async fn try_transact(&self, name: &str, spec: Value) -> kube::Result<AccountTransaction> {
        self.transactions.create(&PostParams::default(), &transaction(name, spec)).await
    }

    /// The transaction when it is done.
    pub(crate) async fn done(&self, name: &str) -> AccountTransaction {
        self.env
            .eventually(&format!("the end of transaction {name}"), async || done(&self.transactions, name).await)
            .await
    }

    /// The account when its status tells this balance.
    pub(crate) async fn has(&self, name: &str, balance: i64) -> Account {
        self.env
            .eventually(&format!("balance {balance} of {name}"), async || has(&self.accounts, name, balance).await)
            .await
    }

    /// The message of a condition, when it has this status and reason.
    pub(crate) async fn condition(&self, name: &str, kind: &str, status: &str, reason: &str) -> String {
        let found = async || {
            let conditions = self.accounts.get(name).await.unwrap().status?.conditions;
            let condition = conditions.into_iter().find(|condition| condition.type_ == kind)?;
            (condition.status == status && condition.reason == reason).then_some(condition.message)
        };
        self.env.eventually(&format!("{kind}={status}, {reason}, of {name}"), found).await
    }

    pub(crate) async fn warning(&self, name: &str, reason: &str) -> String {
        let found = async || {
            let events = self.events.list(&ListParams::default()).await.unwrap();
            let about = events.items.into_iter().find(|event| {
                event.involved_object.name.as_deref() == Some(name)
                    && event.type_.as_deref() == Some("Warning")
                    && event.reason.as_deref() == Some(reason)
            });
            about.and_then(|event| event.message)
        };
        self.env.eventually(&format!("Warning {reason} about {name}"), found).await
    }

    pub(crate) async fn stop(self) {
        self.operator.stop().await.unwrap();
        self.env.stop().await;
    }
}

pub(crate) async fn has(accounts: &Api<Account>, name: &str, balance: i64) -> Option<Account> {
    let account = accounts.get(name).await.unwrap();
    let shown = account.status.as_ref()?.balance?;
    (shown.0 == balance).then_some(account)
}

pub(crate) async fn done(transactions: &Api<AccountTransaction>, name: &str) -> Option<AccountTransaction> {
    let transaction = transactions.get(name).await.unwrap();
    (transaction.status.as_ref()?.phase != Phase::Pending).then_some(transaction)
}

pub(crate) fn account(name: &str, spec: Value) -> Account {
    serde_json::from_value(json!({
        "apiVersion": "account.sealos.io/v1", "kind": "Account", "metadata": {"name": name}, "spec": spec,
    }))
    .unwrap()
}

pub(crate) fn transaction(name: &str, spec: Value) -> AccountTransaction {
    serde_json::from_value(json!({
        "apiVersion": "account.sealos.io/v1", "kind": "AccountTransaction", "metadata": {"name": name}, "spec": spec,
    }))
    .unwrap()
}

/// Sends what the types would not let us say.
pub(crate) fn raw(world: &World, kind: &str, plural: &str) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: "account.sealos.io".into(),
        version: "v1".into(),
        api_version: "account.sealos.io/v1".into(),
        kind: kind.into(),
        plural: plural.into(),
    };
    Api::namespaced_with(world.env.client(), world.env.namespace(), &resource)
}

/// A ledger whose database can be taken away.
pub(crate) struct Shaky {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) away: AtomicBool,
    pub(crate) forbids: AtomicBool,
}

impl Shaky {
    pub(crate) async fn new() -> Arc<Self> {
        let (away, forbids) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { ledger: in_memory().await, away, forbids })
    }

    fn fails(&self) -> Result<(), LedgerError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(LedgerError::temporary("answer", "connection refused"));
        }
        if self.forbids.load(Ordering::Relaxed) {
            return Err(LedgerError::permanent("answer", "permission denied for table kubewright_account"));
        }
        Ok(())
    }
}

impl Ledger for Shaky {
    fn open<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Balance, LedgerError>> {
        Box::pin(async move {
            self.fails()?;
            self.ledger.open(owner).await
        })
    }

    fn record<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Recorded, LedgerError>> {
        Box::pin(async move {
            self.fails()?;
            self.ledger.record(entry).await
        })
    }

    fn recorded<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Recorded>, LedgerError>> {
        Box::pin(async move {
            self.fails()?;
            self.ledger.recorded(id).await
        })
    }

    fn balance<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Option<Balance>, LedgerError>> {
        Box::pin(async move {
            self.fails()?;
            self.ledger.balance(owner).await
        })
    }

    fn history<'a>(
        &'a self,
        owner: &'a str,
        before: Option<i64>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page, LedgerError>> {
        Box::pin(async move {
            self.fails()?;
            self.ledger.history(owner, before, limit).await
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            self.fails()?;
            self.ledger.check().await
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.ledger.close()
    }
}
