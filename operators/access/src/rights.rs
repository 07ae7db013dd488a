//! Whether somebody holds all that a role allows: nobody gives more than they have.
//!
//! It is the rule by which an API server lets somebody bind a role: they hold each single right of it, or the verb `bind` on
//! it. The API server itself is asked, with SubjectAccessReviews, so that all of its authorizers count.

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::rbac::v1::{PolicyRule, Role as RoleObject};
use kube::{Api, Client, api::PostParams};

use crate::Role;
use crate::seal::Requester;

/// Questions that are under way at the same time.
const PARALLEL: usize = 8;

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rights {
    /// They hold all of it.
    Held,
    /// They lack this.
    Lacking(String),
    /// The namespace has no such role.
    NoRole,
}

/// Whether the requester holds all that the role allows in the namespace.
pub(crate) async fn holds(
    client: &Client,
    requester: &Requester,
    namespace: &str,
    role: Role,
) -> Result<Rights, kube::Error> {
    let roles = Api::<RoleObject>::namespaced(client.clone(), namespace);
    let Some(object) = roles.get_opt(role.name()).await? else { return Ok(Rights::NoRole) };
    let bind = ResourceAttributes {
        name: Some(role.name().into()),
        ..attributes(namespace, "bind", "rbac.authorization.k8s.io", "roles")
    };
    for shortcut in [attributes(namespace, "*", "*", "*"), bind] {
        if may(client, requester, &shortcut).await? {
            return Ok(Rights::Held);
        }
    }
    let single: Vec<_> = object.rules.iter().flatten().flat_map(|rule| singles(rule, namespace)).collect();
    let lacking = stream::iter(single)
        .map(async |attributes| {
            Ok::<_, kube::Error>((!may(client, requester, &attributes).await?).then_some(attributes))
        })
        .buffered(PARALLEL)
        .try_filter_map(async |lacking| Ok(lacking));
    let mut lacking = std::pin::pin!(lacking);
    Ok(match lacking.try_next().await? {
        None => Rights::Held,
        Some(attributes) => Rights::Lacking(told(&attributes)),
    })
}

/// Whether they may do this.
pub(crate) async fn may(
    client: &Client,
    requester: &Requester,
    attributes: &ResourceAttributes,
) -> Result<bool, kube::Error> {
    let Requester { username, uid, groups, extra } = requester.clone();
    let spec = SubjectAccessReviewSpec {
        resource_attributes: Some(attributes.clone()),
        non_resource_attributes: None,
        user: Some(username),
        uid,
        groups: Some(groups),
        extra: Some(extra),
    };
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let answer = Api::<SubjectAccessReview>::all(client.clone()).create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed && status.denied != Some(true)))
}

pub(crate) fn attributes(namespace: &str, verb: &str, group: &str, resource: &str) -> ResourceAttributes {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_string())),
        None => (resource, None),
    };
    ResourceAttributes {
        namespace: (!namespace.is_empty()).then(|| namespace.to_string()),
        verb: Some(verb.into()),
        group: Some(group.into()),
        version: Some("*".into()),
        resource: Some(resource.into()),
        subresource,
        ..ResourceAttributes::default()
    }
}

/// The single rights that a rule is made of.
fn singles(rule: &PolicyRule, namespace: &str) -> Vec<ResourceAttributes> {
    let names: Vec<Option<String>> = match rule.resource_names.as_deref() {
        None | Some([]) => vec![None],
        Some(names) => names.iter().cloned().map(Some).collect(),
    };
    let mut singles = Vec::new();
    for group in rule.api_groups.iter().flatten() {
        for resource in rule.resources.iter().flatten() {
            for verb in &rule.verbs {
                let attributes = attributes(namespace, verb, group, resource);
                singles
                    .extend(names.iter().map(|name| ResourceAttributes { name: name.clone(), ..attributes.clone() }));
            }
        }
    }
    singles
}

fn told(attributes: &ResourceAttributes) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut resource = text(&attributes.resource);
    if let Some(subresource) = &attributes.subresource {
        resource = format!("{resource}/{subresource}");
    }
    if let Some(group) = attributes.group.as_ref().filter(|group| !group.is_empty()) {
        resource = format!("{resource}.{group}");
    }
    let name = attributes.name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
    format!("{} {resource}{name}", text(&attributes.verb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::rule;

    #[test]
    fn a_rule_is_made_of_single_rights() {
        let mut policy = rule(&["", "apps"], &["pods/log"], &["get", "watch"]);
        let told_of = |policy: &PolicyRule| singles(policy, "a").iter().map(told).collect::<Vec<_>>();
        assert_eq!(told_of(&policy), ["get pods/log", "watch pods/log", "get pods/log.apps", "watch pods/log.apps"]);
        policy.resource_names = Some(vec!["x".into(), "y".into()]);
        assert_eq!(told_of(&policy).len(), 8);
        assert_eq!(told_of(&policy)[1], "get pods/log \"y\"");
    }
}
