//! EndpointSlices: where the pods behind a Service are.
//!
//! The pods of a Service are spread over slices by the ports that they serve it on, as named ports may differ from pod to
//! pod, and by hundreds.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, Service, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;
use kube::core::{ApiResource, Selector};
use kubewright_runtime::{Context, Controller, ControllerOptions, Error, ObjectRef, Outcome, Reconciler, Watch};

use super::names::hash;
use super::pods;

/// How many endpoints a slice has at most.
const LARGEST: usize = 100;

const SERVICE_LABEL: &str = "kubernetes.io/service-name";
const MANAGED_BY_LABEL: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGED_BY: &str = "endpointslice-controller.k8s.io";
const HEADLESS_LABEL: &str = "service.kubernetes.io/headless";

/// What keeps EndpointSlices.
pub(crate) struct Endpoints;

/// Its controller.
pub(crate) fn controller(options: ControllerOptions) -> Controller {
    let ours = Watch::<EndpointSlice>::all().labels(format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
    Controller::new("endpointslice-controller", Watch::<Service>::all(), Endpoints)
        .owns(ours)
        .reads(Watch::<Pod>::all())
        .reads(Watch::<Node>::all())
        .options(options)
}

impl Reconciler for Endpoints {
    type Object = Service;

    async fn reconcile(&self, service: Arc<Service>, ctx: &Context) -> Result<Outcome, Error> {
        if service.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        ctx.own(slices(&service, ctx)?).await?;
        Ok(Outcome::Settled)
    }
}

fn slices(service: &Service, ctx: &Context) -> Result<Vec<EndpointSlice>, Error> {
    let spec = service.spec.clone().unwrap_or_default();
    let labels = spec.selector.clone().unwrap_or_default();
    // Without a selector the endpoints are somebody else's.
    if labels.is_empty() || spec.type_.as_deref() == Some("ExternalName") {
        return Ok(Vec::new());
    }
    let namespace = service.namespace().unwrap_or_default();
    let selector = Selector::from_iter(labels);
    let families = spec.ip_families.clone().unwrap_or_else(|| vec!["IPv4".to_string()]);
    let pods = ctx.select::<Pod>(Some(&namespace), &selector)?;
    let mut slices = Vec::new();
    for family in families {
        // Ports as text, so that they can be sorted.
        let mut groups: BTreeMap<String, (Vec<EndpointPort>, Vec<Endpoint>)> = BTreeMap::new();
        for pod in &pods {
            let Some(endpoint) = endpoint(service, &spec, pod, &family, ctx)? else { continue };
            let ports = ports(&spec, pod);
            if ports.is_empty() && spec.ports.as_ref().is_some_and(|ports| !ports.is_empty()) {
                continue;
            }
            let key = serde_json::to_string(&ports)?;
            groups.entry(key).or_insert_with(|| (ports, Vec::new())).1.push(endpoint);
        }
        if groups.is_empty() {
            // One without endpoints tells that there are none.
            slices.push(slice(service, &spec, &family, None, Vec::new(), 0));
        }
        for (ports, mut endpoints) in groups.into_values() {
            endpoints.sort_by(|one, other| one.addresses.cmp(&other.addresses));
            for (number, part) in endpoints.chunks(LARGEST).enumerate() {
                slices.push(slice(service, &spec, &family, Some(ports.clone()), part.to_vec(), number));
            }
        }
    }
    Ok(slices)
}

fn slice(
    service: &Service,
    spec: &ServiceSpec,
    family: &str,
    ports: Option<Vec<EndpointPort>>,
    endpoints: Vec<Endpoint>,
    number: usize,
) -> EndpointSlice {
    let name = service.name_any();
    let mut labels = service.labels().clone();
    labels.insert(SERVICE_LABEL.into(), name.clone());
    labels.insert(MANAGED_BY_LABEL.into(), MANAGED_BY.into());
    if spec.cluster_ip.as_deref() == Some("None") {
        labels.insert(HEADLESS_LABEL.into(), String::new());
    }
    // The same slice has the same name each time.
    let mut suffix = hash(&(service.uid(), family, &ports, number), 0);
    suffix.truncate(5);
    EndpointSlice {
        metadata: ObjectMeta {
            name: Some(format!("{name}-{suffix}")),
            // As the real controller has it; it tells what the name is for.
            generate_name: Some(format!("{name}-")),
            namespace: service.namespace(),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        address_type: family.into(),
        endpoints: (!endpoints.is_empty()).then_some(endpoints),
        ports,
    }
}

/// The pod as an endpoint; `None` while it has no address, and when it is over.
fn endpoint(
    service: &Service,
    spec: &ServiceSpec,
    pod: &Pod,
    family: &str,
    ctx: &Context,
) -> Result<Option<Endpoint>, Error> {
    let status = pod.status.clone().unwrap_or_default();
    let v6 = family == "IPv6";
    let addresses = status.pod_ips.into_iter().flatten().map(|address| address.ip);
    let addresses: Vec<String> = addresses.filter(|address| address.contains(':') == v6).collect();
    if addresses.is_empty() || matches!(pods::phase(pod), "Succeeded" | "Failed") {
        return Ok(None);
    }
    let serving = pods::is_ready(pod);
    let terminating = pod.metadata.deletion_timestamp.is_some();
    let early = spec.publish_not_ready_addresses == Some(true);
    let pod_spec = pod.spec.clone().unwrap_or_default();
    let node = pod_spec.node_name.filter(|node| !node.is_empty());
    let known = match &node {
        Some(node) => ctx.read(&ApiResource::erase::<Node>(&())).get(&ObjectRef::new(None, node))?,
        None => None,
    };
    // A pod whose node is not there is not reached either.
    if known.is_none() && !early {
        return Ok(None);
    }
    let zone = known.and_then(|node| node.label("topology.kubernetes.io/zone").map(str::to_string));
    let named = pod_spec.subdomain.as_deref() == Some(&service.name_any());
    Ok(Some(Endpoint {
        addresses,
        conditions: Some(EndpointConditions {
            ready: Some(early || (serving && !terminating)),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: pod_spec.hostname.filter(|_| named),
        node_name: node,
        zone,
        target_ref: Some(ObjectReference {
            kind: Some("Pod".into()),
            namespace: pod.namespace(),
            name: Some(pod.name_any()),
            uid: pod.uid(),
            ..ObjectReference::default()
        }),
        ..Endpoint::default()
    }))
}

/// The Service's ports as the pod has them. A named one that it does not have is left out.
fn ports(spec: &ServiceSpec, pod: &Pod) -> Vec<EndpointPort> {
    let endpoint_port = |port: &ServicePort| {
        Some(EndpointPort {
            name: Some(port.name.clone().unwrap_or_default()),
            port: Some(target(port, pod)?),
            protocol: port.protocol.clone().or_else(|| Some("TCP".into())),
            app_protocol: port.app_protocol.clone(),
        })
    };
    spec.ports.iter().flatten().filter_map(endpoint_port).collect()
}

fn target(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match port.target_port.as_ref() {
        None => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => {
            let spec = pod.spec.as_ref()?;
            let sidecars = spec.init_containers.iter().flatten();
            let sidecars = sidecars.filter(|container| container.restart_policy.as_deref() == Some("Always"));
            let mut ports =
                spec.containers.iter().chain(sidecars).flat_map(|container| container.ports.iter().flatten());
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let named = ports.find(|port| {
                port.name.as_deref() == Some(name) && port.protocol.as_deref().unwrap_or("TCP") == protocol
            });
            named.map(|port| port.container_port)
        }
    }
}
