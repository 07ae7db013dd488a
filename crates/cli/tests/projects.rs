//! Projects as their users meet them; `walk` goes the whole way, from an empty folder to a cluster and away again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::fs;
use std::process::Command;

use serde_json::Value;
use support::running::Running;
use support::{Scratch, Up, kubewright, run, stderr, stdout};

fn good(args: &[&str], scratch: &Scratch) -> String {
    let output = run(args, scratch);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// What a user would type.
fn project(scratch: &Scratch) {
    good(&["init", "--domain", "example.com", "--project-name", "guestbook"], scratch);
    good(&["create", "api", "--group", "web", "--version", "v1", "--kind", "GuestBook"], scratch);
    good(&["create", "api", "--group", "apps", "--version", "v1", "--kind", "Deployment"], scratch);
    let webhook = ["create", "webhook", "--group", "web", "--version", "v1", "--kind", "GuestBook"];
    good(&[&webhook[..], &["--defaulting", "--programmatic-validation"]].concat(), scratch);
    good(&["create", "api", "--group", "web", "--version", "v2", "--kind", "GuestBook"], scratch);
    let told = good(&[&webhook[..], &["--conversion", "--spoke", "v2"]].concat(), scratch);
    assert!(told.contains("new      src/webhooks/guest_book_v1_from_v2.rs") && told.contains("Next:"), "{told}");
}

#[test]
fn what_is_made_is_formatted_and_says_what_to_do_next() {
    let scratch = Scratch::new();
    project(&scratch);
    let mut rustfmt = Command::new("cargo");
    let output = rustfmt.args(["fmt", "--check"]).current_dir(scratch.path("")).output().unwrap();
    assert!(output.status.success(), "{}", stdout(&output));
}

/// The project's own program would take minutes to compile, and its image is made no other way.
#[test]
fn an_image_is_made_of_the_program_and_what_it_is_linked_to() {
    let scratch = Scratch::new();
    good(&["init", "--project-name", "tiny"], &scratch);
    let package = "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(scratch.path("Cargo.toml"), package).unwrap();
    fs::write(scratch.path("src/lib.rs"), "").unwrap();
    fs::write(scratch.path("src/main.rs"), "fn main() {}\n").unwrap();
    let first = good(&["image", "build", "--tag", "registry.example.com/tiny:v1"], &scratch);
    assert!(first.starts_with("registry.example.com/tiny:v1  sha256:"), "{first}");
    assert!(first.contains("the program is static") || first.contains("libc.so"), "{first}");
    let index = fs::read_to_string(scratch.path("dist/image/index.json")).unwrap();
    assert!(index.contains("registry.example.com/tiny:v1"), "{index}");
    fs::remove_dir_all(scratch.path("target")).unwrap();
    assert_eq!(good(&["image", "build", "--tag", "registry.example.com/tiny:v1"], &scratch), first);

    let program = fs::read_dir(scratch.path("target")).unwrap().find_map(|entry| {
        let program = entry.unwrap().path().join("release/tiny");
        program.is_file().then_some(program)
    });
    let program = program.unwrap().display().to_string();
    let taken = good(&["image", "build", "--tag", "registry.example.com/tiny:v1", "--program", &program], &scratch);
    assert_eq!(taken.split_whitespace().nth(1), first.split_whitespace().nth(1), "the same program, the same digest");
    let text = run(&["image", "build", "--program", "PROJECT"], &scratch);
    assert!(stderr(&text).contains("PROJECT is no program for Linux"), "{}", stderr(&text));

    let unknown = run(&["image", "build", "--target", "sparc-unknown-linux-gnu"], &scratch);
    assert!(stderr(&unknown).contains("rustup target add sparc-unknown-linux-gnu"), "{}", stderr(&unknown));
}

/// A program without dependencies that says what it has been told, as a project's program would; `KIND` is replaced.
const PROGRAM: &str = r##"
const CRD: &str = r#"{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "sites.example.com"}, "spec": {"group": "example.com", "scope": "Namespaced",
    "names": {"kind": "Site", "plural": "sites", "singular": "site", "listKind": "SiteList"},
    "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "describe") {
        println!("{{\"name\": \"tiny\", \"crds\": [{CRD}], \"roles\": \"\", \"webhooks\": [], \"lease\": \"tiny\"}}");
        return;
    }
    println!("WORD {}", arguments.join(" "));
    loop {
        std::thread::park();
    }
}
"##;

