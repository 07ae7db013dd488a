//! `kubewright types` on files, folders, standard input and a cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use support::{Scratch, Up, kubewright, run, stderr, stdout};

const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sites.example.com}
spec:
  group: example.com
  names: {kind: Site, plural: sites, singular: site, listKind: SiteList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, required: [title], properties: {title: {type: string, minLength: 1}}}
";

#[test]
fn types_go_to_standard_output_or_to_a_folder_which_can_be_checked() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path("crds/deep")).unwrap();
    fs::write(scratch.path("crds/deep/site.yaml"), CRD).unwrap();
    fs::write(scratch.path("crds/page.yml"), CRD.replace("Site", "Page").replace("site", "page")).unwrap();

    let one = run(&["types", "crds/deep/site.yaml"], &scratch);
    assert!(stdout(&one).contains("pub struct SiteSpec"), "{}", stderr(&one));
    let many = run(&["types", "crds"], &scratch);
    assert!(!many.status.success() && stderr(&many).contains("give a folder with --out"), "{}", stderr(&many));
    let mut piped = kubewright().args(["types", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(CRD.as_bytes()).unwrap();
    assert_eq!(stdout(&piped.wait_with_output().unwrap()), stdout(&one));

    let check = ["types", "crds", "--out", "types", "--check"];
    let stale = run(&check, &scratch);
    assert_eq!(stale.status.code(), Some(1));
    assert!(stderr(&stale).contains("types/mod.rs") && !scratch.path("types").exists(), "{}", stderr(&stale));
    let written = run(&check[..4], &scratch);
    assert_eq!(stdout(&written), "2 definitions, 3 files changed in types\n", "{}", stderr(&written));
    assert!(run(&check, &scratch).status.success());
    assert_eq!(stdout(&run(&check[..4], &scratch)), "2 definitions, 0 files changed in types\n");

    fs::write(scratch.path("types/sites.rs"), "// mine").unwrap();
    let foreign = run(&check[..4], &scratch);
    assert!(
        stderr(&foreign).contains("types/sites.rs is not a file that kubewright types wrote"),
        "{}",
        stderr(&foreign)
    );
    assert_eq!(fs::read_to_string(scratch.path("types/sites.rs")).unwrap(), "// mine");
}

#[test]
fn apply_configurations_of_kubernetes_own_kinds_go_to_a_folder() {
    let scratch = Scratch::new();
    let wanted = ["types", "--out", "apply", "--builtin", "apps/v1/Deployment", "v1/ConfigMap"];
    let written = run(&wanted, &scratch);
    assert_eq!(stdout(&written), "3 groups, 4 files changed in apply\n", "{}", stderr(&written));
    let apps = fs::read_to_string(scratch.path("apply/apps_v1.rs")).unwrap();
    assert!(apps.contains("pub struct DeploymentApplyConfiguration") && !apps.contains("StatefulSet"), "{apps}");
    let core = fs::read_to_string(scratch.path("apply/core_v1.rs")).unwrap();
    assert!(core.contains("pub struct ConfigMapApplyConfiguration") && core.contains("pub struct PodSpecApply"));
    assert!(run(&[&wanted[..], &["--check"]].concat(), &scratch).status.success());

    let unknown = run(&["types", "--out", "apply", "--builtin", "apps/v2/Deployment"], &scratch);
    assert!(stderr(&unknown).contains("there are: apps/v1/Deployment"), "{}", stderr(&unknown));
    let malformed = run(&["types", "--out", "apply", "--builtin", "Deployment"], &scratch);
    assert_eq!(malformed.status.code(), Some(2));
    assert!(stderr(&malformed).contains("write it as apps/v1/Deployment"), "{}", stderr(&malformed));
}

#[test]
fn bad_input_is_named() {
    let scratch = Scratch::new();
    fs::write(scratch.path("broken.yaml"), "a: [").unwrap();
    fs::write(scratch.path("other.yaml"), "kind: Service\napiVersion: v1\n").unwrap();
    for (file, expected) in [
        ("broken.yaml", "broken.yaml: "),
        ("other.yaml", "no CustomResourceDefinition found in other.yaml"),
        ("none.yaml", "none.yaml: No such file"),
    ] {
        let output = run(&["types", file], &scratch);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn types_of_a_cluster_are_those_of_the_definition_that_was_applied() {
    let scratch = Scratch::new();
    fs::write(scratch.path("site.yaml"), CRD).unwrap();
    let from_file = run(&["types", "site.yaml"], &scratch);
    let up = Up::start(&scratch, &["--operators", "none"]);
    let kubeconfig = up.kubeconfig.display().to_string();
    support::apply_definition(&kubeconfig, CRD);
    let cluster = ["types", "--kubeconfig", &kubeconfig, "--cluster", "sites.example.com"];
    let from_cluster = run(&cluster, &scratch);
    // A server says the strategy of conversion, which is None unless told otherwise.
    let plain = |text: String| {
        text.replace(" ", "").replace("\n", "").replace(
            "conversion:Some(apiextensions::CustomResourceConversion{strategy:\"None\".into(),webhook:None,}),",
            "conversion:None,",
        )
    };
    assert_eq!(plain(stdout(&from_cluster)), plain(stdout(&from_file)), "{}", stderr(&from_cluster));
}
