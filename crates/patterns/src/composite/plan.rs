//! What an object should consist of: components with their children, in waves. Made by a pure function of the object.

use std::collections::BTreeSet;

use kube::Resource;
use kube::api::ApiResource;
use serde::Serialize;
use serde_json::Value;

use super::probe::Probe;
use super::rules::{Rule, Rules};

/// What an object should consist of; see [`Composite::plan`](super::Composite::plan).
///
/// ```
/// use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
/// use kubewright_patterns::composite::{Component, Plan, Rule};
///
/// # let (statefulset, deployment) = (StatefulSet::default(), Deployment::default());
/// let plan = Plan::new()
///     .wave("storage", [Component::new("database").child(&statefulset)])
///     .wave("app", [Component::new("api").child(&deployment)])
///     .ready_when("example.com", "Bucket", Rule::condition("Available"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub(super) waves: Vec<PlannedWave>,
    pub(super) rules: Rules,
}

#[derive(Debug, Clone)]
pub(super) struct PlannedWave {
    pub(super) name: String,
    pub(super) components: Vec<Component>,
}

/// A part of an object that is ready or not as a whole, with a condition of its own: `api-manager` has `ApiManagerReady`.
///
/// The pod templates of its workloads (Deployment, StatefulSet, DaemonSet, ReplicaSet) get the annotation
/// `kubewright.dev/config-checksum` with a checksum of the ConfigMaps and Secrets among its children, among what it
/// [requires](Self::requires) and what it [reads](Self::reads), so that a change of them rolls the pods.
#[derive(Debug, Clone)]
pub struct Component {
    pub(super) name: String,
    pub(super) children: Vec<PlannedChild>,
    pub(super) requires: Vec<Required>,
    pub(super) reads: Vec<Value>,
    pub(super) probes: Vec<Probe>,
}

#[derive(Debug, Clone)]
pub(super) struct PlannedChild {
    pub(super) resource: ApiResource,
    /// `Err` if it can't be encoded.
    pub(super) tree: Result<Value, String>,
    /// Whether a change of it rolls the pods.
    pub(super) in_checksum: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Required {
    pub(super) requirement: Requirement,
    /// Whether a change of it rolls the pods.
    pub(super) in_checksum: bool,
}

/// An object of somebody else, in the namespace of the composite, that a component can't do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// A Secret with these keys, none of them empty.
    Secret {
        /// Its name.
        name: String,
        /// Keys that it must have.
        keys: Vec<String>,
    },
    /// A ConfigMap with these keys.
    ConfigMap {
        /// Its name.
        name: String,
        /// Keys that it must have.
        keys: Vec<String>,
    },
}

/// Why there is no plan for an object: something about it makes no sense, and only a change of it can help. What is there
/// already is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For machines, in CamelCase: `DuplicateName`. It is the reason of the conditions and of the Warning event.
    pub reason: String,
    /// For people: which field, what is wrong with it, and what would be right.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into() }
    }
}

impl Plan {
    /// A plan without waves: an object that consists of nothing and is ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a wave, which is begun when the one before is ready. Its name is the value of a label, see
    /// [`Wave`](kubewright_runtime::Wave). A wave of no components is ready.
    pub fn wave(mut self, name: impl Into<String>, components: impl IntoIterator<Item = Component>) -> Self {
        self.waves.push(PlannedWave { name: name.into(), components: components.into_iter().collect() });
        self
    }

    /// Says when children of a kind are ready, where the built-in rules
    /// ([`readiness`](kubewright_runtime::readiness)) don't know. The group of core kinds is `""`.
    pub fn ready_when(mut self, group: impl Into<String>, kind: impl Into<String>, rule: Rule) -> Self {
        self.rules.add(group.into(), kind.into(), rule);
        self
    }

    /// Whether it can be carried out at all: each name is there once.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let (mut components, mut children) = (BTreeSet::new(), BTreeSet::new());
        for component in self.components() {
            let name = &component.name;
            if !components.insert(component.condition()) {
                return Err(Refusal::new("DuplicateComponent", format!("two components are called {name}")));
            }
            for child in &component.children {
                let kind = &child.resource.kind;
                let tree = child.tree.as_ref().map_err(|fault| {
                    Refusal::new("InvalidChild", format!("component {name}: a {kind} can't be encoded: {fault}"))
                })?;
                let [namespace, child_name] =
                    [&tree["metadata"]["namespace"], &tree["metadata"]["name"]].map(Value::to_string);
                if !children.insert((child.resource.group.clone(), kind.clone(), namespace, child_name.clone())) {
                    let message = format!(
                        "component {name}: another component has a {kind} {child_name} too; rename one of them"
                    );
                    return Err(Refusal::new("DuplicateName", message));
                }
            }
        }
        Ok(())
    }

    pub(super) fn components(&self) -> impl Iterator<Item = &Component> {
        self.waves.iter().flat_map(|wave| &wave.components)
    }
}

