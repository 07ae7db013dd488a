//! An ansible-runner without Ansible: this very test program, called by a script, does what a role would do.
//!
//! It talks to the API server that its kubeconfig names, as Ansible does, and prints events. What it was called for is in
//! `calls`, a line for each run. The files `hold` and `fail-cleanup` beside it have a run wait, or fail.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubewright::kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kubewright::kube::core::GroupVersionKind;
use kubewright::kube::{Client, Config};
use kubewright::prelude::*;
use kubewright_ansible::{Options, Program};
use serde_json::{Value, json};

/// The runner, and the folder of its files.
pub(crate) struct FakeRunner {
    dir: tempfile::TempDir,
}

impl FakeRunner {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ansible-runner");
        let program = std::env::current_exe().unwrap();
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo fake && exit\nFAKE_ARGS=$(printf '%s\\n' \"$@\")\nexport FAKE_ARGS\nexec '{}' --exact the_runner --nocapture --test-threads 1\n",
            program.display()
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn program(&self) -> Program {
        Program::new(self.dir.path().join("ansible-runner"))
    }

    /// Options with which the runner knows its folder.
    pub(crate) fn with(&self, options: Options) -> Options {
        Options { environment: vec![("FAKE_DIR".into(), self.dir.path().into())], ..options }
    }

    /// What it was called for.
    pub(crate) fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_string).collect()
    }

    pub(crate) fn put(&self, file: &str) {
        std::fs::write(self.dir.path().join(file), "").unwrap();
    }

    pub(crate) fn remove(&self, file: &str) {
        std::fs::remove_file(self.dir.path().join(file)).unwrap();
    }
}

/// What is called in place of ansible-runner.
pub(crate) fn run() {
    let Ok(arguments) = std::env::var("FAKE_ARGS") else { return };
    let arguments: Vec<&str> = arguments.lines().collect();
    let after = |flag: &str| arguments[arguments.iter().position(|other| *other == flag).unwrap() + 1].to_string();
    let directory = PathBuf::from(arguments[1]);
    std::fs::create_dir_all(directory.join("artifacts").join(after("-i"))).unwrap();
    let variables = std::fs::read_to_string(directory.join("env/extravars")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let role = Role {
        variables: serde_json::from_str(&variables).unwrap(),
        dir: std::env::var_os("FAKE_DIR").unwrap().into(),
        client: client(),
    };
    let name = after("--role");
    // The test program has begun a line.
    println!();
    let failure = match name.as_str() {
        "memcached" => runtime.block_on(role.memcached()),
        _ => role.cleanup(),
    };
    if let Some(message) = &failure {
        if message.starts_with("ERROR") {
            println!("{message}");
            std::process::exit(4);
        }
        event("runner_on_failed", json!({"task": "fail", "res": {"msg": message}}));
    }
    let on = |count: u64| json!({"localhost": count});
    event("playbook_on_stats", json!({"ok": on(2), "changed": on(1), "failures": on(failure.is_some().into())}));
    std::process::exit(if failure.is_some() { 2 } else { 0 });
}

fn client() -> Client {
    let config = std::fs::read_to_string(std::env::var_os("KUBECONFIG").unwrap()).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
    let mut config = Config::new(server.parse().unwrap());
    config.read_timeout = None;
    Client::try_from(config).unwrap()
}

fn event(name: &str, data: Value) {
    let created = "2026-11-21T17:00:00.123456+00:00";
    let line =
        json!({"uuid": "1", "event": name, "stdout": format!("says {name}"), "created": created, "event_data": data});
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

struct Role {
    variables: Value,
    dir: PathBuf,
    client: Client,
}

impl Role {
    fn note(&self, what: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.dir.join("calls")).unwrap();
        writeln!(file, "{what} {}", self.name()).unwrap();
    }

    fn name(&self) -> &str {
        self.variables["ansible_operator_meta"]["name"].as_str().unwrap()
    }

    fn cleanup(&self) -> Option<String> {
        self.note("cleanup");
        self.dir.join("fail-cleanup").exists().then(|| "the ledger is closed".into())
    }

    async fn memcached(&self) -> Option<String> {
        let size = self.variables["size"].as_i64().unwrap_or(1);
        self.note(&format!("size {size}"));
        event("playbook_on_task_start", json!({"task": "start memcached"}));
        if self.variables["broken"] == true {
            return Some("ERROR! couldn't resolve module/action 'k8s'".into());
        }
        if size > 5 {
            return Some(format!("size {size} is too much"));
        }
        let labels = json!({"app": self.name()});
        self.put("apps", "Deployment", json!({
            "metadata": {"name": format!("{}-memcached", self.name())},
            "spec": {"replicas": size, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
                "spec": {"containers": [{"name": "memcached", "image": "memcached:1"}]}}},
        })).await;
        let role = format!("{}-{}", self.namespace(), self.name());
        self.put("rbac.authorization.k8s.io", "ClusterRole", json!({"metadata": {"name": role}, "rules": []})).await;
        if self.variables["note_nodes"] == true {
            let patch = json!({"status": {"nodes": [size]}});
            self.api("cache.example.com", "Memcached")
                .patch_status(self.name(), &PatchParams::default(), &Patch::Merge(&patch))
                .await
                .unwrap();
        }
        if let Some(foreign) = self.variables["apply_to"].as_str() {
            let map =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": foreign}, "data": {"a": "b"}});
            self.api("", "ConfigMap")
                .patch(foreign, &PatchParams::apply("role").force(), &Patch::Apply(&map))
                .await
                .unwrap();
        }
        if let Some(period) = self.variables["again_after"].as_str() {
            event("runner_on_ok", json!({"task_action": "operator_sdk.util.requeue_after", "res": {"period": period}}));
        }
        while self.dir.join("hold").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    }

    fn namespace(&self) -> &str {
        self.variables["ansible_operator_meta"]["namespace"].as_str().unwrap()
    }

    fn api(&self, group: &str, kind: &str) -> Api<DynamicObject> {
        let version = if group == "cache.example.com" { "v1alpha1" } else { "v1" };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        match kind {
            "ClusterRole" => Api::all_with(self.client.clone(), &resource),
            _ => Api::namespaced_with(self.client.clone(), self.namespace(), &resource),
        }
    }

    /// As the module k8s does it: look, then create or patch what differs.
    async fn put(&self, group: &str, kind: &str, object: Value) {
        let api = self.api(group, kind);
        let name = object["metadata"]["name"].as_str().unwrap();
        match api.get_opt(name).await.unwrap() {
            None => {
                let object = serde_json::from_value(object).unwrap();
                api.create(&PostParams::default(), &object).await.unwrap();
            }
            Some(live) if live.data["spec"]["replicas"] != object["spec"]["replicas"] => {
                api.patch(name, &PatchParams::default(), &Patch::Merge(&object)).await.unwrap();
            }
            Some(_) => {}
        }
    }
}
