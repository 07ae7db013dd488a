//! MutatingAdmissionPolicy: policies change the object one after the other, each what the one before has left.

use std::sync::Arc;

use serde_json::Value;

use super::evaluate::{self, Input};
use super::patch::{self, Failure};
use super::policy::{Binding, Policy};
use super::{namespace, params};
use crate::admission::attributes::{Attributes, Operation};
use crate::admission::reinvocation::Reinvocation;
use crate::admission::versioned::Versioned;
use crate::admission::webhooks::matching;
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::status::{ApiError, ApiResult, Cause};

/// Names a policy with a binding and the parameters that it refers to: their namespace and name.
pub(in crate::admission) type InvocationKey = (String, String, Option<(String, String)>);

/// A policy that has its turn.
struct Invocation<'a> {
    policy: &'a Policy,
    binding: &'a Binding,
    /// The version of the resource that the policy asks for.
    target: Arc<Resource>,
    param: Option<Value>,
}

impl Invocation<'_> {
    fn key(&self) -> InvocationKey {
        let text = |param: &Value, field| param.text(field).to_owned();
        let param = self.param.as_ref();
        let param = param.map(|param| (text(param, "metadata.namespace"), text(param, "metadata.name")));
        (self.policy.name.clone(), self.binding.name.clone(), param)
    }
}

/// Lets the policies change `object`.
pub(in crate::admission) async fn mutate(
    attributes: &Attributes,
    object: &mut Value,
    old: Option<&Value>,
    policies: &[Policy],
    reinvocation: &mut Reinvocation,
    warnings: &mut Vec<String>,
) -> ApiResult<()> {
    if policies.is_empty() || matching::is_exempt(attributes) || attributes.operation == Operation::Delete {
        return Ok(());
    }
    // Expressions may ask what somebody may do.
    attributes.core.ensure_access_defaults().await?;
    if reinvocation.is_second() {
        reinvocation.policies.begin(Some(object));
    }
    let mut refusals = Refusals::default();
    // All that apply to the object as it is before the first of them.
    let invocations = invocations(attributes, object, old, policies, &mut refusals);
    if invocations.is_empty() {
        return refusals.into_result(attributes, object);
    }
    let namespace = namespace(attributes);
    let mut versioned = Versioned::new(attributes, Some(object), old);
    for invocation in &invocations {
        let Invocation { policy, target, param, .. } = invocation;
        versioned.convert(attributes, target).await?;
        let (param, namespace) = (param.as_ref(), namespace.as_ref());
        match evaluate::applies(policy, &input(&versioned, attributes, param, namespace)) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(why) => {
                refusals.add(policy, Some(invocation.binding), why, "Invalid");
                continue;
            }
        }
        let key = invocation.key();
        if reinvocation.is_second() && !reinvocation.policies.is_due(&key) {
            continue;
        }
        let before = versioned.object.clone();
        for mutation in &policy.mutations {
            match patch::change(policy, mutation, &input(&versioned, attributes, param, namespace)) {
                Ok(Some(new)) => {
                    versioned.object = Some(new);
                    versioned.changed = true;
                }
                Ok(None) => {}
                Err(Failure::Policy(why)) => refusals.add(policy, Some(invocation.binding), why, "Invalid"),
                Err(Failure::Request(error)) => return Err(error),
            }
        }
        if versioned.object != before {
            reinvocation.policies.changed();
            reinvocation.want_second();
        }
        if policy.reinvocable {
            reinvocation.policies.had(key);
        }
    }
    if versioned.changed {
        // As on the real server: so the last one that wishes it gets a second turn after its own change too.
        reinvocation.policies.changed();
        reinvocation.want_second();
        versioned.take_back(attributes, object, warnings).await?;
    }
    reinvocation.policies.leave(Some(object));
    refusals.into_result(attributes, object)
}

fn input<'a>(
    versioned: &'a Versioned,
    attributes: &'a Attributes,
    param: Option<&'a Value>,
    namespace: Option<&'a Value>,
) -> Input<'a> {
    let (target, object, old) = (&*versioned.resource, versioned.object.as_ref(), versioned.old.as_ref());
    Input { attributes, target, object, old, param, namespace }
}

fn invocations<'a>(
    attributes: &Attributes,
    object: &Value,
    old: Option<&Value>,
    policies: &'a [Policy],
    refusals: &mut Refusals,
) -> Vec<Invocation<'a>> {
    let mut found = Vec::new();
    for policy in policies {
        let target = match policy.matches.target(attributes, Some(object), old) {
            Ok(Some(target)) => target,
            Ok(None) => continue,
            Err(error) => {
                refusals.misconfigured(policy, None, &error.message);
                continue;
            }
        };
        let kind = match params::resource(&attributes.core, policy.param_kind.as_ref()) {
            Ok(kind) => kind,
            Err(why) => {
                refusals.misconfigured(policy, None, &why);
                continue;
            }
        };
        for binding in &policy.bindings {
            match binding.matches.target(attributes, Some(object), old) {
                Ok(Some(_)) => {}
                Ok(None) => continue,
                Err(error) => {
                    refusals.misconfigured(policy, Some(binding), &error.message);
                    continue;
                }
            }
            match params::collect(attributes, kind.as_deref(), &binding.params) {
                Ok(params) => found.extend(params.into_iter().map(|param| {
                    let target = target.clone();
                    Invocation { policy, binding, target, param }
                })),
                Err(why) => refusals.misconfigured(policy, Some(binding), &why),
            }
        }
    }
    found
}

/// Why policies do not let the request pass: they fail, and may not.
#[derive(Default)]
struct Refusals {
    messages: Vec<String>,
    /// Of the first of them.
    reason: &'static str,
}

impl Refusals {
    fn add(&mut self, policy: &Policy, binding: Option<&Binding>, why: String, reason: &'static str) {
        if policy.may_fail {
            tracing::warn!(policy = policy.name, %why, "a policy that may fail has failed");
            return;
        }
        if self.messages.is_empty() {
            self.reason = reason;
        }
        let name = &policy.name;
        self.messages.push(match binding {
            Some(binding) => format!("policy '{name}' with binding '{}' denied request: {why}", binding.name),
            None => format!("policy {name:?} denied request: {why}"),
        });
    }

    fn misconfigured(&mut self, policy: &Policy, binding: Option<&Binding>, why: &str) {
        let what = if binding.is_some() { "binding" } else { "policy" };
        self.add(policy, binding, format!("failed to configure {what}: {why}"), "");
    }

    fn into_result(self, attributes: &Attributes, object: &Value) -> ApiResult<()> {
        let Some(first) = self.messages.first() else { return Ok(()) };
        let mut error: ApiError = attributes.forbidden(Some(object), first);
        error.message.clone_from(first);
        if !self.reason.is_empty() {
            error.reason = self.reason.to_owned().into();
        }
        let causes = &mut error.details.get_or_insert_default().causes;
        causes.extend(self.messages.into_iter().map(|message| Cause { message, ..Cause::default() }));
        Err(error)
    }
}
