//! Who is asking, may they, and what for: every request comes through here.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use super::body::Body;
use super::health;
use super::path::ResourcePath;
use super::query::Query;
use super::request_body::RequestBody;
use super::respond::{self, Asked};
use crate::auth::User;
use crate::discovery;
use crate::server::Core;
use crate::status::{ApiError, ApiResult};
use crate::verbs::{self, Call, Content, Reply};

/// What the connection says about the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// A known certificate, or a call in process.
    User(Arc<User>),
    /// None; a token may follow in the headers.
    None,
    /// A certificate that nobody knows.
    Unknown,
}

/// Answers a request.
pub(crate) async fn route(
    core: Arc<Core>,
    credentials: Credentials,
    parts: Parts,
    body: RequestBody,
) -> Response<Body> {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let asked = Asked::of(&core, &parts, &query);
    let user = match authenticate(&core, credentials, &parts.headers) {
        Ok(user) => user,
        Err(error) => return respond::error(&asked, &error, &[], false),
    };
    let mut warnings = Vec::new();
    let result = match answer(&core, user, parts, query, body) {
        Answer::Ready(result) => result,
        Answer::Call(mut call) => {
            let result = resource(&mut call).await;
            if let Some(warning) = call.resource.custom.as_ref().and_then(|custom| custom.deprecation_warning.clone()) {
                warnings.push(warning);
            }
            warnings.append(&mut call.warnings);
            result
        }
    };
    match result {
        Ok(reply) => respond::reply(&asked, reply, &warnings),
        Err(error) => respond::error(&asked, &error, &warnings, true),
    }
}

fn authenticate(core: &Core, credentials: Credentials, headers: &HeaderMap) -> ApiResult<Arc<User>> {
    let header = headers.get(http::header::AUTHORIZATION).and_then(|header| header.to_str().ok());
    match (header.and_then(|header| header.split_once(' ')), credentials) {
        // A token is looked at even when there is a certificate, and a wrong one is refused.
        (Some((scheme, token)), _) if scheme.eq_ignore_ascii_case("bearer") => {
            match core.is_admin_token(token.trim()) {
                true => Ok(core.admin.clone()),
                false => Err(ApiError::unauthorized()),
            }
        }
        (_, Credentials::User(user)) => Ok(user),
        (_, Credentials::None) => Ok(core.anonymous.clone()),
        (_, Credentials::Unknown) => Err(ApiError::unauthorized()),
    }
}

/// Paths that need no login, as on a real server.
fn is_public(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(first, "healthz" | "livez" | "readyz" | "version")
}

/// What a request turns out to be.
enum Answer {
    /// Answered at once.
    Ready(ApiResult<Reply>),
    /// A request for a resource.
    Call(Box<Call>),
}

fn answer(core: &Arc<Core>, user: Arc<User>, parts: Parts, mut query: Query, body: RequestBody) -> Answer {
    let path = parts.uri.path();
    let resource_path = ResourcePath::parse(path);
    if !user.is_master() && !is_public(path) {
        return Answer::Ready(Err(forbidden(&user, &parts, resource_path.as_ref(), &query)));
    }
    if parts.headers.keys().any(|name| name.as_str().starts_with("impersonate-")) {
        return Answer::Ready(Err(ApiError::new(
            501,
            "NotImplemented",
            "impersonation is not part of this control plane yet: there is one user, the administrator; send the request \
             without Impersonate headers",
        )));
    }
    let Some(mut path) = resource_path else { return Answer::Ready(non_resource(core, &parts, &query)) };
    if path.watch {
        query.watch_only(&std::mem::take(&mut path.name));
    }
    let Some(resource) = core.registry.resolve(&path.group, &path.version, &path.resource) else {
        // A group that is not served at all has no handler that could make a Status.
        return Answer::Ready(if core.registry.has_group(&path.group) {
            Err(ApiError::no_such_resource())
        } else {
            Ok(not_found())
        });
    };
    let wrong_scope = !path.namespace.is_empty() && !resource.namespaced
        || path.namespace.is_empty() && resource.namespaced && !path.name.is_empty();
    if wrong_scope || !path.rest.is_empty() && path.subresource != "proxy" {
        return Answer::Ready(Err(ApiError::no_such_resource()));
    }
    Answer::Call(Box::new(Call {
        core: core.clone(),
        user,
        resource,
        namespace: path.namespace,
        name: path.name,
        subresource: path.subresource,
        method: parts.method,
        query,
        headers: parts.headers,
        body: Some(body),
        warnings: Vec::new(),
    }))
}

async fn resource(call: &mut Call) -> ApiResult<Reply> {
    call.core.ensure_defaults(&call.resource).await?;
    verbs::dispatch(call).await
}

