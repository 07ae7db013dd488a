//! Tells the API server where the webhooks are and which authority has signed their certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::{Client, core::GroupVersionKind};
use kubewright_cache::Scope;
use kubewright_runtime::Rights;
use serde_json::{Map, Value, json};

use crate::rules::Phase;

/// How the API server gets to the webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reach {
    /// At the address that they listen on: right for the embedded server, and for any that runs on this machine.
    #[default]
    Local,
    /// At this base URL, `https://host:port`: through a tunnel, say.
    Url(String),
    /// Through a Service: right inside a cluster.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its port; 443 by default.
        port: u16,
    },
}

/// What the operator tells the API server by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Registration {
    /// Everything: it writes a configuration of each phase, named as the webhooks are, and the conversion part of its
    /// definitions. Unless they are reached through a Service, it takes all that back when it stops, as nobody would
    /// answer. After a crash they stay; the next start, or `kubectl delete`, mends that.
    #[default]
    Whole,
    /// The configurations and definitions come from manifests; only the `caBundle` of their webhooks is kept right.
    CaBundle {
        /// The name of the MutatingWebhookConfiguration.
        mutating: Option<String>,
        /// The name of the ValidatingWebhookConfiguration.
        validating: Option<String>,
    },
    /// Nothing: the certificate is one that the API server trusts anyway, or something else looks after the `caBundle`.
    Nothing,
}

/// One admission webhook.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) phase: Phase,
    pub(crate) path: String,
    /// As it stands in the configuration, without `clientConfig`.
    pub(crate) entry: Value,
}

/// Writes what the API server has to know.
pub(crate) struct Registrar {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) reach: Reach,
    /// The base URL where `reach` is not a Service.
    pub(crate) url: String,
    pub(crate) registration: Registration,
    pub(crate) entries: Vec<Entry>,
    /// Definitions, and the path of their conversion.
    pub(crate) definitions: Vec<(String, String)>,
}

impl Registrar {
    /// Makes it right. Nothing is written where it is.
    pub(crate) async fn register(&self, bundle: Option<&str>) -> Result<(), kube::Error> {
        match &self.registration {
            Registration::Nothing => Ok(()),
            Registration::CaBundle { mutating, validating } => {
                for (phase, name) in [(Phase::Mutating, mutating), (Phase::Validating, validating)] {
                    if let Some(name) = name {
                        self.inject(phase, name, bundle).await?;
                    }
                }
                self.define(|_| client_config_bundle(bundle)).await
            }
            Registration::Whole => {
                for configuration in self.configurations(bundle) {
                    let kind = configuration["kind"].as_str().unwrap_or_default().to_string();
                    self.apply(&resource(&kind), &self.name, configuration).await?;
                }
                self.define(|path| self.client_config(path, bundle)).await
            }
        }
    }

    /// Takes back what [`Registration::Whole`] wrote, where nobody would answer any more.
    pub(crate) async fn unregister(&self) -> Result<(), kube::Error> {
        if self.registration != Registration::Whole || matches!(self.reach, Reach::Service { .. }) {
            return Ok(());
        }
        for configuration in self.configurations(None) {
            let kind = configuration["kind"].as_str().unwrap_or_default().to_string();
            let api = self.api(&resource(&kind));
            gone_is_fine(api.delete(&self.name, &DeleteParams::default()).await.map(drop))?;
        }
        for (definition, _) in &self.definitions {
            // What a manager no longer applies goes.
            let nothing = definition_patch(definition, None);
            gone_is_fine(self.apply(&definitions(), definition, nothing).await)?;
        }
        Ok(())
    }

    /// What is looked after: when it changes, [`Registrar::register`] has something to do.
    pub(crate) fn kept(&self) -> Vec<(ApiResource, Scope)> {
        let names = |phase: Phase| match &self.registration {
            Registration::Nothing => None,
            Registration::Whole => self.entries.iter().any(|entry| entry.phase == phase).then(|| self.name.clone()),
            Registration::CaBundle { mutating, validating } => match phase {
                Phase::Mutating => mutating.clone(),
                Phase::Validating => validating.clone(),
            },
        };
        let configurations = [Phase::Mutating, Phase::Validating]
            .into_iter()
            .filter_map(|phase| Some((resource(phase.configuration()), named(&names(phase)?))));
        let kept = self.definitions.iter().map(|(definition, _)| (definitions(), named(definition)));
        configurations.chain(kept.filter(|_| self.registration != Registration::Nothing)).collect()
    }

    /// What all that takes.
    pub(crate) fn rights(&self) -> Rights {
        let mut rights = Rights::default();
        for (kind, _) in self.kept() {
            rights.extend(Rights::on_kind(&kind, ["get", "list", "watch", "patch"]));
            // Definitions are there, and stay.
            if self.registration == Registration::Whole && kind.plural != definitions().plural {
                rights.extend(Rights::on_kind(&kind, ["create", "delete"]));
            }
        }
        rights
    }

