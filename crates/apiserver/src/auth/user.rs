//! Who a request is made by.

use std::collections::BTreeMap;

use super::service_account::{service_account_groups, split_service_account};

/// The group whose members may do everything, whatever roles there are.
const MASTERS: &str = "system:masters";
/// The group of all users that have logged in.
pub(crate) const AUTHENTICATED: &str = "system:authenticated";
/// The group of those who have not.
pub(crate) const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The name of those who have not.
pub(crate) const ANONYMOUS: &str = "system:anonymous";

/// Who a request is made by: `userInfo`, as SelfSubjectReview and admission show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The name, such as `jane` or `system:serviceaccount:default:builder`.
    pub name: String,
    /// What tells users of the same name at different times apart; empty if nothing does.
    pub uid: String,
    /// The groups, in the order in which they were given.
    pub groups: Vec<String>,
    /// What else the authenticator has to say, lower-case keys.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user who has logged in: a member of the groups given, and of `system:authenticated`. A ServiceAccount
    /// (`system:serviceaccount:NAMESPACE:NAME`) without groups has those that its tokens give it.
    pub fn new(name: impl Into<String>, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let name = name.into();
        let mut groups: Vec<String> = groups.into_iter().map(Into::into).collect();
        if groups.is_empty()
            && let Some((namespace, _)) = split_service_account(&name)
        {
            groups = service_account_groups(namespace);
        }
        if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.into());
        }
        Self { name, groups, ..Self::default() }
    }

    /// The administrator, a member of `system:masters`.
    pub(crate) fn admin() -> Self {
        Self::new("kubernetes-admin", [MASTERS])
    }

    /// Somebody who has not logged in.
    pub(crate) fn anonymous() -> Self {
        Self { name: ANONYMOUS.into(), groups: vec![UNAUTHENTICATED.into()], ..Self::default() }
    }

    /// Whether this user may do everything, whatever roles there are.
    pub fn is_master(&self) -> bool {
        self.is_in(MASTERS)
    }

    /// Whether this user is a member of a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// `userInfo`, as JSON. What is empty is left out.
    pub fn to_value(&self) -> serde_json::Value {
        let mut info = serde_json::Map::new();
        for (key, text) in [("username", &self.name), ("uid", &self.uid)] {
            if !text.is_empty() {
                info.insert(key.into(), text.as_str().into());
            }
        }
        if !self.groups.is_empty() {
            info.insert("groups".into(), self.groups.clone().into());
        }
        if !self.extra.is_empty() {
            let extra = self.extra.iter().map(|(key, values)| (key.clone(), values.clone().into())).collect();
            info.insert("extra".into(), serde_json::Value::Object(extra));
        }
        info.into()
    }
}
