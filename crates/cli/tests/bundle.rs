//! Bundles for the Operator Lifecycle Manager on the command line: made, checked, scored, packed, pushed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::fs;
use std::io::Write as _;
use std::process::{Output, Stdio};

use kubewright_real::{ImageRegistry, ImageRegistryOptions};
use serde_json::{Value, json};
use support::{Scratch, kubewright, run, stderr, stdout};

const MANIFESTS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sites.web.example.com}
spec:
  group: web.example.com
  names: {kind: Site, listKind: SiteList, plural: sites, singular: site}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: A site on the web.
        properties:
          spec: {type: object, properties: {size: {type: integer}}}
          status: {type: object, properties: {ready: {type: integer}}}
---
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
apiVersion: web.example.com/v1
kind: Site
metadata: {name: site-sample}
spec: {size: 1}
"#;

fn good(args: &[&str], scratch: &Scratch) -> String {
    let output = run(args, scratch);
    assert!(output.status.success(), "{args:?}: {}{}", stdout(&output), stderr(&output));
    stdout(&output)
}

fn bad(args: &[&str], scratch: &Scratch, code: i32, told: &str) -> String {
    let output = run(args, scratch);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
    assert!(stderr(&output).contains(told), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// A folder with a bundle of the manifests.
fn bundle() -> Scratch {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("deploy")).unwrap();
    fs::write(scratch.path("deploy/all.yaml"), MANIFESTS).unwrap();
    let told = good(&GENERATE, &scratch);
    assert!(told.contains("new      bundle/manifests/site.clusterserviceversion.yaml"), "{told}");
    scratch
}

const GENERATE: [&str; 8] = ["bundle", "generate", "--input-dir", "deploy", "--package", "site", "--version", "0.1.0"];

fn yaml(scratch: &Scratch, file: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(scratch.path(file)).unwrap()).unwrap()
}

#[test]
fn a_bundle_is_made_checked_scored_and_packed() {
    let scratch = bundle();
    assert!(
        fs::read_to_string(scratch.path("bundle.Dockerfile")).unwrap().contains("COPY bundle/manifests /manifests/\n")
    );
    assert_eq!(yaml(&scratch, "bundle/manifests/site.clusterserviceversion.yaml")["metadata"]["name"], "site.v0.1.0");
    let told = good(&["bundle", "validate"], &scratch);
    assert!(told.contains("warning: spec.minKubeVersion is missing") && told.contains("the bundle is valid"), "{told}");

    let told = bad(&["scorecard"], &scratch, 1, "tests that did not pass: olm-crds-have-resources");
    assert!(told.contains("pass  basic-check-spec"), "{told}");
    good(&["scorecard", "--selector", "suite=basic"], &scratch);
    let list: Value = serde_json::from_str(&good(&["scorecard", "-L", "-o", "json"], &scratch)).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 6);

    let told = good(&["bundle", "build", "--tag", "registry.example.com/site-bundle:v0.1.0"], &scratch);
    let digest = told.split_whitespace().nth(1).unwrap().to_string();
    let again = good(&["bundle", "build", "--tag", "registry.example.com/site-bundle:v0.1.0"], &scratch);
    assert!(again.contains(&digest), "same bundle, same digest: {again}");
    let index: Value = serde_json::from_slice(&fs::read(scratch.path("dist/bundle/index.json")).unwrap()).unwrap();
    let blob = |digest: &Value| {
        let file = format!("dist/bundle/blobs/{}", digest.as_str().unwrap().replace(':', "/"));
        serde_json::from_slice::<Value>(&fs::read(scratch.path(&file)).unwrap()).unwrap()
    };
    let manifest = blob(&index["manifests"][0]["digest"]);
    let labels = blob(&manifest["config"]["digest"])["config"]["Labels"].clone();
    assert_eq!(labels["operators.operatorframework.io.bundle.mediatype.v1"], "registry+v1");
    assert_eq!(labels["operators.operatorframework.io.bundle.package.v1"], "site");
}