/// A project whose program compiles in a moment.
fn tiny(scratch: &Scratch) {
    good(&["init", "--project-name", "tiny"], scratch);
    let package = "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(scratch.path("Cargo.toml"), package).unwrap();
    fs::write(scratch.path("src/lib.rs"), "").unwrap();
    fs::write(scratch.path("src/main.rs"), PROGRAM.replace("WORD", "first")).unwrap();
}

#[test]
fn a_project_runs_on_a_control_plane_of_its_own_which_outlives_a_change_of_its_sources() {
    let scratch = Scratch::new();
    tiny(&scratch);
    let mut run = Running::start(&["--embedded", "--metrics-bind-address", "0", "--", "--verbose"], &scratch);
    run.line("installed sites.example.com");
    let told = run.line("first ");
    let kubeconfig = scratch.path("kubewright.kubeconfig");
    assert!(told.contains(&format!("--kubeconfig={}", kubeconfig.canonicalize().unwrap().display())), "{told}");
    assert!(told.ends_with("--metrics-bind-address=127.0.0.1:0 --verbose"), "{told}");
    let site = "apiVersion: example.com/v1\nkind: Site\nmetadata: {name: home, namespace: default}\n";
    support::apply(&kubeconfig, site);

    fs::write(scratch.path("src/main.rs"), "no Rust").unwrap();
    run.line("the one from before runs on");
    fs::write(scratch.path("src/main.rs"), PROGRAM.replace("WORD", "second")).unwrap();
    run.line("second ");
    assert!(support::read(&kubeconfig, site).is_some(), "the objects are still there");

    let status = good(&["status", "--kubeconfig", "kubewright.kubeconfig"], &scratch);
    assert!(status.contains("not deployed: kubewright deploy"), "{status}");
    let (code, rest) = run.interrupt();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("stopping"), "{rest}");
}

