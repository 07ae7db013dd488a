//! Regular expressions in the syntax of Go (RE2), run by the `regex` crate.
//!
//! The two agree but for a few things, which are translated: `\d`, `\w`, `\s` and `\b` are ASCII in Go; inside a class,
//! `[`, `&` and `~` mean themselves; `\<` and `\>` are plain characters; `\Q…\E` quotes; a `{` that starts no
//! repetition means itself, and a repetition can't be repeated.

use regex::Regex;

/// A compiled pattern and its source.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: Box<str>,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When it is not valid; the text tells where.
    pub fn new(source: &str) -> Result<Self, String> {
        let regex = Regex::new(&translate(source)?).map_err(|error| one_line(&error))?;
        Ok(Self { source: source.into(), regex })
    }

    /// The pattern as it was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// It occurs somewhere in `text`.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The first places where it occurs, as many as `limit`.
    pub(crate) fn find_all<'t>(&self, text: &'t str, limit: Option<usize>) -> Vec<&'t str> {
        self.regex.find_iter(text).take(limit.unwrap_or(usize::MAX)).map(|found| found.as_str()).collect()
    }
}

/// The reason alone; the whole text draws the pattern over several lines.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

fn translate(source: &str) -> Result<String, String> {
    let mut out = String::with_capacity(source.len() + 8);
    let mut rest = source.chars();
    let mut in_class = false;
    let mut after_repetition = false;
    while let Some(c) = rest.next() {
        let repeats = !in_class
            && match c {
                '*' | '+' | '?' => true,
                '{' => repetition_length(rest.as_str()).is_some(),
                _ => false,
            };
        if repeats {
            if after_repetition {
                return Err(format!("invalid nested repetition operator: `{c}`"));
            }
            out.push(c);
            if c == '{' {
                let (bounds, after) = rest.as_str().split_at(repetition_length(rest.as_str()).unwrap_or_default());
                out.push_str(bounds);
                rest = after.chars();
            }
            // `a+?` matches as little as it can.
            if let Some(after) = rest.as_str().strip_prefix('?') {
                out.push('?');
                rest = after.chars();
            }
            // The `?` of a group's flags starts something new.
            after_repetition = !out.ends_with("(?");
            continue;
        }
        after_repetition = false;
        match c {
            '\\' => match rest.next() {
                Some('Q') if !in_class => {
                    let quoted = rest.as_str();
                    let (literal, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                    out.push_str(&regex::escape(literal));
                    rest = after.chars();
                }
                Some(escaped) => {
                    push_escape(&mut out, escaped, in_class);
                    // `\p{Greek}`, `\x{10FFFF}`
                    if "pPx".contains(escaped)
                        && rest.as_str().starts_with('{')
                        && let Some((name, after)) = rest.as_str().split_once('}')
                    {
                        out.push_str(name);
                        out.push('}');
                        rest = after.chars();
                    }
                }
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                // A `]` right after the start is a member of the class.
                if let Some(after) = rest.as_str().strip_prefix('^') {
                    out.push('^');
                    rest = after.chars();
                }
                if let Some(after) = rest.as_str().strip_prefix(']') {
                    out.push_str("\\]");
                    rest = after.chars();
                }
            }
            '[' => match rest.as_str().strip_prefix(':').and_then(|named| named.split_once(":]")) {
                Some((name, after)) => {
                    out.push_str(&format!("[:{name}:]"));
                    rest = after.chars();
                }
                None => out.push_str("\\["),
            },
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '{' if !in_class => out.push_str("\\{"),
            _ => out.push(c),
        }
    }
    Ok(out)
}

/// Bytes up to and with the `}` of a repetition whose `{` was just read.
fn repetition_length(rest: &str) -> Option<usize> {
    let (bounds, _) = rest.split_once('}')?;
    let (least, most) = bounds.split_once(',').unwrap_or((bounds, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (!least.is_empty() && digits(least) && digits(most)).then_some(bounds.len() + 1)
}

fn push_escape(out: &mut String, escaped: char, in_class: bool) {
    let translated = match (escaped, in_class) {
        ('d', false) => "[0-9]",
        ('d', true) => "0-9",
        ('D', _) => "[^0-9]",
        ('w', false) => "[0-9A-Za-z_]",
        ('w', true) => "0-9A-Za-z_",
        ('W', _) => "[^0-9A-Za-z_]",
        ('s', false) => "[\\t\\n\\f\\r ]",
        ('s', true) => "\\t\\n\\f\\r ",
        ('S', _) => "[^\\t\\n\\f\\r ]",
        ('b', false) => "(?-u:\\b)",
        ('B', false) => "(?-u:\\B)",
        ('<', _) => "<",
        ('>', _) => ">",
        _ => {
            out.push('\\');
            out.push(escaped);
            return;
        }
    };
    out.push_str(translated);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, text, expected) in [
            (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a-b", true),
            (r"^\d+$", "٣", false),
            (r"^[\d.]+$", "1.2", true),
            (r"^\w+$", "é", false),
            (r"^[\w-]+$", "a-b_c", true),
            (r"^[[]$", "[", true),
            (r"^[]a]$", "]", true),
            (r"^[a&&b]+$", "a&b", true),
            (r"^[[:alpha:]]+$", "abc", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"\<a\>", "<a>", true),
            (r"\bfoo\b", "a foo b", true),
            (r"^\p{Greek}$", "α", true),
            (r"(?i)^ABC$", "abc", true),
            (r"^[^\s]+$", "a b", false),
            (r"^a{b$", "a{b", true),
            (r"^a{2,}?$", "aaa", true),
            (r"^(?:ab)?c+?$", "abcc", true),
            (r"^[*+?]{2}$", "+*", true),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in ["(", "[", "a**", "(?=a)", "\\1", "\\"] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[\\\\\\[\\]^a-z&~QEdDwWsSbB(){}*+?|.-]{0,16}") {
            let _ = Pattern::new(&pattern);
        }
    }
}
