//! What Ansible made for a custom resource, and whether it is still as Ansible last saw it.
//!
//! The gateway tells of each object that Ansible reads or writes; those that are the custom resource's are kept here, as a
//! checksum of what matters. So a change that comes while Ansible runs is noticed too, and one that Ansible itself made is none.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use kubewright::discovery::{Discovery, Resources};
use kubewright::kube::api::{ApiResource, DynamicObject};
use kubewright::prelude::*;
use kubewright::runtime::Stored;
use kubewright_operator_sdk::{Guest, Heard, Owner, Target};
use parking_lot::Mutex;
use serde_json::{Map, Value};

/// Annotations that controllers put on objects soon after they are made.
const OTHERS: [&str; 1] = ["deployment.kubernetes.io/revision"];

/// Objects of a custom resource.
#[derive(Debug, Default)]
pub(crate) struct Dependents {
    seen: Mutex<BTreeMap<Dependent, Seen>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Dependent {
    group: String,
    version: String,
    kind: String,
    plural: String,
    namespace: Option<String>,
    name: String,
}

/// How an object was seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    version: String,
    checksum: u64,
}

/// Ansible at work for a custom resource.
pub(crate) struct Work {
    pub(crate) owner: Owner,
    /// Whether what is created gets its owner.
    pub(crate) inject: bool,
    /// Whether changes of it are watched.
    pub(crate) watch: bool,
    /// Whether those of what is in no namespace are.
    pub(crate) watch_cluster: bool,
    /// Kinds that are not: group, version, kind.
    pub(crate) blacklist: BTreeSet<(String, String, String)>,
    pub(crate) dependents: std::sync::Arc<Dependents>,
}

impl Guest for Work {
    fn mark(&self, target: &Target, object: &mut Map<String, Value>) {
        if !self.inject {
            return;
        }
        let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        let Some(metadata) = metadata.as_object_mut() else { return };
        if self.owner.is_in_reach_of(target.namespace.as_deref()) {
            self.owner.own(metadata, false);
        } else {
            self.owner.annotate(metadata);
        }
    }

    /// An object of somebody else does not become this one's by being replaced or applied.
    fn looks_first(&self) -> bool {
        self.inject
    }

    fn adopts(&self, live: &Value) -> bool {
        self.owner.has(live)
    }

    fn listens(&self) -> bool {
        self.inject && self.watch
    }

    fn heard(&self, target: &Target, heard: Heard<'_>) {
        let mut seen = self.dependents.seen.lock();
        let object = match heard {
            Heard::Deleted => {
                seen.retain(|dependent, _| !dependent.is_at(target));
                return;
            }
            Heard::Object(object) => object,
        };
        let (Some(kind), Some(name)) = (object["kind"].as_str(), object["metadata"]["name"].as_str()) else { return };
        let kind_of = (target.group.clone(), target.version.clone(), kind.to_string());
        let within = target.namespace.is_some() || self.owner.namespace.is_empty() || self.watch_cluster;
        if !within || !self.owner.has(object) || self.blacklist.contains(&kind_of) {
            return;
        }
        let (group, version, kind) = kind_of;
        let (plural, namespace, name) = (target.plural.clone(), target.namespace.clone(), name.to_string());
        seen.insert(Dependent { group, version, kind, plural, namespace, name }, Seen::of(object));
    }
}

impl Dependent {
    fn is_at(&self, target: &Target) -> bool {
        self.group == target.group
            && self.plural == target.plural
            && self.namespace == target.namespace
            && Some(&self.name) == target.name.as_ref()
    }

