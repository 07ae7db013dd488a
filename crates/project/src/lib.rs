//! Operator projects: what `kubewright init`, `create api`, `create webhook` and `edit` write.
//!
//! ```text
//! PROJECT ─file→ Project ─change (init, create, edit)→ Project ─scaffold→ files ─stage→ the folder, all of them or none
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`Project`] | what the PROJECT file says; read and checked, with the line of what is wrong |
//! | [`init`](fn@init), [`create_api`], [`create_webhook`], [`edit`] | the commands |
//! | [`upgrade`](fn@upgrade) | the generated files as this version has them |
//! | [`Layout`] | which kind of project a PROJECT is of: Rust, or operator-sdk's layouts |
//! | [`Changes`] | the files that a command writes; compared with those that are there, and applied all or not at all |
//! | [`init_helm`], [`create_helm_api`] | projects of Helm charts, in operator-sdk's layout |
//! | [`init_ansible`], [`create_ansible_api`] | projects of Ansible roles and playbooks, in operator-sdk's layout |
//! | `sdk` | what these layouts have in common |
//! | `scaffold` | the files of a project: those that are the user's after they are made, and those that are written anew |
//! | `names` | which names are Rust's and which are DNS' |
//! | `builtin` | the kinds of Kubernetes that an operator can be for |
//!
//! A file is either the user's or generated. The user's are made once and never touched again. Generated ones carry a
//! checksum: one that somebody has edited is never replaced without being told to. Design notes: docs/projects.md.

mod ansible;
mod builtin;
mod commands;
mod file;
mod helm;
mod layout;
mod names;
mod scaffold;
mod sdk;
mod stage;

pub use ansible::{AnsibleApiOptions, AnsibleInitOptions, create_ansible_api, init_ansible};
pub use commands::{
    ApiOptions, EditOptions, InitOptions, Kubewright, WebhookOptions, create_api, create_webhook, edit, init, upgrade,
};
pub use file::{Api, Project, ResourceEntry, WebhookEntry, find};
pub use helm::{HelmApiOptions, HelmInitOptions, create_helm_api, init_helm};
pub use layout::{Layout, ListedKind, listed_kinds};
pub use stage::{Changes, Difference, Written};

use std::path::PathBuf;

/// Why a command on a project failed. The folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There is no project.
    #[error(
        "{folder} holds no project, nor does a folder above it: there is no PROJECT file; make one with kubewright init"
    )]
    NoProject {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The PROJECT file can't be used.
    #[error("{file}: {cause}")]
    Broken {
        /// The file.
        file: PathBuf,
        /// What is wrong, where, and what would be right.
        cause: String,
    },
    /// The command is for projects in Rust, and this is another.
    #[error(
        "{file}: this is a project of {made_of}, and this command is for projects of Rust; create api adds to it, {runs} runs \
         it, kubectl apply -k config/default brings it to a cluster"
    )]
    NotRust {
        /// The PROJECT file.
        file: PathBuf,
        /// What its operator is made of.
        made_of: &'static str,
        /// The command that runs its operator.
        runs: &'static str,
    },
    /// A name can't be used.
    #[error("{flag} {value:?}: {cause}")]
    Name {
        /// The flag that gave it.
        flag: &'static str,
        /// The name.
        value: String,
        /// What is wrong, and what would be right.
        cause: String,
    },
    /// It is there already.
    #[error("{what} is there already; {fix}")]
    Exists {
        /// What.
        what: String,
        /// What to do.
        fix: String,
    },
    /// It is not there.
    #[error("{what} is not in the project; {fix}")]
    Missing {
        /// What.
        what: String,
        /// What to do.
        fix: String,
    },
    /// A file is in the way.
    #[error("{file} is there already, and is not overwritten; move it away, or use --force")]
    InTheWay {
        /// The file.
        file: PathBuf,
    },
    /// A generated file was edited.
    #[error(
        "{file} is generated but was edited since; move the change into a file of yours, then use --force to have it written anew"
    )]
    Edited {
        /// The file.
        file: PathBuf,
    },
    /// An older version of the program has written the generated files.
    #[error("{} has written this project, and this program is {now}; first use kubewright upgrade", match by {
        Some(version) => format!("kubewright {version}"),
        None => "an early kubewright".into(),
    })]
    Outdated {
        /// The version, if it is known.
        by: Option<String>,
        /// That of this program.
        now: &'static str,
    },
    /// The folder can't be written.
    #[error("{file} can't be written: {cause}; nothing was changed")]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The command line asks for nothing or for too much.
    #[error("{0}")]
    Usage(String),
}
