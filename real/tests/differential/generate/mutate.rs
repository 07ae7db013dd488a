//! Changes valid objects a little: fields set, added, removed, of a wrong type, unknown; list items doubled and reordered.

use serde_json::{Map, Value, json};

use super::catalog::{Catalog, Entry};
use super::random::Random;
use super::values::wrong;

/// Bad and good metadata beyond the name.
fn metadata(random: &mut Random) -> (&'static str, Value) {
    let owner =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "3f5c0f3e-0000-4000-8000-000000000001"});
    let choices = [
        ("labels", json!({"case": "$ns", "app": "web", "tier": "x"})),
        ("labels", json!({"case": "$ns", "app": "not valid"})),
        ("labels", json!({"case": "$ns", "app": 1})),
        ("labels", json!({"case": "$ns", "-a": "b", "x/y/z": "c"})),
        ("annotations", json!({"example.com/a": "b", "c": ""})),
        ("annotations", json!({"not valid": "b"})),
        ("finalizers", json!(["example.com/f"])),
        ("finalizers", json!(["example.com/f", "example.com/g", "example.com/f"])),
        ("finalizers", json!(["f"])),
        ("ownerReferences", json!([owner])),
        ("ownerReferences", json!([{"kind": "ConfigMap", "name": "o"}])),
        ("generation", json!(7)),
        ("creationTimestamp", json!("2020-01-01T00:00:00Z")),
        ("deletionTimestamp", json!("2020-01-01T00:00:00Z")),
        ("deletionGracePeriodSeconds", json!(3)),
        ("uid", json!("3f5c0f3e-0000-4000-8000-000000000001")),
        ("selfLink", json!("/x")),
        ("namespace", json!("other")),
        ("generateName", json!("generated-")),
        ("managedFields", json!([])),
        ("unknown", json!(1)),
    ];
    random.pick(&choices).clone()
}

/// A place in an object: the JSON pointer, the field's name and what is known of its type.
struct Place<'a> {
    pointer: String,
    name: String,
    schema: &'a Value,
}

impl Catalog {
    /// Changes so many places of an object.
    pub(crate) fn mutate(&self, entry: &Entry, object: &mut Value, changes: usize, random: &mut Random) {
        let original = object.clone();
        for _ in 0..changes {
            if entry.whole || random.percent(15) {
                let (field, value) = metadata(random);
                object["metadata"][field] = value;
                continue;
            }
            let mut places = Vec::new();
            self.places(object, &entry.schema, String::new(), "", &mut places);
            places.retain(|place| {
                !["/apiVersion", "/kind"].contains(&place.pointer.as_str()) && !place.pointer.starts_with("/metadata")
            });
            let place = random.pick(&places);
            let (pointer, name, schema) = (place.pointer.clone(), place.name.clone(), place.schema);
            self.change(object, &pointer, &name, schema, random);
        }
        entry.keep_fixed(object, &original);
    }

    /// Every node of an object.
    fn places<'a>(&'a self, node: &Value, schema: &'a Value, pointer: String, name: &str, found: &mut Vec<Place<'a>>) {
        let schema = self.resolve(schema);
        match node {
            Value::Object(map) => {
                for (key, value) in map {
                    let of_key = match &schema["properties"][key] {
                        Value::Null => &schema["additionalProperties"],
                        known => known,
                    };
                    self.places(value, of_key, format!("{pointer}/{}", escape(key)), key, found);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.places(item, &schema["items"], format!("{pointer}/{index}"), name, found);
                }
            }
            _ => {}
        }
        found.push(Place { pointer, name: name.to_owned(), schema });
    }

    fn change(&self, object: &mut Value, pointer: &str, name: &str, schema: &Value, random: &mut Random) {
        match object.pointer_mut(pointer) {
            Some(Value::Object(map)) if pointer.is_empty() || !random.percent(8) => {
                let known: Vec<(&String, &Value)> = schema["properties"].as_object().into_iter().flatten().collect();
                let keys: Vec<String> = map.keys().cloned().collect();
                match random.weighted(&[12, 3, 1]) {
                    0 if !known.is_empty() => {
                        let (field, schema) = random.pick(&known);
                        // What has fields of its own is rarely valid with fields that chance has chosen.
                        let deep = ["object", "array"].iter().any(|kind| self.resolve(schema)["type"] == *kind);
                        if deep && !random.percent(15) {
                            return;
                        }
                        if pointer.is_empty() && ["apiVersion", "kind", "metadata"].contains(&field.as_str()) {
                            return;
                        }
                        map.insert((*field).clone(), self.value(schema, field, 3, random));
                    }
                    1 if !keys.is_empty() => {
                        let key = random.pick(&keys);
                        if !(pointer.is_empty() && ["apiVersion", "kind", "metadata"].contains(&key.as_str())) {
                            map.remove(key);
                        }
                    }
                    _ if schema["additionalProperties"].is_object() => {
                        let key = *random.mostly(&["b", "example.com/a", "A b", ""]);
                        map.insert(key.to_owned(), self.value(&schema["additionalProperties"], key, 2, random));
                    }
                    _ => {
                        map.insert("unknown".to_owned(), wrong(random));
                    }
                }
            }
            Some(Value::Array(items)) if !random.percent(8) => match random.weighted(&[4, 3, 2, 1]) {
                0 => items.push(self.value(&schema["items"], name, 3, random)),
                1 if !items.is_empty() => items.push(items[random.below(items.len())].clone()),
                2 if !items.is_empty() => {
                    items.remove(random.below(items.len()));
                }
                _ => items.reverse(),
            },
            Some(leaf) if random.percent(92) => *leaf = self.value(schema, name, 3, random),
            Some(other) => *other = wrong(random),
            None => {}
        }
    }
}

