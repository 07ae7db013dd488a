//! The steps around a write, in the order of the real server: prepare, count the generation, check.

use serde_json::Value;

use super::names::NameRule;
use super::strategy::{KindContext, Strategy};
use super::tree::Tree;
use super::{certificate_request, metadata, pod};
use crate::field::FieldError;
use crate::status::{ApiError, ApiResult};

/// Readies and checks a new object. Its name, namespace, uid and creation time are set
/// ([`metadata::fill_create`]), and it is defaulted.
pub fn before_create(strategy: &dyn Strategy, context: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
    pod::drop_disabled(context.kind, object);
    strategy.prepare_create(context, object)?;
    if strategy.has_generation() {
        metadata::set_generation(object, 1);
    }
    let standard = strategy.standard_finalizers();
    let mut errors = strategy.validate(object);
    if errors.is_empty() || strategy.validates_metadata() {
        let of_metadata = metadata::validate(object, context.namespaced, strategy.name_rule(), standard);
        errors.splice(0..0, of_metadata);
    }
    refuse(context, object, errors)
}

/// Readies and checks an update of the main resource. `new` is defaulted and holds the resourceVersion that it is based
/// on.
pub fn before_update(
    strategy: &dyn Strategy,
    context: &KindContext<'_>,
    new: &mut Value,
    old: &Value,
) -> ApiResult<()> {
    metadata::set_generation(new, metadata::generation(old));
    pod::drop_disabled(context.kind, new);
    strategy.prepare_update(context, new, old)?;
    if strategy.has_generation() && strategy.generation_changes(new, old) {
        metadata::set_generation(new, metadata::generation(old) + 1);
    }
    let mut errors = check_metadata(strategy, context, new, old);
    if strategy.rechecks_metadata() {
        let standard = strategy.standard_finalizers();
        errors.extend(metadata::validate(new, context.namespaced, strategy.name_rule(), standard));
    }
    errors.extend(strategy.validate_update(new, old));
    refuse(context, new, errors)
}

/// Readies and checks an update of `/status`.
pub fn before_status_update(
    strategy: &dyn Strategy,
    context: &KindContext<'_>,
    new: &mut Value,
    old: &Value,
) -> ApiResult<()> {
    metadata::set_generation(new, metadata::generation(old));
    strategy.prepare_status_update(new, old);
    let mut errors = check_metadata(strategy, context, new, old);
    errors.extend(strategy.validate_status_update(new, old));
    refuse(context, new, errors)
}

/// Readies and checks an update of `/approval` of a CertificateSigningRequest.
pub fn before_approval_update(
    strategy: &dyn Strategy,
    context: &KindContext<'_>,
    new: &mut Value,
    old: &Value,
) -> ApiResult<()> {
    certificate_request::prepare_approval(new, old);
    let mut errors = check_metadata(strategy, context, new, old);
    errors.extend(certificate_request::validate_approval(new, old));
    refuse(context, new, errors)
}

/// Readies and checks an update of `/ephemeralcontainers` or `/resize` of a Pod.
pub fn before_pod_update(
    strategy: &dyn Strategy,
    context: &KindContext<'_>,
    subresource: &str,
    new: &mut Value,
    old: &Value,
) -> ApiResult<()> {
    let resize = subresource == "resize";
    metadata::set_generation(new, metadata::generation(old));
    if resize {
        pod::prepare_resize(new, old);
    } else {
        pod::prepare_ephemeral(new, old);
    }
    if strategy.generation_changes(new, old) {
        metadata::set_generation(new, metadata::generation(old) + 1);
    }
    let mut errors = check_metadata(strategy, context, new, old);
    errors.extend(if resize { pod::validate_resize(new, old) } else { pod::validate_ephemeral(new, old) });
    refuse(context, new, errors)
}

fn check_metadata(strategy: &dyn Strategy, context: &KindContext<'_>, new: &mut Value, old: &Value) -> Vec<FieldError> {
    metadata::keep_system_fields(new, old);
    let mut errors = metadata::validate(new, context.namespaced, NameRule::PathSegment, false);
    errors.extend(metadata::validate_update(new, old, false));
    // The real server runs these twice, in general and for the kind, and both show in the causes of the answer.
    errors.extend(metadata::validate_update(new, old, strategy.standard_finalizers()));
    errors
}

fn refuse(context: &KindContext<'_>, object: &Value, errors: Vec<FieldError>) -> ApiResult<()> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(context.group, context.kind, object.text("metadata.name"), errors))
}
