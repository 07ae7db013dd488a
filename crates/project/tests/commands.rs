//! What the commands write, and what they refuse.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kubewright_project::{
    ApiOptions, Changes, EditOptions, InitOptions, Kubewright, Project, ProjectError, WebhookOptions, create_api,
    create_webhook, edit, find, init, upgrade,
};

fn new(folder: &Path) -> Project {
    let options = InitOptions {
        domain: "example.com".into(),
        project_name: "guest-book".into(),
        multigroup: false,
        kubewright: Kubewright::Path("/checkout".into()),
    };
    apply(folder, init(&options))
}

fn apply(folder: &Path, result: Result<(Project, Changes), ProjectError>) -> Project {
    let (project, changes) = result.unwrap();
    changes.apply(folder, false).unwrap();
    assert_eq!(Project::read(&folder.join("PROJECT")).unwrap(), project, "PROJECT says what the project is");
    project
}

fn api(group: &str, version: &str, kind: &str) -> ApiOptions {
    ApiOptions {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        namespaced: true,
        ..ApiOptions::default()
    }
}

fn webhook(group: &str, version: &str, kind: &str) -> WebhookOptions {
    WebhookOptions { group: group.into(), version: version.into(), kind: kind.into(), ..WebhookOptions::default() }
}

/// All files with their contents.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_project_grows_and_no_file_of_the_users_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let project = new(folder);
    assert!(files(folder)["Cargo.toml"].contains("kubewright = { path = \"/checkout/crates/kubewright\" }"));
    fs::write(folder.join("src/main.rs"), "mine").unwrap();

    let project = apply(folder, create_api(&project, &api("web", "v1", "RedisCluster")));
    let user = ["src/api/v1/redis_cluster.rs", "src/controllers/redis_cluster.rs", "tests/redis_cluster.rs"];
    for file in user {
        assert!(files(folder).contains_key(file), "{file}");
        fs::write(folder.join(file), "mine").unwrap();
    }
    let project = apply(folder, create_api(&project, &api("web", "v2", "RedisCluster")));
    let conversion = WebhookOptions {
        defaulting: true,
        validation: true,
        conversion: true,
        spoke: vec!["v2".into()],
        ..webhook("web", "v1", "RedisCluster")
    };
    let project = apply(folder, create_webhook(&project, &conversion));
    let project = apply(folder, create_api(&project, &api("apps", "v1", "Deployment")));
    apply(folder, edit(&project, &EditOptions { multigroup: Some(false), ..EditOptions::default() }));

    let files = files(folder);
    for file in user.iter().chain(&["src/main.rs"]) {
        assert_eq!(files[*file], "mine", "{file}");
    }
    assert!(files["src/api/mod.rs"].contains("merged(\"v1\", [v1::RedisCluster::crd(), v2::RedisCluster::crd()])"));
    let controllers = &files["src/controllers/mod.rs"];
    assert!(
        controllers.contains("pub mod deployment;") && controllers.matches("redis_cluster::controller()").count() == 1
    );
    let webhooks = &files["src/webhooks/mod.rs"];
    assert!(
        webhooks.contains("to_hub::<crate::api::v1::RedisCluster>().spoke::<crate::api::v2::RedisCluster>()"),
        "{webhooks}"
    );
    assert!(files["src/controllers/deployment.rs"].contains("use k8s_openapi::api::apps::v1::Deployment;"));
    assert!(!files.contains_key("samples/apps_v1_deployment.yaml"));
    assert_eq!(find(&folder.join("src")).unwrap(), folder);
}

