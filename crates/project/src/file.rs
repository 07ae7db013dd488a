//! The PROJECT file: what the project consists of.

use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ProjectError;
use crate::layout::{self, Layout};
use crate::names;

/// The version of this program.
pub(crate) const CLI_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The layout that this program writes.
pub(crate) const LAYOUT: &str = "kubewright/v1";

/// What the PROJECT file says. Its keys are kubebuilder's where they mean the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Project {
    /// The version of the program that wrote the generated files; none: before it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cli_version: Option<String>,
    /// The domain of the API groups.
    pub domain: String,
    /// How the files are laid out.
    pub layout: Vec<String>,
    /// Whether there may be several API groups.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub multigroup: bool,
    /// The name of the crate, the image and the namespace.
    pub project_name: String,
    /// The kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceEntry>,
    /// Whether its metrics are served over HTTPS, to those whom the cluster's roles allow it; `src/main.rs` has flags for it then.
    /// Projects from before there was this do not say it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secure_metrics: bool,
    /// The version of this format.
    pub version: String,
}

/// A kind in a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceEntry {
    /// There if the project defines it; absent for kinds of Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
    /// Whether there is a controller for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub controller: bool,
    /// The first part of its group; empty for the core group.
    #[serde(default)]
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its plural.
    pub plural: String,
    /// Its version.
    pub version: String,
    /// Its webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<WebhookEntry>,
}

/// How a kind of the project is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Api {
    /// Whether it is in a namespace.
    pub namespaced: bool,
}

/// The webhooks of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookEntry {
    /// Changes objects before they are stored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub defaulting: bool,
    /// Refuses objects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub validation: bool,
    /// Versions that convert to and from this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spoke: Vec<String>,
}

impl ResourceEntry {
    /// Its API group in the cluster.
    #[must_use]
    pub fn api_group(&self, domain: &str) -> String {
        match (&self.api, self.group.as_str()) {
            (None, group) => group.into(),
            (Some(_), "") => domain.into(),
            (Some(_), group) => format!("{group}.{domain}"),
        }
    }
}

impl Project {
    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        let yaml = serde_saphyr::to_string(self).unwrap_or_default();
        format!(
            "# Written by kubewright: it says what the project consists of. Change it with kubewright create and edit.\n{yaml}"
        )
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// Which name the file, the line where the parser knows it, and what would be right.
    pub fn read(file: &Path) -> Result<Self, ProjectError> {
        let broken = |cause: String| ProjectError::Broken { file: file.into(), cause };
        let text = std::fs::read_to_string(file).map_err(|error| broken(error.to_string()))?;
        // What is no YAML is told below, with more of what should be there.
        let project: Value = serde_saphyr::from_str(&text).unwrap_or_default();
        let names = layout::names(&project);
        match (Layout::named(&names), names.first()) {
            // Without a layout the parser says what is missing.
            (Some(Layout::Rust), _) | (None, None) => {}
            (Some(other), _) => {
                let (made_of, runs) = other.described();
                return Err(ProjectError::NotRust { file: file.into(), made_of, runs });
            }
            (None, Some(first)) => {
                let line = text.lines().position(|line| line.contains(first)).unwrap_or_default() + 1;
                return Err(broken(format!(
                    "line {line}: layout {:?} is not known; this program knows {LAYOUT:?} and those of operator-sdk's Helm and \
                     Ansible projects, and does not change other projects",
                    names.join(", ")
                )));
            }
        }
        let project: Self = serde_saphyr::from_str(&text).map_err(|error| {
            broken(format!("{error}; correct it, or take the last version that your version control has"))
        })?;
        project.check().map_err(|(needle, cause)| {
            let line = text.lines().position(|line| !needle.is_empty() && line.contains(&needle));
            broken(line.map_or_else(|| cause.clone(), |line| format!("line {}: {cause}", line + 1)))
        })?;
        Ok(project)
    }

    /// The error comes with a text that stands in the line where it is.
    fn check(&self) -> Result<(), (String, String)> {
        let at = |needle: &str| {
            let needle = needle.to_string();
            move |error: ProjectError| (needle, error.to_string())
        };
        if self.version != "3" {
            let cause = format!("version {:?} is not known; this program knows \"3\"", self.version);
            return Err((format!("version: {}", self.version), cause));
        }
        if self.layout.is_empty() {
            return Err(("layout".into(), format!("the layout has no name; write - {LAYOUT}")));
        }
        if let Some(version) = &self.cli_version {
            let at = "cliVersion:".to_string();
            let Ok(theirs) = Version::parse(version) else {
                return Err((at, format!("cliVersion {version:?} is no version; this program's is {CLI_VERSION}")));
            };
            if Version::parse(CLI_VERSION).is_ok_and(|own| theirs > own) {
                let cause = format!(
                    "kubewright {version} has written this project, and this program is {CLI_VERSION}; install the newer one"
                );
                return Err((at, cause));
            }
        }
        names::domain("domain", &self.domain).map_err(at("domain:"))?;
        names::project("projectName", &self.project_name).map_err(at("projectName:"))?;
        for (number, entry) in self.resources.iter().enumerate() {
            names::kind("kind", &entry.kind).map_err(at(&format!("kind: {}", entry.kind)))?;
            names::version("version", &entry.version).map_err(at(&format!("version: {}", entry.version)))?;
            names::label("plural", &entry.plural).map_err(at(&format!("plural: {}", entry.plural)))?;
            if !entry.group.is_empty() {
                names::domain("group", &entry.group).map_err(at(&format!("group: {}", entry.group)))?;
            }
            let same = |other: &&ResourceEntry| {
                (&other.group, &other.version, &other.kind) == (&entry.group, &entry.version, &entry.kind)
            };
            if self.resources[..number].iter().any(|other| same(&other)) {
                let cause = format!("{} {} is there twice; remove one", entry.kind, entry.version);
                return Err((format!("kind: {}", entry.kind), cause));
            }
            if entry.api.is_none() && crate::builtin::find(&entry.group, &entry.version, &entry.kind).is_none() {
                let cause = format!("{} {} has no api, and Kubernetes has no such kind", entry.kind, entry.version);
                return Err((format!("kind: {}", entry.kind), cause));
            }
        }
        Ok(())
    }

    /// Whether an older version has written the generated files, so that they have to be written anew first.
    pub(crate) fn is_outdated(&self) -> bool {
        let numbers = |version: &Version| (version.major, version.minor);
        let (own, theirs) = (Version::parse(CLI_VERSION), self.cli_version.as_deref().map(Version::parse));
        match (own, theirs) {
            (Ok(own), Some(Ok(theirs))) => numbers(&theirs) < numbers(&own),
            _ => true,
        }
    }

    /// The entry of a kind in a version.
    pub(crate) fn entry(&mut self, group: &str, version: &str, kind: &str) -> Option<&mut ResourceEntry> {
        self.resources.iter_mut().find(|entry| entry.group == group && entry.version == version && entry.kind == kind)
    }
}

/// The folder of the project that `folder` is in.
///
/// # Errors
/// If there is none.
pub fn find(folder: &Path) -> Result<PathBuf, ProjectError> {
    folder
        .ancestors()
        .find(|folder| folder.join("PROJECT").is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| ProjectError::NoProject { folder: folder.into() })
}
