//! `cargo xtask invariants`: breaks each invariant of docs/invariants.md, one at a time, and sees its test fail.

mod table;

use crate::breakage::{Failed, Test, Tree};
use table::TABLE;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only those whose identifier begins so: queue, cache, runtime, or one such as queue-fifo.
    #[arg(default_value = "")]
    which: String,
}

/// Why the chore failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Failed(#[from] Failed),
    #[error("invariants that can be broken without their test failing: {0}")]
    Unseen(String),
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Error> {
    let tree = Tree::new()?;
    let mut unseen = Vec::new();
    for invariant in TABLE.iter().filter(|invariant| invariant.id.starts_with(&arguments.which)) {
        let (package, target, name) = (invariant.package, invariant.target, invariant.test);
        let verdict = tree.judge(invariant.edits, &Test { package, target, name, environment: Vec::new() })?;
        println!("{:<28} {:<16} {}", invariant.id, format!("{verdict:?}"), invariant.test);
        if !verdict.is_seen() {
            unseen.push(invariant.id);
        }
    }
    if unseen.is_empty() { Ok(()) } else { Err(Error::Unseen(unseen.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakage::occurrences;

    #[test]
    fn what_is_broken_is_there_once() {
        for edit in TABLE.iter().flat_map(|invariant| invariant.edits) {
            assert_eq!(occurrences(edit), 1, "{}: {:?}", edit.file, edit.from);
        }
    }

    #[test]
    fn each_is_on_the_page_with_its_test() {
        let page = std::fs::read_to_string(crate::workspace().join("docs/invariants.md")).unwrap();
        for invariant in TABLE {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", invariant.id)));
            let row = row.unwrap_or_else(|| panic!("{} is not on the page", invariant.id));
            assert!(row.contains(&format!("`{}`", invariant.test)), "{row}");
        }
    }
}
