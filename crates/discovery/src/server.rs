//! Asks the server: for everything at once (aggregated discovery, KEP-3352), or, where it does not know of that, for its
//! groups and then for each version.

use http::Request;
use http::header::ACCEPT;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    APIGroup, APIGroupList, APIResource, APIResourceList, APIVersions,
};
use kube::Client;
use serde::Deserialize;

use crate::resources::{Resources, ServedResource};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// What a server tells, in the form of before aggregated discovery, which is also that of kubectl's files.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Served {
    pub(crate) groups: Vec<APIGroup>,
    /// By version, in the order of the groups. A version whose server does not answer is not among them.
    pub(crate) versions: Vec<APIResourceList>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Aggregated(GroupDiscoveryList),
    Groups(APIGroupList),
    Versions(APIVersions),
}

#[derive(Deserialize)]
struct GroupDiscoveryList {
    items: Vec<GroupDiscovery>,
}

#[derive(Deserialize)]
struct GroupDiscovery {
    #[serde(default)]
    metadata: GroupMeta,
    #[serde(default)]
    versions: Vec<VersionDiscovery>,
}

#[derive(Deserialize, Default)]
struct GroupMeta {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct VersionDiscovery {
    version: String,
    #[serde(default)]
    resources: Vec<ResourceDiscovery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceDiscovery {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Vec<String>,
    short_names: Option<Vec<String>>,
    categories: Option<Vec<String>>,
    #[serde(default)]
    subresources: Vec<SubresourceDiscovery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubresourceDiscovery {
    subresource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize, Default)]
struct ResponseKind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: String,
}

/// Asks for everything.
pub(crate) async fn ask(client: &Client) -> Result<Served, kube::Error> {
    let mut served = Served::default();
    for path in ["/api", "/apis"] {
        let request = Request::get(path).header(ACCEPT, AGGREGATED).body(Vec::new()).map_err(kube::Error::HttpError)?;
        match client.request::<Answer>(request).await? {
            Answer::Aggregated(list) => list.items.into_iter().for_each(|group| served.add(group)),
            Answer::Groups(list) => {
                for group in list.groups {
                    served.add_asked(client, group).await?;
                }
            }
            Answer::Versions(APIVersions { versions, .. }) => {
                served.add_asked(client, group(String::new(), versions)).await?;
            }
        }
    }
    Ok(served)
}

impl Served {
    fn add(&mut self, discovery: GroupDiscovery) {
        let name = discovery.metadata.name;
        let versions = discovery.versions.iter().map(|version| version.version.clone()).collect();
        self.groups.push(group(name.clone(), versions));
        for VersionDiscovery { version, resources } in discovery.versions {
            let own = |kind: Option<ResponseKind>| {
                let ResponseKind { group, version: other, kind } = kind.unwrap_or_default();
                // Only those of another group or version are named.
                let other_version = Some(other).filter(|other| *other != version && !other.is_empty());
                (kind, Some(group).filter(|group| *group != name && other_version.is_some()), other_version)
            };
            let mut listed = Vec::new();
            for resource in resources {
                let namespaced = resource.scope == "Namespaced";
                let (kind, group, version) = own(resource.response_kind);
                listed.push(APIResource {
                    name: resource.resource.clone(),
                    singular_name: resource.singular_resource,
                    namespaced,
                    kind,
                    group,
                    version,
                    verbs: resource.verbs,
                    short_names: resource.short_names,
                    categories: resource.categories,
                    ..APIResource::default()
                });
                for subresource in resource.subresources {
                    let (kind, group, version) = own(subresource.response_kind);
                    listed.push(APIResource {
                        name: format!("{}/{}", resource.resource, subresource.subresource),
                        namespaced,
                        kind,
                        group,
                        version,
                        verbs: subresource.verbs,
                        ..APIResource::default()
                    });
                }
            }
            self.versions.push(APIResourceList { group_version: api_version(&name, &version), resources: listed });
        }
    }

    /// Asks for each version of a group. One that is not there is left out: the server of an extension may be down.
    async fn add_asked(&mut self, client: &Client, group: APIGroup) -> Result<(), kube::Error> {
        for version in &group.versions {
            let asked = if group.name.is_empty() {
                client.list_core_api_resources(&version.version).await
            } else {
                client.list_api_group_resources(&version.group_version).await
            };
            match asked {
                Ok(list) => self.versions.push(list),
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 503) => {}
                Err(error) => return Err(error),
            }
        }
        self.groups.push(group);
        Ok(())
    }

    pub(crate) fn resources(&self) -> Resources {
        let preferred = |group_version: &str| {
            let preferred = |group: &APIGroup| group.preferred_version.as_ref().map(|own| own.group_version.clone());
            self.groups.iter().filter_map(preferred).any(|own| own == group_version)
        };
        let mut found: Vec<ServedResource> = Vec::new();
        for list in &self.versions {
            let (group, version) = list.group_version.split_once('/').unwrap_or(("", &list.group_version));
            let from = found.len();
            for resource in list.resources.iter().filter(|resource| !resource.name.contains('/')) {
                let prefix = format!("{}/", resource.name);
                found.push(ServedResource {
                    group: group.to_owned(),
                    version: version.to_owned(),
                    preferred: preferred(&list.group_version),
                    kind: resource.kind.clone(),
                    plural: resource.name.clone(),
                    singular: resource.singular_name.clone(),
                    short_names: resource.short_names.clone().unwrap_or_default(),
                    categories: resource.categories.clone().unwrap_or_default(),
                    namespaced: resource.namespaced,
                    verbs: resource.verbs.clone(),
                    subresources: list
                        .resources
                        .iter()
                        .filter_map(|other| other.name.strip_prefix(&prefix).map(str::to_owned))
                        .collect(),
                });
            }
            // The order of a list is the server's; that of names is the same for all servers.
            found[from..].sort_by(|one, other| one.plural.cmp(&other.plural));
        }
        Resources(found)
    }
}

fn group(name: String, versions: Vec<String>) -> APIGroup {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::GroupVersionForDiscovery;
    let versions: Vec<GroupVersionForDiscovery> = versions
        .into_iter()
        .map(|version| GroupVersionForDiscovery { group_version: api_version(&name, &version), version })
        .collect();
    APIGroup { name, preferred_version: versions.first().cloned(), versions, server_address_by_client_cidrs: None }
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}
