//! ansible-runner, and how it is called.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};
use tokio::process::Command;

use crate::directory::Directory;
use crate::event::Event;
use crate::watches::Content;

/// How much of what was printed last is kept for an error, in bytes.
const TAIL: usize = 16 << 10;

/// The ansible-runner of the machine.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
}

/// A run.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Where its files are.
    pub directory: &'a Directory,
    /// Its name.
    pub ident: &'a str,
    /// What is run.
    pub content: &'a Content,
    /// How much Ansible tells: 0 to 7.
    pub verbosity: u8,
    /// How many runs' artifacts are kept; 0: all.
    pub max_artifacts: u32,
    /// Whether a role runs without facts of the host.
    pub skip_facts: bool,
    /// Variables of the environment besides the operator's own.
    pub environment: &'a [(OsString, OsString)],
}

/// Why Ansible did not run.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// There is none.
    #[error(
        "{} can't be run: {cause}; install it (`python3 -m venv ~/ansible && ~/ansible/bin/pip install ansible-core ansible-runner \
         kubernetes`) and put it on PATH, or name it with --ansible-runner",
        program.display()
    )]
    Missing {
        /// The program.
        program: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// It can't even tell its version.
    #[error("{} --version fails: {said}; is it the ansible-runner of a Python environment that is still there?", program.display())]
    Broken {
        /// The program.
        program: PathBuf,
        /// What it says.
        said: String,
    },
    /// The system failed it.
    #[error("{what}: {cause}")]
    Io {
        /// What was done.
        what: &'static str,
        /// What the system says.
        cause: std::io::Error,
    },
}

impl Program {
    /// The program of this path, or of this name on `PATH`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its version. Also tells whether it can be used at all.
    ///
    /// # Errors
    /// If it can't.
    pub async fn version(&self) -> Result<String, RunnerError> {
        let missing = |cause| RunnerError::Missing { program: self.path.clone(), cause };
        let output = Command::new(&self.path)
            .arg("--version")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(missing)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => {
                let said = format!("{} {}", output.status, text(&output.stderr));
                Err(RunnerError::Broken { program: self.path.clone(), said })
            }
        }
    }

    /// Runs a role or a playbook; tells what was printed last. `hear` is called with each event.
    ///
    /// # Errors
    /// If it can't be started, or its output can't be read. How the run went is in the events.
    pub async fn run(&self, call: &Call<'_>, mut hear: impl FnMut(Event)) -> Result<String, RunnerError> {
        let io = |what| move |cause| RunnerError::Io { what, cause };
        let mut command = self.command(call);
        let missing = |cause| RunnerError::Missing { program: self.path.clone(), cause };
        let mut child = command.spawn().map_err(missing)?;
        let mut errors = Vec::new();
        let (output, complaints) = (child.stdout.take(), child.stderr.take());
        let mut tail = Tail::default();
        let printed = File::create(call.directory.printed()).await.map_err(io("what Ansible prints can't be kept"))?;
        let mut printed = BufWriter::new(printed);
        let read = async {
            let Some(output) = output else { return Ok(()) };
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).await? > 0 {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches(['\n', '\r']);
                match Event::read(text) {
                    Some(event) => {
                        tail.add(&event.stdout);
                        if !event.stdout.is_empty() {
                            printed.write_all(event.stdout.as_bytes()).await?;
                            printed.write_all(b"\n").await?;
                        }
                        hear(event);
                    }
                    None => {
                        tail.add(text);
                        printed.write_all(text.as_bytes()).await?;
                        printed.write_all(b"\n").await?;
                    }
                }
                line.clear();
            }
            printed.flush().await
        };
        let complain = async {
            if let Some(mut complaints) = complaints {
                complaints.read_to_end(&mut errors).await?;
            }
            Ok(())
        };
        let (read, complained) = tokio::join!(read, complain);
        read.and(complained).map_err(io("what Ansible prints can't be read"))?;
        let status = child.wait().await.map_err(io("ansible-runner can't be waited for"))?;
        tracing::debug!(job = call.ident, %status, "ansible-runner ended");
        tail.add(String::from_utf8_lossy(&errors).trim_end());
        Ok(tail.text)
    }

    fn command(&self, call: &Call<'_>) -> Command {
        let directory = call.directory.path();
        let mut command = Command::new(&self.path);
        command.arg("run").arg(directory).arg("--json");
        command.args(["--rotate-artifacts", &call.max_artifacts.to_string(), "-i", call.ident]);
        match call.content {
            Content::Playbook(file) => {
                command.arg("-p").arg(file);
            }
            Content::Role(folder) => {
                command.arg("--role").arg(folder.file_name().unwrap_or(OsStr::new("")));
                command.arg("--roles-path").arg(folder.parent().unwrap_or(Path::new("/")));
                command.args(["--hosts", "localhost"]);
                if call.skip_facts {
                    command.arg("--role-skip-facts");
                }
            }
        }
        if call.verbosity > 0 {
            command.arg(format!("-{}", "v".repeat(call.verbosity.into())));
        }
        let kubeconfig = call.directory.kubeconfig();
        command.env("KUBECONFIG", &kubeconfig).env("K8S_AUTH_KUBECONFIG", &kubeconfig);
        command.env("TMPDIR", call.directory.temporary());
        if let Some(path) = self.path_of_siblings() {
            command.env("PATH", path);
        }
        command.envs(call.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// `PATH` with the folder of the program in front: ansible-runner calls ansible-playbook, which is beside it.
    fn path_of_siblings(&self) -> Option<OsString> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
        let folder = std::path::absolute(folder).ok()?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path))).ok()
    }
}

