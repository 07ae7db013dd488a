//! Kubeconfigs over time, on an API server and an operator with a clock that the test moves.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, PostParams};
use kube::{Client, ResourceExt};
use kubewright::prelude::*;
use kubewright::runtime::clock::{Clock as _, TokioClock};
use kubewright_access::{Cluster, KubeconfigSpec, Options, User, UserSpec, add_controllers_to, crds};
use kubewright_apiserver::ApiServer;
use kubewright_apiserver::env::{Clock, Env};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long tokens live here: as short as an API server gives them.
const LIFE: Duration = Duration::from_secs(600);
/// How long anything may take that needs no time but work.
const SOON: Duration = Duration::from_secs(10);

/// The operator's clock, for the server.
struct Shared(TokioClock);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

struct World {
    server: ApiServer,
    client: Client,
    stop: CancellationToken,
}

impl World {
    async fn new() -> Self {
        let clock = TokioClock::start();
        let env = Env { clock: Arc::new(Shared(clock)), ..Env::default() };
        let options = kubewright_apiserver::Options { env, ..kubewright_apiserver::Options::default() };
        let server = ApiServer::start(options).await.unwrap();
        let client = Client::new(server.service(), "default");
        let definitions = Api::<CustomResourceDefinition>::all(client.clone());
        for crd in crds() {
            definitions.create(&PostParams::default(), &crd).await.unwrap();
        }
        let options = ManagerOptions { listen: None, clock: Arc::new(clock), ..ManagerOptions::default() };
        let cluster = Some(Cluster { server: "https://here".into(), authorities: None });
        let manager = Manager::new(client.clone(), options);
        let manager = add_controllers_to(manager, &Options { cluster, ..Options::default() }).unwrap();
        let stop = CancellationToken::new();
        let running = manager.run(stop.clone());
        tokio::spawn(async move { running.await.unwrap() });
        Self { server, client, stop }
    }

    fn system<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), "user-system")
    }

    /// The token of alice's kubeconfig, if there is one.
    async fn token(&self) -> Option<String> {
        let secret = self.system::<Secret>().get_opt("alice-kubeconfig").await.unwrap()?;
        let text = |key: &str| String::from_utf8(secret.data.as_ref().unwrap()[key].0.clone()).unwrap();
        let config: serde_json::Value = serde_json::from_str(&text("kubeconfig")).unwrap();
        assert_eq!(config["users"][0]["user"]["token"], text("token"));
        Some(text("token"))
    }

    /// Waits for another token than this.
    async fn token_after(&self, before: Option<&str>) -> String {
        let limit = Instant::now() + SOON;
        loop {
            match self.token().await {
                Some(token) if Some(&*token) != before => return token,
                _ => assert!(Instant::now() < limit, "there is no new token"),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whose the token is, if the server takes it.
    async fn whose(&self, token: &str) -> Option<String> {
        let spec = TokenReviewSpec { token: token.into(), audiences: None };
        let review = TokenReview { spec, ..TokenReview::default() };
        let status = Api::<TokenReview>::all(self.client.clone()).create(&PostParams::default(), &review).await;
        let status = status.unwrap().status.unwrap();
        status.user.filter(|_| status.authenticated == Some(true))?.username
    }
}

#[tokio::test(start_paused = true)]
async fn a_kubeconfig_is_replaced_before_its_token_expires_and_at_once_with_another_account() {
    let world = World::new().await;
    let kubeconfig = Some(KubeconfigSpec { expiration_seconds: LIFE.as_secs().try_into().unwrap() });
    let users = Api::<User>::all(world.client.clone());
    users.create(&PostParams::default(), &User::new("alice", UserSpec { kubeconfig })).await.unwrap();
    let first = world.token_after(None).await;
    let issued = Instant::now();
    let alice = Some("system:serviceaccount:user-system:alice".to_string());
    assert_eq!(world.whose(&first).await, alice);

    sleep_until(issued + LIFE * 2 / 3 - 2 * SOON).await;
    assert_eq!(world.token().await.as_ref(), Some(&first), "it is kept for two thirds of its life");
    sleep_until(issued + LIFE * 2 / 3).await;
    let second = world.token_after(Some(&first)).await;
    let replaced = Instant::now();
    assert_eq!(world.whose(&first).await, alice, "who has read the old one can go on with it");
    assert_eq!(world.whose(&second).await, alice);
    let told = users.get("alice").await.unwrap().status.unwrap().kubeconfig.unwrap().expiration_time.unwrap().0;
    assert!(told.as_second() > 1000 - 10, "{told}");

    // The server allows for clocks that are not quite right.
    sleep_until(issued + LIFE + Duration::from_secs(90)).await;
    assert_eq!(world.whose(&first).await, None);
    assert_eq!(world.whose(&second).await, alice);
    sleep_until(replaced + LIFE * 2 / 3).await;
    let third = world.token_after(Some(&second)).await;

    // Tokens go with their service account.
    let accounts = world.system::<ServiceAccount>();
    let before = accounts.get("alice").await.unwrap().uid();
    accounts.delete("alice", &DeleteParams::default()).await.unwrap();
    let fourth = world.token_after(Some(&third)).await;
    assert_ne!(accounts.get("alice").await.unwrap().uid(), before);
    assert_eq!((world.whose(&third).await, world.whose(&fourth).await), (None, alice));
    world.stop.cancel();
    world.server.shutdown().await;
}
