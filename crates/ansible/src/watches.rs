//! watches.yaml: which kinds are worked on by which roles and playbooks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubewright_operator_sdk::entries::{self, Entry, Wrong};
use kubewright_operator_sdk::expand::expand;
use serde_json::{Map, Value};

pub use kubewright_operator_sdk::WatchesError;

use crate::Search;

/// An entry of watches.yaml.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// The group of the kind; empty for the core group.
    pub group: String,
    /// Its version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// What is run.
    pub content: Content,
    /// Variables for it, which win over those of the custom resource.
    pub vars: Map<String, Value>,
    /// How often it is run when nothing changes.
    pub reconcile_period: Option<Duration>,
    /// Whether the operator writes conditions into the status. Default: yes.
    pub manage_status: bool,
    /// Whether changes of what was made are watched. Default: yes.
    pub watch_dependent_resources: bool,
    /// Whether that holds for what is in no namespace too. Default: no.
    pub watch_cluster_scoped_resources: bool,
    /// Whether a change of the custom resource's annotations is a reason to run. Default: no.
    pub watch_annotations_changes: bool,
    /// Whether fields of `spec` are variables in snake case. Default: yes.
    pub snake_case_parameters: bool,
    /// Whether texts of the custom resource are kept from being taken for templates. Default: no.
    pub mark_unsafe: bool,
    /// Which custom resources, as `kubectl get -l` takes it.
    pub selector: Option<String>,
    /// Kinds that are not watched though objects of them are made: group, version, kind.
    pub blacklist: Vec<(String, String, String)>,
    /// What is to be done before a custom resource goes.
    pub finalizer: Option<Finalizer>,
    /// How many runs' artifacts are kept; 0: all. Default: 20.
    pub max_runner_artifacts: u32,
    /// How many custom resources are worked on at the same time, if the environment says so.
    pub max_concurrent_reconciles: Option<usize>,
    /// How much Ansible tells, 0 to 7, if the environment says so.
    pub verbosity: Option<u8>,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The file of a playbook.
    Playbook(PathBuf),
    /// The folder of a role.
    Role(PathBuf),
}

/// What is to be done before a custom resource goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Finalizer {
    /// The finalizer that stands on the custom resource.
    pub name: String,
    /// What is run; none: what is always run, with the variables of the finalizer.
    pub content: Option<Content>,
    /// Variables, which win over all others.
    pub vars: Map<String, Value>,
}

const FIELDS: [&str; 17] = [
    "group",
    "version",
    "kind",
    "playbook",
    "role",
    "vars",
    "maxRunnerArtifacts",
    "reconcilePeriod",
    "manageStatus",
    "watchDependentResources",
    "watchClusterScopedResources",
    "watchAnnotationsChanges",
    "snakeCaseParameters",
    "markUnsafe",
    "selector",
    "blacklist",
    "finalizer",
];
const HAS: &str = "group, version, kind, and role or playbook";
const ARTIFACTS: u32 = 20;
/// The most that Ansible can be told to tell.
const VERBOSITY: u8 = 7;

