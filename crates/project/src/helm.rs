//! Projects whose custom resources are Helm releases: operator-sdk's layout, so that either tool can go on with what the other made.
//!
//! PROJECT, watches.yaml, `helm-charts/` and `config/` are the user's. `create api` adds to files that list things, at
//! operator-sdk's marks where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::ProjectError;
use crate::names;
use crate::stage::Changes;

/// The layout, as operator-sdk calls it.
const LAYOUT: &str = "helm.sdk.operatorframework.io/v1";

/// What a person may do in each role.
const PEOPLE: [(&str, &[&str]); 3] = [
    ("admin", &["\"*\""]),
    ("editor", &["create", "delete", "get", "list", "patch", "update", "watch"]),
    ("viewer", &["get", "list", "watch"]),
];

/// What `init --plugins helm` is told.
#[derive(Debug, Clone)]
pub struct HelmInitOptions {
    /// The domain of the API groups.
    pub domain: String,
    /// The name of the project, and of its namespace without `-system`.
    pub project_name: String,
}

/// What `create api` is told in such a project.
#[derive(Debug, Clone, Default)]
pub struct HelmApiOptions {
    /// The first part of the group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The plural; guessed from the kind without.
    pub plural: Option<String>,
    /// The folder of a chart to copy. Default: a new one, of a Deployment and a Service.
    pub chart: Option<PathBuf>,
    /// What the chart renders to, for the rights that the operator needs. Without it the usual kinds are assumed.
    pub manifest: Option<String>,
}

/// Whether the project in this folder has this layout.
///
/// # Errors
/// If PROJECT can't be read.
pub fn is_helm(folder: &Path) -> Result<bool, ProjectError> {
    let (_, project) = read(&folder.join("PROJECT"))?;
    Ok(has_layout(&project))
}

/// A new project.
///
/// # Errors
/// If a name can't be used.
pub fn init_helm(options: &HelmInitOptions) -> Result<Changes, ProjectError> {
    names::domain("--domain", &options.domain)?;
    names::label("--project-name", &options.project_name)?;
    let values = [("name", options.project_name.clone())];
    let mut changes = Changes::default();
    for (path, template) in [
        (".gitignore", include_str!("../templates/helm/gitignore.txt")),
        ("Dockerfile", include_str!("../templates/helm/Dockerfile.txt")),
        ("watches.yaml", include_str!("../templates/helm/watches.yaml.txt")),
        ("config/crd/kustomization.yaml", include_str!("../templates/helm/crd_kustomization.yaml.txt")),
        ("config/default/kustomization.yaml", include_str!("../templates/helm/default_kustomization.yaml.txt")),
        ("config/manager/kustomization.yaml", include_str!("../templates/helm/manager_kustomization.yaml.txt")),
        ("config/manager/manager.yaml", include_str!("../templates/helm/manager.yaml.txt")),
        ("config/rbac/kustomization.yaml", include_str!("../templates/helm/rbac_kustomization.yaml.txt")),
        ("config/rbac/service_account.yaml", include_str!("../templates/helm/service_account.yaml.txt")),
        ("config/rbac/role.yaml", include_str!("../templates/helm/role.yaml.txt")),
        ("config/rbac/role_binding.yaml", include_str!("../templates/helm/role_binding.yaml.txt")),
        ("config/rbac/leader_election_role.yaml", include_str!("../templates/helm/leader_election_role.yaml.txt")),
        (
            "config/rbac/leader_election_role_binding.yaml",
            include_str!("../templates/helm/leader_election_role_binding.yaml.txt"),
        ),
        ("config/samples/kustomization.yaml", include_str!("../templates/helm/samples_kustomization.yaml.txt")),
    ] {
        changes.user(path, fill(template, &values));
    }
    let project = json!({
        "domain": options.domain, "layout": [LAYOUT], "projectName": options.project_name, "version": "3",
    });
    changes.project(text(&[], &project));
    Ok(changes)
}

