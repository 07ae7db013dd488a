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
use crate::authorization::{self, Decision, RequestInfo};
use crate::discovery;
use crate::server::Core;
use crate::status::{ApiError, ApiResult};
use crate::verbs::{self, Call, Content, Conversions, Reply};

/// Where a snapshot of all objects is got. It holds every Secret: only those may get it who may get every path, or this
/// one by a `nonResourceURLs` rule.
pub const SNAPSHOT_PATH: &str = "/kubewright/snapshot";

/// What the connection says about the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// A known certificate.
    Certificate(Arc<User>),
    /// A call in process, in whose name it is made if no token says otherwise.
    InProcess(Arc<User>),
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
    let user = match admit(&core, user, &parts, &query).await {
        Ok(user) => user,
        Err(Refused { error, classified }) => {
            let mut response = respond::error(&asked, &error, &[], classified);
            let value = HeaderValue::from_static("nosniff");
            response.headers_mut().insert(http::header::X_CONTENT_TYPE_OPTIONS, value);
            return response;
        }
    };
    let mut warnings = Vec::new();
    let mut classified = true;
    let result = match answer(&core, user, parts, query, body) {
        Answer::Ready(result) => result,
        Answer::Call(mut call) => {
            let result = resource(&mut call).await;
            classified = !authorization::is_stream(&call.subresource);
            if let Some(warning) = call.resource.custom.as_ref().and_then(|custom| custom.deprecation_warning.clone()) {
                warnings.push(warning);
            }
            warnings.append(&mut call.warnings);
            result
        }
    };
    match result {
        Ok(reply) => respond::reply(&asked, reply, &warnings, classified),
        Err(error) => respond::error(&asked, &error, &warnings, classified),
    }
}

/// Who the request comes from. A certificate counts before a token, as on a real server.
fn authenticate(core: &Arc<Core>, credentials: Credentials, headers: &HeaderMap) -> ApiResult<Arc<User>> {
    if let Credentials::Certificate(user) = credentials {
        return Ok(user);
    }
    let header = headers.get(http::header::AUTHORIZATION).and_then(|header| header.to_str().ok());
    match (header.and_then(|header| header.trim().split_once(' ')), credentials) {
        (Some((scheme, token)), _) if scheme.eq_ignore_ascii_case("bearer") => {
            let known = core.token_user(token.trim(), core.tokens.audiences());
            known.map(|(user, _)| user).map_err(|_| ApiError::unauthorized())
        }
        (_, Credentials::InProcess(user)) => Ok(user),
        (_, Credentials::None) if core.authorizer.takes_anonymous() => Ok(core.anonymous.clone()),
        _ => Err(ApiError::unauthorized()),
    }
}

/// A request that is not let in.
struct Refused {
    error: ApiError,
    /// Whether it came as far as to be given a priority.
    classified: bool,
}

