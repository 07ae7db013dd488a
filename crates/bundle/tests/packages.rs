//! Package manifests that become bundles.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::collections::BTreeMap;

use kubewright_bundle::{ValidateOptions, migrate, validate};
use serde_json::{Value, json};
use support::Files;

fn package() -> Value {
    json!({
        "packageName": "site",
        "defaultChannel": "stable",
        "channels": [{"name": "stable", "currentCSV": "site.v0.2.0"}, {"name": "fast", "currentCSV": "site.v0.2.0"}],
    })
}

fn packages() -> Files {
    let mut newer = support::csv();
    newer["metadata"]["name"] = "site.v0.2.0".into();
    newer["spec"]["version"] = "0.2.0".into();
    newer["metadata"]["annotations"]["operators.operatorframework.io/builder"] = "operator-sdk-v1.42".into();
    let config =
        json!({"apiVersion": "scorecard.operatorframework.io/v1alpha3", "kind": "Configuration", "stages": []});
    Files(BTreeMap::new())
        .with("site.package.yaml", &package())
        .with("0.1.0/csv.yaml", &support::csv())
        .with("0.1.0/sites.crd.yaml", &support::definition())
        .with("0.2.0/csv.yaml", &newer)
        .with("0.2.0/sites.crd.yaml", &support::definition())
        .with("0.2.0/config.yaml", &config)
}

fn error(files: &Files) -> String {
    migrate(files.written().path()).unwrap_err().to_string()
}

#[test]
fn each_version_becomes_a_valid_bundle_in_its_channels() {
    let folder = packages().written();
    let migrated = migrate(folder.path()).unwrap();
    let versions: Vec<&str> = migrated.iter().map(|bundle| bundle.version.as_str()).collect();
    assert_eq!(versions, ["0.1.0", "0.2.0"]);
    for bundle in &migrated {
        let text = |(path, bytes): (&String, &Vec<u8>)| (path.clone(), String::from_utf8(bytes.clone()).unwrap());
        let files = Files(bundle.files.iter().map(text).collect());
        let report = validate(files.written().path(), &ValidateOptions::default());
        assert!(report.passed, "{:#?}", report.findings);
    }
    let annotations = |at: usize| String::from_utf8(migrated[at].files["metadata/annotations.yaml"].clone()).unwrap();
    assert!(annotations(0).contains("bundle.channels.v1: stable\n"), "{}", annotations(0));
    assert!(annotations(1).contains("bundle.channels.v1: stable,fast\n"), "{}", annotations(1));
    assert!(annotations(1).contains("operators.operatorframework.io/builder: operator-sdk-v1.42\n"));
    assert!(migrated[1].files.contains_key("tests/scorecard/config.yaml"));
    assert!(!migrated[1].files.contains_key("manifests/config.yaml"));
    assert!(migrated[1].dockerfile.contains("COPY bundle/tests/scorecard /tests/scorecard/"));
}

#[test]
fn what_is_no_package_is_told_with_its_place() {
    assert!(error(&packages().without("site.package.yaml")).contains("there is no package.yaml"));
    assert!(error(&packages().with("other.yaml", &package())).contains("another file with a package"));
    assert!(error(&packages().without("0.1.0/csv.yaml")).contains("0.1.0: there is no ClusterServiceVersion"));
    assert!(error(&packages().with("0.1.0/two.yaml", &support::csv())).contains("two.yaml: there is another"));
    assert!(error(&packages().without_all("0.")).contains("there is no folder with the manifests"));
    assert!(error(&packages().text("0.1.0/more/a.yaml", "a: b")).contains("more: a folder can't be"));
    let mut undecided = package();
    undecided.as_object_mut().unwrap().remove("defaultChannel");
    assert!(error(&packages().with("site.package.yaml", &undecided)).contains("no defaultChannel"));
}
