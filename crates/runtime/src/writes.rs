//! What a reconcile wrote: taken from the answers on their way through the client, so that no write is forgotten,
//! whichever API it was made with.
//!
//! The log of the running reconcile is a task-local: writes made by a task that the reconcile spawns are not seen.

use std::sync::Arc;

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use kubewright_cache::{ObjectRef, Stored};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::{
    journal::{FieldChange, changes},
    leadership::{duty::Duty, guard},
    metrics::ClientMetrics,
    rights::Ledger,
};

/// A write that the server has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) cluster: Arc<str>,
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) reference: ObjectRef,
    pub(crate) uid: String,
    pub(crate) effect: Effect,
    pub(crate) method: Method,
    pub(crate) subresource: String,
    /// The fields that it changed, if somebody wants to know and the state before is known.
    pub(crate) changes: Option<Vec<FieldChange>>,
}

/// What a cache has to see before it reflects a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// This resourceVersion, or a newer one.
    Version(u64),
    /// That the object of this uid is no longer there.
    Removed,
}

/// The writes of one reconcile.
#[derive(Default)]
pub(crate) struct WriteLog {
    writes: Mutex<Vec<Write>>,
    /// Where the fields that change are of interest.
    before: Option<Before>,
}

/// Tells the state of an object of this cluster, group and plural before a write: `None` if there is no cache of it, `Some(None)` if
/// it is not there.
pub(crate) type Before = Box<dyn Fn(&str, &Target, &ObjectRef) -> Option<Option<Stored>> + Send + Sync>;

tokio::task_local! {
    static CURRENT: Arc<WriteLog>;
}

impl WriteLog {
    /// A log that also tells which fields change.
    pub(crate) fn with_changes(before: Before) -> Self {
        Self { writes: Mutex::default(), before: Some(before) }
    }

    /// Runs `work` and notes its writes.
    pub(crate) async fn record<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    fn state_of(&self, cluster: &str, target: &Target) -> Option<Option<Stored>> {
        let before = self.before.as_ref()?;
        if target.name.is_empty() {
            return Some(None);
        }
        before(cluster, target, &ObjectRef::new(target.namespace.as_deref(), &target.name))
    }

    /// What was written up to now.
    pub(crate) fn take(&self) -> Vec<Write> {
        std::mem::take(&mut self.writes.lock())
    }
}

/// A client that sends only what the duty allows, notes writes in the log of the running reconcile, counts requests,
/// and tells the ledger which rights they take. Writes are noted as those to this cluster.
pub(crate) fn observed(
    cluster: Arc<str>,
    client: Client,
    metrics: ClientMetrics,
    duty: Duty,
    ledger: Ledger,
) -> Client {
    let namespace = client.default_namespace().to_string();
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        let (cluster, metrics, duty) = (cluster.clone(), metrics.clone(), duty.clone());
        ledger.note(&request);
        async move {
            let method = request.method().clone();
            // A dry run writes nothing.
            let writes = is_write(&method) && !request.uri().query().unwrap_or_default().contains("dryRun=All");
            let log = writes.then(|| CURRENT.try_with(Arc::clone).ok()).flatten();
            let target = log.as_ref().and_then(|_| Target::parse(request.uri().path()));
            let before = log.as_ref().zip(target.as_ref()).and_then(|(log, target)| log.state_of(&cluster, target));
            let answer = guard::send(&duty, &client, request).await;
            metrics.count(&method, answer.as_ref().ok().map(|response| response.status()));
            match (answer?, log, target) {
                (response, Some(log), Some(target)) if response.status().is_success() => {
                    note(response, &method, cluster, target, before, &log).await
                }
                (response, ..) => Ok(response),
            }
        }
    });
    Client::new(service, namespace)
}

fn is_write(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE)
}

