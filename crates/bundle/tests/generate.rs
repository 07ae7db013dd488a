//! Manifests that become bundles.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use kubewright_bundle::{
    BundleMetadata, GenerateError, GenerateOptions, Generated, Manifests, ValidateOptions, generate, validate,
};
use serde_json::{Value, json};
use support::Files;

fn options() -> GenerateOptions {
    let metadata = BundleMetadata { package: "site".into(), ..BundleMetadata::default() };
    GenerateOptions { metadata, version: Some("0.1.0".into()), ..GenerateOptions::default() }
}

fn manifests(objects: &[Value]) -> Manifests {
    let documents: Vec<String> = objects.iter().map(|object| serde_saphyr::to_string(object).unwrap()).collect();
    Manifests::read("test", &documents.join("\n---\n")).unwrap()
}

/// What the manifests of an operator are made of.
fn objects() -> Vec<Value> {
    let rbac = "rbac.authorization.k8s.io/v1";
    let metadata = |name: &str| json!({"name": name, "namespace": "site-system"});
    let own = json!([{"kind": "ServiceAccount", "name": "site-operator", "namespace": "site-system"}]);
    let rules = |resource: &str| json!([{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}]);
    let role_ref =
        |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "site-system"}}),
        support::definition(),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("site-operator")}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("metrics-reader")}),
        json!({"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": "manager"}, "rules": rules("pods")}),
        json!({"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": "site-viewer"}, "rules": rules("sites")}),
        json!({"apiVersion": rbac, "kind": "Role", "metadata": metadata("leases"), "rules": rules("configmaps")}),
        json!({"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": {"name": "manager"},
               "roleRef": role_ref("ClusterRole", "manager"), "subjects": own}),
        json!({"apiVersion": rbac, "kind": "RoleBinding", "metadata": metadata("leases"),
               "roleRef": role_ref("Role", "leases"), "subjects": own}),
        json!({"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": {"name": "viewers"},
               "roleRef": role_ref("ClusterRole", "site-viewer"), "subjects": [{"kind": "Group", "name": "all"}]}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata("site-metrics"), "spec": {"ports": [{"port": 80}]}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata("site-operator"),
               "spec": support::csv()["spec"]["install"]["spec"]["deployments"][0]["spec"]}),
        json!({"apiVersion": "web.example.com/v1", "kind": "Site", "metadata": {"name": "site-sample"}, "spec": {"size": 1}}),
    ]
}

fn parsed(bundle: &Generated, file: &str) -> Value {
    serde_saphyr::from_str(&bundle.files[file]).unwrap()
}

fn csv(bundle: &Generated) -> Value {
    parsed(bundle, "manifests/site.clusterserviceversion.yaml")
}

#[test]
fn the_manifests_of_an_operator_become_a_valid_bundle() {
    let bundle = generate(&manifests(&objects()), &options()).unwrap();
    let names: Vec<&str> = bundle.files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "manifests/metrics-reader_v1_serviceaccount.yaml",
            "manifests/site-metrics_v1_service.yaml",
            "manifests/site-viewer_rbac.authorization.k8s.io_v1_clusterrole.yaml",
            "manifests/site.clusterserviceversion.yaml",
            "manifests/viewers_rbac.authorization.k8s.io_v1_clusterrolebinding.yaml",
            "manifests/web.example.com_sites.yaml",
            "metadata/annotations.yaml",
        ]
    );
    let csv = csv(&bundle);
    assert_eq!(csv["metadata"]["name"], "site.v0.1.0");
    assert_eq!(csv["spec"]["version"], "0.1.0");
    let install = &csv["spec"]["install"]["spec"];
    assert_eq!(install["deployments"][0]["name"], "site-operator");
    assert_eq!(install["clusterPermissions"][0]["serviceAccountName"], "site-operator");
    assert_eq!(install["clusterPermissions"][0]["rules"][0]["resources"], json!(["pods"]));
    assert_eq!(install["permissions"][0]["rules"][0]["resources"], json!(["configmaps"]));
    let owned = &csv["spec"]["customresourcedefinitions"]["owned"];
    assert_eq!(owned[0]["description"], "A site on the web.");
    let size = json!({"path": "size", "displayName": "Size", "description": "How many replicas."});
    assert_eq!(owned[0]["specDescriptors"], json!([{"path": "hostName", "displayName": "Host Name"}, size]));
    assert_eq!(owned[0]["statusDescriptors"][0]["path"], "ready");
    let examples: Value =
        serde_json::from_str(csv["metadata"]["annotations"]["alm-examples"].as_str().unwrap()).unwrap();
    assert_eq!(examples[0]["metadata"]["name"], "site-sample");
    assert_eq!(parsed(&bundle, "manifests/site-metrics_v1_service.yaml")["metadata"].get("namespace"), None);

    let folder = Files(bundle.files.clone()).written();
    let report = validate(folder.path(), &ValidateOptions::default());
    assert!(report.passed, "{:#?}", report.findings);
    for line in [
        "FROM scratch\n",
        "LABEL operators.operatorframework.io.bundle.mediatype.v1=registry+v1\n",
        "LABEL operators.operatorframework.io.bundle.package.v1=site\n",
        "LABEL operators.operatorframework.io.bundle.channels.v1=alpha\n",
        "COPY bundle/manifests /manifests/\n",
        "COPY bundle/metadata /metadata/\n",
    ] {
        assert!(bundle.dockerfile.contains(line), "{}", bundle.dockerfile);
    }
}

