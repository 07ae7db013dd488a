//! What a request is about, read from its path.

use http::Method;

/// What a path is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The namespace; `None` for what is in none, and for lists over all.
    pub namespace: Option<String>,
    /// The name in paths.
    pub plural: String,
    /// The object; `None` for the collection.
    pub name: Option<String>,
    /// Whether it is a part of the object.
    pub subresource: bool,
}

impl Target {
    /// `None` for what is no resource, such as `/version`.
    pub fn of(path: &str) -> Option<Self> {
        let path = path.split('?').next().unwrap_or_default();
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let group = match parts.next()? {
            "api" => "",
            "apis" => parts.next()?,
            _ => return None,
        };
        let version = parts.next()?;
        let mut parts: Vec<&str> = parts.collect();
        let namespace = match parts.as_slice() {
            // A namespace itself, and its subresources, are in none.
            ["namespaces", _, "status" | "finalize"] | ["namespaces"] | ["namespaces", _] => None,
            ["namespaces", namespace, ..] => Some((*namespace).to_string()),
            _ => None,
        };
        if namespace.is_some() {
            parts.drain(..2);
        }
        // Plural, name, and what comes after is a part of the object.
        Some(Self {
            group: group.into(),
            version: version.into(),
            namespace,
            plural: (*parts.first()?).into(),
            name: parts.get(1).map(|name| (*name).into()),
            subresource: parts.len() > 2,
        })
    }

    /// Whether the answer to a request is a single object, as it is and not as it would be.
    pub(super) fn is_about_one(&self, method: &Method, path: &str) -> bool {
        let named = self.name.is_some() || *method == Method::POST;
        let query = path.split_once('?').map_or("", |(_, query)| query);
        named && !self.subresource && !query.contains("watch=") && !query.contains("dryRun=")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_where_an_object_is() {
        let target = |path: &str| {
            Target::of(path).map(|target| {
                format!(
                    "{}|{}|{}|{}|{}|{}",
                    target.group,
                    target.version,
                    target.namespace.unwrap_or_default(),
                    target.plural,
                    target.name.unwrap_or_default(),
                    target.subresource
                )
            })
        };
        for (path, expected) in [
            ("/api/v1/namespaces/shop/services?x=y", "|v1|shop|services||false"),
            ("/apis/apps/v1/namespaces/shop/deployments/a/scale", "apps|v1|shop|deployments|a|true"),
            ("/api/v1/namespaces/shop", "|v1||namespaces|shop|false"),
            ("/api/v1/namespaces/shop/finalize", "|v1||namespaces|shop|true"),
            ("/apis/x.io/v1/things/a", "x.io|v1||things|a|false"),
        ] {
            assert_eq!(target(path).as_deref(), Some(expected), "{path}");
        }
        for path in ["/version", "/openapi/v3", "/api", "/api/v1", "/apis/apps/v1", "/"] {
            assert_eq!(target(path), None, "{path}");
        }
    }
}
