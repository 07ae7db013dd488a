//! What a reconcile reads wakes its key when that changes or goes away, and nothing else does.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::core::{Expression, Selector};
use kubewright_runtime::{Context, Controller, ControllerOptions, Error, ObjectRef, Outcome, Watch};
use parking_lot::Mutex;
use serde_json::{Value, json};
use support::{FakeApi, Running, Told, consistently, eventually, parent, run, told};

type Look = Arc<dyn Fn(&ConfigMap, &Context) -> Result<String, Error> + Send + Sync>;

/// A controller of ConfigMaps that notes what `look` has found for each.
struct Setup {
    api: FakeApi,
    reconciler: Told,
    seen: Arc<Mutex<Vec<String>>>,
    manager: Running,
}

async fn setup(
    api: FakeApi,
    add: impl FnOnce(Controller) -> Controller,
    look: impl Fn(&ConfigMap, &Context) -> Result<String, Error> + Send + Sync + 'static,
) -> Setup {
    let look: Look = Arc::new(look);
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = seen.clone();
    let reconciler = told(move |object, ctx| {
        let (look, log) = (look.clone(), log.clone());
        Box::pin(async move {
            let found = look(&object, ctx)?;
            log.lock().push(format!("{} {found}", object.metadata.name.as_deref().unwrap_or_default()));
            Ok(Outcome::Settled)
        })
    });
    let manager = run(&api, [add(Controller::new("test", Watch::all(), reconciler.clone()))]);
    manager.settled().await;
    Setup { api, reconciler, seen, manager }
}

impl Setup {
    fn seen(&self) -> Vec<String> {
        self.seen.lock().clone()
    }

    fn last(&self) -> String {
        self.seen.lock().last().cloned().unwrap_or_default()
    }

    async fn quiet(&self, what: &str) {
        let runs = self.reconciler.runs();
        consistently(what, Duration::from_secs(2), || self.reconciler.runs() == runs).await;
    }
}

fn secret(namespace: &str, name: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace, "labels": labels}})
}

fn reads(controller: Controller) -> Controller {
    controller.reads(Watch::<Secret>::all().index("host", |secret| secret.label("host").map(str::to_string)))
}

fn one_parent() -> FakeApi {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    api
}

/// Reads the Secret that the ConfigMap names.
fn look_up(object: &ConfigMap, ctx: &Context) -> Result<String, Error> {
    let data = object.data.clone().unwrap_or_default();
    let Some(name) = data.get("secret") else { return Ok("nothing".into()) };
    let secret = ctx.get::<Secret>(&ObjectRef::new(Some("ns"), name))?;
    Ok(secret.map_or("absent".into(), |secret| secret.metadata.resource_version.unwrap_or_default()))
}

