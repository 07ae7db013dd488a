//! What brings the operators to a cluster: it is up to date, a server takes it, and its rights are enough.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it is a test")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{GroupVersionKind, TypeMeta};
use kube::discovery::{Scope, pinned_kind};
use kubewright::prelude::connect;
use serde_json::{Value, json};
use support::{Scratch, Up, kubewright, run, stderr, stdout};

const OPERATORS: [&str; 5] = ["ingress", "access", "account", "dataservice", "objectstorage"];

fn file(operator: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../operators/{operator}/deploy/install.yaml"))
}

fn documents(operator: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&fs::read_to_string(file(operator)).unwrap()).unwrap()
}

#[test]
fn the_manifests_of_each_operator_are_those_that_the_command_prints() {
    let scratch = Scratch::new();
    for operator in OPERATORS {
        let output = run(&["manifests", "--operators", operator], &scratch);
        assert!(output.status.success(), "{}", stderr(&output));
        let same = fs::read_to_string(file(operator)).unwrap_or_default() == stdout(&output);
        let how = format!("kubewright manifests --operators {operator} > operators/{operator}/deploy/install.yaml");
        assert!(same, "operators/{operator}/deploy/install.yaml is not up to date: {how}");
    }
}

#[test]
fn neither_the_machine_s_variables_nor_a_database_get_into_manifests() {
    let scratch = Scratch::new();
    let mut command = kubewright();
    let line = ["manifests", "--operators", "account,objectstorage", "--image", "registry.example.com/kubewright:1"];
    let variables =
        [("DATABASE_URI", "postgres://jane:secret@db/x"), ("NAMESPACE", "elsewhere"), ("INTERNAL_ENDPOINT", "here:1")];
    let text = stdout(&command.args(line).envs(variables).current_dir(scratch.path("")).output().unwrap());
    assert!(text.contains("image: registry.example.com/kubewright:1"), "{text}");
    for foreign in ["secret@", "elsewhere", "here:1"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    let database = run(&["manifests", "--operators", "account", "--", "--account-database-uri", "sqlite:x"], &scratch);
    assert_eq!(database.status.code(), Some(2));
    assert!(stderr(&database).contains("under the key uri of the Secret account-database"), "{}", stderr(&database));
}

#[test]
fn flags_behind_the_dashes_are_those_of_the_operator_in_the_cluster() {
    let scratch = Scratch::new();
    let flags = ["--", "--objectstorage-endpoint", "minio:9000", "--objectstorage-namespace", "storage"];
    let text = stdout(&run(&[&["manifests", "--operators", "objectstorage"], &flags[..]].concat(), &scratch));
    assert!(text.contains("- --objectstorage-endpoint\n        - minio:9000\n"), "{text}");
    assert!(text.contains("namespace: storage") && !text.contains("INTERNAL_ENDPOINT"), "{text}");
    for (operators, flag, told) in [
        ("objectstorage", "--nope", "--nope"),
        ("ingress,access", "--ingress-class=x", "one operator"),
        ("access", "--operators=all", "before --"),
        ("nobody", "--ingress-class=x", "no operator \"nobody\""),
    ] {
        let output = run(&["manifests", "--operators", operators, "--", flag], &scratch);
        assert_eq!(output.status.code(), Some(2), "{flag}");
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
}

#[test]
fn folders_for_kustomize_have_the_samples_too() {
    let scratch = Scratch::new();
    let output = run(&["manifests", "--operators", "all", "--out", "config"], &scratch);
    assert!(output.status.success(), "{}", stderr(&output));
    for file in ["access-operator/default/kustomization.yaml", "d3os-operator/samples/dataservice.yaml"] {
        assert!(scratch.path("config").join(file).is_file(), "{file} in {}", stdout(&output));
    }
    let again = run(&["manifests", "--operators", "all", "--out", "config"], &scratch);
    assert!(stdout(&again).contains("up to date"), "{}", stdout(&again));
}

#[test]
fn a_chart_of_each_operator_leaves_the_namespace_to_the_release() {
    let scratch = Scratch::new();
    let output = run(&["manifests", "--operators", "all", "--chart"], &scratch);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--out"), "{}", stderr(&output));
    let output =
        run(&["manifests", "--operators", "all", "--chart", "--chart-version", "1.2.3", "--out", "charts"], &scratch);
    assert!(output.status.success(), "{}", stderr(&output));
    for (name, namespace) in [
        ("access-operator", "user-system"),
        ("account-operator", "account-system"),
        ("d3os-operator", "d3os-operator-system"),
        ("ingress-operator", "ingress-operator-system"),
        ("objectstorage-operator", "objectstorage-system"),
    ] {
        let chart = scratch.path("charts").join(name).join("chart");
        assert!(fs::read_to_string(chart.join("Chart.yaml")).unwrap().contains("\nversion: \"1.2.3\""), "{name}");
        let deployment = fs::read_to_string(chart.join("templates/manager/manager.yaml")).unwrap();
        assert!(deployment.contains("namespace: {{ .Release.Namespace }}"), "{deployment}");
        // The default of where a server is, which is a value of the operator.
        let left = deployment.replace("object-storage.objectstorage-system.svc", "");
        assert!(!left.contains(namespace), "{left}");
    }
    let access =
        fs::read_to_string(scratch.path("charts/access-operator/chart/templates/manager/manager.yaml")).unwrap();
    assert!(access.contains("--access-namespace={{ .Release.Namespace }}"), "{access}");
    let line = ["manifests", "--operators", "access", "--chart", "--out", "c", "--", "--access-namespace", "users"];
    let output = run(&line, &scratch);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains("leave out --access-namespace"), "{}", stderr(&output));
}

/// Applies the documents of an operator as `kubectl apply --server-side` does.
async fn apply(client: &Client, operator: &str) {
    for document in documents(operator) {
        let types: TypeMeta = serde_json::from_value(document.clone()).unwrap();
        let (kind, capabilities) = pinned_kind(client, &GroupVersionKind::try_from(&types).unwrap()).await.unwrap();
        let api: Api<DynamicObject> = match (capabilities.scope, document["metadata"]["namespace"].as_str()) {
            (Scope::Namespaced, Some(namespace)) => Api::namespaced_with(client.clone(), namespace, &kind),
            (Scope::Cluster, None) => Api::all_with(client.clone(), &kind),
            (scope, namespace) => panic!("{scope:?}, {namespace:?}: {document}"),
        };
        let name = document["metadata"]["name"].as_str().unwrap();
        api.patch(name, &PatchParams::apply("user"), &Patch::Apply(&document)).await.unwrap();
    }
}

/// The kubeconfig of the operator's ServiceAccount.
async fn as_operator(client: &Client, admin: &Path, deployment: &Deployment, scratch: &Scratch) -> PathBuf {
    let pod = deployment.spec.clone().unwrap().template.spec.unwrap();
    let namespace = deployment.metadata.namespace.clone().unwrap();
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), &namespace);
    let account = pod.service_account_name.unwrap();
    let request = TokenRequest::default();
    let token = accounts.create_token_request(&account, &PostParams::default(), &request).await.unwrap();
    let mut config: Value = serde_saphyr::from_str(&fs::read_to_string(admin).unwrap()).unwrap();
    config["users"][0]["user"] = json!({"token": token.status.unwrap().token});
    config["contexts"][0]["context"]["namespace"] = json!(namespace);
    let path = scratch.path(&format!("{account}.kubeconfig"));
    fs::write(&path, config.to_string()).unwrap();
    path
}

