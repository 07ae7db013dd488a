//! Brings the status of an Account in line with its row in the ledger.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kubewright::prelude::*;
use kubewright::runtime::{
    Backoff, Delta, Stored, Timer,
    conditions::{self, State},
    finalizer,
};

use crate::{
    Account, AccountSpec, AccountStatus, AccountTransaction, Options,
    ledger::{Balance, Ledger, LedgerError},
    suspension,
};

/// The index of Accounts by their owner.
pub(crate) const BY_OWNER: &str = "owner";

/// Keeps an Account until what it suspended is free again.
const FINALIZER: &str = "account.sealos.io/suspension";

/// The longest wait between tries while the database is away. It is short, as a database that comes back has many waiting.
pub(crate) const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Accounts, by owner.
pub(crate) fn watch(options: &Options) -> Watch<Account> {
    options.watch::<Account>().index(BY_OWNER, |account| account.decode().map(|account: Account| account.spec.owner))
}

/// Shows balances, and suspends.
pub(crate) fn controller(ledger: Arc<dyn Ledger>, options: &Options) -> Controller {
    let backoff = Backoff { max: LONGEST_WAIT, ..Backoff::default() };
    Controller::new("account", watch(options).when(asks), Accounts { ledger })
        .watches(options.watch::<AccountTransaction>().when(done), |transaction| {
            let transaction: AccountTransaction = transaction.decode().ok()?;
            Some(ObjectRef::new(transaction.namespace().as_deref(), &transaction.spec.account))
        })
        .reads(suspension::definition())
        .writes_status()
        .writes_finalizers()
        .may(suspension::rights())
        .resync(Timer::every(options.resync))
        .options(ControllerOptions { concurrency: options.workers, backoff, ..ControllerOptions::default() })
}

struct Accounts {
    ledger: Arc<dyn Ledger>,
}

impl Reconciler for Accounts {
    type Object = Account;

    async fn reconcile(&self, account: Arc<Account>, ctx: &Context) -> Result<Outcome, Error> {
        let deleting = account.metadata.deletion_timestamp.is_some();
        let holder = holder(ctx, &account)?;
        if let Some(holder) = holder.as_ref().filter(|_| !deleting) {
            return taken(ctx, &account, holder).await;
        }
        let owner = &account.spec.owner;
        let release = async || {
            // Who has the owner now says whether they are suspended.
            if holder.is_none() {
                suspension::set(ctx, owner, false).await?;
            }
            Ok(Outcome::Settled)
        };
        finalizer::run(ctx, FINALIZER, async || self.show(ctx, &account).await, release).await
    }
}

impl Accounts {
    /// Tells the balance, and suspends or resumes.
    async fn show(&self, ctx: &Context, account: &Account) -> Result<Outcome, Error> {
        let balance = match self.ledger.open(&account.spec.owner).await {
            Ok(balance) => balance,
            Err(error) => return failed(ctx, account, error).await,
        };
        let suspended = suspension_of(&account.spec, balance);
        suspension::set(ctx, &account.spec.owner, suspended.is_some()).await?;

        let before = account.status.as_ref();
        match (before.and_then(|status| status.suspended).unwrap_or_default(), suspended.as_ref()) {
            (false, Some((_, why))) => ctx.warning("Suspended", why.clone()),
            (true, None) => ctx.normal("Resumed", "the account is no longer suspended"),
            _ => {}
        }
        let ready = State { kind: "Ready", status: Some(true), reason: "InSync", message: "" };
        let (reason, message) = suspended.as_ref().map_or(("Active", ""), |(reason, why)| (*reason, why));
        let state = State { kind: "Suspended", status: Some(suspended.is_some()), reason, message };
        let status = AccountStatus {
            observed_generation: account.metadata.generation,
            balance: Some(balance.amount),
            balance_decimal: Some(balance.amount.to_string()),
            entries: Some(balance.entries),
            suspended: Some(suspended.is_some()),
            conditions: conditions_with(ctx, account, &[ready, state]),
        };
        ctx.set_status(&status).await?;
        Ok(Outcome::Settled)
    }
}

/// Whether the specification or the balance suspends the account, and how.
fn suspension_of(spec: &AccountSpec, Balance { amount, .. }: Balance) -> Option<(&'static str, String)> {
    if spec.suspended {
        return Some(("BySpec", "spec.suspended is true".into()));
    }
    let floor = spec.suspend_below.filter(|floor| amount < *floor)?;
    Some((
        "BalanceTooLow",
        format!("the balance of {amount} is below spec.suspendBelow of {floor}; recharge the account"),
    ))
}

