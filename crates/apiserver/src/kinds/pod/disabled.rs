//! Fields of a pod spec that a server with default features does not keep: their features are off.

use serde_json::Value;

use crate::kinds::tree::Tree;

/// Takes the fields out of the pod spec of an object of this kind, if it has one.
pub(in crate::kinds) fn drop_disabled(kind: &str, object: &mut Value) {
    let path: &[&str] = match kind {
        "Pod" => &["spec"],
        "PodTemplate" => &["template", "spec"],
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => {
            &["spec", "template", "spec"]
        }
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return,
    };
    let mut at = Some(object);
    for field in path {
        at = at.and_then(|object| object.field_mut(field));
    }
    if let Some(spec) = at {
        of_spec(spec);
    }
}

fn of_spec(spec: &mut Value) {
    // KEP-4671
    spec.drop_field("schedulingGroup");
    for volume in spec.each_mut("volumes") {
        let Some(projected) = volume.field_mut("projected") else { continue };
        for source in projected.each_mut("sources") {
            // KEP-3257 and KEP-4317
            source.drop_field("clusterTrustBundle");
            source.drop_field("podCertificate");
        }
    }
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in spec.each_mut(list) {
            // KEP-4960
            let Some(lifecycle) = container.field_mut("lifecycle").filter(|hooks| hooks.has("stopSignal")) else {
                continue;
            };
            lifecycle.drop_field("stopSignal");
            if ["postStart", "preStop"].iter().all(|hook| !lifecycle.has(hook)) {
                container.drop_field("lifecycle");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_off_is_dropped_wherever_the_pod_spec_stands() {
        let spec = json!({"containers": [{"name": "c", "lifecycle": {"stopSignal": "SIGTERM", "preStop": {}}}]});
        let mut job = json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}});
        drop_disabled("CronJob", &mut job);
        let container = job.pointer("/spec/jobTemplate/spec/template/spec/containers/0");
        assert_eq!(container, Some(&json!({"name": "c", "lifecycle": {"preStop": {}}})));
    }
}
