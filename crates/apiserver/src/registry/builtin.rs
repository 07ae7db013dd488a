//! The built-in resources, from the aggregated discovery documents of the real server.

use std::sync::OnceLock;

use serde::Deserialize;

use super::resource::{Resource, ResourceStrategy, Subresource, api_version, object_prefix};
use crate::kinds;
use crate::schema::BuiltinSchemas;
use crate::store::Store;

#[derive(Deserialize)]
struct GroupList {
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    metadata: GroupMetadata,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct GroupMetadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Discovered>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Discovered {
    resource: String,
    #[serde(default)]
    response_kind: ResponseKind,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    subresources: Vec<DiscoveredSubresource>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct DiscoveredSubresource {
    subresource: String,
    #[serde(default)]
    response_kind: ResponseKind,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize, Clone, Default)]
struct ResponseKind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: String,
}

/// One group-version and what it serves.
struct Served {
    group: String,
    version: String,
    resources: Vec<Discovered>,
}

/// The discovery documents, read once per process.
#[expect(clippy::expect_used, reason = "the documents are part of the program, and a test reads them")]
fn served() -> &'static [Served] {
    static SERVED: OnceLock<Vec<Served>> = OnceLock::new();
    SERVED.get_or_init(|| {
        let mut out = Vec::new();
        for entry in ["discovery/api", "discovery/apis"] {
            let document = BuiltinSchemas::get().entry(entry).expect("the discovery document is there");
            let groups: GroupList = serde_json::from_value(document).expect("the discovery document is well-formed");
            for group in groups.items {
                let versions = group.versions.into_iter();
                out.extend(versions.map(|version| Served {
                    group: group.metadata.name.clone(),
                    version: version.version,
                    resources: version.resources,
                }));
            }
        }
        out
    })
}

/// All built-in resources, with their collections in `store`.
pub(super) fn resources(store: &Store) -> Vec<Resource> {
    let mut out = Vec::new();
    for Served { group, version, resources } in served() {
        out.extend(resources.iter().cloned().map(|discovered| resource(store, group, version, discovered)));
    }
    out
}

fn resource(store: &Store, group: &str, version: &str, discovered: Discovered) -> Resource {
    let kind = discovered.response_kind.kind;
    let own = api_version(group, version);
    let (storage_group, storage_version) = storage(group, version, &discovered.resource);
    let mut subresources: Vec<Subresource> = discovered
        .subresources
        .into_iter()
        .map(|sub| Subresource {
            name: sub.subresource,
            // An empty group and version stand for those of the resource.
            group: if sub.response_kind.version.is_empty() { group.into() } else { sub.response_kind.group },
            version: if sub.response_kind.version.is_empty() { version.into() } else { sub.response_kind.version },
            kind: sub.response_kind.kind,
            verbs: sub.verbs,
        })
        .collect();
    subresources.sort_by(|a, b| a.name.cmp(&b.name));
    Resource {
        collection: store.collection(storage_group, &discovered.resource),
        strategy: ResourceStrategy::Builtin(kinds::strategy(group, &kind)),
        prefix: object_prefix(&kind, &own),
        storage_api_version: api_version(storage_group, storage_version),
        list_kind: format!("{kind}List"),
        api_version: own,
        kind,
        group: group.into(),
        version: version.into(),
        plural: discovered.resource,
        singular: discovered.singular_resource,
        short_names: discovered.short_names,
        categories: discovered.categories,
        namespaced: discovered.scope == "Namespaced",
        verbs: discovered.verbs,
        subresources,
        custom: None,
        ty: std::sync::OnceLock::new(),
    }
}

/// The group and version that a resource is stored in: kinds that several group-versions serve are stored once.
fn storage<'a>(group: &'a str, version: &'a str, resource: &str) -> (&'a str, &'a str) {
    match (group, resource) {
        ("events.k8s.io", "events") => ("", "v1"),
        ("autoscaling", "horizontalpodautoscalers") => ("autoscaling", "v2"),
        _ => (group, version),
    }
}
