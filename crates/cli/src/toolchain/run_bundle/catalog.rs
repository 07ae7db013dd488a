//! The catalog in the cluster: ConfigMaps with its files, the Pod that serves them, the CatalogSource that names the Pod.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubewright::k8s_openapi::api::core::v1::{ConfigMap, ContainerStatus, Pod};
use kubewright::kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kubewright::kube::{self, ResourceExt};
use kubewright_bundle::Catalog;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::args::{OPM, SecurityContext};
use super::{RunBundleError, Runner, label};
use crate::toolchain::deploy::MANAGER;
use crate::toolchain::olm::{LOOK, api, object, refused};

/// Annotations of a CatalogSource: the index image, the bundles that were added to it, the Pod that serves them.
const INDEX_IMAGE: &str = "operators.operatorframework.io/index-image";
const INJECTED: &str = "operators.operatorframework.io/injected-bundles";
const POD: &str = "operators.operatorframework.io/registry-pod-name";
/// The most that a ConfigMap may hold, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// The key of the files in ConfigMaps.
const KEY: &str = "extraFBC";
const PORT: u16 = 50051;
/// The group of the API of a kind of cluster that says itself as whom Pods run.
const OPENSHIFT: &str = "security.openshift.io";
/// Whom others run restricted Pods as.
const USER: u32 = 1001;
/// The most characters of a DNS label.
const LABEL: usize = 63;

/// A bundle that was added to a catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Injected {
    #[serde(rename = "imageTag")]
    pub(super) image: String,
    /// How it was added; file-based catalogs have one way, and operator-sdk writes it all the same.
    mode: String,
}

impl Injected {
    pub(super) fn new(image: &str, index_image: &str) -> Self {
        let mode = if index_image == OPM { "semver" } else { "replaces" };
        Self { image: image.into(), mode: mode.into() }
    }
}

/// The index image of a catalog and the bundles that were added to it; of one that nothing was added to, its own image.
pub(super) fn annotated(source: &DynamicObject) -> Result<(String, Vec<Injected>), RunBundleError> {
    let failed = |cause: String| RunBundleError::Source { name: source.name_any(), cause };
    let annotation = |key: &str| source.annotations().get(key).filter(|value| !value.is_empty());
    if let Some(text) = annotation(INJECTED) {
        let injected: Vec<Injected> = serde_json::from_str(text)
            .map_err(|error| failed(format!("its annotation {INJECTED} is no list of bundles: {error}")))?;
        let index = annotation(INDEX_IMAGE).map_or(OPM, String::as_str);
        return Ok((index.into(), injected));
    }
    match source.data["spec"]["image"].as_str().filter(|image| !image.is_empty()) {
        Some(image) => Ok((image.into(), Vec::new())),
        None => Err(failed("it has neither an image nor bundles that were added to it".into())),
    }
}

