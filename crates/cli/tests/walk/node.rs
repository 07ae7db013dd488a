//! What a cluster has beside its control plane, so that an operator that was deployed runs and is reached.
//!
//! ```text
//! Pod ─→ bound to the one Node ─→ image out of its registry ─→ program as a process ─→ /readyz ─→ the Pod's status
//! API server ─CONNECT→ the tunnel ─→ Service ─→ a ready Pod that it selects
//! ```
//!
//! There are no containers. A program runs with the token of its Pod's ServiceAccount and the arguments of its container; its
//! ports are others, as all Pods share the addresses of the machine. The API server is told by an egress selector to reach
//! Services through the tunnel, as where nodes are in another network than the control plane.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Node as NodeObject, Pod, Service, ServiceAccount};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// Its name.
const NAME: &str = "walk";
/// The controllers of kube-controller-manager: a Node without heartbeats is nothing to worry about.
pub(crate) const CONTROLLERS: &str = "--controllers=*,-node-lifecycle-controller";
/// How often Pods and their programs are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long after its end a program is started again.
const BACKOFF: Duration = Duration::from_secs(1);
/// How long a program may take to stop: as long as its Pod has.
const GRACE: Duration = Duration::from_secs(40);
/// The ports of the operator's container.
const HEALTH: u16 = 8081;
const METRICS: u16 = 8443;
const WEBHOOKS: u16 = 9443;

/// Looks after the Pods of a namespace until it is dropped.
pub(crate) struct Node {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
    logs: PathBuf,
    running: All,
}

/// What the API server is started with to reach Services through the tunnel.
pub(crate) fn egress(folder: &Path) -> String {
    let file = folder.join("egress.json");
    let connection = json!({"proxyProtocol": "HTTPConnect", "transport": {"uds": {"udsName": tunnel(folder)}}});
    let config = json!({
        "apiVersion": "apiserver.k8s.io/v1beta1", "kind": "EgressSelectorConfiguration",
        "egressSelections": [{"name": "cluster", "connection": connection}],
    });
    fs::write(&file, config.to_string()).unwrap();
    format!("--egress-selector-config-file={}", file.display())
}

fn tunnel(folder: &Path) -> PathBuf {
    folder.join("tunnel")
}

impl Node {
    /// `folder` is that of [`egress`]; images and logs go there too.
    pub(crate) fn start(kubeconfig: &Path, namespace: &str, folder: &Path) -> Self {
        let stop = CancellationToken::new();
        let (ended, kubeconfig, namespace) = (stop.clone(), kubeconfig.to_path_buf(), namespace.to_string());
        let at = folder.to_path_buf();
        let programs = All::default();
        let running = Arc::clone(&programs);
        // A thread with a runtime of its own, as the test itself waits for programs.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = kubewright::prelude::connect(Some(&kubeconfig), None).await.unwrap();
                let admin = serde_json::from_slice(&fs::read(&kubeconfig).unwrap()).unwrap();
                let node = serde_json::from_value(json!({"metadata": {"name": NAME}})).unwrap();
                Api::<NodeObject>::all(client.clone()).create(&PostParams::default(), &node).await.unwrap();
                let tunnel = serve(UnixListener::bind(tunnel(&at)).unwrap(), client.clone(), Arc::clone(&running));
                let (images, stopping) = (BTreeMap::new(), BTreeSet::new());
                let mut kubelet = Kubelet { client, admin, namespace, folder: at, images, running, stopping };
                tokio::select! {
                    () = ended.cancelled() => {}
                    () = kubelet.work() => {}
                    () = tunnel => {}
                }
                let left = std::mem::take(&mut *kubelet.running.lock().unwrap());
                futures::future::join_all(left.into_values().map(stopped)).await;
            });
        });
        Self { stop, thread: Some(thread), logs: folder.to_path_buf(), running: programs }
    }

    /// Where metrics of a ready Pod are.
    pub(crate) fn metrics(&self) -> Option<u16> {
        let running = self.running.lock().unwrap();
        running.values().find(|running| running.ready).map(|running| running.metrics)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
        let ended = self.thread.take().map(JoinHandle::join);
        if std::thread::panicking() {
            let logs = fs::read_dir(&self.logs).into_iter().flatten().flatten().map(|entry| entry.path());
            for log in logs.filter(|path| path.extension().is_some_and(|ending| ending == "log")) {
                println!("{}:\n{}", log.display(), fs::read_to_string(&log).unwrap_or_default());
            }
        } else if let Some(ended) = ended {
            ended.unwrap();
        }
    }
}

/// The program of a Pod.
struct Running {
    name: String,
    child: Child,
    labels: BTreeMap<String, String>,
    health: u16,
    metrics: u16,
    webhooks: u16,
    ready: bool,
}

/// Programs by the uids of their Pods.
type All = Arc<Mutex<BTreeMap<String, Running>>>;

