//! Bad input: the error names the file, the line and what would be right, and the folder is as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use support::{Scratch, kubewright, run, stderr, stdout};

fn good(args: &[&str], scratch: &Scratch) {
    let output = run(args, scratch);
    assert!(output.status.success(), "{args:?}: {}{}", stdout(&output), stderr(&output));
}

/// Fails, says all of this, and changes nothing.
fn refused(args: &[&str], scratch: &Scratch, code: i32, expected: &[&str]) {
    let before = files(&scratch.path(""));
    let output = run(args, scratch);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
    for expected in expected {
        assert!(told.contains(expected), "{args:?} says {expected:?}: {told}");
    }
    assert!(files(&scratch.path("")) == before, "{args:?} has changed the folder: {told}");
}

/// All files and folders, with what is in them.
fn files(folder: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let content = (!path.is_dir()).then(|| fs::read(&path).unwrap());
            if content.is_none() {
                folders.push(path.clone());
            }
            found.insert(path.display().to_string(), content);
        }
    }
    found
}

/// A change of a file; tells the line.
fn broken(scratch: &Scratch, file: &str, from: &str, to: &str) -> String {
    let text = fs::read_to_string(scratch.path(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}: {text}");
    let text = text.replacen(from, to, 1);
    let line = text.lines().position(|line| line.contains(to)).unwrap() + 1;
    fs::write(scratch.path(file), text).unwrap();
    format!("line {line}")
}

const API: [&str; 8] = ["create", "api", "--group", "web", "--version", "v1", "--kind", "Site"];

fn project(plugin: &str) -> Scratch {
    let scratch = Scratch::new();
    good(&["init", "--plugins", plugin, "--domain", "example.com", "--project-name", "guestbook"], &scratch);
    let role: &[&str] = if plugin == "ansible" { &["--generate-role"] } else { &[] };
    good(&[&API[..], role].concat(), &scratch);
    scratch
}

#[test]
fn a_broken_project_file() {
    refused(&API, &Scratch::new(), 1, &["there is no PROJECT file", "make one with kubewright init"]);
    let page = ["create", "api", "--group", "web", "--version", "v1", "--kind", "Page", "--generate-role"];
    for plugin in ["rust", "helm", "ansible"] {
        let scratch = project(plugin);
        let page = if plugin == "ansible" { &page[..] } else { &page[..8] };
        let good = fs::read_to_string(scratch.path("PROJECT")).unwrap();
        broken(&scratch, "PROJECT", "domain: example.com", "domain: [");
        refused(page, &scratch, 1, &["PROJECT: ", "| domain: [", "version control"]);
        fs::write(scratch.path("PROJECT"), &good).unwrap();
        let line = broken(&scratch, "PROJECT", good.lines().find(|line| line.contains("/v1")).unwrap(), "- go/v4");
        refused(page, &scratch, 1, &["PROJECT: ", &line, "does not change other projects"]);
    }
    let scratch = project("rust");
    let line = broken(&scratch, "PROJECT", "kind: Site", "kind: site");
    for command in
        [&["status"][..], &["manifests"], &["upgrade"], &["edit", "--multigroup"], &["image", "build"], &["run"]]
    {
        refused(command, &scratch, 1, &["PROJECT: ", &line, "such as Site"]);
    }
}

#[test]
fn a_project_of_another_kind() {
    for (plugin, runs) in [("helm", "kubewright helm-operator run"), ("ansible", "kubewright ansible-operator run")] {
        let scratch = project(plugin);
        for command in [&["status"][..], &["manifests"], &["deploy"], &["upgrade"], &["image", "build"], &["run"]] {
            refused(command, &scratch, 2, &["PROJECT: ", "for projects of Rust", runs]);
        }
        let hint = format!("kubewright init --plugins {}", if plugin == "helm" { "ansible" } else { "helm" });
        let flag: &[&str] = if plugin == "helm" { &["--generate-role"] } else { &["--helm-chart", "chart"] };
        refused(&[&API[..], flag].concat(), &scratch, 2, &[&hint]);
    }
}

#[test]
fn a_broken_watches_file() {
    for (plugin, command, what) in [("helm", "helm-operator", "chart"), ("ansible", "ansible-operator", "role")] {
        let scratch = project(plugin);
        let run = [command, "run"];
        let good = fs::read_to_string(scratch.path("watches.yaml")).unwrap();
        let line = broken(&scratch, "watches.yaml", &format!("{what}: "), &format!("{what}: nowhere/"));
        let place = format!("watches.yaml:{}: {what}: ", line.trim_start_matches("line "));
        refused(&run, &scratch, 1, &[&place, "nowhere"]);
        fs::write(scratch.path("watches.yaml"), &good).unwrap();
        let line = broken(&scratch, "watches.yaml", "kind: Site", "kind: [");
        refused(&run, &scratch, 1, &[&format!("watches.yaml:{}", line.trim_start_matches("line ")), "the file is "]);
        fs::remove_file(scratch.path("watches.yaml")).unwrap();
        refused(&run, &scratch, 1, &["watches.yaml: ", "name the file with --watches-file"]);
    }
}

const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: sites.example.com
spec:
  group: example.com
  names: {kind: Site, plural: sites}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
";

#[test]
fn a_broken_definition() {
    let scratch = Scratch::new();
    for (from, to, expected) in [
        // The parser shows the lines before the one where it has given up.
        ("scope: Namespaced", "scope: [", &["crd.yaml: ", " 9 |   scope: ["][..]),
        ("scope: Namespaced", "scope: Everywhere", &["crd.yaml, line 9: ", "it must be Cluster or Namespaced"]),
        ("name: sites.example.com", "name: sites", &["crd.yaml, line 5: ", "must be \"sites.example.com\""]),
        ("served: true", "served: often", &["crd.yaml: sites.example.com is no valid definition", "11 |", "often"]),
        ("{openAPIV3Schema: {type: object}}", "{}", &["crd.yaml, line 11: ", "write at least {type: object}"]),
        ("k8s.io/v1", "k8s.io/v1beta1", &["crd.yaml, line 5: ", "convert it to apiextensions.k8s.io/v1"]),
    ] {
        assert!(CRD.contains(from), "{from}");
        fs::write(scratch.path("crd.yaml"), CRD.replacen(from, to, 1)).unwrap();
        refused(&["types", "crd.yaml", "--out", "types"], &scratch, 1, expected);
    }
    refused(&["types", "gone.yaml", "--out", "types"], &scratch, 1, &["gone.yaml: No such file"]);
    fs::create_dir(scratch.path("types")).unwrap();
    fs::write(scratch.path("types/sites.rs"), "// mine").unwrap();
    fs::write(scratch.path("crd.yaml"), CRD).unwrap();
    let foreign = ["types/sites.rs is not a file that kubewright types wrote", "move it away"];
    refused(&["types", "crd.yaml", "--out", "types"], &scratch, 1, &foreign);
}

#[test]
fn a_broken_chart() {
    let scratch = project("helm");
    let page = ["create", "api", "--group", "web", "--version", "v1", "--kind", "Page", "--helm-chart", "mine"];
    refused(&page, &scratch, 2, &["--helm-chart \"mine\"", "mine/Chart.yaml: No such file", "helm pull --untar"]);
    fs::create_dir(scratch.path("mine")).unwrap();
    for (chart, values, expected) in [
        ("name: page\nversion: [\n", "", &["Chart.yaml: ", "line 2", "helm lint"][..]),
        ("name: ../page\n", "", &["Chart.yaml: name: \"../page\"", "helm lint"]),
        ("name: page\nversion: 1.0.0\n", "a: 1\nb: {\n", &["values.yaml: ", "line 2", "helm lint"]),
    ] {
        fs::write(scratch.path("mine/Chart.yaml"), chart).unwrap();
        fs::write(scratch.path("mine/values.yaml"), values).unwrap();
        refused(&page, &scratch, 2, expected);
    }
}

#[test]
fn names_that_are_none_of_rust_s_or_dns() {
    let scratch = Scratch::new();
    let label = "it must be a DNS label";
    for (flag, name, expected) in [
        ("--project-name", "No_Name", label),
        ("--project-name", "1st", "begins with a letter"),
        ("--project-name", "async", "Rust or a dependency has this name"),
        ("--domain", "example..com", "write a domain such as example.com"),
    ] {
        let shown = format!("{flag} {name:?}");
        let mut init = vec!["init", flag, name];
        if flag == "--domain" {
            init.extend(["--project-name", "guestbook"]);
        }
        refused(&init, &scratch, 2, &[&shown, expected]);
    }
    refused(
        &["init", "--project-name", "a", "--kubewright-path", "."],
        &scratch,
        2,
        &["is no checkout of Kubewright", "--kubewright-path"],
    );
    for plugin in ["rust", "helm", "ansible"] {
        let scratch = project(plugin);
        for (flag, name, expected) in [
            ("--kind", "redis-cluster", "such as RedisCluster"),
            ("--version", "1.0", "a version is written v1"),
            ("--group", "Web", "write a domain such as example.com"),
            ("--plural", "Sites", label),
        ] {
            let mut args =
                vec!["create", "api", "--group", "web", "--version", "v1", "--kind", "Page", "--plural", "pages"];
            if plugin == "ansible" {
                args.push("--generate-role");
            }
            let at = args.iter().position(|arg| *arg == flag).unwrap();
            args[at + 1] = name;
            refused(&args, &scratch, 2, &[flag, name, expected]);
        }
    }
}

#[test]
fn a_file_that_was_edited_or_is_in_the_way() {
    let scratch = project("rust");
    let page = ["create", "api", "--group", "web", "--version", "v1", "--kind", "Page"];
    refused(&["init", "--project-name", "guestbook"], &scratch, 1, &["PROJECT is there already", "use --force"]);
    fs::write(scratch.path("src/controllers/page.rs"), "// mine").unwrap();
    refused(&page, &scratch, 1, &["src/controllers/page.rs is there already", "move it away, or use --force"]);
    fs::remove_file(scratch.path("src/controllers/page.rs")).unwrap();
    broken(&scratch, "src/operator.rs", "/// Its name.", "/// Mine.");
    broken(&scratch, "src/api/mod.rs", "/// The definitions of all kinds", "/// Mine");
    refused(&page, &scratch, 1, &["src/api/mod.rs is generated but was edited", "then use --force"]);
    good(&[&page[..], &["--force"]].concat(), &scratch);
}

#[test]
fn no_network() {
    let scratch = project("rust");
    // Nothing listens there.
    let server = "https://127.0.0.1:1";
    let config = format!(
        "{{apiVersion: v1, kind: Config, current-context: a, contexts: [{{name: a, context: {{cluster: a, user: a}}}}], \
         clusters: [{{name: a, cluster: {{server: '{server}'}}}}], users: [{{name: a, user: {{}}}}]}}"
    );
    fs::write(scratch.path("nowhere"), config).unwrap();
    fs::write(
        scratch.path("olm.yaml"),
        CRD.replace("sites.example.com", "clusterserviceversions.operators.coreos.com"),
    )
    .unwrap();
    let watches = project("helm");
    fs::copy(scratch.path("nowhere"), watches.path("nowhere")).unwrap();
    let answer = ["the cluster does not answer", "check the server and the credentials in the kubeconfig"];
    for command in [
        &["status"][..],
        &["run", "--no-reload"],
        &["run", "--operators", "ingress"],
        &["types", "--out", "types", "--cluster", "sites.example.com"],
        &["snapshot", "save", "all.snap"],
        &["access", "sweep"],
        &["cleanup", "guestbook"],
        &["olm", "status", "olm.yaml"],
    ] {
        let (name, rest) = command.split_at(if ["snapshot", "access", "olm"].contains(&command[0]) { 2 } else { 1 });
        refused(&[name, &["--kubeconfig", "nowhere"], rest].concat(), &scratch, 1, &answer);
    }
    refused(&["helm-operator", "run", "--kubeconfig", "nowhere"], &watches, 1, &answer);
    let registry = ["127.0.0.1:1", "check the registry's name"];
    refused(&["bundle", "validate", "127.0.0.1:1/bundle:v1"], &scratch, 1, &registry);
    refused(&["status", "--kubeconfig", "gone"], &scratch, 1, &["gone"]);
}

/// The program, as somebody who may not write into the folder; root may everywhere.
fn as_a_stranger(scratch: &Scratch, folder: &Path) -> Command {
    if fs::write(folder.join("probe"), "").is_err() {
        return kubewright();
    }
    fs::remove_file(folder.join("probe")).unwrap();
    // Where the program is built nobody else may be able to read.
    let program = scratch.path("kubewright");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_kubewright"), &program).unwrap();
    }
    let mut command = Command::new(program);
    command.uid(65534).gid(65534).env_remove("KUBECONFIG").env_remove("KUBEWRIGHT_LOG");
    command
}

#[test]
fn a_folder_that_can_not_be_written() {
    let scratch = Scratch::new();
    let folder = scratch.path("locked");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("crd.yaml"), CRD).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let before = files(&folder);
    for (args, expected) in [
        (&["init", "--plugins", "helm", "--project-name", "a"][..], &["can't be written", "nothing was changed"][..]),
        (&["types", "crd.yaml", "--out", "types"], &["types: Permission denied"]),
        (&["man", "--out", "man"], &["man: Permission denied"]),
        (&["completion", "bash"], &[]),
    ] {
        let output = as_a_stranger(&scratch, &folder).args(args).current_dir(&folder).output().unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(i32::from(!expected.is_empty())), "{args:?}: {told}");
        for expected in expected {
            assert!(told.contains(expected), "{args:?} says {expected:?}: {told}");
        }
        assert!(files(&folder) == before, "{args:?}");
    }
}
