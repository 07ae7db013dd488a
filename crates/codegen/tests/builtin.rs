//! Apply configurations of Kubernetes' own kinds: those that are kept are what the schemas give, and servers take them.
//!
//! `tests/builtin` is compiled as a part of this test and of an example in docs/code-generators.md; with
//! `KUBEWRIGHT_BLESS=1` it is written anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

#[allow(missing_docs)]
#[path = "builtin/mod.rs"]
mod parts;

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use kube::{Resource, ResourceExt};
use kubewright_apiserver::schema::BuiltinSchemas;
use kubewright_codegen::{BuiltinKind, BuiltinKinds, builtin_module_file};
use kubewright_testing::TestEnv;
use parts::apps_v1::{DeploymentApplyConfiguration, DeploymentSpecApplyConfiguration};
use parts::core_v1::{
    ConfigMapApplyConfiguration, ContainerApplyConfiguration, PodSpecApplyConfiguration,
    PodTemplateSpecApplyConfiguration,
};
use parts::meta_v1::LabelSelectorApplyConfiguration;
use serde_json::{Value, json};

const KINDS: [&str; 2] = ["apps/v1/Deployment", "v1/ConfigMap"];

fn kinds() -> BuiltinKinds {
    let schemas = BuiltinSchemas::get();
    let documents: Vec<Value> =
        schemas.document_keys().map(|key| serde_json::from_slice(&schemas.document(key).unwrap()).unwrap()).collect();
    BuiltinKinds::read(&documents)
}

#[test]
fn the_schemas_give_the_files_that_are_kept() {
    let wanted: Vec<BuiltinKind> = KINDS.iter().map(|kind| kind.parse().unwrap()).collect();
    let files = kinds().generate(&wanted).unwrap();
    let mut expected: BTreeMap<String, String> =
        files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
    expected.insert("mod.rs".into(), builtin_module_file(&files));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/builtin");
    for (name, text) in &expected {
        let path = folder.join(name);
        if std::env::var_os("KUBEWRIGHT_BLESS").is_some() {
            std::fs::write(&path, text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(&kept == text, "{name} is not up to date: KUBEWRIGHT_BLESS=1 writes it");
    }
    let turned: Vec<BuiltinKind> = wanted.into_iter().rev().collect();
    assert_eq!(kinds().generate(&turned).unwrap(), files, "the order of the input does not count");
}

#[test]
fn all_kinds_that_can_be_applied_are_known() {
    let kinds = kinds();
    let all: Vec<BuiltinKind> = kinds.kinds().cloned().collect();
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    for kind in
        ["v1/Pod", "v1/Service", "apps/v1/StatefulSet", "batch/v1/CronJob", "autoscaling/v2/HorizontalPodAutoscaler"]
    {
        assert!(names.iter().any(|name| name == kind), "{kind} is not in {names:?}");
    }
    for kind in ["v1/Binding", "policy/v1/Eviction", "authorization.k8s.io/v1/SubjectAccessReview"] {
        assert!(!names.iter().any(|name| name == kind), "{kind} is only asked, and not kept");
    }
    let files = kinds.generate(&all).unwrap();
    let roots = files.iter().map(|file| file.text.matches("impl kube::Resource for").count()).sum::<usize>();
    assert_eq!(roots, all.len());
}

#[test]
fn a_part_says_what_is_set_and_nothing_else() {
    let spec = DeploymentSpecApplyConfiguration::default().replicas(3);
    let part = DeploymentApplyConfiguration::new("front").namespace("web").label("a", "b").spec(spec);
    let expected = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "front", "namespace": "web", "labels": {"a": "b"}},
        "spec": {"replicas": 3},
    });
    assert_eq!(serde_json::to_value(&part).unwrap(), expected);
    assert_eq!(serde_json::from_value::<DeploymentApplyConfiguration>(expected).unwrap(), part);
    assert_eq!(DeploymentApplyConfiguration::plural(&()), Deployment::plural(&()));
    let map = ConfigMapApplyConfiguration::new("a").data([("k".to_string(), "v".to_string())]).immutable(true);
    let expected = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}, "immutable": true});
    assert_eq!(serde_json::to_value(&map).unwrap(), expected);
}

