//! Rules for names, label keys and label values, with the messages of the real server.
//!
//! Each check returns the messages; an empty list means that the text is right.

/// How objects of a kind may be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameRule {
    /// RFC 1123 subdomain: up to 253 characters, dots allowed. Most kinds.
    #[default]
    Subdomain,
    /// RFC 1123 label: up to 63 characters, no dots.
    Label,
    /// RFC 1035 label: like [`NameRule::Label`], but starts with a letter.
    Label1035,
    /// Anything that fits into one segment of a URL path.
    PathSegment,
}

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

impl NameRule {
    /// What is wrong with `name`. With `prefix`, it is the start of a generated name and may end with a dash.
    pub fn check(self, name: &str, prefix: bool) -> Vec<String> {
        let masked;
        let name = match self {
            Self::PathSegment => return path_segment(name, prefix),
            // The real server judges `abc-` as `aba`: a character follows the dash later.
            _ if prefix && name.len() > 1 && name.ends_with('-') && name.is_char_boundary(name.len() - 2) => {
                masked = format!("{}a", &name[..name.len() - 2]);
                &masked
            }
            _ => name,
        };
        match self {
            Self::Subdomain | Self::PathSegment => dns_subdomain(name),
            Self::Label => dns_label(name),
            Self::Label1035 => dns_label_1035(name),
        }
    }
}

/// RFC 1123 subdomain.
pub fn dns_subdomain(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push(max_length(253));
    }
    if !text.split('.').all(is_label) {
        out.push(regex(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            &format!("{LABEL}(\\.{LABEL})*"),
            &["example.com"],
        ));
    }
    out
}

/// RFC 1123 subdomain in whose labels there may be underscores.
pub fn search_domain(text: &str) -> Vec<String> {
    let is_part = |part: &str| is_underscored_label(part.strip_prefix('_').unwrap_or(part));
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push(max_length(253));
    }
    if !text.split('.').all(is_part) {
        out.push(regex(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
            &format!("_?{UNDERSCORED_LABEL}(\\._?{UNDERSCORED_LABEL})*"),
            &["example.com"],
        ));
    }
    out
}

/// What [`is_underscored_label`] asks for.
pub const UNDERSCORED_LABEL: &str = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";

/// Whether a text is like an RFC 1123 label, of any length and with underscores.
pub fn is_underscored_label(text: &str) -> bool {
    let alphanumeric = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    alphanumeric(text.chars().next())
        && alphanumeric(text.chars().last())
        && text.chars().all(|c| alphanumeric(Some(c)) || matches!(c, '-' | '_'))
}

/// RFC 1123 subdomain behind `*.`.
pub fn wildcard_subdomain(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push(max_length(253));
    }
    if !text.strip_prefix("*.").is_some_and(|rest| rest.split('.').all(is_label)) {
        out.push(regex(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            &format!("\\*\\.{LABEL}(\\.{LABEL})*"),
            &["*.example.com"],
        ));
    }
    out
}

/// RFC 1123 label.
pub fn dns_label(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push(max_length(63));
    }
    if !is_label(text) {
        if text.split('.').all(is_label) {
            out.push("must not contain dots".into());
        } else {
            out.push(regex(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
                LABEL,
                &["my-name", "123-abc"],
            ));
        }
    }
    out
}

/// RFC 1035 label.
pub fn dns_label_1035(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push(max_length(63));
    }
    if !(is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase())) {
        out.push(regex(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    out
}

/// A label key: a name of up to 63 characters, behind an optional `subdomain/`. Also the rule for annotations,
/// finalizers and condition types.
pub fn qualified_name(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let shape = || {
        regex(
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            QUALIFIED,
            &["MyName", "my.name", "123-abc"],
        )
    };
    let name = match text.split_once('/') {
        None => text,
        Some((_, name)) if name.contains('/') => {
            out.push(format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                shape()
            ));
            return out;
        }
        Some(("", name)) => {
            out.push("prefix part must be non-empty".into());
            name
        }
        Some((prefix, name)) => {
            out.extend(dns_subdomain(prefix).into_iter().map(|message| format!("prefix part {message}")));
            name
        }
    };
    if name.is_empty() {
        out.push("name part must be non-empty".into());
    } else if name.len() > 63 {
        out.push("name part must be no more than 63 bytes".into());
    }
    if !is_qualified(name) {
        out.push(format!("name part {}", shape()));
    }
    out
}

/// A label value: empty, or up to 63 characters.
pub fn label_value(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push("must be no more than 63 bytes".into());
    }
    if !text.is_empty() && !is_qualified(text) {
        out.push(regex(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            &format!("({QUALIFIED})?"),
            &["MyValue", "my_value", "12345"],
        ));
    }
    out
}