fn refers(api: &FakeApi, to: &str) {
    api.change("configmaps", "ns", "a", |parent| parent["data"] = json!({"secret": to}));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_read_wakes_its_reader_when_it_appears_changes_and_goes() {
    let test = setup(one_parent(), reads, look_up).await;
    refers(&test.api, "s");
    eventually("it looks in vain", || test.last() == "a absent").await;
    let made = test.api.put("secrets", secret("ns", "s", json!({})));
    eventually("it appears", || test.last() == format!("a {}", made["metadata"]["resourceVersion"].as_str().unwrap()))
        .await;
    let changed = test.api.change("secrets", "ns", "s", |secret| secret["data"] = json!({"k": "dg=="}));
    let changed = format!("a {}", changed["metadata"]["resourceVersion"].as_str().unwrap());
    eventually("it changes", || test.last() == changed).await;
    test.api.delete("secrets", "ns", "s");
    eventually("it goes", || test.last() == "a absent").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_read_and_what_never_was_wakes_nobody() {
    let api = one_parent();
    api.put("secrets", secret("ns", "s", json!({})));
    api.put("secrets", secret("ns", "other", json!({})));
    let test = setup(api, reads, look_up).await;
    refers(&test.api, "s");
    test.manager.settled().await;
    test.api.change("secrets", "ns", "other", |secret| secret["data"] = json!({"k": "dg=="}));
    test.quiet("the other one does not matter").await;
    refers(&test.api, "other");
    test.manager.settled().await;
    test.api.change("secrets", "ns", "s", |secret| secret["data"] = json!({"k": "dg=="}));
    test.quiet("the first one does not matter any more").await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_reconcile_is_woken_by_what_it_read() {
    let test = setup(one_parent(), reads, |_, ctx| match ctx.get::<Secret>(&ObjectRef::new(Some("ns"), "s"))? {
        Some(_) => Ok("found".into()),
        None => Err(Error::terminal("there is no Secret s")),
    })
    .await;
    assert!(test.seen().is_empty());
    test.api.put("secrets", secret("ns", "s", json!({})));
    eventually("it is tried again", || test.last() == "a found").await;
    assert!(test.manager.handle.status()[0].failing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_change_between_the_read_and_the_end_of_the_reconcile_is_not_lost() {
    let api = one_parent();
    let server = api.clone();
    let once = Arc::new(Mutex::new(true));
    let reconciler = told(move |_, ctx| {
        let (server, first) = (server.clone(), std::mem::replace(&mut *once.lock(), false));
        Box::pin(async move {
            assert_eq!(ctx.get::<Secret>(&ObjectRef::new(Some("ns"), "s"))?.is_some(), !first);
            if first {
                server.put("secrets", secret("ns", "s", json!({})));
                // The feed has dealt with it before this ends.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(Outcome::Settled)
        })
    });
    let _manager = run(&api, [reads(Controller::new("test", Watch::all(), reconciler.clone()))]);
    eventually("it runs again", || reconciler.runs().len() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn lists_selections_and_indexes_wake_for_what_they_are_about() {
    let api = FakeApi::default();
    for name in ["all", "namespace", "selector", "index"] {
        api.put("configmaps", parent(name));
    }
    let test = setup(api, reads, |object, ctx| {
        let tls = Selector::from(Expression::Equal("type".into(), "tls".into()));
        let found: Vec<Secret> = match object.metadata.name.as_deref().unwrap() {
            "all" => ctx.list(None)?,
            "namespace" => ctx.list(Some("x"))?,
            "selector" => ctx.select(Some("x"), &tls)?,
            _ => ctx.list_by("host", "h")?,
        };
        Ok(found.into_iter().filter_map(|secret| secret.metadata.name).collect::<Vec<_>>().join(","))
    })
    .await;
    let woken = async |change: &dyn Fn()| {
        test.seen.lock().clear();
        change();
        test.manager.settled().await;
        let mut seen = test.seen();
        seen.sort();
        seen
    };
    let api = &test.api;
    let in_y = woken(&|| _ = api.put("secrets", secret("y", "one", json!({"type": "tls"})))).await;
    assert_eq!(in_y, ["all one"]);
    let in_x = woken(&|| _ = api.put("secrets", secret("x", "two", json!({})))).await;
    assert_eq!(in_x, ["all two,one", "namespace two"]);
    let labels =
        |labels: Value| move || _ = api.change("secrets", "x", "two", |s| s["metadata"]["labels"] = labels.clone());
    let typed = woken(&labels(json!({"type": "tls"}))).await;
    assert_eq!(typed, ["all two,one", "namespace two", "selector two"]);
    let hosted = woken(&labels(json!({"host": "h"}))).await;
    assert_eq!(hosted, ["all two,one", "index two", "namespace two", "selector "], "it no longer matches");
    let gone = woken(&|| api.delete("secrets", "x", "two")).await;
    assert_eq!(gone, ["all one", "index ", "namespace "]);
}

/// Selectors are found by one of their labels where they have one: none of the others may be forgotten for that.
#[tokio::test(start_paused = true)]
async fn selections_of_all_forms_wake_for_what_matches_or_did() {
    let api = FakeApi::default();
    let selectors =
        ["", "type=tls", "type=tls,host=h", "host=h,type=tls", "type in (tls,ca)", "type!=tls", "host", "!host"];
    for name in 0..selectors.len() {
        api.put("configmaps", parent(&format!("s{name}")));
    }
    let test = setup(api, reads, move |object, ctx| {
        let number: usize = object.metadata.name.as_deref().unwrap()[1..].parse().unwrap();
        let pairs = |names: &[&str]| -> Selector {
            names
                .iter()
                .map(|name| Expression::Equal((*name).into(), if *name == "type" { "tls" } else { "h" }.into()))
                .collect()
        };
        let selector = match selectors[number] {
            "" => Selector::default(),
            "type=tls" => pairs(&["type"]),
            "type=tls,host=h" => pairs(&["type", "host"]),
            "host=h,type=tls" => pairs(&["host", "type"]),
            "type in (tls,ca)" => Expression::In("type".into(), ["tls".into(), "ca".into()].into()).into(),
            "type!=tls" => Expression::NotEqual("type".into(), "tls".into()).into(),
            "host" => Expression::Exists("host".into()).into(),
            _ => Expression::DoesNotExist("host".into()).into(),
        };
        let found: Vec<Secret> = ctx.select(Some("x"), &selector)?;
        Ok(found.len().to_string())
    })
    .await;
    let api = &test.api;
    let mut labels = json!({});
    api.put("secrets", secret("x", "s", labels.clone()));
    test.manager.settled().await;
    // From each set of labels to each other, and who is woken by that: whose selector matches before or after.
    let matching = |labels: &Value| -> Vec<bool> {
        let (kind, host) = (labels["type"].as_str(), labels["host"].as_str());
        let (tls, h) = (kind == Some("tls"), host == Some("h"));
        vec![true, tls, tls && h, tls && h, tls || kind == Some("ca"), !tls, host.is_some(), host.is_none()]
    };
    let sets =
        [json!({}), json!({"type": "tls"}), json!({"type": "tls", "host": "h"}), json!({"type": "ca", "host": "i"})];
    for from in &sets {
        for to in &sets {
            for next in [from, to] {
                test.seen.lock().clear();
                let before = matching(&labels);
                labels = next.clone();
                api.change("secrets", "x", "s", |secret| {
                    secret["metadata"]["labels"] = labels.clone();
                    let count = secret["data"]["n"].as_str().map_or(0, str::len);
                    secret["data"] = json!({"n": "AAAA".repeat(count / 4 + 1)});
                });
                test.manager.settled().await;
                let mut woken: Vec<String> =
                    test.seen().iter().filter_map(|seen| Some(seen.split_once(' ')?.0.to_string())).collect();
                woken.sort();
                let after = matching(&labels);
                let wanted: Vec<String> =
                    (0..selectors.len()).filter(|&at| before[at] || after[at]).map(|at| format!("s{at}")).collect();
                assert_eq!(woken, wanted, "labels {labels}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_looks_for_any_is_woken_when_the_one_found_is_no_longer_it() {
    let test = setup(one_parent(), reads, |_, ctx| {
        let found = ctx.find_by::<Secret>("host", "h", |found| &*found.name != "mine")?;
        Ok(found.map_or("none".into(), |found| found.to_string()))
    })
    .await;
    assert_eq!(test.last(), "a none");
    let host = json!({"host": "h"});
    test.api.put("secrets", secret("ns", "m", host.clone()));
    eventually("one is found", || test.last() == "a ns/m").await;
    test.manager.settled().await;
    test.api.put("secrets", secret("ns", "z", host.clone()));
    test.api.put("secrets", secret("ns", "c", host));
    test.api.change("secrets", "ns", "m", |secret| secret["data"] = json!({"k": "dg=="}));
    test.api.put("secrets", secret("ns", "b", json!({"host": "another"})));
    test.quiet("neither others, nor its contents, nor other values matter").await;
    test.api.change("secrets", "ns", "m", |secret| secret["metadata"]["labels"] = json!({}));
    eventually("another one", || test.last() == "a ns/c").await;
    test.api.delete("secrets", "ns", "c");
    eventually("the next one", || test.last() == "a ns/z").await;
    test.api.delete("secrets", "ns", "z");
    eventually("none is left", || test.last() == "a none").await;
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_declared_is_watched_while_somebody_reads_it() {
    let api = one_parent();
    api.put("secrets", secret("ns", "s", json!({})));
    let test = setup(api, |controller| controller, look_up).await;
    assert_eq!(test.api.watches("secrets"), 0, "nobody reads it");
    refers(&test.api, "s");
    eventually("it is read", || test.last() == "a 2").await;
    assert_eq!(test.api.watches("secrets"), 1);
    assert_eq!(test.manager.handle.ready(), Ok(()));
    test.api.delete("secrets", "ns", "s");
    eventually("it goes", || test.last() == "a absent").await;
    refers(&test.api, "t");
    test.manager.settled().await;
    assert_eq!(test.api.watches("secrets"), 1, "the watch stays while others of the kind are read");
    test.api.change("configmaps", "ns", "a", |parent| parent["data"] = Value::Null);
    eventually("nobody reads it any more", || test.api.watches("secrets") == 0).await;
    refers(&test.api, "s");
    eventually("it is read again", || test.last() == "a absent").await;
    test.api.delete("configmaps", "ns", "a");
    eventually("its reader is gone", || test.api.watches("secrets") == 0).await;
    test.manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_may_not_be_watched_keeps_its_reader_waiting_and_readiness_says_so() {
    let api = one_parent();
    api.forbid("secrets");
    refers(&api, "s");
    let test = setup_unsettled(api);
    eventually("readiness tells", || {
        let faults = test.manager.handle.ready().err().unwrap_or_default().join("\n");
        faults.contains("secrets") && faults.contains("forbidden")
    })
    .await;
    let failing = test.manager.handle.status()[0].failing.clone();
    assert!(failing[0].error.contains("the cache of secrets"), "{failing:?}");
    assert_eq!(test.reconciler.runs().len(), 1, "it is not tried again and again");
    test.api.allow("secrets");
    eventually("it goes on", || test.last() == "a absent").await;
    assert_eq!(test.manager.handle.ready(), Ok(()));
    assert!(test.manager.handle.status()[0].failing.is_empty());
}

/// As [`setup`], with a manager that may have something to do for ever.
fn setup_unsettled(api: FakeApi) -> Setup {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = seen.clone();
    let reconciler = told(move |object, ctx| {
        let log = log.clone();
        Box::pin(async move {
            let found = look_up(&object, ctx)?;
            log.lock().push(format!("a {found}"));
            Ok(Outcome::Settled)
        })
    });
    let manager = run(&api, [Controller::new("test", Watch::all(), reconciler.clone())]);
    Setup { api, reconciler, seen, manager }
}

#[tokio::test(start_paused = true)]
async fn who_watches_one_namespace_reads_in_it_with_the_rights_for_it() {
    let api = one_parent();
    let reconciler = told(|_, ctx| {
        Box::pin(async {
            ctx.get::<Secret>(&ObjectRef::new(Some("ns"), "s"))?;
            Ok(Outcome::Settled)
        })
    });
    let _manager = run(&api, [Controller::new("test", Watch::all().namespace("ns"), reconciler)]);
    eventually("it is watched", || api.watches("secrets") == 1).await;
    let paths: Vec<String> = api.requests().into_iter().map(|request| request.path).collect();
    let within: Vec<&String> = paths.iter().filter(|path| path.ends_with("/secrets")).collect();
    assert!(within.iter().all(|path| **path == "/api/v1/namespaces/ns/secrets"), "{within:?}");
}

#[tokio::test(start_paused = true)]
async fn kinds_that_are_not_declared_are_watched_with_the_labels_of_the_options() {
    let api = one_parent();
    let reconciler = told(|_, ctx| {
        Box::pin(async {
            ctx.get::<Secret>(&ObjectRef::new(Some("ns"), "s"))?;
            Ok(Outcome::Settled)
        })
    });
    let how = ControllerOptions { on_demand_labels: Some("team=test".into()), ..ControllerOptions::default() };
    let _manager = run(&api, [Controller::new("test", Watch::all(), reconciler).options(how)]);
    eventually("it is watched", || api.watches("secrets") == 1).await;
    let queries: Vec<String> = api
        .requests()
        .into_iter()
        .filter_map(|request| request.path.ends_with("/secrets").then_some(request.query))
        .collect();
    assert!(queries.iter().all(|query| query.contains("labelSelector=team%3Dtest")), "{queries:?}");
}

#[tokio::test(start_paused = true)]
async fn an_owner_whose_child_was_refused_hears_when_the_name_is_free() {
    let api = one_parent();
    api.put("secrets", secret("ns", "c", json!({})));
    let reconciler = told(|_, ctx| {
        Box::pin(async {
            let mut child = Secret::default();
            child.metadata.name = Some("c".into());
            ctx.own([child]).await?;
            Ok(Outcome::Settled)
        })
    });
    let manager = run(&api, [Controller::new("test", Watch::all(), reconciler).owns(Watch::<Secret>::all())]);
    manager.settled().await;
    assert!(api.writes().is_empty());
    api.delete("secrets", "ns", "c");
    eventually("the child is made", || api.get("secrets", "ns", "c").is_some()).await;
}