#[test]
fn a_bundle_that_is_made_again_is_up_to_date_and_edited_files_stay() {
    let scratch = bundle();
    assert_eq!(good(&GENERATE, &scratch), "up to date: bundle\n");
    let file = scratch.path("bundle/manifests/site.clusterserviceversion.yaml");
    let edited = fs::read_to_string(&file).unwrap().replace("displayName: Site", "displayName: My Site");
    fs::write(&file, &edited).unwrap();
    bad(&GENERATE, &scratch, 1, "use --overwrite to have it written anew");
    assert_eq!(fs::read_to_string(&file).unwrap(), edited);
    fs::create_dir_all(scratch.path("config/manifests/bases")).unwrap();
    fs::write(scratch.path("config/manifests/bases/site.clusterserviceversion.yaml"), &edited).unwrap();
    fs::write(scratch.path("bundle/manifests/old.yaml"), "kind: Old\n").unwrap();
    let told = good(
        &[&GENERATE[..], &["--overwrite", "--channels", "stable,fast", "--default-channel", "stable"]].concat(),
        &scratch,
    );
    assert!(told.contains("changed  bundle/metadata/annotations.yaml"), "{told}");
    assert!(told.contains("left     bundle/manifests/old.yaml: it is not of these manifests"), "{told}");
    let csv = yaml(&scratch, "bundle/manifests/site.clusterserviceversion.yaml");
    assert_eq!(csv["spec"]["displayName"], "My Site");
    let annotations = yaml(&scratch, "bundle/metadata/annotations.yaml")["annotations"].clone();
    assert_eq!(annotations["operators.operatorframework.io.bundle.channels.v1"], "stable,fast");
    assert_eq!(annotations["operators.operatorframework.io.bundle.channel.default.v1"], "stable");
}

/// The project's own program would take minutes to compile; this one tells the same of itself.
#[test]
fn a_project_of_ours_becomes_a_bundle_for_any_namespace() {
    let scratch = Scratch::new();
    good(&["init", "--project-name", "tiny"], &scratch);
    let documents: Vec<Value> = serde_saphyr::from_multiple(MANIFESTS).unwrap();
    let described = json!({
        "name": "tiny",
        "crds": [documents[0]],
        "roles": "kind: ClusterRole\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: tiny}\nrules: []\n",
        "webhooks": [{
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "tiny"}, "webhooks": [{"name": "v.example.com", "clientConfig": {"service": {"name": "tiny-webhook"}}}],
        }],
    });
    let package = "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(scratch.path("Cargo.toml"), package).unwrap();
    fs::write(scratch.path("src/lib.rs"), "").unwrap();
    fs::write(
        scratch.path("src/main.rs"),
        format!("fn main() {{ println!(\"{{}}\", {:?}) }}\n", described.to_string()),
    )
    .unwrap();
    fs::create_dir_all(scratch.path("samples")).unwrap();
    fs::write(scratch.path("samples/site.yaml"), documents[2].to_string()).unwrap();
    let told = good(&["bundle", "generate", "--version", "1.0.0", "--image", "registry.example.com/tiny:v1"], &scratch);
    assert!(told.contains("new      bundle/manifests/tiny.clusterserviceversion.yaml"), "{told}");
    let csv = yaml(&scratch, "bundle/manifests/tiny.clusterserviceversion.yaml");
    assert_eq!(csv["spec"].get("webhookdefinitions"), None, "the operator registers its webhooks itself");
    assert!(csv["metadata"]["annotations"]["alm-examples"].as_str().unwrap().contains("site-sample"));
    let pod = &csv["spec"]["install"]["spec"]["deployments"][0]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["image"], "registry.example.com/tiny:v1");
    assert!(container["args"].as_array().unwrap().contains(&json!("--webhook-service=$(POD_NAMESPACE)/tiny-webhook")));
    assert_eq!(container["env"][0]["valueFrom"]["fieldRef"]["fieldPath"], "metadata.namespace");
    assert_eq!(
        csv["spec"]["install"]["spec"]["clusterPermissions"][0]["serviceAccountName"],
        pod["serviceAccountName"]
    );
    good(&["bundle", "validate"], &scratch);
}

