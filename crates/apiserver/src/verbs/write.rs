//! What all writes have in common: the way of a new or changed object into the store.

use std::sync::Arc;

use serde_json::Value;

use super::call::{Call, Reply};
use super::{conversion, convert, decode, managed, namespaces, render, scale};
use crate::admission::{Attributes, Operation, OperationOptions};
use crate::apply;
use crate::authorization;
use crate::crd;
use crate::field::{FieldError, FieldErrorKind};
use crate::http::{Accept, WriteOptions};
use crate::kinds::tree::Tree;
use crate::kinds::{self, KindContext, certificate_request, metadata};
use crate::registry::Resource;
use crate::schema::{self, Nulls};
use crate::server::{self, Core};
use crate::status::{ApiError, ApiResult};
use crate::store::{Encoded, Fields, ObjectKey, Stored, Write, WriteError};
use crate::table::IncludeObject;

/// What a write has led to.
pub(super) enum Outcome {
    /// The object is stored.
    Stored {
        /// Its new version.
        stored: Arc<Stored>,
        /// Whether it was not there before.
        created: bool,
    },
    /// It is not stored: the run was dry, or the last finalizer went and the object with it.
    Unstored {
        /// As it would be.
        object: Value,
        /// Whether it is not there.
        created: bool,
    },
}

impl Outcome {
    /// The answer: the object in the form that was asked for, with 201 for a new one.
    pub(super) fn reply(&self, call: &Call, accept: Accept) -> Reply {
        let (resource, now) = (&call.resource, call.now());
        let (bytes, created) = match self {
            Self::Stored { stored, created } => {
                (render::object(resource, accept, IncludeObject::Metadata, stored, now), *created)
            }
            Self::Unstored { object, created } => (render::tree(resource, accept, object, now), *created),
        };
        Reply::json(if created { 201 } else { 200 }, bytes)
    }

    /// The object as a tree in the version of the call.
    pub(super) fn tree(&self, resource: &Resource) -> Value {
        match self {
            Self::Stored { stored, .. } => render::served_tree(resource, stored),
            Self::Unstored { object, .. } => object.clone(),
        }
    }
}

/// How often a generated name is tried again when it is taken.
const NAME_TRIES: usize = 8;

/// Makes a new object. `object` is decoded and defaulted; `tracked`: its managedFields are made already (apply).
pub(super) async fn create(
    call: &mut Call,
    mut object: Value,
    options: &WriteOptions,
    tracked: bool,
) -> ApiResult<Outcome> {
    namespaces::match_namespace(call, &mut object)?;
    let manager = call.field_manager(&options.field_manager);
    let given_version = object.text("metadata.resourceVersion").to_string();
    metadata::clear_create(&mut object, tracked);
    if !tracked {
        managed::track(call, &manager, "", None, &mut object);
    }
    let mut attributes = attributes(call, Operation::Create, options, object.text("metadata.name"), &call.subresource);
    let core = call.core.clone();
    core.admission.mutate(&attributes, Some(&mut object), None, &mut call.warnings).await?;
    namespaces::match_namespace(call, &mut object)?;
    check_escalation(call, &object, None)?;
    metadata::fill_create(&mut object, &core.env.random.uuid(), call.now());
    call.warnings.extend(call.resource.strategy().given_warnings(&object));
    let prefix = object.text("metadata.generateName").to_string();
    let generate = object.text("metadata.name").is_empty() && !prefix.is_empty();
    let mut tries = NAME_TRIES;
    loop {
        let mut candidate = if generate && tries > 1 { object.clone() } else { std::mem::take(&mut object) };
        if generate {
            let random = &call.core.env.random;
            let name = metadata::generated_name(&prefix, |below| (random.number() % below as u64) as usize);
            candidate["metadata"]["name"] = name.into();
        }
        match store_candidate(call, candidate, &given_version, options, &mut attributes).await {
            Err(error) if error.reason == "AlreadyExists" && generate && tries > 1 => tries -= 1,
            Err(mut error) if error.reason == "AlreadyExists" && !prefix.is_empty() => {
                error.message.push_str(", the server was not able to generate a unique name for the object");
                error.details.get_or_insert_default().retry_after_seconds = 1;
                return Err(error);
            }
            result => return result,
        }
    }
}

