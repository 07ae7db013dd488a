//! `pods/eviction`: a Pod is deleted if its PodDisruptionBudget allows it.

use serde_json::{Value, json};

use super::binding::{set_condition, success};
use super::call::{Call, Reply};
use super::own::update_own;
use super::{decode, delete, namespaces, render, scale, write};
use crate::field::FieldError;
use crate::http::{DeleteOptions, WriteOptions};
use crate::kinds::metadata::time_text;
use crate::kinds::tree::Tree;
use crate::selector::LabelSelector;
use crate::server;
use crate::status::{ApiError, ApiResult, Cause};
use crate::store::{ObjectKey, RangeRequest, Stored, Write, WriteError};

/// Why a Pod stays.
const VIOLATED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
/// More Pods than this are not evicted before the controller of the budget has seen the earlier ones go.
const MOST_DISRUPTED: usize = 2000;

/// Evicts the Pod of the path.
pub(super) async fn create(call: &mut Call) -> ApiResult<Reply> {
    call.accept()?;
    let options = WriteOptions::parse(&call.query, "CreateOptions")?;
    let mut eviction = decode::body_of(call, "policy/v1", "Eviction", options.field_validation).await?;
    namespaces::match_namespace(call, &mut eviction)?;
    if eviction.text("metadata.name") != call.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut deletion = match eviction.at("deleteOptions") {
        Value::Null => DeleteOptions::default(),
        given => {
            if given.flag("ignoreStoreReadErrorWithClusterBreakingPotential") {
                let why = "can not be set for pod eviction, try after removing the option";
                let field = "deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential";
                return Err(ApiError::invalid(
                    "policy",
                    "Eviction",
                    &call.name,
                    vec![FieldError::invalid(field, true, why)],
                ));
            }
            DeleteOptions::parse(Some(given), &call.query)?
        }
    };
    write::admit_subresource(call, &options, &mut eviction).await?;
    deletion.dry_run |= options.dry_run;
    evict(call, &deletion).await?;
    Ok(success())
}

async fn evict(call: &mut Call, options: &DeleteOptions) -> ApiResult<()> {
    loop {
        let pod = pod(call)?.tree();
        let mut options = options.clone();
        // What this decides on must still hold when the Pod goes.
        let meant = options.precondition_uid.as_deref().is_none_or(|uid| uid == pod.text("metadata.uid"));
        let pinned = meant && options.precondition_resource_version.is_none() && pins(call, &pod, &options).await?;
        if pinned {
            options.precondition_resource_version = Some(pod.text("metadata.resourceVersion").to_owned());
        }
        match mark_and_delete(call, &options).await {
            Err(error) if error.reason == "Conflict" && pinned => {}
            result => return result,
        }
    }
}

/// Whether the Pod may go only as it is. An error if it may not go at all.
async fn pins(call: &mut Call, pod: &Value, options: &DeleteOptions) -> ApiResult<bool> {
    let deleting = pod.at("metadata.deletionTimestamp").is_string();
    match pod.text("status.phase") {
        _ if deleting => return Ok(false),
        "Succeeded" | "Failed" => return Ok(false),
        "Pending" => return Ok(true),
        _ => {}
    }
    let budgets = budgets(call, pod);
    let name = match budgets.as_slice() {
        [] => return Ok(false),
        [one] => one,
        _ => {
            let why =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(ApiError::new(500, "", why));
        }
    };
    let ready = pod.list("status.conditions").iter().any(|c| c.text("type") == "Ready" && c.text("status") == "True");
    let Some(budget) = budget(call, name) else { return Ok(false) };
    let budget = budget.tree();
    if !ready {
        let number = |field: &str| budget.at("status").int(field).unwrap_or(0);
        let (current, desired) = (number("currentHealthy"), number("desiredHealthy"));
        if budget.text("spec.unhealthyPodEvictionPolicy") == "AlwaysAllow" || current >= desired && desired > 0 {
            return Ok(true);
        }
    }
    take_disruption(call, name, options.dry_run).await?;
    Ok(false)
}

fn pod(call: &Call) -> ApiResult<std::sync::Arc<Stored>> {
    let pod = call.resource.collection().get(&ObjectKey::new(&call.namespace, &call.name));
    pod.ok_or_else(|| ApiError::not_found("", "pods", &call.name))
}

fn budget(call: &Call, name: &str) -> Option<std::sync::Arc<Stored>> {
    call.core.store.collection("policy", "poddisruptionbudgets").get(&ObjectKey::new(&call.namespace, name))
}

/// The names of the budgets that cover a Pod.
fn budgets(call: &Call, pod: &Value) -> Vec<String> {
    let labels = pod.at("metadata.labels");
    let request = RangeRequest { namespace: Some(&call.namespace), ..RangeRequest::default() };
    // The newest state is always there.
    let all = call.core.store.collection("policy", "poddisruptionbudgets").range(request).map(|range| range.items);
    let covers = |budget: &Value| {
        let selector = budget.at("spec.selector");
        !selector.is_null()
            && LabelSelector::parse(&scale::selector_text(selector))
                .is_ok_and(|selector| selector.matches(|key| labels.get(key).and_then(Value::as_str)))
    };
    let all = all.unwrap_or_default().into_iter().map(|stored| stored.tree()).filter(covers);
    all.map(|budget| budget.text("metadata.name").to_owned()).collect()
}

