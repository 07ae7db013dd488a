//! Who holds which rules: an index of all roles and bindings by user and group.
//!
//! It is a watcher of the store that catches up when it is asked, so an answer is never behind an accepted write, and a
//! question costs the lookup of the user's and the groups' own bindings, however many others there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::rule::PolicyRule;
use crate::auth::{User, service_account_name};
use crate::kinds::tree::Tree;
use crate::store::{Collection, Event, EventType, ObjectKey, RangeRequest, Store, Stored, Watch};

/// The API group of roles and bindings.
pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";
/// The resources that the index is made of.
pub(crate) const RESOURCES: [&str; 4] = ["clusterroles", "roles", "clusterrolebindings", "rolebindings"];

/// All roles and bindings, indexed.
#[derive(Debug)]
pub(crate) struct Grants {
    collections: [Arc<Collection>; 4],
    index: RwLock<Index>,
}

#[derive(Debug, Default)]
struct Index {
    /// Where it has come in each collection; empty until it is asked for the first time.
    watches: Vec<Watch>,
    roles: FxHashMap<RoleKey, Arc<[PolicyRule]>>,
    bindings: FxHashMap<ObjectKey, Arc<Binding>>,
    users: FxHashMap<String, Bound>,
    groups: FxHashMap<String, Bound>,
}

/// The bindings of one user or group by namespace (empty: everywhere) and name.
type Bound = FxHashMap<String, BTreeMap<String, Arc<Binding>>>;
/// Namespace (empty: ClusterRole) and name.
type RoleKey = ObjectKey;

/// A RoleBinding, or, without namespace, a ClusterRoleBinding.
#[derive(Debug)]
struct Binding {
    namespace: String,
    name: String,
    role_kind: String,
    role: String,
    subjects: Vec<Subject>,
}

#[derive(Debug)]
struct Subject {
    kind: String,
    name: String,
    namespace: String,
}

/// What a search through the rules of a user is told.
pub(crate) enum Found<'a> {
    /// A rule, and the binding that grants it.
    Rule(&'a PolicyRule, Source<'a>),
    /// A binding to a role that is not there.
    NoRole(MissingRole),
}

/// A role that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MissingRole {
    /// There is no role of that name.
    #[error("{kind}.{GROUP} {name:?} not found")]
    NotFound {
        /// The kind in lower case.
        kind: String,
        /// The name.
        name: String,
    },
    /// There is no such kind of roles.
    #[error("unsupported role reference kind: {0:?}")]
    Kind(String),
}

/// The binding that grants a rule.
pub(crate) struct Source<'a>(&'a Binding, &'a User);

impl Grants {
    /// An index of the roles and bindings of a store.
    pub(crate) fn new(store: &Store) -> Self {
        Self { collections: RESOURCES.map(|resource| store.collection(GROUP, resource)), index: RwLock::default() }
    }

    /// Visits the rules that a user has in a namespace (empty: everywhere), until `visit` returns false.
    pub(crate) fn visit(&self, user: &User, namespace: &str, visit: &mut dyn FnMut(Found<'_>) -> bool) {
        self.with_index(|index| index.visit(user, namespace, visit));
    }

    /// The rules of the role that a binding in a namespace (empty: a ClusterRoleBinding) names; the error says that there
    /// is no such role.
    pub(crate) fn rules_of(&self, kind: &str, name: &str, namespace: &str) -> Result<Arc<[PolicyRule]>, MissingRole> {
        self.with_index(|index| index.rules_of(kind, name, namespace).cloned())
    }

    fn with_index<R>(&self, read: impl FnOnce(&Index) -> R) -> R {
        let index = self.index.read();
        if index.is_current() {
            return read(&index);
        }
        drop(index);
        let mut index = self.index.write();
        index.catch_up(&self.collections);
        read(&index)
    }
}

impl Index {
    fn is_current(&self) -> bool {
        !self.watches.is_empty() && self.watches.iter().all(|watch| watch.progress().is_some())
    }

