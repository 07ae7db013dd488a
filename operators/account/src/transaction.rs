//! Has each AccountTransaction recorded in the ledger once, tells what became of it, and removes it some time later.
//!
//! The uid of the object is the id in the ledger. So it does not matter where a crash comes between the ledger and the status:
//! the next run asks for the same entry and gets what was recorded.
//!
//! Transactions of an account are recorded in the order in which they were made, as a deduction may need the recharge before it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DeleteParams, Preconditions},
};
use kubewright::prelude::*;
use kubewright::runtime::{Backoff, Rights, Stored};

use crate::{
    Account, AccountTransaction, AccountTransactionStatus, Options, Phase,
    account::{self, LONGEST_WAIT, holder},
    ledger::{Entry, Ledger, LedgerError, Limit, Recorded},
};

/// The index of transactions that are not done, by their account.
const LANE: &str = "lane";

/// How long one waits for the one before it until it looks anew. A change by somebody else can give that one a later version,
/// and with it a later place.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Applies transactions.
pub(crate) fn controller(ledger: Arc<dyn Ledger>, options: &Options) -> Controller {
    let backoff = Backoff { max: LONGEST_WAIT, ..Backoff::default() };
    let deletes = Rights::on::<AccountTransaction>(["delete"]);
    let rights = match &options.namespace {
        Some(namespace) => deletes.within(namespace),
        None => deletes,
    };
    let transactions = Transactions { ledger, options: options.clone() };
    // Its own status is no news, and what it depends on is read once.
    let watch = options.watch().when(predicates::generation_changed).index(LANE, |stored| {
        let transaction = stored.decode::<AccountTransaction>().ok();
        transaction.filter(is_open).map(|transaction| lane(&transaction))
    });
    Controller::new("account-transaction", watch, transactions)
        .reads(account::watch(options))
        .writes_status()
        .may(rights)
        .options(ControllerOptions { concurrency: options.workers, backoff, ..ControllerOptions::default() })
}

struct Transactions {
    ledger: Arc<dyn Ledger>,
    options: Options,
}

/// What is known of the account of a transaction.
enum Payer {
    Account(Box<Account>),
    /// It may be on its way: what is applied together arrives in any order.
    NotYet(Duration),
    /// Nobody, and why.
    Nobody(String),
}

impl Reconciler for Transactions {
    type Object = AccountTransaction;

    async fn reconcile(&self, transaction: Arc<AccountTransaction>, ctx: &Context) -> Result<Outcome, Error> {
        if transaction.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        if let Some(completed) = completion(&transaction) {
            return self.expire(ctx, &transaction, completed).await;
        }
        if let Some(ahead) = ahead(ctx, &transaction)? {
            // It wakes this one when it is done, or goes.
            tracing::debug!(%ahead, "waits for an earlier transaction of the account");
            return Ok(Outcome::Recheck(LOOK_AGAIN));
        }
        let id = transaction.uid().unwrap_or_default();
        let recorded = match self.payer(ctx, &transaction)? {
            Payer::Account(account) => self.ledger.record(&entry(ctx, &transaction, id, &account)).await,
            // It may have been recorded before the account went.
            Payer::NotYet(wait) => match self.ledger.recorded(&id).await {
                Ok(None) => return self.wait(ctx, &transaction, wait).await,
                Ok(Some(recorded)) => Ok(recorded),
                Err(error) => Err(error),
            },
            Payer::Nobody(why) => match self.ledger.recorded(&id).await {
                Ok(None) => return self.fail(ctx, &transaction, "AccountNotUsable", why).await,
                Ok(Some(recorded)) => Ok(recorded),
                Err(error) => Err(error),
            },
        };
        match recorded {
            Ok(recorded) => self.tell(ctx, &transaction, recorded).await,
            Err(error) => self.failed(ctx, &transaction, error).await,
        }
    }
}

