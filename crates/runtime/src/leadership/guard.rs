//! Keeps writes from leaving that this process has no right to make.
//!
//! ```text
//! write ─→ may it? ─→ sent with `timeout=` (what is left) ─→ at each turn until the answer: may it still? ─→ answer
//!            no: NotLeading                                    no: dropped, NotLeading
//! ```
//!
//! Reads pass, and so do requests that only ask (dry runs, reviews of access and tokens). See docs/leadership.md for what
//! this guarantees and what no client can.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use http::{Method, Request, Response, Uri};
use kube::{Client, client::Body};
use tokio::time::sleep;

use super::{
    NotLeading,
    duty::{Duty, Permit},
};

tokio::task_local! {
    static CURRENT: Permit;
}

/// Runs a reconcile with its permit.
pub(crate) async fn scope<F: Future>(permit: Permit, work: F) -> F::Output {
    CURRENT.scope(permit, work).await
}

/// Sends a request if it may be sent.
pub(crate) async fn send(duty: &Duty, client: &Client, request: Request<Body>) -> Result<Response<Body>, kube::Error> {
    if !changes_something(request.method(), request.uri()) {
        return client.send(request).await;
    }
    let permit = CURRENT.try_with(Permit::clone).ok();
    let Some(left) = duty.may_write(permit.as_ref()).map_err(refused)? else {
        return client.send(request).await;
    };
    let mut unknown = Unknown { duty, armed: false };
    let mut sending = pin!(client.send(within(request, left)));
    let mut timer = pin!(sleep(left));
    poll_fn(|cx| {
        loop {
            // Before anything moves: the process may have been stopped since the last turn.
            let left = match duty.may_write(permit.as_ref()) {
                Ok(left) => left.unwrap_or(Duration::MAX),
                Err(error) => return Poll::Ready(Err(refused(error))),
            };
            unknown.armed = true;
            if let Poll::Ready(answer) = sending.as_mut().poll(cx) {
                unknown.armed = false;
                return Poll::Ready(answer);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // What is left has grown since, if it is not over.
            timer.set(sleep(left.max(Duration::from_millis(1))));
        }
    })
    .await
}

/// A write whose answer nobody waits for.
struct Unknown<'a> {
    duty: &'a Duty,
    armed: bool,
}

impl Drop for Unknown<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.duty.note_unknown();
        }
    }
}

fn refused(error: NotLeading) -> kube::Error {
    kube::Error::Service(Box::new(error))
}

fn changes_something(method: &Method, uri: &Uri) -> bool {
    let writes = matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let dry = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "dryRun=All"));
    let asks = ["/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/"];
    writes && !dry && !asks.iter().any(|path| uri.path().starts_with(path))
}

