//! DELETE of one object: at once, or marked until its finalizers and its grace period have passed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::{conversion, convert, decode, render, write};
use crate::admission::{Attributes, Operation, OperationOptions};
use crate::crd;
use crate::http::{
    Accept, BodyFormat, DeleteOptions, Propagation, decode_json_tree, decode_protobuf_tree, decode_yaml_tree,
};
use crate::kinds::metadata::{generation, set_generation, time_text};
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::server::{self, Core};
use crate::status::{ApiError, ApiResult};
use crate::store::{ObjectKey, Stored, Write, WriteError};
use crate::table::IncludeObject;

/// Finalizer of objects that stay until the garbage collector has deleted their dependents.
const FOREGROUND: &str = "foregroundDeletion";
/// Finalizer of objects that stay until the garbage collector has orphaned their dependents.
const ORPHAN: &str = "orphan";

/// Deletes the object.
pub(super) async fn delete(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    let options = options(call).await?;
    let (core, resource) = (call.core.clone(), call.resource.clone());
    let key = ObjectKey::new(&call.namespace, &call.name);
    if let Some(warning) = default_policy_warning(&resource, &options) {
        call.warnings.push(warning.into());
    }
    let name = call.name.clone();
    let mut admission = DeletionAdmission::new(call, &name, &options);
    let deletion = delete_object(&core, &resource, &key, &options, call.now(), Some(&mut admission)).await;
    call.warnings.append(&mut admission.warnings);
    let deletion = deletion?;
    reply(call, accept, &options, deletion)
}

/// Reads the options from the body or the query.
pub(super) async fn options(call: &mut Call) -> ApiResult<DeleteOptions> {
    let bytes = call.read_body().await?;
    if bytes.is_empty() {
        return DeleteOptions::parse(None, &call.query);
    }
    let body = match BodyFormat::of(&call.headers, true)? {
        BodyFormat::Json => {
            decode_json_tree(&bytes).map_err(|why| format!("couldn't get version/kind; json parse error: {why}"))
        }
        BodyFormat::Yaml => decode_yaml_tree(&bytes),
        BodyFormat::Protobuf => decode_protobuf_tree(&bytes),
    };
    let body = body.map_err(ApiError::bad_request)?.value;
    match &body {
        Value::Object(members) => decode::type_is_text(members).map_err(ApiError::bad_request)?,
        Value::Null => {}
        other => return Err(ApiError::bad_request(decode::no_object(other))),
    }
    DeleteOptions::parse(Some(&body).filter(|body| !body.is_null()), &call.query)
}

/// The admission of a deletion. What the server deletes on its own needs none.
pub(crate) struct DeletionAdmission {
    attributes: Attributes,
    /// Texts for `Warning:` headers.
    pub warnings: Vec<String>,
}

impl DeletionAdmission {
    /// Of what `call` deletes. `name`: empty when it deletes a collection.
    pub(super) fn new(call: &Call, name: &str, options: &DeleteOptions) -> Self {
        let options = OperationOptions::Delete(options.clone());
        let attributes = Attributes::new(&call.core, &call.user, &call.resource, Operation::Delete, options);
        Self { attributes: attributes.about(&call.namespace, name, ""), warnings: Vec::new() }
    }

    async fn admit(&mut self, core: &Core, old: &Value, options: DeleteOptions) -> ApiResult<()> {
        self.attributes.options = OperationOptions::Delete(options);
        core.admission.mutate(&self.attributes, None, Some(old), &mut self.warnings).await?;
        core.admission.validate(&self.attributes, None, Some(old), &mut self.warnings).await
    }
}

/// What a deletion has led to.
pub(crate) enum Deletion {
    /// The object is gone; its last state, with the revision of the deletion.
    Gone(Arc<Stored>),
    /// It is marked, and stays until somebody has let it go.
    Marked(Arc<Stored>),
    /// It was marked before.
    Pending(Arc<Stored>),
    /// It would be gone, or marked if `stays`, if it were not for the dry run.
    Dry { object: Value, stays: bool },
}

