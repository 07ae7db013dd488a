//! `pods/binding` and `bindings`: a Pod is given its node.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::{decode, namespaces, write};
use crate::field::FieldError;
use crate::http::WriteOptions;
use crate::kinds::metadata::time_text;
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::server;
use crate::status::{ApiError, ApiResult};
use crate::store::{ObjectKey, Write, WriteError};

/// Whether a resource makes bindings and keeps none.
pub(super) fn is_binding(resource: &Resource) -> bool {
    resource.group.is_empty() && resource.plural == "bindings"
}

/// Binds the Pod of the path, or the one that the binding names.
pub(super) async fn create(call: &mut Call) -> ApiResult<Reply> {
    call.accept()?;
    let options = WriteOptions::parse(&call.query, "CreateOptions")?;
    let mut binding = decode::body_of(call, "v1", "Binding", options.field_validation).await?;
    namespaces::match_namespace(call, &mut binding)?;
    let name = binding.text("metadata.name").to_owned();
    if !call.subresource.is_empty() && name != call.name {
        return Err(ApiError::bad_request("name in URL does not match name in Binding object"));
    }
    let errors = check(&binding);
    if !errors.is_empty() {
        // The real server does not make a proper Status of these.
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let text = if texts.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(", ")) };
        return Err(ApiError::new(500, "", text));
    }
    write::admit_subresource(call, &options, &mut binding).await?;
    assign(call, &name, &binding, options.dry_run).await?;
    Ok(success())
}

/// The answer of subresources that give nothing back.
pub(super) fn success() -> Reply {
    Reply::tree(201, &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

fn check(binding: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let kind = binding.text("target.kind");
    if !matches!(kind, "" | "Node") {
        errors.push(FieldError::not_supported("target.kind", kind, &["Node", "<empty>"]));
    }
    if binding.text("target.name").is_empty() {
        errors.push(FieldError::required("target.name", ""));
    }
    errors
}

async fn assign(call: &mut Call, name: &str, binding: &Value, dry_run: bool) -> ApiResult<()> {
    let core = call.core.clone();
    let pods = core.registry.resolve("", "v1", "pods").ok_or_else(ApiError::no_such_resource)?;
    let key = ObjectKey::new(&call.namespace, name);
    loop {
        let stored = pods.collection().get(&key).ok_or_else(|| ApiError::not_found("", "pods", name))?;
        let mut pod = stored.tree();
        check_preconditions(name, binding, &pod)?;
        let refuse = |why: String| Err(ApiError::conflict("", "pods/binding", name, why));
        if pod.at("metadata.deletionTimestamp").is_string() {
            return refuse(format!("pod {name} is being deleted, cannot be assigned to a host"));
        }
        if !pod.text("spec.nodeName").is_empty() {
            return refuse(format!("pod {name} is already assigned to node {:?}", pod.text("spec.nodeName")));
        }
        if !pod.list("spec.schedulingGates").is_empty() {
            return refuse(format!("pod {name} has non-empty .spec.schedulingGates"));
        }
        pod["spec"]["nodeName"] = binding.text("target.name").into();
        pod["status"].drop_field("nominatedNodeName");
        for field in ["annotations", "labels"] {
            for (key, value) in binding.at("metadata").entries(field) {
                pod["metadata"].ensure(field)[key.as_str()] = value.clone();
            }
        }
        set_condition(&mut pod, &json!({"type": "PodScheduled", "status": "True"}), &time_text(call.now()));
        if dry_run {
            return Ok(());
        }
        let (collection, expected) = (pods.collection().clone(), stored.revision());
        let object = write::storage_form(&pods, pod);
        match core.store.write(Write::Update { collection, key: key.clone(), expected, object }).await {
            Ok(stored) => {
                server::object_written(&core, &pods, &stored).await;
                return Ok(());
            }
            // Another writer was faster: once more, on what it has left.
            Err(WriteError::Changed { .. } | WriteError::NotFound) => {}
            Err(error) => return Err(write::write_error(&pods, name, error)),
        }
    }
}

fn check_preconditions(name: &str, binding: &Value, pod: &Value) -> ApiResult<()> {
    for (field, shown) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let (wanted, found) = (binding.at("metadata").text(field), pod.at("metadata").text(field));
        if !wanted.is_empty() && wanted != found {
            let key = format!("{}/{name}", pod.text("metadata.namespace"));
            let why = format!(
                "StorageError: invalid object, Code: 4, Key: /registry/pods/{key}, ResourceVersion: 0, \
                 AdditionalErrorMsg: Precondition failed: {shown} in precondition: {wanted}, {shown} in object meta: {found}"
            );
            return Err(ApiError::conflict("", "pods", name, why));
        }
    }
    Ok(())
}

/// Adds a condition to a Pod, or brings the one of its type up to date.
pub(super) fn set_condition(pod: &mut Value, condition: &Value, now: &str) {
    let mut new = condition.clone();
    new["lastProbeTime"] = Value::Null;
    new["lastTransitionTime"] = now.into();
    let status = pod.ensure("status");
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else { return };
    match conditions.iter_mut().find(|old| old["type"] == new["type"]) {
        Some(old) => {
            if old["status"] == new["status"] {
                new.copy_field("lastTransitionTime", old);
            }
            *old = new;
        }
        None => conditions.push(new),
    }
}
