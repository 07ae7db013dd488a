//! Whether a volume is one for a claim.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::ResourceExt;
use kube::core::{Selector, SelectorExt};

use crate::nodes::quantity;

/// The volume that a claim gets: one that was reserved for it, else the smallest that is large enough.
pub(super) fn best<'a>(claim: &PersistentVolumeClaim, volumes: &'a [PersistentVolume]) -> Option<&'a PersistentVolume> {
    let fitting = volumes.iter().filter(|volume| fits(claim, volume));
    fitting.min_by(|one, other| {
        let reserved = |volume: &PersistentVolume| !is_reserved_for(claim, volume);
        let rank = reserved(one).cmp(&reserved(other));
        rank.then(size(one).total_cmp(&size(other))).then_with(|| one.name_any().cmp(&other.name_any()))
    })
}

/// Whether the volume names this claim, not an earlier one of its name.
pub(super) fn is_reserved_for(claim: &PersistentVolumeClaim, volume: &PersistentVolume) -> bool {
    let reference = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref());
    reference.is_some_and(|reference| {
        let uid = reference.uid.as_deref().filter(|uid| !uid.is_empty());
        reference.namespace == claim.namespace()
            && reference.name == claim.metadata.name
            && uid.is_none_or(|uid| claim.metadata.uid.as_deref() == Some(uid))
    })
}

fn fits(claim: &PersistentVolumeClaim, volume: &PersistentVolume) -> bool {
    let (Some(wanted), Some(spec)) = (&claim.spec, &volume.spec) else { return false };
    let free = spec.claim_ref.is_none() || is_reserved_for(claim, volume);
    let mode = |mode: &Option<String>| mode.clone().unwrap_or_else(|| "Filesystem".into());
    let class = |class: &Option<String>| class.clone().unwrap_or_default();
    let modes = |modes: &Option<Vec<String>>| modes.clone().unwrap_or_default();
    let offered = modes(&spec.access_modes);
    let selected = wanted.selector.as_ref().is_none_or(|selector| {
        Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(volume.labels()))
    });
    let requests = wanted.resources.as_ref().and_then(|resources| resources.requests.as_ref());
    let asked = requests.and_then(|requests| quantity(&requests.get("storage")?.0)).unwrap_or_default();
    free && selected
        && volume.metadata.deletion_timestamp.is_none()
        && class(&wanted.storage_class_name) == class(&spec.storage_class_name)
        && mode(&wanted.volume_mode) == mode(&spec.volume_mode)
        && modes(&wanted.access_modes).iter().all(|mode| offered.contains(mode))
        && size(volume) >= asked
}

fn size(volume: &PersistentVolume) -> f64 {
    let capacity = volume.spec.as_ref().and_then(|spec| spec.capacity.as_ref());
    capacity.and_then(|capacity| quantity(&capacity.get("storage")?.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn claim(spec: Value) -> PersistentVolumeClaim {
        let mut full = json!({
            "accessModes": ["ReadWriteOnce"], "storageClassName": "a", "resources": {"requests": {"storage": "2Gi"}},
        });
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let metadata = json!({"name": "data", "namespace": "n", "uid": "u"});
        serde_json::from_value(json!({"metadata": metadata, "spec": full})).unwrap()
    }

    fn volume(name: &str, size: &str, spec: Value) -> PersistentVolume {
        let mut full = json!({
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany"], "storageClassName": "a", "capacity": {"storage": size},
        });
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let metadata = json!({"name": name, "labels": {"disk": name}});
        serde_json::from_value(json!({"metadata": metadata, "spec": full})).unwrap()
    }

    #[test]
    fn the_smallest_that_is_large_enough_is_taken_and_one_that_is_reserved_before_it() {
        let reserved = json!({"claimRef": {"namespace": "n", "name": "data"}});
        let taken = json!({"claimRef": {"namespace": "n", "name": "data", "uid": "other"}});
        let mut volumes = vec![
            volume("small", "1Gi", json!({})),
            volume("large", "9Gi", json!({})),
            volume("right", "2048Mi", json!({})),
            volume("taken", "2Gi", taken),
            volume("block", "2Gi", json!({"volumeMode": "Block"})),
            volume("other", "2Gi", json!({"storageClassName": "b"})),
        ];
        let best = |claim: &PersistentVolumeClaim, volumes: &[PersistentVolume]| {
            super::best(claim, volumes).map(ResourceExt::name_any)
        };
        assert_eq!(best(&claim(json!({})), &volumes).as_deref(), Some("right"));
        let selector = json!({"selector": {"matchLabels": {"disk": "large"}}});
        assert_eq!(best(&claim(selector), &volumes).as_deref(), Some("large"));
        assert_eq!(best(&claim(json!({"accessModes": ["ReadWriteMany"]})), &volumes), None);
        volumes.push(volume("reserved", "5Gi", reserved));
        assert_eq!(best(&claim(json!({})), &volumes).as_deref(), Some("reserved"));
    }
}