/// The end of a text.
#[derive(Default)]
struct Tail {
    text: String,
}

impl Tail {
    fn add(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.text.push_str(text);
        self.text.push('\n');
        if self.text.len() > 2 * TAIL {
            let from = self.text.ceil_char_boundary(self.text.len() - TAIL);
            self.text.drain(..from);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::directory::prepare;

    /// A program that runs these lines of a shell.
    fn script(lines: &str) -> (tempfile::TempDir, Program, Directory) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ansible-runner");
        std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        prepare(dir.path()).unwrap();
        let directory = Directory::of(dir.path(), "", "v1", "Cache", None, "one");
        std::fs::create_dir_all(directory.path()).unwrap();
        (dir, Program::new(path), directory)
    }

    fn call<'a>(directory: &'a Directory, content: &'a Content) -> Call<'a> {
        Call { directory, ident: "7", content, verbosity: 2, max_artifacts: 20, skip_facts: true, environment: &[] }
    }

    #[tokio::test]
    async fn it_is_called_as_operator_sdk_calls_it() {
        let (_dir, program, directory) =
            script("echo \"$@\"; echo $KUBECONFIG $K8S_AUTH_KUBECONFIG $TMPDIR; echo $PATH");
        let at = directory.path().display().to_string();
        let role = Content::Role("/opt/roles/memcached".into());
        let said = program.run(&call(&directory, &role), |_| {}).await.unwrap();
        let lines: Vec<&str> = said.lines().collect();
        let expected = format!(
            "run {at} --json --rotate-artifacts 20 -i 7 --role memcached --roles-path /opt/roles --hosts localhost --role-skip-facts -vv"
        );
        assert_eq!(lines[0], expected);
        assert_eq!(lines[1], format!("{at}/kubeconfig {at}/kubeconfig {at}/tmp"));
        assert!(
            lines[2].starts_with(&_dir.path().display().to_string()),
            "ansible-playbook is beside it: {}",
            lines[2]
        );
        let playbook = Content::Playbook("/opt/play.yml".into());
        let quiet = Call { verbosity: 0, ..call(&directory, &playbook) };
        let said = program.run(&quiet, |_| {}).await.unwrap();
        assert_eq!(
            said.lines().next().unwrap(),
            format!("run {at} --json --rotate-artifacts 20 -i 7 -p /opt/play.yml")
        );
    }

    #[tokio::test]
    async fn events_are_heard_as_they_come_and_what_is_for_people_is_kept() {
        let lines = r#"echo 'Vault?'; echo '{"uuid":"1","event":"runner_on_ok","stdout":"ok: [localhost]"}'; printf '\377\n'; echo ERROR >&2; exit 2"#;
        let (_dir, program, directory) = script(lines);
        let role = Content::Role("/opt/roles/memcached".into());
        let mut events = Vec::new();
        let said = program.run(&call(&directory, &role), |event| events.push(event.event)).await.unwrap();
        assert_eq!(events, ["runner_on_ok"]);
        assert_eq!(said, "Vault?\nok: [localhost]\n\u{fffd}\nERROR\n");
        assert_eq!(std::fs::read_to_string(directory.printed()).unwrap(), "Vault?\nok: [localhost]\n\u{fffd}\n");
    }

    #[tokio::test]
    async fn one_that_can_not_be_used_says_how_to_get_it() {
        let error = Program::new("/nowhere/ansible-runner").version().await.unwrap_err().to_string();
        assert!(error.contains("pip install ansible-core ansible-runner kubernetes"), "{error}");
        assert!(error.contains("/nowhere/ansible-runner") && error.contains("--ansible-runner"), "{error}");
        let (_dir, broken, _) = script("echo 'No module named ansible_runner' >&2; exit 1");
        let error = broken.version().await.unwrap_err().to_string();
        assert!(error.contains("No module named"), "{error}");
        let (_dir, good, _) = script("echo 2.4.3");
        assert_eq!(good.version().await.unwrap(), "2.4.3");
    }

    #[test]
    fn of_much_text_the_end_is_kept() {
        let mut tail = Tail::default();
        for number in 0..20_000 {
            tail.add(&format!("ä{number}"));
        }
        assert!(tail.text.len() <= 2 * TAIL && tail.text.ends_with("ä19999\n"));
    }
}
