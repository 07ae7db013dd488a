//! A Helm operator with many releases that has nothing to do: what it costs in a minute.
//!
//! operator-sdk looks at each release once a minute by an upgrade that is not carried out. Its operator is not to be had
//! from the module proxy, so beside ours stands `helm upgrade --dry-run` for each release once, with the same helm and the
//! same flags. operator-sdk does that inside of one process, so a second line leaves out what helm takes to start.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use super::command::{self, Took};
use super::{Bench, line};
use crate::embedded::Process;
use crate::report::{Measure, Unit};
use crate::{Error, process};

/// How long it may take until all releases are installed.
const PATIENCE: Duration = Duration::from_secs(1200);
/// How long nothing may be written before it is taken for settled.
const QUIET: Duration = Duration::from_secs(3);
/// How often helm is started to see what a start takes.
const STARTS: usize = 20;

pub(crate) async fn measure(bench: &Bench<'_>) -> Result<Vec<Measure>, Error> {
    let server = Process::start(None).await?;
    on(bench, &server.kubeconfig, server.config.clone()).await
}

/// The same on a server that is there.
pub(crate) async fn on(bench: &Bench<'_>, server: &str, config: kube::Config) -> Result<Vec<Measure>, Error> {
    let Some(helm) = &bench.tools.helm else { return Ok(Vec::new()) };
    let count = usize::from(bench.options.releases);
    eprintln!("measuring a Helm operator with {count} releases …");
    let dir = bench.scratch.0.join("releases");
    fs::create_dir_all(&dir).map_err(Error::io("make a folder for a project"))?;
    let log = dir.with_extension("log");
    let kubewright = |arguments: &[&str]| {
        command::run(Command::new(&bench.tools.kubewright).args(arguments).current_dir(&dir), &log)
    };
    kubewright(&["init", "--plugins", "helm", "--domain", "example.com", "--project-name", "bench"])?;
    kubewright(&["create", "api", "--group", "cache", "--version", "v1", "--kind", "Memcached"])?;

    let kubeconfig = dir.join("kubeconfig");
    fs::write(&kubeconfig, server).map_err(Error::io("write a kubeconfig"))?;
    let client = Client::try_from(config)?;
    define(&client, &dir).await?;
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("cache.example.com", "v1", "Memcached"));
    let api = Api::<DynamicObject>::namespaced_with(client, "default", &kind);
    let names: Vec<String> = (0..count).map(|number| format!("release-{number}")).collect();
    for name in &names {
        let object = DynamicObject::new(name, &kind).data(json!({"spec": {"replicaCount": 2}}));
        api.create(&PostParams::default(), &object).await?;
    }

    let operator = Operator::start(bench, &dir, &kubeconfig, helm)?;
    until_installed(&api, count).await?;
    until_quiet(&api).await?;
    let (wrote, took) = (revision(&api).await?, operator.cpu());
    tokio::time::sleep(Duration::from_secs(bench.options.idle)).await;
    let (wrote, took) = (revision(&api).await? - wrote, operator.cpu() - took);
    let minute = 60.0 / Duration::from_secs(bench.options.idle).as_secs_f64();
    let memory = process::resident(operator.0.id());
    drop(operator);

    let mut peers: [Option<f64>; 2] = [None; 2];
    if bench.peers() {
        let mut all = Took::default();
        let chart = dir.join("helm-charts/memcached");
        let values = dir.join("values.json");
        fs::write(&values, json!({"replicaCount": 2}).to_string()).map_err(Error::io("write values"))?;
        for name in &names {
            let mut upgrade = Command::new(helm);
            upgrade.args(["upgrade", name]).arg(&chart).args(["--namespace", "default", "--values"]).arg(&values);
            upgrade.args(["--server-side=false", "--reset-values", "--dry-run=client", "--output", "json"]);
            upgrade.arg("--kubeconfig").arg(&kubeconfig).env("KUBECACHEDIR", dir.join("cache"));
            all = all.then(command::run(&mut upgrade, &log)?);
        }
        let mut starts = Took::default();
        for _ in 0..STARTS {
            starts = starts.then(command::run(Command::new(helm).arg("version"), &log)?);
        }
        peers = [Some(all.cpu), Some((all.cpu - starts.cpu / STARTS as f64 * count as f64).max(0.0))];
    }
    let row = |what: &str, unit, ours, peer| line(format!("Helm operator, {count} releases: {what}"), unit, ours, peer);
    let [whole, without_start] = peers;
    let took = Some(took * minute);
    Ok(vec![
        row("processor time in a minute, beside a dry run of each", Unit::Seconds, took, whole),
        row("the same, without helm's own start", Unit::Seconds, took, without_start),
        row("writes in a minute", Unit::Count, Some(wrote as f64 * minute), None),
        row("memory", Unit::Bytes, memory, None),
    ])
}

