//! Defaults and checks of a CustomResourceDefinition itself.
//!
//! Paths of errors are the real server's: what all versions have in common is reported as if it stood at the top of the
//! spec (`spec.validation.openAPIV3Schema…`), what differs with its version (`spec.versions[0].schema…`).

use serde_json::{Value, json};

use super::structural;
use crate::cel;
use crate::field::{FieldError, FieldErrorKind};
use crate::go_text::{Absent, internal_json};
use crate::kinds;
use crate::kinds::names::{dns_label_1035, dns_subdomain};
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;

/// Annotation that groups under k8s.io and kubernetes.io must carry.
pub(super) const APPROVED: &str = "api-approved.kubernetes.io";
const MOST_SELECTABLE_FIELDS: usize = 8;
const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

/// Fills in what may be left out: singular and list names, and the conversion strategy.
pub fn set_defaults(definition: &mut Value) {
    let Some(spec) = definition.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut) {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let missing = |names: &serde_json::Map<String, Value>, key: &str| {
            names.get(key).and_then(Value::as_str).unwrap_or_default().is_empty()
        };
        if !kind.is_empty() && missing(names, "singular") {
            names.insert("singular".into(), kind.to_lowercase().into());
        }
        if !kind.is_empty() && missing(names, "listKind") {
            names.insert("listKind".into(), format!("{kind}List").into());
        }
    }
    if spec.get("conversion").is_none_or(Value::is_null) {
        spec.insert("conversion".into(), json!({"strategy": "None"}));
    }
    if let Some(service) =
        spec["conversion"].pointer_mut("/webhook/clientConfig/service").and_then(Value::as_object_mut)
    {
        service.entry("port").or_insert(443.into());
    }
}

/// What is wrong with a definition; `old` is what it replaces. Metadata in general is checked elsewhere.
pub fn validate(definition: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = &definition["spec"];
    let wanted = format!("{}.{}", text(&spec["names"], "plural"), text(spec, "group"));
    let name = text(&definition["metadata"], "name");
    if old.is_none() && name != wanted {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", name, detail));
    }
    check_spec(spec, &mut errors);
    check_approval(definition, old, &mut errors);
    check_stored_versions(definition, &mut errors);
    if let Some(old) = old {
        check_immutable(definition, old, &mut errors);
    }
    errors
}

fn check_immutable(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let established = old["status"]["conditions"].as_array().into_iter().flatten();
    let established = established.into_iter().any(|c| c["type"] == "Established" && c["status"] == "True");
    let always = ["/spec/group", "/spec/names/plural"];
    let then = ["/spec/scope", "/spec/names/kind"].into_iter().filter(|_| established);
    for pointer in always.into_iter().chain(then) {
        let (new, old) = (new.pointer(pointer), old.pointer(pointer));
        if new != old {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            errors.push(FieldError::invalid(field, new.cloned().unwrap_or_default(), "field is immutable"));
        }
    }
}

fn check_spec(spec: &Value, errors: &mut Vec<FieldError>) {
    let group = text(spec, "group");
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if let reasons @ [_, ..] = dns_subdomain(group).as_slice() {
        errors.push(FieldError::invalid("spec.group", group, reasons.join(",")));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
    }
    match text(spec, "scope") {
        "" => errors.push(FieldError::required("spec.scope", "")),
        "Cluster" | "Namespaced" => {}
        other => errors.push(FieldError::not_supported("spec.scope", other, &["Cluster", "Namespaced"])),
    }
    check_versions(spec, errors);
    check_names(&spec["names"], errors);
    let versions = list(spec, "versions");
    // What all versions have in common stands at the top.
    if let Some(first) = versions.first() {
        check_part(first, &versions, "schema", "spec.validation", check_schema, errors);
        check_part(first, &versions, "subresources", "spec.subresources", check_subresources, errors);
        check_part(
            first,
            &versions,
            "additionalPrinterColumns",
            "spec.additionalPrinterColumns",
            check_columns,
            errors,
        );
        let fields = |version: &Value, path: &str, errors: &mut Vec<FieldError>| {
            check_selectable_fields(version, path, errors);
        };
        check_part(first, &versions, "selectableFields", "spec.selectableFields", fields, errors);
    }
    if spec.get("preserveUnknownFields") == Some(&Value::Bool(true)) {
        let detail =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(FieldError::invalid("spec.preserveUnknownFields", true, detail));
    }
    check_conversion(&spec["conversion"], errors);
}

