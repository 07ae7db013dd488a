//! `kubewright run` as a user meets it: against a cluster given by kubeconfig, and with nothing to run against.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use support::{Scratch, Up, kubewright, run, stderr};

//
#[test]
fn without_kubeconfig_and_outside_a_cluster_it_says_what_was_tried() {
    let scratch = Scratch::new();
    let output = kubewright().arg("run").env("HOME", scratch.path("nobody")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("kubeconfig") && text.contains("cluster"), "{text}");
}

//
#[test]
fn a_kubeconfig_that_is_not_there_is_named() {
    let scratch = Scratch::new();
    let output = run(&["run", "--kubeconfig", "missing.yaml"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("missing.yaml"), "{}", stderr(&output));
}

#[test]
fn a_kubeconfig_that_leads_nowhere_is_an_error_that_says_so() {
    let scratch = Scratch::new();
    let nowhere = scratch.path("nowhere");
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n\
                  clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {}}]\n";
    std::fs::write(&nowhere, config).unwrap();
    let output = run(&["run", "--kubeconfig", nowhere.to_str().unwrap()], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the cluster does not answer"), "{}", stderr(&output));
}

#[test]
fn a_wrong_address_is_wrong_usage() {
    let scratch = Scratch::new();
    let output = run(&["run", "--metrics-bind-address", "here"], &scratch);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("127.0.0.1:8080"), "{}", stderr(&output));
}

//
#[test]
fn it_runs_the_operators_against_a_cluster_until_a_signal() {
    let scratch = Scratch::new();
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let up = Up::start(&scratch, &["--operators", "none", "--no-examples"]);
    let mut command = kubewright();
    command
        .args(["run", "--operators", "ingress", "--metrics-bind-address", "0", "--kubeconfig"])
        .arg(&up.kubeconfig)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.local_addr().unwrap()))
        .stdout(Stdio::piped());
    let mut operator = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(operator.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "running ingress; Ctrl-C stops\n");
    let killed = std::process::Command::new("kill").args(["-TERM", &operator.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert!(spans(&collector).contains("/v1/traces"), "the last spans are sent before the end");
    assert_eq!(operator.wait().unwrap().code(), Some(0));
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn a_collector_that_can_not_be_is_wrong_usage() {
    let output = kubewright().arg("run").env("OTEL_EXPORTER_OTLP_ENDPOINT", "no url").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{}", stderr(&output));
}

/// Takes one export, and returns its first line.
fn spans(collector: &TcpListener) -> String {
    let (stream, _) = collector.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if header.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    assert!(body.windows(9).any(|window| window == b"reconcile"));
    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    first
}
