//! Bundles that the Operator Lifecycle Manager installs and upgrades. The manager's part is played by `support::olm`; the registry
//! is one in process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

#[path = "support/olm.rs"]
mod manager;
#[path = "support/registry.rs"]
mod registry;
mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use kubewright::k8s_openapi::api::core::v1::{Namespace, Pod, Secret, ServiceAccount};
use kubewright::kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kubewright::kube::{Client, ResourceExt};
use kubewright::prelude::connect;
use kubewright_image::{Files, pack};
use kubewright_real::{ImageRegistry, ImageRegistryOptions};
use manager::{Manager, api, kinds, make};
use registry::Registry;
use serde_json::{Value, json};
use support::{Scratch, Up, kubewright, run, stderr, stdout};

const MANIFESTS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: site-operator, namespace: site-system}
spec:
  selector: {matchLabels: {app: site}}
  template:
    metadata: {labels: {app: site}}
    spec:
      serviceAccountName: site-operator
      containers: [{name: manager, image: "registry.example.com/site:0.1.0"}]
---
apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: site.v0.0.0}
spec:
  displayName: Site
  installModes:
  - {type: OwnNamespace, supported: true}
  - {type: SingleNamespace, supported: true}
  - {type: MultiNamespace, supported: false}
  - {type: AllNamespaces, supported: false}
"#;

/// A cluster with the manager's kinds, and a registry.
struct World {
    // Before its folder.
    _up: Up,
    scratch: Scratch,
    client: Client,
    registry: Registry,
}

impl World {
    async fn start() -> Self {
        let scratch = Scratch::new();
        let up = Up::start(&scratch, &["--operators", "none", "--nodes", "1"]);
        let client = connect(Some(&up.kubeconfig), None).await.unwrap();
        fs::create_dir(scratch.path("deploy")).unwrap();
        fs::write(scratch.path("deploy/all.yaml"), MANIFESTS).unwrap();
        let world = Self { _up: up, scratch, client, registry: Registry::start() };
        world.account("default").await;
        world
    }

    /// Waits for the ServiceAccount that each namespace gets, as Pods need it.
    async fn account(&self, namespace: &str) {
        let accounts = Api::<ServiceAccount>::namespaced(self.client.clone(), namespace);
        support::eventually("the ServiceAccount", async || accounts.get_opt("default").await.unwrap().is_some()).await;
    }

    async fn namespace(&self, name: &str) {
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        self.account(name).await;
    }

    /// The image of a bundle of this version.
    fn bundle(&self, version: &str) -> String {
        let folder = format!("bundle-{version}");
        let generate =
            ["bundle", "generate", "--input-dir", "deploy", "--package", "site", "--version", version, "--output-dir"];
        let layout = format!("image-{version}");
        let build = ["bundle", "build", folder.as_str(), "--out", layout.as_str()];
        for args in [[&generate[..], &[folder.as_str()][..]].concat(), build.to_vec()] {
            let output = run(&args, &self.scratch);
            assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
        }
        self.registry.put(&self.scratch.path(&layout), &format!("team/site-bundle:v{version}"))
    }

