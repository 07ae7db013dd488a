// Parts of `meta/v1`. Written by `kubewright types --builtin`: run it again, don't change this.

use serde::{Deserialize, Serialize};
/// A part of a [`k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelectorApplyConfiguration {
    /// As [`k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector::match_expressions`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_expressions: Option<
        Vec<super::meta_v1::LabelSelectorRequirementApplyConfiguration>,
    >,
    /// As [`k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector::match_labels`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<std::collections::BTreeMap<String, String>>,
}
impl LabelSelectorApplyConfiguration {
    /// Applies `matchExpressions`.
    #[must_use]
    pub fn match_expressions(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::meta_v1::LabelSelectorRequirementApplyConfiguration>,
        >,
    ) -> Self {
        self.match_expressions = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `matchLabels`.
    #[must_use]
    pub fn match_labels(
        mut self,
        value: impl Into<std::collections::BTreeMap<String, String>>,
    ) -> Self {
        self.match_labels = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelectorRequirementApplyConfiguration {
    /// As [`k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// As [`k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement::operator`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// As [`k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement::values`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}
impl LabelSelectorRequirementApplyConfiguration {
    /// Applies `key`.
    #[must_use]
    pub fn key(mut self, value: impl Into<String>) -> Self {
        self.key = Some(value.into());
        self
    }
    /// Applies `operator`.
    #[must_use]
    pub fn operator(mut self, value: impl Into<String>) -> Self {
        self.operator = Some(value.into());
        self
    }
    /// Applies `values`.
    #[must_use]
    pub fn values(mut self, value: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.values = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
