//! ValidatingAdmissionPolicy and MutatingAdmissionPolicy: policies in CEL, and the bindings that put them in force.
//!
//! | file | what it holds |
//! |---|---|
//! | `environment` | what the expressions of a policy may read; used by the checks of policies too |
//! | `policy` | the policies in the store with their bindings, compiled and kept current |
//! | `evaluate` | what a policy says of an object |
//! | `mutate` | policies that change the object, one after the other |
//! | `patch` | how a policy changes an object |
//! | `params` | the parameters that a binding refers to |
//! | `type_check` | whether the expressions of a policy fit the kinds that it is about |
//!
//! There is no audit log, so audit annotations are evaluated, since one that fails may refuse the request, and dropped.

mod environment;
mod evaluate;
mod mutate;
mod params;
mod patch;
mod policy;
mod type_check;

use serde_json::Value;

use super::attributes::Attributes;
use super::webhooks::matching;
use crate::status::{ApiError, ApiResult, Cause};
use crate::store::ObjectKey;
use crate::verbs;
pub(crate) use environment::{PolicyEnvironment, compile_as};
use evaluate::{Input, Said};
pub(super) use mutate::{InvocationKey, mutate};
pub(super) use policy::Policies;
pub(crate) use policy::mutation_of;
pub use type_check::{ExpressionWarning, PolicyTypeCheck};

/// A policy that does not let the request pass.
struct Denial {
    policy: String,
    binding: String,
    message: String,
    reason: String,
}

/// Asks the policies whether `object` may be stored.
pub(super) async fn validate(
    attributes: &Attributes,
    object: Option<&Value>,
    old: Option<&Value>,
    policies: &Policies,
    warnings: &mut Vec<String>,
) -> ApiResult<()> {
    let policies = policies.current();
    if policies.is_empty() || matching::is_exempt(attributes) {
        return Ok(());
    }
    // Expressions may ask what somebody may do.
    attributes.core.ensure_access_defaults().await?;
    let mut denials = Vec::new();
    for policy in policies.iter() {
        let failure = |binding: &str, why: String| {
            let words = if binding.is_empty() { "policy" } else { "binding" };
            let message = format!("failed to configure {words}: {why}");
            let (policy, binding) = (policy.name.clone(), binding.to_owned());
            Denial { policy, binding, message, reason: String::new() }
        };
        let failure = |binding: &str, why: String| (!policy.may_fail).then(|| failure(binding, why));
        let target = match policy.matches.target(attributes, object, old) {
            Ok(Some(target)) => target,
            Ok(None) => continue,
            Err(error) => {
                denials.extend(failure("", error.message));
                continue;
            }
        };
        let kind = match params::resource(&attributes.core, policy.param_kind.as_ref()) {
            Ok(kind) => kind,
            Err(why) => {
                denials.extend(failure("", why));
                continue;
            }
        };
        let (mut shown, mut shown_old) = (object.cloned(), old.cloned());
        for object in [&mut shown, &mut shown_old].into_iter().flatten() {
            verbs::convert_between(&attributes.core, &attributes.resource, &target, object).await?;
        }
        for binding in &policy.bindings {
            match binding.matches.target(attributes, object, old) {
                Ok(Some(_)) => {}
                Ok(None) => continue,
                Err(error) => {
                    denials.extend(failure(&binding.name, error.message));
                    continue;
                }
            }
            let params = match params::collect(attributes, kind.as_deref(), &binding.params) {
                Ok(params) => params,
                Err(why) => {
                    denials.extend(failure(&binding.name, why));
                    continue;
                }
            };
            let namespace = namespace(attributes);
            let mut said = Vec::new();
            for param in &params {
                let input = Input {
                    attributes,
                    target: &target,
                    object: shown.as_ref(),
                    old: shown_old.as_ref(),
                    param: param.as_ref(),
                    namespace: namespace.as_ref(),
                };
                said.extend(evaluate::evaluate(policy, &input));
            }
            for Said { message, reason, always, .. } in said {
                let does = |action: &str| binding.actions.iter().any(|own| own == action);
                if does("Warn") && !always {
                    warnings.push(format!(
                        "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {message}",
                        policy.name, binding.name
                    ));
                }
                if always || does("Deny") {
                    let (policy, binding) = (policy.name.clone(), binding.name.clone());
                    denials.push(Denial { policy, binding, message, reason });
                }
            }
        }
    }
    match denials.into_iter().next() {
        Some(denial) => Err(refusal(attributes, object, &denial)),
        None => Ok(()),
    }
}

/// The namespace that the object is in; none for what is in none, and for a namespace itself.
fn namespace(attributes: &Attributes) -> Option<Value> {
    if attributes.namespace.is_empty() || attributes.is_namespace() {
        return None;
    }
    let namespaces = attributes.core.store.collection("", "namespaces");
    namespaces.get(&ObjectKey::new("", &attributes.namespace)).map(|namespace| namespace.tree())
}

fn refusal(attributes: &Attributes, object: Option<&Value>, denial: &Denial) -> ApiError {
    let Denial { policy, binding, message, reason } = denial;
    let with = if binding.is_empty() { String::new() } else { format!(" with binding '{binding}'") };
    let message = format!("ValidatingAdmissionPolicy '{policy}'{with} denied request: {message}");
    let mut error = attributes.forbidden(object, &message);
    let reason = if reason.is_empty() { "Invalid" } else { reason };
    error.code = match reason {
        "Forbidden" => 403,
        "Unauthorized" => 401,
        "RequestEntityTooLarge" => 413,
        _ => 422,
    };
    error.reason = reason.to_owned().into();
    error.details.get_or_insert_default().causes.push(Cause { message, ..Cause::default() });
    error
}
