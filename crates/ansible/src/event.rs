//! What ansible-runner tells of a run, and what comes of it.

use std::time::Duration;

use kubewright_operator_sdk::duration;
use serde::Deserialize;
use serde_json::Value;

use crate::status::AnsibleResult;

/// The host that roles run on.
const HOST: &str = "localhost";
/// Modules that say when to run again.
const REQUEUE: [&str; 2] = ["operator_sdk.util.requeue_after", "requeue_after"];

/// An event: a line of `ansible-runner run --json`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Which one it is; empty for what is none of Ansible's.
    pub uuid: String,
    /// What happened, such as `runner_on_ok`.
    pub event: String,
    /// What Ansible printed with it.
    pub stdout: String,
    /// When.
    pub created: String,
    /// More, depending on what happened.
    pub event_data: Value,
}

/// Which events get into the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogEvents {
    /// Tasks that start, failures, and what debug tasks print.
    #[default]
    Tasks,
    /// All, with their data.
    Everything,
    /// None.
    Nothing,
}

/// What has come of a run so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// The recap; `None` as long as the playbook has not ended.
    pub result: Option<AnsibleResult>,
    /// Hosts that could not be reached.
    pub unreachable: u64,
    /// What tasks that failed have said.
    pub failures: Vec<String>,
    /// After how long a task wants it to be run again.
    pub requeue: Option<Duration>,
}

/// For the log: what is run for whom.
#[derive(Debug, Clone)]
pub struct Job {
    /// The run.
    pub ident: String,
    /// The kind of the custom resource.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Event {
    /// The event in a line; `None` if there is none in it.
    pub fn read(line: &str) -> Option<Self> {
        if !line.starts_with('{') {
            return None;
        }
        serde_json::from_str(line).ok().filter(|event: &Self| !event.uuid.is_empty() && !event.event.is_empty())
    }

    fn text(&self, field: &str) -> &str {
        self.event_data[field].as_str().unwrap_or_default()
    }

    /// The message of a task that failed.
    fn message(&self) -> &str {
        let result = &self.event_data["res"];
        let said = |field: &str| result[field].as_str().filter(|text| !text.is_empty());
        said("msg").or_else(|| said("reason")).unwrap_or("unknown playbook failure")
    }

    fn is_failure(&self) -> bool {
        matches!(self.event.as_str(), "runner_on_failed" | "runner_on_unreachable")
    }

    fn is_ignored(&self) -> bool {
        self.event_data["ignore_errors"] == true
    }

    /// Tells the log. `verbose`: the custom resource asks for all that Ansible prints.
    pub fn log(&self, what: LogEvents, verbose: bool, job: &Job) {
        let Job { ident, kind, namespace, name } = job;
        let (task, event, stdout) = (self.text("task"), self.event.as_str(), plain(self.stdout.trim()));
        let debugs = matches!(self.text("task_action"), "debug" | "ansible.builtin.debug");
        match what {
            LogEvents::Nothing => {}
            LogEvents::Everything => {
                tracing::info!(kind, namespace, name, job = ident, event, data = %self.event_data, stdout, "ansible");
            }
            LogEvents::Tasks if task.is_empty() => {}
            LogEvents::Tasks if self.is_failure() => {
                let (path, message, ignored) = (self.text("task_path"), self.message(), self.is_ignored());
                tracing::error!(kind, namespace, name, job = ident, task, path, message, ignored, "a task failed");
            }
            LogEvents::Tasks if verbose => {
                tracing::info!(kind, namespace, name, job = ident, task, event, stdout, "ansible");
            }
            LogEvents::Tasks if event == "playbook_on_task_start" => {
                let sets_fact = matches!(self.text("task_action"), "set_fact" | "ansible.builtin.set_fact");
                if !debugs && !sets_fact {
                    tracing::info!(kind, namespace, name, job = ident, task, "task");
                }
            }
            LogEvents::Tasks if (event == "runner_on_ok" && debugs) || event == "runner_item_on_ok" => {
                tracing::info!(kind, namespace, name, job = ident, task, stdout, "task says");
            }
            LogEvents::Tasks => {}
        }
    }
}

impl Summary {
    /// Takes an event in.
    pub fn add(&mut self, event: &Event) {
        if event.event == "playbook_on_stats" {
            let count = |field: &str| event.event_data[field][HOST].as_u64().unwrap_or_default();
            self.unreachable = count("dark");
            self.result = Some(AnsibleResult {
                ok: count("ok"),
                changed: count("changed"),
                skipped: count("skipped"),
                failures: count("failures"),
                completion: event.created.clone(),
            });
        } else if event.is_failure() && !event.is_ignored() {
            self.failures.push(event.message().to_string());
        } else if event.event == "runner_on_ok" && REQUEUE.contains(&event.text("task_action")) {
            let period = event.event_data["res"]["period"].as_str().unwrap_or_default();
            match duration::parse(period) {
                Ok(period) => self.requeue = Some(period),
                Err(cause) => tracing::warn!(task = event.text("task"), cause, "requeue_after"),
            }
        }
    }