struct Kubelet {
    client: Client,
    /// The kubeconfig of the administrator.
    admin: Value,
    namespace: String,
    folder: PathBuf,
    /// The programs of images that were pulled.
    images: BTreeMap<String, PathBuf>,
    running: All,
    /// Pods that are on their way out.
    stopping: BTreeSet<String>,
}

impl Kubelet {
    async fn work(&mut self) {
        loop {
            self.look().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(&mut self) {
        let api = Api::<Pod>::namespaced(self.client.clone(), &self.namespace);
        let pods = api.list(&ListParams::default()).await.expect("the Pods can be listed").items;
        let uids: Vec<String> = pods.iter().filter_map(ResourceExt::uid).collect();
        let gone: Vec<Running> = {
            let mut running = self.running.lock().unwrap();
            let gone: Vec<String> = running.keys().filter(|uid| !uids.contains(uid)).cloned().collect();
            gone.iter().filter_map(|uid| running.remove(uid)).collect()
        };
        for running in gone {
            tokio::spawn(stopped(running));
        }
        for pod in &pods {
            let uid = pod.uid().unwrap();
            if pod.metadata.deletion_timestamp.is_some() {
                if self.stopping.insert(uid.clone()) {
                    let running = self.running.lock().unwrap().remove(&uid);
                    tokio::spawn(ended(api.clone(), pod.name_any(), running));
                }
                continue;
            }
            let known = self.running.lock().unwrap().contains_key(&uid);
            if !known {
                if let Some(running) = self.start(pod).await {
                    self.running.lock().unwrap().insert(uid, running);
                }
                continue;
            }
            self.probe(&api, pod, &uid).await;
        }
    }

    /// Tells the API server how a Pod is, when that has changed; starts its program again when it has ended.
    async fn probe(&self, api: &Api<Pod>, pod: &Pod, uid: &str) {
        let (health, was) = {
            let mut all = self.running.lock().unwrap();
            let running = all.get_mut(uid).unwrap();
            let ended = running.child.try_wait().unwrap().is_some();
            (if ended { None } else { Some(running.health) }, running.ready)
        };
        let ready = match health {
            Some(port) => answers(port).await,
            None => {
                // Another process had its port, or it gave up: as in a cluster it gets another chance.
                tokio::time::sleep(BACKOFF).await;
                if let Some(again) = self.start_with(pod, &self.images[&image(pod)]).await {
                    self.running.lock().unwrap().insert(uid.to_string(), again);
                }
                false
            }
        };
        if ready != was {
            let status = if ready { "True" } else { "False" };
            let conditions = json!([{"type": "Ready", "status": status}]);
            let patch = Patch::Strategic(json!({"status": {"phase": "Running", "conditions": conditions}}));
            let told = there(api.patch_status(&pod.name_any(), &PatchParams::default(), &patch).await);
            if let (Some(_), Some(running)) = (told, self.running.lock().unwrap().get_mut(uid)) {
                running.ready = ready;
            }
        }
    }

    async fn start(&mut self, pod: &Pod) -> Option<Running> {
        if pod.spec.as_ref().unwrap().node_name.is_none() {
            let api = Api::<Pod>::namespaced(self.client.clone(), &self.namespace);
            let name = pod.name_any();
            let binding = json!({
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
                "target": {"apiVersion": "v1", "kind": "Node", "name": NAME},
            });
            let bound: kube::Result<Value> =
                api.create_subresource("binding", &name, &PostParams::default(), &binding).await;
            there(bound)?;
        }
        let image = image(pod);
        if !self.images.contains_key(&image) {
            let folder = self.folder.join(format!("image-{}", self.images.len()));
            self.images.insert(image.clone(), pulled(&image, &folder).await);
        }
        self.start_with(pod, &self.images[&image]).await
    }

    /// `None`: the Pod has gone meanwhile.
    async fn start_with(&self, pod: &Pod, program: &Path) -> Option<Running> {
        let name = pod.name_any();
        let kubeconfig = self.folder.join(format!("{name}.kubeconfig"));
        fs::write(&kubeconfig, self.kubeconfig(pod).await?.to_string()).unwrap();
        let free = || TcpListener::bind(("127.0.0.1", 0)).unwrap();
        // All are held until each has one.
        let [health, metrics, webhooks] =
            [free(), free(), free()].each_ref().map(|free| free.local_addr().unwrap().port());
        let container = &pod.spec.as_ref().unwrap().containers[0];
        let ports = [(HEALTH, health), (METRICS, metrics)];
        let arguments = container.args.iter().flatten().map(|argument| {
            ports.iter().fold(argument.clone(), |argument, (inside, here)| {
                argument.replace(&format!("0.0.0.0:{inside}"), &format!("127.0.0.1:{here}"))
            })
        });
        let log = File::options().create(true).append(true).open(self.folder.join(format!("{name}.log"))).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .arg(format!("--webhook-port={webhooks}"))
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let labels = pod.labels().clone();
        Some(Running { name, child, labels, health, metrics, webhooks, ready: false })
    }

    /// How the Pod's ServiceAccount reaches the API server.
    async fn kubeconfig(&self, pod: &Pod) -> Option<Value> {
        let account = pod.spec.as_ref().unwrap().service_account_name.clone().unwrap();
        let bound = BoundObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Pod".into()),
            name: pod.metadata.name.clone(),
            uid: pod.uid(),
        };
        let spec = TokenRequestSpec { bound_object_ref: Some(bound), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let accounts = Api::<ServiceAccount>::namespaced(self.client.clone(), &self.namespace);
        let answer = there(accounts.create_token_request(&account, &PostParams::default(), &request).await)?;
        let cluster = &self.admin["clusters"][0];
        Some(json!({
            "apiVersion": "v1", "kind": "Config",
            "clusters": [cluster],
            "users": [{"name": "pod", "user": {"token": answer.status.unwrap().token}}],
            "contexts": [{
                "name": "pod", "context": {"cluster": cluster["name"], "user": "pod", "namespace": self.namespace},
            }],
            "current-context": "pod",
        }))
    }
}

/// What was asked of a Pod, unless it has gone meanwhile.
fn there<T>(result: kube::Result<T>) -> Option<T> {
    match result {
        Ok(found) => Some(found),
        // A Pod that is on its way out gets no Node.
        Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Stops the program of a Pod that is to go, and lets it go.
async fn ended(api: Api<Pod>, name: String, running: Option<Running>) {
    if let Some(running) = running {
        stopped(running).await;
    }
    there(api.delete(&name, &DeleteParams::default().grace_period(0)).await);
}

fn image(pod: &Pod) -> String {
    pod.spec.as_ref().unwrap().containers[0].image.clone().unwrap()
}

/// The program in an image, out of its registry.
async fn pulled(image: &str, folder: &Path) -> PathBuf {
    let (layout, root) = (folder.join("layout"), folder.join("root"));
    fs::create_dir_all(&root).unwrap();
    let from = format!("docker://{image}");
    let to = format!("dir:{}", layout.display());
    done(Command::new("skopeo").args(["--insecure-policy", "copy", "--src-tls-verify=false", &from, &to])).await;
    let parsed = |name: &str| -> Value { serde_json::from_slice(&fs::read(layout.join(name)).unwrap()).unwrap() };
    let file = |descriptor: &Value| descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:").to_string();
    let manifest = parsed("manifest.json");
    for layer in manifest["layers"].as_array().unwrap() {
        let mut tar = Command::new("tar");
        tar.args(["-xz", "--no-same-owner", "-f"]).arg(layout.join(file(layer))).arg("-C").arg(&root);
        done(&mut tar).await;
    }
    let config = parsed(&file(&manifest["config"]));
    root.join(config["config"]["Entrypoint"][0].as_str().unwrap().trim_start_matches('/'))
}

async fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether the program says that it is ready.
async fn answers(port: u16) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.lines().next().map(|line| line.contains(" 200 "))
    };
    tokio::time::timeout(Duration::from_secs(5), asked).await.ok().flatten().unwrap_or(false)
}

/// Asks a program to stop, and waits until it has.
async fn stopped(mut running: Running) {
    if let Some(pid) = running.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        // It fails only if the program has ended.
        _ = kill_process(pid, Signal::TERM);
    }
    let ended = tokio::time::timeout(GRACE, running.child.wait()).await;
    assert!(ended.is_ok(), "{} does not stop", running.name);
}

async fn serve(listener: UnixListener, client: Client, running: All) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(forward(stream, client.clone(), running.clone()));
    }
}