impl Transactions {
    /// The account that a transaction is about. It is read without being told of its changes, which are many and matter no more
    /// once the transaction is recorded.
    fn payer(&self, ctx: &Context, transaction: &AccountTransaction) -> Result<Payer, Error> {
        let name = &transaction.spec.account;
        let key = ObjectRef::new(transaction.namespace().as_deref(), name);
        let accounts = ApiResource::erase::<Account>(&());
        let found = ctx.informer(&accounts)?.get(&key).map(|account| account.decode::<Account>()).transpose();
        let Some(account) = found.map_err(Error::terminal)? else {
            // From here on it is woken when the account comes.
            ctx.read(&accounts).get(&key)?;
            let age = ctx.now().duration_since(transaction.creation_timestamp().map_or(Timestamp::UNIX_EPOCH, |t| t.0));
            let left = Duration::try_from(age).map_or(Duration::ZERO, |age| self.options.patience.saturating_sub(age));
            let namespace = key.namespace.as_deref().unwrap_or_default();
            let why = format!("spec.account: there is no Account {name:?} in namespace {namespace}; create it first");
            return Ok(if left.is_zero() { Payer::Nobody(why) } else { Payer::NotYet(left) });
        };
        if account.metadata.deletion_timestamp.is_some() {
            return Ok(Payer::Nobody(format!("spec.account: Account {name:?} is being deleted")));
        }
        if let Some(holder) = holder(ctx, &account)? {
            let owner = &account.spec.owner;
            let why = format!("spec.account: Account {name:?} is not the one of {owner}, which is {holder}; use that");
            return Ok(Payer::Nobody(why));
        }
        Ok(Payer::Account(Box::new(account)))
    }

    /// Says what the ledger has.
    async fn tell(
        &self,
        ctx: &Context,
        transaction: &AccountTransaction,
        recorded: Recorded,
    ) -> Result<Outcome, Error> {
        let (phase, message) = match recorded.refused {
            None => (Phase::Completed, format!("the balance is {}", recorded.balance)),
            Some(why) => {
                ctx.warning("TransactionFailed", why.clone());
                (Phase::Failed, why)
            }
        };
        let status = AccountTransactionStatus {
            sequence: Some(recorded.sequence),
            balance: Some(recorded.balance),
            balance_decimal: Some(recorded.balance.to_string()),
            ..self.status(ctx, transaction, phase, message)
        };
        ctx.set_status(&status).await?;
        Ok(Outcome::Recheck(self.options.ttl))
    }

    /// Says that it will not be recorded.
    async fn fail(
        &self,
        ctx: &Context,
        transaction: &AccountTransaction,
        reason: &str,
        message: String,
    ) -> Result<Outcome, Error> {
        ctx.warning(reason, message.clone());
        ctx.set_status(&self.status(ctx, transaction, Phase::Failed, message)).await?;
        Ok(Outcome::Recheck(self.options.ttl))
    }

    /// A database that is away for a while is no failure of the transaction.
    async fn failed(
        &self,
        ctx: &Context,
        transaction: &AccountTransaction,
        error: LedgerError,
    ) -> Result<Outcome, Error> {
        if error.is_temporary() {
            return Err(Error::temporary(error));
        }
        self.fail(ctx, transaction, "DatabaseRefused", error.to_string()).await
    }

    /// Waits for the account.
    async fn wait(&self, ctx: &Context, transaction: &AccountTransaction, left: Duration) -> Result<Outcome, Error> {
        let message = format!(
            "spec.account: there is no Account {:?}; it is waited for, for {} s in all",
            transaction.spec.account,
            self.options.patience.as_secs()
        );
        if transaction.status.as_ref().and_then(|status| status.message.as_ref()) != Some(&message) {
            ctx.warning("AccountNotFound", message.clone());
        }
        ctx.set_status(&self.status(ctx, transaction, Phase::Pending, message)).await?;
        Ok(Outcome::After(left))
    }

