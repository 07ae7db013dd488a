//! One rule of a role: what it allows, what it covers, and how it is shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::attributes::{Attributes, Target};
use crate::kinds::tree::Tree;

/// A rule of a Role or ClusterRole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PolicyRule {
    pub(crate) verbs: Vec<String>,
    pub(crate) api_groups: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) resource_names: Vec<String>,
    pub(crate) non_resource_urls: Vec<String>,
}

impl PolicyRule {
    /// The rules of a role.
    pub(crate) fn of_role(role: &Value) -> Vec<Self> {
        role.list("rules").iter().map(Self::read).collect()
    }

    /// The rule that allows everything with all resources, or with all paths.
    pub(crate) fn everything() -> Vec<Self> {
        let all = || vec!["*".to_string()];
        vec![
            Self { verbs: all(), api_groups: all(), resources: all(), ..Self::default() },
            Self { verbs: all(), non_resource_urls: all(), ..Self::default() },
        ]
    }

    fn read(rule: &Value) -> Self {
        let texts = |field: &str| rule.list(field).iter().filter_map(Value::as_str).map(str::to_string).collect();
        Self {
            verbs: texts("verbs"),
            api_groups: texts("apiGroups"),
            resources: texts("resources"),
            resource_names: texts("resourceNames"),
            non_resource_urls: texts("nonResourceURLs"),
        }
    }

    /// Whether it allows what somebody wants to do.
    pub(crate) fn allows(&self, attributes: &Attributes<'_>) -> bool {
        if !has_or_all(&self.verbs, attributes.verb) {
            return false;
        }
        match attributes.target {
            Target::Path(path) => self.non_resource_urls.iter().any(|url| url_covers(url, path)),
            Target::Resource(target) => {
                has_or_all(&self.api_groups, target.group)
                    && self.resources.iter().any(|own| resource_matches(own, target.resource, target.subresource))
                    && (self.resource_names.is_empty() || has(&self.resource_names, target.name))
            }
        }
    }

    /// Whether it allows all that a rule of one verb and one resource or path does.
    fn covers(&self, other: &Self) -> bool {
        let all_in = |own: &[String], of: &[String]| of.iter().all(|one| has_or_all(own, one));
        let names = match other.resource_names.as_slice() {
            [] => self.resource_names.is_empty(),
            names => self.resource_names.is_empty() || names.iter().all(|name| has(&self.resource_names, name)),
        };
        let resource = |one: &String| {
            let in_any = one.split_once('/').is_some_and(|(_, sub)| has(&self.resources, &format!("*/{sub}")));
            has_or_all(&self.resources, one) || in_any
        };
        let url = |one: &String| self.non_resource_urls.iter().any(|own| url_covers(own, one));
        all_in(&self.verbs, &other.verbs)
            && all_in(&self.api_groups, &other.api_groups)
            && other.resources.iter().all(resource)
            && other.non_resource_urls.iter().all(url)
            && names
    }

    /// The rule as rules of one verb and one resource or path each.
    fn split(&self) -> Vec<Self> {
        let one = |text: &String| vec![text.clone()];
        let mut out = Vec::new();
        for group in &self.api_groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    let rule =
                        Self { verbs: one(verb), api_groups: one(group), resources: one(resource), ..Self::default() };
                    if self.resource_names.is_empty() {
                        out.push(rule);
                        continue;
                    }
                    let named = |name| Self { resource_names: one(name), ..rule.clone() };
                    out.extend(self.resource_names.iter().map(named));
                }
            }
        }
        for url in &self.non_resource_urls {
            let rule = |verb| Self { verbs: one(verb), non_resource_urls: one(url), ..Self::default() };
            out.extend(self.verbs.iter().map(rule));
        }
        out
    }

    /// As the messages of the real server show it.
    fn text(&self) -> String {
        let lists = [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.non_resource_urls),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ];
        let shown = lists.iter().filter(|(_, list)| !list.is_empty());
        let parts: Vec<String> = shown.map(|(name, list)| format!("{name}:{}", go_list(list))).collect();
        format!("{{{}}}", parts.join(", "))
    }
}

/// What `wanted` allows beyond `held`, as messages show it: one line a resource, sorted. Empty: nothing.
pub(crate) fn missing(held: &[PolicyRule], wanted: &[PolicyRule]) -> BTreeSet<String> {
    let parts = wanted.iter().flat_map(PolicyRule::split);
    let uncovered = parts.filter(|part| !held.iter().any(|own| own.covers(part)));
    let mut compact: BTreeMap<_, PolicyRule> = BTreeMap::new();
    let mut texts = BTreeSet::new();
    for rule in uncovered {
        if !rule.non_resource_urls.is_empty() {
            texts.insert(rule.text());
            continue;
        }
        let key = (rule.api_groups.clone(), rule.resources.clone(), rule.resource_names.clone());
        match compact.get_mut(&key) {
            Some(known) => known.verbs.extend(rule.verbs),
            None => drop(compact.insert(key, rule)),
        }
    }
    texts.extend(compact.values().map(PolicyRule::text));
    texts
}

