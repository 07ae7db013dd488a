//! What is wrong with bundles, one thing at a time: the cases of operator-framework's validators.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use kubewright_bundle::{Level, Platform, Platforms, ValidateOptions, select, validate};
use serde_json::{Value, json};
use support::Files;

/// What is found in a bundle, as `error: …` and `warning: …`.
fn found(files: &Files, optional: &str, values: &[(&str, &str)]) -> Vec<String> {
    let folder = files.written();
    let options = ValidateOptions {
        optional: if optional.is_empty() { Vec::new() } else { select(optional).unwrap() },
        values: values.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        ..ValidateOptions::default()
    };
    let report = validate(folder.path(), &options);
    assert_eq!(report.passed, report.findings.iter().all(|finding| finding.level == Level::Warning));
    report.findings.iter().map(ToString::to_string).collect()
}

/// What each case finds; all of it, in order.
fn expect(name: &str, files: &Files, wanted: &[&str]) {
    compare(name, &found(files, "", &[]), wanted);
}

fn compare(name: &str, found: &[String], wanted: &[&str]) {
    let equal = found.len() == wanted.len()
        && found.iter().zip(wanted).all(|(found, wanted)| {
            let (level, text) = wanted.split_once(": ").unwrap();
            found.starts_with(&format!("{level}: ")) && found.contains(text)
        });
    assert!(equal, "{name}:\n  found  {found:#?}\n  wanted {wanted:#?}");
}

#[test]
fn a_good_bundle_passes_every_check() {
    let files = Files::good();
    expect("good", &files, &[]);
    for check in
        ["suite=operatorframework", "name=operatorhubv2", "name in (capabilities,categories)", "name=community"]
    {
        compare(check, &found(&files, check, &[]), &[]);
    }
    let deprecated = found(&files, "name=operatorhub", &[]);
    compare("operatorhub", &deprecated, &["warning: the check operatorhub is deprecated"]);
}

#[test]
fn folders_and_files_must_be_those_of_a_bundle() {
    expect(
        "no metadata",
        &Files::good().without("metadata/annotations.yaml"),
        &["error: no metadata/annotations.yaml"],
    );
    expect("no manifests", &Files::good().without_all("manifests/"), &["error: manifests"]);
    let files = Files::good().without("manifests/site.clusterserviceversion.yaml");
    expect("no ClusterServiceVersion", &files, &["error: has no ClusterServiceVersion"]);
    let second = Files::good().with("manifests/two.yaml", &support::csv());
    expect(
        "two",
        &second,
        &["error: there are two ClusterServiceVersions, in site.clusterserviceversion.yaml and two.yaml"],
    );
    expect("hidden", &Files::good().text("manifests/.hidden", "a: b"), &["error: .hidden is a hidden file"]);
    expect("folder", &Files::good().text("manifests/more/a.yaml", "kind: A"), &["error: more is a folder"]);
    expect("broken", &Files::good().text("manifests/a.yaml", "a: [b"), &["error: a.yaml is no manifest"]);
    expect("empty", &Files::good().text("manifests/a.yaml", "\n"), &["error: a.yaml is no manifest: it is empty"]);
    expect(
        "text",
        &Files::good().text("manifests/a.yaml", "words\n"),
        &["error: a.yaml is no manifest: it is no object"],
    );
    let many = Files::good().text(
        "manifests/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
    );
    expect("many", &many, &["warning: a.yaml holds 2 documents"]);
    let elsewhere = Files::good().moved("metadata/annotations.yaml", "metadata/notes.yaml");
    expect("annotations in a file of another name", &elsewhere, &[]);
    let outside = Files::good().moved("metadata/annotations.yaml", "annotations.yaml");
    expect("annotations beside metadata", &outside, &["error: has no folder metadata"]);
}

