//! Types of `gateways.net.example.com`. Written by `kubewright types`: change the definition, not this.
#![allow(
    clippy::all,
    clippy::pedantic,
    rustdoc::all,
    missing_docs,
    non_camel_case_types,
    unreachable_pub,
    unused_imports
)]
use std::collections::BTreeMap;
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
    use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use kube::core::DynamicObject;
    /// A gateway.
    ///
    /// \# Not a heading
    /// fn indented() { does_not_compile }
    /// '''
    /// nor does this
    /// '''
    #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    #[schemars(
        description = "A gateway.\n\n# Not a heading\n    fn indented() { does_not_compile }\n```\nnor does this\n```"
    )]
    #[schemars(
        extend(
            "x-kubernetes-validations" = [{"message":"too long",
            "rule":"self.metadata.name.size() < 30"}]
        )
    )]
    pub struct Gateway {
        /// Name, labels, owners and the like.
        #[schemars(with = "super::schema::Object", description = "")]
        #[schemars(
            extend(
                "properties" = {"name":{"maxLength":40,
                "pattern":"^[a-z]+$",
                "type":"string"}}
            )
        )]
        pub metadata: ObjectMeta,
        /// What is wanted.
        pub spec: GatewaySpec,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewayStatus")]
        pub status: Option<GatewayStatus>,
    }
    impl Gateway {
        /// One of this name and content.
        #[must_use]
        pub fn new(name: &str, spec: GatewaySpec) -> Self {
            Self {
                metadata: ObjectMeta {
                    name: Some(name.into()),
                    ..ObjectMeta::default()
                },
                spec: spec,
                status: Default::default(),
            }
        }
    }
    impl Serialize for Gateway {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "net.example.com/v1")?;
            map.serialize_entry("kind", "Gateway")?;
            map.serialize_entry("metadata", &self.metadata)?;
            map.serialize_entry("spec", &self.spec)?;
            if let Some(value) = &self.status {
                map.serialize_entry("status", value)?;
            }
            map.end()
        }
    }
    impl kube::Resource for Gateway {
        type DynamicType = ();
        type Scope = kube::core::NamespaceResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Gateway".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "net.example.com".into()
        }
        fn version(_: &()) -> Cow<'_, str> {
            "v1".into()
        }
        fn plural(_: &()) -> Cow<'_, str> {
            "gateways".into()
        }
        fn meta(&self) -> &ObjectMeta {
            &self.metadata
        }
        fn meta_mut(&mut self) -> &mut ObjectMeta {
            &mut self.metadata
        }
    }
    impl kube::CustomResourceExt for Gateway {
        fn crd() -> CustomResourceDefinition {
            super::crd()
        }
        fn crd_name() -> &'static str {
            "gateways.net.example.com"
        }
        fn api_resource() -> kube::core::ApiResource {
            kube::core::ApiResource::erase::<Self>(&())
        }
        fn shortnames() -> &'static [&'static str] {
            &["gw", "gtw"]
        }
    }
    impl kube::core::object::HasSpec for Gateway {
        type Spec = GatewaySpec;
        fn spec(&self) -> &Self::Spec {
            &self.spec
        }
        fn spec_mut(&mut self) -> &mut Self::Spec {
            &mut self.spec
        }
    }
    impl kube::core::object::HasStatus for Gateway {
        type Status = GatewayStatus;
        fn status(&self) -> Option<&Self::Status> {
            self.status.as_ref()
        }
        fn status_mut(&mut self) -> &mut Option<Self::Status> {
            &mut self.status
        }
    }
    /// A part of a [`Gateway`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewayApplyConfiguration {
        /// Name, and the labels, annotations, finalizers and owners that are applied.
        #[serde(default)]
        pub metadata: ObjectMeta,
        /// As [`Gateway::spec`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub spec: Option<GatewaySpecApplyConfiguration>,
        /// As [`Gateway::status`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<GatewayStatusApplyConfiguration>,
    }
    impl GatewayApplyConfiguration {
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
        pub fn spec(mut self, value: impl Into<GatewaySpecApplyConfiguration>) -> Self {
            self.spec = Some(value.into());
            self
        }
        /// Applies `status`.
        #[must_use]
        pub fn status(
            mut self,
            value: impl Into<GatewayStatusApplyConfiguration>,
        ) -> Self {
            self.status = Some(value.into());
            self
        }
    }
    impl Serialize for GatewayApplyConfiguration {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "net.example.com/v1")?;
            map.serialize_entry("kind", "Gateway")?;
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
    impl kube::Resource for GatewayApplyConfiguration {
        type DynamicType = ();
        type Scope = kube::core::NamespaceResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Gateway".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "net.example.com".into()
        }
        fn version(_: &()) -> Cow<'_, str> {
            "v1".into()
        }
        fn plural(_: &()) -> Cow<'_, str> {
            "gateways".into()
        }
        fn meta(&self) -> &ObjectMeta {
            &self.metadata
        }
        fn meta_mut(&mut self) -> &mut ObjectMeta {
            &mut self.metadata
        }
    }
    /// What is wanted.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    #[schemars(extend("allOf" = [{"properties":{"replicas":{"minimum":0}}}]))]
    #[schemars(extend("anyOf" = [{"properties":{"class":{"enum":["a", "b"]}}}]))]
    #[schemars(
        extend(
            "oneOf" = [{"required":["class"]},
            {"not":{"required":["class2"]},
            "required":["tls"]}]
        )
    )]
    #[schemars(extend("required" = ["class", "listeners", "class2"]))]
    #[schemars(
        extend(
            "x-kubernetes-validations" = [{"fieldPath":".replicas",
            "message":"say \"why\", or \\ not",
            "messageExpression":"\"replicas \" + string(self.replicas)",
            "optionalOldSelf":true,
            "reason":"FieldValueInvalid",
            "rule":"!has(self.tls) || self.tls.mode != 'Off' || self.replicas > 1"}]
        )
    )]
    pub struct GatewaySpec {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        #[schemars(extend("format" = "ipv4"))]
        pub address: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Any")]
        #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
        pub anything: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "i64")]
        #[schemars(range(max = 9007199254740991i64))]
        pub big: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        #[schemars(extend("format" = "byte"))]
        pub blob: Option<String>,
        /// Its class.
        #[schemars(length(min = 1, max = 63))]
        #[schemars(regex(pattern = r#"^[a-z"\\]([-a-z0-9]*[a-z0-9])?$"#))]
        pub class: String,
        #[schemars(with = "String")]
        #[schemars(extend("nullable" = true))]
        pub class2: Option<String>,
        #[serde(rename = "class_2", default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub class_2: Option<String>,
        #[serde(default)]
        #[schemars(with = "BTreeMap<String, super::schema::IntOrString>")]
        #[schemars(extend("minProperties" = 1))]
        pub counts: BTreeMap<String, IntOrString>,
        #[serde(default)]
        pub debug: bool,
        #[serde(default)]
        pub empty: String,
        #[serde(default = "GatewaySpec::default_enabled")]
        pub enabled: bool,
        /// The first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewaySpecFirst")]
        pub first: Option<GatewaySpecFirst>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Object")]
        #[schemars(extend("additionalProperties" = true))]
        pub free: Option<BTreeMap<String, Value>>,
        #[serde(default = "GatewaySpec::default_greeting")]
        pub greeting: String,
        #[serde(default = "GatewaySpec::default_half")]
        #[schemars(with = "super::schema::Number")]
        #[schemars(extend("default" = 1))]
        #[schemars(extend("format" = "float"))]
        pub half: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "BTreeMap<String, String>")]
        #[schemars(extend("additionalProperties" = {"maxLength":5, "type":"string"}))]
        #[schemars(extend("maxProperties" = 3))]
        pub labels: Option<BTreeMap<String, String>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::IntOrString")]
        pub limit: Option<IntOrString>,
        #[schemars(length(max = 16))]
        #[schemars(extend("x-kubernetes-list-map-keys" = ["port", "protocol"]))]
        #[schemars(extend("x-kubernetes-list-type" = "map"))]
        pub listeners: Vec<GatewaySpecListener>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Vec<Vec<super::schema::Number>>")]
        pub matrix: Option<Vec<Vec<f64>>>,
        #[serde(default = "GatewaySpec::default_max_surge")]
        #[schemars(with = "super::schema::IntOrString")]
        #[schemars(extend("anyOf" = [{"type":"integer"}, {"type":"string"}]))]
        #[schemars(extend("pattern" = "^(\\+|-)?[0-9]+%?$"))]
        pub max_surge: IntOrString,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewaySpecMode")]
        #[schemars(extend("nullable" = true))]
        pub mode: Option<GatewaySpecMode>,
        #[serde(default = "GatewaySpec::default_modes")]
        #[schemars(length(min = 1, max = 2))]
        #[schemars(extend("x-kubernetes-list-type" = "set"))]
        pub modes: Vec<GatewaySpecMode2>,
        #[serde(default)]
        #[schemars(
            extend("items" = {"description":"A name.", "minLength":1, "type":"string"})
        )]
        pub names: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Vec<super::schema::Integer>")]
        #[schemars(extend("items" = {"nullable":true, "type":"integer"}))]
        pub numbers: Option<Vec<Option<i64>>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewaySpecOpen")]
        pub open: Option<GatewaySpecOpen>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewaySpecPod")]
        pub pod: Option<GatewaySpecPod>,
        /// Of the server.
        #[serde(default = "GatewaySpec::default_port")]
        #[schemars(with = "super::schema::IntOrString")]
        pub port: IntOrString,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Number")]
        #[schemars(range(min = 0.5f64, max = 1))]
        #[schemars(extend("exclusiveMaximum" = true))]
        pub ratio: Option<f64>,
        #[serde(default = "GatewaySpec::default_replicas")]
        #[schemars(range(min = 0, max = 100))]
        pub replicas: i32,
        #[serde(default)]
        #[schemars(extend("default" = {}))]
        pub retry: GatewaySpecRetry,
        /// The second.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewaySpecSecond")]
        pub second: Option<GatewaySpecSecond>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewaySpecSelector")]
        pub selector: Option<GatewaySpecSelector>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Object")]
        #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
        pub settings: Option<BTreeMap<String, Value>>,
        #[serde(default = "GatewaySpec::default_share")]
        #[schemars(extend("default" = 0.25f64))]
        pub share: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        #[schemars(extend("format" = "date-time"))]
        pub since: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Integer")]
        #[schemars(extend("enum" = [5, 10]))]
        #[schemars(extend("multipleOf" = 5))]
        pub step: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Object")]
        #[schemars(extend("x-kubernetes-embedded-resource" = true))]
        #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
        pub template: Option<DynamicObject>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewaySpecTls")]
        #[schemars(extend("default" = {"mode":"Strict"}))]
        pub tls: Option<GatewaySpecTls>,
        #[serde(default = "GatewaySpec::default_type_")]
        pub type_: GatewaySpecType,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Integer")]
        #[schemars(range(max = 18446744073709551615u64))]
        #[schemars(extend("format" = "uint64"))]
        pub unsigned: Option<u64>,
        #[serde(default = "GatewaySpec::default_until")]
        #[schemars(extend("format" = "date-time"))]
        pub until: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Integer")]
        #[schemars(range(min = 0))]
        #[schemars(extend("exclusiveMinimum" = true))]
        pub weight: Option<i64>,
    }
    impl GatewaySpec {
        fn default_enabled() -> bool {
            true
        }
        fn default_greeting() -> String {
            r#"say "hi"
\"#.to_string()
        }
        fn default_half() -> f64 {
            1.0
        }
        fn default_max_surge() -> IntOrString {
            IntOrString::String("25%".to_string())
        }
        fn default_modes() -> Vec<GatewaySpecMode2> {
            vec![GatewaySpecMode2::Fast]
        }
        fn default_port() -> IntOrString {
            IntOrString::Int(80)
        }
        fn default_replicas() -> i32 {
            3
        }
        fn default_share() -> f64 {
            0.25
        }
        fn default_type_() -> GatewaySpecType {
            GatewaySpecType::InternalOnly
        }
        fn default_until() -> String {
            "2030-01-01T00:00:00Z".to_string()
        }
    }
    impl Default for GatewaySpec {
        fn default() -> Self {
            Self {
                address: Default::default(),
                anything: Default::default(),
                big: Default::default(),
                blob: Default::default(),
                class: Default::default(),
                class2: Default::default(),
                class_2: Default::default(),
                counts: Default::default(),
                debug: Default::default(),
                empty: Default::default(),
                enabled: Self::default_enabled(),
                first: Default::default(),
                free: Default::default(),
                greeting: Self::default_greeting(),
                half: Self::default_half(),
                labels: Default::default(),
                limit: Default::default(),
                listeners: Default::default(),
                matrix: Default::default(),
                max_surge: Self::default_max_surge(),
                mode: Default::default(),
                modes: Self::default_modes(),
                names: Default::default(),
                numbers: Default::default(),
                open: Default::default(),
                pod: Default::default(),
                port: Self::default_port(),
                ratio: Default::default(),
                replicas: Self::default_replicas(),
                retry: Default::default(),
                second: Default::default(),
                selector: Default::default(),
                settings: Default::default(),
                share: Self::default_share(),
                since: Default::default(),
                step: Default::default(),
                template: Default::default(),
                tls: Default::default(),
                type_: Self::default_type_(),
                unsigned: Default::default(),
                until: Self::default_until(),
                weight: Default::default(),
            }
        }
    }
    /// A part of a [`GatewaySpec`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecApplyConfiguration {
        /// As [`GatewaySpec::address`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub address: Option<String>,
        /// As [`GatewaySpec::anything`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub anything: Option<Value>,
        /// As [`GatewaySpec::big`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub big: Option<i64>,
        /// As [`GatewaySpec::blob`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub blob: Option<String>,
        /// As [`GatewaySpec::class`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub class: Option<String>,
        /// As [`GatewaySpec::class2`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub class2: Option<String>,
        /// As [`GatewaySpec::class_2`].
        #[serde(rename = "class_2", default, skip_serializing_if = "Option::is_none")]
        pub class_2: Option<String>,
        /// As [`GatewaySpec::counts`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub counts: Option<BTreeMap<String, IntOrString>>,
        /// As [`GatewaySpec::debug`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub debug: Option<bool>,
        /// As [`GatewaySpec::empty`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub empty: Option<String>,
        /// As [`GatewaySpec::enabled`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub enabled: Option<bool>,
        /// As [`GatewaySpec::first`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub first: Option<GatewaySpecFirstApplyConfiguration>,
        /// As [`GatewaySpec::free`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub free: Option<BTreeMap<String, Value>>,
        /// As [`GatewaySpec::greeting`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub greeting: Option<String>,
        /// As [`GatewaySpec::half`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub half: Option<f64>,
        /// As [`GatewaySpec::labels`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub labels: Option<BTreeMap<String, String>>,
        /// As [`GatewaySpec::limit`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub limit: Option<IntOrString>,
        /// As [`GatewaySpec::listeners`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub listeners: Option<Vec<GatewaySpecListenerApplyConfiguration>>,
        /// As [`GatewaySpec::matrix`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub matrix: Option<Vec<Vec<f64>>>,
        /// As [`GatewaySpec::max_surge`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_surge: Option<IntOrString>,
        /// As [`GatewaySpec::mode`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mode: Option<GatewaySpecMode>,
        /// As [`GatewaySpec::modes`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub modes: Option<Vec<GatewaySpecMode2>>,
        /// As [`GatewaySpec::names`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub names: Option<Vec<String>>,
        /// As [`GatewaySpec::numbers`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub numbers: Option<Vec<Option<i64>>>,
        /// As [`GatewaySpec::open`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub open: Option<GatewaySpecOpenApplyConfiguration>,
        /// As [`GatewaySpec::pod`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pod: Option<GatewaySpecPodApplyConfiguration>,
        /// As [`GatewaySpec::port`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<IntOrString>,
        /// As [`GatewaySpec::ratio`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ratio: Option<f64>,
        /// As [`GatewaySpec::replicas`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub replicas: Option<i32>,
        /// As [`GatewaySpec::retry`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub retry: Option<GatewaySpecRetryApplyConfiguration>,
        /// As [`GatewaySpec::second`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub second: Option<GatewaySpecSecondApplyConfiguration>,
        /// As [`GatewaySpec::selector`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub selector: Option<GatewaySpecSelectorApplyConfiguration>,
        /// As [`GatewaySpec::settings`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub settings: Option<BTreeMap<String, Value>>,
        /// As [`GatewaySpec::share`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub share: Option<f64>,
        /// As [`GatewaySpec::since`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub since: Option<Time>,
        /// As [`GatewaySpec::step`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub step: Option<i64>,
        /// As [`GatewaySpec::template`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub template: Option<DynamicObject>,
        /// As [`GatewaySpec::tls`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub tls: Option<GatewaySpecTlsApplyConfiguration>,
        /// As [`GatewaySpec::type_`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub type_: Option<GatewaySpecType>,
        /// As [`GatewaySpec::unsigned`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub unsigned: Option<u64>,
        /// As [`GatewaySpec::until`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub until: Option<String>,
        /// As [`GatewaySpec::weight`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub weight: Option<i64>,
    }
    impl GatewaySpecApplyConfiguration {
        /// Applies `address`.
        #[must_use]
        pub fn address(mut self, value: impl Into<String>) -> Self {
            self.address = Some(value.into());
            self
        }
        /// Applies `anything`.
        #[must_use]
        pub fn anything(mut self, value: impl Into<Value>) -> Self {
            self.anything = Some(value.into());
            self
        }
        /// Applies `big`.
        #[must_use]
        pub fn big(mut self, value: impl Into<i64>) -> Self {
            self.big = Some(value.into());
            self
        }
        /// Applies `blob`.
        #[must_use]
        pub fn blob(mut self, value: impl Into<String>) -> Self {
            self.blob = Some(value.into());
            self
        }
        /// Applies `class`.
        #[must_use]
        pub fn class(mut self, value: impl Into<String>) -> Self {
            self.class = Some(value.into());
            self
        }
        /// Applies `class2`.
        #[must_use]
        pub fn class2(mut self, value: impl Into<String>) -> Self {
            self.class2 = Some(value.into());
            self
        }
        /// Applies `class_2`.
        #[must_use]
        pub fn class_2(mut self, value: impl Into<String>) -> Self {
            self.class_2 = Some(value.into());
            self
        }
        /// Applies `counts`.
        #[must_use]
        pub fn counts(
            mut self,
            value: impl Into<BTreeMap<String, IntOrString>>,
        ) -> Self {
            self.counts = Some(value.into());
            self
        }
        /// Applies `debug`.
        #[must_use]
        pub fn debug(mut self, value: impl Into<bool>) -> Self {
            self.debug = Some(value.into());
            self
        }
        /// Applies `empty`.
        #[must_use]
        pub fn empty(mut self, value: impl Into<String>) -> Self {
            self.empty = Some(value.into());
            self
        }
        /// Applies `enabled`.
        #[must_use]
        pub fn enabled(mut self, value: impl Into<bool>) -> Self {
            self.enabled = Some(value.into());
            self
        }
        /// Applies `first`.
        #[must_use]
        pub fn first(
            mut self,
            value: impl Into<GatewaySpecFirstApplyConfiguration>,
        ) -> Self {
            self.first = Some(value.into());
            self
        }
        /// Applies `free`.
        #[must_use]
        pub fn free(mut self, value: impl Into<BTreeMap<String, Value>>) -> Self {
            self.free = Some(value.into());
            self
        }
        /// Applies `greeting`.
        #[must_use]
        pub fn greeting(mut self, value: impl Into<String>) -> Self {
            self.greeting = Some(value.into());
            self
        }
        /// Applies `half`.
        #[must_use]
        pub fn half(mut self, value: impl Into<f64>) -> Self {
            self.half = Some(value.into());
            self
        }
        /// Applies `labels`.
        #[must_use]
        pub fn labels(mut self, value: impl Into<BTreeMap<String, String>>) -> Self {
            self.labels = Some(value.into());
            self
        }
        /// Applies `limit`.
        #[must_use]
        pub fn limit(mut self, value: impl Into<IntOrString>) -> Self {
            self.limit = Some(value.into());
            self
        }
        /// Applies `listeners`.
        #[must_use]
        pub fn listeners(
            mut self,
            value: impl IntoIterator<
                Item = impl Into<GatewaySpecListenerApplyConfiguration>,
            >,
        ) -> Self {
            self.listeners = Some(value.into_iter().map(Into::into).collect());
            self
        }
        /// Applies `matrix`.
        #[must_use]
        pub fn matrix(
            mut self,
            value: impl IntoIterator<Item = impl Into<Vec<f64>>>,
        ) -> Self {
            self.matrix = Some(value.into_iter().map(Into::into).collect());
            self
        }
        /// Applies `maxSurge`.
        #[must_use]
        pub fn max_surge(mut self, value: impl Into<IntOrString>) -> Self {
            self.max_surge = Some(value.into());
            self
        }
        /// Applies `mode`.
        #[must_use]
        pub fn mode(mut self, value: impl Into<GatewaySpecMode>) -> Self {
            self.mode = Some(value.into());
            self
        }
        /// Applies `modes`.
        #[must_use]
        pub fn modes(
            mut self,
            value: impl IntoIterator<Item = impl Into<GatewaySpecMode2>>,
        ) -> Self {
            self.modes = Some(value.into_iter().map(Into::into).collect());
            self
        }
        /// Applies `names`.
        #[must_use]
        pub fn names(
            mut self,
            value: impl IntoIterator<Item = impl Into<String>>,
        ) -> Self {
            self.names = Some(value.into_iter().map(Into::into).collect());
            self
        }
        /// Applies `numbers`.
        #[must_use]
        pub fn numbers(
            mut self,
            value: impl IntoIterator<Item = impl Into<Option<i64>>>,
        ) -> Self {
            self.numbers = Some(value.into_iter().map(Into::into).collect());
            self
        }
        /// Applies `open`.
        #[must_use]
        pub fn open(
            mut self,
            value: impl Into<GatewaySpecOpenApplyConfiguration>,
        ) -> Self {
            self.open = Some(value.into());
            self
        }
        /// Applies `pod`.
        #[must_use]
        pub fn pod(
            mut self,
            value: impl Into<GatewaySpecPodApplyConfiguration>,
        ) -> Self {
            self.pod = Some(value.into());
            self
        }
        /// Applies `port`.
        #[must_use]
        pub fn port(mut self, value: impl Into<IntOrString>) -> Self {
            self.port = Some(value.into());
            self
        }
        /// Applies `ratio`.
        #[must_use]
        pub fn ratio(mut self, value: impl Into<f64>) -> Self {
            self.ratio = Some(value.into());
            self
        }
        /// Applies `replicas`.
        #[must_use]
        pub fn replicas(mut self, value: impl Into<i32>) -> Self {
            self.replicas = Some(value.into());
            self
        }
        /// Applies `retry`.
        #[must_use]
        pub fn retry(
            mut self,
            value: impl Into<GatewaySpecRetryApplyConfiguration>,
        ) -> Self {
            self.retry = Some(value.into());
            self
        }
        /// Applies `second`.
        #[must_use]
        pub fn second(
            mut self,
            value: impl Into<GatewaySpecSecondApplyConfiguration>,
        ) -> Self {
            self.second = Some(value.into());
            self
        }
        /// Applies `selector`.
        #[must_use]
        pub fn selector(
            mut self,
            value: impl Into<GatewaySpecSelectorApplyConfiguration>,
        ) -> Self {
            self.selector = Some(value.into());
            self
        }
        /// Applies `settings`.
        #[must_use]
        pub fn settings(mut self, value: impl Into<BTreeMap<String, Value>>) -> Self {
            self.settings = Some(value.into());
            self
        }
        /// Applies `share`.
        #[must_use]
        pub fn share(mut self, value: impl Into<f64>) -> Self {
            self.share = Some(value.into());
            self
        }
        /// Applies `since`.
        #[must_use]
        pub fn since(mut self, value: impl Into<Time>) -> Self {
            self.since = Some(value.into());
            self
        }
        /// Applies `step`.
        #[must_use]
        pub fn step(mut self, value: impl Into<i64>) -> Self {
            self.step = Some(value.into());
            self
        }
        /// Applies `template`.
        #[must_use]
        pub fn template(mut self, value: impl Into<DynamicObject>) -> Self {
            self.template = Some(value.into());
            self
        }
        /// Applies `tls`.
        #[must_use]
        pub fn tls(
            mut self,
            value: impl Into<GatewaySpecTlsApplyConfiguration>,
        ) -> Self {
            self.tls = Some(value.into());
            self
        }
        /// Applies `type`.
        #[must_use]
        pub fn type_(mut self, value: impl Into<GatewaySpecType>) -> Self {
            self.type_ = Some(value.into());
            self
        }
        /// Applies `unsigned`.
        #[must_use]
        pub fn unsigned(mut self, value: impl Into<u64>) -> Self {
            self.unsigned = Some(value.into());
            self
        }
        /// Applies `until`.
        #[must_use]
        pub fn until(mut self, value: impl Into<String>) -> Self {
            self.until = Some(value.into());
            self
        }
        /// Applies `weight`.
        #[must_use]
        pub fn weight(mut self, value: impl Into<i64>) -> Self {
            self.weight = Some(value.into());
            self
        }
    }
    /// The first.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecFirst {
        pub image: String,
    }
    /// A part of a [`GatewaySpecFirst`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecFirstApplyConfiguration {
        /// As [`GatewaySpecFirst::image`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub image: Option<String>,
    }
    impl GatewaySpecFirstApplyConfiguration {
        /// Applies `image`.
        #[must_use]
        pub fn image(mut self, value: impl Into<String>) -> Self {
            self.image = Some(value.into());
            self
        }
    }
    /// One listener.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    #[schemars(
        extend(
            "anyOf" = [{"properties":{"protocol":{"enum":["TCP",
            "UDP"],
            "minLength":1}},
            "required":["port"]},
            {"not":{"properties":{"port":{"minimum":4}}}}]
        )
    )]
    #[schemars(extend("required" = ["port", "protocol"]))]
    pub struct GatewaySpecListener {
        #[serde(rename = "$ref", default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        #[schemars(extend("example" = {"a":[1, null, true]}))]
        #[schemars(extend("externalDocs" = {"url":"https://example.com"}))]
        #[schemars(extend("title" = "A title"))]
        pub ref_: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "bool")]
        pub _3d: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub fn_: Option<String>,
        pub port: i32,
        #[serde(default = "GatewaySpecListener::default_protocol")]
        pub protocol: String,
    }
    impl GatewaySpecListener {
        fn default_protocol() -> String {
            "TCP".to_string()
        }
    }
    impl Default for GatewaySpecListener {
        fn default() -> Self {
            Self {
                ref_: Default::default(),
                _3d: Default::default(),
                fn_: Default::default(),
                port: Default::default(),
                protocol: Self::default_protocol(),
            }
        }
    }
    /// A part of a [`GatewaySpecListener`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecListenerApplyConfiguration {
        /// As [`GatewaySpecListener::ref_`].
        #[serde(rename = "$ref", default, skip_serializing_if = "Option::is_none")]
        pub ref_: Option<String>,
        /// As [`GatewaySpecListener::_3d`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub _3d: Option<bool>,
        /// As [`GatewaySpecListener::fn_`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub fn_: Option<String>,
        /// As [`GatewaySpecListener::port`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<i32>,
        /// As [`GatewaySpecListener::protocol`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub protocol: Option<String>,
    }
    impl GatewaySpecListenerApplyConfiguration {
        /// Applies `$ref`.
        #[must_use]
        pub fn ref_(mut self, value: impl Into<String>) -> Self {
            self.ref_ = Some(value.into());
            self
        }
        /// Applies `3d`.
        #[must_use]
        pub fn _3d(mut self, value: impl Into<bool>) -> Self {
            self._3d = Some(value.into());
            self
        }
        /// Applies `fn`.
        #[must_use]
        pub fn fn_(mut self, value: impl Into<String>) -> Self {
            self.fn_ = Some(value.into());
            self
        }
        /// Applies `port`.
        #[must_use]
        pub fn port(mut self, value: impl Into<i32>) -> Self {
            self.port = Some(value.into());
            self
        }
        /// Applies `protocol`.
        #[must_use]
        pub fn protocol(mut self, value: impl Into<String>) -> Self {
            self.protocol = Some(value.into());
            self
        }
    }
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    #[schemars(extend("enum" = ["On", "Off", null]))]
    pub enum GatewaySpecMode {
        On,
        Off,
    }
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub enum GatewaySpecMode2 {
        Fast,
        Slow,
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub struct GatewaySpecOpen {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub other: Option<String>,
        /// Properties that the schema does not name.
        #[serde(flatten)]
        #[schemars(skip)]
        pub other_2: BTreeMap<String, Value>,
    }
    /// A part of a [`GatewaySpecOpen`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecOpenApplyConfiguration {
        /// As [`GatewaySpecOpen::other`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub other: Option<String>,
        /// As [`GatewaySpecOpen::other_2`].
        #[serde(flatten)]
        pub other_2: BTreeMap<String, Value>,
    }
    impl GatewaySpecOpenApplyConfiguration {
        /// Applies `other`.
        #[must_use]
        pub fn other(mut self, value: impl Into<String>) -> Self {
            self.other = Some(value.into());
            self
        }
        /// Applies the other properties.
        #[must_use]
        pub fn other_2(mut self, value: impl Into<BTreeMap<String, Value>>) -> Self {
            self.other_2 = value.into();
            self
        }
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    #[schemars(extend("x-kubernetes-embedded-resource" = true))]
    pub struct GatewaySpecPod {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub api_version: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub kind: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Object")]
        pub metadata: Option<BTreeMap<String, Value>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewaySpecPodSpec")]
        pub spec: Option<GatewaySpecPodSpec>,
    }
    /// A part of a [`GatewaySpecPod`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecPodApplyConfiguration {
        /// As [`GatewaySpecPod::api_version`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub api_version: Option<String>,
        /// As [`GatewaySpecPod::kind`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub kind: Option<String>,
        /// As [`GatewaySpecPod::metadata`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub metadata: Option<BTreeMap<String, Value>>,
        /// As [`GatewaySpecPod::spec`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub spec: Option<GatewaySpecPodSpecApplyConfiguration>,
    }
    impl GatewaySpecPodApplyConfiguration {
        /// Applies `apiVersion`.
        #[must_use]
        pub fn api_version(mut self, value: impl Into<String>) -> Self {
            self.api_version = Some(value.into());
            self
        }
        /// Applies `kind`.
        #[must_use]
        pub fn kind(mut self, value: impl Into<String>) -> Self {
            self.kind = Some(value.into());
            self
        }
        /// Applies `metadata`.
        #[must_use]
        pub fn metadata(mut self, value: impl Into<BTreeMap<String, Value>>) -> Self {
            self.metadata = Some(value.into());
            self
        }
        /// Applies `spec`.
        #[must_use]
        pub fn spec(
            mut self,
            value: impl Into<GatewaySpecPodSpecApplyConfiguration>,
        ) -> Self {
            self.spec = Some(value.into());
            self
        }
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecPodSpec {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub image: Option<String>,
    }
    /// A part of a [`GatewaySpecPodSpec`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecPodSpecApplyConfiguration {
        /// As [`GatewaySpecPodSpec::image`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub image: Option<String>,
    }
    impl GatewaySpecPodSpecApplyConfiguration {
        /// Applies `image`.
        #[must_use]
        pub fn image(mut self, value: impl Into<String>) -> Self {
            self.image = Some(value.into());
            self
        }
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecRetry {
        #[serde(default = "GatewaySpecRetry::default_count")]
        pub count: i64,
        #[serde(default = "GatewaySpecRetry::default_names")]
        pub names: Vec<String>,
        #[serde(default = "GatewaySpecRetry::default_on")]
        pub on: GatewaySpecRetryOn,
    }
    impl GatewaySpecRetry {
        fn default_count() -> i64 {
            5
        }
        fn default_names() -> Vec<String> {
            vec!["a".to_string(), String::new()]
        }
        fn default_on() -> GatewaySpecRetryOn {
            GatewaySpecRetryOn::Error
        }
    }
    impl Default for GatewaySpecRetry {
        fn default() -> Self {
            Self {
                count: Self::default_count(),
                names: Self::default_names(),
                on: Self::default_on(),
            }
        }
    }
    /// A part of a [`GatewaySpecRetry`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecRetryApplyConfiguration {
        /// As [`GatewaySpecRetry::count`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub count: Option<i64>,
        /// As [`GatewaySpecRetry::names`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub names: Option<Vec<String>>,
        /// As [`GatewaySpecRetry::on`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub on: Option<GatewaySpecRetryOn>,
    }
    impl GatewaySpecRetryApplyConfiguration {
        /// Applies `count`.
        #[must_use]
        pub fn count(mut self, value: impl Into<i64>) -> Self {
            self.count = Some(value.into());
            self
        }
        /// Applies `names`.
        #[must_use]
        pub fn names(
            mut self,
            value: impl IntoIterator<Item = impl Into<String>>,
        ) -> Self {
            self.names = Some(value.into_iter().map(Into::into).collect());
            self
        }
        /// Applies `on`.
        #[must_use]
        pub fn on(mut self, value: impl Into<GatewaySpecRetryOn>) -> Self {
            self.on = Some(value.into());
            self
        }
    }
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub enum GatewaySpecRetryOn {
        Error,
        Timeout,
    }
    /// The second.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecSecond {
        pub image: String,
    }
    /// A part of a [`GatewaySpecSecond`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecSecondApplyConfiguration {
        /// As [`GatewaySpecSecond::image`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub image: Option<String>,
    }
    impl GatewaySpecSecondApplyConfiguration {
        /// Applies `image`.
        #[must_use]
        pub fn image(mut self, value: impl Into<String>) -> Self {
            self.image = Some(value.into());
            self
        }
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub struct GatewaySpecSelector {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "BTreeMap<String, String>")]
        pub match_labels: Option<BTreeMap<String, String>>,
    }
    /// A part of a [`GatewaySpecSelector`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecSelectorApplyConfiguration {
        /// As [`GatewaySpecSelector::match_labels`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub match_labels: Option<BTreeMap<String, String>>,
    }
    impl GatewaySpecSelectorApplyConfiguration {
        /// Applies `matchLabels`.
        #[must_use]
        pub fn match_labels(
            mut self,
            value: impl Into<BTreeMap<String, String>>,
        ) -> Self {
            self.match_labels = Some(value.into());
            self
        }
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecTls {
        #[serde(default = "GatewaySpecTls::default_depth")]
        pub depth: i32,
        #[serde(default = "GatewaySpecTls::default_mode")]
        pub mode: String,
    }
    impl GatewaySpecTls {
        fn default_depth() -> i32 {
            2
        }
        fn default_mode() -> String {
            "Strict".to_string()
        }
    }
    impl Default for GatewaySpecTls {
        fn default() -> Self {
            Self {
                depth: Self::default_depth(),
                mode: Self::default_mode(),
            }
        }
    }
    /// A part of a [`GatewaySpecTls`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecTlsApplyConfiguration {
        /// As [`GatewaySpecTls::depth`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub depth: Option<i32>,
        /// As [`GatewaySpecTls::mode`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mode: Option<String>,
    }
    impl GatewaySpecTlsApplyConfiguration {
        /// Applies `depth`.
        #[must_use]
        pub fn depth(mut self, value: impl Into<i32>) -> Self {
            self.depth = Some(value.into());
            self
        }
        /// Applies `mode`.
        #[must_use]
        pub fn mode(mut self, value: impl Into<String>) -> Self {
            self.mode = Some(value.into());
            self
        }
    }
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub enum GatewaySpecType {
        External,
        #[serde(rename = "internal-only")]
        InternalOnly,
        #[serde(rename = "")]
        Empty,
        #[serde(rename = "2nd")]
        V2nd,
        #[serde(rename = "!=")]
        NotEqual,
        #[serde(rename = "self")]
        Self_,
        #[serde(rename = "Self")]
        Self__2,
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewayStatus {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Vec<GatewayStatusCondition>")]
        #[schemars(extend("x-kubernetes-list-map-keys" = ["type"]))]
        #[schemars(extend("x-kubernetes-list-type" = "map"))]
        pub conditions: Option<Vec<GatewayStatusCondition>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "i32")]
        pub replicas: Option<i32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub selector: Option<String>,
    }
    /// A part of a [`GatewayStatus`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewayStatusApplyConfiguration {
        /// As [`GatewayStatus::conditions`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub conditions: Option<Vec<GatewayStatusConditionApplyConfiguration>>,
        /// As [`GatewayStatus::replicas`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub replicas: Option<i32>,
        /// As [`GatewayStatus::selector`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub selector: Option<String>,
    }
    impl GatewayStatusApplyConfiguration {
        /// Applies `conditions`.
        #[must_use]
        pub fn conditions(
            mut self,
            value: impl IntoIterator<
                Item = impl Into<GatewayStatusConditionApplyConfiguration>,
            >,
        ) -> Self {
            self.conditions = Some(value.into_iter().map(Into::into).collect());
            self
        }
        /// Applies `replicas`.
        #[must_use]
        pub fn replicas(mut self, value: impl Into<i32>) -> Self {
            self.replicas = Some(value.into());
            self
        }
        /// Applies `selector`.
        #[must_use]
        pub fn selector(mut self, value: impl Into<String>) -> Self {
            self.selector = Some(value.into());
            self
        }
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewayStatusCondition {
        #[schemars(with = "String")]
        #[schemars(extend("format" = "date-time"))]
        pub last_transition_time: Time,
        #[schemars(length(max = 32768))]
        pub message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "i64")]
        #[schemars(range(min = 0))]
        pub observed_generation: Option<i64>,
        #[schemars(length(min = 1, max = 1024))]
        #[schemars(regex(pattern = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
        pub reason: String,
        pub status: GatewayStatusConditionStatus,
        #[schemars(length(max = 316))]
        pub type_: String,
    }
    /// A part of a [`GatewayStatusCondition`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewayStatusConditionApplyConfiguration {
        /// As [`GatewayStatusCondition::last_transition_time`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_transition_time: Option<Time>,
        /// As [`GatewayStatusCondition::message`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub message: Option<String>,
        /// As [`GatewayStatusCondition::observed_generation`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub observed_generation: Option<i64>,
        /// As [`GatewayStatusCondition::reason`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
        /// As [`GatewayStatusCondition::status`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<GatewayStatusConditionStatus>,
        /// As [`GatewayStatusCondition::type_`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub type_: Option<String>,
    }
    impl GatewayStatusConditionApplyConfiguration {
        /// Applies `lastTransitionTime`.
        #[must_use]
        pub fn last_transition_time(mut self, value: impl Into<Time>) -> Self {
            self.last_transition_time = Some(value.into());
            self
        }
        /// Applies `message`.
        #[must_use]
        pub fn message(mut self, value: impl Into<String>) -> Self {
            self.message = Some(value.into());
            self
        }
        /// Applies `observedGeneration`.
        #[must_use]
        pub fn observed_generation(mut self, value: impl Into<i64>) -> Self {
            self.observed_generation = Some(value.into());
            self
        }
        /// Applies `reason`.
        #[must_use]
        pub fn reason(mut self, value: impl Into<String>) -> Self {
            self.reason = Some(value.into());
            self
        }
        /// Applies `status`.
        #[must_use]
        pub fn status(mut self, value: impl Into<GatewayStatusConditionStatus>) -> Self {
            self.status = Some(value.into());
            self
        }
        /// Applies `type`.
        #[must_use]
        pub fn type_(mut self, value: impl Into<String>) -> Self {
            self.type_ = Some(value.into());
            self
        }
    }
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub enum GatewayStatusConditionStatus {
        True,
        False,
        Unknown,
    }
}
/// Version v1beta1.
pub mod v1beta1 {
    use std::borrow::Cow;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct Gateway {
        /// Name, labels, owners and the like.
        #[serde(default)]
        #[schemars(skip)]
        pub metadata: ObjectMeta,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "GatewaySpec")]
        pub spec: Option<GatewaySpec>,
    }
    impl Gateway {
        /// One of this name and content.
        #[must_use]
        pub fn new(name: &str, spec: GatewaySpec) -> Self {
            Self {
                metadata: ObjectMeta {
                    name: Some(name.into()),
                    ..ObjectMeta::default()
                },
                spec: Some(spec),
            }
        }
    }
    impl Serialize for Gateway {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "net.example.com/v1beta1")?;
            map.serialize_entry("kind", "Gateway")?;
            map.serialize_entry("metadata", &self.metadata)?;
            if let Some(value) = &self.spec {
                map.serialize_entry("spec", value)?;
            }
            map.end()
        }
    }
    impl kube::Resource for Gateway {
        type DynamicType = ();
        type Scope = kube::core::NamespaceResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Gateway".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "net.example.com".into()
        }
        fn version(_: &()) -> Cow<'_, str> {
            "v1beta1".into()
        }
        fn plural(_: &()) -> Cow<'_, str> {
            "gateways".into()
        }
        fn meta(&self) -> &ObjectMeta {
            &self.metadata
        }
        fn meta_mut(&mut self) -> &mut ObjectMeta {
            &mut self.metadata
        }
    }
    impl kube::CustomResourceExt for Gateway {
        fn crd() -> CustomResourceDefinition {
            super::crd()
        }
        fn crd_name() -> &'static str {
            "gateways.net.example.com"
        }
        fn api_resource() -> kube::core::ApiResource {
            kube::core::ApiResource::erase::<Self>(&())
        }
        fn shortnames() -> &'static [&'static str] {
            &["gw", "gtw"]
        }
    }
    /// A part of a [`Gateway`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewayApplyConfiguration {
        /// Name, and the labels, annotations, finalizers and owners that are applied.
        #[serde(default)]
        pub metadata: ObjectMeta,
        /// As [`Gateway::spec`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub spec: Option<GatewaySpecApplyConfiguration>,
    }
    impl GatewayApplyConfiguration {
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
        pub fn spec(mut self, value: impl Into<GatewaySpecApplyConfiguration>) -> Self {
            self.spec = Some(value.into());
            self
        }
    }
    impl Serialize for GatewayApplyConfiguration {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("apiVersion", "net.example.com/v1beta1")?;
            map.serialize_entry("kind", "Gateway")?;
            map.serialize_entry("metadata", &self.metadata)?;
            if let Some(value) = &self.spec {
                map.serialize_entry("spec", value)?;
            }
            map.end()
        }
    }
    impl kube::Resource for GatewayApplyConfiguration {
        type DynamicType = ();
        type Scope = kube::core::NamespaceResourceScope;
        fn kind(_: &()) -> Cow<'_, str> {
            "Gateway".into()
        }
        fn group(_: &()) -> Cow<'_, str> {
            "net.example.com".into()
        }
        fn version(_: &()) -> Cow<'_, str> {
            "v1beta1".into()
        }
        fn plural(_: &()) -> Cow<'_, str> {
            "gateways".into()
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
    pub struct GatewaySpec {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub class: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "super::schema::Integer")]
        pub replicas: Option<i64>,
    }
    /// A part of a [`GatewaySpec`], for server-side apply: what is `None` is left to others.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecApplyConfiguration {
        /// As [`GatewaySpec::class`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub class: Option<String>,
        /// As [`GatewaySpec::replicas`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub replicas: Option<i64>,
    }
    impl GatewaySpecApplyConfiguration {
        /// Applies `class`.
        #[must_use]
        pub fn class(mut self, value: impl Into<String>) -> Self {
            self.class = Some(value.into());
            self
        }
        /// Applies `replicas`.
        #[must_use]
        pub fn replicas(mut self, value: impl Into<i64>) -> Self {
            self.replicas = Some(value.into());
            self
        }
    }
}
/// The definition, with all its versions.
#[must_use]
pub fn crd() -> CustomResourceDefinition {
    CustomResourceDefinition {
        metadata: ObjectMeta {
            annotations: Some(
                BTreeMap::from([
                    ("api-approved.kubernetes.io".into(), "unapproved".into()),
                ]),
            ),
            labels: Some(BTreeMap::from([("app".into(), "gateway".into())])),
            name: Some("gateways.net.example.com".into()),
            ..ObjectMeta::default()
        },
        spec: apiextensions::CustomResourceDefinitionSpec {
            conversion: Some(apiextensions::CustomResourceConversion {
                strategy: "Webhook".into(),
                webhook: Some(apiextensions::WebhookConversion {
                    client_config: Some(apiextensions::WebhookClientConfig {
                        ca_bundle: None,
                        service: Some(apiextensions::ServiceReference {
                            name: "gateway".into(),
                            namespace: "net".into(),
                            path: Some("/convert".into()),
                            port: Some(9443),
                        }),
                        url: None,
                    }),
                    conversion_review_versions: vec!["v1".into()],
                }),
            }),
            group: "net.example.com".into(),
            names: apiextensions::CustomResourceDefinitionNames {
                categories: Some(vec!["all".into(), "net".into()]),
                kind: "Gateway".into(),
                list_kind: Some("GatewayList".into()),
                plural: "gateways".into(),
                short_names: Some(vec!["gw".into(), "gtw".into()]),
                singular: Some("gateway".into()),
            },
            preserve_unknown_fields: None,
            scope: "Namespaced".into(),
            versions: vec![
                apiextensions::CustomResourceDefinitionVersion {
                additional_printer_columns :
                Some(vec![apiextensions::CustomResourceColumnDefinition { description :
                Some(r#"The "class""#.into()), format : None, json_path : ".spec.class"
                .into(), name : "Class".into(), priority : Some(1), type_ : "string"
                .into() }, apiextensions::CustomResourceColumnDefinition { description :
                None, format : None, json_path : ".metadata.creationTimestamp".into(),
                name : "Age".into(), priority : None, type_ : "date".into() }]),
                deprecated : None, deprecation_warning : None, name : "v1".into(), schema
                : Some(apiextensions::CustomResourceValidation { open_api_v3_schema :
                Some(schema::of::< v1::Gateway > ()) }), selectable_fields :
                Some(vec![apiextensions::SelectableField { json_path : ".spec.class"
                .into() }]), served : true, storage : true, subresources :
                Some(apiextensions::CustomResourceSubresources { scale :
                Some(apiextensions::CustomResourceSubresourceScale { label_selector_path
                : Some(".status.selector".into()), spec_replicas_path : ".spec.replicas"
                .into(), status_replicas_path : ".status.replicas".into() }), status :
                Some(apiextensions::CustomResourceSubresourceStatus(serde_json::json!({})))
                }), }, apiextensions::CustomResourceDefinitionVersion {
                additional_printer_columns : None, deprecated : Some(true),
                deprecation_warning : Some("net.example.com/v1beta1 is old; use v1"
                .into()), name : "v1beta1".into(), schema :
                Some(apiextensions::CustomResourceValidation { open_api_v3_schema :
                Some(schema::of::< v1beta1::Gateway > ()) }), selectable_fields : None,
                served : true, storage : false, subresources : None, },
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
