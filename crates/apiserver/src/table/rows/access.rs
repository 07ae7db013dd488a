//! Role bindings and certificates.

use serde_json::Value;

use super::Row;
use crate::kinds::tree::Tree;
use crate::table::age;

pub(super) fn binding(row: Row<'_>) -> Vec<Value> {
    let subjects = |kind: &str| {
        let of_kind = row.object.list("subjects").iter().filter(|subject| subject.text("kind") == kind);
        let names: Vec<String> = of_kind
            .map(|subject| match kind {
                "ServiceAccount" => format!("{}/{}", subject.text("namespace"), subject.text("name")),
                _ => subject.text("name").into(),
            })
            .collect();
        Value::from(names.join(", "))
    };
    vec![
        row.name().into(),
        format!("{}/{}", row.text("roleRef.kind"), row.text("roleRef.name")).into(),
        row.age().into(),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}

pub(super) fn signing_request(row: Row<'_>) -> Vec<Value> {
    let has = |kind: &str| row.object.list("status.conditions").iter().any(|condition| condition.text("type") == kind);
    let mut status = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_string();
    if has("Failed") {
        status.push_str(",Failed");
    }
    if !row.text("status.certificate").is_empty() {
        status.push_str(",Issued");
    }
    let duration = row.object.int("spec.expirationSeconds").map_or("<none>".into(), age::human);
    vec![
        row.name().into(),
        row.age().into(),
        row.text_or("spec.signerName", "<none>").into(),
        row.text("spec.username").into(),
        duration.into(),
        status.into(),
    ]
}