#[test]
fn annotations_must_say_what_the_bundle_is() {
    let prefix = "operators.operatorframework.io.bundle.";
    let case = |key: &str, value: Option<&str>| Files::good().annotation(&format!("{prefix}{key}"), value);
    expect(
        "media type",
        &case("mediatype.v1", Some("plain")),
        &["error: is \"plain\", but the manifests make \"registry+v1\""],
    );
    expect(
        "no media type",
        &case("mediatype.v1", None),
        &["error: has no annotation operators.operatorframework.io.bundle.mediatype.v1", "error: is \"\", but"],
    );
    expect(
        "no package",
        &case("package.v1", None),
        &["error: has no annotation operators.operatorframework.io.bundle.package.v1"],
    );
    expect(
        "no metadata",
        &case("metadata.v1", None),
        &["error: has no annotation operators.operatorframework.io.bundle.metadata.v1"],
    );
    expect(
        "no manifests",
        &case("manifests.v1", None),
        &["error: has no annotation operators.operatorframework.io.bundle.manifests.v1"],
    );
    expect("no channels", &case("channels.v1", None), &["error: has no annotation", "error: channels.v1 is empty"]);
    expect("empty channels", &case("channels.v1", Some("")), &["error: channels.v1 is empty"]);
    expect("default channel", &case("channel.default.v1", Some("stable")), &[]);
    expect("empty default channel", &case("channel.default.v1", Some("")), &["error: channel.default.v1 is empty"]);
}

#[test]
fn dependencies_must_name_what_they_need() {
    let case = |kind: &str, value: Value| {
        Files::good().with("metadata/dependencies.yaml", &json!({"dependencies": [{"type": kind, "value": value}]}))
    };
    expect("gvk", &case("olm.gvk", json!({"group": "a.b", "version": "v1", "kind": "A"})), &[]);
    expect(
        "gvk",
        &case("olm.gvk", json!({"group": "a.b"})),
        &["error: version is empty or no text, kind is empty or no text"],
    );
    expect("package", &case("olm.package", json!({"packageName": "a", "version": ">=1.0.0 <2.0.0"})), &[]);
    expect(
        "package",
        &case("olm.package", json!({"packageName": "a", "version": "latest"})),
        &["error: \"latest\" is no range of versions"],
    );
    expect(
        "package",
        &case("olm.package", json!({})),
        &["error: packageName is empty or no text, version is empty or no text"],
    );
    expect("label", &case("olm.label", json!({"label": "a"})), &[]);
    expect("label", &case("olm.label", json!({"label": 1})), &["error: label is empty or no text"]);
    let rule = |rule: &str| case("olm.constraint", json!({"cel": {"rule": rule}}));
    expect("rule", &rule("properties.exists(p, p.type == 'certified')"), &[]);
    expect("rule", &rule("properties.exists(p, semver_compare(p.value.version, '1.0.0') == 0)"), &[]);
    expect("rule", &rule("properties.exists(p, "), &["error: cel.rule is no expression"]);
    expect("rule", &rule("1 + 1"), &["error: cel.rule is no expression"]);
    expect("rule", &rule(""), &["error: cel.rule is empty"]);
    expect("rule", &case("olm.constraint", json!({})), &["error: it has no cel"]);
    expect("type", &case("olm.crd", json!({})), &["error: the type \"olm.crd\" is not known"]);
}

#[test]
fn objects_must_be_of_kinds_that_are_created_and_have_metadata() {
    let with = |object: Value| Files::good().with("manifests/object.yaml", &object);
    let object = |kind: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}});
    expect("supported", &with(object("ConfigMap")), &[]);
    expect(
        "unsupported",
        &with(object("ResourceQuota")),
        &["error: object.yaml: the Operator Lifecycle Manager creates no objects of v1, Kind=ResourceQuota"],
    );
    let mut namespaced = object("Service");
    namespaced["metadata"]["namespace"] = "default".into();
    expect("namespace", &with(namespaced), &["error: metadata.namespace: Forbidden: not allowed on this type"]);
    let mut number = object("ServiceAccount");
    number["metadata"]["namespace"] = 1.into();
    expect(
        "number",
        &with(number),
        &["error: object.yaml: the metadata can't be read: invalid type: integer `1`, expected a string"],
    );
    let nameless = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {}});
    expect("name", &with(nameless), &["error: metadata.name: Required value"]);
    let mut labelled = object("Secret");
    labelled["metadata"]["labels"] = json!({"a b": "c"});
    expect("label", &with(labelled), &["error: metadata.labels: Invalid value: \"a b\""]);
}