/// A kind for the project in this folder, with its chart.
///
/// # Errors
/// If a name or the chart can't be used, or the kind is there already.
pub fn create_helm_api(folder: &Path, options: &HelmApiOptions) -> Result<Changes, ProjectError> {
    names::kind("--kind", &options.kind)?;
    names::version("--version", &options.version)?;
    let plural = options.plural.clone().unwrap_or_else(|| names::plural(&options.kind));
    names::label("--plural", &plural)?;
    let file = folder.join("PROJECT");
    let (comments, mut project) = read(&file)?;
    let name = project["projectName"].as_str().unwrap_or("operator").to_string();
    let domain = project["domain"].as_str().unwrap_or_default().to_string();
    let group = if options.group.is_empty() { domain.clone() } else { format!("{}.{domain}", options.group) };
    names::domain("--group", &group)?;
    add(&mut project, options, &domain).map_err(|cause| ProjectError::Broken { file, cause })??;

    let mut changes = Changes::default();
    let lower = options.kind.to_lowercase();
    let (chart, defaults) = match &options.chart {
        Some(from) => copied(from, &mut changes)?,
        None => (lower.clone(), made(&options.kind, &mut changes)),
    };
    let values = [
        ("name", name),
        ("group", group.clone()),
        ("version", options.version.clone()),
        ("kind", options.kind.clone()),
        ("lower", lower.clone()),
        ("plural", plural.clone()),
        ("chart", chart),
    ];
    changes.project(text(&comments, &project));
    let definition = format!("{group}_{plural}.yaml");
    let crd = folder.join("config/crd/bases").join(&definition);
    if !crd.exists() {
        changes.user(
            format!("config/crd/bases/{definition}"),
            fill(include_str!("../templates/helm/crd.yaml.txt"), &values),
        );
    }
    let prefix = if options.group.is_empty() { String::new() } else { format!("{}_", options.group) };
    let sample = format!("{prefix}{}_{lower}.yaml", options.version);
    changes.user(format!("config/samples/{sample}"), sampled(&group, options, &defaults));
    let mut listed = Vec::new();
    for (what, verbs) in PEOPLE {
        let verbs = verbs.iter().map(|verb| format!("  - {verb}\n")).collect();
        let role = [&values[..], &[("what", what.into()), ("verbs", verbs)]].concat();
        let file = format!("{lower}_{what}_role.yaml");
        changes.user_if_absent(
            format!("config/rbac/{file}"),
            fill(include_str!("../templates/helm/people_role.yaml.txt"), &role),
        );
        listed.push(file);
    }
    let watch = fill(include_str!("../templates/helm/watch.yaml.txt"), &values);
    extend(folder, "watches.yaml", "scaffold:watch", &watch, &mut changes)?;
    extend(folder, "config/rbac/role.yaml", "scaffold:rules", &rules(&group, &plural, options), &mut changes)?;
    for (list, entries) in [
        ("config/crd/kustomization.yaml", vec![format!("bases/{definition}")]),
        ("config/samples/kustomization.yaml", vec![sample]),
        ("config/rbac/kustomization.yaml", listed),
    ] {
        let text: String = entries.iter().map(|entry| format!("- {entry}\n")).collect();
        extend(folder, list, "scaffold:", &text, &mut changes)?;
    }
    Ok(changes)
}

fn has_layout(project: &Value) -> bool {
    let layout = &project["layout"];
    let names = layout.as_array().map_or_else(|| vec![layout], |names| names.iter().collect());
    names.iter().any(|name| name.as_str().is_some_and(|name| name.split(',').any(|part| part.trim() == LAYOUT)))
}

/// The comments that a PROJECT file begins with, and what it says.
fn read(file: &Path) -> Result<(Vec<String>, Value), ProjectError> {
    let broken = |cause: String| ProjectError::Broken { file: file.into(), cause };
    let text = std::fs::read_to_string(file).map_err(|error| broken(error.to_string()))?;
    let project: Value = serde_saphyr::from_str(&text).map_err(|error| broken(error.to_string()))?;
    let comments = text.lines().take_while(|line| line.starts_with('#')).map(str::to_string).collect();
    Ok((comments, project))
}

fn text(comments: &[String], project: &Value) -> String {
    let comments: String = comments.iter().map(|line| format!("{line}\n")).collect();
    // What was read or made here has a form as YAML.
    format!("{comments}{}", serde_saphyr::to_string(project).unwrap_or_default())
}

/// Adds a kind to what PROJECT says; the outer error is about the file, the inner about the command.
fn add(project: &mut Value, options: &HelmApiOptions, domain: &str) -> Result<Result<(), ProjectError>, String> {
    let Some(members) = project.as_object_mut() else { return Err("it is no map".into()) };
    let resources = members.entry("resources").or_insert_with(|| json!([]));
    let Some(resources) = resources.as_array_mut() else { return Err("resources: it is no list".into()) };
    let kind = |entry: &Value| {
        entry["kind"] == *options.kind
            && entry["version"] == *options.version
            && entry["group"].as_str().unwrap_or_default() == options.group
    };
    if resources.iter().any(kind) {
        return Ok(Err(ProjectError::Exists {
            what: format!("{} {}", options.kind, options.version),
            fix: "use another --version or --kind".into(),
        }));
    }
    let mut entry = json!({
        "api": {"crdVersion": "v1", "namespaced": true}, "domain": domain, "group": options.group, "kind": options.kind,
        "version": options.version,
    });
    if options.group.is_empty() {
        entry.as_object_mut().map(|entry| entry.remove("group"));
    }
    resources.push(entry);
    Ok(Ok(()))
}