impl Component {
    /// A component without children. Its name is in lower-case letters, digits and `-`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), children: Vec::new(), requires: Vec::new(), reads: Vec::new(), probes: Vec::new() }
    }

    /// Adds a child; see [`Children::add`](kubewright_runtime::Children::add) for what may be left out.
    pub fn child<K: Resource<DynamicType = ()> + Serialize>(self, child: &K) -> Self {
        self.push(ApiResource::erase::<K>(&()), child, true)
    }

    /// Adds a ConfigMap or Secret that its pods read while they run: a change of it does not roll them.
    pub fn live_config<K: Resource<DynamicType = ()> + Serialize>(self, child: &K) -> Self {
        self.push(ApiResource::erase::<K>(&()), child, false)
    }

    /// Adds a child of a kind that is known at run time.
    pub fn dynamic_child(self, resource: &ApiResource, child: &Value) -> Self {
        self.push(resource.clone(), child, true)
    }

    /// Something of somebody else that it can't do without. As long as it is missing the component is not ready, and says
    /// what is missing. A change of it rolls the pods.
    pub fn requires(mut self, requirement: Requirement) -> Self {
        self.requires.push(Required { requirement, in_checksum: true });
        self
    }

    /// The same for what its pods read once and for all, or while they run: a change does not roll them.
    pub fn requires_once(mut self, requirement: Requirement) -> Self {
        self.requires.push(Required { requirement, in_checksum: false });
        self
    }

    /// A ConfigMap or Secret of another component that its pods read: a change of it rolls them.
    pub fn reads<K: Resource<DynamicType = ()> + Serialize>(mut self, config: &K) -> Self {
        // One that can't be encoded is refused where it is a child.
        if let Ok(mut tree) = serde_json::to_value(config) {
            tree["kind"] = K::kind(&()).into();
            self.reads.push(tree);
        }
        self
    }

    /// Something outside of the cluster that has to answer for the component to be ready.
    pub fn probe(mut self, probe: Probe) -> Self {
        self.probes.push(probe);
        self
    }

    /// The type of its condition.
    pub fn condition(&self) -> String {
        let words = self.name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let camel = words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]);
        camel.collect::<String>() + "Ready"
    }

    fn push(mut self, resource: ApiResource, child: &impl Serialize, in_checksum: bool) -> Self {
        let tree = serde_json::to_value(child).map_err(|fault| fault.to_string());
        self.children.push(PlannedChild { resource, tree, in_checksum });
        self
    }
}

impl Requirement {
    /// A Secret that must have these keys.
    pub fn secret(name: impl Into<String>, keys: &[&str]) -> Self {
        Self::Secret { name: name.into(), keys: keys.iter().map(ToString::to_string).collect() }
    }

    /// A ConfigMap that must have these keys.
    pub fn config_map(name: impl Into<String>, keys: &[&str]) -> Self {
        Self::ConfigMap { name: name.into(), keys: keys.iter().map(ToString::to_string).collect() }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    fn map(name: &str) -> ConfigMap {
        let mut map = ConfigMap::default();
        map.metadata.name = Some(name.into());
        map
    }

    #[test]
    fn the_condition_of_a_component_is_its_name_in_camel_case() {
        assert_eq!(Component::new("api-manager").condition(), "ApiManagerReady");
        assert_eq!(Component::new("web").condition(), "WebReady");
    }

    #[test]
    fn a_name_that_two_components_give_to_a_child_is_refused() {
        let one = Component::new("one").child(&map("a")).child(&map("b"));
        let fine = Plan::new().wave("x", [one.clone(), Component::new("two").child(&map("c"))]);
        assert_eq!(fine.check(), Ok(()));
        let refusal = Plan::new().wave("x", [one]).wave("y", [Component::new("two").child(&map("b"))]).check();
        let refusal = refusal.unwrap_err();
        assert_eq!(refusal.reason, "DuplicateName");
        assert!(refusal.message.contains("component two") && refusal.message.contains("ConfigMap \"b\""), "{refusal}");
        let twice = Plan::new().wave("x", [Component::new("a-b"), Component::new("a.b")]).check();
        assert_eq!(twice.unwrap_err().reason, "DuplicateComponent", "they would share a condition");
    }
}
