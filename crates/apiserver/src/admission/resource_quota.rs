//! ResourceQuota: a namespace uses no more than its quotas allow.
//!
//! What a write adds is counted into `status.used` of the quotas before it is stored, so that writers at the same time
//! can't use the same rest twice. A write that fails afterwards stays counted until the controller of quotas looks again,
//! as on the real server. A quota limits nothing before that controller has copied its limits into the status.

use std::sync::Arc;

use serde_json::Value;

use super::attributes::{Attributes, Operation};
use crate::kinds::metadata::time_text;
use crate::kinds::tree::Tree;
use crate::quota::{self, Amounts};
use crate::status::{ApiError, ApiResult};
use crate::store::{RangeRequest, Stored, WriteError};
use crate::verbs;

/// How often somebody else may have changed a quota meanwhile.
const TRIES: usize = 30;

/// Counts what the write adds, and refuses what is too much.
pub(super) async fn validate(attributes: &Attributes, object: Option<&Value>, old: Option<&Value>) -> ApiResult<()> {
    let Some(object) = object else { return Ok(()) };
    if attributes.namespace.is_empty() || attributes.is_namespace() || !handles(attributes, object, old) {
        return Ok(());
    }
    let quotas = attributes.core.store.collection("", "resourcequotas");
    let mut done: Vec<String> = Vec::new();
    for round in 0..TRIES {
        let range = RangeRequest { namespace: Some(&attributes.namespace), ..RangeRequest::default() };
        // The newest state is always there.
        let Ok(found) = quotas.range(range) else { return Ok(()) };
        let mut changes = Vec::new();
        for stored in found.items.iter().filter(|stored| !done.iter().any(|name| name == stored.key().name())) {
            let quota = stored.tree();
            if let Some(used) = charge(attributes, &quota, object, old)? {
                changes.push((stored.clone(), quota, used));
            }
        }
        if attributes.is_dry_run() {
            return Ok(());
        }
        let mut failed = false;
        for (stored, quota, used) in changes {
            match write(attributes, &stored, quota, &used).await {
                Ok(()) => done.push(stored.key().name().to_owned()),
                Err(WriteError::Changed { .. } | WriteError::NotFound) => failed = true,
                Err(error) => return Err(ApiError::internal(format!("{error:?}"))),
            }
        }
        if !failed {
            return Ok(());
        }
        tracing::debug!(round, namespace = attributes.namespace, "a quota was changed meanwhile");
    }
    Err(ApiError::internal("the quotas of the namespace are changed all the time; try again"))
}

/// Which writes can change what is used.
fn handles(attributes: &Attributes, object: &Value, old: Option<&Value>) -> bool {
    let resource = (attributes.resource.group.as_str(), attributes.resource.plural.as_str());
    let create = attributes.operation == Operation::Create && attributes.subresource.is_empty();
    let update = attributes.operation == Operation::Update;
    match (resource, attributes.subresource.as_str()) {
        (("", "pods"), "resize") => update,
        (("", "pods"), "") => {
            let terminating = |pod: &Value| pod.int("spec.activeDeadlineSeconds").is_some();
            create || update && old.is_some_and(|old| terminating(old) != terminating(object))
        }
        (("", "services" | "persistentvolumeclaims"), "") => create || update,
        _ => create,
    }
}

/// The new `used` of a quota; none when the write does not change it.
fn charge(attributes: &Attributes, quota: &Value, object: &Value, old: Option<&Value>) -> ApiResult<Option<Amounts>> {
    let (group, plural) = (attributes.resource.group.as_str(), attributes.resource.plural.as_str());
    let hard = Amounts::read(quota.at("status.hard"));
    let limited: Vec<&str> =
        hard.iter().map(|(name, _)| name).filter(|name| quota::is_used_by(name, group, plural)).collect();
    if limited.is_empty() || !quota::matches(quota, group, plural, object) {
        return Ok(None);
    }
    let name = quota.text("metadata.name");
    let refuse = |why: String| Err(attributes.forbidden(Some(object), why));
    if (group, plural) == ("", "pods")
        && let Err(why) = quota::constraints(object, &limited)
    {
        return refuse(format!("failed quota: {name}: {why}"));
    }
    let used = Amounts::read(quota.at("status.used"));
    if limited.iter().any(|name| used.get(name).is_none()) {
        return refuse(format!("status unknown for quota: {name}, resources: {}", limited.join(",")));
    }
    let now = time_text(attributes.core.env.clock.now());
    let mut added = quota::usage(group, plural, object, &now);
    let negative: Vec<&str> = added.iter().filter(|(_, amount)| amount.is_negative()).map(|(name, _)| name).collect();
    if !negative.is_empty() {
        return refuse(format!("quota usage is negative for resource(s): {}", negative.join(",")));
    }
    if let Some(old) = old.filter(|_| attributes.operation == Operation::Update)
        && quota::matches(quota, group, plural, old)
    {
        added = added.beyond(&quota::usage(group, plural, old, &now));
    }
    let added = added.without_zeros().only(|name| hard.get(name).is_some());
    if added.is_empty() {
        return Ok(None);
    }
    let sum = used.clone().plus(&added);
    let exceeds = |name: &str| {
        let most = hard.get(name);
        added.get(name).is_some() && sum.get(name).zip(most).is_some_and(|(sum, most)| sum.compare(most).is_gt())
    };
    if hard.iter().any(|(name, _)| exceeds(name)) {
        let text = |amounts: &Amounts| amounts.clone().only(exceeds).text();
        let (requested, used, limited) = (text(&added), text(&used), text(&hard));
        return refuse(format!("exceeded quota: {name}, requested: {requested}, used: {used}, limited: {limited}"));
    }
    Ok(Some(sum))
}

async fn write(attributes: &Attributes, stored: &Arc<Stored>, quota: Value, used: &Amounts) -> Result<(), WriteError> {
    let core = &attributes.core;
    let Some(resource) = core.registry.resolve("", "v1", "resourcequotas") else { return Ok(()) };
    let mut new = quota.clone();
    new.ensure("status").set("used", used.to_value());
    verbs::update_own(core, &resource, "status", stored, &quota, new).await.map(drop)
}
