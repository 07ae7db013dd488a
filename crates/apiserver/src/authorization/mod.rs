//! Who may do what: role-based access control.
//!
//! ```text
//! request → RequestInfo → Attributes ─→ Authorizer: system:masters? → Grants (roles and bindings by user and group) → Decision
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `attributes` | what a request asks to be allowed, and the refusal that it gets |
//! | `rule` | one rule of a role: what it allows and covers |
//! | `grants` | all roles and bindings, indexed by user and group, kept current from the store |
//! | `impersonation` | requests in the name of somebody else |
//! | `escalation` | nobody gives others more than they have |
//! | `signers` | who may approve and sign certificate requests |
//! | `defaults` | the roles and bindings that every server has, brought up to date |

mod attributes;
mod defaults;
mod escalation;
mod grants;
mod impersonation;
mod rule;
mod signers;

pub(crate) use attributes::{Attributes, RequestInfo, ResourceTarget, Target, is_stream};
pub(crate) use defaults::reconcile;
pub(crate) use escalation::check as check_escalation;
pub(crate) use grants::{GROUP, RESOURCES};
pub(crate) use impersonation::impersonated;
pub(crate) use rule::{PolicyRule, go_list};
pub(crate) use signers::check as check_signer;

use std::sync::Arc;

use grants::{Found, Grants, MissingRole};
use impersonation::LastModes;

use crate::auth::User;
use crate::store::Store;

/// Who decides what users may do. Members of `system:masters` may do everything in every mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuthorizationMode {
    /// Roles and bindings. The default.
    #[default]
    Rbac,
    /// Everybody who has logged in may do everything; nobody else may do anything.
    AlwaysAllow,
}

/// Decides what users may do.
#[derive(Debug)]
pub(crate) struct Authorizer {
    mode: AuthorizationMode,
    grants: Grants,
    last_modes: LastModes,
}

/// Whether somebody may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Yes; why, for those who ask.
    Allowed(String),
    /// No; why, if there is something to be said beyond that no rule allows it.
    Denied(String),
}

/// The rules of a user in a namespace.
#[derive(Debug, Default)]
pub(crate) struct UserRules {
    /// The rules.
    pub rules: Vec<PolicyRule>,
    /// What kept other rules from being found.
    pub errors: Vec<String>,
}

impl Authorizer {
    /// An authorizer that looks at the roles and bindings of a store.
    pub(crate) fn new(mode: AuthorizationMode, store: &Store) -> Self {
        Self { mode, grants: Grants::new(store), last_modes: LastModes::default() }
    }

    /// Whether a user may do everything, so that nothing needs to be looked up.
    pub(crate) fn allows_all(&self, user: &User) -> bool {
        self.mode == AuthorizationMode::AlwaysAllow || user.is_master()
    }

    /// Whether those who have not logged in are let in at all, as far as rules allow it.
    pub(crate) fn takes_anonymous(&self) -> bool {
        self.mode != AuthorizationMode::AlwaysAllow
    }

    /// Whether somebody may do something.
    pub(crate) fn decide(&self, attributes: &Attributes<'_>) -> Decision {
        if self.allows_all(attributes.user) {
            return Decision::Allowed(String::new());
        }
        let namespace = match attributes.target {
            Target::Resource(target) => target.namespace,
            Target::Path(_) => "",
        };
        let mut allowed = None;
        let mut errors: Vec<String> = Vec::new();
        self.grants.visit(attributes.user, namespace, &mut |found| {
            match found {
                Found::Rule(rule, source) if rule.allows(attributes) => {
                    allowed = Some(format!("RBAC: allowed by {source}"));
                    return false;
                }
                Found::Rule(..) => {}
                Found::NoRole(why) => errors.push(why.to_string()),
            }
            true
        });
        match allowed {
            Some(reason) => Decision::Allowed(reason),
            None if errors.is_empty() => Decision::Denied(String::new()),
            None => Decision::Denied(format!("RBAC: {}", aggregate(errors))),
        }
    }

    /// Whether somebody may do something, without a reason.
    pub(crate) fn allows(&self, attributes: &Attributes<'_>) -> bool {
        matches!(self.decide(attributes), Decision::Allowed(_))
    }

    /// All rules that a user has in a namespace.
    pub(crate) fn rules(&self, user: &User, namespace: &str) -> UserRules {
        if self.mode == AuthorizationMode::AlwaysAllow {
            return UserRules { rules: PolicyRule::everything(), errors: Vec::new() };
        }
        let mut out = UserRules::default();
        self.grants.visit(user, namespace, &mut |found| {
            match found {
                Found::Rule(rule, _) => out.rules.push(rule.clone()),
                Found::NoRole(why) => out.errors.push(why.to_string()),
            }
            true
        });
        out
    }

    /// The rules of a role that a binding names.
    fn rules_of_role(&self, kind: &str, name: &str, namespace: &str) -> Result<Arc<[PolicyRule]>, MissingRole> {
        self.grants.rules_of(kind, name, namespace)
    }
}

/// Several errors as one text, as the real server joins them.
pub(crate) fn aggregate(errors: Vec<String>) -> String {
    let mut unique: Vec<String> = Vec::new();
    for error in errors {
        if !unique.contains(&error) {
            unique.push(error);
        }
    }
    match unique.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}
