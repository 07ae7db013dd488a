//! What is written for an operator, in each form.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use kubewright_manifests::{Description, GuardedMetrics, ManifestOptions, chart, install, kustomize};
use serde_json::{Value, json};

fn description() -> Description {
    let roles = "---\nkind: ClusterRole\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: sites-manager}\nrules: []\n\
        ---\nkind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: sites-manager, namespace: sites-system}\nrules: []\n";
    serde_json::from_value(json!({
        "name": "sites",
        "roles": roles,
        "conversions": ["sites.example.com"],
        "crds": [{
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "sites.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"kind": "Site", "plural": "sites"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                    "type": "object", "description": "A long {{ description }}",
                    "properties": {"description": {"type": "string", "description": "Said of it.", "default": "a default"}},
                }}}],
            },
        }],
        "webhooks": [{
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "sites"},
            "webhooks": [{"name": "v.example.com", "clientConfig": {"service": {"namespace": "sites-system", "name": "sites-webhook"}}}],
        }],
    }))
    .unwrap()
}

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

#[test]
fn one_file_can_be_applied_from_top_to_bottom() {
    let options = ManifestOptions {
        namespace: Some("ops".into()),
        image: "registry/sites:1".into(),
        ..ManifestOptions::default()
    };
    let all = documents(&install(&description(), &options).unwrap());
    let at = |kind: &str| all.iter().position(|document| document["kind"] == kind).unwrap();
    assert!(at("Namespace") < at("CustomResourceDefinition") && at("ServiceAccount") < at("Deployment"));
    assert!(all.iter().all(|document| document["kind"] != "ServiceMonitor"), "not each cluster has it");

    let webhook = &all[at("ValidatingWebhookConfiguration")]["webhooks"][0]["clientConfig"]["service"];
    assert_eq!(webhook["namespace"], "ops");
    let pod = &all[at("Deployment")]["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], "registry/sites:1");
    assert!(pod["containers"][0]["args"].as_array().unwrap().contains(&json!("--webhook-service=ops/sites-webhook")));
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let role = &all[at("Role")];
    assert_eq!(role["metadata"]["namespace"], "ops");
    assert_eq!(all[at("RoleBinding")]["subjects"][0]["namespace"], "ops");
    let conversion = &all[at("CustomResourceDefinition")]["spec"]["conversion"];
    assert_eq!(conversion["webhook"]["clientConfig"]["service"]["path"], "/convert/sites.example.com");
}

#[test]
fn each_file_of_kustomize_is_in_a_kustomization_that_lists_it() {
    let samples = vec![("v1_site.yaml".to_string(), "kind: Site\n".to_string())];
    let files = kustomize(&description(), &ManifestOptions { samples, ..ManifestOptions::default() }).unwrap();
    let files: BTreeMap<String, String> = files.into_iter().collect();
    let mut listed = BTreeSet::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with("kustomization.yaml")) {
        let folder = path.split('/').next().unwrap();
        for resource in documents(text)[0]["resources"].as_array().unwrap() {
            let resource = resource.as_str().unwrap();
            match resource.strip_prefix("../") {
                Some(other) => assert!(files.contains_key(&format!("{other}/kustomization.yaml")), "{resource}"),
                None => drop(listed.insert(format!("{folder}/{resource}"))),
            }
        }
    }
    for path in files.keys().filter(|path| !path.ends_with("kustomization.yaml")) {
        assert!(listed.contains(path), "{path}");
    }
    for path in [
        "crd/bases/example.com_sites.yaml",
        "rbac/site_viewer_role.yaml",
        "webhook/service.yaml",
        "prometheus/monitor.yaml",
    ] {
        assert!(files.contains_key(path), "{path}");
    }
    assert!(!files["default/kustomization.yaml"].contains("prometheus"));
}

#[test]
fn descriptions_are_shortened_and_properties_of_that_name_are_not() {
    for (longest, expected) in [(None, Some("A long {{ description }}")), (Some(6), Some("A long")), (Some(0), None)] {
        let options = ManifestOptions { descriptions: longest, ..ManifestOptions::default() };
        let all = documents(&install(&description(), &options).unwrap());
        let crd = all.iter().find(|document| document["kind"] == "CustomResourceDefinition").unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert_eq!(schema["description"].as_str(), expected);
        assert_eq!(schema["properties"]["description"]["type"], "string");
        assert_eq!(schema["properties"]["description"]["default"], "a default");
    }
}

