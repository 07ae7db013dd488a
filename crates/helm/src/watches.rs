//! watches.yaml: which kinds are releases of which charts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::{duration, expand::expand};

/// An entry of watches.yaml.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// The group of the kind; empty for the core group.
    pub group: String,
    /// Its version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The folder of the chart.
    pub chart: PathBuf,
    /// Whether changes of what the release consists of are watched. Default: yes.
    pub watch_dependent_resources: bool,
    /// Values that win over those of the custom resource, by their paths (`image.repository`), with variables of the
    /// environment filled in. Values with `{{` are templates still.
    pub override_values: BTreeMap<String, String>,
    /// Which custom resources, as `kubectl get -l` takes it.
    pub selector: Option<String>,
    /// How often a release is looked at when nothing changes.
    pub reconcile_period: Option<Duration>,
    /// Whether `lookup` in templates sees the cluster when it is decided whether to upgrade (`dryRunOption: server`).
    pub dry_run_on_server: bool,
}

/// Why watches.yaml can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {cause}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct WatchesError {
    /// The file.
    pub file: PathBuf,
    /// The line, if it is about one; the first is 1.
    pub line: Option<u64>,
    /// What is wrong, and what would be right.
    pub cause: String,
}

const FIELDS: [&str; 9] = [
    "group",
    "version",
    "kind",
    "chart",
    "watchDependentResources",
    "overrideValues",
    "selector",
    "reconcilePeriod",
    "dryRunOption",
];

