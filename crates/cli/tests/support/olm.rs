//! The part of the Operator Lifecycle Manager, played in the test's process: what it is documented to do with a CatalogSource, an
//! OperatorGroup and a Subscription. Its definitions take every field.

// Each test binary uses its own part of this.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use kubewright::k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kubewright::kube::core::GroupVersionKind;
use kubewright::kube::{Client, Error, ResourceExt};
use serde_json::{Value, json};

/// A definition of the manager's, of ClusterServiceVersions.
pub const DEFINITION: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: clusterserviceversions.operators.coreos.com}
spec:
  group: operators.coreos.com
  names: {kind: ClusterServiceVersion, listKind: ClusterServiceVersionList, plural: clusterserviceversions, singular: clusterserviceversion}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"#;

/// Makes the kinds of the manager that an installed operator consists of, and waits until they are served.
pub async fn kinds(client: &Client) {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    for (kind, version) in [
        ("ClusterServiceVersion", "v1alpha1"),
        ("Subscription", "v1alpha1"),
        ("CatalogSource", "v1alpha1"),
        ("InstallPlan", "v1alpha1"),
        ("OperatorGroup", "v1"),
    ] {
        let text = DEFINITION
            .replace("ClusterServiceVersion", kind)
            .replace("clusterserviceversion", &kind.to_lowercase())
            .replace("v1alpha1", version);
        let definition: CustomResourceDefinition = serde_saphyr::from_str(&text).unwrap();
        api.create(&Default::default(), &definition).await.unwrap();
        let resource = resource(version, kind);
        let objects = Api::<DynamicObject>::all_with(client.clone(), &resource);
        while objects.list(&ListParams::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn resource(version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("operators.coreos.com", version, kind))
}

pub fn api(client: &Client, namespace: &str, version: &str, kind: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &resource(version, kind))
}

/// Makes an object.
pub async fn make(client: &Client, namespace: &str, version: &str, kind: &str, name: &str, rest: Value) {
    let made = DynamicObject::new(name, &resource(version, kind)).data(rest);
    api(client, namespace, version, kind).create(&Default::default(), &made).await.unwrap();
}

/// Plays the manager in a namespace until it is dropped.
pub struct Manager(tokio::task::JoinHandle<()>);

impl Manager {
    pub fn start(client: &Client, namespace: &str) -> Self {
        let part = Part { client: client.clone(), namespace: namespace.into() };
        Self(tokio::spawn(async move {
            loop {
                part.plan().await;
                part.carry_out().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }))
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Part {
    client: Client,
    namespace: String,
}

impl Part {
    fn api(&self, kind: &str) -> Api<DynamicObject> {
        api(&self.client, &self.namespace, "v1alpha1", kind)
    }

    async fn all(&self, kind: &str) -> Vec<DynamicObject> {
        self.api(kind).list(&ListParams::default()).await.unwrap().items
    }

    async fn set(&self, kind: &str, name: &str, status: Value) {
        let patch = Patch::Merge(json!({"status": status}));
        match self.api(kind).patch(name, &PatchParams::default(), &patch).await {
            Ok(_) => {}
            // Somebody cleans up.
            Err(Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{kind} {name}: {error}"),
        }
    }

    /// Each Subscription gets a plan for the bundle that comes next.
    async fn plan(&self) {
        for subscription in self.all("Subscription").await {
            let name = subscription.name_any();
            let spec = &subscription.data["spec"];
            let Some(blobs) = self.served(spec["source"].as_str().unwrap()).await else { continue };
            let channel = blobs.iter().find(|blob| {
                blob["schema"] == "olm.channel" && blob["package"] == spec["name"] && blob["name"] == spec["channel"]
            });
            let entries = channel.unwrap()["entries"].as_array().unwrap();
            let status = &subscription.data["status"];
            let next = match status["installedCSV"].as_str() {
                None => entries.iter().find(|entry| entry["name"] == spec["startingCSV"]),
                Some(installed) => entries.iter().find(|entry| entry["replaces"] == installed),
            };
            let Some(next) = next.map(|entry| entry["name"].as_str().unwrap().to_string()) else { continue };
            if status["currentCSV"] == next {
                continue;
            }
            assert_eq!(spec["installPlanApproval"], "Manual");
            let plan = format!("install-{}", next.replace('.', "-"));
            let planned = json!({
                "spec": {"approval": "Manual", "approved": false, "clusterServiceVersionNames": [next]},
                "status": {"phase": "RequiresApproval"},
            });
            make(&self.client, &self.namespace, "v1alpha1", "InstallPlan", &plan, planned).await;
            let status = json!({"currentCSV": next, "installPlanRef": {"name": plan}, "state": "UpgradePending"});
            self.set("Subscription", &name, status).await;
        }
    }

    /// What opm serves by the Pod that a CatalogSource names.
    async fn served(&self, source: &str) -> Option<Vec<Value>> {
        let source = self.api("CatalogSource").get_opt(source).await.unwrap()?;
        let address = source.data["spec"]["address"].as_str()?;
        let (host, port) = address.rsplit_once(':').unwrap();
        assert_eq!((source.data["spec"]["sourceType"].as_str(), port), (Some("grpc"), "50051"));
        let pods = Api::<Pod>::namespaced(self.client.clone(), &self.namespace);
        let pods = pods.list(&ListParams::default()).await.unwrap().items;
        let at = |pod: &&Pod| pod.status.as_ref().is_some_and(|status| status.pod_ip.as_deref() == Some(host));
        // A catalog that is no longer served is not asked.
        let pod = serde_json::to_value(pods.iter().find(at)?).unwrap();
        let spec = &pod["spec"];
        let folder = spec["containers"][0]["command"][2].as_str().unwrap();
        assert_eq!(spec["containers"][0]["command"], json!(["opm", "serve", folder, "-p", "50051"]));
        assert_eq!(spec["containers"][0]["volumeMounts"][0]["mountPath"], folder);
        assert!(spec["initContainers"][0]["command"][2].as_str().unwrap().contains(folder), "{spec}");
        let maps = Api::<ConfigMap>::namespaced(self.client.clone(), &self.namespace);
        let mut blobs = Vec::new();
        for mounted in spec["volumes"][0]["projected"]["sources"].as_array().unwrap() {
            let map = maps.get(mounted["configMap"]["name"].as_str().unwrap()).await.unwrap();
            assert_eq!(map.owner_references()[0].name, source.name_any());
            let key = mounted["configMap"]["items"][0]["key"].as_str().unwrap();
            let packed = &map.binary_data.as_ref().unwrap()[key].0;
            let mut text = String::new();
            MultiGzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
            blobs.extend(serde_json::Deserializer::from_str(&text).into_iter::<Value>().map(Result::unwrap));
        }
        self.set("CatalogSource", &source.name_any(), json!({"connectionState": {"lastObservedState": "READY"}})).await;
        Some(blobs)
    }

    /// Each plan that is approved is carried out.
    async fn carry_out(&self) {
        for plan in self.all("InstallPlan").await {
            let name = plan.name_any();
            if plan.data["spec"]["approved"] != true || plan.data["status"]["phase"] != "RequiresApproval" {
                continue;
            }
            let version = plan.data["spec"]["clusterServiceVersionNames"][0].as_str().unwrap();
            let subscriptions = self.all("Subscription").await;
            let of_plan = |one: &&DynamicObject| one.data["status"]["installPlanRef"]["name"] == *name;
            let Some(subscription) = subscriptions.iter().find(of_plan) else { continue };
            let source = subscription.data["spec"]["source"].as_str().unwrap();
            let Some(blobs) = self.served(source).await else { continue };
            let bundle = blobs.iter().find(|blob| blob["schema"] == "olm.bundle" && blob["name"] == version).unwrap();
            for property in bundle["properties"].as_array().unwrap() {
                if property["type"] != "olm.bundle.object" {
                    continue;
                }
                let data = STANDARD.decode(property["value"]["data"].as_str().unwrap()).unwrap();
                self.create(serde_json::from_slice(&data).unwrap()).await;
            }
            self.set("InstallPlan", &name, json!({"phase": "Complete"})).await;
            let replaced = subscription.data["status"]["installedCSV"].as_str();
            if let Some(replaced) = replaced {
                let _ = self.api("ClusterServiceVersion").delete(replaced, &Default::default()).await;
            }
            let status = json!({"installedCSV": version, "state": "AtLatestKnown"});
            self.set("Subscription", &subscription.name_any(), status).await;
        }
    }

    async fn create(&self, object: Value) {
        let name = object["metadata"]["name"].as_str().unwrap().to_string();
        if object["kind"] == "CustomResourceDefinition" {
            let api = Api::<CustomResourceDefinition>::all(self.client.clone());
            api.patch(&name, &PatchParams::apply("olm").force(), &Patch::Apply(&object)).await.unwrap();
            return;
        }
        assert_eq!(object["kind"], "ClusterServiceVersion");
        let groups = api(&self.client, &self.namespace, "v1", "OperatorGroup").list(&ListParams::default()).await;
        assert_eq!(groups.unwrap().items.len(), 1, "the manager installs nothing without a group");
        let made: DynamicObject = serde_json::from_value(object).unwrap();
        self.api("ClusterServiceVersion").create(&Default::default(), &made).await.unwrap();
        let status = json!({"phase": "Succeeded", "message": "install strategy completed with no errors"});
        self.set("ClusterServiceVersion", &name, status).await;
    }
}
