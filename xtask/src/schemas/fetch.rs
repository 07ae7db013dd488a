//! Asks a real API server for its OpenAPI documents, discovery, columns and the objects that it makes by itself.

use http::Request;
use kube::Client;
use kubewright_apiserver::schema::bundle::Source;
use serde_json::{Map, Value};

use super::{Error, strip};

const JSON: &str = "application/json";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1";
/// The objects that a new server makes and that are the same on every server.
const OBJECTS: [&str; 8] = [
    "api/v1/namespaces",
    "apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
    "apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
    "apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "apis/rbac.authorization.k8s.io/v1/clusterroles",
    "apis/rbac.authorization.k8s.io/v1/rolebindings",
    "apis/rbac.authorization.k8s.io/v1/roles",
    "apis/scheduling.k8s.io/v1/priorityclasses",
];

/// Everything that the server tells; the facts about Go types are not among it.
pub(super) async fn fetch(client: &Client) -> Result<Source, Error> {
    let mut source = Source {
        version: get(client, "/version", JSON).await?,
        openapi_v2: get(client, "/openapi/v2", JSON).await?,
        discovery_api: get(client, "/api", AGGREGATED).await?,
        discovery_apis: get(client, "/apis", AGGREGATED).await?,
        ..Source::default()
    };
    strip::version(&mut source.version);
    let index = get(client, "/openapi/v3", JSON).await?;
    for (name, entry) in member(&index, "/openapi/v3", "paths", Value::as_object)? {
        let path = member(entry, "/openapi/v3", "serverRelativeURL", Value::as_str)?;
        source.openapi.insert(name.clone(), get(client, path, JSON).await?);
    }

    let mut columns = Map::new();
    for version in group_versions(client).await? {
        let list = get(client, &format!("/{version}"), JSON).await?;
        let group_version = version.trim_start_matches("apis/").trim_start_matches("api/");
        for resource in member(&list, &version, "resources", Value::as_array)? {
            let name = member(resource, &version, "name", Value::as_str)?;
            let listed = resource["verbs"].as_array().is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"));
            if listed {
                let mut table = get(client, &format!("/{version}/{name}?limit=1"), TABLE).await?;
                columns.insert(format!("{group_version}/{name}"), table["columnDefinitions"].take());
            }
        }
        source.resources.insert(version, list);
    }
    source.columns = Value::Object(columns);

    for path in OBJECTS {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut list = get(client, &format!("/{path}"), JSON).await?;
        let mut items = list["items"].take();
        let (version, kind) = (&list["apiVersion"], member(&list, path, "kind", Value::as_str)?);
        for object in items.as_array_mut().into_iter().flatten() {
            strip::object(name, object);
            // A list leaves them out of its items, and an object alone needs them.
            object["apiVersion"] = version.clone();
            object["kind"] = kind.trim_end_matches("List").into();
        }
        source.objects.insert(name.to_owned(), items);
    }
    Ok(source)
}

/// `api/v1`, `apis/apps/v1`, …, as plain discovery lists them.
async fn group_versions(client: &Client) -> Result<Vec<String>, Error> {
    let groups = get(client, "/apis", JSON).await?;
    let mut versions = vec!["api/v1".to_owned()];
    for group in member(&groups, "/apis", "groups", Value::as_array)? {
        for version in member(group, "/apis", "versions", Value::as_array)? {
            versions.push(format!("apis/{}", member(version, "/apis", "groupVersion", Value::as_str)?));
        }
    }
    Ok(versions)
}

async fn get(client: &Client, path: &str, accept: &str) -> Result<Value, Error> {
    let request = Request::get(path).header("accept", accept).body(Vec::new());
    let request = request.map_err(|error| kube::Error::HttpError(error).into());
    let failed = |source| Error::Request { path: path.to_owned(), source };
    client.request(request.map_err(failed)?).await.map_err(|error| failed(error.into()))
}

/// A member of an answer, which has to be of the right kind.
fn member<'a, T>(value: &'a Value, path: &str, name: &str, of: impl Fn(&'a Value) -> Option<T>) -> Result<T, Error> {
    value.get(name).and_then(of).ok_or_else(|| Error::Answer {
        path: path.to_owned(),
        problem: format!("`{name}` is missing or not of the right kind"),
    })
}
