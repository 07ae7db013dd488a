//! Validating webhooks: all are asked at once, and all must let the object through.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::Value;

use super::configuration::{Hook, Phase};
use super::review::{self, Failure};
use super::{conditions, matching};
use crate::admission::attributes::Attributes;
use crate::registry::Resource;
use crate::status::ApiResult;
use crate::verbs;

/// Asks the webhooks whether `object` may be stored.
pub(crate) async fn validate(
    attributes: &Attributes,
    object: Option<&Value>,
    old: Option<&Value>,
    hooks: &[Hook],
    warnings: &mut Vec<String>,
) -> ApiResult<()> {
    if hooks.is_empty() || matching::is_exempt(attributes) {
        return Ok(());
    }
    let mut asked: Vec<(&Hook, usize)> = Vec::new();
    let mut forms: Vec<(Arc<Resource>, Option<Value>, Option<Value>)> = Vec::new();
    for hook in hooks {
        let Some(target) = hook.matching.target(attributes, object, old)? else { continue };
        let known = forms.iter().position(|(resource, ..)| resource.api_version == target.api_version);
        let form = match known {
            Some(form) => form,
            None => {
                let (mut object, mut old) = (object.cloned(), old.cloned());
                for object in [&mut object, &mut old].into_iter().flatten() {
                    verbs::convert_between(&attributes.core, &attributes.resource, &target, object).await?;
                }
                forms.push((target, object, old));
                forms.len() - 1
            }
        };
        let (target, object, old) = &forms[form];
        if conditions::hold(hook, attributes, target, object.as_ref(), old.as_ref()).await? {
            asked.push((hook, form));
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    review::in_time(attributes)?;
    let questions = asked.iter().map(|(hook, form)| {
        let (resource, object, old) = &forms[*form];
        async move {
            let mut warnings = Vec::new();
            let (object, old) = (object.as_ref(), old.as_ref());
            let answer = review::ask(hook, Phase::Validating, attributes, resource, object, old, &mut warnings).await;
            (answer, warnings)
        }
    });
    let mut refused = Ok(());
    // The answers in the order of the webhooks: the real server takes them as they come.
    for ((hook, _), (answer, said)) in asked.iter().zip(join_all(questions).await) {
        warnings.extend(said);
        let error = match answer {
            Ok(_) => continue,
            Err(Failure::Calling(why)) if hook.may_fail => {
                tracing::warn!(webhook = hook.name, %why, "a webhook that may fail has failed");
                continue;
            }
            Err(Failure::Calling(why)) => review::failed(hook, &why),
            Err(Failure::Rejected(error)) => error,
        };
        if refused.is_ok() {
            refused = Err(error);
        }
    }
    refused
}
