//! PATCH: JSON patch, merge patch, strategic merge patch and server-side apply.

use serde_json::Value;

use super::call::{Call, Reply};
use super::{decode, managed, namespaces, write};
use crate::field::FieldError;
use crate::go_text::GoValue;
use crate::http::{Decoded, FieldValidation, WriteOptions, decode_json_tree, decode_yaml_tree, media_type};
use crate::patch;
use crate::registry::Resource;
use crate::schema::{self, Nulls, TypeRef};
use crate::status::{ApiError, ApiResult};
use crate::store::ObjectKey;

/// The kinds of patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchType {
    /// Reads the `Content-Type`. Custom resources have no strategic merge patch.
    pub(super) fn of(call: &Call) -> ApiResult<Self> {
        match media_type(&call.headers) {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            "application/strategic-merge-patch+json" if !call.resource.is_custom() => Ok(Self::Strategic),
            _ if call.resource.is_custom() => Err(ApiError::unsupported_media_type(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            )),
            _ => {
                let mut error = ApiError::unsupported_media_type("415: Unsupported Media Type");
                error.details = Some(Box::default());
                Err(error)
            }
        }
    }
}

/// Refuses media types that no patch has.
pub(super) fn check_type(call: &Call) -> ApiResult<()> {
    PatchType::of(call).map(drop)
}

/// Changes an object, or its status, as the body says.
pub(super) async fn patch(call: &mut Call) -> ApiResult<Reply> {
    let patch_type = PatchType::of(call)?;
    let accept = call.accept()?;
    let options = WriteOptions::parse_patch(&call.query, patch_type == PatchType::Apply)?;
    let bytes = call.read_body().await?;
    let outcome = match patch_type {
        PatchType::Apply => apply(call, &bytes, &options).await?,
        _ => {
            // What is not there is told before what is wrong with the patch.
            if call.resource.collection().get(&ObjectKey::new(&call.namespace, &call.name)).is_none() {
                return Err(not_found(call));
            }
            let patch = Patch::read(patch_type, &bytes)?;
            write::update(call, &options, false, &mut |call, old| {
                // There is always something to patch: only apply makes objects.
                let Some(old) = old else { return Err(not_found(call)) };
                patch_object(call, &patch, old, &options)
            })
            .await?
        }
    };
    Ok(outcome.reply(call, accept))
}

fn not_found(call: &Call) -> ApiError {
    ApiError::not_found(&call.resource.group, &call.resource.plural, &call.name)
}

/// A patch that is not an apply.
pub(super) struct Patch {
    kind: PatchType,
    body: Value,
    problems: Vec<String>,
}

impl Patch {
    /// Reads the body of a patch.
    pub(super) fn read(kind: PatchType, bytes: &[u8]) -> ApiResult<Self> {
        let Decoded { value: body, duplicates } =
            decode_json_tree(bytes).map_err(|why| ApiError::bad_request(format!("error decoding patch: {why}")))?;
        let prefix = if kind == PatchType::Json { "json patch " } else { "" };
        let mut problems: Vec<String> =
            duplicates.iter().map(|path| format!("{prefix}duplicate field {}", Value::from(path.as_str()))).collect();
        if kind == PatchType::Json {
            problems.extend(patch::json_patch_unknown_fields(&body));
        }
        Ok(Self { kind, body, problems })
    }

    /// The patched object, not yet checked against its type.
    pub(super) fn apply(&self, ty: Option<&TypeRef>, old: &Value) -> ApiResult<Value> {
        match (self.kind, ty) {
            (PatchType::Json, _) => patch::json_patch(old, &self.body),
            (PatchType::Strategic, Some(ty)) => patch::strategic(ty, old, &self.body),
            _ => patch::merge_patch(old, &self.body),
        }
    }

    /// Refuses a patched object that does not fit its type, or has fields that it does not have if the options say so. Texts
    /// for `Warning:` headers are added to `warnings`.
    pub(super) fn check(
        &self,
        ty: Option<&TypeRef>,
        new: &Value,
        validation: FieldValidation,
        warnings: &mut Vec<String>,
    ) -> ApiResult<()> {
        let checked = match (ty, self.kind) {
            (None, _) => Ok(()),
            (Some(ty), PatchType::Strategic) => schema::check_unstructured(ty, new),
            (Some(ty), _) => schema::check_types(ty, new),
        };
        checked.map_err(|why| self.refused(new, why))?;
        if validation != FieldValidation::Ignore {
            let mut problems = self.problems.clone();
            problems.extend(ty.map(|ty| decode::unknown_fields(ty, new)).unwrap_or_default());
            if validation == FieldValidation::Strict && !problems.is_empty() {
                return Err(self.refused(new, format!("strict decoding error: {}", problems.join(", "))));
            }
            warnings.extend(problems);
        }
        Ok(())
    }

    /// The refusal of what the patch has made.
    fn refused(&self, new: &Value, why: String) -> ApiError {
        // Of a strategic merge patch the patch is shown, as Go prints it.
        let shown = match self.kind {
            PatchType::Strategic => GoValue(&without_directives(&self.body)).to_string(),
            _ => new.to_string(),
        };
        let error = FieldError::invalid("patch", shown, why);
        ApiError::invalid("", "", "", vec![error])
    }
}

