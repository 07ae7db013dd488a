//! The definitions of custom resources, checked as the API server does, except for their schemas.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright_apiserver::crd;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::csv::{items, name};
use crate::finding::{Finding, reason};
use crate::read::Bundle;

/// What is wrong with the definitions.
pub(crate) fn definitions(bundle: &Bundle) -> Vec<Finding> {
    let old = bundle.definitions("v1beta1").map(|object| (&object.file, newer(&object.value)));
    let new = bundle.definitions("v1").map(|object| (&object.file, object.value.clone()));
    let mut found = Vec::new();
    for (file, mut definition) in old.chain(new) {
        if let Err(error) = CustomResourceDefinition::deserialize(&definition) {
            let message = format!("{file} can't be read as a CustomResourceDefinition: {error}");
            found.push(Finding::error(reason::PARSE, message));
            continue;
        }
        crd::set_defaults(&mut definition);
        for error in crd::validate(&definition, None) {
            // The API server is more exact about schemas than what bundles were ever held to.
            if !error.field.contains("openAPIV3Schema") && !error.field.contains("status") {
                let message = format!("{file}: CustomResourceDefinition {:?}: {error}", name(&definition));
                found.push(Finding::error(error.kind.reason(), message));
            }
        }
    }
    if bundle.objects.iter().any(|object| {
        object.value["kind"] == "CustomResourceDefinition"
            && ![json!("apiextensions.k8s.io/v1"), json!("apiextensions.k8s.io/v1beta1")]
                .contains(&object.value["apiVersion"])
    }) {
        let message = "a CustomResourceDefinition has an apiVersion that is not known; use apiextensions.k8s.io/v1";
        found.push(Finding::error(reason::PARSE, message));
    }
    found
}

/// A definition of `apiextensions.k8s.io/v1beta1` as one of `v1`.
pub(crate) fn newer(old: &Value) -> Value {
    let mut new = old.clone();
    new["apiVersion"] = "apiextensions.k8s.io/v1".into();
    let Some(spec) = new["spec"].as_object_mut() else { return new };
    let top: Vec<(&str, Value)> = [
        ("validation", "schema"),
        ("subresources", "subresources"),
        ("additionalPrinterColumns", "additionalPrinterColumns"),
    ]
    .into_iter()
    .filter_map(|(old, new)| Some((new, spec.remove(old)?)))
    .collect();
    let version = spec.remove("version");
    let listed = spec.get("versions").is_some_and(|versions| !items(versions).is_empty());
    if let (false, Some(version)) = (listed, &version) {
        spec.insert("versions".into(), json!([{"name": version, "served": true, "storage": true}]));
    }
    let versions = spec.get_mut("versions").and_then(Value::as_array_mut).into_iter().flatten();
    for version in versions.filter_map(Value::as_object_mut) {
        for (key, value) in &top {
            version.entry(*key).or_insert_with(|| value.clone());
        }
        let columns = version.get_mut("additionalPrinterColumns").and_then(Value::as_array_mut);
        for column in columns.into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(path) = column.remove("JSONPath") {
                column.insert("jsonPath".into(), path);
            }
        }
    }
    if let Some(conversion) = spec.get_mut("conversion").and_then(Value::as_object_mut) {
        let client = conversion.remove("webhookClientConfig");
        let reviews = conversion.remove("conversionReviewVersions");
        if let Some(client) = client {
            conversion.insert(
                "webhook".into(),
                json!({"clientConfig": client, "conversionReviewVersions": reviews.unwrap_or(json!(["v1beta1"]))}),
            );
        }
    }
    new
}
