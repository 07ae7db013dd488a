//! The project of operator-sdk's tutorial with the real helm: only in the real tier, as it takes Go to build it.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use kubewright::k8s_openapi::api::core::v1::{Namespace, Secret, Service, ServiceAccount};
use kubewright::k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kubewright::k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kubewright::kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kubewright::prelude::*;
use kubewright_helm::marks::{Marks, Owner};
use kubewright_helm::program::{Call, Place};
use kubewright_helm::{Helm as _, Program, Watch};
use kubewright_manifests::{ManifestOptions, chart};
use kubewright_operator_sdk::gateway::{Gateway, Token};
use kubewright_project::{HelmApiOptions, HelmInitOptions, create_helm_api, init_helm};
use kubewright_testing::TestEnv;
use serde_json::json;
use support::*;

/// The real helm; `None` outside of the real tier.
fn helm() -> Option<Program> {
    std::env::var_os("KUBEWRIGHT_REAL").map(|_| Program::new(kubewright_real::ensure_helm().unwrap()))
}

const NEVER: Duration = Duration::from_secs(3600);

async fn lives(env: TestEnv, helm: Program) {
    install_crd(&env).await;
    let (client, writes) = counting(env.client());
    let operator = start(&env, client, watches(), helm, Duration::from_millis(50)).await;
    create(&env, "sample", json!({}), json!({"replicaCount": 2, "memcached": {"maxItemMemory": 10_000_000}})).await;

    let notes = reason(&env, "sample", "Deployed", "InstallSuccessful").await;
    let service = format!("sample-memcached.{}.svc:11211", env.namespace());
    assert_eq!(notes.trim(), format!("memcached is reached at {service}"));
    let set = stateful_sets(&env).get("sample-memcached").await.unwrap();
    let owner = &set.owner_references()[0];
    assert_eq!((owner.kind.as_str(), owner.name.as_str()), ("Memcached", "sample"));
    assert_eq!(set.annotations()["meta.helm.sh/release-name"], "sample");
    let args = set.spec.unwrap().template.spec.unwrap().containers[0].args.clone();
    assert_eq!(args.unwrap(), ["-m", "10000000"], "a whole number stays one");
    let accounts = Api::<ServiceAccount>::namespaced(env.client(), env.namespace());
    assert_eq!(accounts.get("sample-memcached").await.unwrap().owner_references()[0].kind, "Memcached");

    // Nothing changes, nothing is written.
    env.eventually("nothing to write", async || {
        let (before, id) = (writes.load(std::sync::atomic::Ordering::SeqCst), operator.records().last()?.id);
        env.eventually("reconciles", async || (operator.records().last()?.id > id + 5).then_some(())).await;
        (writes.load(std::sync::atomic::Ordering::SeqCst) == before).then_some(())
    })
    .await;

    // Values change: upgrade.
    change(&env, "sample", json!({"spec": {"replicaCount": 4, "service": {"port": 11311}}})).await;
    reason(&env, "sample", "Deployed", "UpgradeSuccessful").await;
    let set = stateful_sets(&env).get("sample-memcached").await.unwrap();
    assert_eq!(set.spec.unwrap().replicas, Some(4));
    assert_eq!(set.metadata.owner_references.unwrap().len(), 1);
    let services = Api::<Service>::namespaced(env.client(), env.namespace());
    let ports = services.get("sample-memcached").await.unwrap().spec.unwrap().ports.unwrap();
    assert_eq!(ports.iter().map(|port| port.port).collect::<Vec<_>>(), [11311]);

    // Drift is put right.
    let scaled = json!({"spec": {"replicas": 1}});
    stateful_sets(&env).patch("sample-memcached", &PatchParams::default(), &Patch::Merge(&scaled)).await.unwrap();
    env.eventually("four replicas again", async || {
        (stateful_sets(&env).get("sample-memcached").await.unwrap().spec?.replicas == Some(4)).then_some(())
    })
    .await;

    // A chart that can't be rendered.
    change(&env, "sample", json!({"spec": {"pdb": {"minAvailable": null}}})).await;
    change(&env, "sample", json!({"spec": {"pdb": {"minAvailable": ""}}})).await;
    let message = reason(&env, "sample", "Irreconcilable", "ReconcileError").await;
    assert!(message.contains("memcached/templates/pdb.yaml:6:19") && message.contains("must be set"), "{message}");
    // Objects that the server refuses.
    change(&env, "sample", json!({"spec": {"pdb": {"minAvailable": "many"}}})).await;
    let message = reason(&env, "sample", "ReleaseFailed", "UpgradeError").await;
    assert!(message.contains("PodDisruptionBudget"), "{message}");
    assert_eq!(condition(&env, "sample", "Irreconcilable").await, None);
    change(&env, "sample", json!({"spec": {"pdb": {"minAvailable": 1}}})).await;
    env.eventually("no failure", async || condition(&env, "sample", "ReleaseFailed").await.is_none().then_some(()))
        .await;
    let budgets = Api::<PodDisruptionBudget>::namespaced(env.client(), env.namespace());
    let budget = budgets.get("sample-memcached").await.unwrap().spec.unwrap();
    assert_eq!(serde_json::to_value(budget.min_available).unwrap(), 1);

    memcacheds(&env).delete("sample", &DeleteParams::default()).await.unwrap();
    env.eventually("it is gone", async || memcacheds(&env).get_opt("sample").await.unwrap().is_none().then_some(()))
        .await;
    assert!(stateful_sets(&env).get_opt("sample-memcached").await.unwrap().is_none());
    let secrets = Api::<Secret>::namespaced(env.client(), env.namespace());
    let left = secrets.list(&ListParams::default().labels("owner=helm")).await.unwrap();
    assert!(left.items.is_empty(), "{left:?}");
    operator.stop().await.unwrap();
    let told = events(&env, "sample").await;
    for reason in ["UpgradeError", "ReconcileError", "Corrected"] {
        assert!(told.iter().any(|(found, _)| found == reason), "{reason}: {told:?}");
    }
    end(env).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_project_runs_on_the_embedded_control_plane() {
    let Some(helm) = helm() else { return };
    lives(TestEnv::embedded().await.unwrap(), helm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_project_runs_on_a_real_server() {
    let Some(helm) = helm() else { return };
    lives(TestEnv::start().await.unwrap(), helm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_install_leaves_nothing_behind() {
    let Some(helm) = helm() else { return };
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let operator = start(&env, env.client(), watches(), helm, NEVER).await;
    create(&env, "sample", json!({}), json!({"service": {"port": 1_000_000}})).await;
    let message = reason(&env, "sample", "ReleaseFailed", "InstallError").await;
    assert!(message.contains("Service") && message.contains("65535"), "{message}");
    memcacheds(&env).delete("sample", &DeleteParams::default()).await.unwrap();
    env.eventually("it is gone", async || memcacheds(&env).get_opt("sample").await.unwrap().is_none().then_some(()))
        .await;
    assert!(stateful_sets(&env).get_opt("sample-memcached").await.unwrap().is_none());
    operator.stop().await.unwrap();
    end(env).await;
}

#[tokio::test]
async fn templates_of_watches_yaml_are_rendered_by_helm() {
    let Some(helm) = helm() else { return };
    assert!(helm.version().await.unwrap().starts_with("v4."));
    assert_eq!(helm.render("{{ (\"registry/x:latest\" | split \":\")._1 }} \"q\"\n").await.unwrap(), "latest \"q\"\n");
    let error = helm.render("{{ nothing }}").await.unwrap_err().to_string();
    assert!(error.contains("nothing"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_whose_templates_are_not_steady_is_rendered_once_a_period() {
    let Some(helm) = helm() else { return };
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let dir = copy_of_the_chart();
    std::fs::write(
        dir.path().join("templates/extra.yaml"),
        concat!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\ndata:\n",
            "  first: {{ .Release.IsInstall | quote }}\n",
        ),
    )
    .unwrap();
    let watch = Watch { chart: dir.path().to_path_buf(), ..watches().remove(0) };
    let operator = start(&env, env.client(), vec![watch], helm, NEVER).await;
    create(&env, "sample", json!({}), json!({})).await;
    reason(&env, "sample", "Deployed", "InstallSuccessful").await;
    operator.idle().await;
    // The first dry run shows that an upgrade renders something else, as it does with operator-sdk.
    operator.restart().await.unwrap();
    reason(&env, "sample", "Deployed", "UpgradeSuccessful").await;
    operator.stop().await.unwrap();
    end(env).await;
}

/// The role that `create api` writes is enough, for a ServiceAccount that has nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_a_new_project_is_all_that_the_operator_needs() {
    let Some(helm) = helm() else { return };
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let dir = tempfile::tempdir().unwrap();
    let options = HelmInitOptions { domain: "example.com".into(), project_name: "memcached-operator".into() };
    init_helm(&options).unwrap().apply(dir.path(), false).unwrap();
    let chart = project().join("helm-charts/memcached");
    let api = HelmApiOptions {
        group: "cache".into(),
        version: "v1alpha1".into(),
        kind: "Memcached".into(),
        manifest: Some(helm.manifest(&chart).await.unwrap()),
        chart: Some(chart),
        ..HelmApiOptions::default()
    };
    create_helm_api(dir.path(), &api).unwrap().apply(dir.path(), false).unwrap();
    let text = std::fs::read_to_string(dir.path().join("config/rbac/role.yaml")).unwrap();
    let mut role: ClusterRole = serde_saphyr::from_str(&text).unwrap();
    let name = format!("{}-manager", env.namespace());
    role.metadata.name = Some(name.clone());
    Api::all(env.client()).create(&Default::default(), &role).await.unwrap();
    let binding: ClusterRoleBinding = serde_json::from_value(json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "controller-manager", "namespace": env.namespace()}],
    }))
    .unwrap();
    Api::all(env.client()).create(&Default::default(), &binding).await.unwrap();
    let user = format!("system:serviceaccount:{}:controller-manager", env.namespace());
    let client = env.user(&user, &[]).unwrap();
    let watches = Watch::load(&dir.path().join("watches.yaml"), |_| None).unwrap();
    let operator = start(&env, client, watches, helm, NEVER).await;
    create(&env, "sample", json!({}), json!({})).await;
    reason(&env, "sample", "Deployed", "InstallSuccessful").await;
    change(&env, "sample", json!({"spec": {"replicaCount": 1}})).await;
    reason(&env, "sample", "Deployed", "UpgradeSuccessful").await;
    let scaled = json!({"spec": {"replicas": 7}});
    stateful_sets(&env).patch("sample-memcached", &PatchParams::default(), &Patch::Merge(&scaled)).await.unwrap();
    env.eventually("one replica again", async || {
        (stateful_sets(&env).get("sample-memcached").await.unwrap().spec?.replicas == Some(1)).then_some(())
    })
    .await;
    assert_eq!(operator.ready().await, Ok(()));
    memcacheds(&env).delete("sample", &DeleteParams::default()).await.unwrap();
    env.eventually("it is gone", async || memcacheds(&env).get_opt("sample").await.unwrap().is_none().then_some(()))
        .await;
    operator.stop().await.unwrap();
    let told = events(&env, "sample").await;
    assert!(told.iter().any(|(reason, _)| reason == "Corrected"), "{told:?}");
    Api::<ClusterRoleBinding>::all(env.client()).delete(&name, &DeleteParams::default()).await.unwrap();
    Api::<ClusterRole>::all(env.client()).delete(&name, &DeleteParams::default()).await.unwrap();
    end(env).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_helm_was_torn_away_from_is_finished() {
    let Some(helm) = helm() else { return };
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let operator = start(&env, env.client(), watches(), helm, NEVER).await;
    let object = create(&env, "sample", json!({}), json!({"replicaCount": 2})).await;
    reason(&env, "sample", "Deployed", "InstallSuccessful").await;
    operator.stop().await.unwrap();
    // As a killed helm leaves it: some objects, and a revision that is pending.
    let pending = json!({"metadata": {"labels": {"status": "pending-install"}}});
    let secrets = Api::<Secret>::namespaced(env.client(), env.namespace());
    let name = "sh.helm.release.v1.sample.v1";
    secrets.patch(name, &PatchParams::default(), &Patch::Merge(&pending)).await.unwrap();
    stateful_sets(&env).delete("sample-memcached", &DeleteParams::default()).await.unwrap();
    env.eventually("it is gone", async || {
        stateful_sets(&env).get_opt("sample-memcached").await.unwrap().is_none().then_some(())
    })
    .await;
    operator.restart().await.unwrap();
    env.eventually("it is installed", async || {
        let secret = secrets.get_opt(name).await.unwrap()?;
        (secret.labels()["status"] == "deployed").then_some(())
    })
    .await;
    let set = stateful_sets(&env).get("sample-memcached").await.unwrap();
    assert_eq!(set.owner_references()[0].uid, object.uid().unwrap());
    operator.idle().await;
    assert_eq!(condition(&env, "sample", "ReleaseFailed").await, None);
    operator.stop().await.unwrap();
    end(env).await;
}

/// A copy of the project's chart.
fn copy_of_the_chart() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let chart = project().join("helm-charts/memcached");
    std::fs::create_dir(dir.path().join("templates")).unwrap();
    for path in ["Chart.yaml", "values.yaml"] {
        std::fs::copy(chart.join(path), dir.path().join(path)).unwrap();
    }
    for entry in std::fs::read_dir(chart.join("templates")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), dir.path().join("templates").join(entry.file_name())).unwrap();
    }
    dir
}

