//! Servers of a manager: before everything else, and after it.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{sync::Arc, time::Duration};

use kubewright_runtime::{Controller, Error, Manager, ManagerOptions, Outcome, TaskContext, Watch};
use parking_lot::Mutex;
use support::{FakeApi, Told, eventually, parent, start, told};
use tokio::sync::Notify;

fn controller(reconciler: &Told) -> Controller {
    Controller::new("test", Watch::all(), reconciler.clone())
}

/// A server that notes what happens to it, and is ready when it is told to.
async fn noting(context: TaskContext, notes: Notes, ready: Arc<Notify>) -> Result<(), Error> {
    notes.lock().push("server starts");
    ready.notified().await;
    context.ready();
    context.stop.cancelled().await;
    notes.lock().push("server stops");
    Ok(())
}

type Notes = Arc<Mutex<Vec<&'static str>>>;

#[tokio::test(start_paused = true)]
async fn servers_come_before_caches_and_controllers_and_go_after_them() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let (notes, ready) = (Notes::default(), Arc::new(Notify::new()));
    let (server, reconciles) = (notes.clone(), notes.clone());
    let let_go = ready.clone();
    let reconciler = told(move |_, _| {
        let reconciles = reconciles.clone();
        Box::pin(async move {
            reconciles.lock().push("reconcile starts");
            tokio::time::sleep(Duration::from_secs(5)).await;
            reconciles.lock().push("reconcile ends");
            Ok(Outcome::Settled)
        })
    });
    let manager = Manager::new(api.client(), ManagerOptions { listen: None, ..ManagerOptions::default() })
        .controller(controller(&reconciler))
        .server("webhooks", move |context| noting(context, server, ready));
    let manager = start(manager);
    eventually("the server has started", || !notes.lock().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(manager.handle.ready().unwrap_err().contains(&"server webhooks: not ready yet".to_string()));
    assert_eq!(api.watches("configmaps"), 0, "caches wait for servers");
    let_go.notify_one();
    eventually("the reconcile has started", || notes.lock().len() == 2).await;
    assert_eq!(manager.handle.ready(), Ok(()));
    manager.stop().await.unwrap();
    assert_eq!(*notes.lock(), ["server starts", "reconcile starts", "reconcile ends", "server stops"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_well_was_ready_and_one_that_fails_ends_the_manager() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let options = || ManagerOptions { listen: None, ..ManagerOptions::default() };
    let reconciler = told(|_, _| Box::pin(async { Ok(Outcome::Settled) }));
    let manager = Manager::new(api.client(), options()).server("look", |_| async { Ok(()) });
    let manager = start(manager.controller(controller(&reconciler)));
    eventually("it runs", || manager.handle.ready().is_ok()).await;
    manager.stop().await.unwrap();

    let manager = Manager::new(api.client(), options())
        .server("database", |_| async { Err(Error::terminal("no such host")) })
        .controller(controller(&reconciler));
    let error = start(manager).ended().await.unwrap_err();
    assert_eq!(error.to_string(), "database failed: no such host");
    assert_eq!(reconciler.runs().len(), 1, "nothing was reconciled by the second");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_stop_is_named_at_the_deadline() {
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    let manager = start(Manager::new(FakeApi::default().client(), options).server("stubborn", |context| async move {
        context.ready();
        std::future::pending().await
    }));
    eventually("it runs", || manager.handle.ready().is_ok()).await;
    let error = manager.stop().await.unwrap_err().to_string();
    assert!(error.contains("stubborn"), "{error}");
}
