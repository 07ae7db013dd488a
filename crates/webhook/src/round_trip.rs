//! The proof that conversion loses nothing: random objects of a version, to the hub and back.

use kube::core::schema::StructuralSchemaRewriter;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::{ConversionError, Spoke};

/// An object that did not come back as it was.
#[derive(Debug, thiserror::Error)]
pub enum RoundTripError {
    /// The generator made a value that the type does not take: its schema is wider than the type.
    #[error("{object}\nfits the schema, but the type does not take it: {error}")]
    Schema {
        /// The object.
        object: Value,
        /// What the type says.
        error: serde_json::Error,
    },
    /// A conversion failed.
    #[error("{object}\ncan't be converted: {error}")]
    Failed {
        /// The object.
        object: Value,
        /// What the conversion says.
        error: ConversionError,
    },
    /// It came back another one.
    #[error("{object}\ncame back from the hub as\n{returned}\nwhich differs at {}", paths.join(", "))]
    Differs {
        /// The object.
        object: Value,
        /// What it was after the way there and back.
        returned: Value,
        /// Where they differ.
        paths: Vec<String>,
    },
}

/// Converts `object` to the hub and back, and says where it came back different.
pub fn check<S: Spoke + Clone>(object: &S) -> Result<(), RoundTripError> {
    let before = encode(object);
    let failed = |error| RoundTripError::Failed { object: before.clone(), error };
    let hub = object.clone().into_hub().map_err(failed)?;
    let returned = encode(&S::from_hub(hub).map_err(failed)?);
    if before == returned {
        return Ok(());
    }
    let patch = json_patch::diff(&before, &returned);
    let paths = patch.iter().map(|operation| operation.path().to_string()).collect();
    Err(RoundTripError::Differs { object: before, returned, paths })
}

/// Checks `cases` objects that are made at random from the schema of `Schema`, the type of the version's spec; the same
/// `seed` makes the same objects. Call it in a test, once for each spoke.
///
/// ```
/// use kubewright_webhook::{ConversionError, Spoke, round_trip};
/// # use kube::CustomResource;
/// # use schemars::JsonSchema;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
/// # #[kube(group = "example.com", version = "v2", kind = "Site", namespaced)]
/// # pub struct SiteSpec { title: String, pages: u32 }
/// # mod v1 {
/// #     use kube::CustomResource;
/// #     use schemars::JsonSchema;
/// #     use serde::{Deserialize, Serialize};
/// #     #[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
/// #     #[kube(group = "example.com", version = "v1", kind = "Site", namespaced)]
/// #     pub struct SiteSpec { pub name: String, pub pages: Option<u32> }
/// # }
/// impl Spoke for v1::Site {
///     type Hub = Site;
///
///     fn into_hub(self) -> Result<Site, ConversionError> {
///         let spec = SiteSpec { title: self.spec.name, pages: self.spec.pages.unwrap_or(1) };
///         Ok(Site { metadata: self.metadata, spec })
///     }
///
///     fn from_hub(hub: Site) -> Result<Self, ConversionError> {
///         let spec = v1::SiteSpec { name: hub.spec.title, pages: Some(hub.spec.pages) };
///         Ok(Self { metadata: hub.metadata, spec })
///     }
/// }
///
/// // "No number of pages" comes back as "1": something got lost.
/// let error = round_trip::check_random::<v1::Site, v1::SiteSpec>(100, 1).unwrap_err();
/// assert!(error.to_string().ends_with("which differs at /spec/pages"), "{error}");
/// ```
pub fn check_random<S: Spoke + Clone, Schema: JsonSchema>(cases: usize, seed: u64) -> Result<(), RoundTripError> {
    let generator = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    let generator = generator.with_transform(StructuralSchemaRewriter).into_generator();
    let schema = generator.into_root_schema_for::<Schema>().to_value();
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..cases {
        let name = word(&mut random);
        let object = json!({
            "apiVersion": S::api_version(&()), "kind": S::kind(&()),
            "metadata": {"name": name, "labels": {"case": name}}, "spec": value(&schema, &mut random, 0),
        });
        let object: S =
            serde_json::from_value(object.clone()).map_err(|error| RoundTripError::Schema { object, error })?;
        check(&object)?;
    }
    Ok(())
}

