//! Manifests of a project with many API types: `kubewright manifests` beside controller-gen on the same types in Go.
//!
//! Ours asks the compiled program. So there are two cases: nothing has changed since it was compiled, and a type has, which
//! has to be compiled now. controller-gen reads the sources again each time; there the program is compiled later, when it is
//! run, and one line counts that too.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::command::Took;
use super::description::{self, GROUP, Kind};
use super::projects::{Ours, Theirs};
use super::{Bench, line};
use crate::Error;
use crate::report::{Measure, Unit};

pub(crate) fn measure(bench: &Bench<'_>) -> Result<Vec<Measure>, Error> {
    let kinds = description::kinds(bench.options.kinds.into());
    let Some(first) = kinds.first() else { return Ok(Vec::new()) };
    let count = kinds.len();
    eprintln!("measuring manifests of {count} API types …");
    let (ours, _) = Ours::new(bench, "manifests", &bench.tools.project_target, &kinds)?;
    for kind in &kinds {
        ours.write(kind, "")?;
    }
    // Compiles what it depends on, unless it is there from the last time.
    ours.kubewright(&["manifests"])?;
    check(&ours.dir, &kinds)?;
    let unchanged = bench.median(|_| ours.kubewright(&["manifests"]))?;
    let changed = bench.median(|run| {
        ours.write(first, &format!(" Change {run}."))?;
        ours.kubewright(&["manifests"])
    })?;

    let mut peers: [Option<Took>; 3] = [None; 3];
    if bench.peers() {
        let theirs = Theirs::new(bench, "manifests-go", None, &kinds)?;
        theirs.generate()?;
        theirs.manifests()?;
        theirs.go(&["build", "./..."])?;
        check(&theirs.dir, &kinds)?;
        let generated = bench.median(|_| theirs.manifests())?;
        let changed = bench.median(|run| {
            theirs.write(first, &format!(" Change {run}."))?;
            theirs.manifests()
        })?;
        let built = bench.median(|run| {
            theirs.write(first, &format!(" Another change {run}."))?;
            // The parts of kubebuilder's `make build`.
            Ok(theirs.manifests()?.then(theirs.generate()?).then(theirs.go(&[
                "build",
                "-o",
                "bin/manager",
                "./cmd",
            ])?))
        })?;
        peers = [Some(generated), Some(changed), Some(built)];
    }
    let row = |what: &str, unit, part: fn(&Took) -> f64, ours: &Took, peer: &Option<Took>| {
        let name = format!("`manifests` of {count} API types, beside controller-gen: {what}");
        line(name, unit, Some(part(ours)), peer.as_ref().map(part))
    };
    let [same, other, built] = &peers;
    Ok(vec![
        row("nothing has changed", Unit::Seconds, |took| took.seconds, &unchanged, same),
        row("the same, memory", Unit::Bytes, |took| took.peak, &unchanged, same),
        row("a type has changed", Unit::Seconds, |took| took.seconds, &changed, other),
        row("a type has changed, and the operator is compiled", Unit::Seconds, |took| took.seconds, &changed, built),
    ])
}

/// Whether all definitions are there, and say what was described.
fn check(project: &Path, kinds: &[Kind]) -> Result<(), Error> {
    for kind in kinds {
        let file = project.join(format!("config/crd/bases/{GROUP}_{}.yaml", kind.plural));
        let text = fs::read_to_string(&file)
            .map_err(|error| Error::Wrong(format!("can't read {}: {error}", file.display())))?;
        let definition: Value = serde_saphyr::from_str(&text)
            .map_err(|error| Error::Wrong(format!("{} is no YAML: {error}", file.display())))?;
        let (said, expected) = (description::said(&definition), description::said(&kind.definition()));
        if said != expected {
            return Err(Error::Wrong(format!("{} says {said} instead of {expected}", file.display())));
        }
    }
    Ok(())
}