    fn resource(&self) -> ApiResource {
        let separator = if self.group.is_empty() { "" } else { "/" };
        ApiResource {
            group: self.group.clone(),
            version: self.version.clone(),
            api_version: format!("{}{separator}{}", self.group, self.version),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }

    /// Whether it can be watched: the server has to serve that, and the operator to look there.
    fn is_watched(&self, resources: &Resources, homes: &[String]) -> bool {
        let served = resources.of_plural(&self.group, &self.plural, Some(&self.version));
        let home = homes.is_empty() || self.namespace.as_ref().is_none_or(|namespace| homes.contains(namespace));
        home && served.is_some_and(|served| served.supports("watch") && served.supports("list"))
    }
}

impl Seen {
    fn of(object: &Value) -> Self {
        let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_string();
        Self { version, checksum: checksum(object) }
    }
}

impl Dependents {
    /// An object that is no longer as Ansible saw it. From now on the reconcile is woken when one of them changes.
    pub(crate) async fn changed(
        &self,
        ctx: &Context,
        discovery: &Discovery,
        homes: &[String],
    ) -> Result<Option<String>, Error> {
        let all: Vec<(Dependent, Seen)> =
            self.seen.lock().iter().map(|(dependent, seen)| (dependent.clone(), seen.clone())).collect();
        if all.is_empty() {
            return Ok(None);
        }
        let resources = discovery.resources().await.map_err(Error::temporary)?;
        // All are asked for before the first is waited for, so that watches of new kinds begin together.
        let mut cached = Vec::new();
        for (dependent, seen) in all.iter().filter(|(dependent, _)| dependent.is_watched(&resources, homes)) {
            let key = ObjectRef::new(dependent.namespace.as_deref(), &dependent.name);
            cached.push((dependent, seen, ctx.read(&dependent.resource()).get(&key)));
        }
        let mut found = None;
        for (dependent, seen, cached) in cached {
            if found.is_none() && self.differs(ctx, dependent, seen, cached?.as_ref()).await? {
                found = Some(format!("{} {}", dependent.kind, dependent.name));
            }
        }
        Ok(found)
    }

    async fn differs(
        &self,
        ctx: &Context,
        dependent: &Dependent,
        seen: &Seen,
        cached: Option<&Stored>,
    ) -> Result<bool, Error> {
        if let Some(cached) = cached
            && (cached.resource_version() == seen.version || self.is_as_seen(dependent, seen, &cached.tree()))
        {
            return Ok(false);
        }
        // The cache may be behind what Ansible has just done.
        let (client, resource) = (ctx.client().clone(), dependent.resource());
        let api: Api<DynamicObject> = match &dependent.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let Some(live) = api.get_opt(&dependent.name).await? else { return Ok(true) };
        // What is about to go is missed when it is gone: the cache tells of that.
        Ok(live.metadata.deletion_timestamp.is_none()
            && !self.is_as_seen(dependent, seen, &serde_json::to_value(&live)?))
    }

    /// Whether an object is as it was seen but for what does not matter; its version is remembered then.
    fn is_as_seen(&self, dependent: &Dependent, before: &Seen, object: &Value) -> bool {
        let now = Seen::of(object);
        let same = now.checksum == before.checksum;
        if same && let Some(seen) = self.seen.lock().get_mut(dependent) {
            *seen = now;
        }
        same
    }
}

/// A checksum of what matters of an object: not its status, nor what the server and controllers note on it. The order of
/// members does not count.
pub(crate) fn checksum(object: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    let none = Map::new();
    for (name, value) in sorted(object.as_object().unwrap_or(&none)) {
        match (name.as_str(), value) {
            ("status", _) => {}
            ("metadata", Value::Object(metadata)) => {
                for (name, value) in sorted(metadata) {
                    note(name, value, &mut hasher);
                }
            }
            (name, value) => {
                name.hash(&mut hasher);
                hash(value, &mut hasher);
            }
        }
    }
    hasher.finish()
}

/// A member of the metadata.
fn note(name: &str, value: &Value, hasher: &mut DefaultHasher) {
    match (name, value) {
        (
            "resourceVersion" | "managedFields" | "generation" | "deletionTimestamp" | "deletionGracePeriodSeconds",
            _,
        ) => {}
        ("annotations", Value::Object(annotations)) => {
            for (name, value) in sorted(annotations) {
                if !OTHERS.contains(&name.as_str()) {
                    name.hash(hasher);
                    hash(value, hasher);
                }
            }
        }
        (name, value) => {
            name.hash(hasher);
            hash(value, hasher);
        }
    }
}

fn hash(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(members) => {
            members.len().hash(hasher);
            for (name, value) in sorted(members) {
                name.hash(hasher);
                hash(value, hasher);
            }
        }
        Value::Array(items) => {
            items.len().hash(hasher);
            items.iter().for_each(|item| hash(item, hasher));
        }
        other => other.to_string().hash(hasher),
    }
}

