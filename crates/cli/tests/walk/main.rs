//! A new user's way: an empty folder → a project → its tests → an image → a real cluster → a second version of its API → and
//! away again.
//!
//! Part of the real tier, as it compiles a project. It needs skopeo, and starts a registry and a control plane of its own, whose
//! API server reaches Services as where nodes are in a network of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod node;
#[path = "../support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use kubewright_real::{ImageRegistry, ImageRegistryOptions, Options, RealCluster, ensure_skopeo};
use node::Node;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use support::running::Running;
use support::{Scratch, Up, kubewright, stderr, stdout};

/// A step that takes as long has a fault; on a machine that does nothing else each takes less than two seconds.
const FAR_TOO_LONG: Duration = Duration::from_secs(120);
/// What happens in a cluster may take as long as a loaded machine needs.
const PATIENCE: &str = "300s";

/// A project in a folder of its own, compiled in the workspace's target directory: what it depends on is there already.
struct Walk {
    scratch: Scratch,
    target: PathBuf,
    /// What each step took that compiles nothing.
    took: RefCell<Vec<(String, Duration)>>,
}

impl Walk {
    fn new() -> Self {
        let scratch = Scratch::new();
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        Self { scratch, target: workspace.join("target"), took: RefCell::default() }
    }

    fn workspace(&self) -> &Path {
        self.target.parent().unwrap()
    }

    fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("CARGO_TARGET_DIR", &self.target).env("CARGO_NET_OFFLINE", "true");
        command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
        command.current_dir(self.scratch.path(""))
    }

    fn good(&self, command: &mut Command) -> String {
        let output = self.prepare(command).output().unwrap();
        assert!(output.status.success(), "{command:?}: {}\n{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    /// A step of the way.
    fn step(&self, args: &[&str]) -> String {
        let begin = Instant::now();
        let told = self.good(kubewright().args(args));
        let took = begin.elapsed();
        assert!(took < FAR_TOO_LONG, "kubewright {}: {} s", args.join(" "), took.as_secs());
        self.took.borrow_mut().push((args.join(" "), took));
        told
    }

    /// A step that would compile the project, if it were not compiled before.
    fn compiled_step(&self, args: &[&str]) -> String {
        self.cargo(&["build"]);
        self.step(args)
    }

    fn cargo(&self, args: &[&str]) -> String {
        self.good(Command::new("cargo").args(args))
    }

    fn skopeo(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.good(Command::new("skopeo").args(args))).unwrap()
    }

    /// What a user does in an editor.
    fn edit(&self, file: &str, changes: &[(&str, &str)]) {
        let mut text = self.text(file);
        for (from, to) in changes {
            assert!(text.contains(from), "{file} has no {from:?}: {text}");
            text = text.replace(from, to);
        }
        fs::write(self.scratch.path(file), text).unwrap();
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.scratch.path(file)).unwrap()
    }

    /// What is said of the project's definition in a cluster.
    fn definition(&self, cluster: &str) -> String {
        let status = self.good(kubewright().args(["status", "-o", "json", "--kubeconfig", cluster]));
        let status: Value = serde_json::from_str(&status).unwrap();
        let mut objects = status["objects"].as_array().unwrap().iter();
        let object = objects.find(|object| object["kind"] == "CustomResourceDefinition").unwrap();
        object["message"].as_str().unwrap().to_string()
    }
}

/// The conversion as a user writes it when a field has got another name.
const CONVERSION: &str = r#"
impl Spoke for This {
    type Hub = Hub;

    fn into_hub(self) -> Result<Hub, ConversionError> {
        let mut hub = Hub::default();
        hub.metadata = self.metadata;
        hub.spec.foo = self.spec.greeting;
        hub.status = self.status.map(|status| v1::GuestBookStatus { observed_generation: status.observed_generation });
        Ok(hub)
    }

    fn from_hub(hub: Hub) -> Result<Self, ConversionError> {
        let mut this = This::default();
        this.metadata = hub.metadata;
        this.spec.greeting = hub.spec.foo;
        this.status = hub.status.map(|status| v2::GuestBookStatus { observed_generation: status.observed_generation });
        Ok(this)
    }
}
"#;

