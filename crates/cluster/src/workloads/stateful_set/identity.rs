//! Names, labels and claims of the pods of a StatefulSet.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, Pod, PodTemplateSpec, Volume};
use kube::ResourceExt;

use crate::workloads::pods;

/// The label of a pod with the name of its revision.
pub(super) const REVISION_LABEL: &str = "controller-revision-hash";
const NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";
const INDEX_LABEL: &str = "apps.kubernetes.io/pod-index";

/// The place of a pod in the order, from its name.
pub(super) fn ordinal(set: &StatefulSet, pod: &Pod) -> Option<i32> {
    let name = pod.name_any();
    let number = name.strip_prefix(&set.name_any())?.strip_prefix('-')?;
    // `web-01` is nobody's.
    number.parse().ok().filter(|ordinal: &i32| *ordinal >= 0 && ordinal.to_string() == number)
}

/// The first place.
pub(super) fn first(set: &StatefulSet) -> i32 {
    let start = set.spec.as_ref().and_then(|spec| spec.ordinals.as_ref()?.start);
    start.unwrap_or_default()
}

/// The revision that a pod is of.
pub(super) fn revision_of(pod: &Pod) -> &str {
    pod.labels().get(REVISION_LABEL).map(String::as_str).unwrap_or_default()
}

/// The pod of this place and revision.
pub(super) fn pod(set: &StatefulSet, template: &PodTemplateSpec, revision: &str, ordinal: i32) -> Pod {
    let mut pod = pods::from_template(template, set);
    let name = format!("{}-{ordinal}", set.name_any());
    pod.metadata.name = Some(name.clone());
    pod.metadata.namespace = set.namespace();
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(REVISION_LABEL.into(), revision.into());
    label(labels, &name, ordinal);
    let service = set.spec.as_ref().and_then(|spec| spec.service_name.clone());
    let spec = pod.spec.get_or_insert_default();
    spec.hostname = Some(name);
    spec.subdomain = service.filter(|service| !service.is_empty());
    let claims: Vec<(String, String)> = claims(set, ordinal).collect();
    if !claims.is_empty() {
        let volumes = spec.volumes.get_or_insert_default();
        // A claim template takes the place of a volume of its name.
        volumes.retain(|volume| !claims.iter().any(|(template, _)| *template == volume.name));
        volumes.extend(claims.into_iter().map(|(name, claim)| Volume {
            name,
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource { claim_name: claim, read_only: None }),
            ..Volume::default()
        }));
    }
    pod
}

/// The pod with the labels that tell its place, if it has lost them.
pub(super) fn identified(set: &StatefulSet, pod: &Pod) -> Option<Pod> {
    let ordinal = ordinal(set, pod)?;
    let mut wanted = pod.clone();
    label(wanted.metadata.labels.get_or_insert_default(), &pod.name_any(), ordinal);
    (wanted != *pod).then_some(wanted)
}

fn label(labels: &mut std::collections::BTreeMap<String, String>, name: &str, ordinal: i32) {
    labels.insert(NAME_LABEL.into(), name.into());
    labels.insert(INDEX_LABEL.into(), ordinal.to_string());
}

/// The claims of the pod of this place: the name of the template, and that of the claim.
pub(super) fn claims(set: &StatefulSet, ordinal: i32) -> impl Iterator<Item = (String, String)> {
    let templates = set.spec.iter().flat_map(|spec| spec.volume_claim_templates.iter().flatten());
    let owner = set.name_any();
    templates.map(move |template| {
        let name = template.name_any();
        let claim = format!("{name}-{owner}-{ordinal}");
        (name, claim)
    })
}
