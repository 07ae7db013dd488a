//! Whether a chart's template can render differently from the same values.
//!
//! A template is *steady* if what it renders follows from the chart, the values, the release's name and its namespace alone. Then
//! nothing has to be rendered to know that a release is what it should be. One that asks for the time, for random numbers, for
//! keys, for objects or capabilities of the cluster, or for the number of the release's revision is not. The test errs on the
//! side of rendering: a word is enough, wherever in an action it stands.

/// Functions of helm's templates whose result does not follow from their arguments.
const FUNCTIONS: [&str; 18] = [
    "ago",
    "bcrypt",
    "buildCustomCert",
    "date",
    "dateInZone",
    "date_in_zone",
    "encryptAES",
    "env",
    "expandenv",
    "getHostByName",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "lookup",
    "now",
    "shuffle",
    "uuidv4",
    "derivePassword",
];

/// What in the template keeps it from being steady; `None`: it is.
pub fn unsteady(template: &str) -> Option<String> {
    let mut rest = template;
    while let Some(begin) = rest.find("{{") {
        let action = &rest[begin + 2..];
        let (inside, length) = action_length(action);
        if let Some(found) = in_action(&action[..inside]) {
            return Some(found);
        }
        rest = &action[length..];
    }
    None
}

/// How much of the text is of the action that has begun, and how much it takes with its closing braces. Of a comment nothing is.
/// Braces in quotes close nothing.
fn action_length(text: &str) -> (usize, usize) {
    let body = text.trim_start_matches('-').trim_start();
    if body.starts_with("/*") {
        return (0, text.find("*/").map_or(text.len(), |at| at + 2));
    }
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some('"' | '\'') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if text[at..].starts_with("}}") => return (at, at + 2),
            None => {}
        }
    }
    (text.len(), text.len())
}

/// Whether the template can render values, or files of the chart, as templates.
pub fn renders_values(template: &str) -> bool {
    let mut words = words(template);
    words.any(|(_, word, _)| word == "tpl")
}

fn in_action(action: &str) -> Option<String> {
    words(action).find_map(|(before, word, after)| {
        let field = before == Some('.');
        if word == "Release" {
            let name = after.strip_prefix('.').map(|rest| rest.split(|c| !is_word(c)).next().unwrap_or_default());
            return match name {
                Some("Name" | "Namespace" | "Service") => None,
                Some(name) if !name.is_empty() => Some(format!(".Release.{name}")),
                _ => Some(".Release".into()),
            };
        }
        if word == "Capabilities" {
            return Some(".Capabilities".into());
        }
        let function = FUNCTIONS.contains(&word) || word.starts_with("rand") || word.starts_with("gen");
        (function && !field && before != Some('$')).then(|| word.to_string())
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The words of a text, each with the character before it and all that follows.
fn words(text: &str) -> impl Iterator<Item = (Option<char>, &str, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at + text[at..].find(is_word)?;
        let end = text[begin..].find(|c| !is_word(c)).map_or(text.len(), |length| begin + length);
        at = end;
        Some((text[..begin].chars().next_back(), &text[begin..end], &text[end..]))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_follows_from_values_is_steady() {
        for template in [
            "replicas: {{ .Values.replicaCount }}",
            "now: {{ .Values.now | default .Chart.AppVersion | quote }} # rand",
            "{{- printf \"%s-%s\" .Release.Name .Chart.Name | trunc 63 -}}{{ $.Release.Namespace }}{{ .Release.Service }}",
            "{{- /* lookup is not used */ -}}",
            "{{ $now := 1 }}{{ $now }}",
            "{{ include \"x.labels\" . | nindent 4 }} lookup {{ .Files.Get \"a\" }}",
        ] {
            assert_eq!(unsteady(template), None, "{template}");
        }
    }

    #[test]
    fn what_depends_on_more_is_not() {
        for (template, why) in [
            ("{{ randAlphaNum 10 }}", "randAlphaNum"),
            ("{{ now | date \"2006\" }}", "now"),
            ("{{ (lookup \"v1\" \"Secret\" .Release.Namespace \"x\").data }}", "lookup"),
            ("{{ genCA \"x\" 1 }}", "genCA"),
            ("{{ .Release.Revision }}", ".Release.Revision"),
            ("{{ if $.Release.IsInstall }}a{{ end }}", ".Release.IsInstall"),
            ("{{ with .Release }}{{ .Revision }}{{ end }}", ".Release"),
            ("{{ index .Release \"Revision\" }}", ".Release"),
            ("{{ .Capabilities.KubeVersion.Version }}", ".Capabilities"),
            ("{{ \"a }} b\" }}{{ uuidv4 }}", "uuidv4"),
            ("{{ \"}}\" | cat now }}", "now"),
            ("{{/* }} */}}{{ uuidv4 }}", "uuidv4"),
            ("{{ now", "now"),
        ] {
            assert_eq!(unsteady(template).as_deref(), Some(why), "{template}");
        }
        assert!(renders_values("{{ tpl .Values.x . }}") && !renders_values("{{ template \"x\" }}"));
    }

    proptest! {
        #[test]
        fn an_unsteady_function_is_found_wherever_it_is_called(before in "[^{}]{0,20}", inside in "[a-z .|()]{0,10}") {
            prop_assume!(!inside.ends_with(|c: char| is_word(c) || c == '.'));
            let template = format!("{before}{{{{ {inside}uuidv4 }}}}");
            prop_assert!(unsteady(&template).is_some());
        }
    }
}
