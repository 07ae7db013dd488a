//! `Account`: how much somebody has, and how far they may go.

#![expect(unreachable_pub, reason = "KubeSchema repeats the types inside of what it generates")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Amount;

/// The account of one owner. Amounts are integers in millionths of the currency.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "account.sealos.io",
    version = "v1",
    kind = "Account",
    namespaced,
    status = "AccountStatus",
    derive = "PartialEq",
    doc = "How much somebody has, and how far they may go. Balances change by AccountTransactions.",
    printcolumn = r#"{"name":"Owner","type":"string","jsonPath":".spec.owner"}"#,
    printcolumn = r#"{"name":"Balance","type":"string","jsonPath":".status.balanceDecimal"}"#,
    printcolumn = r#"{"name":"Suspended","type":"boolean","jsonPath":".status.suspended"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(self.allowNegative && self.credit > 0)")
        .message("credit: has no meaning with allowNegative: true; leave one of them out")
        .field_path(".credit"),
)]
pub struct AccountSpec {
    /// Whose account it is: a user with the namespace ns-<owner>. There is one account for each owner; it can't be given to
    /// another.
    #[schemars(length(min = 1, max = 60), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("owner: can't be changed; make another Account"))]
    pub owner: String,
    /// How far below zero the balance may get, in millionths of the currency.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub credit: Amount,
    /// Whether the balance may get as far below zero as it likes.
    #[serde(default)]
    pub allow_negative: bool,
    /// Suspends the account: the owner's object storage is disabled until this is false again. Transactions go on, so that
    /// what was used can be charged, and debts can be paid.
    #[serde(default)]
    pub suspended: bool,
    /// Also suspends the account as long as the balance is below this, in millionths of the currency. Without it a balance
    /// suspends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend_below: Option<Amount>,
}

/// What the operator found.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccountStatus {
    /// The generation of the specification that the rest is about.
    pub observed_generation: Option<i64>,
    /// The balance in the database, in millionths of the currency.
    pub balance: Option<Amount>,
    /// The same for people to read.
    pub balance_decimal: Option<String>,
    /// How many transactions were recorded, the refused ones too.
    pub entries: Option<i64>,
    /// Whether the account is suspended, by its specification or by its balance.
    pub suspended: Option<bool>,
    /// `Ready`: the status tells the balance of the database. `Suspended`: and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
