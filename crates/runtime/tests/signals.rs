//! A signal stops a manager in order. It has a process of its own, as signals reach all of one.
#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::process::{self, Command};

use kubewright_runtime::{Controller, Manager, ManagerOptions, Outcome, Watch};
use support::{FakeApi, eventually, parent, told};

#[tokio::test]
async fn sigterm_stops_the_manager_in_order() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, ctx| {
        Box::pin(async move {
            ctx.normal("Seen", "an event that the stop has to send");
            Ok(Outcome::Settled)
        })
    });
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    let controller = Controller::new("test", Watch::all(), reconciler.clone());
    let manager = Manager::new(api.client(), options).controller(controller);
    let handle = manager.handle();
    let running = tokio::spawn(manager.run_until_signal());
    eventually("it runs", || handle.ready().is_ok() && reconciler.runs() == ["a"]).await;
    let sent = Command::new("kill").args(["-TERM", &process::id().to_string()]).status().unwrap();
    assert!(sent.success());
    running.await.unwrap().unwrap();
    assert!(api.requests().iter().any(|request| request.path.ends_with("/events")));
    assert!(handle.ready().is_err(), "what has stopped is not ready");
}
