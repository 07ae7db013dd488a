//! Who made a request, written into it by the webhook so that nobody else can.
//!
//! The API server tells a webhook who makes a request, and forgets it. The webhook writes it into an annotation, with a message
//! authentication code over the request, the requester and the time. The key lies in a Secret which only the operator and
//! administrators can read. So it does not matter whether the webhook was registered when a request was made, or who can write
//! annotations: what has no valid seal is not carried out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::authentication::v1::UserInfo;
use k8s_openapi::api::core::v1::Secret;
use kube::core::object::HasSpec;
use kube::{Api, Client, Resource, ResourceExt, api::PostParams};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// The annotation with the name of who made the request, for people.
pub const CREATOR: &str = "user.sealos.io/creator";
/// The annotation with the seal.
pub const SEAL: &str = "user.sealos.io/seal";
/// The Secret with the key.
pub const KEY_SECRET: &str = "access-seal";
/// The field of the Secret.
const KEY: &str = "key";
/// How far the time of a seal may be from that of the object's creation. It bounds how long a seal can be used for another
/// request of the same content.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Who made a request, as the API server has authenticated them.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// Their name.
    pub username: String,
    /// Their id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Their groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What else is known of them.
    #[serde(default)]
    pub extra: BTreeMap<String, Vec<String>>,
}

impl From<&UserInfo> for Requester {
    fn from(user: &UserInfo) -> Self {
        let UserInfo { username, uid, groups, extra } = user.clone();
        Self {
            username: username.unwrap_or_default(),
            uid,
            groups: groups.unwrap_or_default(),
            extra: extra.unwrap_or_default(),
        }
    }
}

/// The annotation.
#[derive(Serialize, Deserialize)]
struct Seal {
    requester: Requester,
    time: Timestamp,
    code: String,
}

/// Why it is not known who made a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsealed {
    /// The webhook has not seen it.
    #[error(
        "nobody knows who made this request: it has no seal, so the operator's webhook was not asked when it was made; see \
         that the operator runs and that its webhook is registered, then make the request again"
    )]
    Missing,
    /// It was made with another key, or for another request.
    #[error("nobody knows who made this request: its seal is not one of this operator; make the request again")]
    Wrong,
    /// It was taken from another request.
    #[error(
        "nobody knows who made this request: its seal was made at another time than the request itself; make the request again"
    )]
    Stale,
}

/// Makes and checks seals.
#[derive(Debug, Clone)]
pub struct Sealer(hmac::Key);

impl Sealer {
    /// With this key, of any length.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// With the key in the Secret of this namespace. It is made if it is not there; of several that make it at once, all
    /// take the one that was first.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn load(client: &Client, namespace: &str) -> Result<Self, kube::Error> {
        let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
        loop {
            if let Some(secret) = secrets.get_opt(KEY_SECRET).await? {
                // An empty key is no secret: with one of this process alone, nobody can use it.
                let key = secret.data.and_then(|mut data| data.remove(KEY)).unwrap_or_default().0;
                let key = if key.is_empty() { random() } else { key };
                return Ok(Self::new(&key));
            }
            let mut secret = Secret { data: Some([(KEY.into(), ByteString(random()))].into()), ..Secret::default() };
            secret.metadata.name = Some(KEY_SECRET.into());
            secret.immutable = Some(true);
            match secrets.create(&PostParams::default(), &secret).await {
                Err(kube::Error::Api(status)) if status.is_already_exists() => {}
                created => drop(created?),
            }
        }
    }

    /// Writes who made a request into it.
    pub fn seal<K>(&self, request: &mut K, namespace: &str, requester: Requester, now: Timestamp)
    where
        K: Resource<DynamicType = ()> + HasSpec<Spec: Serialize>,
    {
        let tag = hmac::sign(&self.0, &message(request, namespace, &requester, now));
        let annotations = request.annotations_mut();
        annotations.insert(CREATOR.into(), requester.username.clone());
        let seal = Seal { requester, time: now, code: STANDARD.encode(tag) };
        annotations.insert(SEAL.into(), json!(seal).to_string());
    }

    /// Who made a request.
    ///
    /// # Errors
    /// When that is not known.
    pub fn requester<K>(&self, request: &K) -> Result<Requester, Unsealed>
    where
        K: Resource<DynamicType = ()> + HasSpec<Spec: Serialize>,
    {
        let seal = request.annotations().get(SEAL).ok_or(Unsealed::Missing)?;
        let Seal { requester, time, code } = serde_json::from_str(seal).map_err(|_| Unsealed::Wrong)?;
        let code = STANDARD.decode(code).map_err(|_| Unsealed::Wrong)?;
        let namespace = request.namespace().unwrap_or_default();
        hmac::verify(&self.0, &message(request, &namespace, &requester, time), &code).map_err(|_| Unsealed::Wrong)?;
        let created = request.creation_timestamp().ok_or(Unsealed::Stale)?.0;
        if created.duration_since(time).abs() > SKEW {
            return Err(Unsealed::Stale);
        }
        Ok(requester)
    }
}

