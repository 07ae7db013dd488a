//! Clients that create ConfigMaps as fast as they are answered.

use std::time::{Duration, Instant};

use http::Request;
use kube::{Client, Config};
use serde_json::json;
use tokio::task::JoinSet;

use crate::Error;

/// How many ConfigMaps per second `clients` clients, each with a connection of its own, create in a new namespace.
pub(crate) async fn creates_per_second(config: &Config, clients: usize, during: Duration) -> Result<f64, Error> {
    let namespace = format!("bench-{clients}-clients");
    let connected = (0..clients).map(|_| Client::try_from(config.clone())).collect::<Result<Vec<_>, _>>()?;
    if let Some(first) = connected.first() {
        send(first, "/api/v1/namespaces", json!({"metadata": {"name": namespace}}).to_string()).await?;
    }
    // The connections are made before the time counts.
    for client in &connected {
        client.apiserver_version().await?;
    }
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for (number, client) in connected.into_iter().enumerate() {
        workers.spawn(create_until(client, namespace.clone(), number, started + during));
    }
    let mut created = 0;
    while let Some(count) = workers.join_next().await {
        created += count??;
    }
    Ok(f64::from(created) / started.elapsed().as_secs_f64())
}

async fn create_until(client: Client, namespace: String, worker: usize, deadline: Instant) -> Result<u32, Error> {
    let path = format!("/api/v1/namespaces/{namespace}/configmaps");
    let mut created = 0;
    while Instant::now() < deadline {
        let body = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": format!("worker-{worker}-{created}"), "labels": {"app": "bench"}},
            "data": {"key": "value", "number": created.to_string()},
        });
        send(&client, &path, body.to_string()).await?;
        created += 1;
    }
    Ok(created)
}

async fn send(client: &Client, path: &str, body: String) -> Result<(), Error> {
    let request = Request::post(path).header("content-type", "application/json").body(body.into_bytes());
    client.request_text(request.map_err(kube::Error::HttpError)?).await?;
    Ok(())
}
