//! Request bodies as trees: JSON and YAML, with the duplicate fields that were met on the way.

use std::cell::RefCell;
use std::fmt::Write as _;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A body and what is odd about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoded {
    /// The tree; of fields given twice, the later, objects merged.
    pub value: Value,
    /// Paths of fields given twice: `data.a`, `spec.ports[0].name`.
    pub duplicates: Vec<String>,
}

/// Reads JSON. The error is the text that Go's decoder gives.
pub(crate) fn json(bytes: &[u8]) -> Result<Decoded, String> {
    let duplicates = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = TreeSeed { path: None, duplicates: &duplicates };
    let value = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(value) => Ok(Decoded { value, duplicates: duplicates.into_inner() }),
        Err(error) => Err(go_json_error(bytes, &error)),
    }
}

/// Reads YAML (its first document must be the only one). The error starts with `yaml: line N:` as Go's does.
pub(crate) fn yaml(bytes: &[u8]) -> Result<Decoded, String> {
    // JSON is what most clients send under a YAML media type, and has a faster reader.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
        && let Ok(decoded) = json(bytes)
    {
        return Ok(decoded);
    }
    let duplicates = RefCell::new(Vec::new());
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    let value = serde_saphyr::with_deserializer_from_slice_with_options(bytes, options, |deserializer| {
        TreeSeed { path: None, duplicates: &duplicates }.deserialize(deserializer)
    });
    match value {
        Ok(value) => Ok(Decoded { value, duplicates: duplicates.into_inner() }),
        Err(error) => {
            let line = error.location().map_or(1, |at| at.line());
            let text = error.to_string();
            Err(format!("yaml: line {line}: {}", text.lines().next().unwrap_or_default()))
        }
    }
}

/// One step of the path to the value that is being read; the chain lives on the stack.
struct Step<'a> {
    parent: Option<&'a Step<'a>>,
    at: At<'a>,
}

enum At<'a> {
    Field(&'a str),
    Index(usize),
}

impl Step<'_> {
    fn write(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        match self.at {
            At::Field(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            At::Index(index) => {
                // Writing to a String can't fail.
                let _ = write!(out, "[{index}]");
            }
        }
    }
}

#[derive(Clone, Copy)]
struct TreeSeed<'a> {
    path: Option<&'a Step<'a>>,
    duplicates: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for TreeSeed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TreeSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("numbers must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        loop {
            let step = Step { parent: self.path, at: At::Index(out.len()) };
            match access.next_element_seed(TreeSeed { path: Some(&step), duplicates: self.duplicates })? {
                Some(value) => out.push(value),
                None => return Ok(Value::Array(out)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = access.next_key_seed(KeySeed)? {
            let step = Step { parent: self.path, at: At::Field(&key) };
            if out.contains_key(&key) {
                let mut path = String::new();
                step.write(&mut path);
                let mut duplicates = self.duplicates.borrow_mut();
                if !duplicates.contains(&path) {
                    duplicates.push(path);
                }
            }
            let value = access.next_value_seed(TreeSeed { path: Some(&step), duplicates: self.duplicates })?;
            match out.get_mut(&key) {
                Some(earlier) => merge(earlier, value),
                None => drop(out.insert(key, value)),
            }
        }
        Ok(Value::Object(out))
    }
}

/// A field given twice is decoded into the same struct or map by Go: objects are merged, all else is replaced.
fn merge(earlier: &mut Value, later: Value) {
    match (earlier, later) {
        (Value::Object(earlier), Value::Object(later)) => {
            for (key, value) in later {
                match earlier.get_mut(&key) {
                    Some(earlier) => merge(earlier, value),
                    None => drop(earlier.insert(key, value)),
                }
            }
        }
        (earlier, later) => *earlier = later,
    }
}

/// Keys of YAML mappings may be written as numbers or truth values; in JSON they become their text.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = String;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        match (TreeSeed { path: None, duplicates: &RefCell::default() }).deserialize(deserializer)? {
            Value::String(text) => Ok(text),
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
            Value::Null => Ok("null".into()),
            _ => Err(D::Error::custom("keys of mappings must be scalars")),
        }
    }
}

/// serde_json's error in the words of Go's decoder.
fn go_json_error(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() || bytes.iter().all(u8::is_ascii_whitespace) {
        return "unexpected end of JSON input".into();
    }
    let line_start = match error.line() {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', bytes).nth(line - 2).map_or(0, |at| at + 1),
    };
    let at = (line_start + error.column()).saturating_sub(1).min(bytes.len() - 1);
    let found = String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 4)]).chars().next().unwrap_or(' ');
    let text = error.to_string();
    let place = if text.starts_with("expected `,` or `}`") {
        "after object key:value pair"
    } else if text.starts_with("expected `,` or `]`") {
        "after array element"
    } else if text.starts_with("expected `:`") {
        "after object key"
    } else if text.starts_with("key must be a string") || text.starts_with("trailing comma") && found == '}' {
        "looking for beginning of object key string"
    } else if text.starts_with("trailing characters") {
        "after top-level value"
    } else if text.starts_with("control character") {
        "in string literal"
    } else if text.starts_with("invalid escape") {
        "in string escape code"
    } else if text.starts_with("recursion limit") {
        return "exceeded max depth".into();
    } else {
        "looking for beginning of value"
    };
    format!("invalid character '{}' {place}", found.escape_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn duplicates_are_found_with_their_paths_and_the_later_wins() {
        let body = br#"{"data":{"a":"b","a":"c"},"spec":{"ports":[{"x":1},{"x":1,"x":2}]},"data":{"q":"r"}}"#;
        let decoded = json(body).unwrap();
        assert_eq!(decoded.duplicates, ["data.a", "spec.ports[1].x", "data"]);
        assert_eq!(decoded.value, json!({"data": {"a": "c", "q": "r"}, "spec": {"ports": [{"x": 1}, {"x": 2}]}}));
    }

    #[test]
    fn yaml_becomes_the_same_tree() {
        let decoded = yaml(b"kind: ConfigMap\ndata: {a: b}\ndata: {c: d}\ni: 1\nf: 1.5\nt: true\n1: x\n").unwrap();
        assert_eq!(
            decoded.value,
            json!({"kind": "ConfigMap", "data": {"a": "b", "c": "d"}, "i": 1, "f": 1.5, "t": true, "1": "x"})
        );
        assert_eq!(decoded.duplicates, ["data"]);
        assert_eq!(yaml(br#"{"a": 1}"#).unwrap().value, json!({"a": 1}));
    }

    #[test]
    fn errors_are_in_the_words_of_the_real_server() {
        for (text, expected) in [
            ("", "unexpected end of JSON input"),
            ("{\"a\":", "unexpected end of JSON input"),
            ("~", "invalid character '~' looking for beginning of value"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
        ] {
            assert_eq!(json(text.as_bytes()).unwrap_err(), expected, "{text}");
        }
        assert!(yaml(b"kind: [a").unwrap_err().starts_with("yaml: line "));
    }

    proptest! {
        #[test]
        fn no_input_makes_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = json(&bytes);
            let _ = yaml(&bytes);
        }

        #[test]
        fn near_json_does_not_panic(text in r#"[{}\[\]:,"a1\n é-]{0,30}"#) {
            let _ = json(text.as_bytes());
            let _ = yaml(text.as_bytes());
        }
    }
}
