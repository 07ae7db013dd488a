//! Pod, PodTemplate, and what the workload kinds share: defaults and checks of a pod template.
//!
//! | file | what it holds |
//! |---|---|
//! | `default` | defaults of a pod spec |
//! | `quality` | the quality-of-service class |
//! | `spec` | checks of a pod spec, and of a pod template |
//! | `app_armor` | profiles of containers, and the annotations that stand for them |
//! | `claims` | checks of resource claims |
//! | `container` | checks of containers: ports, mounts, resources |
//! | `environment` | checks of environment variables |
//! | `probe` | checks of probes and lifecycle handlers |
//! | `disabled` | fields that are dropped, as their features are off |
//! | `level` | resources of a pod as a whole |
//! | `os` | what an operating system has not, and host namespaces |
//! | `projected` | checks of projected volumes |
//! | `placement` | checks of affinity, tolerations, spread |
//! | `volume` | checks of volumes |
//! | `update` | what may change in a running pod |
//! | `subresource` | `/ephemeralcontainers` and `/resize` |
//! | `warn` | what is accepted with a warning |

mod app_armor;
mod claims;
mod container;
mod default;
mod disabled;
mod environment;
mod level;
mod os;
mod placement;
mod probe;
mod projected;
mod quality;
mod spec;
mod subresource;
mod update;
mod volume;
mod warn;

use serde_json::{Value, json};

use super::path::Path;
use super::strategy::{KindContext, Strategy};
use super::tree::Tree;
use crate::field::FieldError;
use crate::status::ApiResult;

pub(super) use default::template as default_template;
pub(crate) use default::tolerate_unreachable_nodes;
pub(super) use disabled::drop_disabled;
pub(super) use placement::validate_node_selector;
pub(crate) use quality::class as quality_of_service;
pub(super) use spec::validate_template;
pub(super) use subresource::{prepare_ephemeral, prepare_resize, validate_ephemeral, validate_resize};
pub(super) use update::terms_shown;
pub(super) use volume::csi_driver;
pub(super) use warn::template as template_warnings;

/// podIP is the first of podIPs.
fn same_addresses(status: &mut Value) {
    let (one, first) =
        (status.text("podIP").to_owned(), status.list("podIPs").first().map(|ip| ip.text("ip").to_owned()));
    match first {
        Some(first) if one.is_empty() => status.set("podIP", first),
        Some(first) if first == one => {}
        _ if !one.is_empty() => status.set("podIPs", json!([{"ip": one}])),
        _ => {}
    }
}

pub(super) struct Pod;

impl Strategy for Pod {
    fn default(&self, _: &str, object: &mut Value) {
        default::pod(object);
        if let Some(status) = object.field_mut("status").filter(|status| status.is_object()) {
            same_addresses(status);
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        let mut status = json!({"phase": "Pending", "qosClass": quality::class(object.at("spec"))});
        if !object.list("spec.schedulingGates").is_empty() {
            status["conditions"] = json!([{
                "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
                "lastProbeTime": null, "lastTransitionTime": object.at("metadata.creationTimestamp"),
            }]);
        }
        object.set("status", status);
        placement::apply_label_keys(object);
        app_armor::copy_to_fields(object);
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("status", old);
        Ok(())
    }

    fn prepare_status_update(&self, new: &mut Value, old: &Value) {
        new.copy_field("spec", old);
        let metadata = new.ensure("metadata");
        metadata.drop_field("deletionTimestamp");
        metadata.copy_field("ownerReferences", old.at("metadata"));
        let class = old.at("status.qosClass").clone();
        if !class.is_null() {
            new.ensure("status").default_text("qosClass", class.as_str().unwrap_or_default());
        }
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = spec::validate_pod(object);
        let spec = object.at("spec");
        let path = Path::new("spec");
        if !spec.list("ephemeralContainers").is_empty() {
            errors.push(FieldError::forbidden(path.child("ephemeralContainers"), "cannot be set on create"));
        }
        if !spec.text("nodeName").is_empty() && !spec.list("schedulingGates").is_empty() {
            let detail = "cannot be set until all schedulingGates have been cleared";
            errors.push(FieldError::forbidden(path.child("nodeName"), detail));
        }
        errors.extend(app_armor::agreement(object));
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = spec::validate_pod(new);
        errors.extend(app_armor::unchanged(new, old));
        errors.extend(update::validate(new.at("spec"), old.at("spec")));
        errors
    }

    fn validate_status_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        update::validate_status(new, old)
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ]
    }

    fn field_value(&self, name: &str, object: &Value) -> String {
        match name {
            "spec.hostNetwork" => object.flag(name).to_string(),
            // The server selects by the first address whichever of the two names is used.
            "status.podIPs" => object.text("status.podIP").to_string(),
            _ => object.text(name).to_string(),
        }
    }

    fn reset_fields(&self, subresource: &str) -> &'static [&'static str] {
        match subresource {
            "" => &["status"],
            "status" => &["spec", "metadata.deletionTimestamp", "metadata.ownerReferences"],
            _ => &[],
        }
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        // Updates come from controllers, for whom nobody reads warnings.
        if old.is_some() { Vec::new() } else { warn::pod(new) }
    }

    fn given_warnings(&self, object: &Value) -> Vec<String> {
        warn::given_pod(object)
    }
}

pub(super) struct PodTemplate;

impl Strategy for PodTemplate {
    fn default(&self, _: &str, object: &mut Value) {
        default_template(object.ensure("template"));
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        validate_template(object.at("template"), &Path::new("template"))
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        super::warnings::template(new, old, &Path::new("template"))
    }
}
