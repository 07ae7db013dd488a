//! Types of `options.net.example.com`. Written by `kubewright types`: change the definition, not this.
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
    #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct Options {
        /// Name, labels, owners and the like.
        #[serde(default)]
        #[schemars(skip)]
        pub metadata: ObjectMeta,
        pub spec: OptionsSpec,
    }
    impl Options {
        /// One of this name and content.
        #[must_use]
        pub fn new(name: &str, spec: OptionsSpec) -> Self {
            Self {
                metadata: ObjectMeta {
                    name: Some(name.into()),
                    ..ObjectMeta::default()
                },
                spec: spec,
            }
        }
    }
    impl Serialize for Options {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "net.example.com/v1")?;
            map.serialize_entry("kind", "Options")?;
            map.serialize_entry("metadata", &self.metadata)?;
            map.serialize_entry("spec", &self.spec)?;
            map.end()
        }
    }
    impl kube::Resource for Options {
        type DynamicType = ();
        type Scope = kube::core::ClusterResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Options".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "net.example.com".into()
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
    impl kube::CustomResourceExt for Options {
        fn crd() -> CustomResourceDefinition {
            super::crd()
        }
        fn crd_name() -> &'static str {
            "options.net.example.com"
        }
        fn api_resource() -> kube::core::ApiResource {
            kube::core::ApiResource::erase::<Self>(&())
        }
        fn shortnames() -> &'static [&'static str] {
            &[]
        }
    }
    impl kube::core::object::HasSpec for Options {
        type Spec = OptionsSpec;
        fn spec(&self) -> &Self::Spec {
            &self.spec
        }
        fn spec_mut(&mut self) -> &mut Self::Spec {
            &mut self.spec
        }
    }
    /// A part of a [`Options`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct OptionsApplyConfiguration {
        /// Name, and the labels, annotations, finalizers and owners that are applied.
        #[serde(default)]
        pub metadata: ObjectMeta,
        /// As [`Options::spec`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub spec: Option<OptionsSpecApplyConfiguration>,
    }
    impl OptionsApplyConfiguration {
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
        pub fn spec(mut self, value: impl Into<OptionsSpecApplyConfiguration>) -> Self {
            self.spec = Some(value.into());
            self
        }
    }
    impl Serialize for OptionsApplyConfiguration {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "net.example.com/v1")?;
            map.serialize_entry("kind", "Options")?;
            map.serialize_entry("metadata", &self.metadata)?;
            if let Some(value) = &self.spec {
                map.serialize_entry("spec", value)?;
            }
            map.end()
        }
    }
    impl kube::Resource for OptionsApplyConfiguration {
        type DynamicType = ();
        type Scope = kube::core::ClusterResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Options".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "net.example.com".into()
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
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct OptionsSpec {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "OptionsSpecString")]
        pub string: Option<OptionsSpecString>,
        pub vec: Vec<String>,
    }
    /// A part of a [`OptionsSpec`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct OptionsSpecApplyConfiguration {
        /// As [`OptionsSpec::string`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub string: Option<OptionsSpecStringApplyConfiguration>,
        /// As [`OptionsSpec::vec`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vec: Option<Vec<String>>,
    }
    impl OptionsSpecApplyConfiguration {
        /// Applies `string`.
        #[must_use]
        pub fn string(
            mut self,
            value: impl Into<OptionsSpecStringApplyConfiguration>,
        ) -> Self {
            self.string = Some(value.into());
            self
        }
        /// Applies `vec`.
        #[must_use]
        pub fn vec(
            mut self,
            value: impl IntoIterator<Item = impl Into<String>>,
        ) -> Self {
            self.vec = Some(value.into_iter().map(Into::into).collect());
            self
        }
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct OptionsSpecString {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub string: Option<String>,
    }
    /// A part of a [`OptionsSpecString`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct OptionsSpecStringApplyConfiguration {
        /// As [`OptionsSpecString::string`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub string: Option<String>,
    }
    impl OptionsSpecStringApplyConfiguration {
        /// Applies `string`.
        #[must_use]
        pub fn string(mut self, value: impl Into<String>) -> Self {
            self.string = Some(value.into());
            self
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
            name: Some("options.net.example.com".into()),
            ..ObjectMeta::default()
        },
        spec: apiextensions::CustomResourceDefinitionSpec {
            conversion: None,
            group: "net.example.com".into(),
            names: apiextensions::CustomResourceDefinitionNames {
                categories: None,
                kind: "Options".into(),
                list_kind: None,
                plural: "options".into(),
                short_names: None,
                singular: None,
            },
            preserve_unknown_fields: None,
            scope: "Cluster".into(),
            versions: vec![
                apiextensions::CustomResourceDefinitionVersion {
                additional_printer_columns : None, deprecated : None, deprecation_warning
                : None, name : "v1".into(), schema :
                Some(apiextensions::CustomResourceValidation { open_api_v3_schema :
                Some(schema::of::< v1::Options > ()) }), selectable_fields : None, served
                : false, storage : true, subresources : None, },
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