fn piped(args: &[&str], scratch: &Scratch, text: &str) -> Output {
    let mut command = kubewright();
    let command = command.args(args).current_dir(scratch.path("")).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn manifests_come_through_a_pipe_and_go_to_standard_output() {
    let scratch = Scratch::new();
    let args = ["bundle", "generate", "--package", "site", "--version", "0.1.0", "--stdout"];
    for more in [&[][..], &["--input-dir", "-"]] {
        let output = piped(&[&args[..], more].concat(), &scratch, MANIFESTS);
        assert!(output.status.success(), "{}", stderr(&output));
        let documents: Vec<Value> = serde_saphyr::from_multiple(&stdout(&output)).unwrap();
        let kinds: Vec<&Value> = documents.iter().map(|document| &document["kind"]).collect();
        assert_eq!(kinds, ["ClusterServiceVersion", "CustomResourceDefinition"]);
    }
    assert_eq!(fs::read_dir(scratch.path("")).unwrap().count(), 0, "nothing was written");
}

#[test]
fn results_are_json_for_programs() {
    let scratch = bundle();
    for format in ["json", "json-alpha1"] {
        let report: Value = serde_json::from_str(&good(&["bundle", "validate", "-o", format], &scratch)).unwrap();
        assert_eq!(report["passed"], true);
        assert_eq!(report["outputs"][0]["type"], "warning");
    }
    fs::remove_file(scratch.path("bundle/manifests/web.example.com_sites.yaml")).unwrap();
    let told = bad(&["bundle", "validate", "-o", "json"], &scratch, 1, "the bundle is not valid: errors: 1");
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&report["passed"], &report["outputs"][0]["reason"]), (&json!(false), &json!("BundleNotValid")));
    bad(&["bundle", "build"], &scratch, 1, "which no CustomResourceDefinition of the bundle has");
    assert!(!scratch.path("dist").exists());
    let checks: Value =
        serde_json::from_str(&good(&["bundle", "validate", "--list-optional", "-o", "json"], &scratch)).unwrap();
    assert_eq!(checks[0]["labels"]["suite"], "operatorframework");
    let told = good(&["bundle", "validate", "--list-optional"], &scratch);
    assert!(told.contains("good-practices         name=good-practices"), "{told}");
}

#[test]
fn wrong_usage_is_told() {
    let scratch = bundle();
    bad(&["bundle", "validate", "--select-optional", "name=magic"], &scratch, 2, "selects no check");
    bad(
        &["bundle", "validate", "--select-optional", "name=community", "--optional-values", "x"],
        &scratch,
        2,
        "no KEY=VALUE",
    );
    bad(&["bundle", "validate", "no such folder"], &scratch, 1, "is no image");
    bad(&["bundle", "generate", "--version", "0.1.0"], &scratch, 2, "there are no manifests: pipe them in");
    bad(&[&GENERATE[..], &["--image", "a"]].concat(), &scratch, 2, "--image is for the manifests of a project");
    bad(&["bundle", "generate", "--input-dir", "deploy", "--version", "0.1.0"], &scratch, 1, "give one with --package");
    bad(&["bundle", "generate", "--input-dir", "gone", "--version", "0.1.0"], &scratch, 1, "gone: No such file");
    bad(&["scorecard", "--selector", "a in"], &scratch, 2, "can't be used");
    bad(&["scorecard", "--config", "gone.yaml"], &scratch, 1, "gone.yaml: No such file");
    bad(&["image", "push"], &scratch, 2, "is no image with a name");
    bad(&["image", "push", "Bad/Name"], &scratch, 1, "is no image");
    bad(&["image", "push", "a", "--username", "me"], &scratch, 2, "--password-stdin");
}