/// `kubewright manifests --chart` writes charts that helm has nothing against, whatever their values turn on, and installs.
#[tokio::test(flavor = "multi_thread")]
async fn charts_of_kubewrights_own_operators_are_linted_rendered_and_installed() {
    let Some(helm) = helm() else { return };
    let env = TestEnv::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let group = format!("{}.example.com", env.namespace());
    let roles = "---\nkind: ClusterRole\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: sites-manager}\nrules: []\n";
    let description = serde_json::from_value(json!({
        "name": "sites", "roles": roles, "conversions": [],
        "crds": [{
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("sites.{group}")},
            "spec": {
                "group": group, "scope": "Namespaced", "names": {"kind": "Site", "plural": "sites"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                    "type": "object", "description": "With {{ braces }} in it"}}}],
            },
        }],
        "webhooks": [{
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "sites"},
            "webhooks": [{
                "name": "v.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "clientConfig": {"service": {"namespace": "sites-system", "name": "sites-webhook"}},
            }],
        }],
    }))
    .unwrap();
    let options = ManifestOptions { image: "registry/sites:1".into(), ..ManifestOptions::default() };
    for (path, text) in chart(&description, &options, "0.1.0").unwrap() {
        let file = dir.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let program = kubewright_real::ensure_helm().unwrap();
    let home = tempfile::tempdir().unwrap();
    for arguments in [
        &["lint", "--strict"][..],
        &["template", "x", "--namespace", "ops"],
        &["template", "x", "--set", "prometheus.enabled=true,networkPolicy.enabled=true,crds.keep=false,replicas=3"],
        &["template", "x", "--set", "crds.install=false,userRoles.create=false"],
    ] {
        let output =
            std::process::Command::new(&program).args(arguments).arg(dir.path()).env("HOME", home.path()).output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        if arguments[0] == "template" {
            assert!(kubewright_helm::release::objects(&text).unwrap().len() > 3, "{text}");
        }
    }
    let (gateway, listener) = Gateway::bind(env.client()).unwrap();
    let serving = tokio::spawn(gateway.clone().serve(listener));
    let namespace = Api::<Namespace>::all(env.client()).get(env.namespace()).await.unwrap();
    let owner = Owner {
        api_version: "v1".into(),
        kind: "Namespace".into(),
        namespace: String::new(),
        name: namespace.name_any(),
        uid: namespace.uid().unwrap(),
    };
    let pass = gateway.admit(&Token::new().unwrap(), std::sync::Arc::new(Marks { owner, chart: "sites".into() }));
    let at = Place { server: pass.url(), namespace: env.namespace(), name: "x" };
    let (values, overrides) = (json!({"crds": {"keep": false}}), BTreeMap::new());
    let call = Call { at, chart: dir.path(), values: &values, overrides: &overrides, inputs: "0" };
    helm.install(&call).await.unwrap();
    let found = deployments(&env).list(&ListParams::default()).await.unwrap();
    let images =
        found.iter().map(|found| found.spec.clone().unwrap().template.spec.unwrap().containers[0].image.clone());
    assert_eq!(images.collect::<Vec<_>>(), [Some("registry/sites:1".to_string())]);
    assert_eq!(helm.candidate(&call, false).await.unwrap(), helm.candidate(&call, true).await.unwrap());
    helm.uninstall(&at).await.unwrap();
    assert!(deployments(&env).list(&ListParams::default()).await.unwrap().items.is_empty());
    serving.abort();
    env.stop().await;
}
