//! What the process with the embedded server is told to load itself with, so that the clients cost nothing elsewhere.
//!
//! | line | what it does |
//! |---|---|
//! | `pods FROM TO` | makes the Pods of these numbers |
//! | `touch COUNT` | changes a Pod so often that no watch from before can be taken up again |
//! | `configmaps LABEL COUNT` | makes ConfigMaps with the label `bench=LABEL` |
//! | `services COUNT` | makes Services that ask for an Ingress |
//! | `events RATE SECONDS COUNT` | changes each of the first COUNT ConfigMaps in turn, so many a second in all |
//!
//! Each is answered with `ok` or `error: …`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use kubewright_apiserver::{ApiServer, InProcess};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

use super::pods::{NAMESPACES, pod};

/// Does what a line says.
pub(crate) async fn run(server: &ApiServer, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| word.parse::<u64>().map_err(|error| format!("{word}: {error}"));
    let service = server.service();
    match words[..] {
        ["pods", from, to] => pods(&service, number(from)?, number(to)?).await,
        ["touch", count] => touch(&service, number(count)?).await,
        ["configmaps", label, count] => config_maps(&service, label, number(count)?).await,
        ["events", rate, seconds, count] => events(&service, number(rate)?, number(seconds)?, number(count)?).await,
        ["services", count] => services(&service, number(count)?).await,
        _ => Err(format!("no such command: {line}")),
    }
}

async fn pods(service: &InProcess, from: u64, to: u64) -> Result<(), String> {
    if from == 0 {
        for number in 0..NAMESPACES {
            let body = json!({"metadata": {"name": format!("team-{number}")}});
            send(service, Method::POST, "/api/v1/namespaces", "kubectl", &body).await?;
        }
    }
    for number in from..to {
        let made = pod(number);
        let path = format!("/api/v1/namespaces/{}/pods", made.namespace);
        let mut pod = send(service, Method::POST, &path, "kube-controller-manager", &made.spec).await?;
        pod["status"] = made.status;
        send(service, Method::PUT, &format!("{path}/{}/status", made.name), "kubelet", &pod).await?;
    }
    Ok(())
}

async fn touch(service: &InProcess, count: u64) -> Result<(), String> {
    let made = pod(0);
    let path = format!("/api/v1/namespaces/{}/pods/{}", made.namespace, made.name);
    let mut pod = send(service, Method::GET, &path, "kubectl", &Value::Null).await?;
    for number in 0..count {
        pod["metadata"]["annotations"]["touched"] = json!(number.to_string());
        pod = send(service, Method::PUT, &path, "kubectl", &pod).await?;
    }
    Ok(())
}

async fn config_maps(service: &InProcess, label: &str, count: u64) -> Result<(), String> {
    for number in 0..count {
        let body = json!({
            "metadata": {"name": format!("{label}-{number}"), "labels": {"bench": label}}, "data": {"number": number.to_string()},
        });
        send(service, Method::POST, "/api/v1/namespaces/default/configmaps", "kubectl", &body).await?;
    }
    Ok(())
}

async fn services(service: &InProcess, count: u64) -> Result<(), String> {
    for number in 0..count {
        let body = json!({
            "metadata": {"name": format!("service-{number}"), "annotations": {"ingress/http": "true"}},
            "spec": {"ports": [{"port": 80}]},
        });
        send(service, Method::POST, "/api/v1/namespaces/default/services", "kubectl", &body).await?;
    }
    Ok(())
}

/// Writes at an even rate, in small bunches, as a timer cannot wake for each of them.
async fn events(service: &InProcess, rate: u64, seconds: u64, count: u64) -> Result<(), String> {
    let begin = Instant::now();
    let mut written = 0;
    while written < rate * seconds {
        let due = (begin.elapsed().as_nanos() * u128::from(rate) / 1_000_000_000) as u64;
        while written < due.min(rate * seconds) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let name = format!("latency-{}", written % count);
            let body = json!({
                "metadata": {"name": name, "labels": {"bench": "latency"}}, "data": {"written": now.to_string()},
            });
            let path = format!("/api/v1/namespaces/default/configmaps/{name}");
            send(service, Method::PUT, &path, "kubectl", &body).await?;
            written += 1;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = begin.elapsed();
    if took > Duration::from_secs(seconds) * 11 / 10 {
        return Err(format!("{written} events took {took:?}; this machine is too slow for {rate} a second"));
    }
    Ok(())
}

async fn send(service: &InProcess, method: Method, path: &str, agent: &str, body: &Value) -> Result<Value, String> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .header("user-agent", agent)
        .body(Full::new(Bytes::from(if body.is_null() { String::new() } else { body.to_string() })))
        .map_err(|error| error.to_string())?;
    let answer = service.clone().oneshot(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    if !status.is_success() {
        return Err(format!("{path}: {status}: {}", String::from_utf8_lossy(&body)));
    }
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}