/// Counts the Pod as disrupted, if its budget allows one more.
async fn take_disruption(call: &mut Call, name: &str, dry_run: bool) -> ApiResult<()> {
    let core = call.core.clone();
    let Some(resource) = core.registry.resolve("policy", "v1", "poddisruptionbudgets") else { return Ok(()) };
    loop {
        let Some(stored) = budget(call, name) else {
            return Err(ApiError::not_found("policy", "poddisruptionbudgets", name));
        };
        let old = render::served_tree(&resource, &stored);
        let mut budget = old.clone();
        check_budget(&budget)?;
        let status = budget.ensure("status");
        let left = status.int("disruptionsAllowed").unwrap_or(0) - 1;
        status.set("disruptionsAllowed", left);
        status.ensure("disruptedPods")[call.name.as_str()] = time_text(call.now()).into();
        if left == 0 {
            no_more_allowed(&mut budget, &time_text(call.now()));
        }
        if dry_run {
            return Ok(());
        }
        match update_own(&core, &resource, "status", &stored, &old, budget).await {
            Ok(stored) => {
                server::object_written(&core, &resource, &stored).await;
                return Ok(());
            }
            // The budget has changed: it may say something else now.
            Err(WriteError::Changed { .. } | WriteError::NotFound) => {}
            Err(error) => return Err(write::write_error(&resource, name, error)),
        }
    }
}

fn check_budget(budget: &Value) -> ApiResult<()> {
    let name = budget.text("metadata.name");
    let status = budget.at("status");
    let number = |field: &str| status.int(field).unwrap_or(0);
    if number("observedGeneration") < budget.int("metadata.generation").unwrap_or(0) {
        return Err(too_many(format!("The disruption budget {name} is still being processed by the server."), 10));
    }
    let refuse = |why: &str| Err(ApiError::forbidden("policy", "poddisruptionbudget", name, why));
    if number("disruptionsAllowed") < 0 {
        return refuse("pdb disruptions allowed is negative");
    }
    if status.entries("disruptedPods").count() > MOST_DISRUPTED {
        return refuse("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
    }
    if number("disruptionsAllowed") > 0 {
        return Ok(());
    }
    let disallowed = status.list("conditions").iter().find(|condition| {
        condition.text("type") == "DisruptionAllowed"
            && condition.text("status") == "False"
            && !condition.text("message").is_empty()
    });
    let (reason, message) = disallowed.map_or(("", ""), |c| (c.text("reason"), c.text("message")));
    let (current, desired) = (number("currentHealthy"), number("desiredHealthy"));
    let start = format!("The disruption budget {name}");
    Err(too_many(
        if reason == "SyncFailed" {
            format!("{start} does not allow evicting pods currently because it failed sync: {message}")
        } else if current <= desired {
            format!("{start} needs {desired} healthy pods and has {current} currently")
        } else if disallowed.is_some() {
            format!("{start} does not allow evicting pods currently ({reason}): {message}")
        } else {
            format!("{start} does not allow evicting pods currently")
        },
        0,
    ))
}

fn too_many(why: String, seconds: u32) -> ApiError {
    let mut error = ApiError::new(429, "TooManyRequests", VIOLATED);
    let cause = Cause { reason: "DisruptionBudget".into(), message: why, field: String::new() };
    error.details.get_or_insert_default().causes.push(cause);
    error.details.get_or_insert_default().retry_after_seconds = seconds;
    error
}

/// Says in the conditions of a budget that it is used up.
fn no_more_allowed(budget: &mut Value, now: &str) {
    let generation = budget.int("status.observedGeneration").unwrap_or(0);
    let mut new = json!({
        "type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "message": "",
        "observedGeneration": generation, "lastTransitionTime": now,
    });
    let status = budget.ensure("status");
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else { return };
    match conditions.iter_mut().find(|old| old["type"] == new["type"]) {
        Some(old) => {
            if old["status"] == new["status"] {
                new.copy_field("lastTransitionTime", old);
            }
            *old = new;
        }
        None => conditions.push(new),
    }
}

/// Says on the Pod why it goes, and deletes it.
async fn mark_and_delete(call: &mut Call, options: &DeleteOptions) -> ApiResult<()> {
    let (core, resource) = (call.core.clone(), call.resource.clone());
    let mut options = options.clone();
    let key = ObjectKey::new(&call.namespace, &call.name);
    while !options.dry_run {
        let stored = pod(call)?;
        let mut new = stored.tree();
        delete::check_preconditions(&resource, &new, &options)?;
        let condition = json!({
            "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        });
        set_condition(&mut new, &condition, &time_text(call.now()));
        let (collection, expected) = (resource.collection().clone(), stored.revision());
        let object = write::storage_form(&resource, new);
        match core.store.write(Write::Update { collection, key: key.clone(), expected, object }).await {
            Ok(stored) => {
                if let Some(version) = &mut options.precondition_resource_version {
                    *version = stored.revision().to_string();
                }
                server::object_written(&core, &resource, &stored).await;
                break;
            }
            // Another writer was faster: once more, on what it has left.
            Err(WriteError::Changed { .. } | WriteError::NotFound) => {}
            Err(error) => return Err(write::write_error(&resource, &call.name, error)),
        }
    }
    delete::delete_object(&core, &resource, &key, &options, call.now(), None).await.map(|_| ())
}
