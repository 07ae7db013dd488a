//! Definition → types → definition changes nothing.
//!
//! `tests/generated` is what `definitions/features.yaml` gives, compiled as a part of this test; with `KUBEWRIGHT_BLESS=1`
//! it is written anew. The real tier does the same with the definitions of well-known operators, compiled as one crate.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

#[allow(dead_code, unreachable_pub, missing_docs)]
mod generated;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::object::HasStatus;
use kube::{CustomResourceExt, Resource};
use kubewright_codegen::{Definition, GenerateOptions, generate, module_file, read};
use serde_json::json;
use support::comparable;

const ALL: GenerateOptions = GenerateOptions { apply_configurations: true };

const FEATURES: &str = include_str!("definitions/features.yaml");

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

fn definitions() -> Vec<Definition> {
    read("features.yaml", FEATURES).unwrap()
}

#[test]
fn the_same_definitions_give_the_files_that_are_kept() {
    let definitions = definitions();
    let files = generate(&definitions, &ALL).unwrap();
    let mut expected: BTreeMap<String, String> =
        files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
    expected.insert("mod.rs".into(), module_file(&files));
    let bless = std::env::var_os("KUBEWRIGHT_BLESS").is_some();
    for (name, text) in &expected {
        let path = here("generated").join(name);
        if bless {
            std::fs::write(&path, text).unwrap();
        }
        assert_eq!(&std::fs::read_to_string(&path).unwrap_or_default(), text, "{name}: KUBEWRIGHT_BLESS=1 writes it");
    }
    let turned: Vec<Definition> = definitions.into_iter().rev().collect();
    assert_eq!(generate(&turned, &ALL).unwrap(), files, "the order of the input does not count");
}

#[test]
fn definitions_come_back_as_they_were() {
    let back: [CustomResourceDefinition; 4] = [
        generated::gateways::crd(),
        generated::reports::crd(),
        generated::options_other_example_com::crd(),
        generated::options_net_example_com::crd(),
    ];
    for (definition, back) in definitions().iter().zip(back) {
        support::assert_same(&definition.crd, &back);
    }
    assert_eq!(comparable(&generated::gateways::v1beta1::Gateway::crd()), comparable(&generated::gateways::crd()));
}

#[test]
fn objects_are_read_with_the_defaults_that_the_server_would_give() {
    use generated::gateways::v1;
    let gateway: v1::Gateway = serde_json::from_value(json!({
        "apiVersion": "net.example.com/v1", "kind": "Gateway", "metadata": {"name": "a"},
        "spec": {"class": "x", "class2": null, "listeners": [{"port": 1}], "open": {"other": "y", "more": [1]}},
    }))
    .unwrap();
    let spec = &gateway.spec;
    assert_eq!((spec.replicas, spec.enabled, spec.debug, spec.share), (3, true, false, 0.25));
    assert_eq!(spec.greeting, "say \"hi\"\n\\");
    assert_eq!(spec.max_surge, IntOrString::String("25%".into()));
    assert_eq!(spec.port, IntOrString::Int(80));
    assert_eq!(spec.type_, v1::GatewaySpecType::InternalOnly);
    assert_eq!(spec.modes, [v1::GatewaySpecMode2::Fast]);
    assert_eq!((spec.retry.count, spec.retry.names.len()), (5, 2));
    assert_eq!(spec.listeners[0].protocol, "TCP");
    assert_eq!(spec.open.as_ref().unwrap().other_2["more"], json!([1]));
    assert!(gateway.status().is_none());
}

#[test]
fn what_is_written_is_what_was_read() {
    use generated::{gateways::v1::Gateway, reports::v1alpha1::Report};
    let report = json!({
        "apiVersion": "net.example.com/v1alpha1", "kind": "Report", "metadata": {"name": "r"},
        "summary": {"pass": 1}, "results": [{"policy": "p"}], "unknown": {"kept": true},
    });
    let read: Report = serde_json::from_value(report.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), report);

    let gateway = json!({
        "apiVersion": "net.example.com/v1", "kind": "Gateway", "metadata": {"name": "a"},
        "spec": {"class": "x", "class2": null, "class_2": "z", "listeners": []},
    });
    let read: Gateway = serde_json::from_value(gateway).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(written["spec"]["class2"], json!(null), "required, and null: it is sent");
    assert_eq!(written["spec"]["class_2"], json!("z"));
    assert_eq!(written["spec"].get("weight"), None);
    assert_eq!(serde_json::from_value::<Gateway>(written).unwrap(), read);
}

#[test]
fn an_apply_configuration_says_what_is_set_and_no_default() {
    use generated::gateways::v1::{
        GatewayApplyConfiguration, GatewaySpecApplyConfiguration, GatewaySpecListenerApplyConfiguration,
    };
    let listener = GatewaySpecListenerApplyConfiguration::default().port(80);
    let spec = GatewaySpecApplyConfiguration::default()
        .class_2("z")
        .listeners([listener])
        .type_(generated::gateways::v1::GatewaySpecType::InternalOnly);
    let part = GatewayApplyConfiguration::new("a").namespace("n").label("l", "m").spec(spec);
    let expected = json!({
        "apiVersion": "net.example.com/v1", "kind": "Gateway",
        "metadata": {"name": "a", "namespace": "n", "labels": {"l": "m"}},
        "spec": {"class_2": "z", "listeners": [{"port": 80}], "type": "internal-only"},
    });
    assert_eq!(serde_json::to_value(&part).unwrap(), expected);
    assert_eq!(serde_json::from_value::<GatewayApplyConfiguration>(expected).unwrap(), part);
    assert_eq!(
        (GatewayApplyConfiguration::kind(&()), GatewayApplyConfiguration::plural(&())),
        ("Gateway".into(), "gateways".into())
    );

    use generated::reports::v1alpha1::ReportApplyConfiguration;
    let part =
        ReportApplyConfiguration::new("r").other([("unknown".to_string(), json!(1)), ("kind".into(), json!("x"))]);
    let written = serde_json::to_value(&part).unwrap();
    assert_eq!((&written["unknown"], &written["kind"]), (&json!(1), &json!("Report")));
}

#[test]
fn without_apply_configurations_the_files_have_the_types_alone() {
    let all = generate(&definitions(), &ALL).unwrap();
    let plain = generate(&definitions(), &GenerateOptions::default()).unwrap();
    assert!(all.iter().all(|file| file.text.contains("ApplyConfiguration")));
    assert!(plain.iter().all(|file| !file.text.contains("ApplyConfiguration")));
}

#[test]
fn the_types_know_how_the_server_calls_them() {
    use generated::{gateways::v1::Gateway, options_other_example_com::v1::OptionResource};
    assert_eq!((Gateway::api_version(&()), Gateway::plural(&())), ("net.example.com/v1".into(), "gateways".into()));
    assert_eq!(Gateway::shortnames(), ["gw", "gtw"]);
    assert_eq!(OptionResource::kind(&()), "Option");
    assert_eq!(OptionResource::crd_name(), "options.other.example.com");
}

#[test]
fn the_same_definition_twice_is_refused_with_both_places() {
    let twice = [definitions(), read("again.yaml", FEATURES).unwrap()].concat();
    let error = generate(&twice, &ALL).unwrap_err().to_string();
    assert!(error.contains("gateways.net.example.com is defined twice: in features.yaml and in again.yaml"), "{error}");
}
