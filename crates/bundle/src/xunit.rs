//! Results of the scorecard as XML, which programs that collect test results read: a suite for each test.

use std::fmt::Write as _;

use crate::scorecard::{State, Test, TestList};

/// The label of a test with its name.
const TEST: &str = "test";
const PHASE: &str = "cluster-phase";

impl TestList {
    /// The results as xUnit has them, with operator-sdk's suites and properties; suggestions are output.
    #[must_use]
    pub fn xunit(&self) -> String {
        let mut text = String::from("<testsuites name=\"scorecard\">\n");
        for (index, test) in self.items.iter().enumerate() {
            // Writing to memory can't fail.
            let _ = suite(&mut text, index + 1, test);
        }
        text.push_str("</testsuites>\n");
        text
    }
}

fn suite(text: &mut String, number: usize, test: &Test) -> std::fmt::Result {
    let labels = &test.spec.labels;
    let name = labels.get(TEST).cloned().unwrap_or_else(|| format!("testsuite-{number:03}"));
    let results = &test.status.results;
    let count = |state: State| results.iter().filter(|result| result.state == state).count();
    let (tests, failures, errors) = (results.len(), count(State::Fail), count(State::Error));
    let shown = escaped(&name);
    writeln!(
        text,
        r#"  <testsuite name="{shown}" tests="{tests}" skipped="0" failures="{failures}" errors="{errors}">"#
    )?;
    let mut properties = vec![
        ("spec.image", test.spec.image.clone()),
        ("spec.entrypoint", test.spec.entrypoint.join(" ")),
        ("labels.test", name),
    ];
    properties.extend(labels.get(PHASE).map(|phase| ("labels.cluster-phase", phase.clone())));
    writeln!(text, "    <properties>")?;
    for (name, value) in properties {
        writeln!(text, r#"      <property name="{name}" value="{}"></property>"#, escaped(&value))?;
    }
    writeln!(text, "    </properties>")?;
    for result in results {
        writeln!(text, r#"    <testcase name="{}">"#, escaped(&result.name))?;
        let output = result.suggestions.iter().map(|suggestion| format!("suggestion: {suggestion}"));
        writeln!(text, "      <system-out>{}</system-out>", escaped(&output.collect::<Vec<_>>().join("\n")))?;
        let tag = match result.state {
            State::Pass => None,
            State::Fail => Some("failure"),
            State::Error => Some("error"),
        };
        if let Some(tag) = tag {
            writeln!(text, r#"      <{tag} type="{tag}">{}</{tag}>"#, escaped(&result.errors.join("\n")))?;
        }
        writeln!(text, "    </testcase>")?;
    }
    writeln!(text, "  </testsuite>")
}

/// Text as XML can hold it: without control characters, which it can't.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || ['\u{fffe}', '\u{ffff}'].contains(&c) => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