impl Entry {
    /// Whether a place may be changed one by one.
    pub(crate) fn is_free(&self, place: &str) -> bool {
        place.starts_with("/metadata") || (self.fixed.is_empty() && !self.whole)
    }

    /// Gives a changed object, or a part of one, the original's values of what must not change.
    pub(crate) fn keep_fixed(&self, object: &mut Value, original: &Value) {
        for fixed in &self.fixed {
            let parts: Vec<&str> = fixed.trim_start_matches('/').split('/').collect();
            restore(object, original, &parts);
        }
    }
}

/// At the end of a path, of which `*` is every item of a list, restores what the original has there (of a list, in its
/// first item).
fn restore(object: &mut Value, original: &Value, parts: &[&str]) {
    match (parts, object) {
        (["*", rest @ ..], Value::Array(items)) => {
            items.iter_mut().for_each(|item| restore(item, &original[0], rest));
        }
        ([last], Value::Object(map)) if map.contains_key(*last) => {
            match original.get(*last) {
                Some(value) => map.insert((*last).to_owned(), value.clone()),
                None => map.remove(*last),
            };
        }
        ([_], _) => {}
        ([first, rest @ ..], Value::Object(map)) => {
            if let Some(value) = map.get_mut(*first) {
                restore(value, &original[*first], rest);
            }
        }
        _ => {}
    }
}

/// A key as a part of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The pointers of all nodes below the root.
pub(crate) fn pointers(node: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(node, String::new(), &mut found);
    found
}

fn walk(node: &Value, pointer: String, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match node {
        Value::Object(map) => map.iter().map(|(key, value)| (escape(key), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in children {
        let pointer = format!("{pointer}/{key}");
        walk(value, pointer.clone(), found);
        found.push(pointer);
    }
}

/// The merge patch that makes one object of another.
pub(crate) fn merge_patch(from: &Value, to: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return to.clone() };
    let mut patch = Map::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in to {
        match from.get(key) {
            Some(old) if old == value => {}
            Some(old @ Value::Object(_)) => {
                patch.insert(key.clone(), merge_patch(old, value));
            }
            _ => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}

/// Fields by which list items are told from one another, for one list or another.
const KEYS: [&str; 13] = [
    "name",
    "key",
    "type",
    "containerPort",
    "port",
    "protocol",
    "ip",
    "uid",
    "mountPath",
    "topologyKey",
    "devicePath",
    "kind",
    "apiVersion",
];

/// A part of an object: each field is left out with this chance, but rarely those that tell list items apart.
pub(crate) fn part(node: &Value, left_out: usize, random: &mut Random) -> Value {
    match node {
        Value::Object(map) => map
            .iter()
            .filter_map(|(key, value)| {
                let chance = if KEYS.contains(&key.as_str()) { left_out.min(3) } else { left_out };
                (!random.percent(chance)).then(|| (key.clone(), part(value, left_out, random)))
            })
            .collect(),
        Value::Array(items) => {
            let kept: Vec<&Value> = items.iter().filter(|_| !random.percent(left_out / 2)).collect();
            kept.into_iter().map(|item| part(item, left_out, random)).collect()
        }
        other => other.clone(),
    }
}

/// The same without some of the items of lists and of the entries of maps of texts, but with all fields that may be required.
pub(crate) fn fewer_items(node: &Value, random: &mut Random) -> Value {
    match node {
        Value::Object(map) => {
            let texts = map.len() > 1 && map.values().all(Value::is_string);
            let kept = map.iter().filter(|(key, _)| !(texts && !KEYS.contains(&key.as_str()) && random.percent(40)));
            let kept: Vec<(&String, &Value)> = kept.collect();
            kept.into_iter().map(|(key, value)| (key.clone(), fewer_items(value, random))).collect()
        }
        Value::Array(items) => {
            let dropped = if items.len() > 1 { random.below(items.len() + 1) } else { items.len() };
            let kept = items.iter().enumerate().filter(|(index, _)| *index != dropped);
            kept.map(|(_, item)| fewer_items(item, random)).collect()
        }
        other => other.clone(),
    }
}
