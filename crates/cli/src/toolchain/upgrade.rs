//! `kubewright upgrade`: the generated files of a project as this version of the program has them.

use std::path::Path;

use kubewright_project::{Difference, ProjectError};
use serde_json::{Value, json};
use similar::TextDiff;

use super::ToolchainError;
use super::args::UpgradeArgs;
use super::project::{finish, open};
use crate::args::Output;

/// The version of this program, and of the crates that go with it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the command.
pub(super) fn upgrade(args: &UpgradeArgs) -> Result<(), ToolchainError> {
    let (folder, project) = open()?;
    let (_, changes) = kubewright_project::upgrade(&project);
    let differences = changes.differences(&folder)?;
    let from = project.cli_version.as_deref().unwrap_or("an early version");
    let behind = dependencies(&folder);
    if args.output == Output::Json {
        println!("{:#}", told(from, &differences, &behind));
        return Ok(());
    }
    if differences.is_empty() {
        println!("up to date: kubewright {VERSION} has written what is generated");
        behind.iter().for_each(|line| println!("{line}"));
        return Ok(());
    }
    let edited: Vec<&Difference> = differences.iter().filter(|difference| difference.edited).collect();
    if args.dry_run {
        differences.iter().for_each(|difference| print!("{}", shown(difference)));
        println!("nothing was written: this was a dry run");
        return Ok(());
    }
    if let (false, Some(first)) = (args.force, edited.first()) {
        // The error says what to do; this is what would be lost.
        edited.iter().for_each(|difference| print!("{}", shown(difference)));
        return Err(ProjectError::Edited { file: folder.join(&first.path) }.into());
    }
    println!("from {from} to {VERSION}; your own files stay as they are");
    let next = ["cargo test", "kubewright manifests"];
    let mut next: Vec<&str> = next.to_vec();
    next.splice(0..0, behind.iter().map(String::as_str));
    finish(changes, &folder, args.force, &next)
}

/// What would change, for programs.
fn told(from: &str, differences: &[Difference], behind: &[String]) -> Value {
    let file = |difference: &Difference| {
        let Difference { path, edited, before, after } = difference;
        json!({"path": path, "edited": edited, "before": before, "after": after})
    };
    let files: Vec<Value> = differences.iter().map(file).collect();
    json!({"from": from, "to": VERSION, "files": files, "dependencies": behind})
}

/// A difference as diff -u shows it.
fn shown(difference: &Difference) -> String {
    let path = difference.path.display();
    let before = difference.before.as_deref().unwrap_or_default();
    let diff = TextDiff::from_lines(before, &difference.after);
    diff.unified_diff()
        .context_radius(3)
        .header(&format!("{path} as it is"), &format!("{path} as generated"))
        .to_string()
}

/// What the user's Cargo.toml should say of this program's crates and does not. A path leads to whatever version is there.
fn dependencies(folder: &Path) -> Vec<String> {
    // A project without a readable Cargo.toml does not build, and cargo says why.
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let version = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let name = name.trim();
        let ours = name == "kubewright" || name.starts_with("kubewright-");
        let stated = value.split_once("version").map_or(value, |(_, rest)| rest);
        let stated = stated.split('"').nth(1).filter(|_| ours && !value.contains("path"))?;
        (stated != VERSION).then(|| format!("set {name} to {VERSION} in Cargo.toml: it is {stated}"))
    };
    manifest.lines().filter_map(version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_on_other_versions_are_told_and_paths_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = format!(
            "[dependencies]\nkubewright = {{ version = \"0.0.9\", features = [\"telemetry\"] }}\nclap = \"4\"\n\
             kubewright-testing = {{ path = \"/x\" }}\nkubewright-webhook = \"{VERSION}\"\n"
        );
        std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        assert_eq!(dependencies(folder.path()), [format!("set kubewright to {VERSION} in Cargo.toml: it is 0.0.9")]);
    }
}
