//! `/debug`: what a manager is at, for people and as JSON.
//!
//! It is answered only to callers on the same machine (`kubectl port-forward` is one): it tells names of objects and the
//! texts of errors, and it can change what is logged.

use std::{fmt::Write as _, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use kubewright_cache::Informer;
use serde_json::{Value, json};

use crate::{ControllerStatus, Handle, InformerStatus, handle::ReplicaStatus};

/// The longest filter that is taken for one, in bytes.
const LONGEST_FILTER: usize = 4096;

/// Changes what is logged; tells why it can't.
pub(crate) type SetFilter = dyn Fn(&str) -> Result<(), String> + Send + Sync;

/// What answers.
#[derive(Clone)]
pub(crate) struct Debug {
    pub(crate) handle: Handle,
    pub(crate) filter: Option<Arc<SetFilter>>,
}

impl Debug {
    pub(crate) async fn answer<B>(&self, request: Request<B>, peer: IpAddr) -> Response<Full<Bytes>>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if !peer.to_canonical().is_loopback() {
            let why = "this is answered on the same machine only; use kubectl port-forward\n";
            return respond(StatusCode::FORBIDDEN, TEXT, why.into());
        }
        let is_json = request.uri().query().unwrap_or_default().split('&').any(|part| part == "format=json");
        match (request.method().clone(), request.uri().path()) {
            (Method::GET, "/debug") if is_json => {
                respond(StatusCode::OK, "application/json", format!("{:#}\n", to_json(&self.handle)))
            }
            (Method::GET, "/debug") => respond(StatusCode::OK, TEXT, to_text(&self.handle)),
            (Method::PUT, "/debug/log") => self.set_filter(request.into_body()).await,
            (_, "/debug" | "/debug/log") => {
                let why = "GET /debug shows, PUT /debug/log sets what is logged\n";
                respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, why.into())
            }
            _ => respond(
                StatusCode::NOT_FOUND,
                TEXT,
                "there are /debug, /debug?format=json and /debug/log here\n".into(),
            ),
        }
    }

    async fn set_filter<B>(&self, body: B) -> Response<Full<Bytes>>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(set) = &self.filter else {
            let why = "this process has not told how to change what is logged: see Manager::log_filter\n";
            return respond(StatusCode::NOT_IMPLEMENTED, TEXT, why.into());
        };
        let body = match Limited::new(body, LONGEST_FILTER).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return respond(StatusCode::BAD_REQUEST, TEXT, format!("no filter could be read: {error}\n")),
        };
        let filter = String::from_utf8_lossy(&body);
        match set(filter.trim()) {
            Ok(()) => {
                tracing::warn!(filter = filter.trim(), "what is logged has been changed over HTTP");
                respond(StatusCode::OK, TEXT, "ok\n".into())
            }
            Err(error) => respond(StatusCode::BAD_REQUEST, TEXT, format!("{:?}: {error}\n", filter.trim())),
        }
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

fn to_json(handle: &Handle) -> Value {
    let controllers: Vec<Value> = handle.status().iter().map(controller_json).collect();
    let records: Vec<Value> = handle.records().iter().map(|record| record.to_json()).collect();
    let unsettled: Vec<String> = handle.unsettled().iter().map(ToString::to_string).collect();
    let caches: Vec<Value> = handle.caches().iter().map(cache_json).collect();
    let ReplicaStatus { identity, role, holder, members } = handle.replica();
    json!({
        "replica": {"identity": identity, "role": format!("{role:?}"), "holder": holder, "members": members},
        "notReady": handle.ready().err().unwrap_or_default(),
        "controllers": controllers, "caches": caches, "unsettled": unsettled, "reconciles": records,
    })
}

fn controller_json(controller: &ControllerStatus) -> Value {
    let failing: Vec<Value> = controller
        .failing
        .iter()
        .map(|failing| json!({"key": failing.key, "retries": failing.retries, "error": failing.error}))
        .collect();
    let watches: Vec<Value> = controller.informers.iter().map(watch_json).collect();
    json!({
        "name": controller.name, "started": controller.started, "queued": controller.queued,
        "delayed": controller.delayed, "scheduled": controller.scheduled, "active": controller.active, "concurrency": controller.concurrency,
        "failing": failing, "watches": watches,
    })
}

fn watch_json(informer: &InformerStatus) -> Value {
    let InformerStatus { resource, cluster, synced, revision, error } = informer;
    json!({"group": resource.group, "resource": resource.plural, "cluster": cluster, "synced": synced, "revision": revision, "error": error})
}

fn cache_json(informer: &Informer) -> Value {
    let (resource, scope, stats) = (informer.resource(), informer.scope(), informer.stats());
    json!({
        "group": resource.group, "version": resource.version, "resource": resource.plural, "namespace": scope.namespace,
        "labels": scope.labels, "fields": scope.fields, "objects": stats.objects, "bytes": stats.bytes,
    })
}

fn to_text(handle: &Handle) -> String {
    let mut out = String::new();
    // Writing into a String does not fail.
    _ = write_text(handle, &mut out);
    out
}

fn write_text(handle: &Handle, out: &mut String) -> std::fmt::Result {
    let ReplicaStatus { identity, role, holder, members } = handle.replica();
    write!(out, "replica {identity} {role:?}")?;
    if let Some(holder) = holder {
        write!(out, ", the Lease is held by {holder}")?;
    }
    if !members.is_empty() {
        write!(out, ", the keys are shared with {}", members.join(", "))?;
    }
    writeln!(out)?;
    for fault in handle.ready().err().unwrap_or_default() {
        writeln!(out, "not ready: {fault}")?;
    }
    for controller in handle.status() {
        let ControllerStatus { name, queued, delayed, active, concurrency, .. } = &controller;
        writeln!(out, "\ncontroller {name}: {queued} queued, {active} of {concurrency} at work, {delayed} delayed")?;
        for informer in &controller.informers {
            let state = match (&informer.error, informer.synced) {
                (Some(error), _) => error.as_str(),
                (None, true) => "in sync",
                (None, false) => "not in sync yet",
            };
            writeln!(out, "  watch {} @{}: {state}", informer.resource.plural, informer.revision)?;
        }
        for failing in &controller.failing {
            writeln!(out, "  failing {} after {} retries: {}", failing.key, failing.retries, failing.error)?;
        }
    }
    writeln!(out, "\ncaches")?;
    for informer in handle.caches() {
        let stats = informer.stats();
        let namespace = informer.scope().namespace.as_deref().map(|within| format!(" in {within}")).unwrap_or_default();
        writeln!(out, "  {}{namespace}: {} objects, {} bytes", informer.resource().plural, stats.objects, stats.bytes)?;
    }
    for unsettled in handle.unsettled() {
        writeln!(out, "\nnever settles: {unsettled}")?;
    }
    writeln!(out, "\nlast reconciles")?;
    for record in handle.records() {
        writeln!(out, "  {}", record.to_string().replace('\n', "\n  "))?;
    }
    Ok(())
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