    /// Runs to the end, beside what else the test does.
    async fn kubewright(&self, args: &[&str]) -> Output {
        let mut command = kubewright();
        command.args(args).args(["--kubeconfig", "kubeconfig"]).current_dir(self.scratch.path(""));
        // Nobody's configuration of Docker gets into a test.
        command.env("DOCKER_CONFIG", self.scratch.path("docker"));
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn good(&self, args: &[&str]) -> String {
        let output = self.kubewright(args).await;
        assert!(output.status.success(), "{args:?}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    async fn bad(&self, args: &[&str]) -> String {
        let output = self.kubewright(args).await;
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}{}", stdout(&output), stderr(&output));
        stderr(&output)
    }

    async fn get(&self, namespace: &str, version: &str, kind: &str, name: &str) -> Option<Value> {
        let found = api(&self.client, namespace, version, kind).get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    async fn pods(&self, namespace: &str) -> Vec<Pod> {
        Api::namespaced(self.client.clone(), namespace).list(&ListParams::default()).await.unwrap().items
    }
}

fn in_order(told: &str, lines: &[&str]) {
    let mut from = 0;
    for line in lines {
        let at = told[from..].find(line).unwrap_or_else(|| panic!("{line:?} in this place of {told}"));
        from += at + line.len();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_installed_upgraded_and_cleaned_up() {
    let world = World::start().await;
    let (first, second, third) = (world.bundle("0.1.0"), world.bundle("0.2.0"), world.bundle("0.3.0"));
    let none = world.bad(&["run", "bundle", &first, "-n", "default"]).await;
    assert!(none.contains("the cluster has no Operator Lifecycle Manager"), "{none}");

    kinds(&world.client).await;
    let _manager = Manager::start(&world.client, "default");
    let absent = world.bad(&["run", "bundle-upgrade", &first, "-n", "default"]).await;
    assert!(absent.contains("package site is not installed in namespace default"), "{absent}");
    let told = world.good(&["run", "bundle", &first, "-n", "default"]).await;
    in_order(
        &told,
        &[
            &format!("pulled {first}: site.v0.1.0 of package site"),
            "created catalogsource/site-catalog",
            "applied configmap/site-catalog-configmap-partition-1",
            "created pod/",
            ": Running",
            "catalogsource/site-catalog is served by pod/",
            "created operatorgroup/operator-sdk-og for default",
            "created subscription/site-v0-1-0-sub",
            "approved installplan/install-site-v0-1-0",
            "clusterserviceversion/site.v0.1.0: Succeeded",
        ],
    );
    let subscription = world.get("default", "v1alpha1", "Subscription", "site-v0-1-0-sub").await.unwrap();
    let wanted = json!({
        "name": "site", "channel": "operator-sdk-run-bundle", "startingCSV": "site.v0.1.0",
        "source": "site-catalog", "sourceNamespace": "default", "installPlanApproval": "Manual",
    });
    assert_eq!(subscription["spec"], wanted);
    let again = world.bad(&["run", "bundle", &second, "-n", "default"]).await;
    assert!(again.contains("subscription/site-v0-1-0-sub is there") && again.contains("bundle-upgrade"), "{again}");

    let before = world.pods("default").await;
    let told = world.good(&["run", "bundle-upgrade", &second, "-n", "default"]).await;
    in_order(
        &told,
        &[
            "created pod/",
            "catalogsource/site-catalog is served by pod/",
            &format!("deleted pod/{}", before[0].name_any()),
            "approved installplan/install-site-v0-2-0",
            "clusterserviceversion/site.v0.2.0: Succeeded",
        ],
    );
    let source = world.get("default", "v1alpha1", "CatalogSource", "site-catalog").await.unwrap();
    let annotations = &source["metadata"]["annotations"];
    let pods = world.pods("default").await;
    assert_eq!(pods.len(), 1);
    assert_eq!(annotations["operators.operatorframework.io/registry-pod-name"], pods[0].name_any());
    assert_eq!(annotations["operators.operatorframework.io/index-image"], "quay.io/operator-framework/opm:latest");
    let injected: Value =
        serde_json::from_str(annotations["operators.operatorframework.io/injected-bundles"].as_str().unwrap()).unwrap();
    assert_eq!(injected, json!([{"imageTag": first, "mode": "semver"}, {"imageTag": second, "mode": "semver"}]));

    // As after an upgrade that was broken off once its catalog was served.
    let told = world.good(&["run", "bundle-upgrade", &second, "-n", "default"]).await;
    assert!(told.contains("catalogsource/site-catalog has the bundle"), "{told}");
    let back = world.bad(&["run", "bundle-upgrade", &first, "-n", "default"]).await;
    assert!(back.contains("the bundle site.v0.1.0 is in the catalog already"), "{back}");
    world.good(&["run", "bundle-upgrade", &third, "-n", "default"]).await;

    let told = world.good(&["cleanup", "site", "-n", "default"]).await;
    in_order(
        &told,
        &[
            "deleted subscription/site-v0-1-0-sub",
            "deleted clusterserviceversion/site.v0.3.0",
            "deleted catalogsource/site-catalog",
            "deleted operatorgroup/operator-sdk-og",
        ],
    );
    support::eventually("the catalog's Pod goes with it", async || world.pods("default").await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_manager_says_is_told_when_it_does_not_get_on() {
    let world = World::start().await;
    kinds(&world.client).await;
    let image = world.bundle("0.1.0");
    let planned = json!({"installPlanRef": {"name": "plan"}});
    let failing = json!([{"type": "ResolutionFailed", "status": "True", "message": "no operators found"}]);
    let plan = |approved: bool, status: Value| json!({"spec": {"approved": approved, "clusterServiceVersionNames": ["site.v0.1.0"]}, "status": status});
    let complete = || plan(true, json!({"phase": "Complete"}));
    let missing = json!([{"kind": "ServiceAccount", "name": "site-operator", "status": "NotPresent"}]);
    for (namespace, subscription, plan, version, wanted) in [
        (
            "nothing",
            json!({}),
            None,
            None,
            vec!["has no InstallPlan after 0 s", "has said nothing: see whether it runs"],
        ),
        (
            "resolution",
            json!({"conditions": failing}),
            None,
            None,
            vec!["subscription/site-v0-1-0-sub has no InstallPlan after 0 s", "ResolutionFailed: no operators found"],
        ),
        (
            "other",
            planned.clone(),
            Some(json!({"spec": {"clusterServiceVersionNames": ["site.v0.0.1"]}})),
            None,
            vec!["has no InstallPlan after 0 s"],
        ),
        (
            "plan",
            planned.clone(),
            Some(plan(true, json!({"phase": "Failed", "conditions": [{"status": "False", "message": "no room"}]}))),
            None,
            vec!["installplan/plan has failed: Failed: no room;"],
        ),
        (
            "approval",
            planned.clone(),
            Some(plan(false, json!({"phase": "RequiresApproval"}))),
            None,
            vec!["clusterserviceversion/site.v0.1.0 is not there after 0 s; installplan/plan: RequiresApproval;"],
        ),
        (
            "waiting",
            planned.clone(),
            Some(complete()),
            Some(json!({"phase": "Pending", "message": "not all met", "requirementStatus": missing})),
            vec![
                "clusterserviceversion/site.v0.1.0 has not succeeded after 0 s",
                "clusterserviceversion/site.v0.1.0: Pending: not all met",
                "ServiceAccount site-operator: NotPresent",
            ],
        ),
        (
            "failed",
            planned.clone(),
            Some(complete()),
            Some(json!({"phase": "Failed", "message": "no such thing"})),
            vec![
                "clusterserviceversion/site.v0.1.0 has not succeeded after 0 s",
                "clusterserviceversion/site.v0.1.0: Failed: no such thing",
            ],
        ),
    ] {
        world.namespace(namespace).await;
        // As it is after a catalog with the bundle is served, so that there is nothing more to do than to wait.
        let injected = json!([{"imageTag": image, "mode": "semver"}]).to_string();
        let source = json!({"spec": {"sourceType": "grpc", "address": "10.0.0.1:50051"}});
        make(&world.client, namespace, "v1alpha1", "CatalogSource", "site-catalog", source).await;
        let annotations = json!({"operators.operatorframework.io/injected-bundles": injected});
        let annotate = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
        let sources = api(&world.client, namespace, "v1alpha1", "CatalogSource");
        sources.patch("site-catalog", &PatchParams::default(), &annotate).await.unwrap();
        let spec = json!({"name": "site", "source": "site-catalog", "sourceNamespace": namespace});
        let subscribed = json!({"spec": spec, "status": subscription});
        make(&world.client, namespace, "v1alpha1", "Subscription", "site-v0-1-0-sub", subscribed).await;
        if let Some(plan) = plan {
            make(&world.client, namespace, "v1alpha1", "InstallPlan", "plan", plan).await;
        }
        if let Some(status) = version {
            let version = json!({"spec": {}, "status": status});
            make(&world.client, namespace, "v1alpha1", "ClusterServiceVersion", "site.v0.1.0", version).await;
        }
        let told = world.bad(&["run", "bundle-upgrade", &image, "-n", namespace, "--timeout", "0s"]).await;
        for line in wanted {
            assert!(told.contains(line), "{line:?} in {told}");
        }
        assert!(told.contains("kubewright cleanup site takes it away"), "{told}");
    }
    let approved = world.get("approval", "v1alpha1", "InstallPlan", "plan").await.unwrap();
    assert_eq!(approved["spec"]["approved"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_installed_leaves_the_namespace_as_it_was() {
    let world = World::start().await;
    kinds(&world.client).await;
    let image = world.bundle("0.1.0");
    for (more, told) in [
        (
            vec!["--install-mode", "AllNamespaces"],
            "it does not support the install mode AllNamespaces, but OwnNamespace",
        ),
        (vec!["--install-mode", "SingleNamespace=default"], "its own namespace default is OwnNamespace"),
        (vec!["--pull-secret-name", "gone"], "secret/gone: it is not in namespace default"),
        (vec!["--ca-secret-name", "empty"], "secret/empty: it has no key cert.pem"),
    ] {
        if more.contains(&"empty") {
            let secret: Secret = serde_json::from_value(json!({"metadata": {"name": "empty"}})).unwrap();
            Api::namespaced(world.client.clone(), "default").create(&PostParams::default(), &secret).await.unwrap();
        }
        let error = world.bad(&[&["run", "bundle", image.as_str(), "-n", "default"][..], &more].concat()).await;
        assert!(error.contains(told), "{error}");
    }
    let missing = world.bad(&["run", "bundle", &image.replace("v0.1.0", "v9"), "-n", "default"]).await;
    assert!(missing.contains("404"), "{missing}");
    make(&world.client, "default", "v1", "OperatorGroup", "theirs", json!({"spec": {"targetNamespaces": ["a"]}})).await;
    let group = world.bad(&["run", "bundle", &image, "-n", "default", "--install-mode", "OwnNamespace"]).await;
    assert!(group.contains("operatorgroup/theirs is for a, not for default"), "{group}");
    make(&world.client, "default", "v1", "OperatorGroup", "more", json!({"spec": {}})).await;
    let groups = world.bad(&["run", "bundle", &image, "-n", "default"]).await;
    assert!(groups.contains("has 2 OperatorGroups, more, theirs"), "{groups}");
    let sources =
        api(&world.client, "default", "v1alpha1", "CatalogSource").list(&ListParams::default()).await.unwrap();
    assert!(sources.items.is_empty() && world.pods("default").await.is_empty(), "nothing is made");
}

/// An image with these files and labels, as a layout.
fn image(scratch: &Scratch, name: &str, files: &[(&str, &str)], labels: &[(&str, &str)]) -> PathBuf {
    let layout = scratch.path(name);
    let files = Files {
        files: files.iter().map(|(path, text)| (path.to_string(), text.as_bytes().to_vec())).collect(),
        labels: labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        architecture: "amd64".into(),
        reference: format!("registry.example.com/{name}:1"),
    };
    pack(&files, &layout).unwrap();
    layout
}

const INDEX: &str = "---
schema: olm.package
name: site
defaultChannel: stable
---
schema: olm.channel
package: site
name: stable
entries: [{name: site.v0.0.1}]
---
schema: olm.bundle
package: site
name: site.v0.0.1
image: registry.example.com/site-bundle:v0.0.1
properties: [{type: olm.package, value: {packageName: site, version: 0.0.1}}]
";

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_of_a_catalog_is_upgraded_in_its_channel() {
    let world = World::start().await;
    kinds(&world.client).await;
    let new = world.bundle("0.1.0");
    let label = [("operators.operatorframework.io.index.configs.v1", "/configs")];
    let layout = image(&world.scratch, "index", &[("configs/site/index.yaml", INDEX), ("other", "a: 1")], &label);
    let index = world.registry.put(&layout, "team/index:1");
    // As if somebody had subscribed to a catalog of many operators.
    let source = json!({"spec": {"sourceType": "grpc", "image": index}});
    make(&world.client, "default", "v1alpha1", "CatalogSource", "catalog", source).await;
    make(&world.client, "default", "v1", "OperatorGroup", "group", json!({"spec": {}})).await;
    let subscription = json!({
        "spec": {
            "name": "site", "channel": "stable", "source": "catalog", "sourceNamespace": "default",
            "installPlanApproval": "Manual",
        },
        "status": {"installedCSV": "site.v0.0.1", "currentCSV": "site.v0.0.1"},
    });
    make(&world.client, "default", "v1alpha1", "Subscription", "site", subscription).await;
    let _manager = Manager::start(&world.client, "default");
    let told = world.good(&["run", "bundle-upgrade", &new, "-n", "default"]).await;
    in_order(&told, &[&format!("pulled {index}: 3 blobs"), "clusterserviceversion/site.v0.1.0: Succeeded"]);
    let source = world.get("default", "v1alpha1", "CatalogSource", "catalog").await.unwrap();
    assert!(source["spec"]["image"].is_null(), "the Pod serves it now: {source}");
    assert_eq!(source["metadata"]["annotations"]["operators.operatorframework.io/index-image"], index);
    let pod = serde_json::to_value(&world.pods("default").await[0]).unwrap();
    assert_eq!(pod["spec"]["containers"][0]["image"], index);

    let old = [("operators.operatorframework.io.index.database.v1", "/database/index.db")];
    let old = world.registry.put(&image(&world.scratch, "old", &[("a", "b")], &old), "team/old:1");
    world.namespace("more").await;
    let error = world.bad(&["run", "bundle", &new, "-n", "more", "--index-image", &old]).await;
    assert!(error.contains("it is a database in SQLite"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_served_in_a_namespace_that_is_held_to_the_restricted_standard() {
    let world = World::start().await;
    kinds(&world.client).await;
    let image = world.bundle("0.1.0");
    let opm = world.registry.put(&self::image(&world.scratch, "opm", &[("bin/opm", "")], &[]), "mirror/opm:1");
    world.namespace("strict").await;
    let label = Patch::Merge(json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}));
    let namespaces = Api::<Namespace>::all(world.client.clone());
    namespaces.patch("strict", &PatchParams::default(), &label).await.unwrap();
    let _manager = Manager::start(&world.client, "strict");
    let args = ["run", "bundle", image.as_str(), "-n", "strict", "--index-image", opm.as_str()];
    let more = [
        "--install-mode",
        "OwnNamespace",
        "--image-pull-policy",
        "IfNotPresent",
        "--service-account",
        "default",
        "--decompression-image",
        "unpack:1",
    ];
    let refused = world.bad(&[&args[..], &more[..]].concat()).await;
    assert!(refused.contains("violates PodSecurity"), "{refused}");
    world.good(&["cleanup", "site", "-n", "strict"]).await;
    world.good(&[&args[..], &more[..], &["--security-context-config", "restricted"][..]].concat()).await;
    let pod = serde_json::to_value(&world.pods("strict").await[0]).unwrap();
    assert_eq!(pod["spec"]["serviceAccountName"], "default");
    assert_eq!(pod["spec"]["containers"][0]["image"], opm);
    assert_eq!(pod["spec"]["containers"][0]["imagePullPolicy"], "IfNotPresent");
    assert_eq!(pod["spec"]["initContainers"][0]["image"], "unpack:1");
}

/// Part of the real tier: the CNCF's distribution is built.
#[tokio::test(flavor = "multi_thread")]
async fn the_authorities_of_a_registry_come_out_of_a_secret() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let world = World::start().await;
    kinds(&world.client).await;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_string()]).unwrap();
    let tls = Some((made.cert.pem(), made.signing_key.serialize_pem()));
    let start = move || ImageRegistry::start(ImageRegistryOptions { tls, ..ImageRegistryOptions::default() }).unwrap();
    let registry = tokio::task::spawn_blocking(start).await.unwrap();
    world.bundle("0.1.0");
    let name = format!("{}/team/site-bundle:v0.1.0", registry.address());
    let push = ["bundle", "build", "bundle-0.1.0", "--tag", &name, "--push"];
    let untrusted = run(&push, &world.scratch);
    assert!(stderr(&untrusted).contains("invalid peer certificate"), "{}", stderr(&untrusted));
    let any = run(&[&push[..], &["--skip-tls-verify"]].concat(), &world.scratch);
    assert!(any.status.success(), "{}", stderr(&any));

    let args = ["run", "bundle", &name, "-n", "default", "--ca-secret-name", "ca"];
    let secret = |text: &str| json!({"metadata": {"name": "ca"}, "stringData": {"cert.pem": text}});
    let secrets = Api::<Secret>::namespaced(world.client.clone(), "default");
    let broken: Secret = serde_json::from_value(secret("no certificate")).unwrap();
    secrets.create(&PostParams::default(), &broken).await.unwrap();
    let refused = world.bad(&args).await;
    assert!(refused.contains("there is no certificate in them"), "{refused}");
    secrets.patch("ca", &PatchParams::default(), &Patch::Merge(secret(&made.cert.pem()))).await.unwrap();
    let _manager = Manager::start(&world.client, "default");
    let told = world.good(&args).await;
    assert!(told.contains("clusterserviceversion/site.v0.1.0: Succeeded"), "{told}");
}