#[test]
fn groups_get_folders_of_their_own_when_there_may_be_several() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let project = new(folder);
    let project = apply(folder, edit(&project, &EditOptions { multigroup: Some(true), ..EditOptions::default() }));
    let project = apply(folder, create_api(&project, &api("web", "v1", "Site")));
    let cluster = ApiOptions { namespaced: false, plural: Some("meshery".into()), ..api("net", "v1alpha1", "Mesh") };
    let project = apply(folder, create_api(&project, &cluster));
    let files = files(folder);
    let mesh = &files["src/api/net/v1alpha1/mesh.rs"];
    assert!(mesh.contains("plural = \"meshery\"") && !mesh.contains("namespaced"), "{mesh}");
    assert!(files["tests/mesh.rs"].contains("Api::all(env.client())"));
    assert!(files["src/api/mod.rs"].contains("web::v1::Site::crd()"));
    let error =
        edit(&project, &EditOptions { multigroup: Some(false), ..EditOptions::default() }).unwrap_err().to_string();
    assert!(error.contains("several groups: net, web"), "{error}");
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    let folder = tempfile::tempdir().unwrap();
    let project = new(folder.path());
    let project = apply(folder.path(), create_api(&project, &api("web", "v1", "Site")));
    let before = files(folder.path());
    let refused = |result: Result<(Project, Changes), ProjectError>| result.unwrap_err().to_string();
    let cases = [
        (refused(create_api(&project, &api("web", "v1", "site"))), "such as Site"),
        (refused(create_api(&project, &api("web", "1", "Page"))), "a version is written v1"),
        (refused(create_api(&project, &api("Web", "v1", "Page"))), "--group"),
        (refused(create_api(&project, &api("net", "v1", "Page"))), "kubewright edit --multigroup"),
        (refused(create_api(&project, &api("web", "v1", "Site"))), "Site v1 is there already"),
        (
            refused(create_api(&project, &ApiOptions { resource: Some(false), ..api("apps", "v1", "Deploymint") })),
            "in this group it has ControllerRevision DaemonSet Deployment",
        ),
        (refused(create_webhook(&project, &webhook("web", "v1", "Site"))), "give --defaulting"),
        (
            refused(create_webhook(&project, &WebhookOptions { validation: true, ..webhook("web", "v1", "Page") })),
            "make it first with kubewright create api",
        ),
        (
            refused(create_webhook(&project, &WebhookOptions { conversion: true, ..webhook("web", "v1", "Site") })),
            "--conversion needs --spoke",
        ),
        (
            refused(create_webhook(
                &project,
                &WebhookOptions { conversion: true, spoke: vec!["v2".into()], ..webhook("web", "v1", "Site") },
            )),
            "kubewright create api --version v2",
        ),
    ];
    for (error, expected) in cases {
        assert!(error.contains(expected), "{error} says {expected}");
    }
    assert_eq!(files(folder.path()), before);
}

/// A project as an older version has left it: other generated files, with their checksums, and another version in PROJECT.
fn older(folder: &Path, project: &Project, version: Option<&str>) -> Project {
    let mut changes = Changes::default();
    for file in ["src/api/mod.rs", "src/operator.rs"] {
        fs::remove_file(folder.join(file)).unwrap();
        changes.generated(file, "//", "//! As it was.");
    }
    changes.apply(folder, false).unwrap();
    let file = folder.join("PROJECT");
    let text = fs::read_to_string(&file).unwrap();
    let line = version.map(|version| format!("cliVersion: {version}\n")).unwrap_or_default();
    let own = format!("cliVersion: \"{}\"\n", project.cli_version.as_ref().unwrap());
    assert!(text.contains(&own), "{text}");
    fs::write(&file, text.replace(&own, &line)).unwrap();
    Project::read(&file).unwrap()
}

#[test]
fn a_project_of_an_older_version_is_upgraded_without_a_file_of_the_user_s() {
    for version in [None, Some("0.0.9")] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let project = apply(folder, create_api(&new(folder), &api("web", "v1", "Site")));
        let expected = files(folder);
        for (name, _) in expected.iter().filter(|(name, _)| name.starts_with("src/")) {
            let generated = name.ends_with("mod.rs") || name.ends_with("operator.rs");
            if !generated {
                fs::write(folder.join(name), "mine").unwrap();
            }
        }
        let before = files(folder);
        let old = older(folder, &project, version);
        let error = create_api(&old, &api("web", "v2", "Site")).unwrap_err().to_string();
        assert!(error.ends_with("first use kubewright upgrade"), "{error}");

        let (_, changes) = upgrade(&old);
        let told = changes.differences(folder).unwrap();
        let told: Vec<(&str, bool)> = told.iter().map(|one| (one.path.to_str().unwrap(), one.edited)).collect();
        assert_eq!(told, [("src/api/mod.rs", false), ("src/operator.rs", false), ("PROJECT", false)]);
        apply(folder, Ok(upgrade(&old)));
        assert_eq!(files(folder), before);
        let (_, changes) = upgrade(&project);
        assert_eq!(changes.differences(folder).unwrap(), [], "twice changes nothing");
    }
}

