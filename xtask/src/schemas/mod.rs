//! `cargo xtask schemas`: what the embedded API server knows of the built-in kinds, taken from a real server.
//!
//! `fetch` asks a real kube-apiserver for its documents and `strip` takes out what differs from one run to the next; the
//! API server's own crate packs them, as it has to read them.

mod fetch;
mod strip;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use kubewright_apiserver::schema::bundle::encode;
use kubewright_real::{KUBERNETES_VERSION, Options, RealCluster, api_types};
use sha2::{Digest, Sha256};

#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo xtask schemas           start a real server and write crates/apiserver/schemas/
  cargo xtask schemas --check   fail when what is there is not what the server gives")]
pub(crate) struct Arguments {
    /// Compare only, write nothing.
    #[arg(long)]
    check: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Real(#[from] kubewright_real::Error),
    #[error("GET {path} from the real API server failed: {source}")]
    Request { path: String, source: Box<kube::Error> },
    #[error("the real API server's answer to GET {path} is not what it should be: {problem}")]
    Answer { path: String, problem: String },
    #[error("the output of real/go/types is not JSON: {0}")]
    Types(serde_json::Error),
    #[error("can't pack what the server told: {0}")]
    Pack(io::Error),
    #[error("can't {action} {}: {source}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is not what kube-apiserver {KUBERNETES_VERSION} gives: run `cargo xtask schemas`", .0.display())]
    Outdated(PathBuf),
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Error> {
    let cluster = RealCluster::start(Options::default()).await?;
    let mut source = fetch::fetch(&cluster.client()?).await?;
    source.go_types = serde_json::from_str(&api_types()?).map_err(Error::Types)?;
    let bundle = encode(&source).map_err(Error::Pack)?;

    let version = KUBERNETES_VERSION.trim_start_matches('v');
    let minor = version.rsplit_once('.').map_or(version, |(minor, _)| minor);
    let dir = crate::workspace().join("crates/apiserver/schemas");
    let file = dir.join(format!("kubernetes-{minor}.bin"));
    println!("{}: {} bytes", file.display(), bundle.len());
    if fs::read(&file).is_ok_and(|present| present == bundle) {
        println!("unchanged");
        return Ok(());
    }
    if arguments.check {
        return Err(Error::Outdated(file));
    }
    fs::create_dir_all(&dir).map_err(|source| Error::Io { action: "create", path: dir.clone(), source })?;
    write(&file, &bundle)?;
    write(&dir.join("PROVENANCE.md"), provenance(&file, &bundle).as_bytes())
}

fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    fs::write(path, content).map_err(|source| Error::Io { action: "write", path: path.to_owned(), source })
}

fn provenance(file: &Path, bundle: &[u8]) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let digest: String = Sha256::digest(bundle).iter().map(|byte| format!("{byte:02x}")).collect();
    let date = jiff::Timestamp::now().strftime("%F");
    format!(
        "# Where {name} comes from

Facts about the API of **kube-apiserver {KUBERNETES_VERSION}**, read from a running one with its default flags and RBAC, and from
the Go structs of its published modules by reflection. Made by `cargo xtask schemas` on {date}; SHA-256 of the file:
`{digest}`.

The command builds and starts the real server, asks it for

- `/openapi/v3` and each document that it lists, and `/openapi/v2` for what does not follow from them,
- `/api` and `/apis` as aggregated discovery, and each group-version's `APIResourceList`,
- `/version`,
- the columns of each kind's Table, and the objects that a new server makes for itself,

runs `real/go/types` for what OpenAPI does not tell (`omitempty`, pointers, Go type names), and packs it with
`kubewright_apiserver::schema::bundle::encode`, whose documentation describes the format.

Left out: every `description` of schemas, parameters, answers and columns; of objects uid, resourceVersion,
creationTimestamp, managedFields and, Namespaces excepted, status; of the version how the server was built. So the same
server version gives the same bytes: `cargo xtask schemas --check` compares.

To move to another Kubernetes version, change the versions in `real/go/go.mod`, run the command, and read the difference
that `git diff --stat` and the tests show.
"
    )
}
