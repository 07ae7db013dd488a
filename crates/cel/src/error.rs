//! What goes wrong when an expression is compiled or evaluated.

use std::fmt;

use crate::ast::Position;

/// Errors after this many are only counted.
const MOST_ISSUES: usize = 100;
/// Lines longer than this are not shown.
const LONGEST_SNIPPET: usize = 16_384;

/// One thing that is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) position: Position,
    pub(crate) message: String,
}

/// Why an expression does not compile. Its text is the one of the real server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// Syntax or types are wrong; each issue shows the line and points at the place.
    #[error("compilation failed: {0}")]
    Issues(Issues),
    /// The expression has another type than was asked for: the text says which one it must have.
    #[error("{0}")]
    Result(String),
    /// A constant part of it fails whenever it runs.
    #[error("program instantiation failed: {0}")]
    Constant(String),
}

/// The issues of one expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issues {
    source: String,
    issues: Vec<Issue>,
}

impl Issues {
    pub(crate) fn new(source: &str, mut issues: Vec<Issue>) -> Self {
        issues.sort_by_key(|issue| issue.position);
        Self { source: source.to_owned(), issues }
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.issues.iter().take(MOST_ISSUES).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let Position { line, column } = issue.position;
            write!(f, "ERROR: <input>:{line}:{column}: {}", issue.message)?;
            let snippet = self.source.split('\n').nth(line.saturating_sub(1));
            if let Some(snippet) = snippet.filter(|snippet| snippet.len() <= LONGEST_SNIPPET) {
                write!(f, "\n | {}\n | ", snippet.replace('\t', " "))?;
                let mut rest = snippet.chars();
                for c in rest.by_ref().take(column.saturating_sub(1)) {
                    f.write_str(if c.len_utf8() > 1 { "\u{ff0e}" } else { "." })?;
                }
                f.write_str(if rest.next().is_some_and(|c| c.len_utf8() > 1) { "\u{ff3e}" } else { "^" })?;
            }
        }
        if self.issues.len() > MOST_ISSUES {
            write!(f, "\n{} more errors were truncated", self.issues.len() - MOST_ISSUES)?;
        }
        Ok(())
    }
}

/// Why an evaluation has no result. Its text is the one of the real server.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluationError {
    message: String,
    cancelled: bool,
}

impl EvaluationError {
    /// An error that `&&`, `||` and the quantifiers may absorb.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cancelled: false }
    }

    pub(crate) fn over_budget() -> Self {
        Self { message: "operation cancelled: actual cost limit exceeded".into(), cancelled: true }
    }

    pub(crate) fn no_such_overload() -> Self {
        Self::new("no such overload")
    }

    pub(crate) fn no_such_key(key: impl fmt::Display) -> Self {
        Self::new(format!("no such key: {key}"))
    }

    /// The cost limit ended the evaluation.
    pub fn is_over_budget(&self) -> bool {
        self.cancelled
    }

    /// The operator or function does not exist for the types that the values turned out to have.
    pub fn is_no_such_overload(&self) -> bool {
        self.message.starts_with("no such overload")
    }
}