/// The patched object, decoded, defaulted and with its managedFields.
fn patch_object(call: &mut Call, patch: &Patch, old: &Value, options: &WriteOptions) -> ApiResult<Value> {
    let resource = call.resource.clone();
    let mut new = patch.apply(resource.ty(), old)?;
    if new.is_null() && !resource.is_custom() {
        new = Value::Object(serde_json::Map::new());
    }
    patch.check(resource.ty(), &new, options.field_validation, &mut call.warnings)?;
    for (field, expected) in [("kind", &resource.kind), ("apiVersion", &resource.api_version)] {
        // Of a built-in kind the type follows from the path, but what has lost its version is read as nothing.
        if !resource.is_custom() && new[field].as_str().unwrap_or_default().is_empty() {
            if field == "apiVersion" && patch.kind != PatchType::Strategic {
                namespaces::match_name(call, &Value::Null)?;
            }
            new[field] = expected.as_str().into();
        }
        if new[field] != expected.as_str() {
            if resource.is_custom() {
                return Err(wrong_type(&resource, &new));
            }
            return Err(patch.refused(&new, decode::wrong_built_in_kind(&resource, &new)));
        }
    }
    decode::complete(&resource, &mut new, Nulls::Dropped);
    let manager = call.field_manager(&options.field_manager);
    managed::track(call, &manager, &call.subresource, Some(old), &mut new);
    Ok(new)
}

/// A strategic merge patch as it is when it has been carried out.
fn without_directives(patch: &Value) -> Value {
    match patch {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| !key.starts_with('$'))
            .map(|(key, value)| (key.clone(), without_directives(value)))
            .collect(),
        other => other.clone(),
    }
}

/// A patch may not change what the object is.
fn wrong_type(resource: &Resource, new: &Value) -> ApiError {
    let text = |key: &str| new[key].as_str().unwrap_or_default().to_string();
    ApiError::bad_request(format!(
        "{} in version {:?} cannot be handled as a {}: the patch changes the type of the object",
        text("kind"),
        text("apiVersion").rsplit('/').next().unwrap_or_default(),
        resource.kind
    ))
}

/// Reads what a manager declares.
pub(super) fn config(call: &mut Call, bytes: &[u8], options: &WriteOptions) -> ApiResult<Value> {
    let Decoded { value: config, duplicates } = decode_yaml_tree(bytes)
        .map_err(|why| ApiError::bad_request(format!("error decoding YAML: error converting YAML to JSON: {why}")))?;
    if config.is_null() {
        return Err(ApiError::bad_request("invalid object type: /, Kind="));
    }
    if !config.is_object() {
        return Err(ApiError::bad_request(format!(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value \
             of type map[string]interface {{}}",
            json_kind(&config)
        )));
    }
    if options.field_validation != FieldValidation::Ignore && !duplicates.is_empty() {
        let fields: Vec<String> = duplicates.iter().map(|path| format!("key {path:?} already set in map")).collect();
        let text = format!("yaml: unmarshal errors:\n  {}", fields.join("\n  "));
        if options.field_validation == FieldValidation::Strict {
            return Err(ApiError::bad_request(format!("error strict decoding YAML: {text}")));
        }
        call.warnings.push(text);
    }
    Ok(config)
}

/// Server-side apply.
async fn apply(call: &mut Call, bytes: &[u8], options: &WriteOptions) -> ApiResult<write::Outcome> {
    let resource = call.resource.clone();
    let config = config(call, bytes, options)?;
    let of_status = call.subresource == "status" && resource.strategy().status_creates_on_apply();
    let may_create = call.subresource.is_empty() || of_status;
    write::update(call, options, may_create, &mut |call, old| {
        let merged = managed::merge(call, &options.field_manager, old, &config, options.force);
        let Some(merged) = merged.transpose()? else { return Err(ApiError::method_not_allowed()) };
        let mut new = merged;
        if options.field_validation != FieldValidation::Ignore {
            call.warnings.extend(resource.ty().map(|ty| decode::unknown_fields(ty, &new)).unwrap_or_default());
        }
        if !resource.is_custom()
            && let Err(why) = decode::check_unstructured(&resource, &new)
        {
            return Err(unconvertible(&resource, &new, &why));
        }
        let managed = new["metadata"]["managedFields"].take();
        // A struct that has lost its last field is null now.
        decode::complete(&resource, &mut new, Nulls::Kept);
        if !managed.is_null() {
            new["metadata"]["managedFields"] = managed;
        }
        namespaces::match_namespace(call, &mut new)?;
        namespaces::match_name(call, &new)?;
        Ok(new)
    })
    .await
}

/// A value that fits its schema but not its Go type, as text that is no quantity.
fn unconvertible(resource: &Resource, object: &Value, why: &str) -> ApiError {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let kind = format!("{}/{}, Kind={}", resource.group, resource.version, resource.kind);
    ApiError::new(
        500,
        "",
        format!(
            "failed to convert new object (/{name}; {kind}) to proper version: unable to convert unstructured \
             object to {kind}: {why}"
        ),
    )
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
