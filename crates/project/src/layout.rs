//! Which kind of project a PROJECT file is of.

use std::path::Path;

use serde_json::Value;

use crate::file::LAYOUT;
use crate::{Project, ProjectError};

/// What a project's operator is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Rust.
    Rust,
    /// Helm charts, as operator-sdk has them.
    Helm,
    /// Ansible roles and playbooks, as operator-sdk has them.
    Ansible,
}

impl Layout {
    /// That of the project in this folder.
    ///
    /// # Errors
    /// If PROJECT can't be read, or is of a layout that this program does not know.
    pub fn of(folder: &Path) -> Result<Self, ProjectError> {
        let file = folder.join("PROJECT");
        let (_, project) = read(&file)?;
        match Self::named(&names(&project)) {
            Some(layout) => Ok(layout),
            // It is nothing that can be read as one of Rust, which says why.
            None => Project::read(&file).map(|_| Self::Rust),
        }
    }

    /// The one that PROJECT calls by one of these names.
    pub(crate) fn named(names: &[&str]) -> Option<Self> {
        [Self::Rust, Self::Helm, Self::Ansible].into_iter().find(|layout| names.contains(&layout.name()))
    }

    /// What its operator is made of, and the command that runs it.
    pub(crate) fn described(self) -> (&'static str, &'static str) {
        match self {
            Self::Rust => ("Rust", "kubewright run"),
            Self::Helm => ("Helm charts", "kubewright helm-operator run"),
            Self::Ansible => ("Ansible roles and playbooks", "kubewright ansible-operator run"),
        }
    }

    /// What PROJECT calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rust => LAYOUT,
            Self::Helm => "helm.sdk.operatorframework.io/v1",
            Self::Ansible => "ansible.sdk.operatorframework.io/v1",
        }
    }
}

/// A kind as a project of any layout lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedKind {
    /// The first part of its group; empty if there is none.
    pub group: String,
    /// Its version.
    pub version: String,
    /// Its kind.
    pub kind: String,
}

/// The kinds of the project in this folder, whatever its layout. Entries that can't be read are passed over.
///
/// # Errors
/// If PROJECT can't be read.
pub fn listed_kinds(folder: &Path) -> Result<Vec<ListedKind>, ProjectError> {
    let (_, project) = read(&folder.join("PROJECT"))?;
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_string();
    let listed = project["resources"].as_array().into_iter().flatten().map(|entry| ListedKind {
        group: text(entry, "group"),
        version: text(entry, "version"),
        kind: text(entry, "kind"),
    });
    Ok(listed.filter(|listed| !listed.kind.is_empty()).collect())
}

/// What PROJECT calls its layout.
pub(crate) fn names(project: &Value) -> Vec<&str> {
    let found = &project["layout"];
    let names = found.as_array().map_or_else(|| vec![found], |names| names.iter().collect());
    // Older versions of operator-sdk have joined the names of several plugins by commas.
    names.into_iter().filter_map(Value::as_str).flat_map(|name| name.split(',')).map(str::trim).collect()
}

/// What a PROJECT file says, beside its text.
pub(crate) fn read(file: &Path) -> Result<(String, Value), ProjectError> {
    let broken = |cause: String| ProjectError::Broken { file: file.into(), cause };
    let text = std::fs::read_to_string(file).map_err(|error| broken(error.to_string()))?;
    let project: Value = serde_saphyr::from_str(&text).map_err(|error| {
        broken(format!("{error}; correct it, or take the last version that your version control has"))
    })?;
    Ok((text, project))
}
