//! Counts what an operator asks of the API server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Method, Request};
use kube::Client;
use kube::client::Body;

/// How many calls there were. Clones count on together. Watches are not counted: they stay open.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Counts>);

#[derive(Default)]
struct Counts {
    all: AtomicU64,
    writes: AtomicU64,
}

impl Calls {
    pub(crate) fn count(&self) -> u64 {
        self.0.all.load(Ordering::Relaxed)
    }

    /// Those that write; questions about rights do not.
    pub(crate) fn writes(&self) -> u64 {
        self.0.writes.load(Ordering::Relaxed)
    }

    /// A client whose calls are counted.
    pub(crate) fn of(&self, client: Client) -> Client {
        let namespace = client.default_namespace().to_string();
        let counted = self.0.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let client = client.clone();
            let query = request.uri().query().unwrap_or_default();
            if !query.split('&').any(|pair| pair == "watch=true" || pair == "watch=1") {
                counted.all.fetch_add(1, Ordering::Relaxed);
                if request.method() != Method::GET && !request.uri().path().ends_with("reviews") {
                    counted.writes.fetch_add(1, Ordering::Relaxed);
                }
            }
            async move { client.send(request).await }
        });
        Client::new(service, namespace)
    }
}
