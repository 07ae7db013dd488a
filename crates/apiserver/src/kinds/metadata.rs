//! `metadata`: what the server fills in, and what it refuses, for every kind.
//!
//! A create goes through [`fill_create`], an update through [`keep_system_fields`]; both are called by
//! [`super::lifecycle`], which also puts the checks in the order of the real server.

use jiff::Timestamp;
use serde_json::Value;

use super::names::{self, NameRule};
use super::path::Path;
use super::tree::{Tree, same};
use crate::field::{FieldError, FieldErrorKind};
use crate::go_text::in_order;

/// Total size of all annotation keys and values, in bytes.
pub const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// The longest name that [`generated_name`] makes.
pub const GENERATED_NAME_LIMIT: usize = 63;

const METADATA: Path<'static> = Path::new("metadata");
const SUFFIX_LENGTH: usize = 5;
/// Characters of generated suffixes: no vowels and nothing that looks like another one, so no words come out.
const SUFFIX_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// Finalizers without a domain that are allowed.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// Makes a name out of `metadata.generateName`: the prefix, cut so that the name has at most
/// [`GENERATED_NAME_LIMIT`] bytes, and five random characters. `random` gives a number below its argument.
pub fn generated_name(prefix: &str, mut random: impl FnMut(usize) -> usize) -> String {
    let mut end = prefix.len().min(GENERATED_NAME_LIMIT - SUFFIX_LENGTH);
    while !prefix.is_char_boundary(end) {
        end -= 1;
    }
    let mut name = prefix[..end].to_string();
    for _ in 0..SUFFIX_LENGTH {
        let at = random(SUFFIX_ALPHABET.len()) % SUFFIX_ALPHABET.len();
        name.push(char::from(SUFFIX_ALPHABET[at]));
    }
    name
}

/// Takes out what a client may not choose for a new object: uid, creation time, and everything about deletion. What
/// admission sees has none of it.
///
/// An object that an update or an apply makes keeps what it says of its deletion, as on the real server: `by_update`.
pub fn clear_create(object: &mut Value, by_update: bool) {
    let metadata = object.ensure("metadata");
    let fields = ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"];
    for field in fields.iter().filter(|field| !by_update || !field.starts_with("deletion")) {
        metadata.drop_field(field);
    }
}

/// Gives a new object its uid and its creation time, and takes the resourceVersion out.
pub fn fill_create(object: &mut Value, uid: &str, now: Timestamp) {
    let metadata = object.ensure("metadata");
    metadata.drop_field("resourceVersion");
    metadata.set("uid", uid);
    metadata.set("creationTimestamp", time_text(now));
}

/// A time as `metav1.Time` has it: UTC, whole seconds.
pub fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What an update may leave out or can't change: uid, generation, creation and deletion times.
pub fn keep_system_fields(new: &mut Value, old: &Value) {
    let old = old.at("metadata");
    let metadata = new.ensure("metadata");
    if metadata.text("uid").is_empty() {
        metadata.copy_field("uid", old);
    }
    metadata.copy_field("creationTimestamp", old);
    if old.has("deletionTimestamp") {
        metadata.copy_field("deletionTimestamp", old);
    }
    if old.has("deletionGracePeriodSeconds") && !metadata.has("deletionGracePeriodSeconds") {
        metadata.copy_field("deletionGracePeriodSeconds", old);
    }
}

/// The generation of an object; 0 when it has none.
pub fn generation(object: &Value) -> i64 {
    object.int("metadata.generation").unwrap_or_default()
}

/// Sets the generation; 0 takes the field out.
pub fn set_generation(object: &mut Value, generation: i64) {
    let metadata = object.ensure("metadata");
    if generation == 0 { metadata.drop_field("generation") } else { metadata.set("generation", generation) }
}

/// Checks the metadata of an object. `standard_finalizers` also asks for finalizers to have a domain, as built-in kinds
/// do: custom resources may use names without one.
pub fn validate(object: &Value, namespaced: bool, rule: NameRule, standard_finalizers: bool) -> Vec<FieldError> {
    let metadata = object.at("metadata");
    let mut errors = Vec::new();
    let prefix = metadata.text("generateName");
    if !prefix.is_empty() {
        for message in rule.check(prefix, true) {
            errors.push(FieldError::invalid(METADATA.child("generateName"), prefix, message));
        }
    }
    let name = metadata.text("name");
    if name.is_empty() {
        errors.push(FieldError::required(METADATA.child("name"), "name or generateName is required"));
    } else {
        for message in rule.check(name, false) {
            errors.push(FieldError::invalid(METADATA.child("name"), name, message));
        }
    }
    let namespace = metadata.text("namespace");
    match (namespaced, namespace) {
        (true, "") => errors.push(FieldError::required(METADATA.child("namespace"), "")),
        (true, _) => {
            for message in names::dns_label(namespace) {
                errors.push(FieldError::invalid(METADATA.child("namespace"), namespace, message));
            }
        }
        (false, "") => {}
        (false, _) => errors.push(FieldError::forbidden(METADATA.child("namespace"), "not allowed on this type")),
    }
    let generation = generation(object);
    if generation < 0 {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(METADATA.child("generation"), generation, detail));
    }
    errors.extend(validate_labels(metadata.at("labels"), &METADATA.child("labels")));
    errors.extend(validate_annotations(metadata.at("annotations"), &METADATA.child("annotations")));
    errors.extend(validate_owner_references(metadata.list("ownerReferences")));
    errors.extend(validate_finalizers(metadata.list("finalizers"), standard_finalizers));
    errors
}