#[test]
fn definitions_and_owned_kinds_must_agree() {
    let csv = |change: fn(&mut Value)| Files::good().csv(change);
    let files = csv(|csv| csv["spec"]["customresourcedefinitions"]["owned"][0]["version"] = "v2".into());
    expect(
        "version",
        &files,
        &[
            "error: the ClusterServiceVersion owns web.example.com/v2, Kind=Site, which no",
            "error: the bundle defines web.example.com/v1, Kind=Site, which the ClusterServiceVersion does not own",
            "error: there is an example of web.example.com/v1, Kind=Site, which the operator does not provide",
            "warning: there is no example of web.example.com/v2, Kind=Site",
        ],
    );
    let missing = Files::good().without("manifests/web.example.com_sites.yaml");
    expect("missing", &missing, &["error: owns web.example.com/v1, Kind=Site, which no"]);
    let twice = Files::good().with("manifests/again.yaml", &support::definition());
    expect("twice", &twice, &["error: web.example.com/v1, Kind=Site is defined twice"]);
    let old = Files::good().definition(|crd| {
        crd["apiVersion"] = "apiextensions.k8s.io/v1beta1".into();
        crd["spec"]["preserveUnknownFields"] = false.into();
        crd["spec"]["validation"] = crd["spec"]["versions"][0]["schema"].take();
        crd["spec"].as_object_mut().unwrap().remove("versions");
        crd["spec"]["version"] = "v1".into();
    });
    expect("v1beta1", &old, &[]);
    let version =
        json!({"name": "v2", "served": true, "storage": false, "schema": {"openAPIV3Schema": {"type": "object"}}});
    let more = Files::good().definition(|crd| crd["spec"]["versions"].as_array_mut().unwrap().push(version.clone()));
    expect("a version that is not listed", &more, &[]);
    let nameless = csv(|csv| csv["spec"]["customresourcedefinitions"]["owned"][0]["name"] = "sites".into());
    expect(
        "name",
        &nameless,
        &[
            "error: owns sites/v1, Kind=Site",
            "error: the bundle defines web.example.com/v1",
            "error: the owned definition \"sites\" must be named <plural>.<group>",
            "error: there is an example of web.example.com/v1",
        ],
    );
}

