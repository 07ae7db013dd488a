//! ServiceAccount tokens: made for a TokenRequest, and looked at when somebody logs in with one.
//!
//! Source: RFC 7519; KEP-1205 and KEP-4193 for what the claims say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::keys::{TokenKey, VerifyingKey};
use super::pki::{self, PkiError};
use super::user::{AUTHENTICATED, User};
use super::{secret_tokens, service_account_groups, service_account_name};
use crate::authorization::go_list;
use crate::kinds::tree::Tree;
use crate::store::{ObjectKey, Store};

/// Where users of tokens bound to a Pod, or to a Node, come from.
pub(crate) const NODE_NAME_KEY: &str = "authentication.kubernetes.io/node-name";
const NODE_UID_KEY: &str = "authentication.kubernetes.io/node-uid";
const POD_NAME_KEY: &str = "authentication.kubernetes.io/pod-name";
const POD_UID_KEY: &str = "authentication.kubernetes.io/pod-uid";
pub(super) const CREDENTIAL_ID_KEY: &str = "authentication.kubernetes.io/credential-id";

/// The issuer of tokens, and what they are for, unless the options say otherwise.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const FILE: &str = "sa.key";
/// How far the clocks of those who make and those who verify tokens may be apart, in seconds.
const LEEWAY: i64 = 60;
/// Reads the parts of a token, bits beyond their last byte ignored, as Go does.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));
/// How many tokens whose signature was found good are remembered.
const REMEMBERED: usize = 1024;

/// How ServiceAccount tokens are made and verified.
#[derive(Debug, Clone, Default)]
pub struct ServiceAccountOptions {
    /// The private key that signs tokens, as PEM: RSA, or EC with curve P-256 or P-384. Default: one of the server's own,
    /// kept in the data directory.
    pub signing_key: Option<String>,
    /// More keys whose tokens are taken, as PEM: public keys, certificates or private keys. Default: none.
    pub verification_keys: Vec<String>,
    /// What tokens call their issuer; others whose tokens are taken follow it. Default:
    /// `https://kubernetes.default.svc.cluster.local`.
    pub issuers: Vec<String>,
    /// What tokens are for when nothing is asked for; only these are taken. Default: the first issuer.
    pub audiences: Vec<String>,
}

/// Makes and verifies tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    issuers: Vec<String>,
    audiences: Vec<String>,
    /// Made when first asked for: most servers that tests start have no use for it.
    key: OnceLock<TokenKey>,
    others: Vec<VerifyingKey>,
    verified: Mutex<FxHashMap<String, Arc<Value>>>,
}

/// What a token is bound to: it ends with the object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bound {
    /// `pod`, `secret` or `node`, with name and uid.
    pub objects: BTreeMap<&'static str, (String, String)>,
}

/// What a token is to say.
#[derive(Debug)]
pub(crate) struct TokenContent<'a> {
    /// The ServiceAccount.
    pub service_account: &'a Value,
    /// What it is bound to.
    pub bound: Bound,
    /// What it is for.
    pub audiences: &'a [String],
    /// When it is made.
    pub now: Timestamp,
    /// How many seconds it is good for.
    pub seconds: i64,
    /// After how many seconds its use is an oversight, if before its end.
    pub warn_after: Option<i64>,
    /// Its id.
    pub id: String,
}

impl Tokens {
    /// Reads the keys that the options name, and the server's own if it is kept in `directory`.
    pub(crate) fn open(options: ServiceAccountOptions, directory: Option<&Path>) -> Result<Self, PkiError> {
        let passed_in = |what| move |reason| PkiError::Key { what, reason };
        let key = OnceLock::new();
        if let Some(pem) = &options.signing_key {
            let read = TokenKey::from_pem(pem).map_err(passed_in("the key that signs ServiceAccount tokens"))?;
            key.get_or_init(|| read);
        } else if let Some(directory) = directory {
            let pem = pki::read_or_make(directory, FILE, || Ok(rcgen::KeyPair::generate()?.serialize_pem()))?;
            let path = directory.join(FILE);
            let read = TokenKey::from_pem(&pem).map_err(|reason| PkiError::Damaged { path, reason })?;
            key.get_or_init(|| read);
        }
        let others = options.verification_keys.iter().map(|pem| VerifyingKey::from_pem(pem));
        let others: Result<Vec<_>, _> = others.collect();
        let others = others.map_err(passed_in("a key that verifies ServiceAccount tokens"))?;
        let issuers = if options.issuers.is_empty() { vec![ISSUER.into()] } else { options.issuers };
        let audiences = if options.audiences.is_empty() { vec![issuers[0].clone()] } else { options.audiences };
        Ok(Self { issuers, audiences, key, others, verified: Mutex::default() })
    }

