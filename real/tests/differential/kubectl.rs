//! Asks a server with kubectl: runs a command and gives what it prints, ready to be compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::Server;
use crate::case::Question;
use crate::normalise::Normaliser;

/// Ages in tables, as "7s" or "2m5s", and in descriptions, as "7s ago".
static AGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^|\s)(\d+[smh])+( ago)?(\s|$)").expect("the pattern is well-formed"));
/// The width of a column depends on what has been replaced in it.
static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S)  +").expect("the pattern is well-formed"));
/// Long, as the machine may have other things to do.
const ENDS_WITHIN: Duration = Duration::from_secs(120);
static SERVER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"https://127\.0\.0\.1:\d+").expect("the pattern is well-formed"));

/// One command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invocation {
    /// The arguments of kubectl; what is in single quotes is one.
    run: String,
    /// The exit code on the real server.
    #[serde(default)]
    exit: i32,
    /// The standard input: a tree, as JSON, or a text.
    input: Option<Value>,
    /// The command that `kubectl edit` runs on its file.
    editor: Option<String>,
}

impl Question for Invocation {
    fn title(&self) -> &str {
        &self.run
    }

    fn surprise(&self, answer: &Value) -> Option<String> {
        (answer["exit"] != self.exit).then(|| format!("wanted exit code {}: {answer}", self.exit))
    }
}

/// A server that is asked with kubectl.
pub(crate) struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    /// A directory of its own for caches.
    home: PathBuf,
    namespace: String,
    normaliser: Normaliser,
}

impl Kubectl {
    pub(crate) fn new(program: PathBuf, kubeconfig: &Path, name: &str) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kubectl-{name}-{}", std::process::id()));
        fs::create_dir_all(&home).expect("a directory can be made");
        let kubeconfig = kubeconfig.to_owned();
        Self { program, kubeconfig, home, namespace: String::new(), normaliser: Normaliser::default() }
    }
}

impl Drop for Kubectl {
    fn drop(&mut self) {
        // What stays in the target directory does no harm.
        let _ = fs::remove_dir_all(&self.home);
    }
}

impl Server for Kubectl {
    type Question = Invocation;

    async fn begin(&mut self, namespace: &str) {
        self.namespace = namespace.to_owned();
        self.normaliser = Normaliser::default();
        let run = format!("create namespace {namespace}");
        let answer = self.answer(&Invocation { run, exit: 0, input: None, editor: None }).await;
        assert_eq!(answer["exit"], 0, "the namespace {namespace} is made: {answer}");
    }

    /// The exit code and the lines of both outputs.
    async fn answer(&mut self, question: &Invocation) -> Value {
        let fill = |text: &str| text.replace("$ns", &self.namespace);
        let mut command = Command::new(&self.program);
        command
            .args(["--namespace", &self.namespace])
            .args(arguments(&fill(&question.run)))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.home)
            .env("KUBE_EDITOR", question.editor.as_deref().unwrap_or("true"))
            // A colour or a width of the caller's terminal is not to be compared.
            .env_remove("COLUMNS")
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl can be started");
        let mut input = child.stdin.take().expect("its input is a pipe");
        let text = match &question.input {
            None => String::new(),
            Some(Value::String(text)) => fill(text),
            Some(tree) => fill(&tree.to_string()),
        };
        // A command that does not read its input closes it early.
        let _ = input.write_all(text.as_bytes()).await;
        drop(input);
        let Ok(output) = timeout(ENDS_WITHIN, child.wait_with_output()).await else {
            return json!({"exit": format!("none within {ENDS_WITHIN:?}")});
        };
        let output = output.expect("kubectl ends");
        let mut answer = json!({
            "exit": output.status.code(),
            "stdout": lines(&output.stdout),
            "stderr": lines(&output.stderr),
        });
        self.normaliser.normalise(&mut answer);
        answer
    }
}

/// Splits at spaces that are not in single quotes.
fn arguments(text: &str) -> Vec<String> {
    let quoted = text.split('\'').enumerate();
    quoted
        .flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

fn lines(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output)
        .lines()
        .map(|line| {
            // Twice, as two ages side by side share the space between them.
            let line = AGE.replace_all(line, "$1<age>$3$4");
            let line = AGE.replace_all(&line, "$1<age>$3$4");
            let line = SERVER.replace_all(&line, "<server>");
            GAP.replace_all(&line, "$1 ").trim_end().to_owned()
        })
        .collect()
}

#[test]
fn a_command_is_split_at_spaces_outside_of_quotes() {
    assert_eq!(arguments("get pods -o 'jsonpath={.items[*] .x}'"), ["get", "pods", "-o", "jsonpath={.items[*] .x}"]);
}

#[test]
fn ages_and_widths_do_not_count() {
    assert_eq!(lines(b"NAME   AGE\na      2m5s   7s ago\n"), ["NAME AGE", "a <age> <age> ago"]);
}
