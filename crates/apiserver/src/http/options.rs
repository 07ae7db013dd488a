//! The options of requests (`ListOptions`, `CreateOptions`, …), checked as they enter.

use serde_json::Value;

use super::query::Query;
use crate::field::{FieldError, FieldErrorKind};
use crate::selector::{FieldSelector, LabelSelector};
use crate::status::{ApiError, ApiResult};

/// How unknown and duplicate fields are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum FieldValidation {
    /// Dropped silently.
    Ignore,
    /// Dropped, with a warning header for each.
    #[default]
    Warn,
    /// Refused.
    Strict,
}

/// What create, update and patch have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteOptions {
    /// Go through everything, store nothing.
    pub dry_run: bool,
    /// Who owns the fields that are written; empty: derived from the user agent.
    pub field_manager: String,
    /// What becomes of unknown fields.
    pub field_validation: FieldValidation,
    /// Server-side apply takes fields away from other managers.
    pub force: bool,
}

impl WriteOptions {
    /// Reads `CreateOptions` or `UpdateOptions`.
    pub(crate) fn parse(query: &Query, kind: &str) -> ApiResult<Self> {
        Self::checked(query, kind, Vec::new())
    }

    /// Reads `PatchOptions`.
    pub(crate) fn parse_patch(query: &Query, is_apply: bool) -> ApiResult<Self> {
        let mut errors = Vec::new();
        if is_apply && query.get("fieldManager").unwrap_or_default().is_empty() {
            errors.push(FieldError::required("fieldManager", "is required for apply patch"));
        }
        if !is_apply && query.get("force").is_some() {
            errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
        }
        Self::checked(query, "PatchOptions", errors)
    }

    fn checked(query: &Query, kind: &str, mut errors: Vec<FieldError>) -> ApiResult<Self> {
        let field_manager = query.text("fieldManager");
        errors.extend(check_field_manager(&field_manager));
        let dry_run = query.all("dryRun");
        errors.extend(check_dry_run(&dry_run));
        let field_validation = match query.get("fieldValidation").unwrap_or_default() {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let known = ["", "Ignore", "Strict", "Warn"];
                errors.push(FieldError::not_supported("fieldValidation", other, &known));
                FieldValidation::Warn
            }
        };
        refuse(kind, errors)?;
        let force = query.flag("force").unwrap_or(false);
        Ok(Self { dry_run: !dry_run.is_empty(), field_manager, field_validation, force })
    }
}

fn check_field_manager(manager: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if manager.len() > 128 {
        let detail = "may not be more than 128 bytes";
        errors.push(FieldError::new(FieldErrorKind::TooLong, "fieldManager", Value::Null, detail));
    }
    for (at, letter) in manager.char_indices().filter(|(_, letter)| letter.is_control()) {
        let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(letter));
        errors.push(FieldError::invalid("fieldManager", manager, detail));
    }
    errors
}

fn check_dry_run(values: &[String]) -> Option<FieldError> {
    let bad = values.iter().any(|value| value != "All");
    bad.then(|| FieldError::not_supported("dryRun", values.to_vec(), &["All"]))
}

fn refuse(kind: &str, errors: Vec<FieldError>) -> ApiResult<()> {
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid("meta.k8s.io", kind, "", errors)) }
}

/// `resourceVersionMatch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionMatch {
    /// The state at exactly that version.
    Exact,
    /// That version or any later one.
    NotOlderThan,
}

/// `ListOptions` of list, watch and deletecollection.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListOptions {
    /// Which objects, by label.
    pub labels: LabelSelector,
    /// Which objects, by field; names not yet checked against the kind.
    pub fields: FieldSelector,
    /// Watch instead of list.
    pub watch: bool,
    /// Bookmarks are welcome.
    pub allow_bookmarks: bool,
    /// As sent; empty means the newest.
    pub resource_version: String,
    /// How `resource_version` is meant.
    pub version_match: Option<VersionMatch>,
    /// The watch starts with the objects that are there.
    pub send_initial_events: Option<bool>,
    /// The watch ends after so many seconds.
    pub timeout_seconds: Option<u64>,
    /// At most so many objects; 0: all.
    pub limit: usize,
    /// Where the last page ended.
    pub continue_token: String,
}