    fn catch_up(&mut self, collections: &[Arc<Collection>; 4]) {
        if self.watches.is_empty() {
            return self.rebuild(collections);
        }
        let mut events: Vec<Arc<Event>> = Vec::new();
        for watch in &mut self.watches {
            loop {
                match watch.try_next() {
                    Ok(Some(event)) => events.push(event),
                    Ok(None) => break,
                    // It was not asked for so long that the log has moved on.
                    Err(_) => return self.rebuild(collections),
                }
            }
        }
        for event in events {
            let there = event.event_type() != EventType::Deleted;
            self.set(event.object(), there);
        }
    }

    fn rebuild(&mut self, collections: &[Arc<Collection>; 4]) {
        *self = Self::default();
        let mut watches = Vec::new();
        for collection in collections {
            // The newest state can always be read, and watched from: what happens in between stays in the log.
            let Ok(range) = collection.range(RangeRequest::default()) else { return };
            let Ok(watch) = collection.watch(range.revision) else { return };
            for stored in &range.items {
                self.set(stored, true);
            }
            watches.push(watch);
        }
        self.watches = watches;
    }

    fn set(&mut self, stored: &Stored, there: bool) {
        let (key, object) = (stored.key(), stored.tree());
        if object.text("kind").ends_with("Binding") {
            if let Some(old) = self.bindings.remove(key) {
                self.unbind(&old);
            }
            if there {
                let binding = Arc::new(Binding::read(&object));
                self.bind(&binding);
                self.bindings.insert(key.clone(), binding);
            }
        } else if there {
            self.roles.insert(key.clone(), PolicyRule::of_role(&object).into());
        } else {
            self.roles.remove(key);
        }
    }

    fn bind(&mut self, binding: &Arc<Binding>) {
        for subject in &binding.subjects {
            let Some((is_group, name)) = subject.holder(&binding.namespace) else { continue };
            let holders = if is_group { &mut self.groups } else { &mut self.users };
            let bound = holders.entry(name).or_default().entry(binding.namespace.clone()).or_default();
            bound.insert(binding.name.clone(), binding.clone());
        }
    }

    fn unbind(&mut self, binding: &Binding) {
        for subject in &binding.subjects {
            let Some((is_group, name)) = subject.holder(&binding.namespace) else { continue };
            let holders = if is_group { &mut self.groups } else { &mut self.users };
            let Some(bound) = holders.get_mut(&name) else { continue };
            if let Some(bindings) = bound.get_mut(&binding.namespace) {
                bindings.remove(&binding.name);
                if bindings.is_empty() {
                    bound.remove(&binding.namespace);
                }
            }
            if bound.is_empty() {
                holders.remove(&name);
            }
        }
    }

