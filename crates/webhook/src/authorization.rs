//! The API server's authorization webhook: may this user do that?

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use k8s_openapi::api::authorization::v1::SubjectAccessReviewSpec;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::handler::{BadReview, Handler};

/// The answer to an access review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Allowed; no other authorizer is asked.
    Allow,
    /// Refused, with the reason; no other authorizer is asked.
    Deny(String),
    /// The next authorizer decides; the reason is told if none allows it.
    NoOpinion(String),
}

/// Decides what users may do. The API server is told of it by `--authorization-config`, and sends the reviews to
/// `/authorize`.
///
/// ```
/// use k8s_openapi::api::authorization::v1::SubjectAccessReviewSpec;
/// use kubewright_webhook::{Authorizer, Decision};
///
/// struct NightShift;
///
/// impl Authorizer for NightShift {
///     async fn authorize(&self, review: &SubjectAccessReviewSpec) -> Decision {
///         match review.resource_attributes.as_ref().and_then(|asked| asked.verb.as_deref()) {
///             Some("delete") => Decision::Deny("nothing is deleted at night".into()),
///             _ => Decision::NoOpinion(String::new()),
///         }
///     }
/// }
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Decides about one request.
    fn authorize(&self, review: &SubjectAccessReviewSpec) -> impl Future<Output = Decision> + Send;
}

#[derive(Deserialize)]
struct Review {
    #[serde(rename = "apiVersion")]
    api_version: String,
    spec: Option<SubjectAccessReviewSpec>,
}

pub(crate) fn handler<A: Authorizer>(path: String, authorizer: A) -> Handler {
    let authorizer = Arc::new(authorizer);
    Handler::new(path, move |body| {
        let authorizer = authorizer.clone();
        async move { answer(&*authorizer, &body).await }
    })
}

async fn answer<A: Authorizer>(authorizer: &A, body: &Bytes) -> Result<Value, BadReview> {
    let review: Review = serde_json::from_slice(body)?;
    let spec = review.spec.ok_or(BadReview::NoRequest)?;
    let status = match authorizer.authorize(&spec).await {
        Decision::Allow => json!({"allowed": true}),
        Decision::Deny(reason) => json!({"allowed": false, "denied": true, "reason": reason}),
        Decision::NoOpinion(reason) if reason.is_empty() => json!({"allowed": false}),
        Decision::NoOpinion(reason) => json!({"allowed": false, "reason": reason}),
    };
    Ok(json!({"apiVersion": review.api_version, "kind": "SubjectAccessReview", "status": status}))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct OnlyReads;

    impl Authorizer for OnlyReads {
        async fn authorize(&self, review: &SubjectAccessReviewSpec) -> Decision {
            match review.resource_attributes.as_ref().and_then(|asked| asked.verb.as_deref()) {
                Some("get") => Decision::Allow,
                Some(verb) => Decision::Deny(format!("no {verb}")),
                None => Decision::NoOpinion(String::new()),
            }
        }
    }

    #[tokio::test]
    async fn each_decision_has_its_form() {
        let handler = handler("/authorize".into(), OnlyReads);
        for (spec, wanted) in [
            (json!({"resourceAttributes": {"verb": "get"}}), json!({"allowed": true})),
            (
                json!({"resourceAttributes": {"verb": "delete"}}),
                json!({"allowed": false, "denied": true, "reason": "no delete"}),
            ),
            (json!({"nonResourceAttributes": {"path": "/x"}}), json!({"allowed": false})),
        ] {
            let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
            let answer = handler.answer(Bytes::from(review.to_string())).await.unwrap();
            assert_eq!(answer["status"], wanted);
            assert_eq!(answer["apiVersion"], "authorization.k8s.io/v1");
        }
    }
}
