//! What a run has left on the server, in a form that is the same for two runs that did the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::discovery::{Discovery, verbs};
use kube::{Client, ResourceExt};
use serde_json::{Map, Value, json};

/// Objects by kind and name.
pub(super) type State = BTreeMap<String, Value>;

/// Kinds that are written beside the work.
const ASIDE: [&str; 3] = ["Event", "Lease", "ComponentStatus"];
/// Metadata that is another in each run.
const UNLIKE: [&str; 6] = ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink"];
/// What stands for the name of a run's namespace.
const RUN: &str = "RUN";

/// The kinds that the server can list.
pub(super) async fn kinds(client: &Client) -> Result<Vec<ApiResource>, kube::Error> {
    let discovery = Discovery::new(client.clone()).run_aggregated().await?;
    let mut kinds = Vec::new();
    for group in discovery.groups() {
        for (kind, capabilities) in group.recommended_resources() {
            if capabilities.supports_operation(verbs::LIST) && !ASIDE.contains(&kind.kind.as_str()) {
                kinds.push(kind);
            }
        }
    }
    Ok(kinds)
}

/// All objects that are of the run: in a namespace whose name contains that of the run's, or with a name that does.
pub(super) async fn objects(client: &Client, kinds: &[ApiResource], run: &str) -> Result<Vec<Value>, kube::Error> {
    let mut found = Vec::new();
    for kind in kinds {
        let list = Api::<DynamicObject>::all_with(client.clone(), kind).list(&ListParams::default()).await?;
        for object in list {
            let place = object.namespace().unwrap_or_else(|| object.name_any());
            // The namespace itself differs only in its life cycle, which is the test's.
            if !place.contains(run) || (kind.kind == "Namespace" && place == run) {
                continue;
            }
            let mut tree = serde_json::to_value(&object).map_err(kube::Error::SerdeError)?;
            tree["apiVersion"] = json!(kind.api_version);
            tree["kind"] = json!(kind.kind);
            found.push(tree);
        }
    }
    Ok(found)
}

/// The objects without what two runs never have in common.
pub(super) fn normalised(objects: Vec<Value>, run: &str) -> State {
    let mut words = Words { run, words: BTreeMap::new() };
    for object in &objects {
        let metadata = &object["metadata"];
        let [kind, name, uid] = [&object["kind"], &metadata["name"], &metadata["uid"]].map(text);
        let mut stands_for = name.to_string();
        if let Some(prefix) = metadata["generateName"].as_str() {
            stands_for = format!("{prefix}*");
            words.words.insert(name.to_string(), stands_for.clone());
        }
        words.words.insert(uid.to_string(), format!("uid of {kind} {stands_for}"));
    }
    let mut alike: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut object in objects {
        words.object(&mut object);
        let metadata = &object["metadata"];
        let place = metadata["namespace"].as_str().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let key = format!("{} {place}{}", text(&object["kind"]), text(&metadata["name"]));
        alike.entry(key).or_default().push(object);
    }
    let mut state = State::new();
    for (key, mut objects) in alike {
        if let [_] = objects.as_slice() {
            state.extend(objects.pop().map(|object| (key, object)));
            continue;
        }
        objects.sort_by_cached_key(Value::to_string);
        state.extend(objects.into_iter().enumerate().map(|(at, object)| (format!("{key} #{}", at + 1), object)));
    }
    state
}

/// How two states differ, a line for each difference; empty if they don't.
pub(super) fn differences(expected: &State, found: &State) -> String {
    let mut text = String::new();
    for key in expected.keys().chain(found.keys().filter(|key| !expected.contains_key(*key))) {
        // Writing into a String does not fail.
        match (expected.get(key), found.get(key)) {
            (Some(expected), Some(found)) => compare(key, expected, found, &mut text),
            (Some(_), None) => _ = writeln!(text, "  {key}: missing"),
            (None, _) => _ = writeln!(text, "  {key}: too much"),
        }
    }
    text
}

fn compare(path: &str, expected: &Value, found: &Value, text: &mut String) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for key in expected.keys().chain(found.keys().filter(|key| !expected.contains_key(*key))) {
                let [expected, found] = [expected, found].map(|map: &Map<_, _>| map.get(key).unwrap_or(&Value::Null));
                compare(&format!("{path} .{key}"), expected, found, text);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{path} [{at}]"), expected, found, text);
            }
        }
        _ if expected == found => {}
        _ => _ = writeln!(text, "  {path}: {found} instead of {expected}"),
    }
}