#[test]
fn a_new_user_gets_from_an_empty_folder_to_production_to_a_second_version_and_back() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    println!("{}", ensure_skopeo().unwrap());
    let walk = Walk::new();
    project(&walk);
    let tested = walk.cargo(&["test"]);
    for test in ["a_new_guest_book_is_reconciled ... ok", "the_deployment_controller_gets_ready_and_settles ... ok"] {
        assert!(tested.contains(test), "{tested}");
    }
    walk.cargo(&["clippy", "--all-targets", "--", "-D", "warnings"]);
    let registry = ImageRegistry::start(ImageRegistryOptions::default()).unwrap();
    let image = |version: &str| format!("{}/guestbook:{version}", registry.address());
    manifests(&walk, &image("v1"));
    pushed(&walk, &image("v1"));
    on_simulated_nodes(&walk);

    let folder = walk.scratch.path("cluster");
    fs::create_dir(&folder).unwrap();
    let options = Options {
        controller_manager: true,
        apiserver_arguments: vec![node::egress(&folder)],
        controller_manager_arguments: vec![node::CONTROLLERS.into()],
        ..Options::default()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = runtime.block_on(RealCluster::start(options)).unwrap();
    let kubeconfig = cluster.kubeconfig();
    let at = kubeconfig.display().to_string();
    on_this_machine(&walk, kubeconfig);

    let node = Node::start(kubeconfig, "guestbook-system", &folder);
    let status = walk.step(&["status", "--kubeconfig", &at]);
    assert!(status.contains("not deployed: kubewright deploy"), "{status}");
    deployed(&walk, &image("v1"), &at);
    assert_eq!(walk.definition(&at), "installed: v1 (stored)");
    eventually("the webhooks are there", || support::try_apply(kubeconfig, &book("v1", "a", "foo: hello")).is_ok());
    page(kubeconfig, "a", "hello");
    refused(kubeconfig, "v1", "foo");
    runtime.block_on(guarded_metrics(kubeconfig, &node));

    second_version(&walk);
    let tested = walk.cargo(&["test"]);
    assert!(tested.contains("nothing_gets_lost_on_the_way_to_v1_and_back ... ok"), "{tested}");
    manifests(&walk, &image("v2"));
    let crd = walk.text("config/crd/bases/web.example.com_guestbooks.yaml");
    assert!(crd.contains("/convert/guestbooks.web.example.com"), "{crd}");
    pushed(&walk, &image("v2"));
    deployed(&walk, &image("v2"), &at);
    assert_eq!(walk.definition(&at), "installed: v1 (stored), v2");
    eventually("the object from before in its new version", || {
        let read = support::read(kubeconfig, &book("v2", "a", "greeting: x"));
        read.is_some_and(|read| read["spec"]["greeting"] == "hello")
    });
    support::apply(kubeconfig, &book("v2", "b", "greeting: hi"));
    assert_eq!(support::read(kubeconfig, &book("v1", "b", "foo: x")).unwrap()["spec"]["foo"], "hi");
    page(kubeconfig, "b", "hi");
    refused(kubeconfig, "v2", "greeting");

    let told = walk.step(&["undeploy", "--kubeconfig", &at, "--timeout", PATIENCE]);
    for object in ["deployment/guestbook-controller-manager", "namespace/guestbook-system"] {
        assert!(told.contains(&format!("deleted {object}")), "{told}");
    }
    assert!(walk.definition(&at).starts_with("not installed"), "it was waited for");
    let status = walk.step(&["status", "-o", "json", "--kubeconfig", &at]);
    let status: Value = serde_json::from_str(&status).unwrap();
    let left = status["objects"].as_array().unwrap().iter().filter(|object| object["installed"] == true);
    assert_eq!(left.count(), 0, "{status:#}");
    drop(node);
    println!("seconds of each step that compiles nothing; those in a cluster wait until it is done:");
    for (step, took) in walk.took.borrow().iter() {
        println!("{:6.2}  kubewright {step}", took.as_secs_f64());
    }
}

/// From the empty folder to a reconciler, a default and a rule of the user's own.
fn project(walk: &Walk) {
    walk.step(&["init", "--domain", "example.com", "--project-name", "guestbook"]);
    // What the workspace was compiled with is here without a network.
    for file in ["Cargo.lock", "rust-toolchain.toml"] {
        fs::copy(walk.workspace().join(file), walk.scratch.path(file)).unwrap();
    }
    walk.step(&["create", "api", "--group", "web", "--version", "v1", "--kind", "GuestBook"]);
    walk.step(&["create", "api", "--group", "apps", "--version", "v1", "--kind", "Deployment"]);
    let webhook = ["create", "webhook", "--group", "web", "--version", "v1", "--kind", "GuestBook"];
    walk.step(&[&webhook[..], &["--defaulting", "--programmatic-validation"]].concat());
    walk.edit(
        "src/controllers/guest_book.rs",
        &[
            (".writes_status()", ".owns(Watch::<ConfigMap>::all()).writes_status()"),
            ("use kubewright::prelude::*;\n", "use k8s_openapi::api::core::v1::ConfigMap;\nuse kubewright::prelude::*;\n"),
            (
                "        // Say what there should be with ctx.own([children]).await?\n",
                "        let mut page = ConfigMap::default();\n        page.metadata.name = object.metadata.name.clone();\n        \
                 page.data = Some([(\"foo\".to_string(), object.spec.foo.clone().unwrap_or_default())].into());\n        \
                 ctx.own([page]).await?;\n",
            ),
        ],
    );
    walk.edit(
        "src/webhooks/guest_book_v1_validation.rs",
        &[(
            "        let _ = new;\n",
            "        if new.spec.foo.as_deref() == Some(\"worse\") {\n            \
             return Err(Denied::invalid(\"spec.foo\", \"say something better\"));\n        }\n",
        )],
    );
}

