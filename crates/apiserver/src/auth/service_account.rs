//! The names that ServiceAccounts log in under.

use crate::kinds::names;

const USER_PREFIX: &str = "system:serviceaccount:";
const GROUP: &str = "system:serviceaccounts";

/// The user name of a ServiceAccount.
pub(crate) fn service_account_name(namespace: &str, name: &str) -> String {
    format!("{USER_PREFIX}{namespace}:{name}")
}

/// The groups of a ServiceAccount, without that of all authenticated users.
pub(crate) fn service_account_groups(namespace: &str) -> Vec<String> {
    vec![GROUP.into(), format!("{GROUP}:{namespace}")]
}

/// Namespace and name of the ServiceAccount that logs in under a user name, if it is that of one.
pub(crate) fn split_service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(USER_PREFIX)?.split_once(':')?;
    (names::dns_label(namespace).is_empty() && names::dns_subdomain(name).is_empty()).then_some((namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_together_and_taken_apart() {
        assert_eq!(split_service_account(&service_account_name("a", "b.c")), Some(("a", "b.c")));
        for other in ["jane", "system:serviceaccount:a", "system:serviceaccount:a:b:c", "system:serviceaccount:A:b"] {
            assert_eq!(split_service_account(other), None, "{other}");
        }
    }
}
