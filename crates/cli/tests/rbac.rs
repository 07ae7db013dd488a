//! `kubewright rbac` prints roles without a cluster.

#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::process::{Command, Output};

fn rbac(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubewright"));
    command.env_remove("INTERNAL_ENDPOINT").env_remove("DATABASE_URI").arg("rbac").args(arguments).output().unwrap()
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_roles_of_chosen_operators_are_printed_with_their_bindings() {
    let roles = text(rbac(&["--operators", "ingress", "--name", "mine"]));
    let ingresses = "- apiGroups: [\"networking.k8s.io\"]
  resources: [\"ingresses\"]
  verbs: [\"create\", \"delete\", \"get\", \"list\", \"patch\", \"watch\"]
";
    assert!(roles.contains("kind: ClusterRole\nmetadata:\n  name: mine\n"), "{roles}");
    assert!(roles.contains(ingresses), "{roles}");
    assert!(!roles.contains("Binding"), "{roles}");
    let bound = text(rbac(&["--operators", "ingress", "--service-account", "system/operator"]));
    assert!(bound.contains("subjects:\n- kind: ServiceAccount\n  name: operator\n  namespace: system\n"), "{bound}");
}

#[test]
fn the_roles_of_each_operator_are_printed_without_what_it_works_with() {
    // Neither a database nor an object storage nor a file is there; and what is named is not asked.
    for (operator, flags, rule) in [
        ("ingress", [].as_slice(), "resources: [\"ingresses\"]\n  verbs: [\"create\", \"delete\""),
        (
            "access",
            &["--access-server", "https://a", "--access-server-ca", "/nowhere"],
            "resources: [\"serviceaccounts/token\"]\n  verbs: [\"create\"]",
        ),
        (
            "account",
            &["--account-database-uri", "postgres://jane@127.0.0.1:1/x"],
            "resources: [\"accounttransactions\"]\n  verbs: [\"delete\", \"get\"",
        ),
        ("dataservice", &[], "resources: [\"daemonsets\", \"deployments\", \"statefulsets\"]\n  verbs: [\"create\""),
        ("objectstorage", &[], "resources: [\"objectstoragebuckets\", \"objectstorageusers\"]\n  verbs: [\"get\""),
    ] {
        let roles = text(rbac(&[&["--operators", operator], flags].concat()));
        assert!(roles.contains(rule), "{rule} for {operator} in {roles}");
    }
    let all = text(rbac(&[]));
    assert!(all.contains("ingresses") && all.contains("objectstorageusers"), "{all}");
}

#[test]
fn replicas_need_rights_to_their_lease() {
    let roles = text(rbac(&["--operators", "none", "--leader-elect", "--lease-namespace", "system"]));
    assert!(roles.contains("namespace: system") && roles.contains("\"leases\""), "{roles}");
    assert_eq!(text(rbac(&["--operators", "none"])), "");
}

#[test]
fn a_service_account_is_written_with_its_namespace() {
    let output = rbac(&["--service-account", "operator"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("NAMESPACE/NAME"));
}
