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
    /// The first.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecFirst {
        pub image: String,
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
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct GatewaySpecPodSpec {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        pub image: Option<String>,
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
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub struct GatewaySpecSelector {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "BTreeMap<String, String>")]
        pub match_labels: Option<BTreeMap<String, String>>,
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