#[test]
fn the_lease_is_free_for_the_first_replica_and_what_others_have_made_stays() {
    let scratch = Scratch::new();
    tiny(&scratch);
    let up = Up::start(&scratch, &["--operators", "none", "--nodes", "1"]);
    let at = up.kubeconfig.display().to_string();
    let deploy = ["deploy", "--kubeconfig", &at, "--timeout", "300s"];
    let undeploy = ["undeploy", "--kubeconfig", &at, "--timeout", "300s"];
    let told = good(&deploy, &scratch);
    assert!(told.contains("created lease/tiny") && told.contains("1 of 1 replicas ready"), "{told}");
    // No program runs that would have taken it.
    let lease = "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: tiny, namespace: tiny-system}\n";
    let before = support::read(&up.kubeconfig, lease).unwrap();
    let spec = &before["spec"];
    assert_eq!((&spec["holderIdentity"], &spec["leaseDurationSeconds"]), (&"".into(), &1.into()));
    assert!(!good(&deploy, &scratch).contains("lease/"), "one that is there stays");
    assert_eq!(support::read(&up.kubeconfig, lease).unwrap(), before);
    let own = "apiVersion: v1\nkind: Namespace\nmetadata: {name: tiny-system}\n";
    let told = good(&undeploy, &scratch);
    for object in ["deployment/tiny-controller-manager", "lease/tiny", "namespace/tiny-system"] {
        assert!(told.contains(&format!("deleted {object}")), "{told}");
    }
    assert!(support::read(&up.kubeconfig, own).is_none(), "it was waited for: {told}");

    let others = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n";
    support::apply(&up.kubeconfig, others);
    let team = ["--namespace", "team"];
    let told = good(&[&deploy[..], &team].concat(), &scratch);
    assert!(told.contains("namespace/team is there, and stays as it is"), "{told}");
    let told = good(&[&undeploy[..], &team].concat(), &scratch);
    assert!(told.contains("left namespace/team") && told.contains("deleted lease/tiny"), "{told}");
    assert_eq!(support::read(&up.kubeconfig, others).unwrap()["status"]["phase"], "Active");

    good(&["install", "--kubeconfig", &at], &scratch);
    let kept = "apiVersion: example.com/v1\nkind: Site\nmetadata: {name: home, namespace: default, finalizers: [example.com/a]}\n";
    support::apply(&up.kubeconfig, kept);
    let late = run(&["uninstall", "--kubeconfig", &at, "--timeout", "1s"], &scratch);
    let told = "still there after 1 s: customresourcedefinition/sites.example.com";
    assert!(late.status.code() == Some(1) && stderr(&late).contains(told), "{}", stderr(&late));
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn a_program_that_ends_is_told_and_ends_the_command_only_if_nothing_can_change() {
    let scratch = Scratch::new();
    tiny(&scratch);
    fs::write(scratch.path("src/main.rs"), PROGRAM.replace("loop {", "if true { std::process::exit(3) }\nloop {"))
        .unwrap();
    let mut run = Running::start(&["--embedded"], &scratch);
    run.line("tiny ended with exit status: 3; it starts again when a source has changed");
    fs::write(scratch.path("src/main.rs"), PROGRAM).unwrap();
    run.line("WORD ");
    assert_eq!(run.interrupt().0, Some(0));

    fs::write(scratch.path("src/main.rs"), "fn main() { std::process::exit(3) }").unwrap();
    let up = Up::start(&scratch, &["--operators", "none"]);
    let kubeconfig = up.kubeconfig.display().to_string();
    let output = kubewright()
        .args(["run", "--no-reload", "--kubeconfig", &kubeconfig])
        .current_dir(scratch.path(""))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stderr(&output).contains("the project's program ended with exit status: 3"), "{}", stderr(&output));

    let output = support::run(&["run", "--kubeconfig", &kubeconfig, "--context", "elsewhere"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("elsewhere"), "{}", stderr(&output));
}

#[test]
fn a_context_is_that_of_the_program_too() {
    let scratch = Scratch::new();
    tiny(&scratch);
    // Says which context its kubeconfig has.
    let program = PROGRAM.replace(
        "println!(\"WORD {}\", arguments.join(\" \"));",
        "let config = std::fs::read_to_string(arguments[0].strip_prefix(\"--kubeconfig=\").unwrap()).unwrap();\n\
         println!(\"read: {}\", config.replace(char::is_whitespace, \"\"));",
    );
    fs::write(scratch.path("src/main.rs"), program).unwrap();
    let up = Up::start(&scratch, &["--operators", "none"]);
    let mut config: Value = serde_saphyr::from_str(&fs::read_to_string(&up.kubeconfig).unwrap()).unwrap();
    let mut other = config["contexts"][0].clone();
    other["name"] = "other".into();
    config["contexts"].as_array_mut().unwrap().push(other);
    fs::write(scratch.path("two"), config.to_string()).unwrap();
    let mut run = Running::start(&["--kubeconfig", "two", "--context", "other", "--no-reload"], &scratch);
    let told = run.line("read: ");
    assert!(told.contains("\"current-context\":\"other\"") && told.contains("client-key-data"), "{told}");
    assert_eq!(run.interrupt().0, Some(0));
}

#[test]
fn run_says_whose_a_flag_is() {
    let scratch = Scratch::new();
    let refused = |args: &[&str], expected: &str| {
        let output = run(args, &scratch);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    };
    refused(&["run", "--embedded"], "--embedded, which is for the operator of a project");
    good(&["init", "--project-name", "tiny"], &scratch);
    refused(&["run", "--shards"], "--shards, which is for the operators that come with kubewright");
    refused(&["run", "--operators", "ingress", "--no-reload"], "leave out --operators");
    refused(&["run", "--embedded", "--kubeconfig", "x"], "--kubeconfig");
    let nowhere =
        kubewright().arg("run").env("HOME", scratch.path("nobody")).current_dir(scratch.path("")).output().unwrap();
    assert!(stderr(&nowhere).contains("kubewright run --embedded needs no cluster"), "{}", stderr(&nowhere));

    let helm = Scratch::new();
    good(&["init", "--plugins", "helm", "--project-name", "charts"], &helm);
    assert!(stderr(&run(&["run"], &helm)).contains("kubewright helm-operator run"));
}

#[test]
fn an_upgrade_shows_what_it_would_do_and_refuses_to_lose_an_edit() {
    let scratch = Scratch::new();
    good(&["init", "--project-name", "tiny"], &scratch);
    assert!(good(&["upgrade"], &scratch).starts_with("up to date"));
    let project = fs::read_to_string(scratch.path("PROJECT")).unwrap();
    let older = project.lines().filter(|line| !line.starts_with("cliVersion")).collect::<Vec<_>>().join("\n");
    fs::write(scratch.path("PROJECT"), &older).unwrap();
    let api = ["create", "api", "--group", "web", "--version", "v1", "--kind", "Site"];
    assert!(stderr(&run(&api, &scratch)).contains("first use kubewright upgrade"));
    let files: Value = serde_json::from_str(&good(&["upgrade", "--dry-run", "-o", "json"], &scratch)).unwrap();
    assert_eq!((&files["files"][0]["path"], &files["files"][0]["edited"]), (&"PROJECT".into(), &false.into()));
    let told = good(&["upgrade", "--dry-run"], &scratch);
    assert!(told.contains("+cliVersion: ") && told.contains("--- PROJECT as it is"), "{told}");
    assert_eq!(fs::read_to_string(scratch.path("PROJECT")).unwrap(), older);

    let file = scratch.path("src/operator.rs");
    let generated = fs::read_to_string(&file).unwrap();
    fs::write(&file, generated.replace("/// Its name.", "/// Mine.")).unwrap();
    let refused = run(&["upgrade"], &scratch);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("src/operator.rs is generated but was edited"), "{}", stderr(&refused));
    assert!(stdout(&refused).contains("-/// Mine.\n+/// Its name."), "{}", stdout(&refused));
    let told = good(&["upgrade", "--force"], &scratch);
    assert!(told.contains("changed  src/operator.rs") && told.contains("your own files stay"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), generated);
    good(&api, &scratch);
}

