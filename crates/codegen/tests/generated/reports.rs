//! Types of `reports.net.example.com`. Written by `kubewright types`: change the definition, not this.
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
/// Version v1alpha1.
pub mod v1alpha1 {
    use std::borrow::Cow;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;
    use serde_json::Value;
    #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub struct Report {
        /// Name, labels, owners and the like.
        #[serde(default)]
        #[schemars(skip)]
        pub metadata: ObjectMeta,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Vec<ReportResult>")]
        pub results: Option<Vec<ReportResult>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "ReportSummary")]
        pub summary: Option<ReportSummary>,
        /// Properties that the schema does not name.
        #[serde(flatten)]
        #[schemars(skip)]
        pub other: BTreeMap<String, Value>,
    }
    impl Serialize for Report {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "net.example.com/v1alpha1")?;
            map.serialize_entry("kind", "Report")?;
            map.serialize_entry("metadata", &self.metadata)?;
            if let Some(value) = &self.results {
                map.serialize_entry("results", value)?;
            }
            if let Some(value) = &self.summary {
                map.serialize_entry("summary", value)?;
            }
            for (key, value) in &self.other {
                if key != "apiVersion" && key != "kind" {
                    map.serialize_entry(key, value)?;
                }
            }
            map.end()
        }
    }
    impl kube::Resource for Report {
        type DynamicType = ();
        type Scope = kube::core::ClusterResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Report".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "net.example.com".into()
        }
        fn version(_: &()) -> Cow<'_, str> {
            "v1alpha1".into()
        }
        fn plural(_: &()) -> Cow<'_, str> {
            "reports".into()
        }
        fn meta(&self) -> &ObjectMeta {
            &self.metadata
        }
        fn meta_mut(&mut self) -> &mut ObjectMeta {
            &mut self.metadata
        }
    }
    impl kube::CustomResourceExt for Report {
        fn crd() -> CustomResourceDefinition {
            super::crd()
        }
        fn crd_name() -> &'static str {
            "reports.net.example.com"
        }
        fn api_resource() -> kube::core::ApiResource {
            kube::core::ApiResource::erase::<Self>(&())
        }
        fn shortnames() -> &'static [&'static str] {
            &[]
        }
    }
    /// A part of a [`Report`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct ReportApplyConfiguration {
        /// Name, and the labels, annotations, finalizers and owners that are applied.
        #[serde(default)]
        pub metadata: ObjectMeta,
        /// As [`Report::results`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub results: Option<Vec<ReportResultApplyConfiguration>>,
        /// As [`Report::summary`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub summary: Option<ReportSummaryApplyConfiguration>,
        /// As [`Report::other`].
        #[serde(flatten)]
        pub other: BTreeMap<String, Value>,
    }
    impl ReportApplyConfiguration {
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
        /// Applies `results`.
        #[must_use]
        pub fn results(
            mut self,
            value: impl IntoIterator<Item = impl Into<ReportResultApplyConfiguration>>,
        ) -> Self {
            self.results = Some(value.into_iter().map(Into::into).collect());
            self
        }
        /// Applies `summary`.
        #[must_use]
        pub fn summary(
            mut self,
            value: impl Into<ReportSummaryApplyConfiguration>,
        ) -> Self {
            self.summary = Some(value.into());
            self
        }
        /// Applies the other properties.
        #[must_use]
        pub fn other(mut self, value: impl Into<BTreeMap<String, Value>>) -> Self {
            self.other = value.into();
            self
        }
    }
    impl Serialize for ReportApplyConfiguration {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "net.example.com/v1alpha1")?;
            map.serialize_entry("kind", "Report")?;
            map.serialize_entry("metadata", &self.metadata)?;
            if let Some(value) = &self.results {
                map.serialize_entry("results", value)?;
            }
            if let Some(value) = &self.summary {
                map.serialize_entry("summary", value)?;
            }
            for (key, value) in &self.other {
                if key != "apiVersion" && key != "kind" {
                    map.serialize_entry(key, value)?;
                }
            }
            map.end()
        }
    }
    impl kube::Resource for ReportApplyConfiguration {
        type DynamicType = ();
        type Scope = kube::core::ClusterResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Report".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "net.example.com".into()
        }
        fn version(_: &()) -> Cow<'_, str> {
            "v1alpha1".into()
        }
        fn plural(_: &()) -> Cow<'_, str> {
            "reports".into()
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
    pub struct ReportResult {
        pub policy: String,
    }
    /// A part of a [`ReportResult`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct ReportResultApplyConfiguration {
        /// As [`ReportResult::policy`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub policy: Option<String>,
    }
    impl ReportResultApplyConfiguration {
        /// Applies `policy`.
        #[must_use]
        pub fn policy(mut self, value: impl Into<String>) -> Self {
            self.policy = Some(value.into());
            self
        }
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct ReportSummary {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Integer")]
        pub fail: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Integer")]
        pub pass: Option<i64>,
    }
    /// A part of a [`ReportSummary`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct ReportSummaryApplyConfiguration {
        /// As [`ReportSummary::fail`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub fail: Option<i64>,
        /// As [`ReportSummary::pass`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pass: Option<i64>,
    }
    impl ReportSummaryApplyConfiguration {
        /// Applies `fail`.
        #[must_use]
        pub fn fail(mut self, value: impl Into<i64>) -> Self {
            self.fail = Some(value.into());
            self
        }
        /// Applies `pass`.
        #[must_use]
        pub fn pass(mut self, value: impl Into<i64>) -> Self {
            self.pass = Some(value.into());
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
            name: Some("reports.net.example.com".into()),
            ..ObjectMeta::default()
        },
        spec: apiextensions::CustomResourceDefinitionSpec {
            conversion: None,
            group: "net.example.com".into(),
            names: apiextensions::CustomResourceDefinitionNames {
                categories: None,
                kind: "Report".into(),
                list_kind: None,
                plural: "reports".into(),
                short_names: None,
                singular: None,
            },
            preserve_unknown_fields: Some(false),
            scope: "Cluster".into(),
            versions: vec![
                apiextensions::CustomResourceDefinitionVersion {
                additional_printer_columns : None, deprecated : None, deprecation_warning
                : None, name : "v1alpha1".into(), schema :
                Some(apiextensions::CustomResourceValidation { open_api_v3_schema :
                Some(schema::of::< v1alpha1::Report > ()) }), selectable_fields : None,
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
