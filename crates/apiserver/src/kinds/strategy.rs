//! What a kind does beyond its schema, as one trait.

use serde_json::{Value, json};

use super::allocation::Reservation;
use super::names::NameRule;
use super::tree::{Tree, equal};
use crate::field::FieldError;
use crate::status::ApiResult;

/// The write that a strategy works for.
#[derive(Debug)]
pub struct KindContext<'a> {
    /// API group; empty for the core group.
    pub group: &'a str,
    /// Version that the client speaks.
    pub version: &'a str,
    /// Kind.
    pub kind: &'a str,
    /// Plural name of the resource.
    pub resource: &'a str,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Addresses that this write takes. Commit it after the write has succeeded; drop it otherwise, and for a dry run.
    pub reservation: Reservation<'a>,
}

/// What a kind does beyond its schema. All methods take objects whose types have been checked; they never panic,
/// whatever they get.
///
/// Order of calls: `default` after decoding; then [`super::before_create`], [`super::before_update`] or
/// [`super::before_status_update`] call the rest.
pub trait Strategy: Send + Sync {
    /// Fills in the defaults of a built-in kind, as it was sent in `version`.
    fn default(&self, version: &str, object: &mut Value) {
        let _ = (version, object);
    }

    /// How objects may be named.
    fn name_rule(&self) -> NameRule {
        NameRule::Subdomain
    }

    /// Whether status is written through `/status` only.
    fn has_status(&self) -> bool {
        false
    }

    /// The status of an object whose status nobody has written. The real server stores it with the object, with the
    /// numbers that are always shown.
    fn empty_status(&self) -> Value {
        json!({})
    }

    /// Whether the server counts changes of the spec in `metadata.generation`.
    fn has_generation(&self) -> bool {
        false
    }

    /// Whether an update is one that counts. Called after `prepare_update`. Default: anything but metadata and status
    /// differs.
    fn generation_changes(&self, new: &Value, old: &Value) -> bool {
        differs_outside(new, old, &["apiVersion", "kind", "metadata", "status"])
    }

    /// Readies a new object: empties its status, allocates. Name, uid and creation time are set before.
    fn prepare_create(&self, context: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        let _ = context;
        if self.has_status() {
            object.set("status", self.empty_status());
        }
        Ok(())
    }

    /// Readies an update of the main resource: keeps the status, and what only the server sets.
    fn prepare_update(&self, context: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        let _ = context;
        if self.has_status() {
            new.copy_field("status", old);
        }
        Ok(())
    }

    /// Readies an update of `/status`: keeps everything that is not status. Labels and annotations may be changed here,
    /// as they can on the real server.
    fn prepare_status_update(&self, new: &mut Value, old: &Value) {
        new.copy_field("spec", old);
    }

    /// Checks a whole object, all but its metadata.
    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let _ = object;
        Vec::new()
    }

    /// Checks an update, all but its metadata.
    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let _ = old;
        self.validate(new)
    }

    /// Checks an update of `/status`, all but its metadata.
    fn validate_status_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let _ = (new, old);
        Vec::new()
    }

    /// Whether finalizers need a domain. Custom resources take any qualified name.
    fn standard_finalizers(&self) -> bool {
        true
    }

    /// Whether an update checks the whole metadata once more by the kind's rules. It makes no difference to what is
    /// refused, but the real server then lists the same causes twice more.
    fn rechecks_metadata(&self) -> bool {
        false
    }

    /// Texts for `Warning:` headers on a new object as it is given, before anything is filled in; clients get them even if the
    /// object is refused.
    fn given_warnings(&self, _object: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Texts for `Warning:` headers. `old` is none for a create.
    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let _ = (new, old);
        Vec::new()
    }

    /// The text of a `Warning:` header of every answer on this kind, reads too.
    fn deprecation(&self) -> Option<&'static str> {
        None
    }

    /// Names that field selectors may use, beyond metadata.name and metadata.namespace.
    fn selectable_fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// The value of a selectable field, as a selector sees it. Default: what stands at the path of that name.
    fn field_value(&self, name: &str, object: &Value) -> String {
        match object.at(name) {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// Fields that a write through `subresource` (empty: the object itself) does not change, so server-side apply lets
    /// nobody own them: paths such as `spec` or `metadata.labels`.
    fn reset_fields(&self, subresource: &str) -> &'static [&'static str] {
        match subresource {
            "" if self.has_status() => &["status"],
            "status" => &["spec"],
            _ => &[],
        }
    }

    /// Whether the check of a new object looks at its metadata too; otherwise those are looked at when all else is right.
    fn validates_metadata(&self) -> bool {
        true
    }

    /// Whether PUT makes an object that is not there.
    fn creates_on_update(&self) -> bool {
        false
    }

    /// Whether server-side apply to the status makes an object that is not there.
    fn status_creates_on_apply(&self) -> bool {
        false
    }

    /// Whether PUT works without a resourceVersion.
    fn unconditional_update(&self) -> bool {
        true
    }
}

/// Whether two objects differ in a top-level field that is not among `except`.
pub(super) fn differs_outside(new: &Value, old: &Value, except: &[&str]) -> bool {
    let keys = |object: &Value| -> Vec<String> {
        object
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys())
            .filter(|k| !except.contains(&k.as_str()))
            .cloned()
            .collect()
    };
    keys(new).iter().chain(&keys(old)).any(|key| !equal(&new[key.as_str()], &old[key.as_str()]))
}