async fn note(
    response: Response<Body>,
    method: &Method,
    cluster: Arc<str>,
    target: Target,
    before: Option<Option<Stored>>,
    log: &WriteLog,
) -> Result<Response<Body>, kube::Error> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await?.to_bytes();
    if let Ok(answer) = serde_json::from_slice::<Answer>(&bytes)
        && let Some(mut write) = answer.write(method, cluster, target)
    {
        write.changes = before.and_then(|before| changed(before.as_ref(), &bytes, &write));
        log.writes.lock().push(write);
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// The fields that a write has changed. An object that is made or goes has changed as a whole.
fn changed(before: Option<&Stored>, after: &[u8], write: &Write) -> Option<Vec<FieldChange>> {
    let whole = || Some("(object)".to_string());
    let change = |from, to| Some(vec![FieldChange { field: String::new(), from, to }]);
    match before {
        _ if write.effect == Effect::Removed => change(whole(), None),
        None => change(None, whole()),
        Some(before) if *before.uid() == *write.uid => {
            Some(changes::between(&before.tree(), &serde_json::from_slice(after).ok()?))
        }
        Some(_) => None,
    }
}

/// The object that a path names, or the collection when the name is empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl Target {
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/');
        let group = match parts.next()? {
            "api" => "",
            "apis" => parts.next()?,
            _ => return None,
        };
        let _version = parts.next()?;
        let rest: Vec<&str> = parts.collect();
        // `namespaces/x/status` and `namespaces/x/finalize` are of the namespace itself.
        let (namespace, rest) = match rest.as_slice() {
            ["namespaces", namespace, plural, rest @ ..] if !matches!(*plural, "status" | "finalize") => {
                (Some(*namespace), (*plural, rest))
            }
            [plural, rest @ ..] => (None, (*plural, rest)),
            [] => return None,
        };
        Some(Self {
            group: group.to_string(),
            plural: rest.0.to_string(),
            namespace: namespace.map(str::to_string),
            name: rest.1.first().copied().unwrap_or_default().to_string(),
            subresource: rest.1.get(1).copied().unwrap_or_default().to_string(),
        })
    }
}

/// As much of an answer as is needed: an object, or a Status.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: AnswerMetadata,
    #[serde(default)]
    details: Option<AnswerDetails>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct AnswerMetadata {
    name: String,
    namespace: Option<String>,
    uid: String,
    resource_version: String,
    deletion_timestamp: Option<String>,
}

#[derive(Deserialize)]
struct AnswerDetails {
    #[serde(default)]
    uid: String,
}

