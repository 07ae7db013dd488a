//! helm, and how it is called.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::{release::INPUTS_LABEL, values};

/// What can be done with a release. [`Program`] is helm itself.
pub trait Helm: Send + Sync + 'static {
    /// Its version. Also tells whether it can be used at all.
    fn version(&self) -> impl Future<Output = Result<String, HelmError>> + Send;

    /// What a text with actions of a template (`{{ … }}`) renders to.
    fn render(&self, template: &str) -> impl Future<Output = Result<String, HelmError>> + Send;

    /// Installs a release that is not there.
    fn install(&self, call: &Call<'_>) -> impl Future<Output = Result<(), HelmError>> + Send;

    /// The manifest that the release would have after an upgrade. `on_server`: with objects of the cluster for `lookup`.
    fn candidate(&self, call: &Call<'_>, on_server: bool) -> impl Future<Output = Result<String, HelmError>> + Send;

    /// Upgrades a release. `force`: objects that can't be changed as wanted are replaced.
    fn upgrade(&self, call: &Call<'_>, force: bool) -> impl Future<Output = Result<(), HelmError>> + Send;

    /// Goes back to the revision before the last. `force`: as for an upgrade.
    fn rollback(&self, at: &Place<'_>, force: bool) -> impl Future<Output = Result<(), HelmError>> + Send;

    /// Uninstalls a release; one that is not there is no error.
    fn uninstall(&self, at: &Place<'_>) -> impl Future<Output = Result<(), HelmError>> + Send;
}

/// Which release.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The API server for helm.
    pub server: &'a str,
    /// The namespace of the release.
    pub namespace: &'a str,
    /// The name of the release.
    pub name: &'a str,
}

/// Which release, and what it is to be.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Which.
    pub at: Place<'a>,
    /// The chart's folder.
    pub chart: &'a Path,
    /// The values: those of the custom resource.
    pub values: &'a Value,
    /// Values that win over those, by their paths.
    pub overrides: &'a BTreeMap<String, String>,
    /// A checksum of all of it, which becomes a label of the revision's Secret.
    pub inputs: &'a str,
}

/// Why helm did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum HelmError {
    /// There is none.
    #[error("{} can't be run: {cause}; install Helm 4 (`go install helm.sh/helm/v4/cmd/helm@latest`) or name it with --helm", program.display())]
    Missing {
        /// The program.
        program: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// It is another version.
    #[error("{} is helm {version}; Helm 4 is needed, as its options are used", program.display())]
    Version {
        /// The program.
        program: PathBuf,
        /// What it says.
        version: String,
    },
    /// It failed, and tells why.
    #[error("{0}")]
    Failed(String),
    /// The system failed it.
    #[error("{what}: {cause}")]
    Io {
        /// What was done.
        what: &'static str,
        /// What the system says.
        cause: std::io::Error,
    },
    /// It said something else than expected.
    #[error("helm {command} has not answered with a release: {cause}")]
    Answer {
        /// The command.
        command: &'static str,
        /// What is wrong.
        cause: String,
    },
}

/// The helm of the machine, version 4.
///
/// It runs in an environment of its own: no plugins, repositories, kubeconfig or settings of the user get in. It updates
/// objects as Helm 3 does, by a merge of old, new and live (`--server-side=false`), as the releases of Helm operators are.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// The program of this path, or of this name on `PATH`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// What a chart renders to with its own values, without a cluster.
    ///
    /// # Errors
    /// If there is no helm, or the chart needs values.
    pub async fn manifest(&self, chart: &Path) -> Result<String, HelmError> {
        let arguments = [OsString::from("template"), OsString::from("release-name"), chart.into()];
        self.run(&arguments, None, "").await
    }

    /// Runs it for what it prints on standard output.
    async fn run(&self, arguments: &[OsString], server: Option<&str>, input: &str) -> Result<String, HelmError> {
        let io = |what| move |cause| HelmError::Io { what, cause };
        let home = tempfile::tempdir().map_err(io("a folder for helm's files can't be made"))?;
        let mut command = Command::new(&self.path);
        command.args(arguments).env_clear().env("HOME", home.path()).env("KUBECONFIG", home.path().join("kubeconfig"));
        for (name, folder) in [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")]
        {
            command.env(name, home.path().join(folder));
        }
        for name in ["PATH", "TZ", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HELM_DRIVER", "secret").env("KUBECACHEDIR", home.path().join("kube"));
        if let Some(server) = server {
            command.env("HELM_KUBEAPISERVER", server);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let missing = |cause| HelmError::Missing { program: self.path.clone(), cause };
        let mut child = command.spawn().map_err(missing)?;
        let mut pipe = child.stdin.take();
        let write = async {
            if let Some(pipe) = &mut pipe {
                // helm need not read it all: what it has to say about that is in its answer.
                _ = pipe.write_all(input.as_bytes()).await;
            }
            drop(pipe.take());
        };
        let ((), output) = tokio::join!(write, child.wait_with_output());
        let output = output.map_err(io("helm's answer can't be read"))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(HelmError::Failed(message(&errors, output.status)));
        }
        for line in errors.lines().filter(|line| !line.trim().is_empty()) {
            tracing::debug!(line, "helm");
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    async fn release(&self, verb: &'static str, call: &Call<'_>, more: &[&str]) -> Result<String, HelmError> {
        let at = call.at;
        let mut arguments: Vec<OsString> = [verb, at.name].map(OsString::from).to_vec();
        arguments.push(call.chart.into());
        arguments.extend(["--namespace", at.namespace, "--values", "-", "--server-side=false"].map(OsString::from));
        arguments.extend(["--output", "json", "--labels"].map(OsString::from));
        arguments.push(format!("{INPUTS_LABEL}={}", call.inputs).into());
        arguments.extend(more.iter().map(OsString::from));
        let set = values::large_numbers(call.values).into_iter().chain(values::overrides(call.overrides));
        arguments.extend(set.map(OsString::from));
        self.run(&arguments, Some(at.server), &call.values.to_string()).await
    }

    async fn command(&self, at: &Place<'_>, arguments: &[&str]) -> Result<(), HelmError> {
        let (verb, options) = arguments.split_first().unwrap_or((&"", &[]));
        let arguments = [&[*verb, at.name, "--namespace", at.namespace], options].concat();
        let arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
        self.run(&arguments, Some(at.server), "").await.map(drop)
    }
}

impl Helm for Program {
    async fn version(&self) -> Result<String, HelmError> {
        let arguments = ["version", "--template", "{{.Version}}"].map(OsString::from);
        let version = self.run(&arguments, None, "").await?.trim().to_string();
        match version.starts_with("v4.") {
            true => Ok(version),
            false => Err(HelmError::Version { program: self.path.clone(), version }),
        }
    }

    async fn render(&self, template: &str) -> Result<String, HelmError> {
        let io = |cause| HelmError::Io { what: "a chart for a template can't be written", cause };
        let chart = tempfile::tempdir().map_err(io)?;
        let templates = chart.path().join("templates");
        std::fs::create_dir(&templates).map_err(io)?;
        let files = [
            ("Chart.yaml", "apiVersion: v2\nname: value\nversion: 0.0.0\n".to_string()),
            ("templates/_value.tpl", format!("{{{{ define \"value\" }}}}{template}{{{{ end }}}}")),
            ("templates/value.yaml", "value: {{ include \"value\" . | toJson }}".to_string()),
        ];
        for (path, text) in files {
            std::fs::write(chart.path().join(path), text).map_err(io)?;
        }
        let arguments = [OsString::from("template"), OsString::from("value"), chart.path().into()];
        let text = self.run(&arguments, None, "").await?;
        let wrong = |cause| HelmError::Answer { command: "template", cause };
        let rendered: Value = serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        rendered["value"].as_str().map(str::to_string).ok_or_else(|| wrong(text))
    }

    async fn install(&self, call: &Call<'_>) -> Result<(), HelmError> {
        self.release("install", call, &[]).await.map(drop)
    }

    async fn candidate(&self, call: &Call<'_>, on_server: bool) -> Result<String, HelmError> {
        let dry_run = if on_server { "--dry-run=server" } else { "--dry-run=client" };
        let answer = self.release("upgrade", call, &["--reset-values", dry_run]).await?;
        let wrong = |cause: String| HelmError::Answer { command: "upgrade", cause };
        let release: Value = serde_json::from_str(&answer).map_err(|error| wrong(error.to_string()))?;
        release["manifest"].as_str().map(str::to_string).ok_or_else(|| wrong("it has no manifest".into()))
    }

    async fn upgrade(&self, call: &Call<'_>, force: bool) -> Result<(), HelmError> {
        let options: &[&str] = if force { &["--reset-values", "--force-replace"] } else { &["--reset-values"] };
        self.release("upgrade", call, options).await.map(drop)
    }

    async fn rollback(&self, at: &Place<'_>, force: bool) -> Result<(), HelmError> {
        let options: &[&str] = if force { &["--force-replace"] } else { &[] };
        self.command(at, &[&["rollback", "--server-side=false"], options].concat()).await
    }

    async fn uninstall(&self, at: &Place<'_>) -> Result<(), HelmError> {
        self.command(at, &["uninstall", "--ignore-not-found"]).await
    }
}

/// What helm says about its failure, without what it logs besides.
fn message(errors: &str, status: std::process::ExitStatus) -> String {
    match errors.find("Error: ") {
        Some(at) => errors[at + "Error: ".len()..].trim().to_string(),
        None if errors.trim().is_empty() => format!("helm ended with {status} and said nothing"),
        None => errors.trim().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    /// A program that tells how it was called, and ends as `ending` says.
    fn told(ending: &str) -> (tempfile::TempDir, Program) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("helm");
        let log = dir.path().join("log").display().to_string();
        let script = format!(
            "#!/bin/sh\n{{ for a in \"$@\"; do echo \"$a\"; done; echo \"server $HELM_KUBEAPISERVER\"; echo \"kubeconfig $KUBECONFIG\"; cat; }} > {log}\n{ending}\n"
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (dir, Program::new(path))
    }

    fn log(dir: &tempfile::TempDir) -> String {
        std::fs::read_to_string(dir.path().join("log")).unwrap()
    }

    const AT: Place<'_> = Place { server: "http://127.0.0.1:1/x", namespace: "shop", name: "one" };

    #[tokio::test]
    async fn values_go_by_a_pipe_and_what_wins_over_them_by_arguments() {
        let (dir, helm) = told("echo '{\"manifest\": \"---\"}'");
        let (values, overrides) = (json!({"size": 5_000_000}), BTreeMap::from([("image.tag".into(), "1".into())]));
        let call = Call { at: AT, chart: Path::new("charts/x"), values: &values, overrides: &overrides, inputs: "abc" };
        assert_eq!(helm.candidate(&call, false).await.unwrap(), "---");
        let expected = "upgrade\none\ncharts/x\n--namespace\nshop\n--values\n-\n--server-side=false\n--output\njson\n\
                        --labels\nkubewright.dev/inputs=abc\n--reset-values\n--dry-run=client\n--set\nsize=5000000\n\
                        --set-string\nimage.tag=1\nserver http://127.0.0.1:1/x\n";
        let log = log(&dir);
        assert!(log.starts_with(expected) && log.ends_with("{\"size\":5000000}"), "{log}");
        assert!(!log.contains(".kube"), "no kubeconfig of the user's: {log}");
    }

    #[tokio::test]
    async fn force_means_that_objects_are_replaced() {
        let (dir, helm) = told("");
        helm.rollback(&AT, true).await.unwrap();
        assert!(log(&dir).starts_with("rollback\none\n--namespace\nshop\n--server-side=false\n--force-replace\n"));
        helm.uninstall(&AT).await.unwrap();
        assert!(log(&dir).starts_with("uninstall\none\n--namespace\nshop\n--ignore-not-found\n"));
    }

    #[tokio::test]
    async fn a_failure_is_told_in_helms_words() {
        let (_dir, helm) =
            told("echo 'level=INFO msg=x' >&2; echo 'Error: UPGRADE FAILED: a.yaml:6:19: no' >&2; exit 1");
        let error = helm.uninstall(&AT).await.unwrap_err();
        assert_eq!(error.to_string(), "UPGRADE FAILED: a.yaml:6:19: no");
        let (_dir, silent) = told("exit 3");
        assert!(silent.uninstall(&AT).await.unwrap_err().to_string().contains("exit status: 3"));
    }

    #[tokio::test]
    async fn a_helm_that_can_not_be_used_says_what_is_needed() {
        let error = Program::new("/nowhere/helm").version().await.unwrap_err().to_string();
        assert!(error.contains("/nowhere/helm") && error.contains("--helm"), "{error}");
        let (_dir, old) = told("echo v3.19.0");
        assert!(old.version().await.unwrap_err().to_string().contains("Helm 4 is needed"));
        let (_dir, good) = told("echo v4.3");
        assert_eq!(good.version().await.unwrap(), "v4.3");
    }
}
