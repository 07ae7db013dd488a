//! Custom resources: from their definition to what is served.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use serde_json::Value;

use super::resource::{Resource, ResourceStrategy, Subresource, api_version, object_prefix};
use crate::cel::Rules;
use crate::crd::{Definition, Version};
use crate::kinds::CustomResource;
use crate::kinds::tree::Tree;
use crate::schema::{self, TypeRef};
use crate::store::{EventType, Store, Stored};
use crate::table::CustomColumns;
use crate::webhook::ClientConfig;

/// What a version of a custom resource has beyond a built-in one.
#[derive(Debug)]
pub(crate) struct CustomVersion {
    /// The type of its objects.
    pub ty: TypeRef,
    /// Its validation rules, if it has any.
    pub rules: Option<Rules>,
    /// The columns of its tables.
    pub columns: CustomColumns,
    /// Names that field selectors may use.
    pub selectable_fields: Vec<String>,
    /// Where objects keep what their scale shows.
    pub scale: Option<ScalePaths>,
    /// Whether other versions are served, which may have other schemas.
    pub several_versions: bool,
    /// The webhook that converts objects from and to other versions; none: nothing but `apiVersion` differs.
    pub conversion: Option<Arc<Conversion>>,
    /// Objects that were converted to this version.
    pub converted: Converted,
    /// The type of the stored version, when that is another one.
    pub stored_ty: Option<TypeRef>,
    /// Sent with every answer.
    pub deprecation_warning: Option<String>,
}

/// A webhook that converts objects.
#[derive(Debug)]
pub(crate) struct Conversion {
    /// Where it is.
    pub client: ClientConfig,
    /// Versions of ConversionReview that it takes, the best one first.
    pub review_versions: Vec<String>,
}

impl Conversion {
    fn read(definition: &Definition) -> Option<Self> {
        let conversion = &definition.spec.conversion;
        (conversion.text("strategy") == "Webhook").then(|| Self {
            client: ClientConfig::read(conversion.at("webhook.clientConfig")),
            review_versions: conversion
                .list("webhook.conversionReviewVersions")
                .iter()
                .filter_map(Value::as_str)
                .map(String::from)
                .collect(),
        })
    }
}

/// Objects that were converted, by their revision. They are forgotten when the definition changes, and all at once when
/// they are many.
#[derive(Debug, Default)]
pub(crate) struct Converted(Mutex<HashMap<(u64, EventType), Arc<Stored>, FxBuildHasher>>);

impl Converted {
    const MOST: usize = 10_000;

    /// What this version of an object was converted to.
    pub(crate) fn get(&self, stored: &Stored) -> Option<Arc<Stored>> {
        self.0.lock().get(&(stored.revision(), stored.event_type())).cloned()
    }

    /// Keeps a converted object.
    pub(crate) fn keep(&self, converted: Arc<Stored>) {
        let mut known = self.0.lock();
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert((converted.revision(), converted.event_type()), converted);
    }
}

/// Where objects keep what their scale shows, as dotted paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScalePaths {
    /// The wanted number.
    pub replicas: String,
    /// The actual number.
    pub status_replicas: String,
    /// The selector as text; none: it is made of `spec.selector`, as for built-in kinds.
    pub selector: Option<String>,
}

impl Default for ScalePaths {
    /// Those of the built-in kinds.
    fn default() -> Self {
        Self { replicas: "spec.replicas".into(), status_replicas: "status.replicas".into(), selector: None }
    }
}