/// Words that are others in each run, with what stands for them.
struct Words<'a> {
    run: &'a str,
    words: BTreeMap<String, String>,
}

impl Words<'_> {
    fn object(&self, object: &mut Value) {
        let generation = object["metadata"]["generation"].as_i64();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.retain(|key, _| !UNLIKE.contains(&key.as_str()));
        }
        self.value(object, generation);
    }

    fn value(&self, value: &mut Value, generation: Option<i64>) {
        match value {
            Value::String(text) => {
                if let Some(word) = self.word(text) {
                    *text = word;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, generation)),
            Value::Object(map) => {
                if let (Some(observed), Some(generation)) = (map.get_mut("observedGeneration"), generation)
                    && observed.is_i64()
                {
                    let current = observed.as_i64() == Some(generation);
                    *observed = json!(if current { "current" } else { "behind" });
                }
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(key, mut value)| {
                        self.value(&mut value, generation);
                        (self.word(&key).unwrap_or(key), value)
                    })
                    .collect();
            }
            _ => {}
        }
    }

    fn word(&self, text: &str) -> Option<String> {
        if let Some(word) = self.words.get(text) {
            return Some(word.replace(self.run, RUN));
        }
        if is_time(text) {
            return Some("(time)".into());
        }
        if text.parse::<IpAddr>().is_ok() {
            return Some("(address)".into());
        }
        let mut word = text.to_string();
        for (from, to) in &self.words {
            // Only long words are sure to be nothing else by chance.
            if from.len() > 8 && word.contains(from.as_str()) {
                word = word.replace(from.as_str(), to);
            }
        }
        word = word.replace(self.run, RUN);
        (word != text).then_some(word)
    }
}

/// RFC 3339, as Kubernetes writes times.
fn is_time(text: &str) -> bool {
    let shape = b"0000-00-00T00:00:00";
    let bytes = text.as_bytes();
    let fits = |(&c, &shape): (&u8, &u8)| if shape == b'0' { c.is_ascii_digit() } else { c == shape };
    bytes.len() > shape.len() && bytes.last() == Some(&b'Z') && bytes.iter().zip(shape).all(fits)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(run: &str, name: &str, uid: &str, node: &str) -> Value {
        json!({
            "kind": "Pod",
            "metadata": {"name": name, "generateName": "web-", "namespace": run, "uid": uid, "generation": 2},
            "spec": {"nodeName": node},
            "status": {"observedGeneration": 2, "podIP": "10.0.0.7", "startTime": "2026-01-01T00:00:00Z"},
        })
    }

    fn service(run: &str, target: &str) -> Value {
        json!({
            "kind": "Service", "metadata": {"name": "s", "namespace": run, "uid": format!("{run}-uid-of-s")},
            "spec": {"host": format!("s.{run}.svc"), "target": target},
        })
    }

    #[test]
    fn two_runs_that_did_the_same_have_the_same_state() {
        let one =
            vec![pod("test-a", "web-1", "u-1", "n1"), pod("test-a", "web-2", "u-2", "n2"), service("test-a", "web-1")];
        let two =
            vec![service("test-b", "web-9"), pod("test-b", "web-9", "u-9", "n2"), pod("test-b", "web-8", "u-8", "n1")];
        let [one, two] = [normalised(one, "test-a"), normalised(two, "test-b")];
        assert_eq!(differences(&one, &two), "");
        assert_eq!(one.keys().collect::<Vec<_>>(), ["Pod RUN/web-* #1", "Pod RUN/web-* #2", "Service RUN/s"]);
        assert_eq!(one["Service RUN/s"]["spec"]["host"], "s.RUN.svc");
        assert_eq!(one["Pod RUN/web-* #1"]["status"]["observedGeneration"], "current");
    }

    #[test]
    fn what_differs_is_told_with_its_path() {
        let one = normalised(vec![service("test-a", "x"), pod("test-a", "web-1", "u-1", "n1")], "test-a");
        let mut other = service("test-a", "y");
        other["metadata"]["name"] = json!("s2");
        let two = normalised(vec![service("test-a", "y"), other], "test-a");
        let text = differences(&one, &two);
        assert!(text.contains("Service RUN/s .spec .target: \"y\" instead of \"x\""), "{text}");
        assert!(text.contains("Pod RUN/web-*: missing") && text.contains("Service RUN/s2: too much"), "{text}");
    }
}