#[test]
fn the_same_manifests_in_another_order_make_the_same_rights_and_files() {
    let one = generate(&manifests(&objects()), &options()).unwrap();
    let mut reversed = objects();
    reversed.reverse();
    let other = generate(&manifests(&reversed), &options()).unwrap();
    assert_eq!(one.files, other.files);
}

#[test]
fn what_the_base_tells_people_stays_and_the_rest_is_written_anew() {
    let mut base = support::csv();
    base["metadata"]["name"] = "site.v0.0.0".into();
    base["spec"]["install"] = json!({"strategy": "", "spec": {"deployments": null}});
    base["spec"]["customresourcedefinitions"]["owned"][0]["displayName"] = "A Site".into();
    let options = GenerateOptions { base: Some(base), ..options() };
    let csv = csv(&generate(&manifests(&objects()), &options).unwrap());
    assert_eq!(csv["metadata"]["name"], "site.v0.1.0");
    assert_eq!(csv["spec"]["icon"][0]["mediatype"], "image/svg+xml");
    assert_eq!(csv["spec"]["customresourcedefinitions"]["owned"][0]["displayName"], "A Site");
    assert_eq!(csv["spec"]["install"]["spec"]["deployments"][0]["name"], "site-operator");
    let without_version = GenerateOptions { version: None, ..options };
    assert_eq!(
        self::csv(&generate(&manifests(&objects()), &without_version).unwrap())["metadata"]["name"],
        "site.v0.0.0"
    );
}

#[test]
fn what_lies_beside_manifests_is_none_of_our_business() {
    let mut text: Vec<String> = objects().iter().map(Value::to_string).collect();
    text.push("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a]".into());
    text.push("replicas: 1".into());
    text.push(json!({"apiVersion": "v1", "kind": "List", "items": [objects()[1]]}).to_string());
    let all = Manifests::read("all", &text.join("\n---\n")).unwrap();
    assert_eq!(generate(&all, &options()).unwrap().files, generate(&manifests(&objects()), &options()).unwrap().files);
}

#[test]
fn a_base_among_the_manifests_wins() {
    let mut all = objects();
    let mut base = support::csv();
    base["spec"]["displayName"] = "Among the manifests".into();
    all.push(base);
    let csv = csv(&generate(&manifests(&all), &options()).unwrap());
    assert_eq!(csv["spec"]["displayName"], "Among the manifests");
}

#[test]
fn webhooks_and_conversions_are_told_to_the_manager() {
    let mut all = objects();
    let pod = json!({"app": "site"});
    all.push(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "site-webhook"},
                    "spec": {"selector": pod, "ports": [{"port": 443, "targetPort": 9443}]}}));
    let service = json!({"name": "site-webhook", "namespace": "site-system", "path": "/validate"});
    all.push(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "site"},
        "webhooks": [{
            "name": "v.example.com", "clientConfig": {"service": service}, "failurePolicy": "Fail", "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "namespaceSelector": {"matchLabels": {"a": "b"}},
            "rules": [{"apiGroups": ["web.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["sites"]}],
        }],
    }));
    all[1]["spec"]["conversion"] = json!({
        "strategy": "Webhook",
        "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"service": {
            "name": "site-webhook", "namespace": "site-system", "path": "/convert", "port": 443}}},
    });
    let bundle = generate(&manifests(&all), &options()).unwrap();
    let webhooks = csv(&bundle)["spec"]["webhookdefinitions"].clone();
    assert_eq!(webhooks[0]["type"], "ConversionWebhook");
    assert_eq!(webhooks[0]["conversionCRDs"], json!(["sites.web.example.com"]));
    assert_eq!(webhooks[0]["generateName"], "csites.kb.io");
    let admission = &webhooks[1];
    assert_eq!(admission["type"], "ValidatingAdmissionWebhook");
    assert_eq!(
        [
            &admission["deploymentName"],
            &admission["containerPort"],
            &admission["targetPort"],
            &admission["webhookPath"]
        ],
        [&json!("site-operator"), &json!(443), &json!(9443), &json!("/validate")]
    );
    let warned =
        |bundle: &Generated| bundle.warnings.iter().any(|finding| finding.message.contains("has namespaceSelector"));
    assert!(warned(&bundle));

    let own = GenerateOptions { registers_webhooks: true, ..options() };
    assert_eq!(csv(&generate(&manifests(&all), &own).unwrap())["spec"].get("webhookdefinitions"), None);

    let mut base = support::csv();
    base["spec"]["installModes"] = json!([{"type": "OwnNamespace", "supported": true}]);
    let namespaced = GenerateOptions { base: Some(base), ..options() };
    let error = generate(&manifests(&all), &namespaced).unwrap_err().to_string();
    assert!(error.contains("only the install mode AllNamespaces can be supported"), "{error}");
}

