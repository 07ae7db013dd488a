//! The guide shows the files of this example as they are.

use std::collections::BTreeMap;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of the guide that stand under the name of a file, joined.
fn shown(guide: &str) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let Some(file) = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->")) else { continue };
        assert_eq!(lines.next(), Some("```rust"), "a block follows {file}");
        let text = files.entry(file.to_string()).or_default();
        if !text.is_empty() {
            text.push('\n');
        }
        for line in lines.by_ref().take_while(|line| *line != "```") {
            text.push_str(line);
            text.push('\n');
        }
    }
    files
}

#[test]
fn the_guide_shows_each_file_whole() {
    let shown = shown(&read("../../docs/guide.md"));
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["src/lib.rs", "src/main.rs", "tests/site.rs"]);
    for (file, text) in shown {
        assert!(text == read(&file), "docs/guide.md shows {file} otherwise than it is; it has:\n{text}");
    }
}
