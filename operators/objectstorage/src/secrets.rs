//! The Secrets in which users find their keys.

use std::collections::BTreeMap;

use kubewright::k8s_openapi::ByteString;
use kubewright::k8s_openapi::api::core::v1::Secret;
use kubewright::kube::core::ObjectMeta;
use kubewright::patterns::external::Fault;
use kubewright::prelude::*;

/// The label of all of them, by which they are watched.
pub(crate) const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "kubewright-objectstorage");
/// The version of the secret key in a user's Secret.
const VERSION: &str = "objectstorage.sealos.io/secret-key-version";
/// The version of the next one.
const NEXT_VERSION: &str = "objectstorage.sealos.io/next-secret-key-version";
/// What the server takes as a secret key.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=40;

/// What is in a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) version: Option<i64>,
    /// A secret key that is about to replace the other, and its version: the server may have either.
    pub(crate) next: Option<(String, i64)>,
}

/// What else a Secret tells.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) internal: String,
    pub(crate) external: Option<String>,
    pub(crate) bucket: Option<String>,
}

impl Keys {
    /// The keys in a Secret; `None` if it is missing or has none that the server would take.
    pub(crate) fn read(ctx: &Context, secret: &ObjectRef) -> Result<Option<Self>, Error> {
        let Some(secret) = ctx.get::<Secret>(secret)? else { return Ok(None) };
        let data = secret.data.unwrap_or_default();
        let text = |key: &str| data.get(key).and_then(|value| String::from_utf8(value.0.clone()).ok());
        let annotations = secret.metadata.annotations.unwrap_or_default();
        let number = |key: &str| annotations.get(key).and_then(|value| value.parse().ok());
        let usable = |key: &String| LENGTHS.contains(&key.len()) && key.chars().all(|c| c.is_ascii_graphic());
        let Some(secret_key) = text("secretKey").filter(usable) else { return Ok(None) };
        let next = text("nextSecretKey").filter(usable).zip(number(NEXT_VERSION));
        Ok(Some(Self { access_key: text("accessKey").unwrap_or_default(), secret_key, version: number(VERSION), next }))
    }

    /// Makes the Secret of the reconciled object exactly this.
    pub(crate) async fn write(&self, ctx: &Context, name: &str, place: &Place) -> Result<(), Fault> {
        let Self { access_key, secret_key, version, next } = self;
        let mut data = BTreeMap::new();
        let mut put = |key: &str, value: &str| data.insert(key.to_string(), ByteString(value.as_bytes().to_vec()));
        put("accessKey", access_key);
        put("secretKey", secret_key);
        put("internal", &place.internal);
        put("external", place.external.as_deref().unwrap_or_default());
        place.bucket.as_deref().map(|bucket| put("bucket", bucket));
        next.as_ref().map(|(key, _)| put("nextSecretKey", key));
        let mut annotations = BTreeMap::new();
        version.map(|version| annotations.insert(VERSION.to_string(), version.to_string()));
        next.as_ref().map(|(_, version)| annotations.insert(NEXT_VERSION.to_string(), version.to_string()));
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.to_string()),
                labels: Some(BTreeMap::from([(LABEL.0.to_string(), LABEL.1.to_string())])),
                annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
                ..ObjectMeta::default()
            },
            data: Some(data),
            ..Secret::default()
        };
        let owned = ctx.own([secret]).await?;
        if let Some(foreign) = owned.refused.first() {
            return Err(Fault::permanent("SecretExists", foreign));
        }
        if !owned.waiting.is_empty() {
            return Err(Fault::conflict(format!("Secret {name} is being deleted; it is made again when it is gone")));
        }
        Ok(())
    }
}