impl Watch {
    /// Reads a file. Charts are looked for in its folder. `variable` tells the environment's variables.
    ///
    /// # Errors
    /// With the file, the line and what would be right.
    pub fn load(file: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Self>, WatchesError> {
        let failed = |line, cause| WatchesError { file: file.into(), line, cause };
        let text = std::fs::read_to_string(file).map_err(|error| {
            failed(None, format!("{error}; run this in the project's folder, or name the file with --watches-file"))
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        parse(&text, folder, variable).map_err(|(line, cause)| failed(line, cause))
    }

    /// `group/version, Kind=kind`, for people.
    pub fn name(&self) -> String {
        let separator = if self.group.is_empty() { "" } else { "/" };
        format!("{}{separator}{}, Kind={}", self.group, self.version, self.kind)
    }
}

type Wrong = (Option<u64>, String);

fn parse(text: &str, folder: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Watch>, Wrong> {
    let entries: Option<Vec<BTreeMap<String, Spanned<Value>>>> = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map(|at| at.line());
        let text = error.to_string();
        let cause = text.lines().next().unwrap_or_default().to_string();
        (line, format!("{cause}; the file is a list of entries with group, version, kind and chart"))
    })?;
    let mut seen = BTreeSet::new();
    let mut watches = Vec::new();
    for fields in entries.unwrap_or_default() {
        let entry = Entry { fields };
        let watch = entry.watch(folder, &variable)?;
        if !seen.insert((watch.group.clone(), watch.version.clone(), watch.kind.clone())) {
            let cause = format!("{} is there twice: a kind has one chart; remove one of the entries", watch.name());
            return Err((entry.line("kind"), cause));
        }
        watches.push(watch);
    }
    Ok(watches)
}

struct Entry {
    fields: BTreeMap<String, Spanned<Value>>,
}

impl Entry {
    fn watch(&self, folder: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Watch, Wrong> {
        for (name, value) in &self.fields {
            if !FIELDS.contains(&name.as_str()) {
                // operator-sdk passes over them too; projects have some for other tools.
                tracing::warn!(field = name, line = value.referenced.line(), "watches.yaml has a field of no meaning");
            }
        }
        let chart = PathBuf::from(self.required("chart")?);
        let chart = if chart.is_absolute() { chart } else { folder.join(chart) };
        if !chart.join("Chart.yaml").is_file() {
            let cause = format!(
                "chart: {} is no chart: it has no Chart.yaml; the path begins at the folder of watches.yaml",
                chart.display()
            );
            return Err((self.line("chart"), cause));
        }
        Ok(Watch {
            group: self.text("group")?.unwrap_or_default(),
            version: self.required("version")?,
            kind: self.required("kind")?,
            chart,
            watch_dependent_resources: self.truth("watchDependentResources")?.unwrap_or(true),
            override_values: self.overrides(variable)?,
            selector: self.selector()?,
            reconcile_period: self.period()?,
            dry_run_on_server: self.dry_run()?,
        })
    }

    fn line(&self, name: &str) -> Option<u64> {
        let first = || self.fields.values().map(|value| value.referenced.line()).min();
        self.fields.get(name).map(|value| value.referenced.line()).or_else(first)
    }

    fn wrong<T>(&self, name: &str, cause: impl std::fmt::Display) -> Result<T, Wrong> {
        Err((self.line(name), format!("{name}: {cause}")))
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).map(|value| &value.value).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => self.wrong(name, format!("{other} is no text; put it into quotes")),
        }
    }

    fn required(&self, name: &str) -> Result<String, Wrong> {
        match self.text(name)?.filter(|text| !text.is_empty()) {
            Some(text) => Ok(text),
            None => self.wrong(name, "it must not be empty; an entry has group, version, kind and chart"),
        }
    }

    fn truth(&self, name: &str) -> Result<Option<bool>, Wrong> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(other) => self.wrong(name, format!("{other} is neither true nor false")),
        }
    }

    fn overrides(&self, variable: impl Fn(&str) -> Option<String>) -> Result<BTreeMap<String, String>, Wrong> {
        let name = "overrideValues";
        let Some(value) = self.value(name) else { return Ok(BTreeMap::new()) };
        let Some(members) = value.as_object() else {
            return self.wrong(name, "it maps paths of values, such as image.repository, to texts");
        };
        let mut overrides = BTreeMap::new();
        for (path, value) in members {
            let Some(text) = value.as_str() else {
                return self.wrong(name, format!("{path}: {value} is no text; put it into quotes"));
            };
            overrides.insert(path.clone(), expand(text, &variable));
        }
        Ok(overrides)
    }

    fn period(&self) -> Result<Option<Duration>, Wrong> {
        let name = "reconcilePeriod";
        let Some(text) = self.text(name)? else { return Ok(None) };
        match duration::parse(&text) {
            // As if it were not there.
            Ok(Duration::ZERO) => Ok(None),
            Ok(period) => Ok(Some(period)),
            Err(cause) => self.wrong(name, cause),
        }
    }

    fn dry_run(&self) -> Result<bool, Wrong> {
        let name = "dryRunOption";
        match self.text(name)?.as_deref() {
            Some("server") => Ok(true),
            None | Some("" | "client" | "none" | "true" | "false") => Ok(false),
            Some(other) => self.wrong(name, format!("{other:?} is not known; write server, client or none")),
        }
    }

    fn selector(&self) -> Result<Option<String>, Wrong> {
        let name = "selector";
        let Some(value) = self.value(name) else { return Ok(None) };
        let selector: LabelSelector = match serde_json::from_value(value.clone()) {
            Ok(selector) => selector,
            Err(error) => return self.wrong(name, format!("{error}; it has matchLabels and matchExpressions")),
        };
        let mut parts: Vec<String> =
            selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
        for expression in selector.match_expressions.iter().flatten() {
            let key = &expression.key;
            let values = expression.values.as_deref().unwrap_or_default();
            let joined = values.join(",");
            parts.push(match (expression.operator.as_str(), values.is_empty()) {
                ("In", false) => format!("{key} in ({joined})"),
                ("NotIn", false) => format!("{key} notin ({joined})"),
                ("Exists", true) => key.clone(),
                ("DoesNotExist", true) => format!("!{key}"),
                (operator, _) => {
                    let cause = format!(
                        "{key}: {operator} with {} values makes no sense; In and NotIn have values, Exists and DoesNotExist none",
                        values.len()
                    );
                    return self.wrong(name, cause);
                }
            });
        }
        Ok((!parts.is_empty()).then(|| parts.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Vec<Watch>, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("helm-charts/memcached")).unwrap();
        std::fs::write(dir.path().join("helm-charts/memcached/Chart.yaml"), "name: memcached\n").unwrap();
        let file = dir.path().join("watches.yaml");
        std::fs::write(&file, text).unwrap();
        let variable = |name: &str| (name == "IMAGE").then(|| "registry/memcached".to_string());
        Watch::load(&file, variable)
            .map_err(|error| error.to_string().replace(&dir.path().display().to_string(), "DIR"))
    }

    #[test]
    fn an_entry_of_operator_sdk_is_read_with_its_defaults() {
        let watches = load(
            "# a comment\n- group: cache.example.com\n  version: v1alpha1\n  kind: Memcached\n  chart: helm-charts/memcached\n# +kubebuilder:scaffold:watch\n",
        )
        .unwrap();
        let [watch] = watches.as_slice() else { panic!("{watches:?}") };
        assert_eq!(watch.name(), "cache.example.com/v1alpha1, Kind=Memcached");
        assert!(watch.chart.ends_with("helm-charts/memcached"));
        assert!(watch.watch_dependent_resources && !watch.dry_run_on_server);
        assert_eq!((watch.reconcile_period, &watch.selector), (None, &None));
    }

    #[test]
    fn all_fields_are_read() {
        let watches = load(concat!(
            "- group: example.com\n  version: v1\n  kind: Memcached\n  chart: helm-charts/memcached\n",
            "  watchDependentResources: false\n  overrideValues:\n    image.repository: ${IMAGE}\n    none: $MISSING\n",
            "  selector:\n    matchLabels: {tier: fast}\n    matchExpressions:\n    - {key: testLabel, operator: Exists, values: []}\n",
            "    - {key: zone, operator: In, values: [a, b]}\n  reconcilePeriod: 1m30s\n  dryRunOption: server\n",
        ))
        .unwrap();
        let watch = &watches[0];
        assert!(!watch.watch_dependent_resources && watch.dry_run_on_server);
        assert_eq!(watch.override_values["image.repository"], "registry/memcached");
        assert_eq!(watch.override_values["none"], "");
        assert_eq!(watch.selector.as_deref(), Some("tier=fast,testLabel,zone in (a,b)"));
        assert_eq!(watch.reconcile_period, Some(Duration::from_secs(90)));
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_remedy() {
        let entry = "- group: example.com\n  version: v1\n  kind: Memcached\n  chart: helm-charts/memcached\n";
        for (text, expected) in [
            (format!("{entry}{entry}"), "DIR/watches.yaml:7: example.com/v1, Kind=Memcached is there twice"),
            (entry.replace("helm-charts/memcached", "charts/x"), "DIR/watches.yaml:4: chart: DIR/charts/x is no chart"),
            (entry.replace("  version: v1\n", ""), "DIR/watches.yaml:1: version: it must not be empty"),
            (entry.replace("v1", "1"), "DIR/watches.yaml:2: version: 1 is no text; put it into quotes"),
            (
                format!("{entry}  overrideValues: {{port: 80}}\n"),
                "DIR/watches.yaml:5: overrideValues: port: 80 is no text",
            ),
            (format!("{entry}  reconcilePeriod: 1x\n"), "DIR/watches.yaml:5: reconcilePeriod: \"1x\" is no duration"),
            (format!("{entry}  dryRunOption: sever\n"), "DIR/watches.yaml:5: dryRunOption: \"sever\" is not known"),
            (
                format!("{entry}  selector: {{matchExpressions: [{{key: a, operator: In}}]}}\n"),
                "selector: a: In with 0 values",
            ),
            ("group: x\n".into(), "the file is a list of entries"),
            ("- group: [x\n".into(), "DIR/watches.yaml:"),
        ] {
            let error = load(&text).unwrap_err();
            assert!(error.contains(expected), "{text}\n{error}");
        }
        let missing = Watch::load(Path::new("/nowhere/watches.yaml"), |_| None).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/watches.yaml") && missing.contains("--watches-file"), "{missing}");
    }

    #[test]
    fn a_file_without_entries_has_none_and_unknown_fields_do_no_harm() {
        assert_eq!(load("# nothing yet\n").unwrap(), []);
        let entry = "- version: v1\n  kind: Memcached\n  chart: helm-charts/memcached\n  maxConcurrentReconciles: 4\n";
        assert_eq!(load(entry).unwrap()[0].group, "");
    }
}
