//! What projects in operator-sdk's layouts have in common: PROJECT, watches.yaml and `config/`.
//!
//! Files that list things are added to at operator-sdk's marks, where they are.

use std::path::Path;

use serde_json::{Value, json};

use crate::ProjectError;
use crate::layout::{self, Layout};
use crate::names;
use crate::stage::Changes;

/// What a person may do in each role.
const PEOPLE: [(&str, &[&str]); 3] = [
    ("admin", &["\"*\""]),
    ("editor", &["create", "delete", "get", "list", "patch", "update", "watch"]),
    ("viewer", &["get", "list", "watch"]),
];

/// What a project is made of.
pub(crate) struct Frame<'a> {
    pub(crate) layout: Layout,
    pub(crate) domain: &'a str,
    pub(crate) name: &'a str,
    /// Files that are of this layout alone: paths and templates.
    pub(crate) own: &'a [(&'a str, &'a str)],
}

/// A kind that a project gets.
pub(crate) struct Kind<'a> {
    /// The first part of its group.
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) plural: Option<&'a str>,
}

/// A kind, and how it is named in the files of a project.
pub(crate) struct Placed {
    /// Of the project.
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) lower: String,
    comments: Vec<String>,
    project: Value,
}

/// The files of a kind that differ from layout to layout.
pub(crate) struct KindFiles {
    /// What `spec` and `status` are, for the definition.
    pub(crate) describes: (&'static str, &'static str),
    pub(crate) sample: String,
    /// The entry of watches.yaml.
    pub(crate) watch: String,
    /// The rights of the operator.
    pub(crate) rules: String,
}

/// A new project.
pub(crate) fn init(frame: &Frame<'_>) -> Result<Changes, ProjectError> {
    names::domain("--domain", frame.domain)?;
    names::label("--project-name", frame.name)?;
    let values = [("name", frame.name.to_string())];
    let mut changes = Changes::default();
    let common = [
        (".gitignore", include_str!("../templates/sdk/gitignore.txt")),
        ("watches.yaml", include_str!("../templates/sdk/watches.yaml.txt")),
        ("config/crd/kustomization.yaml", include_str!("../templates/sdk/crd_kustomization.yaml.txt")),
        ("config/default/kustomization.yaml", include_str!("../templates/sdk/default_kustomization.yaml.txt")),
        ("config/manager/kustomization.yaml", include_str!("../templates/sdk/manager_kustomization.yaml.txt")),
        ("config/rbac/kustomization.yaml", include_str!("../templates/sdk/rbac_kustomization.yaml.txt")),
        ("config/rbac/service_account.yaml", include_str!("../templates/sdk/service_account.yaml.txt")),
        ("config/rbac/role_binding.yaml", include_str!("../templates/sdk/role_binding.yaml.txt")),
        ("config/rbac/leader_election_role.yaml", include_str!("../templates/sdk/leader_election_role.yaml.txt")),
        (
            "config/rbac/leader_election_role_binding.yaml",
            include_str!("../templates/sdk/leader_election_role_binding.yaml.txt"),
        ),
        ("config/default/metrics_service.yaml", include_str!("../templates/sdk/metrics_service.yaml.txt")),
        ("config/rbac/metrics_auth_role.yaml", include_str!("../templates/sdk/metrics_auth_role.yaml.txt")),
        (
            "config/rbac/metrics_auth_role_binding.yaml",
            include_str!("../templates/sdk/metrics_auth_role_binding.yaml.txt"),
        ),
        ("config/rbac/metrics_reader_role.yaml", include_str!("../templates/sdk/metrics_reader_role.yaml.txt")),
        ("config/samples/kustomization.yaml", include_str!("../templates/sdk/samples_kustomization.yaml.txt")),
    ];
    for (path, template) in common.iter().chain(frame.own) {
        changes.user(*path, fill(template, &values));
    }
    let project = json!({
        "domain": frame.domain, "layout": [frame.layout.name()], "projectName": frame.name, "version": "3",
    });
    changes.project(text(&[], &project));
    Ok(changes)
}

/// Checks a kind for the project in this folder, and adds it to what PROJECT says.
pub(crate) fn place(folder: &Path, kind: &Kind<'_>) -> Result<Placed, ProjectError> {
    names::kind("--kind", kind.kind)?;
    names::version("--version", kind.version)?;
    let plural = kind.plural.map_or_else(|| names::plural(kind.kind), str::to_string);
    names::label("--plural", &plural)?;
    let file = folder.join("PROJECT");
    let (comments, mut project) = read(&file)?;
    let name = project["projectName"].as_str().unwrap_or("operator").to_string();
    let domain = project["domain"].as_str().unwrap_or_default().to_string();
    let group = if kind.group.is_empty() { domain.clone() } else { format!("{}.{domain}", kind.group) };
    names::domain("--group", &group)?;
    add(&mut project, kind, &domain).map_err(|cause| ProjectError::Broken { file, cause })??;
    Ok(Placed { name, group, plural, lower: kind.kind.to_lowercase(), comments, project })
}