/// Its `src/main.rs` has no flags for guarded metrics, and is not touched.
#[test]
fn a_project_from_before_there_were_guarded_metrics_has_them_when_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    new(folder);
    let file = folder.join("PROJECT");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("secureMetrics: true\n"), "{text}");
    fs::write(&file, text.replace("secureMetrics: true\n", "")).unwrap();
    let old = Project::read(&file).unwrap();
    apply(folder, Ok(upgrade(&old)));
    assert!(files(folder)["src/operator.rs"].contains("\"metrics\": null"), "{}", files(folder)["src/operator.rs"]);
    let changed = EditOptions { secure_metrics: Some(true), ..EditOptions::default() };
    let project = apply(folder, edit(&old, &changed));
    assert!(project.secure_metrics);
    let operator = &files(folder)["src/operator.rs"];
    assert!(operator.contains("Reviews::rights().to_yaml(&format!(\"{NAME}-metrics-auth\"))"), "{operator}");
}

#[test]
fn an_upgrade_stops_at_generated_files_that_were_edited() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let project = apply(folder, create_api(&new(folder), &api("web", "v1", "Site")));
    let old = older(folder, &project, Some("0.0.9"));
    let file = folder.join("src/operator.rs");
    let edited = fs::read_to_string(&file).unwrap().replace("As it was", "As I want it");
    fs::write(&file, &edited).unwrap();
    let before = files(folder);

    let (_, changes) = upgrade(&old);
    let told = changes.differences(folder).unwrap();
    let operator = told.iter().find(|one| one.path == Path::new("src/operator.rs")).unwrap();
    assert!(operator.edited && operator.before.as_ref() == Some(&edited));
    assert!(matches!(changes.apply(folder, false), Err(ProjectError::Edited { .. })));
    assert_eq!(files(folder), before);
    upgrade(&old).1.apply(folder, true).unwrap();
    assert!(!files(folder)["src/operator.rs"].contains("As I want it"));
}

#[test]
fn a_broken_project_file_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let project = new(folder.path());
    apply(folder.path(), create_api(&project, &api("web", "v1", "Site")));
    let file = folder.path().join("PROJECT");
    let good = fs::read_to_string(&file).unwrap();
    let error = |text: &str| {
        fs::write(&file, text).unwrap();
        Project::read(&file).unwrap_err().to_string()
    };
    for (from, to, expected) in [
        ("kind: Site", "kind: site", "such as Site"),
        ("version: v1", "version: one", "a version is written v1"),
        ("kubewright/v1", "go.kubebuilder.io/v4", "does not change other projects"),
        ("projectName", "projectNom", "projectNom"),
        ("cliVersion: \"", "cliVersion: \"9", "install the newer one"),
        ("cliVersion: \"", "cliVersion: \"v", "is no version"),
        ("domain: example.com", "domain: [", "PROJECT: "),
    ] {
        let broken = good.replacen(from, to, 1);
        assert_ne!(broken, good, "{from}");
        let message = error(&broken);
        let line = broken.lines().position(|line| line.contains(to)).unwrap() + 1;
        assert!(message.contains(expected), "{message} says {expected}");
        assert!(
            message.contains(&format!("line {line}")) || message.contains(&format!(":{line}:")),
            "{message}: {line}"
        );
    }
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(find(elsewhere.path()).unwrap_err().to_string().contains("make one with kubewright init"));
}
