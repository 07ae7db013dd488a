//! Versions and ranges of versions, as the Operator Lifecycle Manager reads them.

use semver::Version;

/// A version, with what people write: `v1.2`, ` 1.2.3 `.
pub(crate) fn tolerant(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let mut parts: Vec<&str> = core.split('.').collect();
    if parts.len() > 3 || (parts.len() < 3 && !rest.is_empty()) {
        return None;
    }
    parts.resize(3, "0");
    let trimmed = parts.iter().map(|part| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0",
        part => part,
    });
    Version::parse(&format!("{}{rest}", trimmed.collect::<Vec<_>>().join("."))).ok()
}

/// Whether it is a range of versions: `>=1.0.0 <2.0.0 || 3.x`.
pub(crate) fn is_range(text: &str) -> bool {
    let mut all = text.split("||").peekable();
    all.peek().is_some() && all.all(|alternative| is_conjunction(alternative.trim()))
}

fn is_conjunction(text: &str) -> bool {
    // An operator may stand apart from its version.
    let mut joined = String::new();
    for word in text.split_whitespace() {
        if !joined.is_empty() && !joined.ends_with(['<', '>', '=', '!']) {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    !joined.is_empty() && joined.split(' ').all(is_comparison)
}

fn is_comparison(text: &str) -> bool {
    let version = text.trim_start_matches(['<', '>', '=', '!']);
    let operator = &text[..text.len() - version.len()];
    if !["", "<", "<=", ">", ">=", "=", "==", "!", "!="].contains(&operator) {
        return false;
    }
    let wild = |part: &str| ["x", "X", "*"].contains(&part);
    let parts: Vec<&str> = version.split('.').collect();
    match parts.iter().position(|part| wild(part)) {
        None => Version::parse(version).is_ok(),
        Some(0) => false,
        Some(first) => {
            parts.len() <= 3
                && parts[first..].iter().all(|part| wild(part))
                && parts[..first].iter().all(|part| part.parse::<u64>().is_ok())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_people_write_them() {
        for (text, version) in
            [("1.2.3", "1.2.3"), ("v1.2", "1.2.0"), (" 1 ", "1.0.0"), ("01.02.3", "1.2.3"), ("1.0.0-a+b", "1.0.0-a+b")]
        {
            assert_eq!(tolerant(text).map(|version| version.to_string()).as_deref(), Some(version), "{text}");
        }
        for text in ["", "x", "1.2.3.4", "1.2-a", "1..2"] {
            assert!(tolerant(text).is_none(), "{text}");
        }
    }

    #[test]
    fn ranges_are_told_from_other_texts() {
        for text in ["1.0.0", ">=1.0.0 <2.0.0", "> 1.0.0", ">1.0.0 || 2.x", "!1.0.0", "1.2.x", "<=1.0.0-beta"] {
            assert!(is_range(text), "{text}");
        }
        for text in ["", "~1.0.0", "1.0", ">", ">=1.0.0 ||", "latest", "x", "1.x.2"] {
            assert!(!is_range(text), "{text}");
        }
    }
}
