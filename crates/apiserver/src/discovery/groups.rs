//! What the server says it serves: `APIVersions`, `APIGroupList`, `APIGroup`, `APIResourceList`, and the aggregated
//! `APIGroupDiscoveryList`.

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::crd::{Definition, Names, Version, versions};

/// In this order, as a real server lists them for custom resources.
const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const SUBRESOURCE_VERBS: [&str; 3] = ["get", "patch", "update"];

/// A group of custom resources.
pub(super) struct CustomGroup<'a> {
    pub(super) name: &'a str,
    /// In the order of preference.
    pub(super) versions: Vec<CustomVersion<'a>>,
}

/// A version of a group of custom resources.
pub(super) struct CustomVersion<'a> {
    pub(super) name: &'a str,
    /// Sorted by plural name.
    pub(super) resources: Vec<(&'a Definition, &'a Version)>,
}

/// The groups that established definitions serve, sorted by name.
pub(super) fn custom_groups(definitions: &[Definition]) -> Vec<CustomGroup<'_>> {
    let mut groups: Vec<CustomGroup<'_>> = Vec::new();
    let mut established: Vec<&Definition> = definitions.iter().filter(|d| d.is("Established")).collect();
    established.sort_by(|a, b| (&a.spec.group, &a.spec.names.plural).cmp(&(&b.spec.group, &b.spec.names.plural)));
    for definition in established {
        let name = definition.spec.group.as_str();
        if groups.last().is_none_or(|group| group.name != name) {
            groups.push(CustomGroup { name, versions: Vec::new() });
        }
        let Some(group) = groups.last_mut() else { continue };
        for version in definition.spec.versions.iter().filter(|version| version.served) {
            let at = group.versions.binary_search_by(|v| versions::compare(v.name, &version.name));
            let at = at.unwrap_or_else(|at| {
                group.versions.insert(at, CustomVersion { name: &version.name, resources: Vec::new() });
                at
            });
            group.versions[at].resources.push((definition, version));
        }
    }
    groups.retain(|group| !group.versions.is_empty());
    groups
}

impl CustomGroup<'_> {
    /// The entry of an `APIGroupList`.
    pub(super) fn summary(&self) -> Value {
        let versions: Vec<&str> = self.versions.iter().map(|version| version.name).collect();
        group_summary(self.name, &versions)
    }

    /// The entry of an `APIGroupDiscoveryList`.
    pub(super) fn aggregated(&self) -> Value {
        let versions = self.versions.iter().map(|version| {
            let resources = version.resources.iter().map(|(definition, v)| aggregated_resource(definition, v));
            json!({"version": version.name, "resources": resources.collect::<Vec<_>>(), "freshness": "Current"})
        });
        json!({"metadata": {"name": self.name}, "versions": versions.collect::<Vec<_>>()})
    }
}

impl CustomVersion<'_> {
    /// The `APIResourceList`.
    pub(super) fn resource_list(&self, group: &str) -> Value {
        let resources: Vec<Value> =
            self.resources.iter().flat_map(|(d, version)| plain_resources(d, version)).collect();
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{}", self.name),
            "resources": resources})
    }
}

/// The entry of an `APIGroupList`; versions in the order of preference.
pub(super) fn group_summary(name: &str, versions: &[impl AsRef<str>]) -> Value {
    let entry = |version: &str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let versions: Vec<Value> = versions.iter().map(|version| entry(version.as_ref())).collect();
    json!({"name": name, "preferredVersion": versions.first(), "versions": versions})
}

fn aggregated_resource(definition: &Definition, version: &Version) -> Value {
    let names = &definition.status.accepted_names;
    let group = definition.spec.group.as_str();
    let kind = json!({"group": group, "version": version.name, "kind": names.kind});
    let mut out = json!({"resource": names.plural, "responseKind": kind, "scope": definition.spec.scope,
        "singularResource": names.singular, "verbs": VERBS});
    add_names(&mut out, names);
    let mut subresources = Vec::new();
    if version.subresources.status.is_some() {
        subresources.push(json!({"subresource": "status", "responseKind": kind, "verbs": SUBRESOURCE_VERBS}));
    }
    if version.subresources.scale.is_some() {
        let kind = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
        subresources.push(json!({"subresource": "scale", "responseKind": kind, "verbs": SUBRESOURCE_VERBS}));
    }
    if !subresources.is_empty() {
        out["subresources"] = subresources.into();
    }
    out
}

fn plain_resources(definition: &Definition, version: &Version) -> Vec<Value> {
    let names = &definition.status.accepted_names;
    let namespaced = definition.namespaced();
    let stored = definition.storage_version().map_or("", |version| &version.name);
    let mut main = json!({"name": names.plural, "singularName": names.singular, "namespaced": namespaced,
        "kind": names.kind, "verbs": VERBS,
        "storageVersionHash": storage_version_hash(&definition.spec.group, stored, &names.kind)});
    add_names(&mut main, names);
    let mut out = vec![main];
    if version.subresources.status.is_some() {
        out.push(json!({"name": format!("{}/status", names.plural), "singularName": "", "namespaced": namespaced,
            "kind": names.kind, "verbs": SUBRESOURCE_VERBS}));
    }
    if version.subresources.scale.is_some() {
        out.push(json!({"name": format!("{}/scale", names.plural), "singularName": "", "namespaced": namespaced,
            "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": SUBRESOURCE_VERBS}));
    }
    out
}

fn add_names(out: &mut Value, names: &Names) {
    if !names.short_names.is_empty() {
        out["shortNames"] = names.short_names.clone().into();
    }
    if !names.categories.is_empty() {
        out["categories"] = names.categories.clone().into();
    }
}

/// Changes when objects are stored in another version.
fn storage_version_hash(group: &str, version: &str, kind: &str) -> String {
    let digest = Sha256::digest(format!("{group}/{version}/{kind}"));
    base64::engine::general_purpose::STANDARD.encode(&digest[..8])
}
