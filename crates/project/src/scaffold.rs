//! The files of a project.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::builtin;
use crate::commands::{Kubewright, WebhookOptions};
use crate::file::{Project, ResourceEntry};
use crate::names;
use crate::stage::Changes;

/// What generated files begin with, after their title.
const GENERATED: &str = "//! Written by kubewright from PROJECT, anew by each command: put nothing of yours here.\n";

/// The user's files of a new project.
pub(crate) fn new_project(project: &Project, kubewright: &Kubewright, changes: &mut Changes) {
    let dependency = |name: &str, folder: &str| match kubewright {
        Kubewright::Path(path) => {
            let path = path.join(folder).display().to_string();
            format!("{name} = {{ path = {path:?} }}")
        }
        Kubewright::Version(version) => format!("{name} = {version:?}"),
    };
    let values = [
        ("kubewright", dependency("kubewright", "crates/kubewright")),
        ("testing", dependency("kubewright-testing", "crates/testing")),
        ("name", project.project_name.clone()),
        ("crate", project.project_name.replace('-', "_")),
        ("domain", project.domain.clone()),
    ];
    let fill = |template: &str| fill(template, &values);
    changes.user("Cargo.toml", fill(include_str!("../templates/Cargo.toml.txt")));
    changes.user("src/main.rs", fill(include_str!("../templates/main.rs.txt")));
    changes.user("src/lib.rs", fill(include_str!("../templates/lib.rs.txt")));
    changes.user_if_absent("README.md", fill(include_str!("../templates/README.md.txt")));
    changes.user_if_absent(".gitignore", "/target\n*.kubeconfig\n".into());
    changes.user_if_absent("rustfmt.toml", "max_width = 120\nuse_small_heuristics = \"Max\"\n".into());
}

/// The user's files for a kind.
pub(crate) fn kind(project: &Project, entry: &ResourceEntry, changes: &mut Changes) {
    let module = names::module(&entry.kind);
    let values = values(project, entry);
    let fill = |template: &str| fill(template, &values);
    if let Some(api) = &entry.api {
        let path = format!("src/api/{}{module}.rs", version_folder(project, entry));
        changes.user(path, fill(include_str!("../templates/type.rs.txt")));
        let group = if entry.group.is_empty() { String::new() } else { format!("{}_", entry.group) };
        let sample = format!("samples/{group}{}_{}.yaml", entry.version, entry.kind.to_lowercase());
        let mut text = fill(include_str!("../templates/sample.yaml.txt"));
        if api.namespaced {
            text = text.replace("metadata:\n", "metadata:\n  namespace: default\n");
        }
        changes.user(sample, text);
    }
    if entry.controller {
        let (controller, test) = if entry.api.is_some() {
            (include_str!("../templates/controller.rs.txt"), include_str!("../templates/test.rs.txt"))
        } else {
            (include_str!("../templates/controller_builtin.rs.txt"), include_str!("../templates/test_builtin.rs.txt"))
        };
        changes.user(format!("src/controllers/{module}.rs"), fill(controller));
        changes.user(format!("tests/{module}.rs"), fill(test));
    }
}

/// The user's files for webhooks.
pub(crate) fn webhooks(project: &Project, entry: &ResourceEntry, options: &WebhookOptions, changes: &mut Changes) {
    let stem = webhook_stem(entry);
    let values = values(project, entry);
    if options.defaulting {
        let text = fill(include_str!("../templates/defaulting.rs.txt"), &values);
        changes.user(format!("src/webhooks/{stem}_defaulting.rs"), text);
    }
    if options.validation {
        let text = fill(include_str!("../templates/validation.rs.txt"), &values);
        changes.user(format!("src/webhooks/{stem}_validation.rs"), text);
    }
    for spoke in &options.spoke {
        let other = ResourceEntry { version: spoke.clone(), ..entry.clone() };
        let mut values = values.to_vec();
        values.push(("spoke", type_path(project, &other)));
        values.push(("spoke_version", spoke.clone()));
        values.push(("hub_module", names::module(&entry.version)));
        let text = fill(include_str!("../templates/conversion.rs.txt"), &values);
        changes.user(format!("src/webhooks/{stem}_from_{}.rs", names::module(spoke)), text);
    }
}

