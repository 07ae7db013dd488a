//! What a URL path asks for: `/apis/apps/v1/namespaces/default/deployments/web/status` in its parts.

use percent_encoding::percent_decode_str;

/// The parts of a resource path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Namespace, empty for cluster-scoped resources and lists over all namespaces.
    pub namespace: String,
    /// Plural resource name.
    pub resource: String,
    /// Object name, empty for collections.
    pub name: String,
    /// Subresource, empty for the object itself.
    pub subresource: String,
    /// What follows the subresource (`proxy/a/b`), empty mostly.
    pub rest: String,
    /// The old way to watch: `/api/v1/watch/…`.
    pub watch: bool,
}

impl ResourcePath {
    /// Reads a path below `/api/{version}/` or `/apis/{group}/{version}/`; `None` for all other paths.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let mut parts = path.trim_start_matches('/').split('/');
        let group = match parts.next()? {
            "api" => String::new(),
            "apis" => decoded(parts.next()?),
            _ => return None,
        };
        let version = decoded(parts.next()?);
        let mut rest: Vec<String> = parts.map(decoded).collect();
        if rest.last().is_some_and(String::is_empty) {
            rest.pop();
        }
        if rest.is_empty() || rest.iter().any(String::is_empty) {
            return None;
        }
        let watch = rest.len() > 1 && rest[0] == "watch";
        if watch {
            rest.remove(0);
        }
        let mut out = Self { group, version, watch, ..Self::default() };
        // `namespaces/x` and its subresources name the namespace itself; anything else below it lies in it.
        let inside = rest.len() > 2
            && rest[0] == "namespaces"
            && !(out.group.is_empty() && matches!(rest[2].as_str(), "status" | "finalize"));
        let mut rest = rest.into_iter();
        if inside {
            rest.next();
            out.namespace = rest.next().unwrap_or_default();
        }
        out.resource = rest.next().unwrap_or_default();
        out.name = rest.next().unwrap_or_default();
        out.subresource = rest.next().unwrap_or_default();
        out.rest = rest.collect::<Vec<_>>().join("/");
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> [String; 6] {
        let p = ResourcePath::parse(path).unwrap();
        [p.group, p.version, p.namespace, p.resource, p.name, p.subresource]
    }

    #[test]
    fn paths_are_split_into_their_parts() {
        assert_eq!(parts("/api/v1/pods"), ["", "v1", "", "pods", "", ""]);
        assert_eq!(parts("/api/v1/namespaces"), ["", "v1", "", "namespaces", "", ""]);
        assert_eq!(parts("/api/v1/namespaces/a"), ["", "v1", "", "namespaces", "a", ""]);
        assert_eq!(parts("/api/v1/namespaces/a/status"), ["", "v1", "", "namespaces", "a", "status"]);
        assert_eq!(parts("/api/v1/namespaces/a/finalize"), ["", "v1", "", "namespaces", "a", "finalize"]);
        assert_eq!(parts("/api/v1/namespaces/a/pods"), ["", "v1", "a", "pods", "", ""]);
        assert_eq!(
            parts("/apis/apps/v1/namespaces/a/deployments/b/scale"),
            ["apps", "v1", "a", "deployments", "b", "scale"]
        );
        assert_eq!(parts("/apis/g.io/v1/things/a%3Ab"), ["g.io", "v1", "", "things", "a:b", ""]);
    }

    #[test]
    fn the_old_way_to_watch_is_known() {
        let path = ResourcePath::parse("/api/v1/watch/namespaces/a/pods").unwrap();
        assert!(path.watch);
        assert_eq!((path.namespace.as_str(), path.resource.as_str()), ("a", "pods"));
    }

    #[test]
    fn other_paths_are_not_resources() {
        for path in ["/", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/apis/apps/v1/", "/healthz", "/version"] {
            assert_eq!(ResourcePath::parse(path), None, "{path}");
        }
    }
}
