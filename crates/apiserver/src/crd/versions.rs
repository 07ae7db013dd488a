//! The order of API versions: newest stable first.

use std::cmp::Ordering;

/// Compares version names as Kubernetes lists them: `v10`, `v2`, `v1`, `v11beta2`, `v3beta1`, `v12alpha1`, then all
/// other names in alphabetical order.
pub fn compare(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// (stability, major, minor); larger is listed earlier.
fn parse(name: &str) -> Option<(u8, u64, u64)> {
    let (major, rest) = number(name.strip_prefix('v')?)?;
    if rest.is_empty() {
        return Some((2, major, 0));
    }
    let (stability, rest) = match rest.strip_prefix("beta") {
        Some(rest) => (1, rest),
        None => (0, rest.strip_prefix("alpha")?),
    };
    let (minor, rest) = number(rest)?;
    rest.is_empty().then_some((stability, major, minor))
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // Neither v0 nor v01 is a version.
    (!digits.starts_with('0')).then_some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    #[test]
    fn stable_versions_come_first_and_higher_before_lower() {
        let mut names =
            ["foo1", "v1", "v12alpha1", "v3beta1", "v10", "v11alpha2", "foo10", "v2", "v11beta2", "v12beta", "v01"];
        names.sort_by(|a, b| super::compare(a, b));
        assert_eq!(
            names,
            ["v10", "v2", "v1", "v11beta2", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10", "v01", "v12beta"]
        );
    }
}
