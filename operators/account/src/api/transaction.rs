//! `AccountTransaction`: a request to change a balance once.

#![expect(unreachable_pub, reason = "KubeSchema repeats the types inside of what it generates")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Amount;

/// Which way a transaction goes.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The account gets the amount.
    Recharge,
    /// The account pays the amount.
    Deduct,
}

impl Direction {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recharge => "Recharge",
            Self::Deduct => "Deduct",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Recharge, Self::Deduct].into_iter().find(|direction| direction.as_str() == name)
    }
}

/// A request to change a balance once.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "account.sealos.io",
    version = "v1",
    kind = "AccountTransaction",
    namespaced,
    status = "AccountTransactionStatus",
    derive = "PartialEq",
    doc = "A request to change the balance of an Account once. It can't be changed, and goes some time after it was done; the database keeps it.",
    printcolumn = r#"{"name":"Account","type":"string","jsonPath":".spec.account"}"#,
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".spec.type"}"#,
    printcolumn = r#"{"name":"Amount","type":"string","jsonPath":".status.amountDecimal"}"#,
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Balance","type":"string","jsonPath":".status.balanceDecimal"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self == oldSelf")
        .message("a transaction can't be changed once it exists; create another one"),
)]
pub struct AccountTransactionSpec {
    /// Name of the Account, in the namespace of the transaction.
    #[schemars(length(min = 1, max = 253))]
    pub account: String,
    /// Recharge adds to the balance, Deduct takes from it.
    #[serde(rename = "type")]
    pub direction: Direction,
    /// How much, in millionths of the currency: 1500000 is 1.50.
    #[schemars(range(min = 1))]
    pub amount: Amount,
    /// What it is for; kept in the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub description: Option<String>,
}

/// How far a transaction is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It has not been dealt with.
    #[default]
    Pending,
    /// The balance was changed.
    Completed,
    /// The balance was not changed, and will not be by this transaction.
    Failed,
}

/// What became of it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccountTransactionStatus {
    /// How far it is.
    #[serde(default)]
    pub phase: Phase,
    /// What happened, for people.
    pub message: Option<String>,
    /// When it was completed or failed.
    pub completion_time: Option<Time>,
    /// The amount for people to read.
    pub amount_decimal: Option<String>,
    /// Its place among the transactions of the account's owner, from 1.
    pub sequence: Option<i64>,
    /// The balance after it, in millionths of the currency; of a failed one, as it stayed.
    pub balance: Option<Amount>,
    /// The same for people to read.
    pub balance_decimal: Option<String>,
    /// The generation of the specification that this is about.
    pub observed_generation: Option<i64>,
}