/// An object storage without buckets, as far as a look at its health goes.
fn object_storage() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            if lines.any(|line| line.is_empty()) {
                let body = "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>";
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                (&stream).write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        }
    });
    address
}

/// Runs the operator as its Deployment does, but on this machine, until it says that it is ready; its metrics are guarded.
async fn run_as(client: &Client, deployment: &Deployment, kubeconfig: &Path, storage: &str) {
    let container = deployment.spec.clone().unwrap().template.spec.unwrap().containers.remove(0);
    let arguments = container.args.unwrap();
    // What only a Pod has: its addresses.
    let of_pods = ["--metrics-bind-address=", "--health-probe-bind-address=", "--access-webhook-bind-address="];
    let arguments = arguments.iter().filter(|argument| !of_pods.iter().any(|of| argument.starts_with(of)));
    let mut command = kubewright();
    command.args(arguments).args(["--metrics-bind-address=127.0.0.1:0", "--health-probe-bind-address=0"]);
    command.args(["--log=warn,kubewright_webhook=info", "--kubeconfig"]).arg(kubeconfig);
    command.env("DATABASE_URI", "sqlite::memory:").env("INTERNAL_ENDPOINT", storage);
    let mut child = Ending(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let log = BufReader::new(child.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let (told, address) = mpsc::channel();
    // The pipe must not fill up while the operator runs.
    let reading = std::thread::spawn(move || {
        log.for_each(|line| {
            if let Some((_, rest)) = line.split_once("serving metrics address=") {
                let address: SocketAddr = rest.split_whitespace().next().unwrap().parse().unwrap();
                _ = told.send(address);
            }
            eprintln!("{line}");
        });
    });
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ready = lines.any(|line| line.starts_with("running "));
    assert!(ready, "{:?} ended before it was ready", deployment.metadata.name);
    let address = address.recv().unwrap();
    let name = deployment.metadata.name.clone().unwrap();
    let role = format!("{}-metrics-reader", name.strip_suffix("-controller-manager").unwrap());
    support::metrics::are_guarded(client, address, &role).await;
    drop(child);
    reading.join().unwrap();
}

/// A process that ends with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn each_operator_is_deployed_and_gets_ready_with_the_rights_of_its_manifests() {
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &["--operators", "none", "--no-examples", "--nodes", "1"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let storage = object_storage();
    runtime.block_on(async {
        let client = connect(Some(&up.kubeconfig), None).await.unwrap();
        for operator in OPERATORS {
            apply(&client, operator).await;
            if operator == "objectstorage" {
                let admin = json!({"metadata": {"name": "objectstorage-admin"}, "stringData": {"accessKey": "a", "secretKey": "b"}});
                let secrets = Api::<Secret>::namespaced(client.clone(), "objectstorage-system");
                secrets.create(&PostParams::default(), &serde_json::from_value(admin).unwrap()).await.unwrap();
            }
            let planned = documents(operator).into_iter().find(|document| document["kind"] == "Deployment").unwrap();
            let metadata = &planned["metadata"];
            let (namespace, name) = (metadata["namespace"].as_str().unwrap(), metadata["name"].as_str().unwrap());
            let deployments = Api::<Deployment>::namespaced(client.clone(), namespace);
            let deployed = until(async || {
                let deployment = deployments.get(name).await.unwrap();
                (deployment.status.as_ref()?.available_replicas == Some(1)).then_some(deployment)
            });
            let deployed = deployed.await;
            let kubeconfig = as_operator(&client, &up.kubeconfig, &deployed, &scratch).await;
            run_as(&client, &deployed, &kubeconfig, &storage).await;
        }
    });
    assert_eq!(up.interrupt(), Some(0));
}

/// Waits for something, at most as long as a loaded machine may take.
async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < limit, "it did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
