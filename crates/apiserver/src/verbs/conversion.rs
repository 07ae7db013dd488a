//! Conversion of custom resources by webhook.
//!
//! Objects are converted where they leave the store or enter it: [`served`] gives what was read in the version of the
//! resource, [`to_stored_form`] takes what is to be written to the stored version. In between all is as for resources
//! with one version. What was converted is kept, so that an object is converted once for each version that is read.
//!
//! Ownership of fields is worked out by functions that can't wait. For them there is [`Conversions`]: what they miss is
//! noted, converted, and they are called again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{decode, render, write};
use crate::field::FieldError;
use crate::kinds::metadata;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;
use crate::registry::{Conversion, Resource};
use crate::schema::Nulls;
use crate::server::Core;
use crate::status::{ApiError, ApiResult};
use crate::store::{Encoded, Stored};

/// How long a webhook may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The webhook that converts objects of the resource.
pub(super) fn webhook(resource: &Resource) -> Option<&Arc<Conversion>> {
    resource.custom.as_ref().and_then(|custom| custom.conversion.as_ref())
}

/// Stored objects in the version that the resource serves. All that need it are converted in one call.
pub(super) async fn served(core: &Core, resource: &Resource, items: Vec<Arc<Stored>>) -> ApiResult<Vec<Arc<Stored>>> {
    let (Some(custom), Some(conversion)) = (&resource.custom, webhook(resource)) else { return Ok(items) };
    let mut items = items;
    let mut missing = Vec::new();
    for (index, stored) in items.iter_mut().enumerate() {
        if render::is_served_form(resource, stored) {
            continue;
        }
        match custom.converted.get(stored) {
            Some(known) => *stored = known,
            None => missing.push(index),
        }
    }
    if missing.is_empty() {
        return Ok(items);
    }
    let trees = missing.iter().map(|index| items[*index].tree()).collect();
    let converted = convert(core, conversion, &resource.api_version, trees).await?;
    for (index, mut tree) in missing.into_iter().zip(converted) {
        decode::complete(resource, &mut tree, Nulls::Dropped);
        let stored = Arc::new(items[index].in_other_form(&write::encoded(resource, &tree)));
        custom.converted.keep(stored.clone());
        items[index] = stored;
    }
    Ok(items)
}

/// One stored object in the version that the resource serves.
pub(super) async fn served_one(core: &Core, resource: &Resource, stored: Arc<Stored>) -> ApiResult<Arc<Stored>> {
    if webhook(resource).is_none() {
        return Ok(stored);
    }
    let mut items = served(core, resource, vec![stored.clone()]).await?;
    Ok(items.pop().unwrap_or(stored))
}

/// An object in its stored version, as bytes.
pub(super) async fn to_stored_form(core: &Core, resource: &Resource, object: Value) -> ApiResult<Encoded> {
    let Some(conversion) = webhook(resource) else { return Ok(write::storage_form(resource, object)) };
    if object["apiVersion"] == resource.storage_api_version.as_str() {
        return Ok(write::encoded(resource, &object));
    }
    let object = to_version(core, resource, conversion, &resource.storage_api_version, object).await?;
    Ok(write::encoded(resource, &object))
}

/// An object of a resource in one of its versions.
pub(super) async fn to_version(
    core: &Core,
    resource: &Resource,
    conversion: &Conversion,
    api_version: &str,
    object: Value,
) -> ApiResult<Value> {
    let mut converted = convert(core, conversion, api_version, vec![object]).await?;
    let mut object = converted.pop().unwrap_or_default();
    let version = api_version.rsplit('/').next().unwrap_or_default();
    if let Some(target) = core.registry.resolve(&resource.group, version, &resource.plural) {
        decode::complete(&target, &mut object, Nulls::Dropped);
    }
    Ok(object)
}

/// Conversions that a function needs that can't wait for them.
#[derive(Default)]
pub(crate) struct Conversions {
    /// By the wanted version and the object as text.
    known: BTreeMap<(String, String), Value>,
    wanted: Mutex<Vec<(String, Value)>>,
}

impl Conversions {
    /// The object in a version; if that is not known yet, it is noted, and what is made without it is of no use.
    pub(super) fn get(&self, object: &Value, api_version: &str) -> Option<Value> {
        if object["apiVersion"] == api_version {
            return Some(object.clone());
        }
        let known = self.known.get(&(api_version.to_string(), object.to_string()));
        if known.is_none() {
            self.wanted.lock().push((api_version.to_string(), object.clone()));
        }
        known.cloned()
    }

    /// Converts what was noted. True if there was anything: the function is to be called again.
    pub(super) async fn fulfil(&mut self, core: &Core, resource: &Resource) -> ApiResult<bool> {
        let wanted = std::mem::take(self.wanted.get_mut());
        let Some(conversion) = webhook(resource) else { return Ok(false) };
        let again = !wanted.is_empty();
        for (api_version, object) in wanted {
            let text = object.to_string();
            let converted = to_version(core, resource, conversion, &api_version, object).await?;
            self.known.insert((api_version, text), converted);
        }
        Ok(again)
    }
}

