//! Nobody gives others more than they have: checks on writes of roles and bindings.
//!
//! Somebody may write a role if they hold all that it allows, or may `escalate` it; and a binding if they hold all that
//! its role allows, or may `bind` that role.

use serde_json::Value;

use super::attributes::{Attributes, ResourceTarget, Target};
use super::grants::{GROUP, MissingRole};
use super::rule::{PolicyRule, go_list, missing};
use super::{Authorizer, aggregate};
use crate::auth::User;
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::status::{ApiError, ApiResult};

/// Refuses a role or binding that gives more than its writer has. `name` and `namespace` are those of the request, `old`
/// is the object before an update.
pub(crate) fn check(
    authorizer: &Authorizer,
    user: &User,
    resource: &Resource,
    (namespace, name): (&str, &str),
    new: &Value,
    old: Option<&Value>,
) -> ApiResult<()> {
    if resource.group != GROUP || authorizer.allows_all(user) || old.is_some_and(|old| same_but_for_owners(new, old)) {
        return Ok(());
    }
    let writer = Writer { authorizer, user, namespace, resource: &resource.plural, object: new.text("metadata.name") };
    match resource.plural.as_str() {
        "roles" | "clusterroles" => writer.may_write_role(name, new, old),
        _ => writer.may_write_binding(new),
    }
}

struct Writer<'a> {
    authorizer: &'a Authorizer,
    user: &'a User,
    namespace: &'a str,
    resource: &'a str,
    object: &'a str,
}

impl Writer<'_> {
    fn may_write_role(&self, name: &str, new: &Value, old: Option<&Value>) -> ApiResult<()> {
        if self.may("escalate", self.resource, name) {
            return Ok(());
        }
        self.holds(&PolicyRule::of_role(new))?;
        // A rule of aggregation gathers anything.
        let aggregates = |role: &Value| !role.list("aggregationRule.clusterRoleSelectors").is_empty();
        if (aggregates(new) || old.is_some_and(aggregates)) && self.holds(&PolicyRule::everything()).is_err() {
            return Err(self.refused("must have cluster-admin privileges to use the aggregationRule"));
        }
        Ok(())
    }

    fn may_write_binding(&self, binding: &Value) -> ApiResult<()> {
        let role = binding.at("roleRef");
        let (kind, name) = (role.text("kind"), role.text("name"));
        let resource = match kind {
            "ClusterRole" => "clusterroles",
            "Role" => "roles",
            _ => "",
        };
        if !resource.is_empty() && self.may("bind", resource, name) {
            return Ok(());
        }
        match self.authorizer.rules_of_role(kind, name, self.namespace) {
            Ok(rules) => self.holds(&rules),
            Err(MissingRole::NotFound { name, .. }) => Err(ApiError::not_found(GROUP, self.resource, &name)),
            Err(error @ MissingRole::Kind(_)) => Err(ApiError::new(500, "", error.to_string())),
        }
    }

    fn may(&self, verb: &str, resource: &str, name: &str) -> bool {
        let target = ResourceTarget { group: GROUP, resource, namespace: self.namespace, name, subresource: "" };
        self.authorizer.allows(&Attributes { user: self.user, verb, target: Target::Resource(target) })
    }

    fn holds(&self, rules: &[PolicyRule]) -> ApiResult<()> {
        let held = self.authorizer.rules(self.user, self.namespace);
        let missing = missing(&held.rules, rules);
        if missing.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = missing.into_iter().collect();
        let mut why = format!(
            "user {:?} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
            self.user.name,
            go_list(&self.user.groups),
            lines.join("\n")
        );
        if !held.errors.is_empty() {
            why.push_str(&format!("; resolution errors: [{}]", aggregate(held.errors)));
        }
        Err(self.refused(&why))
    }

    fn refused(&self, why: &str) -> ApiError {
        ApiError::forbidden(GROUP, self.resource, self.object, why)
    }
}

/// Whether an update changes nothing but what the garbage collector needs to change.
fn same_but_for_owners(new: &Value, old: &Value) -> bool {
    let rest = |object: &Value| {
        let mut object = object.clone();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            for field in ["ownerReferences", "finalizers", "managedFields"] {
                metadata.remove(field);
            }
        }
        object
    };
    rest(new) == rest(old)
}
