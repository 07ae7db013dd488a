//! The `/scale` subresource: the number of replicas of an object, in the same form for all kinds.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::patch::{Patch, PatchType};
use super::{decode, managed, render, write};
use crate::field::FieldError;
use crate::http::{Accept, BodyFormat, WriteOptions};
use crate::kinds::tree::Tree;
use crate::registry::{Resource, ScalePaths};
use crate::status::{ApiError, ApiResult};
use crate::store::ObjectKey;

/// Answers with the scale of the object.
pub(super) fn get(call: &mut Call) -> ApiResult<Reply> {
    Accept::negotiate(&call.headers, false, false)?;
    let resource = &call.resource;
    let stored = resource
        .collection()
        .get(&ObjectKey::new(&call.namespace, &call.name))
        .ok_or_else(|| ApiError::not_found(&resource.group, &resource.plural, &call.name))?;
    Ok(Reply::tree(200, &scale_of(resource, &render::served_tree(resource, &stored))))
}

/// Replaces the scale by that of the body.
pub(super) async fn update(call: &mut Call) -> ApiResult<Reply> {
    let options = WriteOptions::parse(&call.query, "UpdateOptions")?;
    let bytes = call.read_body().await?;
    let decoded = decode::tree(&bytes, BodyFormat::of(&call.headers, true)?, "Scale")?;
    let scale = decoded.value;
    write_scale(call, &options, &mut |_| Ok(scale.clone())).await
}

/// Changes the scale as the body says.
pub(super) async fn patch(call: &mut Call) -> ApiResult<Reply> {
    let patch_type = PatchType::of(call)?;
    if patch_type == PatchType::Apply {
        return Err(ApiError::unsupported_media_type(
            "server-side apply is not available for scale; use a merge patch of spec.replicas",
        ));
    }
    let options = WriteOptions::parse_patch(&call.query, false)?;
    let bytes = call.read_body().await?;
    let patch = Patch::read(patch_type, &bytes)?;
    let resource = call.resource.clone();
    write_scale(call, &options, &mut |scale| patch.apply(&resource, scale)).await
}

/// Makes the scale of an object what `change` makes of it.
async fn write_scale(
    call: &mut Call,
    options: &WriteOptions,
    change: &mut (dyn FnMut(&Value) -> ApiResult<Value> + Send),
) -> ApiResult<Reply> {
    let resource = call.resource.clone();
    let manager = call.field_manager(&options.field_manager);
    let outcome = write::update(call, options, false, &mut |call, old| {
        let Some(old) = old else {
            return Err(ApiError::not_found(&call.resource.group, &call.resource.plural, &call.name));
        };
        let scale = change(&scale_of(&call.resource, old))?;
        let name = scale.text("metadata.name");
        if !name.is_empty() && name != call.name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                call.name
            )));
        }
        let replicas = check_replicas(call, &scale)?;
        let mut new = old.clone();
        let paths = paths(&call.resource);
        set(&mut new, &paths.replicas, replicas.into());
        new["metadata"]["resourceVersion"] = match scale.text("metadata.resourceVersion") {
            "" => old["metadata"]["resourceVersion"].clone(),
            version => version.into(),
        };
        managed::track(call, &manager, "scale", Some(old), &mut new);
        managed::forget_scale_time(&mut new, &manager);
        Ok(new)
    })
    .await?;
    let object = outcome.tree(&resource);
    Ok(Reply::tree(200, &scale_of(&resource, &object)))
}

fn check_replicas(call: &Call, scale: &Value) -> ApiResult<i64> {
    let value = scale.at("spec.replicas");
    let replicas = match value {
        Value::Null => 0,
        value => match value.as_i64() {
            Some(replicas) => replicas,
            None => {
                let found = if value.is_string() { "string" } else { "object" };
                return Err(ApiError::bad_request(format!(
                    "Scale in version \"v1\" cannot be handled as a Scale: json: cannot unmarshal {found} into Go struct \
                     field ScaleSpec.spec.replicas of type int32"
                )));
            }
        },
    };
    if replicas < 0 {
        let error = FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(ApiError::invalid("autoscaling", "Scale", &call.name, vec![error]));
    }
    Ok(replicas)
}

/// Where a resource keeps what its scale shows.
fn paths(resource: &Resource) -> ScalePaths {
    match &resource.custom {
        Some(custom) => custom.scale.clone().unwrap_or_default(),
        None => ScalePaths::default(),
    }
}

fn scale_of(resource: &Resource, object: &Value) -> Value {
    let paths = paths(resource);
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object["metadata"].get(field) {
            metadata[field] = value.clone();
        }
    }
    let mut spec = json!({});
    if let Some(replicas) = object.at(&paths.replicas).as_i64().filter(|replicas| *replicas != 0) {
        spec["replicas"] = replicas.into();
    }
    let mut status = json!({"replicas": object.at(&paths.status_replicas).as_i64().unwrap_or(0)});
    let selector = match &paths.selector {
        Some(path) => object.text(path).to_string(),
        None => selector_text(object.at("spec.selector")),
    };
    if !selector.is_empty() {
        status["selector"] = selector.into();
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
}

/// A label selector as the text that the API takes as query parameter.
fn selector_text(selector: &Value) -> String {
    let plain = selector.get("matchLabels").or_else(|| selector.get("matchExpressions").is_none().then_some(selector));
    let mut terms: Vec<String> = Vec::new();
    for (key, value) in plain.and_then(Value::as_object).into_iter().flatten() {
        terms.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression.text("key");
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        terms.push(match expression.text("operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_string(),
        });
    }
    terms.sort();
    terms.join(",")
}

/// Sets the value at a path of field names, making the objects on the way.
fn set(object: &mut Value, path: &str, value: Value) {
    let mut at = object;
    for name in path.split('.') {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[name];
    }
    *at = value;
}
