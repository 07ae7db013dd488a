//! Values for fields: most of them valid, by what the schema and the name of the field tell.

use serde_json::{Map, Value, json};

use super::catalog::Catalog;
use super::random::Random;

const QUANTITIES: [&str; 14] =
    ["1", "100m", "1Gi", "0", "0.5", "2Ki", "1e3", "1500m", "-1", "1.5Gi", "100u", "abc", "", "12345678901234567890"];
const TIMES: [&str; 5] =
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456Z", "2026-01-01T01:00:00+01:00", "now", ""];
const TEXTS: [&str; 12] = ["a", "b", "x-y", "web", "a.b", "example.com/a", "1", "A", "", "a b", "\u{e9}\u{1f600}", "_"];
/// Beyond what any name may have.
const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Texts by how the name of the field ends, the usual ones first.
const BY_NAME: [(&str, &[&str]); 34] = [
    ("name", &["a", "web", "b", "x.y", "A_b"]),
    ("Name", &["a", "web", "x.y", "A_b"]),
    ("namespace", &["$ns", "x", "A"]),
    ("key", &["k", "example.com/k", "zone", "a b"]),
    ("Key", &["k", "example.com/k", "zone", "a b"]),
    ("path", &["/a", "a", "/", "../a"]),
    ("Path", &["/a", "a", "/", "../a"]),
    ("ip", &["192.0.2.1", "2001:db8::1", "192.0.2.300", "x"]),
    ("IP", &["192.0.2.1", "2001:db8::1", "192.0.2.300", "x"]),
    ("IPs", &["192.0.2.1", "2001:db8::1", "x"]),
    ("cidr", &["192.0.2.0/24", "2001:db8::/64", "192.0.2.1/24", "x"]),
    ("CIDR", &["192.0.2.0/24", "2001:db8::/64", "192.0.2.1/24", "x"]),
    ("except", &["192.0.2.0/28", "198.51.100.0/24", "x"]),
    ("addresses", &["192.0.2.1", "192.0.2.2", "2001:db8::1", "a.example.com"]),
    ("image", &["i", "i:1", " i", ""]),
    ("kind", &["Pod", "ConfigMap", "Role", "x"]),
    ("apiGroup", &["apps", "", "rbac.authorization.k8s.io", "A"]),
    ("apiGroups", &["apps", "", "*"]),
    ("apiVersion", &["v1", "apps/v1", "a/b/c", ""]),
    ("host", &["a.example.com", "*.example.com", "A", ""]),
    ("hosts", &["a.example.com", "*.example.com", "A"]),
    ("hostname", &["h", "H"]),
    ("url", &["https://example.com/x", "http://example.com", "x"]),
    ("schedule", &["0 * * * *", "@hourly", "x"]),
    ("timeZone", &["Etc/UTC", "Europe/Paris", "Mars"]),
    ("verbs", &["get", "*", "list"]),
    ("resources", &["pods", "*", "pods/status"]),
    ("signerName", &["example.com/s", "kubernetes.io/kube-apiserver-client", "x"]),
    ("uid", &["3f5c0f3e-0000-4000-8000-000000000001", "x"]),
    ("finalizers", &["example.com/f", "kubernetes", "x"]),
    ("fieldPath", &["metadata.name", "status.podIP", "x"]),
    ("driver", &["d.example.com", "D"]),
    ("reason", &["R", "Other"]),
    ("status", &["True", "False", "Unknown", "x"]),
];

