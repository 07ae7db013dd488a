//! `cargo xtask planted`: plants bugs in the embedded API server, one at a time, and sees the comparison with a real one
//! (`real/tests/differential`) find each. Needs Go once, as `cargo xtask real` does.

mod table;

use kubewright_real::ensure_binaries;

use crate::breakage::{Failed, Test, Tree, Verdict};
use table::TABLE;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only those whose identifier begins so: apply, list, or one such as apply-keeps-what-was-left-out.
    #[arg(default_value = "")]
    which: String,
}

/// Why the chore failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Real(#[from] kubewright_real::Error),
    #[error(transparent)]
    Failed(#[from] Failed),
    #[error("without any bug the comparison does not pass but {0:?}: `cargo xtask real -p kubewright-real` tells why")]
    NotClean(Verdict),
    #[error("bugs that the comparison does not find: {0}")]
    Unseen(String),
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Error> {
    ensure_binaries()?;
    let chosen: Vec<_> = TABLE.iter().filter(|bug| bug.id.starts_with(&arguments.which)).collect();
    let tree = Tree::new()?;
    let test = |cases: String| Test {
        package: "kubewright-real",
        target: "differential",
        name: "the_embedded_server_equals_a_real_one",
        environment: vec![("KUBEWRIGHT_REAL", "1".to_owned()), ("KUBEWRIGHT_CASES", cases)],
    };
    // Otherwise it would fail for another reason.
    let cases: Vec<&str> = chosen.iter().map(|bug| bug.cases).collect();
    match tree.judge(&[], &test(cases.join(",")))? {
        Verdict::Passes => println!("{:<40} Passes", "without a bug"),
        other => return Err(Error::NotClean(other)),
    }
    let mut unseen = Vec::new();
    for bug in chosen {
        let verdict = tree.judge(bug.edits, &test(bug.cases.to_owned()))?;
        println!("{:<40} {:<16} {}", bug.id, format!("{verdict:?}"), bug.cases);
        if !verdict.is_seen() {
            unseen.push(bug.id);
        }
    }
    if unseen.is_empty() { Ok(()) } else { Err(Error::Unseen(unseen.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakage::occurrences;

    #[test]
    fn what_is_broken_is_there_once_and_the_cases_are_there() {
        for bug in TABLE {
            for edit in bug.edits {
                assert_eq!(occurrences(edit), 1, "{}: {:?}", edit.file, edit.from);
            }
            let case = format!("real/tests/differential/calls/{}.yaml", bug.cases);
            assert!(crate::workspace().join(&case).exists(), "{case}");
        }
    }
}