/// The files that follow from PROJECT.
pub(crate) fn generated(project: &Project, changes: &mut Changes) {
    changes.generated("src/api/mod.rs", "//", &api(project));
    changes.generated("src/controllers/mod.rs", "//", &controllers(project));
    changes.generated("src/webhooks/mod.rs", "//", &all_webhooks(project));
    let converted = |entry: &&ResourceEntry| entry.webhooks.as_ref().is_some_and(|webhooks| !webhooks.spoke.is_empty());
    let conversions: Vec<String> = project
        .resources
        .iter()
        .filter(converted)
        .map(|entry| format!("\"{}.{}\"", entry.plural, entry.api_group(&project.domain)))
        .collect();
    let metrics = match project.secure_metrics {
        true => {
            "json!({\"roles\": kubewright::runtime::reviews::Reviews::rights().to_yaml(&format!(\"{NAME}-metrics-auth\"))})"
        }
        false => "null",
    };
    let values =
        [("name", project.project_name.clone()), ("conversions", conversions.join(", ")), ("metrics", metrics.into())];
    changes.generated("src/operator.rs", "//", &fill(include_str!("../templates/operator.rs.txt"), &values));
}

fn api(project: &Project) -> String {
    let mut text = format!("//! The types of the API, by version.\n{GENERATED}\n");
    let mut tree: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let mut kinds: BTreeMap<(String, String), Vec<&ResourceEntry>> = BTreeMap::new();
    for entry in project.resources.iter().filter(|entry| entry.api.is_some()) {
        let group = group_module(project, entry).unwrap_or_default();
        tree.entry(group)
            .or_default()
            .entry(names::module(&entry.version))
            .or_default()
            .push(names::module(&entry.kind));
        kinds.entry((entry.group.clone(), entry.kind.clone())).or_default().push(entry);
    }
    let imports = if kinds.is_empty() { "" } else { "use kube::CustomResourceExt;\n" };
    _ = writeln!(
        text,
        "use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;\n{imports}"
    );
    for (group, versions) in &tree {
        let mut inner = String::new();
        for (version, modules) in versions {
            _ = writeln!(inner, "/// Version {version}.\npub mod {version} {{");
            let mut modules = modules.clone();
            modules.sort();
            for module in &modules {
                _ = writeln!(inner, "    mod {module};");
            }
            inner.push('\n');
            for module in &modules {
                _ = writeln!(inner, "    pub use {module}::*;");
            }
            inner.push_str("}\n\n");
        }
        if group.is_empty() {
            text.push_str(&inner);
        } else {
            let inner: String = inner.trim_end().lines().map(indented).collect();
            _ = writeln!(text, "/// The group {group}.\npub mod {group} {{\n{inner}}}\n");
        }
    }
    text.push_str(
        "/// The definitions of all kinds, each with its versions.\npub fn crds() -> Vec<CustomResourceDefinition> {\n",
    );
    if kinds.is_empty() {
        text.push_str("    Vec::new()\n}\n");
        return text;
    }
    text.push_str("    vec![\n");
    for entries in kinds.values() {
        let hub =
            entries.iter().find(|entry| entry.webhooks.as_ref().is_some_and(|webhooks| !webhooks.spoke.is_empty()));
        let stored = &hub.or(entries.first()).map(|entry| entry.version.clone()).unwrap_or_default();
        let versions: Vec<String> = entries
            .iter()
            .map(|entry| format!("{}::crd()", type_path(project, entry).replacen("crate::api::", "", 1)))
            .collect();
        _ = writeln!(text, "        merged(\"{stored}\", [{}]),", versions.join(", "));
    }
    text.push_str(
        "    ]\n}\n\n\
         /// One definition of all versions of a kind; `stored` is the one that is kept.\n\
         fn merged<const N: usize>(stored: &str, versions: [CustomResourceDefinition; N]) -> CustomResourceDefinition {\n    \
         let mut all = CustomResourceDefinition::default();\n    \
         for mut one in versions {\n        \
         one.spec.versions.splice(0..0, all.spec.versions);\n        \
         all = one;\n    }\n    \
         for version in &mut all.spec.versions {\n        \
         version.storage = version.name == stored;\n    }\n    all\n}\n",
    );
    text
}

fn controllers(project: &Project) -> String {
    let mut text =
        format!("//! The controllers, one for each kind.\n{GENERATED}\nuse kubewright::prelude::Manager;\n\n");
    let mut modules: Vec<String> =
        project.resources.iter().filter(|entry| entry.controller).map(|entry| names::module(&entry.kind)).collect();
    modules.sort();
    for module in &modules {
        _ = writeln!(text, "pub mod {module};");
    }
    if !modules.is_empty() {
        text.push('\n');
    }
    text.push_str("/// Adds all controllers to a manager.\npub fn add_to(manager: Manager) -> Manager {\n    manager");
    for module in &modules {
        if modules.len() > 2 {
            text.push_str("\n        ");
        }
        _ = write!(text, ".controller({module}::controller())");
    }
    text.push_str("\n}\n");
    text
}