fn non_resource(core: &Core, parts: &Parts, query: &Query) -> ApiResult<Reply> {
    let path = parts.uri.path();
    if !matches!(parts.method.as_str(), "GET" | "HEAD") {
        return Ok(not_found());
    }
    if let Some(reply) = health::health(core, path, query) {
        return Ok(reply);
    }
    if path == "/metrics" {
        return Ok(health::metrics(core));
    }
    if path == "/" {
        return Ok(Reply::tree(200, &root(core)));
    }
    let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let accept = header(http::header::ACCEPT).unwrap_or_default();
    if path == "/openapi/v2" {
        return Ok(openapi_v2(accept));
    }
    let form = discovery::form(accept).ok_or_else(|| ApiError::not_acceptable(discovery::OFFERED))?;
    let none_match = header(http::header::IF_NONE_MATCH);
    let host = header(http::header::HOST).or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    let server = host.unwrap_or("127.0.0.1");
    let found = core.discovery.load().get(path, parts.uri.query().unwrap_or_default(), form, none_match, server);
    match found {
        Some(answer) => Ok(discovered(core, answer)),
        None => {
            let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
            match segments.as_slice() {
                ["apis", group, _] if core.registry.has_group(group) => Err(ApiError::no_such_resource()),
                _ => Ok(not_found()),
            }
        }
    }
}

/// An OpenAPI v2 document without types: kubectl asks for it to check lists of objects, and leaves the check to the
/// server for kinds that it does not find there. Everything else is in v3.
fn openapi_v2(accept: &str) -> Reply {
    const PROTOBUF: &[u8] = b"\x0a\x032.0\x12\x15\x0a\x0aKubernetes\x12\x07v1.36.3\x42\x00";
    if accept.contains("proto-openapi.spec.v2") {
        let content = Content::Other {
            media_type: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
            bytes: PROTOBUF.into(),
        };
        return Reply { code: 200, content, headers: Vec::new() };
    }
    let info = serde_json::json!({"title": "Kubernetes", "version": "v1.36.3"});
    Reply::tree(200, &serde_json::json!({"swagger": "2.0", "info": info, "paths": {}}))
}

fn discovered(core: &Core, answer: discovery::Answer) -> Reply {
    let mut headers = Vec::new();
    let mut add = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.push((name, value));
        }
    };
    add(http::header::CACHE_CONTROL, answer.cache_control.into());
    if let Some(etag) = answer.etag {
        add(http::header::ETAG, etag);
    }
    if let Some(location) = answer.location {
        add(http::header::LOCATION, location);
    }
    if answer.vary_accept {
        add(http::header::VARY, "Accept".into());
    }
    if let Some(seconds) = answer.expires_in {
        let expires = core.env.clock.now().checked_add(jiff::SignedDuration::from_secs(seconds as i64));
        add(http::header::EXPIRES, http_date(expires.unwrap_or(jiff::Timestamp::MAX)));
    }
    Reply {
        code: answer.status,
        content: Content::Other { media_type: answer.content_type, bytes: answer.body },
        headers,
    }
}

/// A time as HTTP headers have it: `Sat, 21 Nov 2026 03:36:56 GMT`.
fn http_date(time: jiff::Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn not_found() -> Reply {
    let mut reply = Reply::text(404, "404 page not found\n");
    reply.headers.push((http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")));
    reply
}

/// The list of paths at the root.
fn root(core: &Core) -> serde_json::Value {
    let mut paths = std::collections::BTreeSet::new();
    for fixed in ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v3", "/readyz", "/version"] {
        paths.insert(fixed.to_string());
    }
    for resource in core.registry.resources() {
        if resource.group.is_empty() {
            paths.insert(format!("/api/{}", resource.version));
        } else {
            paths.insert(format!("/apis/{}", resource.group));
            paths.insert(format!("/apis/{}/{}", resource.group, resource.version));
        }
    }
    serde_json::json!({ "paths": paths })
}

fn forbidden(user: &User, parts: &Parts, path: Option<&ResourcePath>, query: &Query) -> ApiError {
    let user = &user.name;
    let Some(path) = path else {
        let verb = parts.method.as_str().to_ascii_lowercase();
        let text = format!("forbidden: User {user:?} cannot {verb} path {:?}", parts.uri.path());
        return ApiError { details: Some(Box::default()), ..ApiError::new(403, "Forbidden", text) };
    };
    let verb = match (parts.method.as_str(), path.name.is_empty()) {
        ("GET" | "HEAD", false) => "get",
        ("GET" | "HEAD", true) if query.flag("watch") == Some(true) => "watch",
        ("GET" | "HEAD", true) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "deletecollection",
        _ => "delete",
    };
    let slash = if path.subresource.is_empty() { "" } else { "/" };
    let resource = format!("{}{slash}{}", path.resource, path.subresource);
    let place = match path.namespace.as_str() {
        "" => "at the cluster scope".to_string(),
        namespace => format!("in the namespace {namespace:?}"),
    };
    let why = format!("User {user:?} cannot {verb} resource {resource:?} in API group {:?} {place}", path.group);
    ApiError::forbidden(&path.group, &path.resource, &path.name, why)
}
