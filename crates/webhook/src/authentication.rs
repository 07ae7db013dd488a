//! The API server's token webhook: whose bearer token is this?

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use k8s_openapi::api::authentication::v1::{TokenReviewSpec, UserInfo};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::handler::{BadReview, Handler};

/// A user that a token belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authenticated {
    /// The name that RBAC goes by.
    pub username: String,
    /// An id that is not given to another user later.
    pub uid: String,
    /// Groups that RBAC goes by.
    pub groups: Vec<String>,
    /// Whatever else authorizers want to know.
    pub extra: BTreeMap<String, Vec<String>>,
    /// Those of the audiences asked for that the token is good for. Empty: the token knows no audiences, and is good for
    /// the API server.
    pub audiences: Vec<String>,
}

/// Tells whose a bearer token is. The API server is told of it by `--authentication-token-webhook-config-file`, and sends
/// the reviews to `/authenticate`.
pub trait Authenticator: Send + Sync + 'static {
    /// The user, or why the token is refused. The reason goes to the API server's log; put no secret into it.
    fn authenticate(
        &self,
        token: &str,
        audiences: &[String],
    ) -> impl Future<Output = Result<Authenticated, String>> + Send;
}

#[derive(Deserialize)]
struct Review {
    #[serde(rename = "apiVersion")]
    api_version: String,
    spec: Option<TokenReviewSpec>,
}

pub(crate) fn handler<A: Authenticator>(path: String, authenticator: A) -> Handler {
    let authenticator = Arc::new(authenticator);
    Handler::new(path, move |body| {
        let authenticator = authenticator.clone();
        async move { answer(&*authenticator, &body).await }
    })
}

async fn answer<A: Authenticator>(authenticator: &A, body: &Bytes) -> Result<Value, BadReview> {
    let review: Review = serde_json::from_slice(body)?;
    let spec = review.spec.ok_or(BadReview::NoRequest)?;
    let token = spec.token;
    let audiences = spec.audiences.unwrap_or_default();
    let status = match authenticator.authenticate(&token, &audiences).await {
        Err(reason) => json!({"authenticated": false, "error": reason}),
        Ok(Authenticated { username, uid, groups, extra, audiences }) => {
            let user = UserInfo {
                username: Some(username),
                uid: (!uid.is_empty()).then_some(uid),
                groups: (!groups.is_empty()).then_some(groups),
                extra: (!extra.is_empty()).then_some(extra),
            };
            let mut status = json!({"authenticated": true, "user": user});
            if !audiences.is_empty() {
                status["audiences"] = json!(audiences);
            }
            status
        }
    };
    Ok(json!({"apiVersion": review.api_version, "kind": "TokenReview", "status": status}))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct OneUser;

    impl Authenticator for OneUser {
        async fn authenticate(&self, token: &str, audiences: &[String]) -> Result<Authenticated, String> {
            if token != "good" {
                return Err("no such token".into());
            }
            let audiences = audiences.to_vec();
            Ok(Authenticated {
                username: "eve".into(),
                groups: vec!["ops".into()],
                audiences,
                ..Authenticated::default()
            })
        }
    }

    #[tokio::test]
    async fn a_good_token_names_its_user_and_a_bad_one_why_not() {
        let handler = handler("/authenticate".into(), OneUser);
        for (token, wanted) in [
            (
                "good",
                json!({"authenticated": true, "audiences": ["a"], "user": {"username": "eve", "groups": ["ops"]}}),
            ),
            ("bad", json!({"authenticated": false, "error": "no such token"})),
        ] {
            let spec = json!({"token": token, "audiences": ["a"]});
            let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec});
            let answer = handler.answer(Bytes::from(review.to_string())).await.unwrap();
            assert_eq!(answer["status"], wanted);
        }
    }
}
