//! `kubewright up --with minio`.
//!
//! The part with a server belongs to the real tier (`KUBEWRIGHT_REAL=1`, which `cargo xtask real` sets), since it needs Go.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn up(arguments: &[&str], path: &Path, dir: &Path) -> Output {
    let shell = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .find(|dir| dir.join("sh").is_file())
        .expect("there is a shell");
    Command::new(env!("CARGO_BIN_EXE_kubewright"))
        .args(["up", "--operators", "objectstorage", "--exit-when-settled", "--timeout", "90s", "--output", "json"])
        .args(arguments)
        .current_dir(dir)
        .env("PATH", std::env::join_paths([path, &shell]).unwrap())
        .env_remove("INTERNAL_ENDPOINT")
        .output()
        .unwrap()
}

#[test]
fn without_a_server_it_says_how_to_get_one() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kubewright"))
        .args(["up", "--with", "minio"])
        .current_dir(dir.path())
        .env("PATH", dir.path())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("no minio on PATH") && error.contains("--minio-endpoint"), "{error}");
}

#[test]
fn the_example_gets_ready_on_a_server_that_is_started_beside_it() {
    if !std::env::var("KUBEWRIGHT_REAL").is_ok_and(|value| value == "1") {
        println!("part of the real tier: run `cargo xtask real`");
        return;
    }
    let minio = kubewright_real::ensure_minio().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let output = up(&["--with", "minio", "--data-dir", "state"], minio.parent().unwrap(), dir.path());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["settled"], true, "{shown:#}");
    let text = shown.to_string();
    for name in ["object-storage-key-anna-backups", "object-storage-key-anna-website", "ObjectStorageUser"] {
        assert!(text.contains(name), "{name}: {shown:#}");
    }
    assert!(dir.path().join("state/minio/data/anna-website").is_dir());
}
