//! The static tests of the scorecard, each on a bundle that passes and on those that do not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use kubewright_bundle::{ScorecardConfig, ScorecardError, State, TestResult};
use serde_json::{Value, json};
use support::Files;

fn result(files: &Files, test: &str) -> TestResult {
    let folder = files.written();
    let config = ScorecardConfig::find(None, folder.path()).unwrap();
    let mut list = config.select(&format!("test={test}-test")).unwrap();
    list.run(folder.path());
    assert_eq!(list.items.len(), 1, "{test}");
    assert_eq!(list.passed(), list.items[0].status.results[0].state == State::Pass);
    list.items[0].status.results[0].clone()
}

/// State, and a part of the first error or suggestion.
fn expect(files: &Files, test: &str, state: State, told: &str) {
    let result = result(files, test);
    assert_eq!(result.state, state, "{test}: {result:#?}");
    let all: Vec<&String> = result.errors.iter().chain(&result.suggestions).collect();
    match told {
        "" => assert!(all.is_empty(), "{test}: {all:#?}"),
        told => assert!(all.iter().any(|text| text.contains(told)), "{test}: {all:#?}"),
    }
}

fn examples(examples: Value) -> Files {
    Files::good().csv(move |csv| csv["metadata"]["annotations"]["alm-examples"] = examples.to_string().into())
}

fn site(rest: Value) -> Value {
    let mut site = json!({"apiVersion": "web.example.com/v1", "kind": "Site", "metadata": {"name": "a"}});
    site.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    site
}

#[test]
fn a_good_bundle_passes_all_six() {
    let files = Files::good();
    let folder = files.written();
    let mut list = ScorecardConfig::find(None, folder.path()).unwrap().select("").unwrap();
    assert_eq!(list.items.len(), 6);
    list.run(folder.path());
    assert!(list.passed(), "{list:#?}");
    let json = serde_json::to_value(&list).unwrap();
    assert_eq!(json["kind"], "TestList");
    assert_eq!(json["items"][0]["apiVersion"], "scorecard.operatorframework.io/v1alpha3");
    assert_eq!(json["items"][0]["spec"]["entrypoint"], json!(["scorecard-test", "basic-check-spec"]));
    assert_eq!(json["items"][0]["status"]["results"][0]["state"], "pass");
}

#[test]
fn each_test_finds_what_it_is_for() {
    let nothing = site(json!({}));
    expect(&examples(json!([nothing])), "basic-check-spec", State::Pass, "the example \"a\" has no spec");
    expect(&examples(json!([nothing])), "olm-spec-descriptors", State::Fail, "has no spec");

    let invalid = Files::good().csv(|csv| csv["spec"]["installModes"] = json!([]));
    expect(&invalid, "olm-bundle-validation", State::Fail, "spec.installModes is missing");
    let warned = Files::good().csv(|csv| csv["spec"]["minKubeVersion"] = "".into());
    expect(&warned, "olm-bundle-validation", State::Pass, "spec.minKubeVersion is missing");

    let unknown = examples(json!([site(json!({"spec": {"colour": 1}, "status": {"mood": 1}}))]));
    expect(&unknown, "olm-crds-have-validation", State::Fail, "give the field spec.colour of web.example.com/v1");
    expect(&unknown, "olm-crds-have-validation", State::Fail, "give the field status.mood");
    let schemaless = Files::good().definition(|crd| crd["spec"]["versions"][0]["schema"] = Value::Null);
    expect(&schemaless, "olm-crds-have-validation", State::Pass, "give web.example.com/v1, Kind=Site a schema");

    let owned = |change: fn(&mut Value)| {
        Files::good().csv(move |csv| change(&mut csv["spec"]["customresourcedefinitions"]["owned"][0]))
    };
    expect(&owned(|owned| owned["resources"] = json!([])), "olm-crds-have-resources", State::Fail, "has no resources");
    let undescribed = owned(|owned| owned["specDescriptors"] = json!([]));
    expect(&undescribed, "olm-spec-descriptors", State::Fail, "spec.size of sites.web.example.com has no descriptor");
    let foreign = examples(json!([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}]));
    expect(&foreign, "olm-spec-descriptors", State::Fail, "does not own");
    expect(&foreign, "olm-status-descriptors", State::Fail, "does not own");

    expect(&Files::good(), "olm-status-descriptors", State::Pass, "has no status");
    let status = examples(json!([site(json!({"spec": {}, "status": {"ready": 1}}))]));
    expect(&status, "olm-status-descriptors", State::Pass, "");
    let status =
        status.csv(|csv| csv["spec"]["customresourcedefinitions"]["owned"][0]["statusDescriptors"] = Value::Null);
    expect(&status, "olm-status-descriptors", State::Fail, "has no descriptor of its status");
}