impl Answer {
    fn write(self, method: &Method, cluster: Arc<str>, target: Target) -> Option<Write> {
        let deletes = *method == Method::DELETE;
        let Self { kind, metadata, details } = self;
        let (name, uid, effect) = if kind == "Status" {
            // Other calls that answer with a Status, such as an eviction, do not tell what they changed.
            let details = details.filter(|_| deletes && !target.name.is_empty())?;
            (target.name, details.uid, Effect::Removed)
        } else if deletes && metadata.deletion_timestamp.is_none() {
            (metadata.name, metadata.uid, Effect::Removed)
        } else {
            // Versions are comparable numbers (KEP-5504); one that is not can't be waited for.
            (metadata.name, metadata.uid, Effect::Version(metadata.resource_version.parse().ok()?))
        };
        if name.is_empty() || uid.is_empty() {
            return None;
        }
        let namespace = metadata.namespace.or(target.namespace);
        let reference = ObjectRef::new(namespace.as_deref(), &name);
        let Target { group, plural, subresource, .. } = target;
        Some(Write {
            cluster,
            group,
            plural,
            reference,
            uid,
            effect,
            method: method.clone(),
            subresource,
            changes: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn target(path: &str) -> (String, String, Option<String>, String) {
        let Target { group, plural, namespace, name, .. } = Target::parse(path).unwrap();
        (group, plural, namespace, name)
    }

    fn write(method: Method, path: &str, answer: Value) -> Option<Write> {
        serde_json::from_value::<Answer>(answer).unwrap().write(&method, "own".into(), Target::parse(path).unwrap())
    }

    #[test]
    fn paths_name_their_object() {
        let text = |s: &str| s.to_string();
        assert_eq!(target("/api/v1/namespaces/a/pods/p"), (text(""), text("pods"), Some(text("a")), text("p")));
        assert_eq!(target("/api/v1/namespaces/a/pods"), (text(""), text("pods"), Some(text("a")), text("")));
        assert_eq!(
            target("/apis/apps/v1/namespaces/a/deployments/d/status"),
            (text("apps"), text("deployments"), Some(text("a")), text("d"))
        );
        assert_eq!(target("/api/v1/namespaces/a"), (text(""), text("namespaces"), None, text("a")));
        assert_eq!(target("/api/v1/namespaces/a/finalize"), (text(""), text("namespaces"), None, text("a")));
        assert_eq!(target("/apis/g/v1/things/t"), (text("g"), text("things"), None, text("t")));
        assert!(Target::parse("/version").is_none());
    }

    #[test]
    fn a_written_object_is_expected_at_its_version() {
        let answer =
            json!({"kind": "Pod", "metadata": {"name": "p-x7", "namespace": "a", "uid": "u", "resourceVersion": "41"}});
        let write = write(Method::POST, "/api/v1/namespaces/a/pods", answer).unwrap();
        assert_eq!(write.reference.to_string(), "a/p-x7");
        assert_eq!(write.effect, Effect::Version(41));
    }

    #[test]
    fn a_deletion_is_expected_as_absence_unless_the_object_stays_for_its_finalizers() {
        let path = "/api/v1/namespaces/a/pods/p";
        let status =
            json!({"kind": "Status", "status": "Success", "details": {"name": "p", "kind": "pods", "uid": "u"}});
        assert_eq!(write(Method::DELETE, path, status.clone()).unwrap().effect, Effect::Removed);
        let last = json!({"kind": "Pod", "metadata": {"name": "p", "uid": "u", "resourceVersion": "7"}});
        assert_eq!(write(Method::DELETE, path, last).unwrap().effect, Effect::Removed);
        let stays = json!({"kind": "Pod", "metadata": {"name": "p", "uid": "u", "resourceVersion": "8", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert_eq!(write(Method::DELETE, path, stays).unwrap().effect, Effect::Version(8));
        assert_eq!(write(Method::POST, "/api/v1/namespaces/a/pods/p/eviction", status), None);
    }

    /// A server that answers each request with the same object.
    fn server() -> Client {
        let service = tower::service_fn(|_: Request<Body>| async {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "ns", "uid": "u", "resourceVersion": "9"}});
            Ok::<_, kube::Error>(Response::new(Body::from(object.to_string().into_bytes())))
        });
        let duty = Duty::alone(Arc::new(crate::clock::SystemClock));
        let client = Client::new(service, "default");
        observed("own".into(), client, crate::metrics::Metrics::new().client(), duty, Ledger::default())
    }

    #[tokio::test]
    async fn writes_of_a_reconcile_are_noted_whichever_way_they_are_made() {
        use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
        let api = Api::<k8s_openapi::api::core::v1::ConfigMap>::namespaced(server(), "ns");
        let log = Arc::new(WriteLog::default());
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        let work = async {
            api.get("c").await.unwrap();
            assert!(log.take().is_empty(), "a read is no write");
            api.create(&dry, &Default::default()).await.unwrap();
            assert!(log.take().is_empty(), "a dry run writes nothing");
            api.create(&PostParams::default(), &Default::default()).await.unwrap();
            api.patch("c", &PatchParams::apply("x"), &Patch::Apply(json!({}))).await.unwrap();
            api.delete("c", &DeleteParams::default()).await.unwrap();
        };
        log.clone().record(work).await;
        let effects: Vec<Effect> = log.take().into_iter().map(|write| write.effect).collect();
        assert_eq!(effects, [Effect::Version(9), Effect::Version(9), Effect::Removed]);
        api.create(&PostParams::default(), &Default::default()).await.unwrap();
        assert!(log.take().is_empty(), "outside of a reconcile nothing is noted");
    }
}