fn sorted(members: &Map<String, Value>) -> BTreeMap<&String, &Value> {
    members.iter().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn work() -> Work {
        let text = str::to_string;
        Work {
            owner: Owner {
                api_version: text("example.com/v1"),
                kind: text("Cache"),
                namespace: text("shop"),
                name: text("one"),
                uid: text("u-1"),
            },
            inject: true,
            watch: true,
            watch_cluster: false,
            blacklist: [(text(""), text("v1"), text("Pod"))].into(),
            dependents: Arc::default(),
        }
    }

    fn made(work: &Work, path: &str) -> Value {
        let mut object = json!({"metadata": {"name": "a"}});
        work.mark(&Target::of(path).unwrap(), object.as_object_mut().unwrap());
        object
    }

    const MAPS: &str = "/api/v1/namespaces/shop/configmaps";

    #[test]
    fn what_is_created_tells_its_owner_unless_the_operator_is_told_not_to() {
        let own = json!({"apiVersion": "example.com/v1", "kind": "Cache", "name": "one", "uid": "u-1"});
        assert_eq!(made(&work(), MAPS)["metadata"]["ownerReferences"], json!([own]), "no controller, as others may be");
        for path in ["/api/v1/namespaces/other/configmaps", "/apis/rbac.authorization.k8s.io/v1/clusterroles"] {
            let object = made(&work(), path);
            assert_eq!(object["metadata"]["annotations"]["operator-sdk/primary-resource"], "shop/one", "{path}");
        }
        let quiet = Work { inject: false, ..work() };
        assert_eq!(made(&quiet, MAPS), json!({"metadata": {"name": "a"}}));
        assert!(!quiet.listens() && !quiet.looks_first());
    }

    #[test]
    fn what_is_watched_is_what_watches_yaml_says() {
        let hear = |work: &Work, path: &str, kind: &str, object: Value| {
            let mut object = object;
            object["kind"] = kind.into();
            work.heard(&Target::of(path).unwrap(), Heard::Object(&object));
            work.dependents.seen.lock().len()
        };
        let work = work();
        let map = made(&work, MAPS);
        assert_eq!(hear(&work, MAPS, "ConfigMap", map.clone()), 1);
        assert_eq!(hear(&work, &format!("{MAPS}/a"), "ConfigMap", map), 1, "the same object");
        assert_eq!(
            hear(&work, &format!("{MAPS}/b"), "ConfigMap", json!({"metadata": {"name": "b"}})),
            1,
            "a stranger's"
        );
        let pods = "/api/v1/namespaces/shop/pods";
        assert_eq!(hear(&work, pods, "Pod", made(&work, pods)), 1, "on the blacklist");
        let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        assert_eq!(hear(&work, roles, "ClusterRole", made(&work, roles)), 1, "of the cluster");
        work.heard(&Target::of(&format!("{MAPS}/a")).unwrap(), Heard::Deleted);
        assert!(work.dependents.seen.lock().is_empty(), "Ansible has deleted it");
        let cluster = Work { watch_cluster: true, ..work };
        assert_eq!(hear(&cluster, roles, "ClusterRole", made(&cluster, roles)), 1);
    }

    #[test]
    fn status_and_notes_of_controllers_do_not_matter_and_all_else_does() {
        let object = json!({
            "kind": "Deployment", "metadata": {"name": "a", "resourceVersion": "1", "generation": 1, "labels": {"a": "b", "c": "d"}},
            "spec": {"replicas": 2, "list": [1, 2]},
        });
        let with = |path: &str, value: Value| {
            let mut object = object.clone();
            let mut at = &mut object;
            for part in path.split('/') {
                at = &mut at[part.replace('~', "/")];
            }
            *at = value;
            checksum(&object)
        };
        let before = checksum(&object);
        assert_eq!(with("metadata/labels", json!({"c": "d", "a": "b"})), before, "order");
        for (path, value) in [
            ("status/ready", json!(true)),
            ("metadata/resourceVersion", json!("2")),
            ("metadata/generation", json!(2)),
            ("metadata/annotations/deployment.kubernetes.io~revision", json!("1")),
        ] {
            assert_eq!(with(path, value), before, "{path}");
        }
        for (path, value) in [
            ("spec/replicas", json!(3)),
            ("spec/list", json!([2, 1])),
            ("metadata/labels/a", json!("c")),
            ("metadata/annotations/mine", json!("1")),
        ] {
            assert_ne!(with(path, value), before, "{path}");
        }
    }
}
