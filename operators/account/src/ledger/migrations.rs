//! The tables, made and brought up to date when a ledger connects.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// What was applied is kept under a name of our own, as the database may serve others too.
const TABLE: &str = "kubewright_account_migrations";

/// All of them. One that has been released is never edited; what changes comes as a new one.
pub(super) fn migrator() -> Migrator {
    let ledger = include_str!("../../migrations/0001_ledger.sql").into_sql_str();
    let all = vec![Migration::new(1, "ledger".into(), MigrationType::Simple, ledger, false)];
    let mut migrator = Migrator::with_migrations(all);
    migrator.dangerous_set_table_name(TABLE);
    migrator
}