async fn store_candidate(
    call: &mut Call,
    mut object: Value,
    given_version: &str,
    options: &WriteOptions,
    attributes: &mut Attributes,
) -> ApiResult<Outcome> {
    let core = call.core.clone();
    let resource = call.resource.clone();
    let context = context(&core, &resource);
    if is_certificate_request(&resource) {
        certificate_request::set_requester(&mut object, &call.user);
    }
    let checked = convert::in_storage_form(&resource, &mut object, |object| {
        kinds::before_create(resource.strategy(), &context, object)
    });
    if resource.is_definitions() {
        crd::prepare_create(&mut object);
    }
    let name = object.text("metadata.name").to_string();
    let wrong = validate(&resource, "", &object, None, &mut call.warnings);
    refused(&resource, &name, checked, wrong)?;
    call.warnings.extend(warnings(&resource, &object, None));
    complete(&resource, &mut object);
    attributes.name.clone_from(&name);
    core.admission.validate(attributes, Some(&object), None, &mut call.warnings).await?;
    let key = ObjectKey::new(object.text("metadata.namespace"), &name);
    if options.dry_run {
        // It is the store that minds a resourceVersion, and a dry run does not get there.
        if !given_version.is_empty() {
            object["metadata"]["resourceVersion"] = given_version.into();
        }
        if let Some(stored) = resource.collection().get(&key) {
            return Err(already_exists(&resource, &name, &stored));
        }
        let object = convert::round_trip(&resource, object);
        return Ok(Outcome::Unstored { object, created: true });
    }
    if !given_version.is_empty() {
        return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    let write = Write::Create {
        collection: resource.collection().clone(),
        key,
        object: conversion::to_stored_form(&core, &resource, object).await?,
    };
    let stored = core.store.write(write).await.map_err(|error| write_error(&resource, &name, error))?;
    context.reservation.commit();
    server::object_written(&core, &resource, &stored).await;
    let stored = conversion::served_one(&core, &resource, stored).await?;
    Ok(Outcome::Stored { stored, created: true })
}

/// Changes an object. `make` gets the object as it is (none: it is not there, and `may_create` or its kind allows to make
/// it) and gives what it should be, decoded, defaulted and with its managedFields. It is called again when another
/// writer was faster.
pub(super) async fn update(
    call: &mut Call,
    options: &WriteOptions,
    may_create: bool,
    make: &mut (dyn FnMut(&mut Call, Option<&Value>) -> ApiResult<Value> + Send),
) -> ApiResult<Outcome> {
    let resource = call.resource.clone();
    let core = call.core.clone();
    let strategy = resource.strategy();
    let key = ObjectKey::new(&call.namespace, &call.name);
    let told = call.warnings.len();
    loop {
        call.warnings.truncate(told);
        let Some(stored) = resource.collection().get(&key) else {
            let makes = may_create || strategy.creates_on_update() && call.subresource.is_empty();
            if !makes {
                return Err(ApiError::not_found(&resource.group, &resource.plural, &call.name));
            }
            let object = make(call, None)?;
            if !object.text("metadata.uid").is_empty() && call.method == http::Method::PUT {
                check_uid(&resource, &key, &object, &Value::Null)?;
            }
            if !object.text("metadata.uid").is_empty() {
                let uid = object.text("metadata.uid");
                let why =
                    format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
                return Err(ApiError::conflict(&resource.group, &resource.plural, &call.name, why));
            }
            let mut object = object;
            parse_version(object.text("metadata.resourceVersion"))?;
            // Of an object that is made by an update it is not asked for. A dry run shows it.
            if !options.dry_run {
                object.ensure("metadata").drop_field("resourceVersion");
            }
            return create(call, object, options, true).await;
        };
        let stored = conversion::served_one(&core, &resource, stored).await?;
        let old = render::served_tree(&resource, &stored);
        let mut new = loop {
            let made = make(call, Some(&old));
            if !call.conversions.fulfil(&core, &resource).await? {
                break made?;
            }
            call.warnings.truncate(told);
        };
        let attributes = attributes(call, Operation::Update, options, &call.name, &call.subresource);
        mutate_update(call, &attributes, &mut new, &old).await?;
        namespaces::match_namespace(call, &mut new)?;
        namespaces::match_name(call, &new)?;
        check_escalation(call, &new, Some(&old))?;
        // What a patch makes of the uid is told by the checks of the metadata.
        if call.method == http::Method::PUT {
            check_uid(&resource, &key, &new, &old)?;
        }
        check_version(&resource, &call.name, &mut new, &stored)?;

        let context = context(&core, &resource);
        let stored_form = match convert::changes_fields(&resource) {
            true => convert::to_storage(&resource, old.clone()),
            false => old.clone(),
        };
        if is_certificate_request(&resource) && !call.subresource.is_empty() {
            certificate_request::set_times(&mut new, &old, call.now());
        }
        let checked = convert::in_storage_form(&resource, &mut new, |new| match call.subresource.as_str() {
            "status" => kinds::before_status_update(strategy, &context, new, &stored_form),
            "approval" => kinds::before_approval_update(strategy, &context, new, &stored_form),
            subresource @ ("ephemeralcontainers" | "resize") => {
                kinds::before_pod_update(strategy, &context, subresource, new, &stored_form)
            }
            // The one way to change the finalizers of a namespace, which other updates keep.
            "finalize" => {
                let finalizers = new.at("spec.finalizers").clone();
                let checked = kinds::before_update(strategy, &context, new, &stored_form);
                new["spec"]["finalizers"] = finalizers;
                checked
            }
            _ => kinds::before_update(strategy, &context, new, &stored_form),
        });
        if resource.is_definitions() {
            match call.subresource.as_str() {
                "" => crd::prepare_update(&mut new, &old),
                _ => crd::default_stored_versions(&mut new),
            }
        }
        let wrong = validate(&resource, &call.subresource, &new, Some(&old), &mut call.warnings);
        refused(&resource, &call.name, checked, wrong)?;
        authorization::check_signer(&core.authorizer, &call.user, &resource, &call.subresource, &new, &old)?;
        if call.subresource != "status" {
            call.warnings.extend(warnings(&resource, &new, Some(&old)));
        }

        complete(&resource, &mut new);

        // It is never stored, but a dry run shows it.
        if !options.dry_run {
            new.ensure("metadata").drop_field("selfLink");
        }
        // A write that changes nothing is none.
        apply::keep_times_of_no_op(&old, &mut new);
        validate_update(call, &attributes, &new, &old).await?;
        // Of a version that is not the stored one the stored object may have more fields than it shows.
        if new == old && !convert::loses_fields(&resource, &stored, &new) {
            return Ok(Outcome::Stored { stored, created: false });
        }
        if options.dry_run {
            let object = convert::round_trip(&resource, new);
            return Ok(Outcome::Unstored { object, created: false });
        }
        let expected = stored.revision();
        let collection = resource.collection().clone();
        let ends = deletion_is_complete(&resource, &new);
        let object = conversion::to_stored_form(&core, &resource, new.clone()).await?;
        let write = if ends {
            Write::Delete { collection, key: key.clone(), expected, last: object }
        } else {
            Write::Update { collection, key: key.clone(), expected, object }
        };
        match core.store.write(write).await {
            Ok(stored) => {
                context.reservation.commit();
                if is_service(&resource) {
                    core.allocations.release(&old, (!ends).then_some(&new));
                }
                if ends {
                    server::object_deleted(&core, &resource).await;
                    // What was asked for is answered, not the state of the deletion.
                    return Ok(Outcome::Unstored { object: new, created: false });
                }
                server::object_written(&core, &resource, &stored).await;
                let stored = conversion::served_one(&core, &resource, stored).await?;
                return Ok(Outcome::Stored { stored, created: false });
            }
            // Another writer was faster: once more, on what it has left.
            Err(WriteError::Changed { .. } | WriteError::NotFound) => {}
            Err(error) => return Err(write_error(&resource, &call.name, error)),
        }
    }
}

/// Nobody writes a role or binding that gives others more than they have.
fn check_escalation(call: &Call, new: &Value, old: Option<&Value>) -> ApiResult<()> {
    let place = (call.namespace.as_str(), call.name.as_str());
    authorization::check_escalation(&call.core.authorizer, &call.user, &call.resource, place, new, old)
}

/// What admission is told of a write.
pub(super) fn attributes(
    call: &Call,
    operation: Operation,
    options: &WriteOptions,
    name: &str,
    subresource: &str,
) -> Attributes {
    let options = OperationOptions::Write {
        dry_run: options.dry_run,
        field_manager: options.field_manager.clone(),
        field_validation: call.query.text("fieldValidation"),
    };
    Attributes::new(&call.core, &call.user, &call.resource, operation, options).about(
        &call.namespace,
        name,
        subresource,
    )
}

/// Both phases of admission of an object that is posted to a subresource.
pub(super) async fn admit_subresource(call: &mut Call, options: &WriteOptions, object: &mut Value) -> ApiResult<()> {
    let name = if call.name.is_empty() { object.text("metadata.name") } else { &call.name };
    let attributes = attributes(call, Operation::Create, options, name, &call.subresource);
    let core = call.core.clone();
    core.admission.mutate(&attributes, Some(object), None, &mut call.warnings).await?;
    core.admission.validate(&attributes, Some(object), None, &mut call.warnings).await
}

/// Lets admission change an update. Of one through `/scale` it sees, and changes, the scale.
async fn mutate_update(call: &mut Call, attributes: &Attributes, new: &mut Value, old: &Value) -> ApiResult<()> {
    let core = call.core.clone();
    if call.subresource != "scale" {
        return core.admission.mutate(attributes, Some(new), Some(old), &mut call.warnings).await;
    }
    let (mut shown, shown_old) = (scale::scale_of(&call.resource, new), scale::scale_of(&call.resource, old));
    core.admission.mutate(attributes, Some(&mut shown), Some(&shown_old), &mut call.warnings).await?;
    scale::set_replicas(&call.resource, new, &shown);
    Ok(())
}

async fn validate_update(call: &mut Call, attributes: &Attributes, new: &Value, old: &Value) -> ApiResult<()> {
    let core = call.core.clone();
    if call.subresource != "scale" {
        return core.admission.validate(attributes, Some(new), Some(old), &mut call.warnings).await;
    }
    let (shown, shown_old) = (scale::scale_of(&call.resource, new), scale::scale_of(&call.resource, old));
    core.admission.validate(attributes, Some(&shown), Some(&shown_old), &mut call.warnings).await
}

/// Brings an object that a webhook has patched into the form that a decoded one has. The error is what Go's decoder
/// would say.
pub(crate) fn redecode(resource: &Resource, subresource: &str, object: &mut Value) -> Result<(), String> {
    let own = resource.subresource(subresource).filter(|own| own.kind != resource.kind);
    let Some(own) = own else {
        decode::check_types(resource, object)?;
        decode::complete(resource, object, Nulls::Dropped);
        return Ok(());
    };
    if let Some(ty) = schema::BuiltinSchemas::get().kind(&own.group, &own.version, &own.kind) {
        schema::check_types(&ty, object)?;
        schema::prune(&ty, object);
        schema::normalise(&ty, object);
    }
    Ok(())
}

/// The version that an update is based on must be the current one; none: it is based on whatever is there.
fn check_version(resource: &Resource, name: &str, new: &mut Value, stored: &Stored) -> ApiResult<()> {
    let version = parse_version(new.text("metadata.resourceVersion"))?;
    if version == 0 {
        if !resource.strategy().unconditional_update() || resource.is_custom() {
            let detail = "must be specified for an update";
            let error = FieldError::invalid("metadata.resourceVersion", 0, detail);
            // The real server names the resource here, not the kind.
            return Err(ApiError::invalid(&resource.group, &resource.plural, name, vec![error]));
        }
    } else if version != stored.revision() {
        return Err(ApiError::modified(&resource.group, &resource.plural, name));
    }
    new["metadata"]["resourceVersion"] = stored.revision().to_string().into();
    Ok(())
}

/// Reads the resourceVersion of an object; none is 0.
fn parse_version(text: &str) -> ApiResult<u64> {
    let syntax = |_| ApiError::new(500, "", format!("strconv.ParseUint: parsing {text:?}: invalid syntax"));
    if text.is_empty() { Ok(0) } else { text.parse().map_err(syntax) }
}

fn check_uid(resource: &Resource, key: &ObjectKey, new: &Value, old: &Value) -> ApiResult<()> {
    let (given, uid) = (new.text("metadata.uid"), old.text("metadata.uid"));
    if given.is_empty() || given == uid {
        return Ok(());
    }
    let folder = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "endpoints") => "services/endpoints".to_owned(),
        ("", "services") => "services/specs".to_owned(),
        ("", "nodes") => "minions".to_owned(),
        (group, plural) if resource.is_custom() => format!("{group}/{plural}"),
        (_, plural) => plural.to_owned(),
    };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{folder}/{key}, ResourceVersion: 0, AdditionalErrorMsg: \
         Precondition failed: UID in precondition: {given}, UID in object meta: {uid}"
    );
    Err(ApiError::conflict(&resource.group, &resource.plural, key.name(), why))
}