    /// What tokens are for when nothing is asked for.
    pub(crate) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// A signed token.
    pub(crate) fn make(&self, content: &TokenContent<'_>) -> Result<String, String> {
        let TokenContent { service_account, bound, audiences, now, seconds, warn_after, id } = content;
        let namespace = service_account.text("metadata.namespace");
        let name = service_account.text("metadata.name");
        let mut about = json!({
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": service_account.text("metadata.uid")},
        });
        for (kind, (name, uid)) in &bound.objects {
            about[kind] = json!({ "name": name });
            if !uid.is_empty() {
                about[kind]["uid"] = uid.as_str().into();
            }
        }
        let now = now.as_second();
        if let Some(seconds) = warn_after {
            about["warnafter"] = (now + seconds).into();
        }
        let claims = json!({
            "aud": audiences, "exp": now + seconds, "iat": now, "iss": self.issuers[0], "jti": id,
            "kubernetes.io": about, "nbf": now, "sub": service_account_name(namespace, name),
        });
        self.sign(&claims)
    }

    /// A token of a ServiceAccount that a Secret is to hold, and that is good as long as it does.
    pub(crate) fn make_for_secret(&self, service_account: &Value, secret: &str) -> Result<String, String> {
        self.sign(&secret_tokens::claims(service_account, secret))
    }

