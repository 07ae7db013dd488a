//! The commands: each changes the project in memory, and returns the files that this means.

use std::path::PathBuf;

use crate::ProjectError;
use crate::builtin;
use crate::file::{Api, CLI_VERSION, LAYOUT, Project, ResourceEntry, WebhookEntry};
use crate::names;
use crate::scaffold;
use crate::stage::Changes;

/// Where the `kubewright` crate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kubewright {
    /// A checkout of Kubewright.
    Path(PathBuf),
    /// A version in the registry.
    Version(String),
}

/// What `init` is told.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// The domain of the API groups.
    pub domain: String,
    /// The name of the crate, the image and the namespace.
    pub project_name: String,
    /// Whether there may be several API groups.
    pub multigroup: bool,
    /// Where the `kubewright` crate comes from.
    pub kubewright: Kubewright,
}

/// What `create api` is told.
#[derive(Debug, Clone, Default)]
pub struct ApiOptions {
    /// The first part of the group, or the group of a kind of Kubernetes (`core`, `apps`).
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The plural; guessed from the kind without.
    pub plural: Option<String>,
    /// Whether it is in a namespace.
    pub namespaced: bool,
    /// Whether to make a type. Default: unless Kubernetes has the kind.
    pub resource: Option<bool>,
    /// Whether to make a controller. Default: unless the kind has one already.
    pub controller: Option<bool>,
}

/// What `create webhook` is told.
#[derive(Debug, Clone, Default)]
pub struct WebhookOptions {
    /// The group, as for `create api`.
    pub group: String,
    /// The version; that of the hub for a conversion.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// Changes objects before they are stored.
    pub defaulting: bool,
    /// Refuses objects.
    pub validation: bool,
    /// Converts other versions to this one and back.
    pub conversion: bool,
    /// The other versions.
    pub spoke: Vec<String>,
}

/// What `edit` is told.
#[derive(Debug, Clone, Default)]
pub struct EditOptions {
    /// Whether there may be several API groups.
    pub multigroup: Option<bool>,
    /// Whether metrics are served over HTTPS, to those whom the cluster's roles allow it.
    pub secure_metrics: Option<bool>,
}

/// A new project.
///
/// # Errors
/// If a name can't be used.
pub fn init(options: &InitOptions) -> Result<(Project, Changes), ProjectError> {
    names::domain("--domain", &options.domain)?;
    names::project("--project-name", &options.project_name)?;
    let project = Project {
        cli_version: Some(CLI_VERSION.into()),
        domain: options.domain.clone(),
        layout: vec![LAYOUT.into()],
        multigroup: options.multigroup,
        project_name: options.project_name.clone(),
        resources: Vec::new(),
        secure_metrics: true,
        version: "3".into(),
    };
    let mut changes = Changes::default();
    scaffold::new_project(&project, &options.kubewright, &mut changes);
    scaffold::generated(&project, &mut changes);
    changes.project(project.text());
    Ok((project, changes))
}

