//! Keys that are woken over HTTP: who may, and what becomes of a call.

use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use kube::Client;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::reviews::{Reviews, bearer};

/// The most that a body may have, in bytes.
const LONGEST_BODY: usize = 1 << 20;
/// Calls that are worked on at the same time. More get 429: each may cost the API server two requests.
const PARALLEL: usize = 16;

/// A way to wake keys over HTTP; see [`Controller::endpoint`](crate::Controller::endpoint).
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) name: String,
    pub(super) access: Access,
}

/// Who may call an endpoint. Every call carries a token: `Authorization: Bearer …`. The listener speaks plain HTTP: where
/// others can read along, put something before it that speaks TLS.
#[derive(Clone)]
pub enum Access {
    /// Who knows this secret. Take a long random one; an empty one lets nobody in.
    Secret(String),
    /// Who has a token of the cluster (of a ServiceAccount, say), and whom RBAC allows the verb `post` on the non-resource
    /// URL of the endpoint. The operator needs the rights to create TokenReviews and SubjectAccessReviews.
    Cluster,
}

/// A call of an endpoint by somebody who may.
#[derive(Debug, Clone)]
pub struct Call {
    body: Bytes,
    query: String,
    user: Option<String>,
}

/// An endpoint of a controller.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) path: String,
    pub(crate) access: Access,
    /// Wakes keys and tells how many, or why it does not.
    pub(crate) handle: Arc<Handle>,
}

type Handle = dyn Fn(&Call) -> Result<usize, String> + Send + Sync;

/// The endpoints of the controllers of a manager.
#[derive(Clone)]
pub(crate) struct Routes {
    reviews: Reviews,
    routes: Arc<Mutex<BTreeMap<String, Route>>>,
    calls: Arc<Semaphore>,
}

/// Why a call gets nowhere.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is no source at this path")]
    Unknown,
    #[error("sources are called with POST")]
    Method,
    #[error("too many calls at the same time; try again in a moment")]
    Busy,
    #[error("the call has no token, or one that is not valid: send Authorization: Bearer <token>")]
    Unauthenticated,
    #[error("{0} may not post to {1}")]
    Forbidden(String, String),
    #[error("the token can't be checked: {0}")]
    Unchecked(String),
    #[error("the body has more than {LONGEST_BODY} bytes")]
    TooLarge,
    #[error("the body could not be read: {0}")]
    Broken(String),
    #[error("{0}")]
    Invalid(String),
    #[error("the handler of this source panicked")]
    Panicked,
}

impl Endpoint {
    /// An endpoint of this name, which stands in its path.
    pub fn new(name: impl Into<String>, access: Access) -> Self {
        Self { name: name.into(), access }
    }
}

impl Call {
    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body, from JSON.
    ///
    /// # Errors
    /// What does not fit, for the caller to read.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("the body does not fit: {error}"))
    }

    /// What came after `?` in the URL, as it was sent; empty if nothing did.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Who called, as the cluster names them. `None` with [`Access::Secret`].
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl Routes {
    /// `client` asks the API server who callers are.
    pub(crate) fn new(client: Client) -> Self {
        Self { reviews: Reviews::new(client), routes: Arc::default(), calls: Arc::new(Semaphore::new(PARALLEL)) }
    }

    pub(crate) fn add(&self, routes: Vec<Route>) {
        self.routes.lock().extend(routes.into_iter().map(|route| (route.path.clone(), route)));
    }

    /// Forgets the endpoints of a controller.
    pub(crate) fn remove(&self, controller: &str) {
        let prefix = format!("/sources/{controller}/");
        self.routes.lock().retain(|path, _| !path.starts_with(&prefix));
    }

    /// Answers a call.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri().path().to_string();
        let (status, body) = match self.call(&path, request).await {
            Ok(woken) => (StatusCode::ACCEPTED, json!({"woken": woken})),
            Err(refusal) => {
                tracing::debug!(path, %refusal, "a call of a source was refused");
                (refusal.status(), json!({"error": refusal.to_string()}))
            }
        };
        let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
        *response.status_mut() = status;
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }

    async fn call<B>(&self, path: &str, request: Request<B>) -> Result<usize, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let route = self.routes.lock().get(path).cloned().ok_or(Refusal::Unknown)?;
        if *request.method() != Method::POST {
            return Err(Refusal::Method);
        }
        let _permit = self.calls.try_acquire().map_err(|_| Refusal::Busy)?;
        let user = self.admit(&route, bearer(request.headers())).await?;
        let query = request.uri().query().unwrap_or_default().to_string();
        let body = Limited::new(request.into_body(), LONGEST_BODY).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { Refusal::TooLarge } else { Refusal::Broken(error.to_string()) }
        })?;
        let call = Call { body: body.to_bytes(), query, user };
        let handled = catch_unwind(AssertUnwindSafe(|| (route.handle)(&call)));
        handled
            .map_err(|panic| {
                let panic = crate::engine::panic_message(&*panic);
                tracing::error!(path, panic, "the handler of a source panicked");
                Refusal::Panicked
            })?
            .map_err(Refusal::Invalid)
    }

    /// Who calls, if they may.
    async fn admit(&self, route: &Route, token: Option<&str>) -> Result<Option<String>, Refusal> {
        let token = token.ok_or(Refusal::Unauthenticated)?;
        match &route.access {
            Access::Secret(secret) if same(secret.as_bytes(), token.as_bytes()) => Ok(None),
            Access::Secret(_) => Err(Refusal::Unauthenticated),
            Access::Cluster => {
                let unchecked = |error: kube::Error| Refusal::Unchecked(error.to_string());
                let user = self.reviews.user(token).await.map_err(unchecked)?.ok_or(Refusal::Unauthenticated)?;
                let name = user.username.clone().unwrap_or_default();
                if self.reviews.may(user, "post", &route.path).await.map_err(unchecked)? {
                    Ok(Some(name))
                } else {
                    Err(Refusal::Forbidden(name, route.path.clone()))
                }
            }
        }
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden(..) => StatusCode::FORBIDDEN,
            Self::Unchecked(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken(_) | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(…)"),
            Self::Cluster => f.write_str("Cluster"),
        }
    }
}

/// Compares in a time that tells nothing about where the two differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differ, (one, other)| differ | (one ^ other)) == 0
}
