//! Who takes part: our program and one for each peer, all with the same tasks.

use std::path::{Path, PathBuf};
use std::process::Command;

use kubewright_real::cargo;

use crate::Error;
use crate::compile::compile;

pub(crate) const GO_VERSIONS: &str = "controller-runtime v0.25.2, client-go v0.37.0";
pub(crate) const KUBE_RS_VERSION: &str = "kube-runtime 5";

/// One of those that are measured.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    /// kube-rs has no work queue of its own.
    pub(crate) has_queue: bool,
}

/// All of them, ours first.
pub(crate) struct Programs(Vec<Program>);

impl Programs {
    pub(crate) fn build(without_peers: bool) -> Result<Self, Error> {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        // This program was built there too.
        let own = std::env::current_exe().map_err(Error::io("find this program"))?;
        let target = own.ancestors().nth(2).unwrap_or(bench);
        let mut ours = cargo();
        ours.args(["build", "--quiet", "--profile", "dist", "--package", "kubewright-bench-subject", "--target-dir"])
            .arg(target);
        compile(&mut ours, bench)?;
        let path = target.join("dist/kubewright-bench-subject");
        let mut programs = vec![Program { name: "Kubewright", path, has_queue: true }];
        if !without_peers {
            // A directory of their own, as cargo takes the same one for the same things only.
            let target = target.join("peers");
            let mut kube_rs = cargo();
            kube_rs.args(["build", "--quiet", "--release", "--target-dir"]).arg(&target);
            compile(&mut kube_rs, &bench.join("peers/kube-rs"))?;
            let go_program = target.join("bench-peer-go");
            let mut go = Command::new("go");
            go.args(["build", "-trimpath", "-ldflags", "-s -w", "-o"]).arg(&go_program).arg(".");
            // A workspace file or vendor flags of whoever calls us are not meant for this module.
            go.env("CGO_ENABLED", "0").env("GOWORK", "off").env("GOFLAGS", "-mod=readonly");
            compile(&mut go, &bench.join("peers/go"))?;
            let kube_rs = target.join("release/bench-peer-kube-rs");
            programs.push(Program { name: "controller-runtime", path: go_program, has_queue: true });
            programs.push(Program { name: "kube-rs", path: kube_rs, has_queue: false });
        }
        Ok(Self(programs))
    }

    pub(crate) fn all(&self) -> &[Program] {
        &self.0
    }

    pub(crate) fn ours(&self) -> &Program {
        &self.0[0]
    }

    pub(crate) fn peers(&self) -> &[Program] {
        &self.0[1..]
    }
}