/// Who the request is made by, when the headers may name somebody else, and whether they may make it.
async fn admit(core: &Arc<Core>, user: Arc<User>, parts: &Parts, query: &Query) -> Result<Arc<User>, Refused> {
    if !core.authorizer.allows_all(&user) {
        let failed = |error| Refused { error, classified: true };
        core.ensure_access_defaults().await.map_err(failed)?;
    }
    let request = || RequestInfo::of(&parts.method, parts.uri.path(), query);
    let acting = authorization::impersonated(&core.authorizer, &user, &parts.headers, request);
    let user = match acting.map_err(|error| Refused { error, classified: false })? {
        None => user,
        Some(other) => {
            core.ensure_access_defaults().await.map_err(|error| Refused { error, classified: true })?;
            Arc::new(other)
        }
    };
    if core.authorizer.allows_all(&user) {
        return Ok(user);
    }
    let request = request();
    let attributes = request.attributes(&user);
    match core.authorizer.decide(&attributes) {
        Decision::Allowed(_) => Ok(user),
        Decision::Denied(reason) => {
            Err(Refused { error: attributes.forbidden(&reason), classified: !request.is_stream() })
        }
    }
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
    let Some(mut path) = resource_path else { return Answer::Ready(non_resource(core, &parts, &query)) };
    if path.watch {
        query.watch_only(&std::mem::take(&mut path.name));
    }
    let Some(resource) = core.registry.resolve(&path.group, &path.version, &path.resource) else {
        // Groups that are not served at all have no handler that could make a Status, nor have those of custom resources.
        let mut resources = core.registry.resources().into_iter();
        return Answer::Ready(if resources.any(|resource| resource.group == path.group && !resource.is_custom()) {
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
        conversions: Conversions::default(),
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
    if path == SNAPSHOT_PATH {
        return snapshot(core);
    }
    if path == "/" {
        return Ok(Reply::tree(200, &root(core)));
    }
    let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let accept = header(http::header::ACCEPT).unwrap_or_default();
    let none_match = header(http::header::IF_NONE_MATCH);
    if path == "/openapi/v2" {
        let modified_since = header(http::header::IF_MODIFIED_SINCE).and_then(read_http_date);
        let asked = discovery::Conditions { none_match, modified_since };
        return Ok(discovered(core, core.discovery.load().openapi_v2(accept, &asked, core.env.clock.now())));
    }
    let host = header(http::header::HOST).or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    let server = host.unwrap_or("127.0.0.1");
    if let Some(reply) = issuer(core, path, server) {
        return Ok(reply);
    }
    let wanted = discovery::form(accept).filter(|_| path != "/version" || is_json(accept));
    let form = wanted.unwrap_or(discovery::Form::Plain);
    let found = core.discovery.load().get(path, parts.uri.query().unwrap_or_default(), form, none_match, server);
    match found {
        Some(_) if wanted.is_none() => Err(match path {
            "/version" => ApiError::not_routed("application/json"),
            path if is_version(path) => ApiError::not_routed(discovery::OFFERED),
            _ => ApiError::not_acceptable(discovery::OFFERED),
        }),
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

/// Whether a header takes JSON in the eyes of the router, which knows no ranges but the widest.
fn is_json(accept: &str) -> bool {
    let mut ranges = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
    accept.is_empty() || ranges.any(|range| matches!(range, "application/json" | "*/*"))
}

/// Whether a path of discovery is that of the core group, or of a version.
fn is_version(path: &str) -> bool {
    match path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["api", ..] => true,
        ["apis", rest @ ..] => rest.len() > 1,
        _ => false,
    }
}

/// All objects, for a backup.
fn snapshot(core: &Core) -> ApiResult<Reply> {
    let taken = core
        .store
        .snapshot()
        .map_err(|_| ApiError::new(503, "ServiceUnavailable", "too much is written for a snapshot; try again"))?;
    let chunks = Box::pin(futures::stream::iter(taken.into_chunks()));
    let content = Content::Stream { media_type: "application/octet-stream", chunks };
    Ok(Reply { code: 200, content, headers: Vec::new() })
}

/// How others learn who issues ServiceAccount tokens, and verify them.
fn issuer(core: &Core, path: &str, server: &str) -> Option<Reply> {
    let (media_type, document) = match path {
        "/.well-known/openid-configuration" => ("application/json", core.tokens.openid_configuration(server)),
        "/openid/v1/jwks" => ("application/jwk-set+json", core.tokens.key_set()),
        _ => return None,
    };
    let content = Content::Other { media_type, bytes: document.to_string().into() };
    let cached = HeaderValue::from_static("public, max-age=3600");
    Some(Reply { code: 200, content, headers: vec![(http::header::CACHE_CONTROL, cached)] })
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
    if !answer.vary.is_empty() {
        add(http::header::VARY, answer.vary.into());
    }
    if let Some(time) = answer.last_modified {
        add(http::header::LAST_MODIFIED, http_date(time));
    }
    if let Some(seconds) = answer.expires_in {
        let expires = core.env.clock.now().checked_add(jiff::SignedDuration::from_secs(seconds as i64));
        add(http::header::EXPIRES, http_date(expires.unwrap_or(jiff::Timestamp::MAX)));
    }
    let (media_type, bytes) = (answer.content_type, answer.body);
    let content = match answer.compressed {
        true => Content::Compressed { media_type, bytes },
        false => Content::Other { media_type, bytes },
    };
    Reply { code: answer.status, content, headers }
}

/// A time as HTTP headers have it: `Sat, 21 Nov 2026 03:36:56 GMT`.
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

fn http_date(time: jiff::Timestamp) -> String {
    time.strftime(HTTP_DATE).to_string()
}

fn read_http_date(text: &str) -> Option<jiff::Timestamp> {
    let time = jiff::civil::DateTime::strptime(HTTP_DATE, text).ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp())
}

fn not_found() -> Reply {
    let mut reply = Reply::text(404, "404 page not found\n");
    reply.headers.push((http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")));
    reply
}

/// The list of paths at the root.
fn root(core: &Core) -> serde_json::Value {
    let mut paths = std::collections::BTreeSet::new();
    for fixed in
        ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
    {
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
