//! An embedded control plane with an operator, from the first object until everything is settled.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Client, ResourceExt};
use kubewright::prelude::{Manager, ManagerOptions};
use kubewright_cluster::{ControlPlaneOptions, NodeOptions};
use kubewright_testing::TestEnv;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::operators::calls::Calls;
use crate::operators::part::Part;
use crate::process;

/// How long it is looked whether something that has settled costs calls.
const IDLE: Duration = Duration::from_secs(5);
/// How many objects are written at once.
const WRITERS: usize = 32;

/// Lives through a part and tells what it took.
pub(crate) async fn live(part: Part) -> Result<Value, Error> {
    let nodes = (part.nodes > 0).then(|| NodeOptions { count: part.nodes, ..NodeOptions::default() });
    let options = ControlPlaneOptions { nodes, ..ControlPlaneOptions::default() };
    let env = TestEnv::embedded_as(options).await.map_err(Error::operator)?;
    env.install_crds(&part.crds).await.map_err(Error::operator)?;
    let plane = env.control_plane().ok_or_else(|| Error::Host("has no control plane".to_owned()))?;
    let users = plane.client();
    for object in &part.before {
        apply(&users, &part, std::slice::from_ref(object)).await?;
    }
    let calls = Calls::default();
    let options = ManagerOptions { listen: None, records: 0, ..ManagerOptions::default() };
    let manager = (part.add)(Manager::new(calls.of(plane.client()), options))?;
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let running = tokio::spawn(manager.run(stop.clone()));
    let handles = [handle.clone()];
    while handle.ready().is_err() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    plane.settled(&handles).await;

    let (begun, before, wrote) = (Instant::now(), calls.count(), calls.writes());
    apply(&users, &part, &part.counted).await?;
    plane.settled(&handles).await;
    let seconds = begun.elapsed().as_secs_f64();
    let (until_settled, written) = (calls.count() - before, calls.writes() - wrote);
    check(&users, &part).await?;

    let resident = process::resident(std::process::id());
    let before = calls.count();
    tokio::time::sleep(IDLE).await;
    let idle = calls.count() - before;
    let before = calls.writes();
    apply(&users, &part, &part.counted).await?;
    plane.settled(&handles).await;
    let again = calls.writes() - before;

    stop.cancel();
    running.await?.map_err(Error::operator)?;
    let count = part.counted.len();
    Ok(json!({
        "objects": part.objects, "count": count, "seconds": seconds, "perSecond": count as f64 / seconds,
        "calls": until_settled as f64 / count as f64, "writes": written as f64 / count as f64,
        "settledCalls": idle, "againWrites": again,
        "resident": resident, "peak": process::peak(std::process::id()),
    }))
}

/// Applies objects as their users do.
async fn apply(client: &Client, part: &Part, objects: &[Value]) -> Result<(), Error> {
    let applied = stream::iter(objects).map(|object| async move {
        let resource = resource(part, object)?;
        let metadata = &object["metadata"];
        let api = match metadata["namespace"].as_str() {
            Some(namespace) => Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        let name = metadata["name"].as_str().unwrap_or_default();
        api.patch(name, &PatchParams::apply("users"), &Patch::Apply(object)).await?;
        Ok::<(), Error>(())
    });
    applied.buffer_unordered(WRITERS).try_collect().await
}

/// Whether all that is counted has come to its end.
async fn check(client: &Client, part: &Part) -> Result<(), Error> {
    let Some(first) = part.counted.first() else { return Ok(()) };
    let api = Api::<DynamicObject>::all_with(client.clone(), &resource(part, first)?);
    let found = api.list(&ListParams::default()).await?.items;
    let undone = found.iter().find(|object| !(part.done)(&object.data));
    match undone {
        None if found.len() == part.counted.len() => Ok(()),
        None => Err(Error::Host(format!("has {} of {} {}", found.len(), part.counted.len(), part.objects))),
        Some(object) => Err(Error::Host(format!("left {} as {}", object.name_any(), object.data["status"]))),
    }
}

/// The kind of an object, by its definition.
fn resource(part: &Part, object: &Value) -> Result<ApiResource, Error> {
    let kind = object["kind"].as_str().unwrap_or_default();
    if object["apiVersion"] == "v1" {
        return Ok(ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind)));
    }
    let crd = part.crds.iter().find(|crd| crd.spec.names.kind == kind);
    let crd = crd.ok_or_else(|| Error::Host(format!("has no definition of {kind}")))?;
    let version = crd.spec.versions.first().map(|version| version.name.clone()).unwrap_or_default();
    Ok(ApiResource {
        group: crd.spec.group.clone(),
        api_version: format!("{}/{version}", crd.spec.group),
        version,
        kind: kind.to_owned(),
        plural: crd.spec.names.plural.clone(),
    })
}