/// A kind for the project: a type, a controller, or both.
///
/// # Errors
/// If a name can't be used, or the kind is there already.
pub fn create_api(project: &Project, options: &ApiOptions) -> Result<(Project, Changes), ProjectError> {
    up_to_date(project)?;
    let mut project = project.clone();
    names::kind("--kind", &options.kind)?;
    names::version("--version", &options.version)?;
    let builtin = builtin::find(&options.group, &options.version, &options.kind);
    let resource = options.resource.unwrap_or(builtin.is_none());
    if !resource && builtin.is_none() {
        let known = builtin::kinds(&options.group).map_or_else(
            || "its groups are core, apps, batch, networking and so on".to_string(),
            |kinds| format!("in this group it has {kinds}"),
        );
        let cause = format!("without a type of the project's own it must be a kind that Kubernetes has in v1; {known}");
        return Err(ProjectError::Name { flag: "--kind", value: options.kind.clone(), cause });
    }
    let group = match builtin.filter(|_| !resource) {
        Some(builtin) => builtin.group.to_string(),
        None => options.group.clone(),
    };
    if resource && !group.is_empty() {
        names::domain("--group", &group)?;
    }
    let own = |entry: &&ResourceEntry| entry.api.is_some();
    if resource
        && !project.multigroup
        && let Some(other) = project.resources.iter().filter(own).find(|entry| entry.group != group)
    {
        return Err(ProjectError::Name {
            flag: "--group",
            value: group,
            cause: format!(
                "the project has the group {:?} already; allow several with kubewright edit --multigroup",
                other.group
            ),
        });
    }
    let plural = options.plural.clone().unwrap_or_else(|| names::plural(&options.kind));
    names::label("--plural", &plural)?;

    let same_kind: Vec<&ResourceEntry> =
        project.resources.iter().filter(|entry| entry.group == group && entry.kind == options.kind).collect();
    let controlled = same_kind.iter().any(|entry| entry.controller);
    let controller = options.controller.unwrap_or(!controlled);
    if controller && controlled {
        return Err(ProjectError::Exists {
            what: format!("a controller for {}", options.kind),
            fix: "leave out --controller".into(),
        });
    }
    if !resource && !controller {
        return Err(ProjectError::Usage("nothing to make: give --resource, --controller or both".into()));
    }
    if let Some(other) = same_kind.iter().find(|entry| entry.api.is_some()) {
        let namespaced = other.api.as_ref().is_some_and(|api| api.namespaced);
        if other.plural != plural || namespaced != options.namespaced {
            return Err(ProjectError::Usage(format!(
                "{} {} has the plural {:?} and is {}; all versions of a kind have the same",
                other.kind,
                other.version,
                other.plural,
                if namespaced { "namespaced" } else { "of the cluster" }
            )));
        }
    }
    let clash = |entry: &&ResourceEntry| {
        entry.kind != options.kind && names::module(&entry.kind) == names::module(&options.kind)
            || entry.kind == options.kind && entry.group != group
    };
    if controller && let Some(other) = project.resources.iter().filter(|entry| entry.controller).find(clash) {
        return Err(ProjectError::Exists {
            what: format!(
                "a controller in src/controllers/{}.rs, for {} of {:?}",
                names::module(&other.kind),
                other.kind,
                other.group
            ),
            fix: "a project has one controller for a kind's name: use --controller=false".into(),
        });
    }
    let entry = ResourceEntry {
        api: resource.then_some(Api { namespaced: options.namespaced }),
        controller,
        group: group.clone(),
        kind: options.kind.clone(),
        plural,
        version: options.version.clone(),
        webhooks: None,
    };
    match project.entry(&group, &options.version, &options.kind) {
        Some(there) if there.api.is_some() && resource || there.controller => {
            return Err(ProjectError::Exists {
                what: format!("{} {}", options.kind, options.version),
                fix: "use another --version or --kind".into(),
            });
        }
        Some(there) => there.controller |= controller,
        None => project.resources.push(entry.clone()),
    }
    let mut changes = Changes::default();
    scaffold::kind(&project, &entry, &mut changes);
    scaffold::generated(&project, &mut changes);
    changes.project(project.text());
    Ok((project, changes))
}

