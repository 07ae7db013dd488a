//! The server as a tower service, without a socket.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;

use super::body::Body;
use super::router::{self, Credentials};
use crate::auth::User;
use crate::server::Core;

/// Takes requests in process, in the name of one user. Clones are the same server.
#[derive(Debug, Clone)]
pub struct InProcess {
    core: Arc<Core>,
    user: Arc<User>,
}

impl InProcess {
    pub(crate) fn new(core: Arc<Core>, user: Arc<User>) -> Self {
        Self { core, user }
    }
}

impl<B> tower::Service<Request<B>> for InProcess
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let body = body.map_err(Into::into).boxed_unsync();
        let (core, credentials) = (self.core.clone(), Credentials::InProcess(self.user.clone()));
        Box::pin(async move { Ok(router::route(core, credentials, parts, body).await) })
    }
}
