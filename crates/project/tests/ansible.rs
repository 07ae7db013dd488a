//! Projects of Ansible operators, made anew and gone on with.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use kubewright_project::{
    AnsibleApiOptions, AnsibleInitOptions, Layout, Project, ProjectError, create_ansible_api, init_ansible,
};
use serde_json::Value;

fn init(folder: &Path) {
    let options = AnsibleInitOptions { domain: "example.com".into(), project_name: "memcached-operator".into() };
    init_ansible(&options).unwrap().apply(folder, false).unwrap();
}

fn api(kind: &str, role: bool, playbook: bool) -> AnsibleApiOptions {
    let (group, version) = ("cache".into(), "v1alpha1".into());
    AnsibleApiOptions { group, version, kind: kind.into(), role, playbook, plural: None }
}

fn yaml(file: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn a_new_project_has_operator_sdks_layout() {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path());
    assert_eq!(Layout::of(dir.path()).unwrap(), Layout::Ansible);
    for (kind, role, playbook) in [("Memcached", true, false), ("Redis", true, true), ("Valkey", false, true)] {
        create_ansible_api(dir.path(), &api(kind, role, playbook)).unwrap().apply(dir.path(), false).unwrap();
    }
    let watches = yaml(&dir.path().join("watches.yaml"));
    assert_eq!((&watches[0]["role"], &watches[0]["playbook"]), (&"memcached".into(), &Value::Null));
    assert_eq!((&watches[1]["role"], &watches[1]["playbook"]), (&Value::Null, &"playbooks/redis.yml".into()));
    assert_eq!(yaml(&dir.path().join("PROJECT"))["layout"][0], "ansible.sdk.operatorframework.io/v1");
    let task = yaml(&dir.path().join("playbooks/redis.yml"))[0]["tasks"][0].clone();
    assert_eq!(task["ansible.builtin.import_role"]["name"], "redis");
    assert!(yaml(&dir.path().join("playbooks/valkey.yml"))[0]["tasks"][0]["ansible.builtin.debug"].is_object());
    let tasks = yaml(&dir.path().join("roles/memcached/tasks/main.yml"));
    assert_eq!(tasks[0]["kubernetes.core.k8s"]["definition"]["metadata"]["name"], "{{ ansible_operator_meta.name }}");
    assert!(dir.path().join("roles/redis/meta/main.yml").exists() && !dir.path().join("roles/valkey").exists());
    let sample = yaml(&dir.path().join("config/samples/cache_v1alpha1_memcached.yaml"));
    assert_eq!((&sample["apiVersion"], &sample["spec"]["size"]), (&"cache.example.com/v1alpha1".into(), &1.into()));
    let manager = fs::read_to_string(dir.path().join("config/manager/manager.yaml")).unwrap();
    assert!(
        manager.contains("--health-probe-bind-address=:6789") && manager.contains("ANSIBLE_GATHERING"),
        "{manager}"
    );
    // Each file that is listed is there.
    for folder in ["crd", "rbac", "samples", "manager"] {
        let folder = dir.path().join("config").join(folder);
        for resource in yaml(&folder.join("kustomization.yaml"))["resources"].as_array().unwrap() {
            let file = folder.join(resource.as_str().unwrap());
            let documents: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(&file).unwrap()).unwrap();
            assert!(documents.iter().all(|object| object["kind"].is_string()), "{}", file.display());
        }
    }
}

#[test]
fn what_can_not_be_is_told_and_leaves_the_folder_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path());
    let watches = fs::read_to_string(dir.path().join("watches.yaml")).unwrap();
    let error = create_ansible_api(dir.path(), &api("Memcached", false, false)).unwrap_err().to_string();
    assert!(error.contains("--generate-role"), "{error}");
    assert_eq!(fs::read_to_string(dir.path().join("watches.yaml")).unwrap(), watches);
    create_ansible_api(dir.path(), &api("Memcached", true, false)).unwrap().apply(dir.path(), false).unwrap();
    let error = create_ansible_api(dir.path(), &api("Memcached", true, false)).unwrap_err();
    assert!(matches!(error, ProjectError::Exists { .. }), "{error}");
}

#[test]
fn commands_for_projects_of_rust_say_which_are_for_this_one() {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path());
    let error = Project::read(&dir.path().join("PROJECT")).unwrap_err().to_string();
    assert!(
        error.contains("this command is for projects of Rust") && error.contains("kubewright ansible-operator run"),
        "{error}"
    );
}
