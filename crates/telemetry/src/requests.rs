//! A span for each request to the API server, whose id goes along.

use http::{HeaderValue, Request};
use kube::{Client, client::Body};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use tracing::{Instrument, Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The same client, with a span for each request: below the span in which it is made, such as that of a reconcile. Method, path
/// and status are its attributes, under the names of OpenTelemetry's conventions for HTTP; one that fails, or that the server
/// answers with 5xx, is an error.
pub fn client(client: Client) -> Client {
    let namespace = client.default_namespace().to_string();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        let client = client.clone();
        async move {
            let (method, path) = (request.method().clone(), request.uri().path().to_string());
            let span = info_span!(
                "request",
                otel.name = %method,
                otel.kind = "client",
                otel.status_code = Empty,
                http.request.method = %method,
                url.path = path,
                http.response.status_code = Empty,
                error.type = Empty,
            );
            if let Some(parent) = trace_parent(span.context().span().span_context()) {
                request.headers_mut().insert("traceparent", parent);
            }
            let answer = client.send(request).instrument(span.clone()).await;
            note(&span, answer.as_ref().map(|answer| answer.status().as_u16()));
            answer
        }
    });
    Client::new(service, namespace)
}

fn note(span: &Span, answer: Result<u16, &kube::Error>) {
    match answer {
        Ok(status) => {
            span.record("http.response.status_code", status);
            if status >= 500 {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", status);
            }
        }
        Err(error) => {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", error.to_string());
        }
    }
}

/// W3C Trace Context, version 00.
fn trace_parent(span: &SpanContext) -> Option<HeaderValue> {
    if !span.is_valid() {
        return None;
    }
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags().to_u8());
    HeaderValue::try_from(format!("00-{trace}-{id}-{flags:02x}")).ok()
}
