//! `$NAME` and `${NAME}` in texts, by the rules of Go's `os.ExpandEnv`, which operator-sdk uses.

/// The text with variables replaced by what `value` says of them: it is told a variable's name, and how it is written.
pub fn expand(text: &str, value: impl Fn(&str, &str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let (name, length) = name(&rest[at + 1..]);
        if name.is_empty() && length == 0 {
            // A dollar that begins nothing stands for itself; `${}` and a brace that is not closed go.
            out.push('$');
        } else if !name.is_empty() {
            out.push_str(&value(name, &rest[at..at + 1 + length]));
        }
        rest = &rest[at + 1 + length..];
    }
    out.push_str(rest);
    out
}

/// The name that a text after a dollar begins with, and how much of the text it takes.
fn name(text: &str) -> (&str, usize) {
    let special = |c: char| c.is_ascii_digit() || "*#$@!?-".contains(c);
    let Some(first) = text.chars().next() else { return ("", 0) };
    if first == '{' {
        return match text.find('}') {
            Some(end) => (&text[1..end], end + 1),
            None => ("", 1),
        };
    }
    if special(first) {
        return (&text[..1], 1);
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    (&text[..end], end)
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn variables_are_replaced_as_go_does() {
        let value = |name: &str, _: &str| if name == "IMAGE" { "memcached:1".into() } else { String::new() };
        for (text, expected) in [
            ("$IMAGE", "memcached:1"),
            ("${IMAGE}-x", "memcached:1-x"),
            ("a $MISSING b", "a  b"),
            ("costs 5$", "costs 5$"),
            ("$ x", "$ x"),
            ("${}x", "x"),
            ("${x", "x"),
            ("$IMAGE/$IMAGE", "memcached:1/memcached:1"),
            ("日$IMAGE本", "日memcached:1本"),
        ] {
            assert_eq!(expand(text, value), expected, "{text}");
        }
    }

    #[test]
    fn how_a_variable_is_written_is_told() {
        assert_eq!(expand("a ${NAME} $NAME, $5", |_, written| format!("<{written}>")), "a <${NAME}> <$NAME>, <$5>");
    }
}
