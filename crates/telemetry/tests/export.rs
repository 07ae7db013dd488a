//! What arrives at a collector when a reconcile runs.

#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::{collections::BTreeMap, convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    client::Body,
};
use kubewright_runtime::{Context, Controller, Error, Manager, ManagerOptions, Outcome, Reconciler, Watch};
use kubewright_telemetry::Traces;
use kubewright_testing::TestEnv;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{Span, status::StatusCode},
};
use prost::Message;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::prelude::*;

/// Takes what a collector is sent.
async fn collector() -> (SocketAddr, mpsc::UnboundedReceiver<ExportTraceServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            let take = service_fn(move |request: Request<Incoming>| {
                let sender = sender.clone();
                async move {
                    assert_eq!(request.uri().path(), "/v1/traces");
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    // The test may have seen enough.
                    let _ = sender.send(ExportTraceServiceRequest::decode(body).unwrap());
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), take));
        }
    });
    (address, received)
}

/// Marks a ConfigMap, and fails for one that is called bad.
struct Marks;

impl Reconciler for Marks {
    type Object = ConfigMap;

    async fn reconcile(&self, object: Arc<ConfigMap>, ctx: &Context) -> Result<Outcome, Error> {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        if name == "bad" {
            return Err(Error::terminal("it is bad"));
        }
        if object.data.is_none() && name == "good" {
            let api = Api::<ConfigMap>::namespaced(ctx.client().clone(), "default");
            let mark = serde_json::json!({"data": {"marked": "true"}});
            api.patch(name, &PatchParams::default(), &Patch::Merge(mark)).await?;
        }
        Ok(Outcome::Settled)
    }
}

/// Notes the `traceparent` of each request.
fn noting(client: Client, seen: mpsc::UnboundedSender<String>) -> Client {
    let namespace = client.default_namespace().to_string();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, seen) = (client.clone(), seen.clone());
        async move {
            if let Some(parent) = request.headers().get("traceparent") {
                seen.send(parent.to_str().unwrap().to_string()).unwrap();
            }
            client.send(request).await
        }
    });
    Client::new(service, namespace)
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let text = |attribute: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        use opentelemetry_proto::tonic::common::v1::any_value::Value;
        match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) => text.clone(),
            Some(Value::IntValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        }
    };
    span.attributes.iter().map(|attribute| (attribute.key.clone(), text(attribute))).collect()
}

#[tokio::test]
async fn a_reconcile_is_a_span_its_requests_are_below_it_and_their_ids_go_along() {
    let (address, mut received) = collector().await;
    let traces = Traces::to(&format!("http://{address}/v1/traces"), "tested").unwrap();
    let _traced = tracing_subscriber::registry().with(traces.layer()).set_default();

    let env = TestEnv::start().await.unwrap();
    let api = Api::<ConfigMap>::namespaced(env.client(), "default");
    for name in ["good", "bad"] {
        let object = ConfigMap {
            metadata: kube::core::ObjectMeta { name: Some(name.into()), ..Default::default() },
            ..Default::default()
        };
        api.create(&Default::default(), &object).await.unwrap();
    }
    let (seen, mut parents) = mpsc::unbounded_channel();
    let client = kubewright_telemetry::client(noting(env.client(), seen));
    let manager = Manager::new(client, ManagerOptions { listen: None, ..ManagerOptions::default() })
        .controller(Controller::new("marks", Watch::all().namespace("default"), Marks));
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let run = tokio::spawn(manager.run(stop.clone()));
    let ran = |key: &str| handle.records().iter().filter(|record| record.key == key).count();
    // The good one again after its own change.
    kubewright_testing::eventually("both have been reconciled", async || {
        (ran("default/good") >= 2 && ran("default/bad") >= 1).then_some(())
    })
    .await;
    stop.cancel();
    run.await.unwrap().unwrap();
    traces.shutdown().await.unwrap();

    let mut spans = Vec::new();
    while let Ok(request) = received.try_recv() {
        for resource in request.resource_spans {
            let names = resource.resource.unwrap().attributes;
            assert!(
                names.iter().any(|name| name.key == "service.name" && format!("{:?}", name.value).contains("tested"))
            );
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let reconciles = |key: &str| -> Vec<&Span> {
        let of_key =
            |span: &&Span| span.name == "reconcile" && attributes(span).get("key").is_some_and(|found| found == key);
        spans.iter().filter(of_key).collect()
    };
    let good = reconciles("default/good");
    let first = attributes(good[0]);
    assert_eq!(first["controller"], "marks");
    assert!(first.contains_key("reconcile_id") && first["reason"].contains("ConfigMap"), "{first:?}");

    let patch = spans.iter().find(|span| span.name == "PATCH").unwrap();
    assert!(
        good.iter().any(|reconcile| reconcile.span_id == patch.parent_span_id && reconcile.trace_id == patch.trace_id)
    );
    let patched = attributes(patch);
    assert_eq!(patched["url.path"], "/api/v1/namespaces/default/configmaps/good");
    assert_eq!(patched["http.response.status_code"], "200");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let expected = format!("00-{}-{}-01", hex(&patch.trace_id), hex(&patch.span_id));
    let mut sent = Vec::new();
    while let Ok(parent) = parents.try_recv() {
        sent.push(parent);
    }
    assert!(sent.contains(&expected), "{expected} is not in {sent:?}");

    let bad = reconciles("default/bad");
    let status = bad[0].status.as_ref().unwrap();
    assert_eq!((status.code(), status.message.as_str()), (StatusCode::Error, "it is bad"));
    assert_ne!(good[0].trace_id, bad[0].trace_id, "each reconcile is a trace of its own");
}

#[tokio::test]
async fn a_collector_that_is_away_keeps_nobody_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let traces = Traces::to(&format!("http://{address}/v1/traces"), "tested").unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(traces.layer()), || {
        tracing::info_span!("work").in_scope(|| {});
    });
    // What could not be sent is lost; the end comes all the same.
    let _ = traces.shutdown().await;
}

#[tokio::test]
async fn a_wrong_url_is_an_error_that_names_the_variable() {
    let error = Traces::to("no url", "tested").unwrap_err().to_string();
    assert!(error.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{error}");
}
