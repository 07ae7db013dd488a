//! Buckets of ten users on a real MinIO server.

use std::net::SocketAddr;
use std::time::Duration;

use kubewright::patterns::external::GateOptions;
use kubewright::queue::Limit;
use kubewright_objectstorage::minio::ConnectMinio;
use kubewright_objectstorage::{Options, add_to, crds};
use kubewright_real::MinioOptions;
use serde_json::json;

use crate::Error;
use crate::operators::part::{Part, count, is_true, object};

const BUCKETS: u64 = 2_000;
const TENANTS: u64 = 10;

pub(crate) fn part(percent: u64, server: SocketAddr) -> Result<Part, Error> {
    // The default lets 200 calls a second through to the server, which would be all that is measured.
    let limit = Limit { every: Duration::from_micros(100), ..GateOptions::default().limit };
    let gate = GateOptions { limit, ..GateOptions::default() };
    let options = Options { internal_endpoint: server.to_string(), gate, ..Options::default() };
    let group = "objectstorage.sealos.io/v1";
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let MinioOptions { user, password, .. } = MinioOptions::default();
    let mut before = vec![namespace(&options.namespace)];
    before.push(json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": options.admin_secret, "namespace": options.namespace},
        "stringData": {"accessKey": user, "secretKey": password},
    }));
    before.extend((0..TENANTS).map(|tenant| namespace(&format!("ns-tenant{tenant}"))));
    before.extend(
        (0..TENANTS)
            .map(|tenant| object(group, "ObjectStorageUser", &format!("ns-tenant{tenant}"), "user", &json!({}))),
    );
    let counted = (0..count(BUCKETS, percent))
        .map(|number| {
            let tenant = format!("ns-tenant{}", number % TENANTS);
            object(group, "ObjectStorageBucket", &tenant, &format!("b{number}"), &json!({"policy": "publicRead"}))
        })
        .collect();
    Ok(Part {
        objects: "buckets on MinIO",
        crds: crds(),
        nodes: 0,
        before,
        counted,
        add: Box::new(move |manager| {
            let connect = ConnectMinio::new(&options).map_err(Error::operator)?;
            add_to(manager, options.clone(), connect).map_err(Error::operator)
        }),
        done: |bucket| is_true(bucket, "Ready"),
    })
}