    fn sign(&self, claims: &Value) -> Result<String, String> {
        let key = self.key();
        let header = json!({"alg": key.algorithm(), "kid": key.public().id});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = key.sign(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Who logs in with a token, and for which of the audiences it is. `None`: it is not a token of this server. The
    /// error says why it is no longer good.
    pub(crate) fn authenticate(
        &self,
        store: &Store,
        token: &str,
        audiences: &[String],
        now: Timestamp,
    ) -> Result<Option<(User, Vec<String>)>, String> {
        let Some(claims) = self.claims(token)? else { return Ok(None) };
        let of_secret = claims["iss"] == secret_tokens::ISSUER;
        let own: Vec<String> = claims["aud"].as_array().map_or_else(
            || claims["aud"].as_str().map(str::to_string).into_iter().collect(),
            |list| list.iter().filter_map(Value::as_str).map(str::to_string).collect(),
        );
        // They say nothing of it, so they are for this server.
        let own = if of_secret { self.audiences.clone() } else { own };
        let common: Vec<String> = own.iter().filter(|one| audiences.contains(one)).cloned().collect();
        if common.is_empty() {
            return Err(format!(
                "token audiences {} is invalid for the target audiences {}",
                go_list(&own),
                go_list(audiences)
            ));
        }
        if of_secret {
            return Ok(Some((secret_tokens::check(store, &claims, token)?, common)));
        }
        check_times(&claims, now)?;
        check_objects(store, &claims["kubernetes.io"], now)?;
        Ok(Some((user(&claims), common)))
    }

    /// The Secret that holds a token of this server, if it is one that a Secret holds.
    pub(crate) fn secret_of(&self, store: &Store, token: &str) -> Option<ObjectKey> {
        let claims = self.claims(token).ok()??;
        if claims["iss"] != secret_tokens::ISSUER {
            return None;
        }
        secret_tokens::secret_of(store, &claims, token)
    }

    /// The document by which others learn who issues tokens. `server`: host and port.
    pub(crate) fn openid_configuration(&self, server: &str) -> Value {
        let mut algorithms: Vec<&str> = self.keys().map(VerifyingKey::algorithm).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        json!({
            "issuer": self.issuers[0], "jwks_uri": format!("https://{server}/openid/v1/jwks"),
            "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": algorithms,
        })
    }

    /// The keys by which others verify tokens.
    pub(crate) fn key_set(&self) -> Value {
        json!({"keys": self.keys().map(VerifyingKey::to_value).collect::<Vec<_>>()})
    }

    #[expect(clippy::expect_used, reason = "only a machine without random numbers can't make keys")]
    fn key(&self) -> &TokenKey {
        self.key.get_or_init(|| {
            let pem = rcgen::KeyPair::generate().expect("a key can be made").serialize_pem();
            TokenKey::from_pem(&pem).expect("a key that was just made is a good one")
        })
    }

    /// All keys, each once.
    fn keys(&self) -> impl Iterator<Item = &VerifyingKey> {
        let own = self.key().public();
        std::iter::once(own).chain(self.others.iter().filter(|other| other.id != own.id))
    }

    /// What a token says, if it is one of this server's issuers and its signature is good.
    fn claims(&self, token: &str) -> Result<Option<Arc<Value>>, String> {
        if let Some(claims) = self.verified.lock().get(token) {
            return Ok(Some(claims.clone()));
        }
        let decode = |part: &str| -> Option<Value> { serde_json::from_slice(&LENIENT.decode(part).ok()?).ok() };
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { return Ok(None) };
        let Some(claims) = decode(payload) else { return Ok(None) };
        let mut issuers = self.issuers.iter().map(String::as_str).chain([secret_tokens::ISSUER]);
        if !issuers.any(|issuer| claims["iss"] == issuer) {
            return Ok(None);
        }
        let (Some(header), Ok(signature)) = (decode(header), LENIENT.decode(signature)) else {
            return Ok(None);
        };
        let message = &token.as_bytes()[..token.rfind('.').unwrap_or_default()];
        let id = header["kid"].as_str().unwrap_or_default();
        let mut keys = self.keys().filter(|key| id.is_empty() || key.id == id).peekable();
        if keys.peek().is_none() {
            return Err("invalid signature, no keys found".into());
        }
        if !keys.any(|key| header["alg"] == key.algorithm() && key.verifies(message, &signature)) {
            return Err("go-jose/go-jose: error in cryptographic primitive".into());
        }
        let claims = Arc::new(claims);
        let mut verified = self.verified.lock();
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(token.to_string(), claims.clone());
        Ok(Some(claims))
    }
}

fn check_times(claims: &Value, now: Timestamp) -> Result<(), String> {
    let now = now.as_second();
    let time = |name: &str| claims[name].as_f64().map(|seconds| seconds as i64);
    if time("nbf").is_some_and(|from| now + LEEWAY < from) {
        return Err("service account token is not valid yet".into());
    }
    if time("exp").is_some_and(|end| now - LEEWAY > end) {
        return Err("service account token has expired".into());
    }
    if time("iat").is_some_and(|made| now + LEEWAY < made) {
        return Err("service account token is issued in the future".into());
    }
    Ok(())
}

/// The ServiceAccount, and what the token is bound to, must still be there.
fn check_objects(store: &Store, about: &Value, now: Timestamp) -> Result<(), String> {
    let namespace = about.text("namespace");
    let account = about.text("serviceaccount.name");
    let ended = |object: &Value| {
        let time: Option<Timestamp> = object.text("metadata.deletionTimestamp").parse().ok();
        time.is_some_and(|time| time.as_second() < now.as_second() - LEEWAY)
    };
    let Some(stored) = store.collection("", "serviceaccounts").get(&ObjectKey::new(namespace, account)) else {
        return Err(format!("serviceaccounts {account:?} not found"));
    };
    let object = stored.tree();
    let (uid, claimed) = (object.text("metadata.uid"), about.text("serviceaccount.uid"));
    if uid != claimed {
        return Err(format!("service account UID ({uid}) does not match claim ({claimed})"));
    }
    if ended(&object) {
        return Err(format!("service account {namespace}/{account} has been deleted"));
    }
    for (kind, shown, resource) in [("secret", "secret", "secrets"), ("pod", "pod", "pods"), ("node", "node", "nodes")]
    {
        // The node of a Pod is only told.
        if !about.has(kind) || kind == "node" && about.has("pod") {
            continue;
        }
        let (name, claimed) = (about[kind].text("name"), about[kind].text("uid"));
        let namespace = if kind == "node" { "" } else { namespace };
        let invalidated = || "service account token has been invalidated".to_string();
        let stored = store.collection("", resource).get(&ObjectKey::new(namespace, name)).ok_or_else(invalidated)?;
        let object = stored.tree();
        let uid = object.text("metadata.uid");
        if uid != claimed {
            return Err(format!("{shown} UID ({uid}) does not match service account {kind} ref claim ({claimed})"));
        }
        if ended(&object) {
            return Err(invalidated());
        }
    }
    Ok(())
}

fn user(claims: &Value) -> User {
    let about = &claims["kubernetes.io"];
    let namespace = about.text("namespace");
    let mut groups = service_account_groups(namespace);
    groups.push(AUTHENTICATED.into());
    let mut extra = BTreeMap::new();
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            extra.insert(key.to_string(), vec![value.to_string()]);
        }
    };
    let id = claims.text("jti");
    add(CREDENTIAL_ID_KEY, &if id.is_empty() { String::new() } else { format!("JTI={id}") });
    for (kind, name, uid) in [("pod", POD_NAME_KEY, POD_UID_KEY), ("node", NODE_NAME_KEY, NODE_UID_KEY)] {
        add(name, about[kind].text("name"));
        add(uid, about[kind].text("uid"));
    }
    User {
        name: service_account_name(namespace, about.text("serviceaccount.name")),
        uid: about.text("serviceaccount.uid").into(),
        groups,
        extra,
    }
}
