//! A definition without its schemas, as Rust.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionVersion, CustomResourceSubresources,
};

use crate::fields::text;

/// Annotations that are about the copy that was read.
const PASSING: [&str; 1] = ["kubectl.kubernetes.io/last-applied-configuration"];

/// The body of `crd()`; `roots` are the types of the versions, in order.
pub(crate) fn definition(crd: &CustomResourceDefinition, roots: &[String]) -> String {
    let spec = &crd.spec;
    let names = &spec.names;
    let annotations: BTreeMap<_, _> =
        crd.metadata.annotations.iter().flatten().filter(|(key, _)| !PASSING.contains(&key.as_str())).collect();
    let labels: BTreeMap<_, _> = crd.metadata.labels.iter().flatten().collect();
    let versions: String = spec.versions.iter().zip(roots).map(|(version, root)| one_version(version, root)).collect();
    format!(
        "CustomResourceDefinition {{
            metadata: ObjectMeta {{
                annotations: {annotations},
                labels: {labels},
                name: Some({name}.into()),
                ..ObjectMeta::default()
            }},
            spec: apiextensions::CustomResourceDefinitionSpec {{
                conversion: {conversion},
                group: {group}.into(),
                names: apiextensions::CustomResourceDefinitionNames {{
                    categories: {categories},
                    kind: {kind}.into(),
                    list_kind: {list_kind},
                    plural: {plural}.into(),
                    short_names: {short_names},
                    singular: {singular},
                }},
                preserve_unknown_fields: {preserve},
                scope: {scope}.into(),
                versions: vec![{versions}],
            }},
            status: None,
        }}",
        annotations = map(&annotations),
        labels = map(&labels),
        name = text(crd.metadata.name.as_deref().unwrap_or_default()),
        conversion = option(spec.conversion.as_ref(), conversion),
        group = text(&spec.group),
        categories = option(names.categories.as_deref(), list),
        kind = text(&names.kind),
        list_kind = option(names.list_kind.as_deref(), owned),
        plural = text(&names.plural),
        short_names = option(names.short_names.as_deref(), list),
        singular = option(names.singular.as_deref(), owned),
        preserve = option(spec.preserve_unknown_fields, |value| value.to_string()),
        scope = text(&spec.scope),
    )
}

fn one_version(version: &CustomResourceDefinitionVersion, root: &str) -> String {
    let columns = option(version.additional_printer_columns.as_deref(), |columns| {
        let columns: Vec<String> = columns
            .iter()
            .map(|column| {
                format!(
                    "apiextensions::CustomResourceColumnDefinition {{ description: {}, format: {}, json_path: {}.into(), \
                     name: {}.into(), priority: {}, type_: {}.into() }}",
                    option(column.description.as_deref(), owned),
                    option(column.format.as_deref(), owned),
                    text(&column.json_path),
                    text(&column.name),
                    option(column.priority, |value| value.to_string()),
                    text(&column.type_),
                )
            })
            .collect();
        format!("vec![{}]", columns.join(", "))
    });
    let selectable = option(version.selectable_fields.as_deref(), |fields| {
        let fields: Vec<String> = fields
            .iter()
            .map(|field| format!("apiextensions::SelectableField {{ json_path: {}.into() }}", text(&field.json_path)))
            .collect();
        format!("vec![{}]", fields.join(", "))
    });
    format!(
        "apiextensions::CustomResourceDefinitionVersion {{
            additional_printer_columns: {columns},
            deprecated: {},
            deprecation_warning: {},
            name: {}.into(),
            schema: Some(apiextensions::CustomResourceValidation {{ open_api_v3_schema: Some(schema::of::<{root}>()) }}),
            selectable_fields: {selectable},
            served: {},
            storage: {},
            subresources: {},
        }},",
        option(version.deprecated, |value| value.to_string()),
        option(version.deprecation_warning.as_deref(), owned),
        text(&version.name),
        version.served,
        version.storage,
        option(version.subresources.as_ref(), subresources),
    )
}

fn subresources(subresources: &CustomResourceSubresources) -> String {
    let scale = option(subresources.scale.as_ref(), |scale| {
        format!(
            "apiextensions::CustomResourceSubresourceScale {{ label_selector_path: {}, spec_replicas_path: {}.into(), \
             status_replicas_path: {}.into() }}",
            option(scale.label_selector_path.as_deref(), owned),
            text(&scale.spec_replicas_path),
            text(&scale.status_replicas_path),
        )
    });
    let status = option(subresources.status.as_ref(), |_| {
        "apiextensions::CustomResourceSubresourceStatus(serde_json::json!({}))".into()
    });
    format!("apiextensions::CustomResourceSubresources {{ scale: {scale}, status: {status} }}")
}

fn conversion(conversion: &CustomResourceConversion) -> String {
    let webhook = option(conversion.webhook.as_ref(), |webhook| {
        let client = option(webhook.client_config.as_ref(), |client| {
            let service = option(client.service.as_ref(), |service| {
                format!(
                    "apiextensions::ServiceReference {{ name: {}.into(), namespace: {}.into(), path: {}, port: {} }}",
                    text(&service.name),
                    text(&service.namespace),
                    option(service.path.as_deref(), owned),
                    option(service.port, |value| value.to_string()),
                )
            });
            let bundle = option(client.ca_bundle.as_ref(), |ByteString(bytes)| {
                format!("k8s_openapi::ByteString(vec!{bytes:?})")
            });
            format!(
                "apiextensions::WebhookClientConfig {{ ca_bundle: {bundle}, service: {service}, url: {} }}",
                option(client.url.as_deref(), owned)
            )
        });
        format!(
            "apiextensions::WebhookConversion {{ client_config: {client}, conversion_review_versions: {} }}",
            list(&webhook.conversion_review_versions)
        )
    });
    format!(
        "apiextensions::CustomResourceConversion {{ strategy: {}.into(), webhook: {webhook} }}",
        text(&conversion.strategy)
    )
}

fn option<T>(value: Option<T>, write: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "None".into(), |value| format!("Some({})", write(value)))
}

fn owned(value: &str) -> String {
    format!("{}.into()", text(value))
}

fn list(values: &[String]) -> String {
    format!("vec![{}]", values.iter().map(|value| owned(value)).collect::<Vec<_>>().join(", "))
}

fn map(entries: &BTreeMap<&String, &String>) -> String {
    if entries.is_empty() {
        return "None".into();
    }
    let pairs: Vec<String> = entries.iter().map(|(key, value)| format!("({}, {})", owned(key), owned(value))).collect();
    format!("Some(BTreeMap::from([{}]))", pairs.join(", "))
}
