//! Replaces in an answer what differs between two runs of the same server: uids, times, resourceVersions, random names,
//! addresses and ports. Equal values get equal replacements, so it still shows which of them are the same.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// What is replaced wherever it is found in a text.
static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    [
        ("uid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        ("time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
        ("time", r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"),
        ("address", r"\b10\.\d+\.\d+\.\d+\b"),
        // A generated name: "generated-" is what the cases use as generateName.
        ("name", r"(?i)\bgenerated-[a-z0-9]{5}\b"),
        // As kubectl prints it.
        ("version", r#"resourceVersion"?: "?\d+"?"#),
        ("version", r"Resource Version: +\d+"),
        ("version", r"ResourceVersion in (the precondition|record) \(\d+\)"),
        // What the server has come to, of all objects.
        ("revision", r"current: \d+"),
        ("revision", r"too old resource version: \d+ \(\d+\)"),
        // In tables.
        ("port", r":3[0-2]\d\d\d/"),
        ("file", r"kubectl-edit-\d+"),
        ("certificate", "X509SHA256=[0-9a-f]{64}"),
        ("token", r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+"),
    ]
    .map(|(kind, pattern)| (kind, Regex::new(pattern).expect("the pattern is well-formed")))
    .into()
});
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new("^([0-9]+[smhdy])+$").expect("the pattern is well-formed"));
/// Fields that hold a port which the server chooses.
const PORTS: [&str; 2] = ["nodePort", "healthCheckNodePort"];
/// Fields with lists whose order is chance: that of a Go map, or of managedFields, which are sorted by their times.
const UNORDERED: [&str; 4] = ["managedFields", "nonResourceRules", "nonResourceURLs", "resourceRules"];

/// Knows what it has replaced in the earlier answers of the same server.
#[derive(Clone, Default)]
pub(crate) struct Normaliser {
    known: BTreeMap<(&'static str, String), usize>,
}

impl Normaliser {
    pub(crate) fn normalise(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.normalise(item)),
            Value::Object(map) => {
                without_diffs(map);
                order_causes(map);
                without_ages(map);
                let list = map
                    .get("kind")
                    .and_then(Value::as_str)
                    .is_some_and(|kind| kind.ends_with("List") || kind == "Table");
                // A bookmark has the revision of all objects too.
                if map.get("type").is_some_and(|kind| kind == "BOOKMARK")
                    && let Some(version) =
                        map.get_mut("object").and_then(|object| object["metadata"].get_mut("resourceVersion"))
                {
                    *version = "<revision>".into();
                }
                if map.get("type").is_some_and(|kind| kind == "BOOKMARK")
                    && let Some(Value::Object(object)) = map.get_mut("object")
                {
                    // The rest of an empty object says nothing.
                    object.retain(|field, _| ["apiVersion", "kind", "metadata"].contains(&field.as_str()));
                    if let Some(Value::Object(annotations)) =
                        object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"))
                    {
                        annotations.retain(|name, _| name == "k8s.io/initial-events-end");
                    }
                }
                for (key, value) in map {
                    match (key.as_str(), &mut *value) {
                        // Of a list it is the revision of all objects, which others change too.
                        ("metadata", metadata) if list => {
                            if let Some(version) = metadata.get_mut("resourceVersion") {
                                *version = "<revision>".into();
                            }
                            self.normalise(metadata);
                        }
                        ("resourceVersion", Value::String(version)) => *version = self.token("version", version),
                        ("continue", Value::String(token)) => *token = self.token("continue", token),
                        // Where the server believes itself to be reached.
                        ("serverAddress", Value::String(address)) => *address = "<server>".to_owned(),
                        ("causes", Value::Array(causes)) => {
                            causes.iter_mut().for_each(|cause| self.normalise(cause));
                            causes.sort_by_key(Value::to_string);
                            // How often depends on how many checks of the real server find the same.
                            causes.dedup();
                        }
                        (name, Value::Array(items)) if UNORDERED.contains(&name) => {
                            items.iter_mut().for_each(|item| self.normalise(item));
                            items.sort_by_key(Value::to_string);
                        }
                        ("warning", Value::String(warnings)) => {
                            self.text(warnings);
                            *warnings = ordered_warnings(warnings);
                        }
                        (name, Value::Number(port)) if PORTS.contains(&name) => {
                            *value = self.token("port", &port.to_string()).into();
                        }
                        (_, value) => self.normalise(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &mut String) {
        self.shown(text);
        if let Some((before, listed)) = text.split_once("errors:\n") {
            // In the order of a Go map.
            let mut lines: Vec<&str> = listed.split('\n').collect();
            lines.sort_unstable();
            *text = format!("{before}errors:\n{}", lines.join("\n"));
        }
        for (kind, pattern) in PATTERNS.iter() {
            if pattern.is_match(text) {
                *text = match *kind {
                    // Whether two times fall into the same second is chance.
                    "time" => pattern.replace_all(text, "<time>").into_owned(),
                    kind => pattern.replace_all(text, |found: &Captures<'_>| self.token(kind, &found[0])).into_owned(),
                };
            }
        }
    }

    /// Normalises an object that a message shows, and sorts its fields: those that a patch has not touched stand in the order
    /// of Go's structs.
    fn shown(&mut self, text: &mut String) {
        let Some(start) = text.find("\"{\\\"") else { return };
        let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter::<String>();
        let Some(Ok(shown)) = stream.next() else { return };
        let end = start + stream.byte_offset();
        if let Ok(mut object) = serde_json::from_str::<Value>(&shown) {
            self.normalise(&mut object);
            *text = format!("{}{}{}", &text[..start], Value::String(object.to_string()), &text[end..]);
        }
    }

    /// The same replacement for the same value, numbered by first appearance.
    fn token(&mut self, kind: &'static str, value: &str) -> String {
        if value.is_empty() || value == "0" || value.starts_with('<') {
            return value.to_owned();
        }
        let next = self.known.keys().filter(|(known, _)| *known == kind).count() + 1;
        let number = *self.known.entry((kind, value.to_owned())).or_insert(next);
        format!("<{kind} {number}>")
    }
}

/// Warnings about fields come in the order of a Go map.
fn ordered_warnings(warnings: &str) -> String {
    const START: &str = "299 - ";
    let separator = format!(", {START}");
    let mut each: Vec<&str> = warnings.strip_prefix(START).unwrap_or(warnings).split(&separator).collect();
    each.sort_unstable();
    format!("{START}{}", each.join(&separator))
}

/// Cuts what follows the text of a cause that shows how the internal Go structs of an object differ: it has all fields of
/// them, by names that the API does not have.
fn without_diffs(status: &mut Map<String, Value>) {
    let causes = status.get_mut("details").and_then(|details| details["causes"].as_array_mut());
    let mut cut = Vec::new();
    for cause in causes.into_iter().flatten() {
        let Some(Value::String(text)) = cause.get_mut("message") else { continue };
        if let Some(at) = text.find("\n@@") {
            cut.push(text.split_off(at + 1));
        }
    }
    if let Some(Value::String(message)) = status.get_mut("message") {
        for diff in cut {
            *message = message.replacen(&diff, "", 1);
        }
    }
}

/// Ages in the rows of a table depend on when it was asked for.
fn without_ages(table: &mut Map<String, Value>) {
    if table.get("kind").is_none_or(|kind| kind != "Table") {
        return;
    }
    let rows = table.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten();
    for cell in rows.filter_map(|row| row["cells"].as_array_mut()).flatten() {
        if cell.as_str().is_some_and(|text| AGE.is_match(text)) {
            *cell = "<age>".into();
        }
    }
}

/// Puts the causes that the message of a Status lists into the order that its details get.
fn order_causes(status: &mut Map<String, Value>) {
    let causes = status.get("details").and_then(|details| details["causes"].as_array());
    let Some(Value::String(message)) = status.get("message") else { return };
    let Some((before, listed)) = message.strip_suffix(']').and_then(|message| message.split_once(": [")) else {
        return;
    };
    let text = |cause: &Value, name: &str| cause[name].as_str().unwrap_or_default().to_owned();
    let mut causes: Vec<String> = causes
        .into_iter()
        .flatten()
        .map(|cause| format!("{}: {}", text(cause, "field"), text(cause, "message")))
        .collect();
    causes.sort();
    causes.dedup();
    // Only when the message lists exactly its causes: otherwise its order is left, to be compared.
    let whole = causes.iter().all(|cause| listed.contains(cause.as_str()));
    if whole && causes.join(", ").len() == listed.len() {
        let message = format!("{before}: [{}]", causes.join(", "));
        status.insert("message".to_owned(), message.into());
    }
}

#[test]
fn the_order_of_causes_does_not_count() {
    let status = |first: &str, second: &str| {
        let cause = |field| serde_json::json!({"field": field, "message": "m"});
        let message = format!("X is invalid: [{first}: m, {second}: m]");
        let mut status = serde_json::json!({"message": message, "details": {"causes": [cause(first), cause(second)]}});
        Normaliser::default().normalise(&mut status);
        status
    };
    assert_eq!(status("a", "b"), status("b", "a"));
    assert_ne!(status("a", "b"), status("a", "c"));
}

#[test]
fn equal_values_get_equal_replacements() {
    let mut value = serde_json::json!([
        {"resourceVersion": "7"}, {"resourceVersion": "9"}, {"resourceVersion": "7"},
        "uid 0a1b2c3d-0000-4000-8000-0123456789ab at 2026-01-02T03:04:05Z",
        {"kind": "XList", "metadata": {"resourceVersion": "7"}}, {"nodePort": 30000},
    ]);
    Normaliser::default().normalise(&mut value);
    assert_eq!(
        value,
        serde_json::json!([
            {"resourceVersion": "<version 1>"}, {"resourceVersion": "<version 2>"}, {"resourceVersion": "<version 1>"},
            "uid <uid 1> at <time>",
            {"kind": "XList", "metadata": {"resourceVersion": "<revision>"}}, {"nodePort": "<port 1>"},
        ])
    );
}
