//! What the log tells of requests; a program of its own, as the log is the whole process's.

#![allow(clippy::unwrap_used)]

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use kubewright_access::{Action, Role};

use support::World;

/// What is logged goes here.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//
#[tokio::test]
async fn the_log_tells_who_asked_for_what_and_how_long_it_took() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    world.operate("grant", Action::Grant, "bob", Role::Manager, "alice").await;
    world.operator.idle().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let start = text.lines().find(|line| line.contains("operation started")).unwrap();
    let (bob, home) = (world.name("bob"), world.home("alice"));
    for part in ["request=\"grant\"", "action=Grant", "role=\"Manager\"", "creator=\"kubernetes-admin\"", &bob, &home] {
        assert!(start.contains(part), "{part} in {start}");
    }
    let end = text.lines().find(|line| line.contains("operation completed")).unwrap();
    assert!(end.contains("duration="), "{end}");
    world.stop().await;
}
