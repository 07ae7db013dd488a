//! The forms that manifests come in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::parts::{METRICS_ROLE, Part, namespace, parts};
use crate::{Description, ManifestError, ManifestOptions};

/// Folders that need something that not each cluster has; not in what is applied by default.
const EXTRAS: [&str; 2] = ["prometheus", "network-policy"];

/// Files for kustomize: `default/kustomization.yaml` is the whole. Each file is applied by itself too.
///
/// # Errors
/// If the description can't be used.
pub fn kustomize(description: &Description, options: &ManifestOptions) -> Result<Vec<(String, String)>, ManifestError> {
    let parts = parts(description, options)?;
    let mut files = Vec::new();
    let mut folders: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for part in &parts {
        files.push((format!("{}/{}", part.folder, part.file), yaml(part)?));
        let (folder, below) = part.folder.split_once('/').unwrap_or((part.folder, ""));
        let below = if below.is_empty() { part.file.clone() } else { format!("{below}/{}", part.file) };
        folders.entry(folder).or_default().push(below);
    }
    for (name, text) in &options.samples {
        files.push((format!("samples/{name}"), text.clone()));
        folders.entry("samples").or_default().push(name.clone());
    }
    for (folder, resources) in &folders {
        files.push((format!("{folder}/kustomization.yaml"), kustomization(resources)?));
    }
    let whole: Vec<String> = folders
        .keys()
        .filter(|folder| !EXTRAS.contains(folder) && **folder != "samples")
        .map(|folder| format!("../{folder}"))
        .collect();
    files.push(("default/kustomization.yaml".into(), kustomization(&whole)?));
    files.sort();
    Ok(files)
}

/// One file with everything that each cluster takes, in the order in which it can be applied.
///
/// # Errors
/// If the description can't be used.
pub fn install(description: &Description, options: &ManifestOptions) -> Result<String, ManifestError> {
    let parts = parts(description, options)?;
    let wanted = parts.iter().filter(|part| !EXTRAS.contains(&part.folder));
    let documents: Result<Vec<String>, ManifestError> = wanted.map(yaml).collect();
    Ok(documents?.join("---\n"))
}

/// A Helm chart. Its values are the image, replicas, resources, and what of the rest is wanted.
///
/// # Errors
/// If the description can't be used.
pub fn chart(
    description: &Description,
    options: &ManifestOptions,
    version: &str,
) -> Result<Vec<(String, String)>, ManifestError> {
    let name = &description.name;
    let own = namespace(description, options);
    let (image, tag) = match options.image.rsplit_once(':') {
        Some((image, tag)) if !tag.contains('/') => (image, tag),
        _ => (options.image.as_str(), "latest"),
    };
    let meta = json!({
        "apiVersion": "v2", "name": name, "version": version, "appVersion": version, "type": "application",
        "description": format!("The {name} operator."),
    });
    let values = json!({
        "image": {"repository": image, "tag": tag, "pullPolicy": "IfNotPresent"},
        "replicas": options.replicas,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
        "crds": {"install": true, "keep": true},
        "prometheus": {"enabled": false},
        "networkPolicy": {"enabled": false},
        "userRoles": {"create": true},
    });
    let mut files = vec![
        ("Chart.yaml".to_string(), document("Chart.yaml", &meta)?),
        ("values.yaml".to_string(), document("values.yaml", &values)?),
        (".helmignore".to_string(), ".git\n*.tgz\n".to_string()),
    ];
    for part in parts(description, options)? {
        if part.document["kind"] == "Namespace" {
            continue;
        }
        let mut part = part;
        let mut condition = None;
        match part.folder {
            "crd/bases" => {
                condition = Some(".Values.crds.install");
                let keep = json!("KUBEWRIGHT-KEEP");
                part.document["metadata"]["annotations"]["helm.sh/resource-policy"] = keep;
            }
            "prometheus" => condition = Some(".Values.prometheus.enabled"),
            "network-policy" => condition = Some(".Values.networkPolicy.enabled"),
            // Those for people, and for what reads the metrics.
            "rbac" if part.file.ends_with("_role.yaml") && part.file != METRICS_ROLE => {
                condition = Some(".Values.userRoles.create")
            }
            _ => {}
        }
        if part.document["kind"] == "Deployment" {
            let pod = &mut part.document["spec"]["template"]["spec"]["containers"][0];
            pod["image"] = json!("KUBEWRIGHT-IMAGE");
            pod["imagePullPolicy"] = json!("KUBEWRIGHT-PULL");
            pod["resources"] = json!("KUBEWRIGHT-RESOURCES");
            part.document["spec"]["replicas"] = json!("KUBEWRIGHT-REPLICAS");
        }
        if part.document["metadata"]["namespace"] == json!(own) {
            part.document["metadata"]["namespace"] = json!("KUBEWRIGHT-NAMESPACE");
        }
        within(&mut part.document, &own);
        // What looks like a template is a text of ours, such as a CEL rule or a description.
        let text = yaml(&part)?.replace("{{", "{{ \"{{\" }}");
        let mut text = [
            ("KUBEWRIGHT-IMAGE", "{{ .Values.image.repository }}:{{ .Values.image.tag }}"),
            ("KUBEWRIGHT-PULL", "{{ .Values.image.pullPolicy }}"),
            ("KUBEWRIGHT-RESOURCES", "{{ toJson .Values.resources }}"),
            ("KUBEWRIGHT-REPLICAS", "{{ .Values.replicas }}"),
            ("KUBEWRIGHT-NAMESPACE", "{{ .Release.Namespace }}"),
            ("KUBEWRIGHT-KEEP", "{{ ternary \"keep\" \"delete\" .Values.crds.keep }}"),
        ]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to));
        if let Some(condition) = condition {
            text = format!("{{{{- if {condition} }}}}\n{text}{{{{- end }}}}\n");
        }
        files.push((format!("templates/{}/{}", part.folder.replace("/bases", ""), part.file), text));
    }
    files.sort();
    Ok(files)
}

/// Puts the release's namespace where the operator's is named: in subjects, Services of webhooks and arguments.
fn within(value: &mut Value, own: &str) {
    match value {
        Value::Object(map) => {
            if map.get("namespace").is_some_and(|namespace| namespace == own) && map.contains_key("name") {
                map.insert("namespace".into(), "KUBEWRIGHT-NAMESPACE".into());
            }
            map.values_mut().for_each(|value| within(value, own));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| within(value, own)),
        Value::String(text) if text.starts_with("--") && text.contains("webhook-service=") => {
            *text = text.replacen(&format!("={own}/"), "=KUBEWRIGHT-NAMESPACE/", 1);
        }
        // The names of a certificate.
        Value::String(text) if text.contains(&format!(".{own}.svc")) => {
            *text = text.replace(&format!(".{own}.svc"), ".KUBEWRIGHT-NAMESPACE.svc");
        }
        Value::String(text) if text.starts_with("--") && text.contains("-namespace=") => {
            if let Some(flag) = text.strip_suffix(&format!("={own}")) {
                *text = format!("{flag}=KUBEWRIGHT-NAMESPACE");
            }
        }
        _ => {}
    }
}

fn kustomization(resources: &[String]) -> Result<String, ManifestError> {
    let content =
        json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources});
    document("kustomization.yaml", &content)
}

fn yaml(part: &Part) -> Result<String, ManifestError> {
    document(&part.file, &part.document)
}

fn document(what: &str, value: &Value) -> Result<String, ManifestError> {
    let mut text = serde_saphyr::to_string(value)
        .map_err(|error| ManifestError::Yaml { what: what.into(), cause: error.to_string() })?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
