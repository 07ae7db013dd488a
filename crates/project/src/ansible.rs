//! Projects whose custom resources Ansible works on: operator-sdk's layout, so that either tool can go on with what the other made.
//!
//! PROJECT, watches.yaml, `roles/`, `playbooks/`, requirements.yml and `config/` are the user's.

use std::path::Path;

use crate::ProjectError;
use crate::layout::Layout;
use crate::sdk::{self, Frame, Kind, KindFiles, fill};
use crate::stage::Changes;

/// What `init --plugins ansible` is told.
#[derive(Debug, Clone)]
pub struct AnsibleInitOptions {
    /// The domain of the API groups.
    pub domain: String,
    /// The name of the project, and of its namespace without `-system`.
    pub project_name: String,
}

/// What `create api` is told in such a project.
#[derive(Debug, Clone, Default)]
pub struct AnsibleApiOptions {
    /// The first part of the group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The plural; guessed from the kind without.
    pub plural: Option<String>,
    /// Whether to make a role.
    pub role: bool,
    /// Whether to make a playbook. With a role, it is what runs, and it runs the role.
    pub playbook: bool,
}

/// A new project.
///
/// # Errors
/// If a name can't be used.
pub fn init_ansible(options: &AnsibleInitOptions) -> Result<Changes, ProjectError> {
    sdk::init(&Frame {
        layout: Layout::Ansible,
        domain: &options.domain,
        name: &options.project_name,
        own: &[
            ("Dockerfile", include_str!("../templates/ansible/Dockerfile.txt")),
            ("requirements.yml", include_str!("../templates/ansible/requirements.yml.txt")),
            ("roles/.placeholder", ""),
            ("playbooks/.placeholder", ""),
            ("config/manager/manager.yaml", include_str!("../templates/ansible/manager.yaml.txt")),
            ("config/rbac/role.yaml", include_str!("../templates/ansible/role.yaml.txt")),
        ],
    })
}

/// A kind for the project in this folder, with a role, a playbook or both.
///
/// # Errors
/// If a name can't be used, the kind is there already, or nothing is to be run for it.
pub fn create_ansible_api(folder: &Path, options: &AnsibleApiOptions) -> Result<Changes, ProjectError> {
    if !options.role && !options.playbook {
        let cause = "what runs for the kind is missing: give --generate-role, --generate-playbook or both";
        return Err(ProjectError::Usage(cause.into()));
    }
    let kind = Kind {
        group: &options.group,
        version: &options.version,
        kind: &options.kind,
        plural: options.plural.as_deref(),
    };
    let placed = sdk::place(folder, &kind)?;
    let lower = &placed.lower;
    let content = match options.playbook {
        true => format!("playbook: playbooks/{lower}.yml"),
        false => format!("role: {lower}"),
    };
    let values = [
        ("name", placed.name.clone()),
        ("group", placed.group.clone()),
        ("version", options.version.clone()),
        ("kind", options.kind.clone()),
        ("lower", lower.clone()),
        ("content", content),
    ];
    let mut changes = Changes::default();
    if options.role {
        role(lower, &values, &mut changes);
    }
    if options.playbook {
        changes.user(format!("playbooks/{lower}.yml"), playbook(lower, options.role));
    }
    let files = KindFiles {
        describes: ("Variables of the role or playbook", "What became of the last run"),
        sample: fill(include_str!("../templates/ansible/sample.yaml.txt"), &values),
        watch: fill(include_str!("../templates/ansible/watch.yaml.txt"), &values),
        rules: sdk::own_rules(&placed, &kind),
    };
    sdk::write(folder, &kind, &placed, &files, &mut changes)?;
    Ok(changes)
}

fn role(lower: &str, values: &[(&str, String)], changes: &mut Changes) {
    for (path, template) in [
        ("README.md", include_str!("../templates/ansible/role/README.md.txt")),
        ("defaults/main.yml", include_str!("../templates/ansible/role/defaults.yml.txt")),
        ("files/.placeholder", ""),
        ("handlers/main.yml", include_str!("../templates/ansible/role/handlers.yml.txt")),
        ("meta/main.yml", include_str!("../templates/ansible/role/meta.yml.txt")),
        ("tasks/main.yml", include_str!("../templates/ansible/role/tasks.yml.txt")),
        ("templates/.placeholder", ""),
        ("vars/main.yml", include_str!("../templates/ansible/role/vars.yml.txt")),
    ] {
        changes.user(format!("roles/{lower}/{path}"), fill(template, values));
    }
}

fn playbook(lower: &str, role: bool) -> String {
    let task = match role {
        true => format!("    - ansible.builtin.import_role:\n        name: {lower}\n"),
        false => "    - ansible.builtin.debug:\n        msg: \"size {{ size | default(1) }}\"\n".into(),
    };
    format!("{}{task}", include_str!("../templates/ansible/playbook.yml.txt"))
}
