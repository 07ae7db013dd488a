//! The status of a CustomResourceDefinition: accepted names, stored versions and conditions.
//!
//! ```text
//! created ─names free→ NamesAccepted=True, Established=True ─deleted→ Terminating=True
//!         └names taken→ NamesAccepted=False, Established=False ─names changed or set free→ as above
//! ```
//!
//! Once established, a definition stays so: new names that are taken are not accepted, and the old ones go on.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::definition::{Definition, Names};
use super::validation::{Approval, approval, is_protected};

/// Readies a new definition: its status says which version is stored and nothing else.
pub fn prepare_create(definition: &mut Value) {
    let stored: Vec<Value> = storage_version(definition).into_iter().collect();
    if let Some(object) = definition.as_object_mut() {
        let stored = if stored.is_empty() { Value::Null } else { stored.into() };
        let names = json!({"plural": "", "kind": ""});
        object.insert("status".into(), json!({"conditions": null, "acceptedNames": names, "storedVersions": stored}));
    }
}

/// Readies an update of the definition itself: the status stays, but remembers a new storage version.
pub fn prepare_update(new: &mut Value, old: &Value) {
    let storage = storage_version(new);
    let mut status = old.get("status").cloned().unwrap_or_else(|| json!({}));
    if let Some(storage) = storage {
        match status.get_mut("storedVersions").and_then(Value::as_array_mut) {
            Some(stored) if stored.contains(&storage) => {}
            Some(stored) => stored.push(storage),
            None => status["storedVersions"] = json!([storage]),
        }
    }
    if let Some(object) = new.as_object_mut() {
        object.insert("status".into(), status);
    }
}

/// A definition whose status names no stored version has that of its spec, as one that is read on the real server.
pub fn default_stored_versions(definition: &mut Value) {
    let named = definition["status"]["storedVersions"].as_array().is_some_and(|stored| !stored.is_empty());
    if let Some(storage) = storage_version(definition).filter(|_| !named) {
        definition["status"]["storedVersions"] = json!([storage]);
    }
}

/// Brings names and conditions up to date and tells whether anything has changed. `others` are all other definitions,
/// `now` is the time as it stands in objects.
pub fn update_status(definition: &mut Value, others: &[Definition], now: &str) -> bool {
    // A definition that can't be read was never accepted.
    let Ok(read) = Definition::read(definition) else { return false };
    let taken = Taken::by(others, &read.spec.group);
    let accepted = accept(&read.spec.names, &read.status.accepted_names, &taken);
    let mut changed = false;
    let names = names_value(&accepted.names);
    if definition["status"]["acceptedNames"] != names {
        definition["status"]["acceptedNames"] = names;
        changed = true;
    }
    if is_protected(&read.spec.group)
        && let Some((status, reason, message)) = approval_condition(definition)
    {
        let ty = "KubernetesAPIApprovalPolicyConformant";
        changed |= set_condition(definition, ty, status, reason, &message, now);
    }
    let (status, reason, message) = match &accepted.conflict {
        None => ("True", "NoConflicts", "no conflicts found"),
        Some((reason, message)) => ("False", *reason, message.as_str()),
    };
    changed |= set_condition(definition, "NamesAccepted", status, reason, message, now);
    if !read.is("Established") {
        changed |= match accepted.conflict {
            None => {
                let message = "the initial names have been accepted";
                set_condition(definition, "Established", "True", "InitialNamesAccepted", message, now)
            }
            Some(_) => {
                set_condition(definition, "Established", "False", "NotAccepted", "not all names are accepted", now)
            }
        };
    }
    changed
}

/// Sets a condition of a definition and tells whether anything has changed. The time is set when the status changes.
pub fn set_condition(definition: &mut Value, ty: &str, status: &str, reason: &str, message: &str, now: &str) -> bool {
    if !definition["status"]["conditions"].is_array() {
        definition["status"]["conditions"] = json!([]);
    }
    let Some(conditions) = definition["status"]["conditions"].as_array_mut() else { return false };
    let new = json!({"type": ty, "status": status, "lastTransitionTime": now, "reason": reason, "message": message});
    let Some(old) = conditions.iter_mut().find(|condition| condition["type"] == ty) else {
        conditions.push(new);
        return true;
    };
    let time = if old["status"] == status { old["lastTransitionTime"].clone() } else { now.into() };
    let mut next = new;
    next["lastTransitionTime"] = time;
    if let (Some(generation), true) = (old.get("observedGeneration"), next["status"] == old["status"]) {
        next["observedGeneration"] = generation.clone();
    }
    let changed = *old != next;
    *old = next;
    changed
}

