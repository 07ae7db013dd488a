//! `kubewright version`, `completion` and `man`.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::env::Shells;
use serde_json::json;

use super::ToolchainError;
use super::args::{CompletionArgs, ManArgs, Shell, VersionArgs};
use crate::args::{Cli, Output};

/// The Kubernetes whose API is built in.
const KUBERNETES: &str = "1.36";

pub(super) fn version(args: &VersionArgs) -> Result<(), ToolchainError> {
    let version = env!("CARGO_PKG_VERSION");
    let text = match args.output {
        Output::Text => format!("kubewright {version}, the API of Kubernetes {KUBERNETES}\n"),
        Output::Json => format!("{:#}\n", json!({"version": version, "kubernetes": KUBERNETES})),
    };
    print(text.as_bytes())
}

pub(super) fn completion(args: &CompletionArgs) -> Result<(), ToolchainError> {
    let name = match args.shell {
        Shell::Bash => "bash",
        Shell::Elvish => "elvish",
        Shell::Fish => "fish",
        Shell::Powershell => "powershell",
        Shell::Zsh => "zsh",
    };
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(name) else {
        return Err(ToolchainError::Usage(format!("there is no completion for {name}")));
    };
    let mut script = Vec::new();
    shell
        .write_registration("COMPLETE", "kubewright", "kubewright", "kubewright", &mut script)
        .map_err(|cause| ToolchainError::Io { what: "the script".into(), cause })?;
    print(&script)
}

pub(super) fn man(args: &ManArgs) -> Result<(), ToolchainError> {
    let failed = |cause| ToolchainError::Io { what: args.out.display().to_string(), cause };
    std::fs::create_dir_all(&args.out).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &args.out).map_err(failed)
}

fn print(bytes: &[u8]) -> Result<(), ToolchainError> {
    io::stdout().write_all(bytes).map_err(|cause| ToolchainError::Io { what: "standard output".into(), cause })
}
