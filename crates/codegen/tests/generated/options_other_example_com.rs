//! Types of `options.other.example.com`. Written by `kubewright types`: change the definition, not this.
#![allow(
    clippy::all,
    clippy::pedantic,
    rustdoc::all,
    missing_docs,
    non_camel_case_types,
    unreachable_pub,
    unused_imports
)]
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
/// Version v1.
pub mod v1 {
    use std::borrow::Cow;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;
    use serde_json::Value;
    #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct OptionResource {
        /// Name, labels, owners and the like.
        #[serde(default)]
        #[schemars(skip)]
        pub metadata: ObjectMeta,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Object")]
        #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
        pub spec: Option<BTreeMap<String, Value>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Object")]
        #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
        pub status: Option<BTreeMap<String, Value>>,
    }
    impl OptionResource {
        /// One of this name and content.
        #[must_use]
        pub fn new(name: &str, spec: BTreeMap<String, Value>) -> Self {
            Self {
                metadata: ObjectMeta {
                    name: Some(name.into()),
                    ..ObjectMeta::default()
                },
                spec: Some(spec),
                status: Default::default(),
            }
        }
    }
    impl Serialize for OptionResource {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "other.example.com/v1")?;
            map.serialize_entry("kind", "Option")?;
            map.serialize_entry("metadata", &self.metadata)?;
            if let Some(value) = &self.spec {
                map.serialize_entry("spec", value)?;
            }
            if let Some(value) = &self.status {
                map.serialize_entry("status", value)?;
            }
            map.end()
        }
    }
    impl kube::Resource for OptionResource {
        type DynamicType = ();
        type Scope = kube::core::NamespaceResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Option".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "other.example.com".into()
        }
        fn version(_: &()) -> Cow<'_, str> {
            "v1".into()
        }
        fn plural(_: &()) -> Cow<'_, str> {
            "options".into()
        }
        fn meta(&self) -> &ObjectMeta {
            &self.metadata
        }
        fn meta_mut(&mut self) -> &mut ObjectMeta {
            &mut self.metadata
        }
    }
    impl kube::CustomResourceExt for OptionResource {
        fn crd() -> CustomResourceDefinition {
            super::crd()
        }
        fn crd_name() -> &'static str {
            "options.other.example.com"
        }
        fn api_resource() -> kube::core::ApiResource {
            kube::core::ApiResource::erase::<Self>(&())
        }
        fn shortnames() -> &'static [&'static str] {
            &[]
        }
    }
    impl kube::core::object::HasStatus for OptionResource {
        type Status = BTreeMap<String, Value>;
        fn status(&self) -> Option<&Self::Status> {
            self.status.as_ref()
        }
        fn status_mut(&mut self) -> &mut Option<Self::Status> {
            &mut self.status
        }
    }
    /// A part of a [`OptionResource`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct OptionResourceApplyConfiguration {
        /// Name, and the labels, annotations, finalizers and owners that are applied.
        #[serde(default)]
        pub metadata: ObjectMeta,
        /// As [`OptionResource::spec`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub spec: Option<BTreeMap<String, Value>>,
        /// As [`OptionResource::status`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<BTreeMap<String, Value>>,
    }
    impl OptionResourceApplyConfiguration {
        /// One of this name that says nothing yet.
        #[must_use]
        pub fn new(name: &str) -> Self {
            Self {
                metadata: ObjectMeta {
                    name: Some(name.into()),
                    ..Default::default()
                },
                ..Default::default()
            }
        }
        /// Sets the namespace.
        #[must_use]
        pub fn namespace(mut self, namespace: &str) -> Self {
            self.metadata.namespace = Some(namespace.into());
            self
        }
        /// Applies a label.
        #[must_use]
        pub fn label(mut self, key: &str, value: &str) -> Self {
            self.metadata
                .labels
                .get_or_insert_default()
                .insert(key.into(), value.into());
            self
        }
        /// Applies an annotation.
        #[must_use]
        pub fn annotation(mut self, key: &str, value: &str) -> Self {
            self.metadata
                .annotations
                .get_or_insert_default()
                .insert(key.into(), value.into());
            self
        }
        /// Applies `spec`.
        #[must_use]
        pub fn spec(mut self, value: impl Into<BTreeMap<String, Value>>) -> Self {
            self.spec = Some(value.into());
            self
        }
        /// Applies `status`.
        #[must_use]
        pub fn status(mut self, value: impl Into<BTreeMap<String, Value>>) -> Self {
            self.status = Some(value.into());
            self
        }
    }
    impl Serialize for OptionResourceApplyConfiguration {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "other.example.com/v1")?;
            map.serialize_entry("kind", "Option")?;
            map.serialize_entry("metadata", &self.metadata)?;
            if let Some(value) = &self.spec {
                map.serialize_entry("spec", value)?;
            }
            if let Some(value) = &self.status {
                map.serialize_entry("status", value)?;
            }
            map.end()
        }
    }
    impl kube::Resource for OptionResourceApplyConfiguration {
        type DynamicType = ();
        type Scope = kube::core::NamespaceResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Option".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "other.example.com".into()
        }
        fn version(_: &()) -> Cow<'_, str> {
            "v1".into()
        }
        fn plural(_: &()) -> Cow<'_, str> {
            "options".into()
        }
        fn meta(&self) -> &ObjectMeta {
            &self.metadata
        }
        fn meta_mut(&mut self) -> &mut ObjectMeta {
            &mut self.metadata
        }
    }
}
/// The definition, with all its versions.
#[must_use]
pub fn crd() -> CustomResourceDefinition {
    CustomResourceDefinition {
        metadata: ObjectMeta {
            annotations: None,
            labels: None,
            name: Some("options.other.example.com".into()),
            ..ObjectMeta::default()
        },
        spec: apiextensions::CustomResourceDefinitionSpec {
            conversion: None,
            group: "other.example.com".into(),
            names: apiextensions::CustomResourceDefinitionNames {
                categories: None,
                kind: "Option".into(),
                list_kind: None,
                plural: "options".into(),
                short_names: None,
                singular: None,
            },
            preserve_unknown_fields: None,
            scope: "Namespaced".into(),
            versions: vec![
                apiextensions::CustomResourceDefinitionVersion {
                additional_printer_columns : None, deprecated : None, deprecation_warning
                : None, name : "v1".into(), schema :
                Some(apiextensions::CustomResourceValidation { open_api_v3_schema :
                Some(schema::of::< v1::OptionResource > ()) }), selectable_fields : None,
                served : true, storage : true, subresources : None, },
            ],
        },
        status: None,
    }
}
/// Schemas that Rust's own types have no words for.
#[allow(dead_code)]
mod schema {
    use std::borrow::Cow;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
    use schemars::generate::SchemaSettings;
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    macro_rules! plain {
        ($($name:ident : $schema:tt;)*) => {
            $(pub (super) struct $name; impl JsonSchema for $name { fn inline_schema() ->
            bool { true } fn schema_name() -> Cow <'static, str > { stringify!($name)
            .into() } fn json_schema(_ : & mut SchemaGenerator) -> Schema {
            json_schema!($schema) } })*
        };
    }
    plain! {
        Any : {}; Integer : { "type" : "integer" }; Number : { "type" : "number" };
        Object : { "type" : "object" }; IntOrString : { "x-kubernetes-int-or-string" :
        true };
    }
    /// The schema of a type, with everything in place, as definitions want it.
    pub(super) fn of<T: JsonSchema>() -> JSONSchemaProps {
        let settings = SchemaSettings::default()
            .with(|settings| {
                settings.inline_subschemas = true;
                settings.meta_schema = None;
                settings.transforms.clear();
            });
        let schema = T::json_schema(&mut settings.into_generator());
        serde_json::from_value(schema.to_value())
            .expect("the schema came out of a definition")
    }
    /// JSON that is too long for a macro.
    pub(super) fn json(text: &str) -> serde_json::Value {
        serde_json::from_str(text).expect("it was JSON when this was written")
    }
}
