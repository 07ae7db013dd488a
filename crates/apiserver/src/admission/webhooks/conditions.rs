//! Match conditions: expressions that say about which requests a webhook is asked.

use kubewright_cel::{
    AuthorizationAttributes, AuthorizationDecision, Authorizer, Bindings, Environment, Program, Type,
    Value as CelValue, admission_environment, request_schema,
};
use serde_json::Value;

use super::configuration::Hook;
use super::review;
use crate::admission::attributes::Attributes;
use crate::auth::User;
use crate::authorization::{self, Decision, ResourceTarget, Target};
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::server::Core;
use crate::status::{ApiError, ApiResult};

/// What all conditions of a webhook may cost together.
const BUDGET: u64 = 2_500_000;
/// What one condition may cost.
const ONE: u64 = 1_000_000;

/// A condition, or why it can't be used.
#[derive(Debug)]
pub(crate) struct Condition {
    expression: String,
    program: Result<Program, String>,
}

impl Condition {
    /// A condition of a webhook.
    pub(super) fn read(condition: &Value) -> Self {
        Self::read_in(condition, &admission_environment())
    }

    /// A condition that may read what `environment` has.
    pub(in crate::admission) fn read_in(condition: &Value, environment: &Environment) -> Self {
        let expression = condition.text("expression").trim().to_string();
        let program = environment.compile(&expression, &Type::Bool).map_err(|error| error.to_string());
        Self { expression, program }
    }
}

/// Whether all conditions of the webhook hold.
pub(super) async fn hold(
    hook: &Hook,
    attributes: &Attributes,
    target: &Resource,
    object: Option<&Value>,
    old: Option<&Value>,
) -> ApiResult<bool> {
    if hook.conditions.is_empty() {
        return Ok(true);
    }
    // Expressions may ask what somebody may do.
    attributes.core.ensure_access_defaults().await?;
    match evaluate(&hook.conditions, attributes, target, object, old) {
        Ok(holds) => Ok(holds),
        Err(_) if hook.may_fail => Ok(false),
        Err(why) => {
            let resource = &attributes.resource;
            Err(ApiError::forbidden(&resource.group, &resource.plural, &attributes.name, why))
        }
    }
}

fn evaluate(
    conditions: &[Condition],
    attributes: &Attributes,
    target: &Resource,
    object: Option<&Value>,
    old: Option<&Value>,
) -> Result<bool, String> {
    let request = review::request(attributes, target);
    let access = Access::of(attributes);
    let null = Value::Null;
    let bindings = Bindings::new()
        .json("object", object.unwrap_or(&null))
        .json("oldObject", old.unwrap_or(&null))
        .typed("request", &request, request_schema())
        .authorizer(&access, request_resource(attributes));
    hold_conditions(conditions, &bindings)
}

/// Whether all conditions hold.
pub(in crate::admission) fn hold_conditions(conditions: &[Condition], bindings: &Bindings<'_>) -> Result<bool, String> {
    let mut left = BUDGET;
    let mut wrong = Vec::new();
    for condition in conditions {
        let program = match &condition.program {
            Ok(program) => program,
            Err(why) => {
                wrong.push(why.clone());
                continue;
            }
        };
        let evaluation = program.evaluate(bindings, left.min(ONE));
        left = left.saturating_sub(evaluation.cost);
        match evaluation.result {
            Ok(CelValue::Bool(true)) => {}
            Ok(CelValue::Bool(false)) => return Ok(false),
            Ok(_) => wrong.push(format!("expression '{}' resulted in no boolean", condition.expression)),
            Err(error) => {
                wrong.push(format!("expression '{}' resulted in error: {error}", condition.expression));
            }
        }
    }
    match wrong.as_slice() {
        [] => Ok(true),
        [one] => Err(one.clone()),
        many => Err(format!("[{}]", many.join(", "))),
    }
}

/// What `authorizer.requestResource` asks about.
pub(in crate::admission) fn request_resource(attributes: &Attributes) -> AuthorizationAttributes {
    AuthorizationAttributes {
        group: attributes.resource.group.clone(),
        resource: attributes.resource.plural.clone(),
        subresource: attributes.subresource.clone(),
        namespace: attributes.namespace.clone(),
        name: attributes.name.clone(),
        ..AuthorizationAttributes::default()
    }
}

/// The server's authorizer, as expressions ask it.
pub(in crate::admission) struct Access<'a> {
    core: &'a Core,
    user: &'a User,
}

impl<'a> Access<'a> {
    pub(in crate::admission) fn of(attributes: &'a Attributes) -> Self {
        Self { core: &attributes.core, user: &attributes.user }
    }
}

impl Authorizer for Access<'_> {
    fn authorize(&self, question: &AuthorizationAttributes) -> AuthorizationDecision {
        let account = question.service_account.as_ref().map(|(namespace, name)| {
            let groups = ["system:serviceaccounts".to_string(), format!("system:serviceaccounts:{namespace}")];
            User::new(format!("system:serviceaccount:{namespace}:{name}"), groups)
        });
        let target = match &question.path {
            Some(path) => Target::Path(path),
            None => Target::Resource(ResourceTarget {
                group: &question.group,
                resource: &question.resource,
                subresource: &question.subresource,
                namespace: &question.namespace,
                name: &question.name,
            }),
        };
        let attributes =
            authorization::Attributes { user: account.as_ref().unwrap_or(self.user), verb: &question.verb, target };
        let (allowed, reason) = match self.core.authorizer.decide(&attributes) {
            Decision::Allowed(reason) => (true, reason),
            Decision::Denied(reason) => (false, reason),
        };
        AuthorizationDecision { allowed, reason, error: None }
    }
}
