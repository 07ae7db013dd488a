//! A new user's way: an empty folder → a project → its tests → a cluster → a second version → and away again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;
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

/// Part of the real tier, since it compiles a project.
#[test]
fn a_new_project_builds_lints_clean_and_passes_its_tests() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let scratch = Scratch::new();
    project(&scratch);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in ["Cargo.lock", "rust-toolchain.toml"] {
        fs::copy(workspace.join(file), scratch.path(file)).unwrap();
    }
    let cargo = |args: &[&str]| {
        let mut command = Command::new("cargo");
        command
            .args(args)
            .arg("--offline")
            .current_dir(scratch.path(""))
            .env("CARGO_TARGET_DIR", workspace.join("target"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0");
        let output =
            command.args(if args[0] == "clippy" { &["--", "-D", "warnings"][..] } else { &[] }).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}\n{}", stdout(&output), stderr(&output));
        stdout(&output)
    };
    let tested = cargo(&["test"]);
    for test in ["a_new_guest_book_is_reconciled ... ok", "the_deployment_controller_gets_ready_and_settles ... ok"] {
        assert!(tested.contains(test), "{tested}");
    }
    cargo(&["clippy", "--all-targets"]);
    deployed(&scratch, &workspace.join("target"));
}

/// The project's operator goes to a cluster whose nodes are simulated, and away from it.
fn deployed(scratch: &Scratch, target: &Path) {
    let kubewright = |args: &[&str]| {
        let mut command = kubewright();
        command.env("CARGO_TARGET_DIR", target).env("CARGO_NET_OFFLINE", "true");
        let output = command.args(args).current_dir(scratch.path("")).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}\n{}", stdout(&output), stderr(&output));
        stdout(&output)
    };
    let written = kubewright(&["manifests", "--chart", "--image", "registry.example.com/guestbook:v1"]);
    for file in ["config/default/kustomization.yaml", "dist/install.yaml", "dist/chart/Chart.yaml"] {
        assert!(written.contains(&format!("new      {file}")), "{written}");
    }
    let role = fs::read_to_string(scratch.path("config/rbac/role.yaml")).unwrap();
    for expected in ["guestbooks/status", "deployments", "validatingwebhookconfigurations"] {
        assert!(role.contains(expected), "{role}");
    }
    let definition = fs::read_to_string(scratch.path("config/crd/bases/web.example.com_guestbooks.yaml")).unwrap();
    assert!(definition.contains("/convert/guestbooks.web.example.com"), "{definition}");
    assert!(
        kubewright(&["manifests", "--chart", "--image", "registry.example.com/guestbook:v1"]).contains("up to date")
    );

    if let Ok(cluster) = std::env::var("KUBEWRIGHT_TEST_KUBECONFIG") {
        assert!(kubewright(&["install", "--kubeconfig", &cluster]).contains("installed guestbooks.web.example.com"));
        assert!(kubewright(&["uninstall", "--kubeconfig", &cluster]).contains("deleted"));
    }
    let up = Up::start(scratch, &["--operators", "none", "--nodes", "1"]);
    let kubeconfig = up.kubeconfig.display().to_string();
    let told = kubewright(&["deploy", "--kubeconfig", &kubeconfig, "--replicas", "2", "--timeout", "60s"]);
    assert!(told.contains("deployment/guestbook-controller-manager: 2 of 2 replicas ready"), "{told}");
    let told = kubewright(&["undeploy", "--kubeconfig", &kubeconfig]);
    assert!(told.contains("deleted deployment/guestbook-controller-manager"), "{told}");
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
        println!("{{\"name\": \"tiny\", \"crds\": [{CRD}], \"roles\": \"\", \"webhooks\": [], \"conversions\": []}}");
        return;
    }
    println!("WORD {}", arguments.join(" "));
    loop {
        std::thread::park();
    }
}
"##;

/// `kubewright run`, and what it prints.
struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(args: &[&str], scratch: &Scratch) -> Self {
        Self::of(kubewright().arg("run").args(args).current_dir(scratch.path("")))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || printed.for_each(|line| drop(send.send(line))));
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line with this in it, at most as long as a loaded machine may take.
    fn line(&mut self, expected: &str) -> String {
        let limit = Instant::now() + Duration::from_secs(240);
        while let Ok(line) = self.lines.recv_timeout(limit.saturating_duration_since(Instant::now())) {
            self.seen.push(line.clone());
            if line.contains(expected) {
                return line;
            }
        }
        panic!("there was no {expected:?} in:\n{}", self.seen.join("\n"));
    }

    fn interrupt(mut self) -> (Option<i32>, String) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
        let rest: Vec<String> = self.lines.iter().collect();
        (self.child.wait().unwrap().code(), rest.join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, unless the test failed on the way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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

#[test]
fn errors_name_what_is_wrong_and_leave_the_folder_as_it_was() {
    let scratch = Scratch::new();
    let api = ["create", "api", "--group", "web", "--version", "v1", "--kind", "Site"];
    let refused = |args: &[&str], code: i32, expected: &str| {
        let output = run(args, &scratch);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    };
    refused(&api, 1, "make one with kubewright init");
    refused(&["init", "--project-name", "No_Name"], 2, "--project-name \"No_Name\"");
    refused(&["init", "--project-name", "a", "--kubewright-path", "."], 2, "is no checkout of Kubewright");
    assert_eq!(fs::read_dir(scratch.path("")).unwrap().count(), 0);

    good(&["init", "--project-name", "guestbook"], &scratch);
    refused(&["init", "--project-name", "guestbook"], 1, "PROJECT is there already");
    fs::write(scratch.path("PROJECT"), "version: [").unwrap();
    refused(&api, 1, "PROJECT: ");
    assert!(!scratch.path("src/api/v1").exists());
}

/// Root writes anywhere, so there is nothing to see for it.
#[test]
fn a_folder_that_can_not_be_written_is_named() {
    let scratch = Scratch::new();
    let folder = scratch.path("locked");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.join("probe"), "").is_ok() {
        println!("not run: this user may write everywhere");
        return;
    }
    let output = run(&["init", "--project-name", "a", "--dir", "locked"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("can't be written") && stderr(&output).contains("nothing was changed"));
}

#[test]
fn shells_complete_kinds_of_the_project_and_man_pages_are_written() {
    let scratch = Scratch::new();
    good(&["init", "--project-name", "guestbook"], &scratch);
    good(&["create", "api", "--group", "web", "--version", "v1", "--kind", "GuestBook"], &scratch);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(good(&["completion", shell], &scratch).contains("COMPLETE"), "{shell}");
    }
    let complete = |words: &[&str]| {
        let mut command = kubewright();
        command
            .env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
            .env("_CLAP_IFS", "\n");
        stdout(&command.arg("--").args(words).current_dir(scratch.path("")).output().unwrap())
    };
    assert!(complete(&["kubewright", "create", "webhook", "--kind", ""]).contains("GuestBook"));
    assert!(complete(&["kubewright", "create", "webhook", "--group", "w"]).contains("web"));
    assert!(complete(&["kubewright", "ty"]).contains("types"));

    good(&["man", "--out", "man"], &scratch);
    let page = fs::read_to_string(scratch.path("man/kubewright-create-api.1")).unwrap();
    assert!(page.contains("Examples:") && page.contains("\\-\\-namespaced"), "{page}");
    let version = good(&["version", "-o", "json"], &scratch);
    assert!(version.contains("\"kubernetes\": \"1.36\""), "{version}");
}
