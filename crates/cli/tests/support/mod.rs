//! The `kubewright` binary as a child process, in a directory of its own.

// Each test binary uses its own part of this.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod audit;
pub mod metrics;
pub mod running;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use kubewright::kube;
use kubewright::kube::api::{Api, DynamicObject, Patch, PatchParams};
use kubewright::kube::core::GroupVersionKind;

/// A directory that goes with the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("kubewright-cli-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn kubewright() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubewright"));
    command.env_remove("KUBECONFIG").env_remove("KUBEWRIGHT_LOG").env_remove("DATABASE_URI").stdin(Stdio::null());
    command
}

/// Runs to the end.
pub fn run(args: &[&str], directory: &Scratch) -> Output {
    kubewright().args(args).current_dir(&directory.0).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A running `kubewright up`.
pub struct Up {
    child: Child,
    pub kubeconfig: PathBuf,
}

impl Up {
    /// Starts it and waits until it says that it is ready.
    pub fn start(directory: &Scratch, args: &[&str]) -> Self {
        Self::launch(kubewright(), directory, args)
    }

    /// The same through a shell that executes `"$0" "$@"` at its end.
    pub fn start_by(script: &str, directory: &Scratch, args: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_kubewright")]);
        command.env_remove("KUBECONFIG").env_remove("KUBEWRIGHT_LOG").stdin(Stdio::null());
        Self::launch(command, directory, args)
    }

    fn launch(mut command: Command, directory: &Scratch, args: &[&str]) -> Self {
        let kubeconfig = directory.path("kubeconfig");
        command.arg("up").arg("--kubeconfig-out").arg(&kubeconfig).args(args).current_dir(&directory.0);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line.starts_with("running;"));
        assert!(ready, "kubewright up ended before it was ready");
        // The pipe must not fill up while the test goes on.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, kubeconfig }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as Ctrl-C would, and returns its exit code.
    pub fn interrupt(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Ended already, unless the test failed on the way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for what another process does, at most as long as a loaded machine may take.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(240);
    while !holds().await {
        assert!(Instant::now() < limit, "in vain: {what}");
        // There is nothing to wait on but what it has done.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}

/// Applies a definition to the server of a kubeconfig.
pub fn apply_definition(kubeconfig: &str, yaml: &str) {
    use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let definition: CustomResourceDefinition = serde_saphyr::from_str(yaml).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = kubewright::prelude::connect(Some(Path::new(kubeconfig)), None).await.unwrap();
        let api = kubewright::prelude::Api::<CustomResourceDefinition>::all(client);
        api.create(&Default::default(), &definition).await.unwrap();
    });
}

/// Applies an object.
pub fn apply(kubeconfig: &Path, yaml: &str) {
    try_apply(kubeconfig, yaml).unwrap();
}

/// Applies an object; an error is what the server says.
pub fn try_apply(kubeconfig: &Path, yaml: &str) -> Result<(), String> {
    let applied = on_object(kubeconfig, yaml, async |api, object| {
        let name = object.metadata.name.clone().unwrap();
        api.patch(&name, &PatchParams::apply("test"), &Patch::Apply(&object)).await.map(drop)
    });
    applied?.map_err(|error| error.to_string())
}

/// An object, if it is there and can be read in this version.
pub fn read(kubeconfig: &Path, yaml: &str) -> Option<serde_json::Value> {
    let found = on_object(kubeconfig, yaml, async |api, object| api.get(&object.metadata.name.unwrap()).await.ok());
    found.ok().flatten().map(|object| serde_json::to_value(object).unwrap())
}

fn on_object<T>(
    kubeconfig: &Path,
    yaml: &str,
    what: impl AsyncFnOnce(Api<DynamicObject>, DynamicObject) -> T,
) -> Result<T, String> {
    let object: DynamicObject = serde_saphyr::from_str(yaml).unwrap();
    let gvk = GroupVersionKind::try_from(object.types.as_ref().unwrap()).unwrap();
    connected(kubeconfig, async |client| {
        let (resource, _) = kube::discovery::pinned_kind(&client, &gvk).await.map_err(|error| error.to_string())?;
        let api = match &object.metadata.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        Ok(what(api, object).await)
    })
}

fn connected<T>(kubeconfig: &Path, what: impl AsyncFnOnce(kube::Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { what(kubewright::prelude::connect(Some(kubeconfig), None).await.unwrap()).await })
}
