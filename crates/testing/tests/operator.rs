//! What the test environment tells of operators that go wrong.

#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::Api;
use kube::api::PostParams;
use kubewright_runtime::{Context, Controller, Error, Manager, Outcome, Reconciler, Watch};
use kubewright_testing::TestEnv;
use serde_json::json;

/// Counts its runs in an annotation, or does nothing.
struct Counter {
    runs: AtomicU64,
    counts: bool,
}

impl Reconciler for Counter {
    type Object = ConfigMap;

    async fn reconcile(&self, parent: Arc<ConfigMap>, ctx: &Context) -> Result<Outcome, Error> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let mut child = Service::default();
        child.metadata.name = parent.metadata.name.clone();
        let run = if self.counts { run } else { 0 };
        child.metadata.annotations = Some([("run".to_string(), run.to_string())].into());
        child.spec = Some(serde_json::from_value(json!({"ports": [{"port": 80}]}))?);
        ctx.own([child]).await?;
        Ok(Outcome::Settled)
    }
}

fn add(namespace: &str, counts: bool) -> impl Fn(Manager) -> Manager + Send + Sync + 'static {
    let namespace = namespace.to_string();
    move |manager| {
        let counter = Counter { runs: AtomicU64::new(0), counts };
        let controller = Controller::new("counter", Watch::all().namespace(&namespace).labels("counted"), counter)
            .owns(Watch::<Service>::all().namespace(&namespace));
        manager.controller(controller)
    }
}

async fn make(env: &TestEnv) {
    let parent = serde_json::from_value(json!({"metadata": {"name": "a", "labels": {"counted": "yes"}}})).unwrap();
    let parents = Api::<ConfigMap>::namespaced(env.client(), env.namespace());
    parents.create(&PostParams::default(), &parent).await.unwrap();
}

#[tokio::test]
async fn an_operator_that_never_settles_fails_its_test_with_the_field() {
    let env = TestEnv::start().await.unwrap();
    let operator = env.operator(add(env.namespace(), true));
    make(&env).await;
    env.eventually("it is found out", async || (!operator.unsettled().is_empty()).then_some(())).await;
    let panic = std::panic::AssertUnwindSafe(operator.idle()).catch_unwind().await.unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("never settles on") && text.contains(".metadata.annotations.run"), "{text}");
    operator.allow_unsettled();
    operator.stop().await.unwrap();
    let records = operator.records();
    assert!(records.iter().any(|record| record.writes.iter().any(|write| write.resource == "services")), "{records:?}");
    env.stop().await;
}

#[tokio::test]
async fn an_operator_that_settles_stays_quiet() {
    let env = TestEnv::start().await.unwrap();
    let operator = env.operator(add(env.namespace(), false));
    make(&env).await;
    let services = Api::<Service>::namespaced(env.client(), env.namespace());
    env.eventually("the child", async || services.get_opt("a").await.unwrap()).await;
    operator.idle().await;
    let runs = operator.records().len();
    env.consistently("it stays quiet", Duration::from_millis(100), async || operator.records().len() == runs).await;
    operator.stop().await.unwrap();
    env.stop().await;
}
