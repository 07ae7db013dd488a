//! A signal stops a manager in order, and a second one does not wait for that. Signals reach all of a process, so each test
//! has one of its own.
#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{
    io::{BufRead, BufReader},
    process::{self, Command, Stdio},
    time::Duration,
};

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

/// Says that this process is the one that is to be ended.
const ENDED: &str = "KUBEWRIGHT_TEST_ENDED_BY_SIGNALS";

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    if std::env::var_os(ENDED).is_some() {
        return hang().await;
    }
    let test = "a_second_signal_ends_the_process_at_once";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ENDED, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let signal = |child: &process::Child| {
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    };
    assert!(lines.any(|line| line.ends_with("hangs")));
    signal(&child);
    assert!(lines.any(|line| line.ends_with("stopping")), "the first signal asks for a stop");
    assert!(child.try_wait().unwrap().is_none(), "it waits for the reconcile that hangs");
    signal(&child);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// Runs a manager that does not stop in time.
async fn hang() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, _| {
        Box::pin(async {
            println!("hangs");
            std::future::pending().await
        })
    });
    let deadline = Duration::from_secs(3600);
    let options = ManagerOptions { listen: None, shutdown_deadline: deadline, ..ManagerOptions::default() };
    let manager = Manager::new(api.client(), options)
        .controller(Controller::new("test", Watch::all(), reconciler))
        .task("teller", |context| async move {
            context.stop.cancelled().await;
            println!("stopping");
            Ok(())
        });
    manager.run_until_signal().await.unwrap();
}
