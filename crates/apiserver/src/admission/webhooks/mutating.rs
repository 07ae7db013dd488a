//! Mutating webhooks: one after the other, each on what the one before has left.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::configuration::{Hook, Phase};
use super::review::{self, Failure};
use super::{conditions, matching};
use crate::admission::attributes::Attributes;
use crate::patch;
use crate::registry::Resource;
use crate::status::{ApiError, ApiResult};
use crate::verbs;

/// Which webhooks are asked a second time. A change by a webhook sends the object through all plugins once more, and
/// through those of the webhooks that say `IfNeeded` and were asked before the change.
#[derive(Default)]
pub(crate) struct Reinvocation {
    /// The second round is on.
    again: bool,
    /// A webhook has changed the object in the first round.
    wanted: bool,
    /// Places of webhooks that say `IfNeeded` and have been asked since the last change.
    asked: BTreeSet<usize>,
    /// Places of webhooks that are to be asked in the second round.
    due: BTreeSet<usize>,
    /// What the webhooks have left.
    left: Option<Value>,
    /// The webhooks of the first round, which are those of the second.
    hooks: Option<Arc<[Hook]>>,
}

impl Reinvocation {
    /// Whether there is a second round, which begins now.
    pub(crate) fn begin(&mut self) -> bool {
        let begins = self.wanted && !self.again;
        self.again |= begins;
        begins
    }

    fn changed(&mut self) {
        self.due.append(&mut self.asked);
    }
}

/// Lets the webhooks change `object`.
pub(crate) async fn mutate(
    attributes: &Attributes,
    object: Option<&mut Value>,
    old: Option<&Value>,
    hooks: &Arc<[Hook]>,
    reinvocation: &mut Reinvocation,
    warnings: &mut Vec<String>,
) -> ApiResult<()> {
    let hooks = reinvocation.hooks.get_or_insert_with(|| hooks.clone()).clone();
    if hooks.is_empty() || matching::is_exempt(attributes) {
        return Ok(());
    }
    if reinvocation.again && reinvocation.left.as_ref() != object.as_deref() {
        // Other plugins have changed what the webhooks had left.
        reinvocation.changed();
    }
    let mut versioned = Versioned {
        resource: attributes.resource.clone(),
        object: object.as_deref().cloned(),
        old: old.cloned(),
        changed: false,
    };
    for (place, hook) in hooks.iter().enumerate() {
        let target = hook.matching.target(attributes, versioned.object.as_ref(), versioned.old.as_ref())?;
        let Some(target) = target else { continue };
        if reinvocation.again && !reinvocation.due.contains(&place) {
            continue;
        }
        versioned.convert(attributes, &target).await?;
        let (now, before) = (versioned.object.as_ref(), versioned.old.as_ref());
        if !conditions::hold(hook, attributes, &target, now, before).await? {
            continue;
        }
        let asked = ask(hook, attributes, &mut versioned, warnings).await;
        if let Ok(true) = asked {
            reinvocation.changed();
            reinvocation.wanted = true;
        }
        if hook.reinvocable {
            reinvocation.asked.insert(place);
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
    if versioned.changed {
        versioned.convert(attributes, &attributes.resource).await?;
        if let (Some(object), Some(new)) = (object, versioned.object) {
            verbs::complete_mutated(object, new, warnings);
            reinvocation.left = Some(object.clone());
        }
    } else {
        reinvocation.left = object.as_deref().cloned();
    }
    Ok(())
}

/// The object in the version that the last webhook was asked about.
struct Versioned {
    resource: Arc<Resource>,
    object: Option<Value>,
    old: Option<Value>,
    changed: bool,
}

impl Versioned {
    async fn convert(&mut self, attributes: &Attributes, target: &Arc<Resource>) -> ApiResult<()> {
        for object in [&mut self.object, &mut self.old].into_iter().flatten() {
            verbs::convert_between(&attributes.core, &self.resource, target, object).await?;
        }
        self.resource = target.clone();
        Ok(())
    }
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
    let mut new = patch::json_patch(object, &patch).map_err(|error| internal(error.message))?;
    verbs::redecode(resource, &attributes.subresource, &mut new).map_err(internal)?;
    let changed = *object != new;
    *object = new;
    versioned.changed = true;
    Ok(changed)
}
