//! What is known of the rights of a running manager: those it says it needs, those it lacks, those it used without saying so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use http::{Method, Request};
use kube::client::Body;
use parking_lot::Mutex;

use super::{Right, Rights};
use crate::writes::Target;

/// Clones are of the same manager.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// `None`: nobody wants to know what is used.
    declared: Option<Rights>,
    undeclared: BTreeSet<Right>,
    /// By who needs them.
    missing: BTreeMap<String, Vec<Right>>,
}

impl Ledger {
    /// From now on each request is compared with what has been declared.
    pub(crate) fn declare(&self, rights: Rights) {
        self.0.lock().declared.get_or_insert_default().extend(rights);
    }

    /// Compares a request with what has been declared.
    pub(crate) fn note(&self, request: &Request<Body>) {
        let mut state = self.0.lock();
        let Some(declared) = &state.declared else { return };
        let Some(right) = needed(request).filter(|right| !declared.cover(right)) else { return };
        if !state.undeclared.contains(&right) {
            tracing::info!(%right, "used without having been declared: Manager::rbac does not know of it");
            state.undeclared.insert(right);
        }
    }

    pub(crate) fn undeclared(&self) -> Vec<Right> {
        self.0.lock().undeclared.iter().cloned().collect()
    }

    pub(crate) fn set_missing(&self, whose: &str, missing: Vec<Right>) {
        let mut state = self.0.lock();
        match missing.is_empty() {
            true => state.missing.remove(whose),
            false => state.missing.insert(whose.to_string(), missing),
        };
    }

    /// By who needs them, in order.
    pub(crate) fn missing(&self) -> BTreeMap<String, Vec<Right>> {
        self.0.lock().missing.clone()
    }
}

/// The right that a request takes.
fn needed(request: &Request<Body>) -> Option<Right> {
    let Target { group, plural, namespace, name, subresource } = Target::parse(request.uri().path())?;
    // Everybody may ask what they may do.
    if plural.starts_with("selfsubject") {
        return None;
    }
    let query = request.uri().query().unwrap_or_default();
    let watches = query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"));
    let verb = match *request.method() {
        Method::GET if watches => "watch",
        Method::GET if name.is_empty() => "list",
        Method::GET => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if name.is_empty() => "deletecollection",
        Method::DELETE => "delete",
        _ => return None,
    };
    let resource = if subresource.is_empty() { plural } else { format!("{plural}/{subresource}") };
    Some(Right { namespace, group, resource, verb: verb.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(method: Method, uri: &str) -> Option<String> {
        let request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
        needed(&request).map(|right| right.to_string())
    }

    #[test]
    fn each_request_takes_a_right() {
        let right = |method, uri| right(method, uri).unwrap();
        assert_eq!(right(Method::GET, "/api/v1/namespaces/a/pods/p"), "get pods in namespace a");
        assert_eq!(right(Method::GET, "/api/v1/pods?limit=500"), "list pods");
        assert_eq!(right(Method::GET, "/api/v1/pods?limit=500&watch=true&x"), "watch pods");
        assert_eq!(
            right(Method::POST, "/apis/apps/v1/namespaces/a/deployments"),
            "create deployments.apps in namespace a"
        );
        assert_eq!(right(Method::PATCH, "/apis/g/v1/things/t/status"), "patch things/status.g");
        assert_eq!(right(Method::PUT, "/api/v1/namespaces/a/finalize"), "update namespaces/finalize");
        assert_eq!(right(Method::DELETE, "/api/v1/nodes/n"), "delete nodes");
        assert_eq!(right(Method::DELETE, "/api/v1/namespaces/a/pods"), "deletecollection pods in namespace a");
    }

    #[test]
    fn what_is_no_resource_takes_none() {
        assert_eq!(right(Method::GET, "/version"), None);
        assert_eq!(right(Method::POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"), None);
    }

    #[test]
    fn only_what_has_not_been_declared_is_told() {
        let ledger = Ledger::default();
        let request = |uri: &str| Request::builder().uri(uri).body(Body::empty()).unwrap();
        ledger.note(&request("/api/v1/pods/x"));
        assert_eq!(ledger.undeclared(), [], "nobody wants to know yet");
        ledger.declare(Rights::on::<k8s_openapi::api::core::v1::Pod>(["list"]));
        ledger.note(&request("/api/v1/namespaces/a/pods"));
        assert_eq!(ledger.undeclared(), [], "what may be done everywhere may be done in a namespace");
        ledger.note(&request("/api/v1/namespaces/a/secrets"));
        assert_eq!(ledger.undeclared().len(), 1);
    }
}