#[test]
fn what_can_not_be_tested_is_an_error_and_never_a_pass() {
    let broken = Files::good().csv(|csv| csv["metadata"]["annotations"]["alm-examples"] = "[{".into());
    expect(&broken, "basic-check-spec", State::Error, "is no list in JSON");
    let without = Files::good().without("manifests/site.clusterserviceversion.yaml");
    expect(&without, "olm-bundle-validation", State::Fail, "has no ClusterServiceVersion");
    expect(&without, "basic-check-spec", State::Error, "has no ClusterServiceVersion");
}

#[test]
fn the_configuration_says_which_tests() {
    let config = json!({
        "apiVersion": "scorecard.operatorframework.io/v1alpha3", "kind": "Configuration", "metadata": {"name": "config"},
        "stages": [{"parallel": true, "tests": [
            {"image": "scorecard-test:v1", "entrypoint": ["scorecard-test", "basic-check-spec"], "labels": {"suite": "basic"}},
            {"image": "registry.example.com/own:1", "entrypoint": ["own-test", "a"], "labels": {"suite": "own"}},
        ]}],
    });
    let folder = Files::good().with("tests/scorecard/config.yaml", &config).written();
    let config = ScorecardConfig::find(None, folder.path()).unwrap();
    let mut all = config.select("").unwrap();
    all.run(folder.path());
    assert!(!all.passed());
    let own = &all.items[1].status.results[0];
    assert_eq!((own.state, own.errors.len()), (State::Error, 1));
    assert!(own.errors[0].contains("it takes a cluster"), "{own:#?}");
    let mut basic = config.select("suite in (basic)").unwrap();
    basic.run(folder.path());
    assert!(basic.passed() && basic.items.len() == 1);
    assert!(matches!(config.select("suite in"), Err(ScorecardError::Selector { .. })));
}

#[test]
fn a_configuration_that_is_none_is_told_with_its_file() {
    let folder = Files::good().text("tests/scorecard/config.yaml", "kind: Other\n").written();
    let error = ScorecardConfig::find(None, folder.path()).unwrap_err().to_string();
    assert!(error.contains("config.yaml: it is no Configuration"), "{error}");
    let missing = folder.path().join("missing.yaml");
    let error = ScorecardConfig::find(Some(&missing), folder.path()).unwrap_err().to_string();
    assert!(error.contains("missing.yaml: No such file"), "{error}");
}

#[test]
fn results_are_xml_for_programs_that_collect_them() {
    let files = Files::good().csv(|csv| {
        csv["spec"]["customresourcedefinitions"]["owned"][0]["resources"] = json!([]);
        csv["metadata"]["annotations"]["alm-examples"] =
            r#"[{"kind": "<\"&\u0007", "metadata": {"name": "a"}}]"#.into();
    });
    let folder = files.written();
    let mut tests = ScorecardConfig::whole().select("").unwrap();
    assert!(tests.xunit().contains(r#"<testsuite name="basic-check-spec-test" tests="0" skipped="0""#), "not run yet");
    tests.run(folder.path());
    let text = tests.xunit();
    for part in [
        "<testsuites name=\"scorecard\">\n  <testsuite name=\"basic-check-spec-test\" tests=\"1\" skipped=\"0\" failures=\"0\" errors=\"0\">",
        r#"<property name="spec.entrypoint" value="scorecard-test basic-check-spec"></property>"#,
        "<system-out>suggestion: the example &quot;a&quot; has no spec</system-out>",
        r#"<testsuite name="olm-crds-have-resources-test" tests="1" skipped="0" failures="1" errors="0">"#,
        r#"<failure type="failure">the owned definition &quot;sites.web.example.com&quot; has no resources"#,
        "Kind=&lt;&quot;&amp;\u{fffd}",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.ends_with("  </testsuite>\n</testsuites>\n"), "{text}");
}