/// Whether an object that is being deleted has nothing left to wait for.
pub(super) fn deletion_is_complete(resource: &Resource, object: &Value) -> bool {
    let list = |path: &str| object.at(path).as_array().is_some_and(|list| !list.is_empty());
    let deleting = object.at("metadata.deletionTimestamp").is_string();
    let grace = object.at("metadata.deletionGracePeriodSeconds").as_i64().unwrap_or(0);
    let held = resource.group.is_empty() && resource.plural == "namespaces" && list("spec.finalizers");
    deleting && grace == 0 && !list("metadata.finalizers") && !held
}

/// What a write needs to know about its kind.
pub(super) fn context<'a>(core: &'a Core, resource: &'a Resource) -> KindContext<'a> {
    KindContext {
        // Refusals name the group that the objects are stored in.
        group: convert::storage_group(resource),
        version: &resource.version,
        kind: &resource.kind,
        resource: &resource.plural,
        namespaced: resource.namespaced,
        reservation: core.allocations.reserve(),
    }
}

fn is_certificate_request(resource: &Resource) -> bool {
    resource.group == "certificates.k8s.io" && resource.plural == "certificatesigningrequests"
}

/// Whether objects hold cluster IPs and node ports.
pub(super) fn is_service(resource: &Resource) -> bool {
    resource.group.is_empty() && resource.plural == "services"
}

