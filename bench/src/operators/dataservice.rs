//! DataServices of 35 objects each, on simulated nodes.

use kubewright_dataservice::{Options, controller, crds};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::Error;
use crate::operators::part::{Part, count, is_true, object};

const DATASERVICES: u64 = 1_000;
/// Pods of one: those of eleven components.
const PODS: u64 = 11;
/// Pods that fit on a node.
const PODS_PER_NODE: u64 = 100;

pub(crate) async fn part(percent: u64) -> Result<Part, Error> {
    let many = count(DATASERVICES, percent);
    let spec = spec(&third_party().await?);
    let counted = (0..many)
        .map(|number| object("d3os-product.com.d3os/v1", "DataService", "default", &format!("d{number}"), &spec))
        .collect();
    Ok(Part {
        objects: "DataServices of 35 objects",
        crds: crds(),
        nodes: usize::try_from((many * PODS).div_ceil(PODS_PER_NODE)).unwrap_or(usize::MAX),
        before: Vec::new(),
        counted,
        add: Box::new(|manager| Ok(manager.controller(controller(Options::default()).map_err(Error::operator)?))),
        done: |service| is_true(service, "Ready"),
    })
}

/// All components, one of them at a third party.
fn spec(third_party: &str) -> Value {
    let mut spec = json!({
        "mysql": {"name": null},
        "uuc": {"name": null, "kind": "ThirdParty", "thirdParty": {"url": third_party}},
        "eureka": {"name": null, "image": "eureka:v1", "port": 8761},
    });
    let services = [
        ("api-manager", 9085),
        ("auth", 9081),
        ("ds-adapter", 9086),
        ("es-adapter", 9087),
        ("trd-adapter", 9088),
        ("gateway-master", 9184),
        ("gateway-web", 9084),
        ("proxy", 9094),
        ("web", 80),
    ];
    for (name, port) in services {
        spec[name] = json!({"name": null, "image": format!("{name}:v1"), "port": port, "replica": 1});
    }
    spec
}

/// A server on loopback that answers everybody; its URL.
async fn third_party() -> Result<String, Error> {
    let failed = Error::io("serve a third party");
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = listener.local_addr().map_err(Error::io("serve a third party"))?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Whoever asks may go away.
            _ = stream.read(&mut [0; 1024]).await;
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    Ok(format!("http://{address}/"))
}