impl ListOptions {
    /// Reads the options of a list, watch or deletecollection.
    pub(crate) fn parse(query: &Query) -> ApiResult<Self> {
        let mut match_text = query.text("resourceVersionMatch");
        let timeout = query.integer("timeoutSeconds")?;
        let limit = query.integer("limit")?.unwrap_or(0);
        let labels = LabelSelector::parse(&query.text("labelSelector")).map_err(ApiError::bad_request)?;
        let fields = FieldSelector::parse(&query.text("fieldSelector")).map_err(ApiError::bad_request)?;
        let watch = query.flag("watch").unwrap_or(false);
        let mut send_initial_events = query.flag("sendInitialEvents");
        // A watch that does not say where to start gets what is there first.
        let from_anywhere = matches!(query.get("resourceVersion").unwrap_or_default(), "" | "0");
        if watch && from_anywhere && send_initial_events.is_none() && match_text.is_empty() {
            send_initial_events = Some(true);
            match_text = "NotOlderThan".into();
        }
        let options = Self {
            labels,
            fields,
            watch,
            allow_bookmarks: query.flag("allowWatchBookmarks").unwrap_or(false),
            resource_version: query.text("resourceVersion"),
            version_match: match match_text.as_str() {
                "Exact" => Some(VersionMatch::Exact),
                "NotOlderThan" => Some(VersionMatch::NotOlderThan),
                _ => None,
            },
            send_initial_events,
            timeout_seconds: timeout.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0),
            // A negative limit means none, as in the real server.
            limit: usize::try_from(limit).unwrap_or(0),
            continue_token: query.text("continue"),
        };
        refuse("ListOptions", options.problems(&match_text))?;
        Ok(options)
    }

    fn problems(&self, match_text: &str) -> Vec<FieldError> {
        let forbidden = |why: &str| FieldError::forbidden("resourceVersionMatch", why);
        let given = !match_text.is_empty();
        let mut errors = Vec::new();
        if self.watch {
            if self.send_initial_events.is_some() && self.version_match != Some(VersionMatch::NotOlderThan) {
                errors.push(forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
            }
            if given && self.send_initial_events.is_none() {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(forbidden(why));
            }
            if given && self.version_match != Some(VersionMatch::NotOlderThan) {
                errors.push(FieldError::not_supported("resourceVersionMatch", match_text, &["NotOlderThan"]));
            }
            if given && !self.continue_token.is_empty() {
                errors.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
            }
            return errors;
        }
        if given && self.resource_version.is_empty() {
            errors.push(forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"));
        }
        if given && !self.continue_token.is_empty() {
            errors.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
        }
        if given && self.version_match.is_none() {
            let known = ["Exact", "NotOlderThan", ""];
            errors.push(FieldError::not_supported("resourceVersionMatch", match_text, &known));
        }
        if self.version_match == Some(VersionMatch::Exact) && self.resource_version == "0" {
            errors.push(forbidden("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
        }
        if self.send_initial_events.is_some() {
            errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        errors
    }
}

/// What becomes of an object's dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// The garbage collector deletes them afterwards.
    Background,
    /// The object stays until they are gone.
    Foreground,
    /// They stay and lose their owner.
    Orphan,
}

/// `DeleteOptions`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeleteOptions {
    /// Go through everything, delete nothing.
    pub dry_run: bool,
    /// Seconds that the object is given to end; `None`: the kind's default.
    pub grace_period_seconds: Option<i64>,
    /// The object must have this uid.
    pub precondition_uid: Option<String>,
    /// The object must have this resourceVersion.
    pub precondition_resource_version: Option<String>,
    /// What becomes of the dependents; `None`: the kind's default.
    pub propagation: Option<Propagation>,
    /// The old form of `propagation`; changes the code of the answer.
    pub orphan_dependents: Option<bool>,
}

impl DeleteOptions {
    /// Reads the options from the body, or from the query if there is no body.
    pub(crate) fn parse(body: Option<&Value>, query: &Query) -> ApiResult<Self> {
        let fields = match body {
            Some(body) => RawDeleteOptions::from_body(body)?,
            None => RawDeleteOptions {
                dry_run: query.all("dryRun"),
                grace: query.integer("gracePeriodSeconds")?,
                policy: query.get("propagationPolicy").map(str::to_string),
                orphan: query.flag("orphanDependents"),
                uid: Some(query.text("uid")).filter(|uid| !uid.is_empty()),
                resource_version: Some(query.text("resourceVersion")).filter(|version| !version.is_empty()),
            },
        };
        fields.checked()
    }
}

struct RawDeleteOptions {
    dry_run: Vec<String>,
    grace: Option<i64>,
    policy: Option<String>,
    orphan: Option<bool>,
    uid: Option<String>,
    resource_version: Option<String>,
}

impl RawDeleteOptions {
    fn from_body(body: &Value) -> ApiResult<Self> {
        let text = |field: &str, default| body.get(field).and_then(Value::as_str).unwrap_or(default);
        let (kind, version) = (text("kind", "DeleteOptions"), text("apiVersion", "v1"));
        if !body.is_object() {
            return Err(ApiError::bad_request("decoded object cannot be converted to DeleteOptions"));
        }
        if kind != "DeleteOptions" {
            return Err(ApiError::bad_request(format!(
                "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
            )));
        }
        let wrong = |field: &str, found: &Value, wanted: &str| {
            let found = match found {
                Value::String(_) => "string",
                Value::Number(_) => "number",
                Value::Bool(_) => "bool",
                Value::Array(_) => "array",
                _ => "object",
            };
            ApiError::bad_request(format!(
                "json: cannot unmarshal {found} into Go struct field DeleteOptions.{field} of type {wanted}"
            ))
        };
        let text = |path: &str, value: Option<&Value>| match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong(path, other, "string")),
        };
        let preconditions = body.get("preconditions");
        let precondition = |name: &str| preconditions.and_then(|p| p.get(name));
        Ok(Self {
            dry_run: match body.get("dryRun") {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::Array(values)) => {
                    values.iter().map(|v| v.as_str().unwrap_or_default().to_string()).collect()
                }
                Some(other) => return Err(wrong("dryRun", other, "[]string")),
            },
            grace: match body.get("gracePeriodSeconds") {
                None | Some(Value::Null) => None,
                Some(value) => Some(value.as_i64().ok_or_else(|| wrong("gracePeriodSeconds", value, "int64"))?),
            },
            policy: text("propagationPolicy", body.get("propagationPolicy"))?,
            orphan: match body.get("orphanDependents") {
                None | Some(Value::Null) => None,
                Some(value) => Some(value.as_bool().ok_or_else(|| wrong("orphanDependents", value, "bool"))?),
            },
            uid: text("preconditions.uid", precondition("uid"))?,
            resource_version: text("preconditions.resourceVersion", precondition("resourceVersion"))?,
        })
    }

    fn checked(self) -> ApiResult<DeleteOptions> {
        let mut errors = Vec::new();
        if let (Some(_), Some(policy)) = (self.orphan, &self.policy) {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid("propagationPolicy", policy.as_str(), why));
        }
        let propagation = match self.policy.as_deref() {
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                let known = ["Foreground", "Background", "Orphan", "nil"];
                errors.push(FieldError::not_supported("propagationPolicy", other, &known));
                None
            }
            None => self.orphan.map(|orphan| if orphan { Propagation::Orphan } else { Propagation::Background }),
        };
        errors.extend(check_dry_run(&self.dry_run));
        refuse("DeleteOptions", errors)?;
        Ok(DeleteOptions {
            dry_run: !self.dry_run.is_empty(),
            grace_period_seconds: self.grace,
            precondition_uid: self.uid,
            precondition_resource_version: self.resource_version,
            propagation,
            orphan_dependents: self.orphan,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list_error(query: &str) -> String {
        ListOptions::parse(&Query::parse(query)).unwrap_err().message
    }

    #[test]
    fn list_options_are_refused_with_the_real_messages() {
        assert_eq!(
            list_error("resourceVersionMatch=Exact"),
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden \
             unless resourceVersion is provided"
        );
        assert_eq!(
            list_error("watch=1&sendInitialEvents=true&resourceVersionMatch=Exact"),
            "ListOptions.meta.k8s.io \"\" is invalid: [resourceVersionMatch: Forbidden: sendInitialEvents requires \
             setting resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: \"Exact\": \
             supported values: \"NotOlderThan\"]"
        );
        assert_eq!(
            list_error("sendInitialEvents=true"),
            "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for \
             list"
        );
    }

    #[test]
    fn write_options_are_refused_with_the_real_messages() {
        let error = WriteOptions::parse(&Query::parse("dryRun=foo"), "CreateOptions").unwrap_err();
        assert_eq!(
            error.message,
            "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"foo\"]: supported values: \"All\""
        );
        let error = WriteOptions::parse_patch(&Query::default(), true).unwrap_err();
        assert_eq!(
            error.message,
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
        );
        let error = WriteOptions::parse_patch(&Query::parse("force=true"), false).unwrap_err();
        assert_eq!(error.code, 422);
    }

    #[test]
    fn delete_options_come_from_the_body_or_the_query() {
        let body = json!({"propagationPolicy": "Foreground", "preconditions": {"uid": "u"}, "gracePeriodSeconds": 0});
        let options = DeleteOptions::parse(Some(&body), &Query::default()).unwrap();
        assert_eq!(options.propagation, Some(Propagation::Foreground));
        assert_eq!(options.precondition_uid.as_deref(), Some("u"));
        assert_eq!(options.grace_period_seconds, Some(0));
        let options = DeleteOptions::parse(None, &Query::parse("propagationPolicy=Orphan")).unwrap();
        assert_eq!(options.propagation, Some(Propagation::Orphan));
        assert!(DeleteOptions::parse(None, &Query::parse("propagationPolicy=X")).is_err());
        let options = DeleteOptions::parse(None, &Query::parse("uid=u&resourceVersion=7")).unwrap();
        let preconditions = (options.precondition_uid.as_deref(), options.precondition_resource_version.as_deref());
        assert_eq!(preconditions, (Some("u"), Some("7")));
        assert!(DeleteOptions::parse(Some(&json!({"kind": "Pod"})), &Query::default()).is_err());
    }
}
