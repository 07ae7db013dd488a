//! A manager from start to stop: caches before workers, one stop for all, and the truth about its health.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::core::v1::Secret;
use kubewright_runtime::{
    Controller, ControllerOptions, Error, Manager, ManagerError, ManagerOptions, ObjectRef, Outcome, Watch,
};
use serde_json::json;
use support::{FakeApi, Told, consistently, eventually, parent, run, start, told};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::Instant,
};

fn idle() -> Told {
    told(|_, _| Box::pin(async { Ok(Outcome::Settled) }))
}

fn controller(reconciler: &Told) -> Controller {
    Controller::new("test", Watch::all(), reconciler.clone())
}

fn options() -> ControllerOptions {
    ControllerOptions::default()
}

#[tokio::test(start_paused = true)]
async fn workers_start_when_all_caches_are_in_sync_and_readiness_tells_what_is_missing() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    api.forbid("secrets");
    let reconciler = idle();
    let manager = run(&api, [controller(&reconciler).watches(Watch::<Secret>::all(), |_| None)]);
    eventually("the refusal is told", || {
        let faults = manager.handle.ready().err().unwrap_or_default().join("\n");
        faults.contains("secrets") && faults.contains("orbidden")
    })
    .await;
    consistently("nothing runs", Duration::from_secs(5), || reconciler.runs().is_empty()).await;
    api.allow("secrets");
    eventually("the object is reconciled", || reconciler.runs() == ["a"]).await;
    assert_eq!(manager.handle.ready(), Ok(()));
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_does_not_get_in_sync_ends_the_manager_with_the_reason() {
    let api = FakeApi::default();
    api.forbid("configmaps");
    let ended = run(&api, [controller(&idle())]).ended().await;
    let error = ended.unwrap_err();
    assert!(matches!(error, ManagerError::NotSynced { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("configmaps") && text.contains("forbidden") && text.contains("120s"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn changes_wake_the_reconciler_and_removals_are_told() {
    let api = FakeApi::default();
    let reconciler = idle();
    let manager = run(&api, [controller(&reconciler)]);
    manager.settled().await;
    api.put("configmaps", parent("a"));
    eventually("added", || reconciler.runs().len() == 1).await;
    api.change("configmaps", "ns", "a", |object| object["data"] = json!({"k": "v"}));
    eventually("modified", || reconciler.runs().len() == 2).await;
    api.delete("configmaps", "ns", "a");
    eventually("removed", || reconciler.gone() == ["ns/a"]).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_predicate_leaves_changes_out() {
    let api = FakeApi::default();
    let reconciler = idle();
    let watch = Watch::all().when(kubewright_runtime::predicates::labels_changed);
    let manager = run(&api, [Controller::new("test", watch, reconciler.clone())]);
    api.put("configmaps", parent("a"));
    eventually("added", || reconciler.runs().len() == 1).await;
    api.change("configmaps", "ns", "a", |object| object["data"] = json!({"k": "v"}));
    consistently("data do not count", Duration::from_secs(1), || reconciler.runs().len() == 1).await;
    api.change("configmaps", "ns", "a", |object| object["metadata"]["labels"] = json!({"k": "v"}));
    eventually("labels count", || reconciler.runs().len() == 2).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_one_reconcile() {
    let api = FakeApi::default();
    api.put("configmaps", parent("bad"));
    api.put("configmaps", parent("good"));
    let first = Arc::new(AtomicBool::new(true));
    let reconciler = told(move |object, _| {
        let panics = object.metadata.name.as_deref() == Some("bad") && first.swap(false, Ordering::Relaxed);
        Box::pin(async move {
            assert!(!panics, "on purpose");
            Ok(Outcome::Settled)
        })
    });
    let manager = run(&api, [controller(&reconciler)]);
    eventually("the key that panicked is retried", || reconciler.runs() == ["bad", "good", "bad"]).await;
    manager.settled().await;
    assert!(manager.handle.status()[0].failing.is_empty());
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panicking_mapper_loses_its_change_and_nothing_else() {
    let api = FakeApi::default();
    let reconciler = idle();
    let watch = Watch::all().when(|delta| {
        assert_ne!(&*delta.reference.name, "bad", "on purpose");
        true
    });
    let manager = run(&api, [Controller::new("test", watch, reconciler.clone())]);
    api.put("configmaps", parent("bad"));
    api.put("configmaps", parent("good"));
    eventually("the other is reconciled", || reconciler.runs() == ["good"]).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_that_hangs_is_dropped_and_retried() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, _| Box::pin(std::future::pending()));
    let how = ControllerOptions { timeout: Some(Duration::from_secs(10)), ..options() };
    let manager = run(&api, [controller(&reconciler).options(how)]);
    eventually("it is tried again", || reconciler.runs().len() == 2).await;
    let failing = &manager.handle.status()[0].failing;
    assert!(failing[0].error.contains("10s"), "{failing:?}");
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_at_its_deadline_and_names_what_still_ran() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, _| Box::pin(std::future::pending()));
    let how = ControllerOptions { timeout: None, ..options() };
    let manager = run(&api, [controller(&reconciler).options(how)]);
    eventually("it runs", || reconciler.runs().len() == 1).await;
    let stopping = Instant::now();
    let error = manager.stop().await.unwrap_err();
    assert_eq!(error.to_string(), "dropped at the shutdown deadline of 30s: controller test: ns/a");
    assert_eq!(stopping.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_failing_key_is_retried_so_often_then_dropped_until_it_changes() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, _| Box::pin(async { Err(Error::temporary("always")) }));
    let how = ControllerOptions { max_retries: Some(10), ..options() };
    let manager = run(&api, [controller(&reconciler).options(how)]);
    eventually("all retries are used", || reconciler.runs().len() == 11).await;
    consistently("it is dropped", Duration::from_secs(3600), || reconciler.runs().len() == 11).await;
    let status = &manager.handle.status()[0];
    assert_eq!((status.failing[0].key.as_str(), status.failing[0].retries), ("ns/a", 10));
    assert_eq!(status.failing[0].error, "always");
    api.change("configmaps", "ns", "a", |object| object["data"] = json!({"k": "v"}));
    eventually("it can be handled again", || reconciler.runs().len() == 22).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_terminal_error_is_not_retried() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, _| Box::pin(async { Err(Error::terminal("spec.x: no")) }));
    let manager = run(&api, [controller(&reconciler)]);
    manager.settled().await;
    consistently("no retry", Duration::from_secs(3600), || reconciler.runs().len() == 1).await;
    assert_eq!(manager.handle.status()[0].failing[0].error, "spec.x: no");
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_fit_its_type_is_a_terminal_error_that_says_so() {
    let api = FakeApi::default();
    let mut odd = parent("odd");
    odd["data"] = json!("not a map");
    api.put("configmaps", odd);
    let reconciler = idle();
    let manager = run(&api, [controller(&reconciler)]);
    manager.settled().await;
    assert!(reconciler.runs().is_empty());
    let error = &manager.handle.status()[0].failing[0].error;
    assert!(error.contains("ConfigMap ns/odd") && error.contains("type"), "{error}");
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_runs_again_when_it_asked_to() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, _| Box::pin(async { Ok(Outcome::After(Duration::from_secs(60))) }));
    let manager = run(&api, [controller(&reconciler)]);
    eventually("first", || reconciler.runs().len() == 1).await;
    let started = Instant::now();
    while reconciler.runs().len() < 3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let elapsed = started.elapsed().as_secs();
    assert!((119..=121).contains(&elapsed), "{elapsed}");
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_looked_at_again_counts_as_settled_until_then() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, _| Box::pin(async { Ok(Outcome::Recheck(Duration::from_secs(5))) }));
    let manager = run(&api, [controller(&reconciler)]);
    eventually("settled", || {
        let status = &manager.handle.status()[0];
        (status.delayed, status.scheduled, status.active) == (1, 1, 0)
    })
    .await;
    eventually("looked at again", || reconciler.runs().len() == 3).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn five_workers_never_work_on_one_key_at_once() {
    let api = FakeApi::default();
    let working: Arc<AtomicUsize> = Arc::default();
    let most: Arc<AtomicUsize> = Arc::default();
    let (at_work, peak) = (working.clone(), most.clone());
    let reconciler = told(move |_, _| {
        let (at_work, peak) = (at_work.clone(), peak.clone());
        Box::pin(async move {
            peak.fetch_max(at_work.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(10)).await;
            at_work.fetch_sub(1, Ordering::Relaxed);
            Ok(Outcome::Settled)
        })
    });
    let how = ControllerOptions { concurrency: 5, ..options() };
    let manager = run(&api, [controller(&reconciler).options(how)]);
    manager.settled().await;
    api.put("configmaps", parent("a"));
    for n in 0..10 {
        api.change("configmaps", "ns", "a", |object| object["data"] = json!({"n": n.to_string()}));
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    manager.settled().await;
    assert_eq!(most.load(Ordering::Relaxed), 1);
    for n in 0..20 {
        api.put("configmaps", parent(&format!("o{n}")));
    }
    manager.settled().await;
    assert_eq!(most.load(Ordering::Relaxed), 5);
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn fresh_changes_overtake_the_first_list() {
    let api = FakeApi::default();
    for n in 0..100 {
        api.put("configmaps", parent(&format!("listed-{n:03}")));
    }
    let reconciler = told(|_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(Outcome::Settled)
        })
    });
    let manager = run(&api, [controller(&reconciler)]);
    eventually("the first list is worked on", || reconciler.runs().len() > 3).await;
    api.put("configmaps", parent("fresh"));
    eventually("the fresh one came early", || reconciler.runs().contains(&"fresh".to_string())).await;
    assert!(reconciler.runs().len() < 20, "{}", reconciler.runs().len());
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_are_woken_from_outside_also_before_the_start() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = idle();
    let controller = controller(&reconciler);
    let trigger = controller.trigger();
    trigger.wake(ObjectRef::new(Some("ns"), "missing"));
    let manager = run(&api, [controller]);
    eventually("the key of before", || reconciler.gone() == ["ns/missing"]).await;
    manager.settled().await;
    trigger.wake(ObjectRef::new(Some("ns"), "a"));
    eventually("woken", || reconciler.runs().len() == 2).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_running_reconciles_and_sends_their_events() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let (started, finished) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (starts, finishes) = (started.clone(), finished.clone());
    let reconciler = told(move |_, ctx| {
        let (starts, finishes) = (starts.clone(), finishes.clone());
        Box::pin(async move {
            starts.notify_one();
            tokio::time::sleep(Duration::from_secs(20)).await;
            ctx.normal("Done", "at last");
            finishes.store(true, Ordering::Relaxed);
            Ok(Outcome::Settled)
        })
    });
    let manager = run(&api, [controller(&reconciler)]);
    started.notified().await;
    manager.stop().await.unwrap();
    assert!(finished.load(Ordering::Relaxed));
    let events = api.requests().into_iter().filter(|request| request.path.ends_with("/events"));
    assert_eq!(events.map(|request| request.path).collect::<Vec<_>>(), ["/api/v1/namespaces/ns/events"]);
}

#[tokio::test(start_paused = true)]
async fn tasks_run_beside_controllers_and_their_failure_ends_the_manager() {
    let api = FakeApi::default();
    let manager = Manager::new(api.client(), ManagerOptions { listen: None, ..ManagerOptions::default() })
        .controller(controller(&idle()))
        .task("feeder", |_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err(Error::temporary("the source is dry"))
        });
    let error = start(manager).ended().await.unwrap_err();
    assert_eq!(error.to_string(), "feeder failed: the source is dry");
}

#[tokio::test(start_paused = true)]
async fn two_controllers_of_a_name_are_refused() {
    let api = FakeApi::default();
    let error = run(&api, [controller(&idle()), controller(&idle())]).ended().await.unwrap_err();
    assert!(matches!(error, ManagerError::DuplicateName { .. }), "{error}");
}

#[tokio::test]
async fn health_and_metrics_are_served_on_loopback() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = idle();
    let manager = start(Manager::new(api.client(), ManagerOptions::default()).controller(controller(&reconciler)));
    eventually("it has started", || manager.handle.ready().is_ok() && reconciler.runs().len() == 1).await;
    let address = manager.handle.address().unwrap();
    assert!(address.ip().is_loopback());
    let ready = get(address, "/readyz?verbose").await;
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains("configmaps ok"), "{ready}");
    let metrics = get(address, "/metrics").await;
    for line in [
        "controller_runtime_reconcile_total{controller=\"test\",result=\"success\"} 1",
        "controller_runtime_max_concurrent_reconciles{controller=\"test\"} 1",
        "controller_runtime_reconcile_time_seconds_count{controller=\"test\"} 1",
        "workqueue_adds_total{name=\"test\",controller=\"test\"} 1",
        "workqueue_queue_duration_seconds_count{name=\"test\",controller=\"test\"} 1",
        "kubewright_cache_objects{cluster=\"\",group=\"\",version=\"v1\",resource=\"configmaps\",keep=\"whole\",namespace=\"\",labels=\"\",fields=\"\"} 1",
        "rest_client_requests_total{code=\"200\",method=\"GET\"}",
    ] {
        assert!(metrics.contains(line), "{line}\nis not in\n{metrics}");
    }
    manager.stop().await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_taken_address_is_an_error_that_names_it() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let manager = Manager::new(
        FakeApi::default().client(),
        ManagerOptions { listen: Some(address), ..ManagerOptions::default() },
    );
    let error = start(manager).ended().await.unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(start_paused = true)]
async fn what_a_task_watches_is_part_of_the_status() {
    let api = FakeApi::default();
    api.forbid("secrets");
    let (deal, dealt) = tokio::sync::oneshot::channel::<()>();
    let manager = Manager::new(api.client(), ManagerOptions { listen: None, ..ManagerOptions::default() }).task(
        "follower",
        |context| async move {
            let secrets = kube::api::ApiResource::erase::<Secret>(&());
            let mut changes = context.follow(&secrets, Default::default(), Default::default())?;
            context.set_busy(true);
            changes.next().await;
            let _ = dealt.await;
            context.set_busy(false);
            tokio::select! {
                _ = changes.next() => {}
                () = context.stop.cancelled() => {}
            }
            drop(changes);
            context.stop.cancelled().await;
            Ok(())
        },
    );
    let manager = start(manager);
    eventually("the refusal is told", || {
        let faults = manager.handle.ready().err().unwrap_or_default().join("\n");
        faults.contains("task follower watch secrets") && faults.contains("orbidden")
    })
    .await;
    api.put("secrets", json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "ns"}}));
    api.allow("secrets");
    eventually("it is ready", || manager.handle.ready().is_ok()).await;
    let pending = || manager.handle.tasks().iter().map(|task| (task.busy, task.pending)).collect::<Vec<_>>();
    eventually("the change is in its hands", || pending() == [(true, 1)]).await;
    deal.send(()).unwrap();
    eventually("it is dealt with", || pending() == [(false, 0)]).await;
    api.put("secrets", json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t", "namespace": "ns"}}));
    eventually("what is not followed any more is not told", || manager.handle.tasks()[0].informers.is_empty()).await;
    manager.stop().await.unwrap();
}
