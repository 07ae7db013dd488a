//! Cases: sequences of steps, read from the YAML files in `calls/` and `kubectl/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names the cases to run, when not all are to.
const SELECTION: &str = "KUBEWRIGHT_CASES";

/// Whether only some of the cases run.
pub(crate) fn selected() -> bool {
    std::env::var_os(SELECTION).is_some()
}

/// A sequence of steps in a namespace of its own, `$ns` in their text.
pub(crate) struct Case<S> {
    /// The file's name without its ending.
    pub(crate) name: String,
    pub(crate) steps: Vec<S>,
}

/// Something to ask a server.
pub(crate) trait Question: DeserializeOwned {
    /// As it is told of in a difference.
    fn title(&self) -> &str;

    /// What is wrong with the real server's answer: every step says whether it is refused, so that a case with a mistake in
    /// it fails, where otherwise two refusals would be compared.
    fn surprise(&self, answer: &Value) -> Option<String>;
}

/// One call, how it ends, and what to keep of its answer.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// `METHOD /path?query`.
    pub(crate) call: String,
    /// The status of the real server's answer, which is to be asked for when it is a refusal; without it the call has to
    /// succeed, or to become as `until` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// A tree, sent as JSON, or a text, sent as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// The body's media type; application/json when left out.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accept: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    /// Names for values of the answer's body (JSON pointers), which later steps of the case use as `$name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) save: BTreeMap<String, String>,
    /// Ask again until the answer is like this; only that answer is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Until>,
    /// Send the call so many times at once; only the statuses and reasons are compared, in whatever order they come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<usize>,
}

/// What an answer has to be like.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Until {
    pub(crate) status: Option<u16>,
    /// Values in the body, by JSON pointer; texts may have `$name` in them.
    #[serde(default)]
    pub(crate) body: BTreeMap<String, Value>,
}

impl Step {
    pub(crate) fn call(method: &str, path: &str) -> Self {
        Self { call: format!("{method} {path}"), ..Self::default() }
    }
}

impl Question for Step {
    fn title(&self) -> &str {
        &self.call
    }

    fn surprise(&self, answer: &Value) -> Option<String> {
        let is = |status: &Value| match self.status.or(self.until.as_ref().and_then(|until| until.status)) {
            Some(wanted) => *status == wanted,
            None => status.as_u64().is_some_and(|status| status < 400),
        };
        if let Some(outcomes) = answer.get("outcomes").and_then(Value::as_array) {
            let mut statuses = outcomes.iter().filter_map(|outcome| outcome.as_str()?.split(' ').next()?.parse().ok());
            let any = statuses.any(|status: u64| is(&status.into()));
            return (!any).then(|| format!("none of the calls ends as it should: {outcomes:?}"));
        }
        if answer["reached"] == false {
            return Some(format!("the answer never became as `until` says: {answer}"));
        }
        let wanted = self.status.map_or("success".to_owned(), |status| status.to_string());
        (!is(&answer["status"])).then(|| format!("wanted {wanted}, got {}: {}", answer["status"], answer["body"]))
    }
}

/// The cases of a folder in `tests/differential`, by name; those that `KUBEWRIGHT_CASES` names when it is set.
pub(crate) fn load<S: Question>(folder: &str) -> Vec<Case<S>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential").join(folder);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut cases: Vec<Case<S>> = entries
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let steps = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Case { name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), steps }
        })
        .collect();
    if let Ok(wanted) = std::env::var(SELECTION) {
        cases.retain(|case| wanted.split(',').any(|name| name == case.name));
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

#[test]
fn a_refusal_that_no_step_asks_for_is_a_surprise() {
    let step = |status| Step { status, ..Step::default() };
    let answer = |status: u16| serde_json::json!({"status": status, "body": null});
    assert!(step(None).surprise(&answer(201)).is_none());
    assert!(step(None).surprise(&answer(422)).is_some());
    assert!(step(Some(422)).surprise(&answer(422)).is_none());
    assert!(step(Some(422)).surprise(&answer(201)).is_some());
    let at_once = serde_json::json!({"outcomes": ["201 ", "409 AlreadyExists"]});
    assert!(step(None).surprise(&at_once).is_none());
    assert!(step(Some(404)).surprise(&at_once).is_some());
}
