//! The programs that take part, and how each is built.

use std::path::{Path, PathBuf};
use std::process::Command;

use kubewright_real::{Binaries, HELM_VERSION, cargo, ensure_binaries, ensure_helm};

use super::Options;
use crate::Error;
use crate::compile::compile;

const CONTROLLER_GEN_VERSION: &str = "v0.23.0";
const KOPIUM_VERSION: &str = "0.24.1";

/// The programs; a peer that is not needed is not there.
pub(crate) struct Tools {
    pub(crate) kubewright: PathBuf,
    pub(crate) controller_gen: Option<PathBuf>,
    pub(crate) kopium: Option<PathBuf>,
    pub(crate) helm: Option<PathBuf>,
    /// kube-apiserver and etcd, for tests of the Go project.
    pub(crate) servers: Option<Binaries>,
    /// Where projects of ours are compiled.
    pub(crate) project_target: PathBuf,
}

impl Tools {
    pub(crate) fn build(options: &Options, wanted: &dyn Fn(&str) -> bool) -> Result<Self, Error> {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        // This program was built there too.
        let own = std::env::current_exe().map_err(Error::io("find this program"))?;
        let target = own.ancestors().nth(2).unwrap_or(bench);
        let peers = target.join("peers");
        let kubewright = match &options.kubewright {
            Some(program) => std::path::absolute(program).map_err(Error::io("find the program to measure"))?,
            None => {
                let mut ours = cargo();
                ours.args(["build", "--quiet", "--release", "--package", "kubewright-cli", "--target-dir"]).arg(target);
                compile(&mut ours, bench)?;
                target.join("release/kubewright")
            }
        };
        let with_peers = !options.without_peers;
        let go_project = with_peers && (wanted("manifests") || wanted("first-test"));
        let controller_gen = go_project.then(|| controller_gen(&peers)).transpose()?;
        let kopium = (with_peers && wanted("types")).then(|| kopium(&peers, bench)).transpose()?;
        let helm = wanted("releases").then(ensure_helm).transpose()?;
        let servers = (with_peers && wanted("first-test")).then(ensure_binaries).transpose()?;
        let project_target = options.project_target.clone().unwrap_or_else(|| target.join("projects"));
        let project_target = std::path::absolute(project_target).map_err(Error::io("find where projects compile"))?;
        Ok(Self { kubewright, controller_gen, kopium, helm, servers, project_target })
    }

    pub(crate) fn versions(&self) -> String {
        let mut text = String::new();
        if self.controller_gen.is_some() {
            text += &format!(", controller-gen {CONTROLLER_GEN_VERSION}");
        }
        if self.kopium.is_some() {
            text += &format!(", kopium {KOPIUM_VERSION}");
        }
        if self.helm.is_some() {
            text += &format!(", helm {HELM_VERSION}");
        }
        text
    }
}

fn controller_gen(peers: &Path) -> Result<PathBuf, Error> {
    let bin = peers.join(format!("controller-gen-{CONTROLLER_GEN_VERSION}"));
    let program = bin.join("controller-gen");
    if !program.is_file() {
        std::fs::create_dir_all(&bin).map_err(Error::io("make a folder for controller-gen"))?;
        let mut go = Command::new("go");
        go.args(["install", "-trimpath", "-ldflags", "-s -w"]);
        go.arg(format!("sigs.k8s.io/controller-tools/cmd/controller-gen@{CONTROLLER_GEN_VERSION}"));
        // A workspace file or vendor flags of whoever calls us are not meant for this module.
        go.env("GOBIN", &bin).env("CGO_ENABLED", "0").env("GOWORK", "off").env("GOFLAGS", "");
        compile(&mut go, &bin)?;
    }
    Ok(program)
}

fn kopium(peers: &Path, bench: &Path) -> Result<PathBuf, Error> {
    let root = peers.join(format!("kopium-{KOPIUM_VERSION}"));
    let program = root.join("bin/kopium");
    if !program.is_file() {
        let mut install = cargo();
        install.args(["install", "--quiet", "--locked", "kopium", "--version", KOPIUM_VERSION, "--root"]).arg(&root);
        install.arg("--target-dir").arg(peers.join("kopium-target"));
        compile(&mut install, bench)?;
    }
    Ok(program)
}