/// Checks a part of the versions: once when they all have the same, else of each.
fn check_part(
    first: &Value,
    versions: &[&Value],
    key: &str,
    top: &str,
    check: impl Fn(&Value, &str, &mut Vec<FieldError>),
    errors: &mut Vec<FieldError>,
) {
    if versions.iter().all(|version| version.get(key) == first.get(key)) {
        check(first, top, errors);
    } else {
        for (index, version) in versions.iter().enumerate() {
            check(version, &format!("spec.versions[{index}].{key}"), errors);
        }
    }
}

fn check_versions(spec: &Value, errors: &mut Vec<FieldError>) {
    let versions = list(spec, "versions");
    for (index, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{index}]");
        let name = text(version, "name");
        let reasons = dns_label_1035(name);
        if !reasons.is_empty() {
            errors.push(FieldError::invalid(format!("{path}.name"), name, reasons.join(",")));
        }
        let warning = version.get("deprecationWarning").and_then(Value::as_str);
        if let Some(warning) = warning {
            let deprecated = version.get("deprecated") == Some(&Value::Bool(true));
            let control = warning.find(char::is_control);
            let unprintable = format!(
                "must only contain printable UTF-8 characters; non-printable character found at index {}",
                control.unwrap_or_default()
            );
            let reasons = [
                (!deprecated, "can only be set for deprecated versions"),
                (warning.is_empty(), "must not be an empty string"),
                (warning.len() > 256, "must be <= 256 characters long"),
                (control.is_some(), unprintable.as_str()),
            ];
            for (_, reason) in reasons.into_iter().filter(|(wrong, _)| *wrong) {
                errors.push(FieldError::invalid(format!("{path}.deprecationWarning"), warning, reason));
            }
        }
        if version.pointer("/schema/openAPIV3Schema").is_none_or(Value::is_null) {
            errors.push(FieldError::required(format!("{path}.schema.openAPIV3Schema"), ""));
        }
    }
    let shown = || spec.get("versions").cloned().unwrap_or_default();
    let names: Vec<&str> = versions.iter().map(|version| text(version, "name")).collect();
    if names.iter().enumerate().any(|(index, name)| names[..index].contains(name)) {
        errors.push(FieldError::invalid("spec.versions", shown(), "must contain unique version names"));
    }
    if versions.iter().filter(|version| version.get("storage") == Some(&Value::Bool(true))).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        let error = FieldError::invalid("spec.versions", shown(), detail);
        errors.push(match shown_versions(&versions) {
            Some(text) => error.showing(text),
            None => error,
        });
    }
    if let Some(first) = names.first().filter(|name| !name.is_empty() && !dns_label_1035(name).is_empty()) {
        errors.push(FieldError::invalid("spec.version", *first, dns_label_1035(first).join(",")));
    }
}

/// Versions without a schema as the internal structs of the real server; one with a schema is shown as it was sent.
fn shown_versions(versions: &[&Value]) -> Option<String> {
    let fields = [
        ("Name", "name", Absent::Text),
        ("Served", "served", Absent::Flag),
        ("Storage", "storage", Absent::Flag),
        ("Deprecated", "deprecated", Absent::Flag),
        ("DeprecationWarning", "deprecationWarning", Absent::Nil),
        ("Schema", "schema", Absent::Nil),
        ("Subresources", "subresources", Absent::Nil),
        ("AdditionalPrinterColumns", "additionalPrinterColumns", Absent::Nil),
        ("SelectableFields", "selectableFields", Absent::Nil),
    ];
    let plain = versions.iter().all(|version| fields[5..].iter().all(|(_, name, _)| version[*name].is_null()));
    let shown: Vec<String> = versions.iter().map(|version| internal_json(version, &fields)).collect();
    (plain && !versions.is_empty()).then(|| format!("[{}]", shown.join(",")))
}

