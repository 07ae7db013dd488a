//! Which names are Rust's and which are DNS'.

use heck::{ToSnakeCase, ToUpperCamelCase};

use crate::ProjectError;

const KEYWORDS: [&str; 49] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where",
];

/// Crates that a project depends on: none can have the project's name.
const CRATES: [&str; 12] = [
    "clap",
    "core",
    "futures",
    "k8s-openapi",
    "kube",
    "kubewright",
    "kubewright-testing",
    "schemars",
    "serde",
    "serde_json",
    "std",
    "tokio",
];

/// Types in scope of scaffolded code.
const TYPES: [&str; 16] = [
    "Api",
    "Arc",
    "Client",
    "Context",
    "Controller",
    "Error",
    "Manager",
    "Option",
    "Outcome",
    "Reconciler",
    "Resource",
    "Result",
    "Self",
    "String",
    "Vec",
    "Watch",
];

fn wrong(flag: &'static str, value: &str, cause: impl Into<String>) -> ProjectError {
    ProjectError::Name { flag, value: value.into(), cause: cause.into() }
}

/// The name of a project: that of its crate, its image and its namespace.
pub(crate) fn project(flag: &'static str, name: &str) -> Result<(), ProjectError> {
    label(flag, name)?;
    let ident = name.replace('-', "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(wrong(flag, name, "a crate's name begins with a letter; choose another with --project-name"));
    }
    if KEYWORDS.contains(&ident.as_str()) || CRATES.contains(&name) || name == "test" {
        return Err(wrong(
            flag,
            name,
            "Rust or a dependency has this name already; choose another with --project-name",
        ));
    }
    Ok(())
}

/// A DNS label: `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, 63 characters at most.
pub(crate) fn label(flag: &'static str, value: &str) -> Result<(), ProjectError> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if value.is_empty()
        || value.len() > 63
        || !value.chars().all(inner)
        || value.starts_with('-')
        || value.ends_with('-')
    {
        let cause = "it must be a DNS label: small letters, digits and '-', beginning and ending with a letter or digit, 63 at most";
        return Err(wrong(flag, value, cause));
    }
    Ok(())
}

/// A DNS domain: labels joined by dots.
pub(crate) fn domain(flag: &'static str, value: &str) -> Result<(), ProjectError> {
    if value.len() > 253 || value.is_empty() {
        return Err(wrong(flag, value, "a domain has 1 to 253 characters; write for example example.com"));
    }
    value.split('.').try_for_each(|part| {
        label(flag, part).map_err(|_| {
            let cause = format!("{part:?} is no DNS label; write a domain such as example.com");
            wrong(flag, value, cause)
        })
    })
}

/// A version of an API: `v1`, `v2alpha1`, `v1beta3`.
pub(crate) fn version(flag: &'static str, value: &str) -> Result<(), ProjectError> {
    let digits = |text: &str| !text.is_empty() && !text.starts_with('0') && text.chars().all(|c| c.is_ascii_digit());
    let good = value.strip_prefix('v').is_some_and(|rest| {
        ["alpha", "beta"]
            .iter()
            .find_map(|word| rest.split_once(word))
            .map_or_else(|| digits(rest), |(major, minor)| digits(major) && digits(minor))
    });
    if good { Ok(()) } else { Err(wrong(flag, value, "a version is written v1, v1beta1 or v2alpha3")) }
}

/// A kind: a Rust type in camel case that scaffolded code does not use itself.
pub(crate) fn kind(flag: &'static str, value: &str) -> Result<(), ProjectError> {
    let letters = value.chars().all(|c| c.is_ascii_alphanumeric());
    if value.is_empty() || value.len() > 60 || !letters || !value.starts_with(|c: char| c.is_ascii_uppercase()) {
        let hint = value.to_upper_camel_case();
        return Err(wrong(
            flag,
            value,
            format!("a kind is written in camel case, such as {}", if hint.is_empty() { "Site" } else { &hint }),
        ));
    }
    if TYPES.contains(&value) {
        return Err(wrong(flag, value, "Rust or Kubewright has a type of this name; choose another"));
    }
    Ok(())
}

/// The module of a kind: `RedisCluster` → `redis_cluster`.
pub(crate) fn module(name: &str) -> String {
    let name = name.replace(['.', '-'], "_").to_snake_case();
    if KEYWORDS.contains(&name.as_str()) { format!("{name}_") } else { name }
}

/// The plural of a kind, as kube and kubebuilder guess it; `--plural` overrules it.
pub(crate) fn plural(kind: &str) -> String {
    let word = kind.to_ascii_lowercase();
    let consonant_y = word.ends_with('y') && {
        let before = word.chars().rev().nth(1);
        before.is_some_and(|c| !"aeiou".contains(c))
    };
    if consonant_y {
        return format!("{}ies", &word[..word.len() - 1]);
    }
    if ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end)) {
        return format!("{word}es");
    }
    format!("{word}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_pass_and_bad_ones_say_what_would_be_right() {
        for name in ["guestbook", "my-operator", "a1"] {
            assert!(project("--project-name", name).is_ok(), "{name}");
        }
        for name in ["", "My", "1a", "a_b", "kube", "fn", "-a", "test", &"a".repeat(64)] {
            assert!(project("--project-name", name).is_err(), "{name}");
        }
        for name in ["v1", "v12", "v1beta1", "v2alpha10"] {
            assert!(version("--version", name).is_ok(), "{name}");
        }
        for name in ["", "1", "v0", "v", "v1gamma1", "v1beta", "V1", "v1beta01"] {
            assert!(version("--version", name).is_err(), "{name}");
        }
        let error = kind("--kind", "redis-cluster").unwrap_err().to_string();
        assert!(error.contains("--kind \"redis-cluster\"") && error.contains("such as RedisCluster"), "{error}");
        assert!(kind("--kind", "Context").is_err() && kind("--kind", "日本").is_err());
        assert!(domain("--domain", "example.com").is_ok());
        let error = domain("--domain", "example..com").unwrap_err().to_string();
        assert!(error.contains("such as example.com"), "{error}");
    }

    #[test]
    fn plurals_are_those_of_english() {
        for (kind, expected) in [
            ("Policy", "policies"),
            ("Gateway", "gateways"),
            ("Mesh", "meshes"),
            ("Site", "sites"),
            ("Redis", "redises"),
        ] {
            assert_eq!(plural(kind), expected);
        }
        assert_eq!(module("RedisCluster"), "redis_cluster");
        assert_eq!(module("Match"), "match_");
    }
}