    fn visit(&self, user: &User, namespace: &str, visit: &mut dyn FnMut(Found<'_>) -> bool) {
        let own = self.users.get(&user.name);
        let holders: Vec<&Bound> =
            own.into_iter().chain(user.groups.iter().filter_map(|group| self.groups.get(group))).collect();
        let mut scopes = vec![""];
        if !namespace.is_empty() {
            scopes.push(namespace);
        }
        for scope in scopes {
            let mut seen = BTreeSet::new();
            for binding in holders.iter().filter_map(|bound| bound.get(scope)).flat_map(BTreeMap::values) {
                // Several groups of a user may stand in one binding.
                if !seen.insert(&binding.name) {
                    continue;
                }
                let goes_on = match self.rules_of(&binding.role_kind, &binding.role, scope) {
                    Err(why) => visit(Found::NoRole(why)),
                    Ok(rules) => rules.iter().all(|rule| visit(Found::Rule(rule, Source(binding, user)))),
                };
                if !goes_on {
                    return;
                }
            }
        }
    }

    fn rules_of(&self, kind: &str, name: &str, namespace: &str) -> Result<&Arc<[PolicyRule]>, MissingRole> {
        let namespace = match kind {
            "ClusterRole" => "",
            "Role" => namespace,
            other => return Err(MissingRole::Kind(other.into())),
        };
        let found = self.roles.get(&ObjectKey::new(namespace, name));
        found.ok_or_else(|| MissingRole::NotFound { kind: kind.to_ascii_lowercase(), name: name.into() })
    }
}

impl Binding {
    fn read(object: &Value) -> Self {
        let subject = |subject: &Value| Subject {
            kind: subject.text("kind").into(),
            name: subject.text("name").into(),
            namespace: subject.text("namespace").into(),
        };
        Self {
            namespace: object.text("metadata.namespace").into(),
            name: object.text("metadata.name").into(),
            role_kind: object.text("roleRef.kind").into(),
            role: object.text("roleRef.name").into(),
            subjects: object.list("subjects").iter().map(subject).collect(),
        }
    }
}

impl Subject {
    /// Whether it is a group, and the name of the user or group. A ServiceAccount is the user that it logs in as.
    fn holder(&self, namespace: &str) -> Option<(bool, String)> {
        match self.kind.as_str() {
            "User" => Some((false, self.name.clone())),
            "Group" => Some((true, self.name.clone())),
            "ServiceAccount" => {
                let namespace = if self.namespace.is_empty() { namespace } else { &self.namespace };
                (!namespace.is_empty()).then(|| (false, service_account_name(namespace, &self.name)))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(binding, user) = self;
        let (kind, place) =
            if binding.namespace.is_empty() { ("ClusterRoleBinding", "") } else { ("RoleBinding", "/") };
        let Binding { namespace, name, role_kind, role, subjects } = binding;
        write!(f, "{kind} {:?} of {role_kind} {role:?} to ", format!("{name}{place}{namespace}"))?;
        let is_user = |subject: &&Subject| match subject.holder(namespace) {
            Some((true, group)) => user.is_in(&group),
            Some((false, name)) => user.name == name,
            None => false,
        };
        match subjects.iter().find(is_user) {
            Some(subject) if subject.kind == "ServiceAccount" => {
                let own = if subject.namespace.is_empty() { namespace } else { &subject.namespace };
                write!(f, "ServiceAccount {:?}", format!("{}/{own}", subject.name))
            }
            Some(subject) => write!(f, "{} {:?}", subject.kind, subject.name),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Encoded, Fields, StoreOptions, Write};
    use proptest::prelude::*;
    use serde_json::json;

    const NAMES: [&str; 3] = ["a", "b", "c"];
    const NAMESPACES: [&str; 3] = ["", "x", "y"];
    const SUBJECTS: [(&str, &str); 5] =
        [("User", "a"), ("User", "b"), ("Group", "g"), ("Group", "h"), ("ServiceAccount", "s")];

    /// A role or binding that is written, or, without content, deleted.
    #[derive(Debug, Clone)]
    struct Change {
        binding: bool,
        namespace: usize,
        name: usize,
        content: Option<(usize, Vec<usize>)>,
    }

    fn change() -> impl Strategy<Value = Change> {
        let content = proptest::option::weighted(0.8, (0..3_usize, proptest::collection::vec(0..5_usize, 0..4)));
        (any::<bool>(), 0..3_usize, 0..3_usize, content).prop_map(|(binding, namespace, name, content)| Change {
            binding,
            namespace,
            name,
            content,
        })
    }

    fn object(change: &Change) -> Value {
        let (namespace, name) = (NAMESPACES[change.namespace], NAMES[change.name]);
        let mut object = json!({"kind": "Role", "metadata": {"name": name}});
        if !namespace.is_empty() {
            object["metadata"]["namespace"] = namespace.into();
        }
        let (choice, list) = change.content.clone().unwrap_or_default();
        if change.binding {
            let subject =
                |index: usize| json!({"kind": SUBJECTS[index].0, "name": SUBJECTS[index].1, "namespace": "x"});
            object["kind"] = "RoleBinding".into();
            let kind = if namespace.is_empty() || choice == 0 { "ClusterRole" } else { "Role" };
            object["roleRef"] = json!({"kind": kind, "name": NAMES[choice]});
            object["subjects"] = list.into_iter().map(subject).collect();
        } else {
            let verb = format!("{namespace}/{name}/{choice}");
            object["rules"] = json!([{"verbs": [verb], "apiGroups": [""], "resources": ["pods"]}]);
        }
        object
    }

    async fn write(store: &Store, change: &Change) {
        let index = usize::from(change.namespace > 0) + if change.binding { 2 } else { 0 };
        let collection = store.collection(GROUP, RESOURCES[index]);
        let object = object(change);
        let key = ObjectKey::new(NAMESPACES[change.namespace], NAMES[change.name]);
        let encoded = Encoded::from_tree(object.as_object().unwrap(), Fields::default());
        let write = match (collection.get(&key), &change.content) {
            (None, None) => return,
            (None, Some(_)) => Write::Create { collection, key, object: encoded },
            (Some(old), Some(_)) => Write::Update { collection, key, expected: old.revision(), object: encoded },
            (Some(old), None) => Write::Delete { collection, key, expected: old.revision(), last: encoded },
        };
        store.write(write).await.unwrap();
    }

    /// What the index finds, and what a look at every binding finds.
    fn both(grants: &Grants, store: &Store, user: &User, namespace: &str) -> (BTreeSet<String>, BTreeSet<String>) {
        let mut found = BTreeSet::new();
        grants.visit(user, namespace, &mut |one| {
            found.insert(match one {
                Found::Rule(rule, source) => format!("{source}: {}", rule.verbs[0]),
                Found::NoRole(why) => why.to_string(),
            });
            true
        });
        let mut expected = BTreeSet::new();
        let all =
            |index: usize| store.collection(GROUP, RESOURCES[index]).range(RangeRequest::default()).unwrap().items;
        for stored in all(2).into_iter().chain(all(3)) {
            let binding = Arc::new(Binding::read(&stored.tree()));
            let holds = |subject: &Subject| match (subject.kind.as_str(), subject.name.as_str()) {
                ("User", name) => user.name == name,
                ("Group", name) => user.is_in(name),
                (_, name) => user.name == format!("system:serviceaccount:x:{name}"),
            };
            let applies = binding.namespace.is_empty() || binding.namespace == namespace;
            if !applies || !binding.subjects.iter().any(holds) {
                continue;
            }
            let (index, place) = if binding.role_kind == "Role" { (1, binding.namespace.as_str()) } else { (0, "") };
            let key = ObjectKey::new(place, &binding.role);
            expected.insert(match store.collection(GROUP, RESOURCES[index]).get(&key) {
                Some(role) => {
                    format!("{}: {}", Source(&binding, user), role.tree()["rules"][0]["verbs"][0].as_str().unwrap())
                }
                None => format!("{}.{GROUP} {:?} not found", binding.role_kind.to_lowercase(), binding.role),
            });
        }
        (found, expected)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn the_index_finds_what_a_look_at_all_bindings_finds(changes in proptest::collection::vec(change(), 1..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            // A short log: the index falls behind and has to start anew.
            let store = Store::open(StoreOptions { history: 8, ..StoreOptions::default() }).unwrap();
            let grants = Grants::new(&store);
            let users = [User::new("a", ["g"]), User::new("b", ["g", "h"]), User::new("system:serviceaccount:x:s", ["h"])];
            for (step, change) in changes.iter().enumerate() {
                runtime.block_on(write(&store, change));
                if step % 7 < 3 {
                    let (user, namespace) = (&users[step % 3], NAMESPACES[step % 2 + 1]);
                    let (found, expected) = both(&grants, &store, user, namespace);
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }
}
