//! The objects that are written: ConfigMaps of about a kilobyte as they are stored, and Deployments for applies.

use http::Method;
use serde_json::json;

use super::connection::{Call, Connection};
use super::drive::together;
use crate::Error;

/// How many objects are in the namespaces that are listed; what is loaded beyond them is in another one.
pub(crate) const LISTED: [(&str, usize); 3] = [("list-10", 10), ("list-2mb", 2_000), ("list-50mb", 50_000)];
const OTHERS: &str = "others";
/// Namespaces for what is measured.
pub(crate) const SCRATCH: &str = "scratch";
pub(crate) const WATCHED: &str = "watched";

/// What brings a ConfigMap to a kilobyte, with its metadata.
const PAYLOAD: usize = 600;

pub(crate) fn path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps")
}

/// A ConfigMap with `sent` in its data.
pub(crate) fn config_map(name: &str, sent: &str) -> String {
    // No two of them are the same, and none is worth compressing.
    let mut state = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let payload: String = (0..PAYLOAD)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'a' + (state % 26) as u8)
        })
        .collect();
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": "bench"}},
        "data": {"payload": payload, "sent": sent},
    })
    .to_string()
}

/// What an operator applies, changed with each round.
pub(crate) fn deployment(name: &str, round: u32) -> String {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}, "annotations": {"bench/round": round.to_string()}},
        "spec": {
            "replicas": 3, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{
                "name": "main", "image": "registry.example.com/app:v1", "args": ["--listen", ":8080"],
                "ports": [{"name": "http", "containerPort": 8080}],
                "env": [{"name": "ROUND", "value": round.to_string()}, {"name": "MODE", "value": "fast"}],
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
            }]}},
        },
    })
    .to_string()
}

/// Makes the namespaces.
pub(crate) async fn prepare(connection: &Connection) -> Result<(), Error> {
    for name in LISTED.map(|(name, _)| name).into_iter().chain([OTHERS, SCRATCH, WATCHED]) {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string();
        connection.exchange(Call::write(Method::POST, "/api/v1/namespaces", body)).await?;
    }
    Ok(())
}

/// Makes the objects with these numbers.
pub(crate) async fn load(connections: &[Connection], from: usize, to: usize) -> Result<(), Error> {
    let clients = connections.len();
    together(connections, move |connection, client| async move {
        for number in (from..to).skip(client).step_by(clients) {
            let path = path(namespace(number));
            let body = config_map(&format!("object-{number:06}"), "0");
            connection.exchange(Call::write(Method::POST, &path, body)).await?;
        }
        Ok(())
    })
    .await?;
    Ok(())
}

fn namespace(number: usize) -> &'static str {
    let mut end = 0;
    for (name, count) in LISTED {
        end += count;
        if number < end {
            return name;
        }
    }
    OTHERS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_gets_its_objects() {
        let of = |wanted: &str| (0..60_000).filter(|number| namespace(*number) == wanted).count();
        assert_eq!(LISTED.map(|(name, _)| of(name)), LISTED.map(|(_, count)| count));
        assert_eq!(namespace(52_010), OTHERS);
    }
}