fn manifests(walk: &Walk, image: &str) {
    let manifests = ["manifests", "--chart", "--image", image];
    let written = walk.compiled_step(&manifests);
    for file in ["config/default/kustomization.yaml", "dist/install.yaml", "dist/chart/Chart.yaml"] {
        assert!(walk.scratch.path(file).exists(), "{written}");
    }
    let role = walk.text("config/rbac/role.yaml");
    for expected in ["guestbooks/status", "deployments", "configmaps", "validatingwebhookconfigurations"] {
        assert!(role.contains(expected), "{role}");
    }
    for file in ["config/rbac/metrics_auth_role.yaml", "config/rbac/metrics_reader_role.yaml"] {
        assert!(walk.scratch.path(file).exists(), "{file} in {written}");
    }
    assert!(!role.contains("tokenreviews"), "what guards the metrics has a role of its own: {role}");
    assert!(walk.step(&manifests).contains("up to date"));
}

/// Makes an image and pushes it; another tool sees in the registry what was made.
fn pushed(walk: &Walk, image: &str) {
    let program = walk.target.join("debug/guestbook").display().to_string();
    let built = walk.step(&["image", "build", "--program", &program, "--tag", image]);
    walk.step(&["image", "push"]);
    let seen = walk.skopeo(&["inspect", "--tls-verify=false", &format!("docker://{image}")]);
    assert!(built.contains(seen["Digest"].as_str().unwrap()), "{built}: {seen}");
    assert_eq!(seen["Labels"]["org.opencontainers.image.title"], "guestbook");
    let config = walk.skopeo(&["inspect", "--tls-verify=false", "--config", &format!("docker://{image}")]);
    assert_eq!((&config["os"], &config["config"]["Entrypoint"][0]), (&"linux".into(), &"/guestbook".into()));
    assert_eq!(config["config"]["User"], "65532:65532");
}

/// The embedded control plane has nodes on which Pods get ready without a container.
fn on_simulated_nodes(walk: &Walk) {
    let up = Up::start(&walk.scratch, &["--operators", "none", "--nodes", "1"]);
    let at = up.kubeconfig.display().to_string();
    let told = walk.step(&["deploy", "--kubeconfig", &at, "--replicas", "2", "--timeout", PATIENCE]);
    for told_of in ["created lease/guestbook", "deployment/guestbook-controller-manager: 2 of 2 replicas ready"] {
        assert!(told.contains(told_of), "{told}");
    }
    let told = walk.step(&["undeploy", "--kubeconfig", &at, "--timeout", PATIENCE]);
    assert!(told.contains("deleted deployment/guestbook-controller-manager"), "{told}");
}

/// `kubewright run` with certificates that something else has made: the cluster calls the webhooks on this machine.
fn on_this_machine(walk: &Walk, kubeconfig: &Path) {
    let folder = walk.scratch.path("certificates");
    certificates(&folder);
    let (at, folder) = (kubeconfig.display().to_string(), folder.display().to_string());
    let mut command = kubewright();
    command.args(["run", "--install-crds", "--no-reload", "--metrics-bind-address", "0", "--kubeconfig", &at]);
    command.args(["--", "--webhook-cert-path", &folder]);
    let mut run = Running::of(walk.prepare(&mut command));
    run.line("installed guestbooks.web.example.com");
    run.line("running guestbook");
    eventually("the webhooks are there", || {
        support::try_apply(kubeconfig, &book("v1", "c", "foo: worse"))
            .is_err_and(|error| error.contains("say something"))
    });
    support::apply(kubeconfig, &book("v1", "c", "foo: hello"));
    page(kubeconfig, "c", "hello");
    let (code, rest) = run.interrupt();
    assert_eq!(code, Some(0), "{rest}");
    eventually("nobody is asked when nobody answers", || {
        support::try_apply(kubeconfig, &book("v1", "c", "foo: worse")).is_ok()
    });
    let told = walk.step(&["uninstall", "--kubeconfig", &at, "--timeout", PATIENCE]);
    assert!(told.contains("deleted customresourcedefinition/guestbooks.web.example.com"), "{told}");
    assert!(walk.definition(&at).starts_with("not installed"), "it was waited for");
}

