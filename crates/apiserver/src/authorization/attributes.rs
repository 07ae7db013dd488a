//! What a request asks to be allowed: verb and resource, or verb and path.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::auth::User;
use crate::http::Query;
use crate::selector::FieldSelector;
use crate::status::ApiError;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a> {
    /// Who.
    pub user: &'a User,
    /// `get`, `create`, …; of paths the HTTP method in lower case.
    pub verb: &'a str,
    /// With what.
    pub target: Target<'a>,
}

/// What something is done with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A resource, or one object of it.
    Resource(ResourceTarget<'a>),
    /// A path that is no resource, such as `/metrics`.
    Path(&'a str),
}

/// A resource, or one object of it. What does not apply is empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResourceTarget<'a> {
    /// API group.
    pub group: &'a str,
    /// Plural name.
    pub resource: &'a str,
    /// Subresource.
    pub subresource: &'a str,
    /// Namespace.
    pub namespace: &'a str,
    /// Name of the object.
    pub name: &'a str,
}

impl Attributes<'_> {
    /// The refusal that the client gets.
    pub(crate) fn forbidden(&self, reason: &str) -> ApiError {
        let (user, verb) = (&self.user.name, self.verb);
        let (message, target) = match self.target {
            Target::Path(path) => (format!("User {user:?} cannot {verb} path {path:?}"), ResourceTarget::default()),
            Target::Resource(target) => {
                let slash = if target.subresource.is_empty() { "" } else { "/" };
                let resource = format!("{}{slash}{}", target.resource, target.subresource);
                let place = match target.namespace {
                    "" => "at the cluster scope".to_string(),
                    namespace => format!("in the namespace {namespace:?}"),
                };
                let group = target.group;
                let text = format!("User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}");
                (text, target)
            }
        };
        // As the real server does, so that no browser takes it for a page.
        let message = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let why = if reason.is_empty() { message } else { format!("{message}: {reason}") };
        if target.group.is_empty() && target.resource.is_empty() {
            return ApiError::new(403, "Forbidden", format!("forbidden: {why}")).about("", "", target.name);
        }
        ApiError::forbidden(target.group, target.resource, target.name, why)
    }
}

/// Whether requests for a subresource may go on for as long as the client likes.
pub(crate) fn is_stream(subresource: &str) -> bool {
    matches!(subresource, "attach" | "exec" | "log" | "portforward" | "proxy")
}

/// What an HTTP request asks to be allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestInfo {
    is_resource: bool,
    path: String,
    verb: String,
    group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

impl RequestInfo {
    /// Reads method, path and query, the same way for paths that are served and for those that are not.
    pub(crate) fn of(method: &Method, path: &str, query: &Query) -> Self {
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let mut info = Self { verb: method.as_str().to_ascii_lowercase(), ..Self::default() };
        info.read(method, &path, query);
        info.path = path;
        info
    }

    /// Whether it is one that may go on for as long as the client likes, and so has no place in a queue.
    pub(crate) fn is_stream(&self) -> bool {
        self.verb == "proxy" || is_stream(&self.subresource)
    }

    /// The request as something that a user wants to do.
    pub(crate) fn attributes<'a>(&'a self, user: &'a User) -> Attributes<'a> {
        let target = if self.is_resource {
            Target::Resource(ResourceTarget {
                group: &self.group,
                resource: &self.resource,
                subresource: &self.subresource,
                namespace: &self.namespace,
                name: &self.name,
            })
        } else {
            Target::Path(&self.path)
        };
        Attributes { user, verb: &self.verb, target }
    }

    fn read(&mut self, method: &Method, path: &str, query: &Query) {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let mut rest = match parts.as_slice() {
            ["api", _version, rest @ ..] if !rest.is_empty() => rest,
            ["apis", group, _version, rest @ ..] if !rest.is_empty() => {
                self.group = (*group).into();
                rest
            }
            _ => return,
        };
        self.is_resource = true;
        self.verb = match method.as_str() {
            "POST" => "create",
            "GET" | "HEAD" => "get",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ => "",
        }
        .into();
        if let [special @ ("proxy" | "watch"), after @ ..] = rest {
            self.verb = (*special).into();
            rest = after;
        }
        if let ["namespaces", namespace, after @ ..] = rest {
            self.namespace = (*namespace).into();
            if !matches!(after, [] | ["status" | "finalize", ..]) {
                rest = after;
            }
        }
        let part = |index: usize| rest.get(index).copied().unwrap_or_default().to_string();
        (self.resource, self.name) = (part(0), part(1));
        if self.verb != "proxy" {
            self.subresource = part(2);
        }
        if self.name.is_empty() {
            self.of_collection(query);
        }
    }

    fn of_collection(&mut self, query: &Query) {
        match self.verb.as_str() {
            "get" => {
                self.verb = if query.flag("watch") == Some(true) { "watch" } else { "list" }.into();
                // A list of one object by its name can be allowed by that name.
                let selector = query.get("fieldSelector").map(FieldSelector::parse);
                if let Some(Ok(selector)) = selector
                    && let Some(name) = selector.exact("metadata.name")
                    && !matches!(name, "." | "..")
                    && !name.contains(['/', '%'])
                {
                    self.name = name.into();
                }
            }
            "delete" => self.verb = "deletecollection".into(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, path: &str) -> String {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let info = RequestInfo::of(&method, path, &Query::parse(query));
        let user = User::new("jane", ["a"]);
        info.attributes(&user).forbidden("").message
    }

    #[test]
    fn requests_are_told_apart_as_a_real_server_does() {
        let user = r#"User "jane" cannot "#;
        for (method, path, expected) in [
            (
                "GET",
                "/api/v1/pods",
                format!(r#"pods is forbidden: {user}list resource "pods" in API group "" at the cluster scope"#),
            ),
            (
                "GET",
                "/api/v1/pods?watch=1",
                format!(r#"pods is forbidden: {user}watch resource "pods" in API group "" at the cluster scope"#),
            ),
            (
                "GET",
                "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dx",
                format!(r#"pods "x" is forbidden: {user}list resource "pods" in API group "" in the namespace "a""#),
            ),
            (
                "DELETE",
                "/apis/apps/v1/namespaces/a/deployments",
                format!(
                    r#"deployments.apps is forbidden: {user}deletecollection resource "deployments" in API group "apps" in the namespace "a""#
                ),
            ),
            (
                "PATCH",
                "/apis/apps/v1/namespaces/a/deployments/d/scale",
                format!(
                    r#"deployments.apps "d" is forbidden: {user}patch resource "deployments/scale" in API group "apps" in the namespace "a""#
                ),
            ),
            // The namespace of a namespace is itself.
            (
                "GET",
                "/api/v1/namespaces/a",
                format!(
                    r#"namespaces "a" is forbidden: {user}get resource "namespaces" in API group "" in the namespace "a""#
                ),
            ),
            (
                "PUT",
                "/api/v1/namespaces/a/finalize",
                format!(
                    r#"namespaces "a" is forbidden: {user}update resource "namespaces/finalize" in API group "" in the namespace "a""#
                ),
            ),
            ("GET", "/api/v1", format!(r#"forbidden: {user}get path "/api/v1""#)),
            ("POST", "/metrics", format!(r#"forbidden: {user}post path "/metrics""#)),
            ("GET", "/a<b", format!(r#"forbidden: {user}get path "/a&lt;b""#)),
        ] {
            assert_eq!(asked(method, path), expected, "{method} {path}");
        }
    }
}
