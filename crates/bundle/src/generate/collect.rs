//! The manifests of an operator, by what becomes of them.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize as _;
use serde_json::Value;

use super::GenerateError;
use crate::checks::{is_supported, newer};
use crate::csv::{self, ClusterServiceVersion, Gvk, items, name, text};

/// The manifests of an operator.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    pub(crate) csvs: Vec<Value>,
    pub(crate) definitions: Vec<Value>,
    pub(crate) deployments: Vec<Value>,
    pub(crate) services: Vec<Value>,
    pub(crate) service_accounts: Vec<Value>,
    pub(crate) roles: Vec<Value>,
    pub(crate) bindings: Vec<Value>,
    pub(crate) webhooks: Vec<Value>,
    pub(crate) scorecard: Option<Value>,
    pub(crate) others: Vec<Value>,
}

impl Manifests {
    /// Reads documents of YAML or JSON. `source` is where they are from, for errors.
    ///
    /// # Errors
    /// If it is no YAML, or there are two configurations of the scorecard.
    pub fn read(source: &str, text: &str) -> Result<Self, GenerateError> {
        let mut manifests = Self::default();
        manifests.add(source, text)?;
        Ok(manifests)
    }

    /// Adds documents; what is there already, word for word, is left out.
    ///
    /// # Errors
    /// As [`Manifests::read`].
    pub fn add(&mut self, source: &str, text: &str) -> Result<(), GenerateError> {
        let failed = |cause: String| GenerateError::Manifest { source_name: source.into(), cause };
        let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| failed(error.to_string()))?;
        for document in documents {
            match objects_of_list(&document) {
                Some(objects) => {
                    for object in objects {
                        self.put(object.clone()).map_err(failed)?;
                    }
                }
                None => self.put(document).map_err(failed)?,
            }
        }
        Ok(())
    }

    /// What is no object is none of our business: values of a chart, a kustomization.
    fn put(&mut self, object: Value) -> Result<(), String> {
        let gvk = Gvk::of(&object);
        if gvk.kind.is_empty() || gvk.version.is_empty() {
            return Ok(());
        }
        check(&gvk, &object).map_err(|error| format!("{} {:?}: {error}", gvk.kind, name(&object)))?;
        let list = match (gvk.group.as_str(), gvk.kind.as_str()) {
            ("operators.coreos.com", csv::KIND) => &mut self.csvs,
            ("apiextensions.k8s.io", "CustomResourceDefinition") => &mut self.definitions,
            ("apps", "Deployment") => &mut self.deployments,
            ("", "Service") => &mut self.services,
            ("", "ServiceAccount") => &mut self.service_accounts,
            ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => &mut self.roles,
            ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => &mut self.bindings,
            ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
                &mut self.webhooks
            }
            ("scorecard.operatorframework.io", "Configuration") => {
                return match self.scorecard.replace(object) {
                    Some(_) => Err("there are two configurations of the scorecard; remove one".into()),
                    None => Ok(()),
                };
            }
            ("kustomize.config.k8s.io", _) => return Ok(()),
            _ => &mut self.others,
        };
        if !list.contains(&object) {
            list.push(object);
        }
        Ok(())
    }

    /// Objects of the kinds that are defined here.
    pub(crate) fn examples(&self) -> Vec<&Value> {
        let defined: BTreeSet<Gvk> = self.definitions.iter().flat_map(defined).collect();
        self.others.iter().filter(|object| defined.contains(&Gvk::of(object))).collect()
    }

    /// Objects that are in the bundle as they are.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = &Value> {
        let others = self.others.iter().filter(|object| is_supported(text(object, "kind")));
        self.definitions.iter().chain(&self.services).chain(others)
    }

    /// A Service by its name.
    pub(crate) fn service(&self, wanted: &str) -> Option<&Value> {
        self.services.iter().find(|service| name(service) == wanted)
    }
}

/// Whether an object that is taken apart is what it says it is.
fn check(gvk: &Gvk, object: &Value) -> Result<(), serde_json::Error> {
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("operators.coreos.com", csv::KIND) => ClusterServiceVersion::deserialize(object).map(drop),
        ("apiextensions.k8s.io", "CustomResourceDefinition") if gvk.version == "v1" => {
            CustomResourceDefinition::deserialize(object).map(drop)
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            CustomResourceDefinition::deserialize(&newer(object)).map(drop)
        }
        ("apps", "Deployment") => Deployment::deserialize(object).map(drop),
        _ if object["metadata"].is_null() => Ok(()),
        _ => ObjectMeta::deserialize(&object["metadata"]).map(drop),
    }
}

/// The kinds of a definition, one for each version.
pub(crate) fn defined(definition: &Value) -> Vec<Gvk> {
    let spec = &definition["spec"];
    let key = |version: &str| Gvk::new(text(spec, "group"), version, text(&spec["names"], "kind"));
    match items(&spec["versions"]) {
        [] => vec![key(text(spec, "version"))],
        versions => versions.iter().map(|version| key(text(version, "name"))).collect(),
    }
}

/// The objects of a `v1` List.
fn objects_of_list(document: &Value) -> Option<&[Value]> {
    let list = text(document, "apiVersion") == "v1" && text(document, "kind") == "List";
    list.then(|| items(&document["items"]))
}
