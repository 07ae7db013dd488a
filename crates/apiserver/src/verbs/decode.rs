//! Bodies to objects: the right kind, the right types, nothing unknown, defaults filled in.

use serde_json::Value;

use super::call::Call;
use super::convert;
use crate::crd;
use crate::field::FieldError;
use crate::http::{BodyFormat, Decoded, FieldValidation, decode_json_tree, decode_protobuf_tree, decode_yaml_tree};
use crate::registry::Resource;
use crate::schema::{self, Nulls, TypeRef};
use crate::status::{ApiError, ApiResult};

/// Reads the body as an object of the call's resource.
pub(super) async fn body(call: &mut Call, validation: FieldValidation) -> ApiResult<Value> {
    let format = BodyFormat::of(&call.headers, !call.resource.is_custom())?;
    let bytes = call.read_body().await?;
    let resource = call.resource.clone();
    let decoded = tree(&bytes, format, &resource.kind)?;
    if resource.is_custom() {
        // Built-in kinds may leave their type to the path, custom resources may not.
        for (key, shown) in [("kind", "Kind"), ("apiVersion", "apiVersion")] {
            if decoded.value[key].as_str().unwrap_or_default().is_empty() {
                let why = format!("Object '{shown}' is missing in '{}'", String::from_utf8_lossy(&bytes));
                return Err(unrecognized(&resource.kind, &why, &bytes));
            }
        }
    }
    typed(&resource, decoded, validation, &mut call.warnings)
}

