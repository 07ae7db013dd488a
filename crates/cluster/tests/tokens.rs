//! What Secrets with tokens of ServiceAccounts promise. On a real cluster (`KUBEWRIGHT_TEST_KUBECONFIG`) the same tests say
//! what kube-controller-manager does.

#![allow(clippy::unwrap_used)]

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewStatus};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams};
use kubewright_testing::TestEnv;
use serde_json::json;

struct World {
    env: TestEnv,
    secrets: Api<Secret>,
    accounts: Api<ServiceAccount>,
}

impl World {
    async fn new() -> Self {
        let env = TestEnv::start().await.unwrap();
        let (client, namespace) = (env.client(), env.namespace());
        Self { secrets: Api::namespaced(client.clone(), namespace), accounts: Api::namespaced(client, namespace), env }
    }

    async fn account(&self) -> ServiceAccount {
        let account = serde_json::from_value(json!({"metadata": {"name": "robot"}})).unwrap();
        self.accounts.create(&PostParams::default(), &account).await.unwrap()
    }

    async fn secret(&self, name: &str) {
        let secret = serde_json::from_value(json!({
            "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": "robot"}},
            "type": "kubernetes.io/service-account-token",
        }));
        self.secrets.create(&PostParams::default(), &secret.unwrap()).await.unwrap();
    }

    async fn token(&self, name: &str) -> (Secret, String) {
        let filled = async || {
            let secret = self.secrets.get(name).await.unwrap();
            let token = String::from_utf8(secret.data.as_ref()?.get("token")?.0.clone()).unwrap();
            Some((secret, token))
        };
        self.env.eventually(&format!("a token in {name}"), filled).await
    }

    async fn review(&self, token: &str) -> TokenReviewStatus {
        self.review_for(token, &[]).await
    }

    async fn review_for(&self, token: &str, audiences: &[&str]) -> TokenReviewStatus {
        let spec = json!({"token": token, "audiences": audiences});
        let review: TokenReview = serde_json::from_value(json!({ "spec": spec })).unwrap();
        let reviews = Api::<TokenReview>::all(self.env.client());
        reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap()
    }

    async fn gone(&self, name: &str) {
        let gone = async || self.secrets.get_opt(name).await.unwrap().is_none().then_some(());
        self.env.eventually(&format!("{name} gone"), gone).await;
    }

    async fn refused(&self, token: &str) {
        let refused = async || (self.review(token).await.authenticated != Some(true)).then_some(());
        self.env.eventually("the token refused", refused).await;
    }
}

#[tokio::test]
async fn a_secret_gets_a_token_that_is_good_as_long_as_it_holds_it() {
    let world = World::new().await;
    let account = world.account().await;
    world.secret("token").await;
    let (secret, token) = world.token("token").await;
    let data = secret.data.clone().unwrap();
    assert_eq!(data["namespace"].0, world.env.namespace().as_bytes());
    assert!(data["ca.crt"].0.starts_with(b"-----BEGIN CERTIFICATE-----"));
    assert_eq!(secret.annotations()["kubernetes.io/service-account.uid"], account.uid().unwrap());

    let status = world.review(&token).await;
    assert_eq!(status.authenticated, Some(true), "{status:?}");
    let user = status.user.unwrap();
    let namespace = world.env.namespace();
    assert_eq!(user.username, Some(format!("system:serviceaccount:{namespace}:robot")));
    assert_eq!(user.uid, account.uid());
    assert_eq!(
        user.groups.unwrap(),
        [
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".into()
        ]
    );
    assert_eq!(user.extra, None);
    let label = "kubernetes.io/legacy-token-last-used";
    let noted = async || world.secrets.get("token").await.unwrap().labels().get(label).cloned();
    let day = world.env.eventually("the day of its use in the Secret", noted).await;
    assert_eq!(day.len(), "2026-01-01".len(), "{day}");

    world.secrets.delete("token", &DeleteParams::default()).await.unwrap();
    world.refused(&token).await;
    world.env.stop().await;
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_noted_as_used() {
    let world = World::new().await;
    world.account().await;
    world.secret("token").await;
    let (secret, token) = world.token("token").await;
    let status = world.review_for(&token, &["elsewhere"]).await;
    assert_eq!(status.authenticated, None, "{status:?}");
    let after = world.secrets.get("token").await.unwrap();
    assert_eq!(after.resource_version(), secret.resource_version(), "{:?}", after.labels());
    world.env.stop().await;
}

#[tokio::test]
async fn secrets_with_tokens_go_with_their_account() {
    let world = World::new().await;
    world.secret("nobodys").await;
    world.gone("nobodys").await;
    world.account().await;
    world.secret("token").await;
    let (_, token) = world.token("token").await;
    world.accounts.delete("robot", &DeleteParams::default()).await.unwrap();
    world.gone("token").await;
    world.refused(&token).await;
    world.env.stop().await;
}
