//! Who a caller is and what they may, as the API server says.

use http::{HeaderMap, header};
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec, UserInfo},
    authorization::v1::{NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams};

use crate::Rights;

/// Asks the API server who callers are (TokenReview) and what they may (SubjectAccessReview), so that what an operator serves
/// is guarded by the roles of the cluster. It remembers nothing: each question is a request.
#[derive(Clone)]
pub struct Reviews(Client);

impl Reviews {
    /// Asks through this client.
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// What asking takes.
    pub fn rights() -> Rights {
        let mut rights = Rights::on::<TokenReview>(["create"]);
        rights.extend(Rights::on::<SubjectAccessReview>(["create"]));
        rights
    }

    /// Whose token this is. `None`: nobody's, or it is no longer valid.
    ///
    /// # Errors
    /// If the API server does not answer.
    pub async fn user(&self, token: &str) -> Result<Option<UserInfo>, kube::Error> {
        let spec = TokenReviewSpec { token: token.into(), ..TokenReviewSpec::default() };
        let review = TokenReview { spec, ..TokenReview::default() };
        let answer = Api::<TokenReview>::all(self.0.clone()).create(&PostParams::default(), &review).await?;
        let status = answer.status.unwrap_or_default();
        let user = status.user.filter(|user| user.username.as_ref().is_some_and(|name| !name.is_empty()));
        Ok(user.filter(|_| status.authenticated == Some(true)))
    }

    /// Whether somebody may use a verb (in small letters, `get`) on a path that is no resource, such as `/metrics`.
    ///
    /// # Errors
    /// If the API server does not answer.
    pub async fn may(&self, user: UserInfo, verb: &str, path: &str) -> Result<bool, kube::Error> {
        let attributes = NonResourceAttributes { path: Some(path.into()), verb: Some(verb.into()) };
        let spec = SubjectAccessReviewSpec {
            user: user.username,
            groups: user.groups,
            uid: user.uid,
            extra: user.extra,
            non_resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let answer = Api::<SubjectAccessReview>::all(self.0.clone()).create(&PostParams::default(), &review).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}