/// Tells the server how long it may take: what it has not begun by then it does not begin.
fn within(mut request: Request<Body>, left: Duration) -> Request<Body> {
    let uri = request.uri();
    if uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("timeout="))) {
        return request;
    }
    let (text, millis) = (uri.to_string(), left.as_millis().max(1));
    // Queries are made with a separator at their end.
    let text = text.trim_end_matches(['?', '&']);
    let separator = if text.contains('?') { '&' } else { '?' };
    let text = format!("{text}{separator}timeout={millis}ms");
    // Longer than a URI may be is the only way to fail; the server is not told then.
    if let Ok(uri) = text.parse() {
        *request.uri_mut() = uri;
    }
    request
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::{
        Api,
        api::{DeleteParams, PostParams},
    };
    use parking_lot::Mutex;

    use super::*;
    use crate::{Error, clock::TokioClock, leadership::duty::Held};

    /// A server that notes what comes, and answers when it is told to.
    #[derive(Clone, Default)]
    struct Server {
        requests: Arc<Mutex<Vec<String>>>,
        slow: Arc<AtomicBool>,
    }

    impl Server {
        fn api(&self, duty: &Duty) -> Api<ConfigMap> {
            let (server, duty) = (self.clone(), duty.clone());
            let inner = tower::service_fn(move |request: Request<Body>| {
                server.requests.lock().push(format!("{} {}", request.method(), request.uri()));
                let slow = server.slow.load(Ordering::Relaxed);
                async move {
                    if slow {
                        std::future::pending::<()>().await;
                    }
                    Ok::<_, kube::Error>(Response::new(Body::from(b"{\"metadata\":{}}".to_vec())))
                }
            });
            let inner = Client::new(inner, "default");
            let guarded = tower::service_fn(move |request: Request<Body>| {
                let (duty, inner) = (duty.clone(), inner.clone());
                async move { send(&duty, &inner, request).await }
            });
            Api::namespaced(Client::new(guarded, "default"), "ns")
        }

        fn count(&self) -> usize {
            self.requests.lock().len()
        }
    }

    fn duty() -> Duty {
        Duty::none(Arc::new(TokioClock::start()), Duration::from_secs(15))
    }

    #[tokio::test(start_paused = true)]
    async fn a_standby_reads_and_asks_but_writes_nothing() {
        let (server, duty) = (Server::default(), duty());
        let api = server.api(&duty);
        api.get("c").await.unwrap();
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        api.create(&dry, &ConfigMap::default()).await.unwrap();
        assert_eq!(server.count(), 2);
        let error = Error::from(api.create(&PostParams::default(), &ConfigMap::default()).await.unwrap_err());
        assert_eq!(error.not_leading(), Some(NotLeading::Standby));
        assert_eq!(server.count(), 2, "it did not leave");
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_writes_until_its_time_is_over_and_tells_the_server_how_long_that_is() {
        let (server, duty) = (Server::default(), duty());
        let api = server.api(&duty);
        duty.extend(Duration::from_secs(10));
        duty.hold(Held::Everything, false);
        api.create(&PostParams::default(), &ConfigMap::default()).await.unwrap();
        tokio::time::advance(Duration::from_secs(4)).await;
        api.delete("c", &DeleteParams::default()).await.unwrap();
        let seen = server.requests.lock().clone();
        assert!(seen[0].ends_with("configmaps?timeout=10000ms") && seen[1].ends_with("c?timeout=6000ms"), "{seen:?}");
        tokio::time::advance(Duration::from_secs(6)).await;
        let error = Error::from(api.delete("c", &DeleteParams::default()).await.unwrap_err());
        assert_eq!(error.not_leading(), Some(NotLeading::Lapsed));
        assert_eq!(server.count(), 2);
        duty.extend(Duration::from_secs(20));
        api.delete("c", &DeleteParams::default()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_without_an_answer_ends_with_the_time_and_counts_as_unknown() {
        let (server, duty) = (Server::default(), duty());
        let api = server.api(&duty);
        server.slow.store(true, Ordering::Relaxed);
        duty.extend(Duration::from_secs(10));
        duty.hold(Held::Everything, false);
        let started = tokio::time::Instant::now();
        let renew = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            duty.extend(Duration::from_secs(15));
        };
        let (how, what) = (PostParams::default(), ConfigMap::default());
        let ((), error) = tokio::join!(renew, api.create(&how, &what));
        assert_eq!(Error::from(error.unwrap_err()).not_leading(), Some(NotLeading::Lapsed));
        assert_eq!(started.elapsed().as_secs(), 15);
        assert!(duty.unknown_writes());
        duty.let_go().await;
        assert_eq!(started.elapsed().as_secs(), 30);
        assert!(!duty.unknown_writes());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reconcile_of_a_former_term_writes_nothing_in_the_next() {
        let (server, duty) = (Server::default(), duty());
        let api = server.api(&duty);
        duty.extend(Duration::from_secs(10));
        duty.hold(Held::Everything, false);
        let old = duty.permit(1).unwrap();
        duty.hold(Held::Nothing, false);
        duty.extend(Duration::from_secs(30));
        duty.hold(Held::Everything, false);
        let write = || async { api.create(&PostParams::default(), &ConfigMap::default()).await };
        let error = Error::from(scope(old, write()).await.unwrap_err());
        assert_eq!(error.not_leading(), Some(NotLeading::Lost));
        assert_eq!(server.count(), 0);
        scope(duty.permit(1).unwrap(), write()).await.unwrap();
        assert_eq!(server.count(), 1);
    }
}