fn check_names(names: &Value, errors: &mut Vec<FieldError>) {
    for key in ["plural", "singular", "kind", "listKind"] {
        if text(names, key).is_empty() {
            errors.push(FieldError::required(format!("spec.names.{key}"), ""));
        }
    }
    let mut check = |field: String, name: &str, mixed_case: bool| {
        let lower = if mixed_case { name.to_lowercase() } else { name.to_owned() };
        let reasons = dns_label_1035(&lower);
        if !name.is_empty() && !reasons.is_empty() {
            let prefix = if mixed_case { "may have mixed case, but should otherwise match: " } else { "" };
            errors.push(FieldError::invalid(field, name, format!("{prefix}{}", reasons.join(","))));
        }
    };
    for (key, mixed_case) in [("plural", false), ("singular", false), ("kind", true), ("listKind", true)] {
        check(format!("spec.names.{key}"), text(names, key), mixed_case);
    }
    for (index, name) in list(names, "shortNames").iter().enumerate() {
        check(format!("spec.names.shortNames[{index}]"), name.as_str().unwrap_or_default(), false);
    }
    let categories = list(names, "categories");
    for (index, name) in categories.iter().enumerate() {
        check(format!("spec.names.categories[{index}]"), name.as_str().unwrap_or_default(), false);
    }
    let (kind, list_kind) = (text(names, "kind"), text(names, "listKind"));
    if !kind.is_empty() && kind == list_kind {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid("spec.names.listKind", list_kind, detail));
    }
}

fn check_schema(version: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(schema) = version.pointer("/schema/openAPIV3Schema").filter(|schema| !schema.is_null()) {
        let path = format!("{path}.openAPIV3Schema");
        let mut wrong = structural::check(schema, &path);
        cel::check(schema, &path, &mut wrong);
        errors.append(&mut wrong);
    }
}

fn check_subresources(version: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(scale) = version.pointer("/subresources/scale").filter(|scale| !scale.is_null()) else { return };
    for (key, roots, rule, required) in [
        ("specReplicasPath", &["spec"][..], "should be a json path under .spec", true),
        ("statusReplicasPath", &["status"], "should be a json path under .status", true),
        ("labelSelectorPath", &["spec", "status"], "should be a json path under either .spec or .status", false),
    ] {
        let field = format!("{path}.scale.{key}");
        let given = text(scale, key);
        let under =
            given.strip_prefix('.').and_then(|p| p.split_once('.')).is_some_and(|(root, _)| roots.contains(&root));
        if given.is_empty() {
            if required {
                errors.push(FieldError::required(field, ""));
            }
        } else if !given.starts_with('.') {
            errors.push(FieldError::invalid(field, given, "must be a simple json path starting with ."));
        } else if !under {
            errors.push(FieldError::invalid(field, given, rule));
        }
    }
}

fn check_columns(version: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (index, column) in list(version, "additionalPrinterColumns").iter().enumerate() {
        let at = |key: &str| format!("{path}[{index}].{key}");
        if text(column, "name").is_empty() {
            errors.push(FieldError::required(at("name"), ""));
        }
        let (ty, format) = (text(column, "type"), text(column, "format"));
        let detail = format!("must be one of {}", COLUMN_TYPES.join(","));
        if ty.is_empty() {
            errors.push(FieldError::required(at("type"), detail));
        } else if !COLUMN_TYPES.contains(&ty) {
            errors.push(FieldError::invalid(at("type"), ty, detail));
        }
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let detail = format!("must be one of {}", COLUMN_FORMATS.join(","));
            errors.push(FieldError::invalid(at("format"), format, detail));
        }
        match text(column, "jsonPath") {
            "" => errors.push(FieldError::required(at("JSONPath"), "")),
            given if !given.starts_with('.') => {
                errors.push(FieldError::invalid(at("JSONPath"), given, "must be a simple json path starting with ."));
            }
            _ => {}
        }
    }
}

fn check_selectable_fields(version: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let schema = version.pointer("/schema/openAPIV3Schema").unwrap_or(&Value::Null);
    let mut seen: Vec<&str> = Vec::new();
    for (index, selectable) in list(version, "selectableFields").iter().enumerate() {
        let field = format!("{path}[{index}].jsonPath");
        let given = text(selectable, "jsonPath");
        if given.is_empty() {
            errors.push(FieldError::required(field, ""));
            continue;
        }
        let found = match find_field(schema, given) {
            Ok(found) => found,
            Err(reason) => {
                errors.push(FieldError::invalid(field, given, format!("is an invalid path: {reason}")));
                continue;
            }
        };
        if given.starts_with(".metadata.") {
            errors.push(FieldError::invalid(field.as_str(), given, "must not point to fields in metadata"));
        }
        if !["string", "boolean", "integer"].contains(&text(found, "type")) {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with \
                          formats are allowed.";
            errors.push(FieldError::invalid(field.as_str(), given, detail));
        }
        if seen.contains(&given) {
            errors.push(FieldError::duplicate(field, given));
        } else {
            seen.push(given);
        }
    }
    if seen.len() > MOST_SELECTABLE_FIELDS {
        let detail = format!("{}: must have at most {MOST_SELECTABLE_FIELDS} items", seen.len());
        errors.push(FieldError::new(FieldErrorKind::TooMany, path, Value::Null, detail));
    }
}