#[test]
fn a_chart_has_values_for_what_users_change_and_no_namespace_of_its_own() {
    let options = ManifestOptions { image: "registry:5000/sites:1.2".into(), ..ManifestOptions::default() };
    let files: BTreeMap<String, String> = chart(&description(), &options, "0.1.0").unwrap().into_iter().collect();
    let values = &documents(&files["values.yaml"])[0];
    assert_eq!(
        values["image"],
        json!({"repository": "registry:5000/sites", "tag": "1.2", "pullPolicy": "IfNotPresent"})
    );
    let deployment = &files["templates/manager/manager.yaml"];
    assert!(deployment.contains("image: {{ .Values.image.repository }}:{{ .Values.image.tag }}"), "{deployment}");
    assert!(deployment.contains("--webhook-service={{ .Release.Namespace }}/sites-webhook"), "{deployment}");
    let crd = &files["templates/crd/example.com_sites.yaml"];
    assert!(crd.starts_with("{{- if .Values.crds.install }}"), "{crd}");
    assert!(crd.contains("A long {{ \"{{\" }} description }}"), "{crd}");
    assert!(crd.contains("namespace: {{ .Release.Namespace }}"), "{crd}");
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("templates/")) {
        assert!(!text.contains("sites-system") && !text.contains("KUBEWRIGHT"), "{path}: {text}");
    }
}

