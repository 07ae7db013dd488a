//! Conversion between the versions of a custom resource: all by way of one of them, the hub.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::admission::AdmittedObject;
use crate::handler::{BadReview, Handler};
use crate::wire::ConversionReview;

/// A version of a custom resource that converts to the hub and back.
///
/// Nothing may get lost: from spoke to hub and back must give the same object. [`round_trip`](crate::round_trip) checks
/// that with random objects. What one version can't say is best kept in an annotation.
pub trait Spoke: AdmittedObject {
    /// The version that all others convert to; usually the one that is stored.
    type Hub: AdmittedObject;

    /// This object, as the hub has it.
    fn into_hub(self) -> Result<Self::Hub, ConversionError>;

    /// The hub's object in this version.
    fn from_hub(hub: Self::Hub) -> Result<Self, ConversionError>;
}

/// An object has no form in the version that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConversionError(String);

impl ConversionError {
    /// Says which field of the object can't be converted, and why.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// All versions of a kind.
///
/// ```no_run
/// # use kubewright_webhook::{Conversion, Spoke, WebhookOptions, Webhooks};
/// # fn example<SiteV1: Spoke<Hub = SiteV2>, SiteV2: kube::Resource<DynamicType = ()> + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static>() {
/// let sites = Conversion::to_hub::<SiteV2>().spoke::<SiteV1>();
/// let webhooks = Webhooks::new("sites", WebhookOptions::default()).conversion(sites);
/// # }
/// ```
pub struct Conversion<Hub = ()> {
    versions: BTreeMap<String, Version>,
    definition: String,
    hub: PhantomData<fn() -> Hub>,
}

/// One version: to the hub's JSON and from it.
struct Version {
    into_hub: fn(Value) -> Result<Value, String>,
    from_hub: fn(Value) -> Result<Value, String>,
}

impl Conversion {
    /// A kind whose versions all convert by way of `Hub`.
    pub fn to_hub<Hub: AdmittedObject>() -> Conversion<Hub> {
        let definition = format!("{}.{}", Hub::plural(&()), Hub::group(&()));
        let hub = Version { into_hub: Ok, from_hub: Ok };
        let versions = BTreeMap::from([(Hub::api_version(&()).into_owned(), hub)]);
        Conversion { versions, definition, hub: PhantomData }
    }
}

impl<Hub: AdmittedObject> Conversion<Hub> {
    /// Adds a version.
    pub fn spoke<S: Spoke<Hub = Hub>>(mut self) -> Self {
        let version = Version { into_hub: into_hub::<S>, from_hub: from_hub::<S> };
        self.versions.insert(S::api_version(&()).into_owned(), version);
        self
    }

    /// The name of the definition that is converted for.
    pub(crate) fn definition(&self) -> &str {
        &self.definition
    }

    pub(crate) fn handler(self, path: String) -> Handler {
        let versions = Arc::new(self.versions);
        Handler::new(path, move |body| {
            let versions = versions.clone();
            async move { answer(&versions, &body) }
        })
    }
}

fn into_hub<S: Spoke>(object: Value) -> Result<Value, String> {
    let spoke: S = decode(object)?;
    encode::<S::Hub>(&spoke.into_hub().map_err(|error| error.to_string())?)
}

fn from_hub<S: Spoke>(object: Value) -> Result<Value, String> {
    let hub: S::Hub = decode(object)?;
    encode::<S>(&S::from_hub(hub).map_err(|error| error.to_string())?)
}

fn decode<K: DeserializeOwned>(object: Value) -> Result<K, String> {
    serde_json::from_value(object).map_err(|error| format!("the webhook can't read the object: {error}"))
}

fn encode<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Result<Value, String> {
    let mut value = serde_json::to_value(object).map_err(|error| error.to_string())?;
    value["apiVersion"] = json!(K::api_version(&()));
    value["kind"] = json!(K::kind(&()));
    Ok(value)
}

fn answer(versions: &BTreeMap<String, Version>, body: &Bytes) -> Result<Value, BadReview> {
    let review: ConversionReview = serde_json::from_slice(body)?;
    let request = review.request.ok_or(BadReview::NoRequest)?;
    let desired = request.desired_api_version;
    let converted: Result<Vec<Value>, String> =
        request.objects.into_iter().map(|object| convert(versions, &desired, object)).collect();
    let mut response = json!({"uid": request.uid});
    match converted {
        Ok(objects) => {
            response["convertedObjects"] = Value::Array(objects);
            response["result"] = json!({"status": "Success"});
        }
        Err(message) => response["result"] = json!({"status": "Failure", "message": message}),
    }
    Ok(json!({"apiVersion": review.api_version, "kind": "ConversionReview", "response": response}))
}

fn convert(versions: &BTreeMap<String, Version>, desired: &str, object: Value) -> Result<Value, String> {
    let from = object["apiVersion"].as_str().unwrap_or_default().to_string();
    if from == desired {
        return Ok(object);
    }
    let find = |version: &str| {
        let known: Vec<&str> = versions.keys().map(String::as_str).collect();
        versions.get(version).ok_or_else(|| format!("{version:?} can't be converted: known are {}", known.join(", ")))
    };
    let (source, target) = (find(&from)?, find(desired)?);
    let metadata = object["metadata"].clone();
    let name = metadata["name"].as_str().unwrap_or_default().to_string();
    let hub = (source.into_hub)(object).map_err(|problem| format!("{name}: {from}: {problem}"))?;
    let mut converted = (target.from_hub)(hub).map_err(|problem| format!("{name}: {desired}: {problem}"))?;
    keep_metadata(metadata, &mut converted);
    Ok(converted)
}

/// A conversion may change labels and annotations and nothing else of the metadata; a type may not know all of it.
fn keep_metadata(mut metadata: Value, converted: &mut Value) {
    let Some(fields) = metadata.as_object_mut() else { return };
    let mut changed = converted["metadata"].take();
    for name in ["labels", "annotations"] {
        match changed.get_mut(name).map(Value::take) {
            Some(Value::Object(values)) if !values.is_empty() => _ = fields.insert(name.into(), Value::Object(values)),
            _ if fields.get(name).and_then(Value::as_object).is_some_and(Map::is_empty) => {}
            _ => _ = fields.remove(name),
        }
    }
    converted["metadata"] = metadata;
}