/// The schema of the field at a path such as `.spec.color`.
fn find_field<'a>(schema: &'a Value, path: &str) -> Result<&'a Value, String> {
    let Some(rest) = path.strip_prefix('.') else {
        return Err(format!("expected [ or . but got: {}", path.split('.').next().unwrap_or_default()));
    };
    rest.split('.').try_fold(schema, |schema, name| {
        let property = schema.get("properties").and_then(|properties| properties.get(name));
        property.ok_or_else(|| "does not refer to a valid field".to_owned())
    })
}

fn check_conversion(conversion: &Value, errors: &mut Vec<FieldError>) {
    let webhook = &conversion["webhook"];
    match text(conversion, "strategy") {
        "None" if !webhook.is_null() => {
            let detail = "should not be set when strategy is not set to Webhook";
            if !webhook["clientConfig"].is_null() {
                errors.push(FieldError::forbidden("spec.conversion.webhookClientConfig", detail));
            }
            if !list(webhook, "conversionReviewVersions").is_empty() {
                errors.push(FieldError::forbidden("spec.conversion.conversionReviewVersions", detail));
            }
        }
        "None" => {}
        "Webhook" => {
            // The fields have other names here than in the manifest, as on the real server.
            let path = Path::new("spec");
            let path = path.child("conversion");
            let config = path.child("webhookClientConfig");
            if webhook["clientConfig"].is_null() {
                errors.push(FieldError::required(config, "required when strategy is set to Webhook"));
            } else {
                errors.extend(kinds::webhook_client_config(&webhook["clientConfig"], &config));
            }
            let versions = path.child("conversionReviewVersions");
            errors.extend(kinds::review_versions(webhook.list("conversionReviewVersions"), &versions, ""));
        }
        "" => errors.push(FieldError::required("spec.conversion.strategy", "")),
        other => errors.push(FieldError::not_supported("spec.conversion.strategy", other, &["None", "Webhook"])),
    }
}

fn check_approval(definition: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    if !is_protected(text(&definition["spec"], "group")) {
        return;
    }
    let state = approval(definition);
    if old.is_some_and(|old| std::mem::discriminant(&approval(old)) == std::mem::discriminant(&state)) {
        return;
    }
    let field = format!("metadata.annotations[{APPROVED}]");
    let rule = format!("protected groups must have approval annotation {APPROVED:?}");
    let source = "see https://github.com/kubernetes/enhancements/pull/1111";
    match state {
        Approval::Missing => errors.push(FieldError::required(field, format!("{rule}, {source}"))),
        Approval::Invalid(given) => {
            let detail = format!("{rule} with either a URL or a reason starting with \"unapproved\", {source}");
            errors.push(FieldError::invalid(field, given, detail));
        }
        Approval::Approved(_) | Approval::Bypassed(_) => {}
    }
}

/// What a definition says of its approval.
pub(super) enum Approval<'a> {
    Missing,
    Invalid(&'a str),
    /// By the pull request at this address.
    Approved(&'a str),
    /// For this reason.
    Bypassed(&'a str),
}

pub(super) fn approval(definition: &Value) -> Approval<'_> {
    match text(&definition["metadata"]["annotations"], APPROVED) {
        "" => Approval::Missing,
        reason if reason.starts_with("unapproved") => Approval::Bypassed(reason),
        url if url.split_once("://").is_some_and(|(scheme, host)| !scheme.is_empty() && !host.is_empty()) => {
            Approval::Approved(url)
        }
        other => Approval::Invalid(other),
    }
}

/// Groups of the Kubernetes project.
pub(super) fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"].iter().any(|own| group == *own || group.ends_with(&format!(".{own}")))
}