/// Anything that fits into one segment of a URL path.
pub fn path_segment(text: &str, prefix: bool) -> Vec<String> {
    if !prefix && matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    ["/", "%"].iter().filter(|bad| text.contains(**bad)).map(|bad| format!("may not contain '{bad}'")).collect()
}

/// A key of a ConfigMap or Secret: a file name.
pub fn config_key(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push(max_length(253));
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        out.push(regex(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    } else if text == "." {
        out.push("must not be '.'".into());
    } else if text == ".." {
        out.push("must not be '..'".into());
    } else if text.starts_with("..") {
        out.push("must not start with '..'".into());
    }
    out
}

/// A port name (IANA service name): up to 15 lower case characters with a letter among them.
pub fn port_name(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 15 {
        out.push("must be no more than 15 characters".into());
    }
    if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') || text.is_empty() {
        out.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        out.push("must contain at least one letter (a-z)".into());
    }
    if text.contains("--") {
        out.push("must not contain consecutive hyphens".into());
    }
    if text.starts_with('-') || text.ends_with('-') {
        out.push("must not begin or end with a hyphen".into());
    }
    out
}

/// `must be no more than N characters`
pub fn max_length(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

/// `must be between LOW and HIGH, inclusive`
pub fn between(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

/// A message about a pattern, with examples, in the odd comma style of the real server.
pub fn regex(message: &str, pattern: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{message} (e.g. {}regex used for validation is '{pattern}')", examples.join(" or "))
}

fn is_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    matches!((bytes.first(), bytes.last()), (Some(first), Some(last)) if plain(*first) && plain(*last))
        && bytes.iter().all(|b| plain(*b) || *b == b'-')
}

fn is_qualified(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!((bytes.first(), bytes.last()), (Some(f), Some(l)) if f.is_ascii_alphanumeric() && l.is_ascii_alphanumeric())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_takes_and_refuses() {
        let long = "a".repeat(64);
        let cases: &[(NameRule, &str, bool, bool)] = &[
            (NameRule::Subdomain, "a.b-c", false, true),
            (NameRule::Subdomain, "a..b", false, false),
            (NameRule::Subdomain, "A", false, false),
            (NameRule::Subdomain, "", false, false),
            (NameRule::Subdomain, "web-", true, true),
            (NameRule::Subdomain, "web-", false, false),
            (NameRule::Subdomain, &long, false, true),
            (NameRule::Label, "a.b", false, false),
            (NameRule::Label, &long, false, false),
            (NameRule::Label1035, "1a", false, false),
            (NameRule::Label1035, "a1", false, true),
            (NameRule::PathSegment, "system:node", false, true),
            (NameRule::PathSegment, "a/b", false, false),
            (NameRule::PathSegment, "..", false, false),
        ];
        for (rule, name, prefix, fine) in cases {
            assert_eq!(rule.check(name, *prefix).is_empty(), *fine, "{rule:?} {name:?} prefix={prefix}");
        }
    }

    #[test]
    fn a_label_that_is_a_subdomain_is_told_about_its_dots() {
        assert_eq!(NameRule::Label.check("a.b", false), ["must not contain dots"]);
    }

    #[test]
    fn label_keys_name_the_part_that_is_wrong() {
        assert!(qualified_name("example.com/My_Name.x").is_empty());
        assert_eq!(qualified_name("/x"), ["prefix part must be non-empty"]);
        assert!(qualified_name("a b")[0].starts_with("name part must consist of alphanumeric characters"));
        assert!(qualified_name("A_/x")[0].starts_with("prefix part a lowercase RFC 1123 subdomain"));
        assert!(qualified_name("a/b/c")[0].starts_with("a valid label key must consist"));
        assert_eq!(qualified_name("")[0], "name part must be non-empty");
    }

    #[test]
    fn examples_stand_in_the_real_servers_style() {
        let text = label_value("a b").remove(0);
        assert!(text.ends_with(
            "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        ));
    }
}