/// A list as Go's `%q` shows it.
pub(crate) fn go_list(list: &[String]) -> String {
    let quoted: Vec<String> = list.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", quoted.join(" "))
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|one| one == wanted)
}

fn has_or_all(list: &[String], wanted: &str) -> bool {
    list.iter().any(|one| one == "*" || one == wanted)
}

fn resource_matches(own: &str, resource: &str, subresource: &str) -> bool {
    if own == "*" {
        return true;
    }
    if subresource.is_empty() {
        return own == resource;
    }
    own.strip_suffix(subresource).and_then(|own| own.strip_suffix('/')).is_some_and(|own| own == resource || own == "*")
}

/// Whether a path of a rule, which may end in `*`, covers another.
fn url_covers(own: &str, url: &str) -> bool {
    own == url || own.ends_with('*') && url.starts_with(own.trim_end_matches('*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::User;
    use crate::authorization::attributes::ResourceTarget;
    use serde_json::json;

    fn allows(rule: &Value, verb: &str, target: Target<'_>) -> bool {
        let user = User::default();
        PolicyRule::read(rule).allows(&Attributes { user: &user, verb, target })
    }

    fn resource<'a>(group: &'a str, resource: &'a str, subresource: &'a str, name: &'a str) -> Target<'a> {
        Target::Resource(ResourceTarget { group, resource, subresource, name, namespace: "" })
    }

    #[test]
    fn a_rule_allows_its_verbs_on_its_resources() {
        let rule =
            json!({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments", "*/scale", "pods/log"]});
        for (expected, verb, target) in [
            (true, "get", resource("apps", "deployments", "", "a")),
            (false, "list", resource("apps", "deployments", "", "")),
            (false, "get", resource("", "deployments", "", "a")),
            (false, "get", resource("apps", "deployments", "status", "a")),
            (true, "get", resource("apps", "statefulsets", "scale", "a")),
            (true, "get", resource("apps", "pods", "log", "a")),
            (false, "get", resource("apps", "pods", "", "a")),
            (false, "get", Target::Path("/metrics")),
        ] {
            assert_eq!(allows(&rule, verb, target), expected, "{verb} {target:?}");
        }
    }

    #[test]
    fn names_restrict_a_rule() {
        let rule = json!({"verbs": ["*"], "apiGroups": [""], "resources": ["*"], "resourceNames": ["a"]});
        assert!(allows(&rule, "get", resource("", "pods", "log", "a")));
        assert!(!allows(&rule, "get", resource("", "pods", "", "b")));
        assert!(!allows(&rule, "list", resource("", "pods", "", "")));
    }

    #[test]
    fn paths_end_in_a_star() {
        let rule = json!({"verbs": ["get"], "nonResourceURLs": ["/healthz", "/api/*"]});
        for (path, expected) in [("/healthz", true), ("/healthz/etcd", false), ("/api/", true), ("/api", false)] {
            assert_eq!(allows(&rule, "get", Target::Path(path)), expected, "{path}");
        }
    }

    #[test]
    fn what_is_missing_is_told_by_resource() {
        let rules = |value: &Value| value.as_array().unwrap().iter().map(PolicyRule::read).collect::<Vec<_>>();
        let held = rules(&json!([
            {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "*/scale"]},
            {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]},
            {"verbs": ["get"], "nonResourceURLs": ["/api/*"]},
        ]));
        let wanted = rules(&json!([
            {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "things/scale"]},
            {"verbs": ["get", "watch", "delete"], "apiGroups": [""], "resources": ["pods"]},
            {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"]},
            {"verbs": ["get"], "nonResourceURLs": ["/api/v1", "/metrics"]},
        ]));
        let expected = [
            r#"{APIGroups:[""], Resources:["pods"], Verbs:["watch" "delete"]}"#,
            r#"{APIGroups:[""], Resources:["secrets"], ResourceNames:["b"], Verbs:["get"]}"#,
            r#"{NonResourceURLs:["/metrics"], Verbs:["get"]}"#,
        ];
        assert_eq!(missing(&held, &wanted), expected.map(String::from).into());
        assert!(missing(&PolicyRule::everything(), &wanted).is_empty());
    }
}
