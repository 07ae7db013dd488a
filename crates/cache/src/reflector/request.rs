//! What the server is asked.

use http::Request;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use kube::api::ApiResource;
use kube::client::Body;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::reflector::wire::Fault;
use crate::{Keep, Scope};

/// The requests of one watch.
pub(crate) struct Requests {
    path: String,
    /// The selectors, as parts of a query that end with `&`.
    selectors: String,
    metadata_only: bool,
}

impl Requests {
    pub(crate) fn new(resource: &ApiResource, scope: &Scope, keep: Keep) -> Self {
        let ApiResource { group, api_version, plural, .. } = resource;
        let root = if group.is_empty() { "api" } else { "apis" };
        let path = match &scope.namespace {
            Some(namespace) => format!("/{root}/{api_version}/namespaces/{namespace}/{plural}"),
            None => format!("/{root}/{api_version}/{plural}"),
        };
        let mut selectors = String::new();
        for (name, selector) in [("labelSelector", &scope.labels), ("fieldSelector", &scope.fields)] {
            if let Some(selector) = selector {
                selectors.push_str(&format!("{name}={}&", encode(selector)));
            }
        }
        Self { path, selectors, metadata_only: keep == Keep::Metadata }
    }

    /// A list of at most `limit` objects, 0 for all of them. The newest state that there is: an older one, which a
    /// server could give more cheaply, could be older than what the cache has seen.
    pub(crate) fn list(&self, limit: u32, more: Option<&str>) -> Result<Request<Body>, Fault> {
        let limit = if limit > 0 { format!("limit={limit}&") } else { String::new() };
        let more = more.map(|more| format!("continue={}&", encode(more))).unwrap_or_default();
        self.get(format!("{limit}{more}"), "PartialObjectMetadataList", false)
    }

    /// A watch from a version on, or, without one, a WatchList of the newest state.
    pub(crate) fn watch(&self, from: Option<&str>, seconds: u32) -> Result<Request<Body>, Fault> {
        let from = match from {
            Some(version) => format!("resourceVersion={}", encode(version)),
            None => "sendInitialEvents=true&resourceVersionMatch=NotOlderThan".to_string(),
        };
        self.get(
            format!("watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&{from}"),
            "PartialObjectMetadata",
            true,
        )
    }

    fn get(&self, query: String, partial: &str, streaming: bool) -> Result<Request<Body>, Fault> {
        let Self { path, selectors, metadata_only } = self;
        let query = format!("{selectors}{query}");
        let uri = format!("{path}?{query}");
        let uri = uri.trim_end_matches(['?', '&']);
        // A server that cannot leave out the rest may send it: it is not kept.
        let accept = if *metadata_only {
            format!("application/json;as={partial};g=meta.k8s.io;v=v1,application/json")
        } else {
            "application/json".to_string()
        };
        let mut request = Request::get(uri).header(ACCEPT, accept);
        if streaming {
            // Compressed streams are flushed late.
            request = request.header(ACCEPT_ENCODING, "identity");
        }
        request.body(Body::empty()).map_err(|error| Fault::broken(format!("{path} is no address: {error}")))
    }
}

fn encode(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(scope: Scope, keep: Keep) -> Requests {
        let resource = ApiResource {
            group: "apps".into(),
            version: "v1".into(),
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            plural: "deployments".into(),
        };
        Requests::new(&resource, &scope, keep)
    }

    #[test]
    fn asks_for_a_namespace_and_selectors() {
        let scope = Scope {
            namespace: Some("shop".into()),
            labels: Some("app in (a,b)".into()),
            fields: Some("metadata.name=x&y".into()),
        };
        let request = requests(scope, Keep::Whole).list(500, Some("a/b=")).unwrap();
        assert_eq!(
            request.uri(),
            "/apis/apps/v1/namespaces/shop/deployments?labelSelector=app%20in%20%28a%2Cb%29&\
             fieldSelector=metadata%2Ename%3Dx%26y&limit=500&continue=a%2Fb%3D"
        );
    }

    #[test]
    fn asks_for_metadata_only() {
        let requests = requests(Scope::default(), Keep::Metadata);
        let request = requests.list(0, None).unwrap();
        assert_eq!(request.uri().path(), "/apis/apps/v1/deployments");
        assert!(
            request.headers()[ACCEPT].to_str().unwrap().starts_with("application/json;as=PartialObjectMetadataList;")
        );
        let request = requests.watch(Some("7"), 240).unwrap();
        assert!(request.headers()[ACCEPT].to_str().unwrap().starts_with("application/json;as=PartialObjectMetadata;"));
    }
}