#[test]
fn package_manifests_become_bundles() {
    let scratch = bundle();
    fs::create_dir_all(scratch.path("packages/0.1.0")).unwrap();
    let package = json!({"packageName": "site", "channels": [{"name": "stable", "currentCSV": "site.v0.1.0"}]});
    fs::write(scratch.path("packages/site.package.yaml"), package.to_string()).unwrap();
    for entry in fs::read_dir(scratch.path("bundle/manifests")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, scratch.path("packages/0.1.0").join(path.file_name().unwrap())).unwrap();
    }
    let args = ["pkgman-to-bundle", "packages", "--image-tag-base", "registry.example.com/site-bundle"];
    let told = good(&args, &scratch);
    assert!(told.contains("registry.example.com/site-bundle:0.1.0  sha256:"), "{told}");
    assert!(told.contains("new      bundles/bundle-0.1.0"), "{told}");
    good(&["bundle", "validate", "bundles/bundle-0.1.0/bundle"], &scratch);
    assert!(scratch.path("bundles/bundle-0.1.0/image/oci-layout").exists());
    bad(&args, &scratch, 1, "bundles is there already");
    bad(&["pkgman-to-bundle", "deploy", "--output-dir", "more"], &scratch, 1, "there is no package.yaml");
    assert!(!scratch.path("more").exists());
}

/// Part of the real tier: the CNCF's distribution is built.
#[test]
fn a_bundle_is_pushed_to_a_real_registry_and_checked_there() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let registry = ImageRegistry::start(ImageRegistryOptions::default()).unwrap();
    let scratch = bundle();
    let name = format!("{}/team/site-bundle:v0.1.0", registry.address());
    let told = good(&["bundle", "build", "--tag", &name, "--push"], &scratch);
    assert!(
        told.contains(&format!("pushed {name}  sha256:")) && told.contains("parts sent: 2, there already: 0"),
        "{told}"
    );
    let told = good(&["bundle", "validate", &name], &scratch);
    assert!(told.contains("the bundle is valid"), "{told}");
    let told = good(&["image", "push", "--layout", "dist/bundle"], &scratch);
    assert!(told.contains("parts sent: 0, there already: 2"), "{told}");
    let digest = told.split_whitespace().nth(2).unwrap().to_string();
    let manifests = MANIFESTS.replace("registry.example.com/site:0.1.0", &name);
    fs::write(scratch.path("deploy/all.yaml"), manifests).unwrap();
    good(&[&GENERATE[..], &["--use-image-digests"]].concat(), &scratch);
    let spec = yaml(&scratch, "bundle/manifests/site.clusterserviceversion.yaml")["spec"].clone();
    let pinned = format!("{}@{digest}", name.rsplit_once(':').unwrap().0);
    assert_eq!(spec["relatedImages"], json!([{"name": "manager", "image": pinned}]));
    let pod = &spec["install"]["spec"]["deployments"][0]["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], pinned);
    let missing = name.replace("v0.1.0", "v9");
    bad(&["bundle", "validate", &missing], &scratch, 1, "manifest unknown");
}

/// Part of the real tier.
#[test]
fn a_registry_with_tls_must_have_a_certificate_that_is_trusted() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_string()]).unwrap();
    let tls = Some((made.cert.pem(), made.signing_key.serialize_pem()));
    let registry = ImageRegistry::start(ImageRegistryOptions { tls, ..ImageRegistryOptions::default() }).unwrap();
    let scratch = bundle();
    fs::write(scratch.path("ca.crt"), made.cert.pem()).unwrap();
    let name = format!("{}/team/site-bundle:v0.1.0", registry.address());
    let push = |authorities: Option<&str>| {
        let mut command = kubewright();
        command.args(["bundle", "build", "--tag", &name, "--push"]).current_dir(scratch.path(""));
        if let Some(file) = authorities {
            command.env("SSL_CERT_FILE", scratch.path(file));
        }
        command.output().unwrap()
    };
    let untrusted = push(None);
    assert_eq!(untrusted.status.code(), Some(1));
    assert!(stderr(&untrusted).contains("invalid peer certificate"), "{}", stderr(&untrusted));
    let trusted = push(Some("ca.crt"));
    assert!(trusted.status.success(), "{}", stderr(&trusted));
    assert!(stdout(&trusted).contains(&format!("pushed {name}  sha256:")), "{}", stdout(&trusted));
}