/// The names that other definitions of a group serve under.
struct Taken<'a> {
    resources: BTreeSet<&'a str>,
    kinds: BTreeSet<&'a str>,
}

impl<'a> Taken<'a> {
    fn by(definitions: &'a [Definition], group: &str) -> Self {
        let mut taken = Self { resources: BTreeSet::new(), kinds: BTreeSet::new() };
        for definition in definitions.iter().filter(|definition| definition.spec.group == group) {
            let names = &definition.status.accepted_names;
            taken.resources.extend([names.plural.as_str(), &names.singular]);
            taken.resources.extend(names.short_names.iter().map(String::as_str));
            taken.kinds.extend([names.kind.as_str(), &names.list_kind]);
        }
        taken
    }
}

struct Accepted {
    names: Names,
    /// Reason and message of the last name that is taken.
    conflict: Option<(&'static str, String)>,
}

fn accept(wanted: &Names, own: &Names, taken: &Taken<'_>) -> Accepted {
    let mut accepted = Accepted { names: own.clone(), conflict: None };
    let in_use = |name: &str| format!("{name:?} is already in use");
    for (reason, wanted, own, taken, slot) in [
        ("PluralConflict", &wanted.plural, &own.plural, &taken.resources, &mut accepted.names.plural),
        ("SingularConflict", &wanted.singular, &own.singular, &taken.resources, &mut accepted.names.singular),
    ] {
        if wanted != own && taken.contains(wanted.as_str()) {
            accepted.conflict = Some((reason, in_use(wanted)));
        } else {
            slot.clone_from(wanted);
        }
    }
    let new = |name: &&String| !own.short_names.contains(name) && taken.resources.contains(name.as_str());
    let refused: Vec<String> = wanted.short_names.iter().filter(new).map(|name| in_use(name)).collect();
    match refused.as_slice() {
        [] => accepted.names.short_names.clone_from(&wanted.short_names),
        [one] => accepted.conflict = Some(("ShortNamesConflict", one.clone())),
        many => accepted.conflict = Some(("ShortNamesConflict", format!("[{}]", many.join(", ")))),
    }
    for (reason, wanted, own, slot) in [
        ("KindConflict", &wanted.kind, &own.kind, &mut accepted.names.kind),
        ("ListKindConflict", &wanted.list_kind, &own.list_kind, &mut accepted.names.list_kind),
    ] {
        if wanted != own && taken.kinds.contains(wanted.as_str()) {
            accepted.conflict = Some((reason, in_use(wanted)));
        } else {
            slot.clone_from(wanted);
        }
    }
    accepted.names.categories.clone_from(&wanted.categories);
    accepted
}

fn approval_condition(definition: &Value) -> Option<(&'static str, &'static str, String)> {
    match approval(definition) {
        Approval::Approved(url) => Some(("True", "ApprovedAnnotation", format!("approved in {url}"))),
        Approval::Bypassed(reason) => Some(("False", "UnapprovedAnnotation", format!("not approved: {reason:?}"))),
        // Neither gets past validation.
        Approval::Missing | Approval::Invalid(_) => None,
    }
}

fn names_value(names: &Names) -> Value {
    let mut out = Map::new();
    out.insert("plural".into(), names.plural.as_str().into());
    out.insert("kind".into(), names.kind.as_str().into());
    for (key, name) in [("singular", &names.singular), ("listKind", &names.list_kind)] {
        if !name.is_empty() {
            out.insert(key.into(), name.as_str().into());
        }
    }
    for (key, list) in [("shortNames", &names.short_names), ("categories", &names.categories)] {
        if !list.is_empty() {
            out.insert(key.into(), list.clone().into());
        }
    }
    Value::Object(out)
}

fn storage_version(definition: &Value) -> Option<Value> {
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    versions.into_iter().find(|version| version["storage"] == true)?.get("name").cloned()
}

#[cfg(test)]
mod tests {
    use super::super::set_defaults;
    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn definition(plural: &str, kind: &str, extra: Value) -> Value {
        let mut names = json!({"plural": plural, "kind": kind});
        names.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let mut definition = json!({"metadata": {"name": format!("{plural}.n.io")}, "spec": {"group": "n.io",
            "names": names, "scope": "Cluster", "versions": [{"name": "v1", "served": true, "storage": true}]}});
        set_defaults(&mut definition);
        prepare_create(&mut definition);
        definition
    }

