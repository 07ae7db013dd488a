//! Names of fields as names of variables: `maxItems` is `max_items`. The rules, with their oddities, are operator-sdk's, as
//! roles are written for what comes out.

use serde_json::{Map, Value};

/// Words that are words in whatever case their neighbours are.
const WORDS: [&str; 3] = ["HTTP", "URL", "IP"];

/// The map with all names of members in snake case, those of maps in it too.
pub fn members(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter().map(|(key, value)| (name(key), inner(value))).collect()
}

fn inner(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(members(map)),
        Value::Array(items) => Value::Array(items.iter().map(inner).collect()),
        other => other.clone(),
    }
}

/// A name in snake case. One that begins with a capital letter gets an underscore in front.
pub fn name(text: &str) -> String {
    let text = spaced_numbers(text);
    let text = text.trim_matches(' ');
    let capital = text.starts_with(|c: char| c.is_ascii_uppercase());
    let parts = parts(&WORDS.iter().fold(text.to_string(), |text, word| apart(text, word)));
    let word = WORDS.iter().any(|word| parts[0].eq_ignore_ascii_case(word));
    format!("{}{}", if capital && !word { "_" } else { "" }, parts.join("_"))
}

/// Puts spaces around numbers between letters, if another number follows: `a1b2` is `a 1 b2`.
fn spaced_numbers(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let digits = |from: usize| chars[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let letter = |at: usize| chars.get(at).is_some_and(char::is_ascii_alphabetic);
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        let number = if letter(at) { digits(at + 1) } else { 0 };
        let after = at + 1 + number;
        if number > 0 && letter(after) && digits(after + 1) > 0 {
            let end = after + 1 + digits(after + 1);
            let part = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
            out.push_str(&[part(at, at + 1), part(at + 1, after), part(after, end)].join(" "));
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// Puts underscores around the first appearance of a word, an `s` of the plural included.
fn apart(text: String, word: &str) -> String {
    let Some(at) = text.find(word) else { return text };
    let (before, rest) = (&text[..at], &text[at + word.len()..]);
    let front = |ends: bool| if before.is_empty() && !ends { "" } else { "_" };
    match rest.strip_prefix('s') {
        _ if rest.is_empty() => format!("{before}{}{word}", front(true)),
        Some("") => format!("{before}{}{word}S", front(true)),
        Some(rest) => format!("{before}{}{word}S_{rest}", front(false)),
        None => format!("{before}{}{word}_{rest}", front(false)),
    }
}

/// The words of a name: they end at spaces, underscores and dashes, and where letters change their case. In a row of capital
/// letters the last one belongs to what follows.
fn parts(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut parts = Vec::new();
    let mut part = String::new();
    for (at, &c) in chars.iter().enumerate() {
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        let (falls, rises) =
            (c.is_ascii_uppercase() && next.is_ascii_lowercase(), c.is_ascii_lowercase() && next.is_ascii_uppercase());
        if " _-".contains(c) {
            parts.push(std::mem::take(&mut part));
        } else if falls && !part.is_empty() {
            parts.push(std::mem::replace(&mut part, c.to_string()));
        } else if rises && !part.is_empty() {
            part.push(c);
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    parts.into_iter().map(|part| part.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_those_that_operator_sdk_gives() {
        for (from, to) in [
            ("var", "var"),
            ("888", "888"),
            ("k8s_var", "k8s_var"),
            ("_k8s_var", "_k8s_var"),
            ("k8s var", "k8s_var"),
            ("maxItems", "max_items"),
            ("ThisShouldHaveUnderscores", "_this_should_have_underscores"),
            ("sizeK8sBuckets", "size_k8s_buckets"),
            ("_CanYou_Handle_mixedVars", "_can_you_handle_mixed_vars"),
            ("storage-class", "storage_class"),
            ("JSONData", "_json_data"),
            ("fooBARBaz", "foo_bar_baz"),
            ("egressIPs", "egress_ips"),
            ("egressIPsEgress", "egress_ips_egress"),
            ("egressIPsegress", "egress_ips_egress"),
            ("IPsegress", "_ips_egress"),
            ("egressIP", "egress_ip"),
            ("egressIPEgress", "egress_ip_egress"),
            ("egressIPegress", "egress_ip_egress"),
            ("URLegressIPEgressHTTP", "url_egress_ip_egress_http"),
            ("URLsegressIPsEgressHTTPs", "_urls_egress_ips_egress_https"),
            ("aB", "ab"),
            ("a1b2", "a_1_b2"),
            ("größeÄ", "größeä"),
            ("", ""),
        ] {
            assert_eq!(name(from), to, "{from}");
        }
    }

    #[test]
    fn maps_in_maps_and_lists_are_renamed_and_values_stay() {
        let from = json!({"maxSize": 3, "theList": [{"oneName": "aB"}], "theMap": {"keyOne": true}});
        let to = json!({"max_size": 3, "the_list": [{"one_name": "aB"}], "the_map": {"key_one": true}});
        assert_eq!(Value::Object(members(from.as_object().unwrap())), to);
    }
}
