//! `up --with minio`: an object storage beside the control plane, started here or somewhere else.

use std::env;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kubewright::k8s_openapi::api::core::v1::{Namespace, Secret};
use kubewright::kube::api::{Api, Patch, PatchParams};
use kubewright::kube::{self, Client};
use kubewright_objectstorage::Random;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// How long the server may take to get ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked whether it is.
const LOOK: Duration = Duration::from_millis(50);
/// Runs the server until standard input ends, which the system sees to however we end.
const TETHERED: &str = r#""$0" "$@" & server=$!; read -r _; kill "$server"; wait "$server""#;

/// Why there is no object storage.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MinioError {
    #[error(
        "--with minio: there is no minio on PATH: install one (`go install github.com/minio/minio@latest` builds it), or name \
         a running server with --minio-endpoint, its administrator in MINIO_ROOT_USER and MINIO_ROOT_PASSWORD"
    )]
    Missing,
    #[error("--minio-endpoint: {variable} is not set: the administrator's keys of the server are needed")]
    NoKeys { variable: &'static str },
    #[error("minio can't be started: {0}")]
    Start(#[from] io::Error),
    #[error("minio was not ready after {} s; its log is {}", PATIENCE.as_secs(), log.display())]
    NotReady { log: PathBuf },
    #[error("the Secret with the administrator of minio could not be made: {0}")]
    Secret(#[from] Box<kube::Error>),
}

/// An object storage, which ends with this if it was started here.
pub(crate) struct Minio {
    pub(crate) endpoint: String,
    user: String,
    password: String,
    _process: Option<Child>,
    _dir: Option<TempDir>,
}

impl Minio {
    /// A server that runs somewhere: its administrator's keys are in the environment.
    pub(crate) fn at(endpoint: &str) -> Result<Self, MinioError> {
        let variable =
            |variable| env::var(variable).ok().filter(|value| !value.is_empty()).ok_or(MinioError::NoKeys { variable });
        let (user, password) = (variable("MINIO_ROOT_USER")?, variable("MINIO_ROOT_PASSWORD")?);
        Ok(Self { endpoint: endpoint.into(), user, password, _process: None, _dir: None })
    }

    /// Starts the program on PATH on a free port, with its data in `data_dir`, or in a directory that goes with it.
    pub(crate) async fn start(data_dir: Option<&Path>) -> Result<Self, MinioError> {
        let program = on_path("minio", env::var_os("PATH").as_deref()).ok_or(MinioError::Missing)?;
        let temporary = if data_dir.is_none() { Some(TempDir::with_prefix("kubewright-minio-")?) } else { None };
        let dir = match (data_dir, &temporary) {
            (Some(dir), _) => dir.join("minio"),
            (None, Some(temporary)) => temporary.path().to_path_buf(),
            (None, None) => env::temp_dir(),
        };
        std::fs::create_dir_all(dir.join("data"))?;
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let (user, password) = ("kubewright".to_string(), Random::system().secret_key());
        let log = dir.join("minio.log");
        let output = std::fs::File::create(&log)?;
        let process = Command::new("sh")
            .args(["-c", TETHERED])
            .arg(program)
            .args(["server", "--quiet", "--address", &address.to_string()])
            .arg(dir.join("data"))
            .env("MINIO_ROOT_USER", &user)
            .env("MINIO_ROOT_PASSWORD", &password)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off")
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        let minio =
            Self { endpoint: format!("http://{address}"), user, password, _process: Some(process), _dir: temporary };
        let ready = async {
            while !is_ready(address).await {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.map_err(|_| MinioError::NotReady { log })?;
        Ok(minio)
    }

    /// Puts the administrator's keys where the operator looks for them.
    pub(crate) async fn put_secret(&self, client: &Client, namespace: &str, name: &str) -> Result<(), MinioError> {
        let params = PatchParams::apply("kubewright").force();
        let home = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        Api::<Namespace>::all(client.clone()).patch(namespace, &params, &Patch::Apply(home)).await.map_err(Box::new)?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "stringData": {"accessKey": self.user, "secretKey": self.password},
        });
        let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
        secrets.patch(name, &params, &Patch::Apply(secret)).await.map_err(Box::new)?;
        Ok(())
    }
}

/// `/minio/health/ready` is true a moment too early: requests are still answered with 503, ServerNotInitialized. After that one
/// without a signature is forbidden.
async fn is_ready(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, io::Error>(answer.lines().next().is_some_and(|line| line.contains(" 403 ")))
    };
    ask.await.unwrap_or(false)
}

fn on_path(program: &str, path: Option<&std::ffi::OsStr>) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let is_program =
        |file: &PathBuf| file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    env::split_paths(path?).map(|dir| dir.join(program)).find(is_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(on_path("sh", Some("/nonexistent:/bin".as_ref())).is_some());
        assert_eq!(on_path("sh", Some("/nonexistent".as_ref())), None);
        assert_eq!(on_path("sh", None), None);
        assert!(MinioError::Missing.to_string().contains("go install"));
    }
}