    fn conditions(definition: &Value) -> Vec<String> {
        let text =
            |c: &Value| format!("{}={} {}: {}", c["type"], c["status"], c["reason"], c["message"]).replace('"', "");
        definition["status"]["conditions"].as_array().unwrap().iter().map(text).collect()
    }

    #[test]
    fn free_names_are_accepted_and_the_definition_is_established() {
        let mut a = definition("as", "A", json!({"shortNames": ["x"], "singular": "aa"}));
        assert_eq!(
            a["status"],
            json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": ["v1"]})
        );
        assert!(update_status(&mut a, &[], NOW));
        assert_eq!(a["status"]["acceptedNames"], a["spec"]["names"]);
        assert_eq!(
            conditions(&a),
            [
                "NamesAccepted=True NoConflicts: no conflicts found",
                "Established=True InitialNamesAccepted: the initial names have been accepted"
            ]
        );
        assert!(!update_status(&mut a, &[], "2027-01-01T00:00:00Z"), "nothing has changed");
    }

    /// Each outcome was a real server's.
    #[test]
    fn taken_names_are_not_accepted_until_they_are_given_up() {
        let mut a = definition("as", "A", json!({"shortNames": ["x"], "singular": "aa"}));
        update_status(&mut a, &[], NOW);
        let others = [Definition::read(&a).unwrap()];

        let mut b = definition("bs", "B", json!({"shortNames": ["x", "y"], "singular": "bb"}));
        update_status(&mut b, &others, NOW);
        assert_eq!(
            conditions(&b),
            [
                "NamesAccepted=False ShortNamesConflict: \\x\\ is already in use",
                "Established=False NotAccepted: not all names are accepted"
            ]
        );
        assert_eq!(
            b["status"]["acceptedNames"],
            json!({"plural": "bs", "singular": "bb", "kind": "B", "listKind": "BList"})
        );
        let old = b.clone();
        b["spec"]["names"]["shortNames"] = json!(["y"]);
        prepare_update(&mut b, &old);
        update_status(&mut b, &others, "2027-01-01T00:00:00Z");
        assert_eq!(b["status"]["acceptedNames"]["shortNames"], json!(["y"]));
        assert_eq!(b["status"]["conditions"][1]["status"], "True");
        assert_eq!(b["status"]["conditions"][1]["lastTransitionTime"], "2027-01-01T00:00:00Z");

        let mut c = definition("cs", "A", json!({}));
        update_status(&mut c, &others, NOW);
        assert_eq!(conditions(&c)[0], "NamesAccepted=False ListKindConflict: \\AList\\ is already in use");
        assert_eq!(c["status"]["acceptedNames"], json!({"plural": "cs", "singular": "a", "kind": ""}));
    }

    #[test]
    fn a_new_storage_version_is_remembered_beside_the_old() {
        let old = definition("as", "A", json!({}));
        let mut new = old.clone();
        new["spec"]["versions"] = json!([{"name": "v1", "served": true, "storage": false},
            {"name": "v2", "served": true, "storage": true}]);
        prepare_update(&mut new, &old);
        assert_eq!(new["status"]["storedVersions"], json!(["v1", "v2"]));
    }

    #[test]
    fn protected_groups_show_their_approval() {
        let mut a = definition("as", "A", json!({}));
        a["spec"]["group"] = "foo.k8s.io".into();
        a["metadata"]["annotations"] = json!({"api-approved.kubernetes.io": "unapproved, x"});
        update_status(&mut a, &[], NOW);
        assert_eq!(
            conditions(&a)[0],
            "KubernetesAPIApprovalPolicyConformant=False UnapprovedAnnotation: not approved: \\unapproved, x\\"
        );
    }
}
