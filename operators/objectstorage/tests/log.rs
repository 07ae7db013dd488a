//! What the operator logs: in a program of its own, as log filters are cached for all threads.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::{io::Write, sync::Arc};

use parking_lot::Mutex;
use serde_json::json;

use support::World;

/// What is logged while it is the subscriber of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

//
#[tokio::test]
async fn what_is_made_is_logged_and_no_key_is() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    world.create_user().await;
    world.create_bucket("b", json!({})).await;
    world.bucket_is("b", "True", "Available").await;
    let secret = world.secret(&kubewright_objectstorage::names::bucket_secret(&world.bucket_name("b"))).await;
    world.stop().await;
    let log = String::from_utf8(log.0.lock().clone()).unwrap();
    for line in ["user created", "bucket created", "service account created"] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains(&secret["secretKey"]) && !log.contains("root-secret"));
}
