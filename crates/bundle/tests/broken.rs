//! Bundles and manifests that are broken somewhere: whatever stands there, nothing panics and nothing broken passes unseen.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use kubewright_bundle::{
    BundleMetadata, GenerateOptions, Manifests, ScorecardConfig, ValidateOptions, generate, migrate, optional_checks,
    validate,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::Files;

/// What may stand where something else should.
fn anything() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        Just(Some(json!(true))),
        Just(Some(json!(-1))),
        Just(Some(json!(1.5))),
        Just(Some(json!(""))),
        Just(Some(json!("a: [b"))),
        Just(Some(json!([]))),
        Just(Some(json!([1, null]))),
        Just(Some(json!({}))),
        Just(Some(json!({"a": {"b": []}}))),
    ]
}

/// How many places there are in a value, itself among them.
fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum::<usize>(),
        Value::Object(map) => map.values().map(places).sum(),
        _ => 0,
    }
}

/// Puts something else at a place, or takes away what is there.
fn change(value: &mut Value, at: &mut usize, new: &Option<Value>) -> bool {
    if *at == 0 {
        *value = new.clone().unwrap_or_default();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| change(item, at, new)),
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            for key in keys {
                if *at == 0 && new.is_none() {
                    map.remove(&key);
                    return true;
                }
                if map.get_mut(&key).is_some_and(|below| change(below, at, new)) {
                    return true;
                }
            }
            false
        }
        _ => false,
    }
}

fn changed(mut value: Value, place: prop::sample::Index, new: &Option<Value>) -> Value {
    let mut at = place.index(places(&value));
    change(&mut value, &mut at, new);
    value
}

/// A definition of the older version too, as it goes another way.
fn old_definition() -> Value {
    let mut old = support::definition();
    old["apiVersion"] = "apiextensions.k8s.io/v1beta1".into();
    old["metadata"]["name"] = "olds.web.example.com".into();
    old["spec"]["names"] = json!({"kind": "Old", "plural": "olds"});
    old["spec"]["additionalPrinterColumns"] = json!([{"name": "a", "type": "string", "JSONPath": ".a"}]);
    old["spec"]["conversion"] =
        json!({"strategy": "Webhook", "webhookClientConfig": {"service": {"namespace": "a", "name": "b"}}});
    old
}

fn webhook() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "site"},
        "webhooks": [{"name": "v.example.com", "clientConfig": {"service": {"name": "site", "port": 443, "path": "/a"}}, "rules": []}],
    })
}

/// A quarter of the usual number: each case writes a bundle to disk. `PROPTEST_CASES` makes it more.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 4, failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_broken_bundle_panics(which in 0..3usize, place: prop::sample::Index, new in anything()) {
        let files = Files::good().with("manifests/old.yaml", &old_definition());
        let path = files.0.keys().nth(which).unwrap().clone();
        let value: Value = serde_saphyr::from_str(&files.0[&path]).unwrap();
        let files = files.with(&path, &changed(value, place, &new));
        let folder = files.written();
        let options = ValidateOptions { optional: optional_checks(), ..ValidateOptions::default() };
        let report = validate(folder.path(), &options);
        prop_assert!(!report.findings.is_empty());
        if let Ok(config) = ScorecardConfig::find(None, folder.path()) {
            let mut tests = config.select("").unwrap();
            tests.run(folder.path());
            prop_assert_eq!(tests.items.iter().filter(|test| test.status.results.len() == 1).count(), 6);
        }
    }

    #[test]
    fn no_broken_manifest_panics(which in 0..6usize, place: prop::sample::Index, new in anything()) {
        let csv = support::csv();
        let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "labels": {"a": "b"}}});
        deployment["spec"] = csv["spec"]["install"]["spec"]["deployments"][0]["spec"].clone();
        deployment["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "RELATED_IMAGE_A", "value": "a"}]);
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "a"},
            "roleRef": {"kind": "Role", "name": "a"}, "subjects": [{"kind": "ServiceAccount", "name": "site-operator"}],
        });
        let mut all = [csv, support::definition(), old_definition(), deployment, binding, webhook()];
        all[which] = changed(all[which].clone(), place, &new);
        let text: Vec<String> = all.iter().map(Value::to_string).collect();
        if let Ok(manifests) = Manifests::read("all.yaml", &text.join("\n---\n")) {
            let metadata = BundleMetadata { package: "site".into(), ..BundleMetadata::default() };
            // Made or refused: both are answers.
            let _ = generate(&manifests, &GenerateOptions { metadata, version: Some("0.2.0".into()), ..GenerateOptions::default() });
        }
    }

    #[test]
    fn no_broken_package_panics(place: prop::sample::Index, new in anything()) {
        let package = json!({"packageName": "a", "defaultChannel": "b", "channels": [{"name": "b", "currentCSV": "site.v0.1.0"}]});
        let files = Files(Default::default()).with("package.yaml", &changed(package, place, &new)).with("1/csv.yaml", &support::csv());
        let _ = migrate(files.written().path());
    }
}
