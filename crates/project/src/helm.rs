//! Projects whose custom resources are Helm releases: operator-sdk's layout, so that either tool can go on with what the other made.
//!
//! PROJECT, watches.yaml, `helm-charts/` and `config/` are the user's. `create api` adds to files that list things, at
//! operator-sdk's marks where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::ProjectError;
use crate::layout::Layout;
use crate::names;
use crate::sdk::{self, Frame, Kind, KindFiles, Placed, fill};
use crate::stage::Changes;

/// What to do about a chart that is broken.
const LINT: &str = "`helm lint` tells more";

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

/// A new project.
///
/// # Errors
/// If a name can't be used.
pub fn init_helm(options: &HelmInitOptions) -> Result<Changes, ProjectError> {
    sdk::init(&Frame {
        layout: Layout::Helm,
        domain: &options.domain,
        name: &options.project_name,
        own: &[
            ("Dockerfile", include_str!("../templates/helm/Dockerfile.txt")),
            ("config/manager/manager.yaml", include_str!("../templates/helm/manager.yaml.txt")),
            ("config/rbac/role.yaml", include_str!("../templates/helm/role.yaml.txt")),
        ],
    })
}

/// A kind for the project in this folder, with its chart.
///
/// # Errors
/// If a name or the chart can't be used, or the kind is there already.
pub fn create_helm_api(folder: &Path, options: &HelmApiOptions) -> Result<Changes, ProjectError> {
    let kind = Kind {
        group: &options.group,
        version: &options.version,
        kind: &options.kind,
        plural: options.plural.as_deref(),
    };
    let placed = sdk::place(folder, &kind)?;
    let mut changes = Changes::default();
    let (chart, defaults) = match &options.chart {
        Some(from) => copied(from, &mut changes)?,
        None => (placed.lower.clone(), made(&options.kind, &mut changes)),
    };
    let values = [
        ("group", placed.group.clone()),
        ("version", options.version.clone()),
        ("kind", options.kind.clone()),
        ("chart", chart),
    ];
    let files = KindFiles {
        describes: ("Values of the chart", "What became of the release"),
        sample: sampled(&placed.group, options, &defaults),
        watch: fill(include_str!("../templates/helm/watch.yaml.txt"), &values),
        rules: rules(&placed, &kind, options),
    };
    sdk::write(folder, &kind, &placed, &files, &mut changes)?;
    Ok(changes)
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
        serde_saphyr::from_slice(&read(&file)?).map_err(|error| wrong(format!("Chart.yaml: {error}; {LINT}")))?;
    let name = metadata["name"].as_str().unwrap_or_default().to_string();
    if name.is_empty() || name.contains(['/', '\\']) || name == ".." {
        return Err(wrong(format!("Chart.yaml: name: {name:?} can't be the name of a folder; {LINT}")));
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
                    serde_saphyr::from_slice(&bytes).map_err(|error| wrong(format!("values.yaml: {error}; {LINT}")))?;
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
fn rules(placed: &Placed, kind: &Kind<'_>, options: &HelmApiOptions) -> String {
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
    let mut text = sdk::own_rules(placed, kind);
    for (group, resources) in &made {
        text.push_str(&sdk::rule(group, resources.iter()));
    }
    text
}
