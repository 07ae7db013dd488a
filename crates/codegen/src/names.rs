//! Rust names for the names that schemas have.

use std::collections::BTreeSet;

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Words that can't be identifiers.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "_",
];

/// Types that generated code means by their short names.
const TAKEN: [&str; 22] = [
    "BTreeMap",
    "Clone",
    "Cow",
    "CustomResourceDefinition",
    "CustomResourceExt",
    "Debug",
    "Default",
    "Deserialize",
    "DynamicObject",
    "IntOrString",
    "JsonSchema",
    "Map",
    "ObjectMeta",
    "Option",
    "PartialEq",
    "Result",
    "Self",
    "Serialize",
    "String",
    "Time",
    "Value",
    "Vec",
];

/// The name of a field or module: `maxSurge` → `max_surge`, `clusterIPs` → `cluster_ips`, `type` → `type_`, as k8s-openapi
/// writes it.
pub(crate) fn field(name: &str) -> String {
    escaped(plural_acronyms(&ascii(name)).to_snake_case())
}

/// The name of a type or variant: `rolling-update` → `RollingUpdate`.
pub(crate) fn camel(name: &str) -> String {
    let made = ascii(name).to_upper_camel_case();
    match made.chars().next() {
        None => String::new(),
        Some(first) if first.is_ascii_digit() => format!("V{made}"),
        Some(_) => made,
    }
}

/// The name of a variant. Names of signs alone are spelt: `""` → `Empty`, `>=` → `GreaterEqual`.
pub(crate) fn variant(value: &str) -> String {
    let made = camel(value);
    if made == "Self" {
        return "Self_".into();
    }
    if !made.is_empty() {
        return made;
    }
    let spelt: String = value.chars().map(sign).collect();
    if spelt.is_empty() { "Empty".into() } else { spelt }
}

/// A type's name that is neither used nor means something else: numbered if it must be.
pub(crate) fn unique_type(used: &mut BTreeSet<String>, wanted: &str) -> String {
    let wanted = if TAKEN.contains(&wanted) { format!("{wanted}Resource") } else { wanted.to_string() };
    unique(used, &wanted, "")
}

/// A name that is not used: numbered, after `joint`, if it must be.
pub(crate) fn unique(used: &mut BTreeSet<String>, wanted: &str, joint: &str) -> String {
    let wanted = if wanted.is_empty() { "Empty" } else { wanted };
    let mut name = wanted.to_string();
    let mut number = 2;
    while !used.insert(name.clone()) {
        name = format!("{wanted}{joint}{number}");
        number += 1;
    }
    name
}

/// What serde's `rename_all = "camelCase"` makes of a field's name.
pub(crate) fn serde_camel(field: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for c in field.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            out.push(c.to_ascii_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    // serde capitalises each word, and then makes the first letter small.
    let mut letters = out.chars();
    letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn ascii(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let minus = name.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    minus.map_or_else(|| name.chars().map(keep).collect(), |rest| format!("minus_{}", ascii(rest)))
}

/// `clusterIPs` → `clusterIps`: the plural's letter belongs to the word before.
fn plural_acronyms(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = letters.clone();
    for (at, letter) in letters.iter().enumerate() {
        let before = letters[..at].iter().rev().take_while(|letter| letter.is_ascii_uppercase()).count();
        let ends = letters.get(at + 1).is_none_or(|next| !next.is_ascii_lowercase());
        if *letter == 's' && before >= 2 && ends {
            out[at + 1 - before..at].iter_mut().for_each(|letter| letter.make_ascii_lowercase());
        }
    }
    out.into_iter().collect()
}

fn escaped(name: String) -> String {
    match name.chars().next() {
        None => "field".into(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) if KEYWORDS.contains(&name.as_str()) => format!("{name}_"),
        Some(_) => name,
    }
}

fn sign(c: char) -> &'static str {
    match c {
        '=' => "Equal",
        '!' => "Not",
        '<' => "Less",
        '>' => "Greater",
        '*' => "Star",
        '+' => "Plus",
        '-' => "Minus",
        '/' => "Slash",
        '.' => "Dot",
        '~' => "Tilde",
        '%' => "Percent",
        '&' => "And",
        '|' => "Or",
        '^' => "Caret",
        ' ' => "Space",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_rust_and_say_the_same() {
        assert_eq!(field("maxSurge"), "max_surge");
        assert_eq!(field("clusterIPs"), "cluster_ips");
        assert_eq!(field("nonResourceURLsOnly"), "non_resource_urls_only");
        assert_eq!(field("IDs"), "ids");
        assert_eq!(field("awsElastic"), "aws_elastic");
        assert_eq!(field("type"), "type_");
        assert_eq!(field("$ref"), "ref_");
        assert_eq!(field("x-kubernetes-y"), "x_kubernetes_y");
        assert_eq!(field("3scale"), "_3scale");
        assert_eq!(field("日本"), "field");
        assert_eq!(camel("rolling-update"), "RollingUpdate");
        assert_eq!(camel("1.2"), "V12");
        assert_eq!(variant(""), "Empty");
        assert_eq!(variant(">="), "GreaterEqual");
        assert_eq!(variant("-1"), "Minus1");
        assert_eq!(variant("self"), "Self_");
    }

    #[test]
    fn names_that_are_taken_are_numbered() {
        let mut used = BTreeSet::new();
        assert_eq!(unique(&mut used, "a", "_"), "a");
        assert_eq!(unique(&mut used, "a", "_"), "a_2");
        assert_eq!(unique_type(&mut used, "Option"), "OptionResource");
    }

    #[test]
    fn serdes_own_renaming_is_known() {
        for (field, expected) in
            [("max_surge", "maxSurge"), ("type_", "type"), ("_3scale", "3scale"), ("a_b2_c", "aB2C")]
        {
            assert_eq!(serde_camel(field), expected);
        }
    }
}