#[test]
fn a_role_that_others_have_too_is_shipped_for_them() {
    let mut all = objects();
    for binding in &mut all {
        if binding["kind"] == "ClusterRoleBinding" && binding["metadata"]["name"] == "manager" {
            binding["subjects"].as_array_mut().unwrap().push(json!({"kind": "User", "name": "jane"}));
        }
    }
    let bundle = generate(&manifests(&all), &options()).unwrap();
    assert_eq!(
        csv(&bundle)["spec"]["install"]["spec"]["clusterPermissions"][0]["rules"][0]["resources"],
        json!(["pods"])
    );
    let binding = parsed(&bundle, "manifests/manager_rbac.authorization.k8s.io_v1_clusterrolebinding.yaml");
    assert_eq!(binding["subjects"], json!([{"kind": "User", "name": "jane"}]));
    assert!(bundle.files.contains_key("manifests/manager_rbac.authorization.k8s.io_v1_clusterrole.yaml"));
}

#[test]
fn extra_service_accounts_get_their_rights_too() {
    let mut all = objects();
    all.push(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
        "roleRef": {"kind": "ClusterRole", "name": "site-viewer"},
        "subjects": [{"kind": "ServiceAccount", "name": "metrics-reader"}],
    }));
    let options = GenerateOptions { extra_service_accounts: vec!["metrics-reader".into()], ..options() };
    let bundle = generate(&manifests(&all), &options).unwrap();
    let permissions = csv(&bundle)["spec"]["install"]["spec"]["permissions"].clone();
    assert_eq!(permissions[0]["serviceAccountName"], "metrics-reader");
    assert_eq!(permissions[1]["serviceAccountName"], "site-operator");
    assert!(!bundle.files.contains_key("manifests/metrics-reader_v1_serviceaccount.yaml"));
}