impl CustomVersion {
    /// The selectable fields of an object with their values.
    pub(crate) fn field_values(&self, object: &Value) -> Vec<(String, String)> {
        let value = |field: &String| match object.at(field) {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.selectable_fields.iter().map(|field| (field.clone(), value(field))).collect()
    }
}

/// The served versions of a definition, with their collection in `store`.
pub(crate) fn from_definition(store: &Store, definition: &Definition) -> Vec<Resource> {
    let spec = &definition.spec;
    let Some(storage) = definition.storage_version() else { return Vec::new() };
    let stored_ty = schema::crd::compile(&storage.schema.open_api).ok();
    let names = &definition.status.accepted_names;
    let conversion = Conversion::read(definition).map(Arc::new);
    spec.versions
        .iter()
        .filter(|version| version.served)
        .filter_map(|version| {
            let own = api_version(&spec.group, &version.name);
            let ty = match schema::crd::compile(&version.schema.open_api) {
                Ok(ty) => ty,
                Err(errors) => {
                    // Definitions are checked before they are stored.
                    tracing::error!(
                        plural = spec.names.plural,
                        version = version.name,
                        ?errors,
                        "a stored schema can't be compiled"
                    );
                    return None;
                }
            };
            let status = version.subresources.status.is_some();
            Some(Resource {
                collection: store.collection(&spec.group, &spec.names.plural),
                strategy: ResourceStrategy::Custom(CustomResource { status }),
                prefix: object_prefix(&names.kind, &own),
                storage_api_version: api_version(&spec.group, &storage.name),
                group: spec.group.clone(),
                version: version.name.clone(),
                kind: names.kind.clone(),
                list_kind: names.list_kind.clone(),
                plural: names.plural.clone(),
                singular: names.singular.clone(),
                short_names: names.short_names.clone(),
                categories: names.categories.clone(),
                namespaced: definition.namespaced(),
                verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
                    .map(String::from)
                    .to_vec(),
                subresources: subresources(spec.group.as_str(), &names.kind, version),
                custom: Some(Arc::new(CustomVersion {
                    several_versions: spec.versions.len() > 1,
                    conversion: conversion.clone(),
                    // What a webhook converts has the fields that it gives.
                    stored_ty: stored_ty.clone().filter(|_| version.name != storage.name && conversion.is_none()),
                    ..custom_version(version, ty, &own, &names.kind)
                })),
                api_version: own,
                ty: OnceLock::new(),
            })
        })
        .collect()
}

fn custom_version(version: &Version, ty: TypeRef, api_version: &str, kind: &str) -> CustomVersion {
    let dotted = |path: &str| path.trim_start_matches('.').to_string();
    let warning = || {
        let standard = format!("{api_version} {kind} is deprecated");
        version.deprecation_warning.clone().unwrap_or(standard)
    };
    let rules = Rules::compile(&version.schema.open_api).unwrap_or_else(|error| {
        // Definitions are checked before they are stored.
        tracing::error!(kind, api_version, error, "a stored rule can't be compiled");
        None
    });
    CustomVersion {
        several_versions: false,
        conversion: None,
        converted: Converted::default(),
        stored_ty: None,
        ty,
        rules,
        columns: CustomColumns::new(&version.additional_printer_columns),
        selectable_fields: version.selectable_fields.iter().map(|field| dotted(&field.json_path)).collect(),
        scale: version.subresources.scale.as_ref().map(|scale| ScalePaths {
            replicas: dotted(&scale.spec_replicas_path),
            status_replicas: dotted(&scale.status_replicas_path),
            selector: Some(scale.label_selector_path.as_deref().map(dotted).unwrap_or_default()),
        }),
        deprecation_warning: version.deprecated.then(warning),
    }
}

fn subresources(group: &str, kind: &str, version: &Version) -> Vec<Subresource> {
    let verbs = || ["get", "patch", "update"].map(String::from).to_vec();
    let mut out = Vec::new();
    if version.subresources.scale.is_some() {
        out.push(Subresource {
            name: "scale".into(),
            group: "autoscaling".into(),
            version: "v1".into(),
            kind: "Scale".into(),
            verbs: verbs(),
        });
    }
    if version.subresources.status.is_some() {
        out.push(Subresource {
            name: "status".into(),
            group: group.into(),
            version: version.name.clone(),
            kind: kind.into(),
            verbs: verbs(),
        });
    }
    out
}
