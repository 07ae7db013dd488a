//! Tokens in Secrets of type `kubernetes.io/service-account-token`: without an end of their own, good as long as the Secret
//! holds them and their ServiceAccount is there.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::user::{AUTHENTICATED, User};
use super::{service_account_groups, service_account_name};
use crate::kinds::tree::Tree;
use crate::store::{ObjectKey, Store};

/// What these tokens call their issuer, whoever that is.
pub(super) const ISSUER: &str = "kubernetes/serviceaccount";
const NAMESPACE: &str = "kubernetes.io/serviceaccount/namespace";
const SECRET: &str = "kubernetes.io/serviceaccount/secret.name";
const NAME: &str = "kubernetes.io/serviceaccount/service-account.name";
const UID: &str = "kubernetes.io/serviceaccount/service-account.uid";
/// A label by which tokens that nobody has used for long are shut out before their Secret is deleted.
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

/// What a token says.
pub(super) fn claims(service_account: &Value, secret: &str) -> Value {
    let (namespace, name) = (service_account.text("metadata.namespace"), service_account.text("metadata.name"));
    json!({
        "iss": ISSUER, NAMESPACE: namespace, SECRET: secret, NAME: name, UID: service_account.text("metadata.uid"),
        "sub": service_account_name(namespace, name),
    })
}

/// The Secret that holds a token.
pub(super) fn secret_of(store: &Store, claims: &Value, token: &str) -> Option<ObjectKey> {
    let claim = |key: &str| claims.get(key).and_then(Value::as_str).unwrap_or_default();
    let key = ObjectKey::new(claim(NAMESPACE), claim(SECRET));
    let secret = store.collection("", "secrets").get(&key)?.tree();
    (secret.text("data.token") == STANDARD.encode(token)).then_some(key)
}

/// Who logs in with a token whose signature is good. The error says why it is no longer good.
pub(super) fn check(store: &Store, claims: &Value, token: &str) -> Result<User, String> {
    // Their names have dots.
    let claim = |key: &str| claims.get(key).and_then(Value::as_str).unwrap_or_default();
    let (namespace, name) = (claim(NAMESPACE), claim(NAME));
    for (key, shown) in [
        ("sub", "sub"),
        (NAMESPACE, "namespace"),
        (SECRET, "secretName"),
        (NAME, "serviceAccountName"),
        (UID, "serviceAccountUID"),
    ] {
        if claim(key).is_empty() {
            return Err(format!("{shown} claim is missing"));
        }
    }
    if claim("sub") != service_account_name(namespace, name) {
        return Err("sub claim is invalid".into());
    }
    let leaving = |object: &Value| object.at("metadata.deletionTimestamp").is_string();
    let secret = store.collection("", "secrets").get(&ObjectKey::new(namespace, claim(SECRET)));
    let secret = secret.map(|stored| stored.tree()).filter(|secret| !leaving(secret));
    let secret = secret.ok_or("Token has been invalidated")?;
    if secret.text("data.token") != STANDARD.encode(token) {
        return Err("Token does not match server's copy".into());
    }
    let account = store.collection("", "serviceaccounts").get(&ObjectKey::new(namespace, name));
    let account = account.ok_or_else(|| format!("serviceaccounts {name:?} not found"))?.tree();
    if leaving(&account) {
        return Err(format!("ServiceAccount {namespace}/{name} has been deleted"));
    }
    let (uid, claimed) = (account.text("metadata.uid"), claim(UID));
    if uid != claimed {
        return Err(format!("ServiceAccount UID ({uid}) does not match claim ({claimed})"));
    }
    if secret.at("metadata.labels").get(INVALID_SINCE).is_some_and(|since| since != "") {
        return Err(format!(
            "the token in secret {namespace}/{} for service account {namespace}/{name} has been marked invalid. Use tokens from \
             the TokenRequest API or manually created secret-based tokens, or remove the '{INVALID_SINCE}' label from the \
             secret to temporarily allow use of this token",
            claim(SECRET)
        ));
    }
    let mut groups = service_account_groups(namespace);
    groups.push(AUTHENTICATED.into());
    Ok(User { name: claim("sub").into(), uid: uid.into(), groups, extra: BTreeMap::new() })
}