#[test]
fn variables_tell_of_namespaces_and_images() {
    let mut all = objects();
    let deployment = all.iter_mut().find(|object| object["kind"] == "Deployment").unwrap();
    let container = &mut deployment["spec"]["template"]["spec"]["containers"][0];
    container["env"] = json!([
        {"name": "WATCH_NAMESPACE", "value": "default"},
        {"name": "RELATED_IMAGE_NGINX_PROXY", "value": "registry.example.com/nginx:1"},
        {"name": "RELATED_IMAGE_A", "value": "registry.example.com/same:1"},
        {"name": "RELATED_IMAGE_B", "value": "registry.example.com/same:1"},
    ]);
    let written = csv(&generate(&manifests(&all), &options()).unwrap());
    let env = &written["spec"]["install"]["spec"]["deployments"][0]["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(env[0]["valueFrom"]["fieldRef"]["fieldPath"], "metadata.annotations['olm.targetNamespaces']");
    let images = json!([
        {"name": "nginx-proxy", "image": "registry.example.com/nginx:1"},
        {"name": "", "image": "registry.example.com/same:1"},
    ]);
    assert_eq!(written["spec"]["relatedImages"], images);
}

#[test]
fn images_get_other_names_wherever_they_stand() {
    let mut all = objects();
    let deployment = all.iter_mut().find(|object| object["kind"] == "Deployment").unwrap();
    let pod = &mut deployment["spec"]["template"]["spec"];
    pod["initContainers"] = json!([{"name": "first", "image": "first:1"}]);
    pod["containers"][0]["env"] =
        json!([{"name": "RELATED_IMAGE_A", "value": "a:1"}, {"name": "OTHER", "value": "a:1"}]);
    let mut read = manifests(&all);
    let images: Vec<String> = read.images().into_iter().collect();
    assert_eq!(images, ["a:1", "first:1", "registry.example.com/site:0.1.0"]);
    read.rename_images(&images.iter().map(|image| (image.clone(), format!("{image}@pinned"))).collect());
    let options = GenerateOptions { relate_images: true, ..options() };
    let csv = csv(&generate(&read, &options).unwrap());
    let pod = &csv["spec"]["install"]["spec"]["deployments"][0]["spec"]["template"]["spec"];
    assert_eq!(pod["initContainers"][0]["image"], "first:1@pinned");
    assert_eq!(pod["containers"][0]["env"][0]["value"], "a:1@pinned");
    assert_eq!(pod["containers"][0]["env"][1]["value"], "a:1");
    let related = json!([
        {"name": "manager", "image": "registry.example.com/site:0.1.0@pinned"},
        {"name": "a", "image": "a:1@pinned"},
        {"name": "first", "image": "first:1@pinned"},
    ]);
    assert_eq!(csv["spec"]["relatedImages"], related);
}

#[test]
fn the_time_of_making_changes_only_with_the_rest() {
    let at =
        |time: &str, previous: Option<Value>| GenerateOptions { created_at: Some(time.into()), previous, ..options() };
    let stamp = |csv: &Value| csv["metadata"]["annotations"]["createdAt"].clone();
    let first = csv(&generate(&manifests(&objects()), &at("one", None)).unwrap());
    assert_eq!(stamp(&first), "one");
    let same = csv(&generate(&manifests(&objects()), &at("two", Some(first.clone()))).unwrap());
    assert_eq!(same, first);
    let mut changed = objects();
    changed.pop();
    assert_eq!(stamp(&csv(&generate(&manifests(&changed), &at("two", Some(first))).unwrap())), "two");
}

#[test]
fn a_configuration_of_the_scorecard_is_shipped() {
    let mut all = objects();
    all.push(json!({"apiVersion": "scorecard.operatorframework.io/v1alpha3", "kind": "Configuration",
                    "metadata": {"name": "config"}, "stages": []}));
    let bundle = generate(&manifests(&all), &options()).unwrap();
    assert!(bundle.files.contains_key("tests/scorecard/config.yaml"));
    assert!(
        bundle.files["metadata/annotations.yaml"]
            .contains("operators.operatorframework.io.test.config.v1: tests/scorecard/")
    );
    assert!(bundle.dockerfile.contains("COPY bundle/tests/scorecard /tests/scorecard/"));
    all.push(json!({"apiVersion": "scorecard.operatorframework.io/v1alpha3", "kind": "Configuration", "metadata": {"name": "b"}}));
    let text: Vec<String> = all.iter().map(|object| object.to_string()).collect();
    let error = Manifests::read("all.yaml", &text.join("\n---\n")).unwrap_err().to_string();
    assert!(error.contains("all.yaml: there are two configurations of the scorecard"), "{error}");
}

#[test]
fn what_can_not_become_a_bundle_is_told() {
    let error = |options: GenerateOptions| generate(&manifests(&objects()), &options).unwrap_err();
    assert!(matches!(error(GenerateOptions { version: Some("1.0".into()), ..options() }), GenerateError::Version(_)));
    assert!(matches!(error(GenerateOptions { version: None, ..options() }), GenerateError::NoVersion));
    let nameless = GenerateOptions { metadata: BundleMetadata::default(), ..options() };
    assert!(error(nameless).to_string().contains("--package"));
    let long = BundleMetadata { package: "a".repeat(70), ..BundleMetadata::default() };
    assert!(matches!(error(GenerateOptions { metadata: long, ..options() }), GenerateError::Invalid(_)));
    for (base, cause) in [
        (json!([]), "it is no object"),
        (json!({"metadata": []}), "metadata of the base"),
        (json!({"spec": []}), "spec of the base"),
        (json!({"spec": 1}), "the base can't be read"),
    ] {
        let error = error(GenerateOptions { base: Some(base), ..options() }).to_string();
        assert!(error.contains(cause), "{error}");
    }
    for previous in [json!([]), json!("text"), json!({"metadata": "text"}), json!({"metadata": {"annotations": 1}})] {
        generate(&manifests(&objects()), &GenerateOptions { previous: Some(previous), ..options() }).unwrap();
    }
    let broken = |text: &str| Manifests::read("deploy.yaml", text).unwrap_err().to_string();
    assert!(broken("a: [b").starts_with("deploy.yaml: "), "{}", broken("a: [b"));
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: many}\n";
    assert!(
        broken(deployment).contains("deploy.yaml: Deployment \"a\": invalid type: string"),
        "{}",
        broken(deployment)
    );
}