/// Objects in another version, by one call of the webhook.
async fn convert(
    core: &Core,
    conversion: &Conversion,
    api_version: &str,
    objects: Vec<Value>,
) -> ApiResult<Vec<Value>> {
    let Some(first) = objects.first() else { return Ok(objects) };
    let start = format!("conversion webhook for {}, Kind={}", first.text("apiVersion"), first.text("kind"));
    let fail = |why: String| ApiError::new(500, "", format!("{start} {why}"));
    let known = |version: &&String| matches!(version.as_str(), "v1" | "v1beta1");
    let Some(version) = conversion.review_versions.iter().find(known) else {
        return Err(ApiError::new(500, "", "no supported conversion review versions"));
    };
    let uid = core.env.random.uuid();
    let review = json!({
        "kind": "ConversionReview",
        "apiVersion": format!("apiextensions.k8s.io/{version}"),
        "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": objects},
        "response": {"uid": "", "convertedObjects": null, "result": {"metadata": {}}},
    });
    let answer = core.webhooks.post(&conversion.client, review.to_string().into(), TIMEOUT, false).await;
    let answer = answer.map_err(|why| fail(format!("failed: {why}")))?;
    let converted = verified(&answer, version, &uid).map_err(|why| fail(format!("failed: {why}")))?;
    if converted.len() != objects.len() {
        return Err(fail(format!("returned {} objects, expected {}", converted.len(), objects.len())));
    }
    objects.iter().zip(converted).map(|(object, converted)| checked(object, converted, api_version, &fail)).collect()
}

/// The objects of an answer, if it is one to the question.
fn verified<'a>(answer: &'a Value, version: &str, uid: &str) -> Result<&'a [Value], String> {
    let response = answer.at("response");
    if version == "v1" {
        let (kind, api_version) = (answer.text("kind"), answer.text("apiVersion"));
        if (kind, api_version) != ("ConversionReview", "apiextensions.k8s.io/v1") {
            return Err(format!(
                "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got {api_version}, Kind={kind}"
            ));
        }
    }
    if !response.is_object() {
        return Err("no response provided".into());
    }
    if version == "v1" && response.text("uid") != uid {
        return Err(format!("expected response.uid={uid:?}, got {:?}", response.text("uid")));
    }
    let status = response.text("result.status");
    if status != "Success" {
        return Err(match response.text("result.message") {
            "" => format!("response.result.status was '{status}', not 'Success'"),
            message => message.into(),
        });
    }
    Ok(response.list("convertedObjects"))
}

/// A converted object with the metadata that the webhook may not change.
fn checked(
    original: &Value,
    converted: &Value,
    api_version: &str,
    fail: &dyn Fn(String) -> ApiError,
) -> ApiResult<Value> {
    let invalid = |why: String| fail(format!("returned invalid object{why}"));
    let (given, kind) = (converted.text("apiVersion"), converted.text("kind"));
    if given != api_version {
        return Err(invalid(format!(" at index 0: invalid groupVersion (expected {api_version}, received {given})")));
    }
    if kind != original.text("kind") {
        return Err(invalid(format!(
            " at index 0: invalid kind (expected {}, received {kind})",
            original.text("kind")
        )));
    }
    for (field, shown) in [("name", "name"), ("namespace", "namespace"), ("uid", "UID")] {
        let (before, after) = (original.at("metadata").text(field), converted.at("metadata").text(field));
        if before != after {
            return Err(invalid(format!(": must have the same {shown}: {before} != {after}")));
        }
    }
    if !converted.at("metadata").is_object() {
        return Err(fail("returned invalid metadata: missing metadata in converted object".into()));
    }
    let mut out = converted.clone();
    out["metadata"] = original["metadata"].clone();
    for field in ["labels", "annotations"] {
        let (before, after) = (original.at("metadata").at(field), converted.at("metadata").at(field));
        if after.is_null() {
            out["metadata"].drop_field(field);
            continue;
        }
        if before != after {
            let errors = check_texts(field, after);
            if let Some(why) = aggregate(&errors) {
                return Err(fail(format!("returned invalid metadata: {why}")));
            }
        }
        out["metadata"][field] = after.clone();
    }
    Ok(out)
}

fn check_texts(field: &str, texts: &Value) -> Vec<FieldError> {
    let path = Path::new("metadata");
    match field {
        "labels" => metadata::validate_labels(texts, &path.child("labels")),
        _ => metadata::validate_annotations(texts, &path.child("annotation")),
    }
}

fn aggregate(errors: &[FieldError]) -> Option<String> {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    match texts.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}