/// Answers one CONNECT. A connection that breaks is the API server's to tell.
async fn forward(mut stream: UnixStream, client: Client, running: All) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    match endpoint(target, &client, &running).await {
        Some(port) => {
            let mut pod = TcpStream::connect(("127.0.0.1", port)).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            copy_bidirectional(&mut stream, &mut pod).await.map(drop)
        }
        None => stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await,
    }
}

/// Where a ready Pod behind the Service of this address and port is reached.
async fn endpoint(target: &str, client: &Client, running: &All) -> Option<u16> {
    let (address, port) = target.rsplit_once(':')?;
    let services = Api::<Service>::all(client.clone()).list(&ListParams::default()).await.ok()?.items;
    let spec = services.into_iter().filter_map(|service| service.spec);
    let spec = spec.into_iter().find(|spec| spec.cluster_ip.as_deref() == Some(address))?;
    let port: i32 = port.parse().ok()?;
    let served = spec.ports.into_iter().flatten().find(|served| served.port == port)?;
    assert_eq!(
        served.target_port,
        Some(IntOrString::Int(WEBHOOKS.into())),
        "the API server calls nothing but webhooks"
    );
    let selector = spec.selector?;
    let running = running.lock().unwrap();
    let mut pods = running.values().filter(|running| running.ready);
    let selected = |running: &&Running| selector.iter().all(|(key, value)| running.labels.get(key) == Some(value));
    pods.find(selected).map(|running| running.webhooks)
}