/// Checks what may change in metadata.
pub fn validate_update(new: &Value, old: &Value, standard_finalizers: bool) -> Vec<FieldError> {
    let (new, old) = (new.at("metadata"), old.at("metadata"));
    let mut errors = Vec::new();
    if old.has("deletionTimestamp") {
        errors.extend(no_new_finalizers(new, old));
    }
    if new.text("resourceVersion").is_empty() {
        errors.push(FieldError::invalid(METADATA.child("resourceVersion"), "", "must be specified for an update"));
    }
    let generation = new.int("generation").unwrap_or_default();
    if generation < old.int("generation").unwrap_or_default() {
        errors.push(FieldError::invalid(METADATA.child("generation"), generation, "must not be decremented"));
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if !same(new.at(field), old.at(field)) {
            let value = match (field, new.at(field)) {
                ("name" | "namespace" | "uid", Value::Null) => Value::from(""),
                (_, value) => value.clone(),
            };
            errors.push(FieldError::invalid(METADATA.child(field), value, "field is immutable"));
        }
    }
    errors.extend(validate_labels(new.at("labels"), &METADATA.child("labels")));
    errors.extend(validate_annotations(new.at("annotations"), &METADATA.child("annotations")));
    errors.extend(validate_owner_references(new.list("ownerReferences")));
    if standard_finalizers {
        errors.extend(unqualified_finalizers(new.list("finalizers")));
    }
    errors
}

/// Checks label keys and values.
pub fn validate_labels(labels: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        for message in names::qualified_name(key) {
            errors.push(FieldError::invalid(path, key.as_str(), message));
        }
        let value = value.as_str().unwrap_or_default();
        for message in names::label_value(value) {
            errors.push(FieldError::invalid(path, value, message));
        }
    }
    errors
}

/// Checks annotation keys and their total size.
pub fn validate_annotations(annotations: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        size += key.len() + value.as_str().map_or(0, str::len);
        // Annotation keys may be written in upper case throughout, their prefix too.
        for message in names::qualified_name(&key.to_lowercase()) {
            errors.push(FieldError::invalid(path, key.as_str(), message));
        }
    }
    if size > ANNOTATIONS_LIMIT {
        errors.push(too_long(path, ANNOTATIONS_LIMIT));
    }
    errors
}

/// `path: Too long: may not be more than LIMIT bytes`
pub(crate) fn too_long(path: impl Into<String>, limit: usize) -> FieldError {
    FieldError::new(FieldErrorKind::TooLong, path, Value::Null, format!("may not be more than {limit} bytes"))
}

fn validate_owner_references(references: &[Value]) -> Vec<FieldError> {
    let path = METADATA.child("ownerReferences");
    let mut errors = Vec::new();
    let mut controller: Option<String> = None;
    for reference in references {
        let api_version = reference.text("apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        // More than one slash is no group-version at all.
        if version.is_empty() || version.contains('/') {
            errors.push(FieldError::invalid(path.child("apiVersion"), api_version, "version must not be empty"));
        }
        for field in ["kind", "name", "uid"] {
            if reference.text(field).is_empty() {
                errors.push(FieldError::invalid(path.child(field), "", "must not be empty"));
            }
        }
        let kind = reference.text("kind");
        if (group, version, kind) == ("", "v1", "Event") {
            let detail = "/v1, Kind=Event is disallowed from being an owner";
            errors.push(FieldError::invalid(path, reference.clone(), detail));
        }
        if reference.flag("controller") {
            let current = format!("{kind}/{}", reference.text("name"));
            match &controller {
                Some(first) => {
                    let detail = format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and \
                         {current}"
                    );
                    let order = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
                    let error = FieldError::invalid(path, references.to_vec(), detail);
                    errors.push(error.showing(in_order(&Value::from(references.to_vec()), &order)));
                }
                None => controller = Some(current),
            }
        }
    }
    errors
}

fn validate_finalizers(finalizers: &[Value], standard: bool) -> Vec<FieldError> {
    let path = METADATA.child("finalizers");
    let mut errors = Vec::new();
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer.as_str() == Some(name));
    for finalizer in finalizers.iter().filter_map(Value::as_str) {
        for message in names::qualified_name(finalizer) {
            errors.push(FieldError::invalid(path, finalizer, message));
        }
    }
    if has("orphan") && has("foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid(path, finalizers.to_vec(), detail));
    }
    if standard {
        errors.extend(unqualified_finalizers(finalizers));
    }
    errors
}

