//! What is to be admitted.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::time::{Duration, Instant};

use crate::auth::User;
use crate::http::{DeleteOptions, Propagation};
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::server::Core;
use crate::status::ApiError;

/// How long all of a request's admission may take, as on the real server.
const LIMIT: Duration = Duration::from_secs(34);

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

impl Operation {
    /// `CREATE`, `UPDATE` or `DELETE`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// The options of the request, as a webhook sees them.
#[derive(Debug, Clone)]
pub(crate) enum OperationOptions {
    /// Of a create, an update or a patch, which is an update to admission.
    Write {
        dry_run: bool,
        field_manager: String,
        field_validation: String,
    },
    Delete(DeleteOptions),
}

/// A group, a version, and a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    pub group: String,
    pub version: String,
    pub kind: String,
}

/// What is to be admitted, but for the object, which mutation changes.
pub(crate) struct Attributes {
    /// The server.
    pub core: Arc<Core>,
    /// Who asks.
    pub user: Arc<User>,
    /// What for.
    pub operation: Operation,
    /// In which resource, in the version that the client speaks.
    pub resource: Arc<Resource>,
    /// Empty for the object itself.
    pub subresource: String,
    /// Empty for cluster-scoped resources; of a namespace, its own name.
    pub namespace: String,
    /// Empty for a new object whose name is still to be made.
    pub name: String,
    /// As sent.
    pub options: OperationOptions,
    /// When the time for admission is over.
    pub deadline: Instant,
}

impl Attributes {
    /// Of a request by `user`. `namespace`: that of the path.
    pub(crate) fn new(
        core: &Arc<Core>,
        user: &Arc<User>,
        resource: &Arc<Resource>,
        operation: Operation,
        options: OperationOptions,
    ) -> Self {
        Self {
            core: core.clone(),
            user: user.clone(),
            operation,
            resource: resource.clone(),
            subresource: String::new(),
            namespace: String::new(),
            name: String::new(),
            options,
            deadline: Instant::now() + LIMIT,
        }
    }

    /// The same about this object.
    pub(crate) fn about(mut self, namespace: &str, name: &str, subresource: &str) -> Self {
        self.name = name.into();
        self.namespace = if self.is_namespace() { name.into() } else { namespace.into() };
        self.subresource = subresource.into();
        self
    }

    /// Whether it is about a namespace itself.
    pub(crate) fn is_namespace(&self) -> bool {
        self.is("", "namespaces")
    }

    /// Whether it is about this resource.
    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.resource.group == group && self.resource.plural == plural
    }

    /// Whether nothing will be stored.
    pub(crate) fn is_dry_run(&self) -> bool {
        match &self.options {
            OperationOptions::Write { dry_run, .. } => *dry_run,
            OperationOptions::Delete(options) => options.dry_run,
        }
    }

    /// The error for what a plugin refuses. An object that has no name yet goes by the prefix of it.
    pub(crate) fn forbidden(&self, object: Option<&Value>, why: impl std::fmt::Display) -> ApiError {
        let text = |path: &str| object.map_or("", |object| object.text(path));
        let names = [self.name.as_str(), text("metadata.name"), text("metadata.generateName"), "Unknown"];
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        ApiError::forbidden(&self.resource.group, &self.resource.plural, name, why)
    }

    /// The kind of the object that is admitted: of a subresource, that which it speaks.
    pub(crate) fn kind(&self) -> Kind {
        kind_of(&self.resource, &self.subresource)
    }

    /// The options as an object.
    pub(crate) fn options_value(&self) -> Value {
        let mut out = Map::new();
        let kind: Cow<'static, str> = match self.operation {
            Operation::Create => "CreateOptions".into(),
            Operation::Update => "UpdateOptions".into(),
            Operation::Delete => "DeleteOptions".into(),
        };
        out.insert("kind".into(), kind.into());
        out.insert("apiVersion".into(), "meta.k8s.io/v1".into());
        if self.is_dry_run() {
            out.insert("dryRun".into(), vec!["All"].into());
        }
        match &self.options {
            OperationOptions::Write { field_manager, field_validation, .. } => {
                for (key, text) in [("fieldManager", field_manager), ("fieldValidation", field_validation)] {
                    if !text.is_empty() {
                        out.insert(key.into(), text.as_str().into());
                    }
                }
            }
            OperationOptions::Delete(options) => {
                if let Some(seconds) = options.grace_period_seconds {
                    out.insert("gracePeriodSeconds".into(), seconds.into());
                }
                let mut preconditions = Map::new();
                if let Some(uid) = &options.precondition_uid {
                    preconditions.insert("uid".into(), uid.as_str().into());
                }
                if let Some(version) = &options.precondition_resource_version {
                    preconditions.insert("resourceVersion".into(), version.as_str().into());
                }
                if !preconditions.is_empty() {
                    out.insert("preconditions".into(), preconditions.into());
                }
                match (options.orphan_dependents, options.propagation) {
                    (Some(orphan), _) => {
                        out.insert("orphanDependents".into(), orphan.into());
                    }
                    (None, Some(policy)) => {
                        let policy = match policy {
                            Propagation::Background => "Background",
                            Propagation::Foreground => "Foreground",
                            Propagation::Orphan => "Orphan",
                        };
                        out.insert("propagationPolicy".into(), policy.into());
                    }
                    (None, None) => {}
                }
            }
        }
        out.into()
    }
}

/// The kind that a resource, or a subresource of it, speaks.
pub(crate) fn kind_of(resource: &Resource, subresource: &str) -> Kind {
    match resource.subresource(subresource) {
        Some(own) if !subresource.is_empty() => {
            Kind { group: own.group.clone(), version: own.version.clone(), kind: own.kind.clone() }
        }
        _ => Kind { group: resource.group.clone(), version: resource.version.clone(), kind: resource.kind.clone() },
    }
}