fn reply(call: &Call, accept: Accept, options: &DeleteOptions, deletion: Deletion) -> ApiResult<Reply> {
    let resource = &call.resource;
    let gone = matches!(deletion, Deletion::Gone(_) | Deletion::Dry { stays: false, .. });
    let code = if !gone && options.orphan_dependents == Some(false) { 202 } else { 200 };
    let with_object = returns_object(resource);
    let shown = |stored: &Arc<Stored>| {
        Reply::json(code, render::object(resource, accept, IncludeObject::Metadata, stored, call.now()))
    };
    let object = match deletion {
        Deletion::Marked(stored) | Deletion::Pending(stored) => return Ok(shown(&stored)),
        Deletion::Gone(stored) if with_object => return Ok(shown(&stored)),
        Deletion::Dry { object, stays } if with_object || stays => {
            return Ok(Reply::json(code, render::tree(resource, accept, &object, call.now())));
        }
        Deletion::Gone(stored) => stored.tree(),
        Deletion::Dry { object, .. } => object,
    };
    let mut details = json!({"name": call.name, "kind": resource.plural, "uid": object.text("metadata.uid")});
    if !resource.group.is_empty() {
        details["group"] = resource.group.as_str().into();
    }
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
    Ok(Reply::tree(code, &status))
}

/// Resources whose deletion is answered with the object instead of a Status.
fn returns_object(resource: &Resource) -> bool {
    match resource.group.as_str() {
        "" => matches!(
            resource.plural.as_str(),
            "namespaces"
                | "persistentvolumeclaims"
                | "persistentvolumes"
                | "pods"
                | "podtemplates"
                | "resourcequotas"
                | "serviceaccounts"
                | "services"
        ),
        "storage.k8s.io" => resource.plural != "csistoragecapacities",
        "resource.k8s.io" => true,
        _ => false,
    }
}

/// Deletes an object as the options say, if `admission` lets it.
pub(crate) async fn delete_object(
    core: &Arc<Core>,
    resource: &Resource,
    key: &ObjectKey,
    options: &DeleteOptions,
    now: Timestamp,
    mut admission: Option<&mut DeletionAdmission>,
) -> ApiResult<Deletion> {
    loop {
        let Some(stored) = resource.collection().get(key) else {
            return Err(ApiError::not_found(&resource.group, &resource.plural, key.name()));
        };
        let kept = convert::changes_fields(resource).then(|| stored.tree());
        let stored = conversion::served_one(core, resource, stored).await?;
        let old = render::served_tree(resource, &stored);
        check_preconditions(resource, &old, options)?;
        if let Some(admission) = &mut admission {
            let grace_period_seconds = grace_period(resource, &old, options).or(options.grace_period_seconds);
            let mut options = DeleteOptions { grace_period_seconds, ..options.clone() };
            if is_namespace(resource) && options.precondition_uid.is_none() {
                // A namespace that is deleted is the one that was looked at, as on the real server.
                options.precondition_uid = Some(old.text("metadata.uid").into());
            }
            admission.admit(core, &old, options).await?;
        }
        let (new, ends) = match plan(resource, &old, options, now) {
            Plan::Pending => return Ok(Deletion::Pending(stored)),
            Plan::End(new) => (new, true),
            Plan::Mark(new) => (new, false),
        };
        if options.dry_run {
            return Ok(Deletion::Dry { object: new, stays: !ends });
        }
        let (collection, expected) = (resource.collection().clone(), stored.revision());
        let object = match kept {
            Some(kept) => write::encoded(resource, &marked_as(kept, &new)),
            None => conversion::to_stored_form(core, resource, new).await?,
        };
        let write = if ends {
            Write::Delete { collection, key: key.clone(), expected, last: object }
        } else {
            Write::Update { collection, key: key.clone(), expected, object }
        };
        match core.store.write(write).await {
            Ok(stored) if ends => {
                if write::is_service(resource) {
                    core.allocations.release(&old, None);
                }
                server::object_deleted(core, resource).await;
                return Ok(Deletion::Gone(stored));
            }
            Ok(stored) => {
                server::object_written(core, resource, &stored).await;
                return Ok(Deletion::Marked(conversion::served_one(core, resource, stored).await?));
            }
            // Another writer was faster: once more, on what it has left.
            Err(WriteError::Changed { .. } | WriteError::NotFound) => {}
            Err(error) => return Err(write::write_error(resource, key.name(), error)),
        }
    }
}