fn unqualified_finalizers(finalizers: &[Value]) -> Vec<FieldError> {
    let path = METADATA.child("finalizers");
    let mut errors = Vec::new();
    for (index, finalizer) in finalizers.iter().filter_map(Value::as_str).enumerate() {
        if !has_domain(finalizer) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(path.index(index), finalizer, detail));
        }
    }
    errors
}

/// Whether a finalizer is named after a domain, or is one of those that need none.
pub(super) fn has_domain(finalizer: &str) -> bool {
    finalizer.contains('/') || STANDARD_FINALIZERS.contains(&finalizer)
}

fn no_new_finalizers(new: &Value, old: &Value) -> Option<FieldError> {
    let old = old.list("finalizers");
    let mut extra: Vec<&str> =
        new.list("finalizers").iter().filter(|f| !old.contains(f)).filter_map(Value::as_str).collect();
    if extra.is_empty() {
        return None;
    }
    extra.sort_unstable();
    extra.dedup();
    let list: Vec<String> = extra.iter().map(|name| format!("{name:?}")).collect();
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        list.join(", ")
    );
    Some(FieldError::forbidden(METADATA.child("finalizers"), detail))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(errors: Vec<FieldError>) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn check(metadata: Value) -> Vec<String> {
        texts(validate(&json!({"metadata": metadata}), true, NameRule::Subdomain, true))
    }

    #[test]
    fn metadata_is_refused_with_the_real_servers_words() {
        let ok = |extra: Value| {
            let mut metadata = json!({"name": "a", "namespace": "default"});
            for (key, value) in extra.as_object().unwrap() {
                metadata.set(key, value.clone());
            }
            metadata
        };
        let cases = [
            (json!({"namespace": "default"}), "metadata.name: Required value: name or generateName is required"),
            (json!({"name": "a"}), "metadata.namespace: Required value"),
            (
                ok(json!({"labels": {"a": "x".repeat(64)}})),
                &*format!("metadata.labels: Invalid value: {:?}: must be no more than 63 bytes", "x".repeat(64)),
            ),
            (
                ok(json!({"annotations": {"x": "z".repeat(ANNOTATIONS_LIMIT)}})),
                "metadata.annotations: Too long: may not be more than 262144 bytes",
            ),
            (
                ok(json!({"finalizers": ["x/y", "z"]})),
                "metadata.finalizers[1]: Invalid value: \"z\": name is neither a standard finalizer name nor is it fully qualified",
            ),
            (
                ok(json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "n", "uid": "u"}]})),
                "metadata.ownerReferences: Invalid value: {\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"n\",\"uid\":\"u\"}: /v1, Kind=Event is disallowed from being an owner",
            ),
            (
                ok(json!({"ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n"}]})),
                "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
            ),
        ];
        for (metadata, expected) in cases {
            assert_eq!(check(metadata), [expected]);
        }
        assert!(check(ok(json!({"annotations": {"Example.COM/x": ""}, "finalizers": ["orphan"]}))).is_empty());
    }

    #[test]
    fn identity_and_times_do_not_change() {
        let old = json!({"metadata": {"name": "a", "uid": "1", "resourceVersion": "4"}});
        let new = json!({"metadata": {"name": "b", "deletionGracePeriodSeconds": 3, "resourceVersion": "4"}});
        assert_eq!(
            texts(validate_update(&new, &old, true)),
            [
                "metadata.name: Invalid value: \"b\": field is immutable",
                "metadata.uid: Invalid value: \"\": field is immutable",
                "metadata.deletionGracePeriodSeconds: Invalid value: 3: field is immutable",
            ]
        );
    }

    #[test]
    fn a_dying_object_takes_no_new_finalizers() {
        let old = json!({"metadata": {"finalizers": ["a/b"], "deletionTimestamp": "t", "resourceVersion": "1"}});
        let new = json!({"metadata": {"finalizers": ["a/c", "a/b"], "deletionTimestamp": "t", "resourceVersion": "1"}});
        assert_eq!(
            texts(validate_update(&new, &old, true)),
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"a/c\"}"
            ]
        );
    }

    #[test]
    fn generated_names_fit_into_a_label() {
        assert_eq!(generated_name("web-", |_| 0), "web-bbbbb");
        let name = generated_name(&"x".repeat(80), |n| n - 1);
        assert_eq!(name.len(), GENERATED_NAME_LIMIT);
        assert!(name.ends_with("x99999"));
        assert!(generated_name(&"ä".repeat(40), |_| 1).len() <= GENERATED_NAME_LIMIT);
    }

    #[test]
    fn a_create_takes_identity_and_deletion_from_the_server() {
        let mut object = json!({"metadata": {"uid": "mine", "deletionTimestamp": "x", "generation": 7}});
        let mut by_update = object.clone();
        clear_create(&mut by_update, true);
        assert_eq!(by_update["metadata"], json!({"deletionTimestamp": "x", "generation": 7}));
        clear_create(&mut object, false);
        fill_create(&mut object, "u", Timestamp::UNIX_EPOCH);
        let expected = json!({"uid": "u", "creationTimestamp": "1970-01-01T00:00:00Z", "generation": 7});
        assert_eq!(object["metadata"], expected);
    }
}
