//! Admission: what may be written, beyond what its kind allows, and what is filled in before.
//!
//! ```text
//! create, update, patch:  decode → managedFields → mutate ─→ the kind's rules → validate ─→ store
//! delete:                                preconditions → mutate → validate ─→ store
//! ```
//!
//! Both phases go through the plugins in the order of [`Plugin::ALL`], which is the real server's. When a policy or a
//! webhook has changed the object in the first phase, all plugins go over it once more; policies and webhooks only if they
//! ask for it.
//!
//! | file | what it holds |
//! |---|---|
//! | `attributes` | what is to be admitted |
//! | `plugins` | the plugins by name and order, and which are on |
//! | `policies` | MutatingAdmissionPolicy and ValidatingAdmissionPolicy: policies in CEL |
//! | `reinvocation` | which policies and webhooks go over an object a second time |
//! | `versioned` | the object in the version that a policy or a webhook asks for |
//! | `webhooks` | MutatingAdmissionWebhook and ValidatingAdmissionWebhook |
//! | `namespace_lifecycle` | nothing new in namespaces that are not there or going |
//! | `service_account` | Pods run as an account that is there, and get its token |
//! | `priority` | Pods get the priority of their class |
//! | `default_class` | claims and Ingresses that name no class get the default one |
//! | `runtime_class` | Pods get the overhead and the nodes of their runtime class |
//! | `limit_ranger` | containers, Pods and claims keep to the LimitRanges of their namespace; claims grow where they may |
//! | `pod_security` | Pods keep to the Pod Security Standard of their namespace |
//! | `resource_quota` | a namespace uses no more than its quotas allow |
//! | `absent` | what this control plane does not do can't be asked for |
//!
//! DefaultTolerationSeconds and StorageObjectInUseProtection are a line each; `kinds` has what they do. What the real
//! server has on besides, and this one does not have: the checks of certificates by signer. TaintNodesByCondition is part
//! of the rules of Nodes and can't be turned off.

mod absent;
mod attributes;
mod default_class;
mod limit_ranger;
mod namespace_lifecycle;
mod plugins;
mod pod_security;
mod policies;
mod priority;
mod reinvocation;
mod resource_quota;
mod runtime_class;
mod service_account;
mod versioned;
mod webhooks;

use serde_json::Value;

pub(crate) use attributes::{Attributes, Operation, OperationOptions};
pub(crate) use plugins::Plugin;
pub use plugins::{AdmissionOptions, PluginError};
pub use policies::{ExpressionWarning, PolicyTypeCheck};
pub(crate) use policies::{PolicyEnvironment, compile_as, mutation_of};

use crate::kinds;
use crate::status::ApiResult;
use crate::store::Store;
use policies::Policies;
use reinvocation::Reinvocation;
use webhooks::{Configurations, Phase};

/// The admission of one server.
pub(crate) struct Admission {
    plugins: Vec<Plugin>,
    mutating: Configurations,
    validating: Configurations,
    mutating_policies: Policies,
    validating_policies: Policies,
}

impl Admission {
    /// With the plugins that are on; the configurations of webhooks are read from `store`.
    pub(crate) fn new(options: &AdmissionOptions, store: &Store) -> Result<Self, PluginError> {
        Ok(Self {
            plugins: options.plugins()?,
            mutating: Configurations::new(store, Phase::Mutating),
            validating: Configurations::new(store, Phase::Validating),
            mutating_policies: Policies::mutating(store),
            validating_policies: Policies::validating(store),
        })
    }

    /// The first phase: fills in and changes `object`, or refuses it. `object` is none for a deletion, `old` for a
    /// creation. Texts for `Warning:` headers are added to `warnings`.
    pub(crate) async fn mutate(
        &self,
        attributes: &Attributes,
        mut object: Option<&mut Value>,
        old: Option<&Value>,
        warnings: &mut Vec<String>,
    ) -> ApiResult<()> {
        let mut reinvocation = Reinvocation::default();
        // Those of the first round are those of the second.
        let (policies, hooks) = (self.mutating_policies.current(), self.mutating.current());
        loop {
            for plugin in &self.plugins {
                if *plugin == Plugin::NamespaceLifecycle {
                    namespace_lifecycle::admit(attributes)?;
                } else if *plugin == Plugin::MutatingAdmissionWebhook {
                    let object = object.as_deref_mut();
                    webhooks::mutate(attributes, object, old, &hooks, &mut reinvocation, warnings).await?;
                } else if *plugin == Plugin::MutatingAdmissionPolicy {
                    if let Some(object) = object.as_deref_mut() {
                        policies::mutate(attributes, object, old, &policies, &mut reinvocation, warnings).await?;
                    }
                } else if let Some(object) = object.as_deref_mut() {
                    fill_in(*plugin, attributes, object, old).await?;
                }
            }
            if !reinvocation.begin() {
                return Ok(());
            }
        }
    }

    /// The second phase: refuses the object, or lets it be stored.
    pub(crate) async fn validate(
        &self,
        attributes: &Attributes,
        object: Option<&Value>,
        old: Option<&Value>,
        warnings: &mut Vec<String>,
    ) -> ApiResult<()> {
        if let Some(object) = object {
            absent::validate(attributes, object)?;
        }
        for plugin in &self.plugins {
            match (plugin, object) {
                (Plugin::ValidatingAdmissionPolicy, _) => {
                    policies::validate(attributes, object, old, &self.validating_policies, warnings).await?;
                }
                (Plugin::ValidatingAdmissionWebhook, _) => {
                    let hooks = self.validating.current();
                    webhooks::validate(attributes, object, old, &hooks, warnings).await?;
                }
                (Plugin::LimitRanger, Some(object)) => limit_ranger::validate(attributes, object, old)?,
                (Plugin::PersistentVolumeClaimResize, Some(object)) => {
                    limit_ranger::validate_resize(attributes, object, old)?;
                }
                (Plugin::PodSecurity, _) => pod_security::validate(attributes, object, old, warnings)?,
                (Plugin::ResourceQuota, _) => resource_quota::validate(attributes, object, old).await?,
                (Plugin::ServiceAccount, Some(object)) => service_account::validate(attributes, object).await?,
                (Plugin::Priority, Some(object)) => priority::validate(attributes, object)?,
                (Plugin::RuntimeClass, Some(object)) => runtime_class::validate(attributes, object)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The first phase of the plugins that look at the object.
async fn fill_in(plugin: Plugin, attributes: &Attributes, object: &mut Value, old: Option<&Value>) -> ApiResult<()> {
    let whole = attributes.subresource.is_empty();
    match plugin {
        Plugin::LimitRanger => {
            limit_ranger::admit(attributes, object, old);
            Ok(())
        }
        Plugin::ServiceAccount => service_account::admit(attributes, object).await,
        Plugin::Priority => priority::admit(attributes, object, old).await,
        Plugin::RuntimeClass => runtime_class::admit(attributes, object),
        Plugin::DefaultTolerationSeconds if whole && attributes.is("", "pods") => {
            kinds::tolerate_unreachable_nodes(object);
            Ok(())
        }
        Plugin::StorageObjectInUseProtection if whole && attributes.operation == Operation::Create => {
            kinds::protect_storage(&attributes.resource.group, &attributes.resource.kind, object);
            Ok(())
        }
        Plugin::DefaultStorageClass => {
            default_class::storage(attributes, object);
            Ok(())
        }
        Plugin::DefaultIngressClass => {
            default_class::ingress(attributes, object);
            Ok(())
        }
        _ => Ok(()),
    }
}