/// Refuses what is not as the options say.
pub(super) fn check_preconditions(resource: &Resource, object: &Value, options: &DeleteOptions) -> ApiResult<()> {
    let (group, name) = (convert::storage_group(resource), object.text("metadata.name"));
    // The real server names the kind here, not the resource.
    let conflict = |why: String| Err(ApiError::conflict(group, &resource.kind, name, why));
    if let Some(uid) = &options.precondition_uid
        && uid != object.text("metadata.uid")
    {
        if is_namespace(resource) {
            let own = object.text("metadata.uid");
            let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {own}");
            return Err(ApiError::conflict("", &resource.plural, name, why));
        }
        return conflict(format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been \
             deleted and then recreated",
            object.text("metadata.uid")
        ));
    }
    if let Some(version) = &options.precondition_resource_version
        && version != object.text("metadata.resourceVersion")
    {
        return conflict(format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The \
             object might have been modified",
            object.text("metadata.resourceVersion")
        ));
    }
    Ok(())
}

/// The stored object with what the deletion has made of its metadata: a way through the version of the call could change
/// the rest of it.
fn marked_as(mut stored: Value, new: &Value) -> Value {
    let metadata = stored.ensure("metadata");
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "finalizers", "generation"] {
        metadata.copy_field(field, new.at("metadata"));
    }
    stored
}

fn is_namespace(resource: &Resource) -> bool {
    resource.group.is_empty() && resource.plural == "namespaces"
}

/// What a deletion does to an object.
enum Plan {
    /// It is gone; its final state.
    End(Value),
    /// It stays, with this content.
    Mark(Value),
    /// Nothing: its deletion is under way.
    Pending,
}

fn plan(resource: &Resource, old: &Value, options: &DeleteOptions, now: Timestamp) -> Plan {
    let mut new = old.clone();
    let deleting = old.at("metadata.deletionTimestamp").is_string();
    let is_namespace = is_namespace(resource);
    if deleting && is_namespace && old.at("spec.finalizers").as_array().is_some_and(|list| !list.is_empty()) {
        // The namespace controller is at work, and nothing can be asked of it any more.
        return Plan::Pending;
    }
    if resource.is_definitions() && !deleting {
        mark_definition(&mut new, now);
    }
    let grace = grace_period(resource, old, options);
    if deleting {
        let before = old.at("metadata.deletionGracePeriodSeconds").as_i64().unwrap_or(0);
        // How the dependents are treated can still be changed.
        set_finalizers(&mut new, resource, options);
        let changed = new != *old;
        match grace {
            // A shorter grace period brings the end of a graceful deletion forward.
            Some(grace) if before > 0 && grace < before && options.grace_period_seconds.is_some() => {
                mark(&mut new, now, grace, false);
            }
            _ if write::deletion_is_complete(resource, &new) => return Plan::End(new),
            _ if changed => return Plan::Mark(new),
            _ => return Plan::Pending,
        }
    } else {
        set_finalizers(&mut new, resource, options);
        let finalizers = new.at("metadata.finalizers").as_array().is_some_and(|list| !list.is_empty());
        if let Some(grace) = grace {
            mark(&mut new, now, grace, true);
        } else if is_namespace {
            // Namespaces are let go through their own finalizers, which stand in the spec.
            new["metadata"]["deletionTimestamp"] = time_text(now).into();
            if !write::deletion_is_complete(resource, &new) {
                new["status"]["phase"] = "Terminating".into();
            }
        } else if resource.is_definitions() {
            new["metadata"]["deletionTimestamp"] = time_text(now).into();
        } else if finalizers {
            mark(&mut new, now, 0, true);
        } else {
            return Plan::End(new);
        }
    }
    if write::deletion_is_complete(resource, &new) { Plan::End(new) } else { Plan::Mark(new) }
}

