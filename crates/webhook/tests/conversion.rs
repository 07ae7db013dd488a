//! Conversion between versions, as the API server asks for it.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::crd::merge_crds;
use kube::{CustomResource, CustomResourceExt as _};
use kubewright_testing::TestEnv;
use kubewright_webhook::{Conversion, ConversionError, Spoke, WebhookOptions, Webhooks, round_trip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

mod v1 {
    use super::*;

    #[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
    #[kube(group = "webhook.kubewright.dev", version = "v1", kind = "Gate", namespaced)]
    pub(crate) struct GateSpec {
        pub(crate) host_and_port: String,
    }
}

#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[kube(group = "webhook.kubewright.dev", version = "v2", kind = "Gate", namespaced)]
pub(crate) struct GateSpec {
    host: String,
    port: u16,
}

impl Spoke for v1::Gate {
    type Hub = Gate;

    fn into_hub(self) -> Result<Gate, ConversionError> {
        let (host, port) = self.spec.host_and_port.rsplit_once(':').unwrap_or((&self.spec.host_and_port, "443"));
        let port =
            port.parse().map_err(|_| ConversionError::new(format!("spec.host_and_port: {port:?} is no port")))?;
        Ok(Gate { metadata: self.metadata, spec: GateSpec { host: host.into(), port } })
    }

    fn from_hub(hub: Gate) -> Result<Self, ConversionError> {
        let host_and_port = format!("{}:{}", hub.spec.host, hub.spec.port);
        Ok(Self { metadata: hub.metadata, spec: v1::GateSpec { host_and_port } })
    }
}

#[tokio::test]
async fn versions_convert_by_way_of_the_hub() {
    let env = TestEnv::start().await.unwrap();
    let definition = merge_crds(vec![v1::Gate::crd(), Gate::crd()], "v2").unwrap();
    let definitions = Api::<CustomResourceDefinition>::all(env.client());
    let name = definition.metadata.name.clone().unwrap();
    definitions.create(&PostParams::default(), &definition).await.unwrap();
    let webhooks = format!("gates-{}", env.namespace());
    let operator = env.operator(move |manager| {
        let gates = Conversion::to_hub::<Gate>().spoke::<v1::Gate>();
        Webhooks::new(webhooks.clone(), WebhookOptions::default()).conversion(gates).add_to(manager)
    });
    operator.idle().await;

    let (old, new) = (
        Api::<v1::Gate>::namespaced(env.client(), env.namespace()),
        Api::<Gate>::namespaced(env.client(), env.namespace()),
    );
    let mut gate = v1::Gate::new("front", v1::GateSpec { host_and_port: "example.com:8443".into() });
    gate.metadata.labels = Some(BTreeMap::from([("a".into(), "b".into())]));
    env.eventually("the new version is served", async || old.create(&PostParams::default(), &gate).await.ok()).await;
    let converted = env
        .eventually("conversion by the webhook", async || {
            new.get("front").await.ok().filter(|gate| !gate.spec.host.is_empty())
        })
        .await;
    assert_eq!(converted.spec, GateSpec { host: "example.com".into(), port: 8443 });
    assert_eq!(converted.metadata.labels, gate.metadata.labels);
    let patch = Patch::Merge(json!({"spec": {"port": 9443}}));
    new.patch("front", &PatchParams::default(), &patch).await.unwrap();
    let items = old.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(items[0].spec.host_and_port, "example.com:9443");

    let bad = v1::Gate::new("bad", v1::GateSpec { host_and_port: "example.com:http".into() });
    let error = old.create(&PostParams::default(), &bad).await.unwrap_err();
    assert!(error.to_string().contains("spec.host_and_port: \"http\" is no port"), "{error}");

    operator.stop().await.unwrap();
    let conversion = definitions.get(&name).await.unwrap().spec.conversion.unwrap();
    assert_eq!(conversion.strategy, "None", "a stop takes the conversion back");
    definitions.delete(&name, &DeleteParams::default()).await.unwrap();
    env.stop().await;
}

#[test]
fn a_round_trip_that_loses_nothing_passes() {
    // A text without a port gets one, so only texts with one come back as they were.
    let gate = v1::Gate::new("a", v1::GateSpec { host_and_port: "a:1".into() });
    round_trip::check(&gate).unwrap();
    let error = round_trip::check_random::<v1::Gate, v1::GateSpec>(50, 7).unwrap_err();
    assert!(error.to_string().ends_with("which differs at /spec/host_and_port"), "{error}");
}