impl Watch {
    /// Reads a file. `variable` tells the environment's variables: `$NAME` in the file, `MAX_CONCURRENT_RECONCILES_KIND_GROUP`,
    /// `ANSIBLE_VERBOSITY_KIND_GROUP`.
    ///
    /// # Errors
    /// With the file, the line and what would be right.
    pub fn load(
        file: &Path,
        search: &Search,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<Self>, WatchesError> {
        entries::load(file, |text, _| {
            // A variable that is not set stays as it is written.
            let text = expand(&text, |name, written| variable(name).unwrap_or_else(|| written.into()));
            parse(&text, search, variable)
        })
    }

    /// `group/version, Kind=kind`, for people.
    pub fn name(&self) -> String {
        let separator = if self.group.is_empty() { "" } else { "/" };
        format!("{}{separator}{}, Kind={}", self.group, self.version, self.kind)
    }
}

fn parse(text: &str, search: &Search, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Watch>, Wrong> {
    let mut seen = BTreeSet::new();
    let mut watches = Vec::new();
    for entry in Entry::all(text, &format!("a list of entries with {HAS}"))? {
        let watch = watch(&entry, search, &variable)?;
        if !seen.insert((watch.group.clone(), watch.version.clone(), watch.kind.clone())) {
            let cause = format!("{} is there twice: a kind has one entry; remove one of the two", watch.name());
            return Err((entry.line("kind"), cause));
        }
        watches.push(watch);
    }
    Ok(watches)
}

fn watch(entry: &Entry, search: &Search, variable: impl Fn(&str) -> Option<String>) -> Result<Watch, Wrong> {
    entry.warn_of_others(&FIELDS);
    let (group, version) = (entry.text("group")?.unwrap_or_default(), entry.required("version", HAS)?);
    let kind = entry.required("kind", HAS)?;
    let truth = |name, default| entry.truth(name).map(|value| value.unwrap_or(default));
    let of_kind = |name: &str| {
        let name = format!("{name}_{kind}_{group}").replace('.', "_").to_uppercase();
        variable(&name).map(|value| (name, value))
    };
    Ok(Watch {
        content: content(entry, search)?,
        vars: vars(entry)?,
        reconcile_period: entry.period("reconcilePeriod")?,
        manage_status: truth("manageStatus", true)?,
        watch_dependent_resources: truth("watchDependentResources", true)?,
        watch_cluster_scoped_resources: truth("watchClusterScopedResources", false)?,
        watch_annotations_changes: truth("watchAnnotationsChanges", false)?,
        snake_case_parameters: truth("snakeCaseParameters", true)?,
        mark_unsafe: truth("markUnsafe", false)?,
        selector: entry.selector("selector")?,
        blacklist: blacklist(entry)?,
        finalizer: finalizer(entry, search)?,
        max_runner_artifacts: artifacts(entry)?,
        max_concurrent_reconciles: number(of_kind("MAX_CONCURRENT_RECONCILES").or_else(|| of_kind("WORKER")), 1, None),
        verbosity: number(of_kind("ANSIBLE_VERBOSITY"), 0, Some(VERBOSITY)),
        group,
        version,
        kind,
    })
}

/// What the environment says of a kind. What makes no sense there is told in the log, and the default holds, as for
/// operator-sdk.
fn number<N: std::str::FromStr + PartialOrd>(found: Option<(String, String)>, least: N, most: Option<N>) -> Option<N> {
    let (name, value) = found?;
    match value.parse::<N>() {
        Ok(number) if number >= least && most.is_none_or(|most| number <= most) => Some(number),
        _ => {
            tracing::warn!(variable = name, value, "it is no number that makes sense here, and is passed over");
            None
        }
    }
}

fn content(entry: &Entry, search: &Search) -> Result<Content, Wrong> {
    let text = |name| entry.text(name).map(|text| text.filter(|text| !text.is_empty()));
    // Where both are given, the playbook wins.
    if let Some(path) = text("playbook")? {
        return search.playbook(&path).map(Content::Playbook).or_else(|cause| entry.wrong("playbook", cause));
    }
    match text("role")? {
        Some(name) => search.role(&name).map(Content::Role).or_else(|cause| entry.wrong("role", cause)),
        None => entry.wrong("role", format!("there is neither a role nor a playbook; an entry has {HAS}")),
    }
}

fn vars(entry: &Entry) -> Result<Map<String, Value>, Wrong> {
    match entry.value("vars") {
        None => Ok(Map::new()),
        Some(Value::Object(vars)) => Ok(vars.clone()),
        Some(_) => entry.wrong("vars", "it maps names of variables to their values"),
    }
}

fn artifacts(entry: &Entry) -> Result<u32, Wrong> {
    let name = "maxRunnerArtifacts";
    match entry.value(name) {
        // As if it were not there.
        None => Ok(ARTIFACTS),
        Some(value) => match value.as_u64().and_then(|number| u32::try_from(number).ok()) {
            Some(0) => Ok(ARTIFACTS),
            Some(number) => Ok(number),
            None => entry.wrong(name, format!("{value} is no number of runs")),
        },
    }
}

fn blacklist(entry: &Entry) -> Result<Vec<(String, String, String)>, Wrong> {
    let name = "blacklist";
    let Some(value) = entry.value(name) else { return Ok(Vec::new()) };
    let kind = |item: &Value| {
        let text = |field: &str| item[field].as_str().map(str::to_string);
        Some((text("group").unwrap_or_default(), text("version")?, text("kind")?))
    };
    match value.as_array().and_then(|items| items.iter().map(kind).collect()) {
        Some(kinds) => Ok(kinds),
        None => entry.wrong(name, "it is a list of kinds, each with group, version and kind"),
    }
}

fn finalizer(entry: &Entry, search: &Search) -> Result<Option<Finalizer>, Wrong> {
    let wrong = |cause: String| entry.wrong("finalizer", cause);
    let Some(value) = entry.value("finalizer") else { return Ok(None) };
    let Some(members) = value.as_object() else {
        return wrong("it has a name, and a role, a playbook or vars".into());
    };
    let text = |field: &str| match members.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(other) => Err((entry.line("finalizer"), format!("finalizer: {field}: {other} is no text"))),
    };
    let Some(name) = text("name")? else {
        return wrong("name: it must not be empty; write for example cache.example.com/finalizer".into());
    };
    let vars = match members.get("vars") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(vars)) => vars.clone(),
        Some(_) => return wrong("vars: it maps names of variables to their values".into()),
    };
    let content = match (text("playbook")?, text("role")?) {
        (Some(path), _) => Some(search.playbook(&path).map(Content::Playbook)),
        (None, Some(role)) => Some(search.role(&role).map(Content::Role)),
        (None, None) => None,
    };
    let content = match content.transpose() {
        Ok(content) => content,
        Err(cause) => return wrong(cause),
    };
    if content.is_none() && vars.is_empty() {
        return wrong("it would do what is always done: give it a role, a playbook or vars".into());
    }
    Ok(Some(Finalizer { name, content, vars }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn load(text: &str) -> Result<Vec<Watch>, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("roles/memcached")).unwrap();
        std::fs::create_dir(dir.path().join("playbooks")).unwrap();
        std::fs::write(dir.path().join("playbooks/memcached.yml"), "- hosts: localhost\n").unwrap();
        let file = dir.path().join("watches.yaml");
        std::fs::write(&file, text).unwrap();
        let variable = |name: &str| match name {
            "KIND" => Some("Memcached".to_string()),
            "MAX_CONCURRENT_RECONCILES_MEMCACHED_CACHE_EXAMPLE_COM" => Some("3".into()),
            "WORKER_MEMCACHED_CACHE_EXAMPLE_COM" => Some("7".into()),
            "WORKER_REDIS_CACHE_EXAMPLE_COM" => Some("none".into()),
            "ANSIBLE_VERBOSITY_MEMCACHED_CACHE_EXAMPLE_COM" => Some("5".into()),
            "ANSIBLE_VERBOSITY_REDIS_CACHE_EXAMPLE_COM" => Some("8".into()),
            _ => None,
        };
        let search = Search::new(dir.path(), |_| None);
        Watch::load(&file, &search, variable)
            .map_err(|error| error.to_string().replace(&dir.path().display().to_string(), "DIR"))
    }

    const ENTRY: &str = "- group: cache.example.com\n  version: v1alpha1\n  kind: Memcached\n  role: memcached\n";

    #[test]
    fn an_entry_of_operator_sdk_is_read_with_its_defaults() {
        let watches = load(&format!("---\n# a comment\n{ENTRY}# +kubebuilder:scaffold:watch\n")).unwrap();
        let [watch] = watches.as_slice() else { panic!("{watches:?}") };
        assert_eq!(watch.name(), "cache.example.com/v1alpha1, Kind=Memcached");
        assert!(matches!(&watch.content, Content::Role(path) if path.ends_with("roles/memcached")));
        assert!(watch.manage_status && watch.watch_dependent_resources && watch.snake_case_parameters);
        assert!(!watch.watch_cluster_scoped_resources && !watch.watch_annotations_changes && !watch.mark_unsafe);
        assert_eq!((watch.max_runner_artifacts, watch.reconcile_period), (20, None));
        assert_eq!((watch.finalizer.as_ref(), watch.selector.as_ref()), (None, None));
    }

    #[test]
    fn all_fields_are_read() {
        let watches = load(concat!(
            "- group: cache.example.com\n  version: v1\n  kind: ${KIND}\n  playbook: playbooks/memcached.yml\n  role: passed-over\n",
            "  vars: {state: present, text: \"${NOT_SET} $2\"}\n  maxRunnerArtifacts: 5\n  reconcilePeriod: 1m30s\n  manageStatus: false\n",
            "  watchDependentResources: false\n  watchClusterScopedResources: true\n  watchAnnotationsChanges: true\n",
            "  snakeCaseParameters: false\n  markUnsafe: true\n  selector: {matchLabels: {tier: fast}}\n",
            "  blacklist: [{group: apps, version: v1, kind: ReplicaSet}, {group: '', version: v1, kind: Pod}]\n",
            "  finalizer:\n    name: cache.example.com/finalizer\n    vars: {state: absent}\n",
        ))
        .unwrap();
        let watch = &watches[0];
        assert_eq!(watch.kind, "Memcached");
        assert!(matches!(&watch.content, Content::Playbook(path) if path.ends_with("playbooks/memcached.yml")));
        assert_eq!(Value::Object(watch.vars.clone()), json!({"state": "present", "text": "${NOT_SET} $2"}));
        assert_eq!((watch.max_runner_artifacts, watch.reconcile_period), (5, Some(Duration::from_secs(90))));
        assert!(!watch.manage_status && !watch.watch_dependent_resources && !watch.snake_case_parameters);
        assert!(watch.watch_cluster_scoped_resources && watch.watch_annotations_changes && watch.mark_unsafe);
        assert_eq!(watch.selector.as_deref(), Some("tier=fast"));
        assert_eq!(watch.blacklist[0], ("apps".into(), "v1".into(), "ReplicaSet".into()));
        let finalizer = watch.finalizer.as_ref().unwrap();
        assert_eq!((finalizer.content.as_ref(), &finalizer.vars["state"]), (None, &json!("absent")));
    }

    #[test]
    fn the_environment_says_how_much_at_once_and_how_loud() {
        let redis = ENTRY.replace("Memcached", "Redis");
        let watches = load(&format!("{ENTRY}{redis}")).unwrap();
        assert_eq!((watches[0].max_concurrent_reconciles, watches[0].verbosity), (Some(3), Some(5)));
        assert_eq!((watches[1].max_concurrent_reconciles, watches[1].verbosity), (None, None), "makes no sense");
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_remedy() {
        let finalizer = |text: &str| format!("{ENTRY}  finalizer: {text}\n");
        for (text, expected) in [
            (
                format!("{ENTRY}{ENTRY}"),
                "DIR/watches.yaml:7: cache.example.com/v1alpha1, Kind=Memcached is there twice",
            ),
            (
                ENTRY.replace("role: memcached", "role: x"),
                "DIR/watches.yaml:4: role: there is no role x: looked for it at DIR/roles/x",
            ),
            (ENTRY.replace("role: memcached", "playbook: x.yml"), "DIR/watches.yaml:4: playbook: DIR/x.yml is no file"),
            (
                ENTRY.replace("  role: memcached\n", ""),
                "DIR/watches.yaml:1: role: there is neither a role nor a playbook",
            ),
            (ENTRY.replace("  version: v1alpha1\n", ""), "DIR/watches.yaml:1: version: it must not be empty"),
            (ENTRY.replace("v1alpha1", "1"), "DIR/watches.yaml:2: version: 1 is no text; put it into quotes"),
            (format!("{ENTRY}  reconcilePeriod: 1x\n"), "DIR/watches.yaml:5: reconcilePeriod: \"1x\" is no duration"),
            (format!("{ENTRY}  manageStatus: maybe\n"), "DIR/watches.yaml:5: manageStatus: \"maybe\" is neither"),
            (format!("{ENTRY}  maxRunnerArtifacts: -1\n"), "DIR/watches.yaml:5: maxRunnerArtifacts: -1 is no number"),
            (format!("{ENTRY}  vars: [a]\n"), "DIR/watches.yaml:5: vars: it maps"),
            (format!("{ENTRY}  blacklist: [{{kind: Pod}}]\n"), "DIR/watches.yaml:5: blacklist: it is a list of kinds"),
            (finalizer("{vars: {a: b}}"), "DIR/watches.yaml:5: finalizer: name: it must not be empty"),
            (finalizer("{name: a/b}"), "DIR/watches.yaml:5: finalizer: it would do what is always done"),
            (finalizer("{name: a/b, role: x}"), "DIR/watches.yaml:5: finalizer: there is no role x"),
            (finalizer("{name: a/b, playbook: 1}"), "finalizer: playbook: 1 is no text"),
            ("group: x\n".into(), "the file is a list of entries"),
            ("- group: [x\n".into(), "DIR/watches.yaml:"),
        ] {
            let error = load(&text).unwrap_err();
            assert!(error.contains(expected), "{text}\n{error}");
        }
        let missing = Watch::load(Path::new("/nowhere/watches.yaml"), &Search::default(), |_| None).unwrap_err();
        assert!(missing.to_string().contains("--watches-file"), "{missing}");
    }
}
