//! A new user's way: an empty folder → init → create api → create webhook → its tests.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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

    let unknown = run(&["image", "build", "--target", "sparc-unknown-linux-gnu"], &scratch);
    assert!(stderr(&unknown).contains("rustup target add sparc-unknown-linux-gnu"), "{}", stderr(&unknown));
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