/// Webhooks for a kind of the project.
///
/// # Errors
/// If the kind is not there, or has these webhooks already.
pub fn create_webhook(project: &Project, options: &WebhookOptions) -> Result<(Project, Changes), ProjectError> {
    up_to_date(project)?;
    let mut project = project.clone();
    if !(options.defaulting || options.validation || options.conversion) {
        return Err(ProjectError::Usage(
            "nothing to make: give --defaulting, --programmatic-validation or --conversion".into(),
        ));
    }
    let group = builtin::find(&options.group, &options.version, &options.kind)
        .filter(|_| {
            !project
                .resources
                .iter()
                .any(|entry| entry.group == options.group && entry.kind == options.kind && entry.api.is_some())
        })
        .map_or_else(|| options.group.clone(), |builtin| builtin.group.to_string());
    let what = format!("{} {}", options.kind, options.version);
    if options.conversion {
        if options.spoke.is_empty() {
            return Err(ProjectError::Usage(format!(
                "--conversion needs --spoke VERSION: the versions that convert to {} and back",
                options.version
            )));
        }
        for spoke in &options.spoke {
            let there = project.entry(&group, spoke, &options.kind).is_some_and(|entry| entry.api.is_some());
            if !there || *spoke == options.version {
                return Err(ProjectError::Missing {
                    what: format!("version {spoke} of {} besides {}", options.kind, options.version),
                    fix: format!("make it with kubewright create api --version {spoke}"),
                });
            }
        }
        let hub = project.resources.iter().find(|entry| {
            entry.kind == options.kind
                && entry.version != options.version
                && entry.webhooks.as_ref().is_some_and(|webhooks| !webhooks.spoke.is_empty())
        });
        if let Some(hub) = hub {
            return Err(ProjectError::Exists {
                what: format!("the hub of {}, {},", options.kind, hub.version),
                fix: format!("use --version {}", hub.version),
            });
        }
    }
    let Some(entry) = project.entry(&group, &options.version, &options.kind) else {
        return Err(ProjectError::Missing { what, fix: "make it first with kubewright create api".into() });
    };
    let own = entry.api.is_some();
    if options.conversion && !own {
        return Err(ProjectError::Usage(format!("{what} is a kind of Kubernetes: it can't be converted")));
    }
    let webhooks = entry.webhooks.get_or_insert_with(WebhookEntry::default);
    let twice = [
        (options.defaulting && webhooks.defaulting, "a defaulting webhook"),
        (options.validation && webhooks.validation, "a validating webhook"),
        (options.spoke.iter().any(|spoke| webhooks.spoke.contains(spoke)), "the conversion"),
    ];
    if let Some((_, which)) = twice.iter().find(|(twice, _)| *twice) {
        return Err(ProjectError::Exists {
            what: format!("{which} for {what}"),
            fix: "edit it in src/webhooks".into(),
        });
    }
    webhooks.defaulting |= options.defaulting;
    webhooks.validation |= options.validation;
    webhooks.spoke.extend(options.spoke.iter().cloned());
    let entry = entry.clone();
    let mut changes = Changes::default();
    scaffold::webhooks(&project, &entry, options, &mut changes);
    scaffold::generated(&project, &mut changes);
    changes.project(project.text());
    Ok((project, changes))
}

/// Changes the project's settings.
///
/// # Errors
/// If what is there does not allow it.
pub fn edit(project: &Project, options: &EditOptions) -> Result<(Project, Changes), ProjectError> {
    up_to_date(project)?;
    let mut project = project.clone();
    if (options.multigroup, options.secure_metrics) == (None, None) {
        return Err(ProjectError::Usage(
            "nothing to change: give --multigroup or --secure-metrics, true or false".into(),
        ));
    }
    let multigroup = options.multigroup.unwrap_or(project.multigroup);
    let mut groups: Vec<&str> =
        project.resources.iter().filter(|entry| entry.api.is_some()).map(|entry| entry.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    if !multigroup && groups.len() > 1 {
        return Err(ProjectError::Usage(format!("the project has several groups: {}", groups.join(", "))));
    }
    project.multigroup = multigroup;
    project.secure_metrics = options.secure_metrics.unwrap_or(project.secure_metrics);
    let mut changes = Changes::default();
    scaffold::generated(&project, &mut changes);
    changes.project(project.text());
    Ok((project, changes))
}

/// Writes the generated files of a project anew, as this version of the program has them. The user's are not touched.
#[must_use]
pub fn upgrade(project: &Project) -> (Project, Changes) {
    let mut project = project.clone();
    project.cli_version = Some(CLI_VERSION.into());
    let mut changes = Changes::default();
    scaffold::generated(&project, &mut changes);
    changes.project(project.text());
    (project, changes)
}

/// What is generated is of one version, and what comes with a change is of this one.
fn up_to_date(project: &Project) -> Result<(), ProjectError> {
    match project.is_outdated() {
        true => Err(ProjectError::Outdated { by: project.cli_version.clone(), now: CLI_VERSION }),
        false => Ok(()),
    }
}
