//! Admission: what may be written, beyond what its kind allows, and what is filled in before.
//!
//! ```text
//! create, update, patch:  decode → managedFields → mutate ─→ the kind's rules → validate ─→ store
//! delete:                                preconditions → mutate → validate ─→ store
//! ```
//!
//! Both phases go through the plugins in the order of [`Plugin::ALL`], which is the real server's. When a webhook has
//! changed the object in the first phase, all plugins go over it once more; webhooks only if they ask for it.
//!
//! | file | what it holds |
//! |---|---|
//! | `attributes` | what is to be admitted |
//! | `plugins` | the plugins by name and order, and which are on |
//! | `webhooks` | MutatingAdmissionWebhook and ValidatingAdmissionWebhook |
//! | `namespace_lifecycle` | nothing new in namespaces that are not there or going |

mod attributes;
mod namespace_lifecycle;
mod plugins;
mod webhooks;

use serde_json::Value;

pub(crate) use attributes::{Attributes, Operation, OperationOptions};
pub use plugins::AdmissionOptions;
pub(crate) use plugins::{Plugin, UnknownPlugin};

use crate::status::ApiResult;
use crate::store::Store;
use webhooks::{Configurations, Phase, Reinvocation};

/// The admission of one server.
pub(crate) struct Admission {
    plugins: Vec<Plugin>,
    mutating: Configurations,
    validating: Configurations,
}

impl Admission {
    /// With the plugins that are on; the configurations of webhooks are read from `store`.
    pub(crate) fn new(options: &AdmissionOptions, store: &Store) -> Result<Self, UnknownPlugin> {
        Ok(Self {
            plugins: options.plugins()?,
            mutating: Configurations::new(store, Phase::Mutating),
            validating: Configurations::new(store, Phase::Validating),
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
        loop {
            for plugin in &self.plugins {
                match plugin {
                    Plugin::NamespaceLifecycle => namespace_lifecycle::admit(attributes)?,
                    Plugin::MutatingAdmissionWebhook => {
                        let hooks = self.mutating.current();
                        let object = object.as_deref_mut();
                        webhooks::mutate(attributes, object, old, &hooks, &mut reinvocation, warnings).await?;
                    }
                    Plugin::ValidatingAdmissionWebhook => {}
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
            webhooks::check(&attributes.resource, object)?;
        }
        for plugin in &self.plugins {
            match plugin {
                Plugin::ValidatingAdmissionWebhook => {
                    let hooks = self.validating.current();
                    webhooks::validate(attributes, object, old, &hooks, warnings).await?;
                }
                Plugin::NamespaceLifecycle | Plugin::MutatingAdmissionWebhook => {}
            }
        }
        Ok(())
    }
}