fn encode<S: Spoke>(object: &S) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    drop_nulls(&mut value);
    value
}

/// Null and absent mean the same to the API server.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// A value that fits the schema, as far as patterns and formats allow to tell.
fn value(schema: &Value, random: &mut StdRng, depth: usize) -> Value {
    if let Some(choices) = schema["enum"].as_array().filter(|choices| !choices.is_empty()) {
        return choices[random.random_range(0..choices.len())].clone();
    }
    for name in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[name].as_array().filter(|choices| !choices.is_empty()) {
            let choice = &choices[random.random_range(0..choices.len())];
            // The rewriter hoists properties; each choice then only says which of them are there.
            return value(&merged(schema, choice), random, depth);
        }
    }
    match schema["type"].as_str().unwrap_or_default() {
        "boolean" => json!(random.random::<bool>()),
        "integer" => integer(schema, random),
        "number" => json!(f64::from(random.random_range(-1000_i32..1000)) / 4.0),
        "string" => text(schema, random),
        "array" => {
            let least = schema["minItems"].as_u64().unwrap_or(0);
            let most = schema["maxItems"].as_u64().unwrap_or(least + 3).max(least);
            let count = if depth > 6 { least } else { random.random_range(least..=most.min(least + 3)) };
            Value::Array((0..count).map(|_| value(&schema["items"], random, depth + 1)).collect())
        }
        _ => object(schema, random, depth),
    }
}

fn merged(schema: &Value, choice: &Value) -> Value {
    let mut merged = schema.clone();
    if let Some(fields) = merged.as_object_mut() {
        fields.remove("oneOf");
        fields.remove("anyOf");
        for (name, part) in choice.as_object().into_iter().flatten() {
            match fields.get_mut(name) {
                // What all choices have together, and then what this one requires.
                Some(Value::Object(_)) if name == "properties" => {}
                _ => _ = fields.insert(name.clone(), part.clone()),
            }
        }
        if choice.get("required").is_some() {
            let required = choice["required"].as_array().cloned().unwrap_or_default();
            let only = |name: &String| required.iter().any(|required| required == name);
            if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
                properties.retain(|name, _| only(name));
            }
        }
    }
    merged
}

fn object(schema: &Value, random: &mut StdRng, depth: usize) -> Value {
    let mut fields = Map::new();
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if required(name) || (depth <= 6 && random.random::<bool>()) {
            fields.insert(name.clone(), value(property, random, depth + 1));
        }
    }
    if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
        for _ in 0..random.random_range(0..3) {
            fields.insert(word(random), value(values, random, depth + 1));
        }
    }
    Value::Object(fields)
}

fn integer(schema: &Value, random: &mut StdRng) -> Value {
    let (low, high) = match schema["format"].as_str().unwrap_or_default() {
        "uint8" => (0, i64::from(u8::MAX)),
        "uint16" => (0, i64::from(u16::MAX)),
        "uint32" => (0, i64::from(u32::MAX)),
        "int8" => (i64::from(i8::MIN), i64::from(i8::MAX)),
        "int16" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "int32" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        "uint64" | "uint" => (0, i64::MAX),
        _ => (i64::MIN, i64::MAX),
    };
    let low = schema["minimum"].as_f64().map_or(low, |least| low.max(least as i64));
    let high = schema["maximum"].as_f64().map_or(high, |most| high.min(most as i64)).max(low);
    // Small numbers and the ends of the range are where conversions go wrong.
    match random.random_range(0..4) {
        0 => json!(low),
        1 => json!(high),
        _ => json!(random.random_range(low.max(high.min(-10))..=high.min(low.max(100)))),
    }
}

fn text(schema: &Value, random: &mut StdRng) -> Value {
    match schema["format"].as_str().unwrap_or_default() {
        "date-time" => json!(format!("2026-01-{:02}T10:00:00Z", random.random_range(1..29))),
        _ => {
            let least = schema["minLength"].as_u64().unwrap_or(0) as usize;
            let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX) as usize;
            let mut text = if random.random_range(0..5) == 0 { String::new() } else { word(random) };
            while text.len() < least {
                text.push('x');
            }
            text.truncate(most);
            json!(text)
        }
    }
}

fn word(random: &mut StdRng) -> String {
    (0..random.random_range(1..8)).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect()
}
