//! watches.yaml: which kinds are releases of which charts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubewright_operator_sdk::entries::{self, Entry, Wrong};
use kubewright_operator_sdk::expand::expand;

pub use kubewright_operator_sdk::WatchesError;

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
        entries::load(file, |text, folder| parse(&text, folder, variable))
    }

    /// `group/version, Kind=kind`, for people.
    pub fn name(&self) -> String {
        let separator = if self.group.is_empty() { "" } else { "/" };
        format!("{}{separator}{}, Kind={}", self.group, self.version, self.kind)
    }
}

fn parse(text: &str, folder: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Watch>, Wrong> {
    let mut seen = BTreeSet::new();
    let mut watches = Vec::new();
    for entry in Entry::all(text, "a list of entries with group, version, kind and chart")? {
        let watch = watch(&entry, folder, &variable)?;
        if !seen.insert((watch.group.clone(), watch.version.clone(), watch.kind.clone())) {
            let cause = format!("{} is there twice: a kind has one chart; remove one of the entries", watch.name());
            return Err((entry.line("kind"), cause));
        }
        watches.push(watch);
    }
    Ok(watches)
}

fn watch(entry: &Entry, folder: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Watch, Wrong> {
    entry.warn_of_others(&FIELDS);
    let has = "group, version, kind and chart";
    let chart = PathBuf::from(entry.required("chart", has)?);
    let chart = if chart.is_absolute() { chart } else { folder.join(chart) };
    if !chart.join("Chart.yaml").is_file() {
        let cause = format!(
            "{} is no chart: it has no Chart.yaml; the path begins at the folder of watches.yaml",
            chart.display()
        );
        return entry.wrong("chart", cause);
    }
    Ok(Watch {
        group: entry.text("group")?.unwrap_or_default(),
        version: entry.required("version", has)?,
        kind: entry.required("kind", has)?,
        chart,
        watch_dependent_resources: entry.truth("watchDependentResources")?.unwrap_or(true),
        override_values: overrides(entry, variable)?,
        selector: entry.selector("selector")?,
        reconcile_period: entry.period("reconcilePeriod")?,
        dry_run_on_server: dry_run(entry)?,
    })
}

fn overrides(entry: &Entry, variable: impl Fn(&str) -> Option<String>) -> Result<BTreeMap<String, String>, Wrong> {
    let name = "overrideValues";
    let Some(value) = entry.value(name) else { return Ok(BTreeMap::new()) };
    let Some(members) = value.as_object() else {
        return entry.wrong(name, "it maps paths of values, such as image.repository, to texts");
    };
    let mut overrides = BTreeMap::new();
    for (path, value) in members {
        let Some(text) = value.as_str() else {
            return entry.wrong(name, format!("{path}: {value} is no text; put it into quotes"));
        };
        overrides.insert(path.clone(), expand(text, |name, _| variable(name).unwrap_or_default()));
    }
    Ok(overrides)
}

fn dry_run(entry: &Entry) -> Result<bool, Wrong> {
    let name = "dryRunOption";
    match entry.text(name)?.as_deref() {
        Some("server") => Ok(true),
        None | Some("" | "client" | "none" | "true" | "false") => Ok(false),
        Some(other) => entry.wrong(name, format!("{other:?} is not known; write server, client or none")),
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
