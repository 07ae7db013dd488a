//! Which kinds the server serves now: what the garbage collector watches and what a namespace's deletion empties.

use kube::Client;
use kube::core::ApiResource;
use kube::core::discovery::v2::APIResourceDiscovery;

/// A kind in the version that the server prefers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServedKind {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
    verbs: Vec<String>,
}

impl ServedKind {
    /// Whether the kind has all of these verbs.
    pub(crate) fn can(&self, verbs: &[&str]) -> bool {
        verbs.iter().all(|verb| self.verbs.iter().any(|has| has == verb))
    }
}

/// Asks the server, with aggregated discovery. Each kind comes once, in its group's preferred version.
pub(crate) async fn served_kinds(client: &Client) -> Result<Vec<ServedKind>, kube::Error> {
    let mut kinds: Vec<ServedKind> = Vec::new();
    for Discovered { group, version, resource } in discovered(client).await? {
        let plural = resource.resource.unwrap_or_default();
        let known = kinds.iter().any(|kind| kind.resource.group == group && kind.resource.plural == plural);
        let Some(kind) = resource.response_kind.and_then(|kind| kind.kind).filter(|_| !known) else {
            continue;
        };
        let api_version = if group.is_empty() { version.clone() } else { format!("{group}/{version}") };
        kinds.push(ServedKind {
            resource: ApiResource { group, version, api_version, kind, plural },
            namespaced: resource.scope.as_deref() == Some("Namespaced"),
            verbs: resource.verbs,
        });
    }
    Ok(kinds)
}

/// A resource as discovery tells it.
pub(crate) struct Discovered {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: APIResourceDiscovery,
}

/// All resources in all versions; the versions of a group stand in the order of preference.
pub(crate) async fn discovered(client: &Client) -> Result<Vec<Discovered>, kube::Error> {
    let mut found = Vec::new();
    for groups in [client.list_core_api_versions_aggregated().await?, client.list_api_groups_aggregated().await?] {
        for group in groups.items {
            let name = group.metadata.and_then(|meta| meta.name).unwrap_or_default();
            for version in group.versions {
                let number = version.version.unwrap_or_default();
                found.extend(version.resources.into_iter().map(|resource| {
                    let (group, version) = (name.clone(), number.clone());
                    Discovered { group, version, resource }
                }));
            }
        }
    }
    Ok(found)
}
