//! Field selectors: `metadata.name=a,status.phase!=Running`.

/// One term of a field selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRequirement {
    /// The field, for example `metadata.name`.
    pub field: String,
    /// The value it is compared with.
    pub value: String,
    /// False for `!=`.
    pub equal: bool,
}

/// All requirements must hold; none: everything is selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    /// The terms, in the order of the request.
    pub requirements: Vec<FieldRequirement>,
}

impl FieldSelector {
    /// Reads a selector. The error is the text that the real server gives.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut requirements = Vec::new();
        for term in split_terms(text).into_iter().filter(|term| !term.is_empty()) {
            let Some((field, equal, value)) = split_term(term) else {
                return Err(format!("invalid selector: '{text}'; can't understand '{term}'"));
            };
            requirements.push(FieldRequirement { field: field.into(), value: unescape(value)?, equal });
        }
        Ok(Self { requirements })
    }

    /// True if it selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The value that `field` must equal, if the selector pins it to one.
    pub fn exact(&self, field: &str) -> Option<&str> {
        self.requirements.iter().find(|r| r.equal && r.field == field).map(|r| r.value.as_str())
    }

    /// True if an object with these fields is selected; a field that is not there counts as empty.
    pub fn matches<'a>(&self, get: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|r| (get(&r.field).unwrap_or_default() == r.value) == r.equal)
    }
}

/// Splits at commas that no backslash precedes.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

/// Field, whether it must equal, and the value as written.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    let at = term.char_indices().map(|(at, _)| at).find(|at| {
        let rest = &term[*at..];
        rest.starts_with('=') || rest.starts_with("!=")
    })?;
    let rest = &term[at..];
    let (equal, value) = match (rest.strip_prefix("!="), rest.strip_prefix("==")) {
        (Some(value), _) => (false, value),
        (None, Some(value)) => (true, value),
        (None, None) => (true, &rest[1..]),
    };
    Some((&term[..at], equal, value))
}

fn unescape(value: &str) -> Result<String, String> {
    let mut out = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => out.push(escaped),
                Some(other) => return Err(format!("invalid field selector: invalid escape sequence: \\{other}")),
                None => return Err("invalid field selector: invalid escape sequence: \\".into()),
            },
            ',' | '=' => {
                return Err(format!("invalid field selector: unescaped character in value: {}", u32::from(letter)));
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terms_must_all_hold() {
        let selector = FieldSelector::parse("metadata.name=a,status.phase!=Running").unwrap();
        let get = |phase: &'static str| move |field: &str| Some(if field == "metadata.name" { "a" } else { phase });
        assert!(selector.matches(get("Pending")));
        assert!(!selector.matches(get("Running")));
        assert_eq!(selector.exact("metadata.name"), Some("a"));
        assert_eq!(selector.exact("status.phase"), None);
        assert!(FieldSelector::parse("x==").unwrap().matches(|_| None));
    }

    #[test]
    fn escapes_are_undone() {
        let selector = FieldSelector::parse(r"a=x\,y\=z\\").unwrap();
        assert_eq!(selector.requirements[0].value, r"x,y=z\");
    }

    #[test]
    fn errors_are_those_of_the_real_server() {
        assert_eq!(FieldSelector::parse("foo").unwrap_err(), "invalid selector: 'foo'; can't understand 'foo'");
        assert_eq!(FieldSelector::parse(r"a=\b").unwrap_err(), r"invalid field selector: invalid escape sequence: \b");
        assert_eq!(
            FieldSelector::parse("a=b=c").unwrap_err(),
            "invalid field selector: unescaped character in value: 61"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r"[a-z=!,\\é.]{0,24}") {
            let _ = FieldSelector::parse(&text);
        }

        #[test]
        fn an_escaped_value_comes_back(value in r"[a-z=,\\]{0,12}") {
            let escaped = value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
            let selector = FieldSelector::parse(&format!("f={escaped}")).unwrap();
            prop_assert_eq!(&selector.requirements[0].value, &value);
        }
    }
}