    /// The configurations, one of each phase that has webhooks.
    pub(crate) fn configurations(&self, bundle: Option<&str>) -> Vec<Value> {
        let of_phase = |phase: Phase| {
            let webhooks: Vec<Value> = self
                .entries
                .iter()
                .filter(|entry| entry.phase == phase)
                .map(|entry| {
                    let mut webhook = entry.entry.clone();
                    webhook["clientConfig"] = self.client_config(&entry.path, bundle);
                    webhook
                })
                .collect();
            (!webhooks.is_empty()).then(|| {
                json!({
                    "apiVersion": "admissionregistration.k8s.io/v1", "kind": phase.configuration(),
                    "metadata": {"name": self.name}, "webhooks": webhooks,
                })
            })
        };
        [Phase::Mutating, Phase::Validating].into_iter().filter_map(of_phase).collect()
    }

    fn client_config(&self, path: &str, bundle: Option<&str>) -> Value {
        let mut config = client_config_bundle(bundle);
        match &self.reach {
            Reach::Service { namespace, name, port } => {
                config["service"] = json!({"namespace": namespace, "name": name, "port": port, "path": path});
            }
            Reach::Local | Reach::Url(_) => config["url"] = json!(format!("{}{path}", self.url)),
        }
        config
    }

    /// Puts the bundle into all webhooks of a configuration that leads to ours.
    async fn inject(&self, phase: Phase, name: &str, bundle: Option<&str>) -> Result<(), kube::Error> {
        let resource = resource(phase.configuration());
        let configuration = self.api(&resource).get(name).await?;
        let paths: Vec<&str> =
            self.entries.iter().filter(|entry| entry.phase == phase).map(|entry| entry.path.as_str()).collect();
        let webhooks: Vec<Value> = configuration.data["webhooks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|webhook| {
                webhook["clientConfig"]["service"]["path"].as_str().is_some_and(|path| paths.contains(&path))
            })
            .map(|webhook| json!({"name": webhook["name"], "clientConfig": client_config_bundle(bundle)}))
            .collect();
        let patch = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": phase.configuration(),
            "metadata": {"name": name}, "webhooks": webhooks,
        });
        self.apply(&resource, name, patch).await
    }

    async fn define(&self, client_config: impl Fn(&str) -> Value) -> Result<(), kube::Error> {
        for (definition, path) in &self.definitions {
            let patch = definition_patch(definition, Some(client_config(path)));
            self.apply(&definitions(), definition, patch).await?;
        }
        Ok(())
    }

    /// Applies, unless the object has it all already.
    async fn apply(&self, resource: &ApiResource, name: &str, wanted: Value) -> Result<(), kube::Error> {
        let api = self.api(resource);
        if let Some(present) = api.get_opt(name).await? {
            let managed = present.metadata.managed_fields.iter().flatten();
            let ours = managed.into_iter().any(|entry| entry.manager.as_deref() == Some(&self.field_manager()));
            let fields = |value: &Value| {
                let mut fields = value.as_object().cloned().unwrap_or_default();
                ["apiVersion", "kind", "metadata"].iter().for_each(|name| _ = fields.remove(*name));
                Value::Object(fields)
            };
            let wanted = fields(&wanted);
            // An empty wish is one to give fields up.
            if ours && wanted != Value::Object(Map::new()) && covers(&present.data, &wanted) {
                return Ok(());
            }
        }
        let params = PatchParams::apply(&self.field_manager()).force();
        api.patch(name, &params, &Patch::Apply(&wanted)).await.map(drop)
    }

    fn field_manager(&self) -> String {
        format!("{}-webhooks", self.name)
    }

    fn api(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), resource)
    }
}

fn client_config_bundle(bundle: Option<&str>) -> Value {
    match bundle {
        Some(bundle) => json!({"caBundle": STANDARD.encode(bundle)}),
        None => json!({}),
    }
}

fn definition_patch(name: &str, client_config: Option<Value>) -> Value {
    let mut patch = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
    });
    if let Some(client_config) = client_config {
        let webhook = json!({"clientConfig": client_config, "conversionReviewVersions": ["v1"]});
        patch["spec"] = json!({"conversion": {"strategy": "Webhook", "webhook": webhook}});
    }
    patch
}

fn resource(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind))
}

fn definitions() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"))
}

/// The one object of this name.
pub(crate) fn named(name: &str) -> Scope {
    Scope { fields: Some(format!("metadata.name={name}")), ..Scope::default() }
}

fn gone_is_fine(result: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        result => result,
    }
}

/// Whether `present` has all that `wanted` says, and arrays just that.
fn covers(present: &Value, wanted: &Value) -> bool {
    match (present, wanted) {
        (Value::Object(present), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| present.get(name).is_some_and(|present| covers(present, value)))
        }
        (Value::Array(present), Value::Array(wanted)) => {
            present.len() == wanted.len() && present.iter().zip(wanted).all(|(present, wanted)| covers(present, wanted))
        }
        (present, wanted) => present == wanted,
    }
}
