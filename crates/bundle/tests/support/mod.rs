//! A good bundle, and what tests change of it.

// Each test program uses its own part of this.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

const CSV: &str = "manifests/site.clusterserviceversion.yaml";
const DEFINITION: &str = "manifests/web.example.com_sites.yaml";
const ANNOTATIONS: &str = "metadata/annotations.yaml";

/// The files of a bundle, by their paths.
#[derive(Debug, Clone)]
pub struct Files(pub BTreeMap<String, String>);

impl Files {
    pub fn good() -> Self {
        let annotations = json!({"annotations": {
            "operators.operatorframework.io.bundle.mediatype.v1": "registry+v1",
            "operators.operatorframework.io.bundle.manifests.v1": "manifests/",
            "operators.operatorframework.io.bundle.metadata.v1": "metadata/",
            "operators.operatorframework.io.bundle.package.v1": "site",
            "operators.operatorframework.io.bundle.channels.v1": "stable",
        }});
        Self(BTreeMap::new()).with(CSV, &csv()).with(DEFINITION, &definition()).with(ANNOTATIONS, &annotations)
    }

    pub fn with(self, path: &str, value: &Value) -> Self {
        let text = serde_saphyr::to_string(value).unwrap();
        self.text(path, &text)
    }

    pub fn text(mut self, path: &str, text: &str) -> Self {
        self.0.insert(path.into(), text.into());
        self
    }

    pub fn without(mut self, path: &str) -> Self {
        self.0.remove(path).unwrap();
        self
    }

    pub fn without_all(mut self, prefix: &str) -> Self {
        self.0.retain(|path, _| !path.starts_with(prefix));
        self
    }

    pub fn moved(mut self, from: &str, to: &str) -> Self {
        let text = self.0.remove(from).unwrap();
        self.text(to, &text)
    }

    pub fn csv(self, change: impl FnOnce(&mut Value)) -> Self {
        self.changed(CSV, change)
    }

    pub fn definition(self, change: impl FnOnce(&mut Value)) -> Self {
        self.changed(DEFINITION, change)
    }

    pub fn annotation(self, key: &str, value: Option<&str>) -> Self {
        self.changed(ANNOTATIONS, |file| {
            let annotations = file["annotations"].as_object_mut().unwrap();
            match value {
                Some(value) => drop(annotations.insert(key.into(), value.into())),
                None => drop(annotations.remove(key)),
            }
        })
    }

    pub fn changed(self, path: &str, change: impl FnOnce(&mut Value)) -> Self {
        let mut value: Value = serde_saphyr::from_str(&self.0[path]).unwrap();
        change(&mut value);
        self.with(path, &value)
    }

    pub fn written(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in &self.0 {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }
}

pub fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "sites.web.example.com"},
        "spec": {
            "group": "web.example.com",
            "names": {"kind": "Site", "listKind": "SiteList", "plural": "sites", "singular": "site"},
            "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": "A site on the web.",
                    "properties": {
                        "spec": {"type": "object", "properties": {
                            "size": {"type": "integer", "description": "How many replicas."},
                            "hostName": {"type": "string"},
                        }},
                        "status": {"type": "object", "properties": {"ready": {"type": "integer"}}},
                    },
                }},
            }],
        },
    })
}

pub fn csv() -> Value {
    let examples = json!([{
        "apiVersion": "web.example.com/v1", "kind": "Site", "metadata": {"name": "site-sample"}, "spec": {"size": 1},
    }]);
    json!({
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "ClusterServiceVersion",
        "metadata": {
            "name": "site.v0.1.0",
            "annotations": {
                "alm-examples": examples.to_string(),
                "capabilities": "Basic Install",
                "categories": "Networking, Storage",
            },
        },
        "spec": {
            "displayName": "Site",
            "description": "Sites on the web.",
            "version": "0.1.0",
            "minKubeVersion": "1.20.0",
            "maturity": "alpha",
            "provider": {"name": "Example"},
            "maintainers": [{"name": "A Person", "email": "person@example.com"}],
            "links": [{"name": "Documentation", "url": "https://example.com/docs"}],
            "icon": [{"base64data": "PHN2Zy8+", "mediatype": "image/svg+xml"}],
            "installModes": [
                {"type": "OwnNamespace", "supported": true},
                {"type": "SingleNamespace", "supported": true},
                {"type": "MultiNamespace", "supported": false},
                {"type": "AllNamespaces", "supported": true},
            ],
            "customresourcedefinitions": {"owned": [{
                "name": "sites.web.example.com", "version": "v1", "kind": "Site", "displayName": "Site",
                "description": "A site on the web.",
                "resources": [{"kind": "Deployment", "name": "", "version": "apps/v1"}],
                "specDescriptors": [{"path": "size"}],
                "statusDescriptors": [{"path": "ready"}],
            }]},
            "install": {
                "strategy": "deployment",
                "spec": {
                    "clusterPermissions": [{
                        "serviceAccountName": "site-operator",
                        "rules": [{"apiGroups": ["web.example.com"], "resources": ["sites"], "verbs": ["get", "list", "watch"]}],
                    }],
                    "deployments": [{
                        "name": "site-operator",
                        "spec": {
                            "replicas": 1,
                            "selector": {"matchLabels": {"app": "site"}},
                            "template": {
                                "metadata": {"labels": {"app": "site"}},
                                "spec": {
                                    "serviceAccountName": "site-operator",
                                    "containers": [{
                                        "name": "manager", "image": "registry.example.com/site:0.1.0",
                                        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
                                    }],
                                },
                            },
                        },
                    }],
                },
            },
        },
    })
}
