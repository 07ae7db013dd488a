//! What the operator promises.

use kubewright::k8s_openapi::api::core::v1::ConfigMap;
use kubewright::kube::CustomResourceExt;
use kubewright::kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kubewright::prelude::*;
use kubewright_testing::TestEnv;
use serde_json::json;
use site::{Site, SiteApplyConfiguration, SiteSpecApplyConfiguration};

#[tokio::test]
async fn each_site_has_its_page_whatever_happens() -> Result<(), Box<dyn std::error::Error>> {
    let env = TestEnv::start().await?;
    env.install_crds(&[Site::crd()]).await?;
    let operator = env.operator(|manager| manager.controller(site::controller()));
    let sites = Api::<Site>::namespaced(env.client(), env.namespace());
    let maps = Api::<ConfigMap>::namespaced(env.client(), env.namespace());
    let shows = async |text: &str| {
        let page = maps.get_opt("home-page").await.ok()??.data?.remove("index.html")?;
        page.contains(text).then_some(())
    };

    // A Site gets its page.
    let home = serde_json::from_value(json!({"metadata": {"name": "home"}, "spec": {"title": "Hello"}}))?;
    sites.create(&PostParams::default(), &home).await?;
    env.eventually("the page", async || shows("<h1>Hello</h1>").await).await;

    // Somebody breaks it, or deletes it: it is mended.
    let broken = json!({"data": {"index.html": "oops"}});
    maps.patch("home-page", &PatchParams::default(), &Patch::Merge(broken)).await?;
    env.eventually("the page is repaired", async || shows("<h1>Hello</h1>").await).await;
    maps.delete("home-page", &DeleteParams::default()).await?;
    env.eventually("the page is made again", async || shows("<h1>Hello</h1>").await).await;

    // Somebody else gives it a style. A part of a Site says no more than that, and leaves the title to whoever has set it.
    let part = SiteApplyConfiguration::new("home").spec(SiteSpecApplyConfiguration::default().style_from("look"));
    sites.patch("home", &PatchParams::apply("design"), &Patch::Apply(&part)).await?;

    // The style that it refers to appears.
    let look = serde_json::from_value(json!({"metadata": {"name": "look"}, "data": {"style.css": "h1 {color: red}"}}))?;
    maps.create(&PostParams::default(), &look).await?;
    env.eventually("the style", async || shows("color: red").await).await;

    // It works on nothing more, and has used no rights but those that it declares.
    operator.idle().await;
    assert_eq!(sites.get("home").await?.status.and_then(|status| status.observed_generation), Some(2));
    assert_eq!(operator.undeclared(), []);
    operator.stop().await?;
    env.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_site_without_a_title_is_refused() -> Result<(), Box<dyn std::error::Error>> {
    let env = TestEnv::start().await?;
    env.install_crds(&[Site::crd()]).await?;
    let sites = Api::<Site>::namespaced(env.client(), env.namespace());
    let untitled = serde_json::from_value(json!({"metadata": {"name": "untitled"}, "spec": {"title": ""}}))?;
    let refused = sites.create(&PostParams::default(), &untitled).await.map_err(|error| error.to_string());
    assert!(refused.is_err_and(|error| error.contains("spec.title")));
    env.stop().await;
    Ok(())
}
