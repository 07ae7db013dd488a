//! Accounts as a user meets them: with `up`, with `run`, and in their history.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use serde_json::Value;
use support::{Scratch, Up, kubewright, run, stderr, stdout};

#[test]
fn up_keeps_accounts_beside_its_data_and_their_history_can_be_queried() {
    let scratch = Scratch::new();
    let output = run(&["up", "--operators", "account", "--exit-when-settled", "--data-dir", "data"], &scratch);
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    assert!(text.contains("accounts are kept in data/accounts.db"), "{text}");
    assert!(text.contains("AccountTransaction/jane-recharge  Completed"), "{text}");

    let history = ["account", "history", "jim", "--database-uri", "sqlite:data/accounts.db"];
    let text = stdout(&run(&history, &scratch));
    assert!(text.contains("jim has -1.25; transactions: 1") && text.contains("storage, one day"), "{text}");
    let output = run(&[&history[..], &["-o", "json"]].concat(), &scratch);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["balance"], &document["next"]), (&Value::from(-1_250_000), &Value::Null));
    assert_eq!(document["transactions"][0]["type"], "Deduct");
    assert_eq!(document["transactions"][0]["reference"], "default/jim-storage");

    let output = run(&["account", "history", "nobody", "--database-uri", "sqlite:data/accounts.db"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no account of \"nobody\""), "{}", stderr(&output));
    let output = run(&["account", "history", "jane"], &scratch);
    assert!(stderr(&output).contains("DATABASE_URI is required"), "{}", stderr(&output));
}

#[test]
fn up_says_that_accounts_in_memory_go_with_it() {
    let scratch = Scratch::new();
    let output = run(&["up", "--operators", "account", "--exit-when-settled", "--no-examples"], &scratch);
    assert!(stdout(&output).contains("accounts are kept in memory"), "{}", stdout(&output));
}

//
#[test]
fn run_does_not_start_without_a_database_that_answers() {
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &["--operators", "none", "--no-examples"]);
    let attempt = |uri: &str| {
        let mut command = kubewright();
        command.args(["run", "--operators", "account", "--kubeconfig"]).arg(&up.kubeconfig);
        let output = command.env("DATABASE_URI", uri).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    let (code, text) = attempt("");
    assert_eq!(code, Some(2));
    assert!(text.contains("operator account: DATABASE_URI is required"), "{text}");
    // Port 1 of loopback has no listener.
    let (code, text) = attempt("postgres://jane:secret@127.0.0.1:1/accounts");
    assert_eq!(code, Some(1));
    assert!(text.contains("refused") && text.contains("127.0.0.1:1") && !text.contains("secret"), "{text}");
    assert_eq!(up.interrupt(), Some(0));
}