#[test]
fn definitions_must_be_what_the_api_server_takes_except_for_schemas() {
    let crd = |change: fn(&mut Value)| Files::good().definition(change);
    expect(
        "scope",
        &crd(|crd| crd["spec"]["scope"] = "Both".into()),
        &["error: spec.scope: Unsupported value: \"Both\""],
    );
    expect(
        "name",
        &crd(|crd| crd["metadata"]["name"] = "site.web.example.com".into()),
        &["error: metadata.name: Invalid value"],
    );
    let none = crd(|crd| crd["spec"]["versions"][0]["storage"] = false.into());
    expect("storage", &none, &["error: must have exactly one version marked as storage version"]);
    let same = crd(|crd| {
        let mut version = crd["spec"]["versions"][0].clone();
        version["storage"] = false.into();
        crd["spec"]["versions"].as_array_mut().unwrap().push(version);
    });
    expect("same", &same, &["error: is defined twice", "error: must contain unique version names"]);
    let conversion = crd(|crd| {
        crd["spec"]["conversion"] =
            json!({"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"namespace": "a", "name": "b"}}}});
    });
    expect("conversion", &conversion, &["error: spec.conversion.conversionReviewVersions: Required value"]);
    let schema = crd(|crd| {
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["type"] = "thing".into()
    });
    expect("schemas are not checked", &schema, &[]);
}

#[test]
fn service_accounts_and_images_are_checked() {
    let account = |name: &str| {
        Files::good().with(
            "manifests/account.yaml",
            &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}),
        )
    };
    expect("own", &account("site-operator"), &["error: account.yaml: the ServiceAccount site-operator is made out of"]);
    expect("another", &account("metrics-reader"), &[]);
    let image = |image: &'static str| {
        Files::good().csv(move |csv| csv["spec"]["relatedImages"] = json!([{"name": "a", "image": image}]))
    };
    expect("image", &image("registry.example.com/a:1"), &[]);
    expect("image", &image(""), &["error: spec.relatedImages[0].image is empty"]);
    expect(
        "image",
        &image("registry.example.com/A"),
        &["error: spec.relatedImages[0].image \"registry.example.com/A\" is no image"],
    );
    let release = |name: &'static str| {
        Files::good().csv(move |csv| {
            csv["spec"]["release"] = "2".into();
            csv["metadata"]["name"] = name.into();
        })
    };
    expect("release", &release("site-v0.1.0-2"), &[]);
    expect("release", &release("site.v0.1.0"), &["error: the name \"site.v0.1.0\" must be \"site-v0.1.0-2\""]);
}

#[test]
fn the_cluster_service_version_must_be_complete() {
    let csv = |change: fn(&mut Value)| Files::good().csv(change);
    let remove =
        |field: &'static str| Files::good().csv(move |csv| drop(csv["spec"].as_object_mut().unwrap().remove(field)));
    expect("display name", &remove("displayName"), &["error: spec.displayName is missing"]);
    expect("install", &remove("install"), &["error: spec.install is missing"]);
    expect(
        "strategy",
        &csv(|csv| csv["spec"]["install"]["strategy"] = "".into()),
        &["error: spec.install.strategy is missing"],
    );
    let deployments = csv(|csv| csv["spec"]["install"]["spec"]["deployments"] = Value::Null);
    expect("deployments", &deployments, &["error: spec.install.spec.deployments is missing"]);
    expect("api version", &csv(|csv| csv["apiVersion"] = "".into()), &["error: apiVersion is missing"]);
    let long = csv(|csv| csv["metadata"]["name"] = format!("{}.v0.1.0", "a".repeat(60)).into());
    expect("long name", &long, &["error: metadata.name"]);
    expect(
        "name",
        &csv(|csv| csv["metadata"]["name"] = "Site.v0.1.0".into()),
        &["error: metadata.name \"Site.v0.1.0\" can't be used"],
    );
    expect(
        "replaces",
        &csv(|csv| csv["spec"]["replaces"] = "site v0".into()),
        &["error: spec.replaces \"site v0\" can't be used"],
    );
    expect(
        "version",
        &csv(|csv| csv["spec"]["version"] = "first".into()),
        &["error: spec.version \"first\" is no version"],
    );
    expect("version", &csv(|csv| csv["spec"]["version"] = "v0.1".into()), &[]);
    expect(
        "oldest",
        &csv(|csv| csv["spec"]["minKubeVersion"] = "1.21".into()),
        &["error: spec.minKubeVersion \"1.21\" is no version"],
    );
    expect("oldest", &remove("minKubeVersion"), &["warning: spec.minKubeVersion is missing"]);
    let type_of_field = csv(|csv| csv["spec"]["installModes"][0]["supported"] = "yes".into());
    expect("type", &type_of_field, &["error: can't be read as a ClusterServiceVersion: invalid type"]);
}

