//! The fuse of a life: counts what an operator does to the world outside, and cuts it off at a chosen point.

use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;

use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Where a life ends, seen from the call that is its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the call reached the server: nothing of it happened.
    Before,
    /// After it was carried out, before its answer came: it happened, and the operator does not know.
    After,
}

/// What an operator does to the world outside goes through this, so that it can be cut off at any point.
///
/// The calls to the API server do by themselves. Calls to other systems are handed to [`call`](Self::call), best in a
/// wrapper around the trait behind which the system stands:
///
/// ```
/// # use kubewright_testing::Fuse;
/// # trait Buckets { async fn make(&self, name: &str); }
/// struct Fused<B>(B, Fuse);
///
/// impl<B: Buckets> Buckets for Fused<B> {
///     async fn make(&self, name: &str) {
///         self.1.call(format!("make bucket {name}"), self.0.make(name)).await
///     }
/// }
/// ```
///
/// After the cut every call hangs for ever, as a process that is dead neither asks nor hears an answer. Clones are the same
/// fuse.
#[derive(Clone)]
pub struct Fuse {
    state: Arc<Mutex<State>>,
    cut: CancellationToken,
}

struct State {
    /// Calls that can be crash points, in the order in which they were begun.
    calls: Vec<String>,
    point: Option<(usize, Cut)>,
}

enum Passage {
    Open,
    LastCall,
    Closed,
}

impl Fuse {
    /// A fuse that cuts at this call, counted from 1; one that only counts without it.
    pub(super) fn new(point: Option<(usize, Cut)>) -> Self {
        let state = Arc::new(Mutex::new(State { calls: Vec::new(), point }));
        Self { state, cut: CancellationToken::new() }
    }

    /// Makes a call that can be a crash point; `what` names it in the report.
    pub async fn call<T>(&self, what: impl fmt::Display, call: impl Future<Output = T>) -> T {
        match self.enter(what) {
            Passage::Open => self.pass(call).await,
            Passage::LastCall => {
                _ = call.await;
                self.cut.cancel();
                pending().await
            }
            Passage::Closed => pending().await,
        }
    }

    /// Makes a call that changes nothing: it is no crash point, and hangs after the cut.
    pub async fn pass<T>(&self, call: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            () = self.cut.cancelled() => pending().await,
            answer = call => answer,
        }
    }

    /// Ends when the cut has come.
    pub(super) async fn is_cut(&self) {
        self.cut.cancelled().await;
    }

    /// What was called up to now.
    pub(super) fn calls(&self) -> Vec<String> {
        self.state.lock().calls.clone()
    }

    fn enter(&self, what: impl fmt::Display) -> Passage {
        if self.cut.is_cancelled() {
            return Passage::Closed;
        }
        let mut state = self.state.lock();
        let State { calls, point } = &mut *state;
        if point.is_some_and(|(last, _)| calls.len() >= last) {
            // The last call is under way.
            return Passage::Closed;
        }
        calls.push(what.to_string());
        match point {
            Some((last, Cut::Before)) if *last == calls.len() => {
                self.cut.cancel();
                Passage::Closed
            }
            Some((last, Cut::After)) if *last == calls.len() => Passage::LastCall,
            _ => Passage::Open,
        }
    }
}

/// A client whose calls go through the fuse.
pub(super) fn fused(client: Client, fuse: Fuse, reads: bool) -> Client {
    let namespace = client.default_namespace().to_string();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, fuse) = (client.clone(), fuse.clone());
        async move {
            if !reads && !is_write(&request) {
                return fuse.pass(client.send(request)).await;
            }
            let what = format!("{} {}", request.method(), request.uri().path());
            fuse.call(what, client.send(request)).await
        }
    });
    Client::new(service, namespace)
}

/// Whether the request can change what the operator answers for. Events and Leases are written beside the work, at times
/// that vary; reviews of access and tokens only ask.
fn is_write(request: &Request<Body>) -> bool {
    let writes = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let dry = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "dryRun=All"));
    let path = request.uri().path();
    let groups = ["/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/", "/apis/coordination.k8s.io/"];
    let aside = groups.iter().any(|group| path.starts_with(group)) || path.split('/').any(|part| part == "events");
    writes && !dry && !aside
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> Option<T> {
        future.now_or_never()
    }

    #[test]
    fn a_cut_before_the_call_leaves_it_undone() {
        let (fuse, done) = (Fuse::new(Some((2, Cut::Before))), &Mutex::new(Vec::new()));
        let call = |what: &'static str| fuse.call(what, async move { done.lock().push(what) });
        assert!(run(call("a")).is_some());
        assert!(run(fuse.is_cut()).is_none());
        assert!(run(call("b")).is_none());
        assert!(run(fuse.is_cut()).is_some());
        assert!(run(call("c")).is_none());
        assert_eq!((*done.lock()).as_slice(), ["a"]);
        assert_eq!(fuse.calls(), ["a", "b"]);
    }

    #[test]
    fn a_cut_after_the_call_leaves_it_done_and_unknown() {
        let (fuse, done) = (Fuse::new(Some((1, Cut::After))), Mutex::new(Vec::new()));
        assert!(run(fuse.call("a", async { done.lock().push("a") })).is_none());
        assert!(run(fuse.is_cut()).is_some());
        assert!(run(fuse.pass(async {})).is_none(), "reads hang as well");
        assert_eq!((*done.lock()).as_slice(), ["a"]);
    }

    #[test]
    fn nothing_begins_while_the_last_call_is_under_way() {
        let fuse = Fuse::new(Some((1, Cut::After)));
        let mut last = Box::pin(fuse.call("a", pending::<()>()));
        assert!(run(&mut last).is_none());
        assert!(run(fuse.call("b", async {})).is_none());
        assert_eq!(fuse.calls(), ["a"]);
    }

    #[test]
    fn what_only_asks_or_runs_beside_the_work_is_no_crash_point() {
        let write = |method: Method, uri: &str| {
            is_write(&Request::builder().method(method).uri(uri).body(Body::empty()).unwrap())
        };
        assert!(write(Method::PATCH, "/api/v1/namespaces/a/configmaps/c?fieldManager=x"));
        assert!(write(Method::DELETE, "/apis/apps/v1/namespaces/a/deployments/d"));
        assert!(!write(Method::GET, "/api/v1/namespaces/a/configmaps/c"));
        assert!(!write(Method::POST, "/api/v1/namespaces/a/configmaps?dryRun=All"));
        assert!(!write(Method::POST, "/api/v1/namespaces/a/events"));
        assert!(!write(Method::PUT, "/apis/coordination.k8s.io/v1/namespaces/a/leases/l"));
        assert!(!write(Method::POST, "/apis/authorization.k8s.io/v1/subjectaccessreviews"));
    }
}