/// Reads the body as an object of another kind than that of the call's resource, as subresources take them.
pub(super) async fn body_of(
    call: &mut Call,
    api_version: &str,
    kind: &str,
    validation: FieldValidation,
) -> ApiResult<Value> {
    let format = BodyFormat::of(&call.headers, true)?;
    let bytes = call.read_body().await?;
    let Decoded { mut value, duplicates } = tree(&bytes, format, kind)?;
    let given = |key: &str, default: &str| match value[key].as_str().unwrap_or_default() {
        "" => default.to_owned(),
        given => given.to_owned(),
    };
    let (given_version, given_kind) = (given("apiVersion", api_version), given("kind", kind));
    let refuse = |why: &str| {
        let version = given_version.rsplit('/').next().unwrap_or_default();
        ApiError::bad_request(format!("{given_kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    };
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let ty = schema::BuiltinSchemas::get().kind(group, version, kind).filter(|_| given_kind == kind);
    // Evictions keep their old version for the clients that still send it.
    let known = given_version == api_version || (kind, given_version.as_str()) == ("Eviction", "policy/v1beta1");
    let Some(ty) = ty.filter(|_| known) else {
        let (other, version) = given_version.rsplit_once('/').unwrap_or(("", &given_version));
        let package = group.split('.').next().filter(|first| !first.is_empty()).unwrap_or("core");
        return Err(refuse(&if schema::BuiltinSchemas::get().kind(other, version, &given_kind).is_some() {
            format!("converting ({version}.{given_kind}) to ({package}.{kind}): unknown conversion")
        } else {
            format!(
                "no kind {given_kind:?} is registered for version {given_version:?} in scheme \
                 \"pkg/runtime/scheme.go:111\""
            )
        }));
    };
    schema::check_types(&ty, &value).map_err(|why| refuse(&why))?;
    if validation != FieldValidation::Ignore {
        let mut problems: Vec<String> =
            duplicates.iter().map(|path| format!("duplicate field {}", Value::from(path.as_str()))).collect();
        let unknown = schema::unknown_fields(&ty, &value);
        problems.extend(unknown.iter().map(|path| format!("unknown field {}", Value::from(path.as_str()))));
        if validation == FieldValidation::Strict && !problems.is_empty() {
            return Err(refuse(&format!("strict decoding error: {}", problems.join(", "))));
        }
        call.warnings.extend(problems);
    }
    schema::prune(&ty, &mut value);
    schema::normalise(&ty, &mut value);
    value["kind"] = kind.into();
    value["apiVersion"] = api_version.into();
    if !value["metadata"].is_object() {
        value["metadata"] = Value::Object(serde_json::Map::new());
    }
    Ok(value)
}

/// Reads bytes as a tree that should be an object of `kind`.
pub(super) fn tree(bytes: &[u8], format: BodyFormat, kind: &str) -> ApiResult<Decoded> {
    let decoded = match format {
        BodyFormat::Json => {
            decode_json_tree(bytes).map_err(|why| format!("couldn't get version/kind; json parse error: {why}"))
        }
        BodyFormat::Yaml => decode_yaml_tree(bytes),
        BodyFormat::Protobuf => decode_protobuf_tree(bytes),
    };
    let mut decoded = decoded.map_err(|why| unrecognized(kind, &why, bytes))?;
    match &decoded.value {
        Value::Object(members) => {
            if let Err(why) = type_is_text(members) {
                return Err(unrecognized(kind, &why, bytes));
            }
            let version = members.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
            if version.matches('/').count() > 1 {
                return Err(unrecognized(kind, &format!("unexpected GroupVersion string: {version}"), bytes));
            }
            Ok(decoded)
        }
        Value::Null => {
            decoded.value = Value::Object(serde_json::Map::new());
            Ok(decoded)
        }
        other => Err(unrecognized(kind, &no_object(other), bytes)),
    }
}

/// Why a value that is no object is no API object.
pub(super) fn no_object(value: &Value) -> String {
    let found = match value {
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        Value::Null | Value::Object(_) => "object",
    };
    format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type struct {{ \
         APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    )
}

/// What says of which type an object is must be text.
pub(super) fn type_is_text(members: &serde_json::Map<String, Value>) -> Result<(), String> {
    for field in ["apiVersion", "kind"] {
        let found = match members.get(field) {
            None | Some(Value::String(_) | Value::Null) => continue,
            Some(Value::Array(_)) => "array",
            Some(Value::Object(_)) => "object",
            Some(Value::Number(_)) => "number",
            Some(Value::Bool(_)) => "bool",
        };
        let why = format!("json: cannot unmarshal {found} into Go struct field .{field} of type string");
        return Err(format!("couldn't get version/kind; json parse error: {why}"));
    }
    Ok(())
}

fn unrecognized(kind: &str, why: &str, bytes: &[u8]) -> ApiError {
    let shown = summary(bytes);
    ApiError::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({shown})"))
}

/// Start of a body, as messages show it.
fn summary(bytes: &[u8]) -> String {
    const SHOWN: usize = 30;
    let more = if bytes.len() > SHOWN { " ..." } else { "" };
    let start = &bytes[..bytes.len().min(SHOWN)];
    match bytes.first() {
        None => "<empty>".into(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(start)),
        Some(_) => format!("{}{more}", start.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

/// Checks a tree against the resource's type, and completes it as a decoded object.
pub(super) fn typed(
    resource: &Resource,
    decoded: Decoded,
    validation: FieldValidation,
    warnings: &mut Vec<String>,
) -> ApiResult<Value> {
    let Decoded { mut value, duplicates } = decoded;
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_string();
    let given_kind = match text(&value, "kind") {
        kind if kind.is_empty() => resource.kind.clone(),
        kind => kind,
    };
    let given_version = match text(&value, "apiVersion") {
        version if version.is_empty() => resource.api_version.clone(),
        version => version,
    };
    let refuse = |why: &str| {
        let version = given_version.rsplit('/').next().unwrap_or_default();
        let expected = &resource.kind;
        ApiError::bad_request(format!("{given_kind} in version {version:?} cannot be handled as a {expected}: {why}"))
    };
    if given_kind != resource.kind || given_version != resource.api_version {
        let in_group = given_version.starts_with(&format!("{}/", resource.group));
        if resource.is_custom()
            && in_group
            && given_version != resource.api_version
            && validation == FieldValidation::Warn
        {
            // Of a type that it does not know the real server knows no fields.
            let fields = value.as_object().into_iter().flat_map(serde_json::Map::keys);
            let unknown = fields.filter(|field| !["apiVersion", "kind", "metadata"].contains(&field.as_str()));
            warnings.extend(unknown.map(|field| format!("unknown field {}", Value::from(field.as_str()))));
        }
        return Err(wrong_kind(resource, &value, &given_kind, &given_version, &refuse));
    }
    check_types(resource, &value).map_err(|why| refuse(&why))?;
    if validation != FieldValidation::Ignore {
        let mut problems: Vec<String> =
            duplicates.iter().map(|path| format!("duplicate field {}", Value::from(path.as_str()))).collect();
        problems.extend(resource.ty().map(|ty| unknown_fields(ty, &value)).unwrap_or_default());
        if validation == FieldValidation::Strict && !problems.is_empty() {
            return Err(refuse(&format!("strict decoding error: {}", problems.join(", "))));
        }
        warnings.extend(problems);
    }
    complete(resource, &mut value, Nulls::Dropped);
    Ok(value)
}

fn wrong_kind(
    resource: &Resource,
    object: &Value,
    kind: &str,
    api_version: &str,
    refuse: &dyn Fn(&str) -> ApiError,
) -> ApiError {
    if resource.is_custom() {
        if api_version != resource.api_version {
            return ApiError::bad_request(format!(
                "the API version in the data ({api_version}) does not match the expected API version ({})",
                resource.api_version
            ));
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let error = FieldError::invalid("kind", kind, format!("must be {}", resource.kind));
        return ApiError::invalid(&resource.group, kind, name, vec![error]);
    }
    refuse(&wrong_built_in(resource, kind, api_version))
}

/// Why an object is none of a built-in resource.
pub(super) fn wrong_built_in_kind(resource: &Resource, object: &Value) -> String {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    wrong_built_in(resource, text("kind"), text("apiVersion"))
}

fn wrong_built_in(resource: &Resource, kind: &str, api_version: &str) -> String {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    if schema::BuiltinSchemas::get().kind(group, version, kind).is_none() {
        return format!(
            "no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/runtime/scheme.go:111\""
        );
    }
    let package = match resource.group.split('.').next().unwrap_or_default() {
        "" => "core",
        first => first,
    };
    format!("converting ({version}.{kind}) to ({package}.{}): unknown conversion", resource.kind)
}

/// What Go's decoder would refuse.
pub(super) fn check_types(resource: &Resource, value: &Value) -> Result<(), String> {
    match resource.ty() {
        Some(ty) => schema::check_types(ty, value),
        None => Ok(()),
    }
}

/// What Go's converter of trees would refuse.
pub(super) fn check_unstructured(resource: &Resource, value: &Value) -> Result<(), String> {
    resource.ty().map_or(Ok(()), |ty| schema::check_unstructured(ty, value))
}

/// `unknown field "spec.foo"` for each field that the type does not have.
pub(super) fn unknown_fields(ty: &TypeRef, value: &Value) -> Vec<String> {
    schema::unknown_fields(ty, value)
        .iter()
        .map(|path| format!("unknown field {}", Value::from(path.as_str())))
        .collect()
}

/// Drops what is unknown, and fills in what a decoded object always has.
pub(super) fn complete(resource: &Resource, value: &mut Value, nulls: Nulls) {
    // An empty list resets the managers, as one empty entry does, but would be left out.
    if !resource.is_custom() && value["metadata"]["managedFields"].as_array().is_some_and(Vec::is_empty) {
        value["metadata"]["managedFields"] = serde_json::json!([{}]);
    }
    if let Some(ty) = resource.ty() {
        schema::prune(ty, value);
        schema::decoded(ty, value);
        if resource.is_custom() {
            schema::default(ty, value, nulls);
        }
    }
    value["kind"] = resource.kind.as_str().into();
    value["apiVersion"] = resource.api_version.as_str().into();
    if !value["metadata"].is_object() {
        value["metadata"] = Value::Object(serde_json::Map::new());
    }
    if resource.is_definitions() {
        crd::set_defaults(value);
    }
    convert::in_storage_form(resource, value, |value| resource.strategy().default(&resource.version, value));
}