/// What the schema and the rules of a custom resource, or the rules for definitions, refuse.
fn validate(
    resource: &Resource,
    subresource: &str,
    new: &Value,
    old: Option<&Value>,
    warnings: &mut Vec<String>,
) -> Vec<FieldError> {
    if resource.is_definitions() {
        // The status may say what it likes.
        return if subresource == "status" { Vec::new() } else { crd::validate(new, old) };
    }
    let Some(custom) = &resource.custom else { return Vec::new() };
    let mut errors = match old {
        None => schema::validate(&custom.ty, new),
        Some(old) if subresource == "status" => schema::validate_status_update(&custom.ty, new, old),
        Some(old) => schema::validate_update(&custom.ty, new, old),
    };
    if let Some(scale) = &custom.scale {
        let selector = scale.selector.as_deref().unwrap_or_default();
        // An update of the status does not answer for the spec.
        let replicas = if subresource == "status" { "" } else { scale.replicas.as_str() };
        errors.extend(crd::validate_scale(replicas, &scale.status_replicas, selector, new));
    }
    if let Some(rules) = &custom.rules {
        if errors.iter().any(hides_rules) {
            let detail = "some validation rules were not checked because the object was invalid; correct the existing \
                          errors to complete validation";
            errors.push(FieldError::invalid("", Value::Null, detail));
        } else {
            let verdict = rules.validate(new, old);
            errors.extend(verdict.errors);
            warnings.extend(verdict.warnings);
        }
    }
    errors
}

