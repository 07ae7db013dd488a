//! Volumes, claims and their classes.

use serde_json::Value;

use super::network::default_name;
use super::{Row, text};
use crate::kinds::tree::Tree;

const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

pub(super) fn persistent_volume(row: Row<'_>) -> Vec<Value> {
    let claim = row.object.at("spec.claimRef");
    let claim =
        if claim.is_object() { format!("{}/{}", claim.text("namespace"), claim.text("name")) } else { String::new() };
    let capacity = row.object.at("spec.capacity").get("storage").map_or("0".into(), text::plain);
    vec![
        row.name().into(),
        capacity.into(),
        access_modes(row.object.list("spec.accessModes")).into(),
        row.text("spec.persistentVolumeReclaimPolicy").into(),
        phase(row),
        claim.into(),
        class(row).into(),
        row.text_or("spec.volumeAttributesClassName", "<unset>").into(),
        row.text("status.reason").into(),
        row.age().into(),
        row.text_or("spec.volumeMode", "<unset>").into(),
    ]
}

pub(super) fn persistent_volume_claim(row: Row<'_>) -> Vec<Value> {
    let volume = row.text("spec.volumeName");
    let (mut capacity, mut modes) = (String::new(), String::new());
    if !volume.is_empty() {
        capacity = row.object.at("status.capacity").get("storage").map_or("0".into(), text::plain);
        modes = access_modes(row.object.list("status.accessModes"));
    }
    vec![
        row.name().into(),
        phase(row),
        volume.into(),
        capacity.into(),
        modes.into(),
        class(row).into(),
        row.text_or("spec.volumeAttributesClassName", "<unset>").into(),
        row.age().into(),
        row.text_or("spec.volumeMode", "<unset>").into(),
    ]
}

pub(super) fn storage_class(row: Row<'_>) -> Vec<Value> {
    let annotations =
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    vec![
        default_name(row, &annotations).into(),
        row.text("provisioner").into(),
        row.text_or("reclaimPolicy", "Delete").into(),
        row.text_or("volumeBindingMode", "Immediate").into(),
        row.object.flag("allowVolumeExpansion").into(),
        row.age().into(),
    ]
}

pub(super) fn csi_driver(row: Row<'_>) -> Vec<Value> {
    let spec = row.object.at("spec");
    let modes: Vec<&str> = spec.list("volumeLifecycleModes").iter().filter_map(Value::as_str).collect();
    let tokens = if spec.has("tokenRequests") {
        spec.list("tokenRequests").iter().map(|request| request.text("audience")).collect::<Vec<_>>().join(",")
    } else {
        "<unset>".into()
    };
    vec![
        row.name().into(),
        spec.at("attachRequired").as_bool().unwrap_or(true).into(),
        spec.flag("podInfoOnMount").into(),
        spec.flag("storageCapacity").into(),
        tokens.into(),
        spec.flag("requiresRepublish").into(),
        if modes.is_empty() { "<none>".into() } else { modes.join(",").into() },
        row.age().into(),
    ]
}

pub(super) fn csi_node(row: Row<'_>) -> Vec<Value> {
    vec![row.name().into(), row.size("spec.drivers").into(), row.age().into()]
}

pub(super) fn volume_attachment(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name().into(),
        row.text("spec.attacher").into(),
        row.text("spec.source.persistentVolumeName").into(),
        row.text("spec.nodeName").into(),
        row.object.flag("status.attached").into(),
        row.age().into(),
    ]
}

pub(super) fn volume_attributes_class(row: Row<'_>) -> Vec<Value> {
    vec![row.name().into(), row.text("driverName").into(), row.age().into()]
}

fn phase(row: Row<'_>) -> Value {
    if row.is_dying() { "Terminating".into() } else { row.text("status.phase").into() }
}

fn class<'a>(row: Row<'a>) -> &'a str {
    let old = row.object.at("metadata.annotations").get(CLASS_ANNOTATION).and_then(Value::as_str);
    old.unwrap_or(row.text("spec.storageClassName"))
}

fn access_modes(modes: &[Value]) -> String {
    let known =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let shown = known.iter().filter(|(mode, _)| modes.iter().any(|given| given == mode)).map(|(_, short)| *short);
    shown.collect::<Vec<_>>().join(",")
}