/// Its name and namespace.
fn reference(account: &Account) -> ObjectRef {
    ObjectRef::new(account.namespace().as_deref(), &account.name_any())
}

/// The Account that has the owner, if it is another one than this: the oldest.
pub(crate) fn holder(ctx: &Context, account: &Account) -> Result<Option<ObjectRef>, Error> {
    let owner = &account.spec.owner;
    let this = reference(account);
    // Seldom is there another; only then does it matter how old they are.
    if ctx.find_by::<Account>(BY_OWNER, owner, |found| *found != this)?.is_none() {
        return Ok(None);
    }
    let age = |account: &Account| (account.creation_timestamp(), reference(account));
    let oldest = ctx.list_by::<Account>(BY_OWNER, owner)?.iter().map(age).min();
    Ok(oldest.map(|(_, oldest)| oldest).filter(|oldest| *oldest != this))
}

/// Says that the owner has an Account already. Nothing is done for this one.
async fn taken(ctx: &Context, account: &Account, holder: &ObjectRef) -> Result<Outcome, Error> {
    let message = format!("spec.owner: {} has the Account {holder} already; delete one of the two", account.spec.owner);
    ctx.warning("OwnerTaken", message.clone());
    let ready = State { kind: "Ready", status: Some(false), reason: "OwnerTaken", message: &message };
    let status = AccountStatus {
        observed_generation: account.metadata.generation,
        conditions: conditions_with(ctx, account, &[ready]),
        ..AccountStatus::default()
    };
    ctx.set_status(&status).await?;
    Ok(Outcome::Settled)
}

/// A database that is away for a while changes nothing in the status; one that refuses does.
async fn failed(ctx: &Context, account: &Account, error: LedgerError) -> Result<Outcome, Error> {
    if error.is_temporary() {
        return Err(Error::temporary(error));
    }
    let message = error.to_string();
    ctx.warning("DatabaseRefused", message.clone());
    let ready = State { kind: "Ready", status: Some(false), reason: "DatabaseRefused", message: &message };
    let before = account.status.clone().unwrap_or_default();
    let conditions = conditions_with(ctx, account, &[ready]);
    ctx.set_status(&AccountStatus { observed_generation: account.metadata.generation, conditions, ..before }).await?;
    // What the database refuses changes there, of which no watch tells.
    Err(Error::temporary(error))
}

fn conditions_with(ctx: &Context, account: &Account, states: &[State<'_>]) -> Vec<Condition> {
    let mut list = account.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
    list.retain(|condition| states.iter().any(|state| state.kind == condition.type_));
    for state in states {
        conditions::set(&mut list, *state, account.metadata.generation, ctx.now());
    }
    list
}

/// What of an Account is news to its own reconcile: what is asked for, not what it has told itself.
fn asks(change: &Delta) -> bool {
    predicates::generation_changed(change) || predicates::finalizers_changed(change)
}

/// A transaction that has been recorded: its account has another balance.
fn done(change: &Delta) -> bool {
    let recorded = |object: &Stored| {
        let transaction: Option<AccountTransaction> = object.decode().ok();
        transaction.and_then(|transaction| transaction.status).is_some_and(|status| status.balance.is_some())
    };
    match (&change.old, &change.new) {
        (_, None) => false,
        (old, Some(new)) => recorded(new) && !old.as_ref().is_some_and(recorded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Amount;

    fn spec(suspended: bool, below: Option<i64>) -> AccountSpec {
        AccountSpec {
            owner: "jane".into(),
            credit: Amount::ZERO,
            allow_negative: false,
            suspended,
            suspend_below: below.map(Amount),
        }
    }

    #[test]
    fn an_account_is_suspended_by_its_specification_or_by_a_low_balance() {
        let balance = |units| Balance { amount: Amount(units), entries: 0 };
        let reason = |spec: &AccountSpec, units| suspension_of(spec, balance(units)).map(|(reason, _)| reason);
        assert_eq!(reason(&spec(false, None), -5), None);
        assert_eq!(reason(&spec(true, None), 5), Some("BySpec"));
        assert_eq!(reason(&spec(false, Some(0)), 0), None);
        assert_eq!(reason(&spec(false, Some(0)), -1), Some("BalanceTooLow"));
    }
}