/// The object is so wrong that rules can't be evaluated on it.
fn hides_rules(error: &FieldError) -> bool {
    use FieldErrorKind::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
    matches!(error.kind, NotSupported | Required | TooLong | TooMany | TypeInvalid)
}

/// Brings an object that the rules of its kind have worked on into the form that a decoded one has.
fn complete(resource: &Resource, object: &mut Value) {
    if !resource.is_custom()
        && let Some(ty) = resource.ty()
    {
        schema::normalise(ty, object);
    }
}

/// Texts for `Warning:` headers.
fn warnings(resource: &Resource, new: &Value, old: Option<&Value>) -> Vec<String> {
    if resource.is_definitions() { crd::warnings(new) } else { resource.strategy().warnings(new, old) }
}

/// What two checks have refused.
fn refused(resource: &Resource, name: &str, first: ApiResult<()>, second: Vec<FieldError>) -> ApiResult<()> {
    if second.is_empty() {
        return first;
    }
    match first {
        Ok(()) => Err(ApiError::invalid(&resource.group, &resource.kind, name, second)),
        Err(error) => Err(error.with_more(second)),
    }
}

/// What the store said, in the words of the API.
pub(super) fn write_error(resource: &Resource, name: &str, error: WriteError) -> ApiError {
    match error {
        WriteError::Exists(stored) => already_exists(resource, name, &stored),
        WriteError::NotFound => ApiError::not_found(&resource.group, &resource.plural, name),
        WriteError::Changed { .. } => ApiError::modified(&resource.group, &resource.plural, name),
        WriteError::TooLarge { limit, .. } => {
            ApiError::too_large(format!("Request entity too large: limit is {limit}"))
        }
        WriteError::TooDeep { .. } => ApiError::bad_request("exceeded max depth"),
        WriteError::Unavailable(error) => ApiError::internal(error),
    }
}