/// What a shell is told when the tab key is pressed behind these words.
fn offered(words: &[&str], scratch: &Scratch) -> String {
    let mut command = kubewright();
    command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string()).env("_CLAP_IFS", "\n");
    stdout(&command.arg("--").args(words).current_dir(scratch.path("")).output().unwrap())
}

#[test]
fn shells_complete_names_of_the_cluster() {
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &["--operators", "none"]);
    let mut command = kubewright();
    command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "3").env("_CLAP_IFS", "\n");
    command.env("KUBECONFIG", &up.kubeconfig).args(["--", "kubewright", "status", "--namespace", "kube-"]);
    let offered = stdout(&command.output().unwrap());
    assert!(offered.contains("kube-system") && !offered.contains("default"), "{offered}");
}

#[test]
fn shells_complete_kinds_of_the_project_and_man_pages_are_written() {
    let scratch = Scratch::new();
    good(&["init", "--project-name", "guestbook"], &scratch);
    good(&["create", "api", "--group", "web", "--version", "v1", "--kind", "GuestBook"], &scratch);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(good(&["completion", shell], &scratch).contains("COMPLETE"), "{shell}");
    }
    assert!(offered(&["kubewright", "create", "webhook", "--kind", ""], &scratch).contains("GuestBook"));
    assert!(offered(&["kubewright", "create", "webhook", "--group", "w"], &scratch).contains("web"));
    assert!(offered(&["kubewright", "ty"], &scratch).contains("types"));

    let helm = Scratch::new();
    good(&["init", "--plugins", "helm", "--project-name", "charts"], &helm);
    good(&["create", "api", "--group", "cache", "--version", "v1", "--kind", "Redis"], &helm);
    assert!(offered(&["kubewright", "create", "api", "--kind", ""], &helm).contains("Redis"));
    good(&["man", "--out", "man"], &scratch);
    let page = fs::read_to_string(scratch.path("man/kubewright-create-api.1")).unwrap();
    assert!(page.contains("Examples:") && page.contains("\\-\\-namespaced"), "{page}");
    let version = good(&["version", "-o", "json"], &scratch);
    assert!(version.contains("\"kubernetes\": \"1.36\""), "{version}");
}
