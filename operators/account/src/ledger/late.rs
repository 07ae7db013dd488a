//! A ledger that is connected to when the operator starts, and not when it is put together.

use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;

use super::{Balance, Entry, Ledger, LedgerError, Page, Recorded};

/// Stands for the ledger until it is there: calls before that fail, and may be tried again.
#[derive(Default)]
pub(crate) struct LateLedger(OnceLock<Arc<dyn Ledger>>);

impl LateLedger {
    /// From now on calls go to this one; the first that is given stays.
    pub(crate) fn set(&self, ledger: Arc<dyn Ledger>) {
        _ = self.0.set(ledger);
    }

    fn get(&self) -> Result<&Arc<dyn Ledger>, LedgerError> {
        self.0.get().ok_or_else(|| LedgerError::temporary("be asked", "it is not connected to yet"))
    }
}

impl Ledger for LateLedger {
    fn open<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Balance, LedgerError>> {
        Box::pin(async move { self.get()?.open(owner).await })
    }

    fn record<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Recorded, LedgerError>> {
        Box::pin(async move { self.get()?.record(entry).await })
    }

    fn recorded<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Recorded>, LedgerError>> {
        Box::pin(async move { self.get()?.recorded(id).await })
    }

    fn balance<'a>(&'a self, owner: &'a str) -> BoxFuture<'a, Result<Option<Balance>, LedgerError>> {
        Box::pin(async move { self.get()?.balance(owner).await })
    }

    fn history<'a>(
        &'a self,
        owner: &'a str,
        before: Option<i64>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page, LedgerError>> {
        Box::pin(async move { self.get()?.history(owner, before, limit).await })
    }

    fn check(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(async move { self.get()?.check().await })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(ledger) = self.0.get() {
                ledger.close().await;
            }
        })
    }
}