/// Certificates as cert-manager writes them.
fn certificates(folder: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    fs::create_dir(folder).unwrap();
    for (file, text) in [("ca.crt", root.pem()), ("tls.crt", certificate.pem()), ("tls.key", key.serialize_pem())] {
        fs::write(folder.join(file), text).unwrap();
    }
}

/// Deploys the operator, whose programs have no rights but those that are deployed with it.
fn deployed(walk: &Walk, image: &str, at: &str) {
    let line = ["deploy", "--image", image, "--replicas", "2", "--kubeconfig", at, "--timeout", PATIENCE];
    let mut command = kubewright();
    let begin = Instant::now();
    let output: Output = walk.prepare(command.args(line)).output().unwrap();
    walk.took.borrow_mut().push((line.join(" "), begin.elapsed()));
    assert!(output.status.success(), "{}\n{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("2 of 2 replicas ready"), "{}", stdout(&output));
    eventually("all of it is ready", || {
        let told = walk.good(kubewright().args(["status", "--kubeconfig", at]));
        told.contains(&format!("2 of 2 replicas ready, {image}")) && told.matches("in place: 1 webhooks").count() == 2
    });
}

/// The metrics are for those whom a role of the cluster allows it.
async fn guarded_metrics(kubeconfig: &Path, node: &Node) {
    let client = kubewright::prelude::connect(Some(kubeconfig), None).await.unwrap();
    support::eventually("a Pod is ready", async || node.metrics().is_some()).await;
    let address = (Ipv4Addr::LOCALHOST, node.metrics().unwrap()).into();
    support::metrics::are_guarded(&client, address, "guestbook-metrics-reader").await;
}

/// A second version, in which a field has another name, and another version of the tool that goes on with it.
fn second_version(walk: &Walk) {
    walk.step(&["create", "api", "--group", "web", "--version", "v2", "--kind", "GuestBook"]);
    walk.edit("src/api/v2/guest_book.rs", &[("pub foo:", "pub greeting:")]);
    let webhook = ["create", "webhook", "--group", "web", "--version", "v1", "--kind", "GuestBook"];
    let told = walk.step(&[&webhook[..], &["--conversion", "--spoke", "v2"]].concat());
    assert!(told.contains("new      src/webhooks/guest_book_v1_from_v2.rs") && told.contains("Next:"), "{told}");
    let text = walk.text("src/webhooks/guest_book_v1_from_v2.rs");
    let (before, rest) = text.split_once("\nimpl Spoke").unwrap();
    let (_, tests) = rest.split_once("#[cfg(test)]").unwrap();
    let before = before.replace("use kubewright::webhook", "use crate::api::{v1, v2};\nuse kubewright::webhook");
    let text = format!("{before}{CONVERSION}\n#[cfg(test)]{tests}");
    fs::write(walk.scratch.path("src/webhooks/guest_book_v1_from_v2.rs"), text).unwrap();
    walk.edit("PROJECT", &[(concat!("cliVersion: \"", env!("CARGO_PKG_VERSION")), "cliVersion: \"0.0.1")]);
    assert!(walk.step(&["upgrade"]).contains("from 0.0.1 to"));
}

fn book(version: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: web.example.com/{version}\nkind: GuestBook\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{{spec}}}\n"
    )
}

/// Waits for the page that the reconciler makes.
fn page(kubeconfig: &Path, name: &str, text: &str) {
    let page = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\n");
    eventually("the page", || support::read(kubeconfig, &page).is_some_and(|page| page["data"]["foo"] == text));
}

/// The rule is asked of each version, in words of the first.
fn refused(kubeconfig: &Path, version: &str, field: &str) {
    let refused = support::try_apply(kubeconfig, &book(version, "worse", &format!("{field}: worse"))).unwrap_err();
    assert!(refused.contains("say something better"), "{refused}");
}

/// Waits for something, at most as long as a loaded machine may take.
fn eventually(what: &str, mut look: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(300);
    while !look() {
        assert!(Instant::now() < limit, "it did not come: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