fn already_exists(resource: &Resource, name: &str, stored: &Stored) -> ApiError {
    let mut error = ApiError::already_exists(&resource.group, &resource.plural, name);
    if stored.tree().at("metadata.deletionTimestamp").is_string() {
        error.message = format!("object is being deleted: {}", error.message);
    }
    error
}

/// An object in its stored version, as bytes.
pub(crate) fn storage_form(resource: &Resource, object: Value) -> Encoded {
    encoded(resource, &convert::to_storage(resource, object))
}

/// An object as bytes, in the version that it is in.
pub(super) fn encoded(resource: &Resource, object: &Value) -> Encoded {
    let fields: Fields = match &resource.custom {
        Some(custom) => custom.field_values(object).into_iter().collect(),
        None => {
            let strategy = resource.strategy();
            let names = strategy.selectable_fields();
            names.iter().map(|name| (*name, strategy.field_value(name, object))).collect()
        }
    };
    let empty = serde_json::Map::new();
    Encoded::from_tree(object.as_object().unwrap_or(&empty), fields)
}

/// Stores an object of the server itself, if there is none of its name.
pub(crate) async fn store_new(core: &Core, resource: &Resource, object: Value) -> Result<(), WriteError> {
    let key = ObjectKey::new(object.text("metadata.namespace"), object.text("metadata.name"));
    let write =
        Write::Create { collection: resource.collection().clone(), key, object: storage_form(resource, object) };
    match core.store.write(write).await {
        Ok(_) | Err(WriteError::Exists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
