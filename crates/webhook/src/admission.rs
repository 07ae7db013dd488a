//! Admission: a webhook may change an object before it is stored, or refuse it.

use std::fmt;
use std::future::Future;

use k8s_openapi::api::authentication::v1::UserInfo;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a client wants to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// A new object.
    Create,
    /// Another state of an object that exists.
    Update,
    /// The end of an object.
    Delete,
    /// A connection to an object, such as `exec`; not sent to typed webhooks.
    Connect,
}

/// Who asks for what.
#[derive(Debug, Clone)]
pub struct Request {
    /// The id of this review, for logs.
    pub uid: String,
    /// What is to be done.
    pub operation: Operation,
    /// The object's name; empty where the server is still to make it from `generateName`.
    pub name: String,
    /// The object's namespace; `None` at cluster scope.
    pub namespace: Option<String>,
    /// `status` or another subresource; `None` for the object itself.
    pub subresource: Option<String>,
    /// Who asks, as the API server has authenticated it: the place to see who may do what.
    pub user: UserInfo,
    /// Nothing will be stored: do nothing that lasts.
    pub dry_run: bool,
    /// `CreateOptions`, `UpdateOptions` or `DeleteOptions` of the request.
    pub options: Value,
}

/// Yes, with things that the client should be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Shown by kubectl as `Warning: …`. Keep each under 120 characters; the API server cuts what goes beyond 4096 in all.
    pub warnings: Vec<String>,
}

impl Allowed {
    /// Yes, with a warning.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { warnings: vec![text.into()] }
    }
}

/// No, and why. The client sees `admission webhook "…" denied the request: ` and the message.
///
/// ```
/// use kubewright_webhook::Denied;
///
/// let denied = Denied::invalid("spec.replicas", "must be odd, or no majority is possible")
///     .and("spec.storage", "is immutable");
/// assert_eq!(
///     denied.to_string(),
///     "spec.replicas: must be odd, or no majority is possible; spec.storage: is immutable"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    code: u16,
    reason: &'static str,
    message: String,
    /// Field and message.
    causes: Vec<(String, String)>,
}

impl Denied {
    /// The request is not allowed: status 403, reason `Forbidden`.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self { code: 403, reason: "Forbidden", message: message.into(), causes: Vec::new() }
    }

    /// A field has a value that makes no sense: status 422, reason `Invalid`. `field` is a path such as
    /// `spec.ports[0].port`.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: 422, reason: "Invalid", message: String::new(), causes: Vec::new() }.and(field, message)
    }

    /// The webhook itself could not find out: status 500, reason `InternalError`. The client may try again.
    pub fn failed(error: impl fmt::Display) -> Self {
        Self { code: 500, reason: "InternalError", message: error.to_string(), causes: Vec::new() }
    }

    /// Names one more field that is wrong.
    pub fn and(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.causes.push((field.into(), message.into()));
        self
    }

    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "status": "Failure", "code": self.code, "reason": self.reason, "message": self.to_string(),
        });
        if !self.causes.is_empty() {
            let cause = |(field, message): &(String, String)| json!({"reason": "FieldValueInvalid", "field": field, "message": message});
            status["details"] = json!({"causes": self.causes.iter().map(cause).collect::<Vec<_>>()});
        }
        status
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for (at, (field, message)) in self.causes.iter().enumerate() {
            let separator = if at == 0 && self.message.is_empty() { "" } else { "; " };
            write!(f, "{separator}{field}: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Denied {}

/// Changes objects before they are stored: defaults that depend on more than a schema can say, labels, injected parts.
///
/// It must be idempotent, as the API server may call it again after other webhooks. Fields that the type does not know
/// stay as they are.
///
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kubewright_webhook::{Allowed, Denied, Mutator, Request};
///
/// struct Team;
///
/// impl Mutator for Team {
///     type Object = Pod;
///
///     async fn mutate(&self, pod: &mut Pod, _: Option<&Pod>, request: &Request) -> Result<Allowed, Denied> {
///         let labels = pod.metadata.labels.get_or_insert_default();
///         labels.entry("team".into()).or_insert_with(|| request.namespace.clone().unwrap_or_default());
///         Ok(Allowed::default())
///     }
/// }
/// ```
pub trait Mutator: Send + Sync + 'static {
    /// The kind, in the version that the webhook wants to see.
    type Object: AdmittedObject;

    /// Changes `object` in place. `old` is what is stored now, in updates.
    fn mutate(
        &self,
        object: &mut Self::Object,
        old: Option<&Self::Object>,
        request: &Request,
    ) -> impl Future<Output = Result<Allowed, Denied>> + Send;
}

/// Refuses objects that should not be stored. What a schema or a CEL rule of the definition can say belongs there.
pub trait Validator: Send + Sync + 'static {
    /// The kind, in the version that the webhook wants to see.
    type Object: AdmittedObject;

    /// A new object. Default: allowed.
    fn create(&self, new: &Self::Object, request: &Request) -> impl Future<Output = Result<Allowed, Denied>> + Send {
        let _ = (new, request);
        async { Ok(Allowed::default()) }
    }

    /// A change. Default: allowed.
    fn update(
        &self,
        new: &Self::Object,
        old: &Self::Object,
        request: &Request,
    ) -> impl Future<Output = Result<Allowed, Denied>> + Send {
        let _ = (new, old, request);
        async { Ok(Allowed::default()) }
    }

    /// A deletion; only sent when [`AdmissionOptions::operations`](crate::AdmissionOptions::operations) has
    /// [`Operation::Delete`]. Default: allowed.
    fn delete(&self, old: &Self::Object, request: &Request) -> impl Future<Output = Result<Allowed, Denied>> + Send {
        let _ = (old, request);
        async { Ok(Allowed::default()) }
    }
}

/// Any typed kind: a custom resource or one of Kubernetes' own.
pub trait AdmittedObject: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Send + Sync + 'static> AdmittedObject for K {}