    fn status(
        &self,
        ctx: &Context,
        transaction: &AccountTransaction,
        phase: Phase,
        message: String,
    ) -> AccountTransactionStatus {
        // The API stores whole seconds.
        let now = ctx.now();
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        AccountTransactionStatus {
            phase,
            message: Some(message),
            completion_time: (phase != Phase::Pending).then_some(Time(now)),
            amount_decimal: Some(transaction.spec.amount.to_string()),
            observed_generation: transaction.metadata.generation,
            ..AccountTransactionStatus::default()
        }
    }

    /// Removes it when it has been done for long enough. The ledger keeps it.
    async fn expire(
        &self,
        ctx: &Context,
        transaction: &AccountTransaction,
        completed: Timestamp,
    ) -> Result<Outcome, Error> {
        let age = Duration::try_from(ctx.now().duration_since(completed)).unwrap_or_default();
        let left = self.options.ttl.saturating_sub(age);
        if !left.is_zero() {
            return Ok(Outcome::Recheck(left));
        }
        let namespace = transaction.namespace().unwrap_or_default();
        let api = Api::<AccountTransaction>::namespaced(ctx.client().clone(), &namespace);
        let preconditions = Some(Preconditions { uid: transaction.uid(), resource_version: None });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        match api.delete(&transaction.name_any(), &params).await {
            // Gone already, or another has its name by now.
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(Outcome::Settled),
            deleted => deleted.map(|_| Outcome::Settled).map_err(Error::from),
        }
    }
}

/// Whether it is still to be done.
fn is_open(transaction: &AccountTransaction) -> bool {
    transaction.metadata.deletion_timestamp.is_none() && completion(transaction).is_none()
}

fn lane(transaction: &AccountTransaction) -> String {
    format!("{}/{}", transaction.namespace().unwrap_or_default(), transaction.spec.account)
}

/// The open transaction of the same account that was made just before this one.
fn ahead(ctx: &Context, transaction: &AccountTransaction) -> Result<Option<ObjectRef>, Error> {
    let kind = ApiResource::erase::<AccountTransaction>(&());
    let this = ObjectRef::new(transaction.namespace().as_deref(), &transaction.name_any());
    let Some(mine) = ctx.informer(&kind)?.get(&this).map(|stored| place(&stored)) else { return Ok(None) };
    ctx.read(&kind).greatest_by(LANE, &lane(transaction), |other| Some(place(other)).filter(|other| *other < mine))
}

/// Where it stands among others: times are whole seconds, and within one the versions tell.
fn place(stored: &Stored) -> (Option<Timestamp>, u64, ObjectRef) {
    let created = stored.creation_timestamp().and_then(|time| time.parse().ok());
    (created, stored.resource_version().parse().unwrap_or_default(), stored.reference().clone())
}

/// When it was done, if it was.
fn completion(transaction: &AccountTransaction) -> Option<Timestamp> {
    let status = transaction.status.as_ref().filter(|status| status.phase != Phase::Pending)?;
    // One without a time was written by somebody else; its age is what is known of it.
    let time = status.completion_time.as_ref().or(transaction.metadata.creation_timestamp.as_ref());
    Some(time.map_or(Timestamp::UNIX_EPOCH, |time| time.0))
}

fn entry(ctx: &Context, transaction: &AccountTransaction, id: String, account: &Account) -> Entry {
    let spec = &account.spec;
    // Credit is not negative: the schema sees to it.
    let least = crate::Amount(spec.credit.0.saturating_neg());
    Entry {
        id,
        owner: spec.owner.clone(),
        direction: transaction.spec.direction,
        amount: transaction.spec.amount,
        limit: if spec.allow_negative { Limit::None } else { Limit::AtLeast(least) },
        reference: ObjectRef::new(transaction.namespace().as_deref(), &transaction.name_any()).to_string(),
        description: transaction.spec.description.clone().unwrap_or_default(),
        at: ctx.now(),
    }
}
