//! The `/scale` subresource: the number of replicas of an object, in the same form for all kinds.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::patch::{self, Patch, PatchType};
use super::{conversion, decode, render, write};
use crate::apply::{self, ReplicasPaths, Writer};
use crate::field::FieldError;
use crate::http::{Accept, BodyFormat, Decoded, FieldValidation, Offer, WriteOptions};
use crate::kinds::tree::Tree;
use crate::registry::{Resource, ScalePaths};
use crate::schema::{self, BuiltinSchemas, TypeRef};
use crate::status::{ApiError, ApiResult};
use crate::store::ObjectKey;

/// Answers with the scale of the object.
pub(super) async fn get(call: &mut Call) -> ApiResult<Reply> {
    let custom = call.resource.is_custom();
    Accept::negotiate(&call.headers, Offer { protobuf: !custom, custom, ..Offer::default() })?;
    let resource = &call.resource.clone();
    let stored = resource
        .collection()
        .get(&ObjectKey::new(&call.namespace, &call.name))
        .ok_or_else(|| ApiError::not_found(&resource.group, &resource.plural, &call.name))?;
    let stored = conversion::served_one(&call.core.clone(), resource, stored).await?;
    Ok(Reply::tree(200, &scale_of(resource, &render::served_tree(resource, &stored))))
}

/// Replaces the scale by that of the body.
pub(super) async fn update(call: &mut Call) -> ApiResult<Reply> {
    let options = WriteOptions::parse(&call.query, "UpdateOptions")?;
    let bytes = call.read_body().await?;
    let scale = decode::tree(&bytes, BodyFormat::of(&call.headers, true)?, "Scale")?;
    write_scale(call, &options, Change::Replace(scale)).await
}

/// Changes the scale as the body says.
pub(super) async fn patch(call: &mut Call) -> ApiResult<Reply> {
    let patch_type = PatchType::of(call)?;
    let options = WriteOptions::parse_patch(&call.query, patch_type == PatchType::Apply)?;
    let bytes = call.read_body().await?;
    let change = match patch_type {
        PatchType::Apply => Change::Apply(patch::config(call, &bytes, &options)?),
        other => Change::Patch(Patch::read(other, &bytes)?),
    };
    write_scale(call, &options, change).await
}

/// What becomes of a scale.
enum Change {
    Replace(Decoded),
    Patch(Patch),
    Apply(Value),
}

/// Makes the scale of an object what `change` makes of it.
async fn write_scale(call: &mut Call, options: &WriteOptions, change: Change) -> ApiResult<Reply> {
    let resource = call.resource.clone();
    let Some(ty) = BuiltinSchemas::get().kind("autoscaling", "v1", "Scale") else {
        return Err(ApiError::method_not_allowed());
    };
    let versions = replicas_paths(call);
    let versions: Vec<(&str, Vec<&str>)> =
        versions.iter().map(|(version, path)| (version.as_str(), path.split('.').collect())).collect();
    let versions: Vec<(&str, &[&str])> = versions.iter().map(|(version, path)| (*version, path.as_slice())).collect();
    let outcome = write::update(call, options, false, &mut |call, old| {
        let Some(old) = old else {
            return Err(ApiError::not_found(&call.resource.group, &call.resource.plural, &call.name));
        };
        let paths = ReplicasPaths(&versions);
        let mut old_scale = scale_of(&call.resource, old);
        apply::managers_to_scale(old, &mut old_scale, &paths);
        let manager = match change {
            Change::Apply(_) => options.field_manager.clone(),
            _ => call.field_manager(&options.field_manager),
        };
        let writer = Writer {
            ty: &ty,
            api_version: "autoscaling/v1",
            kind: "Scale",
            manager: &manager,
            subresource: "scale",
            reset: None,
            versions: None,
            now: call.now(),
        };
        let mut scale = match &change {
            Change::Replace(decoded) => {
                check_fields(&ty, decoded, options.field_validation, &mut call.warnings)?;
                decoded.value.clone()
            }
            Change::Patch(patch) => {
                let patched = patch.apply(Some(&ty), &old_scale)?;
                patch.check(Some(&ty), &patched, options.field_validation, &mut call.warnings)?;
                patched
            }
            Change::Apply(config) => apply::apply(&writer, Some(&old_scale), config, options.force)?,
        };
        check_scale(call, &scale)?;
        if !matches!(change, Change::Apply(_)) {
            apply::track_update(&writer, Some(&old_scale), &mut scale);
        }
        let mut new = old.clone();
        set_replicas(&call.resource, &mut new, &scale);
        new["metadata"]["resourceVersion"] = match scale.text("metadata.resourceVersion") {
            "" => old["metadata"]["resourceVersion"].clone(),
            version => version.into(),
        };
        if let Some(uid) = scale.at("metadata.uid").as_str().filter(|uid| !uid.is_empty()) {
            new["metadata"]["uid"] = uid.into();
        }
        apply::managers_from_scale(&scale, &mut new, &call.resource.api_version, &paths);
        Ok(new)
    })
    .await?;
    let object = outcome.tree(&resource);
    Ok(Reply::tree(200, &scale_of(&resource, &object)))
}