#[test]
fn cert_manager_makes_the_certificate_where_it_is_wanted() {
    let options = ManifestOptions { cert_manager: true, ..ManifestOptions::default() };
    let all = documents(&install(&description(), &options).unwrap());
    let of = |kind: &str| all.iter().find(|document| document["kind"] == kind).unwrap();
    let certificate = &of("Certificate")["spec"];
    assert_eq!(certificate["dnsNames"][0], "sites-webhook.sites-system.svc");
    assert_eq!(certificate["issuerRef"]["name"], of("Issuer")["metadata"]["name"]);
    let pod = &of("Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], certificate["secretName"]);
    let mounted = pod["containers"][0]["volumeMounts"][0]["mountPath"].as_str().unwrap();
    assert!(
        pod["containers"][0]["args"].as_array().unwrap().contains(&json!(format!("--webhook-cert-path={mounted}")))
    );

    let files: BTreeMap<String, String> = chart(&description(), &options, "0.1.0").unwrap().into_iter().collect();
    let certificate = &files["templates/certmanager/certificate.yaml"];
    assert!(certificate.contains("sites-webhook.{{ .Release.Namespace }}.svc.cluster.local"), "{certificate}");

    let without = Description { webhooks: Vec::new(), conversions: Vec::new(), ..description() };
    assert!(!install(&without, &options).unwrap().contains("cert"), "there is nothing to certify");
}

/// As a project tells of itself whose metrics are guarded.
fn guarded() -> Description {
    let roles = "kind: ClusterRole\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: sites-metrics-auth}\nrules: []\n";
    Description { metrics: Some(GuardedMetrics { roles: roles.into() }), ..description() }
}

#[test]
fn guarded_metrics_have_a_port_roles_and_flags_of_their_own() {
    let files: BTreeMap<String, String> =
        kustomize(&guarded(), &ManifestOptions::default()).unwrap().into_iter().collect();
    let of = |path: &str| documents(&files[path]).remove(0);
    let pod = of("manager/manager.yaml")["spec"]["template"]["spec"]["containers"][0].clone();
    let args = pod["args"].as_array().unwrap();
    for flag in [
        "--metrics-bind-address=0.0.0.0:8443",
        "--metrics-secure",
        "--metrics-require-rbac",
        "--health-probe-bind-address=0.0.0.0:8081",
        "--leader-elect",
    ] {
        assert!(args.contains(&json!(flag)), "{flag} in {args:?}");
    }
    for probe in ["livenessProbe", "readinessProbe"] {
        assert_eq!(pod[probe]["httpGet"]["port"], 8081);
    }
    let service = &of("manager/metrics_service.yaml")["spec"]["ports"][0];
    assert_eq!(
        (&service["name"], &service["port"], &service["targetPort"]),
        (&json!("https"), &json!(8443), &json!(8443))
    );
    let monitor = &of("prometheus/monitor.yaml")["spec"]["endpoints"][0];
    assert_eq!((&monitor["port"], &monitor["scheme"]), (&json!("https"), &json!("https")));
    assert_eq!(monitor["tlsConfig"], json!({"insecureSkipVerify": true}));
    assert!(monitor["bearerTokenFile"].is_string());
    assert_eq!(of("network-policy/allow.yaml")["spec"]["ingress"][0]["ports"][0]["port"], 8443);

    let binding = of("rbac/metrics_auth_role_binding.yaml");
    assert_eq!(binding["roleRef"]["name"], of("rbac/metrics_auth_role.yaml")["metadata"]["name"]);
    assert_eq!(binding["subjects"][0]["name"], "sites-controller-manager");
    let reader = of("rbac/metrics_reader_role.yaml");
    assert_eq!(reader["metadata"]["name"], "sites-metrics-reader");
    assert_eq!(reader["rules"], json!([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]));

    // The chart's value for people's roles does not take away what the operator needs.
    let chart: BTreeMap<String, String> =
        chart(&guarded(), &ManifestOptions::default(), "0.1.0").unwrap().into_iter().collect();
    assert!(!chart["templates/rbac/metrics_auth_role.yaml"].contains("{{- if"));
    assert!(chart["templates/rbac/metrics_reader_role.yaml"].starts_with("{{- if .Values.userRoles.create }}"));
}

#[test]
fn metrics_that_nobody_guards_stay_beside_health_as_programs_that_have_no_flags_for_it_serve_them() {
    let files: BTreeMap<String, String> =
        kustomize(&description(), &ManifestOptions::default()).unwrap().into_iter().collect();
    let deployment = &files["manager/manager.yaml"];
    assert!(deployment.contains("--metrics-bind-address=0.0.0.0:8080"), "{deployment}");
    assert!(!deployment.contains("secure") && !deployment.contains("health-probe"), "{deployment}");
    assert!(!files.keys().any(|path| path.contains("metrics_auth") || path.contains("metrics_reader")));
    assert!(files["prometheus/monitor.yaml"].contains("scheme: http\n"));
    let without = Description { webhooks: Vec::new(), conversions: Vec::new(), ..description() };
    let files: BTreeMap<String, String> =
        kustomize(&without, &ManifestOptions::default()).unwrap().into_iter().collect();
    assert!(!files["network-policy/allow.yaml"].contains("9443"), "there are no webhooks");
}

#[test]
fn cert_manager_makes_the_certificate_of_guarded_metrics_too() {
    let without = Description { webhooks: Vec::new(), conversions: Vec::new(), ..guarded() };
    for (description, expected) in [(guarded(), 2), (without, 1)] {
        let options = ManifestOptions { cert_manager: true, ..ManifestOptions::default() };
        let files: BTreeMap<String, String> = kustomize(&description, &options).unwrap().into_iter().collect();
        let of = |path: &str| documents(&files[path]).remove(0);
        let certificate = &of("certmanager/metrics_certificate.yaml")["spec"];
        assert_eq!(certificate["dnsNames"][0], "sites-metrics.sites-system.svc");
        let pod = of("manager/manager.yaml")["spec"]["template"]["spec"].clone();
        assert_eq!(pod["volumes"].as_array().unwrap().len(), expected);
        assert_eq!(pod["volumes"][expected - 1]["secret"]["secretName"], certificate["secretName"]);
        let mounted = pod["containers"][0]["volumeMounts"][expected - 1]["mountPath"].as_str().unwrap();
        let flag = json!(format!("--metrics-cert-path={mounted}"));
        assert!(pod["containers"][0]["args"].as_array().unwrap().contains(&flag));
        let tls = &of("prometheus/monitor.yaml")["spec"]["endpoints"][0]["tlsConfig"];
        assert_eq!(tls["serverName"], certificate["dnsNames"][0]);
        assert_eq!(tls["ca"]["secret"]["name"], certificate["secretName"]);
    }
}