fn mark(object: &mut Value, now: Timestamp, grace: i64, count: bool) {
    let at = now.checked_add(SignedDuration::from_secs(grace)).unwrap_or(now);
    object["metadata"]["deletionTimestamp"] = time_text(at).into();
    object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
    if count && generation(object) > 0 {
        set_generation(object, generation(object) + 1);
    }
}

/// Seconds that the object is given to end; none for kinds that end at once.
fn grace_period(resource: &Resource, object: &Value, options: &DeleteOptions) -> Option<i64> {
    if !(resource.group.is_empty() && resource.plural == "pods") {
        return None;
    }
    let wanted = options.grace_period_seconds;
    let own = object.at("spec.terminationGracePeriodSeconds").as_i64();
    let grace = wanted.or(own).unwrap_or(30);
    // A pod that is on no node, or has ended, has nothing left to end.
    let ended = matches!(object.text("status.phase"), "Failed" | "Succeeded");
    if object.text("spec.nodeName").is_empty() || ended { Some(0) } else { Some(if grace < 0 { 1 } else { grace }) }
}

/// Adds or takes out the finalizers by which the garbage collector is told what to do with the dependents.
fn set_finalizers(object: &mut Value, resource: &Resource, options: &DeleteOptions) {
    // The garbage collector does not look at Events.
    if !resource.is_custom() && resource.kind == "Event" {
        return;
    }
    let current: Vec<String> = object
        .at("metadata.finalizers")
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|finalizer| finalizer.as_str().map(str::to_string))
        .collect();
    let has = |name: &str| current.iter().any(|finalizer| finalizer == name);
    let propagation = options.propagation.unwrap_or_else(|| {
        if has(ORPHAN) || (orphans_by_default(resource) && !has(FOREGROUND)) {
            Propagation::Orphan
        } else if has(FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        }
    });
    let mut wanted: Vec<String> = current.iter().filter(|f| *f != ORPHAN && *f != FOREGROUND).cloned().collect();
    match propagation {
        Propagation::Orphan => wanted.push(ORPHAN.into()),
        Propagation::Foreground => wanted.push(FOREGROUND.into()),
        Propagation::Background => {}
    }
    if wanted == current {
        return;
    }
    if wanted.is_empty() {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("finalizers");
        }
    } else {
        object["metadata"]["finalizers"] = wanted.into();
    }
}

/// Kinds whose dependents stay unless the client says otherwise, as ever since their first version.
fn orphans_by_default(resource: &Resource) -> bool {
    matches!((resource.group.as_str(), resource.plural.as_str()), ("batch", "jobs") | ("", "replicationcontrollers"))
}

/// The text of a `Warning:` header, for kinds whose dependents stay unless the client says otherwise.
pub(super) fn default_policy_warning(resource: &Resource, options: &DeleteOptions) -> Option<&'static str> {
    (resource.group == "batch" && resource.plural == "jobs" && options.propagation.is_none()).then_some(
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or \
         set propagationPolicy=Orphan to suppress this warning",
    )
}

/// A definition stays until the objects of its kind are gone.
fn mark_definition(definition: &mut Value, now: Timestamp) {
    let metadata = &mut definition["metadata"];
    let mut finalizers = metadata["finalizers"].as_array().cloned().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == server::CLEANUP) {
        finalizers.push(server::CLEANUP.into());
    }
    metadata["finalizers"] = finalizers.into();
    let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    crd::set_condition(definition, "Terminating", "True", "InstanceDeletionPending", message, &time_text(now));
}
