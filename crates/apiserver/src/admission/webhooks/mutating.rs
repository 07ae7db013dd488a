//! Mutating webhooks: one after the other, each on what the one before has left.

use std::sync::Arc;

use serde_json::Value;

use super::configuration::{Hook, Phase};
use super::review::{self, Failure};
use super::{conditions, matching};
use crate::admission::attributes::Attributes;
use crate::admission::reinvocation::Reinvocation;
use crate::admission::versioned::Versioned;
use crate::patch::{self, JsonPatchFailure};
use crate::status::{ApiError, ApiResult};
use crate::verbs;

/// Lets the webhooks change `object`.
pub(crate) async fn mutate(
    attributes: &Attributes,
    object: Option<&mut Value>,
    old: Option<&Value>,
    hooks: &Arc<[Hook]>,
    reinvocation: &mut Reinvocation,
    warnings: &mut Vec<String>,
) -> ApiResult<()> {
    if hooks.is_empty() || matching::is_exempt(attributes) {
        return Ok(());
    }
    if reinvocation.is_second() {
        reinvocation.webhooks.begin(object.as_deref());
    }
    let mut versioned = Versioned::new(attributes, object.as_deref(), old);
    for (place, hook) in hooks.iter().enumerate() {
        let target = hook.matching.target(attributes, versioned.object.as_ref(), versioned.old.as_ref())?;
        let Some(target) = target else { continue };
        if reinvocation.is_second() && !reinvocation.webhooks.is_due(&place) {
            continue;
        }
        versioned.convert(attributes, &target).await?;
        let (now, before) = (versioned.object.as_ref(), versioned.old.as_ref());
        if !conditions::hold(hook, attributes, &target, now, before).await? {
            continue;
        }
        let asked = ask(hook, attributes, &mut versioned, warnings).await;
        if let Ok(true) = asked {
            reinvocation.webhooks.changed();
            reinvocation.want_second();
        }
        if hook.reinvocable {
            reinvocation.webhooks.had(place);
        }
        match asked {
            Ok(_) => {}
            Err(Failure::Calling(why)) if hook.may_fail => {
                tracing::warn!(webhook = hook.name, %why, "a webhook that may fail has failed");
                review::in_time(attributes)?;
            }
            Err(Failure::Calling(why)) => return Err(review::failed(hook, &why)),
            Err(Failure::Rejected(error)) => return Err(error),
        }
    }
    match object {
        Some(object) => {
            if versioned.changed {
                versioned.take_back(attributes, object, warnings).await?;
            }
            reinvocation.webhooks.leave(Some(object));
        }
        None => reinvocation.webhooks.leave(None),
    }
    Ok(())
}

/// Whether the webhook has changed the object.
async fn ask(
    hook: &Hook,
    attributes: &Attributes,
    versioned: &mut Versioned,
    warnings: &mut Vec<String>,
) -> Result<bool, Failure> {
    let Versioned { resource, object, old, .. } = versioned;
    let answer =
        review::ask(hook, Phase::Mutating, attributes, resource, object.as_ref(), old.as_ref(), warnings).await?;
    let Some(patch) = answer.filter(|patch| patch.as_array().is_none_or(|operations| !operations.is_empty())) else {
        return Ok(false);
    };
    let Some(object) = object else {
        return Err(Failure::Rejected(ApiError::internal(format!(
            "admission webhook {:?} attempted to modify the object, which is not supported for this operation",
            hook.name
        ))));
    };
    let internal = |why: String| Failure::Rejected(ApiError::internal(why));
    let mut new = patch::explained_json_patch(object, &patch).map_err(|failure| match failure {
        JsonPatchFailure::Test(why) | JsonPatchFailure::Misfit(why) => internal(why),
        JsonPatchFailure::Refused(error) => internal(error.message),
    })?;
    verbs::redecode(resource, &attributes.subresource, &mut new).map_err(internal)?;
    let changed = *object != new;
    *object = new;
    versioned.changed = true;
    Ok(changed)
}
