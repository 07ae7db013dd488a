//! Rights as manifests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{Right, Rights};

/// The start of a manifest of the group of roles.
const HEADER: &str = "---\napiVersion: rbac.authorization.k8s.io/v1\n";

/// Resources by their group and verbs.
type Rules<'a> = BTreeMap<(&'a str, BTreeSet<&'a str>), BTreeSet<&'a str>>;

impl Rights {
    /// A ClusterRole of this name, and a Role in each namespace that some rights are for, as YAML.
    pub fn to_yaml(&self, name: &str) -> String {
        let mut roles: BTreeMap<Option<&str>, Rules<'_>> = BTreeMap::new();
        let mut resources: BTreeMap<(Option<&str>, &str, &str), BTreeSet<&str>> = BTreeMap::new();
        for Right { namespace, group, resource, verb } in self.iter() {
            resources.entry((namespace.as_deref(), group, resource)).or_default().insert(verb);
        }
        // Resources of a group with the same verbs share a rule.
        for ((namespace, group, resource), verbs) in resources {
            roles.entry(namespace).or_default().entry((group, verbs)).or_default().insert(resource);
        }
        let mut out = String::new();
        for (namespace, rules) in roles {
            out.push_str(HEADER);
            // Writing into a String does not fail, here and below.
            _ = writeln!(out, "kind: {}\nmetadata:\n  name: {name}", role(namespace));
            if let Some(namespace) = namespace {
                _ = writeln!(out, "  namespace: {namespace}");
            }
            out.push_str("rules:\n");
            for ((group, verbs), resources) in rules {
                _ = writeln!(out, "- apiGroups: [{}]", list([group]));
                _ = writeln!(out, "  resources: [{}]", list(resources));
                _ = writeln!(out, "  verbs: [{}]", list(verbs));
            }
        }
        out
    }

    /// What gives the roles of [`to_yaml`](Self::to_yaml) to a ServiceAccount, as YAML: bindings, of the same name.
    pub fn bindings_to_yaml(&self, name: &str, account_namespace: &str, account: &str) -> String {
        let mut out = String::new();
        let namespaces: BTreeSet<Option<&str>> = self.iter().map(|right| right.namespace.as_deref()).collect();
        for namespace in namespaces {
            let role = role(namespace);
            out.push_str(HEADER);
            _ = writeln!(out, "kind: {role}Binding\nmetadata:\n  name: {name}");
            if let Some(namespace) = namespace {
                _ = writeln!(out, "  namespace: {namespace}");
            }
            _ = writeln!(out, "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {role}\n  name: {name}");
            _ = writeln!(out, "subjects:\n- kind: ServiceAccount\n  name: {account}\n  namespace: {account_namespace}");
        }
        out
    }
}

fn role(namespace: Option<&str>) -> &'static str {
    if namespace.is_some() { "Role" } else { "ClusterRole" }
}

fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ")
}
