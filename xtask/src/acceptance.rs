//! `cargo xtask acceptance`: which lines of docs/acceptance.md have a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

/// Where the lines are.
const DOCUMENT: &str = "docs/acceptance.md";
/// Where tests are.
const FOLDERS: [&str; 4] = ["crates", "operators", "real", "xtask"];
/// How a reason begins that stands for a test.
const REASON: &str = "Without:";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Write the tests into the last column of docs/acceptance.md.
    #[arg(long)]
    write: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("can't {action} {}: {source}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{DOCUMENT}: {0}")]
    Document(String),
    #[error("{}: line {line} is named by a test and is not in {DOCUMENT}", .file)]
    Unknown { line: u32, file: String },
    #[error(
        "{} of {total} lines have neither a test nor a reason: {}; name them at their tests (// A-7), or write \
         \"{REASON} why\" into the last column of {DOCUMENT}",
        .missing.len(), numbers(.missing)
    )]
    Missing { missing: Vec<u32>, total: usize },
}

/// A line of the document.
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    number: u32,
    promise: &'a str,
    last: &'a str,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Error> {
    let root = crate::workspace();
    let path = root.join(DOCUMENT);
    let text = fs::read_to_string(&path).map_err(io_error("read", &path))?;
    let rows: Vec<Row<'_>> = text.lines().filter_map(row).collect();
    check_numbers(&rows)?;

    let mut tests: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for folder in FOLDERS {
        visit(&root.join(folder), &mut |file, text| {
            let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
            for line in named(text) {
                tests.entry(line).or_default().insert(name.clone());
            }
        })?;
    }
    if let Some((line, files)) = tests.iter().find(|(line, _)| !rows.iter().any(|row| row.number == **line)) {
        return Err(Error::Unknown { line: *line, file: files.iter().cloned().collect::<Vec<_>>().join(", ") });
    }
    if arguments.write {
        fs::write(&path, written(&text, &tests)).map_err(io_error("write", &path))?;
    }

    let (mut covered, mut reasons, mut missing) = (0, Vec::new(), Vec::new());
    for row in &rows {
        if tests.contains_key(&row.number) {
            covered += 1;
        } else if row.last.starts_with(REASON) {
            reasons.push(row);
        } else {
            missing.push(row.number);
        }
    }
    println!("{covered}/{} lines have a test, {} have a reason for having none", rows.len(), reasons.len());
    for Row { number, promise, last } in reasons {
        println!("  A-{number} {promise}: {last}");
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::Missing { missing, total: rows.len() }) }
}

/// The row that a line of the document is, if it is one.
fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let [number, promise, last] = cells[..] else { return None };
    Some(Row { number: number.parse().ok()?, promise, last })
}

/// Every number from 1 to the last is there once.
fn check_numbers(rows: &[Row<'_>]) -> Result<(), Error> {
    for (expected, row) in (1..).zip(rows) {
        if row.number != expected {
            return Err(Error::Document(format!("line {} stands where {expected} should", row.number)));
        }
    }
    if rows.is_empty() { Err(Error::Document("it has no table".into())) } else { Ok(()) }
}

/// The lines that the tests in a source file name: in a comment `// A-1, A-2` that stands before the attribute of a test.
fn named(text: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let mut pending: Vec<u32> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("// ") {
            pending.extend(comment_lines(comment));
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            found.append(&mut pending);
        } else if !line.starts_with("//") && !line.starts_with("#[") {
            pending.clear();
        }
    }
    found
}

/// `A-1, A-2: why` → 1, 2.
fn comment_lines(comment: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for word in comment.split(' ') {
        let Some(number) = word.trim_end_matches([',', ':', '.', ';']).strip_prefix("A-") else { break };
        match number.parse() {
            Ok(number) => numbers.push(number),
            Err(_) => break,
        }
        if !word.ends_with(',') {
            break;
        }
    }
    numbers
}

/// The document with the tests in its last column.
fn written(text: &str, tests: &BTreeMap<u32, BTreeSet<String>>) -> String {
    let mut out = String::new();
    for line in text.lines() {
        match row(line) {
            Some(Row { number, promise, last }) => {
                let files = tests.get(&number).map(|files| files.iter().cloned().collect::<Vec<_>>().join(", "));
                let reason = if last.starts_with(REASON) { last } else { "" };
                out += &format!("| {number} | {promise} | {} |\n", files.as_deref().unwrap_or(reason));
            }
            None => {
                out += line;
                out.push('\n');
            }
        }
    }
    out
}

/// Calls `with` for each Rust source in a folder.
fn visit(folder: &Path, with: &mut impl FnMut(&Path, &str)) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(io_error("read", folder))? {
        let path = entry.map_err(io_error("read", folder))?.path();
        if path.is_dir() {
            visit(&path, with)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(io_error("read", &path))?;
            with(&path, &text);
        }
    }
    Ok(())
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { action, path: path.into(), source }
}

fn numbers(lines: &[u32]) -> String {
    lines.iter().map(|line| format!("A-{line}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_names_its_lines_in_the_comment_before_it() {
        let text = "\
            // A-1, A-2: so it is.\n// And more.\n#[tokio::test(start_paused = true)]\nasync fn a() {}\n\
            // A-3\nfn no_test() {}\n\
            // A-4\n#[cfg(unix)]\n#[test]\nfn b() {}\n\
            // see A-5\n#[test]\nfn c() {}\n\
            // A-6\n\n#[test]\nfn d() {}\n";
        assert_eq!(named(text), [1, 2, 4]);
        assert_eq!(comment_lines("A-114, A-115, and A-116"), [114, 115]);
        assert_eq!(comment_lines("A-x"), Vec::<u32>::new());
    }

    #[test]
    fn the_last_column_is_written_and_reasons_stay() {
        let text = "# T\n| line | promise | tests |\n|---:|---|---|\n| 1 | one | |\n| 2 | two | Without: why |\n";
        let tests = BTreeMap::from([(1, BTreeSet::from(["a.rs".to_string()]))]);
        let out = written(text, &tests);
        assert!(out.contains("| 1 | one | a.rs |\n| 2 | two | Without: why |\n"), "{out}");
        assert_eq!(out, written(&out, &tests));
    }

    #[test]
    fn a_number_that_is_missing_or_twice_is_found() {
        let rows =
            |numbers: &[u32]| numbers.iter().map(|&number| Row { number, promise: "", last: "" }).collect::<Vec<_>>();
        assert!(check_numbers(&rows(&[1, 2, 3])).is_ok());
        assert!(check_numbers(&rows(&[1, 3])).is_err());
        assert!(check_numbers(&rows(&[1, 1])).is_err());
        assert!(check_numbers(&[]).is_err());
    }
}