impl Runner<'_> {
    /// Makes the CatalogSource, which owns what comes after it.
    pub(super) async fn create_source(&self) -> Result<DynamicObject, RunBundleError> {
        let name = format!("{}-catalog", self.package);
        let shown = format!("catalogsource/{name}");
        let mut spec = json!({
            "sourceType": "grpc",
            "displayName": self.package,
            "publisher": MANAGER,
            "grpcPodConfig": {"securityContextConfig": self.args.security_context_config.name()},
        });
        if let Some(secret) = &self.args.pull_secret_name {
            spec["secrets"] = json!([secret]);
        }
        let source = object("v1alpha1", "CatalogSource", &name, &spec);
        match self.olm("v1alpha1", "CatalogSource").create(&params(), &source).await {
            Ok(made) => {
                println!("created {shown}");
                Ok(made)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Err(self.there(shown)),
            Err(error) => Err(refused(&shown, error).into()),
        }
    }

    /// The CatalogSource that a Subscription is about.
    pub(super) async fn source_of(&self, subscription: &DynamicObject) -> Result<DynamicObject, RunBundleError> {
        let spec = &subscription.data["spec"];
        let name = spec["source"].as_str().unwrap_or_default();
        let namespace = spec["sourceNamespace"].as_str().unwrap_or(&self.namespace);
        let found = api(&self.client, namespace, "v1alpha1", "CatalogSource").get_opt(name).await;
        let found = found.map_err(|error| refused(&format!("catalogsource/{name}"), error))?;
        found.ok_or_else(|| RunBundleError::Source {
            name: name.into(),
            cause: format!("subscription/{} names it, and it is not in namespace {namespace}", subscription.name_any()),
        })
    }

    /// Serves a catalog by a new Pod, has the CatalogSource name it, and removes the Pod that was.
    pub(super) async fn serve(
        &mut self,
        source: &DynamicObject,
        catalog: &Catalog,
        index_image: &str,
        injected: &[Injected],
    ) -> Result<(), RunBundleError> {
        // That of the catalog: what it owns must be there too.
        let namespace = source.namespace().unwrap_or_else(|| self.namespace.clone());
        let owner = json!([{
            "apiVersion": "operators.coreos.com/v1alpha1",
            "kind": "CatalogSource",
            "name": source.name_any(),
            "uid": source.uid().unwrap_or_default(),
        }]);
        let maps = self.write_files(source, catalog, &namespace, &owner).await?;
        let image = injected.last().map(|last| last.image.as_str()).unwrap_or_default();
        let pod = self.pod(source, &maps, index_image, image).await?;
        let pod = self.run_pod(pod, &namespace, &owner).await?;

        let name = source.name_any();
        let shown = format!("catalogsource/{name}");
        let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).unwrap_or_default();
        let host = if address.contains(':') { format!("[{address}]") } else { address };
        let mut spec = json!({"sourceType": "grpc", "address": format!("{host}:{PORT}"), "image": null});
        if let Some(secret) = &self.args.pull_secret_name {
            let mut secrets = source.data["spec"]["secrets"].as_array().cloned().unwrap_or_default();
            if !secrets.iter().any(|there| there == secret) {
                secrets.push(secret.as_str().into());
            }
            spec["secrets"] = secrets.into();
        }
        let annotations = json!({
            INDEX_IMAGE: index_image,
            INJECTED: serde_json::to_string(injected).unwrap_or_default(),
            POD: pod.name_any(),
        });
        let patch = json!({"metadata": {"annotations": annotations}, "spec": spec});
        let sources = api(&self.client, &namespace, "v1alpha1", "CatalogSource");
        let patched = sources.patch(&name, &patch_params(), &Patch::Merge(&patch)).await;
        patched.map_err(|error| refused(&shown, error))?;
        println!("{shown} is served by pod/{}", pod.name_any());
        match source.annotations().get(POD).filter(|before| **before != pod.name_any()) {
            Some(before) => self.remove_pod(before, &namespace).await,
            None => Ok(()),
        }
    }

    /// Writes the files of the catalog into ConfigMaps, and tells their names.
    async fn write_files(
        &self,
        source: &DynamicObject,
        catalog: &Catalog,
        namespace: &str,
        owner: &Value,
    ) -> Result<Vec<String>, RunBundleError> {
        let api = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
        let mut names = Vec::new();
        for (number, part) in catalog.packed(MOST_BYTES)?.into_iter().enumerate() {
            let name = format!("{}-configmap-partition-{}", source.name_any(), number + 1);
            let map = json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": name,
                    "annotations": {"olm.contentEncoding": "gzip+base64"},
                    "ownerReferences": owner,
                },
                "binaryData": {KEY: STANDARD.encode(part)},
            });
            let applied = api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&map)).await;
            applied.map_err(|error| refused(&format!("configmap/{name}"), error))?;
            println!("applied configmap/{name}");
            names.push(name);
        }
        Ok(names)
    }

    /// The Pod that unpacks the files and serves them.
    async fn pod(
        &self,
        source: &DynamicObject,
        maps: &[String],
        index_image: &str,
        bundle_image: &str,
    ) -> Result<Value, RunBundleError> {
        let folder = format!("/{}-configs", source.name_any());
        let files = |name: &String| {
            let file = json!([{"key": KEY, "path": format!("{name}.json.gz")}]);
            json!({"configMap": {"name": name, "items": file}})
        };
        let unpack = format!(
            "set -e; for file in /compressed/*.gz; do name=${{file##*/}}; gzip -d -c < \"$file\" > \"{folder}/${{name%.gz}}\"; \
             done"
        );
        let mut pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": pod_name(bundle_image)},
            "spec": {
                "volumes": [
                    {"name": "compressed", "projected": {"sources": maps.iter().map(files).collect::<Vec<_>>()}},
                    {"name": "configs", "emptyDir": {}},
                ],
                "initContainers": [{
                    "name": "registry-grpc-init",
                    "image": self.args.decompression_image,
                    "command": ["sh", "-c", unpack],
                    "volumeMounts": [
                        {"name": "compressed", "mountPath": "/compressed"},
                        {"name": "configs", "mountPath": folder},
                    ],
                }],
                "containers": [{
                    "name": "registry-grpc",
                    "image": index_image,
                    "imagePullPolicy": self.args.image_pull_policy.name(),
                    "command": ["opm", "serve", folder, "-p", PORT.to_string()],
                    "ports": [{"name": "grpc", "containerPort": PORT}],
                    "volumeMounts": [{"name": "configs", "mountPath": folder}],
                }],
            },
        });
        if let Some(account) = &self.args.service_account {
            pod["spec"]["serviceAccountName"] = account.as_str().into();
        }
        if self.args.security_context_config == SecurityContext::Restricted {
            pod["spec"]["securityContext"] = json!({"seccompProfile": {"type": "RuntimeDefault"}});
            let groups = self.client.list_api_groups().await.map_err(|error| refused("the API's groups", error))?;
            // That cluster has users of its own for each namespace, and refuses others.
            if !groups.groups.iter().any(|group| group.name == OPENSHIFT) {
                pod["spec"]["securityContext"]["runAsNonRoot"] = true.into();
                pod["spec"]["securityContext"]["runAsUser"] = USER.into();
            }
            let nothing = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
            pod["spec"]["containers"][0]["securityContext"] = nothing.clone();
            pod["spec"]["initContainers"][0]["securityContext"] = nothing;
        }
        Ok(pod)
    }

    /// Creates the Pod and waits until it runs.
    async fn run_pod(&mut self, mut pod: Value, namespace: &str, owner: &Value) -> Result<Pod, RunBundleError> {
        pod["metadata"]["ownerReferences"] = owner.clone();
        let own = |error: serde_json::Error| self.failed(format!("the catalog's Pod can't be made: {error}"));
        let pod: Pod = serde_json::from_value(pod).map_err(own)?;
        let name = pod.name_any();
        let shown = format!("pod/{name}");
        let api = Api::<Pod>::namespaced(self.client.clone(), namespace);
        match api.create(&params(), &pod).await {
            Ok(_) => println!("created {shown}"),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                return Err(self.failed(format!(
                    "{shown} is there, from an earlier bundle of the same name: give each version of the bundle a tag of its \
                     own, or delete the Pod"
                )));
            }
            Err(error) => return Err(refused(&shown, error).into()),
        }
        loop {
            let pod = api.get(&name).await.map_err(|error| refused(&shown, error))?;
            let status = pod.status.as_ref();
            let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
            let addressed = status.is_some_and(|status| status.pod_ip.as_ref().is_some_and(|ip| !ip.is_empty()));
            let state = state(&pod, phase);
            self.tell(&shown, &state);
            match phase {
                "Running" if addressed => return Ok(pod),
                "Failed" | "Succeeded" => return Err(self.failed(format!("{shown} has ended: {state}"))),
                _ => {}
            }
            if Instant::now() >= self.deadline {
                return Err(self.late(format!("{shown} does not run"), vec![state]));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Removes a Pod and waits until it is gone, as the manager may still be connected to it.
    async fn remove_pod(&self, name: &str, namespace: &str) -> Result<(), RunBundleError> {
        let shown = format!("pod/{name}");
        let api = Api::<Pod>::namespaced(self.client.clone(), namespace);
        match api.delete(name, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(refused(&shown, error).into()),
        }
        while api.get_opt(name).await.map_err(|error| refused(&shown, error))?.is_some() {
            if Instant::now() >= self.deadline {
                return Err(self.late(format!("{shown} is still there"), vec!["its node may not answer".into()]));
            }
            tokio::time::sleep(LOOK).await;
        }
        println!("deleted {shown}");
        Ok(())
    }
}

/// The name of the Pod for a bundle, the end of it if it is too long.
fn pod_name(image: &str) -> String {
    let name = label(image);
    let from = name.len().saturating_sub(LABEL);
    name[from..].trim_matches('-').to_string()
}

/// The phase of a Pod, and why it gets no further.
fn state(pod: &Pod, phase: &str) -> String {
    let status = pod.status.clone().unwrap_or_default();
    let conditions = status.conditions.iter().flatten();
    let unscheduled = conditions
        .filter(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
        .filter_map(|condition| condition.message.clone());
    let containers = status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten());
    let parts: Vec<String> = unscheduled.chain(containers.filter_map(trouble)).chain(status.message.clone()).collect();
    if parts.is_empty() { phase.into() } else { format!("{phase}: {}", parts.join("; ")) }
}

/// Why a container does not run, if that is told.
fn trouble(status: &ContainerStatus) -> Option<String> {
    let state = status.state.as_ref()?;
    let (reason, message) = match (&state.waiting, &state.terminated) {
        (Some(waiting), _) => (waiting.reason.clone(), waiting.message.clone()),
        (_, Some(ended)) if ended.exit_code != 0 => {
            (ended.reason.clone(), ended.message.clone().or(Some(format!("exit code {}", ended.exit_code))))
        }
        _ => return None,
    };
    let reason = reason.filter(|reason| !["ContainerCreating", "PodInitializing"].contains(&reason.as_str()))?;
    Some(format!("{} {reason} {}", status.name, message.unwrap_or_default()).trim_end().into())
}

/// What is made is ours by this name.
pub(super) fn params() -> PostParams {
    PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() }
}

pub(super) fn patch_params() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() }
}