impl Catalog {
    /// A value for the field of this name; `depth` is how many levels of objects and lists it may have.
    pub(crate) fn value(&self, schema: &Value, name: &str, depth: usize, random: &mut Random) -> Value {
        let schema = self.resolve(schema);
        if random.percent(1) {
            return wrong(random);
        }
        if let Some(values) = schema["enum"].as_array().filter(|values| !values.is_empty())
            && !random.percent(5)
        {
            return random.pick(values).clone();
        }
        let int_or_string = schema["x-kubernetes-int-or-string"] == true || schema["format"] == "int-or-string";
        if int_or_string && name != "cpu" && name != "memory" {
            return random
                .mostly(&[json!(80), json!("http"), json!("25%"), json!(0), json!("101%"), json!(-1)])
                .clone();
        }
        match schema["type"].as_str() {
            Some("boolean") => random.percent(50).into(),
            Some("integer") => integer(schema, name, random),
            Some("number") => random.pick(&[json!(1), json!(0.5), json!(2.0), json!(-1.5), json!(1e30)]).clone(),
            Some("array") => {
                let count = if depth == 0 { 0 } else { *random.mostly(&[1, 2, 0]) };
                (0..count).map(|_| self.value(&schema["items"], name, depth - 1, random)).collect()
            }
            Some("object") => self.object(schema, name, depth, random),
            Some("string") => string(schema, name, random),
            // A quantity, or anything.
            _ if schema.get("oneOf").is_some() => quantity(random),
            _ => {
                random.pick(&[json!({"a": 1}), json!("a"), json!(1), json!([true]), json!({"a": {"b": null}})]).clone()
            }
        }
    }

    fn object(&self, schema: &Value, name: &str, depth: usize, random: &mut Random) -> Value {
        let mut object = Map::new();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if let Some(properties) = schema["properties"].as_object() {
            let optional = properties.len().saturating_sub(required.len()).max(1);
            for (field, schema) in properties {
                let wanted = match required.contains(&field.as_str()) {
                    true => !random.percent(3),
                    // Two or so of them.
                    false => depth > 0 && random.below(optional) < 2,
                };
                if wanted {
                    object.insert(field.clone(), self.value(schema, field, depth.saturating_sub(1), random));
                }
            }
        } else if depth > 0 && schema["additionalProperties"].is_object() {
            for _ in 0..*random.mostly(&[1, 2, 0]) {
                let keys: &[&str] = match name {
                    "limits" | "requests" | "hard" | "capacity" | "allocatable" | "used" | "podFixed" => {
                        &["cpu", "memory", "storage", "example.com/gpu", "pods", "x"]
                    }
                    _ => &["a", "b", "example.com/a", "A b"],
                };
                let key = *random.mostly(keys);
                object.insert(key.to_owned(), self.value(&schema["additionalProperties"], key, depth - 1, random));
            }
        }
        Value::Object(object)
    }
}

/// A value that is probably of the wrong type.
pub(crate) fn wrong(random: &mut Random) -> Value {
    let values =
        [json!(null), json!("a"), json!(1), json!(1.5), json!(true), json!({"a": 1}), json!([1]), json!([]), json!({})];
    random.pick(&values).clone()
}

fn integer(schema: &Value, name: &str, random: &mut Random) -> Value {
    if name.ends_with("ort") {
        return (*random.mostly(&[80, 443, 8080, 0, 65535, 65536, -1])).into();
    }
    let number = *random.mostly(&[1, 2, 0, 3, 10, 60, 600, -1, 100_000, i64::from(i32::MAX), 1 << 31, i64::MAX]);
    // Server-side apply lets numbers that are too large overflow, without a word.
    if schema["format"] == "int32" { number.min(i64::from(i32::MAX)).into() } else { number.into() }
}

fn quantity(random: &mut Random) -> Value {
    match random.percent(15) {
        true => random.pick(&[json!(1), json!(2.5), json!(0), json!(1_000_000)]).clone(),
        false => (*random.mostly(&QUANTITIES)).into(),
    }
}

fn string(schema: &Value, name: &str, random: &mut Random) -> Value {
    match schema["format"].as_str() {
        Some("date-time") => return (*random.mostly(&TIMES)).into(),
        Some("byte") => return (*random.mostly(&["YQ==", "", "!", "YQ"])).into(),
        _ => {}
    }
    if schema["description"].as_str().is_some_and(|text| text.starts_with("Quantity is")) {
        return quantity(random);
    }
    if random.percent(2) {
        return LONG.into();
    }
    let by_name = BY_NAME.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, texts)| *texts);
    match by_name.filter(|_| !random.percent(10)) {
        Some(texts) => (*random.mostly(texts)).into(),
        None => (*random.pick(&TEXTS)).into(),
    }
}
