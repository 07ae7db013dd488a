//! The three roles, and what they allow in a namespace.

use k8s_openapi::api::rbac::v1::PolicyRule;
use serde::{Deserialize, Serialize};

/// A role in a namespace. Each may do what the next may.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Manages the namespace, and who has access to it.
    Owner,
    /// Runs what is in the namespace, and reads its Secrets.
    Manager,
    /// Looks at what is in the namespace, without Secrets.
    Developer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Manager, Self::Developer];

    /// Its name, which is that of the Role object.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Manager => "Manager",
            Self::Developer => "Developer",
        }
    }

    /// What it allows. `groups` are API groups of custom resources that are to be at the users' disposal.
    ///
    /// Nobody but an administrator gets `bind`, `escalate`, or writes to the namespace itself, its quotas and limits: with
    /// these, access could be had that was never granted.
    pub fn rules(self, groups: &[String]) -> Vec<PolicyRule> {
        let groups: Vec<&str> = GROUPS.iter().copied().chain(groups.iter().map(String::as_str)).collect();
        let limits = rule(&[""], LIMITS, READ);
        match self {
            Self::Developer => vec![rule(&[""], VIEWED, READ), limits, rule(&groups, &["*"], READ)],
            Self::Manager => vec![rule(&[""], VIEWED, ALL), rule(&[""], RUN, ALL), limits, rule(&groups, &["*"], ALL)],
            Self::Owner => {
                let mut rules = Self::Manager.rules(&[]);
                rules.pop();
                rules.push(rule(&groups, &["*"], ALL));
                rules.push(rule(&["rbac.authorization.k8s.io"], &["roles", "rolebindings"], WRITE));
                rules
            }
        }
    }
}

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const ALL: &[&str] = &["*"];

/// The namespaced kinds of these groups carry no rights by themselves.
const GROUPS: &[&str] = &[
    "apps",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "networking.k8s.io",
    "policy",
];
const LIMITS: &[&str] = &["limitranges", "resourcequotas"];
const VIEWED: &[&str] = &[
    "configmaps",
    "endpoints",
    "events",
    "persistentvolumeclaims",
    "pods",
    "pods/log",
    "podtemplates",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "serviceaccounts",
    "services",
];
const RUN: &[&str] = &[
    "pods/attach",
    "pods/ephemeralcontainers",
    "pods/eviction",
    "pods/exec",
    "pods/portforward",
    "pods/proxy",
    "secrets",
    "serviceaccounts/token",
    "services/proxy",
];

/// A rule.
pub(crate) fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_string()).collect();
    PolicyRule {
        api_groups: Some(list(groups)),
        resources: Some(list(resources)),
        verbs: list(verbs),
        ..PolicyRule::default()
    }
}