    /// What the run has come to: the recap, or why it failed. A task that was rescued, or whose failure was ignored, is no
    /// failure. `said` is what Ansible printed last, for a run that did not get as far as a recap.
    pub fn end(self, said: &str) -> Result<AnsibleResult, (String, Option<AnsibleResult>)> {
        match self.result {
            None => Err((format!("the playbook did not run to its end: {}", last(said)), None)),
            Some(result) if result.failures == 0 && self.unreachable == 0 => Ok(result),
            Some(result) => {
                let unknown = || vec!["unknown playbook failure".to_string()];
                let failures = if self.failures.is_empty() { unknown() } else { self.failures };
                Err((failures.join("\n"), Some(result)))
            }
        }
    }
}

/// A text without the colours of a terminal, which ansible-runner has Ansible print.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let code = &rest[at + 2..];
        let end = code.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(code.len());
        let mut after = code[end..].chars();
        after.next();
        rest = after.as_str();
    }
    out.push_str(rest);
    out
}

/// What matters in what Ansible printed last: its errors, or else its last lines.
fn last(said: &str) -> String {
    const LINES: usize = 10;
    let said = plain(said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let error = lines.iter().position(|line| line.contains("ERROR"));
    let from = error.unwrap_or_else(|| lines.len().saturating_sub(LINES));
    let found = lines[from..].iter().take(LINES).copied().collect::<Vec<_>>().join("\n");
    if found.is_empty() { "ansible-runner said nothing".into() } else { found }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(event: &str, data: Value) -> Event {
        Event {
            uuid: "1".into(),
            event: event.into(),
            created: "2026-11-21T17:00:00.5+00:00".into(),
            event_data: data,
            ..Event::default()
        }
    }

    fn stats(failures: u64, dark: u64) -> Event {
        let on = |count: u64| json!({"localhost": count});
        let data = json!({"ok": on(3), "changed": on(1), "skipped": {}, "failures": on(failures), "dark": on(dark)});
        event("playbook_on_stats", data)
    }

    fn failure(data: Value) -> Event {
        event("runner_on_failed", data)
    }

    fn ends(events: &[Event]) -> Result<AnsibleResult, (String, Option<AnsibleResult>)> {
        let mut summary = Summary::default();
        events.iter().for_each(|event| summary.add(event));
        summary.end("")
    }

    #[test]
    fn a_run_succeeds_by_its_recap() {
        let result = ends(&[stats(0, 0)]).unwrap();
        assert_eq!((result.ok, result.changed, result.skipped, result.failures), (3, 1, 0, 0));
        assert_eq!(result.completion, "2026-11-21T17:00:00.5+00:00");
    }

    #[test]
    fn failures_are_told_unless_they_were_ignored_or_rescued() {
        let failed = failure(json!({"task": "a", "res": {"msg": "no image"}}));
        let ignored = failure(json!({"task": "b", "res": {"msg": "never mind"}, "ignore_errors": true}));
        let (message, result) = ends(&[ignored.clone(), failed.clone(), stats(1, 0)]).unwrap_err();
        assert_eq!((message.as_str(), result.unwrap().failures), ("no image", 1));
        assert!(ends(&[failed, ignored, stats(0, 0)]).is_ok(), "the recap knows what was rescued");
        let gone = event("runner_on_unreachable", json!({"res": {"reason": "no route"}}));
        assert_eq!(ends(&[gone, stats(0, 1)]).unwrap_err().0, "no route");
        assert_eq!(ends(&[stats(2, 0)]).unwrap_err().0, "unknown playbook failure");
    }

    #[test]
    fn a_run_without_recap_failed_and_tells_the_error() {
        let end = |said: &str| Summary::default().end(said).unwrap_err().0;
        let said = "one\n[WARNING]: x\nERROR! couldn't resolve module/action 'k8s'\nThe error appears to be in a.yml\n";
        assert!(end(said).ends_with("ERROR! couldn't resolve module/action 'k8s'\nThe error appears to be in a.yml"));
        let coloured = "\u{1b}[0;31m[ERROR]: \u{1b}[1mno such role\u{1b}[0m\n";
        assert!(end(coloured).ends_with("end: [ERROR]: no such role"), "{}", end(coloured));
        assert_eq!((plain("ä\u{1b}["), plain("\u{1b}[1äö")), ("ä".into(), "ö".into()));
        assert!(end("\n").ends_with("said nothing"));
        assert!(end("a\nb\n").ends_with("a\nb"));
    }

    #[test]
    fn a_task_can_ask_to_be_run_again() {
        let mut summary = Summary::default();
        summary.add(&event(
            "runner_on_ok",
            json!({"task_action": "operator_sdk.util.requeue_after", "res": {"period": "1x"}}),
        ));
        assert_eq!(summary.requeue, None);
        summary.add(&event("runner_on_ok", json!({"task_action": "requeue_after", "res": {"period": "20s"}})));
        assert_eq!(summary.requeue, Some(Duration::from_secs(20)));
    }

    #[test]
    fn lines_are_events_or_not() {
        let line = r#"{"uuid": "1", "counter": 1, "event": "runner_on_ok", "event_data": {"task": "a"}, "pid": 7}"#;
        assert_eq!(Event::read(line).unwrap().text("task"), "a");
        for line in ["PLAY [localhost]", "", "{", "{}", r#"{"status": "starting"}"#, r#"{"uuid": 1, "event": "x"}"#] {
            assert_eq!(Event::read(line), None, "{line}");
        }
    }
}
