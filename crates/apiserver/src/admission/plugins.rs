//! The plugins by name and order, and which of them are on.

/// A plugin of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plugin {
    NamespaceLifecycle,
    LimitRanger,
    ServiceAccount,
    PodSecurity,
    Priority,
    DefaultTolerationSeconds,
    DefaultStorageClass,
    StorageObjectInUseProtection,
    PersistentVolumeClaimResize,
    RuntimeClass,
    DefaultIngressClass,
    MutatingAdmissionPolicy,
    MutatingAdmissionWebhook,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionWebhook,
    ResourceQuota,
}

/// Plugins of the real server that this one does not have. They may be turned off, but not on.
const ABSENT: [&str; 19] = [
    "AlwaysAdmit",
    "AlwaysDeny",
    "AlwaysPullImages",
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "ClusterTrustBundleAttest",
    "DenyServiceExternalIPs",
    "EventRateLimit",
    "ExtendedResourceToleration",
    "ImagePolicyWebhook",
    "LimitPodHardAntiAffinityTopology",
    "NamespaceAutoProvision",
    "NamespaceExists",
    "NodeRestriction",
    "OwnerReferencesPermissionEnforcement",
    "PodNodeSelector",
    "PodTolerationRestriction",
    "PodTopologyLabels",
];

impl Plugin {
    /// All, in the order in which they work: that of the real server.
    pub(crate) const ALL: [Self; 16] = [
        Self::NamespaceLifecycle,
        Self::LimitRanger,
        Self::ServiceAccount,
        Self::PodSecurity,
        Self::Priority,
        Self::DefaultTolerationSeconds,
        Self::DefaultStorageClass,
        Self::StorageObjectInUseProtection,
        Self::PersistentVolumeClaimResize,
        Self::RuntimeClass,
        Self::DefaultIngressClass,
        Self::MutatingAdmissionPolicy,
        Self::MutatingAdmissionWebhook,
        Self::ValidatingAdmissionPolicy,
        Self::ValidatingAdmissionWebhook,
        Self::ResourceQuota,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::NamespaceLifecycle => "NamespaceLifecycle",
            Self::LimitRanger => "LimitRanger",
            Self::ServiceAccount => "ServiceAccount",
            Self::PodSecurity => "PodSecurity",
            Self::ValidatingAdmissionPolicy => "ValidatingAdmissionPolicy",
            Self::PersistentVolumeClaimResize => "PersistentVolumeClaimResize",
            Self::ResourceQuota => "ResourceQuota",
            Self::Priority => "Priority",
            Self::DefaultTolerationSeconds => "DefaultTolerationSeconds",
            Self::DefaultStorageClass => "DefaultStorageClass",
            Self::StorageObjectInUseProtection => "StorageObjectInUseProtection",
            Self::RuntimeClass => "RuntimeClass",
            Self::DefaultIngressClass => "DefaultIngressClass",
            Self::MutatingAdmissionPolicy => "MutatingAdmissionPolicy",
            Self::MutatingAdmissionWebhook => "MutatingAdmissionWebhook",
            Self::ValidatingAdmissionWebhook => "ValidatingAdmissionWebhook",
        }
    }
}

/// Which admission plugins are on: those that are on by default on the real server, and what is said here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionOptions {
    /// Plugins that are on besides, as in `--enable-admission-plugins`. Default: none.
    pub enable: Vec<String>,
    /// Plugins that are off, as in `--disable-admission-plugins`. Default: `ServiceAccount`, with which Pods are refused
    /// in namespaces where no controller has made the account `default`; envtest turns it off too.
    pub disable: Vec<String>,
}

impl Default for AdmissionOptions {
    fn default() -> Self {
        Self { enable: Vec::new(), disable: vec![Plugin::ServiceAccount.name().into()] }
    }
}

/// A plugin that is to be on, or off, and can't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// There is no plugin of that name.
    #[error("the admission plugin {0:?} is unknown; write its name as kube-apiserver does")]
    Unknown(String),
    /// The real server has it, this one has not.
    #[error("the admission plugin {0:?} is not part of this server and can't be turned on; leave it out")]
    Absent(String),
    /// It can't be on and off.
    #[error("the admission plugin {0:?} is both turned on and turned off; do one of them")]
    Both(String),
}

impl AdmissionOptions {
    /// Whether a server starts with these options.
    ///
    /// # Errors
    /// The first plugin that can't be turned on or off.
    pub fn check(&self) -> Result<(), PluginError> {
        self.plugins().map(|_| ())
    }

    /// The plugins that are on, in order.
    pub(crate) fn plugins(&self) -> Result<Vec<Plugin>, PluginError> {
        let ours = |name: &str| Plugin::ALL.iter().any(|plugin| plugin.name() == name);
        for name in self.enable.iter().chain(&self.disable) {
            if !ours(name) && !ABSENT.contains(&name.as_str()) {
                return Err(PluginError::Unknown(name.clone()));
            }
        }
        for name in &self.enable {
            if self.disable.contains(name) {
                return Err(PluginError::Both(name.clone()));
            }
            if !ours(name) {
                return Err(PluginError::Absent(name.clone()));
            }
        }
        let off = |plugin: &Plugin| self.disable.iter().any(|name| name == plugin.name());
        Ok(Plugin::ALL.into_iter().filter(|plugin| !off(plugin)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(enable: &[&str], disable: &[&str]) -> AdmissionOptions {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect();
        AdmissionOptions { enable: owned(enable), disable: owned(disable) }
    }

    #[test]
    fn all_plugins_are_on_until_they_are_turned_off() {
        assert_eq!(options(&[], &[]).plugins(), Ok(Plugin::ALL.to_vec()));
        let rest = options(&[], &["NamespaceLifecycle", "EventRateLimit"]).plugins().unwrap();
        assert!(!rest.contains(&Plugin::NamespaceLifecycle));
        assert_eq!(rest.len(), Plugin::ALL.len() - 1);
    }

    #[test]
    fn what_is_not_enforced_can_not_be_turned_on() {
        let name = "EventRateLimit".to_string();
        assert_eq!(options(&["EventRateLimit"], &[]).plugins(), Err(PluginError::Absent(name)));
        assert_eq!(options(&[], &["Nonsense"]).plugins(), Err(PluginError::Unknown("Nonsense".into())));
    }
}
