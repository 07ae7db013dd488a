//! What expressions about a request may read: match conditions of webhooks, admission policies.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::environment::Environment;
use crate::schema::{Merge, ObjectSchema, Schema, SchemaKind};
use crate::types::Type;

static REQUEST: LazyLock<Arc<Schema>> = LazyLock::new(request);
static NAMESPACE: LazyLock<Arc<Schema>> = LazyLock::new(namespace);

/// The environment of a webhook's match conditions: `object`, `oldObject` (both `dyn`), `request`, `authorizer` and
/// `authorizer.requestResource`. A policy adds `namespaceObject` (see [`Environment::with_namespace_object`]), `params`
/// and `variables`.
pub fn admission_environment() -> Environment {
    about_requests()
        .variable("object", Type::Dyn)
        .variable("oldObject", Type::Dyn)
        .variable("authorizer.requestResource", Type::object("kubernetes.authorization.ResourceCheck"))
}

/// The environment in which the types of a policy are checked against those of a kind: `object` and `oldObject` are of its
/// schema, and there is no `authorizer.requestResource`.
pub fn typed_admission_environment(object: &Arc<Schema>) -> Environment {
    about_requests().schema_variable("object", object).schema_variable("oldObject", object)
}

fn about_requests() -> Environment {
    Environment::new()
        .schema_variable("request", &REQUEST)
        .variable("authorizer", Type::object("kubernetes.authorization.Authorizer"))
}

impl Environment {
    /// Declares `namespaceObject`.
    #[must_use]
    pub fn with_namespace_object(self) -> Self {
        self.schema_variable("namespaceObject", &NAMESPACE)
    }
}

/// The schema of `request`, for [`Bindings::typed`](crate::Bindings::typed). The value is a request as admission
/// reviews carry it, without `object` and `oldObject`.
pub fn request_schema() -> &'static Schema {
    &REQUEST
}

/// The schema of `namespaceObject`.
pub fn namespace_schema() -> &'static Schema {
    &NAMESPACE
}

fn scalar(kind: SchemaKind) -> Arc<Schema> {
    Arc::new(Schema::new(kind, 0, 0))
}

fn string() -> Arc<Schema> {
    scalar(SchemaKind::String)
}

fn strings() -> Arc<Schema> {
    scalar(SchemaKind::List { items: string(), merge: Merge::Atomic })
}

fn object<const N: usize>(name: &str, fields: [(&str, Arc<Schema>); N]) -> Arc<Schema> {
    let fields: BTreeMap<String, Arc<Schema>> =
        fields.into_iter().map(|(field, schema)| (crate::escape(field).unwrap_or_default(), schema)).collect();
    scalar(SchemaKind::Object(Arc::new(ObjectSchema { name: name.into(), fields })))
}

fn request() -> Arc<Schema> {
    let kind = object("kubernetes.GroupVersionKind", [("group", string()), ("version", string()), ("kind", string())]);
    let resource =
        object("kubernetes.GroupVersionResource", [("group", string()), ("version", string()), ("resource", string())]);
    let user = object(
        "kubernetes.UserInfo",
        [
            ("username", string()),
            ("uid", string()),
            ("groups", strings()),
            ("extra", scalar(SchemaKind::Map(strings()))),
        ],
    );
    object(
        "kubernetes.AdmissionRequest",
        [
            ("kind", kind.clone()),
            ("resource", resource.clone()),
            ("subResource", string()),
            ("requestKind", kind),
            ("requestResource", resource),
            ("requestSubResource", string()),
            ("name", string()),
            ("namespace", string()),
            ("operation", string()),
            ("userInfo", user),
            ("dryRun", scalar(SchemaKind::Bool)),
            ("options", scalar(SchemaKind::Dyn)),
        ],
    )
}

fn namespace() -> Arc<Schema> {
    let texts = || scalar(SchemaKind::Map(string()));
    let metadata = object(
        "kubernetes.NamespaceMetadata",
        [
            ("name", string()),
            ("generateName", string()),
            ("namespace", string()),
            ("labels", texts()),
            ("annotations", texts()),
            ("UID", string()),
            ("creationTimestamp", scalar(SchemaKind::Timestamp)),
            ("deletionGracePeriodSeconds", scalar(SchemaKind::Int)),
            ("deletionTimestamp", scalar(SchemaKind::Timestamp)),
            ("generation", scalar(SchemaKind::Int)),
            ("resourceVersion", string()),
            ("finalizers", strings()),
        ],
    );
    let condition = object(
        "kubernetes.NamespaceCondition",
        [
            ("status", string()),
            ("type", string()),
            ("lastTransitionTime", scalar(SchemaKind::Timestamp)),
            ("message", string()),
            ("reason", string()),
        ],
    );
    let conditions = scalar(SchemaKind::List { items: condition, merge: Merge::Atomic });
    let status = object("kubernetes.NamespaceStatus", [("conditions", conditions), ("phase", string())]);
    object(
        "kubernetes.Namespace",
        [
            ("metadata", metadata),
            ("spec", object("kubernetes.NamespaceSpec", [("finalizers", strings())])),
            ("status", status),
        ],
    )
}