#[test]
fn install_modes_must_fit_the_operator() {
    let modes = |modes: Value, converts: bool| {
        Files::good().csv(move |csv| {
            csv["spec"]["installModes"] = modes.clone();
            if converts {
                csv["spec"]["webhookdefinitions"] = json!([{"type": "ConversionWebhook", "conversionCRDs": ["a.b"]}]);
            }
        })
    };
    let mode = |name: &str, supported: bool| json!({"type": name, "supported": supported});
    expect("none", &modes(json!([]), false), &["error: spec.installModes is missing"]);
    expect(
        "none supported",
        &modes(json!([mode("AllNamespaces", false)]), false),
        &["error: no install mode is supported"],
    );
    let twice = json!([mode("AllNamespaces", true), mode("AllNamespaces", true)]);
    expect("twice", &modes(twice, false), &["warning: the install mode AllNamespaces is there twice"]);
    expect("all", &modes(json!([mode("AllNamespaces", true), mode("OwnNamespace", false)]), true), &[]);
    let both = json!([mode("AllNamespaces", true), mode("OwnNamespace", true)]);
    expect("both", &modes(both.clone(), false), &[]);
    expect("both", &modes(both, true), &["error: only the install mode AllNamespaces can be supported"]);
}

#[test]
fn examples_must_be_of_what_is_provided() {
    let examples =
        |text: &'static str| Files::good().csv(move |csv| csv["metadata"]["annotations"]["alm-examples"] = text.into());
    let site = "web.example.com/v1, Kind=Site";
    expect("none", &examples("[]"), &[&format!("warning: there is no example of {site}")]);
    expect("empty", &examples(""), &[&format!("warning: there is no example of {site}")]);
    expect(
        "broken",
        &examples("[{]"),
        &["error: the examples (annotation alm-examples) are no list in JSON: key must be a string at line 1 column 3"],
    );
    expect("object", &examples("{}"), &["error: the examples (annotation alm-examples) are no list"]);
    expect("kind", &examples(r#"[{"apiVersion": "web.example.com/v1"}]"#), &["error: example 0"]);
    expect(
        "foreign",
        &examples(r#"[{"apiVersion": "v1", "kind": "Pod"}]"#),
        &["error: there is an example of v1, Kind=Pod", &format!("warning: there is no example of {site}")],
    );
    let annotations =
        |change: fn(&mut Value)| Files::good().csv(move |csv| change(&mut csv["metadata"]["annotations"]));
    expect("no annotations", &annotations(|all| *all = json!({})), &["warning: has no annotations"]);
    expect("no examples", &annotations(|all| *all = json!({"a": "b"})), &["warning: has no annotation alm-examples"]);
    expect(
        "both",
        &annotations(|all| all["olm.examples"] = "[".into()),
        &["warning: there are alm-examples and olm.examples"],
    );
    expect("other", &annotations(|all| *all = json!({"olm.examples": all["alm-examples"]})), &[]);
}

#[test]
fn annotations_of_the_manager_are_case_sensitive() {
    let with = |key: &'static str| Files::good().csv(move |csv| csv["metadata"]["annotations"][key] = "x".into());
    for (key, right) in [
        ("olm.skiprange", "olm.skipRange"),
        ("olm.operatorgroup", "olm.operatorGroup"),
        ("olm.operatornamespace", "olm.operatorNamespace"),
        ("olm.TargetNamespaces", "olm.targetNamespaces"),
        ("OLM.providedAPIs", "olm.providedAPIs"),
    ] {
        expect(key, &with(key), &[&format!("error: the annotation {key} must be written {right}")]);
        expect(right, &with(right), &[]);
    }
    expect("properties", &with("olm.properties"), &["warning: olm.properties is no longer used"]);
}

#[test]
fn operator_hub_asks_for_metadata() {
    let hub = |change: fn(&mut Value), wanted: &[&str]| {
        compare(
            "hub",
            &found(&Files::good().csv(change), "name in (operatorhubv2, capabilities, categories)", &[]),
            wanted,
        );
    };
    hub(|csv| csv["spec"]["provider"] = json!({"name": " "}), &["error: spec.provider.name is missing"]);
    hub(|csv| csv["spec"]["maintainers"] = json!([{"name": "A"}]), &["error: each of spec.maintainers needs"]);
    hub(|csv| csv["spec"]["maintainers"] = json!([{"name": "A", "email": "a"}]), &["error: the email \"a\""]);
    hub(|csv| csv["spec"]["links"] = json!([{"url": "/a"}]), &["error: each of spec.links needs"]);
    hub(|csv| csv["spec"]["links"] = json!([{"name": "A", "url": "a.b"}]), &["error: the url \"a.b\""]);
    hub(|csv| csv["spec"]["version"] = "".into(), &["error: spec.version is missing"]);
    hub(|csv| csv["spec"]["icon"] = Value::Null, &["warning: spec.icon is missing"]);
    hub(|csv| csv["spec"]["icon"] = json!([]), &["error: spec.icon has 0 pictures"]);
    hub(
        |csv| csv["spec"]["icon"] = json!([{"base64data": "", "mediatype": ""}]),
        &["error: spec.icon needs base64data"],
    );
    hub(|csv| csv["spec"]["icon"][0]["mediatype"] = "image/tiff".into(), &["error: mediatype \"image/tiff\""]);
    hub(|csv| csv["metadata"]["annotations"]["capabilities"] = "Magic".into(), &["error: capabilities is \"Magic\""]);
    hub(
        |csv| csv["metadata"]["annotations"]["categories"] = "Storage, Toys".into(),
        &["error: categories has \"Toys\""],
    );
}

#[test]
fn apis_that_are_gone_are_warned_of_and_are_errors_where_they_matter() {
    let check = "name=alpha-deprecated-apis";
    let object = |version: &str, kind: &str| {
        Files::good()
            .with("manifests/object.yaml", &json!({"apiVersion": version, "kind": kind, "metadata": {"name": "one"}}))
    };
    let budget = object("policy/v1beta1", "PodDisruptionBudget");
    let told = "Kubernetes 1.25 no longer has APIs that are used here: PodDisruptionBudget (one)";
    compare("warning", &found(&budget, check, &[]), &[&format!("warning: {told}")]);
    compare("older", &found(&budget, check, &[("k8s-version", "1.24")]), &[&format!("warning: {told}")]);
    compare("newer", &found(&budget, check, &[("k8s-version", "1.25")]), &[&format!("error: {told}")]);
    let wrong = found(&budget, check, &[("k8s-version", "new")]);
    compare("no version", &wrong, &["error: k8s-version \"new\" is no version", &format!("warning: {told}")]);
    let oldest =
        object("policy/v1beta1", "PodDisruptionBudget").csv(|csv| csv["spec"]["minKubeVersion"] = "1.26.0".into());
    compare("oldest", &found(&oldest, check, &[]), &[&format!("error: {told}")]);
    let role = object("rbac.authorization.k8s.io/v1beta1", "Role");
    compare(
        "1.22",
        &found(&role, check, &[]),
        &["warning: Kubernetes 1.22 no longer has APIs that are used here: Role (one)"],
    );
    compare("now", &found(&object("policy/v1", "PodDisruptionBudget"), check, &[]), &[]);
    let named = Files::good().csv(|csv| {
        csv["spec"]["customresourcedefinitions"]["owned"][0]["resources"] =
            json!([{"kind": "CronJob", "version": "batch/v1beta1", "name": ""}]);
    });
    let place = "CronJob (spec.customresourcedefinitions.owned[0].resources)";
    compare("named", &found(&named, check, &[]), &[&format!("warning: {place}")]);
    let right = Files::good().csv(|csv| {
        csv["spec"]["install"]["spec"]["clusterPermissions"][0]["rules"] =
            json!([{"apiGroups": ["policy"], "resources": ["podsecuritypolicies"], "verbs": ["use"]}]);
    });
    let place = "podsecuritypolicies (spec.install.spec.clusterPermissions[0].rules[0])";
    compare("right", &found(&right, check, &[("k8s-version", "1.25")]), &[&format!("warning: {place}")]);
}

#[test]
fn good_practices_are_warned_of() {
    let practices =
        |files: Files, wanted: &[&str]| compare("practices", &found(&files, "name=good-practices", &[]), wanted);
    let csv = |change: fn(&mut Value)| Files::good().csv(change);
    practices(
        csv(|csv| {
            let container =
                &mut csv["spec"]["install"]["spec"]["deployments"][0]["spec"]["template"]["spec"]["containers"][0];
            container.as_object_mut().unwrap().remove("resources");
        }),
        &["warning: the container \"manager\" requests no CPU and memory"],
    );
    practices(
        csv(|csv| csv["spec"]["customresourcedefinitions"]["owned"][0]["description"] = "".into()),
        &["warning: the owned definition \"sites.web.example.com\" has no description"],
    );
    practices(
        Files::good().annotation("operators.operatorframework.io.bundle.channels.v1", Some("stable,alpha")),
        &["warning: these do not: alpha"],
    );
    practices(
        csv(|csv| {
            csv["spec"]["install"]["spec"]["clusterPermissions"][0]["rules"][0] =
                json!({"apiGroups": ["apiextensions.k8s.io"], "resources": ["*"], "verbs": ["create"]});
        }),
        &["warning: the operator may create CustomResourceDefinitions"],
    );
    practices(
        csv(|csv| csv["metadata"]["name"] = "site-operator".into()),
        &["warning: does not end with a version", "warning: is not <operator>.v<version>"],
    );
}

#[test]
fn community_operators_say_for_which_openshift_they_are() {
    let old = |properties: Option<&'static str>| {
        let files = Files::good().with(
            "manifests/object.yaml",
            &json!({"apiVersion": "rbac.authorization.k8s.io/v1beta1", "kind": "Role", "metadata": {"name": "one"}}),
        );
        files.csv(move |csv| {
            if let Some(properties) = properties {
                csv["metadata"]["annotations"]["olm.properties"] = properties.into();
            }
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle.Dockerfile");
    fs::write(&file, "LABEL com.redhat.openshift.versions=\"v4.6-v4.8\"\n").unwrap();
    let path = file.display().to_string();
    let values = [("index-path", path.as_str())];
    let check = |properties, values: &[(&str, &str)]| {
        let mut found = found(&old(properties), "name=community", values);
        found.retain(|finding| !finding.contains("is no longer used"));
        found
    };
    compare("good", &check(Some(r#"[{"type": "olm.maxOpenShiftVersion", "value": "4.8"}]"#), &values), &[]);
    compare("no property", &check(None, &values), &["error: there is no annotation olm.properties"]);
    let newer = Some(r#"[{"type": "olm.maxOpenShiftVersion", "value": "4.9"}]"#);
    compare("newer", &check(newer, &values), &["error: olm.maxOpenShiftVersion is 4.9, which must be below 4.9"]);
    compare("no file", &check(newer, &[]), &["error: must be below 4.9", "warning: index-path=bundle.Dockerfile"]);
}

/// Labels of the ClusterServiceVersion, images of its Deployment (`container=image: platforms`, with none: it can't be looked
/// at), and what is found.
#[test]
fn images_are_made_for_what_labels_promise_and_labels_say_what_images_are_made_for() {
    let both = "linux.amd64 linux.arm64";
    let manager = |platforms: &str| format!("manager=op:1: {platforms}");
    let proxy = |platforms: &str| format!("kube-rbac-proxy=proxy:1: {platforms}");
    let other = |platforms: &str| format!("other=other:1: {platforms}");
    let labels = "arch.amd64 arch.arm64";
    for (labels, images, wanted) in [
        ("", vec![manager("linux.amd64")], vec![]),
        (labels, vec![manager(both), proxy(both)], vec![]),
        (labels, vec![manager(both)], vec![]),
        (
            labels,
            vec![manager("linux.amd64")],
            vec!["error: supports linux.arm64, for which these images are not made: op:1"],
        ),
        (
            "",
            vec![manager("linux.arm64")],
            vec![
                "warning: op:1, are made for amd64, arm64, and the ClusterServiceVersion has no labels",
                "error: supports linux.amd64, for which these images are not made: op:1",
            ],
        ),
        (
            "",
            vec![manager(both)],
            vec!["warning: add operatorframework.io/arch.amd64: supported, operatorframework.io/arch.arm64"],
        ),
        ("arch.amd64", vec![manager(both)], vec!["warning: add operatorframework.io/arch.arm64: supported, or"]),
        (
            labels,
            vec![manager(both), proxy("linux.amd64")],
            vec!["warning: the image proxy:1 is not made for arm64", "error: these images are not made: proxy:1"],
        ),
        // Without a container of that name all but the proxy are the operator's.
        (
            "arch.amd64",
            vec![other(both), proxy("linux.amd64")],
            vec!["warning: other:1, are made for arm64", "warning: the image proxy:1 is not made for arm64"],
        ),
        ("os.linux os.windows", vec![manager("linux.amd64 windows.amd64")], vec![]),
        ("os.linux os.windows", vec![manager("linux.amd64")], vec!["error: supports windows.amd64"]),
        ("", vec![manager("linux.amd64 windows.amd64")], vec!["warning: operatorframework.io/os.windows: supported"]),
        (labels, vec![manager("")], vec!["warning: the image op:1 can't be looked at: no way"]),
    ] {
        let mut containers = Vec::new();
        let mut platforms = Platforms::new();
        for image in &images {
            let (name, rest) = image.split_once('=').unwrap();
            let (image, made_for) = rest.split_once(": ").unwrap();
            containers.push(json!({"name": name, "image": image}));
            let made_for = made_for.split_whitespace().map(|platform| {
                let (os, architecture) = platform.split_once('.').unwrap();
                Platform { os: os.into(), architecture: architecture.into() }
            });
            let made_for: BTreeSet<Platform> = made_for.collect();
            let known = if made_for.is_empty() { Err("no way".into()) } else { Ok(made_for) };
            platforms.insert(image.into(), known);
        }
        let files = Files::good().csv(|csv| {
            csv["spec"]["install"]["spec"]["deployments"][0]["spec"]["template"]["spec"]["containers"] =
                json!(containers);
            csv["spec"].as_object_mut().unwrap().remove("relatedImages");
            for label in labels.split_whitespace() {
                csv["metadata"]["labels"][format!("operatorframework.io/{label}")] = "supported".into();
            }
        });
        let options =
            ValidateOptions { optional: select("name=multiarch").unwrap(), platforms, ..ValidateOptions::default() };
        let report = validate(files.written().path(), &options);
        let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        compare(&format!("{labels:?}, {images:?}"), &found, &wanted);
    }
    let asked = found(&Files::good(), "name=multiarch", &[]);
    assert!(!asked.is_empty() && asked.iter().all(|line| line.contains("its registry was not asked")), "{asked:?}");
}

#[test]
fn what_selects_nothing_is_told_with_what_there_is() {
    let error = select("name=magic").unwrap_err();
    assert!(error.contains("selects no check") && error.contains("good-practices"), "{error}");
    assert!(select("name=").is_err());
    assert_eq!(select("suite=operatorframework").unwrap().len(), 5);
    let values: BTreeMap<String, String> = BTreeMap::new();
    assert_eq!(ValidateOptions::default().values, values);
}
