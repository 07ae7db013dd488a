//! From an empty folder to the first passing test, which reconciles a custom resource on a control plane.
//!
//! Ours is `init`, `create api` and `cargo test`. The project in Go begins with its files in place, as kubebuilder is not to
//! be had, and then does what its `make test` does: generators, `go vet`, `go test` on a kube-apiserver and an etcd that
//! are there already. Nothing is downloaded while it is measured.

use super::command::Took;
use super::description::{self, Kind};
use super::projects::{Ours, Theirs};
use super::{Bench, line};
use crate::Error;
use crate::report::{Measure, Unit};

pub(crate) fn measure(bench: &Bench<'_>) -> Result<Vec<Measure>, Error> {
    let kinds = description::kinds(1);
    let mut measures = Vec::new();
    let row = |what: &str, ours: Took, peer: Option<Took>| {
        let name = format!("`init` to the first passing test, beside `make test` of a project in Go: {what}");
        line(name, Unit::Seconds, Some(ours.seconds), peer.map(|took| took.seconds))
    };
    if !bench.options.without_cold {
        eprintln!("measuring a first test with everything still to be compiled …");
        let target = bench.scratch.0.join("cold-target");
        let first = ours(bench, "cold", &target, &kinds)?;
        std::fs::remove_dir_all(&target).map_err(Error::io("remove what was compiled"))?;
        let cache = bench.scratch.0.join("cold-cache");
        let peer = bench.peers().then(|| theirs(bench, "cold-go", Some(cache), &kinds)).transpose()?;
        measures.push(row("nothing is compiled yet", first, peer));
    }
    eprintln!("measuring a first test with the dependencies compiled …");
    // Compiles the dependencies, unless they are there from the last time.
    ours(bench, "warm", &bench.tools.project_target, &kinds)?;
    let warm = bench.median(|run| ours(bench, &format!("warm-{run}"), &bench.tools.project_target, &kinds))?;
    let mut peer = None;
    if bench.peers() {
        theirs(bench, "warm-go", None, &kinds)?;
        peer = Some(bench.median(|run| theirs(bench, &format!("warm-go-{run}"), None, &kinds))?);
    }
    measures.push(row("the dependencies are compiled", warm, peer));
    Ok(measures)
}

fn ours(bench: &Bench<'_>, name: &str, target: &std::path::Path, kinds: &[Kind]) -> Result<Took, Error> {
    let (project, made) = Ours::new(bench, name, target, kinds)?;
    Ok(made.then(project.cargo(&["test", "--quiet"])?))
}

fn theirs(bench: &Bench<'_>, name: &str, cache: Option<std::path::PathBuf>, kinds: &[Kind]) -> Result<Took, Error> {
    let project = Theirs::new(bench, name, cache, kinds)?;
    let made = project.manifests()?.then(project.generate()?);
    // -count=1: not what it has told before.
    Ok(made.then(project.go(&["vet", "./..."])?).then(project.go(&["test", "-count=1", "./..."])?))
}
