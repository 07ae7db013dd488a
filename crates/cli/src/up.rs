//! `kubewright up`: a control plane with the operators on this machine.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kubewright::kube;
use kubewright::prelude::*;
use kubewright_access::Cluster;
use kubewright_cluster::{ControlPlane, ControlPlaneOptions, NodeOptions, StartError};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::args::{Output, UpArgs, With};
use crate::crds::{self, CrdError};
use crate::manifests::{self, ManifestError};
use crate::minio::{Minio, MinioError};
use crate::operators::{self, Operator, OperatorError};
use crate::show::{self, Scene, Screen};
use crate::signals::Signals;

/// How often the tree is looked at while it is shown.
const REDRAW: Duration = Duration::from_millis(100);

/// Why `up` failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    #[error(transparent)]
    Operators(#[from] OperatorError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the kubeconfig can't be written to {}: {cause}; name another file with --kubeconfig-out", path.display())]
    Kubeconfig { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Crds(#[from] CrdError),
    #[error("the examples could not be applied: {0}")]
    Examples(#[from] ManifestError),
    #[error("an operator stopped: {0}")]
    Manager(#[from] ManagerError),
    #[error("the API server did not answer: {0}")]
    Api(#[from] Box<kube::Error>),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
    #[error(
        "not everything was reconciled within {}: {reasons}; --log debug tells more, --timeout waits longer",
        seconds(timeout)
    )]
    NotSettled { timeout: Duration, reasons: String },
    #[error(transparent)]
    Minio(#[from] MinioError),
    #[error("signals can't be waited for: {0}")]
    Signals(io::Error),
}

/// Runs the command. `traced`: spans are exported.
pub(crate) async fn up(mut args: UpArgs, traced: bool) -> Result<(), UpError> {
    let accounts = args.operators.account.keep_in(args.data_dir.as_deref());
    let minio = match &args.minio_endpoint {
        _ if !args.with.contains(&With::Minio) => None,
        Some(endpoint) => Some(Minio::at(endpoint)?),
        None => Some(Minio::start(args.data_dir.as_deref()).await?),
    };
    if let Some(minio) = &minio {
        args.operators.objectstorage.use_server(minio.endpoint.clone());
    }
    let chosen = operators::chosen(&args.operators)?;
    let begin = Instant::now();
    // Before anything tells that it runs: whoever reads that may send a signal at once.
    let signals = Signals::listen().map_err(UpError::Signals)?;
    let needs_nodes = chosen.iter().any(|operator| operator.needs_nodes);
    let count = args.nodes.unwrap_or(if needs_nodes { 1 } else { 0 });
    let nodes = (count > 0).then(|| NodeOptions { count, ..NodeOptions::default() });
    let options =
        ControlPlaneOptions { port: Some(args.port), data_dir: args.data_dir.clone(), nodes, ..Default::default() };
    let plane = ControlPlane::start(options).await?;
    if args.output == Output::Text && chosen.iter().any(|operator| operator.name == "account") {
        accounts.iter().for_each(|accounts| println!("{accounts}"));
    }
    let result = with_plane(&args, traced, chosen, &plane, minio.as_ref(), begin, signals).await;
    plane.stop().await;
    result
}

async fn with_plane(
    args: &UpArgs,
    traced: bool,
    chosen: Vec<Operator>,
    plane: &ControlPlane,
    minio: Option<&Minio>,
    begin: Instant,
    mut signals: Signals,
) -> Result<(), UpError> {
    write_kubeconfig(&args.kubeconfig_out, &plane.kubeconfig())?;
    let text = args.output == Output::Text;
    if text {
        println!("control plane ready in {} ms at {}", begin.elapsed().as_millis(), plane.url());
        println!("kubeconfig: export KUBECONFIG={}\n", absolute(&args.kubeconfig_out).display());
    }
    if let Some(minio) = minio {
        let (namespace, name) = args.operators.objectstorage.secret();
        if text {
            println!("object storage at {}, its administrator in Secret {namespace}/{name}\n", minio.endpoint);
        }
        minio.put_secret(&plane.client(), &namespace, &name).await?;
    }

    let mut kinds = Vec::new();
    let mut examples = Vec::new();
    _ = args.operators.access.own_cluster().set(cluster(plane));
    let working = if traced { kubewright_telemetry::client(plane.client()) } else { plane.client() };
    let mut manager = Manager::new(working, manager_options());
    for operator in chosen {
        kinds.extend(operator.shows.into_iter().filter(|kind| !kinds.contains(kind)).collect::<Vec<_>>());
        examples.push((operator.name, operator.examples));
        crds::install(&plane.client(), &operator.crds).await?;
        manager = operators::add(operator.name, operator.add_to, manager)?;
    }
    let handle = manager.handle();
    let stop = CancellationToken::new();
    let mut running = tokio::spawn(manager.run(stop.clone()));

    let work = async {
        if !args.no_examples {
            until_webhooks(&handle).await;
            for (name, text) in examples {
                manifests::apply(&plane.client(), &format!("example of operator {name}"), &text).await?;
            }
        }
        if args.exit_when_settled {
            settle(args, plane, &handle, &kinds).await
        } else {
            watch(args, plane, &kinds).await
        }
    };
    let result = tokio::select! {
        result = work => result,
        ended = &mut running => return Err(stopped(ended)),
        () = signals.received() => Ok(()),
    };
    stop.cancel();
    end(&mut running).await.and(result)
}

/// Waits until no webhook is missing: examples are to be seen by them.
async fn until_webhooks(handle: &Handle) {
    let missing = |fault: &String| fault.starts_with("webhooks ");
    while handle.ready().is_err_and(|faults| faults.iter().any(missing)) {
        tokio::time::sleep(REDRAW / 10).await;
    }
}

/// The control plane as users reach it.
fn cluster(plane: &ControlPlane) -> Cluster {
    Cluster { server: plane.url(), authorities: Some(plane.server().ca_pem()) }
}

/// Shows the tree until everything is reconciled, or the time is over.
async fn settle(
    args: &UpArgs,
    plane: &ControlPlane,
    handle: &Handle,
    kinds: &[kube::core::ApiResource],
) -> Result<(), UpError> {
    let mut screen = Screen::new();
    let show = async {
        loop {
            let scene = scene(plane, kinds).await?;
            if args.output == Output::Text {
                screen.draw(&scene)?;
            }
            tokio::time::sleep(REDRAW).await;
        }
    };
    let settled = tokio::time::timeout(args.timeout, plane.settled(std::slice::from_ref(handle)));
    let settled = tokio::select! {
        ended = show => return ended,
        settled = settled => settled.is_ok(),
    };
    let scene = scene(plane, kinds).await?;
    match args.output {
        Output::Text => screen.finish(&scene)?,
        Output::Json => {
            println!("{:#}", json!({"objects": scene.tree.to_json(), "warnings": scene.warnings, "settled": settled}))
        }
    }
    if settled {
        return Ok(());
    }
    let reasons = plane.unsettled(std::slice::from_ref(handle));
    Err(UpError::NotSettled { timeout: args.timeout, reasons: reasons.join("; ") })
}

/// Shows the tree until this is dropped.
async fn watch(args: &UpArgs, plane: &ControlPlane, kinds: &[kube::core::ApiResource]) -> Result<(), UpError> {
    let mut screen = Screen::new();
    let mut revision = None;
    let show = async {
        loop {
            if args.output == Output::Text && revision.replace(plane.revision()) != Some(plane.revision()) {
                screen.draw(&scene(plane, kinds).await?)?;
            }
            tokio::time::sleep(REDRAW).await;
        }
    };
    if args.output == Output::Text {
        println!("running; Ctrl-C stops\n");
    }
    show.await
}

async fn scene(plane: &ControlPlane, kinds: &[kube::core::ApiResource]) -> Result<Scene, UpError> {
    show::scene(&plane.client(), kinds).await.map_err(|error| UpError::Api(Box::new(error)))
}

fn manager_options() -> ManagerOptions {
    ManagerOptions { listen: None, ..ManagerOptions::default() }
}

async fn end(running: &mut JoinHandle<Result<(), ManagerError>>) -> Result<(), UpError> {
    match running.await {
        Ok(result) => Ok(result?),
        // A panic in the manager itself: its message has been printed already.
        Err(panic) => Err(UpError::Output(io::Error::other(panic))),
    }
}

fn stopped(ended: Result<Result<(), ManagerError>, tokio::task::JoinError>) -> UpError {
    match ended {
        Ok(Ok(())) => UpError::Output(io::Error::other("the operators stopped without being asked to")),
        Ok(Err(error)) => error.into(),
        Err(panic) => UpError::Output(io::Error::other(panic)),
    }
}

/// Writes the file in one step and for its owner only, since it holds the administrator's key.
fn write_kubeconfig(path: &Path, text: &str) -> Result<(), UpError> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |cause| UpError::Kubeconfig { path: path.into(), cause };
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let write = || {
        io::Write::write_all(&mut options.open(&draft)?, text.as_bytes())?;
        std::fs::rename(&draft, path)
    };
    write().map_err(|cause| {
        // Nothing to lose: the file holds only what could not be put in place.
        let _ = std::fs::remove_file(&draft);
        failed(cause)
    })
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

fn seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
