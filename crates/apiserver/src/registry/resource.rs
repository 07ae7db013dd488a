//! One resource in one version.

use std::sync::{Arc, OnceLock};

use super::custom::CustomVersion;
use crate::kinds::{CustomResource, Strategy};
use crate::schema::{BuiltinSchemas, TypeRef};
use crate::store::Collection;

/// A resource as one version serves it: `deployments` of `apps/v1`.
#[derive(Debug)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// `apiVersion` of its objects: `v1`, `apps/v1`.
    pub api_version: String,
    /// Kind of its objects.
    pub kind: String,
    /// Kind of its lists.
    pub list_kind: String,
    /// Name in paths.
    pub plural: String,
    /// Name for people.
    pub singular: String,
    /// Short names for people.
    pub short_names: Vec<String>,
    /// Groups of resources that it is listed with, such as `all`.
    pub categories: Vec<String>,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// What may be asked of it; empty: nothing but its subresources.
    pub verbs: Vec<String>,
    /// Its subresources, sorted by name.
    pub subresources: Vec<Subresource>,
    /// `apiVersion` that objects are stored in.
    pub storage_api_version: String,
    pub(crate) collection: Arc<Collection>,
    pub(crate) custom: Option<Arc<CustomVersion>>,
    pub(crate) strategy: ResourceStrategy,
    pub(crate) ty: OnceLock<Option<TypeRef>>,
    /// How its objects start in JSON.
    pub(crate) prefix: String,
}

/// A subresource such as `status`.
#[derive(Debug, Clone)]
pub struct Subresource {
    /// Its name.
    pub name: String,
    /// Group of the kind that it speaks.
    pub group: String,
    /// Version of the kind that it speaks.
    pub version: String,
    /// The kind that it speaks.
    pub kind: String,
    /// What may be asked of it.
    pub verbs: Vec<String>,
}

/// Strategies of built-in kinds live as long as the program, those of custom resources as long as their definition.
pub(crate) enum ResourceStrategy {
    Builtin(&'static dyn Strategy),
    Custom(CustomResource),
}

impl Resource {
    /// What the kind does beyond its schema.
    pub fn strategy(&self) -> &dyn Strategy {
        match &self.strategy {
            ResourceStrategy::Builtin(strategy) => *strategy,
            ResourceStrategy::Custom(strategy) => strategy,
        }
    }

    /// The type of its objects; made when first asked for.
    pub fn ty(&self) -> Option<&TypeRef> {
        let find = || match &self.custom {
            Some(custom) => Some(custom.ty.clone()),
            None => BuiltinSchemas::get().kind(&self.group, &self.version, &self.kind),
        };
        self.ty.get_or_init(find).as_ref()
    }

    /// Whether a CustomResourceDefinition defines it.
    pub fn is_custom(&self) -> bool {
        self.custom.is_some()
    }

    /// Whether its objects define custom resources.
    pub(crate) fn is_definitions(&self) -> bool {
        self.group == "apiextensions.k8s.io" && self.plural == "customresourcedefinitions"
    }

    /// Where its objects are stored.
    pub fn collection(&self) -> &Arc<Collection> {
        &self.collection
    }

    /// What the real server calls the Go type of its objects, or with `List` of lists of them, where it shows it.
    pub(crate) fn go_type(&self, suffix: &str) -> String {
        if self.is_custom() {
            return format!("unstructured.Unstructured{suffix}");
        }
        let package = match self.group.split('.').next().unwrap_or_default() {
            "" | "events" => "core",
            package => package,
        };
        format!("{package}.{}{suffix}", self.kind)
    }

    /// Whether a verb may be asked of it.
    pub fn allows(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    /// The subresource of that name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }

    /// The names that field selectors may use beyond `metadata.name` and `metadata.namespace`.
    pub(crate) fn selectable_fields(&self) -> Vec<&str> {
        match &self.custom {
            Some(custom) => custom.selectable_fields.iter().map(String::as_str).collect(),
            None => self.strategy().selectable_fields().to_vec(),
        }
    }
}

impl std::fmt::Debug for ResourceStrategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Builtin(_) => "Builtin",
            Self::Custom(_) => "Custom",
        })
    }
}

/// `v1` for the core group, `group/version` for the others.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_string() } else { format!("{group}/{version}") }
}

/// How objects of a kind start in JSON.
pub(crate) fn object_prefix(kind: &str, api_version: &str) -> String {
    format!("{{\"kind\":{},\"apiVersion\":{},", quoted(kind), quoted(api_version))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