/// Where each served version of the resource keeps its replicas.
fn replicas_paths(call: &Call) -> Vec<(String, String)> {
    let resources = call.core.registry.resources();
    let same = resources.iter().filter(|r| r.group == call.resource.group && r.plural == call.resource.plural);
    same.map(|resource| (resource.api_version.clone(), paths_of(resource).replicas)).collect()
}

/// Refuses what is no scale; what a scale does not have is refused, warned about or passed over, as the options say.
fn check_fields(
    ty: &TypeRef,
    decoded: &Decoded,
    validation: FieldValidation,
    warnings: &mut Vec<String>,
) -> ApiResult<()> {
    let refuse =
        |why: String| ApiError::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {why}"));
    schema::check_types(ty, &decoded.value).map_err(refuse)?;
    if validation == FieldValidation::Ignore {
        return Ok(());
    }
    let duplicates = decoded.duplicates.iter();
    let mut problems: Vec<String> =
        duplicates.map(|path| format!("duplicate field {}", Value::from(path.as_str()))).collect();
    problems.extend(decode::unknown_fields(ty, &decoded.value));
    if validation == FieldValidation::Strict && !problems.is_empty() {
        return Err(refuse(format!("strict decoding error: {}", problems.join(", "))));
    }
    warnings.extend(problems);
    Ok(())
}

fn check_scale(call: &Call, scale: &Value) -> ApiResult<()> {
    let version = scale.text("apiVersion");
    if !matches!(version, "" | "autoscaling/v1") && call.method == http::Method::PUT && !call.resource.is_custom() {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version (autoscaling/v1)"
        )));
    }
    let name = scale.text("metadata.name");
    if !name.is_empty() && name != call.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.name
        )));
    }
    let replicas = scale.int("spec.replicas").unwrap_or(0);
    // The rules of a custom resource speak for themselves.
    if replicas < 0 && !call.resource.is_custom() {
        let error = FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(ApiError::invalid("autoscaling", "Scale", &call.name, vec![error]));
    }
    Ok(())
}

/// Gives an object the number of replicas of a scale.
pub(super) fn set_replicas(resource: &Resource, object: &mut Value, scale: &Value) {
    set(object, &paths_of(resource).replicas, scale.int("spec.replicas").unwrap_or(0).into());
}

/// Where a resource keeps what its scale shows.
fn paths_of(resource: &Resource) -> ScalePaths {
    match &resource.custom {
        Some(custom) => custom.scale.clone().unwrap_or_default(),
        None => ScalePaths::default(),
    }
}

/// The scale of an object.
pub(super) fn scale_of(resource: &Resource, object: &Value) -> Value {
    let paths = paths_of(resource);
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
pub(super) fn selector_text(selector: &Value) -> String {
    let plain = selector.get("matchLabels").or_else(|| selector.get("matchExpressions").is_none().then_some(selector));
    let mut terms: Vec<(&str, String)> = Vec::new();
    for (key, value) in plain.and_then(Value::as_object).into_iter().flatten() {
        terms.push((key, format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression.text("key");
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let term = match expression.text("operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_string(),
        };
        terms.push((key, term));
    }
    // By key only: of one key, those of matchLabels stay first.
    terms.sort_by_key(|(key, _)| *key);
    let terms: Vec<String> = terms.into_iter().map(|(_, term)| term).collect();
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