fn check_stored_versions(definition: &Value, errors: &mut Vec<FieldError>) {
    let stored = definition["status"].get("storedVersions").cloned().unwrap_or_default();
    let field = "status.storedVersions";
    let names: Vec<&str> = stored.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() {
        errors.push(FieldError::invalid(field, stored, "must have at least one stored version"));
        return;
    }
    let versions = list(&definition["spec"], "versions");
    for version in versions.iter().filter(|version| version.get("storage") == Some(&Value::Bool(true))) {
        let name = text(version, "name");
        if !names.contains(&name) {
            errors.push(FieldError::invalid(field, stored.clone(), format!("must have the storage version {name}")));
        }
    }
    for (index, name) in names.into_iter().enumerate() {
        if !versions.iter().any(|version| text(version, "name") == name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {name} and removes {name} from \
                 status.storedVersions"
            );
            errors.push(FieldError::invalid(format!("{field}[{index}]"), name, detail));
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::super::prepare_create;
    use super::*;

    fn definition() -> Value {
        json!({"metadata": {"name": "ts.v.io"}, "spec": {"group": "v.io", "names": {"plural": "ts", "kind": "T"},
            "scope": "Cluster", "versions": [version("v1", true)]}})
    }

    fn version(name: &str, storage: bool) -> Value {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "a": {"type": "string"}, "o": {"type": "object"}}}}});
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": schema}})
    }

    fn errors(pointer: &str, value: Value) -> String {
        let mut definition = definition();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        definition.pointer_mut(parent).unwrap()[key] = value;
        set_defaults(&mut definition);
        prepare_create(&mut definition);
        validate(&definition, None).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_may_be_left_out_is_filled_in() {
        let mut definition = definition();
        set_defaults(&mut definition);
        let names = json!({"plural": "ts", "singular": "t", "kind": "T", "listKind": "TList"});
        assert_eq!(definition["spec"]["names"], names);
        assert_eq!(definition["spec"]["conversion"], json!({"strategy": "None"}));
        prepare_create(&mut definition);
        assert_eq!(validate(&definition, None), Vec::new());
    }

    /// Each message was given by a real server.
    #[test]
    fn definitions_are_refused_in_the_real_servers_words() {
        let label = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
                     character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
                     validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
        let name = "metadata.name: Invalid value: \"ts.v.io\": must be spec.names.plural+\".\"+spec.group";
        for (pointer, value, expected) in [
            ("/spec/scope", json!("Foo"), "spec.scope: Unsupported value: \"Foo\": supported values: \"Cluster\", \"Namespaced\"".into()),
            ("/spec/scope", json!(""), "spec.scope: Required value".into()),
            ("/spec/group", json!(""), format!("{name}, spec.group: Required value")),
            ("/spec/group", json!("other.io"), name.into()),
            (
                "/spec/names",
                json!({"plural": "ts"}),
                "spec.names.singular: Required value, spec.names.kind: Required value, spec.names.listKind: Required value".into(),
            ),
            (
                "/spec/names",
                json!({"plural": "ts", "kind": "T", "listKind": "T", "shortNames": ["A"]}),
                format!("spec.names.shortNames[0]: Invalid value: \"A\": {label}, \
                    spec.names.listKind: Invalid value: \"T\": kind and listKind may not be the same"),
            ),
            (
                "/spec/versions",
                json!([]),
                "spec.versions: Invalid value: []: must have exactly one version marked as storage version, \
                 status.storedVersions: Invalid value: null: must have at least one stored version".into(),
            ),
            (
                "/spec/versions/0/schema",
                json!({}),
                "spec.versions[0].schema.openAPIV3Schema: Required value".into(),
            ),
            (
                "/spec/versions/0/schema/openAPIV3Schema",
                json!({"type": "string"}),
                "spec.validation.openAPIV3Schema.type: Invalid value: \"string\": must be object at the root".into(),
            ),
            (
                "/spec/preserveUnknownFields",
                json!(true),
                "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set \
                 x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead".into(),
            ),
            (
                "/spec/conversion",
                json!({"strategy": "Foo"}),
                "spec.conversion.strategy: Unsupported value: \"Foo\": supported values: \"None\", \"Webhook\"".into(),
            ),
            (
                "/spec/versions/0/subresources",
                json!({"scale": {"specReplicasPath": "spec.a", "statusReplicasPath": ".spec.a", "labelSelectorPath": ".foo"}}),
                "spec.subresources.scale.specReplicasPath: Invalid value: \"spec.a\": must be a simple json path starting with ., \
                 spec.subresources.scale.statusReplicasPath: Invalid value: \".spec.a\": should be a json path under .status, \
                 spec.subresources.scale.labelSelectorPath: Invalid value: \".foo\": should be a json path under either .spec or .status".into(),
            ),
            (
                "/spec/versions/0/additionalPrinterColumns",
                json!([{"name": "", "type": "foo", "jsonPath": "spec.a"}]),
                "spec.additionalPrinterColumns[0].name: Required value, \
                 spec.additionalPrinterColumns[0].type: Invalid value: \"foo\": must be one of boolean,date,integer,number,string, \
                 spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"spec.a\": must be a simple json path starting with .".into(),
            ),
            (
                "/spec/versions/0/selectableFields",
                json!([{"jsonPath": ".spec.a"}, {"jsonPath": ".spec.a"}, {"jsonPath": ".spec.o"}, {"jsonPath": "spec.a"},
                    {"jsonPath": ".metadata.name"}, {"jsonPath": ""}]),
                "spec.selectableFields[1].jsonPath: Duplicate value: \".spec.a\", \
                 spec.selectableFields[2].jsonPath: Invalid value: \".spec.o\": must point to a field of type string, boolean \
                 or integer. Enum string fields and strings with formats are allowed., \
                 spec.selectableFields[3].jsonPath: Invalid value: \"spec.a\": is an invalid path: expected [ or . but got: spec, \
                 spec.selectableFields[4].jsonPath: Invalid value: \".metadata.name\": is an invalid path: does not refer to a valid field, \
                 spec.selectableFields[5].jsonPath: Required value".into(),
            ),
            (
                "/spec/versions/0/deprecationWarning",
                json!("x"),
                "spec.versions[0].deprecationWarning: Invalid value: \"x\": can only be set for deprecated versions".into(),
            ),
        ] {
            assert_eq!(errors(pointer, value), expected, "{pointer}");
        }
    }

    #[test]
    fn what_differs_between_versions_is_reported_with_its_version() {
        let mut other = version("v2", false);
        other["schema"]["openAPIV3Schema"] = json!({"type": "string"});
        let refused = errors("/spec/versions", json!([version("v1", true), other]));
        assert_eq!(
            refused,
            "spec.versions[1].schema.openAPIV3Schema.type: Invalid value: \"string\": must be object at the root"
        );
    }

    #[test]
    fn a_conversion_webhook_says_where_it_is_and_what_it_speaks() {
        let webhook = |webhook: Value| errors("/spec/conversion", json!({"strategy": "Webhook", "webhook": webhook}));
        let url = json!({"url": "https://localhost/convert"});
        assert_eq!(webhook(json!({"clientConfig": url, "conversionReviewVersions": ["v1"]})), "");
        assert_eq!(
            webhook(json!({"clientConfig": {}, "conversionReviewVersions": []})),
            "spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required, \
             spec.conversion.conversionReviewVersions: Required value"
        );
    }

    #[test]
    fn groups_of_the_kubernetes_project_need_approval() {
        let mut definition = definition();
        definition["spec"]["group"] = "foo.k8s.io".into();
        definition["metadata"]["name"] = "ts.foo.k8s.io".into();
        set_defaults(&mut definition);
        prepare_create(&mut definition);
        let first =
            |definition: &Value| validate(definition, None).first().map(ToString::to_string).unwrap_or_default();
        assert_eq!(
            first(&definition),
            "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval \
             annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111"
        );
        definition["metadata"]["annotations"] = json!({APPROVED: "bla"});
        assert!(first(&definition).contains("with either a URL or a reason starting with \"unapproved\""));
        definition["metadata"]["annotations"] = json!({APPROVED: "unapproved, x"});
        assert_eq!(first(&definition), "");
    }

    #[test]
    fn what_objects_depend_on_can_not_be_changed() {
        let mut old = definition();
        set_defaults(&mut old);
        prepare_create(&mut old);
        let change = |pointer: &str, old: &Value| {
            let mut new = old.clone();
            *new.pointer_mut(pointer).unwrap() = "Namespaced".into();
            validate(&new, Some(old)).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(change("/spec/group", &old).split(": ").last(), Some("field is immutable"));
        assert_eq!(change("/spec/scope", &old), "", "it serves nothing yet");
        old["status"]["conditions"] = json!([{"type": "Established", "status": "True"}]);
        assert_eq!(change("/spec/scope", &old), "spec.scope: Invalid value: \"Namespaced\": field is immutable");
        let mut new = old.clone();
        new["spec"]["versions"][0]["name"] = "v2".into();
        let refused = validate(&new, Some(&old)).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        assert!(
            refused.contains("status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions"),
            "{refused}"
        );
    }
}
