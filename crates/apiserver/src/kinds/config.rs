//! ConfigMap and Secret: keys, total size, immutability, and what each type of Secret must hold.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::metadata::too_long;
use super::names;
use super::path::Path;
use super::strategy::{KindContext, Strategy};
use super::tree::{Tree, same};
use crate::field::FieldError;
use crate::http::decode_json_tree;
use crate::status::ApiResult;

/// Total size of all values, in bytes.
const DATA_LIMIT: usize = 1024 * 1024;

pub(super) struct ConfigMap;

impl Strategy for ConfigMap {
    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut size = 0;
        let (data, binary) = (Path::new("data"), Path::new("binaryData"));
        for (key, value) in object.entries("data") {
            size += value.as_str().map_or(0, str::len);
            errors.extend(bad_key(data, key));
            if object.at("binaryData").get(key).is_some() {
                errors.push(FieldError::invalid(data.key(key), key.as_str(), "duplicate of key present in binaryData"));
            }
        }
        for (key, value) in object.entries("binaryData") {
            size += decoded_size(value);
            errors.extend(bad_key(binary, key));
        }
        if size > DATA_LIMIT {
            errors.push(too_long("", DATA_LIMIT));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = frozen(new, old, &["data", "binaryData"]);
        errors.extend(self.validate(new));
        errors
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }
}

pub(super) struct Secret;

impl Strategy for Secret {
    fn default(&self, _: &str, object: &mut Value) {
        object.default_text("type", "Opaque");
        // stringData is write-only: it becomes data, and wins over it.
        let texts = object.field_mut("stringData").map(Value::take);
        object.drop_field("stringData");
        if let Some(Value::Object(texts)) = texts
            && !texts.is_empty()
        {
            let encode = |value: Value| Value::from(BASE64_STANDARD.encode(value.as_str().unwrap_or_default()));
            let encoded: Map<String, Value> = texts.into_iter().map(|(key, value)| (key, encode(value))).collect();
            if let Some(data) = object.ensure("data").as_object_mut() {
                data.extend(encoded);
            }
        }
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        let kind = old.text("type");
        new.default_text("type", kind);
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("data");
        let mut errors = Vec::new();
        let mut size = 0;
        for (key, value) in object.entries("data") {
            size += decoded_size(value);
            errors.extend(bad_key(path, key));
        }
        if size > DATA_LIMIT {
            errors.push(too_long(path, DATA_LIMIT));
        }
        let data = object.at("data");
        let missing = |key: &str| FieldError::required(path.key(key), "");
        match object.text("type") {
            "kubernetes.io/service-account-token" => {
                let key = "kubernetes.io/service-account.name";
                let name = object.at("metadata.annotations").get(key).and_then(Value::as_str).unwrap_or_default();
                if name.is_empty() {
                    errors.push(FieldError::required(Path::new("metadata.annotations").key(key), ""));
                }
            }
            "kubernetes.io/dockercfg" => errors.extend(json_value(data, path, ".dockercfg")),
            "kubernetes.io/dockerconfigjson" => errors.extend(json_value(data, path, ".dockerconfigjson")),
            "kubernetes.io/basic-auth" if data.get("username").is_none() && data.get("password").is_none() => {
                errors.extend(["username", "password"].map(missing));
            }
            "kubernetes.io/ssh-auth" if data.get("ssh-privatekey").is_none_or(|v| decoded_size(v) == 0) => {
                errors.push(missing("ssh-privatekey"));
            }
            "kubernetes.io/tls" => {
                errors.extend(["tls.crt", "tls.key"].into_iter().filter(|key| data.get(*key).is_none()).map(missing));
            }
            _ => {}
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if new.text("type") != old.text("type") {
            errors.push(FieldError::invalid("type", new.text("type"), "field is immutable"));
        }
        errors.extend(frozen(new, old, &["data"]));
        errors.extend(self.validate(new));
        errors
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["type"]
    }
}

fn bad_key(path: Path<'_>, key: &str) -> Vec<FieldError> {
    names::config_key(key).into_iter().map(|message| FieldError::invalid(path.key(key), key, message)).collect()
}

fn frozen(new: &Value, old: &Value, fields: &[&str]) -> Vec<FieldError> {
    if !old.flag("immutable") {
        return Vec::new();
    }
    let detail = "field is immutable when `immutable` is set";
    let mut errors = Vec::new();
    if !new.flag("immutable") {
        errors.push(FieldError::forbidden("immutable", detail));
    }
    let changed = fields.iter().filter(|field| !same(new.at(field), old.at(field)));
    errors.extend(changed.map(|field| FieldError::forbidden(*field, detail)));
    errors
}

/// Shown in place of what a Secret holds.
const REDACTED: &str = "<secret contents redacted>";

fn json_value(data: &Value, path: Path<'_>, key: &str) -> Option<FieldError> {
    let Some(encoded) = data.get(key).and_then(Value::as_str) else {
        return Some(FieldError::required(path.key(key), ""));
    };
    let bytes = BASE64_STANDARD.decode(encoded).unwrap_or_default();
    let kind = match decode_json_tree(&bytes) {
        Err(detail) => return Some(FieldError::invalid(path.key(key), REDACTED, detail)),
        Ok(decoded) => match decoded.value {
            Value::Object(_) | Value::Null => return None,
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
        },
    };
    let detail = format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}");
    Some(FieldError::invalid(path.key(key), REDACTED, detail))
}

/// Length of the bytes behind a base64 text.
fn decoded_size(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default();
    let padding = text.bytes().rev().take_while(|b| *b == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}
