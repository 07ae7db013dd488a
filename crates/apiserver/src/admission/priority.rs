//! Priority: Pods get the priority of their class; there is one default class at most.

use serde_json::Value;

use super::attributes::{Attributes, Operation};
use crate::kinds::tree::Tree;
use crate::status::{ApiError, ApiResult};
use crate::store::{ObjectKey, RangeRequest};

const GROUP: &str = "scheduling.k8s.io";
const CLASSES: &str = "priorityclasses";
/// Of Pods that name no class when no class is the default.
const LOWER: &str = "PreemptLowerPriority";

/// Fills in the priority of a new Pod, and keeps that of others.
pub(super) async fn admit(attributes: &Attributes, pod: &mut Value, old: Option<&Value>) -> ApiResult<()> {
    if !attributes.is("", "pods") || !attributes.subresource.is_empty() {
        return Ok(());
    }
    if attributes.operation == Operation::Update {
        for field in ["priority", "preemptionPolicy"] {
            if let Some(old) = old.filter(|_| !pod.at("spec").has(field)).and_then(|old| old["spec"].get(field)) {
                pod.ensure("spec").set(field, old.clone());
            }
        }
        return Ok(());
    }
    let forbidden = |why: String| Err(ApiError::forbidden("", "pods", &attributes.name, why));
    let class = match pod.text("spec.priorityClassName") {
        "" => default_class(attributes),
        name => match class(attributes, name).await? {
            Some(class) => Some(class),
            None => return forbidden(format!("no PriorityClass with name {name} was found")),
        },
    };
    let (name, priority, policy) = match &class {
        Some(class) => (class.text("metadata.name"), class.int("value").unwrap_or(0), class.text("preemptionPolicy")),
        None => ("", 0, LOWER),
    };
    let spec = pod.ensure("spec");
    if let Some(given) = spec.int("priority").filter(|given| *given != priority) {
        return forbidden(format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
             computed {priority} from the given PriorityClass name"
        ));
    }
    spec.set("priority", priority);
    if !name.is_empty() {
        spec.set("priorityClassName", name);
    }
    if policy.is_empty() {
        return Ok(());
    }
    let given = spec.text("preemptionPolicy");
    if !given.is_empty() && given != policy {
        return forbidden(format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
             controller computed {policy} from the given PriorityClass name"
        ));
    }
    spec.set("preemptionPolicy", policy);
    Ok(())
}

/// Refuses a second default class.
pub(super) fn validate(attributes: &Attributes, object: &Value) -> ApiResult<()> {
    let concerned = attributes.is(GROUP, CLASSES) && attributes.subresource.is_empty();
    if !concerned || !object.flag("globalDefault") {
        return Ok(());
    }
    let Some(default) = default_class(attributes) else { return Ok(()) };
    let other = default.text("metadata.name");
    if attributes.operation == Operation::Update && other == object.text("metadata.name") {
        return Ok(());
    }
    let why = format!("PriorityClass {other} is already marked as default. Only one default can exist");
    Err(ApiError::forbidden(GROUP, CLASSES, &attributes.name, why))
}

async fn class(attributes: &Attributes, name: &str) -> ApiResult<Option<Value>> {
    let core = &attributes.core;
    if let Some(resource) = core.registry.resolve(GROUP, "v1", CLASSES) {
        // The classes of the system itself are made when they are first asked for.
        core.ensure_defaults(&resource).await?;
    }
    Ok(core.store.collection(GROUP, CLASSES).get(&ObjectKey::new("", name)).map(|stored| stored.tree()))
}

/// The class of Pods that name none. Of several, that with the lowest value.
fn default_class(attributes: &Attributes) -> Option<Value> {
    // The newest state is always there. There are few classes.
    let range = attributes.core.store.collection(GROUP, CLASSES).range(RangeRequest::default()).ok()?;
    let classes = range.items.iter().map(|stored| stored.tree()).filter(|class| class.flag("globalDefault"));
    classes.min_by_key(|class| class.int("value").unwrap_or(0))
}
