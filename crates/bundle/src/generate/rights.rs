//! Roles and bindings → permissions of the ClusterServiceVersion, and what is left of them.
//!
//! The Operator Lifecycle Manager makes roles and bindings out of the permissions, and the ServiceAccounts too. What is
//! bound to others, such as roles for people, stays in the bundle as it is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Manifests;
use crate::csv::{items, name, text};

/// What becomes of roles, bindings and ServiceAccounts.
#[derive(Debug, Default)]
pub(super) struct Rights {
    pub(super) permissions: Vec<Value>,
    pub(super) cluster_permissions: Vec<Value>,
    /// Objects that are not in the ClusterServiceVersion.
    pub(super) left: Vec<Value>,
}

/// Takes out what is the operator's, which runs as these ServiceAccounts.
pub(super) fn split(manifests: &Manifests, accounts: &BTreeSet<String>) -> Rights {
    let mut rules: BTreeMap<(bool, &str), Vec<Value>> = BTreeMap::new();
    let mut taken: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut rights = Rights::default();
    let mut kept: BTreeSet<(&str, &str)> = BTreeSet::new();
    for binding in &manifests.bindings {
        let of_cluster = text(binding, "kind") == "ClusterRoleBinding";
        let (kind, role_name) = (text(&binding["roleRef"], "kind"), text(&binding["roleRef"], "name"));
        let role = manifests.roles.iter().find(|role| text(role, "kind") == kind && name(role) == role_name);
        let own =
            |subject: &&Value| text(subject, "kind") == "ServiceAccount" && accounts.contains(text(subject, "name"));
        let (own, others): (Vec<&Value>, Vec<&Value>) = items(&binding["subjects"]).iter().partition(own);
        let Some(role) = role.filter(|_| !own.is_empty()) else {
            rights.left.push(binding.clone());
            kept.insert((kind, role_name));
            continue;
        };
        taken.insert((kind, role_name));
        let names: BTreeSet<&str> = own.into_iter().map(|subject| text(subject, "name")).collect();
        for account in names {
            rules.entry((of_cluster, account)).or_default().extend(items(&role["rules"]).iter().cloned());
        }
        if !others.is_empty() {
            let mut binding = binding.clone();
            binding["subjects"] = others.into_iter().cloned().collect::<Vec<_>>().into();
            rights.left.push(binding);
            kept.insert((kind, role_name));
        }
    }
    for ((of_cluster, account), rules) in rules {
        let permission = json!({"serviceAccountName": account, "rules": rules});
        match of_cluster {
            true => rights.cluster_permissions.push(permission),
            false => rights.permissions.push(permission),
        }
    }
    let unused = manifests.roles.iter().filter(|role| {
        let key = (text(role, "kind"), name(role));
        !taken.contains(&key) || kept.contains(&key)
    });
    let people = manifests.service_accounts.iter().filter(|account| !accounts.contains(name(account)));
    rights.left.extend(unused.chain(people).cloned());
    rights
}
