//! The kubeconfig of a user: made with a token of their service account, and renewed in time.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use kubewright::prelude::*;
use serde_json::json;

use crate::api::{KubeconfigSpec, KubeconfigStatus};
use crate::binding::metadata;
use crate::options::{Cluster, Options};
use crate::{User, api};

/// Until when the token of the Secret is valid.
const EXPIRES: &str = "user.sealos.io/expires";
/// When it is to be renewed.
const RENEW: &str = "user.sealos.io/renew";
/// For how long it was asked for, and of which service account it is.
const ASKED: &str = "user.sealos.io/asked";

/// What a user should have.
#[derive(Default)]
pub(crate) struct Kubeconfig {
    pub(crate) secret: Option<Secret>,
    pub(crate) status: Option<KubeconfigStatus>,
    /// The condition: status, reason, message.
    pub(crate) state: Option<(bool, &'static str, String)>,
    /// When it is to be looked at again.
    pub(crate) again: Option<Duration>,
}

/// The name of the Secret with the kubeconfig of a user.
pub(crate) fn secret_name(user: &str) -> String {
    format!("{user}-kubeconfig")
}

/// The Secret that a user should have, with the token that is there or, if that is not good enough, a new one.
pub(crate) async fn wanted(ctx: &Context, user: &User, options: &Options) -> Result<Kubeconfig, Error> {
    let Some(spec) = &user.spec.kubeconfig else { return Ok(Kubeconfig::default()) };
    let Some(cluster) = &options.cluster else {
        let what = "the operator does not know how users reach the API server: start it with --access-server";
        return Ok(Kubeconfig { state: Some((false, "NoServer", what.into())), ..Kubeconfig::default() });
    };
    let (name, system) = (user.name_any(), &*options.namespace);
    let at = |name: &str| ObjectRef::new(Some(system), name);
    let account = ctx.get::<ServiceAccount>(&at(&name))?.and_then(|account| account.uid());
    let Some(account) = account else {
        let what = "the service account is being made";
        return Ok(Kubeconfig { state: Some((false, "NoServiceAccount", what.into())), ..Kubeconfig::default() });
    };
    let asked = format!("{} s of {account}", spec.expiration_seconds);
    let kept = ctx.get::<Secret>(&at(&secret_name(&name)))?.and_then(|secret| Token::kept(&secret, &asked, ctx.now()));
    let token = match kept {
        Some(token) => token,
        None => Token::ask(ctx, &name, system, spec, ctx.now()).await?,
    };
    let status = KubeconfigStatus { secret: secret_name(&name), expiration_time: Some(Time(token.expires)) };
    let again = Duration::try_from(token.renew.duration_since(ctx.now())).unwrap_or(Duration::ZERO);
    Ok(Kubeconfig {
        secret: Some(secret(&name, system, cluster, &token, asked)),
        status: Some(status),
        state: Some((true, "Issued", String::new())),
        // A clock that jumps must not make it spin.
        again: Some(again.max(Duration::from_secs(10))),
    })
}

struct Token {
    token: String,
    expires: Timestamp,
    renew: Timestamp,
}

impl Token {
    /// The token of a Secret, if it is the one that is asked for and need not be renewed yet.
    fn kept(secret: &Secret, asked: &str, now: Timestamp) -> Option<Self> {
        let annotation = |key: &str| secret.annotations().get(key).map(String::as_str);
        let token = String::from_utf8(secret.data.as_ref()?.get("token")?.0.clone()).ok()?;
        let time = |key: &str| annotation(key)?.parse::<Timestamp>().ok();
        let token = Self { token, expires: time(EXPIRES)?, renew: time(RENEW)? };
        (annotation(ASKED) == Some(asked) && now < token.renew && !token.token.is_empty()).then_some(token)
    }

    async fn ask(
        ctx: &Context,
        user: &str,
        system: &str,
        spec: &KubeconfigSpec,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                expiration_seconds: Some(spec.expiration_seconds),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let accounts = Api::<ServiceAccount>::namespaced(ctx.client().clone(), system);
        let answer = accounts.create_token_request(user, &PostParams::default(), &request).await?;
        let given = answer.status.and_then(|status| Some((status.token?, status.expiration_timestamp?.0)));
        let (token, expires) = given.ok_or_else(|| Error::temporary("the API server gave no token"))?;
        tracing::info!(user, %expires, "a kubeconfig was issued");
        // What the server gives can be shorter than what was asked for.
        let life = expires.duration_since(now);
        let renew = now + SignedDuration::from_secs(life.as_secs() * 2 / 3);
        let renew = Timestamp::from_second(renew.as_second()).unwrap_or(renew);
        Ok(Self { token, expires, renew })
    }
}

fn secret(user: &str, system: &str, cluster: &Cluster, token: &Token, asked: String) -> Secret {
    let mut metadata = metadata(user, &secret_name(user), system);
    metadata.annotations = Some(BTreeMap::from([
        (EXPIRES.into(), token.expires.to_string()),
        (RENEW.into(), token.renew.to_string()),
        (ASKED.into(), asked),
    ]));
    let mut reached = json!({"server": cluster.server});
    if let Some(authorities) = &cluster.authorities {
        reached["certificate-authority-data"] = STANDARD.encode(authorities).into();
    }
    // JSON is YAML.
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": reached}],
        "users": [{"name": user, "user": {"token": token.token}}],
        "contexts": [{
            "name": user,
            "context": {"cluster": "cluster", "user": user, "namespace": api::namespace_of(user)},
        }],
        "current-context": user,
    });
    let data = [("kubeconfig", format!("{config:#}\n")), ("token", token.token.clone())];
    let data = data.into_iter().map(|(key, value)| (key.to_string(), ByteString(value.into_bytes()))).collect();
    Secret { metadata, data: Some(data), ..Secret::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_token_is_kept_until_it_is_to_be_renewed_or_another_is_asked_for() {
        let token = Token { token: "t".into(), expires: at(900), renew: at(600) };
        let cluster = Cluster { server: "https://here".into(), authorities: Some("PEM".into()) };
        let secret = secret("alice", "user-system", &cluster, &token, "900 s of 1".into());
        let kept = |asked: &str, now: i64| Token::kept(&secret, asked, at(now)).map(|token| token.token);
        assert_eq!(kept("900 s of 1", 599).as_deref(), Some("t"));
        assert_eq!(kept("900 s of 1", 600), None);
        assert_eq!(kept("900 s of 2", 0), None);
        assert_eq!(kept("800 s of 1", 0), None);
        let config: serde_json::Value = serde_json::from_slice(&secret.data.as_ref().unwrap()["kubeconfig"].0).unwrap();
        assert_eq!(config["contexts"][0]["context"]["namespace"], "ns-alice");
        assert_eq!(config["clusters"][0]["cluster"]["certificate-authority-data"], "UEVN");
    }
}