/// The sealer of a process, loaded when it is first needed.
#[derive(Debug)]
pub(crate) struct Seals {
    namespace: String,
    sealer: OnceCell<Sealer>,
}

impl Seals {
    pub(crate) fn new(namespace: String) -> Self {
        Self { namespace, sealer: OnceCell::new() }
    }

    pub(crate) async fn get(&self, client: &Client) -> Result<&Sealer, kube::Error> {
        self.sealer.get_or_try_init(|| Sealer::load(client, &self.namespace)).await
    }
}

/// What is authenticated. Maps are sorted, so equal content gives equal bytes.
fn message<K>(request: &K, namespace: &str, requester: &Requester, time: Timestamp) -> Vec<u8>
where
    K: Resource<DynamicType = ()> + HasSpec<Spec: Serialize>,
{
    // A specification that came as JSON can be written as JSON.
    let spec = serde_json::to_value(request.spec()).unwrap_or(Value::Null);
    json!([K::kind(&()), namespace, spec, requester, time]).to_string().into_bytes()
}

/// 32 bytes that nobody can guess.
#[expect(
    clippy::expect_used,
    reason = "a system without randomness can't do TLS either, and a key that is known is worse"
)]
fn random() -> Vec<u8> {
    let mut bytes = vec![0; 32];
    SystemRandom::new().fill(&mut bytes).expect("the system has a source of randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::{Deleterequest, DeleterequestSpec};

    fn request(user: &str) -> Deleterequest {
        let mut request = Deleterequest::new("bye", DeleterequestSpec { user: user.into(), delete_dependents: true });
        request.metadata.namespace = Some("user-system".into());
        request.metadata.creation_timestamp = Some(Time(Timestamp::from_second(1000).unwrap()));
        request
    }

    fn jane() -> Requester {
        Requester { username: "jane".into(), uid: None, groups: vec!["staff".into()], extra: BTreeMap::new() }
    }

    #[test]
    fn a_seal_tells_who_made_this_request_at_this_time_and_nothing_else() {
        let sealer = Sealer::new(b"secret");
        let mut sealed = request("alice");
        assert_eq!(sealer.requester(&sealed), Err(Unsealed::Missing));
        sealer.seal(&mut sealed, "user-system", jane(), Timestamp::from_second(1001).unwrap());
        assert_eq!(sealer.requester(&sealed), Ok(jane()));
        assert_eq!(sealed.annotations()[CREATOR], "jane");

        let mut other = request("bob");
        other.metadata.annotations = sealed.metadata.annotations.clone();
        assert_eq!(sealer.requester(&other), Err(Unsealed::Wrong));
        let mut elsewhere = sealed.clone();
        elsewhere.metadata.namespace = Some("elsewhere".into());
        assert_eq!(sealer.requester(&elsewhere), Err(Unsealed::Wrong));
        let mut later = sealed.clone();
        later.metadata.creation_timestamp = Some(Time(Timestamp::from_second(2000).unwrap()));
        assert_eq!(sealer.requester(&later), Err(Unsealed::Stale));
        let mut forged = sealed.clone();
        let seal = sealed.annotations()[SEAL].replace("jane", "root");
        forged.annotations_mut().insert(SEAL.into(), seal);
        assert_eq!(sealer.requester(&forged), Err(Unsealed::Wrong));
        assert_eq!(Sealer::new(b"another").requester(&sealed), Err(Unsealed::Wrong));
        for nonsense in ["", "{}", "null", r#"{"requester":{"username":"root"},"time":"x","code":"?"}"#] {
            forged.annotations_mut().insert(SEAL.into(), nonsense.into());
            assert_eq!(sealer.requester(&forged), Err(Unsealed::Wrong), "{nonsense}");
        }
    }
}