/// Installs the definition of the project and waits until it is served.
async fn define(client: &Client, project: &Path) -> Result<(), Error> {
    let file = project.join("config/crd/bases/cache.example.com_memcacheds.yaml");
    let text = fs::read_to_string(&file).map_err(Error::io("read the project's definition"))?;
    let definition: CustomResourceDefinition = serde_saphyr::from_str(&text)
        .map_err(|error| Error::Wrong(format!("{} is no definition: {error}", file.display())))?;
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    let made = api.create(&PostParams::default(), &definition).await?;
    let name = made.metadata.name.unwrap_or_default();
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let status = api.get(&name).await?.status.unwrap_or_default();
        if status.conditions.iter().flatten().any(|one| one.type_ == "Established" && one.status == "True") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(Error::Wrong(format!("{name} is not served")))
}

async fn until_installed(api: &Api<DynamicObject>, count: usize) -> Result<(), Error> {
    let installed = |object: &DynamicObject| {
        let conditions = object.data["status"]["conditions"].as_array();
        let deployed = |one: &Value| one["type"] == "Deployed" && one["status"] == "True";
        conditions.is_some_and(|conditions| conditions.iter().any(deployed))
    };
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < PATIENCE {
        done = api.list(&ListParams::default()).await?.items.iter().filter(|object| installed(object)).count();
        if done == count {
            eprintln!("installed after {:.0} s", begun.elapsed().as_secs_f64());
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err(Error::Wrong(format!("{done} of {count} releases are installed after {} s", PATIENCE.as_secs())))
}

async fn until_quiet(api: &Api<DynamicObject>) -> Result<(), Error> {
    let begun = Instant::now();
    let mut before = revision(api).await?;
    while begun.elapsed() < PATIENCE {
        tokio::time::sleep(QUIET).await;
        let now = revision(api).await?;
        if now == before {
            return Ok(());
        }
        before = now;
    }
    Err(Error::Wrong(format!("the operator still writes after {} s", PATIENCE.as_secs())))
}

/// The number of the last write to the server, of whatever kind.
async fn revision(api: &Api<DynamicObject>) -> Result<u64, Error> {
    let list = api.list(&ListParams::default().limit(1)).await?;
    let text = list.metadata.resource_version.unwrap_or_default();
    text.parse().map_err(|_| Error::Wrong(format!("a list has the version {text:?}, which is no number")))
}

/// A running operator; killed when dropped.
struct Operator(Child);

impl Operator {
    fn start(bench: &Bench<'_>, project: &Path, kubeconfig: &Path, helm: &PathBuf) -> Result<Self, Error> {
        let log = fs::File::create(project.join("operator.log")).map_err(Error::io("write the operator's log"))?;
        let mut command = Command::new(&bench.tools.kubewright);
        command.args(["helm-operator", "run", "--health-probe-bind-address", "0", "--kubeconfig"]).arg(kubeconfig);
        command.arg("--helm").arg(helm).current_dir(project).env_remove("WATCH_NAMESPACE");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.spawn().map(Self).map_err(Error::io("start the Helm operator"))
    }

    /// The processor time of it and of what it has run.
    fn cpu(&self) -> f64 {
        process::cpu_with_children(self.0.id()).unwrap_or_default().as_secs_f64()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
