// Parts of `apps/v1`. Written by `kubewright types --builtin`: run it again, don't change this.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
/// A part of a [`k8s_openapi::api::apps::v1::Deployment`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentApplyConfiguration {
    /// Name, and the labels, annotations, finalizers and owners that are applied.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// As [`k8s_openapi::api::apps::v1::Deployment::spec`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<super::apps_v1::DeploymentSpecApplyConfiguration>,
    /// As [`k8s_openapi::api::apps::v1::Deployment::status`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<super::apps_v1::DeploymentStatusApplyConfiguration>,
}
impl DeploymentApplyConfiguration {
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
        self.metadata.labels.get_or_insert_default().insert(key.into(), value.into());
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
    pub fn spec(
        mut self,
        value: impl Into<super::apps_v1::DeploymentSpecApplyConfiguration>,
    ) -> Self {
        self.spec = Some(value.into());
        self
    }
    /// Applies `status`.
    #[must_use]
    pub fn status(
        mut self,
        value: impl Into<super::apps_v1::DeploymentStatusApplyConfiguration>,
    ) -> Self {
        self.status = Some(value.into());
        self
    }
}
impl Serialize for DeploymentApplyConfiguration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", "apps/v1")?;
        map.serialize_entry("kind", "Deployment")?;
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
impl kube::Resource for DeploymentApplyConfiguration {
    type DynamicType = ();
    type Scope = <k8s_openapi::api::apps::v1::Deployment as kube::Resource>::Scope;
    fn kind(_: &()) -> std::borrow::Cow<'_, str> {
        "Deployment".into()
    }
    fn group(_: &()) -> std::borrow::Cow<'_, str> {
        <k8s_openapi::api::apps::v1::Deployment as kube::Resource>::group(&())
    }
    fn version(_: &()) -> std::borrow::Cow<'_, str> {
        <k8s_openapi::api::apps::v1::Deployment as kube::Resource>::version(&())
    }
    fn plural(_: &()) -> std::borrow::Cow<'_, str> {
        <k8s_openapi::api::apps::v1::Deployment as kube::Resource>::plural(&())
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
/// A part of a [`k8s_openapi::api::apps::v1::DeploymentCondition`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentConditionApplyConfiguration {
    /// As [`k8s_openapi::api::apps::v1::DeploymentCondition::last_transition_time`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<
        k8s_openapi::apimachinery::pkg::apis::meta::v1::Time,
    >,
    /// As [`k8s_openapi::api::apps::v1::DeploymentCondition::last_update_time`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentCondition::message`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentCondition::reason`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentCondition::status`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentCondition::type_`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
}
impl DeploymentConditionApplyConfiguration {
    /// Applies `lastTransitionTime`.
    #[must_use]
    pub fn last_transition_time(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    ) -> Self {
        self.last_transition_time = Some(value.into());
        self
    }
    /// Applies `lastUpdateTime`.
    #[must_use]
    pub fn last_update_time(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    ) -> Self {
        self.last_update_time = Some(value.into());
        self
    }
    /// Applies `message`.
    #[must_use]
    pub fn message(mut self, value: impl Into<String>) -> Self {
        self.message = Some(value.into());
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
    pub fn status(mut self, value: impl Into<String>) -> Self {
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
/// A part of a [`k8s_openapi::api::apps::v1::DeploymentSpec`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentSpecApplyConfiguration {
    /// As [`k8s_openapi::api::apps::v1::DeploymentSpec::min_ready_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ready_seconds: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentSpec::paused`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentSpec::progress_deadline_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentSpec::replicas`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentSpec::revision_history_limit`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentSpec::selector`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<super::meta_v1::LabelSelectorApplyConfiguration>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentSpec::strategy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<super::apps_v1::DeploymentStrategyApplyConfiguration>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentSpec::template`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<super::core_v1::PodTemplateSpecApplyConfiguration>,
}
impl DeploymentSpecApplyConfiguration {
    /// Applies `minReadySeconds`.
    #[must_use]
    pub fn min_ready_seconds(mut self, value: impl Into<i32>) -> Self {
        self.min_ready_seconds = Some(value.into());
        self
    }
    /// Applies `paused`.
    #[must_use]
    pub fn paused(mut self, value: impl Into<bool>) -> Self {
        self.paused = Some(value.into());
        self
    }
    /// Applies `progressDeadlineSeconds`.
    #[must_use]
    pub fn progress_deadline_seconds(mut self, value: impl Into<i32>) -> Self {
        self.progress_deadline_seconds = Some(value.into());
        self
    }
    /// Applies `replicas`.
    #[must_use]
    pub fn replicas(mut self, value: impl Into<i32>) -> Self {
        self.replicas = Some(value.into());
        self
    }
    /// Applies `revisionHistoryLimit`.
    #[must_use]
    pub fn revision_history_limit(mut self, value: impl Into<i32>) -> Self {
        self.revision_history_limit = Some(value.into());
        self
    }
    /// Applies `selector`.
    #[must_use]
    pub fn selector(
        mut self,
        value: impl Into<super::meta_v1::LabelSelectorApplyConfiguration>,
    ) -> Self {
        self.selector = Some(value.into());
        self
    }
    /// Applies `strategy`.
    #[must_use]
    pub fn strategy(
        mut self,
        value: impl Into<super::apps_v1::DeploymentStrategyApplyConfiguration>,
    ) -> Self {
        self.strategy = Some(value.into());
        self
    }
    /// Applies `template`.
    #[must_use]
    pub fn template(
        mut self,
        value: impl Into<super::core_v1::PodTemplateSpecApplyConfiguration>,
    ) -> Self {
        self.template = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::apps::v1::DeploymentStatus`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentStatusApplyConfiguration {
    /// As [`k8s_openapi::api::apps::v1::DeploymentStatus::available_replicas`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_replicas: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentStatus::collision_count`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentStatus::conditions`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<super::apps_v1::DeploymentConditionApplyConfiguration>>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentStatus::observed_generation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentStatus::ready_replicas`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentStatus::replicas`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentStatus::terminating_replicas`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminating_replicas: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentStatus::unavailable_replicas`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_replicas: Option<i32>,
    /// As [`k8s_openapi::api::apps::v1::DeploymentStatus::updated_replicas`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_replicas: Option<i32>,
}
impl DeploymentStatusApplyConfiguration {
    /// Applies `availableReplicas`.
    #[must_use]
    pub fn available_replicas(mut self, value: impl Into<i32>) -> Self {
        self.available_replicas = Some(value.into());
        self
    }
    /// Applies `collisionCount`.
    #[must_use]
    pub fn collision_count(mut self, value: impl Into<i32>) -> Self {
        self.collision_count = Some(value.into());
        self
    }
    /// Applies `conditions`.
    #[must_use]
    pub fn conditions(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::apps_v1::DeploymentConditionApplyConfiguration>,
        >,
    ) -> Self {
        self.conditions = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `observedGeneration`.
    #[must_use]
    pub fn observed_generation(mut self, value: impl Into<i64>) -> Self {
        self.observed_generation = Some(value.into());
        self
    }
    /// Applies `readyReplicas`.
    #[must_use]
    pub fn ready_replicas(mut self, value: impl Into<i32>) -> Self {
        self.ready_replicas = Some(value.into());
        self
    }
    /// Applies `replicas`.
    #[must_use]
    pub fn replicas(mut self, value: impl Into<i32>) -> Self {
        self.replicas = Some(value.into());
        self
    }
    /// Applies `terminatingReplicas`.
    #[must_use]
    pub fn terminating_replicas(mut self, value: impl Into<i32>) -> Self {
        self.terminating_replicas = Some(value.into());
        self
    }
    /// Applies `unavailableReplicas`.
    #[must_use]
    pub fn unavailable_replicas(mut self, value: impl Into<i32>) -> Self {
        self.unavailable_replicas = Some(value.into());
        self
    }
    /// Applies `updatedReplicas`.
    #[must_use]
    pub fn updated_replicas(mut self, value: impl Into<i32>) -> Self {
        self.updated_replicas = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::apps::v1::DeploymentStrategy`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentStrategyApplyConfiguration {
    /// As [`k8s_openapi::api::apps::v1::DeploymentStrategy::rolling_update`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_update: Option<
        super::apps_v1::RollingUpdateDeploymentApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::apps::v1::DeploymentStrategy::type_`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
}
impl DeploymentStrategyApplyConfiguration {
    /// Applies `rollingUpdate`.
    #[must_use]
    pub fn rolling_update(
        mut self,
        value: impl Into<super::apps_v1::RollingUpdateDeploymentApplyConfiguration>,
    ) -> Self {
        self.rolling_update = Some(value.into());
        self
    }
    /// Applies `type`.
    #[must_use]
    pub fn type_(mut self, value: impl Into<String>) -> Self {
        self.type_ = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::apps::v1::RollingUpdateDeployment`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollingUpdateDeploymentApplyConfiguration {
    /// As [`k8s_openapi::api::apps::v1::RollingUpdateDeployment::max_surge`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<k8s_openapi::apimachinery::pkg::util::intstr::IntOrString>,
    /// As [`k8s_openapi::api::apps::v1::RollingUpdateDeployment::max_unavailable`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<
        k8s_openapi::apimachinery::pkg::util::intstr::IntOrString,
    >,
}
impl RollingUpdateDeploymentApplyConfiguration {
    /// Applies `maxSurge`.
    #[must_use]
    pub fn max_surge(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::util::intstr::IntOrString>,
    ) -> Self {
        self.max_surge = Some(value.into());
        self
    }
    /// Applies `maxUnavailable`.
    #[must_use]
    pub fn max_unavailable(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::util::intstr::IntOrString>,
    ) -> Self {
        self.max_unavailable = Some(value.into());
        self
    }
}