fn all_webhooks(project: &Project) -> String {
    let mut text = format!("//! The webhooks.\n{GENERATED}\n");
    let (mut modules, mut calls) = (Vec::new(), Vec::new());
    for entry in &project.resources {
        let Some(webhooks) = &entry.webhooks else { continue };
        let stem = webhook_stem(entry);
        if webhooks.defaulting {
            modules.push(format!("{stem}_defaulting"));
            calls.push(format!("        .mutating({stem}_defaulting::Defaults, {stem}_defaulting::options())\n"));
        }
        if webhooks.validation {
            modules.push(format!("{stem}_validation"));
            calls.push(format!("        .validating({stem}_validation::Rules, {stem}_validation::options())\n"));
        }
        if !webhooks.spoke.is_empty() {
            let mut call = format!("Conversion::to_hub::<{}>()", type_path(project, entry));
            for spoke in &webhooks.spoke {
                modules.push(format!("{stem}_from_{}", names::module(spoke)));
                let other = ResourceEntry { version: spoke.clone(), ..entry.clone() };
                _ = write!(call, ".spoke::<{}>()", type_path(project, &other));
            }
            calls.push(format!("        .conversion({call})\n"));
        }
    }
    modules.sort();
    let conversion = if text_has(&calls, "Conversion::") { "Conversion, " } else { "" };
    _ = writeln!(text, "use kubewright::webhook::{{{conversion}WebhookOptions, Webhooks}};\n");
    for module in &modules {
        _ = writeln!(text, "pub mod {module};");
    }
    if !modules.is_empty() {
        text.push('\n');
    }
    text.push_str(
        "/// All webhooks, if there are any.\npub fn webhooks(options: WebhookOptions) -> Option<Webhooks> {\n",
    );
    if calls.is_empty() {
        text.push_str("    let _ = options;\n    None\n}\n");
        return text;
    }
    _ = write!(
        text,
        "    let webhooks = Webhooks::new(\"{}\", options)\n{};\n    Some(webhooks)\n}}\n",
        project.project_name,
        calls.concat().trim_end()
    );
    text
}

fn text_has(calls: &[String], word: &str) -> bool {
    calls.iter().any(|call| call.contains(word))
}

fn indented(line: &str) -> String {
    if line.is_empty() { "\n".into() } else { format!("    {line}\n") }
}

fn group_module(project: &Project, entry: &ResourceEntry) -> Option<String> {
    (project.multigroup && !entry.group.is_empty()).then(|| names::module(&entry.group))
}

fn version_folder(project: &Project, entry: &ResourceEntry) -> String {
    let group = group_module(project, entry).map(|group| format!("{group}/")).unwrap_or_default();
    format!("{group}{}/", names::module(&entry.version))
}

/// How the crate itself calls the type of a kind.
fn type_path(project: &Project, entry: &ResourceEntry) -> String {
    match (&entry.api, builtin::find(&entry.group, &entry.version, &entry.kind)) {
        (None, Some(builtin)) => format!("k8s_openapi::api::{}::{}::{}", builtin.module, entry.version, entry.kind),
        _ => {
            let path = version_folder(project, entry).replace('/', "::");
            format!("crate::api::{path}{}", entry.kind)
        }
    }
}

fn webhook_stem(entry: &ResourceEntry) -> String {
    format!("{}_{}", names::module(&entry.kind), names::module(&entry.version))
}

fn values(project: &Project, entry: &ResourceEntry) -> Vec<(&'static str, String)> {
    let namespaced = entry.api.as_ref().map_or_else(|| builtin::namespaced(&entry.kind), |api| api.namespaced);
    let module = names::module(&entry.kind);
    let path = type_path(project, entry);
    let crate_name = project.project_name.replace('-', "_");
    let scope = if namespaced { "Api::namespaced(env.client(), env.namespace())" } else { "Api::all(env.client())" };
    vec![
        ("name", project.project_name.clone()),
        ("outer", path.replacen("crate::", &format!("{crate_name}::"), 1)),
        (
            "outer_module",
            path.replacen("crate::", &format!("{crate_name}::"), 1).trim_end_matches(&entry.kind).to_string(),
        ),
        ("path", path),
        ("crate", crate_name),
        ("group", entry.api_group(&project.domain)),
        ("version", entry.version.clone()),
        ("kind", entry.kind.clone()),
        ("words", module.trim_end_matches('_').replace('_', " ")),
        ("lower", entry.kind.to_lowercase()),
        ("dashed", module.trim_end_matches('_').replace('_', "-")),
        ("module", module),
        ("plural", entry.plural.clone()),
        ("namespaced", if namespaced { ",\n    namespaced".into() } else { String::new() }),
        ("scope", scope.into()),
    ]
}

/// A template with its `{{words}}` filled in.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_string(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}
