//! `kubewright account`: the accounts in their database, which knows more than the cluster shows.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use kubewright_account::ledger::{Balance, ConnectError, Ledger, LedgerError, Page, PoolOptions, connect};
use serde_json::json;

use crate::args::Output;

/// What can be looked at.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Show the transactions of an owner, the newest first.
    #[command(after_help = "Examples:\n  kubewright account history jane --database-uri sqlite:accounts.db -o json")]
    History(HistoryArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Whose: spec.owner of the Account.
    owner: String,

    /// Database of the accounts: postgres://USER:PASSWORD@HOST/DATABASE or sqlite:FILE.
    #[arg(long, value_name = "URI", env = "DATABASE_URI", hide_env_values = true, default_value = "")]
    database_uri: String,

    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    /// Only those before this one: the next page begins before the last of this one.
    #[arg(long, value_name = "SEQUENCE")]
    before: Option<i64>,

    /// How to print: a table for people, or JSON with amounts in millionths of the currency.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("there is no account of {owner:?}; `kubectl get accounts -A` shows the owners")]
    Unknown { owner: String },
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Runs the command.
pub(crate) async fn account(command: AccountCommand) -> Result<(), AccountError> {
    let AccountCommand::History(args) = command;
    let ledger = connect(&args.database_uri, &PoolOptions { connections: 1, ..PoolOptions::default() }).await?;
    let shown = history(&args, &*ledger).await;
    ledger.close().await;
    shown
}

async fn history(args: &HistoryArgs, ledger: &dyn Ledger) -> Result<(), AccountError> {
    let owner = &args.owner;
    let unknown = || AccountError::Unknown { owner: owner.clone() };
    let balance = ledger.balance(owner).await?.ok_or_else(unknown)?;
    let page = ledger.history(owner, args.before, args.limit).await?;
    let mut out = io::stdout().lock();
    match args.output {
        Output::Text => write!(out, "{}", table(owner, balance, &page))?,
        Output::Json => {
            let Balance { amount, entries } = balance;
            let document = json!({
                "owner": owner, "balance": amount, "entries": entries,
                "transactions": page.entries, "next": page.next,
            });
            writeln!(out, "{document:#}")?;
        }
    }
    Ok(())
}

fn table(owner: &str, balance: Balance, page: &Page) -> String {
    let mut text = format!("{owner} has {}; transactions: {}\n", balance.amount, balance.entries);
    if !page.entries.is_empty() {
        text += &format!(
            "{:>8}  {:20}  {:8}  {:>16}  {:>16}  {}\n",
            "SEQUENCE", "TIME", "TYPE", "AMOUNT", "BALANCE", "WHAT"
        );
    }
    for entry in &page.entries {
        let what = match &entry.refused {
            Some(why) => format!("refused: {why}"),
            None if entry.description.is_empty() => entry.reference.clone(),
            None => format!("{} ({})", entry.description, entry.reference),
        };
        let (direction, at) = (entry.direction.as_str(), entry.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let (sequence, amount, balance) = (entry.sequence, entry.amount, entry.balance);
        text += &format!("{sequence:>8}  {at:20}  {direction:8}  {amount:>16}  {balance:>16}  {what}\n");
    }
    if let Some(next) = page.next {
        text += &format!("older ones: --before {next}\n");
    }
    text
}
