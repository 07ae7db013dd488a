//! What every namespace has: the ServiceAccount `default` and the ConfigMap `kube-root-ca.crt`.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::api::{Api, PostParams};
use kube::core::ObjectMeta;
use kube::{Resource, ResourceExt};
use kubewright_runtime::{Context, Error, ObjectRef, Outcome, Reconciler};

/// Name of the ConfigMap with the certificate of the cluster's CA.
const ROOT_CA: &str = "kube-root-ca.crt";

/// Keeps the ServiceAccount `default` in every namespace.
pub(crate) struct ServiceAccounts;

/// Keeps the cluster's CA certificate in every namespace.
pub(crate) struct RootCa {
    /// The certificate, PEM.
    pub(crate) certificate: String,
}

impl Reconciler for ServiceAccounts {
    type Object = Namespace;

    async fn reconcile(&self, namespace: Arc<Namespace>, ctx: &Context) -> Result<Outcome, Error> {
        if is_ending(&namespace) {
            return Ok(Outcome::Settled);
        }
        let name = namespace.name_any();
        if ctx.get::<ServiceAccount>(&ObjectRef::new(Some(&name), "default"))?.is_some() {
            return Ok(Outcome::Settled);
        }
        let account = ServiceAccount { metadata: meta("default", &name), ..ServiceAccount::default() };
        create(ctx, &name, account).await
    }
}

impl Reconciler for RootCa {
    type Object = Namespace;

    async fn reconcile(&self, namespace: Arc<Namespace>, ctx: &Context) -> Result<Outcome, Error> {
        if is_ending(&namespace) {
            return Ok(Outcome::Settled);
        }
        let name = namespace.name_any();
        let data = BTreeMap::from([("ca.crt".to_string(), self.certificate.clone())]);
        match ctx.get::<ConfigMap>(&ObjectRef::new(Some(&name), ROOT_CA))? {
            Some(found) if found.data.as_ref() == Some(&data) => Ok(Outcome::Settled),
            Some(mut found) => {
                found.data = Some(data);
                let api = Api::<ConfigMap>::namespaced(ctx.client().clone(), &name);
                api.replace(ROOT_CA, &PostParams::default(), &found).await?;
                Ok(Outcome::Settled)
            }
            None => {
                let mut map = ConfigMap { metadata: meta(ROOT_CA, &name), data: Some(data), ..ConfigMap::default() };
                let about = "The certificate with which clients inside the cluster verify the API server.";
                map.annotations_mut().insert("kubernetes.io/description".into(), about.into());
                create(ctx, &name, map).await
            }
        }
    }
}

fn is_ending(namespace: &Namespace) -> bool {
    namespace.metadata.deletion_timestamp.is_some()
}

fn meta(name: &str, namespace: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.into()), namespace: Some(namespace.into()), ..ObjectMeta::default() }
}

async fn create<K>(ctx: &Context, namespace: &str, object: K) -> Result<Outcome, Error>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::Serialize
        + serde::de::DeserializeOwned,
{
    match Api::<K>::namespaced(ctx.client().clone(), namespace).create(&PostParams::default(), &object).await {
        // Someone was faster, or the namespace is going: either way there is nothing to do.
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404 | 409) => Ok(Outcome::Settled),
        other => other.map(|_| Outcome::Settled).map_err(Error::from),
    }
}