/// Writes the files of a kind that all layouts have.
pub(crate) fn write(
    folder: &Path,
    kind: &Kind<'_>,
    placed: &Placed,
    files: &KindFiles,
    changes: &mut Changes,
) -> Result<(), ProjectError> {
    let Placed { group, plural, lower, .. } = placed;
    let values = [
        ("name", placed.name.clone()),
        ("group", group.clone()),
        ("version", kind.version.into()),
        ("kind", kind.kind.into()),
        ("lower", lower.clone()),
        ("plural", plural.clone()),
        ("spec", files.describes.0.into()),
        ("status", files.describes.1.into()),
    ];
    changes.project(text(&placed.comments, &placed.project));
    let definition = format!("{group}_{plural}.yaml");
    let crd = folder.join("config/crd/bases").join(&definition);
    if !crd.exists() {
        changes.user(
            format!("config/crd/bases/{definition}"),
            fill(include_str!("../templates/sdk/crd.yaml.txt"), &values),
        );
    }
    let prefix = if kind.group.is_empty() { String::new() } else { format!("{}_", kind.group) };
    let sample = format!("{prefix}{}_{lower}.yaml", kind.version);
    changes.user(format!("config/samples/{sample}"), files.sample.clone());
    let mut listed = Vec::new();
    for (what, verbs) in PEOPLE {
        let verbs = verbs.iter().map(|verb| format!("  - {verb}\n")).collect();
        let role = [&values[..], &[("what", what.into()), ("verbs", verbs)]].concat();
        let file = format!("{lower}_{what}_role.yaml");
        changes.user_if_absent(
            format!("config/rbac/{file}"),
            fill(include_str!("../templates/sdk/people_role.yaml.txt"), &role),
        );
        listed.push(file);
    }
    extend(folder, "watches.yaml", "scaffold:watch", &files.watch, changes)?;
    extend(folder, "config/rbac/role.yaml", "scaffold:rules", &files.rules, changes)?;
    for (list, entries) in [
        ("config/crd/kustomization.yaml", vec![format!("bases/{definition}")]),
        ("config/samples/kustomization.yaml", vec![sample]),
        ("config/rbac/kustomization.yaml", listed),
    ] {
        let text: String = entries.iter().map(|entry| format!("- {entry}\n")).collect();
        extend(folder, list, "scaffold:", &text, changes)?;
    }
    Ok(())
}

/// The rights on a kind itself.
pub(crate) fn own_rules(placed: &Placed, kind: &Kind<'_>) -> String {
    let Placed { group, plural, .. } = placed;
    let own = [plural.clone(), format!("{plural}/status"), format!("{plural}/finalizers")];
    format!("# {group}/{}, Kind={}\n{}", kind.version, kind.kind, rule(group, own.iter()))
}

/// The comments that a PROJECT file begins with, and what it says.
fn read(file: &Path) -> Result<(Vec<String>, Value), ProjectError> {
    let (text, project) = layout::read(file)?;
    let comments = text.lines().take_while(|line| line.starts_with('#')).map(str::to_string).collect();
    Ok((comments, project))
}

fn text(comments: &[String], project: &Value) -> String {
    let comments: String = comments.iter().map(|line| format!("{line}\n")).collect();
    // What was read or made here has a form as YAML.
    format!("{comments}{}", serde_saphyr::to_string(project).unwrap_or_default())
}

/// Adds a kind to what PROJECT says; the outer error is about the file, the inner about the command.
fn add(project: &mut Value, new: &Kind<'_>, domain: &str) -> Result<Result<(), ProjectError>, String> {
    let Some(members) = project.as_object_mut() else { return Err("it is no map".into()) };
    let resources = members.entry("resources").or_insert_with(|| json!([]));
    let Some(resources) = resources.as_array_mut() else { return Err("resources: it is no list".into()) };
    let kind = |entry: &Value| {
        entry["kind"] == *new.kind
            && entry["version"] == *new.version
            && entry["group"].as_str().unwrap_or_default() == new.group
    };
    if resources.iter().any(kind) {
        return Ok(Err(ProjectError::Exists {
            what: format!("{} {}", new.kind, new.version),
            fix: "use another --version or --kind".into(),
        }));
    }
    let mut entry = json!({
        "api": {"crdVersion": "v1", "namespaced": true}, "domain": domain, "group": new.group, "kind": new.kind,
        "version": new.version,
    });
    if new.group.is_empty() {
        entry.as_object_mut().map(|entry| entry.remove("group"));
    }
    resources.push(entry);
    Ok(Ok(()))
}

/// A rule with all rights on resources.
pub(crate) fn rule<'a>(group: &str, resources: impl Iterator<Item = &'a String>) -> String {
    let group = if group.is_empty() { "\"\"" } else { group };
    let list = |items: Vec<&str>| items.iter().map(|item| format!("  - {item}\n")).collect::<String>();
    let resources = list(resources.map(String::as_str).collect());
    let verbs = list(vec!["create", "delete", "get", "list", "patch", "update", "watch"]);
    format!("- apiGroups:\n  - {group}\n  resources:\n{resources}  verbs:\n{verbs}")
}

/// Puts entries into a file that ends with a list: at the mark if there is one, else at the end.
fn extend(folder: &Path, path: &str, mark: &str, entries: &str, changes: &mut Changes) -> Result<(), ProjectError> {
    let file = folder.join(path);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        // Somebody goes another way to bring it to the cluster.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path != "watches.yaml" => return Ok(()),
        Err(error) => return Err(ProjectError::Broken { file, cause: error.to_string() }),
    };
    let mark = text.lines().position(|line| line.starts_with('#') && line.contains(mark));
    let lines: Vec<&str> = text.lines().collect();
    let at = mark.unwrap_or(lines.len());
    let join = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let out = format!("{}{entries}{}", join(&lines[..at]), join(&lines[at..]));
    if let Err(error) = serde_saphyr::from_str::<Value>(&out) {
        let cause =
            format!("entries can't be added to it: {error}; add the line `# +kubebuilder:scaffold:` where they go");
        return Err(ProjectError::Broken { file, cause });
    }
    changes.known(path, out);
    Ok(())
}

/// A template with its values filled in.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_string(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}
