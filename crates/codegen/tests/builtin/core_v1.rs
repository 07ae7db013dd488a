// Parts of `v1`. Written by `kubewright types --builtin`: run it again, don't change this.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
/// A part of a [`k8s_openapi::api::core::v1::AWSElasticBlockStoreVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AWSElasticBlockStoreVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::AWSElasticBlockStoreVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::AWSElasticBlockStoreVolumeSource::partition`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::AWSElasticBlockStoreVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::AWSElasticBlockStoreVolumeSource::volume_id`].
    #[serde(rename = "volumeID", default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
}
impl AWSElasticBlockStoreVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `partition`.
    #[must_use]
    pub fn partition(mut self, value: impl Into<i32>) -> Self {
        self.partition = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `volumeID`.
    #[must_use]
    pub fn volume_id(mut self, value: impl Into<String>) -> Self {
        self.volume_id = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::Affinity`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AffinityApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::Affinity::node_affinity`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_affinity: Option<super::core_v1::NodeAffinityApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Affinity::pod_affinity`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_affinity: Option<super::core_v1::PodAffinityApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Affinity::pod_anti_affinity`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_anti_affinity: Option<super::core_v1::PodAntiAffinityApplyConfiguration>,
}
impl AffinityApplyConfiguration {
    /// Applies `nodeAffinity`.
    #[must_use]
    pub fn node_affinity(
        mut self,
        value: impl Into<super::core_v1::NodeAffinityApplyConfiguration>,
    ) -> Self {
        self.node_affinity = Some(value.into());
        self
    }
    /// Applies `podAffinity`.
    #[must_use]
    pub fn pod_affinity(
        mut self,
        value: impl Into<super::core_v1::PodAffinityApplyConfiguration>,
    ) -> Self {
        self.pod_affinity = Some(value.into());
        self
    }
    /// Applies `podAntiAffinity`.
    #[must_use]
    pub fn pod_anti_affinity(
        mut self,
        value: impl Into<super::core_v1::PodAntiAffinityApplyConfiguration>,
    ) -> Self {
        self.pod_anti_affinity = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::AppArmorProfile`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppArmorProfileApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::AppArmorProfile::localhost_profile`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub localhost_profile: Option<String>,
    /// As [`k8s_openapi::api::core::v1::AppArmorProfile::type_`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
}
impl AppArmorProfileApplyConfiguration {
    /// Applies `localhostProfile`.
    #[must_use]
    pub fn localhost_profile(mut self, value: impl Into<String>) -> Self {
        self.localhost_profile = Some(value.into());
        self
    }
    /// Applies `type`.
    #[must_use]
    pub fn type_(mut self, value: impl Into<String>) -> Self {
        self.type_ = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::AzureDiskVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureDiskVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::AzureDiskVolumeSource::caching_mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caching_mode: Option<String>,
    /// As [`k8s_openapi::api::core::v1::AzureDiskVolumeSource::disk_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::AzureDiskVolumeSource::disk_uri`].
    #[serde(rename = "diskURI", default, skip_serializing_if = "Option::is_none")]
    pub disk_uri: Option<String>,
    /// As [`k8s_openapi::api::core::v1::AzureDiskVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::AzureDiskVolumeSource::kind`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// As [`k8s_openapi::api::core::v1::AzureDiskVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}
impl AzureDiskVolumeSourceApplyConfiguration {
    /// Applies `cachingMode`.
    #[must_use]
    pub fn caching_mode(mut self, value: impl Into<String>) -> Self {
        self.caching_mode = Some(value.into());
        self
    }
    /// Applies `diskName`.
    #[must_use]
    pub fn disk_name(mut self, value: impl Into<String>) -> Self {
        self.disk_name = Some(value.into());
        self
    }
    /// Applies `diskURI`.
    #[must_use]
    pub fn disk_uri(mut self, value: impl Into<String>) -> Self {
        self.disk_uri = Some(value.into());
        self
    }
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `kind`.
    #[must_use]
    pub fn kind(mut self, value: impl Into<String>) -> Self {
        self.kind = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::AzureFileVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureFileVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::AzureFileVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::AzureFileVolumeSource::secret_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::AzureFileVolumeSource::share_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_name: Option<String>,
}
impl AzureFileVolumeSourceApplyConfiguration {
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `secretName`.
    #[must_use]
    pub fn secret_name(mut self, value: impl Into<String>) -> Self {
        self.secret_name = Some(value.into());
        self
    }
    /// Applies `shareName`.
    #[must_use]
    pub fn share_name(mut self, value: impl Into<String>) -> Self {
        self.share_name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::CSIVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CSIVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::CSIVolumeSource::driver`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// As [`k8s_openapi::api::core::v1::CSIVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::CSIVolumeSource::node_publish_secret_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_publish_secret_ref: Option<
        super::core_v1::LocalObjectReferenceApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::core::v1::CSIVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::CSIVolumeSource::volume_attributes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_attributes: Option<std::collections::BTreeMap<String, String>>,
}
impl CSIVolumeSourceApplyConfiguration {
    /// Applies `driver`.
    #[must_use]
    pub fn driver(mut self, value: impl Into<String>) -> Self {
        self.driver = Some(value.into());
        self
    }
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `nodePublishSecretRef`.
    #[must_use]
    pub fn node_publish_secret_ref(
        mut self,
        value: impl Into<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.node_publish_secret_ref = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `volumeAttributes`.
    #[must_use]
    pub fn volume_attributes(
        mut self,
        value: impl Into<std::collections::BTreeMap<String, String>>,
    ) -> Self {
        self.volume_attributes = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::Capabilities`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapabilitiesApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::Capabilities::add`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::Capabilities::drop`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<Vec<String>>,
}
impl CapabilitiesApplyConfiguration {
    /// Applies `add`.
    #[must_use]
    pub fn add(mut self, value: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.add = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `drop`.
    #[must_use]
    pub fn drop(mut self, value: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.drop = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::CephFSVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CephFSVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::CephFSVolumeSource::monitors`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitors: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::CephFSVolumeSource::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::CephFSVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::CephFSVolumeSource::secret_file`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<String>,
    /// As [`k8s_openapi::api::core::v1::CephFSVolumeSource::secret_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::CephFSVolumeSource::user`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}
impl CephFSVolumeSourceApplyConfiguration {
    /// Applies `monitors`.
    #[must_use]
    pub fn monitors(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.monitors = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `secretFile`.
    #[must_use]
    pub fn secret_file(mut self, value: impl Into<String>) -> Self {
        self.secret_file = Some(value.into());
        self
    }
    /// Applies `secretRef`.
    #[must_use]
    pub fn secret_ref(
        mut self,
        value: impl Into<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.secret_ref = Some(value.into());
        self
    }
    /// Applies `user`.
    #[must_use]
    pub fn user(mut self, value: impl Into<String>) -> Self {
        self.user = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::CinderVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CinderVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::CinderVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::CinderVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::CinderVolumeSource::secret_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::CinderVolumeSource::volume_id`].
    #[serde(rename = "volumeID", default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
}
impl CinderVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `secretRef`.
    #[must_use]
    pub fn secret_ref(
        mut self,
        value: impl Into<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.secret_ref = Some(value.into());
        self
    }
    /// Applies `volumeID`.
    #[must_use]
    pub fn volume_id(mut self, value: impl Into<String>) -> Self {
        self.volume_id = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ClusterTrustBundleProjection`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterTrustBundleProjectionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ClusterTrustBundleProjection::label_selector`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<super::meta_v1::LabelSelectorApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::ClusterTrustBundleProjection::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ClusterTrustBundleProjection::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::ClusterTrustBundleProjection::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ClusterTrustBundleProjection::signer_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer_name: Option<String>,
}
impl ClusterTrustBundleProjectionApplyConfiguration {
    /// Applies `labelSelector`.
    #[must_use]
    pub fn label_selector(
        mut self,
        value: impl Into<super::meta_v1::LabelSelectorApplyConfiguration>,
    ) -> Self {
        self.label_selector = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
    /// Applies `signerName`.
    #[must_use]
    pub fn signer_name(mut self, value: impl Into<String>) -> Self {
        self.signer_name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ConfigMap`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapApplyConfiguration {
    /// Name, and the labels, annotations, finalizers and owners that are applied.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// As [`k8s_openapi::api::core::v1::ConfigMap::binary_data`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_data: Option<std::collections::BTreeMap<String, k8s_openapi::ByteString>>,
    /// As [`k8s_openapi::api::core::v1::ConfigMap::data`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<std::collections::BTreeMap<String, String>>,
    /// As [`k8s_openapi::api::core::v1::ConfigMap::immutable`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
}
impl ConfigMapApplyConfiguration {
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
    /// Applies `binaryData`.
    #[must_use]
    pub fn binary_data(
        mut self,
        value: impl Into<std::collections::BTreeMap<String, k8s_openapi::ByteString>>,
    ) -> Self {
        self.binary_data = Some(value.into());
        self
    }
    /// Applies `data`.
    #[must_use]
    pub fn data(
        mut self,
        value: impl Into<std::collections::BTreeMap<String, String>>,
    ) -> Self {
        self.data = Some(value.into());
        self
    }
    /// Applies `immutable`.
    #[must_use]
    pub fn immutable(mut self, value: impl Into<bool>) -> Self {
        self.immutable = Some(value.into());
        self
    }
}
impl Serialize for ConfigMapApplyConfiguration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", "v1")?;
        map.serialize_entry("kind", "ConfigMap")?;
        if let Some(value) = &self.binary_data {
            map.serialize_entry("binaryData", value)?;
        }
        if let Some(value) = &self.data {
            map.serialize_entry("data", value)?;
        }
        if let Some(value) = &self.immutable {
            map.serialize_entry("immutable", value)?;
        }
        map.serialize_entry("metadata", &self.metadata)?;
        map.end()
    }
}
impl kube::Resource for ConfigMapApplyConfiguration {
    type DynamicType = ();
    type Scope = <k8s_openapi::api::core::v1::ConfigMap as kube::Resource>::Scope;
    fn kind(_: &()) -> std::borrow::Cow<'_, str> {
        "ConfigMap".into()
    }
    fn group(_: &()) -> std::borrow::Cow<'_, str> {
        <k8s_openapi::api::core::v1::ConfigMap as kube::Resource>::group(&())
    }
    fn version(_: &()) -> std::borrow::Cow<'_, str> {
        <k8s_openapi::api::core::v1::ConfigMap as kube::Resource>::version(&())
    }
    fn plural(_: &()) -> std::borrow::Cow<'_, str> {
        <k8s_openapi::api::core::v1::ConfigMap as kube::Resource>::plural(&())
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ConfigMapEnvSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapEnvSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ConfigMapEnvSource::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ConfigMapEnvSource::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}
impl ConfigMapEnvSourceApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ConfigMapKeySelector`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapKeySelectorApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ConfigMapKeySelector::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ConfigMapKeySelector::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ConfigMapKeySelector::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}
impl ConfigMapKeySelectorApplyConfiguration {
    /// Applies `key`.
    #[must_use]
    pub fn key(mut self, value: impl Into<String>) -> Self {
        self.key = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ConfigMapProjection`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapProjectionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ConfigMapProjection::items`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<super::core_v1::KeyToPathApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::ConfigMapProjection::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ConfigMapProjection::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}
impl ConfigMapProjectionApplyConfiguration {
    /// Applies `items`.
    #[must_use]
    pub fn items(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::KeyToPathApplyConfiguration>,
        >,
    ) -> Self {
        self.items = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ConfigMapVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ConfigMapVolumeSource::default_mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_mode: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::ConfigMapVolumeSource::items`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<super::core_v1::KeyToPathApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::ConfigMapVolumeSource::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ConfigMapVolumeSource::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}
impl ConfigMapVolumeSourceApplyConfiguration {
    /// Applies `defaultMode`.
    #[must_use]
    pub fn default_mode(mut self, value: impl Into<i32>) -> Self {
        self.default_mode = Some(value.into());
        self
    }
    /// Applies `items`.
    #[must_use]
    pub fn items(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::KeyToPathApplyConfiguration>,
        >,
    ) -> Self {
        self.items = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::Container`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::Container::args`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::Container::command`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::Container::env`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<super::core_v1::EnvVarApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::Container::env_from`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_from: Option<Vec<super::core_v1::EnvFromSourceApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::Container::image`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Container::image_pull_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Container::lifecycle`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<super::core_v1::LifecycleApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Container::liveness_probe`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness_probe: Option<super::core_v1::ProbeApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Container::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Container::ports`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<super::core_v1::ContainerPortApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::Container::readiness_probe`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<super::core_v1::ProbeApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Container::resize_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize_policy: Option<
        Vec<super::core_v1::ContainerResizePolicyApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::Container::resources`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<super::core_v1::ResourceRequirementsApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Container::restart_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Container::restart_policy_rules`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy_rules: Option<
        Vec<super::core_v1::ContainerRestartRuleApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::Container::security_context`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<super::core_v1::SecurityContextApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Container::startup_probe`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_probe: Option<super::core_v1::ProbeApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Container::stdin`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::Container::stdin_once`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin_once: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::Container::termination_message_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_message_path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Container::termination_message_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_message_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Container::tty`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::Container::volume_devices`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_devices: Option<Vec<super::core_v1::VolumeDeviceApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::Container::volume_mounts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_mounts: Option<Vec<super::core_v1::VolumeMountApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::Container::working_dir`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
}
impl ContainerApplyConfiguration {
    /// Applies `args`.
    #[must_use]
    pub fn args(mut self, value: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `command`.
    #[must_use]
    pub fn command(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.command = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `env`.
    #[must_use]
    pub fn env(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::EnvVarApplyConfiguration>,
        >,
    ) -> Self {
        self.env = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `envFrom`.
    #[must_use]
    pub fn env_from(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::EnvFromSourceApplyConfiguration>,
        >,
    ) -> Self {
        self.env_from = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `image`.
    #[must_use]
    pub fn image(mut self, value: impl Into<String>) -> Self {
        self.image = Some(value.into());
        self
    }
    /// Applies `imagePullPolicy`.
    #[must_use]
    pub fn image_pull_policy(mut self, value: impl Into<String>) -> Self {
        self.image_pull_policy = Some(value.into());
        self
    }
    /// Applies `lifecycle`.
    #[must_use]
    pub fn lifecycle(
        mut self,
        value: impl Into<super::core_v1::LifecycleApplyConfiguration>,
    ) -> Self {
        self.lifecycle = Some(value.into());
        self
    }
    /// Applies `livenessProbe`.
    #[must_use]
    pub fn liveness_probe(
        mut self,
        value: impl Into<super::core_v1::ProbeApplyConfiguration>,
    ) -> Self {
        self.liveness_probe = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `ports`.
    #[must_use]
    pub fn ports(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::ContainerPortApplyConfiguration>,
        >,
    ) -> Self {
        self.ports = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `readinessProbe`.
    #[must_use]
    pub fn readiness_probe(
        mut self,
        value: impl Into<super::core_v1::ProbeApplyConfiguration>,
    ) -> Self {
        self.readiness_probe = Some(value.into());
        self
    }
    /// Applies `resizePolicy`.
    #[must_use]
    pub fn resize_policy(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::ContainerResizePolicyApplyConfiguration>,
        >,
    ) -> Self {
        self.resize_policy = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `resources`.
    #[must_use]
    pub fn resources(
        mut self,
        value: impl Into<super::core_v1::ResourceRequirementsApplyConfiguration>,
    ) -> Self {
        self.resources = Some(value.into());
        self
    }
    /// Applies `restartPolicy`.
    #[must_use]
    pub fn restart_policy(mut self, value: impl Into<String>) -> Self {
        self.restart_policy = Some(value.into());
        self
    }
    /// Applies `restartPolicyRules`.
    #[must_use]
    pub fn restart_policy_rules(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::ContainerRestartRuleApplyConfiguration>,
        >,
    ) -> Self {
        self.restart_policy_rules = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `securityContext`.
    #[must_use]
    pub fn security_context(
        mut self,
        value: impl Into<super::core_v1::SecurityContextApplyConfiguration>,
    ) -> Self {
        self.security_context = Some(value.into());
        self
    }
    /// Applies `startupProbe`.
    #[must_use]
    pub fn startup_probe(
        mut self,
        value: impl Into<super::core_v1::ProbeApplyConfiguration>,
    ) -> Self {
        self.startup_probe = Some(value.into());
        self
    }
    /// Applies `stdin`.
    #[must_use]
    pub fn stdin(mut self, value: impl Into<bool>) -> Self {
        self.stdin = Some(value.into());
        self
    }
    /// Applies `stdinOnce`.
    #[must_use]
    pub fn stdin_once(mut self, value: impl Into<bool>) -> Self {
        self.stdin_once = Some(value.into());
        self
    }
    /// Applies `terminationMessagePath`.
    #[must_use]
    pub fn termination_message_path(mut self, value: impl Into<String>) -> Self {
        self.termination_message_path = Some(value.into());
        self
    }
    /// Applies `terminationMessagePolicy`.
    #[must_use]
    pub fn termination_message_policy(mut self, value: impl Into<String>) -> Self {
        self.termination_message_policy = Some(value.into());
        self
    }
    /// Applies `tty`.
    #[must_use]
    pub fn tty(mut self, value: impl Into<bool>) -> Self {
        self.tty = Some(value.into());
        self
    }
    /// Applies `volumeDevices`.
    #[must_use]
    pub fn volume_devices(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::VolumeDeviceApplyConfiguration>,
        >,
    ) -> Self {
        self.volume_devices = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `volumeMounts`.
    #[must_use]
    pub fn volume_mounts(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::VolumeMountApplyConfiguration>,
        >,
    ) -> Self {
        self.volume_mounts = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `workingDir`.
    #[must_use]
    pub fn working_dir(mut self, value: impl Into<String>) -> Self {
        self.working_dir = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ContainerPort`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerPortApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ContainerPort::container_port`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::ContainerPort::host_ip`].
    #[serde(rename = "hostIP", default, skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ContainerPort::host_port`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::ContainerPort::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ContainerPort::protocol`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}
impl ContainerPortApplyConfiguration {
    /// Applies `containerPort`.
    #[must_use]
    pub fn container_port(mut self, value: impl Into<i32>) -> Self {
        self.container_port = Some(value.into());
        self
    }
    /// Applies `hostIP`.
    #[must_use]
    pub fn host_ip(mut self, value: impl Into<String>) -> Self {
        self.host_ip = Some(value.into());
        self
    }
    /// Applies `hostPort`.
    #[must_use]
    pub fn host_port(mut self, value: impl Into<i32>) -> Self {
        self.host_port = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `protocol`.
    #[must_use]
    pub fn protocol(mut self, value: impl Into<String>) -> Self {
        self.protocol = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ContainerResizePolicy`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerResizePolicyApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ContainerResizePolicy::resource_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ContainerResizePolicy::restart_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
}
impl ContainerResizePolicyApplyConfiguration {
    /// Applies `resourceName`.
    #[must_use]
    pub fn resource_name(mut self, value: impl Into<String>) -> Self {
        self.resource_name = Some(value.into());
        self
    }
    /// Applies `restartPolicy`.
    #[must_use]
    pub fn restart_policy(mut self, value: impl Into<String>) -> Self {
        self.restart_policy = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ContainerRestartRule`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRestartRuleApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ContainerRestartRule::action`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ContainerRestartRule::exit_codes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_codes: Option<
        super::core_v1::ContainerRestartRuleOnExitCodesApplyConfiguration,
    >,
}
impl ContainerRestartRuleApplyConfiguration {
    /// Applies `action`.
    #[must_use]
    pub fn action(mut self, value: impl Into<String>) -> Self {
        self.action = Some(value.into());
        self
    }
    /// Applies `exitCodes`.
    #[must_use]
    pub fn exit_codes(
        mut self,
        value: impl Into<
            super::core_v1::ContainerRestartRuleOnExitCodesApplyConfiguration,
        >,
    ) -> Self {
        self.exit_codes = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ContainerRestartRuleOnExitCodes`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRestartRuleOnExitCodesApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ContainerRestartRuleOnExitCodes::operator`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ContainerRestartRuleOnExitCodes::values`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<i32>>,
}
impl ContainerRestartRuleOnExitCodesApplyConfiguration {
    /// Applies `operator`.
    #[must_use]
    pub fn operator(mut self, value: impl Into<String>) -> Self {
        self.operator = Some(value.into());
        self
    }
    /// Applies `values`.
    #[must_use]
    pub fn values(mut self, value: impl IntoIterator<Item = impl Into<i32>>) -> Self {
        self.values = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::DownwardAPIProjection`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownwardAPIProjectionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::DownwardAPIProjection::items`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<super::core_v1::DownwardAPIVolumeFileApplyConfiguration>>,
}
impl DownwardAPIProjectionApplyConfiguration {
    /// Applies `items`.
    #[must_use]
    pub fn items(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::DownwardAPIVolumeFileApplyConfiguration>,
        >,
    ) -> Self {
        self.items = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::DownwardAPIVolumeFile`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownwardAPIVolumeFileApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::DownwardAPIVolumeFile::field_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<super::core_v1::ObjectFieldSelectorApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::DownwardAPIVolumeFile::mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::DownwardAPIVolumeFile::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::DownwardAPIVolumeFile::resource_field_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_field_ref: Option<
        super::core_v1::ResourceFieldSelectorApplyConfiguration,
    >,
}
impl DownwardAPIVolumeFileApplyConfiguration {
    /// Applies `fieldRef`.
    #[must_use]
    pub fn field_ref(
        mut self,
        value: impl Into<super::core_v1::ObjectFieldSelectorApplyConfiguration>,
    ) -> Self {
        self.field_ref = Some(value.into());
        self
    }
    /// Applies `mode`.
    #[must_use]
    pub fn mode(mut self, value: impl Into<i32>) -> Self {
        self.mode = Some(value.into());
        self
    }
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
    /// Applies `resourceFieldRef`.
    #[must_use]
    pub fn resource_field_ref(
        mut self,
        value: impl Into<super::core_v1::ResourceFieldSelectorApplyConfiguration>,
    ) -> Self {
        self.resource_field_ref = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::DownwardAPIVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownwardAPIVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::DownwardAPIVolumeSource::default_mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_mode: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::DownwardAPIVolumeSource::items`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<super::core_v1::DownwardAPIVolumeFileApplyConfiguration>>,
}
impl DownwardAPIVolumeSourceApplyConfiguration {
    /// Applies `defaultMode`.
    #[must_use]
    pub fn default_mode(mut self, value: impl Into<i32>) -> Self {
        self.default_mode = Some(value.into());
        self
    }
    /// Applies `items`.
    #[must_use]
    pub fn items(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::DownwardAPIVolumeFileApplyConfiguration>,
        >,
    ) -> Self {
        self.items = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::EmptyDirVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmptyDirVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::EmptyDirVolumeSource::medium`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EmptyDirVolumeSource::size_limit`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_limit: Option<k8s_openapi::apimachinery::pkg::api::resource::Quantity>,
}
impl EmptyDirVolumeSourceApplyConfiguration {
    /// Applies `medium`.
    #[must_use]
    pub fn medium(mut self, value: impl Into<String>) -> Self {
        self.medium = Some(value.into());
        self
    }
    /// Applies `sizeLimit`.
    #[must_use]
    pub fn size_limit(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::api::resource::Quantity>,
    ) -> Self {
        self.size_limit = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::EnvFromSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvFromSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::EnvFromSource::config_map_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<super::core_v1::ConfigMapEnvSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::EnvFromSource::prefix`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EnvFromSource::secret_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<super::core_v1::SecretEnvSourceApplyConfiguration>,
}
impl EnvFromSourceApplyConfiguration {
    /// Applies `configMapRef`.
    #[must_use]
    pub fn config_map_ref(
        mut self,
        value: impl Into<super::core_v1::ConfigMapEnvSourceApplyConfiguration>,
    ) -> Self {
        self.config_map_ref = Some(value.into());
        self
    }
    /// Applies `prefix`.
    #[must_use]
    pub fn prefix(mut self, value: impl Into<String>) -> Self {
        self.prefix = Some(value.into());
        self
    }
    /// Applies `secretRef`.
    #[must_use]
    pub fn secret_ref(
        mut self,
        value: impl Into<super::core_v1::SecretEnvSourceApplyConfiguration>,
    ) -> Self {
        self.secret_ref = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::EnvVar`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvVarApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::EnvVar::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EnvVar::value`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EnvVar::value_from`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<super::core_v1::EnvVarSourceApplyConfiguration>,
}
impl EnvVarApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `value`.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
    /// Applies `valueFrom`.
    #[must_use]
    pub fn value_from(
        mut self,
        value: impl Into<super::core_v1::EnvVarSourceApplyConfiguration>,
    ) -> Self {
        self.value_from = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::EnvVarSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvVarSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::EnvVarSource::config_map_key_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<
        super::core_v1::ConfigMapKeySelectorApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::core::v1::EnvVarSource::field_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<super::core_v1::ObjectFieldSelectorApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::EnvVarSource::file_key_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_key_ref: Option<super::core_v1::FileKeySelectorApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::EnvVarSource::resource_field_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_field_ref: Option<
        super::core_v1::ResourceFieldSelectorApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::core::v1::EnvVarSource::secret_key_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<super::core_v1::SecretKeySelectorApplyConfiguration>,
}
impl EnvVarSourceApplyConfiguration {
    /// Applies `configMapKeyRef`.
    #[must_use]
    pub fn config_map_key_ref(
        mut self,
        value: impl Into<super::core_v1::ConfigMapKeySelectorApplyConfiguration>,
    ) -> Self {
        self.config_map_key_ref = Some(value.into());
        self
    }
    /// Applies `fieldRef`.
    #[must_use]
    pub fn field_ref(
        mut self,
        value: impl Into<super::core_v1::ObjectFieldSelectorApplyConfiguration>,
    ) -> Self {
        self.field_ref = Some(value.into());
        self
    }
    /// Applies `fileKeyRef`.
    #[must_use]
    pub fn file_key_ref(
        mut self,
        value: impl Into<super::core_v1::FileKeySelectorApplyConfiguration>,
    ) -> Self {
        self.file_key_ref = Some(value.into());
        self
    }
    /// Applies `resourceFieldRef`.
    #[must_use]
    pub fn resource_field_ref(
        mut self,
        value: impl Into<super::core_v1::ResourceFieldSelectorApplyConfiguration>,
    ) -> Self {
        self.resource_field_ref = Some(value.into());
        self
    }
    /// Applies `secretKeyRef`.
    #[must_use]
    pub fn secret_key_ref(
        mut self,
        value: impl Into<super::core_v1::SecretKeySelectorApplyConfiguration>,
    ) -> Self {
        self.secret_key_ref = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::EphemeralContainer`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EphemeralContainerApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::args`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::command`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::env`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<super::core_v1::EnvVarApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::env_from`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_from: Option<Vec<super::core_v1::EnvFromSourceApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::image`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::image_pull_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::lifecycle`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<super::core_v1::LifecycleApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::liveness_probe`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness_probe: Option<super::core_v1::ProbeApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::ports`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<super::core_v1::ContainerPortApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::readiness_probe`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<super::core_v1::ProbeApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::resize_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize_policy: Option<
        Vec<super::core_v1::ContainerResizePolicyApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::resources`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<super::core_v1::ResourceRequirementsApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::restart_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::restart_policy_rules`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy_rules: Option<
        Vec<super::core_v1::ContainerRestartRuleApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::security_context`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<super::core_v1::SecurityContextApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::startup_probe`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_probe: Option<super::core_v1::ProbeApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::stdin`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::stdin_once`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin_once: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::target_container_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_container_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::termination_message_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_message_path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::termination_message_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_message_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::tty`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::volume_devices`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_devices: Option<Vec<super::core_v1::VolumeDeviceApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::volume_mounts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_mounts: Option<Vec<super::core_v1::VolumeMountApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::EphemeralContainer::working_dir`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
}
impl EphemeralContainerApplyConfiguration {
    /// Applies `args`.
    #[must_use]
    pub fn args(mut self, value: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `command`.
    #[must_use]
    pub fn command(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.command = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `env`.
    #[must_use]
    pub fn env(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::EnvVarApplyConfiguration>,
        >,
    ) -> Self {
        self.env = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `envFrom`.
    #[must_use]
    pub fn env_from(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::EnvFromSourceApplyConfiguration>,
        >,
    ) -> Self {
        self.env_from = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `image`.
    #[must_use]
    pub fn image(mut self, value: impl Into<String>) -> Self {
        self.image = Some(value.into());
        self
    }
    /// Applies `imagePullPolicy`.
    #[must_use]
    pub fn image_pull_policy(mut self, value: impl Into<String>) -> Self {
        self.image_pull_policy = Some(value.into());
        self
    }
    /// Applies `lifecycle`.
    #[must_use]
    pub fn lifecycle(
        mut self,
        value: impl Into<super::core_v1::LifecycleApplyConfiguration>,
    ) -> Self {
        self.lifecycle = Some(value.into());
        self
    }
    /// Applies `livenessProbe`.
    #[must_use]
    pub fn liveness_probe(
        mut self,
        value: impl Into<super::core_v1::ProbeApplyConfiguration>,
    ) -> Self {
        self.liveness_probe = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `ports`.
    #[must_use]
    pub fn ports(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::ContainerPortApplyConfiguration>,
        >,
    ) -> Self {
        self.ports = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `readinessProbe`.
    #[must_use]
    pub fn readiness_probe(
        mut self,
        value: impl Into<super::core_v1::ProbeApplyConfiguration>,
    ) -> Self {
        self.readiness_probe = Some(value.into());
        self
    }
    /// Applies `resizePolicy`.
    #[must_use]
    pub fn resize_policy(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::ContainerResizePolicyApplyConfiguration>,
        >,
    ) -> Self {
        self.resize_policy = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `resources`.
    #[must_use]
    pub fn resources(
        mut self,
        value: impl Into<super::core_v1::ResourceRequirementsApplyConfiguration>,
    ) -> Self {
        self.resources = Some(value.into());
        self
    }
    /// Applies `restartPolicy`.
    #[must_use]
    pub fn restart_policy(mut self, value: impl Into<String>) -> Self {
        self.restart_policy = Some(value.into());
        self
    }
    /// Applies `restartPolicyRules`.
    #[must_use]
    pub fn restart_policy_rules(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::ContainerRestartRuleApplyConfiguration>,
        >,
    ) -> Self {
        self.restart_policy_rules = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `securityContext`.
    #[must_use]
    pub fn security_context(
        mut self,
        value: impl Into<super::core_v1::SecurityContextApplyConfiguration>,
    ) -> Self {
        self.security_context = Some(value.into());
        self
    }
    /// Applies `startupProbe`.
    #[must_use]
    pub fn startup_probe(
        mut self,
        value: impl Into<super::core_v1::ProbeApplyConfiguration>,
    ) -> Self {
        self.startup_probe = Some(value.into());
        self
    }
    /// Applies `stdin`.
    #[must_use]
    pub fn stdin(mut self, value: impl Into<bool>) -> Self {
        self.stdin = Some(value.into());
        self
    }
    /// Applies `stdinOnce`.
    #[must_use]
    pub fn stdin_once(mut self, value: impl Into<bool>) -> Self {
        self.stdin_once = Some(value.into());
        self
    }
    /// Applies `targetContainerName`.
    #[must_use]
    pub fn target_container_name(mut self, value: impl Into<String>) -> Self {
        self.target_container_name = Some(value.into());
        self
    }
    /// Applies `terminationMessagePath`.
    #[must_use]
    pub fn termination_message_path(mut self, value: impl Into<String>) -> Self {
        self.termination_message_path = Some(value.into());
        self
    }
    /// Applies `terminationMessagePolicy`.
    #[must_use]
    pub fn termination_message_policy(mut self, value: impl Into<String>) -> Self {
        self.termination_message_policy = Some(value.into());
        self
    }
    /// Applies `tty`.
    #[must_use]
    pub fn tty(mut self, value: impl Into<bool>) -> Self {
        self.tty = Some(value.into());
        self
    }
    /// Applies `volumeDevices`.
    #[must_use]
    pub fn volume_devices(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::VolumeDeviceApplyConfiguration>,
        >,
    ) -> Self {
        self.volume_devices = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `volumeMounts`.
    #[must_use]
    pub fn volume_mounts(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::VolumeMountApplyConfiguration>,
        >,
    ) -> Self {
        self.volume_mounts = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `workingDir`.
    #[must_use]
    pub fn working_dir(mut self, value: impl Into<String>) -> Self {
        self.working_dir = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::EphemeralVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EphemeralVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::EphemeralVolumeSource::volume_claim_template`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_claim_template: Option<
        super::core_v1::PersistentVolumeClaimTemplateApplyConfiguration,
    >,
}
impl EphemeralVolumeSourceApplyConfiguration {
    /// Applies `volumeClaimTemplate`.
    #[must_use]
    pub fn volume_claim_template(
        mut self,
        value: impl Into<super::core_v1::PersistentVolumeClaimTemplateApplyConfiguration>,
    ) -> Self {
        self.volume_claim_template = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ExecAction`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecActionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ExecAction::command`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
}
impl ExecActionApplyConfiguration {
    /// Applies `command`.
    #[must_use]
    pub fn command(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.command = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::FCVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FCVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::FCVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::FCVolumeSource::lun`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lun: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::FCVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::FCVolumeSource::target_wwns`].
    #[serde(rename = "targetWWNs", default, skip_serializing_if = "Option::is_none")]
    pub target_wwns: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::FCVolumeSource::wwids`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wwids: Option<Vec<String>>,
}
impl FCVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `lun`.
    #[must_use]
    pub fn lun(mut self, value: impl Into<i32>) -> Self {
        self.lun = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `targetWWNs`.
    #[must_use]
    pub fn target_wwns(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.target_wwns = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `wwids`.
    #[must_use]
    pub fn wwids(mut self, value: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.wwids = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::FileKeySelector`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileKeySelectorApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::FileKeySelector::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// As [`k8s_openapi::api::core::v1::FileKeySelector::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::FileKeySelector::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::FileKeySelector::volume_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_name: Option<String>,
}
impl FileKeySelectorApplyConfiguration {
    /// Applies `key`.
    #[must_use]
    pub fn key(mut self, value: impl Into<String>) -> Self {
        self.key = Some(value.into());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
    /// Applies `volumeName`.
    #[must_use]
    pub fn volume_name(mut self, value: impl Into<String>) -> Self {
        self.volume_name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::FlexVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlexVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::FlexVolumeSource::driver`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// As [`k8s_openapi::api::core::v1::FlexVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::FlexVolumeSource::options`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<std::collections::BTreeMap<String, String>>,
    /// As [`k8s_openapi::api::core::v1::FlexVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::FlexVolumeSource::secret_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<super::core_v1::LocalObjectReferenceApplyConfiguration>,
}
impl FlexVolumeSourceApplyConfiguration {
    /// Applies `driver`.
    #[must_use]
    pub fn driver(mut self, value: impl Into<String>) -> Self {
        self.driver = Some(value.into());
        self
    }
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `options`.
    #[must_use]
    pub fn options(
        mut self,
        value: impl Into<std::collections::BTreeMap<String, String>>,
    ) -> Self {
        self.options = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `secretRef`.
    #[must_use]
    pub fn secret_ref(
        mut self,
        value: impl Into<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.secret_ref = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::FlockerVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlockerVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::FlockerVolumeSource::dataset_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::FlockerVolumeSource::dataset_uuid`].
    #[serde(rename = "datasetUUID", default, skip_serializing_if = "Option::is_none")]
    pub dataset_uuid: Option<String>,
}
impl FlockerVolumeSourceApplyConfiguration {
    /// Applies `datasetName`.
    #[must_use]
    pub fn dataset_name(mut self, value: impl Into<String>) -> Self {
        self.dataset_name = Some(value.into());
        self
    }
    /// Applies `datasetUUID`.
    #[must_use]
    pub fn dataset_uuid(mut self, value: impl Into<String>) -> Self {
        self.dataset_uuid = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::GCEPersistentDiskVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GCEPersistentDiskVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::GCEPersistentDiskVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::GCEPersistentDiskVolumeSource::partition`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::GCEPersistentDiskVolumeSource::pd_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pd_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::GCEPersistentDiskVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}
impl GCEPersistentDiskVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `partition`.
    #[must_use]
    pub fn partition(mut self, value: impl Into<i32>) -> Self {
        self.partition = Some(value.into());
        self
    }
    /// Applies `pdName`.
    #[must_use]
    pub fn pd_name(mut self, value: impl Into<String>) -> Self {
        self.pd_name = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::GRPCAction`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GRPCActionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::GRPCAction::port`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::GRPCAction::service`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}
impl GRPCActionApplyConfiguration {
    /// Applies `port`.
    #[must_use]
    pub fn port(mut self, value: impl Into<i32>) -> Self {
        self.port = Some(value.into());
        self
    }
    /// Applies `service`.
    #[must_use]
    pub fn service(mut self, value: impl Into<String>) -> Self {
        self.service = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::GitRepoVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitRepoVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::GitRepoVolumeSource::directory`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// As [`k8s_openapi::api::core::v1::GitRepoVolumeSource::repository`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// As [`k8s_openapi::api::core::v1::GitRepoVolumeSource::revision`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}
impl GitRepoVolumeSourceApplyConfiguration {
    /// Applies `directory`.
    #[must_use]
    pub fn directory(mut self, value: impl Into<String>) -> Self {
        self.directory = Some(value.into());
        self
    }
    /// Applies `repository`.
    #[must_use]
    pub fn repository(mut self, value: impl Into<String>) -> Self {
        self.repository = Some(value.into());
        self
    }
    /// Applies `revision`.
    #[must_use]
    pub fn revision(mut self, value: impl Into<String>) -> Self {
        self.revision = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::GlusterfsVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GlusterfsVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::GlusterfsVolumeSource::endpoints`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<String>,
    /// As [`k8s_openapi::api::core::v1::GlusterfsVolumeSource::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::GlusterfsVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}
impl GlusterfsVolumeSourceApplyConfiguration {
    /// Applies `endpoints`.
    #[must_use]
    pub fn endpoints(mut self, value: impl Into<String>) -> Self {
        self.endpoints = Some(value.into());
        self
    }
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::HTTPGetAction`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HTTPGetActionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::HTTPGetAction::host`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// As [`k8s_openapi::api::core::v1::HTTPGetAction::http_headers`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_headers: Option<Vec<super::core_v1::HTTPHeaderApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::HTTPGetAction::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::HTTPGetAction::port`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<k8s_openapi::apimachinery::pkg::util::intstr::IntOrString>,
    /// As [`k8s_openapi::api::core::v1::HTTPGetAction::scheme`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}
impl HTTPGetActionApplyConfiguration {
    /// Applies `host`.
    #[must_use]
    pub fn host(mut self, value: impl Into<String>) -> Self {
        self.host = Some(value.into());
        self
    }
    /// Applies `httpHeaders`.
    #[must_use]
    pub fn http_headers(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::HTTPHeaderApplyConfiguration>,
        >,
    ) -> Self {
        self.http_headers = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
    /// Applies `port`.
    #[must_use]
    pub fn port(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::util::intstr::IntOrString>,
    ) -> Self {
        self.port = Some(value.into());
        self
    }
    /// Applies `scheme`.
    #[must_use]
    pub fn scheme(mut self, value: impl Into<String>) -> Self {
        self.scheme = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::HTTPHeader`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HTTPHeaderApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::HTTPHeader::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::HTTPHeader::value`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
impl HTTPHeaderApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `value`.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::HostAlias`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostAliasApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::HostAlias::hostnames`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostnames: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::HostAlias::ip`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}
impl HostAliasApplyConfiguration {
    /// Applies `hostnames`.
    #[must_use]
    pub fn hostnames(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.hostnames = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `ip`.
    #[must_use]
    pub fn ip(mut self, value: impl Into<String>) -> Self {
        self.ip = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::HostPathVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostPathVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::HostPathVolumeSource::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::HostPathVolumeSource::type_`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
}
impl HostPathVolumeSourceApplyConfiguration {
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
    /// Applies `type`.
    #[must_use]
    pub fn type_(mut self, value: impl Into<String>) -> Self {
        self.type_ = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ISCSIVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ISCSIVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::chap_auth_discovery`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chap_auth_discovery: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::chap_auth_session`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chap_auth_session: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::initiator_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiator_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::iqn`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iqn: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::iscsi_interface`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iscsi_interface: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::lun`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lun: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::portals`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portals: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::secret_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::ISCSIVolumeSource::target_portal`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_portal: Option<String>,
}
impl ISCSIVolumeSourceApplyConfiguration {
    /// Applies `chapAuthDiscovery`.
    #[must_use]
    pub fn chap_auth_discovery(mut self, value: impl Into<bool>) -> Self {
        self.chap_auth_discovery = Some(value.into());
        self
    }
    /// Applies `chapAuthSession`.
    #[must_use]
    pub fn chap_auth_session(mut self, value: impl Into<bool>) -> Self {
        self.chap_auth_session = Some(value.into());
        self
    }
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `initiatorName`.
    #[must_use]
    pub fn initiator_name(mut self, value: impl Into<String>) -> Self {
        self.initiator_name = Some(value.into());
        self
    }
    /// Applies `iqn`.
    #[must_use]
    pub fn iqn(mut self, value: impl Into<String>) -> Self {
        self.iqn = Some(value.into());
        self
    }
    /// Applies `iscsiInterface`.
    #[must_use]
    pub fn iscsi_interface(mut self, value: impl Into<String>) -> Self {
        self.iscsi_interface = Some(value.into());
        self
    }
    /// Applies `lun`.
    #[must_use]
    pub fn lun(mut self, value: impl Into<i32>) -> Self {
        self.lun = Some(value.into());
        self
    }
    /// Applies `portals`.
    #[must_use]
    pub fn portals(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.portals = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `secretRef`.
    #[must_use]
    pub fn secret_ref(
        mut self,
        value: impl Into<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.secret_ref = Some(value.into());
        self
    }
    /// Applies `targetPortal`.
    #[must_use]
    pub fn target_portal(mut self, value: impl Into<String>) -> Self {
        self.target_portal = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ImageVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ImageVolumeSource::pull_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ImageVolumeSource::reference`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}
impl ImageVolumeSourceApplyConfiguration {
    /// Applies `pullPolicy`.
    #[must_use]
    pub fn pull_policy(mut self, value: impl Into<String>) -> Self {
        self.pull_policy = Some(value.into());
        self
    }
    /// Applies `reference`.
    #[must_use]
    pub fn reference(mut self, value: impl Into<String>) -> Self {
        self.reference = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::KeyToPath`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyToPathApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::KeyToPath::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// As [`k8s_openapi::api::core::v1::KeyToPath::mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::KeyToPath::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}
impl KeyToPathApplyConfiguration {
    /// Applies `key`.
    #[must_use]
    pub fn key(mut self, value: impl Into<String>) -> Self {
        self.key = Some(value.into());
        self
    }
    /// Applies `mode`.
    #[must_use]
    pub fn mode(mut self, value: impl Into<i32>) -> Self {
        self.mode = Some(value.into());
        self
    }
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::Lifecycle`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::Lifecycle::post_start`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_start: Option<super::core_v1::LifecycleHandlerApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Lifecycle::pre_stop`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_stop: Option<super::core_v1::LifecycleHandlerApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Lifecycle::stop_signal`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
}
impl LifecycleApplyConfiguration {
    /// Applies `postStart`.
    #[must_use]
    pub fn post_start(
        mut self,
        value: impl Into<super::core_v1::LifecycleHandlerApplyConfiguration>,
    ) -> Self {
        self.post_start = Some(value.into());
        self
    }
    /// Applies `preStop`.
    #[must_use]
    pub fn pre_stop(
        mut self,
        value: impl Into<super::core_v1::LifecycleHandlerApplyConfiguration>,
    ) -> Self {
        self.pre_stop = Some(value.into());
        self
    }
    /// Applies `stopSignal`.
    #[must_use]
    pub fn stop_signal(mut self, value: impl Into<String>) -> Self {
        self.stop_signal = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::LifecycleHandler`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleHandlerApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::LifecycleHandler::exec`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<super::core_v1::ExecActionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::LifecycleHandler::http_get`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_get: Option<super::core_v1::HTTPGetActionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::LifecycleHandler::sleep`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep: Option<super::core_v1::SleepActionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::LifecycleHandler::tcp_socket`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_socket: Option<super::core_v1::TCPSocketActionApplyConfiguration>,
}
impl LifecycleHandlerApplyConfiguration {
    /// Applies `exec`.
    #[must_use]
    pub fn exec(
        mut self,
        value: impl Into<super::core_v1::ExecActionApplyConfiguration>,
    ) -> Self {
        self.exec = Some(value.into());
        self
    }
    /// Applies `httpGet`.
    #[must_use]
    pub fn http_get(
        mut self,
        value: impl Into<super::core_v1::HTTPGetActionApplyConfiguration>,
    ) -> Self {
        self.http_get = Some(value.into());
        self
    }
    /// Applies `sleep`.
    #[must_use]
    pub fn sleep(
        mut self,
        value: impl Into<super::core_v1::SleepActionApplyConfiguration>,
    ) -> Self {
        self.sleep = Some(value.into());
        self
    }
    /// Applies `tcpSocket`.
    #[must_use]
    pub fn tcp_socket(
        mut self,
        value: impl Into<super::core_v1::TCPSocketActionApplyConfiguration>,
    ) -> Self {
        self.tcp_socket = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::LocalObjectReference`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalObjectReferenceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::LocalObjectReference::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
impl LocalObjectReferenceApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::NFSVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NFSVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::NFSVolumeSource::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::NFSVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::NFSVolumeSource::server`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}
impl NFSVolumeSourceApplyConfiguration {
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `server`.
    #[must_use]
    pub fn server(mut self, value: impl Into<String>) -> Self {
        self.server = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::NodeAffinity`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeAffinityApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::NodeAffinity::preferred_during_scheduling_ignored_during_execution`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_during_scheduling_ignored_during_execution: Option<
        Vec<super::core_v1::PreferredSchedulingTermApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::NodeAffinity::required_during_scheduling_ignored_during_execution`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_during_scheduling_ignored_during_execution: Option<
        super::core_v1::NodeSelectorApplyConfiguration,
    >,
}
impl NodeAffinityApplyConfiguration {
    /// Applies `preferredDuringSchedulingIgnoredDuringExecution`.
    #[must_use]
    pub fn preferred_during_scheduling_ignored_during_execution(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::PreferredSchedulingTermApplyConfiguration>,
        >,
    ) -> Self {
        self.preferred_during_scheduling_ignored_during_execution = Some(
            value.into_iter().map(Into::into).collect(),
        );
        self
    }
    /// Applies `requiredDuringSchedulingIgnoredDuringExecution`.
    #[must_use]
    pub fn required_during_scheduling_ignored_during_execution(
        mut self,
        value: impl Into<super::core_v1::NodeSelectorApplyConfiguration>,
    ) -> Self {
        self.required_during_scheduling_ignored_during_execution = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::NodeSelector`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeSelectorApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::NodeSelector::node_selector_terms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector_terms: Option<
        Vec<super::core_v1::NodeSelectorTermApplyConfiguration>,
    >,
}
impl NodeSelectorApplyConfiguration {
    /// Applies `nodeSelectorTerms`.
    #[must_use]
    pub fn node_selector_terms(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::NodeSelectorTermApplyConfiguration>,
        >,
    ) -> Self {
        self.node_selector_terms = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::NodeSelectorRequirement`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeSelectorRequirementApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::NodeSelectorRequirement::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// As [`k8s_openapi::api::core::v1::NodeSelectorRequirement::operator`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// As [`k8s_openapi::api::core::v1::NodeSelectorRequirement::values`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}
impl NodeSelectorRequirementApplyConfiguration {
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
/// A part of a [`k8s_openapi::api::core::v1::NodeSelectorTerm`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeSelectorTermApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::NodeSelectorTerm::match_expressions`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_expressions: Option<
        Vec<super::core_v1::NodeSelectorRequirementApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::NodeSelectorTerm::match_fields`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_fields: Option<
        Vec<super::core_v1::NodeSelectorRequirementApplyConfiguration>,
    >,
}
impl NodeSelectorTermApplyConfiguration {
    /// Applies `matchExpressions`.
    #[must_use]
    pub fn match_expressions(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::NodeSelectorRequirementApplyConfiguration>,
        >,
    ) -> Self {
        self.match_expressions = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `matchFields`.
    #[must_use]
    pub fn match_fields(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::NodeSelectorRequirementApplyConfiguration>,
        >,
    ) -> Self {
        self.match_fields = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ObjectFieldSelector`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectFieldSelectorApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ObjectFieldSelector::api_version`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ObjectFieldSelector::field_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_path: Option<String>,
}
impl ObjectFieldSelectorApplyConfiguration {
    /// Applies `apiVersion`.
    #[must_use]
    pub fn api_version(mut self, value: impl Into<String>) -> Self {
        self.api_version = Some(value.into());
        self
    }
    /// Applies `fieldPath`.
    #[must_use]
    pub fn field_path(mut self, value: impl Into<String>) -> Self {
        self.field_path = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistentVolumeClaimSpecApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec::access_modes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_modes: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec::data_source`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_source: Option<super::core_v1::TypedLocalObjectReferenceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec::data_source_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_source_ref: Option<super::core_v1::TypedObjectReferenceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec::resources`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<super::core_v1::VolumeResourceRequirementsApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec::selector`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<super::meta_v1::LabelSelectorApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec::storage_class_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec::volume_attributes_class_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_attributes_class_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec::volume_mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_mode: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimSpec::volume_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_name: Option<String>,
}
impl PersistentVolumeClaimSpecApplyConfiguration {
    /// Applies `accessModes`.
    #[must_use]
    pub fn access_modes(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.access_modes = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `dataSource`.
    #[must_use]
    pub fn data_source(
        mut self,
        value: impl Into<super::core_v1::TypedLocalObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.data_source = Some(value.into());
        self
    }
    /// Applies `dataSourceRef`.
    #[must_use]
    pub fn data_source_ref(
        mut self,
        value: impl Into<super::core_v1::TypedObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.data_source_ref = Some(value.into());
        self
    }
    /// Applies `resources`.
    #[must_use]
    pub fn resources(
        mut self,
        value: impl Into<super::core_v1::VolumeResourceRequirementsApplyConfiguration>,
    ) -> Self {
        self.resources = Some(value.into());
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
    /// Applies `storageClassName`.
    #[must_use]
    pub fn storage_class_name(mut self, value: impl Into<String>) -> Self {
        self.storage_class_name = Some(value.into());
        self
    }
    /// Applies `volumeAttributesClassName`.
    #[must_use]
    pub fn volume_attributes_class_name(mut self, value: impl Into<String>) -> Self {
        self.volume_attributes_class_name = Some(value.into());
        self
    }
    /// Applies `volumeMode`.
    #[must_use]
    pub fn volume_mode(mut self, value: impl Into<String>) -> Self {
        self.volume_mode = Some(value.into());
        self
    }
    /// Applies `volumeName`.
    #[must_use]
    pub fn volume_name(mut self, value: impl Into<String>) -> Self {
        self.volume_name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PersistentVolumeClaimTemplate`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistentVolumeClaimTemplateApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimTemplate::metadata`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimTemplate::spec`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<super::core_v1::PersistentVolumeClaimSpecApplyConfiguration>,
}
impl PersistentVolumeClaimTemplateApplyConfiguration {
    /// Applies `metadata`.
    #[must_use]
    pub fn metadata(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta>,
    ) -> Self {
        self.metadata = Some(value.into());
        self
    }
    /// Applies `spec`.
    #[must_use]
    pub fn spec(
        mut self,
        value: impl Into<super::core_v1::PersistentVolumeClaimSpecApplyConfiguration>,
    ) -> Self {
        self.spec = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PersistentVolumeClaimVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistentVolumeClaimVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimVolumeSource::claim_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PersistentVolumeClaimVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}
impl PersistentVolumeClaimVolumeSourceApplyConfiguration {
    /// Applies `claimName`.
    #[must_use]
    pub fn claim_name(mut self, value: impl Into<String>) -> Self {
        self.claim_name = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PhotonPersistentDiskVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotonPersistentDiskVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PhotonPersistentDiskVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PhotonPersistentDiskVolumeSource::pd_id`].
    #[serde(rename = "pdID", default, skip_serializing_if = "Option::is_none")]
    pub pd_id: Option<String>,
}
impl PhotonPersistentDiskVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `pdID`.
    #[must_use]
    pub fn pd_id(mut self, value: impl Into<String>) -> Self {
        self.pd_id = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodAffinity`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodAffinityApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodAffinity::preferred_during_scheduling_ignored_during_execution`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_during_scheduling_ignored_during_execution: Option<
        Vec<super::core_v1::WeightedPodAffinityTermApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::PodAffinity::required_during_scheduling_ignored_during_execution`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_during_scheduling_ignored_during_execution: Option<
        Vec<super::core_v1::PodAffinityTermApplyConfiguration>,
    >,
}
impl PodAffinityApplyConfiguration {
    /// Applies `preferredDuringSchedulingIgnoredDuringExecution`.
    #[must_use]
    pub fn preferred_during_scheduling_ignored_during_execution(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::WeightedPodAffinityTermApplyConfiguration>,
        >,
    ) -> Self {
        self.preferred_during_scheduling_ignored_during_execution = Some(
            value.into_iter().map(Into::into).collect(),
        );
        self
    }
    /// Applies `requiredDuringSchedulingIgnoredDuringExecution`.
    #[must_use]
    pub fn required_during_scheduling_ignored_during_execution(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::PodAffinityTermApplyConfiguration>,
        >,
    ) -> Self {
        self.required_during_scheduling_ignored_during_execution = Some(
            value.into_iter().map(Into::into).collect(),
        );
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodAffinityTerm`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodAffinityTermApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodAffinityTerm::label_selector`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<super::meta_v1::LabelSelectorApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodAffinityTerm::match_label_keys`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_label_keys: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::PodAffinityTerm::mismatch_label_keys`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch_label_keys: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::PodAffinityTerm::namespace_selector`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<super::meta_v1::LabelSelectorApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodAffinityTerm::namespaces`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::PodAffinityTerm::topology_key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology_key: Option<String>,
}
impl PodAffinityTermApplyConfiguration {
    /// Applies `labelSelector`.
    #[must_use]
    pub fn label_selector(
        mut self,
        value: impl Into<super::meta_v1::LabelSelectorApplyConfiguration>,
    ) -> Self {
        self.label_selector = Some(value.into());
        self
    }
    /// Applies `matchLabelKeys`.
    #[must_use]
    pub fn match_label_keys(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.match_label_keys = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `mismatchLabelKeys`.
    #[must_use]
    pub fn mismatch_label_keys(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.mismatch_label_keys = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `namespaceSelector`.
    #[must_use]
    pub fn namespace_selector(
        mut self,
        value: impl Into<super::meta_v1::LabelSelectorApplyConfiguration>,
    ) -> Self {
        self.namespace_selector = Some(value.into());
        self
    }
    /// Applies `namespaces`.
    #[must_use]
    pub fn namespaces(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.namespaces = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `topologyKey`.
    #[must_use]
    pub fn topology_key(mut self, value: impl Into<String>) -> Self {
        self.topology_key = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodAntiAffinity`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodAntiAffinityApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodAntiAffinity::preferred_during_scheduling_ignored_during_execution`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_during_scheduling_ignored_during_execution: Option<
        Vec<super::core_v1::WeightedPodAffinityTermApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::PodAntiAffinity::required_during_scheduling_ignored_during_execution`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_during_scheduling_ignored_during_execution: Option<
        Vec<super::core_v1::PodAffinityTermApplyConfiguration>,
    >,
}
impl PodAntiAffinityApplyConfiguration {
    /// Applies `preferredDuringSchedulingIgnoredDuringExecution`.
    #[must_use]
    pub fn preferred_during_scheduling_ignored_during_execution(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::WeightedPodAffinityTermApplyConfiguration>,
        >,
    ) -> Self {
        self.preferred_during_scheduling_ignored_during_execution = Some(
            value.into_iter().map(Into::into).collect(),
        );
        self
    }
    /// Applies `requiredDuringSchedulingIgnoredDuringExecution`.
    #[must_use]
    pub fn required_during_scheduling_ignored_during_execution(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::PodAffinityTermApplyConfiguration>,
        >,
    ) -> Self {
        self.required_during_scheduling_ignored_during_execution = Some(
            value.into_iter().map(Into::into).collect(),
        );
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodCertificateProjection`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodCertificateProjectionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodCertificateProjection::certificate_chain_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_chain_path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodCertificateProjection::credential_bundle_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_bundle_path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodCertificateProjection::key_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodCertificateProjection::key_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodCertificateProjection::max_expiration_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_expiration_seconds: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::PodCertificateProjection::signer_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodCertificateProjection::user_annotations`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_annotations: Option<std::collections::BTreeMap<String, String>>,
}
impl PodCertificateProjectionApplyConfiguration {
    /// Applies `certificateChainPath`.
    #[must_use]
    pub fn certificate_chain_path(mut self, value: impl Into<String>) -> Self {
        self.certificate_chain_path = Some(value.into());
        self
    }
    /// Applies `credentialBundlePath`.
    #[must_use]
    pub fn credential_bundle_path(mut self, value: impl Into<String>) -> Self {
        self.credential_bundle_path = Some(value.into());
        self
    }
    /// Applies `keyPath`.
    #[must_use]
    pub fn key_path(mut self, value: impl Into<String>) -> Self {
        self.key_path = Some(value.into());
        self
    }
    /// Applies `keyType`.
    #[must_use]
    pub fn key_type(mut self, value: impl Into<String>) -> Self {
        self.key_type = Some(value.into());
        self
    }
    /// Applies `maxExpirationSeconds`.
    #[must_use]
    pub fn max_expiration_seconds(mut self, value: impl Into<i32>) -> Self {
        self.max_expiration_seconds = Some(value.into());
        self
    }
    /// Applies `signerName`.
    #[must_use]
    pub fn signer_name(mut self, value: impl Into<String>) -> Self {
        self.signer_name = Some(value.into());
        self
    }
    /// Applies `userAnnotations`.
    #[must_use]
    pub fn user_annotations(
        mut self,
        value: impl Into<std::collections::BTreeMap<String, String>>,
    ) -> Self {
        self.user_annotations = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodDNSConfig`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodDNSConfigApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodDNSConfig::nameservers`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nameservers: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::PodDNSConfig::options`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<super::core_v1::PodDNSConfigOptionApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::PodDNSConfig::searches`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searches: Option<Vec<String>>,
}
impl PodDNSConfigApplyConfiguration {
    /// Applies `nameservers`.
    #[must_use]
    pub fn nameservers(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.nameservers = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `options`.
    #[must_use]
    pub fn options(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::PodDNSConfigOptionApplyConfiguration>,
        >,
    ) -> Self {
        self.options = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `searches`.
    #[must_use]
    pub fn searches(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.searches = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodDNSConfigOption`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodDNSConfigOptionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodDNSConfigOption::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodDNSConfigOption::value`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
impl PodDNSConfigOptionApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `value`.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodOS`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodOSApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodOS::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
impl PodOSApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodReadinessGate`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodReadinessGateApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodReadinessGate::condition_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition_type: Option<String>,
}
impl PodReadinessGateApplyConfiguration {
    /// Applies `conditionType`.
    #[must_use]
    pub fn condition_type(mut self, value: impl Into<String>) -> Self {
        self.condition_type = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodResourceClaim`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodResourceClaimApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodResourceClaim::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodResourceClaim::resource_claim_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_claim_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodResourceClaim::resource_claim_template_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_claim_template_name: Option<String>,
}
impl PodResourceClaimApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `resourceClaimName`.
    #[must_use]
    pub fn resource_claim_name(mut self, value: impl Into<String>) -> Self {
        self.resource_claim_name = Some(value.into());
        self
    }
    /// Applies `resourceClaimTemplateName`.
    #[must_use]
    pub fn resource_claim_template_name(mut self, value: impl Into<String>) -> Self {
        self.resource_claim_template_name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodSchedulingGate`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSchedulingGateApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodSchedulingGate::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
impl PodSchedulingGateApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodSchedulingGroup`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSchedulingGroupApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodSchedulingGroup::pod_group_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_group_name: Option<String>,
}
impl PodSchedulingGroupApplyConfiguration {
    /// Applies `podGroupName`.
    #[must_use]
    pub fn pod_group_name(mut self, value: impl Into<String>) -> Self {
        self.pod_group_name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodSecurityContext`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSecurityContextApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::app_armor_profile`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_armor_profile: Option<super::core_v1::AppArmorProfileApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::fs_group`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_group: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::fs_group_change_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_group_change_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::run_as_group`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_group: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::run_as_non_root`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_non_root: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::run_as_user`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_user: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::se_linux_change_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se_linux_change_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::se_linux_options`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se_linux_options: Option<super::core_v1::SELinuxOptionsApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::seccomp_profile`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seccomp_profile: Option<super::core_v1::SeccompProfileApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::supplemental_groups`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplemental_groups: Option<Vec<i64>>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::supplemental_groups_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplemental_groups_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::sysctls`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sysctls: Option<Vec<super::core_v1::SysctlApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::PodSecurityContext::windows_options`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows_options: Option<
        super::core_v1::WindowsSecurityContextOptionsApplyConfiguration,
    >,
}
impl PodSecurityContextApplyConfiguration {
    /// Applies `appArmorProfile`.
    #[must_use]
    pub fn app_armor_profile(
        mut self,
        value: impl Into<super::core_v1::AppArmorProfileApplyConfiguration>,
    ) -> Self {
        self.app_armor_profile = Some(value.into());
        self
    }
    /// Applies `fsGroup`.
    #[must_use]
    pub fn fs_group(mut self, value: impl Into<i64>) -> Self {
        self.fs_group = Some(value.into());
        self
    }
    /// Applies `fsGroupChangePolicy`.
    #[must_use]
    pub fn fs_group_change_policy(mut self, value: impl Into<String>) -> Self {
        self.fs_group_change_policy = Some(value.into());
        self
    }
    /// Applies `runAsGroup`.
    #[must_use]
    pub fn run_as_group(mut self, value: impl Into<i64>) -> Self {
        self.run_as_group = Some(value.into());
        self
    }
    /// Applies `runAsNonRoot`.
    #[must_use]
    pub fn run_as_non_root(mut self, value: impl Into<bool>) -> Self {
        self.run_as_non_root = Some(value.into());
        self
    }
    /// Applies `runAsUser`.
    #[must_use]
    pub fn run_as_user(mut self, value: impl Into<i64>) -> Self {
        self.run_as_user = Some(value.into());
        self
    }
    /// Applies `seLinuxChangePolicy`.
    #[must_use]
    pub fn se_linux_change_policy(mut self, value: impl Into<String>) -> Self {
        self.se_linux_change_policy = Some(value.into());
        self
    }
    /// Applies `seLinuxOptions`.
    #[must_use]
    pub fn se_linux_options(
        mut self,
        value: impl Into<super::core_v1::SELinuxOptionsApplyConfiguration>,
    ) -> Self {
        self.se_linux_options = Some(value.into());
        self
    }
    /// Applies `seccompProfile`.
    #[must_use]
    pub fn seccomp_profile(
        mut self,
        value: impl Into<super::core_v1::SeccompProfileApplyConfiguration>,
    ) -> Self {
        self.seccomp_profile = Some(value.into());
        self
    }
    /// Applies `supplementalGroups`.
    #[must_use]
    pub fn supplemental_groups(
        mut self,
        value: impl IntoIterator<Item = impl Into<i64>>,
    ) -> Self {
        self.supplemental_groups = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `supplementalGroupsPolicy`.
    #[must_use]
    pub fn supplemental_groups_policy(mut self, value: impl Into<String>) -> Self {
        self.supplemental_groups_policy = Some(value.into());
        self
    }
    /// Applies `sysctls`.
    #[must_use]
    pub fn sysctls(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::SysctlApplyConfiguration>,
        >,
    ) -> Self {
        self.sysctls = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `windowsOptions`.
    #[must_use]
    pub fn windows_options(
        mut self,
        value: impl Into<super::core_v1::WindowsSecurityContextOptionsApplyConfiguration>,
    ) -> Self {
        self.windows_options = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodSpec`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSpecApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodSpec::active_deadline_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_deadline_seconds: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::affinity`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<super::core_v1::AffinityApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::automount_service_account_token`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automount_service_account_token: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::containers`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<Vec<super::core_v1::ContainerApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::dns_config`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<super::core_v1::PodDNSConfigApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::dns_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::enable_service_links`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_service_links: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::ephemeral_containers`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_containers: Option<
        Vec<super::core_v1::EphemeralContainerApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::PodSpec::host_aliases`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_aliases: Option<Vec<super::core_v1::HostAliasApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::host_ipc`].
    #[serde(rename = "hostIPC", default, skip_serializing_if = "Option::is_none")]
    pub host_ipc: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::host_network`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_network: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::host_pid`].
    #[serde(rename = "hostPID", default, skip_serializing_if = "Option::is_none")]
    pub host_pid: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::host_users`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_users: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::hostname`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::hostname_override`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname_override: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::image_pull_secrets`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_secrets: Option<
        Vec<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::PodSpec::init_containers`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_containers: Option<Vec<super::core_v1::ContainerApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::node_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::node_selector`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<std::collections::BTreeMap<String, String>>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::os`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<super::core_v1::PodOSApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::overhead`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead: Option<
        std::collections::BTreeMap<
            String,
            k8s_openapi::apimachinery::pkg::api::resource::Quantity,
        >,
    >,
    /// As [`k8s_openapi::api::core::v1::PodSpec::preemption_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preemption_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::priority`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::priority_class_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::readiness_gates`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_gates: Option<Vec<super::core_v1::PodReadinessGateApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::resource_claims`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_claims: Option<Vec<super::core_v1::PodResourceClaimApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::resources`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<super::core_v1::ResourceRequirementsApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::restart_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::runtime_class_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_class_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::scheduler_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::scheduling_gates`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling_gates: Option<
        Vec<super::core_v1::PodSchedulingGateApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::PodSpec::scheduling_group`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling_group: Option<super::core_v1::PodSchedulingGroupApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::security_context`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<super::core_v1::PodSecurityContextApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::service_account`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::service_account_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::set_hostname_as_fqdn`].
    #[serde(
        rename = "setHostnameAsFQDN",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub set_hostname_as_fqdn: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::share_process_namespace`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_process_namespace: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::subdomain`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdomain: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::termination_grace_period_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::tolerations`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerations: Option<Vec<super::core_v1::TolerationApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::PodSpec::topology_spread_constraints`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology_spread_constraints: Option<
        Vec<super::core_v1::TopologySpreadConstraintApplyConfiguration>,
    >,
    /// As [`k8s_openapi::api::core::v1::PodSpec::volumes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<super::core_v1::VolumeApplyConfiguration>>,
}
impl PodSpecApplyConfiguration {
    /// Applies `activeDeadlineSeconds`.
    #[must_use]
    pub fn active_deadline_seconds(mut self, value: impl Into<i64>) -> Self {
        self.active_deadline_seconds = Some(value.into());
        self
    }
    /// Applies `affinity`.
    #[must_use]
    pub fn affinity(
        mut self,
        value: impl Into<super::core_v1::AffinityApplyConfiguration>,
    ) -> Self {
        self.affinity = Some(value.into());
        self
    }
    /// Applies `automountServiceAccountToken`.
    #[must_use]
    pub fn automount_service_account_token(mut self, value: impl Into<bool>) -> Self {
        self.automount_service_account_token = Some(value.into());
        self
    }
    /// Applies `containers`.
    #[must_use]
    pub fn containers(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::ContainerApplyConfiguration>,
        >,
    ) -> Self {
        self.containers = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `dnsConfig`.
    #[must_use]
    pub fn dns_config(
        mut self,
        value: impl Into<super::core_v1::PodDNSConfigApplyConfiguration>,
    ) -> Self {
        self.dns_config = Some(value.into());
        self
    }
    /// Applies `dnsPolicy`.
    #[must_use]
    pub fn dns_policy(mut self, value: impl Into<String>) -> Self {
        self.dns_policy = Some(value.into());
        self
    }
    /// Applies `enableServiceLinks`.
    #[must_use]
    pub fn enable_service_links(mut self, value: impl Into<bool>) -> Self {
        self.enable_service_links = Some(value.into());
        self
    }
    /// Applies `ephemeralContainers`.
    #[must_use]
    pub fn ephemeral_containers(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::EphemeralContainerApplyConfiguration>,
        >,
    ) -> Self {
        self.ephemeral_containers = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `hostAliases`.
    #[must_use]
    pub fn host_aliases(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::HostAliasApplyConfiguration>,
        >,
    ) -> Self {
        self.host_aliases = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `hostIPC`.
    #[must_use]
    pub fn host_ipc(mut self, value: impl Into<bool>) -> Self {
        self.host_ipc = Some(value.into());
        self
    }
    /// Applies `hostNetwork`.
    #[must_use]
    pub fn host_network(mut self, value: impl Into<bool>) -> Self {
        self.host_network = Some(value.into());
        self
    }
    /// Applies `hostPID`.
    #[must_use]
    pub fn host_pid(mut self, value: impl Into<bool>) -> Self {
        self.host_pid = Some(value.into());
        self
    }
    /// Applies `hostUsers`.
    #[must_use]
    pub fn host_users(mut self, value: impl Into<bool>) -> Self {
        self.host_users = Some(value.into());
        self
    }
    /// Applies `hostname`.
    #[must_use]
    pub fn hostname(mut self, value: impl Into<String>) -> Self {
        self.hostname = Some(value.into());
        self
    }
    /// Applies `hostnameOverride`.
    #[must_use]
    pub fn hostname_override(mut self, value: impl Into<String>) -> Self {
        self.hostname_override = Some(value.into());
        self
    }
    /// Applies `imagePullSecrets`.
    #[must_use]
    pub fn image_pull_secrets(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::LocalObjectReferenceApplyConfiguration>,
        >,
    ) -> Self {
        self.image_pull_secrets = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `initContainers`.
    #[must_use]
    pub fn init_containers(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::ContainerApplyConfiguration>,
        >,
    ) -> Self {
        self.init_containers = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `nodeName`.
    #[must_use]
    pub fn node_name(mut self, value: impl Into<String>) -> Self {
        self.node_name = Some(value.into());
        self
    }
    /// Applies `nodeSelector`.
    #[must_use]
    pub fn node_selector(
        mut self,
        value: impl Into<std::collections::BTreeMap<String, String>>,
    ) -> Self {
        self.node_selector = Some(value.into());
        self
    }
    /// Applies `os`.
    #[must_use]
    pub fn os(
        mut self,
        value: impl Into<super::core_v1::PodOSApplyConfiguration>,
    ) -> Self {
        self.os = Some(value.into());
        self
    }
    /// Applies `overhead`.
    #[must_use]
    pub fn overhead(
        mut self,
        value: impl Into<
            std::collections::BTreeMap<
                String,
                k8s_openapi::apimachinery::pkg::api::resource::Quantity,
            >,
        >,
    ) -> Self {
        self.overhead = Some(value.into());
        self
    }
    /// Applies `preemptionPolicy`.
    #[must_use]
    pub fn preemption_policy(mut self, value: impl Into<String>) -> Self {
        self.preemption_policy = Some(value.into());
        self
    }
    /// Applies `priority`.
    #[must_use]
    pub fn priority(mut self, value: impl Into<i32>) -> Self {
        self.priority = Some(value.into());
        self
    }
    /// Applies `priorityClassName`.
    #[must_use]
    pub fn priority_class_name(mut self, value: impl Into<String>) -> Self {
        self.priority_class_name = Some(value.into());
        self
    }
    /// Applies `readinessGates`.
    #[must_use]
    pub fn readiness_gates(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::PodReadinessGateApplyConfiguration>,
        >,
    ) -> Self {
        self.readiness_gates = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `resourceClaims`.
    #[must_use]
    pub fn resource_claims(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::PodResourceClaimApplyConfiguration>,
        >,
    ) -> Self {
        self.resource_claims = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `resources`.
    #[must_use]
    pub fn resources(
        mut self,
        value: impl Into<super::core_v1::ResourceRequirementsApplyConfiguration>,
    ) -> Self {
        self.resources = Some(value.into());
        self
    }
    /// Applies `restartPolicy`.
    #[must_use]
    pub fn restart_policy(mut self, value: impl Into<String>) -> Self {
        self.restart_policy = Some(value.into());
        self
    }
    /// Applies `runtimeClassName`.
    #[must_use]
    pub fn runtime_class_name(mut self, value: impl Into<String>) -> Self {
        self.runtime_class_name = Some(value.into());
        self
    }
    /// Applies `schedulerName`.
    #[must_use]
    pub fn scheduler_name(mut self, value: impl Into<String>) -> Self {
        self.scheduler_name = Some(value.into());
        self
    }
    /// Applies `schedulingGates`.
    #[must_use]
    pub fn scheduling_gates(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::PodSchedulingGateApplyConfiguration>,
        >,
    ) -> Self {
        self.scheduling_gates = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `schedulingGroup`.
    #[must_use]
    pub fn scheduling_group(
        mut self,
        value: impl Into<super::core_v1::PodSchedulingGroupApplyConfiguration>,
    ) -> Self {
        self.scheduling_group = Some(value.into());
        self
    }
    /// Applies `securityContext`.
    #[must_use]
    pub fn security_context(
        mut self,
        value: impl Into<super::core_v1::PodSecurityContextApplyConfiguration>,
    ) -> Self {
        self.security_context = Some(value.into());
        self
    }
    /// Applies `serviceAccount`.
    #[must_use]
    pub fn service_account(mut self, value: impl Into<String>) -> Self {
        self.service_account = Some(value.into());
        self
    }
    /// Applies `serviceAccountName`.
    #[must_use]
    pub fn service_account_name(mut self, value: impl Into<String>) -> Self {
        self.service_account_name = Some(value.into());
        self
    }
    /// Applies `setHostnameAsFQDN`.
    #[must_use]
    pub fn set_hostname_as_fqdn(mut self, value: impl Into<bool>) -> Self {
        self.set_hostname_as_fqdn = Some(value.into());
        self
    }
    /// Applies `shareProcessNamespace`.
    #[must_use]
    pub fn share_process_namespace(mut self, value: impl Into<bool>) -> Self {
        self.share_process_namespace = Some(value.into());
        self
    }
    /// Applies `subdomain`.
    #[must_use]
    pub fn subdomain(mut self, value: impl Into<String>) -> Self {
        self.subdomain = Some(value.into());
        self
    }
    /// Applies `terminationGracePeriodSeconds`.
    #[must_use]
    pub fn termination_grace_period_seconds(mut self, value: impl Into<i64>) -> Self {
        self.termination_grace_period_seconds = Some(value.into());
        self
    }
    /// Applies `tolerations`.
    #[must_use]
    pub fn tolerations(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::TolerationApplyConfiguration>,
        >,
    ) -> Self {
        self.tolerations = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `topologySpreadConstraints`.
    #[must_use]
    pub fn topology_spread_constraints(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::TopologySpreadConstraintApplyConfiguration>,
        >,
    ) -> Self {
        self.topology_spread_constraints = Some(
            value.into_iter().map(Into::into).collect(),
        );
        self
    }
    /// Applies `volumes`.
    #[must_use]
    pub fn volumes(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::VolumeApplyConfiguration>,
        >,
    ) -> Self {
        self.volumes = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PodTemplateSpec`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodTemplateSpecApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PodTemplateSpec::metadata`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta>,
    /// As [`k8s_openapi::api::core::v1::PodTemplateSpec::spec`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<super::core_v1::PodSpecApplyConfiguration>,
}
impl PodTemplateSpecApplyConfiguration {
    /// Applies `metadata`.
    #[must_use]
    pub fn metadata(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta>,
    ) -> Self {
        self.metadata = Some(value.into());
        self
    }
    /// Applies `spec`.
    #[must_use]
    pub fn spec(
        mut self,
        value: impl Into<super::core_v1::PodSpecApplyConfiguration>,
    ) -> Self {
        self.spec = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PortworxVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortworxVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PortworxVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::PortworxVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::PortworxVolumeSource::volume_id`].
    #[serde(rename = "volumeID", default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
}
impl PortworxVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `volumeID`.
    #[must_use]
    pub fn volume_id(mut self, value: impl Into<String>) -> Self {
        self.volume_id = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::PreferredSchedulingTerm`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreferredSchedulingTermApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::PreferredSchedulingTerm::preference`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<super::core_v1::NodeSelectorTermApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::PreferredSchedulingTerm::weight`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
}
impl PreferredSchedulingTermApplyConfiguration {
    /// Applies `preference`.
    #[must_use]
    pub fn preference(
        mut self,
        value: impl Into<super::core_v1::NodeSelectorTermApplyConfiguration>,
    ) -> Self {
        self.preference = Some(value.into());
        self
    }
    /// Applies `weight`.
    #[must_use]
    pub fn weight(mut self, value: impl Into<i32>) -> Self {
        self.weight = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::Probe`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::Probe::exec`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<super::core_v1::ExecActionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Probe::failure_threshold`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::Probe::grpc`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc: Option<super::core_v1::GRPCActionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Probe::http_get`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_get: Option<super::core_v1::HTTPGetActionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Probe::initial_delay_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_delay_seconds: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::Probe::period_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::Probe::success_threshold`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::Probe::tcp_socket`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_socket: Option<super::core_v1::TCPSocketActionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Probe::termination_grace_period_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::Probe::timeout_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
}
impl ProbeApplyConfiguration {
    /// Applies `exec`.
    #[must_use]
    pub fn exec(
        mut self,
        value: impl Into<super::core_v1::ExecActionApplyConfiguration>,
    ) -> Self {
        self.exec = Some(value.into());
        self
    }
    /// Applies `failureThreshold`.
    #[must_use]
    pub fn failure_threshold(mut self, value: impl Into<i32>) -> Self {
        self.failure_threshold = Some(value.into());
        self
    }
    /// Applies `grpc`.
    #[must_use]
    pub fn grpc(
        mut self,
        value: impl Into<super::core_v1::GRPCActionApplyConfiguration>,
    ) -> Self {
        self.grpc = Some(value.into());
        self
    }
    /// Applies `httpGet`.
    #[must_use]
    pub fn http_get(
        mut self,
        value: impl Into<super::core_v1::HTTPGetActionApplyConfiguration>,
    ) -> Self {
        self.http_get = Some(value.into());
        self
    }
    /// Applies `initialDelaySeconds`.
    #[must_use]
    pub fn initial_delay_seconds(mut self, value: impl Into<i32>) -> Self {
        self.initial_delay_seconds = Some(value.into());
        self
    }
    /// Applies `periodSeconds`.
    #[must_use]
    pub fn period_seconds(mut self, value: impl Into<i32>) -> Self {
        self.period_seconds = Some(value.into());
        self
    }
    /// Applies `successThreshold`.
    #[must_use]
    pub fn success_threshold(mut self, value: impl Into<i32>) -> Self {
        self.success_threshold = Some(value.into());
        self
    }
    /// Applies `tcpSocket`.
    #[must_use]
    pub fn tcp_socket(
        mut self,
        value: impl Into<super::core_v1::TCPSocketActionApplyConfiguration>,
    ) -> Self {
        self.tcp_socket = Some(value.into());
        self
    }
    /// Applies `terminationGracePeriodSeconds`.
    #[must_use]
    pub fn termination_grace_period_seconds(mut self, value: impl Into<i64>) -> Self {
        self.termination_grace_period_seconds = Some(value.into());
        self
    }
    /// Applies `timeoutSeconds`.
    #[must_use]
    pub fn timeout_seconds(mut self, value: impl Into<i32>) -> Self {
        self.timeout_seconds = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ProjectedVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectedVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ProjectedVolumeSource::default_mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_mode: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::ProjectedVolumeSource::sources`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<super::core_v1::VolumeProjectionApplyConfiguration>>,
}
impl ProjectedVolumeSourceApplyConfiguration {
    /// Applies `defaultMode`.
    #[must_use]
    pub fn default_mode(mut self, value: impl Into<i32>) -> Self {
        self.default_mode = Some(value.into());
        self
    }
    /// Applies `sources`.
    #[must_use]
    pub fn sources(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::VolumeProjectionApplyConfiguration>,
        >,
    ) -> Self {
        self.sources = Some(value.into_iter().map(Into::into).collect());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::QuobyteVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuobyteVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::QuobyteVolumeSource::group`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// As [`k8s_openapi::api::core::v1::QuobyteVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::QuobyteVolumeSource::registry`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// As [`k8s_openapi::api::core::v1::QuobyteVolumeSource::tenant`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// As [`k8s_openapi::api::core::v1::QuobyteVolumeSource::user`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// As [`k8s_openapi::api::core::v1::QuobyteVolumeSource::volume`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
}
impl QuobyteVolumeSourceApplyConfiguration {
    /// Applies `group`.
    #[must_use]
    pub fn group(mut self, value: impl Into<String>) -> Self {
        self.group = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `registry`.
    #[must_use]
    pub fn registry(mut self, value: impl Into<String>) -> Self {
        self.registry = Some(value.into());
        self
    }
    /// Applies `tenant`.
    #[must_use]
    pub fn tenant(mut self, value: impl Into<String>) -> Self {
        self.tenant = Some(value.into());
        self
    }
    /// Applies `user`.
    #[must_use]
    pub fn user(mut self, value: impl Into<String>) -> Self {
        self.user = Some(value.into());
        self
    }
    /// Applies `volume`.
    #[must_use]
    pub fn volume(mut self, value: impl Into<String>) -> Self {
        self.volume = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::RBDVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RBDVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::RBDVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::RBDVolumeSource::image`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// As [`k8s_openapi::api::core::v1::RBDVolumeSource::keyring`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyring: Option<String>,
    /// As [`k8s_openapi::api::core::v1::RBDVolumeSource::monitors`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitors: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::RBDVolumeSource::pool`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// As [`k8s_openapi::api::core::v1::RBDVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::RBDVolumeSource::secret_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::RBDVolumeSource::user`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}
impl RBDVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `image`.
    #[must_use]
    pub fn image(mut self, value: impl Into<String>) -> Self {
        self.image = Some(value.into());
        self
    }
    /// Applies `keyring`.
    #[must_use]
    pub fn keyring(mut self, value: impl Into<String>) -> Self {
        self.keyring = Some(value.into());
        self
    }
    /// Applies `monitors`.
    #[must_use]
    pub fn monitors(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.monitors = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `pool`.
    #[must_use]
    pub fn pool(mut self, value: impl Into<String>) -> Self {
        self.pool = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `secretRef`.
    #[must_use]
    pub fn secret_ref(
        mut self,
        value: impl Into<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.secret_ref = Some(value.into());
        self
    }
    /// Applies `user`.
    #[must_use]
    pub fn user(mut self, value: impl Into<String>) -> Self {
        self.user = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ResourceClaim`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceClaimApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ResourceClaim::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ResourceClaim::request`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}
impl ResourceClaimApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `request`.
    #[must_use]
    pub fn request(mut self, value: impl Into<String>) -> Self {
        self.request = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ResourceFieldSelector`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceFieldSelectorApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ResourceFieldSelector::container_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ResourceFieldSelector::divisor`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divisor: Option<k8s_openapi::apimachinery::pkg::api::resource::Quantity>,
    /// As [`k8s_openapi::api::core::v1::ResourceFieldSelector::resource`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}
impl ResourceFieldSelectorApplyConfiguration {
    /// Applies `containerName`.
    #[must_use]
    pub fn container_name(mut self, value: impl Into<String>) -> Self {
        self.container_name = Some(value.into());
        self
    }
    /// Applies `divisor`.
    #[must_use]
    pub fn divisor(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::api::resource::Quantity>,
    ) -> Self {
        self.divisor = Some(value.into());
        self
    }
    /// Applies `resource`.
    #[must_use]
    pub fn resource(mut self, value: impl Into<String>) -> Self {
        self.resource = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ResourceRequirements`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRequirementsApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ResourceRequirements::claims`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Vec<super::core_v1::ResourceClaimApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::ResourceRequirements::limits`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<
        std::collections::BTreeMap<
            String,
            k8s_openapi::apimachinery::pkg::api::resource::Quantity,
        >,
    >,
    /// As [`k8s_openapi::api::core::v1::ResourceRequirements::requests`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<
        std::collections::BTreeMap<
            String,
            k8s_openapi::apimachinery::pkg::api::resource::Quantity,
        >,
    >,
}
impl ResourceRequirementsApplyConfiguration {
    /// Applies `claims`.
    #[must_use]
    pub fn claims(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::ResourceClaimApplyConfiguration>,
        >,
    ) -> Self {
        self.claims = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `limits`.
    #[must_use]
    pub fn limits(
        mut self,
        value: impl Into<
            std::collections::BTreeMap<
                String,
                k8s_openapi::apimachinery::pkg::api::resource::Quantity,
            >,
        >,
    ) -> Self {
        self.limits = Some(value.into());
        self
    }
    /// Applies `requests`.
    #[must_use]
    pub fn requests(
        mut self,
        value: impl Into<
            std::collections::BTreeMap<
                String,
                k8s_openapi::apimachinery::pkg::api::resource::Quantity,
            >,
        >,
    ) -> Self {
        self.requests = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::SELinuxOptions`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SELinuxOptionsApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::SELinuxOptions::level`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// As [`k8s_openapi::api::core::v1::SELinuxOptions::role`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// As [`k8s_openapi::api::core::v1::SELinuxOptions::type_`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// As [`k8s_openapi::api::core::v1::SELinuxOptions::user`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}
impl SELinuxOptionsApplyConfiguration {
    /// Applies `level`.
    #[must_use]
    pub fn level(mut self, value: impl Into<String>) -> Self {
        self.level = Some(value.into());
        self
    }
    /// Applies `role`.
    #[must_use]
    pub fn role(mut self, value: impl Into<String>) -> Self {
        self.role = Some(value.into());
        self
    }
    /// Applies `type`.
    #[must_use]
    pub fn type_(mut self, value: impl Into<String>) -> Self {
        self.type_ = Some(value.into());
        self
    }
    /// Applies `user`.
    #[must_use]
    pub fn user(mut self, value: impl Into<String>) -> Self {
        self.user = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ScaleIOVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaleIOVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::gateway`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::protection_domain`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection_domain: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::secret_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::ssl_enabled`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssl_enabled: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::storage_mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_mode: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::storage_pool`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_pool: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::system`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ScaleIOVolumeSource::volume_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_name: Option<String>,
}
impl ScaleIOVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `gateway`.
    #[must_use]
    pub fn gateway(mut self, value: impl Into<String>) -> Self {
        self.gateway = Some(value.into());
        self
    }
    /// Applies `protectionDomain`.
    #[must_use]
    pub fn protection_domain(mut self, value: impl Into<String>) -> Self {
        self.protection_domain = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `secretRef`.
    #[must_use]
    pub fn secret_ref(
        mut self,
        value: impl Into<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.secret_ref = Some(value.into());
        self
    }
    /// Applies `sslEnabled`.
    #[must_use]
    pub fn ssl_enabled(mut self, value: impl Into<bool>) -> Self {
        self.ssl_enabled = Some(value.into());
        self
    }
    /// Applies `storageMode`.
    #[must_use]
    pub fn storage_mode(mut self, value: impl Into<String>) -> Self {
        self.storage_mode = Some(value.into());
        self
    }
    /// Applies `storagePool`.
    #[must_use]
    pub fn storage_pool(mut self, value: impl Into<String>) -> Self {
        self.storage_pool = Some(value.into());
        self
    }
    /// Applies `system`.
    #[must_use]
    pub fn system(mut self, value: impl Into<String>) -> Self {
        self.system = Some(value.into());
        self
    }
    /// Applies `volumeName`.
    #[must_use]
    pub fn volume_name(mut self, value: impl Into<String>) -> Self {
        self.volume_name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::SeccompProfile`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeccompProfileApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::SeccompProfile::localhost_profile`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub localhost_profile: Option<String>,
    /// As [`k8s_openapi::api::core::v1::SeccompProfile::type_`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
}
impl SeccompProfileApplyConfiguration {
    /// Applies `localhostProfile`.
    #[must_use]
    pub fn localhost_profile(mut self, value: impl Into<String>) -> Self {
        self.localhost_profile = Some(value.into());
        self
    }
    /// Applies `type`.
    #[must_use]
    pub fn type_(mut self, value: impl Into<String>) -> Self {
        self.type_ = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::SecretEnvSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretEnvSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::SecretEnvSource::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::SecretEnvSource::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}
impl SecretEnvSourceApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::SecretKeySelector`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeySelectorApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::SecretKeySelector::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// As [`k8s_openapi::api::core::v1::SecretKeySelector::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::SecretKeySelector::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}
impl SecretKeySelectorApplyConfiguration {
    /// Applies `key`.
    #[must_use]
    pub fn key(mut self, value: impl Into<String>) -> Self {
        self.key = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::SecretProjection`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretProjectionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::SecretProjection::items`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<super::core_v1::KeyToPathApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::SecretProjection::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::SecretProjection::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}
impl SecretProjectionApplyConfiguration {
    /// Applies `items`.
    #[must_use]
    pub fn items(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::KeyToPathApplyConfiguration>,
        >,
    ) -> Self {
        self.items = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::SecretVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::SecretVolumeSource::default_mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_mode: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::SecretVolumeSource::items`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<super::core_v1::KeyToPathApplyConfiguration>>,
    /// As [`k8s_openapi::api::core::v1::SecretVolumeSource::optional`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::SecretVolumeSource::secret_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
}
impl SecretVolumeSourceApplyConfiguration {
    /// Applies `defaultMode`.
    #[must_use]
    pub fn default_mode(mut self, value: impl Into<i32>) -> Self {
        self.default_mode = Some(value.into());
        self
    }
    /// Applies `items`.
    #[must_use]
    pub fn items(
        mut self,
        value: impl IntoIterator<
            Item = impl Into<super::core_v1::KeyToPathApplyConfiguration>,
        >,
    ) -> Self {
        self.items = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `optional`.
    #[must_use]
    pub fn optional(mut self, value: impl Into<bool>) -> Self {
        self.optional = Some(value.into());
        self
    }
    /// Applies `secretName`.
    #[must_use]
    pub fn secret_name(mut self, value: impl Into<String>) -> Self {
        self.secret_name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::SecurityContext`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityContextApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::SecurityContext::allow_privilege_escalation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_privilege_escalation: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::app_armor_profile`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_armor_profile: Option<super::core_v1::AppArmorProfileApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::capabilities`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<super::core_v1::CapabilitiesApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::privileged`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::proc_mount`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proc_mount: Option<String>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::read_only_root_filesystem`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_root_filesystem: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::run_as_group`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_group: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::run_as_non_root`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_non_root: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::run_as_user`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_user: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::se_linux_options`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se_linux_options: Option<super::core_v1::SELinuxOptionsApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::seccomp_profile`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seccomp_profile: Option<super::core_v1::SeccompProfileApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::SecurityContext::windows_options`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows_options: Option<
        super::core_v1::WindowsSecurityContextOptionsApplyConfiguration,
    >,
}
impl SecurityContextApplyConfiguration {
    /// Applies `allowPrivilegeEscalation`.
    #[must_use]
    pub fn allow_privilege_escalation(mut self, value: impl Into<bool>) -> Self {
        self.allow_privilege_escalation = Some(value.into());
        self
    }
    /// Applies `appArmorProfile`.
    #[must_use]
    pub fn app_armor_profile(
        mut self,
        value: impl Into<super::core_v1::AppArmorProfileApplyConfiguration>,
    ) -> Self {
        self.app_armor_profile = Some(value.into());
        self
    }
    /// Applies `capabilities`.
    #[must_use]
    pub fn capabilities(
        mut self,
        value: impl Into<super::core_v1::CapabilitiesApplyConfiguration>,
    ) -> Self {
        self.capabilities = Some(value.into());
        self
    }
    /// Applies `privileged`.
    #[must_use]
    pub fn privileged(mut self, value: impl Into<bool>) -> Self {
        self.privileged = Some(value.into());
        self
    }
    /// Applies `procMount`.
    #[must_use]
    pub fn proc_mount(mut self, value: impl Into<String>) -> Self {
        self.proc_mount = Some(value.into());
        self
    }
    /// Applies `readOnlyRootFilesystem`.
    #[must_use]
    pub fn read_only_root_filesystem(mut self, value: impl Into<bool>) -> Self {
        self.read_only_root_filesystem = Some(value.into());
        self
    }
    /// Applies `runAsGroup`.
    #[must_use]
    pub fn run_as_group(mut self, value: impl Into<i64>) -> Self {
        self.run_as_group = Some(value.into());
        self
    }
    /// Applies `runAsNonRoot`.
    #[must_use]
    pub fn run_as_non_root(mut self, value: impl Into<bool>) -> Self {
        self.run_as_non_root = Some(value.into());
        self
    }
    /// Applies `runAsUser`.
    #[must_use]
    pub fn run_as_user(mut self, value: impl Into<i64>) -> Self {
        self.run_as_user = Some(value.into());
        self
    }
    /// Applies `seLinuxOptions`.
    #[must_use]
    pub fn se_linux_options(
        mut self,
        value: impl Into<super::core_v1::SELinuxOptionsApplyConfiguration>,
    ) -> Self {
        self.se_linux_options = Some(value.into());
        self
    }
    /// Applies `seccompProfile`.
    #[must_use]
    pub fn seccomp_profile(
        mut self,
        value: impl Into<super::core_v1::SeccompProfileApplyConfiguration>,
    ) -> Self {
        self.seccomp_profile = Some(value.into());
        self
    }
    /// Applies `windowsOptions`.
    #[must_use]
    pub fn windows_options(
        mut self,
        value: impl Into<super::core_v1::WindowsSecurityContextOptionsApplyConfiguration>,
    ) -> Self {
        self.windows_options = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::ServiceAccountTokenProjection`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountTokenProjectionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::ServiceAccountTokenProjection::audience`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// As [`k8s_openapi::api::core::v1::ServiceAccountTokenProjection::expiration_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_seconds: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::ServiceAccountTokenProjection::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}
impl ServiceAccountTokenProjectionApplyConfiguration {
    /// Applies `audience`.
    #[must_use]
    pub fn audience(mut self, value: impl Into<String>) -> Self {
        self.audience = Some(value.into());
        self
    }
    /// Applies `expirationSeconds`.
    #[must_use]
    pub fn expiration_seconds(mut self, value: impl Into<i64>) -> Self {
        self.expiration_seconds = Some(value.into());
        self
    }
    /// Applies `path`.
    #[must_use]
    pub fn path(mut self, value: impl Into<String>) -> Self {
        self.path = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::SleepAction`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SleepActionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::SleepAction::seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
}
impl SleepActionApplyConfiguration {
    /// Applies `seconds`.
    #[must_use]
    pub fn seconds(mut self, value: impl Into<i64>) -> Self {
        self.seconds = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::StorageOSVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageOSVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::StorageOSVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::StorageOSVolumeSource::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::StorageOSVolumeSource::secret_ref`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::StorageOSVolumeSource::volume_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::StorageOSVolumeSource::volume_namespace`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_namespace: Option<String>,
}
impl StorageOSVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `secretRef`.
    #[must_use]
    pub fn secret_ref(
        mut self,
        value: impl Into<super::core_v1::LocalObjectReferenceApplyConfiguration>,
    ) -> Self {
        self.secret_ref = Some(value.into());
        self
    }
    /// Applies `volumeName`.
    #[must_use]
    pub fn volume_name(mut self, value: impl Into<String>) -> Self {
        self.volume_name = Some(value.into());
        self
    }
    /// Applies `volumeNamespace`.
    #[must_use]
    pub fn volume_namespace(mut self, value: impl Into<String>) -> Self {
        self.volume_namespace = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::Sysctl`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SysctlApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::Sysctl::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Sysctl::value`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
impl SysctlApplyConfiguration {
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `value`.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::TCPSocketAction`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TCPSocketActionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::TCPSocketAction::host`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// As [`k8s_openapi::api::core::v1::TCPSocketAction::port`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<k8s_openapi::apimachinery::pkg::util::intstr::IntOrString>,
}
impl TCPSocketActionApplyConfiguration {
    /// Applies `host`.
    #[must_use]
    pub fn host(mut self, value: impl Into<String>) -> Self {
        self.host = Some(value.into());
        self
    }
    /// Applies `port`.
    #[must_use]
    pub fn port(
        mut self,
        value: impl Into<k8s_openapi::apimachinery::pkg::util::intstr::IntOrString>,
    ) -> Self {
        self.port = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::Toleration`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TolerationApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::Toleration::effect`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Toleration::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Toleration::operator`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Toleration::toleration_seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
    /// As [`k8s_openapi::api::core::v1::Toleration::value`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
impl TolerationApplyConfiguration {
    /// Applies `effect`.
    #[must_use]
    pub fn effect(mut self, value: impl Into<String>) -> Self {
        self.effect = Some(value.into());
        self
    }
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
    /// Applies `tolerationSeconds`.
    #[must_use]
    pub fn toleration_seconds(mut self, value: impl Into<i64>) -> Self {
        self.toleration_seconds = Some(value.into());
        self
    }
    /// Applies `value`.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::TopologySpreadConstraint`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopologySpreadConstraintApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::TopologySpreadConstraint::label_selector`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<super::meta_v1::LabelSelectorApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::TopologySpreadConstraint::match_label_keys`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_label_keys: Option<Vec<String>>,
    /// As [`k8s_openapi::api::core::v1::TopologySpreadConstraint::max_skew`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_skew: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::TopologySpreadConstraint::min_domains`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_domains: Option<i32>,
    /// As [`k8s_openapi::api::core::v1::TopologySpreadConstraint::node_affinity_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_affinity_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::TopologySpreadConstraint::node_taints_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_taints_policy: Option<String>,
    /// As [`k8s_openapi::api::core::v1::TopologySpreadConstraint::topology_key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology_key: Option<String>,
    /// As [`k8s_openapi::api::core::v1::TopologySpreadConstraint::when_unsatisfiable`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_unsatisfiable: Option<String>,
}
impl TopologySpreadConstraintApplyConfiguration {
    /// Applies `labelSelector`.
    #[must_use]
    pub fn label_selector(
        mut self,
        value: impl Into<super::meta_v1::LabelSelectorApplyConfiguration>,
    ) -> Self {
        self.label_selector = Some(value.into());
        self
    }
    /// Applies `matchLabelKeys`.
    #[must_use]
    pub fn match_label_keys(
        mut self,
        value: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.match_label_keys = Some(value.into_iter().map(Into::into).collect());
        self
    }
    /// Applies `maxSkew`.
    #[must_use]
    pub fn max_skew(mut self, value: impl Into<i32>) -> Self {
        self.max_skew = Some(value.into());
        self
    }
    /// Applies `minDomains`.
    #[must_use]
    pub fn min_domains(mut self, value: impl Into<i32>) -> Self {
        self.min_domains = Some(value.into());
        self
    }
    /// Applies `nodeAffinityPolicy`.
    #[must_use]
    pub fn node_affinity_policy(mut self, value: impl Into<String>) -> Self {
        self.node_affinity_policy = Some(value.into());
        self
    }
    /// Applies `nodeTaintsPolicy`.
    #[must_use]
    pub fn node_taints_policy(mut self, value: impl Into<String>) -> Self {
        self.node_taints_policy = Some(value.into());
        self
    }
    /// Applies `topologyKey`.
    #[must_use]
    pub fn topology_key(mut self, value: impl Into<String>) -> Self {
        self.topology_key = Some(value.into());
        self
    }
    /// Applies `whenUnsatisfiable`.
    #[must_use]
    pub fn when_unsatisfiable(mut self, value: impl Into<String>) -> Self {
        self.when_unsatisfiable = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::TypedLocalObjectReference`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypedLocalObjectReferenceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::TypedLocalObjectReference::api_group`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    /// As [`k8s_openapi::api::core::v1::TypedLocalObjectReference::kind`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// As [`k8s_openapi::api::core::v1::TypedLocalObjectReference::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
impl TypedLocalObjectReferenceApplyConfiguration {
    /// Applies `apiGroup`.
    #[must_use]
    pub fn api_group(mut self, value: impl Into<String>) -> Self {
        self.api_group = Some(value.into());
        self
    }
    /// Applies `kind`.
    #[must_use]
    pub fn kind(mut self, value: impl Into<String>) -> Self {
        self.kind = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::TypedObjectReference`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypedObjectReferenceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::TypedObjectReference::api_group`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    /// As [`k8s_openapi::api::core::v1::TypedObjectReference::kind`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// As [`k8s_openapi::api::core::v1::TypedObjectReference::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::TypedObjectReference::namespace`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}
impl TypedObjectReferenceApplyConfiguration {
    /// Applies `apiGroup`.
    #[must_use]
    pub fn api_group(mut self, value: impl Into<String>) -> Self {
        self.api_group = Some(value.into());
        self
    }
    /// Applies `kind`.
    #[must_use]
    pub fn kind(mut self, value: impl Into<String>) -> Self {
        self.kind = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `namespace`.
    #[must_use]
    pub fn namespace(mut self, value: impl Into<String>) -> Self {
        self.namespace = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::Volume`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::Volume::aws_elastic_block_store`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_elastic_block_store: Option<
        super::core_v1::AWSElasticBlockStoreVolumeSourceApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::core::v1::Volume::azure_disk`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_disk: Option<super::core_v1::AzureDiskVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::azure_file`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_file: Option<super::core_v1::AzureFileVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::cephfs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cephfs: Option<super::core_v1::CephFSVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::cinder`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cinder: Option<super::core_v1::CinderVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::config_map`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<super::core_v1::ConfigMapVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::csi`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csi: Option<super::core_v1::CSIVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::downward_api`].
    #[serde(rename = "downwardAPI", default, skip_serializing_if = "Option::is_none")]
    pub downward_api: Option<super::core_v1::DownwardAPIVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::empty_dir`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_dir: Option<super::core_v1::EmptyDirVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::ephemeral`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<super::core_v1::EphemeralVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::fc`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fc: Option<super::core_v1::FCVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::flex_volume`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flex_volume: Option<super::core_v1::FlexVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::flocker`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flocker: Option<super::core_v1::FlockerVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::gce_persistent_disk`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gce_persistent_disk: Option<
        super::core_v1::GCEPersistentDiskVolumeSourceApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::core::v1::Volume::git_repo`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_repo: Option<super::core_v1::GitRepoVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::glusterfs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glusterfs: Option<super::core_v1::GlusterfsVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::host_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path: Option<super::core_v1::HostPathVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::image`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<super::core_v1::ImageVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::iscsi`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iscsi: Option<super::core_v1::ISCSIVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::Volume::nfs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nfs: Option<super::core_v1::NFSVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::persistent_volume_claim`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume_claim: Option<
        super::core_v1::PersistentVolumeClaimVolumeSourceApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::core::v1::Volume::photon_persistent_disk`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photon_persistent_disk: Option<
        super::core_v1::PhotonPersistentDiskVolumeSourceApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::core::v1::Volume::portworx_volume`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portworx_volume: Option<super::core_v1::PortworxVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::projected`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projected: Option<super::core_v1::ProjectedVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::quobyte`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quobyte: Option<super::core_v1::QuobyteVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::rbd`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rbd: Option<super::core_v1::RBDVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::scale_io`].
    #[serde(rename = "scaleIO", default, skip_serializing_if = "Option::is_none")]
    pub scale_io: Option<super::core_v1::ScaleIOVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::secret`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<super::core_v1::SecretVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::storageos`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storageos: Option<super::core_v1::StorageOSVolumeSourceApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::Volume::vsphere_volume`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vsphere_volume: Option<
        super::core_v1::VsphereVirtualDiskVolumeSourceApplyConfiguration,
    >,
}
impl VolumeApplyConfiguration {
    /// Applies `awsElasticBlockStore`.
    #[must_use]
    pub fn aws_elastic_block_store(
        mut self,
        value: impl Into<
            super::core_v1::AWSElasticBlockStoreVolumeSourceApplyConfiguration,
        >,
    ) -> Self {
        self.aws_elastic_block_store = Some(value.into());
        self
    }
    /// Applies `azureDisk`.
    #[must_use]
    pub fn azure_disk(
        mut self,
        value: impl Into<super::core_v1::AzureDiskVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.azure_disk = Some(value.into());
        self
    }
    /// Applies `azureFile`.
    #[must_use]
    pub fn azure_file(
        mut self,
        value: impl Into<super::core_v1::AzureFileVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.azure_file = Some(value.into());
        self
    }
    /// Applies `cephfs`.
    #[must_use]
    pub fn cephfs(
        mut self,
        value: impl Into<super::core_v1::CephFSVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.cephfs = Some(value.into());
        self
    }
    /// Applies `cinder`.
    #[must_use]
    pub fn cinder(
        mut self,
        value: impl Into<super::core_v1::CinderVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.cinder = Some(value.into());
        self
    }
    /// Applies `configMap`.
    #[must_use]
    pub fn config_map(
        mut self,
        value: impl Into<super::core_v1::ConfigMapVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.config_map = Some(value.into());
        self
    }
    /// Applies `csi`.
    #[must_use]
    pub fn csi(
        mut self,
        value: impl Into<super::core_v1::CSIVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.csi = Some(value.into());
        self
    }
    /// Applies `downwardAPI`.
    #[must_use]
    pub fn downward_api(
        mut self,
        value: impl Into<super::core_v1::DownwardAPIVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.downward_api = Some(value.into());
        self
    }
    /// Applies `emptyDir`.
    #[must_use]
    pub fn empty_dir(
        mut self,
        value: impl Into<super::core_v1::EmptyDirVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.empty_dir = Some(value.into());
        self
    }
    /// Applies `ephemeral`.
    #[must_use]
    pub fn ephemeral(
        mut self,
        value: impl Into<super::core_v1::EphemeralVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.ephemeral = Some(value.into());
        self
    }
    /// Applies `fc`.
    #[must_use]
    pub fn fc(
        mut self,
        value: impl Into<super::core_v1::FCVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.fc = Some(value.into());
        self
    }
    /// Applies `flexVolume`.
    #[must_use]
    pub fn flex_volume(
        mut self,
        value: impl Into<super::core_v1::FlexVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.flex_volume = Some(value.into());
        self
    }
    /// Applies `flocker`.
    #[must_use]
    pub fn flocker(
        mut self,
        value: impl Into<super::core_v1::FlockerVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.flocker = Some(value.into());
        self
    }
    /// Applies `gcePersistentDisk`.
    #[must_use]
    pub fn gce_persistent_disk(
        mut self,
        value: impl Into<super::core_v1::GCEPersistentDiskVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.gce_persistent_disk = Some(value.into());
        self
    }
    /// Applies `gitRepo`.
    #[must_use]
    pub fn git_repo(
        mut self,
        value: impl Into<super::core_v1::GitRepoVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.git_repo = Some(value.into());
        self
    }
    /// Applies `glusterfs`.
    #[must_use]
    pub fn glusterfs(
        mut self,
        value: impl Into<super::core_v1::GlusterfsVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.glusterfs = Some(value.into());
        self
    }
    /// Applies `hostPath`.
    #[must_use]
    pub fn host_path(
        mut self,
        value: impl Into<super::core_v1::HostPathVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.host_path = Some(value.into());
        self
    }
    /// Applies `image`.
    #[must_use]
    pub fn image(
        mut self,
        value: impl Into<super::core_v1::ImageVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.image = Some(value.into());
        self
    }
    /// Applies `iscsi`.
    #[must_use]
    pub fn iscsi(
        mut self,
        value: impl Into<super::core_v1::ISCSIVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.iscsi = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `nfs`.
    #[must_use]
    pub fn nfs(
        mut self,
        value: impl Into<super::core_v1::NFSVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.nfs = Some(value.into());
        self
    }
    /// Applies `persistentVolumeClaim`.
    #[must_use]
    pub fn persistent_volume_claim(
        mut self,
        value: impl Into<
            super::core_v1::PersistentVolumeClaimVolumeSourceApplyConfiguration,
        >,
    ) -> Self {
        self.persistent_volume_claim = Some(value.into());
        self
    }
    /// Applies `photonPersistentDisk`.
    #[must_use]
    pub fn photon_persistent_disk(
        mut self,
        value: impl Into<
            super::core_v1::PhotonPersistentDiskVolumeSourceApplyConfiguration,
        >,
    ) -> Self {
        self.photon_persistent_disk = Some(value.into());
        self
    }
    /// Applies `portworxVolume`.
    #[must_use]
    pub fn portworx_volume(
        mut self,
        value: impl Into<super::core_v1::PortworxVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.portworx_volume = Some(value.into());
        self
    }
    /// Applies `projected`.
    #[must_use]
    pub fn projected(
        mut self,
        value: impl Into<super::core_v1::ProjectedVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.projected = Some(value.into());
        self
    }
    /// Applies `quobyte`.
    #[must_use]
    pub fn quobyte(
        mut self,
        value: impl Into<super::core_v1::QuobyteVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.quobyte = Some(value.into());
        self
    }
    /// Applies `rbd`.
    #[must_use]
    pub fn rbd(
        mut self,
        value: impl Into<super::core_v1::RBDVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.rbd = Some(value.into());
        self
    }
    /// Applies `scaleIO`.
    #[must_use]
    pub fn scale_io(
        mut self,
        value: impl Into<super::core_v1::ScaleIOVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.scale_io = Some(value.into());
        self
    }
    /// Applies `secret`.
    #[must_use]
    pub fn secret(
        mut self,
        value: impl Into<super::core_v1::SecretVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.secret = Some(value.into());
        self
    }
    /// Applies `storageos`.
    #[must_use]
    pub fn storageos(
        mut self,
        value: impl Into<super::core_v1::StorageOSVolumeSourceApplyConfiguration>,
    ) -> Self {
        self.storageos = Some(value.into());
        self
    }
    /// Applies `vsphereVolume`.
    #[must_use]
    pub fn vsphere_volume(
        mut self,
        value: impl Into<
            super::core_v1::VsphereVirtualDiskVolumeSourceApplyConfiguration,
        >,
    ) -> Self {
        self.vsphere_volume = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::VolumeDevice`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeDeviceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::VolumeDevice::device_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::VolumeDevice::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
impl VolumeDeviceApplyConfiguration {
    /// Applies `devicePath`.
    #[must_use]
    pub fn device_path(mut self, value: impl Into<String>) -> Self {
        self.device_path = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::VolumeMount`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMountApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::VolumeMount::mount_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::VolumeMount::mount_propagation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_propagation: Option<String>,
    /// As [`k8s_openapi::api::core::v1::VolumeMount::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::VolumeMount::read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::VolumeMount::recursive_read_only`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recursive_read_only: Option<String>,
    /// As [`k8s_openapi::api::core::v1::VolumeMount::sub_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<String>,
    /// As [`k8s_openapi::api::core::v1::VolumeMount::sub_path_expr`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path_expr: Option<String>,
}
impl VolumeMountApplyConfiguration {
    /// Applies `mountPath`.
    #[must_use]
    pub fn mount_path(mut self, value: impl Into<String>) -> Self {
        self.mount_path = Some(value.into());
        self
    }
    /// Applies `mountPropagation`.
    #[must_use]
    pub fn mount_propagation(mut self, value: impl Into<String>) -> Self {
        self.mount_propagation = Some(value.into());
        self
    }
    /// Applies `name`.
    #[must_use]
    pub fn name(mut self, value: impl Into<String>) -> Self {
        self.name = Some(value.into());
        self
    }
    /// Applies `readOnly`.
    #[must_use]
    pub fn read_only(mut self, value: impl Into<bool>) -> Self {
        self.read_only = Some(value.into());
        self
    }
    /// Applies `recursiveReadOnly`.
    #[must_use]
    pub fn recursive_read_only(mut self, value: impl Into<String>) -> Self {
        self.recursive_read_only = Some(value.into());
        self
    }
    /// Applies `subPath`.
    #[must_use]
    pub fn sub_path(mut self, value: impl Into<String>) -> Self {
        self.sub_path = Some(value.into());
        self
    }
    /// Applies `subPathExpr`.
    #[must_use]
    pub fn sub_path_expr(mut self, value: impl Into<String>) -> Self {
        self.sub_path_expr = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::VolumeProjection`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeProjectionApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::VolumeProjection::cluster_trust_bundle`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_trust_bundle: Option<
        super::core_v1::ClusterTrustBundleProjectionApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::core::v1::VolumeProjection::config_map`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<super::core_v1::ConfigMapProjectionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::VolumeProjection::downward_api`].
    #[serde(rename = "downwardAPI", default, skip_serializing_if = "Option::is_none")]
    pub downward_api: Option<super::core_v1::DownwardAPIProjectionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::VolumeProjection::pod_certificate`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_certificate: Option<
        super::core_v1::PodCertificateProjectionApplyConfiguration,
    >,
    /// As [`k8s_openapi::api::core::v1::VolumeProjection::secret`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<super::core_v1::SecretProjectionApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::VolumeProjection::service_account_token`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_token: Option<
        super::core_v1::ServiceAccountTokenProjectionApplyConfiguration,
    >,
}
impl VolumeProjectionApplyConfiguration {
    /// Applies `clusterTrustBundle`.
    #[must_use]
    pub fn cluster_trust_bundle(
        mut self,
        value: impl Into<super::core_v1::ClusterTrustBundleProjectionApplyConfiguration>,
    ) -> Self {
        self.cluster_trust_bundle = Some(value.into());
        self
    }
    /// Applies `configMap`.
    #[must_use]
    pub fn config_map(
        mut self,
        value: impl Into<super::core_v1::ConfigMapProjectionApplyConfiguration>,
    ) -> Self {
        self.config_map = Some(value.into());
        self
    }
    /// Applies `downwardAPI`.
    #[must_use]
    pub fn downward_api(
        mut self,
        value: impl Into<super::core_v1::DownwardAPIProjectionApplyConfiguration>,
    ) -> Self {
        self.downward_api = Some(value.into());
        self
    }
    /// Applies `podCertificate`.
    #[must_use]
    pub fn pod_certificate(
        mut self,
        value: impl Into<super::core_v1::PodCertificateProjectionApplyConfiguration>,
    ) -> Self {
        self.pod_certificate = Some(value.into());
        self
    }
    /// Applies `secret`.
    #[must_use]
    pub fn secret(
        mut self,
        value: impl Into<super::core_v1::SecretProjectionApplyConfiguration>,
    ) -> Self {
        self.secret = Some(value.into());
        self
    }
    /// Applies `serviceAccountToken`.
    #[must_use]
    pub fn service_account_token(
        mut self,
        value: impl Into<super::core_v1::ServiceAccountTokenProjectionApplyConfiguration>,
    ) -> Self {
        self.service_account_token = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::VolumeResourceRequirements`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeResourceRequirementsApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::VolumeResourceRequirements::limits`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<
        std::collections::BTreeMap<
            String,
            k8s_openapi::apimachinery::pkg::api::resource::Quantity,
        >,
    >,
    /// As [`k8s_openapi::api::core::v1::VolumeResourceRequirements::requests`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<
        std::collections::BTreeMap<
            String,
            k8s_openapi::apimachinery::pkg::api::resource::Quantity,
        >,
    >,
}
impl VolumeResourceRequirementsApplyConfiguration {
    /// Applies `limits`.
    #[must_use]
    pub fn limits(
        mut self,
        value: impl Into<
            std::collections::BTreeMap<
                String,
                k8s_openapi::apimachinery::pkg::api::resource::Quantity,
            >,
        >,
    ) -> Self {
        self.limits = Some(value.into());
        self
    }
    /// Applies `requests`.
    #[must_use]
    pub fn requests(
        mut self,
        value: impl Into<
            std::collections::BTreeMap<
                String,
                k8s_openapi::apimachinery::pkg::api::resource::Quantity,
            >,
        >,
    ) -> Self {
        self.requests = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::VsphereVirtualDiskVolumeSource`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VsphereVirtualDiskVolumeSourceApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::VsphereVirtualDiskVolumeSource::fs_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// As [`k8s_openapi::api::core::v1::VsphereVirtualDiskVolumeSource::storage_policy_id`].
    #[serde(
        rename = "storagePolicyID",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub storage_policy_id: Option<String>,
    /// As [`k8s_openapi::api::core::v1::VsphereVirtualDiskVolumeSource::storage_policy_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_policy_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::VsphereVirtualDiskVolumeSource::volume_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_path: Option<String>,
}
impl VsphereVirtualDiskVolumeSourceApplyConfiguration {
    /// Applies `fsType`.
    #[must_use]
    pub fn fs_type(mut self, value: impl Into<String>) -> Self {
        self.fs_type = Some(value.into());
        self
    }
    /// Applies `storagePolicyID`.
    #[must_use]
    pub fn storage_policy_id(mut self, value: impl Into<String>) -> Self {
        self.storage_policy_id = Some(value.into());
        self
    }
    /// Applies `storagePolicyName`.
    #[must_use]
    pub fn storage_policy_name(mut self, value: impl Into<String>) -> Self {
        self.storage_policy_name = Some(value.into());
        self
    }
    /// Applies `volumePath`.
    #[must_use]
    pub fn volume_path(mut self, value: impl Into<String>) -> Self {
        self.volume_path = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::WeightedPodAffinityTerm`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WeightedPodAffinityTermApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::WeightedPodAffinityTerm::pod_affinity_term`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_affinity_term: Option<super::core_v1::PodAffinityTermApplyConfiguration>,
    /// As [`k8s_openapi::api::core::v1::WeightedPodAffinityTerm::weight`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
}
impl WeightedPodAffinityTermApplyConfiguration {
    /// Applies `podAffinityTerm`.
    #[must_use]
    pub fn pod_affinity_term(
        mut self,
        value: impl Into<super::core_v1::PodAffinityTermApplyConfiguration>,
    ) -> Self {
        self.pod_affinity_term = Some(value.into());
        self
    }
    /// Applies `weight`.
    #[must_use]
    pub fn weight(mut self, value: impl Into<i32>) -> Self {
        self.weight = Some(value.into());
        self
    }
}
/// A part of a [`k8s_openapi::api::core::v1::WindowsSecurityContextOptions`], for server-side apply: what is `None` is left to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowsSecurityContextOptionsApplyConfiguration {
    /// As [`k8s_openapi::api::core::v1::WindowsSecurityContextOptions::gmsa_credential_spec`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gmsa_credential_spec: Option<String>,
    /// As [`k8s_openapi::api::core::v1::WindowsSecurityContextOptions::gmsa_credential_spec_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gmsa_credential_spec_name: Option<String>,
    /// As [`k8s_openapi::api::core::v1::WindowsSecurityContextOptions::host_process`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_process: Option<bool>,
    /// As [`k8s_openapi::api::core::v1::WindowsSecurityContextOptions::run_as_user_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_user_name: Option<String>,
}
impl WindowsSecurityContextOptionsApplyConfiguration {
    /// Applies `gmsaCredentialSpec`.
    #[must_use]
    pub fn gmsa_credential_spec(mut self, value: impl Into<String>) -> Self {
        self.gmsa_credential_spec = Some(value.into());
        self
    }
    /// Applies `gmsaCredentialSpecName`.
    #[must_use]
    pub fn gmsa_credential_spec_name(mut self, value: impl Into<String>) -> Self {
        self.gmsa_credential_spec_name = Some(value.into());
        self
    }
    /// Applies `hostProcess`.
    #[must_use]
    pub fn host_process(mut self, value: impl Into<bool>) -> Self {
        self.host_process = Some(value.into());
        self
    }
    /// Applies `runAsUserName`.
    #[must_use]
    pub fn run_as_user_name(mut self, value: impl Into<String>) -> Self {
        self.run_as_user_name = Some(value.into());
        self
    }
}
