//! Rust types out of definitions: `kubewright types` beside kopium, which takes one definition a run.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::command::{self, Took};
use super::{Bench, description, line};
use crate::Error;
use crate::report::{Measure, Unit};

pub(crate) fn measure(bench: &Bench<'_>) -> Result<Vec<Measure>, Error> {
    let kinds = description::kinds(bench.options.definitions.into());
    let folder = bench.scratch.0.join("definitions");
    fs::create_dir_all(&folder).map_err(Error::io("write definitions"))?;
    for kind in &kinds {
        let text = serde_saphyr::to_string(&kind.definition())
            .map_err(|error| Error::Wrong(format!("a definition becomes no YAML: {error}")))?;
        fs::write(folder.join(format!("{}.yaml", kind.plural)), text).map_err(Error::io("write definitions"))?;
    }
    let count = kinds.len();
    eprintln!("measuring types of {count} definitions …");
    let log = bench.scratch.0.join("types.log");
    let out = |run: usize, whose: &str| bench.scratch.0.join(format!("types-{whose}-{run}"));
    let ours = bench.median(|run| {
        let out = out(run, "ours");
        let mut types = Command::new(&bench.tools.kubewright);
        let took = command::run(types.arg("types").arg(&folder).arg("--out").arg(&out), &log)?;
        // A file for each, and the one that names them.
        written(&out, count + 1)?;
        Ok(took)
    })?;
    let mut peer = None;
    if let Some(kopium) = &bench.tools.kopium {
        peer = Some(bench.median(|run| {
            let out = out(run, "kopium");
            fs::create_dir_all(&out).map_err(Error::io("make a folder for types"))?;
            let mut all = Took::default();
            for kind in &kinds {
                let file =
                    fs::File::create(out.join(format!("{}.rs", kind.plural))).map_err(Error::io("write types"))?;
                let mut one = Command::new(kopium);
                one.arg("--auto").arg("--filename").arg(folder.join(format!("{}.yaml", kind.plural))).stdout(file);
                all = all.then(command::into(&mut one, &log)?);
            }
            written(&out, count)?;
            Ok(all)
        })?);
    }
    let row = |what: &str, unit, part: fn(&Took) -> f64| {
        let name = format!("`types` of {count} definitions, beside kopium: {what}");
        line(name, unit, Some(part(&ours)), peer.as_ref().map(part))
    };
    Ok(vec![
        row("time", Unit::Seconds, |took| took.seconds),
        row("processor time", Unit::Seconds, |took| took.cpu),
        row("memory", Unit::Bytes, |took| took.peak),
    ])
}

/// Whether a folder has so many files with something in them.
fn written(folder: &Path, count: usize) -> Result<(), Error> {
    let files = fs::read_dir(folder).map_err(Error::io("look at types"))?;
    let full = files.filter(|file| {
        let length = file.as_ref().ok().and_then(|file| file.metadata().ok()).map(|metadata| metadata.len());
        length.is_some_and(|length| length > 0)
    });
    match full.count() {
        found if found == count => Ok(()),
        found => Err(Error::Wrong(format!("{} has {found} files instead of {count}", folder.display()))),
    }
}