/// A new chart; tells its values.
fn made(kind: &str, changes: &mut Changes) -> Map<String, Value> {
    let lower = kind.to_lowercase();
    let values = [("lower", lower.clone()), ("kind", kind.to_string())];
    let defaults = include_str!("../templates/helm/chart/values.yaml.txt");
    for (path, template) in [
        ("Chart.yaml", include_str!("../templates/helm/chart/Chart.yaml.txt")),
        (".helmignore", include_str!("../templates/helm/chart/helmignore.txt")),
        ("values.yaml", defaults),
        ("templates/_helpers.tpl", include_str!("../templates/helm/chart/_helpers.tpl.txt")),
        ("templates/deployment.yaml", include_str!("../templates/helm/chart/deployment.yaml.txt")),
        ("templates/service.yaml", include_str!("../templates/helm/chart/service.yaml.txt")),
        ("templates/serviceaccount.yaml", include_str!("../templates/helm/chart/serviceaccount.yaml.txt")),
        ("templates/NOTES.txt", include_str!("../templates/helm/chart/NOTES.txt.txt")),
    ] {
        changes.user(format!("helm-charts/{lower}/{path}"), fill(template, &values));
    }
    serde_saphyr::from_str(defaults).unwrap_or_default()
}

/// A copy of a chart; tells its name and its values.
fn copied(from: &Path, changes: &mut Changes) -> Result<(String, Map<String, Value>), ProjectError> {
    let wrong = |cause: String| ProjectError::Name { flag: "--helm-chart", value: from.display().to_string(), cause };
    let read = |file: &Path| {
        std::fs::read(file).map_err(|error| {
            let fix = "give the folder of a chart; `helm pull --untar` fetches one";
            wrong(format!("{}: {error}; {fix}", file.display()))
        })
    };
    let file = from.join("Chart.yaml");
    let metadata: Value =
        serde_saphyr::from_slice(&read(&file)?).map_err(|error| wrong(format!("Chart.yaml: {error}")))?;
    let name = metadata["name"].as_str().unwrap_or_default().to_string();
    if name.is_empty() || name.contains(['/', '\\']) || name == ".." {
        return Err(wrong(format!("Chart.yaml: name: {name:?} can't be the name of a folder")));
    }
    let mut defaults = Map::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let dir = from.join(&below);
        let failed = |error: std::io::Error| wrong(format!("{}: {error}", dir.display()));
        for entry in std::fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = below.join(entry.file_name());
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = read(&from.join(&path))?;
            if path == Path::new("values.yaml") {
                let values: Option<Map<String, Value>> =
                    serde_saphyr::from_slice(&bytes).map_err(|error| wrong(format!("values.yaml: {error}")))?;
                defaults = values.unwrap_or_default();
            }
            changes.copy(Path::new("helm-charts").join(&name).join(path), bytes);
        }
    }
    Ok((name, defaults))
}

fn sampled(group: &str, options: &HelmApiOptions, defaults: &Map<String, Value>) -> String {
    let spec = if defaults.is_empty() {
        " {}\n".to_string()
    } else {
        let yaml = serde_saphyr::to_string(defaults).unwrap_or_default();
        let lines: String = yaml.lines().map(|line| format!("  {line}\n")).collect();
        format!("\n  # The defaults of the chart's values.yaml.\n{lines}")
    };
    let lower = options.kind.to_lowercase();
    format!(
        "apiVersion: {group}/{}\nkind: {}\nmetadata:\n  name: {lower}-sample\nspec:{spec}",
        options.version, options.kind
    )
}

/// The rights for a kind and for what its chart makes.
fn rules(group: &str, plural: &str, options: &HelmApiOptions) -> String {
    let mut made: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut may = |group: &str, resources: &[&str]| {
        made.entry(group.into()).or_default().extend(resources.iter().map(|name| (*name).to_string()));
    };
    match &options.manifest {
        Some(manifest) => {
            let documents = serde_saphyr::from_multiple::<Option<Value>>(manifest).unwrap_or_default();
            for object in documents.into_iter().flatten() {
                let (Some(version), Some(kind)) = (object["apiVersion"].as_str(), object["kind"].as_str()) else {
                    continue;
                };
                let group = version.split_once('/').map_or("", |(group, _)| group);
                may(group, &[&names::plural(kind)]);
            }
        }
        None => {
            may("", &["configmaps", "persistentvolumeclaims", "secrets", "serviceaccounts", "services"]);
            may("apps", &["daemonsets", "deployments", "statefulsets"]);
        }
    }
    let own = [plural.to_string(), format!("{plural}/status"), format!("{plural}/finalizers")];
    let mut text = format!("# {}/{}, Kind={}\n", group, options.version, options.kind);
    text.push_str(&rule(group, own.iter()));
    for (group, resources) in &made {
        text.push_str(&rule(group, resources.iter()));
    }
    text
}

fn rule<'a>(group: &str, resources: impl Iterator<Item = &'a String>) -> String {
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

fn fill(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_string(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}