/// Two writers of one Deployment: who makes it, and who scales it and adds a container.
#[tokio::test]
async fn each_manager_owns_what_it_has_said() {
    let env = TestEnv::start().await.unwrap();
    let api = Api::<Deployment>::namespaced(env.client(), env.namespace());
    let apply = async |manager: &str, part: &DeploymentApplyConfiguration| {
        api.patch("front", &PatchParams::apply(manager), &Patch::Apply(part)).await
    };
    let labels = [("app".to_string(), "front".to_string())];
    let container = |name: &str, image: &str| ContainerApplyConfiguration::default().name(name).image(image);
    let template = |container| {
        PodTemplateSpecApplyConfiguration::default().spec(PodSpecApplyConfiguration::default().containers([container]))
    };
    let mut whole = template(container("web", "web:1"));
    whole.metadata = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
        labels: Some(labels.clone().into()),
        ..Default::default()
    });
    let spec = DeploymentSpecApplyConfiguration::default()
        .selector(LabelSelectorApplyConfiguration::default().match_labels(labels))
        .template(whole);
    let made = DeploymentApplyConfiguration::new("front").spec(spec.clone());
    apply("maker", &made).await.unwrap();

    let more = DeploymentSpecApplyConfiguration::default().replicas(0).template(template(container("mesh", "mesh:1")));
    apply("scaler", &DeploymentApplyConfiguration::new("front").spec(more)).await.unwrap();
    let now = apply("maker", &made).await.unwrap();
    let spec_now = now.spec.clone().unwrap();
    let names: Vec<String> = spec_now.template.spec.unwrap().containers.into_iter().map(|one| one.name).collect();
    assert_eq!((spec_now.replicas, names), (Some(0), vec!["web".to_string(), "mesh".to_string()]));

    let owned = |manager: &str| {
        let entry = now.managed_fields().iter().find(|entry| entry.manager.as_deref() == Some(manager)).unwrap();
        (entry.operation.clone().unwrap(), serde_json::to_value(&entry.fields_v1).unwrap())
    };
    let (operation, maker) = owned("maker");
    assert_eq!(operation, "Apply");
    let expected = json!({"f:spec": {
        "f:selector": {},
        "f:template": {
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:image": {}, "f:name": {}}}},
        },
    }});
    assert_eq!(maker, expected);
    let expected = json!({"f:spec": {
        "f:replicas": {},
        "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"mesh\"}": {".": {}, "f:image": {}, "f:name": {}}}}},
    }});
    assert_eq!(owned("scaler").1, expected);

    let greedy = DeploymentApplyConfiguration::new("front").spec(spec.replicas(5));
    let kube::Error::Api(refused) = apply("maker", &greedy).await.unwrap_err() else { panic!("no answer") };
    assert_eq!(refused.code, 409);
    assert!(refused.message.contains("scaler") && refused.message.contains(".spec.replicas"), "{}", refused.message);
    env.stop().await;
}

#[tokio::test]
async fn what_a_manager_no_longer_says_goes() {
    let env = TestEnv::start().await.unwrap();
    let api = Api::<ConfigMap>::namespaced(env.client(), env.namespace());
    let part = |keys: &[&str]| {
        let data = keys.iter().map(|key| ((*key).to_string(), "x".to_string()));
        ConfigMapApplyConfiguration::new("shared").data(data.collect::<BTreeMap<_, _>>())
    };
    for (manager, keys) in [("one", &["a", "b"][..]), ("two", &["b", "c"]), ("one", &["a"])] {
        api.patch("shared", &PatchParams::apply(manager), &Patch::Apply(part(keys))).await.unwrap();
    }
    let now = api.patch("shared", &PatchParams::apply("one"), &Patch::Apply(part(&[]))).await.unwrap();
    let keys: Vec<String> = now.data.unwrap_or_default().into_keys().collect();
    assert_eq!(keys, ["b", "c"], "b is the other's too");
    env.stop().await;
}
